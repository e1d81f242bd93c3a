/*
 * Each carrier, on loopback: against another of its kind, against the other
 * kind, and against bare libzmq and TCP sockets.
 */
#include "session/carrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "tests/net.h"
#include "tests/test-session-vector.h"

enum {
	LIMIT_MS = 10000, /* for anything that must happen */
	QUIET_MS = 150,	  /* for what must not */
	FRAME_MAX = 100000,
};

static const struct session_carrier_options usual = {
    .liveness_ms = 30000,
    .unresponsive_ms = 300000,
    .stranger_max = FRAME_MAX,
    .frame_max = FRAME_MAX,
};

typedef int make_carrier(struct session_carrier **cp,
			 const struct session_carrier_options *o);

/* What the tests of a group make. */
static make_carrier *make_listener, *make_dialler;

static bool is_zmtp(void)
{
	return make_listener == session_carrier_zmtp_new;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct session_carrier *carrier_new_with(
    make_carrier *make, const struct session_carrier_options *o)
{
	struct session_carrier *c = NULL;

	assert_int_equal(make(&c, o), 0);
	return c;
}

/*
 * A listener that works in this thread must be called for others to get
 * through to it: what it tells meanwhile waits here.
 */
static struct {
	struct session_carrier *listener;
	struct session_carrier_event ev[64];
	size_t n;
} early;

static int next_event(struct session_carrier *c,
		      struct session_carrier_event *ev)
{
	if (c != early.listener || early.n == 0)
		return session_carrier_next(c, ev);
	*ev = early.ev[0];
	memmove(early.ev, early.ev + 1, --early.n * sizeof(*ev));
	return 0;
}

/* Not after an end: its connection lasts until the next call. */
static void serve_listener(void)
{
	while (early.listener && early.n < N_OF(early.ev) &&
	       (early.n == 0 ||
		early.ev[early.n - 1].type != SESSION_CARRIER_DOWN) &&
	       session_carrier_next(early.listener, &early.ev[early.n]) == 0)
		early.n++;
}

static void carrier_free(struct session_carrier *c, int linger_ms)
{
	if (c && c == early.listener) {
		for (size_t i = 0; i < early.n; i++)
			if (early.ev[i].type == SESSION_CARRIER_FRAME)
				session_frame_free(early.ev[i].frame);
		memset(&early, 0, sizeof(early));
	}
	session_carrier_free(c, linger_ms);
}

/* For those that dial, or do nothing. */
static struct session_carrier *carrier_new(void)
{
	return carrier_new_with(make_dialler, &usual);
}

/* Listens somewhere on loopback; the endpoint goes to ${endpoint}. */
static struct session_carrier *listener_new_with(
    char endpoint[64], const struct session_carrier_options *o)
{
	struct session_carrier *c = carrier_new_with(make_listener, o);

	snprintf(endpoint, 64, "tcp://127.0.0.1:%d", net_free_port());
	assert_int_equal(session_carrier_listen(c, endpoint), 0);
	memset(&early, 0, sizeof(early));
	early.listener = c;
	return c;
}

static struct session_carrier *listener_new(char endpoint[64])
{
	return listener_new_with(endpoint, &usual);
}

/* The next event within ${limit_ms}; false if there is none. */
static bool event_within(struct session_carrier *c,
			 struct session_carrier_event *ev, int limit_ms)
{
	const int64_t limit = now_ms() + limit_ms;
	int err, left;

	for (;;) {
		err = next_event(c, ev);
		if (err == 0)
			return true;
		assert_int_equal(err, PARLEY_ERR_AGAIN);
		if (now_ms() >= limit)
			return false;
		left = (int)(limit - now_ms());
		if (session_carrier_deadline(c) < now_ms() + left)
			left = (int)(session_carrier_deadline(c) - now_ms());
		if (left < 0)
			left = 0;
		if (c != early.listener && early.listener) {
			serve_listener();
			left = left < 5 ? left : 5;
		}
		err = session_carrier_wait(c, NULL, left);
		assert_true(err == 0 || err == PARLEY_ERR_AGAIN ||
			    err == PARLEY_ERR_INTERRUPTED);
	}
}

static struct session_carrier_event expect(struct session_carrier *c,
					   enum session_carrier_event_type type)
{
	struct session_carrier_event ev;

	if (!event_within(c, &ev, LIMIT_MS))
		fail_msg("no event, where type %d was due", (int)type);
	if (ev.type != type)
		fail_msg("event of type %d, not %d", (int)ev.type, (int)type);
	return ev;
}

static void expect_nothing(struct session_carrier *c)
{
	struct session_carrier_event ev;

	if (event_within(c, &ev, QUIET_MS))
		fail_msg("event of type %d, where none was due", (int)ev.type);
}

/* Without waiting. */
static void expect_nothing_now(struct session_carrier *c)
{
	struct session_carrier_event ev;

	assert_int_equal(next_event(c, &ev), PARLEY_ERR_AGAIN);
}

static uint8_t pattern(size_t n, size_t i)
{
	return (uint8_t)(n * 13 + i);
}

/* Frame ${n} of ${len} bytes. */
static int send_frame(struct session_carrier *c, struct session_conn *conn,
		      size_t n, size_t len)
{
	struct session_frame *f = session_frame_new(len);

	assert_non_null(f);
	for (size_t i = 0; i < len; i++)
		f->data[i] = pattern(n, i);
	return session_carrier_send(c, conn, f);
}

static char unmarked;

/* Frame ${n} of ${len} bytes comes; on which connection? */
static struct session_conn *expect_frame(struct session_carrier *c, size_t n,
					 size_t len)
{
	struct session_carrier_event ev = expect(c, SESSION_CARRIER_FRAME);

	if (ev.frame->len != len)
		fail_msg("frame %zu has %zu bytes, not %zu", n, ev.frame->len,
			 len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(ev.frame->data[i], pattern(n, i));
	session_frame_free(ev.frame);
	/* The end of one that its user does not know need not be told. */
	if (!ev.conn->user)
		ev.conn->user = &unmarked;
	return ev.conn;
}

static struct session_conn *dial_up(struct session_carrier *c,
				    const char *endpoint)
{
	struct session_conn *conn = NULL;

	assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
	assert_true(conn->dialled);
	assert_null(conn->user);
	assert_ptr_equal(expect(c, SESSION_CARRIER_UP).conn, conn);
	return conn;
}

/* A listener, a dialler, and a connection with a frame in each direction. */
struct link {
	char endpoint[64];
	struct session_carrier *l, *d;
	struct session_conn *at_l, *at_d;
};

static void link_init(struct link *k)
{
	k->l = listener_new(k->endpoint);
	k->d = carrier_new();
	k->at_d = dial_up(k->d, k->endpoint);
	assert_int_equal(send_frame(k->d, k->at_d, 1, 10), 0);
	k->at_l = expect_frame(k->l, 1, 10);
	assert_false(k->at_l->dialled);
	assert_ptr_equal(k->at_l->user, &unmarked);
	assert_int_equal(send_frame(k->l, k->at_l, 2, 20), 0);
	assert_ptr_equal(expect_frame(k->d, 2, 20), k->at_d);
}

/* Without the dialling end, if it is gone already. */
static void link_free(struct link *k)
{
	if (k->at_d)
		session_carrier_hangup(k->d, k->at_d);
	carrier_free(k->d, 0);
	carrier_free(k->l, 0);
}

static void *raw_new(void *context, int type, const char *endpoint, bool bind)
{
	void *s = zmq_socket(context, type);
	int zero = 0, limit = LIMIT_MS;

	assert_non_null(s);
	zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(s, ZMQ_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(
	    bind ? zmq_bind(s, endpoint) : zmq_connect(s, endpoint), 0);
	return s;
}

/* A DEALER that says ${n} (4 bytes) and goes, once that has left. */
static void raw_say(void *context, const char *endpoint, uint32_t n)
{
	void *s = zmq_socket(context, ZMQ_DEALER);

	assert_non_null(s);
	assert_int_equal(zmq_connect(s, endpoint), 0);
	assert_int_equal(zmq_send(s, &n, sizeof(n), 0), sizeof(n));
	zmq_close(s); /* lingers */
}

/*
 * Connecting
 */

static void dialling_where_nobody_listens_ends_in_down(void **state)
{
	struct session_carrier *c = carrier_new();
	struct session_carrier_event ev;
	struct session_conn *conn = NULL;
	char endpoint[64];

	(void)state;
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net_free_port());
	for (int n = 0; n < 3; n++) {
		assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
		assert_int_equal(send_frame(c, conn, 0, 1), PARLEY_ERR_LOST);
		ev = expect(c, SESSION_CARRIER_DOWN);
		assert_ptr_equal(ev.conn, conn);
		assert_string_equal(ev.reason, "cannot connect");
	}
	expect_nothing(c);
	carrier_free(c, 0);
}

static void address_in_use_is_told(void **state)
{
	struct session_carrier *a, *b = carrier_new();
	char endpoint[64];

	(void)state;
	a = listener_new(endpoint);
	assert_int_equal(session_carrier_listen(b, endpoint),
			 PARLEY_ERR_ADDRESS_IN_USE);
	assert_int_equal(session_carrier_listen(a, endpoint),
			 PARLEY_ERR_ADDRESS_IN_USE);
	carrier_free(a, 0);
	/* Now it is free. */
	assert_int_equal(session_carrier_listen(b, endpoint), 0);
	carrier_free(b, 0);
}

static void endpoint_that_cannot_be_is_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "tcp",
	    "tcp://",
	    "tcp://127.0.0.1",
	    "tcp://127.0.0.1:x",
	    "udp://127.0.0.1:7000",
	    "nothing://127.0.0.1:7000",
	};
	struct session_carrier *c = carrier_new();
	struct session_conn *conn;

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		assert_error(session_carrier_listen(c, bad[i]),
			     PARLEY_ERR_ENDPOINT, bad[i]);
		conn = NULL;
		assert_error(session_carrier_dial(c, bad[i], &conn),
			     PARLEY_ERR_ENDPOINT, bad[i]);
		assert_null(conn);
	}
	/* RFC 5737: an address that no machine has. */
	assert_int_equal(session_carrier_listen(c, "tcp://192.0.2.1:7000"),
			 PARLEY_ERR_ENDPOINT);
	expect_nothing(c);
	carrier_free(c, 0);
	carrier_free(NULL, 0);
}

