/*
 * m parties for tests: identities, an agreement, and sessions in one process
 * over real sockets on loopback.
 */
#ifndef TESTS_NET_H
#define TESTS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

enum {
	NET_MAX = 64,
};

struct net {
	size_t n;
	struct parley_identity *ids[NET_MAX];
	int ports[NET_MAX];
	struct parley_agreement *agreement;
	struct parley_session *s[NET_MAX];
	struct parley_session_options o; /* for all; may be changed */
	bool mixed;			 /* odd ones have the other carrier */
};

/* What of an agreement a test may want otherwise; zeroed: as usual. */
struct net_spec {
	int threshold;		/* of n */
	const char *name;	/* "test" */
	const char *program;	/* "test", with a digest */
	const char *digest;	/* 64 hex digits */
	const char *parameters; /* JSON object text */
	int64_t expires;
	size_t swap_a, swap_b;	 /* these two change places */
	const char *replace_did; /* for party replace_index */
	size_t replace_index;
	const char *party_name; /* of party 0 */
	uint8_t id;		/* all bytes of the id */
};

/*
 * net_init(net, n):
 * Identities from fixed seeds, free ports, an agreement.  The environment
 * variable PARLEY_TEST_CARRIER says what carries the frames: "zmtp" (as
 * without it), "libzmq", or "mixed": of two neighbours each has another one.
 */
void net_init(struct net *net, size_t n);

/* net_agreement(net, spec): another agreement over the same roster. */
struct parley_agreement *net_agreement(const struct net *net,
				       const struct net_spec *spec);

/* net_options(net, i): those that party i starts with. */
struct parley_session_options net_options(const struct net *net, size_t i);

/* net_start(net, i): begin the session of party i; fails the test if it
 * cannot. */
void net_start(struct net *net, size_t i);

/* net_start_all(net): all that are not started. */
void net_start_all(struct net *net);

/*
 * net_run(net, done, context, limit_ms):
 * Process all sessions until ${done} says so; false if it never did.
 */
bool net_run(struct net *net, bool (*done)(struct net *net, void *context),
	     void *context, int limit_ms);

/* For net_run(): is every started session ready? */
bool net_ready(struct net *net, void *context);

/* net_open(net): net_start_all() and until all are ready. */
void net_open(struct net *net);

/*
 * net_recv(net, i, from, msgp, lenp):
 * parley_session_recv() at party i while all others are processed too: what
 * they have not sent yet comes only then.  Needs recv_timeout_ms 0; fails the
 * test if there is nothing within 10 s.
 */
void net_recv(struct net *net, size_t i, int from, const void **msgp,
	      size_t *lenp);

/* net_free(net): all that is left. */
void net_free(struct net *net);

/* net_free_port(): a TCP port that nobody listens on. */
int net_free_port(void);

#endif /* !TESTS_NET_H */
