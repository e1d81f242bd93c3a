/*
 * Resuming a channel over a new connection (PROTOCOL 5.6): resume, challenge,
 * answer.  MACs only, no public-key operation.
 *
 * Pure: bytes and nonces in, bytes out.  X is who dialled the new connection,
 * whoever dialled the first one.
 */
#ifndef SESSION_RESUME_H
#define SESSION_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/schedule.h"
#include "session/wire.h"

enum {
	/* 1 type, 16 nonce a, 2 index under a mask, 16 MAC, 16 gate */
	SESSION_RESUME_LEN = 1 + 16 + 2 + 16 + 16,
	/* 1 type, 16 nonce a, 16 nonce b, 8 next, 16 MAC */
	SESSION_CHALLENGE_LEN = 1 + 16 + 16 + 8 + 16,
	/* 1 type, 16 nonce a, 8 next, 16 MAC */
	SESSION_ANSWER_LEN = 1 + 16 + 8 + 16,
};

/* What one side needs to resume, from the handshake; kept with the channel. */
struct session_resume {
	uint8_t key[2][SESSION_HASH_LEN]; /* by who sends, in the handshake */
	enum session_role role;		  /* ours, in the handshake */
};

/* One attempt. */
struct session_resume_attempt {
	uint8_t a[SESSION_NONCE_LEN];
	uint8_t b[SESSION_NONCE_LEN];
};

/* session_resume_init(r, secret, role): keys from the resume secret. */
void session_resume_init(struct session_resume *r,
			 const uint8_t secret[SESSION_HASH_LEN],
			 enum session_role role);

void session_resume_wipe(struct session_resume *r);

/*
 * session_resume_create(msg, at, r, gate_key, index, a):
 * E1: the resume of party ${index} (oneself), with the fresh nonce ${a}.
 */
void session_resume_create(uint8_t msg[SESSION_RESUME_LEN],
			   struct session_resume_attempt *at,
			   const struct session_resume *r,
			   const uint8_t gate_key[SESSION_HASH_LEN],
			   size_t index, const uint8_t a[SESSION_NONCE_LEN]);

/*
 * session_resume_index(indexp, msg, len, gate_key):
 * F1: whose resume is this?  Checks length and gate.
 *
 * Returns 0, or PARLEY_ERR_LENGTH, PARLEY_ERR_GATE.
 */
int session_resume_index(size_t *indexp, const uint8_t *msg, size_t len,
			 const uint8_t gate_key[SESSION_HASH_LEN])
    __attribute__((warn_unused_result));

/*
 * session_resume_fits(r, msg):
 * F2: has the resume ${msg}, which passed session_resume_index(), the MAC of
 * the other end of the channel of ${r}?
 */
bool session_resume_fits(const struct session_resume *r, const uint8_t *msg);

/*
 * session_resume_challenge(reply, at, r, msg, next, b):
 * F2, F3: check the MAC of the resume ${msg}, which passed
 * session_resume_index(), and make the challenge with the fresh nonce ${b}.
 *
 * Returns 0, or PARLEY_ERR_SIGNATURE.
 */
int session_resume_challenge(uint8_t reply[SESSION_CHALLENGE_LEN],
			     struct session_resume_attempt *at,
			     const struct session_resume *r, const uint8_t *msg,
			     uint64_t next, const uint8_t b[SESSION_NONCE_LEN])
    __attribute__((warn_unused_result));

/*
 * session_resume_answer(reply, nextp, at, r, msg, len, next):
 * E2, E3: check the challenge ${msg}; what the other side expects next goes to
 * ${*nextp}, the answer to ${reply}.
 *
 * Returns 0, or PARLEY_ERR_LENGTH, PARLEY_ERR_TRANSCRIPT (another attempt's),
 * PARLEY_ERR_SIGNATURE.
 */
int session_resume_answer(uint8_t reply[SESSION_ANSWER_LEN], uint64_t *nextp,
			  struct session_resume_attempt *at,
			  const struct session_resume *r, const uint8_t *msg,
			  size_t len, uint64_t next)
    __attribute__((warn_unused_result));

/*
 * session_resume_finish(nextp, at, r, msg, len):
 * F4: check the answer.  Errors as session_resume_answer().
 */
int session_resume_finish(uint64_t *nextp,
			  const struct session_resume_attempt *at,
			  const struct session_resume *r, const uint8_t *msg,
			  size_t len) __attribute__((warn_unused_result));

#endif /* !SESSION_RESUME_H */
