/*
 * The handshake: PROTOCOL section 5, same step labels.
 *
 *   I                                              R
 *   A1-A4  propose  tag, suites, eI, to, gate  ->  B1-B4
 *   C1-C6  <-  tag, suite, eR, {envelope, finished}  B5-B8
 *   C7-C10 confirm  tag, {envelope, finished}  ->  D1-D7
 *
 * Halves that belong together stand together: what creates a piece is
 * followed by what consumes it.  Every check comes before any change that
 * outlives a failure, except the memory of tags (PROTOCOL B3).
 */
#include "session/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "comm/signed.h"
#include "did/base64.h"
#include "did/bytes.h"
#include "did/identity.h"
#include "did/json.h"
#include "did/secret.h"
#include "did/x25519.h"
#include "session/aead.h"
#include "session/agreement_fields.h"

#define TYPE_ACCEPT  "urn:parley:session/1.0/accept"
#define TYPE_CONFIRM "urn:parley:session/1.0/confirm"

enum state {
	EXPECT_ACCEPT,	/* initiator, propose made */
	EXPECT_CONFIRM, /* responder, accept made */
	EXPECT_DISPUTE, /* responder, refuse of our DID made */
	COMPLETE,	/* result can be taken */
	OVER,		/* taken, or failed */
};

struct session_handshake {
	enum session_role role;
	enum state state;
	struct session_handshake_self self;
	uint8_t gate_key[SESSION_HASH_LEN];
	uint8_t tag[SESSION_TAG_LEN];
	uint8_t nonce[SESSION_NONCE_LEN];		 /* of a refuse */
	uint8_t ephemeral[SESSION_EPHEMERAL_LEN];	 /* secret */
	uint8_t ephemeral_public[SESSION_EPHEMERAL_LEN]; /* own */
	struct session_transcript transcript;
	struct session_handshake_keys keys;
	struct session_handshake_result result;

	/* For the error text; see session_handshake_field(). */
	int peer;
	char signer[PARLEY_DID_SIZE];
	char field[SESSION_FIELD_PATH_SIZE];
};

/*
 * Remembered tags: open addressing, never more than half full.
 */

struct session_gate_slot {
	uint8_t tag[SESSION_TAG_LEN];
	enum { SLOT_FREE, SLOT_SEEN, SLOT_OWN } use;
};

void session_gate_init(struct session_gate *g, const struct parley_agreement *a)
{
	memset(g, 0, sizeof(*g));
	session_schedule_gate_key(g->key, session_agreement_id(a));
}

void session_gate_wipe(struct session_gate *g)
{
	free(g->slots);
	did_secret_wipe(g, sizeof(*g));
}

static struct session_gate_slot *gate_slot(const struct session_gate *g,
					   const uint8_t tag[SESSION_TAG_LEN])
{
	size_t i;

	memcpy(&i, tag, sizeof(i));
	for (;; i++) {
		struct session_gate_slot *s = &g->slots[i & (g->n_slots - 1)];

		if (s->use == SLOT_FREE ||
		    memcmp(s->tag, tag, SESSION_TAG_LEN) == 0)
			return s;
	}
}

static int gate_grow(struct session_gate *g)
{
	struct session_gate bigger = *g;

	bigger.n_slots = g->n_slots ? 2 * g->n_slots : 16;
	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < g->n_slots; i++)
		if (g->slots[i].use != SLOT_FREE)
			*gate_slot(&bigger, g->slots[i].tag) = g->slots[i];
	free(g->slots);
	g->slots = bigger.slots;
	g->n_slots = bigger.n_slots;
	return 0;
}

/* 0 if ${tag} was new and is remembered from now on. */
static int gate_remember(struct session_gate *g,
			 const uint8_t tag[SESSION_TAG_LEN], bool own)
{
	struct session_gate_slot *slot;
	int err;

	if (g->n_tags >= g->n_slots / 2 && (err = gate_grow(g)))
		return err;
	slot = gate_slot(g, tag);
	if (slot->use != SLOT_FREE)
		return slot->use == SLOT_OWN ? PARLEY_ERR_REFLECTION
					     : PARLEY_ERR_REPLAY;
	if (!own && g->n_seen >= SESSION_TAGS_MAX)
		return PARLEY_ERR_EXHAUSTED;
	g->n_seen += !own;
	memcpy(slot->tag, tag, SESSION_TAG_LEN);
	slot->use = own ? SLOT_OWN : SLOT_SEEN;
	g->n_tags++;
	return 0;
}

/*
 * Pieces used by both sides
 */