static void names_and_several_endpoints_can_be_listened_at(void **state)
{
	struct session_carrier *d = carrier_new();
	struct session_carrier *l = carrier_new_with(make_listener, &usual);
	struct session_conn *conn;
	char endpoint[2][64];

	(void)state;
	early.listener = l;
	for (int i = 0; i < 2; i++) {
		snprintf(endpoint[i], 64, "tcp://%s:%d",
			 i ? "127.0.0.1" : "localhost", net_free_port());
		assert_int_equal(session_carrier_listen(l, endpoint[i]), 0);
	}
	for (size_t i = 0; i < 2; i++) {
		conn = dial_up(d, endpoint[i]);
		assert_int_equal(send_frame(d, conn, i, 5), 0);
		expect_frame(l, i, 5);
		session_carrier_hangup(d, conn);
		expect(l, SESSION_CARRIER_DOWN);
	}
	carrier_free(d, 0);
	carrier_free(l, 0);
}

/*
 * Frames
 */

static void frames_of_every_size_go_both_ways(void **state)
{
	static const size_t sizes[] = {
	    0,	 1,   2,    33,	   255,		  256,	    511,
	    512, 513, 8191, 65536, FRAME_MAX - 1, FRAME_MAX};
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t i = 0; i < N_OF(sizes); i++) {
		assert_int_equal(send_frame(k.d, k.at_d, i, sizes[i]), 0);
		assert_int_equal(send_frame(k.l, k.at_l, i + 1, sizes[i]), 0);
	}
	for (size_t i = 0; i < N_OF(sizes); i++) {
		assert_ptr_equal(expect_frame(k.l, i, sizes[i]), k.at_l);
		assert_ptr_equal(expect_frame(k.d, i + 1, sizes[i]), k.at_d);
	}
	link_free(&k);
}

static void many_frames_keep_their_order(void **state)
{
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t n = 0; n < 5000; n++) {
		assert_int_equal(send_frame(k.d, k.at_d, n, n % 700), 0);
		assert_int_equal(send_frame(k.l, k.at_l, n, n % 600), 0);
	}
	for (size_t n = 0; n < 5000; n++) {
		expect_frame(k.l, n, n % 700);
		expect_frame(k.d, n, n % 600);
	}
	expect_nothing(k.l);
	link_free(&k);
}

static void frame_may_be_kept_and_freed_later(void **state)
{
	struct session_carrier_event ev[50];
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t n = 0; n < N_OF(ev); n++)
		assert_int_equal(send_frame(k.d, k.at_d, n, 1000), 0);
	for (size_t n = 0; n < N_OF(ev); n++)
		ev[n] = expect(k.l, SESSION_CARRIER_FRAME);
	for (size_t n = 0; n < N_OF(ev); n++) {
		assert_int_equal(ev[n].frame->data[999], pattern(n, 999));
		session_frame_free(ev[n].frame);
	}
	link_free(&k);
}

static void two_connections_are_told_apart(void **state)
{
	struct session_conn *at_l[2], *second;
	struct link k;

	(void)state;
	link_init(&k);
	second = dial_up(k.d, k.endpoint);
	assert_int_equal(send_frame(k.d, second, 3, 3), 0);
	at_l[0] = k.at_l;
	at_l[1] = expect_frame(k.l, 3, 3);
	assert_ptr_not_equal(at_l[0], at_l[1]);
	assert_int_equal(send_frame(k.l, at_l[1], 4, 4), 0);
	assert_ptr_equal(expect_frame(k.d, 4, 4), second);
	assert_int_equal(send_frame(k.l, at_l[0], 5, 5), 0);
	assert_ptr_equal(expect_frame(k.d, 5, 5), k.at_d);
	session_carrier_hangup(k.d, second);
	link_free(&k);
}

