/*
 * The opening of a session (PROTOCOL 7): who meets whom, what is noticed when
 * agreements differ, what becomes of restarted, missing and foreign parties.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>
#include <zmq.h>

#include "did/base58.h"
#include "did/base64.h"
#include "did/identity.h"
#include "did/key.h"
#include "session/handshake.h"
#include "session/session.h"
#include "tests/net.h"

/* For net_run(): has every started session failed? */
static bool all_failed(struct net *net, void *context)
{
	(void)context;
	for (size_t i = 0; i < net->n; i++)
		if (net->s[i] &&
		    parley_session_state(net->s[i]) != PARLEY_SESSION_FAILED)
			return false;
	return true;
}

static bool one_failed(struct net *net, void *context)
{
	return parley_session_state(net->s[*(size_t *)context]) ==
	       PARLEY_SESSION_FAILED;
}

/* Run for ${ms}: for things that must not happen. */
static bool never(struct net *net, void *context)
{
	(void)net;
	(void)context;
	return false;
}

static void parties_of_every_number_become_ready(void **state)
{
	static const size_t numbers[] = {2, 3, 7, 16};

	(void)state;
	for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
		struct net net;

		net_init(&net, numbers[k]);
		net_open(&net);
		for (size_t i = 0; i < net.n; i++)
			for (size_t j = 0; j < net.n; j++)
				assert_int_equal(parley_session_party_state(
						     net.s[i], (int)j),
						 i == j ? PARLEY_PARTY_SELF
							: PARLEY_PARTY_READY);
		net_free(&net);
	}
}

/* Ed25519 and P-256 identities meet each other and their own kind. */
static void a_roster_of_both_key_types_becomes_ready(void **state)
{
	struct net net;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 4);
	for (size_t i = 1; i < 3; i++) {
		parley_did_identity_free(net.ids[i]);
		assert_int_equal(parley_did_identity_new_type(
				     &net.ids[i], PARLEY_IDENTITY_P256),
				 0);
	}
	parley_session_agreement_free(net.agreement);
	net.agreement = net_agreement(&net, &(struct net_spec){0});
	net_open(&net);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++) {
			if (i == j)
				continue;
			assert_int_equal(
			    parley_session_send(net.s[i], j, "x", 1), 0);
			assert_int_equal(parley_session_flush(net.s[i]), 0);
			assert_int_equal(
			    parley_session_recv(net.s[j], i, NULL, &msg, &len),
			    0);
		}
	net_free(&net);
}

/* Party 0 starts long after the others, and the others are dialled by it. */
static void parties_may_start_in_any_order(void **state)
{
	struct net net;

	(void)state;
	net_init(&net, 3);
	net_start(&net, 2);
	net_run(&net, never, NULL, 400);
	net_start(&net, 1);
	net_run(&net, never, NULL, 400);
	net_start(&net, 0);
	assert_true(net_run(&net, net_ready, NULL, 5000));
	net_free(&net);
}

/* The dialler cannot reach the other, whose port is somewhere else; the
 * other one reaches it. */
static void the_listener_dials_when_the_dialler_cannot(void **state)
{
	char elsewhere[64];
	struct net net;

	(void)state;
	net_init(&net, 2);
	net_start(&net, 0);
	snprintf(elsewhere, sizeof(elsewhere), "tcp://127.0.0.1:%d",
		 net_free_port());
	net.o.listen = elsewhere;
	net_start(&net, 1);
	assert_true(net_run(&net, net_ready, NULL, 8000));
	net_free(&net);
}

/*
 * Differences.  Party ${odd} gets the agreement of ${spec}; everybody must
 * fail, naming ${field} and, where it is known, the party.
 */
