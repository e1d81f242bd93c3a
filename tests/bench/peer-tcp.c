/*
 * Plain TCP: a write for each message, or gathered into 64 KiB.
 *
 * No security at all: what the network and its calls cost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/bench/stream.h"

enum { GATHER = 64 * 1024 };

enum way { ONE_BY_ONE, GATHERED };

struct peer;

struct link {
	struct peer *peer;
	int fd;
	struct stream stream;
};

struct peer {
	struct bench_party me;
	struct tcp_mesh mesh;
	bool gathered;
	struct link link[BENCH_PARTIES_MAX];
};

static void *prepare(const struct bench_party *me, int way)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		bench_fail(me, "out of memory");
	p->me = *me;
	p->gathered = way == GATHERED;
	return p;
}

static void write_all(void *io, const void *p, size_t len)
{
	struct link *l = io;
	const uint8_t *from = p;

	while (len > 0) {
		ssize_t n = send(l->fd, from, len, MSG_NOSIGNAL);

		if (n < 0)
			bench_fail(&l->peer->me, "send: %s", strerror(errno));
		from += n;
		len -= (size_t)n;
	}
}

static size_t read_some(void *io, void *p, size_t size)
{
	struct link *l = io;
	ssize_t n = recv(l->fd, p, size, 0);

	if (n <= 0)
		bench_fail(&l->peer->me, "recv: %s",
			   n ? strerror(errno) : "closed");
	return (size_t)n;
}

static void peer_listen(void *peer)
{
	struct peer *p = peer;
	int port = tcp_mesh_listen(&p->mesh, &p->me);

	bench_post(&p->me, &port, sizeof(port));
}

static void begin(struct peer *p, int party)
{
	struct link *l = &p->link[party];

	l->peer = p;
	l->fd = p->mesh.fd[party];
	l->stream.io = l;
	l->stream.write = write_all;
	l->stream.read = read_some;
	stream_init(&l->stream, &p->me, GATHER);
}

static void peer_connect(void *peer)
{
	struct peer *p = peer;

	for (int i = p->me.index + 1; i < p->me.n; i++) {
		int port;

		memcpy(&port, bench_posted(&p->me, i), sizeof(port));
		tcp_mesh_dial(&p->mesh, i, port);
		begin(p, i);
	}
	for (int i = 0; i < p->me.index; i++)
		begin(p, tcp_mesh_accept(&p->mesh));
}

static void send_now(struct link *l, const void *msg, size_t len)
{
	uint32_t head = (uint32_t)len;
	struct iovec iov[2] = {
	    {.iov_base = &head, .iov_len = sizeof(head)},
	    {.iov_base = (void *)(uintptr_t)msg, .iov_len = len}};
	ssize_t n = writev(l->fd, iov, 2);

	if (n < (ssize_t)sizeof(head))
		bench_fail(&l->peer->me, "send: %s", strerror(errno));
	n -= (ssize_t)sizeof(head);
	if ((size_t)n < len)
		write_all(l, (const uint8_t *)msg + n, len - (size_t)n);
}

static void peer_send(void *peer, int to, const void *msg, size_t len)
{
	struct peer *p = peer;

	if (p->gathered)
		stream_put(&p->link[to].stream, msg, len);
	else
		send_now(&p->link[to], msg, len);
}

static void peer_flush(void *peer)
{
	struct peer *p = peer;

	for (int i = 0; i < p->me.n; i++)
		if (i != p->me.index)
			stream_flush(&p->link[i].stream);
}

static const void *peer_recv(void *peer, int from, size_t *len)
{
	struct peer *p = peer;
	struct stream *s = &p->link[from].stream;

	if (p->gathered && s->in_begin == s->in_end)
		peer_flush(p); /* may have to wait */
	return stream_get(s, len);
}

static void peer_close(void *peer)
{
	struct peer *p = peer;

	for (int i = 0; i < p->me.n; i++)
		if (i != p->me.index)
			stream_wipe(&p->link[i].stream);
	tcp_mesh_close(&p->mesh);
}

static void release(void *peer)
{
	free(peer);
}

const struct bench_peer bench_peer_tcp = {
    .name = "tcp",
    .what = "plain TCP, a write per message, TCP_NODELAY",
    .patterns = ~0u,
    .way = ONE_BY_ONE,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .close = peer_close,
    .release = release,
};

const struct bench_peer bench_peer_tcp_gathered = {
    .name = "tcp-gathered",
    .what = "plain TCP, messages gathered into 64 KiB",
    .patterns = ~0u,
    .way = GATHERED,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .flush = peer_flush,
    .close = peer_close,
    .release = release,
};
