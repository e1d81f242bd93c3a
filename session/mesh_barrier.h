/*
 * The barrier (PROTOCOL 7.3): all begin together, and with the same processes.
 */
#ifndef SESSION_MESH_BARRIER_H
#define SESSION_MESH_BARRIER_H

#include "session/session.h"

/* session_mesh_barrier_begin(s): a channel has come: are they all there now? */
void session_mesh_barrier_begin(struct parley_session *s);

/* session_mesh_barrier_check(s): a READY has come: have all said the same? */
void session_mesh_barrier_check(struct parley_session *s);

/* session_mesh_barrier_agrees(s, p): is its last READY equal to ours? */
bool session_mesh_barrier_agrees(const struct parley_session *s,
				 const struct session_party *p);

/*
 * session_mesh_barrier_explain(s, p):
 * PROTOCOL 7.3: INSTANCES, once for each READY of ours that differs.
 */
void session_mesh_barrier_explain(struct parley_session *s,
				  struct session_party *p);

/* session_mesh_barrier_on_instances(s, p, news): ${p} explains its READY. */
void session_mesh_barrier_on_instances(struct parley_session *s,
				       struct session_party *p,
				       const struct session_channel_news *news);

#endif /* !SESSION_MESH_BARRIER_H */