static void check_difference(size_t n, size_t odd, const struct net_spec *spec,
			     const char *field)
{
	struct parley_agreement *usual, *other;
	struct net net;
	size_t n_named = 0;

	net_init(&net, n);
	usual = net.agreement;
	other = net_agreement(&net, spec);
	for (size_t i = 0; i < n; i++) {
		net.agreement = i == odd ? other : usual;
		net_start(&net, i);
	}
	net.agreement = usual;
	if (!net_run(&net, all_failed, NULL, 30 * 1000)) {
		for (size_t i = 0; i < n; i++)
			print_message("party %zu: state %d '%s'\n", i,
				      parley_session_state(net.s[i]),
				      parley_session_error(net.s[i]));
		fail_msg("%s: not everybody failed", field);
	}
	for (size_t i = 0; i < n; i++) {
		const char *error = parley_session_error(net.s[i]);

		assert_int_equal(parley_session_wait(net.s[i]),
				 PARLEY_ERR_AGREEMENT);
		if (strstr(error, field) == NULL)
			fail_msg("party %zu does not name %s: %s", i, field,
				 error);
		n_named += strstr(error, "party ") != NULL;
	}
	/* Who has another DID for a party cannot know who that is. */
	assert_true(n_named >= 1);
	net_free(&net);
	parley_session_agreement_free(other);
}

static void a_different_name_ends_every_party(void **state)
{
	(void)state;
	check_difference(3, 0, &(struct net_spec){.name = "x"}, "name");
}

static void a_different_threshold_ends_every_party(void **state)
{
	(void)state;
	check_difference(3, 1, &(struct net_spec){.threshold = 1}, "threshold");
}

static void a_different_program_ends_every_party(void **state)
{
	(void)state;
	check_difference(3, 2, &(struct net_spec){.program = "y"},
			 "program.name");
}

static void a_different_digest_ends_every_party(void **state)
{
	(void)state;
	check_difference(
	    3, 0,
	    &(struct net_spec){.digest = "1123456789abcdef0123456789abcdef"
					 "0123456789abcdef0123456789abcdef"},
	    "program.digests.file");
}

static void a_different_parameter_ends_every_party(void **state)
{
	(void)state;
	check_difference(
	    3, 1, &(struct net_spec){.parameters = "{\"column\": \"age\"}"},
	    "parameters.column");
}

static void a_different_expiry_ends_every_party(void **state)
{
	(void)state;
	check_difference(2, 1, &(struct net_spec){.expires = 4000000000},
			 "expires");
}

static void a_different_party_name_ends_every_party(void **state)
{
	(void)state;
	check_difference(2, 0, &(struct net_spec){.party_name = "z"},
			 "parties[0].name");
}

static void a_different_order_of_three_ends_every_party(void **state)
{
	(void)state;
	for (size_t odd = 0; odd < 3; odd++) {
		check_difference(3, odd,
				 &(struct net_spec){.swap_a = 0, .swap_b = 1},
				 "parties[0]");
		check_difference(3, odd,
				 &(struct net_spec){.swap_a = 1, .swap_b = 2},
				 "parties[1]");
	}
}

/* Both think that they dial, or both that they are dialled. */
static void a_different_order_of_two_ends_both(void **state)
{
	(void)state;
	check_difference(2, 0, &(struct net_spec){.swap_a = 0, .swap_b = 1},
			 "parties[0]");
	check_difference(2, 1, &(struct net_spec){.swap_a = 0, .swap_b = 1},
			 "parties[0]");
}

static void a_different_did_ends_every_party(void **state)
{
	static const char stranger[] =
	    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

	(void)state;
	for (size_t n = 2; n <= 3; n++)
		for (size_t odd = 0; odd < n; odd++)
			for (size_t i = 0; i < n; i++) {
				if (i == odd)
					continue;
				check_difference(
				    n, odd,
				    &(struct net_spec){.replace_did = stranger,
						       .replace_index = i},
				    i == 0   ? "parties[0].did"
				    : i == 1 ? "parties[1].did"
					     : "parties[2].did");
			}
}

/*
 * Restarts
 */

static void a_party_restarted_before_the_start_is_taken_back(void **state)
{
	struct net net;

	(void)state;
	net_init(&net, 3);
	net_start(&net, 0);
	net_start(&net, 1);
	net_run(&net, never, NULL, 300); /* 0 and 1 hold channels */
	assert_int_equal(parley_session_party_state(net.s[0], 1),
			 PARLEY_PARTY_READY);
	parley_session_free(net.s[1]);
	net.s[1] = NULL;
	net_start(&net, 1);
	net_start(&net, 2);
	assert_true(net_run(&net, net_ready, NULL, 8000));
	net_free(&net);
}