static int handshake_new(struct session_handshake **hp, enum session_role role,
			 const struct session_handshake_self *self,
			 const struct session_gate *gate,
			 const struct session_handshake_random *random)
{
	struct session_handshake *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return PARLEY_ERR_MEMORY;
	h->role = role;
	h->state = OVER;
	h->self = *self;
	h->peer = -1;
	memcpy(h->gate_key, gate->key, sizeof(h->gate_key));
	memcpy(h->ephemeral, random->ephemeral, sizeof(h->ephemeral));
	err = did_x25519_public(h->ephemeral_public, h->ephemeral);
	if (err) {
		session_handshake_free(h);
		return err;
	}
	session_schedule_start(&h->transcript);
	*hp = h;
	return 0;
}

void session_handshake_free(struct session_handshake *h)
{
	if (!h)
		return;
	for (int role = 0; role < 2; role++)
		free(h->result.envelopes[role]);
	did_secret_wipe(h, sizeof(*h));
	free(h);
}

/* Secrets that only the handshake needs die here (PROTOCOL 4.3). */
static void wipe_working_secrets(struct session_handshake *h)
{
	did_secret_wipe(h->ephemeral, sizeof(h->ephemeral));
	did_secret_wipe(&h->keys, sizeof(h->keys));
}

static const char *own_did(const struct session_handshake *h)
{
	return parley_did_identity_did(h->self.identity);
}

/* dh, and from it k, v, f, at T2. */
static int derive_keys(struct session_handshake *h,
		       const uint8_t theirs[SESSION_EPHEMERAL_LEN])
{
	uint8_t dh[SESSION_EPHEMERAL_LEN];
	int err = 0;

	/* Reports an all-zero result, which is how it treats every point of
	 * small order. */
	if (crypto_scalarmult(dh, h->ephemeral, theirs))
		err = PARLEY_ERR_DH;
	else
		session_schedule_handshake(
		    &h->keys, dh, session_agreement_id(h->self.agreement),
		    &h->transcript);
	did_secret_wipe(dh, sizeof(dh));
	return err;
}

static void hex(char *text, const uint8_t *p, size_t len)
{
	sodium_bin2hex(text, 2 * len + 1, p, len);
}

/*
 * Envelopes: PROTOCOL 5.5
 */

/* {"index":..,"agreement":..,"fields":..,"instance":..,"transcript":..} */
static json_t *make_body(const struct session_handshake *h)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	char agreement[DID_BASE64_LEN(PARLEY_AGREEMENT_HASH_LEN) + 1];
	char instance[DID_BASE64_LEN(SESSION_INSTANCE_LEN) + 1];
	char transcript[DID_BASE64_LEN(SESSION_HASH_LEN) + 1];

	parley_session_agreement_hash(h->self.agreement, hash);
	did_base64_encode(agreement, hash, sizeof(hash));
	did_base64_encode(instance, h->self.instance, SESSION_INSTANCE_LEN);
	did_base64_encode(transcript, h->transcript.hash, SESSION_HASH_LEN);
	return json_pack("{s:I, s:s, s:O, s:s, s:s}", "index",
			 (json_int_t)h->self.index, "agreement", agreement,
			 "fields", session_agreement_fields(h->self.agreement),
			 "instance", instance, "transcript", transcript);
}

static json_t *make_message(const struct session_handshake *h, int64_t now,
			    const uint8_t message_id[16])
{
	const char *type =
	    h->role == SESSION_RESPONDER ? TYPE_ACCEPT : TYPE_CONFIRM;
	char id[2 * 16 + 1], thid[2 * SESSION_TAG_LEN + 1];
	json_t *m, *to = NULL;

	hex(id, message_id, 16);
	hex(thid, h->tag, sizeof(h->tag));
	if (h->role == SESSION_INITIATOR)
		to = json_pack("[s]", parley_session_agreement_party_did(
					  h->self.agreement, (size_t)h->peer));
	/* "o?" and "o*" take the references, also when they fail. */
	m = json_pack("{s:s, s:s, s:s, s:o*, s:s, s:I, s:I, s:o}", "id", id,
		      "type", type, "from", own_did(h), "to", to, "thid", thid,
		      "created_time", (json_int_t)now, "expires_time",
		      (json_int_t)(now + SESSION_ENVELOPE_LIFETIME_S), "body",
		      make_body(h));
	return m;
}

/* Keep what ${signer} signed, as evidence. */
static int keep_envelope(struct session_handshake *h, enum session_role signer,
			 const void *envelope, size_t len)
{
	if (!h->self.keep_envelopes)
		return 0;
	h->result.envelopes[signer] = strndup(envelope, len);
	return h->result.envelopes[signer] ? 0 : PARLEY_ERR_MEMORY;
}

/*
 * Sign over the transcript as it stands, absorb envelope and finished, and
 * append both, sealed, to ${clear}: B6-B8 and C7-C9.
 */
