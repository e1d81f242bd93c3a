/*
 * When to spin, as far as it is decided without a network.
 */
#include "session/spin.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* How many waits do not spin, until the next that does. */
static unsigned count_pause(struct session_spin *s)
{
	unsigned n = 0;

	while (!session_spin_may(s)) {
		n++;
		assert_true(n <= SESSION_SPIN_PAUSE_MAX);
	}
	return n;
}

static void learn(struct session_spin *s, bool came, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		session_spin_learn(s, came);
}

static void it_spins_as_long_as_something_comes(void **state)
{
	struct session_spin s = {0};

	(void)state;
	for (int i = 0; i < SESSION_SPIN_ASK - 1; i++) {
		assert_true(session_spin_may(&s));
		session_spin_learn(&s, true);
	}
	assert_true(session_spin_may(&s));
}

static void pauses_double_while_it_is_in_vain(void **state)
{
	struct session_spin s = {0};

	(void)state;
	for (unsigned n = SESSION_SPIN_PAUSE_MIN; n <= SESSION_SPIN_PAUSE_MAX;
	     n *= 2) {
		session_spin_learn(&s, false);
		assert_int_equal(count_pause(&s), n);
	}
	session_spin_learn(&s, false);
	assert_int_equal(count_pause(&s), SESSION_SPIN_PAUSE_MAX);
}

static void few_successes_do_not_shorten_the_next_pause(void **state)
{
	struct session_spin s = {0};

	(void)state;
	session_spin_learn(&s, false);
	(void)count_pause(&s);
	learn(&s, true, SESSION_SPIN_STREAK - 1);
	session_spin_learn(&s, false);
	assert_int_equal(count_pause(&s), 2 * SESSION_SPIN_PAUSE_MIN);
}

static void one_failure_among_many_successes_is_an_accident(void **state)
{
	struct session_spin s = {0};

	(void)state;
	for (int i = 0; i < 5; i++) {
		session_spin_learn(&s, false);
		(void)count_pause(&s);
	}
	learn(&s, true, SESSION_SPIN_STREAK);
	session_spin_learn(&s, false);
	assert_int_equal(count_pause(&s), SESSION_SPIN_PAUSE_MIN);
}

/* Until the kernel has taken the processor away ${n} times. */
static void be_preempted(long n)
{
	struct rusage r;
	long from = -1;

	for (;;) {
		assert_int_equal(getrusage(RUSAGE_THREAD, &r), 0);
		if (from < 0)
			from = r.ru_nivcsw;
		if (r.ru_nivcsw - from >= n)
			return;
	}
}

/* Somebody else on the one processor that both may use. */
static pid_t start_rival(cpu_set_t *before)
{
	cpu_set_t one;
	pid_t pid;
	int cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	while (!CPU_ISSET(cpu, before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		for (alarm(300);;)
			;
	return pid;
}

static void it_pauses_where_others_want_the_processor(void **state)
{
	struct session_spin s = {0};
	cpu_set_t before;
	pid_t rival = start_rival(&before);

	(void)state;
	learn(&s, true, SESSION_SPIN_ASK);
	be_preempted(SESSION_SPIN_PREEMPTED_MAX + 1);
	learn(&s, true, SESSION_SPIN_ASK - 1);
	assert_true(session_spin_may(&s));
	session_spin_learn(&s, true);
	assert_int_equal(count_pause(&s), SESSION_SPIN_PAUSE_MIN);

	assert_int_equal(kill(rival, SIGKILL), 0);
	assert_int_equal(waitpid(rival, NULL, 0), rival);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_spins_as_long_as_something_comes),
	    cmocka_unit_test(pauses_double_while_it_is_in_vain),
	    cmocka_unit_test(few_successes_do_not_shorten_the_next_pause),
	    cmocka_unit_test(one_failure_among_many_successes_is_an_accident),
	    cmocka_unit_test(it_pauses_where_others_want_the_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
