/*
 * The running session: sending, receiving, waiting, closing, and what callers
 * are told when something is wrong.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/comm.h>

#include "session/session.h"
#include "tests/net.h"

/* The content of message ${k} from ${i} to ${j}: every byte depends on all. */
static void fill(uint8_t *p, size_t len, size_t i, size_t j, size_t k)
{
	uint32_t x = (uint32_t)(i * 7919 + j * 104729 + k * 1299709 + len);

	for (size_t n = 0; n < len; n++) {
		x = x * 1664525u + 1013904223u;
		p[n] = (uint8_t)(x >> 24);
	}
}

static bool is_filled(const uint8_t *p, size_t len, size_t i, size_t j,
		      size_t k)
{
	uint8_t *expected = malloc(len + 1);
	bool same;

	fill(expected, len, i, j, k);
	same = memcmp(expected, p, len) == 0;
	free(expected);
	return same;
}

static const size_t sizes[] = {0,      1,      19,	63,	64,
			       8191,   8192,   65535,	65536,	65537,
			       100000, 262144, 1000000, 3000000};
enum { N_SIZES = sizeof(sizes) / sizeof(*sizes) };

static void messages_of_all_sizes_arrive_in_order(void **state)
{
	static uint8_t buf[3000000];
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 3);
	net.o.recv_timeout_ms = 0;
	net.o.window = 16 * 1024 * 1024; /* nobody takes meanwhile */
	net_open(&net);
	for (size_t k = 0; k < N_SIZES; k++)
		for (size_t j = 1; j < 3; j++) {
			fill(buf, sizes[k], 0, j, k);
			assert_int_equal(parley_session_send(net.s[0], (int)j,
							     buf, sizes[k]),
					 0);
		}
	assert_int_equal(parley_session_flush(net.s[0]), 0);
	for (size_t j = 1; j < 3; j++)
		for (size_t k = 0; k < N_SIZES; k++) {
			net_recv(&net, j, 0, &msg, &len);
			assert_int_equal(len, sizes[k]);
			assert_true(is_filled(msg, len, 0, j, k));
		}
	net_free(&net);
}

static void a_burst_of_small_messages_travels_in_few_records(void **state)
{
	struct parley_party_stats before, after;
	uint8_t buf[32];
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	assert_int_equal(parley_session_stats(net.s[0], 1, &before), 0);
	for (size_t k = 0; k < 10000; k++) {
		fill(buf, sizeof(buf), 0, 1, k);
		assert_int_equal(
		    parley_session_send(net.s[0], 1, buf, sizeof(buf)), 0);
	}
	assert_int_equal(parley_session_flush(net.s[0]), 0);
	for (size_t k = 0; k < 10000; k++) {
		assert_int_equal(
		    parley_session_recv(net.s[1], 0, NULL, &msg, &len), 0);
		assert_int_equal(len, sizeof(buf));
		assert_true(is_filled(msg, len, 0, 1, k));
	}
	assert_int_equal(parley_session_stats(net.s[0], 1, &after), 0);
	assert_int_equal(after.messages_sent - before.messages_sent, 10000);
	assert_true(after.records_sent - before.records_sent <= 200);
	print_message("10000 messages of 32 bytes in %d records\n",
		      (int)(after.records_sent - before.records_sent));
	net_free(&net);
}

/* 10,000 records each way cross two boundaries of 4096 in each direction. */
static void the_ratchet_turns_under_load(void **state)
{
	struct parley_party_stats stats;
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	for (size_t k = 0; k < 10000; k++)
		for (int i = 0; i < 2; i++) {
			assert_int_equal(
			    parley_session_send(net.s[i], 1 - i, &k, sizeof(k)),
			    0);
			assert_int_equal(parley_session_flush(net.s[i]), 0);
			assert_int_equal(parley_session_recv(net.s[1 - i], i,
							     NULL, &msg, &len),
					 0);
			assert_memory_equal(msg, &k, sizeof(k));
		}
	assert_int_equal(parley_session_stats(net.s[0], 1, &stats), 0);
	assert_int_equal(stats.ratchets, 4);
	assert_true(stats.records_sent >= 10000);
	net_free(&net);
}

