/*
 * The carrier over libzmq; no file but this and those beside it, which
 * carrier_zmq_conn.h lists, includes <zmq.h>.
 *
 * libzmq's descriptors only say that something may have happened, and a send
 * may swallow what they would have said: a socket stays on the list of those
 * to be read until a read finds nothing.
 */
#include "session/carrier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <zmq.h>

#include <parley/err.h>

#include "session/carrier_zmq_conn.h"
#include "session/carrier_zmq_receive.h"
#include "session/carrier_zmq_socket.h"

enum {
	EPOLL_BATCH = 64,
	SMALL_FRAME = 512, /* up to here copying beats sharing */
	/* Of a context, which takes time to make room for them: for each
	 * party a DEALER and its monitor, twice while one replaces another. */
	SOCKETS_MIN = 256,
	SOCKETS_PER_PARTY = 8,
};

static void zmq_carrier_hangup(struct session_carrier *base,
			       struct session_conn *conn_base)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	struct session_carrier_zmq_conn *conn =
	    (struct session_carrier_zmq_conn *)conn_base;

	conn->base.user = NULL;
	if (conn->over)
		return;
	conn->over = true;
	if (!conn->base.dialled)
		return; /* stays, so that its frames are known and dropped */
	/* What was just sent (an abort, say) gets a moment to leave. */
	session_carrier_zmq_socket_close_dialled(c, conn, 100);
	session_carrier_zmq_conn_bury(c, conn);
}

/*
 * Sending
 */

static void release_sent(void *data, void *hint)
{
	(void)data;
	session_frame_free(hint); /* on libzmq's thread: frees, no more */
}

/* Move ${frame}, which must be of session_frame_new(), into ${msg}. */
static int frame_to_msg(zmq_msg_t *msg, struct session_frame *frame)
{
	if (frame->len > SMALL_FRAME)
		return zmq_msg_init_data(msg, frame->data, frame->len,
					 release_sent, frame);
	if (zmq_msg_init_size(msg, frame->len))
		return -1;
	memcpy(zmq_msg_data(msg), frame->data, frame->len);
	session_frame_free(frame);
	return 0;
}

static int send_msg(zmq_msg_t *msg, void *socket, int flags)
{
	while (zmq_msg_send(msg, socket, flags | ZMQ_DONTWAIT) < 0)
		if (errno != EINTR)
			return session_carrier_zmq_socket_error();
	return 0;
}

static int zmq_carrier_send(struct session_carrier *base,
			    struct session_conn *conn_base,
			    struct session_frame *frame)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	struct session_carrier_zmq_conn *conn =
	    (struct session_carrier_zmq_conn *)conn_base;
	struct session_carrier_zmq_source *s =
	    conn->base.dialled ? &conn->dealer : &c->router;
	zmq_msg_t id, msg;
	int err;

	if (conn->over || !conn->up || !s->socket) {
		session_frame_free(frame);
		return PARLEY_ERR_LOST;
	}
	if (!conn->base.dialled) {
		zmq_msg_init_size(&id, 5); /* fits into zmq_msg_t itself */
		*(uint8_t *)zmq_msg_data(&id) = 0;
		memcpy((uint8_t *)zmq_msg_data(&id) + 1, &conn->routing_id, 4);
		err = send_msg(&id, s->socket, ZMQ_SNDMORE);
		if (err) {
			zmq_msg_close(&id);
			session_frame_free(frame);
			return err;
		}
	}
	if (frame_to_msg(&msg, frame)) {
		session_frame_free(frame);
		return PARLEY_ERR_MEMORY;
	}
	session_ready_add(&c->ready, &s->ready);
	err = send_msg(&msg, s->socket, 0);
	if (err)
		zmq_msg_close(&msg);
	return err;
}

/*
 * Waiting
 */

/* List what epoll has seen.  Returns as session_carrier_wait(). */
static int poll_sources(struct session_carrier_zmq *c, int timeout_ms)
{
	struct epoll_event events[EPOLL_BATCH];
	int n = epoll_wait(c->epoll_fd, events, EPOLL_BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? PARLEY_ERR_INTERRUPTED
				      : PARLEY_ERR_SYSTEM;
	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			session_ready_add(
			    &c->ready,
			    &((struct session_carrier_zmq_source *)events[i]
				  .data.ptr)
				 ->ready);
	return n == 0 ? PARLEY_ERR_AGAIN : 0;
}

static int zmq_carrier_next(struct session_carrier *base,
			    struct session_carrier_event *ev)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	bool polled = false;

	session_carrier_zmq_conn_free_dead(c);
	if (c->stashed) {
		c->stashed = false;
		*ev = c->stash;
		return 0;
	}
	for (;;) {
		struct session_carrier_zmq_source *s;
		int err;

		if (!c->ready.first && polled)
			return PARLEY_ERR_AGAIN;
		if (!c->ready.first) {
			err = poll_sources(c, 0);
			if (err && err != PARLEY_ERR_INTERRUPTED)
				return err;
			polled = true;
			continue;
		}
		s = SESSION_READY_OF(c->ready.first,
				     struct session_carrier_zmq_source, ready);
		if ((c->ended || c->n_early > 0) && s == &c->router &&
		    c->n_late++ > (c->n_conns + 1) * SESSION_STRANGER_HWM &&
		    session_carrier_zmq_receive_ended(c, ev))
			return 0;
		err = session_carrier_zmq_receive(c, s, ev);
		if (err == PARLEY_ERR_AGAIN && s == &c->router &&
		    session_carrier_zmq_receive_ended(c, ev))
			return 0;
		if (err == PARLEY_ERR_AGAIN)
			session_ready_remove(&c->ready, &s->ready);
		else if (err != SESSION_CARRIER_READ_ON)
			return err;
	}
}

