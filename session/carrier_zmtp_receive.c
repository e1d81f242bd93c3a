/*
 * Receiving of the ZMTP carrier: from bytes to events.
 *
 * All connections share one staging buffer, and so at most one has bytes in
 * it: they are parsed before anything else is read.  The rest of a large frame
 * does not come that way, but is read in place.
 */
#include "session/carrier_zmtp_receive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "session/carrier_zmtp_send.h"
#include "session/clock.h"

enum {
	STRANGER_READ = 4096, /* one read of a stranger: short turns */
	DIRECT_MIN = 4096,    /* a frame's rest from here on is read in place */
	BEHIND_READ = 256,    /* and of what follows it only so much staged */
	WATCH_MS = 2, /* a wait in one connection alone: a tick of the kernel */
	WATCH_PAUSE = 64, /* frames, after a wait in vain */
};

static void down(struct session_carrier_zmtp *c,
		 struct session_carrier_event *ev,
		 struct session_carrier_zmtp_conn *conn, const char *reason)
{
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_DOWN,
					     .conn = &conn->base,
					     .reason = reason};
	session_carrier_zmtp_conn_close(c, conn);
}

int session_carrier_zmtp_receive_end(struct session_carrier_zmtp *c,
				     struct session_carrier_event *ev,
				     struct session_carrier_zmtp_conn *conn,
				     const char *reason)
{
	if (conn->closing || (!conn->base.dialled && !conn->base.user)) {
		session_carrier_zmtp_conn_close(c, conn);
		return SESSION_CARRIER_NOTHING;
	}
	down(c, ev, conn, reason);
	return SESSION_CARRIER_EVENT;
}

static int frame_event(struct session_carrier_zmtp *c,
		       struct session_carrier_event *ev,
		       struct session_carrier_zmtp_conn *conn)
{
	if (c->staged && c->staged_at == c->staged_len)
		c->staged = NULL;
	conn->deadline_ms = INT64_MAX; /* the user's affair from now on */
	if (conn->watch_pause > 0)
		conn->watch_pause--;
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_FRAME,
					     .conn = &conn->base,
					     .frame = conn->frame};
	conn->frame = NULL;
	return SESSION_CARRIER_EVENT;
}

/* Memory for a frame.  Strangers do not get the large buffers of the pool. */
static struct session_frame *new_frame(
    const struct session_carrier_zmtp *c,
    const struct session_carrier_zmtp_conn *conn, size_t len)
{
	struct session_frame *f;
	size_t size = c->o.pool ? session_frame_pool_size(c->o.pool) : 0;

	if (!c->o.pool || conn->stranger || len > size || len < size / 4)
		return session_frame_new(len);
	f = session_frame_pool_get(c->o.pool);
	if (f)
		f->len = len;
	return f;
}

int session_carrier_zmtp_receive_parse(struct session_carrier_zmtp *c,
				       struct session_carrier_event *ev,
				       struct session_carrier_zmtp_conn *conn)
{
	uint8_t pong[SESSION_ZMTP_READY_MAX];
	const uint8_t *p;
	size_t len, n;

	while (c->staged == conn && c->staged_at < c->staged_len) {
		p = c->staging + c->staged_at;
		len = c->staged_len - c->staged_at;
		if (conn->frame) {
			n = conn->frame->len - conn->frame_done;
			if (n > len)
				n = len;
			memcpy(conn->frame->data + conn->frame_done, p, n);
			conn->frame_done += n;
			c->staged_at += n;
			if (conn->frame_done < conn->frame->len)
				break;
			if (conn->closing) {
				session_frame_free(conn->frame);
				conn->frame = NULL;
				continue;
			}
			return frame_event(c, ev, conn);
		}
		switch (session_zmtp_parse(&conn->zmtp, &n, p, len)) {
		case SESSION_ZMTP_MORE:
		case SESSION_ZMTP_IGNORED:
			c->staged_at += n;
			break;
		case SESSION_ZMTP_REFUSED:
			return session_carrier_zmtp_receive_end(
			    c, ev, conn, conn->zmtp.reason);
		case SESSION_ZMTP_PING:
			c->staged_at += n;
			n = session_zmtp_make_pong(pong, &conn->zmtp);
			if (session_carrier_zmtp_send_control(c, conn, pong, n))
				return session_carrier_zmtp_receive_end(
				    c, ev, conn, "connection closed");
			break;
		case SESSION_ZMTP_READY:
			c->staged_at += n;
			conn->state = SESSION_CONN_UP;
			session_carrier_zmtp_conn_wake_at(
			    c, 0); /* its silence counts from now on */
			if (!conn->base.dialled)
				break; /* its first frame tells the user */
			conn->deadline_ms = INT64_MAX;
			*ev = (struct session_carrier_event){
			    .type = SESSION_CARRIER_UP, .conn = &conn->base};
			return SESSION_CARRIER_EVENT;
		case SESSION_ZMTP_FRAME:
			c->staged_at += n;
			conn->frame = new_frame(c, conn, conn->zmtp.frame_len);
			conn->frame_done = 0;
			if (!conn->frame)
				return session_carrier_zmtp_receive_end(
				    c, ev, conn, "out of memory");
			if (conn->frame->len > 0)
				break;
			if (!conn->closing)
				return frame_event(c, ev, conn);
			session_frame_free(conn->frame);
			conn->frame = NULL;
			break;
		}
	}
	c->staged = NULL;
	return SESSION_CARRIER_NOTHING;
}

