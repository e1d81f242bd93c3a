/*
 * parley-bench: what a session costs, next to what is used instead.
 *
 * Runs are interleaved: within a run every peer takes its turn at a scenario
 * before the next scenario begins, and each run begins with another peer, so
 * that whatever else the machine does meets all of them.
 */
#include "tests/bench/bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SIZES_MAX = 16,
	SCENARIOS_MAX = 64,
	PEERS_MAX = 16,
	RUNS_MAX = 100,
	ROUNDS_PARTIES_MAX = 5,
	/* More than this both ways at once does not fit into the buffers of
	 * sockets whose both ends write before they read. */
	UNREAD_MAX = 128 * 1024,
};

/* Rows appear in this order.  A new peer is a line here and a file. */
static const struct bench_peer *const all_peers[] = {
    &bench_peer_parley,
    &bench_peer_parley_libzmq,
    &bench_peer_null,
    &bench_peer_curve,
    &bench_peer_curve_zap,
    &bench_peer_tls,
    &bench_peer_tls_gathered,
    &bench_peer_tcp,
    &bench_peer_tcp_gathered,
    &bench_peer_envelope,
    &bench_peer_envelope_authcrypt,
};
enum { N_ALL_PEERS = sizeof(all_peers) / sizeof(all_peers[0]) };

struct options {
	unsigned patterns;
	size_t sizes[SIZES_MAX];
	size_t n_sizes; /* 0: those of each pattern */
	const struct bench_peer *peers[PEERS_MAX];
	size_t n_peers;
	int n_runs;
	double seconds;
	bool json;
	bool quick;
	bool smoke;
	bool pin;
};

static const size_t oneway_sizes[] = {16, 64, 256, 1024, 16384, 65536, 1048576};
static const size_t quick_sizes[] = {16, 64, 65536};
static const size_t small_size[] = {64};
static const size_t rounds_size[] = {32};

static void usage(FILE *f)
{
	fprintf(f,
		"usage: parley-bench [options]\n"
		"\n"
		"Measure Parley sessions and what could be used instead, over "
		"loopback.\n"
		"\n"
		"  --patterns LIST   of oneway,pingpong,rounds,burst,setup\n"
		"  --sizes LIST      bytes of a message, for every pattern\n"
		"  --peers LIST      of those below\n"
		"  --runs N          default 5; figures are medians\n"
		"  --seconds S       of one measurement, default 0.3\n"
		"  --json            a line for each measurement on standard "
		"output,\n"
		"                    the table on standard error\n"
		"  --pin             keep every party, with its threads, on "
		"one processor\n"
		"  --quick           one short run with fewer sizes\n"
		"  --smoke           does it all run? A few seconds, and "
		"figures that say nothing\n"
		"  --help\n"
		"\n"
		"peers:\n");
	for (size_t i = 0; i < N_ALL_PEERS; i++)
		fprintf(f, "  %-17s %s\n", all_peers[i]->name,
			all_peers[i]->what);
	fprintf(f, "\n"
		   "CPU is user and system time of all threads of all parties "
		   "per message, or\n"
		   "per connection, closing included.  Ratios above 1 are "
		   "faster.\n"
		   "\n"
		   "  parley-bench --patterns oneway --sizes 64 --peers "
		   "parley,zmq-null\n");
}

static bool bad_list(const char *option, const char *word)
{
	fprintf(stderr, "parley-bench: error: %s does not know '%s'\n", option,
		word);
	return false;
}

static bool parse_patterns(struct options *o, char *list)
{
	char *save, *word;

	o->patterns = 0;
	for (word = strtok_r(list, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		unsigned i = 0;

		while (i < BENCH_N_PATTERNS &&
		       strcmp(word, bench_pattern_name(i)) != 0)
			i++;
		if (i == BENCH_N_PATTERNS)
			return bad_list("--patterns", word);
		o->patterns |= 1u << i;
	}
	return true;
}

static bool parse_sizes(struct options *o, char *list)
{
	char *save, *word, *end;

	o->n_sizes = 0;
	for (word = strtok_r(list, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		unsigned long v = strtoul(word, &end, 10);

		if (*end || v < BENCH_SIZE_MIN || v > BENCH_SIZE_MAX ||
		    o->n_sizes == SIZES_MAX)
			return bad_list("--sizes", word);
		o->sizes[o->n_sizes++] = v;
	}
	return true;
}

static bool parse_peers(struct options *o, char *list)
{
	char *save, *word;

	o->n_peers = 0;
	for (word = strtok_r(list, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < N_ALL_PEERS && strcmp(word, all_peers[i]->name) != 0)
			i++;
		if (i == N_ALL_PEERS || o->n_peers == PEERS_MAX)
			return bad_list("--peers", word);
		o->peers[o->n_peers++] = all_peers[i];
	}
	return true;
}

static bool parse_runs(struct options *o, const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*end || v < 1 || v > RUNS_MAX)
		return bad_list("--runs", text);
	o->n_runs = (int)v;
	return true;
}

static bool parse_seconds(struct options *o, const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (*end || !(v >= 0.001 && v <= 60))
		return bad_list("--seconds", text);
	o->seconds = v;
	return true;
}

/* Exit status, or -1 to go on. */
static int parse(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
	    {"patterns", required_argument, NULL, 'p'},
	    {"sizes", required_argument, NULL, 's'},
	    {"peers", required_argument, NULL, 'P'},
	    {"runs", required_argument, NULL, 'r'},
	    {"seconds", required_argument, NULL, 't'},
	    {"json", no_argument, NULL, 'j'},
	    {"pin", no_argument, NULL, 'n'},
	    {"quick", no_argument, NULL, 'q'},
	    {"smoke", no_argument, NULL, 'S'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'p')
			ok = parse_patterns(o, optarg);
		else if (c == 's')
			ok = parse_sizes(o, optarg);
		else if (c == 'P')
			ok = parse_peers(o, optarg);
		else if (c == 'r')
			ok = parse_runs(o, optarg);
		else if (c == 't')
			ok = parse_seconds(o, optarg);
		else if (c == 'j')
			o->json = true;
		else if (c == 'n')
			o->pin = true;
		else if (c == 'q')
			o->quick = true;
		else if (c == 'S')
			o->smoke = o->quick = true;
		else if (c == 'h') {
			usage(stdout);
			return 0;
		} else
			ok = false;
	}
	if (ok && optind < argc)
		ok = bad_list("parley-bench", argv[optind]);
	if (!ok) {
		fprintf(stderr, "parley-bench: hint: parley-bench --help\n");
		return 2;
	}
	if (o->n_runs == 0)
		o->n_runs = o->quick ? 1 : 5;
	if (o->seconds <= 0)
		o->seconds = o->smoke ? 0.01 : o->quick ? 0.1 : 0.3;
	return -1;
}

