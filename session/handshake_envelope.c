/*
 * The envelopes of a handshake (PROTOCOL 5.5): what each side signs.
 *
 * Each is a DIDComm message, signed, and sealed under the handshake's keys.
 * It says who signs, on what agreement, and over which transcript; so it is
 * good for this handshake alone.
 */
#include "session/handshake_envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "comm/signed.h"
#include "did/base64.h"
#include "did/json.h"
#include "did/secret.h"
#include "session/aead.h"
#include "session/agreement_fields.h"

#define TYPE_ACCEPT  "urn:parley:session/1.0/accept"
#define TYPE_CONFIRM "urn:parley:session/1.0/confirm"

static const char *own_did(const struct session_handshake *h)
{
	return parley_did_identity_did(h->self.identity);
}

static void hex(char *text, const uint8_t *p, size_t len)
{
	sodium_bin2hex(text, 2 * len + 1, p, len);
}

/*
 * Signing and sealing
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

/* Keep what ${signer} signed, as evidence; and what stands between the two. */
static int keep_envelope(struct session_handshake *h, enum session_role signer,
			 const void *envelope, size_t len,
			 const uint8_t finished[SESSION_HASH_LEN])
{
	char text[DID_BASE64_LEN(SESSION_HASH_LEN) + 1];

	if (!h->self.keep_envelopes)
		return 0;
	h->result.envelopes[signer] = strndup(envelope, len);
	if (!h->result.envelopes[signer])
		return PARLEY_ERR_MEMORY;
	if (signer != SESSION_RESPONDER)
		return 0;
	did_base64_encode(text, finished, SESSION_HASH_LEN);
	h->result.finished = strdup(text);
	return h->result.finished ? 0 : PARLEY_ERR_MEMORY;
}

int session_handshake_envelope_seal(
    struct session_handshake *h, uint8_t **msgp, size_t *lenp,
    const uint8_t *clear, size_t clear_len,
    const struct session_handshake_random *random, int64_t now)
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
					   h->self.identity, text, text_len)))
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

	if ((err =
		 keep_envelope(h, h->role, envelope, envelope_len, finished)) ||
	    (err = session_aead_init(&aead, h->result.suite,
				     h->keys.key[h->role], true, NULL)) ||
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

/*
 * Opening and checking
 */

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
static int check_body(struct session_handshake *h,
		      struct session_handshake_statement *st,
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
static int check_signer(struct session_handshake *h,
			const struct session_handshake_statement *st,
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

int session_handshake_envelope_open(struct session_handshake *h,
				    struct session_handshake_statement *st,
				    const uint8_t *msg, size_t len,
				    size_t clear_len, int64_t now)
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
				     h->keys.key[sender], false, NULL)) ||
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
	err = keep_envelope(h, sender, plain, envelope_len, finished);
out:
	session_aead_wipe(&aead);
	comm_signed_wipe(&envelope);
	did_secret_wipe(finished, sizeof(finished));
	did_secret_wipe(plain, plain_len);
	free(plain);
	return err;
}
