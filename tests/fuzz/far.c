/*
 * Bob's network in memory, and Alice: see far.h.
 *
 * The carrier does what session/carrier.h promises and no more, so that what
 * the sanitizers find is the session's: a connection is freed as soon as it may
 * be, and no event comes of one that was given up.
 */
#include "tests/fuzz/far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <sodium.h>

#include "did/identity.h"
#include "session/carrier.h"
#include "session/mesh_handshake.h"
#include "session/session.h"
#include "tests/fuzz/side.h"

enum { EVENTS_MAX = 4, DIALS_MAX = 64 };

struct net {
	struct session_carrier base;
	struct fuzz_far *far;
	struct session_carrier_event queue[EVENTS_MAX];
	size_t n;
	struct session_conn *over; /* reported DOWN last */
	int fd;
};

/* What the functions below need; one run at a time. */
static struct fuzz_far *far;
static struct net *net;
static int64_t now_us;
static uint64_t random_state;

/* Made once. */
static struct parley_identity *ids[2];
static struct parley_agreement *agreements[3];

int64_t __wrap_session_now_us(void);
int64_t __wrap_session_now_ms(void);
int64_t __wrap_session_now_coarse_ms(void);
int64_t __wrap_session_now_utc_ms(void);
int __wrap_session_carrier_zmtp_new(struct session_carrier **cp,
				    const struct session_carrier_options *o);

/*
 * Time and randomness
 */

int64_t __wrap_session_now_us(void)
{
	return now_us;
}

int64_t __wrap_session_now_ms(void)
{
	return now_us / 1000;
}

int64_t __wrap_session_now_coarse_ms(void)
{
	return now_us / 1000;
}

int64_t __wrap_session_now_utc_ms(void)
{
	return FUZZ_NOW * INT64_C(1000) + now_us / 1000;
}

void fuzz_far_wait(unsigned ms)
{
	now_us += ms * INT64_C(1000);
}

static const char *random_name(void)
{
	return "fuzz";
}

static uint32_t random_next(void)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(random_state >> 32);
}

static void random_buf(void *const p, const size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)p)[i] = (uint8_t)random_next();
}

/*
 * The carrier
 */

static struct fuzz_far_slot *slot_of(const struct session_conn *conn)
{
	for (size_t i = 0; i < FUZZ_FAR_SLOTS; i++)
		if (far->slot[i].conn == conn)
			return &far->slot[i];
	return NULL;
}

static void clear_slot(struct fuzz_far_slot *slot)
{
	free(slot->sent);
	free(slot->confirm);
	session_handshake_free(slot->h);
	memset(slot, 0, sizeof(*slot));
}

static int net_listen(struct session_carrier *c, const char *endpoint)
{
	(void)c;
	(void)endpoint;
	return 0;
}

static int net_dial(struct session_carrier *c, const char *endpoint,
		    struct session_conn **connp)
{
	struct session_conn *conn = calloc(1, sizeof(*conn));
	struct fuzz_far_slot *slot = slot_of(NULL);

	(void)c;
	(void)endpoint;
	if (!conn)
		abort();
	if (!slot) {
		free(conn);
		return PARLEY_ERR_SYSTEM;
	}
	conn->dialled = true;
	slot->conn = conn;
	*connp = conn;
	return 0;
}

static int net_send(struct session_carrier *c, struct session_conn *conn,
		    struct session_frame *frame)
{
	struct fuzz_far_slot *slot = slot_of(conn);
	const uint8_t *p = frame->data;

