/*
 * The carrier that speaks ZMTP itself: who stalls or floods it, waits in one
 * connection, and ipc.
 */
#include "tests/carrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "session/carrier_zmtp_conn.h"
#include "session/clock.h"
#include "tests/net.h"

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

/* raw_hello() from 127.0.0.${last}. */
static int raw_hello_from(const char *endpoint, uint8_t last)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr =
				    htonl(INADDR_LOOPBACK - 1 + last)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(send(fd, hello, sizeof(hello), MSG_NOSIGNAL),
			 sizeof(hello));
	return fd;
}

/* The first ones are few, and of several addresses; then one has many. */
static void few_strangers_outlive_many_of_one_address(void **state)
{
	enum { FEW = 5, N = 300, KEPT = 256 };
	struct session_carrier *l;
	char endpoint[64];
	int fds[N];
	size_t n_few = 0, n_closed = 0;

	(void)state;
	l = listener_new(endpoint);
	for (size_t i = 0; i < N; i++) {
		fds[i] =
		    raw_hello_from(endpoint, i < FEW ? (uint8_t)(2 + i) : 1);
		if (i % 50 == 49)
			work(l, 20);
	}
	work(l, QUIET_MS);
	for (size_t i = 0; i < N; i++) {
		bool closed = raw_closed(fds[i]);

		n_closed += closed;
		n_few += closed && i < FEW;
		/* Of the many the oldest go. */
		if (i >= FEW + N - KEPT)
			assert_false(closed);
	}
	assert_int_equal(n_closed, N - KEPT);
	/* One may share a counter with the many, by chance. */
	assert_true(n_few <= 1);
	for (size_t i = 0; i < N; i++)
		close(fds[i]);
	work(l, QUIET_MS);
	carrier_free(l, 0);
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
	begun = session_now_ms();
	while (session_now_ms() < begun + 500) {
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
	int64_t begun = session_now_ms();
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
	assert_true(session_carrier_deadline(k.l) <=
		    session_now_ms() + STRANGER_MS);
	while (session_now_ms() < begun + STRANGER_MS + 300)
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

/* Read what there is on ${fd}, until it ends with ${len} bytes ${end}. */
static void raw_hear(struct session_carrier *c, int fd, const void *end,
		     size_t len)
{
	const int64_t limit = session_now_ms() + LIMIT_MS;
	uint8_t got[1000];
	size_t n = 0;
	ssize_t r;

	while (n < len || memcmp(got + n - len, end, len) != 0) {
		assert_true(session_now_ms() < limit);
		work(c, 10);
		r = recv(fd, got + n, sizeof(got) - n, MSG_DONTWAIT);
		if (r > 0)
			n += (size_t)r;
	}
}

static void a_ping_is_answered_with_its_context(void **state)
{
	static const uint8_t ping[] = "\x04\x0c\x04PING\x01\x02hello",
			     pong[] = "\x04\x0a\x04PONGhello";
	struct session_carrier *l;
	char endpoint[64];
	int fd;

	(void)state;
	l = listener_new(endpoint);
	fd = raw_hello(endpoint);
	assert_int_equal(send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL),
			 sizeof(ping) - 1);
	raw_hear(l, fd, pong, sizeof(pong) - 1);
	close(fd);
	carrier_free(l, 0);
}

/* Its kernel acknowledges, but the program does nothing. */
static void a_program_that_does_not_answer_is_given_up(void **state)
{
	static const uint8_t frame[] = "\0\x0a..........",
			     pong[] = "\x04\x05\x04PONG";
	struct session_carrier_options o = usual;
	struct session_carrier_event ev;
	struct session_conn *conn;
	struct session_carrier *l;
	char endpoint[64];
	int fd;

	(void)state;
	o.unresponsive_ms = 300;
	l = listener_new_with(endpoint, &o);
	fd = raw_hello(endpoint);
	assert_int_equal(send(fd, frame, sizeof(frame) - 1, MSG_NOSIGNAL),
			 sizeof(frame) - 1);
	assert_true(event_within(l, &ev, LIMIT_MS));
	assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
	session_frame_free(ev.frame);
	conn = ev.conn;
	conn->user = l;
	session_carrier_trust(l, conn, FRAME_MAX);
	/* Asked three times, it answers three times; and then no more. */
	for (int i = 0; i < 3; i++) {
		raw_hear(l, fd, "\x04\x07\x04PING\0\0", 9);
		assert_int_equal(send(fd, pong, sizeof(pong) - 1, MSG_NOSIGNAL),
				 sizeof(pong) - 1);
	}
	assert_true(event_within(l, &ev, LIMIT_MS));
	assert_int_equal(ev.type, SESSION_CARRIER_DOWN);
	assert_ptr_equal(ev.conn, conn);
	assert_string_equal(ev.reason, "silent");
	close(fd);
	carrier_free(l, 0);
}

/*
 * Hung up on with frames that its socket had no room for, the other end gets
 * all of them.  What it still sends is nobody's.
 */
static void what_was_sent_leaves_after_a_hangup(void **state)
{
	enum { N = 300, LEN = FRAME_MAX };
	static const uint8_t frames[] = "\0\0\0\x03xyz\0\0",
			     large[9 + 50000] = {
				 2, [7] = 50000 >> 8, [8] = 50000 & 0xff};
	const int64_t limit = session_now_ms() + LIMIT_MS;
	uint8_t sink[65536];
	struct session_carrier_event ev;
	struct session_conn *conn;
	struct session_carrier *l;
	char endpoint[64];
	size_t n = 0;
	ssize_t r = 0;
	int fd;

	(void)state;
	l = listener_new(endpoint);
	fd = raw_hello(endpoint);
	assert_int_equal(send(fd, "\0\x01x", 3, MSG_NOSIGNAL), 3);
	assert_true(event_within(l, &ev, LIMIT_MS));
	assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
	session_frame_free(ev.frame);
	conn = ev.conn;
	/* Greeting and READY. */
	assert_true(recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 64);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(send_frame(l, conn, i, LEN), 0);
	assert_true(session_carrier_queued(l, conn) > 0);
	session_carrier_hangup(l, conn);
	assert_int_equal(send(fd, frames, sizeof(frames) - 1, MSG_NOSIGNAL),
			 sizeof(frames) - 1);
	/* One of them is so large that it is read in place. */
	assert_int_equal(send(fd, large, sizeof(large), MSG_NOSIGNAL),
			 sizeof(large));
	assert_int_equal(send(fd, frames, sizeof(frames) - 1, MSG_NOSIGNAL),
			 sizeof(frames) - 1);
	do {
		assert_true(session_now_ms() < limit);
		while ((r = recv(fd, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
			n += (size_t)r;
		work(l, 1);
	} while (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
	/* Each frame behind its header. */
	assert_int_equal(n, N * (9 + (size_t)LEN));
	close(fd);
	carrier_free(l, 0);
}

/* What comes on a socket until its end. */
struct reader {
	pthread_t thread;
	int fd;
	size_t n;
};

static void *read_to_the_end(void *arg)
{
	struct reader *reader = arg;
	uint8_t sink[65536];
	ssize_t r;

	while ((r = recv(reader->fd, sink, sizeof(sink), 0)) > 0)
		reader->n += (size_t)r;
	return NULL;
}

/* ${*fdp} has said hello and a frame to ${l}, and heard its greeting. */
static struct session_conn *raw_link(struct session_carrier *l,
				     const char *endpoint, int *fdp)
{
	struct session_carrier_event ev;
	uint8_t sink[1000];

	*fdp = raw_hello(endpoint);
	assert_int_equal(send(*fdp, "\0\x01x", 3, MSG_NOSIGNAL), 3);
	assert_true(event_within(l, &ev, LIMIT_MS));
	assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
	session_frame_free(ev.frame);
	assert_true(recv(*fdp, sink, sizeof(sink), MSG_DONTWAIT) > 64);
	return ev.conn;
}

static void what_was_sent_leaves_while_the_carrier_is_freed(void **state)
{
	enum { N = 300, LEN = FRAME_MAX };
	struct session_carrier *l;
	struct session_conn *conn;
	struct reader reader = {0};
	char endpoint[64];

	(void)state;
	l = listener_new(endpoint);
	conn = raw_link(l, endpoint, &reader.fd);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(send_frame(l, conn, i, LEN), 0);
	assert_true(session_carrier_queued(l, conn) > 0);
	assert_int_equal(
	    pthread_create(&reader.thread, NULL, read_to_the_end, &reader), 0);
	carrier_free(l, LIMIT_MS);
	assert_int_equal(pthread_join(reader.thread, NULL), 0);
	assert_int_equal(reader.n, N * (9 + (size_t)LEN));
	close(reader.fd);
}

/*
 * Write on the socket of ${conn} until it takes no more.  It may take a little
 * where poll() does not yet say so.
 */
static size_t fill(const struct session_conn *conn)
{
	static const uint8_t zeros[65536];
	struct pollfd p = {
	    .fd = ((const struct session_carrier_zmtp_conn *)conn)->fd,
	    .events = POLLOUT};
	size_t n = 0, n_before;
	ssize_t r;

	do {
		n_before = n;
		for (size_t len = sizeof(zeros); len > 0; len /= 2)
			while ((r = send(p.fd, zeros, len,
					 MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
				n += (size_t)r;
		(void)poll(&p, 1, QUIET_MS);
	} while (n > n_before);
	return n;
}

/* Read ${len} bytes on ${fd} while ${c} works. */
static void raw_read(struct session_carrier *c, int fd, uint8_t *bytes,
		     size_t len)
{
	const int64_t limit = session_now_ms() + LIMIT_MS;
	size_t n = 0;
	ssize_t r;

	while (n < len) {
		assert_true(session_now_ms() < limit);
		r = recv(fd, bytes + n, len - n, MSG_DONTWAIT);
		if (r > 0)
			n += (size_t)r;
		else
			work(c, 1);
	}
}

static struct {
	struct session_frame frame;
	bool released;
} foreign;

static void release_foreign(struct session_frame *f)
{
	assert_ptr_equal(f, &foreign.frame);
	foreign.released = true;
}

/* A frame in memory of somebody else, as it comes from another carrier. */
static struct session_frame *foreign_new(uint8_t *data, size_t len)
{
	memset(&foreign, 0, sizeof(foreign));
	foreign.frame.data = data;
	foreign.frame.len = len;
	foreign.frame.release = release_foreign;
	foreign.frame.refs = 1;
	return &foreign.frame;
}

static void frame_in_foreign_memory_leaves_and_is_given_back(void **state)
{
	uint8_t data[] = "in foreign memory", got[2 + sizeof(data)], *filled;
	struct session_carrier *l;
	struct session_conn *conn;
	char endpoint[64];
	size_t n;
	int fd;

	(void)state;
	l = listener_new(endpoint);
	conn = raw_link(l, endpoint, &fd);
	assert_int_equal(
	    session_carrier_send(l, conn, foreign_new(data, sizeof(data))), 0);
	assert_true(foreign.released);
	raw_read(l, fd, got, sizeof(got));
	assert_memory_equal(got + 2, data, sizeof(data));
	/* It waits where the socket has no room, and is not lost. */
	n = fill(conn);
	assert_int_equal(
	    session_carrier_send(l, conn, foreign_new(data, sizeof(data))), 0);
	assert_false(foreign.released);
	assert_int_equal(session_carrier_queued(l, conn), sizeof(data));
	filled = malloc(n);
	assert_non_null(filled);
	raw_read(l, fd, filled, n);
	raw_read(l, fd, got, sizeof(got));
	assert_int_equal(got[0], 0);
	assert_int_equal(got[1], sizeof(data));
	assert_memory_equal(got + 2, data, sizeof(data));
	assert_true(foreign.released);
	free(filled);
	close(fd);
	carrier_free(l, 0);
}

/* Who asks and does not listen gets memory for eight answers. */
static void pings_of_one_that_does_not_read_are_answered_eight_times(
    void **state)
{
	enum { N = 20, ANSWERS = 8, PONG_LEN = 2 + 5 + 1 };
	uint8_t ping[] = "\x04\x08\x04PING\0\0?", pong[] = "\x04\x06\x04PONG?";
	struct session_carrier *l;
	struct session_conn *conn;
	uint8_t got[PONG_LEN], *filled;
	char endpoint[64];
	size_t n;
	int fd;

	(void)state;
	l = listener_new(endpoint);
	conn = raw_link(l, endpoint, &fd);
	n = fill(conn);
	for (uint8_t i = 0; i < N; i++) {
		ping[sizeof(ping) - 2] = i;
		assert_int_equal(send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL),
				 sizeof(ping) - 1);
	}
	work(l, QUIET_MS);
	filled = malloc(n);
	assert_non_null(filled);
	raw_read(l, fd, filled, n);
	free(filled);
	/* Then one more, which is behind the answers. */
	for (uint8_t i = 0; i <= ANSWERS; i++) {
		if (i == ANSWERS) {
			ping[sizeof(ping) - 2] = N;
			assert_int_equal(
			    send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL),
			    sizeof(ping) - 1);
		}
		raw_read(l, fd, got, sizeof(got));
		pong[PONG_LEN - 1] = i < ANSWERS ? i : N;
		assert_memory_equal(got, pong, PONG_LEN);
	}
	close(fd);
	carrier_free(l, 0);
}

static void more_endpoints_than_there_is_room_for_are_refused(void **state)
{
	struct session_carrier *l = carrier_new();
	char endpoint[64];

	(void)state;
	for (int i = 0; i <= SESSION_LISTENERS_MAX; i++) {
		snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
			 net_free_port());
		assert_int_equal(
		    session_carrier_listen(l, endpoint),
		    i < SESSION_LISTENERS_MAX ? 0 : PARLEY_ERR_TOO_LARGE);
	}
	carrier_free(l, 0);
}

static void ipv6_carries_frames_or_is_refused_where_there_is_none(void **state)
{
	const struct sockaddr_in6 a = {.sin6_family = AF_INET6,
				       .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct session_carrier *l, *d;
	struct session_conn *at_l, *at_d;
	char endpoint[64];
	bool any;
	int fd;

	(void)state;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	any = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
	if (fd >= 0)
		close(fd);
	l = carrier_new_with(make_listener, &usual);
	snprintf(endpoint, sizeof(endpoint), "tcp://[::1]:%d", net_free_port());
	if (!any) {
		assert_int_not_equal(session_carrier_listen(l, endpoint), 0);
		carrier_free(l, 0);
		return;
	}
	assert_int_equal(session_carrier_listen(l, endpoint), 0);
	early.listener = l;
	d = carrier_new();
	at_d = dial_up(d, endpoint);
	assert_int_equal(send_frame(d, at_d, 1, 100), 0);
	at_l = expect_frame(l, 1, 100);
	assert_int_equal(send_frame(l, at_l, 2, 20), 0);
	assert_ptr_equal(expect_frame(d, 2, 20), at_d);
	session_carrier_hangup(d, at_d);
	carrier_free(d, 0);
	carrier_free(l, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wait_in_one_connection_hears_what_comes_there),
	    cmocka_unit_test(wait_in_a_silent_connection_hears_the_others),
	    cmocka_unit_test(talk_in_one_connection_does_not_keep_others_out),
	    cmocka_unit_test(stranger_with_a_large_frame_is_closed_alone),
	    cmocka_unit_test(trust_raises_what_may_be_sent),
	    cmocka_unit_test(oldest_of_too_many_strangers_is_closed),
	    cmocka_unit_test(few_strangers_outlive_many_of_one_address),
	    cmocka_unit_test(without_descriptors_it_waits_and_goes_on),
	    cmocka_unit_test(half_a_greeting_is_closed_after_its_time),
	    cmocka_unit_test(staged_bytes_make_the_descriptor_readable),
	    cmocka_unit_test(socket_of_another_type_is_refused),
	    cmocka_unit_test(a_ping_is_answered_with_its_context),
	    cmocka_unit_test(a_program_that_does_not_answer_is_given_up),
	    cmocka_unit_test(what_was_sent_leaves_after_a_hangup),
	    cmocka_unit_test(what_was_sent_leaves_while_the_carrier_is_freed),
	    cmocka_unit_test(frame_in_foreign_memory_leaves_and_is_given_back),
	    cmocka_unit_test(
		pings_of_one_that_does_not_read_are_answered_eight_times),
	    cmocka_unit_test(more_endpoints_than_there_is_room_for_are_refused),
	    cmocka_unit_test(
		ipv6_carries_frames_or_is_refused_where_there_is_none),
	    cmocka_unit_test(ipc_carries_frames_and_is_closed_to_others),
	    cmocka_unit_test(ipc_is_the_same_for_libzmq),
	    cmocka_unit_test(ipc_that_cannot_be_is_told),
	};

	make_listener = make_dialler = session_carrier_zmtp_new;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
