/*
 * What a stream of a forwarder has for the program here (PROTOCOL 12).
 *
 * A byte that was written, or will never be, is counted as handed on; so the
 * window of the stream (forward_send.c) is always what is allowed, what waits
 * here and what was handed on but not allowed again.
 *
 * Each write wakes a program that waits, which costs more than all else about
 * a small message.  So what a program wrote in several steps, and what came in
 * one turn, goes in one.  Nothing waits for what has not come yet.
 */
#include "session/forward_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <parley/err.h>

#include "session/session.h"

enum {
	QUEUE_MIN = 16 * 1024,
	GATHERED_MAX = QUEUE_MIN, /* more is not copied, but written */
};

/* Count ${n} bytes as handed on. */
static void hand_on(struct session_forward_stream *st, size_t n)
{
	st->owed += (uint32_t)n;
}

void session_forward_queue_drop(struct session_forward_stream *st)
{
	hand_on(st, st->queue_len);
	free(st->queue);
	st->queue = NULL;
	st->queue_at = st->queue_len = st->queue_size = 0;
}

void session_forward_queue_go_deaf(struct session_forward_stream *st)
{
	st->deaf = true;
	session_forward_queue_drop(st);
}

/* Write to the program.  Returns how much it took. */
static size_t write_some(struct session_forward_stream *st, const uint8_t *data,
			 size_t len)
{
	ssize_t n;

	do
		n = send(st->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (size_t)n;
	if (errno != EAGAIN)
		session_forward_queue_go_deaf(st);
	return 0;
}

static int append(struct session_forward_stream *st, const uint8_t *data,
		  size_t len)
{
	size_t size = st->queue_size ? st->queue_size : QUEUE_MIN;
	uint8_t *queue;

	if (st->queue_at > 0 &&
	    st->queue_at + st->queue_len + len > st->queue_size) {
		memmove(st->queue, st->queue + st->queue_at, st->queue_len);
		st->queue_at = 0;
	}
	while (size < st->queue_len + len)
		size *= 2;
	/* It fits in any case. */
	if (size > st->window)
		size = st->window;
	if (size > st->queue_size) {
		queue = realloc(st->queue, size);
		if (!queue)
			return PARLEY_ERR_MEMORY;
		st->queue = queue;
		st->queue_size = size;
	}
	memcpy(st->queue + st->queue_at + st->queue_len, data, len);
	st->queue_len += len;
	return 0;
}

/* Is ${len} to be gathered?  Not behind what the socket did not take. */
static bool may_gather(const struct session_forward *f,
		       const struct session_forward_stream *st, size_t len)
{
	if (!st->up || st->queue_len + len > GATHERED_MAX)
		return false;
	return st->gathered.listed ||
	       (st->queue_len == 0 && f->session->full.first);
}

int session_forward_queue_add(struct session_forward *f,
			      struct session_forward_stream *st,
			      const uint8_t *data, size_t len)
{
	size_t n = 0;

	if (!st->deaf && !st->ending && may_gather(f, st, len)) {
		session_ready_add(&f->gathered, &st->gathered);
		return append(st, data, len);
	}
	if (st->gathered.listed)
		session_forward_queue_write(st);
	if (st->up && !st->deaf && !st->ending && st->queue_len == 0)
		n = write_some(st, data, len);
	if (st->deaf || st->ending)
		n = len;
	hand_on(st, n);
	return n < len ? append(st, data + n, len - n) : 0;
}

void session_forward_queue_write(struct session_forward_stream *st)
{
	size_t n;

	if (!st->up)
		return;
	while (st->queue_len > 0) {
		n = write_some(st, st->queue + st->queue_at, st->queue_len);
		if (n == 0)
			break;
		hand_on(st, n);
		st->queue_at += n;
		st->queue_len -= n;
	}
	if (st->queue_len > 0)
		return;
	free(st->queue);
	st->queue = NULL;
	st->queue_at = st->queue_size = 0;
	if ((st->fin_received || st->ending) && !st->shut) {
		shutdown(st->fd, SHUT_WR);
		st->shut = true;
	}
}
