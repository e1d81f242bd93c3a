/*
 * Arithmetic modulo the prime p = 2^127 - 1, and Shamir's secret sharing.
 *
 * An element is a u128 from 0 to p - 1; every function that takes elements
 * expects that and gives it back.  No time depends on the value of an element,
 * except in field_interpolate(), field_open(), field_to_int() and
 * field_decode(), whose inputs are about to be opened or came from another
 * party.
 */
#ifndef EXAMPLES_FIELD_H
#define EXAMPLES_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/int128.h"

enum {
	FIELD_LEN = 16,		 /* bytes of an encoded element */
	FIELD_POINTS_MAX = 1024, /* shares of one secret */
};

/* The prime p, and (p - 1) / 2: integers of this size and sign fit. */
#define FIELD_P	   (((u128)1 << 127) - 1)
#define FIELD_HALF ((i128)(FIELD_P / 2))

u128 field_add(u128 a, u128 b);
u128 field_sub(u128 a, u128 b);
u128 field_mul(u128 a, u128 b);

/* field_invert(a): 1 / a, for a other than 0. */
u128 field_invert(u128 a);

/* field_random(): uniform, secret; call sodium_init() before. */
u128 field_random(void);

/*
 * field_from_int(v), field_to_int(a):
 * The integers from -FIELD_HALF to FIELD_HALF, one to one.
 */
u128 field_from_int(i128 v);
i128 field_to_int(u128 a);

/*
 * field_encode(out, a):
 * Write ${a} as 16 bytes, big-endian.
 */
void field_encode(uint8_t out[FIELD_LEN], u128 a);

/*
 * field_decode(ap, in):
 * The reverse.  Returns false, and leaves ${*ap} alone, for p and above.
 */
bool field_decode(u128 *ap, const uint8_t in[FIELD_LEN]);

/*
 * field_share(shares, n, t, secret):
 * Draw a polynomial f of degree at most ${t} with f(0) = ${secret} and else
 * uniform coefficients, and set shares[i] = f(i + 1) for i = 0 to n - 1.  Any
 * ${t} shares are uniform, whatever the secret; any t + 1 give it away.
 * Requires t < n <= FIELD_POINTS_MAX.
 */
void field_share(u128 *shares, size_t n, size_t t, u128 secret);

/*
 * field_interpolate(shares, n, x):
 * f(x) for the polynomial f of degree below ${n} with f(i + 1) = shares[i].
 * At x = 0 that is the secret.
 */
u128 field_interpolate(const u128 *shares, size_t n, size_t x);

/*
 * field_open(secretp, shares, n, t):
 * The secret behind ${n} shares of threshold ${t}.  Returns false, and leaves
 * ${*secretp} alone, if they are not on one polynomial of degree ${t}: then at
 * least one of them is wrong.  With n = t + 1 that cannot be seen.
 */
bool field_open(u128 *secretp, const u128 *shares, size_t n, size_t t);

#endif /* !EXAMPLES_FIELD_H */
