/*
 * Forwarding (PROTOCOL 12): the engine.
 *
 * One epoll set holds the session's descriptor, a listener for each party that
 * the program dials, the connections, a timer, and what the caller adds.  A
 * turn is: wait; take what the session brings and write it to the program;
 * read what the program wrote and hand it to the session; flush.  Programs of
 * many small rounds wait for every step of it, so on that way nothing is
 * copied into a queue and no descriptor is touched that need not be.
 *
 * A message that the session does not accept now blocks its party: nothing is
 * read for it until it can be sent.  Streams are freed at the end of a turn,
 * because events of the same turn may still point at them.
 */
#include "session/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <parley/err.h>

#include "session/forward_party.h"
#include "session/forward_stream.h"
#include "session/local.h"
#include "session/session.h"

enum {
	EVENTS_MAX = 64,
	ACCEPTS_MAX = 8,       /* at one port before others have their turn */
	ACCEPT_PAUSE_MS = 100, /* no descriptors left */
	BLOCKED_RETRY_MS = 20,
};

/* What epoll returns for descriptors that have no state of their own. */
static const enum session_forward_kind session_kind = SESSION_FORWARD_SESSION;
static const enum session_forward_kind timer_kind = SESSION_FORWARD_TIMER;
static const enum session_forward_kind watch_kind = SESSION_FORWARD_WATCH;

/*
 * Telling
 */

const char *session_forward_reason_text(enum session_forward_reason reason)
{
	switch (reason) {
	case SESSION_FORWARD_NO_SERVICE:
		return "nothing is offered there";
	case SESSION_FORWARD_WRONG_INDEX:
		return "the program claimed the index of another party";
	case SESSION_FORWARD_SECOND:
		return "that party has a connection already";
	case SESSION_FORWARD_UNREACHABLE:
		return "the program there cannot be reached";
	case SESSION_FORWARD_PROTOCOL:
		return "the forwarding protocol was violated";
	}
	return "no known reason";
}

/*
 * The session
 */

static void send_reset(struct session_forward *f, int party, const uint8_t *msg)
{
	const uint8_t reset[SESSION_FORWARD_RESET_LEN] = {
	    SESSION_FORWARD_OP_RESET, msg[1], msg[2], SESSION_FORWARD_PROTOCOL};

	/* If it does not go, a party that breaks the rules misses it. */
	session_forward_party_send(f, party, reset, sizeof(reset));
}

static bool is_theirs(const struct session_forward *f, int party,
		      uint16_t number)
{
	return number % 2 == (party < f->self ? 0 : 1);
}

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Returns whether the message makes sense. */
static bool take_message(struct session_forward *f, int party,
			 const uint8_t *msg, size_t len)
{
	const uint16_t number = (uint16_t)(msg[1] << 8 | msg[2]);
	const uint8_t *rest = msg + SESSION_FORWARD_HEAD_LEN;
	struct session_forward_stream *st =
	    session_forward_stream_find(f, party, number);

	len -= SESSION_FORWARD_HEAD_LEN;
	if (msg[0] == SESSION_FORWARD_OP_DATA && st) {
		session_forward_stream_data(f, st, rest, len);
	} else if (msg[0] == SESSION_FORWARD_OP_OPEN && !st && len == 1 &&
		   is_theirs(f, party, number)) {
		if (session_forward_stream_open(f, party, number, rest[0]))
			f->err = PARLEY_ERR_MEMORY;
	} else if (msg[0] == SESSION_FORWARD_OP_FIN && st && len == 0) {
		session_forward_stream_fin(f, st);
	} else if (msg[0] == SESSION_FORWARD_OP_CREDIT && st && len == 4) {
		session_forward_stream_credit(f, st, get_be32(rest));
	} else if (msg[0] == SESSION_FORWARD_OP_RESET && len == 1) {
		if (st)
			session_forward_stream_reset(f, st, rest[0]);
	} else if (st) {
		session_forward_stream_cut(f, st, SESSION_FORWARD_PROTOCOL);
	} else {
		/* Credit crosses the FIN that ended the stream. */
		return msg[0] == SESSION_FORWARD_OP_CREDIT && len == 4;
	}
	return true;
}

