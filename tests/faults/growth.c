/*
 * growth: what a session costs as parties become more.
 *
 *   growth [--mesh LIST] [--join LIST] [--carrier zmtp|libzmq]
 *          [--idle MS] [--json] [--check]
 *
 * mesh: n parties, a process each, over loopback.  Time until all are ready,
 *   memory of a channel (what RSS grows by from the smallest mesh to this one,
 *   for each further channel), and then, while nothing is said: CPU time for
 *   100 channels and how often a process woke up.
 *
 * join: n nodes dial one listener at the same moment.  The listener is a
 *   session of n + 1 parties in a process of its own; the nodes are the real
 *   handshakes and channels, all in one other process, each with a connection
 *   of its own.  Time from a node's dialling to the listener's first record,
 *   which proves the channel; refused is what ended before.  At the end all
 *   nodes say READY, and so the listener's session becomes ready, too.
 *
 * Without --mesh and --join: 2 to 64 parties, and 150, 300, 600 and 1000 nodes.
 * 0 leaves a part out.  --check: exit 1 beyond the limits (32 KiB a channel,
 * 0.1 % of a core, no wake-up of the program's thread, none refused).
 */
#include "tests/faults/growth.h"

#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "session/session.h"

enum {
	SETTLE_MS = 2500,	 /* twice: ACKs and the like are over then */
	CHANNEL_MAX = 32 * 1024, /* bytes */
	CPU_MAX_PPM = 1000,	 /* of a core, for 100 channels */
	CPU_PARTIES_MIN = 8,
};

void growth_die(const char *what)
{
	fprintf(stderr, "growth: error: %s\n", what);
	_exit(1);
}

struct parley_session *growth_begin(const struct roster *r, size_t i,
				    const struct growth_options *o)
{
	struct parley_session_options so;
	struct parley_session *s;

	parley_session_options_init(&so);
	so.carrier = o->carrier;
	so.open_timeout_ms = GROWTH_TIMEOUT_MS;
	if (parley_session_new(&s, r->agreement, r->ids[i], &so))
		growth_die(parley_session_error(s));
	return s;
}

/*
 * What a process uses
 */

struct usage {
	double cpu_us;
	long wakes; /* of all threads */
};

static struct usage usage_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (struct usage){
	    .cpu_us = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
	    .wakes = u.ru_nvcsw};
}

/* CPU time of an idle wait as such, which is not the session's. */
static double wait_cost(int ms)
{
	const struct usage u = usage_now();

	poll(NULL, 0, ms);
	return usage_now().cpu_us - u.cpu_us;
}

/* Serve ${s} for ${ms} by its descriptor.  How often was there something? */
static long serve(struct parley_session *s, int ms)
{
	const int64_t until = session_now_ms() + ms;
	struct pollfd fd = {.fd = parley_session_fd(s), .events = POLLIN};
	int64_t left;
	long n = 0;

	if (parley_session_process(s))
		growth_die(parley_session_error(s));
	while ((left = until - session_now_ms()) > 0)
		if (poll(&fd, 1, (int)left) == 1) {
			n++;
			if (parley_session_process(s))
				growth_die(parley_session_error(s));
		}
	return n;
}

/*
 * Meshes
 */

struct board {
	pthread_barrier_t barrier;
	struct {
		int64_t ready_us;
		double rss;
		struct usage idle;
		long polls; /* that found something, while idle */
	} party[ROSTER_MAX];
};

static struct board *board_new(size_t n)
{
	struct board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	if (b == MAP_FAILED || pthread_barrierattr_init(&attr) ||
	    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) ||
	    pthread_barrier_init(&b->barrier, &attr, (unsigned)n))
		growth_die("no shared memory");
	pthread_barrierattr_destroy(&attr);
	return b;
}

static void mesh_party(struct board *b, const struct roster *r, size_t i,
		       const struct growth_options *o)
{
	const double before = roster_rss(getpid()),
		     cost = wait_cost(o->idle_ms);
	struct parley_session *s;
	struct usage u, v;
	int64_t t;

	pthread_barrier_wait(&b->barrier);
	t = session_now_us();
	s = growth_begin(r, i, o);
	if (parley_session_wait(s))
		growth_die(parley_session_error(s));
	b->party[i].ready_us = session_now_us() - t;
	serve(s, SETTLE_MS);
	pthread_barrier_wait(&b->barrier);
	serve(s, SETTLE_MS);
	b->party[i].rss = roster_rss(getpid()) - before;
	u = usage_now();
	b->party[i].polls = serve(s, o->idle_ms);
	v = usage_now();
	/* The last wait of serve() is a wake-up, and not the session's. */
	b->party[i].idle =
	    (struct usage){v.cpu_us - u.cpu_us - cost, v.wakes - u.wakes - 1};
	pthread_barrier_wait(&b->barrier);
	parley_session_free(s);
}

struct mesh_row {
	size_t n;
	double ready_ms; /* the last one */
	double session;	 /* bytes, mean of the parties */
	double channel;	 /* bytes; 0: unknown */
	double cpu_ppm;	 /* of a core, for 100 channels */
	double polls;	 /* a second and party */
	double wakes;	 /* the same, all threads */
};

/* All children of ours; one that failed ends the program. */
static void reap(const pid_t *pids, size_t n)
{
	bool failed = false;
	int status;

	for (size_t left = n; left > 0; left--) {
		const pid_t pid = wait(&status);

		if (pid < 0)
			growth_die("wait");
		if (status == 0 || failed)
			continue;
		failed = true;
		for (size_t i = 0; i < n; i++)
			if (pids[i] != pid)
				kill(pids[i], SIGKILL);
	}
	if (failed)
		growth_die("a party failed");
}

