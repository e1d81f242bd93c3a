/*
 * What a hostile end makes of a session through its port: a holder of the
 * agreement, a member that lies, and who repeats what it has seen.
 *
 * The hostile end is a carrier without a session; handshakes, resumes and
 * records are made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "did/bytes.h"
#include "session/carrier.h"
#include "session/session.h"
#include "tests/memory.h"
#include "tests/net.h"

enum {
	MIB = 1024 * 1024,
	LIMIT_MS = 30 * 1000, /* on a machine that has other things to do */
	SPARES_MAX = 4,	      /* former connections that a party keeps */
	RATE = 10,	      /* handshakes a second, once ready, */
	BURST = 16,	      /* ... and at first */
};

struct hostile {
	struct net net;
	struct session_carrier *carrier;
	struct session_gate gate;
	size_t n_reports; /* of party -1 */
	size_t n_sums;	  /* those that speak for others as well */
};

static bool never(struct net *net, void *context)
{
	(void)net;
	(void)context;
	return false;
}

static int count_report(void *context, const struct parley_progress *p)
{
	struct hostile *h = context;

	h->n_reports += p->party < 0;
	h->n_sums += p->party < 0 && p->detail && strstr(p->detail, ", and ");
	return 0;
}

static bool has_failed(struct net *net, void *context)
{
	return parley_session_state(net->s[*(size_t *)context]) ==
	       PARLEY_SESSION_FAILED;
}

/* ${n} parties, none of them begun. */
static void begin(struct hostile *h, size_t n)
{
	const struct session_carrier_options o = {
	    .n_parties = 256,
	    .liveness_ms = 30 * 1000,
	    .unresponsive_ms = 300 * 1000,
	    .stranger_max = SESSION_RECORD_LEN_MAX,
	    .frame_max = SESSION_RECORD_LEN_MAX};

	memset(h, 0, sizeof(*h));
	net_init(&h->net, n);
	h->net.o.on_progress = count_report;
	h->net.o.context = h;
	assert_int_equal(session_carrier_zmtp_new(&h->carrier, &o), 0);
	session_gate_init(&h->gate, h->net.agreement);
}

static void end(struct hostile *h)
{
	session_gate_wipe(&h->gate);
	session_carrier_free(h->carrier, 0);
	net_free(&h->net);
}

static void endpoint_of(char text[64], const struct hostile *h, size_t i)
{
	snprintf(text, 64, "tcp://127.0.0.1:%d", h->net.ports[i]);
}

/* The next event of the hostile end while the sessions go on. */
static bool next(struct hostile *h, struct session_carrier_event *ev)
{
	const int64_t limit = session_now_ms() + LIMIT_MS;

	while (session_carrier_next(h->carrier, ev)) {
		if (session_now_ms() > limit)
			return false;
		net_run(&h->net, never, NULL, 1);
	}
	return true;
}

/* Dial party ${i}; others' events meanwhile are thrown away. */
static struct session_conn *dial(struct hostile *h, size_t i)
{
	struct session_carrier_event ev;
	struct session_conn *conn;
	char endpoint[64];

	endpoint_of(endpoint, h, i);
	assert_int_equal(session_carrier_dial(h->carrier, endpoint, &conn), 0);
	do {
		assert_true(next(h, &ev));
		if (ev.type == SESSION_CARRIER_FRAME)
			session_frame_free(ev.frame);
	} while (ev.conn != conn);
	assert_int_equal(ev.type, SESSION_CARRIER_UP);
	return conn;
}

static void send_bytes(struct hostile *h, struct session_conn *conn,
		       const void *p, size_t len)
{
	struct session_frame *f = session_frame_new(len);

	assert_non_null(f);
	memcpy(f->data, p, len);
	(void)session_carrier_send(h->carrier, conn, f);
}

/* The answer on ${conn}; NULL: it was hung up. */
static struct session_frame *answer(struct hostile *h,
				    struct session_conn *conn)
{
	struct session_carrier_event ev;

	for (;;) {
		assert_true(next(h, &ev));
		if (ev.conn == conn && ev.type != SESSION_CARRIER_UP)
			return ev.type == SESSION_CARRIER_FRAME ? ev.frame
								: NULL;
		if (ev.type == SESSION_CARRIER_FRAME)
			session_frame_free(ev.frame);
	}
}

