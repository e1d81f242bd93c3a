/*
 * Hubs: many sessions on one listening port.  Everything is driven through
 * descriptors, and only what is readable is processed, so that a descriptor
 * that forgets to tell shows as a test that does not end well.
 */
#include "session/hub.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/mesh_channel.h"
#include "session/session.h"
#include "tests/net.h"

enum {
	N = 20, /* agreements */
	LIMIT_MS = 60 * 1000,
};

struct house {
	struct net net; /* of two, or three; its sessions are not used */
	struct parley_session_hub *hub;
	struct parley_agreement *a[N];
	struct parley_session *inside[N], *outside[N];
};

static void make_hub(struct house *h, int port)
{
	struct parley_session_hub_options o;
	char endpoint[64];

	parley_session_hub_options_init(&o);
	o.carrier = h->net.o.carrier;
	assert_int_equal(parley_session_hub_new(&h->hub, &o), 0);
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", port);
	assert_int_equal(parley_session_hub_listen(h->hub, endpoint), 0);
}

static struct parley_session *begin(struct house *h, struct parley_agreement *a,
				    size_t who, bool in_hub)
{
	struct parley_session_options o = h->net.o;
	struct parley_session *s;

	o.open_timeout_ms = LIMIT_MS;
	o.on_lost = PARLEY_ON_LOST_WAIT;
	o.recv_timeout_ms = 0;
	o.hub = in_hub ? h->hub : NULL;
	if (parley_session_new(&s, a, h->net.ids[who], &o))
		fail_msg("%s", parley_session_error(s));
	return s;
}

/* ${n} agreements of two parties: 1 is at the hub, 0 is not. */
static void house_init(struct house *h, size_t n)
{
	memset(h, 0, sizeof(*h));
	net_init(&h->net, 2);
	make_hub(h, h->net.ports[1]);
	for (size_t k = 0; k < n; k++) {
		/* Those outside cannot all listen at one port. */
		h->net.ports[0] = net_free_port();
		h->a[k] = net_agreement(
		    &h->net, &(struct net_spec){.id = (uint8_t)(k + 1)});
		h->inside[k] = begin(h, h->a[k], 1, true);
		h->outside[k] = begin(h, h->a[k], 0, false);
	}
}

static void house_free(struct house *h)
{
	for (size_t k = 0; k < N; k++) {
		parley_session_free(h->outside[k]);
		parley_session_free(h->inside[k]);
		parley_session_agreement_free(h->a[k]);
	}
	parley_session_hub_free(h->hub);
	net_free(&h->net);
}

/* Let whoever has something to do work once; wait a little for it. */
static void turn(struct house *h)
{
	struct pollfd fds[2 * N + 1];
	struct parley_session *at[2 * N];
	nfds_t n = 0;

	for (size_t k = 0; k < 2 * N; k++) {
		struct parley_session *s =
		    k < N ? h->inside[k] : h->outside[k - N];

		if (!s || parley_session_state(s) == PARLEY_SESSION_CLOSED ||
		    parley_session_state(s) == PARLEY_SESSION_FAILED)
			continue;
		at[n] = s;
		fds[n++] = (struct pollfd){.fd = parley_session_fd(s),
					   .events = POLLIN};
	}
	fds[n] = (struct pollfd){.fd = parley_session_hub_fd(h->hub),
				 .events = POLLIN};
	poll(fds, n + 1, 100);
	if (fds[n].revents)
		assert_int_equal(parley_session_hub_process(h->hub), 0);
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents && parley_session_process(at[i]))
			fail_msg("%s", parley_session_error(at[i]));
}

static bool all_in(const struct house *h, enum parley_party_state state)
{
	for (size_t k = 0; k < N; k++) {
		if (h->inside[k] &&
		    (parley_session_state(h->inside[k]) !=
			 PARLEY_SESSION_READY ||
		     parley_session_party_state(h->inside[k], 0) != state))
			return false;
		if (h->outside[k] &&
		    (parley_session_state(h->outside[k]) !=
			 PARLEY_SESSION_READY ||
		     parley_session_party_state(h->outside[k], 1) != state))
			return false;
	}
	return true;
}

static void until_ready(struct house *h)
{
	int64_t limit = session_now_ms() + LIMIT_MS;

	while (!all_in(h, PARLEY_PARTY_READY)) {
		if (session_now_ms() >= limit)
			fail_msg("not ready");
		turn(h);
	}
}

