/*
 * The carrier over libzmq: the only file that includes <zmq.h>.
 *
 * One ROUTER listens; each dialled connection has a DEALER of its own, which
 * never reconnects by itself, so that a connection is one TCP connection and
 * its end is known.  Ends are told by socket monitors.  libzmq's descriptors
 * only say that something may have happened, and a send may swallow what
 * they would have said: a socket stays on the list of those to be read until
 * a read finds nothing.
 */
#include "session/carrier.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zmq.h>

#include <parley/err.h>

#include "session/ready.h"
#include "session/wake.h"
#include "session/wire.h"

enum {
	EPOLL_BATCH = 64,
	SMALL_FRAME = 512,     /* up to here copying beats sharing */
	ROUTER_BACKLOG = 1024, /* connections waiting to be accepted */
	CONNECT_TIMEOUT_MS = 5000,
	NEVER_MS = 24 * 3600 * 1000,
	HANDSHAKE_IVL_MS = 5000, /* ZMTP greeting */
	/* Of a context, which takes time to make room for them: for each
	 * party a DEALER and its monitor, twice while one replaces another. */
	SOCKETS_MIN = 256,
	SOCKETS_PER_PARTY = 8,
	HEARTBEAT_TTL_MAX = 6553500, /* ms: 16 bits of tenths on the wire */
	STRANGER_HWM = 256, /* frames queued of one accepted connection */
	FRAMES_SPARE_MAX = 256,
};

enum kind { ROUTER, ROUTER_MONITOR, DEALER, DEALER_MONITOR };

struct conn;

/* A libzmq socket with its place on the list of those to be read. */
struct source {
	enum kind kind;
	void *socket;
	struct conn *conn;	    /* of a DEALER and its monitor */
	struct session_ready ready; /* to be read */
};

struct conn {
	struct session_conn base;
	struct source dealer;  /* dialled */
	struct source monitor; /* dialled */
	uint32_t routing_id;   /* accepted; the last 4 of 5 bytes */
	int fd;		       /* accepted: libzmq's descriptor; -1: unknown */
	bool up;
	bool ended;	    /* closed, but frames may be left */
	bool over;	    /* given up: ignore what comes */
	struct conn *chain; /* accepted: next in the hash chain */
	struct conn *dead;  /* next to be freed, or ended */
};

/* A received message, in libzmq's own memory. */
struct zmq_frame {
	struct session_frame base;
	zmq_msg_t msg;
	struct carrier *carrier;
};

struct carrier {
	struct session_carrier base;
	struct session_carrier_options o;
	void *context;
	struct source router;
	struct source router_monitor;
	int epoll_fd;
	struct session_wake wake; /* in epoll_fd, while sources are listed */
	struct session_ready_list ready; /* sources to be read */
	unsigned n_monitors; /* made so far; names their addresses */

	/* Accepted connections by routing id and by descriptor. */
	struct conn **by_id;
	size_t n_conns, n_slots;
	struct conn **by_fd;
	unsigned *owed;	 /* DISCONNECTED events of reused descriptors */
	unsigned *early; /* those that came before a first frame was read */
	size_t n_fds, n_early;

	struct conn *dead;		    /* to be freed at the next call */
	struct conn *ended;		    /* accepted; frames may be left */
	size_t n_late;			    /* frames read since one ended */
	struct session_carrier_event stash; /* to be returned next */
	bool stashed;
	struct session_frame *spare; /* zmq_frame, for reuse */
	unsigned n_spare;
};

static int error_of_errno(void)
{
	switch (errno) {
	case EADDRINUSE:
		return PARLEY_ERR_ADDRESS_IN_USE;
	case ENOMEM:
		return PARLEY_ERR_MEMORY;
	case EADDRNOTAVAIL:
	case EINVAL:
	case ENODEV:
	case EPROTONOSUPPORT:
	case ENOCOMPATPROTO:
		return PARLEY_ERR_ENDPOINT;
	case EHOSTUNREACH:
		return PARLEY_ERR_LOST;
	default:
		return PARLEY_ERR_SYSTEM;
	}
}

