/*
 * One measurement: a process for each party, a board in shared memory.
 *
 * The parent initialises no library, so that every party begins as a program
 * of its own would.  A party that fails leaves a text on the board and exits;
 * the parent then ends the others, which may be waiting for it.
 */
#include "tests/bench/bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ERROR_SIZE = 256,
	PATIENCE_S = 60, /* a measurement that takes longer hangs */
};

struct bench_board {
	pthread_barrier_t barrier;
	atomic_bool stop;
	struct bench_result result;
	struct {
		double cpu_us;
		char error[ERROR_SIZE];
		uint8_t post[BENCH_POST_MAX];
	} party[BENCH_PARTIES_MAX];
};

uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_fail(const struct bench_party *me, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(me->board->party[me->index].error, ERROR_SIZE, format, ap);
	va_end(ap);
	_exit(1);
}

void bench_post(const struct bench_party *me, const void *p, size_t len)
{
	if (len > BENCH_POST_MAX)
		bench_fail(me, "too much for the board");
	memcpy(me->board->party[me->index].post, p, len);
}

const void *bench_posted(const struct bench_party *me, int party)
{
	return me->board->party[party].post;
}

void bench_barrier(const struct bench_party *me)
{
	pthread_barrier_wait(&me->board->barrier);
}

void bench_set_stop(const struct bench_party *me, bool stop)
{
	atomic_store(&me->board->stop, stop);
}

bool bench_stop(const struct bench_party *me)
{
	return atomic_load(&me->board->stop);
}

struct bench_result *bench_result(const struct bench_party *me)
{
	return &me->board->result;
}

/* Of this process, all its threads. */
static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

void bench_cpu_begin(const struct bench_party *me)
{
	me->board->party[me->index].cpu_us = -cpu_us();
}

void bench_cpu_end(const struct bench_party *me)
{
	me->board->party[me->index].cpu_us += cpu_us();
}

static struct bench_board *new_board(int n)
{
	struct bench_board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	if (b == MAP_FAILED)
		return NULL;
	if (pthread_barrierattr_init(&attr) ||
	    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) ||
	    pthread_barrier_init(&b->barrier, &attr, (unsigned)n)) {
		munmap(b, sizeof(*b));
		return NULL;
	}
	pthread_barrierattr_destroy(&attr);
	return b;
}

/* Keep party ${index} on one of the processors that we may use, in turn. */
static bool stay(int index)
{
	cpu_set_t all, one;
	int turn;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all))
		return false;
	turn = index % CPU_COUNT(&all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && turn-- == 0) {
			CPU_SET(cpu, &one);
			return sched_setaffinity(0, sizeof(one), &one) == 0;
		}
	return false;
}

static void be_party(struct bench_board *board, int index,
		     const struct bench_scenario *scenario,
		     const struct bench_peer *peer, double seconds, bool pin)
{
	const struct bench_party me = {.index = index,
				       .n = scenario->n,
				       .size = scenario->size,
				       .board = board};

	/* Whatever hangs is ended by the signal, and the parent says so. */
	alarm(PATIENCE_S + (unsigned)(10 * seconds));
	signal(SIGPIPE, SIG_IGN);
	if (pin && !stay(index))
		bench_fail(&me, "cannot choose a processor");
	bench_pattern_run(&me, scenario, peer, seconds);
	_exit(0);
}

/* The texts on the board. */
static void say_why(const struct bench_board *b, int n,
		    const struct bench_peer *peer)
{
	for (int i = 0; i < n; i++)
		if (*b->party[i].error)
			fprintf(stderr,
				"parley-bench: error: %s, party %d: %s\n",
				peer->name, i, b->party[i].error);
}

static int index_of(const pid_t *pids, int n, pid_t pid)
{
	int i = 0;

	while (i < n && pids[i] != pid)
		i++;
	return i;
}

static bool is_told(const struct bench_board *b)
{
	for (int i = 0; i < BENCH_PARTIES_MAX; i++)
		if (*b->party[i].error)
			return true;
	return false;
}

/* Wait for all parties; the first that fails ends the others, and has a text on
 * the board afterwards. */
static bool wait_all(struct bench_board *b, pid_t *pids, int n)
{
	bool failed = false;

	for (int left = n; left > 0;) {
		int status, i;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return false;
		i = index_of(pids, n, pid);
		if (i == n)
			continue;
		pids[i] = 0;
		left--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		if (!is_told(b))
			snprintf(b->party[i].error, ERROR_SIZE, "%s",
				 WIFSIGNALED(status)
				     ? strsignal(WTERMSIG(status))
				     : "failed");
		failed = true;
		for (int j = 0; j < n; j++)
			if (pids[j] > 0)
				kill(pids[j], SIGKILL);
	}
	return !failed;
}

void bench_measure(struct bench_result *result,
		   const struct bench_scenario *scenario,
		   const struct bench_peer *peer, double seconds, bool pin)
{
	pid_t pids[BENCH_PARTIES_MAX];
	struct bench_board *b = new_board(scenario->n);
	int n = 0;

	*result = (struct bench_result){0};
	if (!b) {
		perror("parley-bench: shared memory");
		return;
	}
	fflush(NULL);
	for (; n < scenario->n; n++) {
		pids[n] = fork();
		if (pids[n] == 0)
			be_party(b, n, scenario, peer, seconds, pin);
		if (pids[n] < 0)
			break;
	}
	if (n < scenario->n) {
		snprintf(b->party[n].error, ERROR_SIZE, "cannot start: %s",
			 strerror(errno));
		for (int i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
	}
	if (wait_all(b, pids, n) && n == scenario->n) {
		*result = b->result;
		for (int i = 0; i < n; i++)
			result->cpu_us += b->party[i].cpu_us;
		result->ok = result->n > 0;
	} else {
		say_why(b, scenario->n, peer);
	}
	/* The barrier has nothing but its memory, and destroying it would wait
	 * for ever for those who were ended in it. */
	munmap(b, sizeof(*b));
}
