/*
 * The table and the JSON lines.
 *
 * A figure of the table is the median of the runs.  A ratio is the median of
 * the ratios within each run, where both were measured within seconds of each
 * other; above 1 is faster.  Of ping-pong and set-up the median times are
 * compared, of all else the rates.
 */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 101 };

static int compare(const void *a, const void *b)
{
	double x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* 0 if there is none. */
static double median(double *v, int n)
{
	if (n == 0)
		return 0;
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* What can be told of a result. */
enum figure { RATE, P50, P99, CPU };

static double figure_of(const struct bench_scenario *sc,
			const struct bench_result *r, enum figure f)
{
	switch (f) {
	case RATE:
		return (double)r->n / r->seconds;
	case P50:
		return r->p50_us;
	case P99:
		return r->p99_us;
	case CPU:
		return r->cpu_us /
		       ((double)r->n * (double)bench_messages_each(sc));
	}
	return 0;
}

static double median_of(const struct bench_scenario *sc,
			const struct bench_result *results, size_t stride,
			int n_runs, enum figure f)
{
	double v[RUNS_MAX];
	int n = 0;

	for (int i = 0; i < n_runs && i < RUNS_MAX; i++)
		if (results[(size_t)i * stride].ok)
			v[n++] = figure_of(sc, &results[(size_t)i * stride], f);
	return median(v, n);
}

static bool is_latency(const struct bench_scenario *sc)
{
	return sc->pattern == BENCH_PINGPONG || sc->pattern == BENCH_SETUP;
}

/* How many times as fast as ${ref}; 0 if not to be said. */
static double ratio_of(const struct bench_scenario *sc,
		       const struct bench_result *results,
		       const struct bench_result *ref, size_t stride,
		       int n_runs)
{
	double v[RUNS_MAX];
	int n = 0;

	for (int i = 0; i < n_runs && i < RUNS_MAX; i++) {
		const struct bench_result *a = &results[(size_t)i * stride];
		const struct bench_result *b = &ref[(size_t)i * stride];

		if (!a->ok || !b->ok)
			continue;
		v[n++] = is_latency(sc)
			     ? b->p50_us / a->p50_us
			     : figure_of(sc, a, RATE) / figure_of(sc, b, RATE);
	}
	return median(v, n);
}

/* "4.31 M", "231 k" */
static void print_rate(FILE *f, double v)
{
	if (v >= 1e6)
		fprintf(f, " %8.2f M", v * 1e-6);
	else if (v >= 1e3)
		fprintf(f, " %8.1f k", v * 1e-3);
	else
		fprintf(f, " %8.1f  ", v);
}

static void print_or_dash(FILE *f, int width, int digits, double v)
{
	if (v > 0)
		fprintf(f, " %*.*f", width, digits, v);
	else
		fprintf(f, " %*s", width, "-");
}

static void print_title(FILE *f, const struct bench_scenario *sc)
{
	static const char *const unit[BENCH_N_PATTERNS] = {
	    [BENCH_ONEWAY] = "messages/s", [BENCH_PINGPONG] = "trips/s",
	    [BENCH_ROUNDS] = "rounds/s",   [BENCH_BURST] = "rounds/s",
	    [BENCH_SETUP] = "connects/s",
	};
	char title[64];

	switch (sc->pattern) {
	case BENCH_ONEWAY:
		snprintf(title, sizeof(title), "one way, %zu B", sc->size);
		break;
	case BENCH_PINGPONG:
		snprintf(title, sizeof(title), "ping-pong, %zu B", sc->size);
		break;
	case BENCH_ROUNDS:
		snprintf(title, sizeof(title), "%d parties, rounds of %zu B",
			 sc->n, sc->size);
		break;
	case BENCH_BURST:
		snprintf(title, sizeof(title), "both ways, %d x %zu B",
			 sc->n_burst, sc->size);
		break;
	case BENCH_SETUP:
		snprintf(title, sizeof(title), "dial to first data");
		break;
	}
	fprintf(f, "\n%-28s %10s %8s %9s %9s %9s %7s %7s %7s %7s\n", title,
		unit[sc->pattern], "MB/s", "p50 us", "p99 us",
		sc->pattern == BENCH_SETUP ? "CPU us/c" : "CPU us/m", "x NULL",
		"x CURVE", "x TLS", "x TCP");
}

void bench_report_table(const struct bench_scenario *sc,
			const struct bench_peer *const *peers, size_t n_peers,
			const struct bench_result *results, int n_runs,
			bool to_stderr)
{
	FILE *f = to_stderr ? stderr : stdout;
	/* What is compared with, in the order of the columns. */
	const struct bench_peer *const refs[] = {
	    &bench_peer_null, &bench_peer_curve, &bench_peer_tls,
	    &bench_peer_tcp};
	enum { N_REFS = sizeof(refs) / sizeof(refs[0]) };
	const struct bench_result *ref[N_REFS] = {NULL};

	for (size_t i = 0; i < n_peers; i++)
		for (size_t j = 0; j < N_REFS; j++)
			if (peers[i] == refs[j])
				ref[j] = &results[i];
	print_title(f, sc);
	for (size_t i = 0; i < n_peers; i++) {
		const struct bench_result *r = &results[i];
		double rate = median_of(sc, r, n_peers, n_runs, RATE);

		if (!(peers[i]->patterns & 1u << sc->pattern))
			continue;
		fprintf(f, "  %-26s", peers[i]->name);
		if (rate <= 0) {
			fprintf(f, " failed\n");
			continue;
		}
		print_rate(f, rate);
		print_or_dash(f, 8, 1,
			      sc->pattern == BENCH_SETUP
				  ? 0
				  : rate * 1e-6 * (double)sc->size *
					(double)bench_messages_each(sc));
		print_or_dash(f, 9, 1, median_of(sc, r, n_peers, n_runs, P50));
		print_or_dash(f, 9, 1, median_of(sc, r, n_peers, n_runs, P99));
		print_or_dash(f, 9, 3, median_of(sc, r, n_peers, n_runs, CPU));
		for (size_t j = 0; j < N_REFS; j++)
			print_or_dash(
			    f, 7, 2,
			    ref[j] ? ratio_of(sc, r, ref[j], n_peers, n_runs)
				   : 0);
		fprintf(f, "\n");
	}
	fflush(f);
}

void bench_report_json(int run, const struct bench_scenario *sc,
		       const struct bench_peer *peer,
		       const struct bench_result *r)
{
	const double rate = r->ok ? figure_of(sc, r, RATE) : 0;

	printf("{\"run\": %d, \"pattern\": \"%s\", \"size\": %zu, "
	       "\"parties\": %d, \"burst\": %d, \"peer\": \"%s\", \"ok\": %s, "
	       "\"n\": %llu, \"seconds\": %.6f, \"per_second\": %.6g, "
	       "\"messages_each\": %llu, \"p50_us\": %.3f, \"p99_us\": %.3f, "
	       "\"cpu_us_per_message\": %.6g}\n",
	       run, bench_pattern_name(sc->pattern), sc->size, sc->n,
	       sc->n_burst, peer->name, r->ok ? "true" : "false",
	       (unsigned long long)r->n, r->seconds, rate,
	       (unsigned long long)bench_messages_each(sc), r->p50_us,
	       r->p99_us, r->ok ? figure_of(sc, r, CPU) : 0);
	fflush(stdout);
}