static int seal_envelope(struct session_handshake *h, uint8_t **msgp,
			 size_t *lenp, const uint8_t *clear, size_t clear_len,
			 const struct session_handshake_random *random,
			 int64_t now)
{
	const struct session_transcript at_start = h->transcript;
	char *text = NULL, *envelope = NULL;
	struct session_aead aead = {0};
	size_t text_len, envelope_len, sealed_len, total;
	uint8_t *msg = NULL, *finished;
	json_t *message;
	int err;

	message = make_message(h, now, random->message_id);
	if (!message) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	if ((err = did_json_dump(&text, &text_len, message)) ||
	    (err = parley_comm_signed_pack(&envelope, &envelope_len,
					   h->self.identity, text, text_len)) ||
	    (err = keep_envelope(h, h->role, envelope, envelope_len)))
		goto out;

	sealed_len = envelope_len + SESSION_HASH_LEN;
	total = clear_len + sealed_len + SESSION_AEAD_TAG_LEN;
	if (total > SESSION_HANDSHAKE_LEN_MAX) {
		err = PARLEY_ERR_TOO_LARGE;
		goto out;
	}
	msg = malloc(total);
	if (!msg) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	memcpy(msg, clear, clear_len);
	memcpy(msg + clear_len, envelope, envelope_len);
	finished = msg + clear_len + envelope_len;
	session_schedule_absorb(&h->transcript, envelope, envelope_len);
	session_schedule_finished(finished, &h->keys, h->role, &h->transcript);
	session_schedule_absorb(&h->transcript, finished, SESSION_HASH_LEN);

	if ((err = session_aead_init(&aead, h->result.suite,
				     h->keys.key[h->role], true)) ||
	    (err = session_aead_seal(&aead, msg + clear_len + sealed_len,
				     msg + clear_len, sealed_len,
				     h->keys.iv[h->role], at_start.hash,
				     sizeof(at_start.hash))))
		goto out;
	*msgp = msg;
	*lenp = total;
	msg = NULL;
out:
	session_aead_wipe(&aead);
	free(msg);
	free(envelope);
	free(text);
	json_decref(message);
	return err;
}

/* What a verified envelope says. */
struct statement {
	json_int_t index;
	bool same_agreement;
	uint8_t instance[SESSION_INSTANCE_LEN];
};

static int decode_member(uint8_t *dst, size_t len, const json_t *body,
			 const char *name)
{
	const char *text = did_json_string(body, name);

	if (!text || did_base64_decode_exact(dst, len, text, strlen(text)))
		return PARLEY_ERR_MESSAGE;
	return 0;
}

/* type, thid, to, expires_time: what says that the message is for here. */
static int check_purpose(const struct session_handshake *h,
			 const struct comm_message *m, int64_t now)
{
	const char *type =
	    h->role == SESSION_INITIATOR ? TYPE_ACCEPT : TYPE_CONFIRM;
	char thid[2 * SESSION_TAG_LEN + 1];

	if (strcmp(m->type, type) != 0)
		return PARLEY_ERR_PURPOSE;
	hex(thid, h->tag, sizeof(h->tag));
	if (!m->thid || strcmp(m->thid, thid) != 0)
		return PARLEY_ERR_TRANSCRIPT;
	if (h->role == SESSION_INITIATOR && m->to)
		return PARLEY_ERR_ADDRESS;
	if (h->role == SESSION_RESPONDER &&
	    (json_array_size(m->to) != 1 ||
	     comm_message_addressed(m, own_did(h))))
		return PARLEY_ERR_ADDRESS;
	if (m->expires_time < 0)
		return PARLEY_ERR_MESSAGE;
	return comm_message_fresh(m, now);
}

/* The body; also notes in h->field where the agreements differ. */
static int check_body(struct session_handshake *h, struct statement *st,
		      const json_t *body)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN], own[sizeof(hash)];
	uint8_t transcript[SESSION_HASH_LEN];
	const json_t *index = json_object_get(body, "index");
	const json_t *fields = json_object_get(body, "fields");

	if (decode_member(transcript, sizeof(transcript), body, "transcript"))
		return PARLEY_ERR_MESSAGE;
	if (sodium_memcmp(transcript, h->transcript.hash, sizeof(transcript)))
		return PARLEY_ERR_TRANSCRIPT;
	if (!json_is_integer(index) || json_integer_value(index) < 0 ||
	    !json_is_object(fields) ||
	    json_object_size(fields) > SESSION_FIELDS_MAX ||
	    decode_member(hash, sizeof(hash), body, "agreement") ||
	    decode_member(st->instance, sizeof(st->instance), body, "instance"))
		return PARLEY_ERR_MESSAGE;
	st->index = json_integer_value(index);
	parley_session_agreement_hash(h->self.agreement, own);
	st->same_agreement = memcmp(hash, own, sizeof(hash)) == 0;
	if (!st->same_agreement)
		session_agreement_fields_diff(h->field, h->self.agreement,
					      fields);
	return 0;
}

