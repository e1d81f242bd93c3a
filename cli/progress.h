/*
 * Waiting for the parties of a session, as it is shown.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <parley/session.h>

struct cli_progress_party {
	/* Last progress shown, so that only news is printed. */
	bool shown;
	enum parley_party_state state;
	int64_t shown_ms;
};

struct cli_progress {
	const struct parley_agreement *agreement;
	int n;
	int self;
	struct cli_progress_party *parties;
	int (*emit)(json_t *obj); /* takes an event; NULL: for people */
};

/*
 * cli_progress_init(g, a, self, emit):
 * To be undone by cli_progress_wipe().  Returns 0, or PARLEY_ERR_MEMORY.
 */
int cli_progress_init(struct cli_progress *g, const struct parley_agreement *a,
		      int self, int (*emit)(json_t *obj))
    __attribute__((warn_unused_result));
void cli_progress_wipe(struct cli_progress *g);

/*
 * cli_progress_show(g, p):
 * Show it, unless that would repeat what was shown a moment ago: on standard
 * error, or as an event.
 */
void cli_progress_show(struct cli_progress *g, const struct parley_progress *p);

#endif /* !CLI_PROGRESS_H */
