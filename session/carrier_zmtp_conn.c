/*
 * Connections of the ZMTP carrier, from the first socket to the end.
 *
 * The one invariant: who is closed stays readable, as one of the dead, until
 * the next call into the carrier.  Its user may still look at it, and loops
 * over all connections go on.
 */
#include "session/carrier_zmtp_conn.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/err.h>

#include "session/carrier_zmtp_send.h"
#include "session/clock.h"

struct session_carrier_zmtp_conn *session_carrier_zmtp_conn_new(
    struct session_carrier_zmtp *c, bool dialled)
{
	struct session_carrier_zmtp_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->base.dialled = dialled;
	conn->fd = -1;
	conn->tail = &conn->head;
	conn->prev = c->conns_tail;
	*c->conns_tail = conn;
	c->conns_tail = &conn->next;
	session_zmtp_init(&conn->zmtp,
			  dialled ? SESSION_ZMTP_DEALER : SESSION_ZMTP_ROUTER,
			  dialled ? c->o.frame_max : c->o.stranger_max);
	return conn;
}

void session_carrier_zmtp_conn_set_deadline(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn,
    int ms)
{
	conn->deadline_ms = session_now_ms() + ms;
	session_carrier_zmtp_conn_wake_at(c, conn->deadline_ms);
}

void session_carrier_zmtp_conn_set_trusted(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn)
{
	if (conn->stranger)
		c->n_strangers--;
	conn->stranger = false;
}

void session_carrier_zmtp_conn_set_writing(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn,
    bool on)
{
	if (conn->writing == on)
		return;
	conn->writing = on;
	c->n_writing += on ? 1 : (size_t)-1;
}

void session_carrier_zmtp_conn_set_broken(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn,
    const char *reason)
{
	conn->broken = reason;
	session_ready_add(&c->ready, &conn->ready);
}

int session_carrier_zmtp_conn_watch(struct session_carrier_zmtp *c, int op,
				    int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = {.events = events, .data.ptr = ptr};

	return epoll_ctl(c->epoll_fd, op, fd, &ev) ? PARLEY_ERR_SYSTEM : 0;
}

void session_carrier_zmtp_conn_close_fd(const struct session_carrier_zmtp *c,
					int fd)
{
	if (!c->leaving)
		epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

/* Unread bytes would make the kernel drop what we sent last: they are read away
 * first. */
static void close_gently(const struct session_carrier_zmtp *c, int fd)
{
	uint8_t sink[4096];

	if (!c->leaving)
		shutdown(fd, SHUT_WR);
	for (int i = 0; i < 64 && !c->leaving; i++)
		if (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) <= 0)
			break;
	session_carrier_zmtp_conn_close_fd(c, fd);
}

void session_carrier_zmtp_conn_close(struct session_carrier_zmtp *c,
				     struct session_carrier_zmtp_conn *conn)
{
	if (conn->state == SESSION_CONN_OVER)
		return;
	conn->state = SESSION_CONN_OVER;
	session_carrier_zmtp_conn_set_writing(c, conn, false);
	session_carrier_zmtp_conn_set_trusted(c, conn);
	session_ready_remove(&c->ready, &conn->ready);
	if (c->staged == conn)
		c->staged = NULL;
	if (conn->fd >= 0)
		close_gently(c, conn->fd);
	conn->fd = -1;
	if (conn->addresses)
		freeaddrinfo(conn->addresses);
	conn->addresses = NULL;
	session_lookup_free(conn->lookup);
	conn->lookup = NULL;
	session_frame_free(conn->frame);
	conn->frame = NULL;
	session_carrier_zmtp_send_drop(conn);
	conn->dead = c->dead;
	c->dead = conn;
}

void session_carrier_zmtp_conn_free_dead(struct session_carrier_zmtp *c)
{
	struct session_carrier_zmtp_conn *conn;

	while ((conn = c->dead)) {
		c->dead = conn->dead;
		*conn->prev = conn->next;
		if (conn->next)
			conn->next->prev = conn->prev;
		else
			c->conns_tail = conn->prev;
		free(conn);
	}
}
