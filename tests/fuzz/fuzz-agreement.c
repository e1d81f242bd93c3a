/*
 * Agreement files, by parley_session_agreement_parse().
 *
 * Expected: refused with a sentence; or an agreement whose parts can be read,
 * and that has the same hash when it is parsed again.
 */
#include <stdlib.h>
#include <string.h>

#include <parley/session.h>

#include "session/agreement.h"
#include "session/agreement_cbor.h"
#include "session/agreement_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 16 };

static void read_parts(const struct parley_agreement *a)
{
	const size_t n = parley_session_agreement_n_parties(a);
	char path[SESSION_FIELD_PATH_SIZE];

	if (n < 2 || n > PARLEY_AGREEMENT_PARTIES_MAX ||
	    parley_session_agreement_threshold(a) >= n ||
	    *parley_session_agreement_name(a) == '\0')
		abort();
	for (size_t i = 0; i < n; i++) {
		const char *did = parley_session_agreement_party_did(a, i);

		if (parley_session_agreement_index(a, did) != (int)i ||
		    session_agreement_key(a, i) == NULL ||
		    parley_session_agreement_party_name(a, i) == NULL)
			abort();
	}
	if (session_agreement_dials(a, 0, 1) ==
	    session_agreement_dials(a, 1, 0))
		abort();
	session_agreement_fields_diff(path, a, session_agreement_fields(a));
	if (*path != '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t hash[2][PARLEY_AGREEMENT_HASH_LEN], *cbor;
	struct parley_agreement *a = NULL, *b;
	const char *text = (const char *)data;
	char *error = NULL;
	size_t len;
	int err;

	if (size > INPUT_MAX)
		return 0;
	err = parley_session_agreement_parse(&a, &error, text, size);
	if ((err != 0) != (error != NULL))
		abort();
	free(error);
	if (err != 0)
		return 0;
	read_parts(a);
	if (session_agreement_cbor(&cbor, &len, a) != 0 ||
	    parley_session_agreement_parse(&b, NULL, text, size) != 0)
		abort();
	parley_session_agreement_hash(a, hash[0]);
	parley_session_agreement_hash(b, hash[1]);
	if (len == 0 || memcmp(hash[0], hash[1], sizeof(hash[0])) != 0)
		abort();
	free(cbor);
	parley_session_agreement_free(a);
	parley_session_agreement_free(b);
	return 0;
}
