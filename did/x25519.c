/*
 * Public keys of X25519, by way of the Edwards form of the curve.
 *
 * Spec: RFC 7748 4.1, "(u, v) = ((1+y)/(1-y), sqrt(-486664)*u/x)"; the base
 * points of both forms correspond.
 *
 * Half of the time of crypto_scalarmult_base() goes into a ladder for which a
 * table of multiples of the base point does as well; libsodium has that table
 * for signatures, and gives it out in Edwards form.  What remains is the map
 * above: one inversion in the field.  libsodium has it only together with a
 * check of the group, which costs more than all the rest.
 *
 * Invariant: the field arithmetic of this file works on public values only.
 * The secret goes through libsodium and nowhere else.
 */
#include "did/x25519.h"

#include <stddef.h>
#include <string.h>

#include <sodium.h>

#include <parley/err.h>

/* A limb, and what holds the product of two and two more. */
#ifdef __SIZEOF_INT128__
typedef uint64_t limb;
__extension__ typedef unsigned __int128 wide;
#else
typedef uint32_t limb;
typedef uint64_t wide;
#endif

enum {
	LIMB_BITS = 8 * sizeof(limb),
	N_LIMBS = 256 / LIMB_BITS,
};

/* A number below 2^256, least limb first: one of the residues mod p. */
struct fe {
	limb limb[N_LIMBS];
};

/* 2^255 - 19; so 2^256 = 38. */
#define ONES ((limb)-1)
static const struct fe p = {
    .limb =
	{
#ifdef __SIZEOF_INT128__
	    ONES - 18,
	    ONES,
	    ONES,
	    ONES >> 1,
#else
	    ONES - 18,
	    ONES,
	    ONES,
	    ONES,
	    ONES,
	    ONES,
	    ONES,
	    ONES >> 1,
#endif
	},
};

static void load(struct fe *r, const uint8_t bytes[DID_X25519_LEN])
{
	for (size_t i = 0; i < N_LIMBS; i++) {
		r->limb[i] = 0;
		for (size_t j = 0; j < sizeof(limb); j++)
			r->limb[i] |= (limb)bytes[sizeof(limb) * i + j]
				      << (8 * j);
	}
}

/* r = a - b; returns the borrow. */
static limb sub(struct fe *r, const struct fe *a, const struct fe *b)
{
	limb borrow = 0;

	for (size_t i = 0; i < N_LIMBS; i++) {
		wide d = (wide)a->limb[i] - b->limb[i] - borrow;

		r->limb[i] = (limb)d;
		borrow = (limb)(d >> LIMB_BITS) & 1;
	}
	return borrow;
}

/* The canonical bytes of ${r}. */
static void store(uint8_t bytes[DID_X25519_LEN], const struct fe *a)
{
	struct fe r = *a, less;

	/* 2^256 < 3p */
	for (size_t i = 0; i < 2; i++) {
		if (sub(&less, &r, &p) == 0)
			r = less;
	}
	for (size_t i = 0; i < DID_X25519_LEN; i++)
		bytes[i] = (uint8_t)(r.limb[i / sizeof(limb)] >>
				     (8 * (i % sizeof(limb))));
}

/* Add ${carry} times 2^256. */
static void fold(struct fe *r, limb carry)
{
	while (carry != 0) {
		wide t = (wide)carry * 38;

		for (size_t i = 0; i < N_LIMBS; i++) {
			t += r->limb[i];
			r->limb[i] = (limb)t;
			t >>= LIMB_BITS;
		}
		carry = (limb)t;
	}
}

static void add(struct fe *r, const struct fe *a, const struct fe *b)
{
	wide t = 0;

	for (size_t i = 0; i < N_LIMBS; i++) {
		t += (wide)a->limb[i] + b->limb[i];
		r->limb[i] = (limb)t;
		t >>= LIMB_BITS;
	}
	fold(r, (limb)t);
}

static void mul(struct fe *r, const struct fe *a, const struct fe *b)
{
	limb product[2 * N_LIMBS] = {0};
	wide t;

	for (size_t i = 0; i < N_LIMBS; i++) {
		t = 0;
		for (size_t j = 0; j < N_LIMBS; j++) {
			t += (wide)a->limb[i] * b->limb[j] + product[i + j];
			product[i + j] = (limb)t;
			t >>= LIMB_BITS;
		}
		product[i + N_LIMBS] = (limb)t;
	}
	t = 0;
	for (size_t i = 0; i < N_LIMBS; i++) {
		t += (wide)product[i + N_LIMBS] * 38 + product[i];
		r->limb[i] = (limb)t;
		t >>= LIMB_BITS;
	}
	fold(r, (limb)t);
}

/* a^(2^n) * b */
static void square_mul(struct fe *r, const struct fe *a, size_t n,
		       const struct fe *b)
{
	struct fe t = *a;

	for (size_t i = 0; i < n; i++)
		mul(&t, &t, &t);
	mul(r, &t, b);
}

/*
 * 1 / a = a^(p-2), and p - 2 = 2^255 - 21 = (2^250 - 1) * 2^5 + 11.  Below,
 * e_n is a^(2^n - 1), and e_(m+n) is e_m^(2^n) * e_n.
 */
static void invert(struct fe *r, const struct fe *a)
{
	struct fe a2, a11, e5, e10, e20, e40, e50, e100, e200, e250;

	mul(&a2, a, a);
	square_mul(&e5, a, 1, a);      /* e2 = a^3 */
	square_mul(&a11, &a2, 2, &e5); /* a^8 * a^3 */
	square_mul(&e5, &e5, 1, a);    /* e3 */
	square_mul(&e5, &e5, 1, a);    /* e4 */
	square_mul(&e5, &e5, 1, a);    /* e5 */
	square_mul(&e10, &e5, 5, &e5);
	square_mul(&e20, &e10, 10, &e10);
	square_mul(&e40, &e20, 20, &e20);
	square_mul(&e50, &e40, 10, &e10);
	square_mul(&e100, &e50, 50, &e50);
	square_mul(&e200, &e100, 100, &e100);
	square_mul(&e250, &e200, 50, &e50);
	square_mul(r, &e250, 5, &a11);
}

void did_x25519_from_edwards(uint8_t u[DID_X25519_LEN],
			     const uint8_t point[DID_X25519_LEN])
{
	static const struct fe one = {{1}};
	uint8_t bytes[DID_X25519_LEN];
	struct fe y, above, below;

	memcpy(bytes, point, sizeof(bytes));
	bytes[DID_X25519_LEN - 1] &= 0x7f; /* the sign of x */
	load(&y, bytes);
	add(&above, &one, &y);
	/* 1 - y, as 2p + 1 - y, which is neither negative nor over 2^256 */
	add(&below, &one, &p);
	add(&below, &below, &p);
	sub(&below, &below, &y);
	invert(&below, &below);
	mul(&above, &above, &below);
	store(u, &above);
}

int did_x25519_public(uint8_t u[DID_X25519_LEN],
		      const uint8_t scalar[DID_X25519_LEN])
{
	uint8_t point[DID_X25519_LEN];

	if (crypto_scalarmult_ed25519_base(point, scalar) != 0)
		return PARLEY_ERR_KEY;
	did_x25519_from_edwards(u, point);
	return 0;
}
