/*
 * Channels come, speak and go (PROTOCOL 7.2, 8.3).
 */
#ifndef SESSION_MESH_CHANNEL_H
#define SESSION_MESH_CHANNEL_H

#include "session/session.h"

/*
 * session_mesh_channel_adopt(s, link):
 * The channel of ${link} is proven: it becomes the party's, or the link is
 * freed.
 */
void session_mesh_channel_adopt(struct parley_session *s,
				struct session_link *link);

/*
 * session_mesh_channel_on_record(s, link, f):
 * A record came on the channel of ${link}; takes ${f}.  ${link} may be gone
 * afterwards.
 */
void session_mesh_channel_on_record(struct parley_session *s,
				    struct session_link *link,
				    struct session_frame *f);

/*
 * session_mesh_channel_lost(s, p, err, why):
 * The channel of ${p} broke: while opening the party may come back, later it
 * is lost.  ${p}->up may be gone afterwards.
 */
void session_mesh_channel_lost(struct parley_session *s,
			       struct session_party *p, int err,
			       const char *why);

#endif /* !SESSION_MESH_CHANNEL_H */
