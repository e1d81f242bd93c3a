/*
 * Giving way to the program that did-cli run runs, where both share a
 * processor.
 *
 *   cli_yield_begin()   the program has been started
 *   cli_yield_turn()    after each turn of forwarding
 *   cli_yield_end()     the program is over
 */
#ifndef CLI_YIELD_H
#define CLI_YIELD_H

#include <stdbool.h>
#include <stdint.h>

struct cli_yield {
	int fd;		   /* where the kernel tells; -1: all this is off */
	bool on;	   /* we give way */
	unsigned turns;	   /* until the next look */
	uint64_t delay_ns; /* that we waited for a processor, at the last */
	int64_t again_ms;  /* not on: when to try again */
	int64_t pause_ms;  /* how long not to try after the next failure */
};

enum {
	CLI_YIELD_TURNS = 64,	 /* from one look to the next */
	CLI_YIELD_LONG_US = 500, /* so long a wait for a turn is too long */
	CLI_YIELD_PAUSE_MS = 500,
	CLI_YIELD_PAUSE_MS_MAX = 60 * 1000,
};

/*
 * cli_yield_begin(y):
 * Give way from now on, if the kernel lets us and tells how long we wait.
 * To be undone by cli_yield_end().
 */
void cli_yield_begin(struct cli_yield *y);

/* cli_yield_turn(y): now and then, see whether it does any good. */
void cli_yield_turn(struct cli_yield *y);

/*
 * cli_yield_judge(y, delay_ns, now_ms):
 * After CLI_YIELD_TURNS turns: decide upon ${delay_ns}, for how long this
 * process has waited for a processor altogether.  No I/O.
 *
 * Returns whether to give way.
 */
bool cli_yield_judge(struct cli_yield *y, uint64_t delay_ns, int64_t now_ms)
    __attribute__((warn_unused_result));

/* cli_yield_end(y): schedule us as before. */
void cli_yield_end(struct cli_yield *y);

#endif /* !CLI_YIELD_H */
