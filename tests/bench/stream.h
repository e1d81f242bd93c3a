/*
 * Messages over byte streams: a length of 4 bytes, then the message.
 *
 * Written either one by one or gathered; read with few calls.  Shared by
 * plain TCP and TLS.
 */
#ifndef TESTS_BENCH_STREAM_H
#define TESTS_BENCH_STREAM_H

#include <sys/types.h>

#include "tests/bench/bench.h"

struct stream {
	const struct bench_party *me;
	void *io;
	/* Write all; read what is there, at least one byte. */
	void (*write)(void *io, const void *p, size_t len);
	size_t (*read)(void *io, void *p, size_t size);

	uint8_t *out;
	size_t out_len;
	size_t out_size;

	uint8_t *in;
	size_t in_begin;
	size_t in_end;
	size_t in_size;
};

/* ${io}, ${write} and ${read} are set by the caller. */
void stream_init(struct stream *s, const struct bench_party *me, size_t gather);
void stream_wipe(struct stream *s);

/* Gather ${msg}; a full buffer is written. */
void stream_put(struct stream *s, const void *msg, size_t len);
void stream_flush(struct stream *s);

/* Wait for a message; borrowed until the next call. */
const void *stream_get(struct stream *s, size_t *len);

/*
 * A TCP connection to every other party: lower ones dial, and say in four
 * bytes who they are.
 */
struct tcp_mesh {
	const struct bench_party *me;
	int listen_fd;
	int fd[BENCH_PARTIES_MAX];
};

/* Returns the port. */
int tcp_mesh_listen(struct tcp_mesh *m, const struct bench_party *me);
/* ${port} of party ${to}. */
int tcp_mesh_dial(struct tcp_mesh *m, int to, int port);
/* Returns which party dialled. */
int tcp_mesh_accept(struct tcp_mesh *m);
void tcp_mesh_close(struct tcp_mesh *m);

#endif /* !TESTS_BENCH_STREAM_H */
