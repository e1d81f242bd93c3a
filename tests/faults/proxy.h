/*
 * A TCP proxy on a thread of its own that breaks what goes through it.
 *
 * A route leads from a port of the proxy to a port of a party.  Faults happen
 * on command, or by themselves at random moments.
 */
#ifndef TESTS_FAULTS_PROXY_H
#define TESTS_FAULTS_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROXY_ROUTES_MAX = 16,
	PROXY_ANY = -1, /* all routes */
};

enum proxy_mode {
	PROXY_PASS,
	PROXY_STALL,   /* read nothing: both ends see a full pipe */
	PROXY_SWALLOW, /* read and throw away: nobody notices at once */
	PROXY_REFUSE,  /* no listener: connection refused */
};

/* What happened by itself. */
enum proxy_fault {
	PROXY_FAULT_RESET,
	PROXY_FAULT_END,  /* both directions closed */
	PROXY_FAULT_HALF, /* one direction closed, the other a while later */
	PROXY_FAULT_STALL,
	PROXY_FAULT_REFUSE,
	PROXY_N_FAULTS,
};

struct proxy;

/* proxy_new(seed): no thread yet.  Failures end the test program. */
struct proxy *proxy_new(uint64_t seed);

/* proxy_route(p, port, target): before proxy_start(). */
int proxy_route(struct proxy *p, int port, int target);

void proxy_start(struct proxy *p);

/* proxy_set(p, route, mode): from now on; REFUSE does not cut. */
void proxy_set(struct proxy *p, int route, enum proxy_mode mode);

/* proxy_cut(p, route): reset every connection of it. */
void proxy_cut(struct proxy *p, int route);

/*
 * proxy_cut_after(p, route, n_bytes):
 * Reset each connection of ${route} made from now on when ${n_bytes} have gone
 * through it, both directions together, and the one after it no more.
 * -1: none.
 */
void proxy_cut_after(struct proxy *p, int route, long n_bytes);

/*
 * proxy_faults(p, n, min_ms, max_ms):
 * Make ${n} faults, each so long after the one before.
 */
void proxy_faults(struct proxy *p, unsigned n, int min_ms, int max_ms);

/* proxy_n_faults(p): made so far. */
unsigned proxy_n_faults(struct proxy *p);
unsigned proxy_n_faults_of(struct proxy *p, enum proxy_fault fault);

/* proxy_n_accepted(p, route): connections made so far. */
unsigned proxy_n_accepted(struct proxy *p, int route);

/* proxy_bytes(p, route): through it so far. */
uint64_t proxy_bytes(struct proxy *p, int route);

/* proxy_pass(p): no more faults, and all routes work. */
void proxy_pass(struct proxy *p);

void proxy_free(struct proxy *p);

#endif /* !TESTS_FAULTS_PROXY_H */
