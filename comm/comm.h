/*
 * One party's end of DIDComm inside the library: own secret keys, documents of
 * others, and the reason of the last failure.
 */
#ifndef COMM_COMM_H
#define COMM_COMM_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/comm.h>

#include "did/document.h"
#include "did/pair.h"

enum {
	COMM_REASON_SIZE = 192,
	COMM_DOCUMENTS_MAX = 32, /* kept; more than one call looks at */
};

struct comm_own_key {
	char *kid;
	const struct did_pair *pair; /* of an identity, or ${own} */
	struct did_pair *own;	     /* in memory from did_secret_new() */
};

/* A zeroed one is a party without keys and resolver. */
struct parley_comm {
	struct comm_own_key *keys;
	size_t n_keys;
	struct parley_resolver *resolver; /* borrowed; NULL: no I/O */
	struct {
		struct did_document *doc;
		bool fresh; /* resolved in this call, or can never change */
	} documents[COMM_DOCUMENTS_MAX];
	size_t next_document;
	char reason[COMM_REASON_SIZE];
};

/*
 * comm_begin(c):
 * To be called first by every function of the public API: forgets the last
 * reason, and that documents that may change were resolved.
 *
 * Returns 0, or PARLEY_ERR_SYSTEM.
 */
int comm_begin(struct parley_comm *c) __attribute__((warn_unused_result));

/*
 * comm_fail(c, err, format, ...):
 * Keep the reason of ${err} in words and return ${err}.
 */
int comm_fail(struct parley_comm *c, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * comm_document(c, docp, did, len):
 * The document of the DID of ${len} bytes.  Borrowed: valid during this call
 * of the public API.
 *
 * Returns 0, or what resolving gives.
 */
int comm_document(struct parley_comm *c, const struct did_document **docp,
		  const char *did, size_t len)
    __attribute__((warn_unused_result));

/* comm_own_key(c, kid): our key of that id, or NULL.  Borrowed. */
const struct comm_own_key *comm_own_key(const struct parley_comm *c,
					const char *kid);

/*
 * comm_kid_split(did_len, kid):
 * Is ${kid} a DID URL with a fragment that is not empty, within
 * PARLEY_DID_LEN_MAX?  Its DID is the first ${*did_len} bytes.
 */
bool comm_kid_split(size_t *did_len, const char *kid);

/* comm_wipe(c): release what ${c} holds. */
void comm_wipe(struct parley_comm *c);

#endif /* !COMM_COMM_H */