/* ${n} bytes of ${conn} came into staging. */
static void stage(struct session_carrier_zmtp *c,
		  struct session_carrier_zmtp_conn *conn, size_t n)
{
	conn->heard_ms = 0; /* now; the clock is asked when somebody cares */
	conn->pinged_ms = 0;
	c->staged = n > 0 ? conn : NULL;
	c->staged_at = 0;
	c->staged_len = n;
}

int session_carrier_zmtp_receive_read(struct session_carrier_zmtp *c,
				      struct session_carrier_event *ev,
				      struct session_carrier_zmtp_conn *conn)
{
	struct session_frame *f = conn->frame;
	size_t rest = f ? f->len - conn->frame_done : 0;
	size_t room = conn->stranger ? STRANGER_READ : sizeof(c->staging);
	struct iovec iov[2];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (rest >= DIRECT_MIN)
		/* What is staged is copied: of another large frame only its
		 * beginning should be. */
		room = BEHIND_READ;
	else
		rest = 0;
	iov[0] = (struct iovec){rest ? f->data + conn->frame_done : NULL, rest};
	iov[1] = (struct iovec){c->staging, room};
	do
		n = rest ? recvmsg(conn->fd, &msg, MSG_DONTWAIT)
			 : recv(conn->fd, c->staging, room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		session_ready_remove(&c->ready, &conn->ready);
		return SESSION_CARRIER_NOTHING;
	}
	/* The text of an error that has one is static, in glibc and in musl. */
	if (n <= 0)
		return session_carrier_zmtp_receive_end(
		    c, ev, conn,
		    n == 0 || errno == ECONNRESET ? "connection closed"
						  : strerror(errno));
	if (rest > 0) {
		size_t direct = (size_t)n < rest ? (size_t)n : rest;

		conn->frame_done += direct;
		n -= (ssize_t)direct;
	}
	/* Less than there was room for: the socket is empty. */
	if ((size_t)n < room)
		session_ready_remove(&c->ready, &conn->ready);
	stage(c, conn, (size_t)n);
	if (rest > 0 && conn->frame_done == f->len) {
		if (!conn->closing)
			return frame_event(c, ev, conn);
		session_frame_free(f);
		conn->frame = NULL;
	}
	return session_carrier_zmtp_receive_parse(c, ev, conn);
}

bool session_carrier_zmtp_receive_may_wait(
    struct session_carrier_zmtp_conn *conn)
{
	const struct timeval t = {.tv_usec = WATCH_MS * 1000};
	int flags;

	if (conn->watched)
		return true;
	flags = fcntl(conn->fd, F_GETFL);
	/* Everything else here says MSG_DONTWAIT. */
	conn->watched =
	    flags >= 0 &&
	    setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0 &&
	    fcntl(conn->fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
	return conn->watched;
}

/* recv(), but for a while again and again before it sleeps. */
static ssize_t receive_spinning(struct session_carrier_zmtp *c,
				struct session_carrier_zmtp_conn *conn)
{
	ssize_t n;

	if (c->o.spin_us > 0 && session_spin_may(&conn->spin)) {
		const int64_t limit = session_now_us() + c->o.spin_us;

		do
			n = recv(conn->fd, c->staging, sizeof(c->staging),
				 MSG_DONTWAIT);
		while (n < 0 && errno == EAGAIN && session_now_us() < limit);
		session_spin_learn(&conn->spin, n > 0);
		if (n >= 0 || errno != EAGAIN)
			return n;
	}
	return recv(conn->fd, c->staging, sizeof(c->staging), 0);
}

int session_carrier_zmtp_receive_wait(struct session_carrier_zmtp *c,
				      struct session_carrier_zmtp_conn *conn)
{
	ssize_t n = receive_spinning(c, conn);

	if (n > 0) {
		c->n_watches++;
		c->fresh = true;
		stage(c, conn, (size_t)n);
		/* As much as there was room for: there may be more. */
		if ((size_t)n == sizeof(c->staging))
			session_ready_add(&c->ready, &conn->ready);
		return 0;
	}
	if (n < 0 && errno == EWOULDBLOCK)
		conn->watch_pause = WATCH_PAUSE;
	else if (n == 0 || errno != EINTR)
		/* It ends when its turn comes. */
		session_ready_add(&c->ready, &conn->ready);
	return n == 0 ? 0 : errno;
}
