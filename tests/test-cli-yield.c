/*
 * When did-cli run gives way to its program, and when not.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/yield.h"

/* Waiting between two looks: as long as is good, and a little too long. */
static const uint64_t good_ns =
    (uint64_t)CLI_YIELD_TURNS * CLI_YIELD_LONG_US * 1000;
static const uint64_t bad_ns =
    (uint64_t)CLI_YIELD_TURNS * (CLI_YIELD_LONG_US + 1) * 1000;

static struct cli_yield begun(void)
{
	return (struct cli_yield){.fd = -1,
				  .on = true,
				  .delay_ns = 1000,
				  .pause_ms = CLI_YIELD_PAUSE_MS};
}

static void who_waits_little_gives_way(void **state)
{
	struct cli_yield y = begun();

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(cli_yield_judge(&y, y.delay_ns + good_ns, i));
}

static void who_waits_long_tries_again_after_a_pause(void **state)
{
	struct cli_yield y = begun();
	const int64_t again = 7 + CLI_YIELD_PAUSE_MS;

	(void)state;
	assert_false(cli_yield_judge(&y, y.delay_ns + bad_ns, 7));
	assert_false(cli_yield_judge(&y, y.delay_ns, again - 1));
	/* What it waited meanwhile does not count. */
	assert_true(cli_yield_judge(&y, y.delay_ns + bad_ns, again));
	assert_true(cli_yield_judge(&y, y.delay_ns + good_ns, again));
}

static void pauses_grow_until_it_does_good(void **state)
{
	struct cli_yield y = begun();
	int64_t now = 0, pause = CLI_YIELD_PAUSE_MS;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_false(cli_yield_judge(&y, y.delay_ns + bad_ns, now));
		assert_false(cli_yield_judge(&y, y.delay_ns, now + pause - 1));
		now += pause;
		assert_true(cli_yield_judge(&y, y.delay_ns, now));
		pause = 2 * pause < CLI_YIELD_PAUSE_MS_MAX
			    ? 2 * pause
			    : CLI_YIELD_PAUSE_MS_MAX;
	}
	assert_true(cli_yield_judge(&y, y.delay_ns + good_ns, now));
	assert_false(cli_yield_judge(&y, y.delay_ns + bad_ns, now));
	assert_true(cli_yield_judge(&y, y.delay_ns, now + CLI_YIELD_PAUSE_MS));
}

/* Some kernels and libraries do not let it; then it is no different. */
static void in_the_end_all_is_as_before(void **state)
{
	const int before = sched_getscheduler(0);
	struct cli_yield y;

	(void)state;
	cli_yield_begin(&y);
	for (int i = 0; i < 2 * CLI_YIELD_TURNS; i++)
		cli_yield_turn(&y);
	assert_true(y.fd < 0 || !y.on || sched_getscheduler(0) == SCHED_BATCH);
	cli_yield_end(&y);
	assert_int_equal(sched_getscheduler(0), before);
	cli_yield_end(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_waits_little_gives_way),
	    cmocka_unit_test(who_waits_long_tries_again_after_a_pause),
	    cmocka_unit_test(pauses_grow_until_it_does_good),
	    cmocka_unit_test(in_the_end_all_is_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
