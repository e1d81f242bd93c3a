/*
 * Links: one connection each, with what became of it.
 */
#ifndef SESSION_MESH_LINK_H
#define SESSION_MESH_LINK_H

#include "session/session.h"

/*
 * session_mesh_link_new(s, conn, state, party):
 * A link that has the time of a handshake to come further; it takes ${conn}.
 * Returns NULL when out of memory: then ${conn} is still the caller's.
 */
struct session_link *session_mesh_link_new(struct parley_session *s,
					   struct session_conn *conn,
					   enum session_link_state state,
					   int party)
    __attribute__((warn_unused_result));

/* session_mesh_link_free(s, link): hang up, wipe and free. */
void session_mesh_link_free(struct parley_session *s,
			    struct session_link *link);

/* session_mesh_link_hangup(s, link): without a connection from now on. */
void session_mesh_link_hangup(struct parley_session *s,
			      struct session_link *link);

/*
 * session_mesh_link_is_stranger(link):
 * Has the other end still to prove who it is?
 */
bool session_mesh_link_is_stranger(const struct session_link *link);

/*
 * session_mesh_link_limit(s):
 * Too many strangers at once: the one that waits longest goes.
 */
void session_mesh_link_limit(struct parley_session *s);

/*
 * session_mesh_link_send(s, conn, bytes, len):
 * Send bytes of a handshake or a resume, which are freed.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, or what session_carrier_send() gives.
 */
int session_mesh_link_send(struct parley_session *s, struct session_conn *conn,
			   uint8_t *bytes, size_t len);

#endif /* !SESSION_MESH_LINK_H */