	(void)c;
	if (!slot || frame->len == 0)
		abort();
	free(slot->sent);
	slot->sent = malloc(frame->len);
	if (!slot->sent)
		abort();
	memcpy(slot->sent, p, frame->len);
	slot->sent_len = frame->len;
	if (p[0] == SESSION_WIRE_RECORD && slot->current) {
		const uint32_t seq =
		    (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

		if (seq >= far->next)
			far->next = seq + 1;
		if (far->on_record)
			far->on_record(far, p, frame->len);
	}
	session_frame_free(frame);
	return 0;
}

static void forget(struct session_conn *conn)
{
	struct fuzz_far_slot *slot = slot_of(conn);
	size_t n = 0;

	for (size_t i = 0; i < net->n; i++) {
		if (net->queue[i].conn == conn)
			session_frame_free(net->queue[i].frame);
		else
			net->queue[n++] = net->queue[i];
	}
	net->n = n;
	if (slot)
		clear_slot(slot);
	free(conn);
}

static void net_hangup(struct session_carrier *c, struct session_conn *conn)
{
	(void)c;
	if (!slot_of(conn))
		abort();
	forget(conn);
}

static int net_next(struct session_carrier *c, struct session_carrier_event *ev)
{
	(void)c;
	free(net->over);
	net->over = NULL;
	if (net->n == 0)
		return PARLEY_ERR_AGAIN;
	*ev = net->queue[0];
	memmove(net->queue, net->queue + 1, --net->n * sizeof(net->queue[0]));
	if (ev->type == SESSION_CARRIER_DOWN) {
		clear_slot(slot_of(ev->conn));
		net->over = ev->conn;
	}
	return 0;
}

/* Nobody else is there, so time passes. */
static int net_wait(struct session_carrier *c, struct session_conn *conn,
		    int timeout_ms)
{
	(void)c;
	(void)conn;
	fuzz_far_wait(timeout_ms < 0 ? 3600 * 1000 : (unsigned)timeout_ms + 1);
	return PARLEY_ERR_AGAIN;
}

static int net_fd(const struct session_carrier *c)
{
	return ((const struct net *)c)->fd;
}

static int net_settle(struct session_carrier *c)
{
	(void)c;
	return 0;
}

static void net_free(struct session_carrier *c, int linger_ms)
{
	(void)c;
	(void)linger_ms;
	for (size_t i = 0; i < FUZZ_FAR_SLOTS; i++)
		if (far->slot[i].conn)
			forget(far->slot[i].conn);
	free(net->over);
	close(net->fd);
	free(net);
	net = NULL;
}

static const struct session_carrier_ops ops = {
    .listen = net_listen,
    .dial = net_dial,
    .send = net_send,
    .hangup = net_hangup,
    .next = net_next,
    .wait = net_wait,
    .fd = net_fd,
    .settle = net_settle,
    .free = net_free,
};

int __wrap_session_carrier_zmtp_new(struct session_carrier **cp,
				    const struct session_carrier_options *o)
{
	(void)o;
	net = calloc(1, sizeof(*net));
	if (!net)
		abort();
	net->base.ops = &ops;
	net->fd = epoll_create1(EPOLL_CLOEXEC);
	*cp = &net->base;
	return 0;
}

/*
 * Life
 */

static struct parley_agreement *make_agreement(const char *first,
					       const char *second, char id)
{
	struct parley_agreement *a = NULL;
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"parley\":\"agreement/1\","
		 "\"id\":\"%cAAAAAAAAAAAAAAAAAAAAA\",\"name\":\"fuzz\","
		 "\"created\":1,\"threshold\":1,\"parties\":["
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://a:1\"]},"
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://b:1\","
		 "\"tcp://b:2\"]}]}",
		 id, first, second);
	if (parley_session_agreement_parse(&a, NULL, text, strlen(text)) != 0)
		abort();
	return a;
}

static void make_world(void)
{
	static randombytes_implementation source = {
	    .implementation_name = random_name,
	    .random = random_next,
	    .buf = random_buf,
	};
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	const char *did[2];

	randombytes_set_implementation(&source);
	for (int i = 0; i < 2; i++) {
		memset(seed, 'a' + i, sizeof(seed));
		if (did_identity_from_seed(&ids[i], seed) != 0)
			abort();
		did[i] = parley_did_identity_did(ids[i]);
	}
	agreements[0] = make_agreement(did[0], did[1], 'A');
	agreements[FUZZ_FAR_FIRST] = make_agreement(did[1], did[0], 'A');
	agreements[2] = make_agreement(did[0], did[1], 'B');
}

void fuzz_far_options(struct parley_session_options *o)
{
	parley_session_options_init(o);
	o->send_timeout_ms = o->recv_timeout_ms = 0;
	o->close_timeout_ms = 1000;
	o->window = 64 * 1024;
	o->message_max = 64 * 1024;
	o->record_max = 32 * 1024;
	o->keep_receipts = true;
	o->on_lost = PARLEY_ON_LOST_WAIT;
}