/*
 * Who signed, and may he?  C5, D4.  A difference between the agreements
 * explains a wrong signer better than the error of the signer would.
 */
static int check_signer(struct session_handshake *h, const struct statement *st,
			const char *signer)
{
	int index = parley_session_agreement_index(h->self.agreement, signer);

	snprintf(h->signer, sizeof(h->signer), "%s", signer);
	if (h->role == SESSION_INITIATOR) {
		if (index < 0)
			return PARLEY_ERR_ROSTER;
		if (index != h->peer)
			return PARLEY_ERR_INDEX;
		return 0;
	}
	if (index >= 0)
		h->peer = index;
	if (!st->same_agreement)
		return 0;
	if (index < 0)
		return PARLEY_ERR_ROSTER;
	if (st->index != index || (size_t)index == h->self.index)
		return PARLEY_ERR_INDEX;
	return 0;
}

/* The roster's keys, which were checked when the agreement was read. */
static const struct did_key *roster_key(const void *agreement, const char *did)
{
	int index = parley_session_agreement_index(agreement, did);

	return index < 0 ? NULL
			 : session_agreement_key(agreement, (size_t)index);
}

/*
 * Open and check the sealed part of ${msg} behind ${clear_len} bytes:
 * C4-C6 and D2-D5.
 */
static int open_envelope(struct session_handshake *h, struct statement *st,
			 const uint8_t *msg, size_t len, size_t clear_len,
			 int64_t now)
{
	const enum session_role sender = h->role == SESSION_INITIATOR
					     ? SESSION_RESPONDER
					     : SESSION_INITIATOR;
	size_t plain_len, envelope_len;
	struct session_aead aead = {0};
	struct comm_signed envelope = {0};
	uint8_t finished[SESSION_HASH_LEN];
	uint8_t *plain = NULL;
	int err;

	if (len < clear_len + SESSION_HASH_LEN + SESSION_AEAD_TAG_LEN)
		return PARLEY_ERR_LENGTH;
	plain_len = len - clear_len - SESSION_AEAD_TAG_LEN;
	envelope_len = plain_len - SESSION_HASH_LEN;
	plain = malloc(plain_len);
	if (!plain)
		return PARLEY_ERR_MEMORY;
	memcpy(plain, msg + clear_len, plain_len);

	if ((err = session_aead_init(&aead, h->result.suite,
				     h->keys.key[sender], false)) ||
	    (err = session_aead_open(&aead, plain, plain_len,
				     msg + clear_len + plain_len,
				     h->keys.iv[sender], h->transcript.hash,
				     sizeof(h->transcript.hash))) ||
	    (err =
		 comm_signed_open_known(&envelope, (char *)plain, envelope_len,
					roster_key, h->self.agreement)) ||
	    (err = check_purpose(h, &envelope.message, now)) ||
	    (err = check_body(h, st, envelope.message.body)) ||
	    (err = check_signer(h, st, envelope.signer)))
		goto out;

	session_schedule_absorb(&h->transcript, plain, envelope_len);
	session_schedule_finished(finished, &h->keys, sender, &h->transcript);
	if (sodium_memcmp(finished, plain + envelope_len, sizeof(finished))) {
		err = PARLEY_ERR_FINISHED;
		goto out;
	}
	session_schedule_absorb(&h->transcript, finished, sizeof(finished));
	err = keep_envelope(h, sender, plain, envelope_len);
out:
	session_aead_wipe(&aead);
	comm_signed_wipe(&envelope);
	did_secret_wipe(finished, sizeof(finished));
	did_secret_wipe(plain, plain_len);
	free(plain);
	return err;
}

/* C10, D6, D7: the agreements, then the keys at T7. */
static int complete(struct session_handshake *h, const struct statement *st)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];

	if (!st->same_agreement)
		return PARLEY_ERR_AGREEMENT;
	if (st->index != h->peer)
		return PARLEY_ERR_INDEX;
	parley_session_agreement_hash(h->self.agreement, hash);
	session_schedule_traffic(&h->result.traffic, &h->keys, &h->transcript,
				 hash);
	h->result.peer = (size_t)h->peer;
	memcpy(h->result.instance, st->instance, sizeof(st->instance));
	wipe_working_secrets(h);
	h->state = COMPLETE;
	return 0;
}

int session_handshake_result(struct session_handshake *h,
			     struct session_handshake_result *result)
{
	if (h->state != COMPLETE)
		return PARLEY_ERR_STATE;
	*result = h->result;
	did_secret_wipe(&h->result, sizeof(h->result));
	h->state = OVER;
	return 0;
}

/*
 * propose
 */

static void make_to(uint8_t to[SESSION_MAC_LEN],
		    const uint8_t key[SESSION_HASH_LEN], const uint8_t *tag,
		    const char *did)
{
	session_schedule_mac(to, key, "to", tag, SESSION_TAG_LEN, did,
			     strlen(did));
}