/*
 * Party 1 runs twice: the first process holds a channel to 0 only, the second
 * one, later, to 2 only (the first cannot reach 2, which starts later).  No
 * session may become ready with both of them.
 */
static void two_processes_of_one_party_never_make_a_mixture(void **state)
{
	struct parley_session *first;
	struct net net;
	char elsewhere[64];
	size_t who = 3;

	(void)state;
	net_init(&net, 3);
	net_start(&net, 0);
	net_start(&net, 1);
	net_run(&net, never, NULL, 200);
	first = net.s[1];
	net.s[1] = NULL;

	/* The second process of party 1 listens elsewhere: its port is taken
	 * by the first one, which goes on running. */
	snprintf(elsewhere, sizeof(elsewhere), "tcp://127.0.0.1:%d",
		 net_free_port());
	net.o.listen = elsewhere;
	net_start(&net, 1);
	net.o.listen = NULL;
	net_start(&net, 2);

	/* Drive all four; the first one in place of a fourth party. */
	net.n = 4;
	net.s[3] = first;
	net.ids[3] = NULL;
	for (int i = 0; i < 40; i++) {
		net_run(&net, never, NULL, 100);
		if (parley_session_state(net.s[3]) == PARLEY_SESSION_FAILED &&
		    parley_session_state(net.s[0]) == PARLEY_SESSION_READY)
			break;
	}
	/* The later one has taken over everywhere, and the first was told. */
	assert_true(one_failed(&net, &who));
	assert_non_null(strstr(parley_session_error(first), "later process"));
	assert_int_equal(parley_session_process(first), PARLEY_ERR_RESTARTED);
	assert_int_equal(parley_session_state(net.s[0]), PARLEY_SESSION_READY);
	assert_int_equal(parley_session_state(net.s[1]), PARLEY_SESSION_READY);
	assert_int_equal(parley_session_state(net.s[2]), PARLEY_SESSION_READY);
	net_free(&net);
}

static void a_party_that_restarts_in_a_running_session_is_refused(void **state)
{
	struct parley_session *old;
	struct net net;
	char elsewhere[64];
	size_t who = 1;
	const void *msg;
	size_t len;

	(void)state;
	net_init(&net, 3);
	net_open(&net);
	old = net.s[1];
	snprintf(elsewhere, sizeof(elsewhere), "tcp://127.0.0.1:%d",
		 net_free_port());
	net.o.listen = elsewhere;
	net_start(&net, 1);
	assert_true(net_run(&net, one_failed, &who, 5000));
	assert_non_null(
	    strstr(parley_session_error(net.s[1]), "without this process"));
	assert_int_equal(parley_session_process(net.s[1]),
			 PARLEY_ERR_RESTARTED);
	parley_session_free(net.s[1]);
	net.s[1] = old;

	/* The running session has not noticed. */
	assert_int_equal(parley_session_send(net.s[0], 1, "still", 5), 0);
	assert_int_equal(parley_session_flush(net.s[0]), 0);
	assert_int_equal(parley_session_recv(old, 0, NULL, &msg, &len), 0);
	assert_memory_equal(msg, "still", 5);
	net_free(&net);
}

/*
 * A second connection of party 1's present process to party 0, by hand: the
 * handshake is perfect, and yet it is not taken.
 */