/*
 * Sources
 */

static int add_source(struct carrier *c, struct source *s, enum kind kind,
		      void *socket, struct conn *conn)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
	size_t len = sizeof(int);
	int fd;

	*s = (struct source){.kind = kind, .socket = socket, .conn = conn};
	if (zmq_getsockopt(socket, ZMQ_FD, &fd, &len) ||
	    epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return PARLEY_ERR_SYSTEM;
	session_ready_add(&c->ready, &s->ready);
	return 0;
}

static void close_source(struct carrier *c, struct source *s, int linger_ms)
{
	size_t len = sizeof(int);
	int fd;

	if (!s->socket)
		return;
	session_ready_remove(&c->ready, &s->ready);
	if (zmq_getsockopt(s->socket, ZMQ_FD, &fd, &len) == 0)
		epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	zmq_setsockopt(s->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
	zmq_close(s->socket);
	s->socket = NULL;
}

static bool set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

/*
 * A network that is silent is the kernel's to notice.  The first three are for
 * a connection where nothing is under way, the last for what is not
 * acknowledged.  It also ends one to a program that has not read for so long
 * while more was sent than the kernels hold, which carrier_zmtp can tell apart.
 */
static bool watch_network(const struct carrier *c, void *socket)
{
	const int beat_s =
	    c->o.liveness_ms / 3000 > 0 ? c->o.liveness_ms / 3000 : 1;

	return set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
	       set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, beat_s) &&
	       set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, beat_s) &&
	       set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 2) &&
	       set_int(socket, ZMQ_TCP_MAXRT, c->o.liveness_ms);
}

/* Every socket option of the product, each with its reason. */
static bool set_options(const struct carrier *c, void *socket, enum kind kind)
{
	const int64_t frame_max = (int64_t)c->o.frame_max;
	/* Without a limit no heartbeats, which libzmq calls 0. */
	const int beat =
	    c->o.unresponsive_ms > 0 ? c->o.unresponsive_ms / 3 + 1 : 0;
	const int ttl = c->o.unresponsive_ms < HEARTBEAT_TTL_MAX
			    ? c->o.unresponsive_ms
			    : HEARTBEAT_TTL_MAX;
	bool ok;

	/* What was not sent when a socket closes is dropped, unless
	 * session_carrier_free() says otherwise. */
	ok = set_int(socket, ZMQ_LINGER, 0) &&
	     /* The window of the channels bounds what is queued; a mark of
	      * libzmq's would lose frames (ROUTER) or refuse them (DEALER). */
	     set_int(socket, ZMQ_SNDHWM, 0) &&
	     /* Larger ones are not of this protocol: the peer is cut off. */
	     zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max,
			    sizeof(frame_max)) == 0 &&
	     /* A program that is there but stopped.  The peer may answer in
	      * the thread of its program, which may be computing. */
	     set_int(socket, ZMQ_HEARTBEAT_IVL, beat) &&
	     set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, 2 * beat) &&
	     set_int(socket, ZMQ_HEARTBEAT_TTL, ttl) &&
	     watch_network(c, socket) &&
	     /* A connection that does not greet is not kept. */
	     set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_IVL_MS) &&
	     /* Endpoints may be IPv6. */
	     set_int(socket, ZMQ_IPV6, 1);
	if (!ok)
		return false;
	if (kind == ROUTER)
		/* A frame for a connection that is gone is an error, not a
		 * silent loss. */
		return set_int(socket, ZMQ_ROUTER_MANDATORY, 1) &&
		       /* Many may join at once. */
		       set_int(socket, ZMQ_BACKLOG, ROUTER_BACKLOG) &&
		       /* A stranger who floods is slowed down by TCP instead of
			* filling memory. */
		       set_int(socket, ZMQ_RCVHWM, STRANGER_HWM);
	/* One connection per DEALER; another attempt is another DEALER.  Not
	 * -1: libzmq would then drop what it received last. */
	return set_int(socket, ZMQ_RECONNECT_IVL, NEVER_MS) &&
	       /* An address that swallows packets does not hold us up. */
	       set_int(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS) &&
	       /* As for the router: TCP slows down who sends too much. */
	       set_int(socket, ZMQ_RCVHWM, STRANGER_HWM);
}

