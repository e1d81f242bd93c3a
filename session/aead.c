/*
 * AEADs by Intel's Multi-Buffer library (aead_machine.c), by OpenSSL EVP, and
 * by libsodium for short records; see aead.h for which and why.
 *
 * A context is keyed once and then given a nonce for each record; EVP wipes
 * the key schedule when the context is freed or keyed anew.  All make the same
 * bytes of the same key, nonce and text.
 */
#include "session/aead.h"

#include <limits.h>
#include <string.h>

#include <openssl/evp.h>

#include <parley/err.h>

#include "did/secret.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const EVP_CIPHER *cipher_of(uint8_t suite)
{
	switch ((enum session_suite)suite) {
	case SESSION_SUITE_CHACHA20:
		return EVP_chacha20_poly1305();
	case SESSION_SUITE_AES256:
		return EVP_aes_256_gcm();
	}
	return NULL;
}

bool session_aead_supported(uint8_t suite)
{
	return cipher_of(suite) != NULL;
}

enum session_suite session_aead_preferred(void)
{
#if defined(__aarch64__) && defined(__linux__)
	/* HWCAP_AES and HWCAP_PMULL of the arm64 Linux ABI. */
	const unsigned long aes = 1ul << 3, pmull = 1ul << 4;

	if ((getauxval(AT_HWCAP) & (aes | pmull)) == (aes | pmull))
		return SESSION_SUITE_AES256;
#else
	if (sodium_runtime_has_aesni() && sodium_runtime_has_pclmul())
		return SESSION_SUITE_AES256;
#endif
	return SESSION_SUITE_CHACHA20;
}

static int init_evp(struct session_aead *a, const EVP_CIPHER *cipher,
		    const uint8_t key[SESSION_KEY_LEN], bool seal)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (!ctx)
		return PARLEY_ERR_MEMORY;
	if (!EVP_CipherInit_ex(ctx, cipher, NULL, key, NULL, seal)) {
		EVP_CIPHER_CTX_free(ctx);
		return PARLEY_ERR_MEMORY;
	}
	a->ctx = ctx;
	return 0;
}

int session_aead_init(struct session_aead *a, uint8_t suite,
		      const uint8_t key[SESSION_KEY_LEN], bool seal,
		      const struct session_aead_machine *m)
{
	const EVP_CIPHER *cipher = cipher_of(suite);
	const bool aes = suite == SESSION_SUITE_AES256;
	struct session_aead fresh = {.seal = seal};
	int err;

	if (!cipher)
		return PARLEY_ERR_SUITE;
	if (aes && m && m->expand)
		err = session_aead_machine_key(&fresh, m, key);
	else
		err = init_evp(&fresh, cipher, key, seal);
	if (err)
		return err;
	session_aead_wipe(a);
	*a = fresh;
	a->has_small = aes && a->ctx && crypto_aead_aes256gcm_is_available();
	if (a->has_small)
		crypto_aead_aes256gcm_beforenm(&a->small, key);
	return 0;
}

static const struct session_aead_way *way(const struct session_aead *a)
{
	return a->seal ? &a->machine->seal : &a->machine->open;
}

/* The right tag of a text that is not is no secret of ours, nor to be known. */
static int check_tag(uint8_t expected[SESSION_AEAD_TAG_LEN],
		     const uint8_t tag[SESSION_AEAD_TAG_LEN])
{
	int r = sodium_memcmp(expected, tag, SESSION_AEAD_TAG_LEN);

	did_secret_wipe(expected, SESSION_AEAD_TAG_LEN);
	return r ? PARLEY_ERR_SEAL : 0;
}

int session_aead_begin(struct session_aead *a,
		       const uint8_t nonce[SESSION_IV_LEN], const uint8_t *ad,
		       size_t ad_len)
{
	int n;

	if (a->key) {
		a->machine->begin(a->key, a->at, nonce, ad, ad_len);
		return 0;
	}
	return a->ctx && ad_len <= INT_MAX &&
		       EVP_CipherInit_ex(a->ctx, NULL, NULL, NULL, nonce,
					 a->seal) &&
		       EVP_CipherUpdate(a->ctx, NULL, &n, ad, (int)ad_len)
		   ? 0
		   : PARLEY_ERR_INTERNAL;
}