static void broadcast_reaches_everybody_else(void **state)
{
	struct net net;
	const void *msg;
	size_t len;
	int who;

	(void)state;
	net_init(&net, 4);
	net_open(&net);
	assert_int_equal(parley_session_broadcast(net.s[2], "hello", 5), 0);
	assert_int_equal(parley_session_flush(net.s[2]), 0);
	for (int i = 0; i < 4; i++) {
		if (i == 2)
			continue;
		assert_int_equal(
		    parley_session_recv(net.s[i], PARLEY_ANY, &who, &msg, &len),
		    0);
		assert_int_equal(who, 2);
		assert_int_equal(len, 5);
		assert_memory_equal(msg, "hello", 5);
	}
	net_free(&net);
}

/* Who has sent much does not keep those waiting who sent little. */
static void receiving_from_any_takes_turns(void **state)
{
	struct net net;
	const void *msg;
	size_t len;
	int who, first[3] = {-1, -1, -1};

	(void)state;
	net_init(&net, 3);
	net_open(&net);
	for (int k = 0; k < 1000; k++)
		assert_int_equal(parley_session_send(net.s[1], 0, "a", 1), 0);
	assert_int_equal(parley_session_send(net.s[2], 0, "b", 1), 0);
	assert_int_equal(parley_session_flush(net.s[1]), 0);
	assert_int_equal(parley_session_flush(net.s[2]), 0);
	/* Let all of it arrive first. */
	for (int i = 0; i < 50; i++) {
		struct pollfd p = {.fd = parley_session_fd(net.s[0]),
				   .events = POLLIN};

		assert_int_equal(parley_session_process(net.s[0]), 0);
		poll(&p, 1, 5);
	}
	for (int k = 0; k < 1001; k++) {
		assert_int_equal(
		    parley_session_recv(net.s[0], PARLEY_ANY, &who, &msg, &len),
		    0);
		if (first[who] < 0)
			first[who] = k;
	}
	assert_in_range(first[2], 0, 1);
	net_free(&net);
}

/*
 * Windows
 */

static void a_full_window_is_told_and_opens_again(void **state)
{
	uint8_t buf[1000] = {0};
	struct net net;
	const void *msg;
	size_t len, n = 0, got = 0;
	int err;

	(void)state;
	net_init(&net, 2);
	net.o.window = 64 * 1024;
	net.o.send_timeout_ms = 0;
	net_open(&net);
	while ((err = parley_session_send(net.s[0], 1, buf, sizeof(buf))) == 0)
		n++;
	assert_int_equal(err, PARLEY_ERR_AGAIN);
	assert_in_range(n, 60, 70);
	assert_non_null(strstr(parley_session_error(net.s[0]), "window"));
	/* The other side takes them, and there is room again. */
	while (got < n) {
		assert_int_equal(
		    parley_session_recv(net.s[1], 0, NULL, &msg, &len), 0);
		assert_int_equal(len, sizeof(buf));
		got++;
	}
	for (int i = 0; i < 100 && err; i++) {
		struct pollfd p = {.fd = parley_session_fd(net.s[0]),
				   .events = POLLIN};

		poll(&p, 1, 10);
		err = parley_session_send(net.s[0], 1, buf, sizeof(buf));
	}
	assert_int_equal(err, 0);
	net_free(&net);
}

struct burst {
	struct net *net;
	size_t self, bytes, n;
	int err;
};

/* Send everything to everybody first, then take everything. */
static void *burst_main(void *context)
{
	struct burst *b = context;
	struct parley_session *s = b->net->s[b->self];
	uint8_t *buf = malloc(b->bytes);
	const void *msg;
	size_t len;

	b->err = parley_session_wait(s);
	for (size_t k = 0; k < b->n && !b->err; k++)
		for (size_t j = 0; j < b->net->n && !b->err; j++) {
			if (j == b->self)
				continue;
			fill(buf, b->bytes, b->self, j, k);
			b->err = parley_session_send(s, (int)j, buf, b->bytes);
		}
	for (size_t j = 0; j < b->net->n && !b->err; j++)
		for (size_t k = 0; k < b->n && !b->err && j != b->self; k++) {
			b->err =
			    parley_session_recv(s, (int)j, NULL, &msg, &len);
			if (!b->err && (len != b->bytes ||
					!is_filled(msg, len, j, b->self, k)))
				b->err = 1;
		}
	if (!b->err)
		b->err = parley_session_close(s);
	free(buf);
	return NULL;
}

