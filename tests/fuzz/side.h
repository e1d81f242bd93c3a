/*
 * Both ends of a handshake for fuzz targets: Alice dials Bob, with fixed keys
 * and fixed randomness, so that every run has the same bytes.  The harness
 * knows the ephemeral keys and can seal and sign what the fuzzer wants inside.
 */
#ifndef TESTS_FUZZ_SIDE_H
#define TESTS_FUZZ_SIDE_H

#include <stddef.h>
#include <stdint.h>

#include "session/handshake.h"

enum { FUZZ_ALICE, FUZZ_BOB, FUZZ_CAROL, FUZZ_N_PARTIES };

enum { FUZZ_NOW = 1767225600, FUZZ_INPUT_MAX = 1 << 16 };

/* One end.  fuzz_side_init() it, and fuzz_side_free() it. */
struct fuzz_side {
	struct session_gate gate;
	struct session_handshake_self self;
	struct session_handshake_random random;
	struct session_handshake *h;
};

void fuzz_side_init(struct fuzz_side *s, size_t who);
void fuzz_side_free(struct fuzz_side *s);

/* What a party that knows one ephemeral key can compute, at T2. */
struct fuzz_inside {
	struct session_transcript t;
	struct session_handshake_keys k;
	uint8_t suite;
};

void fuzz_inside_init(struct fuzz_inside *in, const uint8_t *propose,
		      size_t propose_len, const uint8_t *accept,
		      const uint8_t ephemeral[SESSION_EPHEMERAL_LEN],
		      const uint8_t theirs[SESSION_EPHEMERAL_LEN]);

/* The transcript goes on by the sealed part of ${msg}. */
void fuzz_inside_absorb(struct fuzz_inside *in, const uint8_t *msg, size_t len,
			size_t clear_len, enum session_role sender);

/*
 * A handshake message with what the fuzzer wants sealed behind ${clear}; free()
 * it.  The first byte of ${data} says what the rest is:
 *
 *   's'  all that is sealed
 *   'e'  the envelope; finished is right
 *   'p'  the payload of an envelope that ${who} signs, with '#' in place of the
 *        transcript, '@' of the session tag; finished is right
 */
uint8_t *fuzz_inside_seal(struct fuzz_inside *in, size_t *lenp,
			  const uint8_t *clear, size_t clear_len,
			  enum session_role sender, size_t who,
			  const uint8_t *data, size_t size);

#endif /* !TESTS_FUZZ_SIDE_H */