static void a_second_connection_of_a_connected_party_is_not_taken(void **state)
{
	uint8_t buf[65536], propose[SESSION_PROPOSE_LEN_MAX], *confirm = NULL;
	struct session_handshake_random random;
	struct session_handshake *h;
	struct session_link *up;
	void *context = zmq_ctx_new(), *dealer;
	struct session_gate gate;
	char endpoint[64];
	struct net net;
	const void *msg;
	size_t len;
	int n = -1, linger = 0;

	(void)state;
	net_init(&net, 2);
	net_open(&net);
	up = net.s[0]->parties[1].up;

	session_gate_init(&gate, net.agreement);
	randombytes_buf(&random, sizeof(random));
	assert_int_equal(session_handshake_propose(&h, propose, &len, &gate,
						   &net.s[1]->self, 0, &random),
			 0);
	dealer = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof(linger));
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net.ports[0]);
	assert_int_equal(zmq_connect(dealer, endpoint), 0);
	assert_int_equal(zmq_send(dealer, propose, len, 0), (int)len);
	for (int i = 0; i < 50 && n < 0; i++) {
		net_run(&net, never, NULL, 20);
		n = zmq_recv(dealer, buf, sizeof(buf), ZMQ_DONTWAIT);
	}
	assert_true(n > SESSION_ACCEPT_CLEAR_LEN);
	assert_int_equal(session_handshake_confirm(h, &confirm, &len, buf,
						   (size_t)n, &random,
						   session_now_utc_ms() / 1000),
			 0);
	assert_int_equal(zmq_send(dealer, confirm, len, 0), (int)len);

	/* No first record comes, and the channel is the one that it was. */
	n = -1;
	for (int i = 0; i < 10 && n < 0; i++) {
		net_run(&net, never, NULL, 20);
		n = zmq_recv(dealer, buf, sizeof(buf), ZMQ_DONTWAIT);
	}
	assert_int_equal(n, -1);
	assert_ptr_equal(net.s[0]->parties[1].up, up);
	assert_int_equal(parley_session_send(net.s[1], 0, "still", 5), 0);
	assert_int_equal(parley_session_flush(net.s[1]), 0);
	assert_int_equal(parley_session_recv(net.s[0], 1, NULL, &msg, &len), 0);
	free(confirm);
	session_handshake_free(h);
	session_gate_wipe(&gate);
	zmq_close(dealer);
	zmq_ctx_term(context);
	net_free(&net);
}

/*
 * Missing parties, ports, strangers
 */

static void a_missing_party_is_named_when_the_time_is_over(void **state)
{
	struct net net;
	size_t who = 0;

	(void)state;
	net_init(&net, 3);
	net.o.open_timeout_ms = 700;
	net_start(&net, 0);
	net_start(&net, 1);
	assert_true(net_run(&net, one_failed, &who, 3000));
	assert_int_equal(parley_session_culprit(net.s[0]), 2);
	assert_non_null(strstr(parley_session_error(net.s[0]), "'p2'"));
	assert_non_null(strstr(parley_session_error(net.s[0]),
			       parley_did_identity_did(net.ids[2])));
	net_free(&net);
}

/* For net_run(): do the first two parties see each other, and nobody else? */
static bool first_two_met(struct net *net, void *context)
{
	(void)context;
	return parley_session_party_state(net->s[0], 1) == PARLEY_PARTY_READY &&
	       parley_session_party_state(net->s[1], 0) == PARLEY_PARTY_READY;
}

static bool second_has_left(struct net *net, void *context)
{
	(void)context;
	return parley_session_party_state(net->s[0], 1) ==
	       PARLEY_PARTY_CONNECTING;
}

/* One of those who are there closes before all are. */
static void who_leaves_before_the_start_is_waited_for_again(void **state)
{
	struct net net;

	(void)state;
	net_init(&net, 3);
	net_start(&net, 0);
	net_start(&net, 1);
	assert_true(net_run(&net, first_two_met, NULL, 10 * 1000));
	assert_int_equal(parley_session_close(net.s[1]), 0);
	assert_int_equal(parley_session_state(net.s[1]), PARLEY_SESSION_CLOSED);
	/* Its connection is still there: it said so. */
	assert_true(net_run(&net, second_has_left, NULL, 10 * 1000));
	assert_int_equal(parley_session_state(net.s[0]),
			 PARLEY_SESSION_OPENING);
	parley_session_free(net.s[1]);
	net.s[1] = NULL;
	net_open(&net);
	net_free(&net);
}

static void all_who_are_missing_are_named(void **state)
{
	struct net net;
	size_t who = 0;

	(void)state;
	net_init(&net, 4);
	net.o.open_timeout_ms = 100;
	net_start(&net, 0);
	assert_true(net_run(&net, one_failed, &who, 60 * 1000));
	for (size_t i = 1; i < 4; i++)
		assert_non_null(strstr(parley_session_error(net.s[0]),
				       parley_did_identity_did(net.ids[i])));
	net_free(&net);

	net_init(&net, 20);
	net.o.open_timeout_ms = 100;
	net_start(&net, 0);
	assert_true(net_run(&net, one_failed, &who, 60 * 1000));
	assert_non_null(strstr(parley_session_error(net.s[0]), " more): "));
	net_free(&net);
}

