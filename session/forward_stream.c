/*
 * One stream of a forwarder (PROTOCOL 12).
 *
 *   local socket --> DATA, as much as the other party gave credit for
 *   DATA --> local socket, or its queue (forward_queue.h)
 *
 * A stream is over when both directions have ended, or when RESET went both
 * ways; then its number is free.  Its socket may live longer: it is shut down
 * once the queue is written, and closed once the program has closed its end,
 * because closing a socket that still has something to be read makes a RST.
 */
#include "session/forward_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/err.h>

#include "session/forward_party.h"
#include "session/forward_queue.h"
#include "session/forward_send.h"
#include "session/local.h"
#include "session/session.h"

enum {
	READS_MAX = 8, /* of one connection before others have their turn */
	DIAL_DELAY_MS = 5,
	DIAL_DELAY_MS_MAX = 100,
};

/* Credit allowed at a time. */
static const uint32_t credit_max = UINT32_C(1) << 31;

/*
 * The table of numbers
 */

struct session_forward_stream *session_forward_stream_find(
    const struct session_forward *f, int party, uint16_t number)
{
	const struct session_forward_party *p = &f->parties[party];

	return number < p->n_slots ? p->streams[number] : NULL;
}

static int grow_table(struct session_forward_party *p, size_t n)
{
	struct session_forward_stream **streams;

	if (n <= p->n_slots)
		return 0;
	streams = reallocarray(p->streams, n, sizeof(streams[0]));
	if (!streams)
		return PARLEY_ERR_MEMORY;
	memset(streams + p->n_slots, 0, (n - p->n_slots) * sizeof(streams[0]));
	p->streams = streams;
	p->n_slots = n;
	return 0;
}

/* The lowest number that is ours to give: there is one within the limit. */
static uint16_t free_number(const struct session_forward *f, int party)
{
	unsigned number = f->self < party ? 0 : 1;

	while (session_forward_stream_find(f, party, (uint16_t)number))
		number += 2;
	return (uint16_t)number;
}

static int new_stream(struct session_forward_stream **stp,
		      struct session_forward *f, int party, uint16_t number,
		      bool ours)
{
	struct session_forward_party *p = &f->parties[party];
	struct session_forward_stream *st;

	st = calloc(1, sizeof(*st));
	if (!st || grow_table(p, (size_t)number + 1)) {
		free(st);
		return PARLEY_ERR_MEMORY;
	}
	*st = (struct session_forward_stream){
	    .kind = SESSION_FORWARD_STREAM,
	    .party = party,
	    .number = number,
	    .ours = ours,
	    .fd = -1,
	    .dial_ms = INT64_MAX,
	    .delay_ms = DIAL_DELAY_MS,
	    .tabled = true,
	    .credit = SESSION_FORWARD_CREDIT,
	    .window = SESSION_FORWARD_CREDIT,
	    .allowed = SESSION_FORWARD_CREDIT,
	};
	p->streams[number] = st;
	p->n_kept[ours]++;
	p->n_streams[ours]++;
	st->next = f->streams;
	st->prev = &f->streams;
	if (st->next)
		st->next->prev = &st->next;
	f->streams = st;
	*stp = st;
	return 0;
}

static void report(struct session_forward *f,
		   const struct session_forward_stream *st,
		   enum session_forward_event_type type, bool ours,
		   const char *text)
{
	const struct session_forward_event e = {.type = type,
						.party = st->party,
						.stream = st->number,
						.ours = ours};

	session_forward_party_report(f, &e, "%s", text);
}

/* The number is free, and the other party has no part in it any more. */
static void untable(struct session_forward *f,
		    struct session_forward_stream *st)
{
	struct session_forward_party *p = &f->parties[st->party];

	if (!st->tabled)
		return;
	st->tabled = false;
	p->streams[st->number] = NULL;
	p->n_streams[st->ours]--;
	if (!st->reset_owed && !st->reset_sent)
		report(f, st, SESSION_FORWARD_ENDED, st->ours,
		       "connection ended");
}

/*
 * The local connection
 */

static bool is_over(const struct session_forward_stream *st)
{
	return (st->fin_sent && st->fin_received) ||
	       (st->reset_sent && st->reset_received);
}

static bool may_read(const struct session_forward *f,
		     const struct session_forward_stream *st)
{
	if (!st->up || st->read_end)
		return false;
	return st->discard ||
	       (st->credit > 0 && !st->held && !f->parties[st->party].blocked);
}