static void write_gathered(struct session_forward *f)
{
	struct session_forward_stream *st;

	while (f->gathered.first) {
		st = SESSION_READY_OF(f->gathered.first,
				      struct session_forward_stream, gathered);
		session_ready_remove(&f->gathered, &st->gathered);
		session_forward_stream_write(f, st);
	}
}

/* All that has come; it can be taken in any case, credit bounds it. */
static void take_messages(struct session_forward *f)
{
	const void *msg;
	size_t len;
	int party;

	while (f->session->full.first && !f->err &&
	       parley_session_recv(f->session, PARLEY_ANY, &party, &msg,
				   &len) == 0) {
		if (len < SESSION_FORWARD_HEAD_LEN)
			continue;
		if (!take_message(f, party, msg, len))
			send_reset(f, party, msg);
	}
	write_gathered(f);
}

static void leave(struct session_forward *f, int party)
{
	struct session_forward_stream *next;

	for (struct session_forward_stream *st = f->streams; st; st = next) {
		next = st->next;
		if (st->party == party)
			session_forward_stream_leave(f, st);
	}
}

/* Parties that are lost or have closed since the last look. */
static void look_for_gone(struct session_forward *f)
{
	for (int i = 0; i < f->n; i++) {
		struct session_forward_party *p = &f->parties[i];
		struct session_forward_event e = {.party = i, .stream = -1};
		enum parley_party_state state =
		    parley_session_party_state(f->session, i);

		if (p->gone || (state != PARLEY_PARTY_LOST &&
				state != PARLEY_PARTY_CLOSED))
			continue;
		p->gone = true;
		leave(f, i);
		if (state == PARLEY_PARTY_CLOSED) {
			e.type = SESSION_FORWARD_CLOSED;
			session_forward_party_report(f, &e,
						     "closed the session");
		} else {
			e.type = SESSION_FORWARD_LOST;
			e.err = f->session->parties[i].lost_err;
			session_forward_party_report(
			    f, &e, "lost: %s", f->session->parties[i].detail);
		}
	}
}

static void advance_all(struct session_forward *f, int party)
{
	struct session_forward_stream *next;

	for (struct session_forward_stream *st = f->streams; st; st = next) {
		next = st->next;
		if (st->party == party)
			session_forward_stream_advance(f, st);
	}
}

/* Try again what could not be sent.  Returns whether something still cannot. */
static bool unblock(struct session_forward *f)
{
	bool any = false;

	for (int i = 0; i < f->n; i++) {
		struct session_forward_party *p = &f->parties[i];

		if (!p->blocked || p->gone)
			continue;
		p->blocked = false;
		advance_all(f, i);
		if (!p->blocked)
			continue;
		/* Those looked at before it was blocked again. */
		advance_all(f, i);
		any = true;
	}
	return any;
}

/*
 * Listeners and timers
 */

static int watch(struct session_forward *f, int fd, const void *what)
{
	struct epoll_event ev = {.events = EPOLLIN,
				 .data.ptr = (void *)(uintptr_t)what};

	return epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &ev)
		   ? PARLEY_ERR_SYSTEM
		   : 0;
}

static void start_accepting(struct session_forward *f)
{
	f->accept_ms = 0;
	f->accepting = true;
	for (int i = 0; i < f->n; i++) {
		struct session_forward_party *p = &f->parties[i];

		if (p->listener >= 0 && watch(f, p->listener, &p->kind))
			f->err = PARLEY_ERR_SYSTEM;
	}
}

static void pause_accepting(struct session_forward *f)
{
	f->accept_ms = session_now_ms() + ACCEPT_PAUSE_MS;
	for (int i = 0; i < f->n; i++) {
		if (f->parties[i].listener >= 0)
			epoll_ctl(f->epoll_fd, EPOLL_CTL_DEL,
				  f->parties[i].listener, NULL);
	}
}