void fuzz_far_init(struct fuzz_far *f, unsigned way,
		   const struct parley_session_options *o)
{
	struct parley_session_options mine;
	struct parley_agreement *a;

	if (!ids[0])
		make_world();
	a = agreements[way & FUZZ_FAR_FIRST];
	memset(f, 0, sizeof(*f));
	far = f;
	now_us = 1000000;
	random_state = 1;
	f->bob = way & FUZZ_FAR_FIRST ? 0 : 1;
	f->alice = 1 - f->bob;
	session_gate_init(&f->gate, a);
	f->self.agreement = a;
	f->self.identity = ids[0];
	f->self.index = f->alice;
	memset(f->self.instance, 1, sizeof(f->self.instance));
	f->self.n_suites = 2;
	f->self.suites[0] = SESSION_SUITE_CHACHA20;
	f->self.suites[1] = SESSION_SUITE_AES256;
	fuzz_far_options(&mine);
	if (o)
		mine = *o;
	if (way & FUZZ_FAR_HUB) {
		if (parley_session_hub_new(&f->hub, NULL) != 0)
			abort();
		mine.hub = f->hub;
		if (parley_session_new(&f->s[1], agreements[2], ids[1],
				       &mine) != 0)
			abort();
	}
	if (parley_session_new(&f->s[0], a, ids[1], &mine) != 0)
		abort();
	fuzz_far_process(f);
}

static void forget_channel(struct fuzz_far *f)
{
	session_record_wipe(&f->seal);
	session_resume_wipe(&f->resume);
	memset(&f->seal, 0, sizeof(f->seal));
	f->known = false;
}

void fuzz_far_free(struct fuzz_far *f)
{
	for (size_t i = 0; i < FUZZ_FAR_SESSIONS; i++)
		parley_session_free(f->s[i]);
	parley_session_hub_free(f->hub);
	forget_channel(f);
	session_gate_wipe(&f->gate);
}

/*
 * Bob
 */

void fuzz_far_process(struct fuzz_far *f)
{
	if (f->hub)
		(void)parley_session_hub_process(f->hub);
	for (size_t i = 0; i < FUZZ_FAR_SESSIONS; i++) {
		struct parley_session *s = f->s[i];

		if (!s)
			continue;
		(void)parley_session_process(s);
		if (s->n_strangers > SESSION_STRANGERS_MAX + s->n ||
		    (s->state == PARLEY_SESSION_READY && (i > 0 || !f->known)))
			abort();
	}
}

static void push(struct session_carrier_event ev)
{
	if (net->n == EVENTS_MAX)
		abort();
	net->queue[net->n++] = ev;
}

/* Is there a session that takes events? */
static bool is_heard(const struct fuzz_far *f)
{
	return f->hub || (f->s[0]->state != PARLEY_SESSION_FAILED &&
			  f->s[0]->state != PARLEY_SESSION_CLOSED);
}

void fuzz_far_deliver(struct fuzz_far *f, size_t i, const uint8_t *p,
		      size_t len)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	struct session_frame *frame;
	bool silence = false;

	if (!is_heard(f) || (slot->conn && slot->conn->dialled && !slot->up))
		return;
	if (!slot->conn) {
		if (len > SESSION_PROPOSE_LEN_MAX)
			return; /* carriers see to that */
		slot->conn = calloc(1, sizeof(*slot->conn));
		silence = true;
		for (size_t k = 0; k < FUZZ_FAR_SESSIONS; k++)
			if (f->s[k] && session_mesh_handshake_fits(
					   f->s[k], p, len) != SESSION_HUB_NONE)
				silence = false;
	}
	frame = session_frame_new(len);
	if (!slot->conn || !frame)
		abort();
	if (len > 0)
		memcpy(frame->data, p, len);
	frame->len = len;
	push((struct session_carrier_event){
	    .type = SESSION_CARRIER_FRAME, .conn = slot->conn, .frame = frame});
	fuzz_far_process(f);
	if (silence && slot->conn)
		abort();
}

void fuzz_far_up(struct fuzz_far *f, size_t i)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];

	if (!is_heard(f) || !slot->conn || !slot->conn->dialled || slot->up)
		return;
	slot->up = true;
	push((struct session_carrier_event){.type = SESSION_CARRIER_UP,
					    .conn = slot->conn});
	fuzz_far_process(f);
}

void fuzz_far_down(struct fuzz_far *f, size_t i)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];

	if (!is_heard(f) || !slot->conn)
		return;
	push((struct session_carrier_event){.type = SESSION_CARRIER_DOWN,
					    .conn = slot->conn,
					    .reason = "it ended"});
	fuzz_far_process(f);
}

