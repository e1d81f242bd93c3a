/*
 * One end of a connection for zmtp.py: the carrier that speaks ZMTP itself, or
 * libzmq.
 *
 *   zmtp-peer echo ENDPOINT FRAME_MAX UNRESPONSIVE_MS N
 *   zmtp-peer dial ENDPOINT FRAME_MAX UNRESPONSIVE_MS N COUNT SIZE [IDLE_MS]
 *   zmtp-peer zmq-echo ENDPOINT
 *   zmtp-peer zmq-dial ENDPOINT N COUNT SIZE
 *
 * "echo" listens for ${N} parties, prints "listening", and returns every
 * message to its sender. "dial" holds ${N} connections at once, idles, and
 * sends ${COUNT} messages of
 * ${SIZE} bytes over each, one at a time; it compares what returns and prints a
 * line of JSON.  SIZE -1 makes it reconnect for each of ${COUNT} messages.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <zmq.h>

#include <parley/err.h>

#include "session/carrier.h"

enum {
	LIMIT_MS = 60 * 1000,
	CONNS_MAX = 1000,
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "zmtp-peer: error: %s: %s\n", what, why);
	exit(1);
}

static struct session_carrier *carrier_new(char **argv, size_t n_parties)
{
	const struct session_carrier_options o = {
	    .n_parties = n_parties,
	    .liveness_ms = 15000,
	    .unresponsive_ms = atoi(argv[4]),
	    .stranger_max = strtoull(argv[3], NULL, 10),
	    .frame_max = strtoull(argv[3], NULL, 10),
	};
	struct session_carrier *c;
	int err = session_carrier_zmtp_new(&c, &o);

	if (err)
		die("carrier", parley_did_err_string(err));
	return c;
}

/* The next event within ${limit_us}. */
static bool next_event(struct session_carrier *c,
		       struct session_carrier_event *ev, int64_t limit_us)
{
	for (;;) {
		int err = session_carrier_next(c, ev);
		int64_t left = limit_us - now_us(), timer;

		if (err == 0)
			return true;
		if (err != PARLEY_ERR_AGAIN)
			die("next", parley_did_err_string(err));
		if (left <= 0)
			return false;
		left = left / 1000 + 1;
		timer = session_carrier_deadline(c);
		if (timer < INT64_MAX) {
			timer -= now_us() / 1000;
			left = timer < 0 ? 0 : timer < left ? timer : left;
		}
		err = session_carrier_wait(c, NULL, (int)left);
		if (err && err != PARLEY_ERR_AGAIN &&
		    err != PARLEY_ERR_INTERRUPTED)
			die("wait", parley_did_err_string(err));
	}
}

static int echo(char **argv)
{
	struct session_carrier *c =
	    carrier_new(argv, strtoull(argv[5], NULL, 10));
	int err = session_carrier_listen(c, argv[2]);
	static int known;
	int n_down = 0; /* a few are told, lest the pipe be full */

	if (err)
		die(argv[2], parley_did_err_string(err));
	puts("listening");
	fflush(stdout);
	for (;;) {
		struct session_carrier_event ev;

		if (!next_event(c, &ev, now_us() + 3600 * (int64_t)1000000))
			return 1;
		if (ev.type == SESSION_CARRIER_DOWN && n_down++ < 10) {
			printf("down: %s\n", ev.reason);
			fflush(stdout);
		} else if (ev.type == SESSION_CARRIER_FRAME) {
			if (!ev.conn->user)
				session_carrier_trust(
				    c, ev.conn, strtoull(argv[3], NULL, 10));
			ev.conn->user = &known;
			(void)session_carrier_send(c, ev.conn, ev.frame);
		}
	}
}

static uint8_t pattern(size_t n, size_t i)
{
	return (uint8_t)(n * 31 + i + (i >> 8) * 5);
}

static struct session_frame *make(size_t n, size_t len)
{
	struct session_frame *f = session_frame_new(len);

	if (!f)
		die("frame", "out of memory");
	for (size_t i = 0; i < len; i++)
		f->data[i] = pattern(n, i);
	return f;
}

