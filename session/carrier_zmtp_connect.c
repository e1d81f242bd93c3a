/*
 * How connections of the ZMTP carrier come to be: dialling, listening,
 * accepting.
 *
 * A stranger's connection has a bounded time for its first frame; of too many
 * such connections the oldest is closed of those of the address that has the
 * most.  Who is out of descriptors pauses.
 */
#include "session/carrier_zmtp_connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <parley/err.h>

#include "session/carrier_zmtp_send.h"
#include "session/carrier_zmtp_socket.h"
#include "session/clock.h"

enum {
	BACKLOG = 1024,
	LOOKUP_TIMEOUT_MS = 8000, /* two name servers, the first one dead */
	LOOKUPS_MAX = 16, /* and the number of parties; given up ones count */
	CONNECT_TIMEOUT_MS = 5000,
	GREETING_TIMEOUT_MS = 5000,
	STRANGER_TIMEOUT_MS = 10 * 1000, /* for the first frame */
	STRANGERS_MAX = 256,		 /* and the number of parties */
	ACCEPT_PAUSE_MS = 100, /* when there are no descriptors left */
};

/*
 * Listening
 */

static int listen_at(struct session_carrier_zmtp *c, const struct addrinfo *ai)
{
	int fd, err = PARLEY_ERR_SYSTEM;

	if (c->n_listeners == SESSION_LISTENERS_MAX)
		return PARLEY_ERR_TOO_LARGE;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return err;
	session_carrier_zmtp_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (ai->ai_family == AF_INET6)
		session_carrier_zmtp_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY,
						0);
	/* Mode 0600 before anybody can connect. */
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) ||
	    (ai->ai_family == AF_UNIX &&
	     chmod(((struct sockaddr_un *)ai->ai_addr)->sun_path, 0600)) ||
	    listen(fd, BACKLOG)) {
		err = errno == EADDRINUSE      ? PARLEY_ERR_ADDRESS_IN_USE
		      : errno == EADDRNOTAVAIL ? PARLEY_ERR_ENDPOINT
					       : PARLEY_ERR_SYSTEM;
		goto out;
	}
	err = session_carrier_zmtp_conn_watch(c, EPOLL_CTL_ADD, fd, EPOLLIN,
					      &c->listeners[c->n_listeners]);
	if (err)
		goto out;
	c->listeners[c->n_listeners++] = fd;
	return 0;
out:
	close(fd);
	return err;
}

int session_carrier_zmtp_connect_listen(struct session_carrier *base,
					const char *endpoint)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	struct addrinfo *list, *ai, ipc;
	struct sockaddr_un un;
	char host[SESSION_HOST_SIZE];
	const char *port;
	int err;

	if (session_carrier_zmtp_socket_is_ipc(endpoint)) {
		err = session_carrier_zmtp_socket_ipc_address(&ipc, &un,
							      endpoint);
		return err ? err : listen_at(c, &ipc);
	}
	err = session_carrier_zmtp_socket_split(host, &port, endpoint);
	if (!err)
		err = session_carrier_zmtp_socket_local(&list, host, port);
	if (err)
		return err;
	err = PARLEY_ERR_ENDPOINT;
	for (ai = list; ai && err == PARLEY_ERR_ENDPOINT; ai = ai->ai_next)
		err = listen_at(c, ai);
	freeaddrinfo(list);
	return err;
}

/*
 * Dialling
 */

