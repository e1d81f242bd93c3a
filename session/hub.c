/*
 * One listening port for many sessions (PROTOCOL 3: "identical sockets serve
 * several agreements").
 *
 * The hub owns the carrier.  Each session has a port, a carrier itself, whose
 * connections stand for those of the real carrier.  Whoever looks at the
 * network fetches the events of all: its own are taken at once, those of other
 * ports wait there in a queue.
 *
 * The one invariant: a real connection's user is its stand-in as long as some
 * port has it, and NULL before and after.  So a stand-in outlives the real one
 * for as long as events about it wait, and never the other way round.
 */
#include "session/hub.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "did/secret.h"
#include "session/clock.h"
#include "session/owner.h"
#include "session/wake.h"
#include "session/wire.h"

enum {
	LIVENESS_MS = 30 * 1000,
	UNRESPONSIVE_MS = 5 * 60 * 1000,
	PARTIES = 1024,			 /* connections at once, about */
	PORTS_MAX = 1024,		 /* hashes that one stranger costs */
	EVENTS_MAX = 1024,		 /* fetched in one call */
	QUEUED_MAX = 4096,		 /* frames that wait at one port, */
	QUEUED_BYTES = 32 * 1024 * 1024, /* and their bytes */
};

struct conn {
	struct session_conn base;  /* what the session has */
	struct conn *next, **prev; /* on port.conns */
	struct port *port;
	struct session_conn *real; /* NULL: ended */
	unsigned n_queued;	   /* events that point here */
	bool dropped;		   /* the session has given it up */
};

struct port {
	struct session_carrier base;
	struct port *next, **prev; /* on hub.ports */
	struct parley_session_hub *hub;
	session_hub_fits *fits;
	void *context;
	struct conn *conns;
	struct conn *over;	  /* reported DOWN last */
	struct session_wake wake; /* while events wait */
	/* A ring of events. */
	struct session_carrier_event *queue;
	size_t size, first, n;
	size_t n_frames, n_bytes;
};

struct parley_session_hub {
	struct session_owner owner;
	struct session_carrier *carrier;
	struct port *ports, **ports_tail;
	size_t n_ports;
	bool given_up; /* freed with its last port */
	int epoll_fd;
	int timer_fd;
	int64_t timer_armed_ms;
};

/*
 * Queues
 */

static int grow_queue(struct port *p)
{
	const size_t size = p->size > 0 ? 2 * p->size : 16;
	struct session_carrier_event *queue = calloc(size, sizeof(*queue));

	if (!queue)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < p->n; i++)
		queue[i] = p->queue[(p->first + i) % p->size];
	free(p->queue);
	p->queue = queue;
	p->size = size;
	p->first = 0;
	return 0;
}

static void count_frame(struct port *p, const struct session_carrier_event *ev,
			int sign)
{
	if (!ev->frame)
		return;
	p->n_frames += (size_t)sign;
	p->n_bytes += (size_t)sign * ev->frame->len;
}

/*
 * ${ev} waits at ${p}.  A frame too many is lost, as carriers may: it is sent
 * again when its session looks after what came before.
 */
static void push(struct port *p, struct conn *conn,
		 const struct session_carrier_event *ev)
{
	if ((ev->frame &&
	     (p->n_frames >= QUEUED_MAX || p->n_bytes >= QUEUED_BYTES)) ||
	    (p->n == p->size && grow_queue(p))) {
		session_frame_free(ev->frame);
		return;
	}
	p->queue[(p->first + p->n++) % p->size] = *ev;
	p->queue[(p->first + p->n - 1) % p->size].conn = &conn->base;
	conn->n_queued++;
	count_frame(p, ev, 1);
	(void)session_wake_set(&p->wake, true);
}

static void conn_free(struct conn *conn)
{
	*conn->prev = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	free(conn);
}

/* The next event at ${p} of a connection that its session still has. */
static bool pop(struct port *p, struct session_carrier_event *ev)
{
	while (p->n > 0) {
		struct conn *conn;

		*ev = p->queue[p->first];
		p->first = (p->first + 1) % p->size;
		p->n--;
		count_frame(p, ev, -1);
		conn = (struct conn *)ev->conn;
		conn->n_queued--;
		if (!conn->dropped)
			return true;
		session_frame_free(ev->frame);
		if (conn->n_queued == 0)
			conn_free(conn);
	}
	return false;
}