static void accept_one(struct session_forward *f, int party, int fd)
{
	const struct session_forward_event refused = {
	    .type = SESSION_FORWARD_REFUSED, .party = party, .stream = -1};

	if (!session_local_comes_from(fd, f->o.uid)) {
		close(fd);
		session_forward_party_report(
		    f, &refused,
		    "a connection to its port that is not known to be of "
		    "this user was refused");
		return;
	}
	if (session_forward_stream_accept(f, party, fd))
		f->err = PARLEY_ERR_MEMORY;
	if (f->parties[party].gone)
		leave(f, party);
}

static void accept_some(struct session_forward *f,
			const struct session_forward_party *p)
{
	int fd, r = 0;

	if (p->listener < 0 || f->accept_ms != 0)
		return;
	for (int i = 0; i < ACCEPTS_MAX && r == 0; i++) {
		r = session_local_accept(&fd, p->listener);
		if (r == 0)
			accept_one(f, (int)(p - f->parties), fd);
	}
	if (r != 0 && r != PARLEY_ERR_AGAIN)
		pause_accepting(f);
}

static void run_timers(struct session_forward *f)
{
	const int64_t now = session_now_ms();
	struct session_forward_stream *next;
	uint64_t n;

	if (read(f->timer_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		f->timer_ms = INT64_MAX;
	if (f->accept_ms != 0 && f->accept_ms <= now && !f->hung_up)
		start_accepting(f);
	for (struct session_forward_stream *st = f->streams; st; st = next) {
		next = st->next;
		session_forward_stream_timer(f, st, now);
	}
}

static void arm_timer(struct session_forward *f, bool blocked)
{
	int64_t due =
	    f->accept_ms != 0 && !f->hung_up ? f->accept_ms : INT64_MAX;
	struct itimerspec t = {0};

	for (const struct session_forward_stream *st = f->streams; st;
	     st = st->next) {
		if (st->dial_ms < due)
			due = st->dial_ms;
	}
	/* What unblocks a party may have come within another call. */
	if (blocked && f->timer_ms == INT64_MAX && due == INT64_MAX)
		due = session_now_ms() + BLOCKED_RETRY_MS;
	if (due >= f->timer_ms)
		return;
	f->timer_ms = due;
	t.it_value.tv_sec = (time_t)(due / 1000);
	t.it_value.tv_nsec = (long)(due % 1000 * 1000000);
	if (timerfd_settime(f->timer_fd, TFD_TIMER_ABSTIME, &t, NULL))
		f->err = PARLEY_ERR_SYSTEM;
}

/*
 * Turns
 */

static void on_event(struct session_forward *f, const struct epoll_event *ev)
{
	const enum session_forward_kind *kind = ev->data.ptr;

	switch (*kind) {
	case SESSION_FORWARD_SESSION: /* was served first */
	case SESSION_FORWARD_WATCH:
		break;
	case SESSION_FORWARD_TIMER:
		run_timers(f);
		break;
	case SESSION_FORWARD_LISTENER:
		accept_some(f, ev->data.ptr);
		break;
	case SESSION_FORWARD_STREAM:
		session_forward_stream_event(f, ev->data.ptr, ev->events);
		break;
	}
}

static void free_dead(struct session_forward *f)
{
	struct session_forward_stream *st;

	while ((st = f->dead)) {
		f->dead = st->next;
		session_forward_stream_free(st);
	}
}

static bool has_event(const struct epoll_event *events, int n, const void *what)
{
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == what)
			return true;
	}
	return false;
}

/* What is to be done in a session that is ready. */
static int forward(struct session_forward *f, const struct epoll_event *events,
		   int n)
{
	bool blocked;

	if (!f->accepting && !f->hung_up)
		start_accepting(f);
	take_messages(f);
	for (int i = 0; i < n; i++)
		on_event(f, &events[i]);
	blocked = unblock(f);
	/* A send that had to wait may have received. */
	take_messages(f);
	look_for_gone(f);
	free_dead(f);
	arm_timer(f, blocked);
	return f->err ? f->err : parley_session_flush(f->session);
}

int session_forward_process(struct session_forward *f, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n, err = 0;

	n = epoll_wait(f->epoll_fd, events, EVENTS_MAX, timeout_ms);
	if (n < 0 && errno != EINTR)
		return PARLEY_ERR_SYSTEM;
	f->watched = has_event(events, n, &watch_kind);
	if (has_event(events, n, &session_kind))
		err = parley_session_process(f->session);
	if (!err && parley_session_state(f->session) == PARLEY_SESSION_READY)
		err = forward(f, events, n);
	return err;
}

