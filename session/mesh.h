/*
 * The network of a session: who is there, and what comes from where.
 *
 *   mesh.c            events and timers; the calls below
 *   mesh_link.c       links: connections and what became of them
 *   mesh_dial.c       whom to dial, where and when (PROTOCOL 7.1)
 *   mesh_handshake.c  links that become channels (PROTOCOL 5)
 *   mesh_resume.c     channels that go on over a new link (PROTOCOL 5.6)
 *   mesh_channel.c    channels come, speak and go (PROTOCOL 7.2, 8.3)
 *   mesh_barrier.c    all begin together (PROTOCOL 7.3)
 *   mesh_fail.c       an opening fails for all (PROTOCOL 7.4)
 *   mesh_report.c     progress for the user
 *
 * Each but this one is for mesh*.c; mesh_channel.h and mesh_report.h also for
 * party.c, mesh_handshake.h and mesh_link.h also for session.c.
 */
#ifndef SESSION_MESH_H
#define SESSION_MESH_H

#include "session/session.h"

/*
 * session_mesh_start(s): listen, and dial whom the rule says.
 * Returns 0 or the errors of parley_session_new().
 */
int session_mesh_start(struct parley_session *s)
    __attribute__((warn_unused_result));

/*
 * session_mesh_process(s):
 * Act on all events of the carrier and on the timers, without waiting.
 * Returns 0, or the error that ended the session.
 */
int session_mesh_process(struct parley_session *s)
    __attribute__((warn_unused_result));

/*
 * session_mesh_timeout(s, limit_ms):
 * How long to wait at most, in ms, for carrier or timers, when the caller
 * waits until ${limit_ms} (monotonic; INT64_MAX: for ever).  -1: no limit.
 */
int session_mesh_timeout(const struct parley_session *s, int64_t limit_ms);

/* session_mesh_deadline(s): when something is due, monotonic ms. */
int64_t session_mesh_deadline(const struct parley_session *s);

#endif /* !SESSION_MESH_H */