/*
 * Ends
 */

static void hangup_of_the_dialler_is_noticed_by_the_listener(void **state)
{
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	k.at_l->user = &k;
	session_carrier_hangup(k.d, k.at_d);
	k.at_d = NULL;
	ev = expect(k.l, SESSION_CARRIER_DOWN);
	assert_ptr_equal(ev.conn, k.at_l);
	assert_ptr_equal(ev.conn->user, &k);
	assert_non_null(ev.reason);
	/* No event to the one who hung up. */
	expect_nothing(k.d);
	expect_nothing(k.l);
	link_free(&k);
}

static void end_of_the_listener_is_noticed_by_the_dialler(void **state)
{
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	carrier_free(k.l, 0);
	k.l = NULL;
	ev = expect(k.d, SESSION_CARRIER_DOWN);
	assert_ptr_equal(ev.conn, k.at_d);
	k.at_d = NULL;
	assert_string_equal(ev.reason, "connection closed");
	/* Until the next call it is still there, and refuses. */
	assert_int_equal(send_frame(k.d, ev.conn, 1, 1), PARLEY_ERR_LOST);
	expect_nothing(k.d);
	link_free(&k);
}

static void end_of_the_dialler_is_noticed_by_the_listener(void **state)
{
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	session_carrier_hangup(k.d, k.at_d);
	k.at_d = NULL;
	carrier_free(k.d, 0);
	k.d = NULL;
	ev = expect(k.l, SESSION_CARRIER_DOWN);
	assert_ptr_equal(ev.conn, k.at_l);
	assert_int_equal(send_frame(k.l, ev.conn, 1, 1), PARLEY_ERR_LOST);
	expect_nothing(k.l);
	link_free(&k);
}

static void frames_sent_before_the_end_come_before_down(void **state)
{
	struct session_carrier *c;
	struct session_conn *conn;
	void *context, *raw;
	char endpoint[64];

	(void)state;
	for (int round = 0; round < 20; round++) {
		/* To the listener, who looks only when all is over. */
		context = zmq_ctx_new();
		c = listener_new(endpoint);
		raw = zmq_socket(context, ZMQ_DEALER);
		assert_int_equal(zmq_connect(raw, endpoint), 0);
		assert_int_equal(zmq_send(raw, "\x0d\x0e", 2, 0), 2);
		conn = round % 2 ? expect_frame(c, 1, 2) : NULL;
		for (size_t n = 0; n < 100; n++)
			assert_int_equal(zmq_send(raw, "\x1a\x1b", 2, 0), 2);
		zmq_close(raw);
		zmq_ctx_term(context);
		if (!conn)
			conn = expect_frame(c, 1, 2);
		for (size_t n = 0; n < 100; n++)
			assert_ptr_equal(expect_frame(c, 2, 2), conn);
		assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
		expect_nothing_now(c);
		carrier_free(c, 0);

		/* To the dialler, who does so too.  (A DEALER that is bound
		 * speaks first.) */
		context = zmq_ctx_new();
		snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
			 net_free_port());
		raw = zmq_socket(context, ZMQ_DEALER);
		assert_int_equal(zmq_bind(raw, endpoint), 0);
		c = carrier_new();
		assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
		for (size_t n = 0; n < 100; n++)
			assert_int_equal(zmq_send(raw, "\x1a\x1b", 2, 0), 2);
		zmq_close(raw);
		zmq_ctx_term(context);
		assert_ptr_equal(expect(c, SESSION_CARRIER_UP).conn, conn);
		for (size_t n = 0; n < 100; n++)
			assert_ptr_equal(expect_frame(c, 2, 2), conn);
		assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
		carrier_free(c, 0);
	}
}

static void what_was_sent_before_a_hangup_has_a_moment_to_leave(void **state)
{
	struct session_carrier_event ev;
	struct session_conn *conn;
	size_t n_frames = 0;
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t n = 0; n < 20; n++) {
		conn = dial_up(k.d, k.endpoint);
		assert_int_equal(send_frame(k.d, conn, n, 30), 0);
		session_carrier_hangup(k.d, conn);
	}
	/* On a machine that is busy otherwise some may be late. */
	while (n_frames < 15) {
		assert_true(event_within(k.l, &ev, LIMIT_MS));
		if (ev.type == SESSION_CARRIER_FRAME) {
			session_frame_free(ev.frame);
			n_frames++;
		}
	}
	link_free(&k);
}

static void hung_up_accepted_connection_says_nothing_more(void **state)
{
	struct session_conn *second;
	struct link k;

	(void)state;
	link_init(&k);
	session_carrier_hangup(k.l, k.at_l);
	session_carrier_hangup(k.l, k.at_l); /* twice does no harm */
	assert_int_equal(send_frame(k.l, k.at_l, 1, 1), PARLEY_ERR_LOST);
	for (size_t n = 0; n < 10; n++) {
		/* It may be closed already. */
		int err = send_frame(k.d, k.at_d, n, 10);

		assert_true(err == 0 || err == PARLEY_ERR_LOST);
	}
	expect_nothing(k.l);
	/* Not even its end; others are not concerned. */
	session_carrier_hangup(k.d, k.at_d);
	second = dial_up(k.d, k.endpoint);
	k.at_d = second;
	assert_int_equal(send_frame(k.d, second, 7, 70), 0);
	expect_frame(k.l, 7, 70);
	expect_nothing(k.l);
	link_free(&k);
}

static void reused_descriptors_mix_nothing_up(void **state)
{
	enum { ROUNDS = 300 };
	void *context = zmq_ctx_new();
	struct session_carrier_event ev;
	size_t up = 0, down = 0;
	char seen[ROUNDS] = {0};
	struct link k; /* lives all the time */
	uint32_t said;

	(void)state;
	link_init(&k);
	k.at_l->user = &k;
	for (uint32_t n = 0; n < ROUNDS; n++) {
		raw_say(context, k.endpoint, n);
		/* The listener looks now and then only, so that some
		 * descriptors stand for several connections by then, and
		 * ends are known before what was said. */
		if (n % 7 != 6 && n != ROUNDS - 1)
			continue;
		while (event_within(k.l, &ev, n == ROUNDS - 1 ? LIMIT_MS : 0)) {
			if (ev.type == SESSION_CARRIER_DOWN) {
				/* Marked by its frame, and ends once. */
				assert_ptr_equal(ev.conn->user, seen);
				ev.conn->user = NULL;
				down++;
			} else {
				assert_int_equal(ev.type,
						 SESSION_CARRIER_FRAME);
				assert_null(ev.conn->user);
				ev.conn->user = seen;
				memcpy(&said, ev.frame->data, sizeof(said));
				assert_true(said < ROUNDS);
				assert_int_equal(seen[said]++, 0);
				session_frame_free(ev.frame);
				up++;
			}
			if (down == ROUNDS)
				break;
		}
	}
	assert_int_equal(up, ROUNDS);
	assert_int_equal(down, ROUNDS);
	expect_nothing(k.l);
	/* The one that stayed was not touched. */
	assert_int_equal(send_frame(k.d, k.at_d, 1, 11), 0);
	assert_ptr_equal(expect_frame(k.l, 1, 11), k.at_l);
	assert_ptr_equal(k.at_l->user, &k);
	assert_int_equal(send_frame(k.l, k.at_l, 2, 22), 0);
	assert_ptr_equal(expect_frame(k.d, 2, 22), k.at_d);
	/* Its end is still told. */
	session_carrier_hangup(k.d, k.at_d);
	k.at_d = NULL;
	assert_ptr_equal(expect(k.l, SESSION_CARRIER_DOWN).conn, k.at_l);
	zmq_ctx_term(context);
	link_free(&k);
}

