/*
 * Public keys of X25519, by way of the Edwards form of the curve.
 *
 * Spec: RFC 7748 4.1, "(u, v) = ((1+y)/(1-y), sqrt(-486664)*u/x)"; the base
 * points of both forms correspond.
 *
 * Where libsodium has a fast ladder, crypto_scalarmult_base() takes it, though
 * a table of multiples of the base point does the same in less than half of the
 * time; libsodium has that table for signatures, and gives out the result in
 * Edwards form.  What remains is the map above: one inversion in the field,
 * which OpenSSL's BN_mod_inverse() does.  libsodium has it only together with a
 * check of the group, which costs more than all the rest.
 *
 * Invariant: the numbers of OpenSSL here are public ones, and its time depends
 * on them.  The secret goes through libsodium and nowhere else.
 */
#include "did/x25519.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <sodium.h>

#include <parley/err.h>

int did_x25519_from_edwards(uint8_t u[DID_X25519_LEN],
			    const uint8_t point[DID_X25519_LEN])
{
	BIGNUM *p, *y, *above, *below;
	uint8_t bytes[DID_X25519_LEN];
	int err = PARLEY_ERR_MEMORY;
	BN_CTX *ctx;

	memcpy(bytes, point, sizeof(bytes));
	bytes[DID_X25519_LEN - 1] &= 0x7f; /* the sign of x */

	ERR_set_mark();
	ctx = BN_CTX_new();
	if (ctx == NULL)
		goto out;
	BN_CTX_start(ctx);
	p = BN_CTX_get(ctx);
	y = BN_CTX_get(ctx);
	above = BN_CTX_get(ctx);
	below = BN_CTX_get(ctx); /* NULL if one of them is */
	if (below == NULL)
		goto out;
	/* p = 2^255 - 19 */
	if (!BN_set_bit(p, 255) || !BN_sub_word(p, 19))
		goto out;
	if (BN_lebin2bn(bytes, sizeof(bytes), y) == NULL)
		goto out;
	if (!BN_mod_add(above, BN_value_one(), y, p, ctx) ||
	    !BN_mod_sub(below, BN_value_one(), y, p, ctx))
		goto out;
	/* 1 / 0 is 0, as in RFC 7748, where 1 / a is a^(p-2). */
	if (!BN_is_zero(below) && BN_mod_inverse(below, below, p, ctx) == NULL)
		goto out;
	if (!BN_mod_mul(above, above, below, p, ctx))
		goto out;
	if (BN_bn2lebinpad(above, u, DID_X25519_LEN) == DID_X25519_LEN)
		err = 0;
out:
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	ERR_pop_to_mark();
	return err;
}

int did_x25519_public(uint8_t u[DID_X25519_LEN],
		      const uint8_t scalar[DID_X25519_LEN])
{
	uint8_t point[DID_X25519_LEN];

	/* It clamps. */
	if (crypto_scalarmult_ed25519_base(point, scalar) != 0)
		return PARLEY_ERR_KEY;
	return did_x25519_from_edwards(u, point);
}
