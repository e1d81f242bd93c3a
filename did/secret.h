/*
 * Memory for secrets.
 *
 * Every secret has one owner.  Long-lived secrets (identity keys, session
 * keys) live in memory from did_secret_new(): guarded, left out of core files,
 * wiped when freed, and locked as far as RLIMIT_MEMLOCK allows.  Secrets on the
 * stack are wiped at the `out:` label of the function that declares them, on
 * success and on failure.
 */
#ifndef DID_SECRET_H
#define DID_SECRET_H

#include <stddef.h>

/*
 * did_secret_init():
 * Make libsodium ready.  Called by every function of the public API that is
 * the first a program may call; cheap and safe to repeat, from any thread.
 *
 * Returns 0, or PARLEY_ERR_SYSTEM (no source of randomness).
 */
int did_secret_init(void) __attribute__((warn_unused_result));

/*
 * did_secret_new(len):
 * Return ${len} zeroed bytes, aligned to 16, or NULL when there is no memory.
 * Free it with did_secret_free(), which wipes it.  Takes three pages and more,
 * so put secrets that live together into one block.
 */
void *did_secret_new(size_t len) __attribute__((warn_unused_result));

/*
 * did_secret_free(p):
 * Wipe and free what did_secret_new() returned.  NULL is allowed.
 */
void did_secret_free(void *p);

/*
 * did_secret_wipe(p, len):
 * Overwrite ${len} bytes at ${p}; the compiler cannot leave this out.  NULL
 * with 0 is allowed.
 */
void did_secret_wipe(void *p, size_t len);

#endif /* !DID_SECRET_H */