/* A monitor of ${socket} for ${events}. */
static int add_monitor(struct carrier *c, struct source *s, enum kind kind,
		       void *socket, int events, struct conn *conn)
{
	char address[64];
	void *monitor;
	int err;

	snprintf(address, sizeof(address), "inproc://monitor-%u",
		 c->n_monitors++);
	if (zmq_socket_monitor(socket, address, events))
		return error_of_errno();
	monitor = zmq_socket(c->context, ZMQ_PAIR);
	if (!monitor)
		return error_of_errno();
	err = PARLEY_ERR_SYSTEM;
	if (!set_int(monitor, ZMQ_LINGER, 0) ||
	    !set_int(monitor, ZMQ_RCVHWM, 0) || zmq_connect(monitor, address) ||
	    (err = add_source(c, s, kind, monitor, conn))) {
		zmq_close(monitor);
		s->socket = NULL;
		return err;
	}
	return 0;
}

/*
 * Received frames
 */

static void release_frame(struct session_frame *base)
{
	struct zmq_frame *f = (struct zmq_frame *)base;
	struct carrier *c = f->carrier;

	zmq_msg_close(&f->msg);
	if (c->n_spare < FRAMES_SPARE_MAX) {
		base->next = c->spare;
		c->spare = base;
		c->n_spare++;
	} else {
		free(f);
	}
}

static struct zmq_frame *new_frame(struct carrier *c)
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
 * Accepted connections
 */

static struct conn **id_slot(const struct carrier *c, uint32_t id)
{
	return &c->by_id[(id * UINT32_C(2654435761)) & (c->n_slots - 1)];
}

static int grow_ids(struct carrier *c)
{
	const size_t n_old = c->n_slots;
	struct conn **old = c->by_id, *conn;
	size_t n_slots = n_old ? 2 * n_old : 64;
	struct conn **grown = calloc(n_slots, sizeof(struct conn *));

	if (!grown)
		return PARLEY_ERR_MEMORY;
	c->by_id = grown;
	c->n_slots = n_slots;
	for (size_t i = 0; i < n_old; i++)
		while ((conn = old[i])) {
			struct conn **slot = id_slot(c, conn->routing_id);

			old[i] = conn->chain;
			conn->chain = *slot;
			*slot = conn;
		}
	free(old);
	return 0;
}

static int grow_fds(struct carrier *c, size_t fd)
{
	size_t n = c->n_fds ? c->n_fds : 64;
	struct conn **by_fd;
	unsigned *owed, *early;

	while (n <= fd)
		n *= 2;
	if (n == c->n_fds)
		return 0;
	by_fd = realloc(c->by_fd, n * sizeof(struct conn *));
	if (!by_fd)
		return PARLEY_ERR_MEMORY;
	c->by_fd = by_fd;
	owed = realloc(c->owed, n * sizeof(unsigned));
	if (!owed)
		return PARLEY_ERR_MEMORY;
	c->owed = owed;
	early = realloc(c->early, n * sizeof(unsigned));
	if (!early)
		return PARLEY_ERR_MEMORY;
	c->early = early;
	memset(by_fd + c->n_fds, 0, (n - c->n_fds) * sizeof(struct conn *));
	memset(owed + c->n_fds, 0, (n - c->n_fds) * sizeof(unsigned));
	memset(early + c->n_fds, 0, (n - c->n_fds) * sizeof(unsigned));
	c->n_fds = n;
	return 0;
}

