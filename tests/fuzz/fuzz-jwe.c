/*
 * Any envelope, by parley_comm_unpack().  Keys are fixed, and the harness seals
 * so that what is inside and behind the checks is reached.  The first byte:
 *
 *   '{'  the envelope itself
 *   'h'  the protected header of an envelope that is right otherwise
 *   'a'  content, sealed in an anoncrypt; 'g' with A256GCM, 'x' with XC20P
 *   's'  content, sealed in an authcrypt to itself
 *   'n'  content, sealed in an authcrypt in an anoncrypt
 *
 * Expected: refused with a code and, for what is wrong with an encryption, a
 * reason; or opened with names that agree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/comm.h>

#include "comm/encrypted.h"
#include "comm/encrypted_seal.h"
#include "comm/jose.h"
#include "did/identity.h"

static const uint8_t seed[DID_IDENTITY_SEED_LEN] = {1, 2, 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_text(struct parley_comm *c, const char *text, size_t len)
{
	struct parley_comm_unpack how = {.now = 1, .values_max = 4096};
	struct parley_comm_unpacked u;

	if (parley_comm_unpack(c, &u, text, len, &how) != 0)
		return;
	if ((u.sender == NULL) != (u.sender_kid == NULL) ||
	    (u.signer == NULL) != (u.signer_kid == NULL) ||
	    strlen(u.message) != u.message_len ||
	    (u.layers > PARLEY_COMM_SIGNED && u.read_by == NULL))
		abort();
	parley_comm_unpacked_wipe(&u);
}

/* Seal ${text} to the identity itself; free() the envelope. */
static char *seal(struct parley_comm *c, const struct parley_identity *id,
		  const char *text, size_t len, size_t *lenp,
		  enum comm_crypto_enc enc, int authcrypt)
{
	const char *kid = did_identity_agreement_kid(id);
	const struct did_document *doc;
	const struct did_method *method;
	struct comm_encrypted_to to = {.enc = enc, .n_methods = 1};
	const char *did = parley_did_identity_did(id);
	char *envelope;

	if (comm_document(c, &doc, did, strlen(did)) != 0)
		abort();
	method = did_document_method(doc, kid);
	to.methods = &method;
	if (authcrypt)
		to.sender = comm_own_key(c, kid);
	if (method == NULL ||
	    comm_encrypted_seal(c, &envelope, lenp, text, len, &to) != 0)
		abort();
	return envelope;
}

static void open_header(struct parley_comm *c, const struct parley_identity *id,
			const char *text, size_t len)
{
	char *header = comm_jose_encode(text, len), *envelope;
	size_t envelope_len;

	envelope = comm_jose_print(
	    &envelope_len,
	    "{\"protected\":\"%s\",\"recipients\":[{\"header\":{\"kid\":\"%s\"}"
	    ","
	    "\"encrypted_key\":\"%0*d\"}],\"iv\":\"%0*d\",\"tag\":\"%0*d\","
	    "\"ciphertext\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
	    header, did_identity_agreement_kid(id), 96, 0, 22, 0, 43, 0);
	if (header == NULL || envelope == NULL)
		abort();
	open_text(c, envelope, envelope_len);
	free(envelope);
	free(header);
}

static void open_content(struct parley_comm *c,
			 const struct parley_identity *id, char how,
			 const char *text, size_t len)
{
	enum comm_crypto_enc enc = how == 'g'	? COMM_CRYPTO_A256GCM
				   : how == 'x' ? COMM_CRYPTO_XC20P
						: COMM_CRYPTO_A256CBC_HS512;
	size_t inner_len, outer_len;
	char *inner =
	    seal(c, id, text, len, &inner_len, enc, how == 's' || how == 'n');
	char *outer;

	if (how != 'n') {
		open_text(c, inner, inner_len);
	} else {
		outer = seal(c, id, inner, inner_len, &outer_len, enc, 0);
		open_text(c, outer, outer_len);
		free(outer);
	}
	free(inner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct parley_identity *id;
	struct parley_comm *c;

	if (size == 0)
		return 0;
	if (did_identity_from_seed(&id, seed) != 0 ||
	    parley_comm_new(&c, NULL) != 0 ||
	    parley_comm_add_identity(c, id) != 0)
		abort();
	if (text[0] == '{')
		open_text(c, text, size);
	else if (text[0] == 'h')
		open_header(c, id, text + 1, size - 1);
	else
		open_content(c, id, text[0], text + 1, size - 1);
	parley_comm_free(c);
	parley_did_identity_free(id);
	return 0;
}
