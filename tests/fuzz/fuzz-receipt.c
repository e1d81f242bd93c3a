/*
 * Receipts that somebody hands over, by cli_receipt_check().  The first byte:
 *
 *   bit 0     the rest is the file itself; else two payloads, which this signs:
 *             2 bytes length of accept's, big-endian, accept's, confirm's
 *   bit 1, 2  accept is signed by Bob, or by Alice, Carol, a stranger
 *   bit 3, 4  confirm by Alice, or by Bob, Carol, a stranger
 *   bit 5     there is no agreement to compare with
 *
 * In payloads '#' stands for the right transcript, '@' for the session tag, '%'
 * for the agreement's hash.
 *
 * Expected: refused with a sentence, or two parties, who with an agreement are
 * those that they say they are.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include <parley/comm.h>

#include "cli/receipt_check.h"
#include "did/base64.h"
#include "did/identity.h"
#include "session/schedule.h"
#include "tests/fuzz/side.h"

enum {
	HASH_TEXT_LEN = DID_BASE64_LEN(SESSION_HASH_LEN),
	N_SIGNERS = FUZZ_N_PARTIES + 1,
};

/* Made once. */
static const struct parley_agreement *agreement;
static const struct parley_identity *ids[N_SIGNERS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_signers(void)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN] = {1};
	struct parley_identity *stranger;
	struct fuzz_side side;

	for (size_t i = 0; i < FUZZ_N_PARTIES; i++) {
		fuzz_side_init(&side, i);
		agreement = side.self.agreement;
		ids[i] = side.self.identity;
		fuzz_side_free(&side);
	}
	if (did_identity_from_seed(&stranger, seed) != 0)
		abort();
	ids[FUZZ_N_PARTIES] = stranger;
}

/* ${data} with its placeholders filled, signed; free() it.  NULL: it cannot. */
static char *sign(const struct parley_identity *who, const uint8_t *data,
		  size_t size, const char *transcript, const char *tag)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	char hash_text[HASH_TEXT_LEN + 1], *envelope = NULL;
	char *text = malloc(size * HASH_TEXT_LEN + 1);
	size_t len = 0, n;

	if (text == NULL)
		abort();
	parley_session_agreement_hash(agreement, hash);
	did_base64_encode(hash_text, hash, sizeof(hash));
	for (size_t i = 0; i < size; i++) {
		const char *with = data[i] == '#'   ? transcript
				   : data[i] == '@' ? tag
				   : data[i] == '%' ? hash_text
						    : NULL;

		n = with != NULL ? strlen(with) : 1;
		memcpy(text + len, with != NULL ? with : (const char *)data + i,
		       n);
		len += n;
	}
	if (parley_comm_signed_pack(&envelope, &n, who, text, len) != 0)
		envelope = NULL;
	free(text);
	return envelope;
}

static void check(const char *text, size_t len, bool compare)
{
	const struct parley_agreement *a = compare ? agreement : NULL;
	struct cli_receipt_check c;
	const bool good = cli_receipt_check(&c, text, len, a);
	const struct cli_receipt_check_statement *both[] = {&c.accept,
							    &c.confirm};

	if (good != (c.error[0] == '\0') ||
	    (good && strcmp(c.accept.signer, c.confirm.signer) == 0))
		abort();
	for (size_t i = 0; good && compare && i < 2; i++) {
		const char *did;

		if (both[i]->index < 0)
			abort();
		did = parley_session_agreement_party_did(
		    a, (size_t)both[i]->index);
		if (did == NULL || strcmp(did, both[i]->signer) != 0 ||
		    parley_session_agreement_party_name(
			a, (size_t)both[i]->index) == NULL)
			abort();
	}
	cli_receipt_check_free(&c);
}

/* Both envelopes, with all that can be right about them. */
static void signed_pair(uint8_t how, const uint8_t *data, size_t size)
{
	uint8_t clear[SESSION_CONFIRM_CLEAR_LEN] = {SESSION_WIRE_CONFIRM};
	struct session_transcript t = {.hash = {2}};
	uint8_t finished[SESSION_HASH_LEN] = {3};
	char transcript[HASH_TEXT_LEN + 1], tag[2 * SESSION_TAG_LEN + 1];
	char finished_text[HASH_TEXT_LEN + 1];
	char *accept, *confirm = NULL, *text = NULL;
	json_t *receipt = NULL;
	size_t len;

	if (size < 2)
		return;
	len = (size_t)data[0] << 8 | data[1];
	data += 2;
	size -= 2;
	len = len < size ? len : size;
	sodium_bin2hex(tag, sizeof(tag), clear + 1, SESSION_TAG_LEN);
	did_base64_encode(transcript, t.hash, sizeof(t.hash));
	did_base64_encode(finished_text, finished, sizeof(finished));
	accept = sign(ids[(FUZZ_BOB + (how >> 1)) % N_SIGNERS], data, len,
		      transcript, tag);
	if (accept == NULL)
		return;
	session_schedule_absorb(&t, accept, strlen(accept));
	session_schedule_absorb(&t, finished, sizeof(finished));
	session_schedule_absorb(&t, clear, sizeof(clear));
	did_base64_encode(transcript, t.hash, sizeof(t.hash));
	confirm = sign(ids[(FUZZ_ALICE + (how >> 3)) % N_SIGNERS], data + len,
		       size - len, transcript, tag);
	if (confirm != NULL)
		receipt =
		    json_pack("{s:s, s:s, s:s, s:s}", "parley",
			      CLI_RECEIPT_CHECK_KIND, "accept", accept,
			      "confirm", confirm, "finished", finished_text);
	if (receipt != NULL)
		text = json_dumps(receipt, 0);
	if (text != NULL)
		check(text, strlen(text), !(how & 32));
	json_decref(receipt);
	free(text);
	free(accept);
	free(confirm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > FUZZ_INPUT_MAX)
		return 0;
	if (agreement == NULL)
		make_signers();
	if (data[0] & 1)
		check((const char *)data + 1, size - 1, !(data[0] & 32));
	else
		signed_pair(data[0], data + 1, size - 1);
	return 0;
}