static struct conn *find_accepted(const struct carrier *c, uint32_t id)
{
	struct conn *conn = c->n_slots ? *id_slot(c, id) : NULL;

	while (conn && conn->routing_id != id)
		conn = conn->chain;
	return conn;
}

/*
 * ${conn} has ended.  What came before the end is delivered before the end:
 * the router is read until it is empty first.
 */
static void set_ended(struct carrier *c, struct conn *conn)
{
	if (conn->fd >= 0 && c->by_fd[conn->fd] == conn)
		c->by_fd[conn->fd] = NULL;
	conn->fd = -1;
	conn->ended = true;
	conn->dead = c->ended;
	c->ended = conn;
	c->n_late = 0;
	session_ready_add(&c->ready, &c->router.ready);
}

/*
 * Remember the connection of which the first frame, ${msg}, came.  Should its
 * descriptor still stand for another one, that one is gone, and the monitor's
 * word of it, which is on its way, must not be taken for this one's.  It is
 * returned in ${*gonep}.
 */
static int add_accepted(struct carrier *c, struct conn **connp,
			struct conn **gonep, uint32_t id, zmq_msg_t *msg)
{
	struct conn *conn;
	int err, fd = zmq_msg_get(msg, ZMQ_SRCFD);

	*gonep = NULL;
	if (c->n_conns >= c->n_slots && (err = grow_ids(c)))
		return err;
	if (fd >= 0 && (err = grow_fds(c, (size_t)fd)))
		return err;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return PARLEY_ERR_MEMORY;
	conn->routing_id = id;
	conn->fd = fd;
	conn->up = true;
	conn->chain = *id_slot(c, id);
	*id_slot(c, id) = conn;
	c->n_conns++;
	if (fd >= 0 && c->early[fd] > 0) {
		c->early[fd]--;
		c->n_early--;
		set_ended(c, conn);
	} else if (fd >= 0) {
		*gonep = c->by_fd[fd];
		if (*gonep) {
			(*gonep)->fd = -1;
			c->owed[fd]++;
		}
		c->by_fd[fd] = conn;
	}
	*connp = conn;
	return 0;
}

static void remove_accepted(struct carrier *c, struct conn *conn)
{
	struct conn **p = id_slot(c, conn->routing_id);

	while (*p != conn)
		p = &(*p)->chain;
	*p = conn->chain;
	c->n_conns--;
	if (conn->fd >= 0)
		c->by_fd[conn->fd] = NULL;
	free(conn);
}

/*
 * Dialled connections
 */

static void close_dialled(struct carrier *c, struct conn *conn, int linger_ms)
{
	if (conn->dealer.socket)
		zmq_socket_monitor(conn->dealer.socket, NULL, 0);
	close_source(c, &conn->monitor, 0);
	close_source(c, &conn->dealer, linger_ms);
}

/* The user may still look at a connection reported DOWN. */
static void bury(struct carrier *c, struct conn *conn)
{
	conn->dead = c->dead;
	c->dead = conn;
}

static void free_dead(struct carrier *c)
{
	struct conn *conn;

	while ((conn = c->dead)) {
		c->dead = conn->dead;
		if (conn->base.dialled)
			free(conn);
		else
			remove_accepted(c, conn);
	}
}

static int zmq_carrier_dial(struct session_carrier *base, const char *endpoint,
			    struct session_conn **connp)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn = calloc(1, sizeof(*conn));
	void *dealer = NULL;
	int err;

	if (!conn)
		return PARLEY_ERR_MEMORY;
	conn->base.dialled = true;
	conn->fd = -1;
	dealer = zmq_socket(c->context, ZMQ_DEALER);
	if (!dealer || !set_options(c, dealer, DEALER)) {
		err = error_of_errno();
		goto out;
	}
	err = add_monitor(c, &conn->monitor, DEALER_MONITOR, dealer,
			  ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CLOSED |
			      ZMQ_EVENT_DISCONNECTED,
			  conn);
	if (err)
		goto out;
	if (zmq_connect(dealer, endpoint)) {
		err = error_of_errno();
		goto out;
	}
	err = add_source(c, &conn->dealer, DEALER, dealer, conn);
	if (err)
		goto out;
	*connp = &conn->base;
	return 0;
