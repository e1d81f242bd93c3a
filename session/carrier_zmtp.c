/*
 * The carrier that speaks ZMTP itself (zmtp.c) over TCP, or on one machine over
 * unix-domain sockets (ipc://), in the caller's thread: no hidden queue, no
 * hand-over to another thread, and nothing that a stranger sends reaches code
 * that is not ours.  This file is the carrier as its users see it: waiting,
 * taking turns, its life.  carrier_zmtp_conn.h says what is in which file.
 *
 * Every connection is in one epoll set.  Those with something to read stand on
 * a list and take turns: one read each.
 */
#include "session/carrier.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <sodium.h>

#include <parley/err.h>

#include "session/carrier_zmtp_alive.h"
#include "session/carrier_zmtp_conn.h"
#include "session/carrier_zmtp_connect.h"
#include "session/carrier_zmtp_receive.h"
#include "session/carrier_zmtp_send.h"
#include "session/clock.h"

enum {
	READS_MAX = 16,	   /* before others are polled */
	TURNS_MAX = 16,	   /* such rounds without an event in one call */
	WATCH_MIN_MS = 10, /* a wait in one connection is part of such a one */
	WATCHES_MAX = 32,  /* in a row, before everybody is looked after */
	HANGUP_MS = 1000,  /* for what was sent last */
};

static void zmtp_trust(struct session_carrier *base,
		       struct session_conn *conn_base, size_t frame_max)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	struct session_carrier_zmtp_conn *conn =
	    (struct session_carrier_zmtp_conn *)conn_base;

	session_carrier_zmtp_conn_set_trusted(c, conn);
	session_carrier_zmtp_conn_wake_at(c, 0); /* it is to be pinged now */
	conn->zmtp.frame_max = frame_max;
}

static void zmtp_hangup(struct session_carrier *base,
			struct session_conn *conn_base)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	struct session_carrier_zmtp_conn *conn =
	    (struct session_carrier_zmtp_conn *)conn_base;

	conn->base.user = NULL;
	if (conn->state == SESSION_CONN_OVER || conn->closing)
		return;
	/* What was just sent (an abort, say) gets a moment to leave. */
	if (conn->state == SESSION_CONN_UP && conn->head)
		session_carrier_zmtp_send_out(c, conn);
	if (conn->state == SESSION_CONN_UP && conn->head) {
		conn->closing = true;
		session_carrier_zmtp_conn_set_deadline(c, conn, HANGUP_MS);
		return;
	}
	session_carrier_zmtp_conn_close(c, conn);
}

static void on_writable(struct session_carrier_zmtp *c,
			struct session_carrier_zmtp_conn *conn)
{
	if (conn->state == SESSION_CONN_CONNECTING) {
		if (session_carrier_zmtp_connect_finish(c, conn))
			session_carrier_zmtp_conn_set_broken(c, conn,
							     "cannot connect");
		return;
	}
	session_carrier_zmtp_send_out(c, conn);
	if (conn->closing && !conn->head)
		session_carrier_zmtp_conn_close(c, conn);
}

static bool is_listener(const struct session_carrier_zmtp *c, const void *ptr)
{
	return ptr >= (const void *)c->listeners &&
	       ptr < (const void *)(c->listeners + SESSION_LISTENERS_MAX);
}

/* List what epoll has seen.  Returns as session_carrier_wait(). */
static int poll_conns(struct session_carrier_zmtp *c, int timeout_ms)
{
	struct epoll_event events[SESSION_EPOLL_BATCH];
	int n =
	    epoll_wait(c->epoll_fd, events, SESSION_EPOLL_BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? PARLEY_ERR_INTERRUPTED
				      : PARLEY_ERR_SYSTEM;
	c->fresh = true;
	c->n_reads = c->n_watches = 0;
	for (int i = 0; i < n; i++) {
		struct session_carrier_zmtp_conn *conn = events[i].data.ptr;

		if (!conn)
			continue; /* wake */
		if (is_listener(c, conn)) {
			session_carrier_zmtp_connect_accept(
			    c, *(int *)events[i].data.ptr);
			continue;
		}
		if (conn->state == SESSION_CONN_OVER)
			continue;
		if (conn->lookup) {
			session_carrier_zmtp_connect_found(c, conn);
			continue;
		}
		if (events[i].events & EPOLLOUT)
			on_writable(c, conn);
		if (conn->state != SESSION_CONN_OVER &&
		    conn->state != SESSION_CONN_CONNECTING &&
		    events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			session_ready_add(&c->ready, &conn->ready);
	}
	return n == 0 ? PARLEY_ERR_AGAIN : 0;
}

/* Read from the first on the list, which then goes to its end. */
static int read_listed(struct session_carrier_zmtp *c,
		       struct session_carrier_event *ev)
{
	struct session_carrier_zmtp_conn *conn = SESSION_READY_OF(
	    c->ready.first, struct session_carrier_zmtp_conn, ready);
	int r;

	if (conn->broken)
		return session_carrier_zmtp_receive_end(c, ev, conn,
							conn->broken);
	c->n_reads++;
	r = session_carrier_zmtp_receive_read(c, ev, conn);
	if (conn->ready.listed && conn->ready.next) {
		session_ready_remove(&c->ready, &conn->ready);
		session_ready_add(&c->ready, &conn->ready);
	}
	return r;
}

static int zmtp_next(struct session_carrier *base,
		     struct session_carrier_event *ev)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	bool crowded; /* somebody always has more to say */
	int r, err, turns = 0;

	session_carrier_zmtp_conn_free_dead(c);
	for (;;) {
		crowded = c->n_reads >= READS_MAX;
		if (c->staged)
			r = session_carrier_zmtp_receive_parse(c, ev,
							       c->staged);
		else if (c->ready.first && !crowded)
			r = read_listed(c, ev);
		else
			r = session_carrier_zmtp_alive_run_timers(c, ev,
								  crowded);
		if (r == SESSION_CARRIER_EVENT)
			return 0;
		if (c->staged || (c->ready.first && !crowded))
			continue;
		if (crowded ? ++turns == TURNS_MAX : c->fresh) {
			c->fresh = false;
			return PARLEY_ERR_AGAIN;
		}
		err = poll_conns(c, 0);
		if (err && err != PARLEY_ERR_AGAIN &&
		    err != PARLEY_ERR_INTERRUPTED)
			return err;
	}
}

static int zmtp_settle(struct session_carrier *base)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;

	/* What is still in sockets is for epoll to tell, but not that a
	 * connection broke. */
	return session_wake_set(&c->wake, c->staged || c->ready.first);
}

