/*
 * The AEADs of the suites (PROTOCOL 4.4), by OpenSSL's EVP.
 *
 * Choice: EVP rather than libsodium for both suites.  With a context kept
 * from record to record it seals large records two to three times as fast
 * (64 KiB: 14 against 37 microseconds with AES-256-GCM), and one code path
 * serves both.  libsodium is ahead only below about 256 bytes.
 */
#ifndef SESSION_AEAD_H
#define SESSION_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/wire.h"

/* One key in one direction of use.  Zeroed is valid and holds nothing. */
struct session_aead {
	void *ctx; /* EVP_CIPHER_CTX */
	bool seal;
};

/* session_aead_supported(suite): is this a suite of ours? */
bool session_aead_supported(uint8_t suite);

/*
 * session_aead_preferred(void):
 * The suite this machine does fastest: AES-256-GCM where AES runs in
 * hardware, else ChaCha20-Poly1305.
 */
enum session_suite session_aead_preferred(void);

/*
 * session_aead_init(a, suite, key, seal):
 * Make ${a} ready to seal (or to open) under ${key}, which is copied.  ${a}
 * may hold an older key, which is wiped.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SUITE.
 */
int session_aead_init(struct session_aead *a, uint8_t suite,
		      const uint8_t key[SESSION_KEY_LEN], bool seal)
    __attribute__((warn_unused_result));

/*
 * session_aead_seal(a, tag, buf, len, nonce, ad, ad_len):
 * Encrypt ${len} bytes at ${buf} in place and write the tag to ${tag}, which
 * may lie directly behind them.
 *
 * Returns 0, or PARLEY_ERR_INTERNAL.
 */
int session_aead_seal(struct session_aead *a, uint8_t tag[SESSION_AEAD_TAG_LEN],
		      uint8_t *buf, size_t len,
		      const uint8_t nonce[SESSION_IV_LEN], const uint8_t *ad,
		      size_t ad_len) __attribute__((warn_unused_result));

/*
 * session_aead_open(a, buf, len, tag, nonce, ad, ad_len):
 * Decrypt ${len} bytes at ${buf} in place.  On failure ${buf} holds zeroes.
 *
 * Returns 0, or PARLEY_ERR_SEAL.
 */
int session_aead_open(struct session_aead *a, uint8_t *buf, size_t len,
		      const uint8_t tag[SESSION_AEAD_TAG_LEN],
		      const uint8_t nonce[SESSION_IV_LEN], const uint8_t *ad,
		      size_t ad_len) __attribute__((warn_unused_result));

/* session_aead_wipe(a): wipe the key and free what ${a} holds. */
void session_aead_wipe(struct session_aead *a);

#endif /* !SESSION_AEAD_H */
