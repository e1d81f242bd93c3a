/*
 * What a stream of a forwarder owes to the other party (PROTOCOL 12).
 *
 * What is allowed, what waits and what was handed on but not allowed again make
 * up the window.  It begins small and grows with each CREDIT while nothing
 * waits for the program, out of a share for all streams with that party.  So
 * what one party can make this side keep is bounded, and a stream whose program
 * reads never has to wait for one whose program does not.
 */
#include "session/forward_send.h"

#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "session/forward_party.h"

enum {
	/* On a long way each step costs a round trip: 64 KiB, 1 MiB, 4 MiB. */
	GROWTH = 16,
	GRANT_PART = 4, /* of the window: CREDIT is given from there on */
	SHARE_PART = 4, /* of what is left of the share: at most that at once */
};

static void put_head(uint8_t *msg, enum session_forward_op op,
		     const struct session_forward_stream *st)
{
	msg[0] = (uint8_t)op;
	msg[1] = (uint8_t)(st->number >> 8);
	msg[2] = (uint8_t)st->number;
}

/* Keep the DATA in the buffer until it can be sent. */
static void hold(struct session_forward *f, struct session_forward_stream *st,
		 size_t len)
{
	st->held = malloc(len);
	if (!st->held) {
		f->err = PARLEY_ERR_MEMORY;
		return;
	}
	memcpy(st->held, f->buffer, len);
	st->held_len = len;
}

static bool send_small(struct session_forward *f,
		       const struct session_forward_stream *st,
		       enum session_forward_op op, uint8_t *msg, size_t len)
{
	put_head(msg, op, st);
	return session_forward_party_send(f, st->party, msg, len);
}

static bool send_open(struct session_forward *f,
		      struct session_forward_stream *st)
{
	uint8_t msg[SESSION_FORWARD_HEAD_LEN + 1] = {0}; /* service 0 */

	st->open_owed =
	    !send_small(f, st, SESSION_FORWARD_OP_OPEN, msg, sizeof(msg));
	return !st->open_owed;
}

static void send_reset(struct session_forward *f,
		       struct session_forward_stream *st)
{
	uint8_t msg[SESSION_FORWARD_RESET_LEN];

	msg[SESSION_FORWARD_HEAD_LEN] = (uint8_t)st->reason;
	st->reset_sent =
	    send_small(f, st, SESSION_FORWARD_OP_RESET, msg, sizeof(msg));
	st->reset_owed = !st->reset_sent;
}

static bool send_held(struct session_forward *f,
		      struct session_forward_stream *st)
{
	if (!session_forward_party_send(f, st->party, st->held, st->held_len))
		return false;
	free(st->held);
	st->held = NULL;
	return true;
}

static bool send_fin(struct session_forward *f,
		     struct session_forward_stream *st)
{
	uint8_t msg[SESSION_FORWARD_HEAD_LEN];

	st->fin_sent =
	    send_small(f, st, SESSION_FORWARD_OP_FIN, msg, sizeof(msg));
	return st->fin_sent;
}

/* By how much the window is to grow.  Who does not keep up needs no more. */
static uint32_t growth(const struct session_forward *f,
		       const struct session_forward_stream *st)
{
	const uint32_t share =
	    (SESSION_FORWARD_SPARE - f->parties[st->party].grown) / SHARE_PART;
	uint32_t most = SESSION_FORWARD_WINDOW_MAX - st->window;

	if (st->queue_len > 0)
		return 0;
	if (most > (GROWTH - 1) * st->window)
		most = (GROWTH - 1) * st->window;
	return share < most ? share : most;
}

static void send_credit(struct session_forward *f,
			struct session_forward_stream *st)
{
	uint8_t msg[SESSION_FORWARD_CREDIT_LEN];
	const uint32_t more = growth(f, st), credit = st->owed + more;

	for (int i = 0; i < 4; i++)
		msg[SESSION_FORWARD_HEAD_LEN + i] =
		    (uint8_t)(credit >> (24 - 8 * i));
	if (!send_small(f, st, SESSION_FORWARD_OP_CREDIT, msg, sizeof(msg)))
		return;
	st->window += more;
	f->parties[st->party].grown += more;
	st->owed = 0;
	st->allowed += credit;
}

bool session_forward_send_is_due(const struct session_forward_stream *st)
{
	return st->owed >= st->window / GRANT_PART && !st->fin_received;
}

void session_forward_send_data(struct session_forward *f,
			       struct session_forward_stream *st, size_t len)
{
	put_head(f->buffer, SESSION_FORWARD_OP_DATA, st);
	st->credit -= (uint32_t)len;
	len += SESSION_FORWARD_HEAD_LEN;
	if (!session_forward_party_send(f, st->party, f->buffer, len))
		hold(f, st, len);
}

/* Each must have gone before the next may: the first that does not ends it. */
void session_forward_send_owed(struct session_forward *f,
			       struct session_forward_stream *st)
{
	if (!st->tabled || f->parties[st->party].blocked)
		return;
	if (st->open_owed && !send_open(f, st))
		return;
	if (st->reset_owed)
		send_reset(f, st);
	if (st->reset_sent || st->reset_owed)
		return;
	if (st->held && !send_held(f, st))
		return;
	if (st->fin_owed && !st->fin_sent && !send_fin(f, st))
		return;
	if (session_forward_send_is_due(st))
		send_credit(f, st);
}