/*
 * Connections
 */

static struct conn *conn_new(struct port *p, struct session_conn *real)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->base.dialled = real->dialled;
	conn->port = p;
	conn->real = real;
	real->user = conn;
	conn->prev = &p->conns;
	conn->next = p->conns;
	if (conn->next)
		conn->next->prev = &conn->next;
	p->conns = conn;
	return conn;
}

/* Which session is meant by the first frame of a stranger? */
static struct port *find_port(const struct parley_session_hub *h,
			      const struct session_frame *f)
{
	enum session_hub_fit best = SESSION_HUB_NONE;
	struct port *p, *found = NULL;

	for (p = h->ports; p && best < SESSION_HUB_EXACT; p = p->next) {
		const enum session_hub_fit fit =
		    p->fits(p->context, f->data, f->len);

		if (fit > best) {
			best = fit;
			found = p;
		}
	}
	return found;
}

/* A stranger spoke: its connection is from now on that of a port. */
static struct conn *on_stranger(struct parley_session_hub *h,
				const struct session_carrier_event *ev)
{
	struct port *p = find_port(h, ev->frame);
	struct conn *conn = p ? conn_new(p, ev->conn) : NULL;

	if (!conn) {
		session_frame_free(ev->frame);
		session_carrier_hangup(h->carrier, ev->conn);
	}
	return conn;
}

/*
 * Fetch one event from the network for ${*pp}; NULL there: it was nobody's.
 * Returns as session_carrier_next().
 */
static int fetch(struct parley_session_hub *h, struct port **pp,
		 struct conn **connp, struct session_carrier_event *ev)
{
	int err = session_carrier_next(h->carrier, ev);

	*pp = NULL;
	if (err)
		return err;
	*connp = ev->conn->user;
	if (!*connp && ev->type == SESSION_CARRIER_FRAME && !ev->conn->dialled)
		*connp = on_stranger(h, ev);
	else if (!*connp)
		session_frame_free(ev->frame);
	if (!*connp)
		return 0;
	if (ev->type == SESSION_CARRIER_DOWN)
		(*connp)->real = NULL;
	*pp = (*connp)->port;
	ev->conn = &(*connp)->base;
	return 0;
}

/*
 * What carriers do
 */

static int port_listen(struct session_carrier *base, const char *endpoint)
{
	(void)base;
	(void)endpoint;
	return PARLEY_ERR_ENDPOINT; /* the hub's affair */
}

static int port_dial(struct session_carrier *base, const char *endpoint,
		     struct session_conn **connp)
{
	struct port *p = (struct port *)base;
	struct session_conn *real;
	struct conn *conn;
	int err = session_carrier_dial(p->hub->carrier, endpoint, &real);

	if (err)
		return err;
	conn = conn_new(p, real);
	if (!conn) {
		session_carrier_hangup(p->hub->carrier, real);
		return PARLEY_ERR_MEMORY;
	}
	*connp = &conn->base;
	return 0;
}

static int port_send(struct session_carrier *base, struct session_conn *c,
		     struct session_frame *frame)
{
	struct conn *conn = (struct conn *)c;

	if (!conn->real) {
		session_frame_free(frame);
		return PARLEY_ERR_LOST; /* DOWN waits in the queue */
	}
	return session_carrier_send(((struct port *)base)->hub->carrier,
				    conn->real, frame);
}

static void port_hangup(struct session_carrier *base, struct session_conn *c)
{
	struct conn *conn = (struct conn *)c;

	if (conn->real) {
		conn->real->user = NULL;
		session_carrier_hangup(((struct port *)base)->hub->carrier,
				       conn->real);
	}
	conn->real = NULL;
	conn->dropped = true;
	if (conn->n_queued == 0)
		conn_free(conn);
}

/* ${ev} is handed to the session; after DOWN the connection is ours again. */
static int give(struct port *p, struct session_carrier_event *ev)
{
	if (ev->type == SESSION_CARRIER_DOWN)
		p->over = (struct conn *)ev->conn;
	return 0;
}

static int port_next(struct session_carrier *base,
		     struct session_carrier_event *ev)
{
	struct port *p = (struct port *)base, *to;
	struct conn *conn;
	int err;

