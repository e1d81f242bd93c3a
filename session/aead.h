/*
 * The AEADs of the suites (PROTOCOL 4.4).
 *
 * Choice: AES-256-GCM by Intel's Multi-Buffer library where it was built in and
 * the processor is one of its kind: 2 to 5 times as fast as the others for
 * short records, and 2.5 times for large ones with AVX-512
 * (tests/bench/README.md has the figures).  Else by OpenSSL's EVP, with a
 * context kept from record to record; but an EVP call costs more than the work
 * on a short record, so that up to SESSION_AEAD_SMALL bytes it is libsodium,
 * with the key expanded before. ChaCha20-Poly1305 is EVP's.
 */
#ifndef SESSION_AEAD_H
#define SESSION_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "session/wire.h"

enum { SESSION_AEAD_SMALL = 384 };

struct gcm_context_data; /* the library's: where a text in pieces is */
struct gcm_key_data;	 /* and an expanded key */

/* Its functions for one direction of use. */
struct session_aead_way {
	void (*whole)(const struct gcm_key_data *key,
		      struct gcm_context_data *at, uint8_t *out,
		      const uint8_t *in, uint64_t len, const uint8_t *nonce,
		      const uint8_t *ad, uint64_t ad_len, uint8_t *tag,
		      uint64_t tag_len);
	void (*add)(const struct gcm_key_data *key, struct gcm_context_data *at,
		    uint8_t *out, const uint8_t *in, uint64_t len);
	void (*end)(const struct gcm_key_data *key, struct gcm_context_data *at,
		    uint8_t *tag, uint64_t tag_len);
};

/*
 * What the Multi-Buffer library has for this machine.  Zeroed is valid: it has
 * nothing.  Constant once made, and without secrets.
 */
struct session_aead_machine {
	void (*expand)(const void *key, struct gcm_key_data *expanded);
	void (*begin)(const struct gcm_key_data *key,
		      struct gcm_context_data *at, const uint8_t *nonce,
		      const uint8_t *ad, uint64_t ad_len);
	struct session_aead_way seal, open;
};

/*
 * One key in one direction of use.  Zeroed is valid and holds nothing.  It has
 * either ${ctx}, or ${key} and ${at}.
 */
struct session_aead {
	crypto_aead_aes256gcm_state small; /* if has_small */
	void *ctx;			   /* EVP_CIPHER_CTX */
	const struct session_aead_machine *machine;
	struct gcm_key_data *key;
	struct gcm_context_data *at;
	bool seal;
	bool has_small;
};

/*
 * session_aead_machine_init(m):
 * Find out what there is; nothing if the library is not built in, or knows no
 * hardware here.  Takes a part of a millisecond, so do it once.
 */
void session_aead_machine_init(struct session_aead_machine *m);

/*
 * session_aead_machine_key(a, m, key):
 * Expand ${key} by ${m}, which has something, into memory of its own at
 * a->key and a->at.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int session_aead_machine_key(struct session_aead *a,
			     const struct session_aead_machine *m,
			     const uint8_t key[SESSION_KEY_LEN])
    __attribute__((warn_unused_result));

/* session_aead_machine_wipe(a): wipe and free that; it may have none. */
void session_aead_machine_wipe(struct session_aead *a);

/* session_aead_supported(suite): is this a suite of ours? */
bool session_aead_supported(uint8_t suite);

/*
 * session_aead_preferred(void):
 * The suite this machine does fastest: AES-256-GCM where AES runs in
 * hardware, else ChaCha20-Poly1305.
 */
enum session_suite session_aead_preferred(void);

/*
 * session_aead_init(a, suite, key, seal, m):
 * Make ${a} ready to seal (or to open) under ${key}, which is copied.  ${a}
 * may hold an older key, which is wiped.  ${m} is borrowed for the life of
 * ${a}; NULL does without.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SUITE.
 */
int session_aead_init(struct session_aead *a, uint8_t suite,
		      const uint8_t key[SESSION_KEY_LEN], bool seal,
		      const struct session_aead_machine *m)
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
