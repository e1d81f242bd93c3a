/*
 * The AEADs of the suites (PROTOCOL 4.4), by OpenSSL's EVP, and by libsodium
 * where that is faster.
 *
 * Choice: EVP for both suites.  With a context kept from record to record it
 * seals large records two to three times as fast as libsodium (64 KiB: 14
 * against 37 microseconds with AES-256-GCM).  But an EVP call costs more than
 * the work on a short record: up to SESSION_AEAD_SMALL bytes AES-256-GCM is
 * libsodium's, with the key expanded before, at half the cost.
 */
#ifndef SESSION_AEAD_H
#define SESSION_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "session/wire.h"

enum { SESSION_AEAD_SMALL = 384 };

/* One key in one direction of use.  Zeroed is valid and holds nothing. */
struct session_aead {
	crypto_aead_aes256gcm_state small; /* if has_small */
	void *ctx;			   /* EVP_CIPHER_CTX */
	bool seal;
	bool has_small;
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

/*
 * session_aead_begin(a, nonce, ad, ad_len):
 * session_aead_add(a, out, in, len):
 * session_aead_end_seal(a, tag):
 * session_aead_end_open(a, tag):
 * The same in pieces: ${in} goes to ${out}, which is ${in} or does not overlap
 * it.  What comes out while opening is not to be believed before
 * session_aead_end_open() has returned 0, and is not wiped by it.  A whole seal
 * or open in between begins anew.
 *
 * Return 0, or PARLEY_ERR_INTERNAL, or of the last PARLEY_ERR_SEAL.
 */
int session_aead_begin(struct session_aead *a,
		       const uint8_t nonce[SESSION_IV_LEN], const uint8_t *ad,
		       size_t ad_len) __attribute__((warn_unused_result));
int session_aead_add(struct session_aead *a, uint8_t *out, const uint8_t *in,
		     size_t len) __attribute__((warn_unused_result));
int session_aead_end_seal(struct session_aead *a,
			  uint8_t tag[SESSION_AEAD_TAG_LEN])
    __attribute__((warn_unused_result));
int session_aead_end_open(struct session_aead *a,
			  const uint8_t tag[SESSION_AEAD_TAG_LEN])
    __attribute__((warn_unused_result));

/* session_aead_wipe(a): wipe the key and free what ${a} holds. */
void session_aead_wipe(struct session_aead *a);

#endif /* !SESSION_AEAD_H */
