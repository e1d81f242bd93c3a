/*
 * Identity files, and keys of other programs, through a file in memory.  The
 * first byte:
 *
 *   'p', 'j', 's'  a PEM file, a JWK, a seed, for parley_did_identity_import()
 *   else           an identity file, for parley_did_identity_load(), and
 * _inspect()
 *
 * Expected: refused with a code; or an identity that signs, with the DID that
 * the file said.  A sealed file is looked into, but not opened: that would take
 * as long as the file says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <parley/did.h>

#include "did/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct parley_identity *id, const char *did)
{
	uint8_t sig[DID_IDENTITY_SIG_LEN_MAX];
	size_t len;

	if ((did != NULL && strcmp(parley_did_identity_did(id), did) != 0) ||
	    did_identity_sign(sig, &len, id, "x", 1) != 0)
		abort();
}

static int import(struct parley_identity **idp, const char *path, char how)
{
	enum parley_key_format format = how == 'p'   ? PARLEY_KEY_PEM
					: how == 'j' ? PARLEY_KEY_JWK
						     : PARLEY_KEY_SEED;

	return parley_did_identity_import(idp, path, format, NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parley_identity *id = NULL;
	enum parley_identity_seal seal;
	char path[64], did[PARLEY_DID_SIZE];
	int fd, err;

	if (size == 0)
		return 0;
	fd = memfd_create("fuzz-identity", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (data[0] == 'p' || data[0] == 'j' || data[0] == 's') {
		if (import(&id, path, (char)data[0]) == 0)
			check(id, NULL);
	} else {
		err = parley_did_identity_inspect(path, did, &seal);
		if (err == 0 && seal == PARLEY_IDENTITY_PLAINTEXT &&
		    parley_did_identity_load(&id, path, NULL, 0) == 0)
			check(id, did);
		if (err != 0 &&
		    parley_did_identity_load(&id, path, NULL, 0) == 0)
			abort();
	}
	parley_did_identity_free(id);
	close(fd);
	return 0;
}
