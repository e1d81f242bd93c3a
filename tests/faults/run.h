/*
 * n parties, each on a thread of its own, that exchange numbered messages
 * through a proxy that breaks their connections.
 */
#ifndef TESTS_FAULTS_RUN_H
#define TESTS_FAULTS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/faults/proxy.h"
#include "tests/net.h"

/*
 * run_net(net, proxy, n):
 * A net of ${n} whose parties listen at net->ports and are dialled through
 * ${*proxy}, route i leading to party i.  The proxy runs.
 */
void run_net(struct net *net, struct proxy **proxy, size_t n, uint64_t seed);

/*
 * run_prepare(net, proxy, n, seed):
 * The same, but proxy_start() is still to be called: after fork(), which does
 * not go well with threads.
 */
void run_prepare(struct net *net, struct proxy **proxy, size_t n,
		 uint64_t seed);

/* run_start(net, i): net_start() where run_net() said. */
void run_start(struct net *net, size_t i);

struct run_options {
	uint64_t seed;
	size_t n_parties;
	uint64_t n_messages; /* each from one to one other, altogether */
	unsigned n_faults;
	int min_ms, max_ms; /* between two faults */
	size_t size_max;
	size_t window;
};

struct run_result {
	uint8_t digest[NET_MAX][32];
	uint64_t resumes, resent, dropped, records;
	int64_t ms;
	unsigned faults[PROXY_N_FAULTS];
	char why[300];
};

/*
 * run_faults(r, o):
 * Returns whether every message arrived once, in order and whole, the digests
 * are equal, and every party closed with nothing undelivered.
 */
bool run_faults(struct run_result *r, const struct run_options *o);

/*
 * run_burst(r, n, bytes, window):
 * ${n} parties send ${bytes} each to all others before anybody takes a
 * message, then take all.
 */
bool run_burst(struct run_result *r, size_t n, size_t bytes, size_t window);

#endif /* !TESTS_FAULTS_RUN_H */
