/*
 * A PAIR socket of libzmq to every other party, plain or with CURVE.
 */
#ifndef TESTS_BENCH_ZMQ_MESH_H
#define TESTS_BENCH_ZMQ_MESH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <zmq.h>

#include "tests/bench/bench.h"

struct zmq_mesh {
	struct bench_party me;
	void *context;
	void *socket[BENCH_PARTIES_MAX];
	zmq_msg_t msg; /* last received */
	bool curve;
	bool zap; /* an authenticator thread decides who may connect */
	void *zap_socket;
	pthread_t zap_thread;
	char secret[41];
};

void zmq_mesh_prepare(struct zmq_mesh *m, const struct bench_party *me,
		      bool curve, bool zap);
void zmq_mesh_listen(struct zmq_mesh *m);
void zmq_mesh_connect(struct zmq_mesh *m);
void zmq_mesh_send(struct zmq_mesh *m, int to, const void *msg, size_t len);
/* Borrowed until the next call. */
const void *zmq_mesh_recv(struct zmq_mesh *m, int from, size_t *len);
void zmq_mesh_close(struct zmq_mesh *m);
void zmq_mesh_release(struct zmq_mesh *m);

/* Room on the board for another layer's own post. */
enum { ZMQ_MESH_EXTRA_MAX = 256 };
void zmq_mesh_post_extra(struct zmq_mesh *m, const char *text);
const char *zmq_mesh_extra(const struct zmq_mesh *m, int party);

#endif /* !TESTS_BENCH_ZMQ_MESH_H */