/*
 * Scenarios
 */

struct plan {
	struct bench_scenario scenarios[SCENARIOS_MAX];
	size_t n;
};

static void add(struct plan *plan, enum bench_pattern pattern, size_t size,
		int n, int n_burst)
{
	if (plan->n < SCENARIOS_MAX)
		plan->scenarios[plan->n++] =
		    (struct bench_scenario){.pattern = pattern,
					    .size = size,
					    .n = n,
					    .n_burst = n_burst};
}

/* The smoke test has one of each kind. */
static void add_pattern(struct plan *plan, enum bench_pattern pattern,
			size_t size, bool smoke)
{
	const int n_max = smoke ? 3 : ROUNDS_PARTIES_MAX;
	const int burst_max = smoke ? 100 : 1000;

	switch (pattern) {
	case BENCH_ONEWAY:
	case BENCH_PINGPONG:
	case BENCH_SETUP:
		add(plan, pattern, size, 2, 0);
		break;
	case BENCH_ROUNDS:
		for (int n = smoke ? n_max : 2; n <= n_max; n++)
			if (size <= UNREAD_MAX)
				add(plan, pattern, size, n, 0);
		break;
	case BENCH_BURST:
		for (int b = smoke ? burst_max : 10; b <= burst_max; b *= 10)
			if (size * (size_t)b <= UNREAD_MAX)
				add(plan, pattern, size, 2, b);
		break;
	}
}

static void make_plan(struct plan *plan, const struct options *o)
{
	for (unsigned p = 0; p < BENCH_N_PATTERNS; p++) {
		const size_t *sizes = small_size;
		size_t n = 1;

		if (!(o->patterns & 1u << p))
			continue;
		if (p == BENCH_ONEWAY) {
			sizes = o->quick ? quick_sizes : oneway_sizes;
			n = o->quick
				? sizeof(quick_sizes) / sizeof(*quick_sizes)
				: sizeof(oneway_sizes) / sizeof(*oneway_sizes);
		} else if (p == BENCH_ROUNDS) {
			sizes = rounds_size;
		}
		if (o->n_sizes > 0 && p != BENCH_SETUP) {
			sizes = o->sizes;
			n = o->n_sizes;
		}
		for (size_t i = 0; i < n; i++)
			add_pattern(plan, p, sizes[i], o->smoke);
	}
}

/* Every peer's turn at ${sc}; ${results} are those of this run. */
static bool take_turns(const struct options *o, const struct bench_scenario *sc,
		       int run, struct bench_result *results)
{
	bool ok = true;

	for (size_t i = 0; i < o->n_peers; i++) {
		size_t turn = (i + (size_t)run) % o->n_peers;
		const struct bench_peer *peer = o->peers[turn];

		if (!(peer->patterns & 1u << sc->pattern))
			continue;
		bench_measure(&results[turn], sc, peer, o->seconds, o->pin);
		ok = ok && results[turn].ok;
		if (o->json)
			bench_report_json(run, sc, peer, &results[turn]);
	}
	return ok;
}

int main(int argc, char **argv)
{
	struct options o = {.patterns = (1u << BENCH_N_PATTERNS) - 1};
	struct plan plan = {.n = 0};
	struct bench_result *results;
	size_t each;
	bool ok = true;
	int r;

	for (size_t i = 0; i < N_ALL_PEERS; i++)
		o.peers[o.n_peers++] = all_peers[i];
	r = parse(&o, argc, argv);
	if (r >= 0)
		return r;
	make_plan(&plan, &o);
	each = (size_t)o.n_runs * o.n_peers;
	results = calloc(plan.n * each + 1, sizeof(*results));
	if (!results) {
		fprintf(stderr, "parley-bench: error: out of memory\n");
		return 1;
	}
	for (int run = 0; run < o.n_runs; run++) {
		for (size_t i = 0; i < plan.n; i++)
			ok = take_turns(&o, &plan.scenarios[i], run,
					results + i * each +
					    (size_t)run * o.n_peers) &&
			     ok;
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "run %d of %d done\n", run + 1,
				o.n_runs);
	}
	for (size_t i = 0; i < plan.n; i++)
		bench_report_table(&plan.scenarios[i], o.peers, o.n_peers,
				   results + i * each, o.n_runs, o.json);
	free(results);
	return ok ? 0 : 1;
}
