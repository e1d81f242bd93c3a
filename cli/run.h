/*
 * One run of did-cli run: its program (run_program.c), a session of sessiond(8)
 * for it (run_daemon.c), and how it is shown (run_show.c): on standard error,
 * because standard output is the program's.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "cli/child.h"
#include "cli/facts.h"
#include "cli/preset.h"
#include "cli/progress.h"
#include "session/forward.h"

/* Exit codes of did-cli run that no program uses: as env(1) and timeout(1). */
enum cli_run_exit {
	CLI_RUN_LIAR = 123,	    /* a wrong index was claimed */
	CLI_RUN_LOST = 124,	    /* a party was lost */
	CLI_RUN_NOT_STARTED = 125,  /* the program was not started */
	CLI_RUN_NOT_EXECUTED = 126, /* it cannot be executed */
	CLI_RUN_NOT_FOUND = 127,    /* there is no such program */
};

enum {
	CLI_RUN_WAIT_MS = 10 * 60 * 1000, /* for a party, with --on-lost wait */
};

struct cli_run {
	struct parley_agreement *agreement;
	struct parley_identity *id;
	struct parley_session *session;
	struct session_forward *forward;
	const struct cli_preset *preset;
	struct cli_child child;
	struct cli_progress progress;
	char **cmd; /* as given, NULL at its end */
	int n, self;
	int timeout_ms, lost_ms;
	bool on_lost_given, wait_for_lost;
	bool libzmq; /* carries the session */
	bool json;
	bool daemon; /* sessiond has the session */
	const char *control;
	char *text;	       /* of the agreement */
	const uint16_t *ports; /* NULL: those of ${forward} */
	const char *listen, *receipts;

	/* What would run here, if that is not what was agreed. */
	struct cli_facts_difference *differences;
	size_t n_differences;

	int held_fd;	   /* keeps the program's port; -1: none */
	uint16_t own_port; /* 0: the program listens nowhere */
	bool started;
	int ending;				/* an enum cli_run_exit, or 0 */
	char reason[SESSION_FORWARD_TEXT_SIZE]; /* of that, for the others */
};

/*
 * cli_run_set_self(run, self):
 * We are party ${self}.  Returns CLI_DONE or another exit code, the error
 * printed: of so many parties the program may not take the threshold.
 */
int cli_run_set_self(struct cli_run *run, int self);

/*
 * cli_run_keep_port(run):
 * If the program listens, find it a port and keep that from others, until
 * cli_run_start() or cli_run_release_port().  Returns 0, or an exit code, the
 * error printed.
 */
int cli_run_keep_port(struct cli_run *run);
void cli_run_release_port(struct cli_run *run);

/*
 * cli_run_start(run):
 * Start the program.  Returns 0, or an exit code, the error printed.
 */
int cli_run_start(struct cli_run *run);

/* cli_run_end_with(run, code, reason): it has to end; the first one counts. */
void cli_run_end_with(struct cli_run *run, int code, const char *reason);

/* cli_run_end_child(run): wait for its end; ask for it, and force it, soon. */
void cli_run_end_child(struct cli_run *run);

/*
 * cli_run_daemon(run, did):
 * All that follows loading, in a session of the daemon; ${did} may be "".
 * Returns an exit code.
 */
int cli_run_daemon(struct cli_run *run, const char *did);

/* An on_progress and an on_event with the struct cli_run as ${context}. */
int cli_run_show_progress(void *context, const struct parley_progress *g);
void cli_run_show_event(struct cli_run *run,
			const struct session_forward_event *e);

/* What begins, what differs, all are here, the program runs, and its end. */
void cli_run_show_start(const struct cli_run *run);
void cli_run_show_differences(const struct cli_run *run);
void cli_run_show_ready(const struct cli_run *run);
void cli_run_show_started(const struct cli_run *run);
void cli_run_show_end(const struct cli_run *run, int code);

/* cli_run_show_error(run, err, text): with a hint where one is known. */
void cli_run_show_error(const struct cli_run *run, int err, const char *text);

#endif /* !CLI_RUN_H */
