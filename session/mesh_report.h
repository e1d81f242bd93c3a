/*
 * Progress for the user.
 */
#ifndef SESSION_MESH_REPORT_H
#define SESSION_MESH_REPORT_H

#include "session/session.h"

/*
 * session_mesh_report(s, p, detail):
 * Tell on_progress() of ${p}, NULL for nobody in particular; ${detail} may be
 * NULL.  It may interrupt the opening.
 */
void session_mesh_report(struct parley_session *s, struct session_party *p,
			 const char *detail);

/*
 * session_mesh_report_stranger(s, err):
 * Tell that somebody who passed the gate was refused: once a second at most,
 * and how many more there were, since anybody can repeat a propose.
 */
void session_mesh_report_stranger(struct parley_session *s, int err);

/* session_mesh_report_state(s, p, state): note it; a change is reported. */
void session_mesh_report_state(struct parley_session *s,
			       struct session_party *p,
			       enum parley_party_state state);

/* session_mesh_report_detail(p, text): note what went wrong last. */
void session_mesh_report_detail(struct session_party *p, const char *text);

/* session_mesh_report_due(s, now): say from time to time who is missing. */
void session_mesh_report_due(struct parley_session *s, int64_t now);

#endif /* !SESSION_MESH_REPORT_H */