static void check_burst(size_t n_parties, size_t bytes, size_t n)
{
	struct burst b[8];
	pthread_t threads[8];
	struct net net;

	net_init(&net, n_parties);
	net.o.window = 1024 * 1024;
	net_start_all(&net);
	for (size_t i = 0; i < n_parties; i++) {
		b[i] = (struct burst){&net, i, bytes, n, 0};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, burst_main, &b[i]), 0);
	}
	for (size_t i = 0; i < n_parties; i++) {
		pthread_join(threads[i], NULL);
		if (b[i].err)
			fail_msg("party %zu: %d %s", i, b[i].err,
				 parley_session_error(net.s[i]));
	}
	net_free(&net);
}

/* Who does not wait may be in the middle of one when the window is full. */
static void a_message_that_was_begun_is_kept_and_arrives_whole(void **state)
{
	static uint8_t buf[3000000];
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net.o.send_timeout_ms = net.o.recv_timeout_ms = 0;
	net.o.window = 64 * 1024;
	net_open(&net);
	for (size_t k = 0; k < 2; k++) {
		fill(buf, sizeof(buf), 0, 1, k);
		assert_int_equal(
		    parley_session_send(net.s[0], 1, buf, sizeof(buf)), 0);
		assert_int_equal(parley_session_send(net.s[0], 1, "next", 4),
				 PARLEY_ERR_AGAIN);
		/* It was copied. */
		memset(buf, 0, sizeof(buf));
		net_recv(&net, 1, 0, &msg, &len);
		assert_int_equal(len, sizeof(buf));
		assert_true(is_filled(msg, len, 0, 1, k));
		assert_int_equal(parley_session_send(net.s[0], 1, "next", 4),
				 0);
		assert_int_equal(parley_session_flush(net.s[0]), 0);
		net_recv(&net, 1, 0, &msg, &len);
		assert_int_equal(len, 4);
	}
	/* One that never leaves is given up with the session. */
	assert_int_equal(parley_session_send(net.s[0], 1, buf, sizeof(buf)), 0);
	net_free(&net);
}

static void states_have_names(void **state)
{
	static const char *const names[] = {
	    "self",	   "connecting", "handshaking", "ready",
	    "interrupted", "lost",	 "closed",	"unknown"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(
		    parley_session_party_state_name((enum parley_party_state)i),
		    names[i]);
}

static void one_great_message_each_way_does_not_deadlock(void **state)
{
	(void)state;
	check_burst(3, 32 * 1024 * 1024, 1);
}

static void many_messages_each_way_beyond_the_window_do_not_deadlock(
    void **state)
{
	(void)state;
	check_burst(3, 1000, 16 * 1024);
}

/*
 * Ends
 */

static void *close_main(void *context)
{
	struct burst *b = context;

	b->err = parley_session_close(b->net->s[b->self]);
	return NULL;
}

static void what_was_accepted_arrives_though_the_sender_closes(void **state)
{
	static uint8_t buf[500000];
	struct burst b;
	pthread_t thread;
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	for (size_t k = 0; k < 5; k++) {
		fill(buf, sizeof(buf), 0, 1, k);
		assert_int_equal(
		    parley_session_send(net.s[0], 1, buf, sizeof(buf)), 0);
	}
	b = (struct burst){.net = &net, .self = 0};
	pthread_create(&thread, NULL, close_main, &b);
	for (size_t k = 0; k < 5; k++) {
		assert_int_equal(
		    parley_session_recv(net.s[1], 0, NULL, &msg, &len), 0);
		assert_int_equal(len, sizeof(buf));
		assert_true(is_filled(msg, len, 0, 1, k));
	}
	assert_int_equal(parley_session_recv(net.s[1], 0, NULL, &msg, &len),
			 PARLEY_ERR_CLOSED);
	assert_int_equal(parley_session_culprit(net.s[1]), 0);
	assert_int_equal(
	    parley_session_recv(net.s[1], PARLEY_ANY, NULL, &msg, &len),
	    PARLEY_ERR_CLOSED);
	assert_int_equal(parley_session_send(net.s[1], 0, "x", 1),
			 PARLEY_ERR_CLOSED);
	pthread_join(thread, NULL);
	assert_int_equal(b.err, 0);
	assert_int_equal(parley_session_party_state(net.s[1], 0),
			 PARLEY_PARTY_CLOSED);
	assert_int_equal(parley_session_close(net.s[1]), 0);
	net_free(&net);
}

static void closing_at_once_on_both_sides_is_clean(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++)
		check_burst(2 + (size_t)round % 3, 100, 10);
}