static bool equal(const uint8_t *p, size_t len, size_t n, size_t expected_len)
{
	if (len != expected_len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (p[i] != pattern(n, i))
			return false;
	return true;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(int64_t *us, size_t n)
{
	qsort(us, n, sizeof(*us), by_value);
	printf("{\"n\": %zu, \"p50_us\": %" PRId64 ", \"p99_us\": %" PRId64
	       ", \"max_us\": %" PRId64 "}\n",
	       n, us[n / 2], us[n * 99 / 100], us[n - 1]);
}

static struct session_conn *dial_one(struct session_carrier *c,
				     const char *endpoint)
{
	struct session_conn *conn;
	int err = session_carrier_dial(c, endpoint, &conn);

	if (err)
		die(endpoint, parley_did_err_string(err));
	return conn;
}

static struct session_carrier_event expect(struct session_carrier *c,
					   enum session_carrier_event_type type)
{
	struct session_carrier_event ev;

	if (!next_event(c, &ev, now_us() + LIMIT_MS * (int64_t)1000))
		die("no event", type == SESSION_CARRIER_UP ? "UP" : "FRAME");
	if (ev.type == SESSION_CARRIER_DOWN)
		die("connection ended", ev.reason);
	if (ev.type != type)
		die("event", "of another type");
	return ev;
}

static int64_t exchange(struct session_carrier *c, struct session_conn *conn,
			size_t n, size_t len)
{
	struct session_frame *f = make(n, len);
	int64_t begin = now_us(), took;
	struct session_carrier_event ev;

	if (session_carrier_send(c, conn, f))
		die("send", "lost");
	ev = expect(c, SESSION_CARRIER_FRAME);
	took = now_us() - begin;
	if (ev.conn != conn || !equal(ev.frame->data, ev.frame->len, n, len))
		die("echo", "differs");
	session_frame_free(ev.frame);
	return took;
}

static int reconnect(struct session_carrier *c, const char *endpoint,
		     size_t count)
{
	int64_t *us = calloc(count, sizeof(*us));

	for (size_t i = 0; us && i < count; i++) {
		struct session_conn *conn;
		int64_t begin = now_us();

		conn = dial_one(c, endpoint);
		expect(c, SESSION_CARRIER_UP);
		exchange(c, conn, i, i % 300);
		us[i] = now_us() - begin;
		session_carrier_hangup(c, conn);
	}
	session_carrier_free(c, 0);
	if (us)
		report(us, count);
	free(us);
	return 0;
}

static int dial(int argc, char **argv)
{
	struct session_carrier *c = carrier_new(argv, 1);
	static struct session_conn *conns[CONNS_MAX];
	size_t n = strtoull(argv[5], NULL, 10),
	       count = strtoull(argv[6], NULL, 10);
	struct session_carrier_event ev;
	int64_t *us;

	if (strcmp(argv[7], "-1") == 0)
		return reconnect(c, argv[2], count);
	us = calloc(n * count, sizeof(*us));
	if (!us || n > CONNS_MAX)
		die("arguments", "too large");
	for (size_t i = 0; i < n; i++)
		conns[i] = dial_one(c, argv[2]);
	for (size_t i = 0; i < n; i++)
		expect(c, SESSION_CARRIER_UP);
	if (argc > 8 &&
	    next_event(c, &ev, now_us() + atoi(argv[8]) * (int64_t)1000))
		die("event while idle", ev.reason ? ev.reason : "not DOWN");
	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; i < n; i++)
			us[k * n + i] = exchange(c, conns[i], i + k,
						 strtoull(argv[7], NULL, 10));
	report(us, n * count);
	for (size_t i = 0; i < n; i++)
		session_carrier_hangup(c, conns[i]);
	session_carrier_free(c, 100);
	free(us);
	return 0;
}

_Noreturn static void zmq_echo(char **argv)
{
	void *context = zmq_ctx_new(), *s = zmq_socket(context, ZMQ_ROUTER);
	zmq_msg_t id, body;

	if (!s || zmq_bind(s, argv[2]))
		die(argv[2], zmq_strerror(errno));
	puts("listening");
	fflush(stdout);
	for (;;) {
		zmq_msg_init(&id);
		zmq_msg_init(&body);
		if (zmq_msg_recv(&id, s, 0) < 0 ||
		    zmq_msg_recv(&body, s, 0) < 0 ||
		    zmq_msg_send(&id, s, ZMQ_SNDMORE) < 0 ||
		    zmq_msg_send(&body, s, 0) < 0)
			die("zmq-echo", zmq_strerror(errno));
	}
}

static int zmq_dial(char **argv)
{
	static void *sockets[CONNS_MAX];
	size_t n = strtoull(argv[3], NULL, 10),
	       count = strtoull(argv[4], NULL, 10),
	       size = strtoull(argv[5], NULL, 10);
	void *context = zmq_ctx_new();
	int zero = 0, limit = LIMIT_MS;
	int64_t *us = calloc(n * count, sizeof(*us));

	if (!us || n > CONNS_MAX)
		die("arguments", "too large");
	for (size_t i = 0; i < n; i++) {
		sockets[i] = zmq_socket(context, ZMQ_DEALER);
		zmq_setsockopt(sockets[i], ZMQ_LINGER, &zero, sizeof(zero));
		zmq_setsockopt(sockets[i], ZMQ_RCVTIMEO, &limit, sizeof(limit));
		if (zmq_connect(sockets[i], argv[2]))
			die(argv[2], zmq_strerror(errno));
	}
	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; i < n; i++) {
			struct session_frame *f = make(i + k, size);
			int64_t begin = now_us();
			zmq_msg_t m;

			zmq_msg_init(&m);
			if (zmq_send(sockets[i], f->data, f->len, 0) < 0 ||
			    zmq_msg_recv(&m, sockets[i], 0) < 0)
				die("zmq-dial", zmq_strerror(errno));
			us[k * n + i] = now_us() - begin;
			if (!equal(zmq_msg_data(&m), zmq_msg_size(&m), i + k,
				   size))
				die("echo", "differs");
			zmq_msg_close(&m);
			session_frame_free(f);
		}
	report(us, n * count);
	for (size_t i = 0; i < n; i++)
		zmq_close(sockets[i]);
	zmq_ctx_term(context);
	free(us);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "echo") == 0)
		return echo(argv);
	if (argc >= 8 && strcmp(argv[1], "dial") == 0)
		return dial(argc, argv);
	if (argc == 3 && strcmp(argv[1], "zmq-echo") == 0)
		zmq_echo(argv);
	if (argc == 6 && strcmp(argv[1], "zmq-dial") == 0)
		return zmq_dial(argv);
	fputs("zmtp-peer: error: usage: see zmtp-peer.c\n", stderr);
	return 2;
}