/* Begin to connect to the next address; PARLEY_ERR_LOST if none is left. */
static int connect_next(struct session_carrier_zmtp *c,
			struct session_carrier_zmtp_conn *conn)
{
	while (conn->address) {
		const struct addrinfo *ai = conn->address;

		conn->address = ai->ai_next;
		if (conn->fd >= 0)
			session_carrier_zmtp_conn_close_fd(c, conn->fd);
		conn->fd =
		    socket(ai->ai_family,
			   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (conn->fd < 0)
			continue;
		session_carrier_zmtp_socket_set_options(conn->fd,
							c->o.liveness_ms);
		if (connect(conn->fd, ai->ai_addr, ai->ai_addrlen) &&
		    errno != EINPROGRESS)
			continue;
		session_carrier_zmtp_conn_set_writing(c, conn, true);
		if (session_carrier_zmtp_conn_watch(c, EPOLL_CTL_ADD, conn->fd,
						    EPOLLIN | EPOLLOUT, conn))
			continue;
		session_carrier_zmtp_conn_set_deadline(c, conn,
						       CONNECT_TIMEOUT_MS);
		return 0;
	}
	return PARLEY_ERR_LOST;
}

/* Connect to the first of the addresses; where none is left, DOWN tells. */
static void connect_first(struct session_carrier_zmtp *c,
			  struct session_carrier_zmtp_conn *conn,
			  struct addrinfo *ai)
{
	conn->address = ai;
	if (connect_next(c, conn) == 0)
		return;
	conn->deadline_ms = 0;
	session_carrier_zmtp_conn_wake_at(c, 0);
}

/* The addresses of a name come later: nobody else waits for them. */
static int look_up(struct session_carrier_zmtp *c,
		   struct session_carrier_zmtp_conn *conn, const char *host,
		   const char *port)
{
	int err =
	    session_lookup_start(&conn->lookup, &conn->fd, &c->lookups,
				 LOOKUPS_MAX + c->o.n_parties, host, port);

	if (err)
		return err;
	session_carrier_zmtp_conn_set_deadline(c, conn, LOOKUP_TIMEOUT_MS);
	return session_carrier_zmtp_conn_watch(c, EPOLL_CTL_ADD, conn->fd,
					       EPOLLIN, conn);
}

void session_carrier_zmtp_connect_found(struct session_carrier_zmtp *c,
					struct session_carrier_zmtp_conn *conn)
{
	if (!session_lookup_take(conn->lookup, &conn->addresses))
		return;
	session_lookup_free(conn->lookup);
	conn->lookup = NULL;
	session_carrier_zmtp_conn_close_fd(c, conn->fd);
	conn->fd = -1;
	if (conn->addresses)
		connect_first(c, conn, conn->addresses);
	else
		session_carrier_zmtp_conn_set_broken(c, conn, "no such host");
}

static int dial_tcp(struct session_carrier_zmtp *c,
		    struct session_carrier_zmtp_conn *conn,
		    const char *endpoint)
{
	char host[SESSION_HOST_SIZE];
	const char *port;
	int err = session_carrier_zmtp_socket_split(host, &port, endpoint);

	if (err)
		return err;
	if (port[0] == '\0' || strspn(port, "0123456789") != strlen(port))
		return PARLEY_ERR_ENDPOINT;
	if (session_carrier_zmtp_socket_numeric(&conn->addresses, host, port))
		return look_up(c, conn, host, port);
	connect_first(c, conn, conn->addresses);
	return 0;
}

static int dial_ipc(struct session_carrier_zmtp *c,
		    struct session_carrier_zmtp_conn *conn,
		    const char *endpoint)
{
	struct addrinfo ipc;
	struct sockaddr_un un;
	int err = session_carrier_zmtp_socket_ipc_address(&ipc, &un, endpoint);

	if (err)
		return err;
	connect_first(c, conn, &ipc);
	conn->address = NULL; /* was the only one */
	return 0;
}

int session_carrier_zmtp_connect_dial(struct session_carrier *base,
				      const char *endpoint,
				      struct session_conn **connp)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	struct session_carrier_zmtp_conn *conn =
	    session_carrier_zmtp_conn_new(c, true);
	int err;

	if (!conn)
		return PARLEY_ERR_MEMORY;
	conn->state = SESSION_CONN_CONNECTING;
	err = session_carrier_zmtp_socket_is_ipc(endpoint)
		  ? dial_ipc(c, conn, endpoint)
		  : dial_tcp(c, conn, endpoint);
	if (err) {
		session_carrier_zmtp_conn_close(c, conn);
		return err;
	}
	*connp = &conn->base;
	return 0;
}

