/*
 * Resuming (PROTOCOL 5.6): a channel goes on over a new connection.
 */
#ifndef SESSION_MESH_RESUME_H
#define SESSION_MESH_RESUME_H

#include "session/session.h"

/* session_mesh_resume_send(s, link): E1, over the connection that we dialled.
 */
void session_mesh_resume_send(struct parley_session *s,
			      struct session_link *link);

/*
 * session_mesh_resume_on_resume(s, conn, f):
 * A resume came on a new connection: F1-F3.  False: it is none of ours, and
 * ${conn} is still the caller's.
 */
bool session_mesh_resume_on_resume(struct parley_session *s,
				   struct session_conn *conn,
				   const struct session_frame *f);

/* session_mesh_resume_on_challenge(s, link, f): E2, E3. */
void session_mesh_resume_on_challenge(struct parley_session *s,
				      struct session_link *link,
				      const struct session_frame *f);

/* session_mesh_resume_on_answer(s, link, f): F4. */
void session_mesh_resume_on_answer(struct parley_session *s,
				   struct session_link *link,
				   const struct session_frame *f);

#endif /* !SESSION_MESH_RESUME_H */