/*
 * Alice
 */

static void draw(struct fuzz_far *f, struct session_handshake_random *random)
{
	memset(random, ++f->drawn, sizeof(*random));
}

/* ${p} with one byte changed. */
static void deliver_flipped(struct fuzz_far *f, size_t i, const uint8_t *p,
			    size_t len, uint16_t flip)
{
	uint8_t *copy = malloc(len);

	if (!copy)
		abort();
	memcpy(copy, p, len);
	copy[(flip >> 8) % len] ^= (uint8_t)flip;
	fuzz_far_deliver(f, i, copy, len);
	free(copy);
}

/* The handshake of ${slot} is complete on Alice's side. */
static void take_result(struct fuzz_far *f, struct fuzz_far_slot *slot,
			enum session_role role)
{
	forget_channel(f);
	if (session_handshake_result(slot->h, &f->result) != 0 ||
	    f->result.peer != f->bob ||
	    session_record_init(&f->seal, f->result.suite,
				f->result.traffic.secret[role], true,
				NULL) != 0)
		abort();
	session_resume_init(&f->resume, f->result.traffic.resume, role);
	for (size_t i = 0; i < FUZZ_FAR_SLOTS; i++)
		f->slot[i].current = &f->slot[i] == slot;
	f->known = true;
	f->role = role;
	f->next = 0;
}

void fuzz_far_propose(struct fuzz_far *f, size_t i, uint16_t flip)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	struct session_handshake_random random;
	struct session_handshake *h;
	uint8_t msg[SESSION_PROPOSE_LEN_MAX], *reply;
	size_t len, reply_len;

	draw(f, &random);
	if (slot->conn ||
	    session_handshake_propose(&h, msg, &len, &f->gate, &f->self, f->bob,
				      &random) != 0)
		return;
	deliver_flipped(f, i, msg, len, flip);
	if (!slot->conn || !slot->sent) {
		session_handshake_free(h);
		return;
	}
	slot->h = h;
	draw(f, &random);
	if (session_handshake_confirm(h, &reply, &reply_len, slot->sent,
				      slot->sent_len, &random, FUZZ_NOW) == 0) {
		slot->confirm = reply;
		slot->confirm_len = reply_len;
	} else {
		free(reply);
	}
}

void fuzz_far_confirm(struct fuzz_far *f, size_t i, uint16_t flip)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	uint8_t *confirm = slot->confirm;

	if (!confirm)
		return;
	slot->confirm = NULL;
	if ((uint8_t)flip == 0)
		take_result(f, slot, SESSION_INITIATOR);
	deliver_flipped(f, i, confirm, slot->confirm_len, flip);
	free(confirm);
}

void fuzz_far_accept(struct fuzz_far *f, size_t i, uint16_t flip)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	struct session_handshake_random random;
	uint8_t *accept;
	size_t len;

	if (!slot->up || !slot->sent || slot->h)
		return;
	draw(f, &random);
	if (session_handshake_accept(&slot->h, &accept, &len, &f->gate,
				     &f->self, slot->sent, slot->sent_len,
				     &random, FUZZ_NOW) != 0) {
		free(accept);
		return;
	}
	deliver_flipped(f, i, accept, len, flip);
	free(accept);
	if (slot->h && slot->sent[0] == SESSION_WIRE_CONFIRM &&
	    session_handshake_finish(slot->h, slot->sent, slot->sent_len,
				     FUZZ_NOW) == 0) {
		take_result(f, slot, SESSION_RESPONDER);
	}
}

void fuzz_far_resume(struct fuzz_far *f, size_t i, uint16_t flip)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	struct session_resume_attempt attempt;
	struct session_handshake_random random;
	uint8_t msg[SESSION_RESUME_LEN];

	if (slot->conn || !f->known)
		return;
	draw(f, &random);
	session_resume_create(msg, &attempt, &f->resume, f->gate.key, f->alice,
			      random.tag);
	deliver_flipped(f, i, msg, sizeof(msg), flip);
	slot->attempt = attempt;
}

void fuzz_far_answer(struct fuzz_far *f, size_t i, uint16_t flip)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	uint8_t msg[SESSION_ANSWER_LEN];
	uint64_t next;

	if (!f->known || !slot->sent ||
	    session_resume_answer(msg, &next, &slot->attempt, &f->resume,
				  slot->sent, slot->sent_len, f->next) != 0)
		return;
	slot->current = true;
	deliver_flipped(f, i, msg, sizeof(msg), flip);
}