/* A propose to party ${to} as its gate wants it; ${hp} may be NULL. */
static size_t make_propose(struct hostile *h, uint8_t *msg, size_t from,
			   size_t to, struct session_handshake **hp)
{
	const struct session_handshake_self self = {
	    .agreement = h->net.agreement,
	    .identity = h->net.ids[from],
	    .index = from,
	    .instance = {1},
	    .n_suites = 1,
	    .suites = {SESSION_SUITE_CHACHA20}};
	struct session_handshake_random random;
	struct session_handshake *handshake;
	size_t len;

	randombytes_buf(&random, sizeof(random));
	assert_int_equal(session_handshake_propose(&handshake, msg, &len,
						   &h->gate, &self, to,
						   &random),
			 0);
	if (hp)
		*hp = handshake;
	else
		session_handshake_free(handshake);
	return len;
}

/*
 * A member: party 0 is by hand, party 1 a session.
 */

struct member {
	struct hostile h;
	struct session_conn *conn;
	struct session_record seal, open;
	struct session_resume resume;
	uint8_t ready[SESSION_HASH_LEN]; /* as party 1 said it */
	bool has_ready;
};

static void send_items(struct member *m, const void *items, size_t len)
{
	struct session_frame *f =
	    session_frame_new(len + SESSION_RECORD_OVERHEAD);

	assert_non_null(f);
	memcpy(f->data + SESSION_RECORD_HEADER_LEN, items, len);
	assert_int_equal(session_record_seal(&m->seal, f->data, len), 0);
	(void)session_carrier_send(m->h.carrier, m->conn, f);
}

/* Short control items have one byte of code and one of length. */
static void look_for_ready(struct member *m, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 2 <= len; i += 2 + p[i + 1])
		if (p[i] == (SESSION_ITEM_READY << 1 | 1) &&
		    i + 2 + SESSION_HASH_LEN <= len) {
			memcpy(m->ready, p + i + 2, SESSION_HASH_LEN);
			m->has_ready = true;
		}
}

static void take_record(struct member *m)
{
	struct session_frame *f = answer(&m->h, m->conn);
	size_t len;

	assert_non_null(f);
	assert_int_equal(session_record_open(&m->open, &len, f->data, f->len),
			 0);
	look_for_ready(m, f->data + SESSION_RECORD_HEADER_LEN, len);
	session_frame_free(f);
}

static bool is_ready(struct net *net, void *context)
{
	(void)context;
	return parley_session_state(net->s[1]) == PARLEY_SESSION_READY;
}

/* The handshake, and the first record. */
static void member_greet(struct member *m, const void *first, size_t first_len)
{
	uint8_t propose[SESSION_PROPOSE_LEN_MAX], *confirm;
	struct session_handshake_result r;
	struct session_handshake_random random;
	struct session_handshake *handshake;
	struct session_frame *f;
	size_t len;

	begin(&m->h, 2);
	m->has_ready = false;
	net_start(&m->h.net, 1);
	m->conn = dial(&m->h, 1);
	len = make_propose(&m->h, propose, 0, 1, &handshake);
	send_bytes(&m->h, m->conn, propose, len);
	f = answer(&m->h, m->conn);
	assert_non_null(f);
	randombytes_buf(&random, sizeof(random));
	assert_int_equal(session_handshake_confirm(handshake, &confirm, &len,
						   f->data, f->len, &random,
						   session_now_utc_ms() / 1000),
			 0);
	session_frame_free(f);
	send_bytes(&m->h, m->conn, confirm, len);
	free(confirm);
	assert_int_equal(session_handshake_result(handshake, &r), 0);
	session_handshake_free(handshake);
	memset(&m->seal, 0, sizeof(m->seal));
	memset(&m->open, 0, sizeof(m->open));
	assert_int_equal(session_record_init(
			     &m->seal, r.suite,
			     r.traffic.secret[SESSION_INITIATOR], true, NULL),
			 0);
	assert_int_equal(session_record_init(
			     &m->open, r.suite,
			     r.traffic.secret[SESSION_RESPONDER], false, NULL),
			 0);
	session_resume_init(&m->resume, r.traffic.resume, SESSION_INITIATOR);
	send_items(m, first, first_len);
}

