/*
 * Failing together (PROTOCOL 7.4).
 */
#ifndef SESSION_MESH_FAIL_H
#define SESSION_MESH_FAIL_H

#include "session/session.h"

/*
 * session_mesh_fail(s, err):
 * The opening fails for the reason that session_error() noted: everybody is
 * told, and those who come are.
 */
void session_mesh_fail(struct parley_session *s, int err);

/*
 * session_mesh_fail_tell(s, p):
 * Tell ${p}, whose channel is up, why the opening failed.
 */
void session_mesh_fail_tell(struct parley_session *s, struct session_party *p);

/*
 * session_mesh_fail_told(s, now):
 * Does everybody know, or has the time for telling passed?
 */
bool session_mesh_fail_told(const struct parley_session *s, int64_t now);

/*
 * session_mesh_fail_timeout(s):
 * The time for opening is over: note who is missing, and why.  Returns the
 * error.
 */
int session_mesh_fail_timeout(struct parley_session *s);

#endif /* !SESSION_MESH_FAIL_H */
