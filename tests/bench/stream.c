/*
 * Messages over byte streams; see stream.h.
 *
 * Invariant: out[0..out_len) was put and not yet written, in[in_begin..in_end)
 * was read and not yet handed out.
 */
#include "tests/bench/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEAD = 4,
	READ_SIZE = 64 * 1024,
};

void stream_init(struct stream *s, const struct bench_party *me, size_t gather)
{
	s->me = me;
	s->out_size = gather;
	s->in_size = READ_SIZE + me->size + HEAD;
	s->out = malloc(s->out_size);
	s->in = malloc(s->in_size);
	s->out_len = s->in_begin = s->in_end = 0;
	if (!s->out || !s->in)
		bench_fail(me, "out of memory");
}

void stream_wipe(struct stream *s)
{
	free(s->out);
	free(s->in);
	s->out = s->in = NULL;
}

static void put_bytes(struct stream *s, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t n = s->out_size - s->out_len;

		if (s->out_len == 0 && len >= s->out_size) {
			/* Whole buffers go as they stand, uncopied. */
			n = len - len % s->out_size;
			s->write(s->io, p, n);
		} else {
			n = n < len ? n : len;
			memcpy(s->out + s->out_len, p, n);
			s->out_len += n;
			if (s->out_len == s->out_size)
				stream_flush(s);
		}
		p += n;
		len -= n;
	}
}

void stream_put(struct stream *s, const void *msg, size_t len)
{
	const uint32_t head = (uint32_t)len;

	if (HEAD + len <= s->out_size - s->out_len) {
		memcpy(s->out + s->out_len, &head, HEAD);
		memcpy(s->out + s->out_len + HEAD, msg, len);
		s->out_len += HEAD + len;
		return;
	}
	put_bytes(s, (const uint8_t *)&head, HEAD);
	put_bytes(s, msg, len);
}

void stream_flush(struct stream *s)
{
	if (s->out_len > 0)
		s->write(s->io, s->out, s->out_len);
	s->out_len = 0;
}

/* Read until ${need} bytes are there. */
static void fill(struct stream *s, size_t need)
{
	if (s->in_begin + need > s->in_size) {
		memmove(s->in, s->in + s->in_begin, s->in_end - s->in_begin);
		s->in_end -= s->in_begin;
		s->in_begin = 0;
	}
	while (s->in_end - s->in_begin < need)
		s->in_end +=
		    s->read(s->io, s->in + s->in_end, s->in_size - s->in_end);
}

const void *stream_get(struct stream *s, size_t *len)
{
	const uint8_t *msg;
	uint32_t n;

	if (s->in_begin == s->in_end)
		s->in_begin = s->in_end = 0;
	if (s->in_end - s->in_begin < HEAD)
		fill(s, HEAD);
	memcpy(&n, s->in + s->in_begin, HEAD);
	if (n > s->me->size)
		bench_fail(s->me, "message too long");
	if (s->in_end - s->in_begin < HEAD + n)
		fill(s, HEAD + n);
	msg = s->in + s->in_begin + HEAD;
	s->in_begin += HEAD + n;
	*len = n;
	return msg;
}

/*
 * TCP
 */

static void set_nodelay(const struct tcp_mesh *m, int fd)
{
	const int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		bench_fail(m->me, "TCP_NODELAY: %s", strerror(errno));
}

int tcp_mesh_listen(struct tcp_mesh *m, const struct bench_party *me)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	m->me = me;
	for (int i = 0; i < BENCH_PARTIES_MAX; i++)
		m->fd[i] = -1;
	m->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (m->listen_fd < 0 ||
	    bind(m->listen_fd, (struct sockaddr *)&a, len) ||
	    listen(m->listen_fd, BENCH_PARTIES_MAX) ||
	    getsockname(m->listen_fd, (struct sockaddr *)&a, &len))
		bench_fail(me, "listen: %s", strerror(errno));
	return ntohs(a.sin_port);
}

int tcp_mesh_dial(struct tcp_mesh *m, int to, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    send(fd, &m->me->index, sizeof(m->me->index), 0) !=
		sizeof(m->me->index))
		bench_fail(m->me, "connect: %s", strerror(errno));
	set_nodelay(m, fd);
	m->fd[to] = fd;
	return fd;
}

int tcp_mesh_accept(struct tcp_mesh *m)
{
	int fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC), from;

	if (fd < 0 ||
	    recv(fd, &from, sizeof(from), MSG_WAITALL) != sizeof(from) ||
	    from < 0 || from >= m->me->index || m->fd[from] >= 0)
		bench_fail(m->me, "accept: %s", strerror(errno));
	set_nodelay(m, fd);
	m->fd[from] = fd;
	return from;
}

void tcp_mesh_close(struct tcp_mesh *m)
{
	for (int i = 0; i < BENCH_PARTIES_MAX; i++) {
		if (m->fd[i] >= 0)
			close(m->fd[i]);
		m->fd[i] = -1;
	}
	close(m->listen_fd);
}
