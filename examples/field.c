/*
 * Arithmetic modulo p = 2^127 - 1, and Shamir's secret sharing over it.
 *
 * Why this prime: 2^127 = 1 modulo p, so whatever stands above bit 126 is
 * added at the bottom, and that is the whole reduction; and an element fits a
 * machine type.  Reference: A. Shamir, How to share a secret, CACM 22 (1979).
 *
 * Invariant: elements are always fully reduced, so equal elements are equal
 * numbers.
 */
#include "examples/field.h"

#include <assert.h>

#include <sodium.h>

/* Any 128-bit number to an element. */
static u128 reduce(u128 x)
{
	u128 over;

	x = (x & FIELD_P) + (x >> 127); /* at most p + 1 */
	over = (x + 1) >> 127;		/* 1 if x >= p, else 0 */
	return (x + over) & FIELD_P;
}

u128 field_add(u128 a, u128 b)
{
	return reduce(a + b);
}

u128 field_sub(u128 a, u128 b)
{
	return reduce(a + (FIELD_P - b));
}

u128 field_mul(u128 a, u128 b)
{
	const u128 a0 = (uint64_t)a, a1 = a >> 64; /* a1, b1 < 2^63 */
	const u128 b0 = (uint64_t)b, b1 = b >> 64;
	const u128 low = a0 * b0;
	const u128 mid = a0 * b1 + a1 * b0; /* weight 2^64; < 2^128 */
	const u128 high = a1 * b1;	    /* weight 2^128 = 2; < 2^126 */
	const u128 mid0 = mid & (((u128)1 << 63) - 1);
	const u128 mid1 = mid >> 63; /* weight 2^127 = 1 */

	return field_add(field_add(reduce(low), reduce(2 * high)),
			 reduce((mid0 << 64) + mid1));
}

u128 field_invert(u128 a)
{
	const u128 exponent = FIELD_P - 2; /* Fermat: a^(p-1) = 1 */
	u128 r = 1;
	int bit;

	for (bit = 126; bit >= 0; bit--) {
		r = field_mul(r, r);
		if ((exponent >> bit) & 1)
			r = field_mul(r, a);
	}
	return r;
}

u128 field_random(void)
{
	u128 r;

	/* p of 2^127 patterns is not an element: draw again, never reduce,
	 * so that every element is equally likely. */
	do {
		randombytes_buf(&r, sizeof(r));
		r &= FIELD_P;
	} while (r == FIELD_P);
	return r;
}

u128 field_from_int(i128 v)
{
	assert(v >= -FIELD_HALF && v <= FIELD_HALF);
	return (u128)v + (FIELD_P & -(u128)(v < 0));
}

i128 field_to_int(u128 a)
{
	return a > (u128)FIELD_HALF ? -(i128)(FIELD_P - a) : (i128)a;
}

void field_encode(uint8_t out[FIELD_LEN], u128 a)
{
	int i;

	for (i = FIELD_LEN - 1; i >= 0; i--) {
		out[i] = (uint8_t)a;
		a >>= 8;
	}
}

bool field_decode(u128 *ap, const uint8_t in[FIELD_LEN])
{
	u128 a = 0;
	int i;

	for (i = 0; i < FIELD_LEN; i++)
		a = a << 8 | in[i];
	if (a >= FIELD_P)
		return false;
	*ap = a;
	return true;
}

void field_share(u128 *shares, size_t n, size_t t, u128 secret)
{
	u128 coefficient[FIELD_POINTS_MAX];
	u128 y;
	size_t i, k;

	assert(t < n && n <= FIELD_POINTS_MAX);
	coefficient[0] = secret;
	for (k = 1; k <= t; k++)
		coefficient[k] = field_random();
	for (i = 0; i < n; i++) {
		y = coefficient[t]; /* Horner's rule at x = i + 1 */
		for (k = t; k > 0; k--)
			y = field_add(field_mul(y, i + 1), coefficient[k - 1]);
		shares[i] = y;
	}
	sodium_memzero(coefficient, (t + 1) * sizeof(coefficient[0]));
	sodium_memzero(&y, sizeof(y));
}

u128 field_interpolate(const u128 *shares, size_t n, size_t x)
{
	u128 above, below, y = 0;
	size_t i, j;

	for (i = 0; i < n; i++) {
		above = shares[i];
		below = 1;
		for (j = 0; j < n; j++) {
			if (j == i)
				continue;
			above = field_mul(above, field_sub(x, j + 1));
			below = field_mul(below, field_sub(i + 1, j + 1));
		}
		y = field_add(y, field_mul(above, field_invert(below)));
	}
	return y;
}

bool field_open(u128 *secretp, const u128 *shares, size_t n, size_t t)
{
	size_t i;

	for (i = t + 1; i < n; i++)
		if (field_interpolate(shares, t + 1, i + 1) != shares[i])
			return false;
	*secretp = field_interpolate(shares, t + 1, 0);
	return true;
}
