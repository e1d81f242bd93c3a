/*
 * The gate of the responder (PROTOCOL 4.1, B2, B3): its key, and the session
 * tags that were seen.
 */
#ifndef SESSION_GATE_H
#define SESSION_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/wire.h"

/*
 * Session tags seen in proposes that passed the gate, and own ones: PROTOCOL
 * B3.  Belongs to one agreement and identity, lives as long as a session.
 */
struct session_gate {
	uint8_t key[SESSION_HASH_LEN];
	size_t n_tags;	/* in slots */
	size_t n_seen;	/* of them, those that others sent */
	size_t n_slots; /* power of two, or 0 */
	bool busy;	/* new tags of others are not taken now */
	struct session_gate_slot *slots;
};

/* session_gate_init(g, a): PROTOCOL 4.1.  session_gate_wipe() it. */
void session_gate_init(struct session_gate *g,
		       const struct parley_agreement *a);
void session_gate_wipe(struct session_gate *g);

/*
 * session_gate_remember(g, tag, own):
 * Returns 0 if ${tag} was new and is remembered from now on; or
 * PARLEY_ERR_REPLAY, PARLEY_ERR_REFLECTION (it is an own one),
 * PARLEY_ERR_EXHAUSTED (too many of others), PARLEY_ERR_AGAIN (another's, and
 * the gate is busy), PARLEY_ERR_MEMORY.
 */
int session_gate_remember(struct session_gate *g,
			  const uint8_t tag[SESSION_TAG_LEN], bool own)
    __attribute__((warn_unused_result));

#endif /* !SESSION_GATE_H */
