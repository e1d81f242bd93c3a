/*
 * The outgoing side of a channel: PROTOCOL 6.2 and 6.3.
 *
 * The invariant: open_len bytes of items wait in the open record; they are
 * counted in sent_total already where they count towards the limit.  A sealed
 * record is kept until it is acknowledged.
 */
#include "session/channel_send.h"

#include <string.h>

#include <parley/err.h>

enum {
	/* Records up to this size are copied out of the open record, which
	 * then stays; larger ones take its memory with them. */
	SMALL_RECORD = 4096,
	/* Below this a part is not worth beginning in a record. */
	PART_MIN = 1024,
	/* Framing of FIRST: varint code, length, total. */
	FIRST_FRAMING_MAX = 1 + 4 + 9,
	/* What session_channel_control() wants to have free for an ACK, and
	 * the PING behind it. */
	ACK_ITEM_MAX = 2 + 9 + 2 * 9 + 2 + 9,
	/* Put without detours; the varint of twice this has two bytes. */
	SHORT_MAX = 2048,
	/* Of our own memory for what a party did not acknowledge: its limit
	 * says only what it wants. */
	KEPT_LEN_MAX = 64 * 1024 * 1024,
	/* Below this a queue is not worth a thought. */
	CROWDED_MIN = 64 * 1024,
	/* Up to this size a record is its own probe; one that is longer only
	 * after so many PINGs. */
	PROBE_LEN_MAX = 4096,
	PROBE_PINGS = 5,
};

static size_t room(const struct session_channel *c)
{
	return c->o.record_max - SESSION_RECORD_OVERHEAD - c->open_len;
}

static uint8_t *open_end(const struct session_channel *c)
{
	return c->open->data + SESSION_RECORD_HEADER_LEN + c->open_len;
}

static int ensure_open(struct session_channel *c)
{
	if (!c->open)
		c->open = c->o.pool ? session_frame_pool_get(c->o.pool)
				    : session_frame_new(c->o.record_max);
	return c->open ? 0 : PARLEY_ERR_MEMORY;
}

static int put_ack(struct session_channel *c, enum session_wire_item item);

/* Seal what was put until ${end} items bytes and not sealed yet. */
static int seal_until(struct session_channel *c, size_t end)
{
	uint8_t *p = c->open->data + SESSION_RECORD_HEADER_LEN + c->sealed_len;
	size_t len = end - c->sealed_len;
	int err = 0;

	if (c->sealed_len == 0)
		err = session_record_begin(&c->out, c->open->data);
	c->sealed_len = end;
	return err ? err : session_record_add(&c->out, p, p, len);
}

/*
 * Copy ${len} bytes of a message into the open record, to ${p}; all before it
 * has been put.  Many bytes are sealed on the way, so that they are touched
 * once.
 */
static int put_bytes(struct session_channel *c, uint8_t *p, const uint8_t *msg,
		     size_t len)
{
	int err;

	if (len < SESSION_SEAL_COPY_MIN) {
		if (len > 0)
			memcpy(p, msg, len);
		return 0;
	}
	err = seal_until(c, (size_t)(p - c->open->data) -
				SESSION_RECORD_HEADER_LEN);
	if (err)
		return err;
	c->sealed_len += len;
	return session_record_add(&c->out, p, msg, len);
}

/* Seal the open record, in ${f}: itself, or a copy of all of it. */
static int seal_open(struct session_channel *c, struct session_frame *f)
{
	int err;

	if (c->sealed_len == 0)
		return session_record_seal(&c->out, f->data, c->open_len);
	err = seal_until(c, c->open_len);
	if (!err)
		err = session_record_end(&c->out, f->data, c->open_len);
	c->sealed_len = 0;
	return err;
}

/*
 * Records
 */

int session_channel_flush(struct session_channel *c)
{
	struct session_frame *f;
	size_t len;
	int err;

	if (c->open_len == 0)
		return 0;
	/* A record that goes anyway takes an ACK along now and then. */
	if (c->in.seq - c->acked_in >= SESSION_ACK_PIGGYBACK &&
	    room(c) >= ACK_ITEM_MAX && (err = put_ack(c, SESSION_ITEM_ACK)))
		return err;
	len = c->open_len + SESSION_RECORD_OVERHEAD;
	f = c->open;
	if (len <= SMALL_RECORD && c->sealed_len == 0) {
		f = session_frame_new(len);
		if (!f)
			return PARLEY_ERR_MEMORY;
		memcpy(f->data + SESSION_RECORD_HEADER_LEN,
		       c->open->data + SESSION_RECORD_HEADER_LEN, c->open_len);
	}
	err = seal_open(c, f);
	if (err) {
		if (f != c->open)
			session_frame_free(f);
		return err;
	}
	if (f == c->open)
		c->open = NULL;
	if (c->open_data)
		c->data_end = c->out.seq;
	if (c->open_eliciting)
		c->eliciting_end = c->out.seq;
	c->open_len = 0;
	c->open_data = c->open_eliciting = false;
	f->len = len;
	f->next = NULL;
	*c->kept_tail = f;
	c->kept_tail = &f->next;
	c->kept_len += f->len + SESSION_KEPT_COST;
	if (!c->unsent)
		c->unsent = f;
	c->stats.records_sent++;
	c->stats.wire_bytes_sent += len;
	return 0;
}