static void end_time(struct parley_session *s)
{
	s->deadline_ms = s->opened_ms;
	session_wake_at(s, 0);
}

/* The limit of one is over before that of another, and that one leaves. */
static void who_gave_up_waiting_is_not_named_but_who_never_came(void **state)
{
	struct net net;
	size_t who = 1;

	(void)state;
	net_init(&net, 3);
	net.o.open_timeout_ms = 600 * 1000;
	net_start(&net, 0);
	net_start(&net, 1);
	assert_true(net_run(&net, first_two_met, NULL, 60 * 1000));
	end_time(net.s[1]);
	assert_true(net_run(&net, one_failed, &who, 60 * 1000));
	assert_int_equal(parley_session_culprit(net.s[1]), 2);
	assert_true(net_run(&net, second_has_left, NULL, 60 * 1000));
	end_time(net.s[0]);
	who = 0;
	assert_true(net_run(&net, one_failed, &who, 60 * 1000));
	assert_int_equal(parley_session_culprit(net.s[0]), 2);
	assert_null(strstr(parley_session_error(net.s[0]),
			   parley_did_identity_did(net.ids[1])));
	net_free(&net);
}

static void a_port_in_use_is_an_error_that_says_so(void **state)
{
	struct parley_session *second = NULL;
	struct net net;

	(void)state;
	net_init(&net, 2);
	net_start(&net, 0);
	assert_int_equal(
	    parley_session_new(&second, net.agreement, net.ids[0], &net.o),
	    PARLEY_ERR_ADDRESS_IN_USE);
	assert_non_null(strstr(parley_session_error(second), "127.0.0.1"));
	parley_session_free(second);
	net_free(&net);
}

static void who_is_not_in_the_roster_cannot_begin(void **state)
{
	struct parley_session *s = NULL;
	struct parley_identity *id;
	struct net net;

	(void)state;
	net_init(&net, 2);
	assert_int_equal(parley_did_identity_new(&id), 0);
	assert_int_equal(parley_session_new(&s, net.agreement, id, &net.o),
			 PARLEY_ERR_ROSTER);
	assert_non_null(
	    strstr(parley_session_error(s), parley_did_identity_did(id)));
	parley_session_free(s);
	parley_did_identity_free(id);
	net_free(&net);
}

static void an_expired_agreement_cannot_begin(void **state)
{
	struct parley_agreement *old;
	struct parley_session *s = NULL;
	struct net net;

	(void)state;
	net_init(&net, 2);
	old = net_agreement(&net, &(struct net_spec){.expires = 1700000001});
	assert_int_equal(parley_session_new(&s, old, net.ids[0], &net.o),
			 PARLEY_ERR_EXPIRED);
	parley_session_free(s);
	parley_session_agreement_free(old);
	net_free(&net);
}

/* Send ${len} bytes to party 0 as a stranger; the bytes that come back. */
static int ask_as_stranger(struct net *net, void *dealer, const void *msg,
			   size_t len)
{
	char reply[65536];
	int n = -1;

	assert_true(zmq_send(dealer, msg, len, 0) == (int)len);
	for (int i = 0; i < 10 && n < 0; i++) {
		net_run(net, never, NULL, 20);
		n = zmq_recv(dealer, reply, sizeof(reply), ZMQ_DONTWAIT);
	}
	return n;
}

