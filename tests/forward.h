/*
 * For the tests of forwarding: two parties whose programs are sockets of the
 * test.  Party 1 always has a forwarder; party 0 has one, or speaks the
 * protocol by hand.
 */
#ifndef TESTS_FORWARD_H
#define TESTS_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/clock.h"
#include "session/forward.h"
#include "session/forward_stream.h"
#include "tests/net.h"

enum {
	LIMIT_MS = 60 * 1000,
	EVENTS_MAX = 64,
	CREDIT = SESSION_FORWARD_CREDIT,
};

/* Messages of the protocol. */
enum { OPEN = 1, DATA, FIN, MORE, RESET };

struct seen {
	int n;
	struct session_forward_event at[EVENTS_MAX];
	char text[SESSION_FORWARD_TEXT_SIZE]; /* of the last that is no end */
};

struct scene {
	struct net net;
	struct session_forward *f[2];
	struct seen seen[2];
	struct session_forward_options o[2];
	int listener; /* of the program of party 1 */
};

int count(const struct seen *seen, enum session_forward_event_type type);

/* One turn of everything. */
void turn(struct scene *s);

#define UNTIL(s, condition)                                  \
	for (int64_t end_ = session_now_ms() + LIMIT_MS;;) { \
		turn(s);                                     \
		if (condition)                               \
			break;                               \
		assert_true(session_now_ms() < end_);        \
	}

/* A scene that is ready; ${by_hand}: party 0 has no forwarder. */
void begin(struct scene *s, bool by_hand, enum session_forward_check check);
void end(struct scene *s);

/* The program of party 0 connects; that of party 1 accepts. */
int dial(const struct scene *s);
int answer(struct scene *s);

/* Receive exactly ${len} bytes, and return the last. */
int take(struct scene *s, int fd, size_t len);

/* The connection ends with FIN, and nothing comes before it. */
void take_end(struct scene *s, int fd);

void put(int fd, const void *data, size_t len);

/* By hand: a message of party 0. */
void say(struct scene *s, int op, int stream, const void *rest, size_t len);

/* The next message is this one; a RESET's reason is returned. */
int hear(struct scene *s, int op, int stream);

#endif /* !TESTS_FORWARD_H */