struct session_frame *session_channel_take(struct session_channel *c)
{
	struct session_frame *f = c->unsent;

	if (!f)
		return NULL;
	c->unsent = f->next;
	return session_frame_ref(f);
}

void session_channel_send_forget(struct session_channel *c, uint64_t next)
{
	for (; c->acked < next; c->acked++) {
		struct session_frame *f = c->kept_head;

		c->kept_head = f->next;
		if (!c->kept_head)
			c->kept_tail = &c->kept_head;
		if (c->unsent == f)
			c->unsent = f->next;
		c->kept_len -= f->len + SESSION_KEPT_COST;
		session_frame_free(f);
	}
}

void session_channel_crowd(struct session_channel *c, size_t queued)
{
	const size_t n = (size_t)(c->out.seq - c->acked);

	/* The carrier counts bytes, without what each frame costs besides. */
	c->crowded = queued > CROWDED_MIN &&
		     queued / 2 > c->kept_len - n * SESSION_KEPT_COST;
}

int session_channel_resend(struct session_channel *c, uint64_t next)
{
	if (next > c->out.seq)
		return PARLEY_ERR_SEQUENCE;
	/* An ACK over another connection may have overtaken it. */
	if (next < c->acked)
		next = c->acked;
	session_channel_send_forget(c, next);
	c->stats.records_resent += c->out.seq - next;
	c->unsent = c->kept_head;
	return 0;
}

/* A PING is kept, too: as many as messages, and no more. */
static bool may_ask(const struct session_channel *c)
{
	return c->out.seq - c->acked < SESSION_KEPT_MAX;
}

int session_channel_ask(struct session_channel *c)
{
	return may_ask(c)
		   ? session_channel_control(c, SESSION_ITEM_PING, NULL, 0)
		   : 0;
}

struct session_frame *session_channel_probe(struct session_channel *c)
{
	/* What is on its way to the carrier is a probe enough. */
	if (!c->kept_head || c->unsent)
		return NULL;
	c->gap_again = true;
	/* One that the other side has asked for is missing indeed. */
	if (c->kept_head->len > PROBE_LEN_MAX && c->n_gaps == 0 &&
	    c->n_pings < PROBE_PINGS && may_ask(c)) {
		c->n_pings++;
		return session_channel_ask(c) || session_channel_flush(c)
			   ? NULL
			   : session_channel_take(c);
	}
	c->stats.records_resent++;
	c->probing = true;
	return session_frame_ref(c->kept_head);
}

bool session_channel_probe_due(const struct session_channel *c)
{
	return c->acked < c->eliciting_end;
}

/*
 * Messages
 */

bool session_channel_may_put(const struct session_channel *c)
{
	return c->sent_total < c->sent_limit && c->kept_len < KEPT_LEN_MAX &&
	       c->out.seq - c->acked < SESSION_KEPT_MAX;
}

/* One item with all of a message in it. */
static int put_whole(struct session_channel *c, struct session_outgoing *m)
{
	uint8_t *p = open_end(c);
	size_t n = session_channel_put_varint(p, (uint64_t)m->len << 1);
	int err;

	err = put_bytes(c, p + n, m->p, m->len);
	if (err)
		return err;
	n += m->len;
	c->open_len += n;
	c->sent_total += n;
	m->done = m->len;
	c->open_data = c->open_eliciting = true;
	c->stats.bytes_sent += m->len;
	return 0;
}

/* A control item with as much of a message as there is room for. */
static int put_part(struct session_channel *c, struct session_outgoing *m)
{
	const enum session_wire_item item =
	    m->begun ? SESSION_ITEM_NEXT : SESSION_ITEM_FIRST;
	uint8_t total[9], *p = open_end(c);
	size_t total_len =
	    m->begun ? 0 : session_channel_put_varint(total, m->len);
	size_t left = m->len - m->done, part, n;
	int err;

	part = room(c) - FIRST_FRAMING_MAX;
	if (part > left)
		part = left;
	n = session_channel_put_varint(p, (uint64_t)item << 1 | 1);
	n += session_channel_put_varint(p + n, total_len + part);
	memcpy(p + n, total, total_len);
	n += total_len;
	err = put_bytes(c, p + n, m->p + m->done, part);
	if (err)
		return err;
	n += part;
	c->open_len += n;
	c->sent_total += n;
	m->done += part;
	m->begun = true;
	c->open_data = c->open_eliciting = true;
	c->stats.bytes_sent += part;
	return 0;
}

static int count_message(struct session_channel *c)
{
	c->stats.messages_sent++;
	return SESSION_PUT_DONE;
}