void fuzz_far_challenge(struct fuzz_far *f, size_t i, uint16_t flip)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	struct session_handshake_random random;
	uint8_t msg[SESSION_CHALLENGE_LEN];
	size_t index;

	draw(f, &random);
	if (!f->known || !slot->up || !slot->sent ||
	    session_resume_index(&index, slot->sent, slot->sent_len,
				 f->gate.key) != 0 ||
	    session_resume_challenge(msg, &slot->attempt, &f->resume,
				     slot->sent, f->next, random.tag) != 0)
		return;
	slot->current = true;
	deliver_flipped(f, i, msg, sizeof(msg), flip);
}

void fuzz_far_items(struct fuzz_far *f, size_t i, const uint8_t *p, size_t len)
{
	struct fuzz_far_slot *slot = &f->slot[i % FUZZ_FAR_SLOTS];
	uint8_t *record = malloc(len + SESSION_RECORD_OVERHEAD);

	if (!record)
		abort();
	if (f->known && slot->conn) {
		if (len > 0)
			memcpy(record + SESSION_RECORD_HEADER_LEN, p, len);
		if (session_record_seal(&f->seal, record, len) != 0)
			abort();
		fuzz_far_deliver(f, i, record, len + SESSION_RECORD_OVERHEAD);
	}
	free(record);
}

/* An ACK item; all numbers in nine bytes would not be the shortest form. */
static size_t put_ack(uint8_t *p, uint64_t next, uint64_t limit)
{
	uint8_t body[20];
	size_t n = 0;

	for (int i = 0; i < 2; i++) {
		uint64_t v = i ? limit : next;

		for (; v >= 0x80; v >>= 7)
			body[n++] = (uint8_t)(v | 0x80);
		body[n++] = (uint8_t)v;
	}
	p[0] = 2 * SESSION_ITEM_ACK + 1;
	p[1] = (uint8_t)n;
	memcpy(p + 2, body, n);
	return n + 2;
}

void fuzz_far_barrier(const struct fuzz_far *f, uint8_t hash[SESSION_HASH_LEN])
{
	static const char label[] = "parley instances 1";
	static const uint8_t n[4] = {0, 0, 0, 2};
	uint8_t agreement[PARLEY_AGREEMENT_HASH_LEN];
	crypto_hash_sha256_state st;

	parley_session_agreement_hash(f->self.agreement, agreement);
	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, (const uint8_t *)label, strlen(label));
	crypto_hash_sha256_update(&st, agreement, sizeof(agreement));
	crypto_hash_sha256_update(&st, n, sizeof(n));
	for (size_t i = 0; i < 2; i++)
		crypto_hash_sha256_update(
		    &st, i == f->alice ? f->self.instance : f->result.instance,
		    SESSION_INSTANCE_LEN);
	crypto_hash_sha256_final(&st, hash);
}

void fuzz_far_ready(struct fuzz_far *f, size_t i)
{
	uint8_t items[64];
	size_t len;

	if (!f->known)
		return;
	len = put_ack(items, f->next, 1 << 20);
	items[len++] = 2 * SESSION_ITEM_READY + 1;
	items[len++] = SESSION_HASH_LEN;
	fuzz_far_barrier(f, items + len);
	fuzz_far_items(f, i, items, len + SESSION_HASH_LEN);
}

void fuzz_far_ack(struct fuzz_far *f, size_t i, uint16_t more)
{
	uint8_t items[32];

	fuzz_far_items(f, i, items,
		       put_ack(items, f->next, (1 << 20) + 16 * more));
}

void fuzz_far_later(struct fuzz_far *f)
{
	f->self.instance[0]++;
}

void fuzz_far_steps(fuzz_far_step *step, void *context, unsigned n_whats,
		    const uint8_t *data, size_t size)
{
	enum { STEPS_MAX = 200 };

	for (int i = 0; i < STEPS_MAX && size >= 4; i++) {
		const uint16_t n = (uint16_t)(data[2] << 8 | data[3]);
		const size_t len = n < size - 4 ? n : size - 4;
		const bool used =
		    step(context, data[0] % n_whats, data[1], n, data + 4, len);

		data += used ? len + 4 : 4;
		size -= used ? len + 4 : 4;
	}
}