int session_handshake_propose(struct session_handshake **hp,
			      uint8_t msg[SESSION_PROPOSE_LEN_MAX],
			      size_t *lenp, struct session_gate *gate,
			      const struct session_handshake_self *self,
			      size_t peer,
			      const struct session_handshake_random *random)
{
	uint8_t to[SESSION_MAC_LEN], mac[SESSION_MAC_LEN];
	struct session_handshake *h;
	struct did_writer w;
	int err;

	/* A1 */
	err = handshake_new(&h, SESSION_INITIATOR, self, gate, random);
	if (err)
		return err;
	h->peer = (int)peer;
	memcpy(h->tag, random->tag, sizeof(h->tag));
	err = gate_remember(gate, h->tag, true);
	if (err)
		goto out;

	/* A2 */
	make_to(to, gate->key, h->tag,
		parley_session_agreement_party_did(self->agreement, peer));
	did_writer_init(&w, msg, SESSION_PROPOSE_LEN_MAX);
	did_writer_u8(&w, SESSION_WIRE_PROPOSE);
	did_writer_u8(&w, SESSION_VERSION);
	did_writer_copy(&w, h->tag, sizeof(h->tag));
	did_writer_u8(&w, (uint8_t)self->n_suites);
	did_writer_copy(&w, self->suites, self->n_suites);
	did_writer_copy(&w, h->ephemeral_public, SESSION_EPHEMERAL_LEN);
	did_writer_copy(&w, to, sizeof(to));

	/* A3 */
	session_schedule_mac(mac, gate->key, "gate", msg, w.len, NULL, 0);
	did_writer_copy(&w, mac, sizeof(mac));
	err = did_writer_end(&w, lenp);
	if (err)
		goto out;

	/* A4 */
	session_schedule_absorb(&h->transcript, msg, *lenp);
	h->state = EXPECT_ACCEPT;
	*hp = h;
	h = NULL;
out:
	session_handshake_free(h);
	return err;
}

/* A propose, taken apart; points into the message. */
struct propose {
	uint8_t version;
	const uint8_t *tag;
	size_t n_suites;
	const uint8_t *suites;
	const uint8_t *ephemeral;
	const uint8_t *to;
	const uint8_t *gate;
};

static int parse_propose(struct propose *p, const uint8_t *msg, size_t len)
{
	struct did_reader r;

	did_reader_init(&r, msg, len);
	if (did_reader_u8(&r) != SESSION_WIRE_PROPOSE)
		return PARLEY_ERR_FORMAT;
	p->version = did_reader_u8(&r);
	p->tag = did_reader_take(&r, SESSION_TAG_LEN);
	p->n_suites = did_reader_u8(&r);
	p->suites = did_reader_take(&r, p->n_suites);
	p->ephemeral = did_reader_take(&r, SESSION_EPHEMERAL_LEN);
	p->to = did_reader_take(&r, SESSION_MAC_LEN);
	p->gate = did_reader_take(&r, SESSION_MAC_LEN);
	if (did_reader_end(&r))
		return PARLEY_ERR_LENGTH;
	if (p->n_suites < 1 || p->n_suites > SESSION_SUITES_MAX)
		return PARLEY_ERR_LENGTH;
	return 0;
}

static bool suites_unique(const struct propose *p)
{
	for (size_t i = 1; i < p->n_suites; i++)
		if (memchr(p->suites, p->suites[i], i))
			return false;
	return true;
}

static bool passes_gate(const struct session_gate *gate,
			const struct propose *p, const uint8_t *msg, size_t len)
{
	uint8_t mac[SESSION_MAC_LEN];

	session_schedule_mac(mac, gate->key, "gate", msg, len - SESSION_MAC_LEN,
			     NULL, 0);
	return sodium_memcmp(mac, p->gate, sizeof(mac)) == 0;
}

static bool is_for_us(const struct session_gate *gate,
		      const struct session_handshake_self *self,
		      const struct propose *p)
{
	uint8_t mac[SESSION_MAC_LEN];

	make_to(mac, gate->key, p->tag,
		parley_did_identity_did(self->identity));
	return sodium_memcmp(mac, p->to, sizeof(mac)) == 0;
}

int session_handshake_fits(const struct session_gate *gate,
			   const struct session_handshake_self *self,
			   const uint8_t *msg, size_t len)
{
	struct propose p;

	if (parse_propose(&p, msg, len) || !passes_gate(gate, &p, msg, len))
		return PARLEY_ERR_GATE;
	return is_for_us(gate, self, &p) ? 0 : PARLEY_ERR_ADDRESS;
}