static void end_of_one_is_not_taken_for_that_of_its_successor(void **state)
{
	struct session_conn *second;
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	for (int n = 0; n < 20; n++) {
		/* Same sockets in the same order: same descriptors. */
		void *context = zmq_ctx_new(), *raw;

		raw_say(context, k.endpoint, 1);
		ev = expect(k.l, SESSION_CARRIER_FRAME);
		ev.conn->user = &k; /* marks the first */
		session_frame_free(ev.frame);
		zmq_ctx_term(context);
		poll(NULL, 0, 5); /* for the listener's end of it */
		context = zmq_ctx_new();
		raw = raw_new(context, ZMQ_DEALER, k.endpoint, false);
		assert_int_equal(zmq_send(raw, "\x0d\x0e", 2, 0), 2);
		poll(NULL, 0, 5);
		/* Who sends reads frames first, and ends after. */
		assert_int_equal(send_frame(k.l, k.at_l, 1, 10), 0);
		assert_true(event_within(k.l, &ev, LIMIT_MS));
		second = NULL;
		for (int i = 0; i < 2; i++) {
			if (i)
				assert_true(event_within(k.l, &ev, LIMIT_MS));
			if (ev.type == SESSION_CARRIER_DOWN) {
				assert_ptr_equal(ev.conn->user, &k);
				continue;
			}
			second = ev.conn;
			assert_null(second->user);
			session_frame_free(ev.frame);
		}
		assert_non_null(second);
		/* The second lives, and its end is told as well. */
		assert_int_equal(zmq_send(raw, "\x27\x28", 2, 0), 2);
		assert_ptr_equal(expect_frame(k.l, 3, 2), second);
		zmq_close(raw);
		assert_ptr_equal(expect(k.l, SESSION_CARRIER_DOWN).conn,
				 second);
		expect_nothing_now(k.l);
		zmq_ctx_term(context);
	}
	link_free(&k);
}

/*
 * Ends that are no carriers of ours
 */

static void message_of_several_frames_is_dropped(void **state)
{
	void *context = zmq_ctx_new(), *raw;
	struct session_carrier *c;
	struct session_conn *conn;
	char endpoint[64], id[16];
	int id_len;

	(void)state;
	/* At the listener. */
	c = listener_new(endpoint);
	raw = raw_new(context, ZMQ_DEALER, endpoint, false);
	for (int parts = 2; parts < 6; parts++) {
		for (int i = 0; i < parts; i++)
			assert_int_equal(
			    zmq_send(raw, "part", 4,
				     i + 1 < parts ? ZMQ_SNDMORE : 0),
			    4);
		assert_int_equal(zmq_send(raw, "\x0d\x0e", 2, 0), 2);
		expect_frame(c, 1, 2);
	}
	expect_nothing(c);
	zmq_close(raw);
	expect(c, SESSION_CARRIER_DOWN);
	carrier_free(c, 0);

	/* At the dialler. */
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net_free_port());
	raw = raw_new(context, ZMQ_ROUTER, endpoint, true);
	c = carrier_new();
	conn = dial_up(c, endpoint);
	assert_int_equal(send_frame(c, conn, 1, 1), 0);
	id_len = zmq_recv(raw, id, sizeof(id), 0);
	assert_true(id_len > 0);
	assert_int_equal(zmq_recv(raw, endpoint, 1, 0), 1);
	for (int parts = 1; parts < 5; parts++) {
		assert_int_equal(zmq_send(raw, id, (size_t)id_len, ZMQ_SNDMORE),
				 id_len);
		for (int i = 0; i < parts; i++)
			assert_int_equal(
			    zmq_send(raw, "\x0d\x0e", 2,
				     i + 1 < parts ? ZMQ_SNDMORE : 0),
			    2);
	}
	expect_frame(c, 1, 2); /* the one of one frame */
	expect_nothing(c);
	session_carrier_hangup(c, conn);
	carrier_free(c, 0);
	zmq_close(raw);
	zmq_ctx_term(context);
}

static void frame_over_the_limit_ends_the_connection(void **state)
{
	void *context = zmq_ctx_new(), *raw;
	struct session_carrier *c;
	struct session_conn *conn;
	char endpoint[64], id[16];
	uint8_t *large = calloc(1, FRAME_MAX + 1);
	int id_len, never = -1;

	(void)state;
	/* At the listener. */
	c = listener_new(endpoint);
	raw = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(raw, ZMQ_RECONNECT_IVL, &never, sizeof(never));
	assert_int_equal(zmq_connect(raw, endpoint), 0);
	assert_int_equal(zmq_send(raw, "\x0d\x0e", 2, 0), 2);
	conn = expect_frame(c, 1, 2);
	assert_int_equal(zmq_send(raw, large, FRAME_MAX + 1, 0), FRAME_MAX + 1);
	assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
	expect_nothing(c);
	never = 0;
	zmq_setsockopt(raw, ZMQ_LINGER, &never, sizeof(never));
	zmq_close(raw);
	carrier_free(c, 0);

	/* At the dialler. */
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net_free_port());
	raw = raw_new(context, ZMQ_ROUTER, endpoint, true);
	c = carrier_new();
	conn = dial_up(c, endpoint);
	assert_int_equal(send_frame(c, conn, 1, 1), 0);
	id_len = zmq_recv(raw, id, sizeof(id), 0);
	assert_int_equal(zmq_recv(raw, endpoint, 1, 0), 1);
	assert_int_equal(zmq_send(raw, id, (size_t)id_len, ZMQ_SNDMORE),
			 id_len);
	assert_int_equal(zmq_send(raw, large, FRAME_MAX + 1, 0), FRAME_MAX + 1);
	assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
	expect_nothing(c);
	carrier_free(c, 0);
	zmq_close(raw);
	zmq_ctx_term(context);
	free(large);
}