int session_carrier_zmtp_connect_finish(struct session_carrier_zmtp *c,
					struct session_carrier_zmtp_conn *conn)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error)
		return connect_next(c, conn);
	if (conn->addresses)
		freeaddrinfo(conn->addresses);
	conn->addresses = conn->address = NULL;
	conn->state = SESSION_CONN_GREETING;
	session_carrier_zmtp_conn_set_deadline(c, conn, GREETING_TIMEOUT_MS);
	return session_carrier_zmtp_send_greeting(c, conn);
}

/*
 * Accepting
 */

/* Has it proven nothing yet? */
static bool may_go(const struct session_carrier_zmtp_conn *conn)
{
	return conn->stranger && conn->base.user == NULL;
}

/*
 * Of those of the address that has the most the oldest goes, so that who
 * connects faster than all others pays for it.  (Addresses share a counter by
 * chance only: their slots are keyed.)
 */
static void drop_stranger(struct session_carrier_zmtp *c)
{
	uint16_t n[SESSION_CARRIER_ZMTP_SOCKET_SLOTS] = {0}, most = 0;
	struct session_carrier_zmtp_conn *conn;

	for (conn = c->conns; conn; conn = conn->next)
		if (may_go(conn) && ++n[conn->slot] > most)
			most = n[conn->slot];
	for (conn = c->conns; conn; conn = conn->next)
		if (may_go(conn) && n[conn->slot] == most) {
			session_carrier_zmtp_conn_close(c, conn);
			return;
		}
}

static void pause_accepting(struct session_carrier_zmtp *c)
{
	c->accept_ms = session_now_ms() + ACCEPT_PAUSE_MS;
	session_carrier_zmtp_conn_wake_at(c, c->accept_ms);
	for (size_t i = 0; i < c->n_listeners; i++)
		session_carrier_zmtp_conn_watch(
		    c, EPOLL_CTL_MOD, c->listeners[i], 0, &c->listeners[i]);
}

void session_carrier_zmtp_connect_resume(struct session_carrier_zmtp *c)
{
	c->accept_ms = 0;
	for (size_t i = 0; i < c->n_listeners; i++)
		session_carrier_zmtp_conn_watch(c, EPOLL_CTL_MOD,
						c->listeners[i], EPOLLIN,
						&c->listeners[i]);
}

void session_carrier_zmtp_connect_accept(struct session_carrier_zmtp *c,
					 int listener)
{
	const bool ipc = session_carrier_zmtp_socket_is_unix(listener);

	for (int i = 0; i < SESSION_EPOLL_BATCH; i++) {
		struct session_carrier_zmtp_conn *conn;
		struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
		socklen_t len = sizeof(from);
		int fd = accept4(listener, (struct sockaddr *)&from, &len,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			/* Out of descriptors: not at every turn again. */
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				pause_accepting(c);
			return;
		}
		conn = NULL;
		if (!ipc || session_carrier_zmtp_socket_is_own_user(fd)) {
			if (c->n_strangers >= STRANGERS_MAX + c->o.n_parties)
				drop_stranger(c);
			conn = session_carrier_zmtp_conn_new(c, false);
		}
		if (!conn) {
			close(fd);
			continue;
		}
		conn->fd = fd;
		conn->state = SESSION_CONN_GREETING;
		conn->slot = session_carrier_zmtp_socket_slot(&from, c->salt);
		conn->stranger = true;
		c->n_strangers++;
		session_carrier_zmtp_socket_set_options(fd, c->o.liveness_ms);
		session_carrier_zmtp_conn_set_deadline(c, conn,
						       STRANGER_TIMEOUT_MS);
		if (session_carrier_zmtp_conn_watch(c, EPOLL_CTL_ADD, fd,
						    EPOLLIN, conn) ||
		    session_carrier_zmtp_send_greeting(c, conn))
			session_carrier_zmtp_conn_close(c, conn);
	}
}
