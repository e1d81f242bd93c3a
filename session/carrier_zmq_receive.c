/*
 * Receiving of the carrier over libzmq: from messages to events.
 *
 * Each read_* gives what session_carrier_zmq_receive() gives.  What came on a
 * connection before its end is delivered before its end.
 */
#include "session/carrier_zmq_receive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include <parley/err.h>

#include "session/carrier_zmq_socket.h"

enum { FRAMES_SPARE_MAX = 256 };

/* A received message, in libzmq's own memory. */
struct zmq_frame {
	struct session_frame base;
	zmq_msg_t msg;
	struct session_carrier_zmq *carrier;
};

static void release_frame(struct session_frame *base)
{
	struct zmq_frame *f = (struct zmq_frame *)base;
	struct session_carrier_zmq *c = f->carrier;

	zmq_msg_close(&f->msg);
	if (c->n_spare < FRAMES_SPARE_MAX) {
		base->next = c->spare;
		c->spare = base;
		c->n_spare++;
	} else {
		free(f);
	}
}

static struct zmq_frame *new_frame(struct session_carrier_zmq *c)
{
	struct zmq_frame *f = (struct zmq_frame *)c->spare;

	if (f) {
		c->spare = f->base.next;
		c->n_spare--;
	} else {
		f = malloc(sizeof(*f));
		if (!f)
			return NULL;
	}
	f->base = (struct session_frame){.release = release_frame, .refs = 1};
	f->carrier = c;
	zmq_msg_init(&f->msg);
	return f;
}

/*
 * 0, or PARLEY_ERR_AGAIN, or an error.  Whole messages are in the queue or
 * none of it, so only the first part can be missing.
 */
static int receive_msg(zmq_msg_t *msg, void *socket)
{
	while (zmq_msg_recv(msg, socket, ZMQ_DONTWAIT) < 0) {
		if (errno == EINTR)
			continue;
		return errno == EAGAIN ? PARLEY_ERR_AGAIN : PARLEY_ERR_SYSTEM;
	}
	return 0;
}

/* Read and drop the parts that follow ${msg}.  Were there any? */
static bool drop_more(zmq_msg_t *msg, void *socket)
{
	bool more = zmq_msg_more(msg), any = more;
	zmq_msg_t part;

	while (more) {
		zmq_msg_init(&part);
		more = receive_msg(&part, socket) == 0 && zmq_msg_more(&part);
		zmq_msg_close(&part);
	}
	return any;
}

/*
 * Events
 */

static void down(struct session_carrier_zmq *c,
		 struct session_carrier_event *ev,
		 struct session_carrier_zmq_conn *conn, const char *reason)
{
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_DOWN,
					     .conn = &conn->base,
					     .reason = reason};
	conn->up = false;
	if (conn->base.dialled) {
		conn->over = true;
		session_carrier_zmq_socket_close_dialled(c, conn, 0);
	}
	session_carrier_zmq_conn_bury(c, conn);
}

/* ${number} of a monitor's event, and its value; or PARLEY_ERR_AGAIN. */
static int read_monitor(void *socket, uint16_t *number, uint32_t *value)
{
	zmq_msg_t msg;
	int err;

	zmq_msg_init(&msg);
	err = receive_msg(&msg, socket);
	if (err)
		goto out;
	if (zmq_msg_size(&msg) == sizeof(*number) + sizeof(*value)) {
		memcpy(number, zmq_msg_data(&msg), sizeof(*number));
		memcpy(value, (uint8_t *)zmq_msg_data(&msg) + sizeof(*number),
		       sizeof(*value));
	} else {
		*number = 0;
		*value = 0;
	}
	drop_more(&msg, socket); /* the address */
out:
	zmq_msg_close(&msg);
	return err;
}

static int frame_event(struct session_carrier_event *ev,
		       struct session_carrier_zmq_conn *conn,
		       struct zmq_frame *f)
{
	f->base.data = zmq_msg_data(&f->msg);
	f->base.len = zmq_msg_size(&f->msg);
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_FRAME,
					     .conn = &conn->base,
					     .frame = &f->base};
	return 0;
}

static int read_dealer(struct session_carrier_zmq *c,
		       struct session_carrier_zmq_source *s,
		       struct session_carrier_event *ev)
{
	struct zmq_frame *f = new_frame(c);
	int err;

	if (!f)
		return PARLEY_ERR_MEMORY;
	err = receive_msg(&f->msg, s->socket);
	if (!err && drop_more(&f->msg, s->socket))
		err = SESSION_CARRIER_READ_ON; /* PROTOCOL 3: one frame, one
						  message */
	if (err) {
		session_frame_free(&f->base);
		return err;
	}
	return frame_event(ev, s->conn, f);
}

static int read_dealer_monitor(struct session_carrier_zmq *c,
			       struct session_carrier_zmq_source *s,
			       struct session_carrier_event *ev)
{
	struct session_carrier_zmq_conn *conn = s->conn;
	uint32_t value;
	uint16_t number = 0;
	int err;

	if (!conn->ended) {
		err = read_monitor(s->socket, &number, &value);
		if (err)
			return err;
	}
	if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
		conn->up = true;
		session_ready_add(&c->ready, &conn->dealer.ready);
		*ev = (struct session_carrier_event){.type = SESSION_CARRIER_UP,
						     .conn = &conn->base};
		return 0;
	}
	if (number == ZMQ_EVENT_CLOSED || number == ZMQ_EVENT_DISCONNECTED)
		conn->ended = true;
	if (!conn->ended)
		return SESSION_CARRIER_READ_ON;
	/* What came before the end is delivered before the end. */
	err = read_dealer(c, &conn->dealer, ev);
	if (err != PARLEY_ERR_AGAIN)
		return err;
	down(c, ev, conn, conn->up ? "connection closed" : "cannot connect");
	return 0;
}