int session_forward_fd(const struct session_forward *f)
{
	return f->epoll_fd;
}

int session_forward_watch(struct session_forward *f, int fd)
{
	return watch(f, fd, &watch_kind);
}

bool session_forward_watched(const struct session_forward *f)
{
	return f->watched;
}

uint16_t session_forward_port(const struct session_forward *f, int party)
{
	return f->parties[party].port;
}

size_t session_forward_n_streams(const struct session_forward *f)
{
	size_t n = 0;

	for (int i = 0; i < f->n; i++)
		n += f->parties[i].n_streams[true] +
		     f->parties[i].n_streams[false];
	return n;
}

bool session_forward_is_idle(const struct session_forward *f)
{
	for (const struct session_forward_stream *st = f->streams; st;
	     st = st->next) {
		if (st->up && (!st->read_end || (st->tabled && !st->fin_sent &&
						 !st->reset_sent)))
			return false;
	}
	return true;
}

static void stop_listening(struct session_forward *f)
{
	for (int i = 0; f->parties && i < f->n; i++) {
		if (f->parties[i].listener >= 0)
			close(f->parties[i].listener);
		f->parties[i].listener = -1;
	}
}

void session_forward_hang_up(struct session_forward *f)
{
	struct session_forward_stream *next;

	f->hung_up = true;
	stop_listening(f);
	for (struct session_forward_stream *st = f->streams; st; st = next) {
		next = st->next;
		session_forward_stream_hang_up(f, st);
	}
}

/*
 * Beginning and end
 */

static int listen_all(struct session_forward *f)
{
	int err = 0;

	for (int i = 0; i < f->n && !err; i++) {
		struct session_forward_party *p = &f->parties[i];

		if (i == f->self ||
		    (f->o.dial == SESSION_FORWARD_DIAL_HIGHER && i < f->self))
			continue;
		err = session_local_listen(&p->listener, &p->port);
	}
	return err;
}

int session_forward_new(struct session_forward **fp, struct parley_session *s,
			const struct session_forward_options *o)
{
	struct session_forward *f = calloc(1, sizeof(*f));
	int err = PARLEY_ERR_MEMORY;

	if (!f)
		return err;
	f->session = s;
	f->o = *o;
	f->n = parley_session_n_parties(s);
	f->self = parley_session_self(s);
	f->timer_ms = INT64_MAX;
	session_ready_init(&f->gathered);
	f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	f->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	f->parties = calloc((size_t)f->n, sizeof(f->parties[0]));
	if (!f->parties)
		goto out;
	for (int i = 0; i < f->n; i++)
		f->parties[i] = (struct session_forward_party){
		    .kind = SESSION_FORWARD_LISTENER, .listener = -1};
	err = f->epoll_fd < 0 || f->timer_fd < 0 ? PARLEY_ERR_SYSTEM : 0;
	if (!err)
		err = session_local_can_tell();
	if (!err)
		err = watch(f, f->timer_fd, &timer_kind);
	if (!err)
		err = watch(f, s->timer_fd, &session_kind);
	/* Not its epoll set around both: each level costs each message. */
	if (!err)
		err = watch(f, session_carrier_fd(s->carrier), &session_kind);
	if (!err)
		err = listen_all(f);
out:
	if (err)
		session_forward_free(f);
	else
		*fp = f;
	return err;
}

void session_forward_free(struct session_forward *f)
{
	struct session_forward_stream *st;

	if (!f)
		return;
	stop_listening(f);
	while ((st = f->streams)) {
		f->streams = st->next;
		session_forward_stream_free(st);
	}
	free_dead(f);
	for (int i = 0; f->parties && i < f->n; i++)
		free(f->parties[i].streams);
	free(f->parties);
	if (f->timer_fd >= 0)
		close(f->timer_fd);
	if (f->epoll_fd >= 0)
		close(f->epoll_fd);
	free(f);
}