static void stranger_who_names_itself_is_not_heard(void **state)
{
	static const char *const names[] = {"name", "12345", "x"};
	void *context = zmq_ctx_new(), *raw[3];
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t i = 0; i < 3; i++) {
		int zero = 0;

		raw[i] = zmq_socket(context, ZMQ_DEALER);
		zmq_setsockopt(raw[i], ZMQ_LINGER, &zero, sizeof(zero));
		zmq_setsockopt(raw[i], ZMQ_ROUTING_ID, names[i],
			       strlen(names[i]));
		assert_int_equal(zmq_connect(raw[i], k.endpoint), 0);
		assert_int_equal(zmq_send(raw[i], "x", 1, 0), 1);
	}
	/* Others are. */
	for (size_t n = 0; n < 20; n++) {
		assert_int_equal(send_frame(k.d, k.at_d, n, 5), 0);
		assert_ptr_equal(expect_frame(k.l, n, 5), k.at_l);
	}
	expect_nothing(k.l);
	for (size_t i = 0; i < 3; i++)
		zmq_close(raw[i]);
	expect_nothing(k.l);
	link_free(&k);
	zmq_ctx_term(context);
}

static int tcp_connect(const char *endpoint)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void stranger_on_tcp_is_no_event(void **state)
{
	static const char http[] = "GET / HTTP/1.0\r\n\r\n";
	struct link k;
	int fds[20];

	(void)state;
	link_init(&k);
	for (size_t i = 0; i < N_OF(fds); i++) {
		fds[i] = tcp_connect(k.endpoint);
		if (i % 2)
			assert_true(send(fds[i], http, sizeof(http) - 1,
					 MSG_NOSIGNAL) > 0);
	}
	expect_nothing(k.l);
	assert_int_equal(send_frame(k.d, k.at_d, 1, 5), 0);
	expect_frame(k.l, 1, 5);
	for (size_t i = 0; i < N_OF(fds); i++)
		close(fds[i]);
	expect_nothing(k.l);
	assert_int_equal(send_frame(k.d, k.at_d, 2, 5), 0);
	assert_ptr_equal(expect_frame(k.l, 2, 5), k.at_l);
	link_free(&k);
}

static void listener_that_is_no_zeromq_ends_in_down(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct session_carrier *c = carrier_new();
	struct session_conn *conn = NULL;
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other;
	char endpoint[64];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 ntohs(a.sin_port));
	assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
	other = accept(fd, NULL, NULL);
	assert_true(other >= 0);
	assert_true(send(other, "220 smtp.example.org\r\n", 22, MSG_NOSIGNAL) >
		    0);
	close(other);
	assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
	expect_nothing(c);
	close(fd);
	carrier_free(c, 0);
}

static void silent_peer_is_down_after_the_time_for_it(void **state)
{
	struct session_carrier_options o = usual;
	struct session_carrier *c = NULL;
	struct session_conn *conn;
	char endpoint[64], id[16];
	void *context = zmq_ctx_new(), *raw;
	int64_t begun;

	(void)state;
	/* A live one that has nothing to say is not silent: ZMTP's PING is
	 * answered by the I/O thread. */
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net_free_port());
	raw = raw_new(context, ZMQ_ROUTER, endpoint, true);
	o.liveness_ms = 300;
	c = carrier_new_with(make_dialler, &o);
	conn = dial_up(c, endpoint);
	assert_int_equal(send_frame(c, conn, 1, 1), 0);
	assert_true(zmq_recv(raw, id, sizeof(id), 0) > 0);
	begun = now_ms();
	while (now_ms() < begun + 800)
		expect_nothing(c);
	/* ... and the end of one is told. */
	zmq_close(raw);
	assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
	carrier_free(c, 0);
	zmq_ctx_term(context);
}

/*
 * Waiting
 */

static bool readable(const struct session_carrier *c, int timeout_ms)
{
	struct pollfd p = {.fd = session_carrier_fd(c), .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static void drain(struct session_carrier *c)
{
	struct session_carrier_event ev;

	while (next_event(c, &ev) == 0)
		if (ev.type == SESSION_CARRIER_FRAME)
			session_frame_free(ev.frame);
}

static void descriptor_is_readable_whenever_there_is_an_event(void **state)
{
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t n = 0; n < 100; n++) {
		drain(k.l);
		assert_int_equal(session_carrier_settle(k.l), 0);
		assert_int_equal(send_frame(k.d, k.at_d, n, 10), 0);
		assert_true(readable(k.l, LIMIT_MS));
		/* A send of its own may swallow what libzmq would tell, the
		 * more so when it has rested for a while. */
		poll(NULL, 0, 2);
		assert_int_equal(send_frame(k.l, k.at_l, n, 10), 0);
		for (;;) {
			assert_int_equal(session_carrier_settle(k.l), 0);
			if (!readable(k.l, 1000))
				fail_msg("frame %zu is slept over", n);
			if (next_event(k.l, &ev) == 0)
				break;
		}
		assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
		session_frame_free(ev.frame);
	}
	link_free(&k);
}

static void descriptor_rests_when_there_is_none(void **state)
{
	struct link k;
	int busy = 0;

	(void)state;
	link_init(&k);
	/* It may be readable now and then for nothing, but not for ever. */
	for (int n = 0; n < 50; n++) {
		drain(k.l);
		assert_int_equal(session_carrier_settle(k.l), 0);
		if (!readable(k.l, QUIET_MS))
			break;
		busy++;
	}
	assert_true(busy < 50);
	/* wait() ends with its time. */
	drain(k.l);
	while (session_carrier_wait(k.l, NULL, QUIET_MS) == 0)
		drain(k.l);
	assert_int_equal(session_carrier_wait(k.l, NULL, 0), PARLEY_ERR_AGAIN);
	link_free(&k);
}

static void end_with_everything_in_flight_loses_no_memory(void **state)
{
	struct session_conn *conn = NULL, *second = NULL;
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t n = 0; n < 200; n++) {
		assert_int_equal(send_frame(k.d, k.at_d, n, 10 * n), 0);
		assert_int_equal(send_frame(k.l, k.at_l, n, 10 * n), 0);
	}
	assert_int_equal(session_carrier_dial(k.d, k.endpoint, &second), 0);
	assert_int_equal(session_carrier_dial(k.d, "tcp://127.0.0.1:1", &conn),
			 0);
	session_carrier_hangup(k.d, conn);
	for (size_t n = 0; n < 5; n++)
		expect_frame(k.l, n, 10 * n);
	session_carrier_hangup(k.d, second);
	link_free(&k);
}

/*
 * What the carrier does that speaks ZMTP itself
 */

/* Greeting and READY of a DEALER, as any ZMTP 3.1 peer sends them. */
static const uint8_t hello[64 + 30] =
    "\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
    "DEALER";

/* A TCP connection that has said hello. */
static int raw_hello(const char *endpoint)
{
	int fd = tcp_connect(endpoint);

	assert_int_equal(send(fd, hello, sizeof(hello), MSG_NOSIGNAL),
			 sizeof(hello));
	return fd;
}

