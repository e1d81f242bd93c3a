/*
 * For the tests of channels: two of them, and a hostile end.
 *
 * `struct peer` is an end that is no channel: it knows the keys and seals
 * whatever items it likes.
 */
#ifndef TESTS_CHANNEL_H
#define TESTS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/channel.h"
#include "tests/test-session-vector.h"

extern const struct session_traffic traffic;

extern const struct session_channel_options usual;

extern const struct session_channel_options small;

/* ${len} bytes of message ${n}; free() them. */
uint8_t *make_message(size_t n, size_t len);

void assert_message(const void *msg, size_t len, size_t n, size_t expected_len);

struct pair {
	struct session_channel *a, *b;
};

/* All that ${from} has sealed; returns the number of frames. */
size_t deliver(struct session_channel *from, struct session_channel *to);

size_t flush(struct session_channel *from, struct session_channel *to);

void pair_init_with(struct pair *p, uint8_t suite,
		    const struct session_channel_options *oa,
		    const struct session_channel_options *ob);

void pair_init(struct pair *p, const struct session_channel_options *o);

void pair_free(struct pair *p);

/* Put all of a message; what is sealed meanwhile goes to ${to}. */
void put(struct session_channel *c, struct session_channel *to, size_t n,
	 size_t len);

void take(struct session_channel *c, size_t n, size_t len);

void assert_empty(struct session_channel *c);

/* ACK of all to the other side. */
void acknowledge(struct session_channel *from, struct session_channel *to);

struct peer {
	struct session_channel *c;
	struct session_record seal, open;
};

void peer_init(struct peer *p, const struct session_channel_options *o);

void peer_free(struct peer *p);

int peer_send(struct peer *p, const void *items, size_t len);

#define peer_text(p, text) peer_send(p, text, sizeof(text) - 1)

/* ACK next 0, limit 65536: a good first record. */
#define FIRST_RECORD "\x07\x04\x00\x80\x80\x04"

void peer_start(struct peer *p, const struct session_channel_options *o);

/* The items that the channel sends; their length. */
size_t peer_receive(struct peer *p, uint8_t *items, size_t size);

/* The limit in the ACK that the channel sends. */
uint64_t acked_limit(struct peer *p);

/* ${f} comes again, or early, and is dropped. */
void receive_dropped(struct session_channel *c, struct session_frame *f);

#endif /* !TESTS_CHANNEL_H */
