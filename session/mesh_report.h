/*
 * Progress for the user, and failing together (PROTOCOL 7.4).
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

/*
 * session_mesh_report_fail(s, err):
 * The opening fails for the reason that session_error() noted: everybody is
 * told, and those who come are.
 */
void session_mesh_report_fail(struct parley_session *s, int err);

/*
 * session_mesh_report_tell(s, p):
 * Tell ${p}, whose channel is up, why the opening failed.
 */
void session_mesh_report_tell(struct parley_session *s,
			      struct session_party *p);

/*
 * session_mesh_report_told(s, now):
 * Does everybody know, or has the time for telling passed?
 */
bool session_mesh_report_told(const struct parley_session *s, int64_t now);

/*
 * session_mesh_report_timeout(s):
 * The time for opening is over: note who is missing, and why.  Returns the
 * error.
 */
int session_mesh_report_timeout(struct parley_session *s);

#endif /* !SESSION_MESH_REPORT_H */