/* B1-B4; ${*refusep} is set to a reason where a refuse is due. */
static int check_propose(struct session_gate *gate,
			 const struct session_handshake_self *self,
			 const struct propose *p, const uint8_t *msg,
			 size_t len, uint8_t *refusep)
{
	int err;

	/* B2: one hash, and nothing before it that costs or tells more */
	if (!passes_gate(gate, p, msg, len))
		return PARLEY_ERR_GATE;

	/* B3 */
	if (p->version != SESSION_VERSION) {
		*refusep = SESSION_REFUSE_VERSION;
		return PARLEY_ERR_VERSION;
	}
	if (!suites_unique(p))
		return PARLEY_ERR_FORMAT;
	err = gate_remember(gate, p->tag, false);
	if (err)
		return err;

	/* B4 */
	if (!is_for_us(gate, self, p)) {
		*refusep = SESSION_REFUSE_DID;
		return PARLEY_ERR_ADDRESS;
	}
	return 0;
}

/*
 * refuse
 */

static void make_refuse_mac(uint8_t mac[SESSION_MAC_LEN],
			    const uint8_t key[SESSION_HASH_LEN],
			    const struct session_transcript *t1, uint8_t reason,
			    const uint8_t nonce[SESSION_NONCE_LEN])
{
	uint8_t rest[1 + SESSION_NONCE_LEN];

	rest[0] = reason;
	memcpy(rest + 1, nonce, SESSION_NONCE_LEN);
	session_schedule_mac(mac, key, "refuse", t1->hash, sizeof(t1->hash),
			     rest, sizeof(rest));
}

/* ${h} is at T1. */
static int make_refuse(struct session_handshake *h, uint8_t **replyp,
		       size_t *reply_lenp, uint8_t reason)
{
	uint8_t mac[SESSION_MAC_LEN];
	struct did_writer w;
	uint8_t *reply = malloc(SESSION_REFUSE_LEN);

	if (!reply)
		return PARLEY_ERR_MEMORY;
	make_refuse_mac(mac, h->gate_key, &h->transcript, reason, h->nonce);
	did_writer_init(&w, reply, SESSION_REFUSE_LEN);
	did_writer_u8(&w, SESSION_WIRE_REFUSE);
	did_writer_copy(&w, h->tag, SESSION_TAG_LEN);
	did_writer_u8(&w, reason);
	did_writer_copy(&w, h->nonce, SESSION_NONCE_LEN);
	did_writer_copy(&w, mac, sizeof(mac));
	*replyp = reply;
	return did_writer_end(&w, reply_lenp);
}

/*
 * dispute
 */

static void make_dispute_mac(uint8_t mac[SESSION_MAC_LEN],
			     const struct session_handshake *h)
{
	session_schedule_mac(mac, h->gate_key, "dispute", h->transcript.hash,
			     sizeof(h->transcript.hash), h->nonce,
			     SESSION_NONCE_LEN);
}

static int make_dispute(struct session_handshake *h, uint8_t **replyp,
			size_t *reply_lenp)
{
	uint8_t mac[SESSION_MAC_LEN];
	struct did_writer w;
	uint8_t *reply = malloc(SESSION_DISPUTE_LEN);

	if (!reply)
		return PARLEY_ERR_MEMORY;
	make_dispute_mac(mac, h);
	did_writer_init(&w, reply, SESSION_DISPUTE_LEN);
	did_writer_u8(&w, SESSION_WIRE_DISPUTE);
	did_writer_copy(&w, h->tag, SESSION_TAG_LEN);
	did_writer_copy(&w, mac, sizeof(mac));
	*replyp = reply;
	return did_writer_end(&w, reply_lenp);
}

static int consume_dispute(struct session_handshake *h, const uint8_t *msg,
			   size_t len)
{
	uint8_t mac[SESSION_MAC_LEN];

	if (len != SESSION_DISPUTE_LEN)
		return PARLEY_ERR_LENGTH;
	if (msg[0] != SESSION_WIRE_DISPUTE)
		return PARLEY_ERR_FORMAT;
	make_dispute_mac(mac, h);
	if (memcmp(msg + 1, h->tag, SESSION_TAG_LEN) != 0 ||
	    sodium_memcmp(mac, msg + 1 + SESSION_TAG_LEN, sizeof(mac)))
		return PARLEY_ERR_GATE;
	snprintf(h->field, sizeof(h->field), "parties[%zu].did (or endpoints)",
		 h->self.index);
	return PARLEY_ERR_AGREEMENT;
}

/*
 * A refuse came: PARLEY_ERR_GATE if it is not R's, and then to be ignored.
 */