out:
	close_source(c, &conn->monitor, 0);
	if (dealer)
		zmq_close(dealer);
	free(conn);
	return err;
}

static void zmq_carrier_hangup(struct session_carrier *base,
			       struct session_conn *conn_base)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn = (struct conn *)conn_base;

	conn->base.user = NULL;
	if (conn->over)
		return;
	conn->over = true;
	if (!conn->base.dialled)
		return; /* stays, so that its frames are known and dropped */
	/* What was just sent (an abort, say) gets a moment to leave. */
	close_dialled(c, conn, 100);
	bury(c, conn);
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
			return error_of_errno();
	return 0;
}

static int zmq_carrier_send(struct session_carrier *base,
			    struct session_conn *conn_base,
			    struct session_frame *frame)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn = (struct conn *)conn_base;
	struct source *s = conn->base.dialled ? &conn->dealer : &c->router;
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
 * Events.  Each read_* returns 0 with ${ev} set, PARLEY_ERR_AGAIN when its
 * source is empty, or READ_ON when it found something that is not an event.
 */

enum { READ_ON = 1 };

static void down(struct carrier *c, struct session_carrier_event *ev,
		 struct conn *conn, const char *reason)
{
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_DOWN,
					     .conn = &conn->base,
					     .reason = reason};
	conn->up = false;
	if (conn->base.dialled) {
		conn->over = true;
		close_dialled(c, conn, 0);
	}
	bury(c, conn);
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

static int frame_event(struct session_carrier_event *ev, struct conn *conn,
		       struct zmq_frame *f)
{
	f->base.data = zmq_msg_data(&f->msg);
	f->base.len = zmq_msg_size(&f->msg);
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_FRAME,
					     .conn = &conn->base,
					     .frame = &f->base};
	return 0;
}

static int read_dealer(struct carrier *c, struct source *s,
		       struct session_carrier_event *ev)
{
	struct zmq_frame *f = new_frame(c);
	int err;

	if (!f)
		return PARLEY_ERR_MEMORY;
	err = receive_msg(&f->msg, s->socket);
	if (!err && drop_more(&f->msg, s->socket))
		err = READ_ON; /* PROTOCOL 3: one frame, one message */
	if (err) {
		session_frame_free(&f->base);
		return err;
	}
	return frame_event(ev, s->conn, f);
}

static int read_dealer_monitor(struct carrier *c, struct source *s,
			       struct session_carrier_event *ev)
{
	struct conn *conn = s->conn;
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
		*ev = (struct session_carrier_event){.type = SESSION_CARRIER_UP,
						     .conn = &conn->base};
		return 0;
	}
	if (number == ZMQ_EVENT_CLOSED || number == ZMQ_EVENT_DISCONNECTED)
		conn->ended = true;
	if (!conn->ended)
		return READ_ON;
	/* What came before the end is delivered before the end. */
	err = read_dealer(c, &conn->dealer, ev);
	if (err != PARLEY_ERR_AGAIN)
		return err;
	down(c, ev, conn, conn->up ? "connection closed" : "cannot connect");
	return 0;
}