/* Has the other end closed ${fd}?  What it sends is read away. */
static bool raw_closed(int fd)
{
	uint8_t sink[1000];
	ssize_t n;

	while ((n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
		;
	return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Let ${c} work for ${ms}, in which it has nothing to tell. */
static void work(struct session_carrier *c, int ms)
{
	struct session_carrier_event ev;

	if (event_within(c, &ev, ms))
		fail_msg("event of type %d, where none was due", (int)ev.type);
}

static void wait_in_one_connection_hears_what_comes_there(void **state)
{
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t n = 0; n < 200; n++) {
		assert_int_equal(send_frame(k.d, k.at_d, n, n), 0);
		assert_int_equal(session_carrier_wait(k.l, k.at_l, LIMIT_MS),
				 0);
		assert_ptr_equal(expect_frame(k.l, n, n), k.at_l);
	}
	/* Its end, too. */
	session_carrier_hangup(k.d, k.at_d);
	k.at_d = NULL;
	do
		assert_int_equal(session_carrier_wait(k.l, k.at_l, LIMIT_MS),
				 0);
	while (session_carrier_next(k.l, &ev) == PARLEY_ERR_AGAIN);
	assert_int_equal(ev.type, SESSION_CARRIER_DOWN);
	link_free(&k);
}

static void wait_in_a_silent_connection_hears_the_others(void **state)
{
	struct session_conn *other;
	struct link k;

	(void)state;
	link_init(&k);
	other = dial_up(k.d, k.endpoint);
	for (size_t n = 0; n < 100; n++) {
		assert_int_equal(send_frame(k.d, other, n, 10), 0);
		assert_int_equal(session_carrier_wait(k.l, k.at_l, LIMIT_MS),
				 0);
		assert_ptr_not_equal(expect_frame(k.l, n, 10), k.at_l);
	}
	session_carrier_hangup(k.d, other);
	link_free(&k);
}

static void talk_in_one_connection_does_not_keep_others_out(void **state)
{
	struct session_carrier_event ev;
	struct session_conn *other;
	struct link k;
	bool up = false;

	(void)state;
	link_init(&k);
	assert_int_equal(session_carrier_dial(k.d, k.endpoint, &other), 0);
	for (size_t n = 0; n < 1000 && !up; n++) {
		assert_int_equal(send_frame(k.d, k.at_d, n, 10), 0);
		assert_int_equal(session_carrier_wait(k.l, k.at_l, LIMIT_MS),
				 0);
		assert_int_equal(session_carrier_next(k.l, &ev), 0);
		assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
		session_frame_free(ev.frame);
		up = session_carrier_next(k.d, &ev) == 0;
	}
	assert_true(up);
	assert_int_equal(ev.type, SESSION_CARRIER_UP);
	session_carrier_hangup(k.d, other);
	link_free(&k);
}

static void stranger_with_a_large_frame_is_closed_alone(void **state)
{
	struct session_carrier_options o = usual;
	struct session_carrier *l, *d;
	struct session_conn *conn[2], *at_l;
	char endpoint[64];

	(void)state;
	o.stranger_max = 99;
	l = listener_new_with(endpoint, &o);
	d = carrier_new();
	conn[0] = dial_up(d, endpoint);
	conn[1] = dial_up(d, endpoint);
	assert_int_equal(send_frame(d, conn[0], 1, 99), 0);
	at_l = expect_frame(l, 1, 99);
	at_l->user = conn;
	assert_int_equal(send_frame(d, conn[1], 2, 100), 0);
	/* Nobody had heard of it. */
	work(l, QUIET_MS);
	assert_ptr_equal(expect(d, SESSION_CARRIER_DOWN).conn, conn[1]);
	/* The other one may still say small things, and no large ones. */
	assert_int_equal(send_frame(d, conn[0], 3, 99), 0);
	assert_ptr_equal(expect_frame(l, 3, 99), at_l);
	assert_int_equal(send_frame(d, conn[0], 4, 100), 0);
	assert_ptr_equal(expect(l, SESSION_CARRIER_DOWN).conn, at_l);
	session_carrier_hangup(d, conn[0]);
	carrier_free(d, 0);
	carrier_free(l, 0);
}

static void trust_raises_what_may_be_sent(void **state)
{
	struct session_carrier_options o = usual;
	struct session_carrier *l, *d;
	struct session_conn *conn, *at_l;
	char endpoint[64];

	(void)state;
	o.stranger_max = 99;
	l = listener_new_with(endpoint, &o);
	d = carrier_new();
	conn = dial_up(d, endpoint);
	assert_int_equal(send_frame(d, conn, 1, 99), 0);
	at_l = expect_frame(l, 1, 99);
	at_l->user = l;
	session_carrier_trust(l, at_l, 5000);
	assert_int_equal(send_frame(d, conn, 2, 5000), 0);
	assert_ptr_equal(expect_frame(l, 2, 5000), at_l);
	session_carrier_trust(l, at_l, FRAME_MAX);
	assert_int_equal(send_frame(d, conn, 3, FRAME_MAX), 0);
	assert_ptr_equal(expect_frame(l, 3, FRAME_MAX), at_l);
	assert_int_equal(send_frame(d, conn, 3, FRAME_MAX + 1), 0);
	assert_ptr_equal(expect(l, SESSION_CARRIER_DOWN).conn, at_l);
	session_carrier_hangup(d, conn);
	carrier_free(d, 0);
	carrier_free(l, 0);
}

static void oldest_of_too_many_strangers_is_closed(void **state)
{
	enum { N = 300, KEPT = 256 };
	struct link k;
	int fds[N];
	size_t n_closed = 0;

	(void)state;
	link_init(&k);
	k.at_l->user = &k;
	session_carrier_trust(k.l, k.at_l, FRAME_MAX);
	for (size_t i = 0; i < N; i++) {
		fds[i] = raw_hello(k.endpoint);
		if (i % 50 == 49)
			work(k.l, 20);
	}
	work(k.l, QUIET_MS);
	for (size_t i = 0; i < N; i++) {
		bool closed = raw_closed(fds[i]);

		n_closed += closed;
		assert_int_equal(closed, i < N - KEPT);
	}
	assert_int_equal(n_closed, N - KEPT);
	/* The one that is trusted is the oldest of all, and lives. */
	assert_int_equal(send_frame(k.d, k.at_d, 1, 10), 0);
	assert_ptr_equal(expect_frame(k.l, 1, 10), k.at_l);
	for (size_t i = 0; i < N; i++)
		close(fds[i]);
	work(k.l, QUIET_MS);
	link_free(&k);
}

static void without_descriptors_it_waits_and_goes_on(void **state)
{
	enum { N = 60 };
	struct rlimit usual_limit, few;
	struct link k;
	int fds[N], turns = 0, last;
	int64_t begun;

	(void)state;
	link_init(&k);
	for (size_t i = 0; i < N; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
	}
	/* The kernel connects; there is no descriptor to accept with. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual_limit), 0);
	few = usual_limit;
	last = fds[N - 1];
	few.rlim_cur = (rlim_t)last + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (size_t i = 0; i < N; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET,
					.sin_addr.s_addr =
					    htonl(INADDR_LOOPBACK)};

		a.sin_port =
		    htons((uint16_t)atoi(strrchr(k.endpoint, ':') + 1));
		assert_int_equal(
		    connect(fds[i], (struct sockaddr *)&a, sizeof(a)), 0);
	}
	begun = now_ms();
	while (now_ms() < begun + 500) {
		struct session_carrier_event ev;

		assert_int_equal(next_event(k.l, &ev), PARLEY_ERR_AGAIN);
		(void)session_carrier_wait(k.l, NULL, 50);
		turns++;
	}
	assert_true(turns < 100);
	/* Others are served meanwhile. */
	assert_int_equal(send_frame(k.d, k.at_d, 1, 10), 0);
	assert_ptr_equal(expect_frame(k.l, 1, 10), k.at_l);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual_limit), 0);
	work(k.l, 300);
	/* All were accepted in the end: each was greeted. */
	for (size_t i = 0; i < N; i++) {
		uint8_t c;

		assert_int_equal(recv(fds[i], &c, 1, MSG_DONTWAIT), 1);
		assert_int_equal(c, 0xff);
		close(fds[i]);
	}
	work(k.l, QUIET_MS);
	link_free(&k);
}