static void a_stranger_without_the_agreement_gets_no_byte(void **state)
{
	uint8_t msg[256], propose[SESSION_PROPOSE_LEN_MAX];
	struct session_handshake_self self = {0};
	struct session_handshake_random random;
	struct session_handshake *h;
	struct parley_agreement *other;
	struct session_gate gate;
	struct net net;
	void *context = zmq_ctx_new(), *dealer;
	char endpoint[64];
	size_t len;
	int linger = 0;

	(void)state;
	net_init(&net, 3);
	net_open(&net);
	dealer = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof(linger));
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net.ports[0]);
	assert_int_equal(zmq_connect(dealer, endpoint), 0);

	/* Noise of every first byte. */
	for (int type = 0; type < 256; type += 5) {
		randombytes_buf(msg, sizeof(msg));
		msg[0] = (uint8_t)type;
		assert_int_equal(
		    ask_as_stranger(&net, dealer, msg, sizeof(msg)), -1);
	}
	zmq_close(dealer);

	/* A propose of somebody who knows all of the roster but the id. */
	other = net_agreement(&net, &(struct net_spec){.id = 7});
	session_gate_init(&gate, other);
	self.agreement = other;
	self.identity = net.ids[1];
	self.index = 1;
	self.suites[0] = SESSION_SUITE_CHACHA20;
	self.n_suites = 1;
	randombytes_buf(&random, sizeof(random));
	assert_int_equal(session_handshake_propose(&h, propose, &len, &gate,
						   &self, 0, &random),
			 0);
	dealer = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof(linger));
	assert_int_equal(zmq_connect(dealer, endpoint), 0);
	assert_int_equal(ask_as_stranger(&net, dealer, propose, len), -1);
	session_handshake_free(h);
	session_gate_wipe(&gate);
	zmq_close(dealer);
	zmq_ctx_term(context);

	/* Nobody has noticed. */
	assert_true(net_ready(&net, NULL));
	net_free(&net);
	parley_session_agreement_free(other);
}

static void strangers_in_great_number_do_not_disturb_an_opening(void **state)
{
	void *context = zmq_ctx_new(), *dealers[100];
	struct net net;
	uint8_t noise[200];
	char endpoint[64];
	int linger = 0;

	(void)state;
	net_init(&net, 3);
	net_start(&net, 2);
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net.ports[2]);
	randombytes_buf(noise, sizeof(noise));
	for (int i = 0; i < 100; i++) {
		dealers[i] = zmq_socket(context, ZMQ_DEALER);
		zmq_setsockopt(dealers[i], ZMQ_LINGER, &linger, sizeof(linger));
		zmq_connect(dealers[i], endpoint);
		for (int k = 0; k < 20; k++) {
			noise[0] = (uint8_t)(k % 5);
			zmq_send(dealers[i], noise, sizeof(noise),
				 ZMQ_DONTWAIT);
		}
	}
	net_run(&net, never, NULL, 300);
	net_start_all(&net);
	assert_true(net_run(&net, net_ready, NULL, 5000));
	for (int i = 0; i < 100; i++)
		zmq_close(dealers[i]);
	zmq_ctx_term(context);
	net_free(&net);
}

/*
 * An observer: a TCP proxy that keeps every byte of both directions.
 */

struct observer {
	pthread_t thread;
	int listener, target;
	uint8_t *bytes;
	size_t len, size;
	volatile bool stop;
};

static void observe(struct observer *o, const uint8_t *p, size_t len)
{
	if (o->len + len > o->size) {
		o->size = 2 * o->size + len;
		o->bytes = realloc(o->bytes, o->size);
	}
	memcpy(o->bytes + o->len, p, len);
	o->len += len;
}

