/*
 * Memory for secrets, by libsodium.
 *
 * sodium_malloc() puts the block at the end of a page with guard pages on
 * both sides and a canary before it, locks it, and marks it MADV_DONTDUMP.
 * Locking is best effort: where RLIMIT_MEMLOCK is used up the block is handed
 * out unlocked, since a computation that ends is worse than a page that may
 * be swapped out.
 */
#include "did/secret.h"

#include <stdint.h>

#include <sodium.h>

#include <parley/err.h>

int did_secret_init(void)
{
	return sodium_init() < 0 ? PARLEY_ERR_SYSTEM : 0;
}

void *did_secret_new(size_t len)
{
	void *p;

	if (len > SIZE_MAX / 2 || did_secret_init() != 0)
		return NULL;
	/* The block ends where the page ends: keep its start aligned. */
	len = (len + 15) / 16 * 16;
	p = sodium_malloc(len);
	if (p != NULL)
		sodium_memzero(p, len);
	return p;
}

void did_secret_free(void *p)
{
	sodium_free(p);
}

void did_secret_wipe(void *p, size_t len)
{
	if (len > 0)
		sodium_memzero(p, len);
}
