/*
 * Refuses, and the dispute that may follow (PROTOCOL 5.4).
 *
 * Both are short messages with a MAC by the gate's key: they prove that who
 * sends them holds the agreement, and no more.
 */
#include "session/handshake_refuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "did/bytes.h"

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

int session_handshake_refuse_make(struct session_handshake *h, uint8_t **replyp,
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

int session_handshake_refuse_dispute(struct session_handshake *h,
				     const uint8_t *msg, size_t len)
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

int session_handshake_refuse_consume(struct session_handshake *h,
				     uint8_t **replyp, size_t *reply_lenp,
				     const uint8_t *msg, size_t len)
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