static int tcp_connect(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *observer_main(void *context)
{
	struct observer *o = context;
	struct pollfd p[2 * 16 + 1];
	nfds_t n = 1;
	uint8_t buf[4096];

	p[0] = (struct pollfd){.fd = o->listener, .events = POLLIN};
	while (!o->stop) {
		poll(p, n, 50);
		for (nfds_t i = 1; i < n; i++) {
			ssize_t len;

			if (!p[i].revents || p[i].fd < 0)
				continue;
			/* Pairs stand side by side: 1-2, 3-4, ... */
			len = read(p[i].fd, buf, sizeof(buf));
			if (len > 0) {
				observe(o, buf, (size_t)len);
				len = write(p[((i - 1) ^ 1) + 1].fd, buf,
					    (size_t)len);
			}
			if (len <= 0) {
				nfds_t other = ((i - 1) ^ 1) + 1;

				close(p[i].fd);
				close(p[other].fd);
				p[i].fd = p[other].fd = -1;
			}
		}
		if (p[0].revents && n + 2 <= 2 * 16 + 1) {
			int in = accept(o->listener, NULL, NULL);
			int out = tcp_connect(o->target);

			if (out < 0) {
				close(in);
				continue;
			}
			p[n++] = (struct pollfd){.fd = in, .events = POLLIN};
			p[n++] = (struct pollfd){.fd = out, .events = POLLIN};
		}
	}
	for (nfds_t i = 1; i < n; i++)
		if (p[i].fd >= 0)
			close(p[i].fd);
	return NULL;
}

static void observer_start(struct observer *o, int port, int target)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	*o = (struct observer){.target = target};
	o->listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(o->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(o->listener, (struct sockaddr *)&a, sizeof(a)),
			 0);
	assert_int_equal(listen(o->listener, 16), 0);
	assert_int_equal(pthread_create(&o->thread, NULL, observer_main, o), 0);
}

static void observer_stop(struct observer *o)
{
	o->stop = true;
	pthread_join(o->thread, NULL);
	close(o->listener);
}

static bool contains(const struct observer *o, const void *p, size_t len)
{
	return memmem(o->bytes, o->len, p, len) != NULL;
}

/* Does ${o} hold anything of the 32 bytes ${p}, raw or as some text? */
static void assert_not_seen(const struct observer *o, const uint8_t *p)
{
	char text[200];

	assert_false(contains(o, p, 32));
	assert_false(contains(o, p, 8));
	sodium_bin2hex(text, sizeof(text), p, 32);
	assert_false(contains(o, text, 16));
	/* base64 in each of the three alignments: inner bytes only */
	for (size_t skip = 0; skip < 3; skip++) {
		did_base64_encode(text, p + skip, 24);
		assert_false(contains(o, text, 16));
	}
}

static void an_observer_finds_neither_did_nor_key(void **state)
{
	struct did_key x25519;
	struct observer o;
	struct net net;
	char endpoint[64];
	const void *msg;
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	size_t len;

	(void)state;
	net_init(&net, 2);
	/* Party 1 listens behind the observer, who has its port. */
	observer_start(&o, net.ports[1], net_free_port());
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", o.target);
	net_start(&net, 0);
	net.o.listen = endpoint;
	net_start(&net, 1);
	assert_true(net_run(&net, net_ready, NULL, 5000));
	assert_int_equal(parley_session_send(net.s[0], 1, "attack at dawn", 14),
			 0);
	assert_int_equal(parley_session_flush(net.s[0]), 0);
	assert_int_equal(parley_session_recv(net.s[1], 0, NULL, &msg, &len), 0);
	parley_session_free(net.s[0]);
	parley_session_free(net.s[1]);
	net.s[0] = net.s[1] = NULL;
	observer_stop(&o);

	/* The observer did see the session: ZMTP's greeting, the records. */
	assert_true(o.len > 2000);
	assert_true(contains(&o, "DEALER", 6));
	for (size_t i = 0; i < 2; i++) {
		const char *did = parley_did_identity_did(net.ids[i]);
		const struct did_key *key = did_identity_key(net.ids[i]);

		assert_false(contains(&o, did, 12));
		assert_false(contains(&o, did + 20, 12));
		assert_not_seen(&o, key->bytes);
		assert_int_equal(did_key_derive_x25519(&x25519, key), 0);
		assert_not_seen(&o, x25519.bytes);
	}
	assert_false(contains(&o, "did:", 4));
	assert_false(contains(&o, "attack", 6));
	/* Nor the agreement: its id (0x42 sixteen times), its hash. */
	parley_session_agreement_hash(net.agreement, hash);
	assert_not_seen(&o, hash);
	assert_false(contains(&o, "\x42\x42\x42\x42\x42\x42\x42\x42", 8));
	free(o.bytes);
	net_free(&net);
}

/* The progress callback ends an opening. */
static int stop_now(void *context, const struct parley_progress *p)
{
	(void)p;
	++*(int *)context;
	return 1;
}