/* One message from ${from} to ${to}, and nothing else. */
static void say(struct house *h, struct parley_session *from,
		struct parley_session *to, const char *text)
{
	int64_t limit = session_now_ms() + LIMIT_MS;
	const void *msg;
	size_t len;
	int err;

	assert_int_equal(parley_session_send(from, parley_session_self(to),
					     text, strlen(text)),
			 0);
	assert_int_equal(parley_session_flush(from), 0);
	while ((err = parley_session_recv(to, parley_session_self(from), NULL,
					  &msg, &len)) == PARLEY_ERR_AGAIN) {
		if (session_now_ms() >= limit)
			fail_msg("'%s' did not come", text);
		turn(h);
	}
	assert_int_equal(err, 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(msg, text, len);
}

static void say_all(struct house *h, int round)
{
	char text[64];

	for (size_t k = 0; k < N; k++) {
		if (!h->inside[k])
			continue;
		snprintf(text, sizeof(text), "%d out of %zu", round, k);
		say(h, h->inside[k], h->outside[k], text);
		snprintf(text, sizeof(text), "%d into %zu", round, k);
		say(h, h->outside[k], h->inside[k], text);
	}
}

/* End both ends of agreement ${k}; nothing is to be left undelivered. */
static void end(struct house *h, size_t k)
{
	int64_t limit = session_now_ms() + LIMIT_MS;
	int in = PARLEY_ERR_AGAIN, out = PARLEY_ERR_AGAIN;

	while (in == PARLEY_ERR_AGAIN || out == PARLEY_ERR_AGAIN) {
		if (session_now_ms() >= limit)
			fail_msg("%zu does not close", k);
		if (in == PARLEY_ERR_AGAIN)
			in = parley_session_finish(h->inside[k]);
		if (out == PARLEY_ERR_AGAIN)
			out = parley_session_finish(h->outside[k]);
		turn(h);
	}
	assert_int_equal(in, 0);
	assert_int_equal(out, 0);
	parley_session_free(h->inside[k]);
	parley_session_free(h->outside[k]);
	h->inside[k] = h->outside[k] = NULL;
}

static void twenty_agreements_share_one_port(void **state)
{
	struct house h;

	(void)state;
	house_init(&h, N);
	until_ready(&h);
	say_all(&h, 1);
	house_free(&h);
}

static void a_session_ends_while_the_others_go_on(void **state)
{
	struct house h;

	(void)state;
	house_init(&h, N);
	until_ready(&h);
	end(&h, 7);
	say_all(&h, 1);
	/* Without goodbye. */
	parley_session_free(h.inside[3]);
	h.inside[3] = NULL;
	parley_session_free(h.outside[3]);
	h.outside[3] = NULL;
	say_all(&h, 2);
	for (size_t k = 0; k < N; k++)
		if (h.inside[k])
			end(&h, k);
	/* And there is room for a new one under the same agreement. */
	h.net.ports[0] = net_free_port();
	h.inside[7] = begin(&h, h.a[7], 1, true);
	h.outside[7] = begin(&h, h.a[7], 0, false);
	until_ready(&h);
	say_all(&h, 3);
	house_free(&h);
}

/* Cut the connection of ${s} to ${party} at this end. */
static void cut(struct parley_session *s, int party)
{
	struct session_party *p = &s->parties[party];

	if (p->up->conn)
		session_mesh_channel_lost(s, p, PARLEY_ERR_LOST,
					  "cut by the test");
	assert_int_equal(parley_session_process(s), 0);
}

static void every_session_resumes_on_the_shared_port(void **state)
{
	struct parley_party_stats stats;
	struct house h;

	(void)state;
	house_init(&h, N);
	until_ready(&h);
	for (int round = 0; round < 3; round++) {
		for (size_t k = 0; k < N; k++)
			cut(round % 2 ? h.inside[k] : h.outside[k],
			    round % 2 ? 0 : 1);
		/* Said while nobody is connected. */
		say_all(&h, round);
		until_ready(&h);
	}
	for (size_t k = 0; k < N; k++) {
		assert_int_equal(parley_session_stats(h.inside[k], 0, &stats),
				 0);
		assert_true(stats.resumes >= 3);
		assert_int_equal(stats.messages_received, 3);
	}
	house_free(&h);
}

/* All parties of one agreement in one hub: it dials itself. */
static void parties_of_one_agreement_share_a_hub(void **state)
{
	struct house h = {0};
	struct parley_session *s[3];

	(void)state;
	net_init(&h.net, 3);
	h.net.ports[1] = h.net.ports[2] = h.net.ports[0];
	make_hub(&h, h.net.ports[0]);
	h.a[0] = net_agreement(&h.net, &(struct net_spec){.id = 1});
	/* In another order than the roster's. */
	for (size_t i = 0; i < 3; i++)
		s[i] = h.inside[i] = begin(&h, h.a[0], 2 - i, true);
	for (int i = 0; i < LIMIT_MS / 100 &&
			!(parley_session_state(s[0]) == PARLEY_SESSION_READY &&
			  parley_session_state(s[1]) == PARLEY_SESSION_READY &&
			  parley_session_state(s[2]) == PARLEY_SESSION_READY);
	     i++)
		turn(&h);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			if (i != j)
				say(&h, s[i], s[j], "hello");
	/* Resumes pass one gate for all three; the MAC says whose it is. */
	cut(s[0], parley_session_self(s[1]));
	cut(s[1], parley_session_self(s[2]));
	cut(s[2], parley_session_self(s[0]));
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			if (i != j)
				say(&h, s[i], s[j], "again");
	house_free(&h);
}

/* What a carrier that dials the hub hears of it. */
static bool answers(struct house *h, const uint8_t *bytes, size_t len)
{
	const struct session_carrier_options o = {.n_parties = 2,
						  .liveness_ms = 1000,
						  .unresponsive_ms = 10000,
						  .stranger_max = 1000,
						  .frame_max = 200000};
	int64_t limit = session_now_ms() + LIMIT_MS;
	struct session_carrier_event ev;
	struct session_carrier *c;
	struct session_conn *conn;
	bool heard = false, over = false;
	char endpoint[64];

	assert_int_equal(session_carrier_zmtp_new(&c, &o), 0);
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 h->net.ports[1]);
	assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
	while (!over && !heard && session_now_ms() < limit) {
		turn(h);
		while (session_carrier_next(c, &ev) == 0) {
			if (ev.type == SESSION_CARRIER_UP) {
				struct session_frame *f =
				    session_frame_new(len);

				memcpy(f->data, bytes, len);
				assert_int_equal(
				    session_carrier_send(c, conn, f), 0);
			}
			over = over || ev.type == SESSION_CARRIER_DOWN;
			heard = heard || ev.type == SESSION_CARRIER_FRAME;
			session_frame_free(ev.frame);
		}
	}
	assert_true(over || heard);
	if (!over)
		session_carrier_hangup(c, conn);
	session_carrier_free(c, 0);
	return heard;
}

