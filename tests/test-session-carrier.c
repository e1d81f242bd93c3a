/*
 * Each carrier, on loopback: against another of its kind, against the other
 * kind, and against bare libzmq and TCP sockets.
 */
#include "tests/carrier.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "session/clock.h"
#include "tests/net.h"

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
	begun = session_now_ms();
	while (session_now_ms() < begun + 800)
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

static void large_frames_that_nobody_reads_wait_and_arrive(void **state)
{
	enum { N = 200 };
	struct link k;
	size_t got[2] = {0};
	const int64_t limit = session_now_ms() + LIMIT_MS;

	(void)state;
	link_init(&k);
	/* 20 MB each way: more than the kernel takes. */
	for (size_t n = 0; n < N; n++) {
		assert_int_equal(send_frame(k.d, k.at_d, n, FRAME_MAX - n), 0);
		assert_int_equal(send_frame(k.l, k.at_l, n, FRAME_MAX - n), 0);
	}
	while (got[0] + got[1] < 2 * N && session_now_ms() < limit)
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

static int run(const char *name, make_carrier *listener, make_carrier *dialler)
{
	const struct CMUnitTest same[] = {
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
	const struct CMUnitTest mixed[] = {
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
	return listener == dialler ? cmocka_run_group_tests(same, NULL, NULL)
				   : cmocka_run_group_tests(mixed, NULL, NULL);
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
