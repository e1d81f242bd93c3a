/*
 * from_prior: rotation of a DID (did_rotation.md), a compact JWT (RFC 7519)
 * that the old DID signs.
 */
#ifndef COMM_PRIOR_H
#define COMM_PRIOR_H

#include <stdint.h>

#include "comm/comm.h"

struct comm_prior {
	char *iss;   /* the old DID; owned */
	char *sub;   /* the new one, NULL: the relationship ends; owned */
	char *kid;   /* key of iss that signed; owned */
	int64_t iat; /* -1: absent */
};

/*
 * comm_prior_verify(c, p, jwt, now):
 * Verify ${jwt} into ${p}; comm_prior_wipe() it.  ${now} (UTC seconds, 0: not
 * known) is held against exp and nbf.  Whether ${p} fits the message is for the
 * caller.
 *
 * Returns 0, or PARLEY_ERR_ENVELOPE (not three parts; typ, alg, kid or iss
 * missing or not what they must be), PARLEY_ERR_ENCODING, PARLEY_ERR_JSON,
 * PARLEY_ERR_ALGORITHM, PARLEY_ERR_KID, PARLEY_ERR_SIGNATURE,
 * PARLEY_ERR_EXPIRED, PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY, or what
 * resolving iss gives.
 */
int comm_prior_verify(struct parley_comm *c, struct comm_prior *p,
		      const char *jwt, int64_t now)
    __attribute__((warn_unused_result));

/* comm_prior_wipe(p): a zeroed ${p} is allowed. */
void comm_prior_wipe(struct comm_prior *p);

#endif /* !COMM_PRIOR_H */
