/*
 * The other parties of a session: what goes to one of them, and its loss.
 */
#ifndef SESSION_PARTY_H
#define SESSION_PARTY_H

#include "session/session.h"

/* session_party_mark_dirty(s, p): items wait in its open record. */
static inline void session_party_mark_dirty(struct parley_session *s,
					    struct session_party *p)
{
	session_ready_add(&s->dirty, &p->dirty);
}

/* session_party_mark_full(s, p): messages wait to be taken. */
static inline void session_party_mark_full(struct parley_session *s,
					   struct session_party *p)
{
	session_ready_add(&s->full, &p->full);
}

/* session_party_usable(p): may messages be sent to it, now or later? */
static inline bool session_party_usable(const struct session_party *p)
{
	return p->state == PARLEY_PARTY_READY ||
	       p->state == PARLEY_PARTY_INTERRUPTED;
}

/*
 * session_party_flush(s, p):
 * Seal what waits for ${p} and send it.  A failure makes ${p} lost, which is
 * noted there and not returned.
 */
void session_party_flush(struct parley_session *s, struct session_party *p);

/*
 * session_party_put(s, p, m):
 * Put as much of ${m} as goes.  Returns an enum session_put (not FULL), or an
 * error, after which the party is lost.
 */
int session_party_put(struct parley_session *s, struct session_party *p,
		      struct session_outgoing *m);

/*
 * session_party_hold(p, m):
 * Copy what is left of ${m}: it was accepted and goes when there is room.
 * Returns 0 or PARLEY_ERR_MEMORY.
 */
int session_party_hold(struct session_party *p,
		       const struct session_outgoing *m);

/* session_party_pump(s, p): go on with a message that was held back. */
void session_party_pump(struct parley_session *s, struct session_party *p);

/* session_party_drop_held(p): wipe and free what was held back. */
void session_party_drop_held(struct session_party *p);

/*
 * session_party_timers(s, p):
 * Something was sent to ${p} or came from it: see to it that timers run.
 */
void session_party_timers(struct parley_session *s, struct session_party *p);

/*
 * session_party_retransmit(s, p, now):
 * PROTOCOL 6.3: send the ACK that is owed, or ask for one that has not come.
 */
void session_party_retransmit(struct parley_session *s, struct session_party *p,
			      int64_t now);

/*
 * session_party_lose(s, p, err, why):
 * The party will not come back (PROTOCOL 8.3).  What it sent is kept.
 */
void session_party_lose(struct parley_session *s, struct session_party *p,
			int err, const char *why);

/*
 * session_party_error(s, p):
 * Note how the last thing that happened to ${p} is told to callers, and return
 * its error.
 */
int session_party_error(struct parley_session *s,
			const struct session_party *p);

#endif /* !SESSION_PARTY_H */
