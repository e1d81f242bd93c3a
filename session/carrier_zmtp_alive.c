/*
 * Timers of the ZMTP carrier: who is silent, who took too long.
 *
 * Who is alive: the kernel's keepalive notices a network or a host that is
 * gone, also while both programs compute; ZMTP's PING notices a program that
 * does not call its library for a long time.
 */
#include "session/carrier_zmtp_alive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "session/carrier_zmtp_connect.h"
#include "session/carrier_zmtp_receive.h"
#include "session/carrier_zmtp_send.h"
#include "session/clock.h"

enum {
	PROBES_UNANSWERED = 3, /* of a closed window */
	AWAY_MS = 50, /* longer ago polled: sockets come before timers */
};

/*
 * Is the other end's kernel still there, though what was sent to it has not
 * been acknowledged?  A busy program makes its kernel close the window but not
 * fall silent: what is in flight is acknowledged, and so are probes.
 */
static int check_network(struct session_carrier_zmtp *c,
			 struct session_carrier_event *ev,
			 struct session_carrier_zmtp_conn *conn, int64_t now)
{
	const unsigned limit = (unsigned)c->o.liveness_ms;
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (conn->state != SESSION_CONN_UP || !conn->sent || conn->ready.listed)
		return SESSION_CARRIER_NOTHING;
	if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return SESSION_CARRIER_NOTHING;
	if (info.tcpi_unacked == 0 && !conn->head) {
		conn->sent = false;
		return SESSION_CARRIER_NOTHING;
	}
	if (info.tcpi_last_ack_recv > limit &&
	    info.tcpi_last_data_recv > limit &&
	    (info.tcpi_unacked > 0 || info.tcpi_probes >= PROBES_UNANSWERED))
		return session_carrier_zmtp_receive_end(
		    c, ev, conn, "the network is silent");
	session_carrier_zmtp_conn_wake_at(
	    c, now + session_carrier_zmtp_alive_beat(c));
	return SESSION_CARRIER_NOTHING;
}

/* Ask a connection that is silent; end one that does not answer. */
static int check_alive(struct session_carrier_zmtp *c,
		       struct session_carrier_event *ev,
		       struct session_carrier_zmtp_conn *conn, int64_t now)
{
	const int64_t beat = c->o.unresponsive_ms / 3 + 1;
	uint8_t ping[SESSION_ZMTP_READY_MAX];

	if (conn->state != SESSION_CONN_UP || conn->stranger ||
	    !conn->zmtp.pings || c->o.unresponsive_ms <= 0)
		return SESSION_CARRIER_NOTHING;
	if (conn->ready.listed) /* something of it waits to be read */
		conn->heard_ms = conn->pinged_ms = 0;
	if (conn->heard_ms == 0)
		conn->heard_ms = now;
	if (conn->pinged_ms == 0 && now - conn->heard_ms >= beat) {
		conn->pinged_ms = now;
		if (session_carrier_zmtp_send_control(
			c, conn, ping, session_zmtp_make_ping(ping)))
			return session_carrier_zmtp_receive_end(
			    c, ev, conn, "connection closed");
	}
	if (conn->pinged_ms > 0 && now - conn->pinged_ms >= 2 * beat)
		return session_carrier_zmtp_receive_end(c, ev, conn, "silent");
	session_carrier_zmtp_conn_wake_at(c, conn->pinged_ms > 0
						 ? conn->pinged_ms + 2 * beat
						 : conn->heard_ms + beat);
	return SESSION_CARRIER_NOTHING;
}

int session_carrier_zmtp_alive_run_timers(struct session_carrier_zmtp *c,
					  struct session_carrier_event *ev,
					  bool crowded)
{
	const int64_t now = session_now_ms();
	struct session_carrier_zmtp_conn *conn, *next;

	if (now < c->next_timer_ms)
		return SESSION_CARRIER_NOTHING;
	/* The program may have been away: what came meanwhile counts. */
	if (!crowded && now - c->heard_ms >= AWAY_MS) {
		c->heard_ms = now;
		c->fresh = false;
		return SESSION_CARRIER_NOTHING;
	}
	c->next_timer_ms = INT64_MAX;
	if (c->accept_ms > 0 && c->accept_ms <= now)
		session_carrier_zmtp_connect_resume(c);
	else if (c->accept_ms > 0)
		session_carrier_zmtp_conn_wake_at(c, c->accept_ms);
	for (conn = c->conns; conn; conn = next) {
		int r = SESSION_CARRIER_NOTHING;

		next = conn->next;
		if (conn->state == SESSION_CONN_OVER)
			continue;
		if (conn->deadline_ms <= now) {
			r = session_carrier_zmtp_receive_end(
			    c, ev, conn,
			    conn->state == SESSION_CONN_CONNECTING
				? "cannot connect"
				: "no answer");
		} else {
			if (conn->deadline_ms < INT64_MAX)
				session_carrier_zmtp_conn_wake_at(
				    c, conn->deadline_ms);
			r = check_network(c, ev, conn, now);
			if (r == SESSION_CARRIER_NOTHING &&
			    conn->state != SESSION_CONN_OVER)
				r = check_alive(c, ev, conn, now);
		}
		if (r == SESSION_CARRIER_EVENT) {
			c->next_timer_ms = 0; /* the others, next time */
			return SESSION_CARRIER_EVENT;
		}
	}
	return SESSION_CARRIER_NOTHING;
}
