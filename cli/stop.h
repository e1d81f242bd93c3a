/*
 * Being asked to stop, by Ctrl-C or kill.
 *
 * The signals are blocked and read from a descriptor, so nothing is cut off
 * half way and no handler needs global state.
 */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <signal.h>

struct cli_stop {
	int fd; /* readable when a signal waits */
	sigset_t signals;
	sigset_t before;
};

/*
 * cli_stop_begin(stop):
 * From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT wait at ${stop->fd}, except
 * those that this process was started to ignore.  To be undone by
 * cli_stop_end().
 *
 * Returns 0, or PARLEY_ERR_SYSTEM.
 */
int cli_stop_begin(struct cli_stop *stop);

/*
 * cli_stop_signal(stop):
 * Take a signal that waits.  Returns its number, or 0 if there is none.
 */
int cli_stop_signal(const struct cli_stop *stop);

/*
 * cli_stop_exit_at_once(stop):
 * From now on the signals end the process immediately, with the exit code
 * that they stand for.  For the last steps, when nothing is left to undo.
 */
void cli_stop_exit_at_once(const struct cli_stop *stop);

/*
 * cli_stop_end(stop):
 * As before cli_stop_begin(): a signal that still waits takes effect.
 */
void cli_stop_end(struct cli_stop *stop);

#endif /* !CLI_STOP_H */
