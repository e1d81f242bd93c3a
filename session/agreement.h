/*
 * Agreements inside the library (PROTOCOL 2); the public part is in
 * <parley/session.h>.
 */
#ifndef SESSION_AGREEMENT_H
#define SESSION_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <parley/session.h>

#include "did/key.h"

enum {
	SESSION_AGREEMENT_NAME_MAX = 200,
	SESSION_AGREEMENT_PARTY_NAME_MAX = 64,
	SESSION_AGREEMENT_LABEL_MAX = 64,
	SESSION_AGREEMENT_PARAMETERS_MAX = 256, /* and of digests */
	SESSION_AGREEMENT_DIGEST_LEN = 32,
	SESSION_FIELD_DIGEST_LEN = 8,
	SESSION_FIELD_PATH_SIZE = 128, /* longest path, with NUL */
};

/* session_agreement_id(a): its 16 bytes; borrowed. */
const uint8_t *session_agreement_id(const struct parley_agreement *a);

/* session_agreement_key(a, index): the key of that party; borrowed. */
const struct did_key *session_agreement_key(const struct parley_agreement *a,
					    size_t index);

/*
 * session_agreement_dials(a, i, j):
 * PROTOCOL 7.1: is i the dialler of the pair (i, j)?
 */
bool session_agreement_dials(const struct parley_agreement *a, size_t i,
			     size_t j);

/*
 * session_agreement_fields(a):
 * The object path -> field digest that goes into envelopes; borrowed.
 */
const json_t *session_agreement_fields(const struct parley_agreement *a);

#endif /* !SESSION_AGREEMENT_H */
