/*
 * A signed envelope.  The first byte says what follows:
 *
 *   0x80 and more, or '{'   the envelope itself
 *   others                  a message, signed here if it is one
 *
 * Expected: refused, or verified with `from` as signer; what is signed here
 * opens and comes out as it went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/comm.h>

#include "comm/signed.h"
#include "did/identity.h"
#include "did/pair.h"

static const uint8_t seed[DID_IDENTITY_SEED_LEN] = {1, 2, 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_text(const char *text, size_t len)
{
	struct comm_signed s;

	if (comm_signed_open(&s, text, len) != 0)
		return;
	if (strncmp(s.kid, s.signer, strlen(s.signer)) != 0 ||
	    strcmp(s.message.from, s.signer) != 0)
		abort();
	comm_signed_wipe(&s);
}

static void sign_text(const char *text, size_t len)
{
	struct parley_identity *id;
	struct comm_signed s;
	char *envelope;
	size_t envelope_len;

	if (did_identity_from_seed(&id, seed) != 0)
		abort();
	if (parley_comm_signed_pack(&envelope, &envelope_len, id, text, len) ==
	    0) {
		if (comm_signed_open(&s, envelope, envelope_len) != 0 ||
		    s.payload_len != len || memcmp(s.payload, text, len) != 0)
			abort();
		comm_signed_wipe(&s);
		free(envelope);
	}
	parley_did_identity_free(id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (size == 0)
		return 0;
	if (data[0] == '{')
		open_text(text, size);
	else if (data[0] >= 0x80)
		open_text(text + 1, size - 1);
	else
		sign_text(text + 1, size - 1);
	return 0;
}