/* The same, and records until the session is ready. */
static void member_join(struct member *m, const void *first, size_t first_len)
{
	uint8_t ready[2 + SESSION_HASH_LEN] = {SESSION_ITEM_READY << 1 | 1,
					       SESSION_HASH_LEN};

	member_greet(m, first, first_len);
	while (!m->has_ready)
		take_record(m);
	memcpy(ready + 2, m->ready, SESSION_HASH_LEN);
	send_items(m, ready, sizeof(ready));
	assert_true(net_run(&m->h.net, is_ready, NULL, LIMIT_MS));
}

/* ACK of nothing, and a limit of 2^20 or of 2^48. */
#define ALLOW_SOME "\x07\x04\x00\x80\x80\x40"
#define ALLOW_ALL  "\x07\x08\x00\x80\x80\x80\x80\x80\x80\x40"

static void member_leave(struct member *m)
{
	session_record_wipe(&m->seal);
	session_record_wipe(&m->open);
	session_resume_wipe(&m->resume);
	end(&m->h);
}

/* A member that does not read asks again and again for all that is kept. */
static void gaps_do_not_fill_the_memory_of_the_sender(void **state)
{
	enum { MESSAGES = 4000, GAPS = 500 };
	static const uint8_t gap[] = {
	    SESSION_ITEM_GAP << 1 | 1, 4, 1, 0x80, 0x80, 0x40};
	struct member m;
	size_t before, after;

	(void)state;
	member_join(&m, ALLOW_SOME, sizeof(ALLOW_SOME) - 1);
	for (int i = 0; i < MESSAGES; i++) {
		assert_int_equal(parley_session_send(m.h.net.s[1], 0, "x", 1),
				 0);
		assert_int_equal(parley_session_flush(m.h.net.s[1]), 0);
	}
	before = memory_used();
	for (int i = 0; i < GAPS; i++) {
		send_items(&m, gap, sizeof(gap));
		if (i % 16 == 0)
			net_run(&m.h.net, never, NULL, 1);
	}
	net_run(&m.h.net, never, NULL, 100);
	after = memory_used();
	print_message("%zu bytes more\n", after > before ? after - before : 0);
	assert_true(after < before + 8 * MIB);
	assert_int_equal(parley_session_party_state(m.h.net.s[1], 0),
			 PARLEY_PARTY_READY);
	member_leave(&m);
}

/* Resume over a new connection, as PROTOCOL 5.6 has it. */
static void resume(struct member *m)
{
	uint8_t msg[SESSION_RESUME_LEN], a[SESSION_NONCE_LEN];
	struct session_resume_attempt at;
	struct session_frame *f;
	uint64_t peers_next;

	m->conn = dial(&m->h, 1);
	randombytes_buf(a, sizeof(a));
	session_resume_create(msg, &at, &m->resume, m->h.gate.key, 0, a);
	send_bytes(&m->h, m->conn, msg, sizeof(msg));
	f = answer(&m->h, m->conn);
	assert_non_null(f);
	assert_int_equal(session_resume_answer(msg, &peers_next, &at,
					       &m->resume, f->data, f->len,
					       m->open.seq),
			 0);
	session_frame_free(f);
	send_bytes(&m->h, m->conn, msg, SESSION_ANSWER_LEN);
}

static size_t count_links(const struct parley_session *s,
			  enum session_link_state state)
{
	size_t n = 0;

	for (const struct session_link *l = s->links; l; l = l->next)
		n += l->state == state;
	return n;
}

static bool has_resumed(struct net *net, void *context)
{
	struct parley_party_stats st;

	assert_int_equal(parley_session_stats(net->s[1], 0, &st), 0);
	return st.resumes == *(uint64_t *)context;
}

static void former_connections_are_kept_in_small_number(void **state)
{
	struct member m;

	(void)state;
	member_join(&m, ALLOW_SOME, sizeof(ALLOW_SOME) - 1);
	for (uint64_t i = 1; i <= 40; i++) {
		resume(&m);
		assert_true(net_run(&m.h.net, has_resumed, &i, LIMIT_MS));
	}
	print_message("%zu former connections\n",
		      count_links(m.h.net.s[1], SESSION_LINK_SPARE));
	assert_true(count_links(m.h.net.s[1], SESSION_LINK_SPARE) <=
		    SPARES_MAX);
	assert_int_equal(parley_session_party_state(m.h.net.s[1], 0),
			 PARLEY_PARTY_READY);
	member_leave(&m);
}