static int read_router_monitor(struct carrier *c, struct source *s)
{
	struct conn *conn;
	uint32_t fd;
	uint16_t number;
	int err = read_monitor(s->socket, &number, &fd);

	if (err)
		return err;
	if (number != ZMQ_EVENT_DISCONNECTED)
		return READ_ON;
	err = grow_fds(c, fd);
	if (err)
		return err;
	if (c->owed[fd] > 0) {
		c->owed[fd]--; /* was of the descriptor's former use */
		return READ_ON;
	}
	conn = c->by_fd[fd];
	if (conn) {
		set_ended(c, conn);
		return READ_ON;
	}
	/* Its first frame may not be read yet.  If the router turns out to
	 * hold none, it never said anything. */
	c->early[fd]++;
	c->n_early++;
	c->n_late = 0;
	session_ready_add(&c->ready, &c->router.ready);
	return READ_ON;
}

/*
 * The router is empty, or has been read for so long that nothing of those
 * that ended can be left: report one of them.  Was there one?
 */
static bool report_ended(struct carrier *c, struct session_carrier_event *ev)
{
	struct conn *conn;

	if (c->n_early > 0) {
		memset(c->early, 0, c->n_fds * sizeof(unsigned));
		c->n_early = 0;
	}
	while ((conn = c->ended)) {
		c->ended = conn->dead;
		if (conn->over) {
			bury(c, conn);
			continue;
		}
		down(c, ev, conn, "connection closed");
		return true;
	}
	return false;
}

static int read_router(struct carrier *c, struct source *s,
		       struct session_carrier_event *ev)
{
	struct conn *conn, *gone = NULL;
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
		err = READ_ON;
		goto out;
	}
	memcpy(&id, (uint8_t *)zmq_msg_data(&msg) + 1, sizeof(id));
	err = receive_msg(&f->msg, s->socket);
	if (err)
		goto out;
	if (drop_more(&f->msg, s->socket)) {
		err = READ_ON;
		goto out;
	}
	conn = find_accepted(c, id);
	if (!conn && (err = add_accepted(c, &conn, &gone, id, &f->msg)))
		goto out;
	if (conn->over) {
		err = READ_ON;
		goto out;
	}
	frame_event(ev, conn, f);
	f = NULL;
	if (gone && gone->over) {
		bury(c, gone); /* nobody is to be told */
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

static int read_source(struct carrier *c, struct source *s,
		       struct session_carrier_event *ev)
{
	switch (s->kind) {
	case ROUTER:
		return read_router(c, s, ev);
	case ROUTER_MONITOR:
		return read_router_monitor(c, s);
	case DEALER:
		return read_dealer(c, s, ev);
	case DEALER_MONITOR:
		return read_dealer_monitor(c, s, ev);
	}
	return PARLEY_ERR_INTERNAL;
}

/* List what epoll has seen.  Returns as session_carrier_wait(). */
static int poll_sources(struct carrier *c, int timeout_ms)
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
			    &((struct source *)events[i].data.ptr)->ready);
	return n == 0 ? PARLEY_ERR_AGAIN : 0;
}

static int zmq_carrier_next(struct session_carrier *base,
			    struct session_carrier_event *ev)
{
	struct carrier *c = (struct carrier *)base;
	bool polled = false;

	free_dead(c);
	if (c->stashed) {
		c->stashed = false;
		*ev = c->stash;
		return 0;
	}
	for (;;) {
		struct source *s;
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
		s = SESSION_READY_OF(c->ready.first, struct source, ready);
		if ((c->ended || c->n_early > 0) && s == &c->router &&
		    c->n_late++ > (c->n_conns + 1) * STRANGER_HWM &&
		    report_ended(c, ev))
			return 0;
		err = read_source(c, s, ev);
		if (err == PARLEY_ERR_AGAIN && s == &c->router &&
		    report_ended(c, ev))
			return 0;
		if (err == PARLEY_ERR_AGAIN)
			session_ready_remove(&c->ready, &s->ready);
		else if (err != READ_ON)
			return err;
	}
}

