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
 *
 *   gate.c                 remembered tags
 *   handshake_envelope.c   what is signed: B6-B8, C4-C9, D2-D5
 *   handshake_refuse.c     refuses and disputes: PROTOCOL 5.4
 */
#include "session/handshake.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "did/bytes.h"
#include "did/secret.h"
#include "did/x25519.h"
#include "session/handshake_envelope.h"
#include "session/handshake_refuse.h"
#include "session/handshake_state.h"

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
	h->state = SESSION_HANDSHAKE_OVER;
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
	free(h->result.finished);
	did_secret_wipe(h, sizeof(*h));
	free(h);
}

/* Secrets that only the handshake needs die here (PROTOCOL 4.3). */
static void wipe_working_secrets(struct session_handshake *h)
{
	did_secret_wipe(h->ephemeral, sizeof(h->ephemeral));
	did_secret_wipe(&h->keys, sizeof(h->keys));
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

/* C10, D6, D7: the agreements, then the keys at T7. */
static int complete(struct session_handshake *h,
		    const struct session_handshake_statement *st)
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
	h->state = SESSION_HANDSHAKE_COMPLETE;
	return 0;
}

int session_handshake_result(struct session_handshake *h,
			     struct session_handshake_result *result)
{
	if (h->state != SESSION_HANDSHAKE_COMPLETE)
		return PARLEY_ERR_STATE;
	*result = h->result;
	did_secret_wipe(&h->result, sizeof(h->result));
	h->state = SESSION_HANDSHAKE_OVER;
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
	err = session_gate_remember(gate, h->tag, true);
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
	h->state = SESSION_HANDSHAKE_EXPECT_ACCEPT;
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
		if (gate->busy)
			return PARLEY_ERR_AGAIN;
		*refusep = SESSION_REFUSE_VERSION;
		return PARLEY_ERR_VERSION;
	}
	if (!suites_unique(p))
		return PARLEY_ERR_FORMAT;
	err = session_gate_remember(gate, p->tag, false);
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
	err = session_handshake_envelope_seal(h, replyp, reply_lenp, clear,
					      clear_len, random, now);
	if (err)
		goto out;
	h->state = SESSION_HANDSHAKE_EXPECT_CONFIRM;
	*hp = h;
	h = NULL;
out:
	if (refuse) {
		int refuse_err = session_handshake_refuse_make(
		    h, replyp, reply_lenp, refuse);

		if (refuse_err)
			err = refuse_err;
	}
	/* Whoever holds the agreement may object to our DID. */
	if (refuse == SESSION_REFUSE_DID && err == PARLEY_ERR_ADDRESS) {
		h->state = SESSION_HANDSHAKE_EXPECT_DISPUTE;
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
	struct session_handshake_statement st;
	struct did_writer w;
	size_t clear_len;
	int err;

	*replyp = NULL;
	if (h->state != SESSION_HANDSHAKE_EXPECT_ACCEPT)
		return PARLEY_ERR_STATE;
	if (len >= 1 && msg[0] == SESSION_WIRE_REFUSE) {
		err = session_handshake_refuse_consume(h, replyp, reply_lenp,
						       msg, len);
		/* A forged one is ignored: it must not end anything. */
		if (err != PARLEY_ERR_GATE)
			h->state = SESSION_HANDSHAKE_OVER;
		return err;
	}
	h->state = SESSION_HANDSHAKE_OVER;
	if (len < 1 || msg[0] != SESSION_WIRE_ACCEPT) {
		err = PARLEY_ERR_FORMAT;
		goto out;
	}

	/* C1-C6; T4 afterwards */
	if ((err = consume_accept_clear(h, msg, len)) ||
	    (err = session_handshake_envelope_open(
		 h, &st, msg, len, SESSION_ACCEPT_CLEAR_LEN, now)))
		goto out;

	/* C7-C9 */
	did_writer_init(&w, clear, sizeof(clear));
	did_writer_u8(&w, SESSION_WIRE_CONFIRM);
	did_writer_copy(&w, h->tag, sizeof(h->tag));
	if ((err = did_writer_end(&w, &clear_len)))
		goto out;
	session_schedule_absorb(&h->transcript, clear, clear_len); /* T5 */
	err = session_handshake_envelope_seal(h, replyp, reply_lenp, clear,
					      clear_len, random, now);
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
	struct session_handshake_statement st;
	int err;

	if (h->state == SESSION_HANDSHAKE_EXPECT_DISPUTE) {
		h->state = SESSION_HANDSHAKE_OVER;
		return session_handshake_refuse_dispute(h, msg, len);
	}
	if (h->state != SESSION_HANDSHAKE_EXPECT_CONFIRM)
		return PARLEY_ERR_STATE;
	h->state = SESSION_HANDSHAKE_OVER;

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
	err = session_handshake_envelope_open(h, &st, msg, len,
					      SESSION_CONFIRM_CLEAR_LEN, now);
	if (err)
		goto out;

	/* D6, D7 */
	err = complete(h, &st);
out:
	if (err)
		wipe_working_secrets(h);
	return err;
}

/*
 * Getters
 */

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
