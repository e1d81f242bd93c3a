/*
 * Sending of the ZMTP carrier, and what waits to leave.
 *
 * A frame leaves in one system call together with its header if the socket
 * takes it; what it does not take waits as a piece, and pieces leave in order.
 * Where writing fails, reading goes on: what the other end sent before it went
 * is still to be read.
 */
#include "session/carrier_zmtp_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <parley/err.h>

#include "session/carrier_zmtp_alive.h"
#include "session/clock.h"

enum {
	IOV_MAX_USED = 64,
	CONTROL_MAX = 8, /* unsent commands of a connection */
};

/* A piece to be sent: a command, or a message and its header. */
struct session_carrier_zmtp_piece {
	struct session_carrier_zmtp_piece *next;
	struct session_frame *frame; /* or NULL */
	size_t head_len, done;
	uint8_t head[SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX];
};

static void piece_free(struct session_carrier_zmtp_piece *p)
{
	session_frame_free(p->frame);
	free(p);
}

void session_carrier_zmtp_send_drop(struct session_carrier_zmtp_conn *conn)
{
	struct session_carrier_zmtp_piece *p;

	while ((p = conn->head)) {
		conn->head = p->next;
		piece_free(p);
	}
	conn->tail = &conn->head;
}

/* Bytes of ${p} that are still to go, as at most two vectors. */
static int piece_vectors(const struct session_carrier_zmtp_piece *p,
			 struct iovec *iov)
{
	size_t frame_len = p->frame ? p->frame->len : 0;
	int n = 0;

	if (p->done < p->head_len)
		iov[n++] =
		    (struct iovec){(uint8_t *)(uintptr_t)p->head + p->done,
				   p->head_len - p->done};
	if (frame_len > 0) {
		size_t done = p->done > p->head_len ? p->done - p->head_len : 0;

		iov[n++] =
		    (struct iovec){p->frame->data + done, frame_len - done};
	}
	return n;
}

/* ${n} bytes of the queue have left. */
static void written(struct session_carrier_zmtp_conn *conn, size_t n)
{
	while (n > 0) {
		struct session_carrier_zmtp_piece *p = conn->head;
		size_t left =
		    p->head_len + (p->frame ? p->frame->len : 0) - p->done;

		if (n < left) {
			p->done += n;
			return;
		}
		n -= left;
		conn->head = p->next;
		if (!conn->head)
			conn->tail = &conn->head;
		if (!p->frame && conn->n_control > 0)
			conn->n_control--;
		if (p->frame)
			conn->base.queued -= p->frame->len;
		piece_free(p);
	}
}

/*
 * Writing failed: the other end is gone.  What it sent before is still to be
 * read; the end of that is the end of the connection.
 */
static void go_mute(struct session_carrier_zmtp *c,
		    struct session_carrier_zmtp_conn *conn)
{
	conn->mute = true;
	session_carrier_zmtp_send_drop(conn);
	conn->n_control = 0;
	conn->base.queued = 0;
	session_ready_add(&c->ready, &conn->ready);
}

static void want_write(struct session_carrier_zmtp *c,
		       struct session_carrier_zmtp_conn *conn, bool on)
{
	if (conn->writing == on)
		return;
	session_carrier_zmtp_conn_set_writing(c, conn, on);
	session_carrier_zmtp_conn_watch(c, EPOLL_CTL_MOD, conn->fd,
					on ? EPOLLIN | EPOLLOUT : EPOLLIN,
					conn);
}

void session_carrier_zmtp_send_out(struct session_carrier_zmtp *c,
				   struct session_carrier_zmtp_conn *conn)
{
	struct iovec iov[IOV_MAX_USED];
	struct msghdr msg = {.msg_iov = iov};
	ssize_t n;

	while (conn->head) {
		int n_iov = 0;

		for (struct session_carrier_zmtp_piece *p = conn->head;
		     p && n_iov + 2 <= IOV_MAX_USED; p = p->next)
			n_iov += piece_vectors(p, iov + n_iov);
		msg.msg_iovlen = (size_t)n_iov;
		n = sendmsg(conn->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			want_write(c, conn, true);
			return;
		}
		if (n < 0)
			go_mute(c, conn);
		else
			written(conn, (size_t)n);
	}
	want_write(c, conn, false);
}

