/*
 * The library's side of tests/interop/didcomm.sh:
 *
 *   envelope pack SEED    a message on stdin, its signed envelope on stdout;
 *                         SEED is 64 hex digits of a key made for this test
 *   envelope unpack       an envelope on stdin; the signer, a line feed, and
 *                         the message on stdout
 *
 * On error the name of the code goes to stderr and the exit code is 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <parley/comm.h>

#include "did/identity.h"

static int fail(int err)
{
	fprintf(stderr, "%s\n", parley_did_err_name(err));
	return 1;
}

static int pack(const char *seed_hex, const char *message, size_t len)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	struct parley_identity *id;
	size_t seed_len, envelope_len;
	char *envelope;
	int err;

	if (sodium_hex2bin(seed, sizeof(seed), seed_hex, strlen(seed_hex), NULL,
			   &seed_len, NULL) != 0 ||
	    seed_len != sizeof(seed))
		return fail(PARLEY_ERR_ARGUMENT);
	err = did_identity_from_seed(&id, seed);
	if (err != 0)
		return fail(err);
	err =
	    parley_comm_signed_pack(&envelope, &envelope_len, id, message, len);
	parley_did_identity_free(id);
	if (err != 0)
		return fail(err);
	fwrite(envelope, 1, envelope_len, stdout);
	free(envelope);
	return 0;
}

static int unpack(const char *envelope, size_t len)
{
	char signer[PARLEY_DID_SIZE], *message;
	size_t message_len;
	int err = parley_comm_signed_unpack(&message, &message_len, signer,
					    envelope, len);

	if (err != 0)
		return fail(err);
	printf("%s\n", signer);
	fwrite(message, 1, message_len, stdout);
	free(message);
	return 0;
}

int main(int argc, char **argv)
{
	static char input[1 << 20];
	size_t len = fread(input, 1, sizeof(input), stdin);

	if (argc == 3 && strcmp(argv[1], "pack") == 0)
		return pack(argv[2], input, len);
	if (argc == 2 && strcmp(argv[1], "unpack") == 0)
		return unpack(input, len);
	fprintf(stderr, "usage: envelope pack SEED | envelope unpack\n");
	return 2;
}