/*
 * Of a DEALER that nobody has said is up.  The word of it was there before its
 * first message, but not necessarily when it was looked for.
 */
static int read_early_dealer(struct session_carrier_zmq *c,
			     struct session_carrier_zmq_source *s,
			     struct session_carrier_event *ev)
{
	struct session_carrier_zmq_source *monitor = &s->conn->monitor;
	size_t len = sizeof(int);
	int events = 0;

	/* To ask also settles the descriptor, which would stay readable. */
	if (zmq_getsockopt(s->socket, ZMQ_EVENTS, &events, &len) ||
	    !(events & ZMQ_POLLIN))
		return PARLEY_ERR_AGAIN;
	/* Who touches a socket of libzmq reads it to its end. */
	session_ready_add(&c->ready, &monitor->ready);
	return read_dealer_monitor(c, monitor, ev);
}

static int read_router_monitor(struct session_carrier_zmq *c,
			       struct session_carrier_zmq_source *s)
{
	struct session_carrier_zmq_conn *conn;
	uint32_t fd;
	uint16_t number;
	int err = read_monitor(s->socket, &number, &fd);

	if (err)
		return err;
	if (number != ZMQ_EVENT_DISCONNECTED)
		return SESSION_CARRIER_READ_ON;
	err = session_carrier_zmq_conn_grow_fds(c, fd);
	if (err)
		return err;
	if (c->owed[fd] > 0) {
		c->owed[fd]--; /* was of the descriptor's former use */
		return SESSION_CARRIER_READ_ON;
	}
	conn = c->by_fd[fd];
	if (conn) {
		session_carrier_zmq_conn_set_ended(c, conn);
		return SESSION_CARRIER_READ_ON;
	}
	/* Its first frame may not be read yet.  If the router turns out to
	 * hold none, it never said anything. */
	c->early[fd]++;
	c->n_early++;
	c->n_late = 0;
	session_ready_add(&c->ready, &c->router.ready);
	return SESSION_CARRIER_READ_ON;
}

bool session_carrier_zmq_receive_ended(struct session_carrier_zmq *c,
				       struct session_carrier_event *ev)
{
	struct session_carrier_zmq_conn *conn;

	if (c->n_early > 0) {
		memset(c->early, 0, c->n_fds * sizeof(unsigned));
		c->n_early = 0;
	}
	while ((conn = c->ended)) {
		c->ended = conn->dead;
		if (conn->over) {
			session_carrier_zmq_conn_bury(c, conn);
			continue;
		}
		down(c, ev, conn, "connection closed");
		return true;
	}
	return false;
}

static int read_router(struct session_carrier_zmq *c,
		       struct session_carrier_zmq_source *s,
		       struct session_carrier_event *ev)
{
	struct session_carrier_zmq_conn *conn, *gone = NULL;
	struct zmq_frame *f;
	uint32_t id;
	zmq_msg_t msg;
	int err;

	f = new_frame(c);
	if (!f)
		return PARLEY_ERR_MEMORY;

	/* [routing id][payload]; ids that libzmq gives are 0 and 4 bytes.
	 * A peer may choose one of its own: it then gets no answer. */
	zmq_msg_init(&msg);
	err = receive_msg(&msg, s->socket);
	if (err)
		goto out;
	if (zmq_msg_size(&msg) != 5 || *(uint8_t *)zmq_msg_data(&msg) != 0 ||
	    !zmq_msg_more(&msg)) {
		drop_more(&msg, s->socket);
		err = SESSION_CARRIER_READ_ON;
		goto out;
	}
	memcpy(&id, (uint8_t *)zmq_msg_data(&msg) + 1, sizeof(id));
	err = receive_msg(&f->msg, s->socket);
	if (err)
		goto out;
	if (drop_more(&f->msg, s->socket)) {
		err = SESSION_CARRIER_READ_ON;
		goto out;
	}
	conn = session_carrier_zmq_conn_find(c, id);
	if (!conn &&
	    (err = session_carrier_zmq_conn_add(
		 c, &conn, &gone, id, zmq_msg_get(&f->msg, ZMQ_SRCFD))))
		goto out;
	if (conn->over) {
		err = SESSION_CARRIER_READ_ON;
		goto out;
	}
	frame_event(ev, conn, f);
	f = NULL;
	if (gone && gone->over) {
		session_carrier_zmq_conn_bury(c,
					      gone); /* nobody is to be told */
	} else if (gone) {
		/* The end of the former one comes first. */
		c->stash = *ev;
		c->stashed = true;
		down(c, ev, gone, "connection closed");
	}
out:
	if (f)
		session_frame_free(&f->base);
	zmq_msg_close(&msg);
	return err;
}

int session_carrier_zmq_receive(struct session_carrier_zmq *c,
				struct session_carrier_zmq_source *s,
				struct session_carrier_event *ev)
{
	switch (s->kind) {
	case SESSION_ZMQ_ROUTER:
		return read_router(c, s, ev);
	case SESSION_ZMQ_ROUTER_MONITOR:
		return read_router_monitor(c, s);
	case SESSION_ZMQ_DEALER:
		if (!s->conn->up && !s->conn->ended)
			return read_early_dealer(c, s, ev);
		return read_dealer(c, s, ev);
	case SESSION_ZMQ_DEALER_MONITOR:
		return read_dealer_monitor(c, s, ev);
	}
	return PARLEY_ERR_INTERNAL;
}