	if (p->over)
		conn_free(p->over);
	p->over = NULL;
	if (pop(p, ev))
		return give(p, ev);
	for (int i = 0; i < EVENTS_MAX; i++) {
		err = fetch(p->hub, &to, &conn, ev);
		if (err)
			return err;
		if (to == p)
			return give(p, ev);
		if (to)
			push(to, conn, ev);
	}
	return PARLEY_ERR_AGAIN;
}

static int port_wait(struct session_carrier *base, struct session_conn *c,
		     int timeout_ms)
{
	struct port *p = (struct port *)base;
	int64_t left;

	if (p->n > 0)
		return 0;
	left = session_carrier_deadline(p->hub->carrier);
	if (left < INT64_MAX) {
		left -= session_now_ms();
		left = left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
		if (timeout_ms < 0 || left < timeout_ms)
			timeout_ms = (int)left;
	}
	(void)c; /* other sessions are not to wait */
	return session_carrier_wait(p->hub->carrier, NULL, timeout_ms);
}

static int port_fd(const struct session_carrier *base)
{
	return ((const struct port *)base)->wake.fd;
}

/* Make the descriptor say when timers of the network are due. */
static int settle_hub(struct parley_session_hub *h)
{
	const int64_t deadline = session_carrier_deadline(h->carrier);
	struct itimerspec t = {0};

	if (h->timer_armed_ms != deadline) {
		h->timer_armed_ms = deadline;
		if (deadline != INT64_MAX) {
			const int64_t ms = deadline > 0 ? deadline : 1;

			t.it_value.tv_sec = (time_t)(ms / 1000);
			t.it_value.tv_nsec = (long)(ms % 1000 * 1000000);
		}
		if (timerfd_settime(h->timer_fd, TFD_TIMER_ABSTIME, &t, NULL))
			return PARLEY_ERR_SYSTEM;
	}
	return session_carrier_settle(h->carrier);
}

static int port_settle(struct session_carrier *base)
{
	struct port *p = (struct port *)base;
	int err = session_wake_set(&p->wake, p->n > 0);

	return err ? err : settle_hub(p->hub);
}

static void port_trust(struct session_carrier *base, struct session_conn *c,
		       size_t frame_max)
{
	struct conn *conn = (struct conn *)c;

	if (conn->real)
		session_carrier_trust(((struct port *)base)->hub->carrier,
				      conn->real, frame_max);
}

static size_t port_queued(const struct session_conn *c)
{
	const struct conn *conn = (const struct conn *)c;

	return conn->real ? session_carrier_queued(conn->port->hub->carrier,
						   conn->real)
			  : 0;
}

static void port_free(struct session_carrier *base, int linger_ms)
{
	struct port *p = (struct port *)base;
	struct parley_session_hub *h = p->hub;
	struct session_carrier_event ev;
	struct conn *conn, *next;

	/* The carrier stays; in a forked process all of it does. */
	if (linger_ms == SESSION_CARRIER_LEAVE)
		return;
	while (pop(p, &ev))
		session_frame_free(ev.frame);
	for (conn = p->conns; conn; conn = next) {
		next = conn->next;
		conn->n_queued = 0;
		port_hangup(base, &conn->base);
	}
	free(p->queue);
	session_wake_close(&p->wake);
	*p->prev = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		h->ports_tail = p->prev;
	free(p);
	if (--h->n_ports == 0 && h->given_up)
		parley_session_hub_free(h);
}

static const struct session_carrier_ops port_ops = {
    .listen = port_listen,
    .dial = port_dial,
    .send = port_send,
    .hangup = port_hangup,
    .next = port_next,
    .wait = port_wait,
    .fd = port_fd,
    .settle = port_settle,
    .queued = port_queued,
    .trust = port_trust,
    .free = port_free,
};

int session_hub_port_new(struct session_carrier **cp,
			 struct parley_session_hub *hub, session_hub_fits *fits,
			 void *context)
{
	struct port *p;

	if (hub->n_ports >= PORTS_MAX)
		return PARLEY_ERR_TOO_LARGE;
	p = calloc(1, sizeof(*p));
	if (!p)
		return PARLEY_ERR_MEMORY;
	p->base.ops = &port_ops;
	p->hub = hub;
	p->fits = fits;
	p->context = context;
	if (session_wake_init(&p->wake)) {
		free(p);
		return PARLEY_ERR_SYSTEM;
	}
	p->prev = hub->ports_tail;
	*hub->ports_tail = p;
	hub->ports_tail = &p->next;
	hub->n_ports++;
	*cp = &p->base;
	return 0;
}

