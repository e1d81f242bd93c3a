/*
 * For the tests of carriers: listeners and diallers on loopback, frames that
 * can be told apart, and bare sockets of libzmq.
 */
#include "tests/carrier.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "session/clock.h"
#include "tests/net.h"

const struct session_carrier_options usual = {
    .liveness_ms = 30000,
    .unresponsive_ms = 300000,
    .stranger_max = FRAME_MAX,
    .frame_max = FRAME_MAX,
};

make_carrier *make_listener, *make_dialler;

bool is_zmtp(void)
{
	return make_listener == session_carrier_zmtp_new;
}

struct session_carrier *carrier_new_with(
    make_carrier *make, const struct session_carrier_options *o)
{
	struct session_carrier *c = NULL;

	assert_int_equal(make(&c, o), 0);
	return c;
}

struct early early;

int next_event(struct session_carrier *c, struct session_carrier_event *ev)
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

void carrier_free(struct session_carrier *c, int linger_ms)
{
	if (c && c == early.listener) {
		for (size_t i = 0; i < early.n; i++)
			if (early.ev[i].type == SESSION_CARRIER_FRAME)
				session_frame_free(early.ev[i].frame);
		memset(&early, 0, sizeof(early));
	}
	session_carrier_free(c, linger_ms);
}

struct session_carrier *carrier_new(void)
{
	return carrier_new_with(make_dialler, &usual);
}

struct session_carrier *listener_new_with(
    char endpoint[64], const struct session_carrier_options *o)
{
	struct session_carrier *c = carrier_new_with(make_listener, o);

	snprintf(endpoint, 64, "tcp://127.0.0.1:%d", net_free_port());
	assert_int_equal(session_carrier_listen(c, endpoint), 0);
	memset(&early, 0, sizeof(early));
	early.listener = c;
	return c;
}

struct session_carrier *listener_new(char endpoint[64])
{
	return listener_new_with(endpoint, &usual);
}

bool event_within(struct session_carrier *c, struct session_carrier_event *ev,
		  int limit_ms)
{
	const int64_t limit = session_now_ms() + limit_ms;
	int err, left;

	for (;;) {
		err = next_event(c, ev);
		if (err == 0)
			return true;
		assert_int_equal(err, PARLEY_ERR_AGAIN);
		if (session_now_ms() >= limit)
			return false;
		left = (int)(limit - session_now_ms());
		if (session_carrier_deadline(c) < session_now_ms() + left)
			left = (int)(session_carrier_deadline(c) -
				     session_now_ms());
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

struct session_carrier_event expect(struct session_carrier *c,
				    enum session_carrier_event_type type)
{
	struct session_carrier_event ev;

	if (!event_within(c, &ev, LIMIT_MS))
		fail_msg("no event, where type %d was due", (int)type);
	if (ev.type != type)
		fail_msg("event of type %d, not %d", (int)ev.type, (int)type);
	return ev;
}

void expect_nothing(struct session_carrier *c)
{
	struct session_carrier_event ev;

	if (event_within(c, &ev, QUIET_MS))
		fail_msg("event of type %d, where none was due", (int)ev.type);
}

uint8_t pattern(size_t n, size_t i)
{
	return (uint8_t)(n * 13 + i);
}

int send_frame(struct session_carrier *c, struct session_conn *conn, size_t n,
	       size_t len)
{
	struct session_frame *f = session_frame_new(len);

	assert_non_null(f);
	for (size_t i = 0; i < len; i++)
		f->data[i] = pattern(n, i);
	return session_carrier_send(c, conn, f);
}

static char unmarked;

struct session_conn *expect_frame(struct session_carrier *c, size_t n,
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

struct session_conn *dial_up(struct session_carrier *c, const char *endpoint)
{
	struct session_conn *conn = NULL;

	assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
	assert_true(conn->dialled);
	assert_null(conn->user);
	assert_ptr_equal(expect(c, SESSION_CARRIER_UP).conn, conn);
	return conn;
}

void link_init(struct link *k)
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

void link_free(struct link *k)
{
	if (k->at_d)
		session_carrier_hangup(k->d, k->at_d);
	carrier_free(k->d, 0);
	carrier_free(k->l, 0);
}

void *raw_new(void *context, int type, const char *endpoint, bool bind)
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

int tcp_connect(const char *endpoint)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

bool readable(const struct session_carrier *c, int timeout_ms)
{
	struct pollfd p = {.fd = session_carrier_fd(c), .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

void drain(struct session_carrier *c)
{
	struct session_carrier_event ev;

	while (next_event(c, &ev) == 0)
		if (ev.type == SESSION_CARRIER_FRAME)
			session_frame_free(ev.frame);
}
