/*
 * For the tests of carriers: listeners and diallers on loopback, frames that
 * can be told apart, and bare sockets of libzmq.
 */
#ifndef TESTS_CARRIER_H
#define TESTS_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include "session/carrier.h"
#include "tests/test-session-vector.h"

enum {
	LIMIT_MS = 10000, /* for anything that must happen */
	QUIET_MS = 150,	  /* for what must not */
	FRAME_MAX = 100000,
};

extern const struct session_carrier_options usual;

typedef int make_carrier(struct session_carrier **cp,
			 const struct session_carrier_options *o);

/* What the tests of a group make. */
extern make_carrier *make_listener, *make_dialler;

bool is_zmtp(void);

struct session_carrier *carrier_new_with(
    make_carrier *make, const struct session_carrier_options *o);

/*
 * A listener that works in this thread must be called for others to get
 * through to it: what it tells meanwhile waits here.
 */
struct early {
	struct session_carrier *listener;
	struct session_carrier_event ev[64];
	size_t n;
};

extern struct early early;

int next_event(struct session_carrier *c, struct session_carrier_event *ev);

void carrier_free(struct session_carrier *c, int linger_ms);

/* For those that dial, or do nothing. */
struct session_carrier *carrier_new(void);

/* Listens somewhere on loopback; the endpoint goes to ${endpoint}. */
struct session_carrier *listener_new_with(
    char endpoint[64], const struct session_carrier_options *o);

struct session_carrier *listener_new(char endpoint[64]);

/* The next event within ${limit_ms}; false if there is none. */
bool event_within(struct session_carrier *c, struct session_carrier_event *ev,
		  int limit_ms);

struct session_carrier_event expect(struct session_carrier *c,
				    enum session_carrier_event_type type);

void expect_nothing(struct session_carrier *c);

uint8_t pattern(size_t n, size_t i);

/* Frame ${n} of ${len} bytes. */
int send_frame(struct session_carrier *c, struct session_conn *conn, size_t n,
	       size_t len);

/* Frame ${n} of ${len} bytes comes; on which connection? */
struct session_conn *expect_frame(struct session_carrier *c, size_t n,
				  size_t len);

struct session_conn *dial_up(struct session_carrier *c, const char *endpoint);

/* A listener, a dialler, and a connection with a frame in each direction. */
struct link {
	char endpoint[64];
	struct session_carrier *l, *d;
	struct session_conn *at_l, *at_d;
};

void link_init(struct link *k);

/* Without the dialling end, if it is gone already. */
void link_free(struct link *k);

void *raw_new(void *context, int type, const char *endpoint, bool bind);

int tcp_connect(const char *endpoint);

bool readable(const struct session_carrier *c, int timeout_ms);

void drain(struct session_carrier *c);

#endif /* !TESTS_CARRIER_H */