static int zmtp_wait(struct session_carrier *base,
		     struct session_conn *conn_base, int timeout_ms)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	struct session_carrier_zmtp_conn *conn =
	    (struct session_carrier_zmtp_conn *)conn_base;
	int e;

	if (c->staged || c->ready.first)
		return 0;
	session_wake_set(&c->wake, false);
	if (conn && conn->state == SESSION_CONN_UP && !conn->frame &&
	    !conn->mute && conn->watch_pause == 0 && c->n_writing == 0 &&
	    (timeout_ms < 0 || timeout_ms >= WATCH_MIN_MS) &&
	    session_carrier_zmtp_receive_may_wait(conn)) {
		if (c->n_watches >= WATCHES_MAX) {
			e = poll_conns(c, 0);
			if (e != PARLEY_ERR_AGAIN)
				return e;
		}
		e = session_carrier_zmtp_receive_wait(c, conn);
		if (e != EWOULDBLOCK)
			return e == EINTR ? PARLEY_ERR_INTERRUPTED : 0;
		timeout_ms -= timeout_ms < 0 ? 0 : WATCH_MIN_MS / 2;
	}
	return poll_conns(c, timeout_ms);
}

static int zmtp_fd(const struct session_carrier *base)
{
	return ((const struct session_carrier_zmtp *)base)->epoll_fd;
}

static int64_t zmtp_deadline(const struct session_carrier *base)
{
	return ((const struct session_carrier_zmtp *)base)->next_timer_ms;
}

/* Let what is queued leave, for at most ${linger_ms}. */
static void linger(struct session_carrier_zmtp *c, int linger_ms)
{
	const int64_t limit = session_now_ms() + linger_ms;
	struct session_carrier_zmtp_conn *conn;

	for (;;) {
		bool waiting = false;
		int64_t left = limit - session_now_ms();

		for (conn = c->conns; conn; conn = conn->next)
			if (conn->state == SESSION_CONN_UP && conn->head) {
				session_carrier_zmtp_send_out(c, conn);
				waiting = waiting || conn->head;
			}
		if (!waiting || left <= 0)
			return;
		(void)poll_conns(c, left < 10 ? (int)left : 10);
	}
}

static void zmtp_free(struct session_carrier *base, int linger_ms)
{
	struct session_carrier_zmtp *c = (struct session_carrier_zmtp *)base;
	struct session_carrier_zmtp_conn *conn;

	c->leaving = linger_ms == SESSION_CARRIER_LEAVE;
	if (c->epoll_fd >= 0 && !c->leaving)
		linger(c, linger_ms);
	for (conn = c->conns; conn; conn = conn->next)
		session_carrier_zmtp_conn_close(c, conn);
	session_carrier_zmtp_conn_free_dead(c);
	session_lookup_list_wipe(&c->lookups);
	for (size_t i = 0; i < c->n_listeners; i++)
		close(c->listeners[i]);
	session_wake_close(&c->wake);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
}

static const struct session_carrier_ops zmtp_ops = {
    .listen = session_carrier_zmtp_connect_listen,
    .dial = session_carrier_zmtp_connect_dial,
    .send = session_carrier_zmtp_send,
    .hangup = zmtp_hangup,
    .next = zmtp_next,
    .wait = zmtp_wait,
    .fd = zmtp_fd,
    .settle = zmtp_settle,
    .deadline = zmtp_deadline,
    .trust = zmtp_trust,
    .free = zmtp_free,
};

int session_carrier_zmtp_new(struct session_carrier **cp,
			     const struct session_carrier_options *o)
{
	struct session_carrier_zmtp *c = calloc(1, sizeof(*c));

	if (!c)
		return PARLEY_ERR_MEMORY;
	c->base.ops = &zmtp_ops;
	c->o = *o;
	randombytes_buf(c->salt, sizeof(c->salt));
	c->conns_tail = &c->conns;
	session_ready_init(&c->ready);
	c->next_timer_ms = INT64_MAX;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (session_wake_init(&c->wake) || c->epoll_fd < 0 ||
	    session_carrier_zmtp_conn_watch(c, EPOLL_CTL_ADD, c->wake.fd,
					    EPOLLIN, NULL)) {
		zmtp_free(&c->base, 0);
		return PARLEY_ERR_SYSTEM;
	}
	*cp = &c->base;
	return 0;
}