static int consume_refuse(struct session_handshake *h, uint8_t **replyp,
			  size_t *reply_lenp, const uint8_t *msg, size_t len)
{
	uint8_t mac[SESSION_MAC_LEN];
	const uint8_t *tag, *nonce, *theirs;
	struct did_reader r;
	uint8_t reason;
	int err;

	did_reader_init(&r, msg, len);
	did_reader_u8(&r);
	tag = did_reader_take(&r, SESSION_TAG_LEN);
	reason = did_reader_u8(&r);
	nonce = did_reader_take(&r, SESSION_NONCE_LEN);
	theirs = did_reader_take(&r, SESSION_MAC_LEN);
	if (did_reader_end(&r) || memcmp(tag, h->tag, sizeof(h->tag)) != 0)
		return PARLEY_ERR_GATE;
	make_refuse_mac(mac, h->gate_key, &h->transcript, reason, nonce);
	if (sodium_memcmp(mac, theirs, sizeof(mac)))
		return PARLEY_ERR_GATE;
	switch ((enum session_wire_refuse)reason) {
	case SESSION_REFUSE_DID:
		memcpy(h->nonce, nonce, SESSION_NONCE_LEN);
		snprintf(h->field, sizeof(h->field), "parties[%d].did",
			 h->peer);
		err = make_dispute(h, replyp, reply_lenp);
		return err ? err : PARLEY_ERR_AGREEMENT;
	case SESSION_REFUSE_SUITE:
		return PARLEY_ERR_SUITE;
	case SESSION_REFUSE_VERSION:
		return PARLEY_ERR_VERSION;
	}
	return PARLEY_ERR_GATE;
}

/*
 * accept
 */

/* B5: the responder's preference among what was offered; 0: none. */
static uint8_t choose_suite(const struct session_handshake_self *self,
			    const struct propose *p)
{
	for (size_t i = 0; i < self->n_suites; i++)
		if (memchr(p->suites, self->suites[i], p->n_suites))
			return self->suites[i];
	return 0;
}

int session_handshake_accept(struct session_handshake **hp, uint8_t **replyp,
			     size_t *reply_lenp, struct session_gate *gate,
			     const struct session_handshake_self *self,
			     const uint8_t *msg, size_t len,
			     const struct session_handshake_random *random,
			     int64_t now)
{
	uint8_t clear[SESSION_ACCEPT_CLEAR_LEN], refuse = 0;
	struct session_handshake *h = NULL;
	struct propose p;
	struct did_writer w;
	size_t clear_len;
	int err, new_err;

	*replyp = NULL;
	*hp = NULL;

	/* B1-B4 */
	if ((err = parse_propose(&p, msg, len)))
		return err;
	err = check_propose(gate, self, &p, msg, len, &refuse);
	if (err && !refuse)
		return err;
	new_err = handshake_new(&h, SESSION_RESPONDER, self, gate, random);
	if (new_err)
		return new_err;
	memcpy(h->tag, p.tag, sizeof(h->tag));
	memcpy(h->nonce, random->message_id, sizeof(h->nonce));
	session_schedule_absorb(&h->transcript, msg, len); /* T1 */
	if (err)
		goto out;

	/* B5 */
	h->result.suite = choose_suite(self, &p);
	if (h->result.suite == 0) {
		refuse = SESSION_REFUSE_SUITE;
		err = PARLEY_ERR_SUITE;
		goto out;
	}
	did_writer_init(&w, clear, sizeof(clear));
	did_writer_u8(&w, SESSION_WIRE_ACCEPT);
	did_writer_copy(&w, h->tag, sizeof(h->tag));
	did_writer_u8(&w, h->result.suite);
	did_writer_copy(&w, h->ephemeral_public, SESSION_EPHEMERAL_LEN);
	err = did_writer_end(&w, &clear_len);
	if (err)
		goto out;
	session_schedule_absorb(&h->transcript, clear, clear_len); /* T2 */
	err = derive_keys(h, p.ephemeral);
	if (err)
		goto out;

	/* B6-B8 */
	err =
	    seal_envelope(h, replyp, reply_lenp, clear, clear_len, random, now);
	if (err)
		goto out;
	h->state = EXPECT_CONFIRM;
	*hp = h;
	h = NULL;
out:
	if (refuse) {
		int refuse_err = make_refuse(h, replyp, reply_lenp, refuse);

		if (refuse_err)
			err = refuse_err;
	}
	/* Whoever holds the agreement may object to our DID. */
	if (refuse == SESSION_REFUSE_DID && err == PARLEY_ERR_ADDRESS) {
		h->state = EXPECT_DISPUTE;
		*hp = h;
		h = NULL;
	}
	session_handshake_free(h);
	return err;
}