/*
 * The hub
 */

void parley_session_hub_options_init(struct parley_session_hub_options *o)
{
	*o = (struct parley_session_hub_options){
	    .size = sizeof(*o),
	    .carrier = PARLEY_CARRIER_ZMTP,
	    .liveness_ms = LIVENESS_MS,
	    .unresponsive_ms = UNRESPONSIVE_MS,
	};
}

static int make_descriptors(struct parley_session_hub *h)
{
	struct epoll_event ev = {.events = EPOLLIN};

	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->epoll_fd < 0 || h->timer_fd < 0 ||
	    epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->timer_fd, &ev) ||
	    epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD,
		      session_carrier_fd(h->carrier), &ev))
		return PARLEY_ERR_SYSTEM;
	return 0;
}

int parley_session_hub_new(struct parley_session_hub **hp,
			   const struct parley_session_hub_options *o)
{
	struct parley_session_hub_options mine;
	struct session_carrier_options c;
	struct parley_session_hub *h;
	int err;

	parley_session_hub_options_init(&mine);
	if (o &&
	    (o->size > sizeof(mine) ||
	     o->size <= offsetof(struct parley_session_hub_options, carrier)))
		return PARLEY_ERR_ARGUMENT;
	if (o)
		memcpy(&mine, o, o->size);
	if (mine.liveness_ms < 30 || mine.unresponsive_ms < 30)
		return PARLEY_ERR_ARGUMENT;
	err = did_secret_init();
	if (err)
		return err;
	h = calloc(1, sizeof(*h));
	if (!h)
		return PARLEY_ERR_MEMORY;
	session_owner_init(&h->owner);
	h->ports_tail = &h->ports;
	h->epoll_fd = h->timer_fd = -1;
	h->timer_armed_ms = INT64_MAX;
	c = (struct session_carrier_options){
	    .n_parties = PARTIES,
	    .liveness_ms = mine.liveness_ms / 2,
	    .unresponsive_ms = mine.unresponsive_ms,
	    .stranger_max = SESSION_PROPOSE_LEN_MAX,
	    .frame_max = SESSION_RECORD_LEN_MAX};
	err = mine.carrier == PARLEY_CARRIER_LIBZMQ
		  ? session_carrier_zmq_new(&h->carrier, &c)
		  : session_carrier_zmtp_new(&h->carrier, &c);
	if (!err)
		err = make_descriptors(h);
	if (err) {
		parley_session_hub_free(h);
		return err;
	}
	*hp = h;
	return 0;
}

int parley_session_hub_listen(struct parley_session_hub *h,
			      const char *endpoint)
{
	int err = PARLEY_ERR_STATE;

	if (session_owner_is_here(&h->owner))
		err = session_carrier_listen(h->carrier, endpoint);
	return err ? err : settle_hub(h);
}

int parley_session_hub_fd(const struct parley_session_hub *h)
{
	return h->epoll_fd;
}

int parley_session_hub_process(struct parley_session_hub *h)
{
	struct session_carrier_event ev;
	struct conn *conn;
	struct port *p;
	int err = session_owner_is_here(&h->owner) ? 0 : PARLEY_ERR_STATE;

	for (int i = 0; i < EVENTS_MAX && !err; i++) {
		err = fetch(h, &p, &conn, &ev);
		if (!err && p)
			push(p, conn, &ev);
	}
	if (err && err != PARLEY_ERR_AGAIN)
		return err;
	return settle_hub(h);
}

void parley_session_hub_free(struct parley_session_hub *h)
{
	bool ours;

	if (!h)
		return;
	ours = session_owner_is_here(&h->owner);
	h->given_up = true;
	if (h->n_ports > 0 && ours)
		return;
	session_carrier_free(h->carrier, ours ? SESSION_GOODBYE_LINGER_MS
					      : SESSION_CARRIER_LEAVE);
	session_owner_wipe(&h->owner);
	if (h->timer_fd >= 0)
		close(h->timer_fd);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	free(h);
}