/* A propose for ${who} under ${a}. */
static size_t make_propose(struct house *h, const struct parley_agreement *a,
			   size_t from, size_t who,
			   uint8_t msg[SESSION_PROPOSE_LEN_MAX])
{
	struct session_handshake_self self = {.agreement = a,
					      .identity = h->net.ids[from],
					      .index = from,
					      .n_suites = 1,
					      .suites = {1}};
	struct session_handshake_random random;
	struct session_handshake *hs;
	struct session_gate gate;
	size_t len;

	memset(&random, 7 + (int)who, sizeof(random));
	session_gate_init(&gate, a);
	assert_int_equal(session_handshake_propose(&hs, msg, &len, &gate, &self,
						   who, &random),
			 0);
	session_handshake_free(hs);
	session_gate_wipe(&gate);
	return len;
}

static void whom_a_frame_fits_nobody_gets_silence(void **state)
{
	uint8_t msg[SESSION_PROPOSE_LEN_MAX], other;
	struct parley_agreement *foreign;
	struct house h;
	size_t len;

	(void)state;
	house_init(&h, 3);
	if (h.net.o.carrier == PARLEY_CARRIER_LIBZMQ) {
		/* It cannot close what it has accepted. */
		house_free(&h);
		return;
	}
	until_ready(&h);
	foreign = net_agreement(&h.net, &(struct net_spec){.id = 99});
	len = make_propose(&h, foreign, 0, 1, msg);
	assert_false(answers(&h, msg, len));
	assert_false(answers(&h, (const uint8_t *)"", 0));
	memset(msg, 0x05, sizeof(msg)); /* a resume of nobody */
	assert_false(answers(&h, msg, SESSION_RESUME_LEN));
	/* One who knows the agreement is answered, by its own session. */
	len = make_propose(&h, h.a[2], 0, 1, msg);
	other = msg[len - 1];
	assert_true(answers(&h, msg, len));
	msg[len - 1] = other ^ 1;
	assert_false(answers(&h, msg, len));
	say_all(&h, 1);
	parley_session_agreement_free(foreign);
	house_free(&h);
}