/* Who repeats resumes that were recorded does not fill the table of links. */
static void of_too_many_resumes_under_way_the_oldest_goes(void **state)
{
	uint8_t msg[SESSION_RESUME_LEN], a[SESSION_NONCE_LEN];
	struct session_resume_attempt at;
	struct session_conn *conn;
	struct session_frame *f;
	struct member m;

	(void)state;
	member_join(&m, ALLOW_SOME, sizeof(ALLOW_SOME) - 1);
	for (int i = 0; i < SESSION_CHALLENGES_MAX + 3; i++) {
		conn = dial(&m.h, 1);
		randombytes_buf(a, sizeof(a));
		session_resume_create(msg, &at, &m.resume, m.h.gate.key, 0, a);
		send_bytes(&m.h, conn, msg, sizeof(msg));
		f = answer(&m.h, conn);
		assert_non_null(f); /* challenged */
		session_frame_free(f);
		assert_true(
		    count_links(m.h.net.s[1], SESSION_LINK_CHALLENGED) <=
		    SESSION_CHALLENGES_MAX);
	}
	assert_int_equal(parley_session_party_state(m.h.net.s[1], 0),
			 PARLEY_PARTY_READY);
	member_leave(&m);
}

/* Who is blamed is one of the roster; otherwise it is who blames. */
static void an_abort_that_blames_nobody_of_the_roster_blames_its_sender(
    void **state)
{
	/* Reason 0, party 99, "no". */
	static const char first[] = ALLOW_SOME "\x13\x04\x00\x64no";
	struct member m;
	size_t who = 1;

	(void)state;
	assert_int_equal(SESSION_ITEM_ABORT << 1 | 1, first[6]);
	member_greet(&m, first, sizeof(first) - 1);
	assert_true(net_run(&m.h.net, has_failed, &who, LIMIT_MS));
	assert_non_null(
	    strstr(parley_session_error(m.h.net.s[1]), "gave up: no"));
	assert_int_equal(parley_session_culprit(m.h.net.s[1]), 0);
	member_leave(&m);
}

/* Who has the agreement's id, but not the channel's keys. */
static void a_resume_with_a_wrong_mac_drops_nobody(void **state)
{
	uint8_t msg[SESSION_RESUME_LEN], a[SESSION_NONCE_LEN];
	struct session_conn *bogus, *first = NULL;
	struct session_resume_attempt at;
	struct session_resume wrong;
	struct session_frame *f;
	struct member m;

	(void)state;
	member_join(&m, ALLOW_SOME, sizeof(ALLOW_SOME) - 1);
	wrong = m.resume;
	wrong.key[SESSION_INITIATOR][0] ^= 1;
	for (int i = 0; i < SESSION_CHALLENGES_MAX; i++) {
		struct session_conn *conn = dial(&m.h, 1);

		first = first ? first : conn;
		randombytes_buf(a, sizeof(a));
		session_resume_create(msg, &at, &m.resume, m.h.gate.key, 0, a);
		send_bytes(&m.h, conn, msg, sizeof(msg));
		f = answer(&m.h, conn);
		assert_non_null(f); /* challenged */
		session_frame_free(f);
	}
	assert_int_equal(count_links(m.h.net.s[1], SESSION_LINK_CHALLENGED),
			 SESSION_CHALLENGES_MAX);
	bogus = dial(&m.h, 1);
	randombytes_buf(a, sizeof(a));
	session_resume_create(msg, &at, &wrong, m.h.gate.key, 0, a);
	send_bytes(&m.h, bogus, msg, sizeof(msg));
	assert_null(answer(&m.h, bogus)); /* silence */
	assert_int_equal(count_links(m.h.net.s[1], SESSION_LINK_CHALLENGED),
			 SESSION_CHALLENGES_MAX);
	member_leave(&m);
}

