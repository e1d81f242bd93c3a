/*
 * Public keys of X25519, by way of the Edwards form of the curve (RFC 7748
 * 4.1), which libsodium multiplies twice as fast as the Montgomery form.
 */
#ifndef DID_X25519_H
#define DID_X25519_H

#include <stdint.h>

enum {
	DID_X25519_LEN = 32,
};

/*
 * did_x25519_public(u, scalar):
 * Set ${u} to the public key of ${scalar}, which is clamped as RFC 7748 5 says.
 * The result of crypto_scalarmult_base(); and as there, the time says nothing
 * of the scalar but what ${u} says, which is public.
 *
 * Returns 0, or PARLEY_ERR_KEY (the scalar is 0 before it is clamped),
 * PARLEY_ERR_MEMORY.
 */
int did_x25519_public(uint8_t u[DID_X25519_LEN],
		      const uint8_t scalar[DID_X25519_LEN])
    __attribute__((warn_unused_result));

/*
 * did_x25519_from_edwards(u, point):
 * Set ${u} to (1 + y) / (1 - y), where ${point} is the y of a point on the
 * Edwards curve and the sign of its x, as an Ed25519 public key is.  For y = 1,
 * which has no u, it is 0.  Nothing is checked: that the point is on the curve
 * and in the right group is for the caller to know.  Not in constant time:
 * ${point} is public.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int did_x25519_from_edwards(uint8_t u[DID_X25519_LEN],
			    const uint8_t point[DID_X25519_LEN])
    __attribute__((warn_unused_result));

#endif /* !DID_X25519_H */