/* A session that is not served does not stop the others, and catches up. */
static void a_session_that_sleeps_holds_nobody_up(void **state)
{
	static uint8_t buf[100000];
	struct parley_session *asleep;
	struct house h;
	const void *msg;
	size_t len, n = 0;
	int64_t limit;

	(void)state;
	house_init(&h, 3);
	until_ready(&h);
	asleep = h.inside[1];
	h.inside[1] = NULL; /* not in turn() any more */
	for (int i = 0; i < 30; i++)
		assert_int_equal(
		    parley_session_send(h.outside[1], 1, buf, sizeof(buf)), 0);
	assert_int_equal(parley_session_flush(h.outside[1]), 0);
	for (int round = 0; round < 20; round++)
		say_all(&h, round);
	h.inside[1] = asleep;
	limit = session_now_ms() + LIMIT_MS;
	while (n < 30 && session_now_ms() < limit) {
		if (parley_session_recv(asleep, 0, NULL, &msg, &len) == 0)
			n++;
		else
			turn(&h);
	}
	assert_int_equal(n, 30);
	house_free(&h);
}

/* Calls that wait look at the network themselves. */
static void waiting_in_one_session_needs_no_loop(void **state)
{
	struct parley_session_options o;
	struct parley_session *s;
	struct house h;
	const void *msg;
	size_t len;

	(void)state;
	house_init(&h, 2);
	until_ready(&h);
	parley_session_free(h.inside[0]);
	parley_session_free(h.outside[0]);
	o = h.net.o;
	o.open_timeout_ms = 300;
	o.hub = h.hub;
	h.outside[0] = NULL;
	/* Nobody comes: the time is over without anybody's poll(). */
	assert_int_equal(parley_session_open(&s, h.a[0], h.net.ids[1], &o),
			 PARLEY_ERR_TIMEOUT);
	h.inside[0] = NULL;
	parley_session_free(s);
	/* What came for another one meanwhile was kept. */
	say(&h, h.outside[1], h.inside[1], "kept");
	assert_int_equal(parley_session_send(h.outside[1], 1, "x", 1), 0);
	assert_int_equal(parley_session_flush(h.outside[1]), 0);
	h.inside[1]->o.recv_timeout_ms = LIMIT_MS;
	assert_int_equal(parley_session_recv(h.inside[1], 0, NULL, &msg, &len),
			 0);
	assert_int_equal(len, 1);
	house_free(&h);
}

static void a_hub_given_up_lives_as_long_as_its_sessions(void **state)
{
	struct parley_session_hub *hub;
	struct house h;

	(void)state;
	house_init(&h, 2);
	until_ready(&h);
	hub = h.hub;
	parley_session_hub_free(hub);
	say_all(&h, 1);
	h.hub = NULL;
	house_free(&h); /* what is left shows under a sanitizer */
}

static void options_out_of_range_are_refused(void **state)
{
	struct parley_session_hub_options o;
	struct parley_session_hub *hub;

	(void)state;
	parley_session_hub_options_init(&o);
	o.size++;
	assert_int_equal(parley_session_hub_new(&hub, &o), PARLEY_ERR_ARGUMENT);
	parley_session_hub_options_init(&o);
	o.size = 0;
	assert_int_equal(parley_session_hub_new(&hub, &o), PARLEY_ERR_ARGUMENT);
	parley_session_hub_options_init(&o);
	o.liveness_ms = 0;
	assert_int_equal(parley_session_hub_new(&hub, &o), PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_session_hub_new(&hub, NULL), 0);
	assert_int_equal(parley_session_hub_listen(hub, "tcp://127.0.0.1"),
			 PARLEY_ERR_ENDPOINT);
	parley_session_hub_free(hub);
	parley_session_hub_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(twenty_agreements_share_one_port),
	    cmocka_unit_test(a_session_ends_while_the_others_go_on),
	    cmocka_unit_test(every_session_resumes_on_the_shared_port),
	    cmocka_unit_test(parties_of_one_agreement_share_a_hub),
	    cmocka_unit_test(whom_a_frame_fits_nobody_gets_silence),
	    cmocka_unit_test(a_session_that_sleeps_holds_nobody_up),
	    cmocka_unit_test(waiting_in_one_session_needs_no_loop),
	    cmocka_unit_test(a_hub_given_up_lives_as_long_as_its_sessions),
	    cmocka_unit_test(options_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
