/*
 * The key schedule (PROTOCOL 4): from the Diffie-Hellman result to the
 * traffic secrets.  All labels of the protocol stand in schedule.c.
 */
#ifndef SESSION_SCHEDULE_H
#define SESSION_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/wire.h"

/* Who does something in a handshake: the one who dialled, or who listened. */
enum session_role {
	SESSION_INITIATOR,
	SESSION_RESPONDER,
};

/* PROTOCOL 4.2: T0, T1, ...: one hash, replaced at every step. */
struct session_transcript {
	uint8_t hash[SESSION_HASH_LEN];
};

/* Keys that live during the handshake, indexed by the role that sends. */
struct session_handshake_keys {
	uint8_t hs[SESSION_HASH_LEN];
	uint8_t key[2][SESSION_KEY_LEN];
	uint8_t iv[2][SESSION_IV_LEN];
	uint8_t finished[2][SESSION_HASH_LEN];
};

/* What remains of it: the secrets of both directions. */
struct session_traffic {
	uint8_t secret[2][SESSION_HASH_LEN]; /* by the role that sends */
	uint8_t resume[SESSION_HASH_LEN];
};

/* session_schedule_start(t): T0. */
void session_schedule_start(struct session_transcript *t);

/* session_schedule_absorb(t, p, len): the next T over ${len} bytes. */
void session_schedule_absorb(struct session_transcript *t, const void *p,
			     size_t len);

/*
 * session_schedule_label(out, len, secret, label, context, context_len):
 * Label() of PROTOCOL 1, at most 32 bytes.
 */
void session_schedule_label(uint8_t *out, size_t len,
			    const uint8_t secret[SESSION_HASH_LEN],
			    const char *label, const uint8_t *context,
			    size_t context_len);

/* session_schedule_gate_key(key, id): PROTOCOL 4.1. */
void session_schedule_gate_key(uint8_t key[SESSION_HASH_LEN],
			       const uint8_t id[PARLEY_AGREEMENT_ID_LEN]);

/*
 * session_schedule_mac(mac, key, label, a, a_len, b, b_len):
 * HMAC(key, label || a || b)[0..16]: gate, to, refuse.
 */
void session_schedule_mac(uint8_t mac[SESSION_MAC_LEN],
			  const uint8_t key[SESSION_HASH_LEN],
			  const char *label, const void *a, size_t a_len,
			  const void *b, size_t b_len);

/*
 * session_schedule_handshake(k, dh, id, t2):
 * hs, k, v, f of PROTOCOL 4.3.  The caller wipes ${dh} and ${k}.
 */
void session_schedule_handshake(struct session_handshake_keys *k,
				const uint8_t dh[SESSION_EPHEMERAL_LEN],
				const uint8_t id[PARLEY_AGREEMENT_ID_LEN],
				const struct session_transcript *t2);

/*
 * session_schedule_finished(mac, k, sender, t):
 * The finished MAC of ${sender} over T3 or T6.
 */
void session_schedule_finished(uint8_t mac[SESSION_HASH_LEN],
			       const struct session_handshake_keys *k,
			       enum session_role sender,
			       const struct session_transcript *t);

/*
 * session_schedule_traffic(traffic, k, t7, agreement_hash):
 * master, s_I[0], s_R[0], resume of PROTOCOL 4.3.  The caller wipes
 * ${traffic}.
 */
void session_schedule_traffic(
    struct session_traffic *traffic, const struct session_handshake_keys *k,
    const struct session_transcript *t7,
    const uint8_t agreement_hash[PARLEY_AGREEMENT_HASH_LEN]);

#endif /* !SESSION_SCHEDULE_H */