int session_aead_add(struct session_aead *a, uint8_t *out, const uint8_t *in,
		     size_t len)
{
	int n;

	if (a->key) {
		way(a)->add(a->key, a->at, out, in, len);
		return 0;
	}
	return len <= INT_MAX && EVP_CipherUpdate(a->ctx, out, &n, in, (int)len)
		   ? 0
		   : PARLEY_ERR_INTERNAL;
}

int session_aead_end_seal(struct session_aead *a,
			  uint8_t tag[SESSION_AEAD_TAG_LEN])
{
	uint8_t none[16];
	int n;

	if (a->seal && a->key) {
		way(a)->end(a->key, a->at, tag, SESSION_AEAD_TAG_LEN);
		return 0;
	}
	return a->seal && EVP_CipherFinal_ex(a->ctx, none, &n) &&
		       EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG,
					   SESSION_AEAD_TAG_LEN, tag)
		   ? 0
		   : PARLEY_ERR_INTERNAL;
}

int session_aead_end_open(struct session_aead *a,
			  const uint8_t tag[SESSION_AEAD_TAG_LEN])
{
	uint8_t expected[SESSION_AEAD_TAG_LEN], none[16];
	int n;

	if (!a->seal && a->key) {
		way(a)->end(a->key, a->at, expected, sizeof(expected));
		return check_tag(expected, tag);
	}
	/* EVP wants a writable tag. */
	memcpy(expected, tag, sizeof(expected));
	return !a->seal &&
		       EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG,
					   SESSION_AEAD_TAG_LEN, expected) &&
		       EVP_CipherFinal_ex(a->ctx, none, &n)
		   ? 0
		   : PARLEY_ERR_SEAL;
}

int session_aead_seal(struct session_aead *a, uint8_t tag[SESSION_AEAD_TAG_LEN],
		      uint8_t *buf, size_t len,
		      const uint8_t nonce[SESSION_IV_LEN], const uint8_t *ad,
		      size_t ad_len)
{
	if (!a->seal)
		return PARLEY_ERR_INTERNAL;
	if (a->key) {
		way(a)->whole(a->key, a->at, buf, buf, len, nonce, ad, ad_len,
			      tag, SESSION_AEAD_TAG_LEN);
		return 0;
	}
	if (a->has_small && len <= SESSION_AEAD_SMALL)
		return crypto_aead_aes256gcm_encrypt_detached_afternm(
			   buf, tag, NULL, buf, len, ad, ad_len, NULL, nonce,
			   &a->small)
			   ? PARLEY_ERR_INTERNAL
			   : 0;
	if (session_aead_begin(a, nonce, ad, ad_len) ||
	    session_aead_add(a, buf, buf, len) || session_aead_end_seal(a, tag))
		return PARLEY_ERR_INTERNAL;
	return 0;
}

int session_aead_open(struct session_aead *a, uint8_t *buf, size_t len,
		      const uint8_t tag[SESSION_AEAD_TAG_LEN],
		      const uint8_t nonce[SESSION_IV_LEN], const uint8_t *ad,
		      size_t ad_len)
{
	uint8_t expected[SESSION_AEAD_TAG_LEN];
	bool ok;

	if (a->seal) {
		ok = false;
	} else if (a->key) {
		way(a)->whole(a->key, a->at, buf, buf, len, nonce, ad, ad_len,
			      expected, sizeof(expected));
		ok = check_tag(expected, tag) == 0;
	} else if (a->has_small && len <= SESSION_AEAD_SMALL) {
		ok = crypto_aead_aes256gcm_decrypt_detached_afternm(
			 buf, NULL, buf, len, tag, ad, ad_len, nonce,
			 &a->small) == 0;
	} else {
		ok = session_aead_begin(a, nonce, ad, ad_len) == 0 &&
		     session_aead_add(a, buf, buf, len) == 0 &&
		     session_aead_end_open(a, tag) == 0;
	}
	if (ok)
		return 0;
	did_secret_wipe(buf, len);
	return PARLEY_ERR_SEAL;
}

void session_aead_wipe(struct session_aead *a)
{
	EVP_CIPHER_CTX_free(a->ctx); /* wipes; NULL is allowed */
	a->ctx = NULL;
	session_aead_machine_wipe(a);
	did_secret_wipe(&a->small, sizeof(a->small));
	a->has_small = false;
}