/* Have the socket watched for what can be done now, and for nothing else. */
static void watch(struct session_forward *f, struct session_forward_stream *st)
{
	struct epoll_event ev = {.data.ptr = st};
	int op;

	if (st->fd < 0)
		return;
	if (may_read(f, st))
		ev.events |= EPOLLIN;
	if (!st->up || (st->queue_len > 0 && !st->deaf))
		ev.events |= EPOLLOUT;
	if (ev.events == st->events)
		return;
	/* EPOLLHUP cannot be turned off otherwise. */
	op = ev.events == 0    ? EPOLL_CTL_DEL
	     : st->events == 0 ? EPOLL_CTL_ADD
			       : EPOLL_CTL_MOD;
	if (epoll_ctl(f->epoll_fd, op, st->fd, &ev))
		f->err = PARLEY_ERR_SYSTEM;
	st->events = ev.events;
}

static void close_socket(struct session_forward_stream *st)
{
	if (st->fd >= 0)
		close(st->fd);
	st->fd = -1;
	st->up = false;
	st->events = 0;
}

static void end_reading(struct session_forward_stream *st)
{
	st->read_end = true;
	st->fin_owed = true;
}

/* One read; returns whether there may be more. */
static bool read_some(struct session_forward *f,
		      struct session_forward_stream *st)
{
	uint8_t *data = f->buffer + SESSION_FORWARD_HEAD_LEN;
	size_t room = SESSION_FORWARD_DATA_MAX;
	ssize_t n;

	if (!st->discard && st->credit < room)
		room = st->credit;
	n = recv(st->fd, data, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		/* The program's reset is an end to the others. */
		if (n < 0)
			session_forward_queue_go_deaf(st);
		end_reading(st);
		return false;
	}
	if (st->discard)
		return (size_t)n == room;
	session_forward_send_data(f, st, (size_t)n);
	return (size_t)n == room;
}

static void read_local(struct session_forward *f,
		       struct session_forward_stream *st)
{
	for (int i = 0; i < READS_MAX && may_read(f, st); i++) {
		if (!read_some(f, st))
			return;
	}
}

/*
 * Dialling the program
 */

static void dial_later(struct session_forward_stream *st)
{
	close_socket(st);
	st->dial_ms = session_now_ms() + st->delay_ms;
	st->delay_ms *= 2;
	if (st->delay_ms > DIAL_DELAY_MS_MAX)
		st->delay_ms = DIAL_DELAY_MS_MAX;
}

static void dialled(struct session_forward *f,
		    struct session_forward_stream *st)
{
	if (session_local_dialled(st->fd)) {
		dial_later(st);
		return;
	}
	if (!session_local_leads_to(st->fd, f->o.uid)) {
		if (!st->complained)
			report(f, st, SESSION_FORWARD_REFUSED, false,
			       "who listens at the program's port is not "
			       "known to be this user");
		st->complained = true;
		dial_later(st);
		return;
	}
	st->up = true;
	report(f, st, SESSION_FORWARD_OPENED, false,
	       "connected to the program");
	session_forward_queue_write(st);
}

static void dial(struct session_forward *f, struct session_forward_stream *st)
{
	st->dial_ms = INT64_MAX;
	if (session_local_dial(&st->fd, f->o.port)) {
		dial_later(st);
		return;
	}
	/* On loopback the connection is there at once.  Whose it is, is asked
	 * before the program can have closed it again: then nobody knows. */
	if (session_local_dialled(st->fd) == 0)
		dialled(f, st);
	session_forward_stream_advance(f, st);
}

/* Has the stream's opener said who it is?  Then the program is dialled. */
static void check_index(struct session_forward *f,
			struct session_forward_stream *st)
{
	if (st->queue_len < SESSION_FORWARD_INDEX_LEN) {
		if (st->fin_received) {
			/* It left without a word: nothing to connect. */
			st->checking = false;
			session_forward_queue_drop(st);
			end_reading(st);
		}
		return;
	}
	st->checking = false;
	if (st->queue[0] + st->queue[1] * 256 == st->party)
		dial(f, st);
	else
		session_forward_stream_cut(f, st, SESSION_FORWARD_WRONG_INDEX);
}

void session_forward_stream_timer(struct session_forward *f,
				  struct session_forward_stream *st,
				  int64_t now_ms)
{
	if (st->dial_ms <= now_ms)
		dial(f, st);
}

/* Gone, and freed at the end of the turn. */
static bool is_buried(const struct session_forward_stream *st)
{
	return !st->prev;
}

static void bury(struct session_forward *f, struct session_forward_stream *st)
{
	struct session_forward_party *p = &f->parties[st->party];

	p->n_kept[st->ours]--;
	p->grown -= st->window - SESSION_FORWARD_CREDIT;
	*st->prev = st->next;
	if (st->next)
		st->next->prev = st->prev;
	st->next = f->dead;
	st->prev = NULL;
	f->dead = st;
}

