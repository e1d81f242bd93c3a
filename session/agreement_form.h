/*
 * What an agreement is, for agreement*.c alone.  agreement_parse.c makes it;
 * it does not change any more.
 */
#ifndef SESSION_AGREEMENT_FORM_H
#define SESSION_AGREEMENT_FORM_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <parley/session.h>

#include "did/key.h"
#include "session/agreement.h"

struct session_agreement_digest {
	char *label;
	uint8_t bytes[SESSION_AGREEMENT_DIGEST_LEN];
	char hex[2 * SESSION_AGREEMENT_DIGEST_LEN + 1];
};

enum session_agreement_parameter_type {
	SESSION_PARAMETER_TEXT,
	SESSION_PARAMETER_INTEGER,
	SESSION_PARAMETER_BOOLEAN,
};

struct session_agreement_parameter {
	char *name;
	char *text;
	int64_t integer;
	enum session_agreement_parameter_type type;
};

struct session_agreement_party {
	char *did;
	char *name;
	size_t n_endpoints;
	char *endpoints[PARLEY_AGREEMENT_ENDPOINTS_MAX];
	struct did_key key;
};

struct parley_agreement {
	uint8_t id[PARLEY_AGREEMENT_ID_LEN];
	char *name;
	int64_t created;
	int64_t expires; /* 0: never */
	char *program;
	char *version;
	size_t n_digests;
	struct session_agreement_digest *digests; /* sorted by label */
	unsigned threshold;
	size_t n_parameters;
	struct session_agreement_parameter *parameters; /* sorted by name */
	size_t n_parties;
	struct session_agreement_party *parties;

	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	json_t *fields;
};

#endif /* !SESSION_AGREEMENT_FORM_H */
