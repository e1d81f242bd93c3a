/*
 * The benchmark: Parley next to what programs would use instead.
 *
 *   bench.c     options, the order of measurements
 *   measure.c   one measurement: processes, board, barriers
 *   pattern.c   what the processes of a measurement do, and the checks
 *   report.c    the table and the JSON lines
 *   peer-*.c    one kind of transport each, all behind struct bench_peer
 *
 * A measurement forks one process for each party before any library is
 * initialised.  The parties find each other by a board in shared memory.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BENCH_PARTIES_MAX = 8,
	BENCH_POST_MAX = 4096, /* bytes that a party can tell the others */
	BENCH_SIZE_MIN = 16,
	BENCH_SIZE_MAX = 8 * 1024 * 1024,
};

enum bench_pattern {
	BENCH_ONEWAY,	/* party 0 to party 1, as fast as it goes */
	BENCH_PINGPONG, /* one message there and one back */
	BENCH_ROUNDS,	/* all send one to each, then read one of each */
	BENCH_BURST,	/* both send n_burst, then read n_burst */
	BENCH_SETUP,	/* dial to first data back */
};
enum { BENCH_N_PATTERNS = BENCH_SETUP + 1 };

/* What is measured, for every peer alike. */
struct bench_scenario {
	enum bench_pattern pattern;
	size_t size; /* bytes of a message */
	int n;	     /* parties */
	int n_burst;
};

struct bench_board;

/* A process of a measurement. */
struct bench_party {
	int index;
	int n;
	size_t size; /* of the largest message */
	struct bench_board *board;
};

/*
 * A kind of transport.  Every function but send, recv and flush is called by
 * all parties; one that fails calls bench_fail() and does not return.
 */
struct bench_peer {
	const char *name;
	const char *what;  /* for --help */
	unsigned patterns; /* 1u << enum bench_pattern; those it is run in */
	int way;	   /* which of those that its file knows */

	/* Make keys, and tell the others by bench_post(). */
	void *(*prepare)(const struct bench_party *me, int way);
	/* Listen, so that lower parties can dial.  Called from the highest
	 * party down to party 0, by one at a time. */
	void (*listen)(void *peer);
	/* Dial the higher parties, be dialled by the lower ones. */
	void (*connect)(void *peer);
	/* Send a message; it may stay here until flush or recv. */
	void (*send)(void *peer, int to, const void *msg, size_t len);
	/* Let go what was sent so far, wait for a message; it stays valid
	 * until the next call. */
	const void *(*recv)(void *peer, int from, size_t *len);
	void (*flush)(void *peer); /* NULL: nothing stays */
	/* Undo connect and listen; both may be called again. */
	void (*close)(void *peer);
	void (*release)(void *peer);
};

extern const struct bench_peer bench_peer_parley;
extern const struct bench_peer bench_peer_parley_libzmq;
extern const struct bench_peer bench_peer_null;
extern const struct bench_peer bench_peer_curve;
extern const struct bench_peer bench_peer_curve_zap;
extern const struct bench_peer bench_peer_tls;
extern const struct bench_peer bench_peer_tls_gathered;
extern const struct bench_peer bench_peer_tcp;
extern const struct bench_peer bench_peer_tcp_gathered;
extern const struct bench_peer bench_peer_envelope;
extern const struct bench_peer bench_peer_envelope_authcrypt;

struct bench_result {
	bool ok;
	uint64_t n; /* messages, round trips, rounds, or connections */
	double seconds;
	double p50_us; /* of one of n; 0: not measured */
	double p99_us;
	double cpu_us; /* all processes, user and system */
};

/*
 * measure.c
 */

/*
 * bench_measure(result, scenario, peer, seconds, pin):
 * Take one measurement of about ${seconds}; with ${pin} every party stays on
 * one processor.  Says on standard error why it failed if it did.
 */
void bench_measure(struct bench_result *result,
		   const struct bench_scenario *scenario,
		   const struct bench_peer *peer, double seconds, bool pin);

/* End this process, and with it the measurement. */
void bench_fail(const struct bench_party *me, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/* Show ${len} bytes to the other parties; seen after the next barrier. */
void bench_post(const struct bench_party *me, const void *p, size_t len);
const void *bench_posted(const struct bench_party *me, int party);

/* Wait until every party is here. */
void bench_barrier(const struct bench_party *me);

/* A flag and a result that all parties share. */
void bench_set_stop(const struct bench_party *me, bool stop);
bool bench_stop(const struct bench_party *me);
struct bench_result *bench_result(const struct bench_party *me);

/* CPU time of this process is counted from begin to end. */
void bench_cpu_begin(const struct bench_party *me);
void bench_cpu_end(const struct bench_party *me);

uint64_t bench_now_ns(void);

/*
 * pattern.c
 */

/* Run ${scenario} in this process, as one of its parties. */
void bench_pattern_run(const struct bench_party *me,
		       const struct bench_scenario *scenario,
		       const struct bench_peer *peer, double seconds);

const char *bench_pattern_name(enum bench_pattern pattern);

/* Messages that travel in one of bench_result.n. */
uint64_t bench_messages_each(const struct bench_scenario *scenario);

/*
 * report.c
 */

/* One line of JSON for one measurement. */
void bench_report_json(int run, const struct bench_scenario *scenario,
		       const struct bench_peer *peer,
		       const struct bench_result *result);

/*
 * bench_report_table(scenario, peers, n_peers, results, n_runs, to_stderr):
 * The rows of one scenario, medians of ${n_runs} runs;
 * results[run * n_peers + peer].
 */
void bench_report_table(const struct bench_scenario *scenario,
			const struct bench_peer *const *peers, size_t n_peers,
			const struct bench_result *results, int n_runs,
			bool to_stderr);

#endif /* !TESTS_BENCH_BENCH_H */
