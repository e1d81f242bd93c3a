/*
 * Driving a session: waiting, and what is done before a wait.
 */
#ifndef SESSION_DRIVE_H
#define SESSION_DRIVE_H

#include "session/session.h"

/* session_drive_flush(s): seal and send what waits, for all parties. */
void session_drive_flush(struct parley_session *s);

/*
 * session_drive_grant(s):
 * A caller that waits to send must not block the others: they get room.
 */
void session_drive_grant(struct parley_session *s);

/* session_drive_limit(timeout_ms): from now on, monotonic ms; -1: none. */
int64_t session_drive_limit(int timeout_ms);

/*
 * session_drive_wait(s, from, limit_ms):
 * Flush, wait for something to happen until ${limit_ms}, first of all at
 * ${from} (NULL: anywhere), and act on it.
 *
 * Returns 0, or PARLEY_ERR_AGAIN when the limit is reached, or an error.
 */
int session_drive_wait(struct parley_session *s,
		       const struct session_party *from, int64_t limit_ms)
    __attribute__((warn_unused_result));

/*
 * session_drive_arm_timer(s):
 * Make the descriptor say when timers are due.  Returns 0 or
 * PARLEY_ERR_SYSTEM.
 */
int session_drive_arm_timer(struct parley_session *s)
    __attribute__((warn_unused_result));

#endif /* !SESSION_DRIVE_H */