static void closing_says_what_was_not_acknowledged(void **state)
{
	struct net net;

	(void)state;
	net_init(&net, 2);
	net.o.close_timeout_ms = 200;
	net_open(&net);
	/* Party 1 never looks again. */
	assert_int_equal(parley_session_send(net.s[0], 1, "x", 1), 0);
	assert_int_equal(parley_session_close(net.s[0]),
			 PARLEY_ERR_UNDELIVERED);
	assert_non_null(strstr(parley_did_err_string(PARLEY_ERR_UNDELIVERED),
			       "not acknowledged"));
	assert_int_equal(parley_session_culprit(net.s[0]), 1);
	assert_non_null(
	    strstr(parley_session_error(net.s[0]), "not acknowledged"));
	net_free(&net);
}

/* Does every other party miss the last one? */
static bool last_is_lost(struct net *net, void *context)
{
	const int last = (int)net->n - 1;

	(void)context;
	for (int i = 0; i < last; i++)
		if (parley_session_party_state(net->s[i], last) !=
		    PARLEY_PARTY_LOST)
			return false;
	return true;
}

static void a_party_that_vanishes_is_named_at_every_survivor(void **state)
{
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 4);
	net.o.liveness_ms = 1000;
	net_open(&net);
	assert_int_equal(parley_session_send(net.s[3], 0, "last", 4), 0);
	assert_int_equal(parley_session_flush(net.s[3]), 0);
	assert_int_equal(parley_session_recv(net.s[0], 3, NULL, &msg, &len), 0);
	parley_session_free(net.s[3]);
	net.s[3] = NULL;
	/* All look at once: who does not is silent for the others. */
	assert_true(net_run(&net, last_is_lost, NULL, 10000));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    parley_session_recv(net.s[i], PARLEY_ANY, NULL, &msg, &len),
		    PARLEY_ERR_LOST);
		assert_int_equal(parley_session_culprit(net.s[i]), 3);
		assert_non_null(strstr(parley_session_error(net.s[i]), "'p3'"));
		assert_int_equal(parley_session_party_state(net.s[i], 3),
				 PARLEY_PARTY_LOST);
		assert_int_equal(parley_session_send(net.s[i], 3, "x", 1),
				 PARLEY_ERR_LOST);
	}
	/* The others go on. */
	assert_int_equal(parley_session_send(net.s[0], 1, "on", 2), 0);
	assert_int_equal(parley_session_flush(net.s[0]), 0);
	assert_int_equal(parley_session_recv(net.s[1], 0, NULL, &msg, &len), 0);
	net_free(&net);
}

static void giving_up_is_told_with_its_reason(void **state)
{
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 3);
	net_open(&net);
	parley_session_abort(net.s[1], "disk\x1b[31m full");
	for (int i = 0; i < 3; i += 2) {
		assert_int_equal(
		    parley_session_recv(net.s[i], 1, NULL, &msg, &len),
		    PARLEY_ERR_ABORTED);
		assert_non_null(
		    strstr(parley_session_error(net.s[i]), "disk?[31m full"));
	}
	assert_int_equal(parley_session_state(net.s[1]), PARLEY_SESSION_FAILED);
	net_free(&net);
}

/* Both ends keep the same, and nothing where they were not asked to. */
static void receipts_of_a_handshake_are_kept_when_asked_for(void **state)
{
	static const enum parley_receipt all[] = {PARLEY_RECEIPT_ACCEPT,
						  PARLEY_RECEIPT_CONFIRM,
						  PARLEY_RECEIPT_FINISHED};
	char signer[PARLEY_DID_SIZE], *message;
	const char *text[2][3], *none;
	struct net net;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net.o.keep_receipts = true;
	net_open(&net);
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(parley_session_receipt(net.s[i], 1 - i,
								all[k],
								&text[i][k]),
					 0);
		assert_int_equal(parley_session_receipt(net.s[i], 1 - i,
							(enum parley_receipt)3,
							&none),
				 PARLEY_ERR_ARGUMENT);
		assert_int_equal(
		    parley_session_receipt(net.s[i], i, all[0], &none),
		    PARLEY_ERR_NOT_FOUND);
		assert_int_equal(
		    parley_session_receipt(net.s[i], 2, all[0], &none),
		    PARLEY_ERR_ARGUMENT);
	}
	for (size_t k = 0; k < 3; k++)
		assert_string_equal(text[0][k], text[1][k]);
	/* Who dialled confirmed, and the other one had accepted. */
	for (size_t k = 0; k < 2; k++) {
		const size_t who =
		    (k == 1) == session_is_dialler(net.s[0], 1) ? 0 : 1;

		assert_int_equal(parley_comm_signed_unpack(&message, &len,
							   signer, text[0][k],
							   strlen(text[0][k])),
				 0);
		assert_string_equal(signer,
				    parley_did_identity_did(net.ids[who]));
		free(message);
	}
	net_free(&net);

	net_init(&net, 2);
	net_open(&net);
	assert_int_equal(parley_session_receipt(net.s[0], 1, all[0], &none),
			 PARLEY_ERR_NOT_FOUND);
	net_free(&net);
}

