/*
 * Links: one connection each, with what became of it.
 *
 *   we dial       DIALLING -> PROPOSED -> CONFIRMED -> UP -> DOWN
 *   they dial     ACCEPTED --------------------------> UP -> DOWN
 *
 * A link that fails before UP is freed and leaves nothing but a line of
 * detail.  A link that is UP stays UP when its connection breaks: it is
 * without one until a new one was resumed (PROTOCOL 5.6), on a link of its own
 * that hands its connection over:
 *
 *   we dial       DIALLING -> RESUMED ----> SPARE, or freed
 *   they dial     CHALLENGED -------------> SPARE, or freed
 *
 * A SPARE link has the former connection: records that still come on it count.
 */
#include "session/mesh_link.h"

#include <stdlib.h>
#include <string.h>

#include "did/secret.h"
#include "session/clock.h"

bool session_mesh_link_is_stranger(const struct session_link *link)
{
	return link->state == SESSION_LINK_ACCEPTED ||
	       link->state == SESSION_LINK_CHALLENGED;
}

struct session_link *session_mesh_link_new(struct parley_session *s,
					   struct session_conn *conn,
					   enum session_link_state state,
					   int party)
{
	struct session_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->state = state;
	link->party = party;
	link->conn = conn;
	link->begun_us = session_now_us();
	link->deadline_ms = session_now_ms() + SESSION_HANDSHAKE_TIMEOUT_MS;
	session_wake_at(s, link->deadline_ms);
	conn->user = link;
	link->prev = s->links_tail;
	*s->links_tail = link;
	s->links_tail = &link->next;
	if (session_mesh_link_is_stranger(link))
		s->n_strangers++;
	return link;
}

void session_mesh_link_hangup(struct parley_session *s,
			      struct session_link *link)
{
	if (link->conn)
		session_carrier_hangup(s->carrier, link->conn);
	link->conn = NULL;
}

void session_mesh_link_free(struct parley_session *s, struct session_link *link)
{
	if (session_mesh_link_is_stranger(link))
		s->n_strangers--;
	session_mesh_link_hangup(s, link);
	session_resume_wipe(&link->resume);
	session_handshake_free(link->handshake);
	for (int role = 0; role < 2; role++)
		free(link->envelopes[role]);
	free(link->finished);
	session_channel_free(link->channel);
	*link->prev = link->next;
	if (link->next)
		link->next->prev = link->prev;
	else
		s->links_tail = link->prev;
	did_secret_wipe(link, sizeof(*link));
	free(link);
}

void session_mesh_link_limit(struct parley_session *s)
{
	struct session_link *link;

	if (s->n_strangers < SESSION_STRANGERS_MAX + s->n)
		return;
	for (link = s->links; link; link = link->next)
		if (session_mesh_link_is_stranger(link)) {
			session_mesh_link_free(s, link);
			return;
		}
}

int session_mesh_link_send(struct parley_session *s, struct session_conn *conn,
			   uint8_t *bytes, size_t len)
{
	struct session_frame *f = session_frame_new(len);

	if (f)
		memcpy(f->data, bytes, len);
	free(bytes);
	return f ? session_carrier_send(s->carrier, conn, f)
		 : PARLEY_ERR_MEMORY;
}