void session_forward_stream_advance(struct session_forward *f,
				    struct session_forward_stream *st)
{
	if (is_buried(st))
		return;
	session_forward_send_owed(f, st);
	if (is_over(st))
		untable(f, st);
	/* Dialling, and checking, it has a queue and no end yet. */
	if (!st->tabled && st->read_end && st->queue_len == 0 &&
	    st->dial_ms == INT64_MAX) {
		close_socket(st);
		bury(f, st);
		return;
	}
	watch(f, st);
}

/*
 * What the other party says
 */

/* Something was handed on.  Almost always there is nothing to be done. */
static void look_after(struct session_forward *f,
		       struct session_forward_stream *st)
{
	if (session_forward_send_is_due(st) || st->queue_len > 0 || st->deaf ||
	    st->events & EPOLLOUT)
		session_forward_stream_advance(f, st);
}

void session_forward_stream_data(struct session_forward *f,
				 struct session_forward_stream *st,
				 const uint8_t *data, size_t len)
{
	if (st->reset_sent || st->reset_owed)
		return;
	if (len == 0 || len > st->allowed || st->fin_received) {
		session_forward_stream_cut(f, st, SESSION_FORWARD_PROTOCOL);
		return;
	}
	st->allowed -= (uint32_t)len;
	if (session_forward_queue_add(f, st, data, len)) {
		f->err = PARLEY_ERR_MEMORY;
		return;
	}
	if (st->checking)
		check_index(f, st);
	if (!st->gathered.listed)
		look_after(f, st);
}

void session_forward_stream_write(struct session_forward *f,
				  struct session_forward_stream *st)
{
	if (is_buried(st))
		return;
	session_forward_queue_write(st);
	look_after(f, st);
}

void session_forward_stream_fin(struct session_forward *f,
				struct session_forward_stream *st)
{
	if (st->reset_sent || st->reset_owed)
		return;
	if (st->fin_received) {
		session_forward_stream_cut(f, st, SESSION_FORWARD_PROTOCOL);
		return;
	}
	st->fin_received = true;
	if (st->checking)
		check_index(f, st);
	session_forward_queue_write(st);
	session_forward_stream_advance(f, st);
}

void session_forward_stream_credit(struct session_forward *f,
				   struct session_forward_stream *st,
				   uint32_t credit)
{
	if (st->reset_sent || st->reset_owed)
		return;
	if (credit == 0 || credit > credit_max - st->credit) {
		session_forward_stream_cut(f, st, SESSION_FORWARD_PROTOCOL);
		return;
	}
	st->credit += credit;
	read_local(f, st);
	session_forward_stream_advance(f, st);
}

/* Both directions are over, at once; the socket is ended in good order. */
static void abandon(struct session_forward_stream *st)
{
	st->checking = false;
	st->discard = true;
	st->ending = true;
	free(st->held);
	st->held = NULL;
	st->dial_ms = INT64_MAX;
	if (!st->up) {
		session_forward_queue_drop(st);
		/* The program may have written to it already. */
		if (st->fd >= 0 && session_local_dialled(st->fd) == 0)
			st->up = true;
	}
	if (!st->up) {
		close_socket(st);
		st->read_end = true;
	}
	session_forward_queue_write(st);
}

void session_forward_stream_cut(struct session_forward *f,
				struct session_forward_stream *st,
				enum session_forward_reason reason)
{
	const struct session_forward_event e = {.type = SESSION_FORWARD_CUT,
						.party = st->party,
						.stream = st->number,
						.ours = true,
						.reason = reason};
	char claimed[sizeof(" (65535)")] = "";

	if (st->reset_sent || st->reset_owed)
		return;
	if (reason == SESSION_FORWARD_WRONG_INDEX)
		snprintf(claimed, sizeof(claimed), " (%u)",
			 st->queue[0] + st->queue[1] * 256U);
	session_forward_party_report(f, &e, "its connection was cut: %s%s",
				     session_forward_reason_text(reason),
				     claimed);
	st->reason = reason;
	st->reset_owed = true;
	abandon(st);
	session_forward_stream_advance(f, st);
}