/* C1-C3; the handshake keys exist afterwards. */
static int consume_accept_clear(struct session_handshake *h, const uint8_t *msg,
				size_t len)
{
	const uint8_t *tag, *ephemeral;
	struct did_reader r;
	uint8_t suite;

	/* C1 */
	if (len < SESSION_ACCEPT_CLEAR_LEN || len > SESSION_HANDSHAKE_LEN_MAX)
		return PARLEY_ERR_LENGTH;
	did_reader_init(&r, msg, SESSION_ACCEPT_CLEAR_LEN);
	did_reader_u8(&r);
	tag = did_reader_take(&r, SESSION_TAG_LEN);
	suite = did_reader_u8(&r);
	ephemeral = did_reader_take(&r, SESSION_EPHEMERAL_LEN);
	if (did_reader_end(&r))
		return PARLEY_ERR_LENGTH;
	if (memcmp(tag, h->tag, sizeof(h->tag)) != 0)
		return PARLEY_ERR_TRANSCRIPT;

	/* C2 */
	if (!memchr(h->self.suites, suite, h->self.n_suites))
		return PARLEY_ERR_SUITE;
	h->result.suite = suite;

	/* C3 */
	if (memcmp(ephemeral, h->ephemeral_public, SESSION_EPHEMERAL_LEN) == 0)
		return PARLEY_ERR_REFLECTION;
	session_schedule_absorb(&h->transcript, msg,
				SESSION_ACCEPT_CLEAR_LEN); /* T2 */
	return derive_keys(h, ephemeral);
}

/*
 * confirm
 */

int session_handshake_confirm(struct session_handshake *h, uint8_t **replyp,
			      size_t *reply_lenp, const uint8_t *msg,
			      size_t len,
			      const struct session_handshake_random *random,
			      int64_t now)
{
	uint8_t clear[SESSION_CONFIRM_CLEAR_LEN];
	struct statement st;
	struct did_writer w;
	size_t clear_len;
	int err;

	*replyp = NULL;
	if (h->state != EXPECT_ACCEPT)
		return PARLEY_ERR_STATE;
	if (len >= 1 && msg[0] == SESSION_WIRE_REFUSE) {
		err = consume_refuse(h, replyp, reply_lenp, msg, len);
		/* A forged one is ignored: it must not end anything. */
		if (err != PARLEY_ERR_GATE)
			h->state = OVER;
		return err;
	}
	h->state = OVER;
	if (len < 1 || msg[0] != SESSION_WIRE_ACCEPT) {
		err = PARLEY_ERR_FORMAT;
		goto out;
	}

	/* C1-C6; T4 afterwards */
	if ((err = consume_accept_clear(h, msg, len)) ||
	    (err = open_envelope(h, &st, msg, len, SESSION_ACCEPT_CLEAR_LEN,
				 now)))
		goto out;

	/* C7-C9 */
	did_writer_init(&w, clear, sizeof(clear));
	did_writer_u8(&w, SESSION_WIRE_CONFIRM);
	did_writer_copy(&w, h->tag, sizeof(h->tag));
	if ((err = did_writer_end(&w, &clear_len)))
		goto out;
	session_schedule_absorb(&h->transcript, clear, clear_len); /* T5 */
	err =
	    seal_envelope(h, replyp, reply_lenp, clear, clear_len, random, now);
	if (err)
		goto out;

	/* C10 */
	err = complete(h, &st);
out:
	if (err)
		wipe_working_secrets(h);
	return err;
}

int session_handshake_finish(struct session_handshake *h, const uint8_t *msg,
			     size_t len, int64_t now)
{
	struct statement st;
	int err;

	if (h->state == EXPECT_DISPUTE) {
		h->state = OVER;
		return consume_dispute(h, msg, len);
	}
	if (h->state != EXPECT_CONFIRM)
		return PARLEY_ERR_STATE;
	h->state = OVER;

	/* D1 */
	if (len < 1 || msg[0] != SESSION_WIRE_CONFIRM) {
		err = PARLEY_ERR_FORMAT;
		goto out;
	}
	if (len < SESSION_CONFIRM_CLEAR_LEN ||
	    len > SESSION_HANDSHAKE_LEN_MAX) {
		err = PARLEY_ERR_LENGTH;
		goto out;
	}
	if (memcmp(msg + 1, h->tag, sizeof(h->tag)) != 0) {
		err = PARLEY_ERR_TRANSCRIPT;
		goto out;
	}
	session_schedule_absorb(&h->transcript, msg,
				SESSION_CONFIRM_CLEAR_LEN); /* T5 */

	/* D2-D5; T7 afterwards */
	err = open_envelope(h, &st, msg, len, SESSION_CONFIRM_CLEAR_LEN, now);
	if (err)
		goto out;

	/* D6, D7 */
	err = complete(h, &st);
out:
	if (err)
		wipe_working_secrets(h);
	return err;
}

const char *session_handshake_field(const struct session_handshake *h)
{
	return h->field;
}

const char *session_handshake_signer(const struct session_handshake *h)
{
	return h->signer;
}

int session_handshake_peer(const struct session_handshake *h)
{
	return h->peer;
}
