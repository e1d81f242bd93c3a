/*
 * The key-encrypting keys of encrypted envelopes, and what they are bound to:
 * RFC 7518 (ECDH-ES+A256KW), draft-madden-jose-ecdh-1pu-04 (ECDH-1PU+A256KW).
 */
#include "comm/encrypted_kek.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "did/secret.h"

_Static_assert(COMM_ENCRYPTED_APV_LEN == crypto_hash_sha256_BYTES,
	       "apv is a SHA-256");

bool comm_encrypted_kek_agrees(enum did_key_type type)
{
	return type == DID_KEY_X25519 || type == DID_KEY_P256 ||
	       type == DID_KEY_P384 || type == DID_KEY_P521;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void comm_encrypted_kek_hash_kids(uint8_t apv[COMM_ENCRYPTED_APV_LEN],
				  const char **kids, size_t n)
{
	crypto_hash_sha256_state h;

	qsort(kids, n, sizeof(*kids), compare_texts);
	crypto_hash_sha256_init(&h);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			crypto_hash_sha256_update(&h, (const uint8_t *)".", 1);
		crypto_hash_sha256_update(&h, (const uint8_t *)kids[i],
					  strlen(kids[i]));
	}
	crypto_hash_sha256_final(&h, apv);
}

int comm_encrypted_kek_derive(uint8_t kek[COMM_CRYPTO_KEK_LEN],
			      const struct did_pair *pair,
			      const struct did_key *ephemeral_peer,
			      const struct did_pair *static_pair,
			      const struct did_key *static_peer,
			      const struct comm_crypto_kdf *kdf)
{
	uint8_t z[2 * DID_PAIR_SHARED_MAX];
	size_t ze_len, zs_len = 0;
	int err;

	/* draft-madden-jose-ecdh-1pu-04 2.3: Z = Ze || Zs */
	err = did_pair_agree(z, &ze_len, pair, ephemeral_peer);
	if (err == 0 && static_peer != NULL)
		err = did_pair_agree(z + ze_len, &zs_len, static_pair,
				     static_peer);
	if (err == 0)
		comm_crypto_derive(kek, COMM_CRYPTO_KEK_LEN, z, ze_len + zs_len,
				   kdf);
	did_secret_wipe(z, sizeof(z));
	return err;
}
