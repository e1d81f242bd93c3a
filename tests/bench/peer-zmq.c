/*
 * libzmq as it is: NULL, CURVE, and CURVE with an authenticator (ZAP) that
 * lets only known keys in.  Without one any key may connect, which is not
 * what a session offers, so set-up is measured with it, too.
 */
#include <stdlib.h>

#include "tests/bench/zmq-mesh.h"

enum way { NONE, CURVE, CURVE_ZAP };

static void *prepare(const struct bench_party *me, int way)
{
	struct zmq_mesh *m = calloc(1, sizeof(*m));

	if (!m)
		bench_fail(me, "out of memory");
	zmq_mesh_prepare(m, me, way != NONE, way == CURVE_ZAP);
	return m;
}

static void peer_listen(void *peer)
{
	zmq_mesh_listen(peer);
}

static void peer_connect(void *peer)
{
	zmq_mesh_connect(peer);
}

static void peer_send(void *peer, int to, const void *msg, size_t len)
{
	zmq_mesh_send(peer, to, msg, len);
}

static const void *peer_recv(void *peer, int from, size_t *len)
{
	return zmq_mesh_recv(peer, from, len);
}

static void peer_close(void *peer)
{
	zmq_mesh_close(peer);
}

static void release(void *peer)
{
	zmq_mesh_release(peer);
	free(peer);
}

const struct bench_peer bench_peer_null = {
    .name = "zmq-null",
    .what = "libzmq without security",
    .patterns = ~0u,
    .way = NONE,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .close = peer_close,
    .release = release,
};

const struct bench_peer bench_peer_curve = {
    .name = "zmq-curve",
    .what = "libzmq with CURVE; any key may connect",
    .patterns = ~0u,
    .way = CURVE,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .close = peer_close,
    .release = release,
};

const struct bench_peer bench_peer_curve_zap = {
    .name = "zmq-curve-zap",
    .what = "libzmq with CURVE and ZAP; only known keys (set-up only)",
    .patterns = 1u << BENCH_SETUP,
    .way = CURVE_ZAP,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .close = peer_close,
    .release = release,
};
