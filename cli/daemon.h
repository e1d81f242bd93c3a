/*
 * The daemon as a program uses it: session/CONTROL.md from the client's end.
 */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include <stdint.h>

#include "session/control.h"

struct cli_daemon;

/*
 * cli_daemon_connect(dp, path):
 * Connect to the control socket ${path}.  NULL: that of this user's daemon,
 * $XDG_RUNTIME_DIR/sessiond/control, or else of the machine's,
 * /run/sessiond/control.  Free with cli_daemon_free().
 *
 * Returns an exit code, the error printed.
 */
int cli_daemon_connect(struct cli_daemon **dp, const char *path);

/* cli_daemon_fd(d): readable when cli_daemon_next() may have something. */
int cli_daemon_fd(const struct cli_daemon *d);

/*
 * cli_daemon_next(d, a):
 * The next reply or event, without waiting; it is borrowed until the next
 * call.
 *
 * Returns 0, or PARLEY_ERR_AGAIN (none yet), PARLEY_ERR_LOST (the daemon is
 * gone, or it does not let this user in), PARLEY_ERR_FORMAT.
 */
int cli_daemon_next(struct cli_daemon *d, struct session_control_reply *a)
    __attribute__((warn_unused_result));

/*
 * cli_daemon_on_event(d, on_event, context):
 * Who gets the events that come while cli_daemon_call() waits; else they are
 * dropped.
 */
void cli_daemon_on_event(
    struct cli_daemon *d,
    void (*on_event)(void *context, const struct session_control_reply *a),
    void *context);

/*
 * cli_daemon_call(d, a, q, timeout_ms):
 * Set the id of ${q}, send it, and wait for its reply.
 *
 * Returns 0 (a reply or error of the daemon is in ${a}), or the errors above,
 * PARLEY_ERR_MEMORY, PARLEY_ERR_TIMEOUT.
 */
int cli_daemon_call(struct cli_daemon *d, struct session_control_reply *a,
		    struct session_control_request *q, int timeout_ms)
    __attribute__((warn_unused_result));

/* cli_daemon_free(d): NULL is allowed. */
void cli_daemon_free(struct cli_daemon *d);

#endif /* !CLI_DAEMON_H */
