/*
 * One run of did-cli ping, and how it is shown.
 */
#ifndef CLI_PING_SHOW_H
#define CLI_PING_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include <parley/session.h>

#include "cli/progress.h"
#include "cli/stop.h"

struct cli_ping_peer {
	bool waiting; /* for an answer */
	bool done;    /* it has said done_text */
	bool left;    /* it will not answer any more */
	bool gone;    /* it left without having said done_text */
	uint64_t n_sent;
	uint64_t n_answers;
	uint64_t min_us;
	uint64_t max_us;
	uint64_t sum_us;
};

struct cli_ping_run {
	struct parley_session *session;
	struct parley_agreement *agreement;
	struct parley_identity *id;
	struct cli_stop stop;
	struct cli_progress progress;
	struct cli_ping_peer *peers; /* one for each party, also for this one */
	int n;
	int self;
	int signal; /* that ended it, or 0 */
	bool json;
	int count;
	int interval_ms;
	int timeout_ms;
};

/*
 * cli_ping_show_progress(context, g):
 * Show progress of the opening; an on_progress of parley_session_options, with
 * the struct cli_ping_run as ${context}.  Returns 0.
 */
int cli_ping_show_progress(void *context, const struct parley_progress *g);

/* Who begins, where, and what the other parties have to run. */
void cli_ping_show_start(const struct cli_ping_run *p, const char *path,
			 const char *listen);

/* Party ${i}: authenticated; an answer; all its answers; gone. */
void cli_ping_show_ready(const struct cli_ping_run *p, int i);
void cli_ping_show_answer(const struct cli_ping_run *p, int i, uint64_t rtt_us);
void cli_ping_show_summary(const struct cli_ping_run *p, int i);
void cli_ping_show_left(const struct cli_ping_run *p, int i);

/* Party ${i} runs some other program under this agreement. */
void cli_ping_show_stray(const struct cli_ping_run *p, int i);

/* What can be done about ${err}, if that is known. */
void cli_ping_show_hint(int err);

/* The error of the session in words, its hint, and its JSON event. */
void cli_ping_show_error(const struct cli_ping_run *p, int err);

#endif /* !CLI_PING_SHOW_H */
