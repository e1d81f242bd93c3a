/*
 * Giving way to the program that did-cli run runs.
 *
 * Each write of the program wakes us.  Where it shares a processor with us the
 * kernel would let us run at once, in the middle of what the program says: two
 * switches and a record for each write.  With SCHED_BATCH, sched(7), who is
 * woken does not preempt; what the program says until it waits is one turn.
 *
 * But then it does not preempt anybody else, either: where other work keeps
 * all processors busy, each turn of ours would wait until that has used up its
 * time.  The kernel counts for how long we wait ("schedstat" in proc(5)); is
 * that too long, we do without, and try again later, ever less often.
 */
#include "cli/yield.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "session/clock.h"

static bool set_policy(int policy)
{
	const struct sched_param none = {0};

	return sched_setscheduler(0, policy, &none) == 0;
}

static bool get_delay(const struct cli_yield *y, uint64_t *delay_ns)
{
	char text[64];
	const ssize_t n = pread(y->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%*u %" SCNu64, delay_ns) == 1;
}

void cli_yield_begin(struct cli_yield *y)
{
	*y = (struct cli_yield){.fd = -1,
				.on = true,
				.turns = CLI_YIELD_TURNS,
				.pause_ms = CLI_YIELD_PAUSE_MS};
	/* Whoever chose another policy for us knows why. */
	if (sched_getscheduler(0) != SCHED_OTHER)
		return;
	y->fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (y->fd >= 0 &&
	    !(get_delay(y, &y->delay_ns) && set_policy(SCHED_BATCH))) {
		close(y->fd);
		y->fd = -1;
	}
}

bool cli_yield_judge(struct cli_yield *y, uint64_t delay_ns, int64_t now_ms)
{
	const uint64_t waited_us = (delay_ns - y->delay_ns) / 1000;

	y->delay_ns = delay_ns;
	if (!y->on) {
		y->on = now_ms >= y->again_ms;
	} else if (waited_us <= CLI_YIELD_TURNS * CLI_YIELD_LONG_US) {
		y->pause_ms = CLI_YIELD_PAUSE_MS;
	} else {
		y->on = false;
		y->again_ms = now_ms + y->pause_ms;
		y->pause_ms *= 2;
		if (y->pause_ms > CLI_YIELD_PAUSE_MS_MAX)
			y->pause_ms = CLI_YIELD_PAUSE_MS_MAX;
	}
	return y->on;
}

void cli_yield_turn(struct cli_yield *y)
{
	const bool was_on = y->on;
	uint64_t delay_ns;

	if (y->fd < 0 || --y->turns > 0)
		return;
	y->turns = CLI_YIELD_TURNS;
	if (get_delay(y, &delay_ns) &&
	    cli_yield_judge(y, delay_ns, session_now_ms()) != was_on)
		set_policy(y->on ? SCHED_BATCH : SCHED_OTHER);
}

void cli_yield_end(struct cli_yield *y)
{
	if (y->fd < 0)
		return;
	if (y->on)
		set_policy(SCHED_OTHER);
	close(y->fd);
	y->fd = -1;
}