static void half_a_greeting_is_closed_after_its_time(void **state)
{
	enum { STRANGER_MS = 10000 };
	int64_t begun = now_ms();
	struct link k;
	int fds[3];

	(void)state;
	link_init(&k);
	k.at_l->user = &k;
	fds[0] = tcp_connect(k.endpoint);
	assert_int_equal(send(fds[0], hello, 30, MSG_NOSIGNAL), 30);
	fds[1] = raw_hello(k.endpoint);
	fds[2] = raw_hello(k.endpoint);
	/* Half a frame is no frame. */
	assert_int_equal(send(fds[2], "\0\x05xy", 4, MSG_NOSIGNAL), 4);
	work(k.l, QUIET_MS);
	for (size_t i = 0; i < N_OF(fds); i++)
		assert_false(raw_closed(fds[i]));
	assert_true(session_carrier_deadline(k.l) <= now_ms() + STRANGER_MS);
	while (now_ms() < begun + STRANGER_MS + 300)
		work(k.l, 1000);
	for (size_t i = 0; i < N_OF(fds); i++) {
		assert_true(raw_closed(fds[i]));
		close(fds[i]);
	}
	assert_int_equal(send_frame(k.d, k.at_d, 1, 10), 0);
	assert_ptr_equal(expect_frame(k.l, 1, 10), k.at_l);
	link_free(&k);
}

static void staged_bytes_make_the_descriptor_readable(void **state)
{
	enum { N = 50 };
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	for (size_t n = 0; n < N; n++)
		assert_int_equal(send_frame(k.d, k.at_d, n, 10), 0);
	/* One read brings all of them; each time but one is fetched. */
	for (size_t n = 0; n < N; n++) {
		assert_int_equal(session_carrier_settle(k.l), 0);
		if (!readable(k.l, 1000))
			fail_msg("frame %zu is slept over", n);
		assert_true(event_within(k.l, &ev, LIMIT_MS));
		assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
		assert_int_equal(ev.frame->data[9], pattern(n, 9));
		session_frame_free(ev.frame);
	}
	drain(k.l);
	assert_int_equal(session_carrier_settle(k.l), 0);
	assert_false(readable(k.l, QUIET_MS));
	link_free(&k);
}

static void large_frames_that_nobody_reads_wait_and_arrive(void **state)
{
	enum { N = 200 };
	struct link k;
	size_t got[2] = {0};
	const int64_t limit = now_ms() + LIMIT_MS;

	(void)state;
	link_init(&k);
	/* 20 MB each way: more than the kernel takes. */
	for (size_t n = 0; n < N; n++) {
		assert_int_equal(send_frame(k.d, k.at_d, n, FRAME_MAX - n), 0);
		assert_int_equal(send_frame(k.l, k.at_l, n, FRAME_MAX - n), 0);
	}
	while (got[0] + got[1] < 2 * N && now_ms() < limit)
		for (int i = 0; i < 2; i++) {
			struct session_carrier_event ev;

			if (!event_within(i ? k.d : k.l, &ev, 0))
				continue;
			assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
			assert_int_equal(ev.frame->len, FRAME_MAX - got[i]);
			for (size_t at = 0; at < ev.frame->len; at += 997)
				assert_int_equal(ev.frame->data[at],
						 pattern(got[i], at));
			session_frame_free(ev.frame);
			got[i]++;
		}
	assert_int_equal(got[0], N);
	assert_int_equal(got[1], N);
	link_free(&k);
}

static void socket_of_another_type_is_refused(void **state)
{
	void *context = zmq_ctx_new(), *raw;
	struct session_carrier *c = carrier_new();
	struct session_conn *conn = NULL;
	char endpoint[64];

	(void)state;
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net_free_port());
	raw = raw_new(context, ZMQ_PUB, endpoint, true);
	assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
	assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
	expect_nothing(c);
	carrier_free(c, 0);
	zmq_close(raw);
	zmq_ctx_term(context);
}

/*
 * ipc://
 */

/* The endpoint of a socket in a new directory. */
static void make_ipc(char endpoint[64])
{
	char directory[] = "/tmp/parley-test-XXXXXX";

	assert_non_null(mkdtemp(directory));
	snprintf(endpoint, 64, "ipc://%s/s", directory);
}

static void remove_ipc(char endpoint[64])
{
	assert_int_equal(unlink(endpoint + strlen("ipc://")), 0);
	*strrchr(endpoint, '/') = '\0';
	assert_int_equal(rmdir(endpoint + strlen("ipc://")), 0);
}