/*
 * Be party 1 as ${self} says: wait for party 0's propose, from ${*connp}, and
 * return what accepting it gives.
 */
static int accept_propose(struct hostile *h,
			  struct session_handshake_self *self,
			  struct session_conn **connp,
			  struct session_handshake **handshakep,
			  uint8_t **replyp, size_t *lenp)
{
	struct session_handshake_random random;
	struct session_carrier_event ev;
	char endpoint[64];
	int err;

	self->agreement = h->net.agreement;
	self->identity = h->net.ids[1];
	endpoint_of(endpoint, h, 1);
	assert_int_equal(session_carrier_listen(h->carrier, endpoint), 0);
	net_start(&h->net, 0);
	assert_true(next(h, &ev));
	assert_int_equal(ev.type, SESSION_CARRIER_FRAME);
	*connp = ev.conn;
	randombytes_buf(&random, sizeof(random));
	err = session_handshake_accept(handshakep, replyp, lenp, &h->gate, self,
				       ev.frame->data, ev.frame->len, &random,
				       session_now_utc_ms() / 1000);
	session_frame_free(ev.frame);
	return err;
}

/* Whatever comes before R's first record is not R's word. */
static void a_channel_is_taken_upon_a_record_that_opens(void **state)
{
	const struct session_handshake_self self_of_1 = {
	    .index = 1,
	    .instance = {1},
	    .n_suites = 1,
	    .suites = {SESSION_SUITE_CHACHA20}};
	struct session_handshake_self self = self_of_1;
	struct session_handshake *handshake;
	static const struct {
		const char *p;
		size_t len;
	} junk[] = {
	    {"\x10\x00\x00\x00 no record at all, but long enough", 38},
	    {"\x10\x00\x00\x05 one that would come later on, early", 40},
	    {"x", 1},
	};
	struct session_conn *conn;
	struct session_frame *f;
	struct hostile h;
	uint8_t *reply;
	size_t len;

	(void)state;
	begin(&h, 2);
	assert_int_equal(
	    accept_propose(&h, &self, &conn, &handshake, &reply, &len), 0);
	conn->user = &h;
	session_carrier_trust(h.carrier, conn, SESSION_RECORD_LEN_MAX);
	send_bytes(&h, conn, reply, len);
	free(reply);
	f = answer(&h, conn); /* confirm, of which nobody says anything */
	assert_non_null(f);
	session_frame_free(f);
	for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++) {
		send_bytes(&h, conn, junk[i].p, junk[i].len);
		net_run(&h.net, never, NULL, 50);
		assert_int_not_equal(parley_session_party_state(h.net.s[0], 1),
				     PARLEY_PARTY_READY);
	}
	session_handshake_free(handshake);
	end(&h);
}

/* As of another version of the library, which is no less honest. */
static void an_opening_ends_where_no_suite_is_common(void **state)
{
	struct session_handshake_self self = {
	    .index = 1, .instance = {1}, .n_suites = 1, .suites = {200}};
	struct session_handshake *handshake;
	struct session_conn *conn;
	size_t len, who = 0;
	struct hostile h;
	uint8_t *reply;

	(void)state;
	begin(&h, 2);
	assert_int_equal(
	    accept_propose(&h, &self, &conn, &handshake, &reply, &len),
	    PARLEY_ERR_SUITE);
	send_bytes(&h, conn, reply, len);
	free(reply);
	assert_true(net_run(&h.net, has_failed, &who, LIMIT_MS));
	assert_int_equal(parley_session_culprit(h.net.s[0]), 1);
	assert_non_null(strstr(parley_session_error(h.net.s[0]), "refuses us"));
	end(&h);
}

/*
 * Floods
 */

/* While opening, everybody may be answered at once: all are under way. */
static void of_too_many_handshakes_under_way_the_oldest_goes(void **state)
{
	enum { MAX = SESSION_STRANGERS_MAX + 2, N = MAX + 4 };
	uint8_t propose[SESSION_PROPOSE_LEN_MAX];
	struct session_conn *conn;
	struct session_frame *f;
	struct hostile h;
	int n = 0;

	(void)state;
	begin(&h, 2);
	net_start(&h.net, 1);
	while (n < N) {
		conn = dial(&h, 1);
		send_bytes(&h, conn, propose,
			   make_propose(&h, propose, 0, 1, NULL));
		f = answer(&h, conn);
		if (!f) /* too fast */
			continue;
		session_frame_free(f);
		n++;
		assert_true(count_links(h.net.s[1], SESSION_LINK_ACCEPTED) <=
			    MAX);
	}
	assert_int_equal(parley_session_state(h.net.s[1]),
			 PARLEY_SESSION_OPENING);
	end(&h);
}