static void the_progress_callback_can_end_an_opening(void **state)
{
	struct parley_session *s = NULL;
	struct net net;
	int calls = 0;

	(void)state;
	net_init(&net, 2);
	net.o.on_progress = stop_now;
	net.o.context = &calls;
	assert_int_equal(
	    parley_session_open(&s, net.agreement, net.ids[0], &net.o),
	    PARLEY_ERR_INTERRUPTED);
	assert_true(calls >= 1);
	parley_session_free(s);
	net_free(&net);
}

/* The progress callback, when ${context}, a flag, is set. */
static int stop_if(void *context, const struct parley_progress *p)
{
	(void)p;
	return *(const bool *)context;
}

static void an_opening_can_be_ended_when_all_are_there_but_not_ready(
    void **state)
{
	bool stop = false;
	struct net net;

	(void)state;
	net_init(&net, 2);
	net.o.on_progress = stop_if;
	net.o.context = &stop;
	net_start_all(&net);
	/* Who was dialled has a channel first, and says first that it is ready;
	 * the word of the other one is still to come. */
	for (int i = 0;
	     parley_session_party_state(net.s[1], 0) != PARLEY_PARTY_READY;
	     i++) {
		struct pollfd fds[] = {
		    {.fd = parley_session_fd(net.s[0]), .events = POLLIN},
		    {.fd = parley_session_fd(net.s[1]), .events = POLLIN}};

		assert_true(i < 600);
		poll(fds, 2, 100);
		(void)parley_session_process(net.s[0]);
		(void)parley_session_process(net.s[1]);
	}
	assert_int_equal(parley_session_state(net.s[1]),
			 PARLEY_SESSION_OPENING);
	/* The other process has stopped, and nothing comes from there. */
	stop = true;
	assert_int_equal(parley_session_wait(net.s[1]), PARLEY_ERR_INTERRUPTED);
	net_free(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parties_of_every_number_become_ready),
	    cmocka_unit_test(a_roster_of_both_key_types_becomes_ready),
	    cmocka_unit_test(parties_may_start_in_any_order),
	    cmocka_unit_test(the_listener_dials_when_the_dialler_cannot),
	    cmocka_unit_test(a_different_name_ends_every_party),
	    cmocka_unit_test(a_different_threshold_ends_every_party),
	    cmocka_unit_test(a_different_program_ends_every_party),
	    cmocka_unit_test(a_different_digest_ends_every_party),
	    cmocka_unit_test(a_different_parameter_ends_every_party),
	    cmocka_unit_test(a_different_expiry_ends_every_party),
	    cmocka_unit_test(a_different_party_name_ends_every_party),
	    cmocka_unit_test(a_different_order_of_three_ends_every_party),
	    cmocka_unit_test(a_different_order_of_two_ends_both),
	    cmocka_unit_test(a_different_did_ends_every_party),
	    cmocka_unit_test(a_party_restarted_before_the_start_is_taken_back),
	    cmocka_unit_test(two_processes_of_one_party_never_make_a_mixture),
	    cmocka_unit_test(
		a_party_that_restarts_in_a_running_session_is_refused),
	    cmocka_unit_test(
		a_second_connection_of_a_connected_party_is_not_taken),
	    cmocka_unit_test(a_missing_party_is_named_when_the_time_is_over),
	    cmocka_unit_test(who_leaves_before_the_start_is_waited_for_again),
	    cmocka_unit_test(all_who_are_missing_are_named),
	    cmocka_unit_test(
		who_gave_up_waiting_is_not_named_but_who_never_came),
	    cmocka_unit_test(a_port_in_use_is_an_error_that_says_so),
	    cmocka_unit_test(who_is_not_in_the_roster_cannot_begin),
	    cmocka_unit_test(an_expired_agreement_cannot_begin),
	    cmocka_unit_test(a_stranger_without_the_agreement_gets_no_byte),
	    cmocka_unit_test(
		strangers_in_great_number_do_not_disturb_an_opening),
	    cmocka_unit_test(an_observer_finds_neither_did_nor_key),
	    cmocka_unit_test(the_progress_callback_can_end_an_opening),
	    cmocka_unit_test(
		an_opening_can_be_ended_when_all_are_there_but_not_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