static void ipc_carries_frames_and_is_closed_to_others(void **state)
{
	struct session_carrier *l, *d;
	struct session_conn *at_l, *at_d;
	char endpoint[64];
	struct stat st;

	(void)state;
	make_ipc(endpoint);
	l = carrier_new_with(make_listener, &usual);
	assert_int_equal(session_carrier_listen(l, endpoint), 0);
	assert_int_equal(stat(endpoint + strlen("ipc://"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	early.listener = l;
	d = carrier_new();
	at_d = dial_up(d, endpoint);
	assert_int_equal(send_frame(d, at_d, 1, FRAME_MAX), 0);
	at_l = expect_frame(l, 1, FRAME_MAX);
	assert_int_equal(send_frame(l, at_l, 2, 20), 0);
	assert_ptr_equal(expect_frame(d, 2, 20), at_d);
	session_carrier_hangup(d, at_d);
	assert_ptr_equal(expect(l, SESSION_CARRIER_DOWN).conn, at_l);
	carrier_free(d, 0);
	carrier_free(l, 0);
	remove_ipc(endpoint);
}

static void ipc_is_the_same_for_libzmq(void **state)
{
	void *context = zmq_ctx_new(), *dealer;
	struct session_carrier *l;
	struct session_conn *conn;
	char endpoint[64], reply[8];

	(void)state;
	make_ipc(endpoint);
	l = carrier_new_with(make_listener, &usual);
	assert_int_equal(session_carrier_listen(l, endpoint), 0);
	early.listener = l;
	dealer = raw_new(context, ZMQ_DEALER, endpoint, false);
	assert_int_equal(zmq_send(dealer, "\x0d\x0e\x0f", 3, 0), 3);
	conn = expect_frame(l, 1, 3);
	assert_int_equal(send_frame(l, conn, 2, 5), 0);
	assert_int_equal(zmq_recv(dealer, reply, sizeof(reply), 0), 5);
	zmq_close(dealer);
	carrier_free(l, 0);
	zmq_ctx_term(context);
	remove_ipc(endpoint);
}

static void ipc_that_cannot_be_is_told(void **state)
{
	struct session_carrier *c = carrier_new();
	struct session_conn *conn;
	char endpoint[200] = "ipc://";

	(void)state;
	assert_int_equal(session_carrier_listen(c, endpoint),
			 PARLEY_ERR_ENDPOINT);
	assert_int_equal(session_carrier_listen(c, "ipc:///proc/1/none"),
			 PARLEY_ERR_SYSTEM);
	memset(endpoint + 6, '/', 108); /* no room for the NUL */
	assert_int_equal(session_carrier_listen(c, endpoint),
			 PARLEY_ERR_ENDPOINT);
	assert_int_equal(session_carrier_dial(c, endpoint, &conn),
			 PARLEY_ERR_ENDPOINT);
	assert_int_equal(session_carrier_dial(c, "ipc:///nowhere/there", &conn),
			 0);
	assert_ptr_equal(expect(c, SESSION_CARRIER_DOWN).conn, conn);
	carrier_free(c, 0);
}

static int run(const char *name, make_carrier *listener, make_carrier *dialler)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dialling_where_nobody_listens_ends_in_down),
	    cmocka_unit_test(address_in_use_is_told),
	    cmocka_unit_test(endpoint_that_cannot_be_is_refused),
	    cmocka_unit_test(names_and_several_endpoints_can_be_listened_at),
	    cmocka_unit_test(frames_of_every_size_go_both_ways),
	    cmocka_unit_test(many_frames_keep_their_order),
	    cmocka_unit_test(frame_may_be_kept_and_freed_later),
	    cmocka_unit_test(two_connections_are_told_apart),
	    cmocka_unit_test(hangup_of_the_dialler_is_noticed_by_the_listener),
	    cmocka_unit_test(end_of_the_listener_is_noticed_by_the_dialler),
	    cmocka_unit_test(end_of_the_dialler_is_noticed_by_the_listener),
	    cmocka_unit_test(
		what_was_sent_before_a_hangup_has_a_moment_to_leave),
	    cmocka_unit_test(hung_up_accepted_connection_says_nothing_more),
	    cmocka_unit_test(message_of_several_frames_is_dropped),
	    cmocka_unit_test(frame_over_the_limit_ends_the_connection),
	    cmocka_unit_test(stranger_on_tcp_is_no_event),
	    cmocka_unit_test(listener_that_is_no_zeromq_ends_in_down),
	    cmocka_unit_test(silent_peer_is_down_after_the_time_for_it),
	    cmocka_unit_test(descriptor_is_readable_whenever_there_is_an_event),
	    cmocka_unit_test(descriptor_rests_when_there_is_none),
	    cmocka_unit_test(end_with_everything_in_flight_loses_no_memory),
	    cmocka_unit_test(large_frames_that_nobody_reads_wait_and_arrive),
	};
	/* These need a listener with a thread of its own, or its ROUTER. */
	const struct CMUnitTest libzmq_tests[] = {
	    cmocka_unit_test(stranger_who_names_itself_is_not_heard),
	    cmocka_unit_test(frames_sent_before_the_end_come_before_down),
	    cmocka_unit_test(reused_descriptors_mix_nothing_up),
	    cmocka_unit_test(end_of_one_is_not_taken_for_that_of_its_successor),
	};
	const struct CMUnitTest zmtp_tests[] = {
	    cmocka_unit_test(socket_of_another_type_is_refused),
	    cmocka_unit_test(wait_in_one_connection_hears_what_comes_there),
	    cmocka_unit_test(wait_in_a_silent_connection_hears_the_others),
	    cmocka_unit_test(talk_in_one_connection_does_not_keep_others_out),
	    cmocka_unit_test(stranger_with_a_large_frame_is_closed_alone),
	    cmocka_unit_test(trust_raises_what_may_be_sent),
	    cmocka_unit_test(oldest_of_too_many_strangers_is_closed),
	    cmocka_unit_test(without_descriptors_it_waits_and_goes_on),
	    cmocka_unit_test(half_a_greeting_is_closed_after_its_time),
	    cmocka_unit_test(staged_bytes_make_the_descriptor_readable),
	    cmocka_unit_test(ipc_carries_frames_and_is_closed_to_others),
	    cmocka_unit_test(ipc_is_the_same_for_libzmq),
	    cmocka_unit_test(ipc_that_cannot_be_is_told),
	};
	const struct CMUnitTest mixed_tests[] = {
	    cmocka_unit_test(names_and_several_endpoints_can_be_listened_at),
	    cmocka_unit_test(frames_of_every_size_go_both_ways),
	    cmocka_unit_test(many_frames_keep_their_order),
	    cmocka_unit_test(frame_may_be_kept_and_freed_later),
	    cmocka_unit_test(two_connections_are_told_apart),
	    cmocka_unit_test(hangup_of_the_dialler_is_noticed_by_the_listener),
	    cmocka_unit_test(end_of_the_listener_is_noticed_by_the_dialler),
	    cmocka_unit_test(end_of_the_dialler_is_noticed_by_the_listener),
	    cmocka_unit_test(
		what_was_sent_before_a_hangup_has_a_moment_to_leave),
	    cmocka_unit_test(hung_up_accepted_connection_says_nothing_more),
	    cmocka_unit_test(large_frames_that_nobody_reads_wait_and_arrive),
	    cmocka_unit_test(end_with_everything_in_flight_loses_no_memory),
	};

	make_listener = listener;
	make_dialler = dialler;
	print_message("%s\n", name);
	if (listener != dialler)
		return cmocka_run_group_tests(mixed_tests, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       (is_zmtp() ? cmocka_run_group_tests(zmtp_tests, NULL, NULL)
			  : cmocka_run_group_tests(libzmq_tests, NULL, NULL));
}

int main(void)
{
	make_carrier *zmtp = session_carrier_zmtp_new;
	make_carrier *zmq = session_carrier_zmq_new;

	return run("zmtp", zmtp, zmtp) + run("libzmq", zmq, zmq) +
		   run("libzmq dials zmtp", zmtp, zmq) +
		   run("zmtp dials libzmq", zmq, zmtp) >
	       0;
}