static struct session_carrier_zmtp_piece *piece_new(
    struct session_carrier_zmtp_conn *conn)
{
	struct session_carrier_zmtp_piece *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->next = NULL;
	p->frame = NULL;
	p->head_len = p->done = 0;
	*conn->tail = p;
	conn->tail = &p->next;
	return p;
}

/* Send a message in one call, without a piece, if nothing waits before it. */
static ssize_t write_now(struct session_carrier_zmtp_conn *conn,
			 const uint8_t *head, size_t head_len,
			 const struct session_frame *f)
{
	const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	struct iovec iov[2] = {{(uint8_t *)(uintptr_t)head, head_len},
			       {f->data, f->len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (conn->head)
		return 0;
	if (session_frame_has_headroom(f)) {
		uint8_t *begin = f->data - head_len;

		memcpy(begin, head, head_len);
		do
			n = send(conn->fd, begin, head_len + f->len, flags);
		while (n < 0 && errno == EINTR);
	} else {
		do
			n = sendmsg(conn->fd, &msg, flags);
		while (n < 0 && errno == EINTR);
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}

int session_carrier_zmtp_send(struct session_carrier *base,
			      struct session_conn *conn_base,
			      struct session_frame *frame)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	struct session_carrier_zmtp_conn *conn =
	    (struct session_carrier_zmtp_conn *)conn_base;
	uint8_t head[SESSION_ZMTP_HEADER_MAX];
	struct session_carrier_zmtp_piece *p;
	size_t head_len;
	ssize_t n;

	if (conn->state != SESSION_CONN_UP || conn->closing || conn->broken) {
		session_frame_free(frame);
		return PARLEY_ERR_LOST;
	}
	if (conn->mute) {
		session_frame_free(frame);
		return 0; /* DOWN follows */
	}
	if (!conn->sent) {
		conn->sent = true;
		session_carrier_zmtp_conn_wake_at(
		    c, session_now_ms() + session_carrier_zmtp_alive_beat(c));
	}
	head_len = session_zmtp_make_header(head, frame->len);
	n = write_now(conn, head, head_len, frame);
	if (n < 0)
		go_mute(c, conn);
	if (n < 0 || (size_t)n == head_len + frame->len) {
		session_frame_free(frame);
		return 0;
	}
	p = piece_new(conn);
	if (!p) {
		/* A message is lost, or half of one is out. */
		session_carrier_zmtp_conn_set_broken(c, conn, "out of memory");
		session_frame_free(frame);
		return PARLEY_ERR_LOST;
	}
	memcpy(p->head, head, head_len);
	p->head_len = head_len;
	p->frame = frame;
	p->done = (size_t)n;
	conn->base.queued += frame->len;
	want_write(c, conn, true);
	return 0;
}

int session_carrier_zmtp_send_control(struct session_carrier_zmtp *c,
				      struct session_carrier_zmtp_conn *conn,
				      const uint8_t *bytes, size_t len)
{
	struct session_carrier_zmtp_piece *p;

	if (conn->n_control >= CONTROL_MAX || conn->mute)
		return 0;
	p = piece_new(conn);
	if (!p)
		return PARLEY_ERR_LOST;
	memcpy(p->head, bytes, len);
	p->head_len = len;
	conn->n_control++;
	session_carrier_zmtp_send_out(c, conn);
	return 0;
}

int session_carrier_zmtp_send_greeting(struct session_carrier_zmtp *c,
				       struct session_carrier_zmtp_conn *conn)
{
	uint8_t out[SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX];
	size_t len = SESSION_ZMTP_GREETING_LEN;

	session_zmtp_greeting(out);
	len += session_zmtp_make_ready(out + len, conn->zmtp.type);
	return session_carrier_zmtp_send_control(c, conn, out, len);
}
