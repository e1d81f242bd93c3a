/*
 * The carrier over libzmq: what needs a listener with a thread of its own, or
 * its ROUTER.
 */
#include "tests/carrier.h"

#include <poll.h>

#include <zmq.h>

#include "session/carrier_zmq_conn.h"
#include "session/clock.h"
#include "tests/net.h"

/* Without waiting. */
static void expect_nothing_now(struct session_carrier *c)
{
	struct session_carrier_event ev;

	assert_int_equal(next_event(c, &ev), PARLEY_ERR_AGAIN);
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
 * Ends
 */

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

/*
 * Another connection, on ${k}->l the descriptor of one that just ended, has
 * said two bytes: a DEALER of ${*contextp}.  The first one goes to ${firstp},
 * hung up on if ${over}.  Frames are the next to be read, and ends after.
 */
static void *succeed(struct link *k, void **contextp,
		     struct session_conn **firstp, bool over)
{
	/* Same sockets in the same order: same descriptors. */
	void *context = zmq_ctx_new(), *raw;
	struct session_carrier_event ev;

	raw_say(context, k->endpoint, 1);
	ev = expect(k->l, SESSION_CARRIER_FRAME);
	session_frame_free(ev.frame);
	*firstp = ev.conn;
	ev.conn->user = k;
	if (over)
		session_carrier_hangup(k->l, ev.conn);
	zmq_ctx_term(context);
	poll(NULL, 0, 5); /* for the listener's end of it */
	*contextp = zmq_ctx_new();
	raw = raw_new(*contextp, ZMQ_DEALER, k->endpoint, false);
	assert_int_equal(zmq_send(raw, "\x0d\x0e", 2, 0), 2);
	poll(NULL, 0, 5);
	assert_int_equal(send_frame(k->l, k->at_l, 1, 10), 0);
	return raw;
}

/* ${second} of succeed() lives, and its end is told. */
static void assert_lives_and_ends(struct link *k, void *context, void *raw,
				  struct session_conn *second)
{
	assert_int_equal(zmq_send(raw, "\x27\x28", 2, 0), 2);
	assert_ptr_equal(expect_frame(k->l, 3, 2), second);
	zmq_close(raw);
	assert_ptr_equal(expect(k->l, SESSION_CARRIER_DOWN).conn, second);
	expect_nothing_now(k->l);
	zmq_ctx_term(context);
}

static void end_of_one_is_not_taken_for_that_of_its_successor(void **state)
{
	struct session_conn *first, *second;
	struct session_carrier_event ev;
	struct link k;

	(void)state;
	link_init(&k);
	for (int n = 0; n < 20; n++) {
		void *context, *raw = succeed(&k, &context, &first, false);

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
		assert_lives_and_ends(&k, context, raw, second);
	}
	link_free(&k);
}

static void end_after_a_hangup_is_not_told_and_not_its_successors(void **state)
{
	struct session_conn *first, *second;
	struct link k;

	(void)state;
	link_init(&k);
	for (int n = 0; n < 20; n++) {
		void *context, *raw = succeed(&k, &context, &first, true);

		second = expect_frame(k.l, 1, 2);
		assert_lives_and_ends(&k, context, raw, second);
	}
	link_free(&k);
}

/* The frame that waited behind an end is freed with the carrier. */
static void frame_behind_an_end_is_freed_with_the_carrier(void **state)
{
	struct session_carrier_event ev;
	struct session_conn *first;
	struct link k;

	(void)state;
	for (int n = 0; n < 10; n++) {
		void *context, *raw;

		link_init(&k);
		raw = succeed(&k, &context, &first, false);
		assert_true(event_within(k.l, &ev, LIMIT_MS));
		if (ev.type == SESSION_CARRIER_FRAME)
			session_frame_free(ev.frame);
		else
			assert_ptr_equal(ev.conn, first);
		link_free(&k);
		zmq_close(raw);
		zmq_ctx_term(context);
	}
}

/* Until the router of ${base} has something to be read. */
static void wait_for_more(struct session_carrier *base)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	const int64_t limit = session_now_ms() + LIMIT_MS;
	size_t len = sizeof(int);
	int events = 0;

	while (!(events & ZMQ_POLLIN)) {
		assert_true(session_now_ms() < limit);
		assert_int_equal(
		    zmq_getsockopt(c->router.socket, ZMQ_EVENTS, &events, &len),
		    0);
	}
}

/* A stranger who never stops does not keep back that another one ended. */
static void end_is_told_through_a_flood(void **state)
{
	enum { FLOOD = 50000, CONNS = 2 };
	void *context = zmq_ctx_new(), *raw;
	struct session_carrier_event ev;
	const int unlimited = 0;
	size_t n = 0;
	struct link k;

	(void)state;
	link_init(&k);
	raw = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(raw, ZMQ_LINGER, &unlimited, sizeof(unlimited));
	zmq_setsockopt(raw, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
	assert_int_equal(zmq_connect(raw, k.endpoint), 0);
	assert_int_equal(zmq_send(raw, "\x0d\x0e", 2, 0), 2);
	expect_frame(k.l, 1, 2);
	drain(k.l);
	assert_int_equal(session_carrier_settle(k.l), 0);
	session_carrier_hangup(k.d, k.at_d);
	k.at_d = NULL;
	assert_true(readable(k.l, LIMIT_MS));
	for (int i = 0; i < FLOOD; i++)
		assert_int_equal(zmq_send(raw, "\x0d\x0e", 2, 0), 2);
	wait_for_more(k.l);
	while (event_within(k.l, &ev, LIMIT_MS) &&
	       ev.type == SESSION_CARRIER_FRAME) {
		session_frame_free(ev.frame);
		n++;
		wait_for_more(k.l);
	}
	assert_int_equal(ev.type, SESSION_CARRIER_DOWN);
	assert_ptr_equal(ev.conn, k.at_l);
	assert_true(n <= (CONNS + 1) * SESSION_STRANGER_HWM + 2);
	zmq_close(raw);
	link_free(&k);
	zmq_ctx_term(context);
}

/*
 * Ends that are no carriers of ours
 */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_sent_before_the_end_come_before_down),
	    cmocka_unit_test(reused_descriptors_mix_nothing_up),
	    cmocka_unit_test(end_of_one_is_not_taken_for_that_of_its_successor),
	    cmocka_unit_test(
		end_after_a_hangup_is_not_told_and_not_its_successors),
	    cmocka_unit_test(frame_behind_an_end_is_freed_with_the_carrier),
	    cmocka_unit_test(end_is_told_through_a_flood),
	    cmocka_unit_test(stranger_who_names_itself_is_not_heard),
	};

	make_listener = make_dialler = session_carrier_zmq_new;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