/* In a session that runs, nobody needs more than a few handshakes. */
static void a_holder_gets_few_answers_of_a_running_session(void **state)
{
	enum { N = 60 }; /* fewer than may be under way */
	uint8_t propose[SESSION_PROPOSE_LEN_MAX];
	struct session_conn *conns[N];
	struct session_carrier_event ev;
	size_t n_accepts = 0, n_downs = 0;
	struct hostile h;
	int64_t begun, took;

	(void)state;
	begin(&h, 2);
	net_open(&h.net);
	for (int i = 0; i < N; i++)
		conns[i] = dial(&h, 1);
	begun = session_now_ms();
	for (int i = 0; i < N; i++)
		send_bytes(&h, conns[i], propose,
			   make_propose(&h, propose, 0, 1, NULL));
	while (n_accepts + n_downs < N) {
		assert_true(next(&h, &ev));
		n_accepts += ev.type == SESSION_CARRIER_FRAME;
		n_downs += ev.type == SESSION_CARRIER_DOWN;
		if (ev.type == SESSION_CARRIER_FRAME)
			session_frame_free(ev.frame);
	}
	took = session_now_ms() - begun;
	print_message("%zu handshakes in %d ms\n", n_accepts, (int)took);
	assert_true(n_accepts >= BURST - 2);
	assert_true((int64_t)n_accepts <= BURST + RATE * (took / 1000 + 1));
	assert_true(net_ready(&h.net, NULL));
	end(&h);
}

/* The same propose again and again is silence, also in the log. */
static void a_replayed_propose_does_not_fill_the_log(void **state)
{
	uint8_t propose[SESSION_PROPOSE_LEN_MAX];
	struct session_conn *conn;
	struct session_frame *f;
	struct hostile h;
	int64_t begun, took;
	size_t len;

	(void)state;
	begin(&h, 2);
	net_open(&h.net);
	conn = dial(&h, 1);
	len = make_propose(&h, propose, 0, 1, NULL);
	send_bytes(&h, conn, propose, len);
	f = answer(&h, conn);
	assert_non_null(f);
	session_frame_free(f);
	begun = session_now_ms();
	h.n_reports = 0;
	for (int i = 0; i < 60; i++) {
		conn = dial(&h, 1);
		send_bytes(&h, conn, propose, len);
		assert_null(answer(&h, conn));
	}
	took = session_now_ms() - begun;
	print_message("%zu reports in %d ms\n", h.n_reports, (int)took);
	assert_true(h.n_reports >= 1);
	assert_true((int64_t)h.n_reports <= 2 * (took / 1000 + 2));
	/* What was not said is said as a number, a second later. */
	net_run(&h.net, never, NULL, SESSION_PROGRESS_MS + 100);
	conn = dial(&h, 1);
	send_bytes(&h, conn, propose, len);
	assert_null(answer(&h, conn));
	assert_true(h.n_sums >= 1);
	end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gaps_do_not_fill_the_memory_of_the_sender),
	    cmocka_unit_test(former_connections_are_kept_in_small_number),
	    cmocka_unit_test(of_too_many_resumes_under_way_the_oldest_goes),
	    cmocka_unit_test(
		an_abort_that_blames_nobody_of_the_roster_blames_its_sender),
	    cmocka_unit_test(a_resume_with_a_wrong_mac_drops_nobody),
	    cmocka_unit_test(a_channel_is_taken_upon_a_record_that_opens),
	    cmocka_unit_test(an_opening_ends_where_no_suite_is_common),
	    cmocka_unit_test(of_too_many_handshakes_under_way_the_oldest_goes),
	    cmocka_unit_test(a_holder_gets_few_answers_of_a_running_session),
	    cmocka_unit_test(a_replayed_propose_does_not_fill_the_log),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
