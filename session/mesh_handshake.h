/*
 * Handshakes on links (PROTOCOL 5): links become channels.
 */
#ifndef SESSION_MESH_HANDSHAKE_H
#define SESSION_MESH_HANDSHAKE_H

#include "session/session.h"

/* session_mesh_handshake_on_up(s, link): what we dialled is there: A1-A4. */
void session_mesh_handshake_on_up(struct parley_session *s,
				  struct session_link *link);

/*
 * session_mesh_handshake_on_stranger(s, conn, f):
 * The first frame of a connection that somebody dialled: B1-B8.
 */
void session_mesh_handshake_on_stranger(struct parley_session *s,
					struct session_conn *conn,
					const struct session_frame *f);

/*
 * session_mesh_handshake_on_accept(s, link, f):
 * An accept, or a refuse, came for our propose: C1-C10.
 */
void session_mesh_handshake_on_accept(struct parley_session *s,
				      struct session_link *link,
				      const struct session_frame *f);

/* session_mesh_handshake_on_confirm(s, link, f): for our accept: D1-D7. */
void session_mesh_handshake_on_confirm(struct parley_session *s,
				       struct session_link *link,
				       const struct session_frame *f);

/*
 * session_mesh_handshake_fits(s, msg, len):
 * Is the first frame ${msg} of a stranger meant for ${s}, a parley_session?
 * Changes nothing.
 */
session_hub_fits session_mesh_handshake_fits;

#endif /* !SESSION_MESH_HANDSHAKE_H */
