/*
 * Driving a session: waiting, and what is done before a wait.
 *
 * Every wait goes on receiving, so that two parties that wait for each other's
 * windows cannot stop each other.
 */
#include "session/drive.h"

#include <signal.h>
#include <sys/timerfd.h>

#include "session/clock.h"
#include "session/mesh.h"
#include "session/party.h"

void session_drive_flush(struct parley_session *s)
{
	struct session_party *p;

	while (s->dirty.first) {
		p = SESSION_READY_OF(s->dirty.first, struct session_party,
				     dirty);
		session_ready_remove(&s->dirty, &p->dirty);
		session_party_flush(s, p);
	}
}

void session_drive_grant(struct parley_session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (!session_live(p))
			continue;
		session_channel_grant(p->up->channel);
		if (session_channel_ack_due(p->up->channel) &&
		    session_channel_ack_now(p->up->channel) == 0)
			session_party_mark_dirty(s, p);
	}
}

int64_t session_drive_limit(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : session_now_ms() + timeout_ms;
}

/*
 * Does the program catch any signal but those of its own faults?  Where it does
 * not, what interrupted a wait was a stop and SIGCONT, which is nothing to
 * tell.
 */
static bool catches_signals(void)
{
	static const int faults[] = {SIGABRT, SIGBUS,  SIGFPE, SIGILL,
				     SIGSEGV, SIGTRAP, SIGSYS};
	struct sigaction a;

	for (int sig = 1; sig < NSIG; sig++) {
		bool fault = false;

		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			fault = fault || sig == faults[i];
		if (!fault && sigaction(sig, NULL, &a) == 0 &&
		    a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN)
			return true;
	}
	return false;
}

int session_drive_wait(struct parley_session *s,
		       const struct session_party *from, int64_t limit_ms)
{
	int err;

	session_drive_flush(s);
	err = session_carrier_wait(
	    s->carrier, from && session_live(from) ? from->up->conn : NULL,
	    session_mesh_timeout(s, limit_ms));
	if (err == PARLEY_ERR_INTERRUPTED && catches_signals())
		return session_refuse(s, err, "interrupted by a signal");
	if (err && err != PARLEY_ERR_AGAIN && err != PARLEY_ERR_INTERRUPTED)
		return session_refuse(s, err, "the network failed");
	err = session_mesh_process(s);
	if (err)
		return err;
	return limit_ms != INT64_MAX && session_now_ms() >= limit_ms
		   ? PARLEY_ERR_AGAIN
		   : 0;
}

int session_drive_arm_timer(struct parley_session *s)
{
	const int64_t deadline = session_mesh_deadline(s);
	struct itimerspec t = {0};

	if (s->timer_armed_ms == deadline)
		return 0;
	s->timer_armed_ms = deadline;
	if (deadline != INT64_MAX) {
		int64_t ms = deadline > 0 ? deadline : 1;

		/* Counted from the start of the machine: 31 bits do. */
		t.it_value.tv_sec = (time_t)(ms / 1000);
		t.it_value.tv_nsec = (long)(ms % 1000 * 1000000);
	}
	return timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &t, NULL)
		   ? PARLEY_ERR_SYSTEM
		   : 0;
}

/*
 * Driving from outside
 */

int parley_session_process(struct parley_session *s)
{
	int err = session_check_owner(s), settled;

	if (err)
		return err;
	err = session_mesh_process(s);
	settled = session_drive_arm_timer(s);
	if (!settled)
		settled = session_carrier_settle(s->carrier);
	return err ? err : settled;
}

int parley_session_fd(const struct parley_session *s)
{
	return s->epoll_fd;
}

int parley_session_wait(struct parley_session *s)
{
	int err = session_check_owner(s);

	while (!err && s->state == PARLEY_SESSION_OPENING)
		err = session_drive_wait(s, NULL, INT64_MAX);
	if (!err && s->state != PARLEY_SESSION_READY)
		err = session_mesh_process(s);
	return err;
}
