/*
 * Whom to dial, where and when (PROTOCOL 7.1).
 */
#ifndef SESSION_MESH_DIAL_H
#define SESSION_MESH_DIAL_H

#include "session/session.h"

/*
 * session_mesh_dial_wanted(s, p):
 * Has ${p} no connection, and should it have one?
 */
bool session_mesh_dial_wanted(const struct parley_session *s,
			      const struct session_party *p);

/*
 * session_mesh_dial_plan(s, p, now):
 * When to dial ${p} next, now that there is no connection.
 */
void session_mesh_dial_plan(struct parley_session *s, struct session_party *p,
			    int64_t now);

/* session_mesh_dial_retry(s, p): an attempt failed: the next one is later. */
void session_mesh_dial_retry(struct parley_session *s, struct session_party *p);

/*
 * session_mesh_dial_drop(s, p, why):
 * Free our attempt for ${p}, and plan the next one if one is wanted.  ${why}
 * becomes the detail unless it is NULL.
 */
void session_mesh_dial_drop(struct parley_session *s, struct session_party *p,
			    const char *why);

/* session_mesh_dial_due(s, now): dial those whose time has come. */
void session_mesh_dial_due(struct parley_session *s, int64_t now);

/*
 * session_mesh_dial_fallback_ms(s):
 * How long who is not the dialler leaves it to the other one (PROTOCOL 7.1).
 * While all open at once on a busy machine, each has its turn late, and to dial
 * in both directions would make all twice as late.
 */
int64_t session_mesh_dial_fallback_ms(const struct parley_session *s);

#endif /* !SESSION_MESH_DIAL_H */
