/*
 * The gate of the responder (PROTOCOL 4.1, B2, B3): its key, and the session
 * tags that were seen: open addressing, never more than half full.
 */
#include "session/gate.h"

#include <stdlib.h>
#include <string.h>

#include "did/secret.h"
#include "session/agreement.h"
#include "session/schedule.h"

struct session_gate_slot {
	uint8_t tag[SESSION_TAG_LEN];
	enum { SLOT_FREE, SLOT_SEEN, SLOT_OWN } use;
};

void session_gate_init(struct session_gate *g, const struct parley_agreement *a)
{
	memset(g, 0, sizeof(*g));
	session_schedule_gate_key(g->key, session_agreement_id(a));
}

void session_gate_wipe(struct session_gate *g)
{
	free(g->slots);
	did_secret_wipe(g, sizeof(*g));
}

static struct session_gate_slot *find_slot(const struct session_gate *g,
					   const uint8_t tag[SESSION_TAG_LEN])
{
	size_t i;

	memcpy(&i, tag, sizeof(i));
	for (;; i++) {
		struct session_gate_slot *s = &g->slots[i & (g->n_slots - 1)];

		if (s->use == SLOT_FREE ||
		    memcmp(s->tag, tag, SESSION_TAG_LEN) == 0)
			return s;
	}
}

static int grow(struct session_gate *g)
{
	struct session_gate bigger = *g;

	bigger.n_slots = g->n_slots ? 2 * g->n_slots : 16;
	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < g->n_slots; i++)
		if (g->slots[i].use != SLOT_FREE)
			*find_slot(&bigger, g->slots[i].tag) = g->slots[i];
	free(g->slots);
	g->slots = bigger.slots;
	g->n_slots = bigger.n_slots;
	return 0;
}

int session_gate_remember(struct session_gate *g,
			  const uint8_t tag[SESSION_TAG_LEN], bool own)
{
	struct session_gate_slot *slot;
	int err;

	if (g->n_tags >= g->n_slots / 2 && (err = grow(g)))
		return err;
	slot = find_slot(g, tag);
	if (slot->use != SLOT_FREE)
		return slot->use == SLOT_OWN ? PARLEY_ERR_REFLECTION
					     : PARLEY_ERR_REPLAY;
	if (!own && g->busy)
		return PARLEY_ERR_AGAIN;
	if (!own && g->n_seen >= SESSION_TAGS_MAX)
		return PARLEY_ERR_EXHAUSTED;
	g->n_seen += !own;
	memcpy(slot->tag, tag, SESSION_TAG_LEN);
	slot->use = own ? SLOT_OWN : SLOT_SEEN;
	g->n_tags++;
	return 0;
}
