/*
 * The program that did-cli run runs.
 *
 * Signals that ask this process to stop are passed on to it, and nothing of it
 * is left behind: it ends when this process ends, however that happens, and
 * what it has started ends with it.
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct cli_child {
	int fd; /* readable when a signal waits */
	sigset_t signals, before;
	pid_t pid;   /* 0: not started, or over */
	bool over;   /* it has ended; status is its */
	int status;  /* of waitpid(2) */
	int stopped; /* last signal that asks to stop, or 0 */
};

/*
 * cli_child_begin(c):
 * From now on signals wait at ${c->fd}.  To be undone by cli_child_end().
 *
 * Returns 0, or PARLEY_ERR_SYSTEM.
 */
int cli_child_begin(struct cli_child *c) __attribute__((warn_unused_result));

/*
 * cli_child_start(c, argv):
 * Start argv[0], found in PATH, as it would run without this process in
 * between: its standard streams, signals, file mode mask and limits are those
 * that this process was given.
 *
 * Returns 0, or errno of what failed; ENOENT is that there is no such program.
 */
int cli_child_start(struct cli_child *c, char **argv)
    __attribute__((warn_unused_result));

/*
 * cli_child_signals(c):
 * Take the signals that wait: pass on what the child has not had already, note
 * what asks to stop, see whether the child is over.
 */
void cli_child_signals(struct cli_child *c);

/* cli_child_kill(c, signal): send it to the child if there is one. */
void cli_child_kill(const struct cli_child *c, int signal);

/* cli_child_exit_code(c): as a shell has it; of a child that is over. */
int cli_child_exit_code(const struct cli_child *c);

/*
 * cli_child_end(c):
 * End what the child has left behind, and go back to the signals of before.
 */
void cli_child_end(struct cli_child *c);

#endif /* !CLI_CHILD_H */