/* memcpy() of few bytes, without a call. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t len)
{
	enum { N = 16 };

	if (len < N || len > 2 * N) {
		memcpy(to, from, len);
		return;
	}
	memcpy(to, from, N);
	memcpy(to + len - N, from + len - N, N);
}

bool session_channel_put_short(struct session_channel *c, const void *msg,
			       size_t len)
{
	const size_t framing = len < 64 ? 1 : 2;
	uint8_t *p;

	if (!c->open || len == 0 || len > SHORT_MAX ||
	    framing + len > room(c) || !session_channel_may_put(c))
		return false;
	p = open_end(c);
	if (len < 64) {
		p[0] = (uint8_t)(len << 1);
	} else {
		p[0] = (uint8_t)(len << 1 | 0x80);
		p[1] = (uint8_t)(len >> 6);
	}
	copy_short(p + framing, msg, len);
	c->open_len += framing + len;
	c->sent_total += framing + len;
	c->open_data = c->open_eliciting = true;
	c->stats.bytes_sent += len;
	c->stats.messages_sent++;
	return true;
}

int session_channel_put(struct session_channel *c, struct session_outgoing *m)
{
	const size_t capacity = c->o.record_max - SESSION_RECORD_OVERHEAD;
	size_t need;
	int err;

	if (!session_channel_may_put(c))
		return SESSION_PUT_BLOCKED;
	err = ensure_open(c);
	if (err)
		return err;
	/* len << 1 of a message that fits a record has at most 3 bytes. */
	need = m->len + (m->len < 64 ? 1 : m->len < 8192 ? 2 : 3);
	if (need <= room(c) && !m->begun) {
		err = put_whole(c, m);
		return err ? err : count_message(c);
	}
	if (need > capacity || m->begun) {
		if (room(c) >= PART_MIN + FIRST_FRAMING_MAX || c->open_len == 0)
			err = put_part(c, m);
		if (err)
			return err;
		if (m->done == m->len)
			return count_message(c);
	}
	err = session_channel_flush(c);
	return err ? err : SESSION_PUT_FULL;
}

/*
 * Control items
 */

int session_channel_control(struct session_channel *c,
			    enum session_wire_item item, const void *body,
			    size_t len)
{
	size_t need = 2 + 9 + len, n;
	uint8_t *p;
	int err;

	if (need > c->o.record_max - SESSION_RECORD_OVERHEAD)
		return PARLEY_ERR_TOO_LARGE;
	if (c->open_len > 0 && need > room(c)) {
		err = session_channel_flush(c);
		if (err)
			return err;
	}
	err = ensure_open(c);
	if (err)
		return err;
	p = open_end(c);
	n = session_channel_put_varint(p, (uint64_t)item << 1 | 1);
	n += session_channel_put_varint(p + n, len);
	if (len > 0)
		memcpy(p + n, body, len);
	c->open_len += n + len;
	c->open_eliciting =
	    c->open_eliciting || session_channel_elicits_ack(item);
	return 0;
}

/* An ACK or a GAP: both say what came and how much more may come. */
static int put_ack(struct session_channel *c, enum session_wire_item item)
{
	uint64_t limit = c->freed_total + c->o.window;
	uint8_t body[2 * 9];
	size_t len;
	int err;

	len = session_channel_put_varint(body, c->in.seq);
	len += session_channel_put_varint(body + len, limit);
	err = session_channel_control(c, item, body, len);
	/* The other side may have nothing under way but wait for this: it
	 * must not get lost unnoticed.  (The first READY sees to the first.) */
	if (!err && limit > c->received_limit && c->received_limit > 0 &&
	    c->received_total >= c->received_limit)
		err = session_channel_control(c, SESSION_ITEM_PING, NULL, 0);
	if (err)
		return err;
	c->received_limit = limit;
	c->acked_in = c->in.seq;
	c->n_eliciting = 0;
	return 0;
}

int session_channel_ack_now(struct session_channel *c)
{
	enum session_wire_item item =
	    c->gap ? SESSION_ITEM_GAP : SESSION_ITEM_ACK;

	c->gap = false;
	/* Who acknowledges nothing is told no more: each is kept, too. */
	if (c->out.seq - c->acked >= 2 * SESSION_KEPT_MAX) {
		c->n_eliciting = 0;
		return 0;
	}
	return put_ack(c, item);
}

int session_channel_ack(struct session_channel *c)
{
	return put_ack(c, SESSION_ITEM_ACK);
}

int session_channel_abort(struct session_channel *c, int reason, int culprit,
			  const char *text)
{
	uint8_t body[2 * 9 + SESSION_ABORT_TEXT_MAX];
	size_t len, text_len = strnlen(text, SESSION_ABORT_TEXT_MAX);

	len = session_channel_put_varint(body, (uint64_t)reason);
	len += session_channel_put_varint(body + len, (uint64_t)(culprit + 1));
	memcpy(body + len, text, text_len);
	return session_channel_control(c, SESSION_ITEM_ABORT, body,
				       len + text_len);
}

int session_channel_close(struct session_channel *c)
{
	int err;

	/* The other side may leave upon it: it should know what arrived. */
	if ((err = session_channel_ack(c)) ||
	    (err = session_channel_control(c, SESSION_ITEM_CLOSE, NULL, 0)) ||
	    (err = session_channel_flush(c)))
		return err;
	c->close_end = c->out.seq;
	return 0;
}