static int zmq_carrier_settle(struct session_carrier *base)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	struct session_ready *r, *next;

	for (r = c->ready.first; r; r = next) {
		struct session_carrier_zmq_source *s = SESSION_READY_OF(
		    r, struct session_carrier_zmq_source, ready);
		size_t len = sizeof(int);
		int events = 0;

		next = r->next;
		if (zmq_getsockopt(s->socket, ZMQ_EVENTS, &events, &len))
			return PARLEY_ERR_SYSTEM;
		/* The end of one may wait to be told. */
		if (!(events & ZMQ_POLLIN) && !(c->ended && s == &c->router))
			session_ready_remove(&c->ready, &s->ready);
	}
	return session_wake_set(&c->wake, c->ready.first || c->stashed);
}

static int zmq_carrier_wait(struct session_carrier *base,
			    struct session_conn *conn, int timeout_ms)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;

	(void)conn; /* what libzmq's thread brings is behind one descriptor */
	if (c->ready.first || c->stashed)
		return 0;
	if (session_wake_set(&c->wake, false))
		return PARLEY_ERR_SYSTEM;
	return poll_sources(c, timeout_ms);
}

static int zmq_carrier_fd(const struct session_carrier *base)
{
	return ((const struct session_carrier_zmq *)base)->epoll_fd;
}

/*
 * Life
 */

static void zmq_carrier_free(struct session_carrier *base, int linger_ms)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	struct session_frame *f;
	struct session_carrier_zmq_conn *conn;

	/* libzmq's thread is not in this process. */
	if (linger_ms == SESSION_CARRIER_LEAVE)
		return;
	/* All users have hung up, so dialled connections are on the list of
	 * the dead and accepted ones in the table. */
	if (c->stashed)
		session_frame_free(c->stash.frame);
	session_carrier_zmq_conn_free_dead(c);
	for (size_t i = 0; i < c->n_slots; i++)
		while ((conn = c->by_id[i])) {
			c->by_id[i] = conn->chain;
			free(conn);
		}
	if (c->router.socket)
		zmq_socket_monitor(c->router.socket, NULL, 0);
	session_carrier_zmq_socket_close(c, &c->router_monitor, 0);
	session_carrier_zmq_socket_close(c, &c->router, linger_ms);
	if (c->context)
		while (zmq_ctx_term(c->context) && errno == EINTR)
			;
	while ((f = c->spare)) {
		c->spare = f->next;
		free(f);
	}
	session_wake_close(&c->wake);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c->by_id);
	free(c->by_fd);
	free(c->owed);
	free(c->early);
	free(c);
}

static const struct session_carrier_ops zmq_carrier_ops = {
    .listen = session_carrier_zmq_socket_listen,
    .dial = session_carrier_zmq_socket_dial,
    .send = zmq_carrier_send,
    .hangup = zmq_carrier_hangup,
    .next = zmq_carrier_next,
    .wait = zmq_carrier_wait,
    .fd = zmq_carrier_fd,
    .settle = zmq_carrier_settle,
    .free = zmq_carrier_free,
};

int session_carrier_zmq_new(struct session_carrier **cp,
			    const struct session_carrier_options *o)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	struct session_carrier_zmq *c = calloc(1, sizeof(*c));

	if (!c)
		return PARLEY_ERR_MEMORY;
	c->base.ops = &zmq_carrier_ops;
	c->o = *o;
	session_ready_init(&c->ready);
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->context = zmq_ctx_new();
	if (session_wake_init(&c->wake) || c->epoll_fd < 0 || !c->context ||
	    epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->wake.fd, &ev) ||
	    zmq_ctx_set(c->context, ZMQ_MAX_SOCKETS,
			SOCKETS_MIN + SOCKETS_PER_PARTY * (int)o->n_parties)) {
		zmq_carrier_free(&c->base, 0);
		return PARLEY_ERR_SYSTEM;
	}
	*cp = &c->base;
	return 0;
}