void session_forward_stream_reset(struct session_forward *f,
				  struct session_forward_stream *st,
				  enum session_forward_reason reason)
{
	st->reset_received = true;
	if (!st->reset_sent && !st->reset_owed) {
		const struct session_forward_event e = {.type =
							    SESSION_FORWARD_CUT,
							.party = st->party,
							.stream = st->number,
							.reason = reason};

		session_forward_party_report(
		    f, &e, "cut our connection: %s",
		    session_forward_reason_text(reason));
		st->reason = reason;
		st->reset_owed = true;
		abandon(st);
	}
	session_forward_stream_advance(f, st);
}

void session_forward_stream_leave(struct session_forward *f,
				  struct session_forward_stream *st)
{
	st->fin_received = true;
	st->discard = true;
	free(st->held);
	st->held = NULL;
	untable(f, st);
	if (st->checking) {
		check_index(f, st);
	} else {
		session_forward_queue_write(st);
		/* Nothing comes back: a socket without a program ends. */
		if (st->fd < 0 && st->dial_ms == INT64_MAX)
			st->read_end = true;
	}
	session_forward_stream_advance(f, st);
}

void session_forward_stream_hang_up(struct session_forward *f,
				    struct session_forward_stream *st)
{
	st->fin_owed = true;
	abandon(st);
	session_forward_stream_advance(f, st);
}

/*
 * Beginning and end
 */

/* At the limit the program is refused, and no error: the others decide how
 * long a stream lives. */
static void refuse(struct session_forward *f, int party, int fd)
{
	const struct session_forward_event e = {
	    .type = SESSION_FORWARD_REFUSED, .party = party, .stream = -1};

	close(fd);
	session_forward_party_report(
	    f, &e, "one connection more than it may have was refused");
}

int session_forward_stream_accept(struct session_forward *f, int party, int fd)
{
	struct session_forward_stream *st;

	if (f->parties[party].n_kept[true] >= SESSION_FORWARD_STREAMS_MAX) {
		refuse(f, party, fd);
		return 0;
	}
	if (new_stream(&st, f, party, free_number(f, party), true)) {
		close(fd);
		return PARLEY_ERR_MEMORY;
	}
	st->up = st->open_owed = true;
	st->fd = fd;
	report(f, st, SESSION_FORWARD_OPENED, true,
	       "the program has connected");
	session_forward_stream_advance(f, st);
	return 0;
}

/* Does a connection of this party exist that it has not ended? */
static bool is_second(const struct session_forward *f,
		      const struct session_forward_stream *st)
{
	for (const struct session_forward_stream *other = f->streams; other;
	     other = other->next) {
		if (other != st && other->party == st->party && !other->ours &&
		    other->tabled && !other->fin_received &&
		    !other->reset_sent && !other->reset_owed)
			return true;
	}
	return false;
}

int session_forward_stream_open(struct session_forward *f, int party,
				uint16_t number, uint8_t service)
{
	const struct session_forward_party *p = &f->parties[party];
	const bool full = p->n_kept[false] >= SESSION_FORWARD_STREAMS_MAX;
	struct session_forward_stream *st;

	if (p->n_streams[false] >=
	    SESSION_FORWARD_STREAMS_MAX + SESSION_FORWARD_EXCESS_MAX) {
		session_forward_party_cut_off(
		    f, party, "it opened far more connections than it may");
		return 0;
	}
	if (new_stream(&st, f, party, number, false))
		return PARLEY_ERR_MEMORY;
	if (f->hung_up || f->o.port == 0 || service != 0 ||
	    (f->o.dial == SESSION_FORWARD_DIAL_HIGHER && party > f->self))
		session_forward_stream_cut(f, st, SESSION_FORWARD_NO_SERVICE);
	else if (full)
		session_forward_stream_cut(f, st, SESSION_FORWARD_UNREACHABLE);
	else if (f->o.check == SESSION_FORWARD_CHECK_NONE)
		dial(f, st);
	else if (is_second(f, st))
		session_forward_stream_cut(f, st, SESSION_FORWARD_SECOND);
	else
		st->checking = true;
	return 0;
}

void session_forward_stream_event(struct session_forward *f,
				  struct session_forward_stream *st,
				  uint32_t events)
{
	/* Of an earlier socket, or closed in this turn. */
	if (st->fd < 0 || st->events == 0)
		return;
	if (!st->up) {
		dialled(f, st);
		session_forward_stream_advance(f, st);
		return;
	}
	if (events & (EPOLLOUT | EPOLLERR))
		session_forward_queue_write(st);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_local(f, st);
	if (st->read_end || st->held || st->credit == 0 ||
	    (events & ~(uint32_t)EPOLLIN))
		session_forward_stream_advance(f, st);
}

void session_forward_stream_free(struct session_forward_stream *st)
{
	close_socket(st);
	free(st->held);
	free(st->queue);
	free(st);
}
