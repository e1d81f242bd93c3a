/*
 * Sockets of the carrier over libzmq: options, monitors, dialling, listening.
 *
 * One ROUTER listens; each dialled connection has a DEALER of its own, which
 * never reconnects by itself, so that a connection is one TCP connection and
 * its end is known.  Ends are told by socket monitors.
 */
#include "session/carrier_zmq_socket.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <zmq.h>

#include <parley/err.h>

enum {
	ROUTER_BACKLOG = 1024, /* connections waiting to be accepted */
	CONNECT_TIMEOUT_MS = 5000,
	NEVER_MS = 24 * 3600 * 1000,
	HANDSHAKE_IVL_MS = 5000,     /* ZMTP greeting */
	HEARTBEAT_TTL_MAX = 6553500, /* ms: 16 bits of tenths on the wire */
};

int session_carrier_zmq_socket_error(void)
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

static int add_source(struct session_carrier_zmq *c,
		      struct session_carrier_zmq_source *s,
		      enum session_carrier_zmq_kind kind, void *socket,
		      struct session_carrier_zmq_conn *conn)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
	size_t len = sizeof(int);
	int fd;

	*s = (struct session_carrier_zmq_source){
	    .kind = kind, .socket = socket, .conn = conn};
	if (zmq_getsockopt(socket, ZMQ_FD, &fd, &len) ||
	    epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return PARLEY_ERR_SYSTEM;
	session_ready_add(&c->ready, &s->ready);
	return 0;
}

void session_carrier_zmq_socket_close(struct session_carrier_zmq *c,
				      struct session_carrier_zmq_source *s,
				      int linger_ms)
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
static bool watch_network(const struct session_carrier_zmq *c, void *socket)
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
static bool set_options(const struct session_carrier_zmq *c, void *socket,
			enum session_carrier_zmq_kind kind)
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
	      * libzmq's would lose frames (ROUTER) or refuse them
	      * (DEALER). */
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
	if (kind == SESSION_ZMQ_ROUTER)
		/* A frame for a connection that is gone is an error, not a
		 * silent loss. */
		return set_int(socket, ZMQ_ROUTER_MANDATORY, 1) &&
		       /* Many may join at once. */
		       set_int(socket, ZMQ_BACKLOG, ROUTER_BACKLOG) &&
		       /* A stranger who floods is slowed down by TCP instead of
			* filling memory. */
		       set_int(socket, ZMQ_RCVHWM, SESSION_STRANGER_HWM);
	/* One connection per DEALER; another attempt is another
	 * DEALER.  Not -1: libzmq would then drop what it received
	 * last. */
	return set_int(socket, ZMQ_RECONNECT_IVL, NEVER_MS) &&
	       /* An address that swallows packets does not hold us up. */
	       set_int(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS) &&
	       /* As for the router: TCP slows down who sends too much. */
	       set_int(socket, ZMQ_RCVHWM, SESSION_STRANGER_HWM);
}

/* A monitor of ${socket} for ${events}. */
static int add_monitor(struct session_carrier_zmq *c,
		       struct session_carrier_zmq_source *s,
		       enum session_carrier_zmq_kind kind, void *socket,
		       int events, struct session_carrier_zmq_conn *conn)
{
	char address[64];
	void *monitor;
	int err;

	snprintf(address, sizeof(address), "inproc://monitor-%u",
		 c->n_monitors++);
	if (zmq_socket_monitor(socket, address, events))
		return session_carrier_zmq_socket_error();
	monitor = zmq_socket(c->context, ZMQ_PAIR);
	if (!monitor)
		return session_carrier_zmq_socket_error();
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
 * Dialling
 */

void session_carrier_zmq_socket_close_dialled(
    struct session_carrier_zmq *c, struct session_carrier_zmq_conn *conn,
    int linger_ms)
{
	if (conn->dealer.socket)
		zmq_socket_monitor(conn->dealer.socket, NULL, 0);
	session_carrier_zmq_socket_close(c, &conn->monitor, 0);
	session_carrier_zmq_socket_close(c, &conn->dealer, linger_ms);
}

int session_carrier_zmq_socket_dial(struct session_carrier *base,
				    const char *endpoint,
				    struct session_conn **connp)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	struct session_carrier_zmq_conn *conn = calloc(1, sizeof(*conn));
	void *dealer = NULL;
	int err;

	if (!conn)
		return PARLEY_ERR_MEMORY;
	conn->base.dialled = true;
	conn->fd = -1;
	dealer = zmq_socket(c->context, ZMQ_DEALER);
	if (!dealer || !set_options(c, dealer, SESSION_ZMQ_DEALER)) {
		err = session_carrier_zmq_socket_error();
		goto out;
	}
	err = add_monitor(c, &conn->monitor, SESSION_ZMQ_DEALER_MONITOR, dealer,
			  ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CLOSED |
			      ZMQ_EVENT_DISCONNECTED,
			  conn);
	if (err)
		goto out;
	if (zmq_connect(dealer, endpoint)) {
		err = session_carrier_zmq_socket_error();
		goto out;
	}
	err = add_source(c, &conn->dealer, SESSION_ZMQ_DEALER, dealer, conn);
	if (err)
		goto out;
	*connp = &conn->base;
	return 0;
out:
	session_carrier_zmq_socket_close(c, &conn->monitor, 0);
	if (dealer)
		zmq_close(dealer);
	free(conn);
	return err;
}

/*
 * Listening
 */

static int open_router(struct session_carrier_zmq *c)
{
	void *router = zmq_socket(c->context, ZMQ_ROUTER);
	int err;

	if (!router)
		return session_carrier_zmq_socket_error();
	if (!set_options(c, router, SESSION_ZMQ_ROUTER)) {
		zmq_close(router);
		return PARLEY_ERR_SYSTEM;
	}
	err = add_monitor(c, &c->router_monitor, SESSION_ZMQ_ROUTER_MONITOR,
			  router, ZMQ_EVENT_DISCONNECTED, NULL);
	if (!err)
		err =
		    add_source(c, &c->router, SESSION_ZMQ_ROUTER, router, NULL);
	if (err)
		zmq_close(router);
	return err;
}

/*
 * libzmq binds to numeric addresses and interface names only: look the host
 * name of ${endpoint} up and bind to the first address that is ours.
 */
static int bind_name(struct session_carrier_zmq *c, const char *endpoint)
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
		err = zmq_bind(c->router.socket, address)
			  ? session_carrier_zmq_socket_error()
			  : 0;
	}
	freeaddrinfo(list);
	return err;
}

int session_carrier_zmq_socket_listen(struct session_carrier *base,
				      const char *endpoint)
{
	struct session_carrier_zmq *c = (struct session_carrier_zmq *)base;
	int err;

	if (!c->router.socket) {
		err = open_router(c);
		if (err)
			return err;
	}
	if (zmq_bind(c->router.socket, endpoint) == 0)
		return 0;
	err = session_carrier_zmq_socket_error();
	return err == PARLEY_ERR_ENDPOINT ? bind_name(c, endpoint) : err;
}