/*
 * Calls that are refused, limits of time
 */

static void wrong_calls_are_refused(void **state)
{
	struct parley_session_options o;
	struct parley_session *s = NULL;
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net_start(&net, 0);
	assert_int_equal(parley_session_send(net.s[0], 1, "x", 1),
			 PARLEY_ERR_STATE);
	assert_int_equal(parley_session_recv(net.s[0], 1, NULL, &msg, &len),
			 PARLEY_ERR_STATE);
	assert_int_equal(
	    parley_session_recv(net.s[0], PARLEY_ANY, NULL, &msg, &len),
	    PARLEY_ERR_STATE);
	assert_int_equal(parley_session_flush(net.s[0]), PARLEY_ERR_STATE);
	assert_int_equal(parley_session_ping(net.s[0], 1), PARLEY_ERR_STATE);
	net_open(&net);
	assert_int_equal(parley_session_send(net.s[0], 0, "x", 1),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_session_send(net.s[0], 2, "x", 1),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_session_send(net.s[0], -1, "x", 1),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_session_recv(net.s[0], 7, NULL, &msg, &len),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_session_stats(net.s[0], 2, NULL),
			 PARLEY_ERR_ARGUMENT);
	parley_session_options_init(&o);
	o.window = 1;
	assert_int_equal(parley_session_new(&s, net.agreement, net.ids[0], &o),
			 PARLEY_ERR_ARGUMENT);
	parley_session_free(s);
	parley_session_options_init(&o);
	o.size = 3;
	assert_int_equal(parley_session_new(&s, net.agreement, net.ids[0], &o),
			 PARLEY_ERR_ARGUMENT);
	parley_session_free(s);
	/* As of a later release, whose members would not be looked at. */
	parley_session_options_init(&o);
	o.size += 8;
	assert_int_equal(parley_session_new(&s, net.agreement, net.ids[0], &o),
			 PARLEY_ERR_ARGUMENT);
	parley_session_free(s);
	parley_session_options_init(&o);
	o.listen = "tcp://192.0.2.1:7000";
	assert_int_equal(parley_session_new(&s, net.agreement, net.ids[0], &o),
			 PARLEY_ERR_ENDPOINT);
	parley_session_free(s);
	net_free(&net);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void receiving_ends_when_its_time_is_over(void **state)
{
	struct net net;
	const void *msg;
	int64_t begun;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net.o.recv_timeout_ms = 150;
	net_open(&net);
	begun = now_ms();
	assert_int_equal(parley_session_recv(net.s[0], 1, NULL, &msg, &len),
			 PARLEY_ERR_AGAIN);
	assert_in_range(now_ms() - begun, 140, 5000);
	net_free(&net);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void a_signal_interrupts_a_wait(void **state)
{
	const struct sigaction action = {.sa_handler = on_alarm};
	const struct itimerval soon = {.it_value = {.tv_usec = 50000}};
	struct sigaction before;
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(parley_session_recv(net.s[0], 1, NULL, &msg, &len),
			 PARLEY_ERR_INTERRUPTED);
	sigaction(SIGALRM, &before, NULL);
	net_free(&net);
}

static void the_descriptor_is_silent_when_there_is_nothing_to_do(void **state)
{
	struct net net;
	struct pollfd p;
	int wakes = 0;

	(void)state;
	net_init(&net, 3);
	net_open(&net);
	/* The last acknowledgements of the opening are under way for a while.
	 */
	p = (struct pollfd){.fd = parley_session_fd(net.s[0]),
			    .events = POLLIN};
	for (int k = 0, quiet = 0; k < 60 && quiet < 5; k++) {
		for (int i = 0; i < 3; i++)
			assert_int_equal(parley_session_process(net.s[i]), 0);
		quiet = poll(&p, 1, 60) > 0 ? 0 : quiet + 1;
	}
	for (int k = 0; k < 5; k++) {
		wakes += poll(&p, 1, 60) > 0;
		assert_int_equal(parley_session_process(net.s[0]), 0);
	}
	assert_int_equal(wakes, 0);
	/* And speaks when there is. */
	assert_int_equal(parley_session_send(net.s[1], 0, "x", 1), 0);
	assert_int_equal(parley_session_flush(net.s[1]), 0);
	assert_int_equal(poll(&p, 1, 2000), 1);
	net_free(&net);
}

static bool answered(struct net *net, void *context)
{
	struct parley_party_stats stats;

	(void)context;
	parley_session_stats(net->s[0], 1, &stats);
	return stats.rtt_us > 0;
}

static void a_ping_is_answered_and_timed(void **state)
{
	struct parley_party_stats stats;
	struct net net;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	assert_int_equal(parley_session_ping(net.s[0], 1), 0);
	assert_true(net_run(&net, answered, NULL, 2000));
	assert_int_equal(parley_session_stats(net.s[0], 1, &stats), 0);
	assert_in_range(stats.rtt_us, 1, 2000000);
	assert_true(stats.handshake_us > 0);
	net_free(&net);
}

/* Party ${i} of ${n} in a process of its own: all add up i * i. */
static void add_up(struct net *net, size_t i, size_t n)
{
	uint64_t sum = i * i, theirs, expected = 0;
	const void *msg;
	size_t len;
	int bad;

	for (size_t k = 0; k < n; k++)
		expected += k * k;
	net_start(net, i);
	bad = parley_session_wait(net->s[i]) ||
	      parley_session_broadcast(net->s[i], &sum, sizeof(sum));
	for (size_t j = 0; j < n && !bad; j++) {
		if (j == i)
			continue;
		bad =
		    parley_session_recv(net->s[i], (int)j, NULL, &msg, &len) ||
		    len != sizeof(theirs);
		if (!bad) {
			memcpy(&theirs, msg, len);
			sum += theirs;
		}
	}
	bad = bad || parley_session_close(net->s[i]) || sum != expected;
	parley_session_free(net->s[i]);
	_exit(bad ? 1 : 0);
}

/* In one thread: neither may wait for the other. */
static void a_session_ends_step_by_step_without_waiting(void **state)
{
	struct net net;
	const void *msg;
	size_t len;
	int err[2] = {PARLEY_ERR_AGAIN, PARLEY_ERR_AGAIN};
	const int64_t limit = now_ms() + 60 * 1000;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	assert_int_equal(parley_session_send(net.s[0], 1, "last", 4), 0);
	assert_int_equal(parley_session_finish(net.s[0]), PARLEY_ERR_AGAIN);
	assert_int_equal(parley_session_state(net.s[0]),
			 PARLEY_SESSION_CLOSING);
	net_recv(&net, 1, 0, &msg, &len);
	assert_int_equal(len, 4);
	while ((err[0] || err[1]) && now_ms() < limit)
		for (int i = 0; i < 2; i++) {
			if (!err[i])
				continue;
			err[i] = parley_session_finish(net.s[i]);
			assert_true(!err[i] || err[i] == PARLEY_ERR_AGAIN);
		}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(err[i], 0);
		assert_int_equal(parley_session_state(net.s[i]),
				 PARLEY_SESSION_CLOSED);
		assert_int_equal(parley_session_finish(net.s[i]), 0);
	}
	net_free(&net);
}

static bool has_received_two(struct net *net, void *context)
{
	struct parley_party_stats stats;

	(void)context;
	assert_int_equal(parley_session_stats(net->s[1], 0, &stats), 0);
	return stats.messages_received == 2;
}

static bool has_lost_first(struct net *net, void *context)
{
	(void)context;
	return parley_session_party_state(net->s[1], 0) == PARLEY_PARTY_LOST;
}

static void taking_does_not_look_at_the_network(void **state)
{
	struct parley_party_stats stats;
	struct net net;
	const void *msg;
	size_t len;
	int who;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	for (int k = 0; k < 2; k++)
		assert_int_equal(parley_session_send(net.s[0], 1, &k, 1), 0);
	assert_int_equal(parley_session_flush(net.s[0]), 0);
	assert_int_equal(
	    parley_session_take(net.s[1], PARLEY_ANY, NULL, &msg, &len),
	    PARLEY_ERR_AGAIN);
	assert_int_equal(parley_session_stats(net.s[1], 0, &stats), 0);
	assert_int_equal(stats.messages_received, 0);
	assert_true(net_run(&net, has_received_two, NULL, 60 * 1000));
	assert_int_equal(
	    parley_session_take(net.s[1], PARLEY_ANY, &who, &msg, &len), 0);
	assert_int_equal(who, 0);
	assert_int_equal(parley_session_take(net.s[1], 0, NULL, &msg, &len), 0);
	assert_int_equal(len, 1);
	assert_int_equal(parley_session_take(net.s[1], 0, NULL, &msg, &len),
			 PARLEY_ERR_AGAIN);
	assert_int_equal(parley_session_take(net.s[1], 1, NULL, &msg, &len),
			 PARLEY_ERR_ARGUMENT);
	parley_session_abort(net.s[0], "no more");
	assert_true(net_run(&net, has_lost_first, NULL, 60 * 1000));
	assert_int_equal(parley_session_take(net.s[1], 0, NULL, &msg, &len),
			 PARLEY_ERR_ABORTED);
	net_free(&net);
}

/* The last of three is gone; one waits for it, one does not. */
static void begin_without_the_last(struct net *net)
{
	net_init(net, 3);
	net->o.on_lost = PARLEY_ON_LOST_WAIT;
	net->o.resume_ms = 3600 * 1000;
	net_start(net, 0);
	net->o.on_lost = PARLEY_ON_LOST_FAIL;
	net->o.liveness_ms = 1000;
	net_open(net);
}

static bool two_miss_the_last(struct net *net, void *context)
{
	(void)context;
	return parley_session_party_state(net->s[0], 2) ==
		   PARLEY_PARTY_INTERRUPTED &&
	       parley_session_party_state(net->s[1], 2) == PARLEY_PARTY_LOST;
}

static bool second_is_lost(struct net *net, void *context)
{
	(void)context;
	return parley_session_party_state(net->s[0], 1) == PARLEY_PARTY_LOST;
}

static void who_gives_up_for_a_loss_is_not_who_is_named(void **state)
{
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	begin_without_the_last(&net);
	parley_session_free(net.s[2]);
	net.s[2] = NULL;
	assert_true(net_run(&net, two_miss_the_last, NULL, 60 * 1000));
	parley_session_abort(net.s[1], "a party was lost");
	assert_true(net_run(&net, second_is_lost, NULL, 60 * 1000));
	assert_int_equal(parley_session_take(net.s[0], 1, NULL, &msg, &len),
			 PARLEY_ERR_LOST);
	assert_int_equal(parley_session_culprit(net.s[0]), 2);
	net_free(&net);
}

static void who_is_here_cannot_be_blamed(void **state)
{
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	begin_without_the_last(&net);
	net.s[1]->first_lost = &net.s[1]->parties[2]; /* a lie */
	parley_session_abort(net.s[1], "a party was lost");
	assert_true(net_run(&net, second_is_lost, NULL, 60 * 1000));
	assert_int_equal(parley_session_party_state(net.s[0], 2),
			 PARLEY_PARTY_READY);
	assert_int_equal(parley_session_take(net.s[0], 1, NULL, &msg, &len),
			 PARLEY_ERR_ABORTED);
	assert_int_equal(parley_session_culprit(net.s[0]), 1);
	net_free(&net);
}

/* Nothing is shared but the sockets. */
static void parties_in_separate_processes_compute_together(void **state)
{
	static const size_t numbers[] = {3, 7, 16};

	(void)state;
	for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
		const size_t n = numbers[k];
		const int64_t begun = now_ms();
		struct net net;
		pid_t pids[16];
		int status;

		net_init(&net, n);
		for (size_t i = 0; i < n; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				add_up(&net, i, n);
		}
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		print_message("%d processes: %d ms from fork to exit\n", (int)n,
			      (int)(now_ms() - begun));
		net_free(&net);
	}
}