static int zmq_carrier_settle(struct session_carrier *base)
{
	struct carrier *c = (struct carrier *)base;
	struct session_ready *r, *next;

	for (r = c->ready.first; r; r = next) {
		struct source *s = SESSION_READY_OF(r, struct source, ready);
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
	struct carrier *c = (struct carrier *)base;

	(void)conn; /* what libzmq's thread brings is behind one descriptor */
	if (c->ready.first || c->stashed)
		return 0;
	if (session_wake_set(&c->wake, false))
		return PARLEY_ERR_SYSTEM;
	return poll_sources(c, timeout_ms);
}

static int zmq_carrier_fd(const struct session_carrier *base)
{
	return ((const struct carrier *)base)->epoll_fd;
}

/*
 * Life
 */

static int open_router(struct carrier *c)
{
	void *router = zmq_socket(c->context, ZMQ_ROUTER);
	int err;

	if (!router)
		return error_of_errno();
	if (!set_options(c, router, ROUTER)) {
		zmq_close(router);
		return PARLEY_ERR_SYSTEM;
	}
	err = add_monitor(c, &c->router_monitor, ROUTER_MONITOR, router,
			  ZMQ_EVENT_DISCONNECTED, NULL);
	if (!err)
		err = add_source(c, &c->router, ROUTER, router, NULL);
	if (err)
		zmq_close(router);
	return err;
}

/*
 * libzmq binds to numeric addresses and interface names only: look the host
 * name of ${endpoint} up and bind to the first address that is ours.
 */
static int bind_name(struct carrier *c, const char *endpoint)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *ai;
	const char *host = endpoint + strlen("tcp://");
	const char *port = strrchr(endpoint, ':');
	char name[256], numeric[NI_MAXHOST], address[NI_MAXHOST + 32];
	int err = PARLEY_ERR_ENDPOINT;

	if (strncmp(endpoint, "tcp://", strlen("tcp://")) != 0 ||
	    port <= host || (size_t)(port - host) >= sizeof(name))
		return err;
	memcpy(name, host, (size_t)(port - host));
	name[port - host] = '\0';
	if (getaddrinfo(name, NULL, &hints, &list))
		return err;
	for (ai = list; ai && err == PARLEY_ERR_ENDPOINT; ai = ai->ai_next) {
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, numeric,
				sizeof(numeric), NULL, 0, NI_NUMERICHOST))
			continue;
		snprintf(address, sizeof(address),
			 ai->ai_family == AF_INET6 ? "tcp://[%s]%s"
						   : "tcp://%s%s",
			 numeric, port);
		err =
		    zmq_bind(c->router.socket, address) ? error_of_errno() : 0;
	}
	freeaddrinfo(list);
	return err;
}

static int zmq_carrier_listen(struct session_carrier *base,
			      const char *endpoint)
{
	struct carrier *c = (struct carrier *)base;
	int err;

	if (!c->router.socket) {
		err = open_router(c);
		if (err)
			return err;
	}
	if (zmq_bind(c->router.socket, endpoint) == 0)
		return 0;
	err = error_of_errno();
	return err == PARLEY_ERR_ENDPOINT ? bind_name(c, endpoint) : err;
}

static void zmq_carrier_free(struct session_carrier *base, int linger_ms)
{
	struct carrier *c = (struct carrier *)base;
	struct session_frame *f;
	struct conn *conn;

	/* All users have hung up, so dialled connections are on the list of
	 * the dead and accepted ones in the table. */
	if (c->stashed)
		session_frame_free(c->stash.frame);
	free_dead(c);
	for (size_t i = 0; i < c->n_slots; i++)
		while ((conn = c->by_id[i])) {
			c->by_id[i] = conn->chain;
			free(conn);
		}
	if (c->router.socket)
		zmq_socket_monitor(c->router.socket, NULL, 0);
	close_source(c, &c->router_monitor, 0);
	close_source(c, &c->router, linger_ms);
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
    .listen = zmq_carrier_listen,
    .dial = zmq_carrier_dial,
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
	struct carrier *c = calloc(1, sizeof(*c));

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
