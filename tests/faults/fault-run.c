/*
 * fault-run: the fault run in full, by one command.
 *
 *   fault-run [--messages N] [--cuts N] [--parties N] [--seed N]
 *             [--interval MS] [--simulated PERCENT] [--burst MIB]
 *             [--ratchets N]
 *
 * Without options: three parties, 1,000,000 messages, 1000 cuts, the
 * simulated carrier with 1 % of each fault for 100,000 messages each way, and
 * bursts of 64 MiB to everybody with a window of 1 MiB.  0 leaves a part out.
 * --ratchets: so many turns of the ratchet (21,000: a day of a record each
 * millisecond), with the memory before and after.
 * Exit 1 if anything was lost, came twice, or out of order.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/faults/run.h"
#include "tests/faults/sim.h"

static bool simulate(uint64_t seed, unsigned percent, uint64_t n)
{
	struct sim_options o;
	struct sim_result r;
	bool ok;

	sim_options_init(&o);
	o.seed = seed;
	o.n_messages = o.n_back = n;
	o.drop = o.repeat = o.reorder = o.corrupt = percent * 10000;
	o.per_record = 3;
	o.cut = 200;
	o.pause = 100;
	ok = sim_run(&r, &o);
	printf("simulated carrier, seed %" PRIu64 ", %u %% of each fault: %s\n"
	       "  %" PRIu64 " messages each way, %" PRIu64 " records, %" PRIu64
	       " frames, %" PRIu64 " resent, %" PRIu64 " dropped\n"
	       "  %" PRIu64 " ratchets, %" PRIu64 " cuts, %" PRId64
	       " ms on its clock, at most %zu records kept\n",
	       seed, percent, ok ? "every message once, in order" : r.why, n,
	       r.records, r.frames, r.resent, r.dropped, r.ratchets, r.cuts,
	       r.ms, r.kept_max);
	return ok;
}

static bool cut(const struct run_options *o)
{
	struct run_result r;
	struct rusage usage;
	bool ok = run_faults(&r, o);

	getrusage(RUSAGE_SELF, &usage);
	printf("proxy, seed %" PRIu64 ", %zu parties: %s\n"
	       "  %" PRIu64 " messages, %u faults (%u reset, %u ended, %u "
	       "half-closed, %u stalled, %u refused)\n"
	       "  %" PRIu64 " resumes, %" PRIu64 " records, %" PRIu64
	       " resent, %" PRIu64 " dropped, %" PRId64 " ms, RSS %ld KiB\n"
	       "  digest ",
	       o->seed, o->n_parties, ok ? "the same digest everywhere" : r.why,
	       o->n_messages, o->n_faults, r.faults[PROXY_FAULT_RESET],
	       r.faults[PROXY_FAULT_END], r.faults[PROXY_FAULT_HALF],
	       r.faults[PROXY_FAULT_STALL], r.faults[PROXY_FAULT_REFUSE],
	       r.resumes, r.records, r.resent, r.dropped, r.ms,
	       usage.ru_maxrss);
	for (int i = 0; i < 8; i++)
		printf("%02x", r.digest[0][i]);
	printf("\n");
	return ok;
}

static bool burst(size_t n, size_t mib)
{
	struct run_result r;
	struct rusage usage;
	bool ok = run_burst(&r, n, mib << 20, 1 << 20);

	getrusage(RUSAGE_SELF, &usage);
	printf("bursts of %zu MiB from each of %zu parties to all: %s, "
	       "%" PRId64 " ms, RSS at most %ld KiB\n",
	       mib, n, ok ? "complete" : r.why, r.ms, usage.ru_maxrss);
	return ok;
}

static bool soak(uint64_t seed, uint64_t n_ratchets)
{
	struct sim_options o;
	struct sim_result r;
	struct rusage usage[2];
	bool ok = true;

	sim_options_init(&o);
	o.seed = seed;
	o.drop = o.repeat = o.reorder = o.corrupt = 0;
	o.size_max = 16;
	o.per_record = 1;
	/* A tenth warms up; both directions turn. */
	for (int i = 0; i < 2; i++) {
		o.n_messages = o.n_back = n_ratchets * 4096 / 2 / (i ? 1 : 10);
		ok = sim_run(&r, &o) && ok;
		getrusage(RUSAGE_SELF, &usage[i]);
	}
	printf("%" PRIu64 " ratchets, %" PRIu64 " records: %s, RSS %ld KiB "
	       "after a tenth, %ld KiB at the end\n",
	       r.ratchets / 2, r.records, ok ? "complete" : r.why,
	       usage[0].ru_maxrss, usage[1].ru_maxrss);
	return ok && usage[1].ru_maxrss < usage[0].ru_maxrss + 4096;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"messages", required_argument, NULL, 'm'},
	    {"cuts", required_argument, NULL, 'c'},
	    {"parties", required_argument, NULL, 'p'},
	    {"seed", required_argument, NULL, 's'},
	    {"interval", required_argument, NULL, 'i'},
	    {"simulated", required_argument, NULL, 'x'},
	    {"burst", required_argument, NULL, 'b'},
	    {"ratchets", required_argument, NULL, 'r'},
	    {0}};
	struct run_options o = {.seed = (uint64_t)time(NULL),
				.n_parties = 3,
				.n_messages = 1000000,
				.n_faults = 1000,
				.max_ms = 100,
				.size_max = 100000,
				.window = 1024 * 1024};
	unsigned percent = 1;
	size_t mib = 64;
	uint64_t n_ratchets = 0;
	bool ok;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (c == 'm')
			o.n_messages = n;
		else if (c == 'c')
			o.n_faults = (unsigned)n;
		else if (c == 'p')
			o.n_parties = n;
		else if (c == 's')
			o.seed = n;
		else if (c == 'i')
			o.max_ms = (int)n;
		else if (c == 'x')
			percent = (unsigned)n;
		else if (c == 'b')
			mib = n;
		else if (c == 'r')
			n_ratchets = n;
		else
			return 2;
	}
	if (o.n_parties < 2 || o.n_parties > 8 || o.max_ms < 1) {
		fprintf(stderr, "fault-run: 2 to 8 parties, interval from 1\n");
		return 2;
	}
	ok = percent == 0 || simulate(o.seed, percent, o.n_messages / 10);
	if (o.n_messages > 0 && o.n_faults > 0)
		ok = cut(&o) && ok;
	if (mib > 0)
		ok = burst(o.n_parties, mib) && ok;
	if (n_ratchets > 0)
		ok = soak(o.seed, n_ratchets) && ok;
	return ok ? 0 : 1;
}