/* What a forked process does with a session that is not its own. */
static int misuse(struct parley_session *s)
{
	const void *msg;
	size_t len;
	int who;

	if (parley_session_send(s, 1, "child", 5) != PARLEY_ERR_STATE ||
	    parley_session_flush(s) != PARLEY_ERR_STATE ||
	    parley_session_ping(s, 1) != PARLEY_ERR_STATE ||
	    parley_session_process(s) != PARLEY_ERR_STATE ||
	    parley_session_wait(s) != PARLEY_ERR_STATE ||
	    parley_session_recv(s, 1, NULL, &msg, &len) != PARLEY_ERR_STATE ||
	    parley_session_take(s, PARLEY_ANY, &who, &msg, &len) !=
		PARLEY_ERR_STATE ||
	    parley_session_finish(s) != PARLEY_ERR_STATE ||
	    parley_session_close(s) != PARLEY_ERR_STATE)
		return 1;
	parley_session_abort(s, "not its own");
	if (parley_session_state(s) != PARLEY_SESSION_READY)
		return 2;
	parley_session_free(s);
	return 0;
}

/* It has the keys and the numbers: nothing is to be sealed by both. */
static void a_forked_process_can_not_use_a_session(void **state)
{
	struct net net;
	const void *msg;
	size_t len;
	int status;
	pid_t pid;

	(void)state;
	net_init(&net, 2);
	net.o.recv_timeout_ms = 0;
	net_open(&net);
	/* Something waits to be sealed. */
	assert_int_equal(parley_session_send(net.s[0], 1, "before", 6), 0);
	pid = fork();
	if (pid == 0)
		_exit(misuse(net.s[0]));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(parley_session_send(net.s[0], 1, "after", 5), 0);
	assert_int_equal(parley_session_flush(net.s[0]), 0);
	net_recv(&net, 1, 0, &msg, &len);
	assert_int_equal(len, 6);
	net_recv(&net, 1, 0, &msg, &len);
	assert_memory_equal(msg, "after", 5);
	assert_int_equal(parley_session_send(net.s[1], 0, "answer", 6), 0);
	assert_int_equal(parley_session_flush(net.s[1]), 0);
	net_recv(&net, 0, 1, &msg, &len);
	assert_memory_equal(msg, "answer", 6);
	assert_int_equal(parley_session_party_state(net.s[1], 0),
			 PARLEY_PARTY_READY);
	net_free(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_of_all_sizes_arrive_in_order),
	    cmocka_unit_test(a_burst_of_small_messages_travels_in_few_records),
	    cmocka_unit_test(the_ratchet_turns_under_load),
	    cmocka_unit_test(broadcast_reaches_everybody_else),
	    cmocka_unit_test(receiving_from_any_takes_turns),
	    cmocka_unit_test(a_full_window_is_told_and_opens_again),
	    cmocka_unit_test(
		a_message_that_was_begun_is_kept_and_arrives_whole),
	    cmocka_unit_test(states_have_names),
	    cmocka_unit_test(one_great_message_each_way_does_not_deadlock),
	    cmocka_unit_test(
		many_messages_each_way_beyond_the_window_do_not_deadlock),
	    cmocka_unit_test(
		what_was_accepted_arrives_though_the_sender_closes),
	    cmocka_unit_test(closing_at_once_on_both_sides_is_clean),
	    cmocka_unit_test(closing_says_what_was_not_acknowledged),
	    cmocka_unit_test(a_session_ends_step_by_step_without_waiting),
	    cmocka_unit_test(taking_does_not_look_at_the_network),
	    cmocka_unit_test(a_party_that_vanishes_is_named_at_every_survivor),
	    cmocka_unit_test(giving_up_is_told_with_its_reason),
	    cmocka_unit_test(receipts_of_a_handshake_are_kept_when_asked_for),
	    cmocka_unit_test(who_gives_up_for_a_loss_is_not_who_is_named),
	    cmocka_unit_test(who_is_here_cannot_be_blamed),
	    cmocka_unit_test(wrong_calls_are_refused),
	    cmocka_unit_test(receiving_ends_when_its_time_is_over),
	    cmocka_unit_test(a_signal_interrupts_a_wait),
	    cmocka_unit_test(
		the_descriptor_is_silent_when_there_is_nothing_to_do),
	    cmocka_unit_test(a_ping_is_answered_and_timed),
	    cmocka_unit_test(parties_in_separate_processes_compute_together),
	    cmocka_unit_test(a_forked_process_can_not_use_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