static void run_mesh(struct mesh_row *row, size_t n,
		     const struct growth_options *o)
{
	struct board *b = board_new(n);
	const double s = o->idle_ms * 1e-3;
	pid_t pids[ROSTER_MAX];
	struct roster r;

	roster_init(&r, n, 0);
	for (size_t i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			growth_die("fork");
		if (pids[i] == 0) {
			mesh_party(b, &r, i, o);
			_exit(0);
		}
	}
	reap(pids, n);
	*row = (struct mesh_row){.n = n};
	for (size_t i = 0; i < n; i++) {
		const double ms = (double)b->party[i].ready_us * 1e-3;

		if (ms > row->ready_ms)
			row->ready_ms = ms;
		row->session += b->party[i].rss / (double)n;
		row->cpu_ppm +=
		    b->party[i].idle.cpu_us / s * 100 / (double)(n * (n - 1));
		row->polls += (double)b->party[i].polls / s / (double)n;
		row->wakes += (double)b->party[i].idle.wakes / s / (double)n;
	}
	roster_free(&r);
	munmap(b, sizeof(*b));
}

static bool print_mesh(const struct mesh_row *row,
		       const struct growth_options *o)
{
	/* Of a few channels the clock shows its own errors. */
	const bool good =
	    row->channel <= CHANNEL_MAX && row->polls == 0 &&
	    (row->n < CPU_PARTIES_MIN || row->cpu_ppm <= CPU_MAX_PPM);

	if (o->json)
		printf("{\"what\": \"mesh\", \"parties\": %zu, \"ready_ms\": "
		       "%.1f, \"session_bytes\": %.0f, \"channel_bytes\": "
		       "%.0f, \"idle_cpu_ppm_100\": %.1f, "
		       "\"idle_polls_s\": %.2f, \"idle_wakes_s\": %.2f}\n",
		       row->n, row->ready_ms, row->session, row->channel,
		       row->cpu_ppm, row->polls, row->wakes);
	else
		printf("%8zu %12.1f %12.0f %12.1f %14.4f %12.2f %12.2f%s\n",
		       row->n, row->ready_ms, row->session / 1024,
		       row->channel / 1024, row->cpu_ppm * 1e-4, row->polls,
		       row->wakes, good ? "" : "  over");
	fflush(stdout);
	return good;
}

static bool meshes(const struct growth_options *o)
{
	struct mesh_row first = {0}, row;
	bool good = true;

	if (o->n_mesh > 0 && !o->json)
		printf("%8s %12s %12s %12s %14s %12s %12s\n", "parties",
		       "ready ms", "KiB/session", "KiB/channel",
		       "idle %/100 ch", "polls/s", "wakes/s");
	for (size_t i = 0; i < o->n_mesh; i++) {
		run_mesh(&row, o->mesh[i], o);
		if (first.n == 0)
			first = row;
		else if (row.n > first.n)
			row.channel = (row.session - first.session) /
				      (double)(row.n - first.n);
		good = print_mesh(&row, o) && good;
	}
	return good;
}

/*
 * Options
 */

static bool parse_list(size_t *list, size_t *np, char *text, size_t min)
{
	char *save, *word, *end;

	*np = 0;
	for (word = strtok_r(text, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		const unsigned long v = strtoul(word, &end, 10);

		if (*end || *np == GROWTH_ROWS_MAX ||
		    (v != 0 && (v < min || v >= ROSTER_MAX)))
			return false;
		if (v != 0)
			list[(*np)++] = v;
	}
	return true;
}

static bool parse(struct growth_options *o, int argc, char **argv)
{
	static const struct option table[] = {
	    {"mesh", required_argument, NULL, 'm'},
	    {"join", required_argument, NULL, 'j'},
	    {"carrier", required_argument, NULL, 'c'},
	    {"idle", required_argument, NULL, 'i'},
	    {"json", no_argument, NULL, 'J'},
	    {"check", no_argument, NULL, 'C'},
	    {0}};
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'm')
			ok = parse_list(o->mesh, &o->n_mesh, optarg, 2);
		else if (c == 'j')
			ok = parse_list(o->join, &o->n_join, optarg, 1);
		else if (c == 'c' && strcmp(optarg, "libzmq") == 0)
			o->carrier = PARLEY_CARRIER_LIBZMQ;
		else if (c == 'c')
			ok = strcmp(optarg, "zmtp") == 0;
		else if (c == 'i')
			ok = (o->idle_ms = atoi(optarg)) > 0;
		else if (c == 'J')
			o->json = true;
		else if (c == 'C')
			o->check = true;
		else
			ok = false;
	}
	return ok && optind == argc;
}

int main(int argc, char **argv)
{
	struct growth_options o = {.mesh = {2, 4, 8, 16, 32, 64},
				   .n_mesh = 6,
				   .join = {150, 300, 600, 1000},
				   .n_join = 4,
				   .idle_ms = 3000};
	struct rlimit files;
	bool good;

	if (!parse(&o, argc, argv)) {
		fprintf(stderr, "usage: growth [--mesh LIST] [--join LIST] "
				"[--carrier zmtp|libzmq] [--idle MS] [--json] "
				"[--check]\n");
		return 2;
	}
	/* 1000 connections are more than most shells allow at first. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (sodium_init() < 0)
		growth_die("libsodium");
	good = meshes(&o);
	good = growth_joins(&o) && good;
	return good || !o.check ? 0 : 1;
}
