/*
 * Channels: PROTOCOL 6.2 and 8.1.
 *
 * Invariants:
 * - open_len bytes of items wait in the open record; they are counted in
 *   sent_total already where they count towards the limit.
 * - The queue holds, in order, runs of messages inside opened frames and
 *   messages that were put together from parts.  A frame lives as long as a
 *   run refers to it.
 */
#include "session/channel.h"

#include <stddef.h>
#include <string.h>

#include <parley/err.h>

#include "did/bytes.h"
#include "did/secret.h"

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
	/* Frames below this may be kept whole for a message in them. */
	COPY_MIN = 1024,
	/* From here on bytes are sealed as they are copied into the record,
	 * and opened as they are copied out of it. */
	SEAL_COPY_MIN = 4096,
	/* Decrypted of a record to see where the rest should go. */
	PEEK_LEN = 16,
	/* Put without detours; the varint of twice this has two bytes. */
	SHORT_MAX = 2048,
	/* Incoming messages in parts: first allocation. */
	ASSEMBLY_MIN = 256 * 1024,
	/* Records kept that came before their turn. */
	EARLY_MAX = 64,
};

/* What the item ${code} is: does a record that holds it call for an ACK? */
static bool elicits_ack(uint64_t code)
{
	return code != SESSION_ITEM_ACK && code != SESSION_ITEM_GAP &&
	       code != SESSION_ITEM_PADDING;
}

/* An entry of the queue of incoming messages. */
struct run {
	struct run *next;
	struct session_frame *frame; /* messages at p..end */
	const uint8_t *p;
	const uint8_t *end;
	size_t untaken; /* of a message: item bytes not given back yet */
	bool whole;	/* p..end is one message, without framing */
	bool great;	/* counted in n_great */
};

struct session_channel {
	struct session_channel_options o;
	struct session_record out, in;

	/* Outgoing. */
	struct session_frame *open; /* items behind the header */
	size_t open_len;
	size_t sealed_len; /* of them; 0: sealing has not begun */
	struct session_frame *kept_head, **kept_tail; /* until acknowledged */
	struct session_frame *unsent; /* the first of them not yet taken */
	uint64_t sent_total, sent_limit;
	uint64_t acked;		/* their next; the number of kept_head */
	uint64_t ack_item;	/* the next of their last ACK or GAP */
	uint64_t eliciting_end; /* their next once nothing calls for an ACK */
	uint64_t data_end;	/* their next once all messages arrived */
	uint64_t close_end;	/* their next once CLOSE arrived; 0: not sent */
	bool open_data;		/* the open record holds messages */
	bool open_eliciting;	/* ... something that calls for an ACK */
	bool probing;		/* a probe was sent, and no ACK moved since */

	/* Incoming. */
	struct run *head, **tail;
	struct run *taken; /* the run of the message last handed out */
	struct run *spare; /* to be used again */
	uint64_t received_total, received_limit;
	uint64_t taken_total;	    /* of received_total, by the program */
	uint64_t freed_total;	    /* taken, or granted ahead */
	struct session_frame *part; /* message being put together */
	size_t part_len, part_total;
	size_t part_placed;  /* of the record's first item, there already */
	size_t part_untaken; /* item bytes of it not given back yet */
	size_t n_great;	     /* untaken messages that were given back early */

	uint64_t acked_in;    /* in.seq when we acknowledged last */
	unsigned n_eliciting; /* records since then that call for an ACK */
	bool gap;	  /* something is missing, and that was not said yet */
	uint64_t gap_seq; /* in.seq + 1 when it was said last */
	bool gap_again;	  /* a probe went since then: it may have been lost */

	/* Sealed records that came early, by number modulo. */
	struct session_frame *early[EARLY_MAX];
	size_t early_len;

	bool closed; /* CLOSE came: nothing that counts may follow */

	unsigned events;
	struct session_channel_news news;
	struct session_channel_stats stats;
};

/*
 * Varints, inlined for the path of small messages.
 */

static size_t put_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	while (v >= 0x80) {
		p[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

/* Bytes of the varint ${v} read from p..end, or 0 if it is not one. */
static inline size_t get_varint(uint64_t *v, const uint8_t *p,
				const uint8_t *end)
{
	struct did_reader r;

	if (p < end && *p < 0x80) {
		*v = *p;
		return 1;
	}
	if (end - p >= 2 && p[1] > 0 && p[1] < 0x80) {
		*v = (uint64_t)p[1] << 7 | (p[0] & 0x7f);
		return 2;
	}
	did_reader_init(&r, p, (size_t)(end - p));
	*v = did_reader_varint(&r);
	return r.failed ? 0 : (size_t)(r.p - p);
}

/*
 * Outgoing
 */

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

	if (len < SEAL_COPY_MIN) {
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

/* Everything before ${next} has arrived: let it go. */
static void forget_until(struct session_channel *c, uint64_t next)
{
	for (; c->acked < next; c->acked++) {
		struct session_frame *f = c->kept_head;

		c->kept_head = f->next;
		if (!c->kept_head)
			c->kept_tail = &c->kept_head;
		if (c->unsent == f)
			c->unsent = f->next;
		session_frame_free(f);
	}
}

int session_channel_resend(struct session_channel *c, uint64_t next)
{
	if (next > c->out.seq)
		return PARLEY_ERR_SEQUENCE;
	/* An ACK over another connection may have overtaken it. */
	if (next < c->acked)
		next = c->acked;
	forget_until(c, next);
	c->stats.records_resent += c->out.seq - next;
	c->unsent = c->kept_head;
	return 0;
}

struct session_frame *session_channel_probe(struct session_channel *c)
{
	/* What is on its way to the carrier is a probe enough. */
	if (!c->kept_head || c->unsent == c->kept_head)
		return NULL;
	c->stats.records_resent++;
	c->probing = c->gap_again = true;
	return session_frame_ref(c->kept_head);
}

uint64_t session_channel_expected(const struct session_channel *c)
{
	return c->in.seq;
}

bool session_channel_probe_due(const struct session_channel *c)
{
	return c->acked < c->eliciting_end;
}

bool session_channel_ack_owed(const struct session_channel *c)
{
	return c->n_eliciting > 0 || c->gap;
}

int session_channel_ack_now(struct session_channel *c)
{
	enum session_wire_item item =
	    c->gap ? SESSION_ITEM_GAP : SESSION_ITEM_ACK;

	c->gap = false;
	return put_ack(c, item);
}

bool session_channel_may_put(const struct session_channel *c)
{
	return c->sent_total < c->sent_limit &&
	       c->out.seq - c->acked < SESSION_KEPT_MAX;
}

/* One item with all of a message in it. */
static int put_whole(struct session_channel *c, struct session_outgoing *m)
{
	uint8_t *p = open_end(c);
	size_t n = put_varint(p, (uint64_t)m->len << 1);
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
	size_t total_len = m->begun ? 0 : put_varint(total, m->len);
	size_t left = m->len - m->done, part, n;
	int err;

	part = room(c) - FIRST_FRAMING_MAX;
	if (part > left)
		part = left;
	n = put_varint(p, (uint64_t)item << 1 | 1);
	n += put_varint(p + n, total_len + part);
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
	n = put_varint(p, (uint64_t)item << 1 | 1);
	n += put_varint(p + n, len);
	if (len > 0)
		memcpy(p + n, body, len);
	c->open_len += n + len;
	c->open_eliciting = c->open_eliciting || elicits_ack(item);
	return 0;
}

/* An ACK or a GAP: both say what came and how much more may come. */
static int put_ack(struct session_channel *c, enum session_wire_item item)
{
	uint64_t limit = c->freed_total + c->o.window;
	uint8_t body[2 * 9];
	size_t len;
	int err;

	len = put_varint(body, c->in.seq);
	len += put_varint(body + len, limit);
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

int session_channel_ack(struct session_channel *c)
{
	return put_ack(c, SESSION_ITEM_ACK);
}

int session_channel_abort(struct session_channel *c, int reason, int culprit,
			  const char *text)
{
	uint8_t body[2 * 9 + SESSION_ABORT_TEXT_MAX];
	size_t len, text_len = strnlen(text, SESSION_ABORT_TEXT_MAX);

	len = put_varint(body, (uint64_t)reason);
	len += put_varint(body + len, (uint64_t)(culprit + 1));
	memcpy(body + len, text, text_len);
	return session_channel_control(c, SESSION_ITEM_ABORT, body,
				       len + text_len);
}

/*
 * Incoming
 */

static struct run *new_run(struct session_channel *c)
{
	struct run *r = c->spare;

	c->spare = NULL;
	return r ? r : malloc(sizeof(*r));
}

static void free_run(struct session_channel *c, struct run *r)
{
	session_frame_free(r->frame);
	if (c->spare)
		free(r);
	else
		c->spare = r;
}

static struct run *queue_run(struct session_channel *c,
			     struct session_frame *frame, const uint8_t *p,
			     const uint8_t *end)
{
	const size_t len = (size_t)(end - p);
	struct session_frame *copy = NULL;
	struct run *r;

	/* A small part of a large frame does not keep all of it. */
	if (frame->len >= COPY_MIN && len < frame->len / 2) {
		copy = session_frame_new(len);
		if (!copy)
			return NULL;
		memcpy(copy->data, p, len);
		p = copy->data;
		end = p + len;
	}
	r = new_run(c);
	if (!r) {
		session_frame_free(copy);
		return NULL;
	}
	*r = (struct run){.frame = copy ? copy : session_frame_ref(frame),
			  .p = p,
			  .end = end};
	*c->tail = r;
	c->tail = &r->next;
	return r;
}

/* The program has taken ${len} bytes of items. */
static void count_taken(struct session_channel *c, size_t len)
{
	c->taken_total += len;
	if (c->taken_total > c->freed_total)
		c->freed_total = c->taken_total;
}

/* Items that count: the sender must have had room when it began this one. */
static int count_item(struct session_channel *c, size_t len)
{
	if (c->received_total >= c->received_limit || c->closed)
		return PARLEY_ERR_RECORD;
	c->received_total += len;
	return 0;
}

/* Make room for ${len} more bytes of the message in parts. */
static int part_reserve(struct session_channel *c, size_t len)
{
	const size_t had = c->part ? c->part->len : 0;
	struct session_frame *grown;
	size_t size;

	if (len > c->part_total - c->part_len)
		return PARLEY_ERR_RECORD;
	if (len <= had - c->part_len)
		return 0;
	/* Grow with what has come, not with what was announced. */
	size = 2 * had + len;
	if (size < ASSEMBLY_MIN)
		size = ASSEMBLY_MIN;
	if (size > c->part_total)
		size = c->part_total;
	grown = session_frame_pool_large(c->o.pool, size);
	if (!grown)
		return PARLEY_ERR_MEMORY;
	if (c->part_len > 0)
		memcpy(grown->data, c->part->data, c->part_len);
	session_frame_free(c->part);
	c->part = grown;
	return 0;
}

static int part_add(struct session_channel *c, const uint8_t *p, size_t len)
{
	int err = part_reserve(c, len);

	if (err)
		return err;
	if (c->part_placed > 0)
		c->part_placed = 0; /* open_placed() has put it there */
	else if (len > 0)
		memcpy(c->part->data + c->part_len, p, len);
	c->part_len += len;
	return 0;
}

static void part_reset(struct session_channel *c)
{
	session_frame_free(c->part);
	c->part = NULL;
	c->part_len = c->part_total = c->part_untaken = 0;
}

/* Does a message of ${total} bytes not fit into the window as a whole? */
static bool is_great(const struct session_channel *c, size_t total)
{
	return total > c->o.window / 2;
}

/*
 * PROTOCOL 8.1: a message in parts counts until the program takes it, like any
 * other; but one that does not fit into the window would never be complete, so
 * its parts make room as they come, for one such message at a time.
 */
static void make_way(struct session_channel *c)
{
	if (c->part_total == 0 || !is_great(c, c->part_total) || c->n_great > 0)
		return;
	count_taken(c, c->part_untaken);
	c->part_untaken = 0;
}

static int receive_first(struct session_channel *c, const uint8_t *p,
			 size_t len)
{
	uint64_t total;
	size_t n = get_varint(&total, p, p + len);

	if (n == 0 || c->part_total > 0 || len - n >= total)
		return PARLEY_ERR_RECORD;
	if (total > c->o.message_max)
		return PARLEY_ERR_TOO_LARGE;
	c->part_total = (size_t)total;
	return part_add(c, p + n, len - n);
}

static int receive_next(struct session_channel *c, const uint8_t *p, size_t len)
{
	struct run *r;
	int err;

	if (c->part_total == 0)
		return PARLEY_ERR_RECORD;
	err = part_add(c, p, len);
	if (err || c->part_len < c->part_total)
		return err;
	/* It is all there is in its memory, which is not copied again. */
	c->part->len = c->part_len;
	r = queue_run(c, c->part, c->part->data, c->part->data + c->part_len);
	if (!r)
		return PARLEY_ERR_MEMORY;
	r->whole = true;
	r->untaken = c->part_untaken;
	r->great = is_great(c, c->part_total);
	c->n_great += r->great;
	c->stats.messages_received++;
	c->stats.bytes_received += c->part_len;
	part_reset(c);
	return 0;
}

static int receive_ack(struct session_channel *c, const uint8_t *p, size_t len,
		       bool gap)
{
	struct did_reader r;
	uint64_t next, limit;

	did_reader_init(&r, p, len);
	next = did_reader_varint(&r);
	limit = did_reader_varint(&r);
	/* Neither goes back, and what was not sent cannot have arrived. */
	if (did_reader_end(&r) || next < c->ack_item || next > c->out.seq ||
	    limit < c->sent_limit)
		return PARLEY_ERR_RECORD;
	c->ack_item = next;
	/* A resume told more than the ACKs that were sent before it. */
	if (next < c->acked)
		next = c->acked;
	/* An ACK that moves after a probe: what followed the probe's record
	 * may be missing too, and the other side cannot know. */
	if (next > c->acked && c->probing) {
		c->probing = false;
		gap = true;
	}
	forget_until(c, next);
	c->sent_limit = limit;
	c->events |= SESSION_CHANNEL_ACK;
	if (gap && session_channel_resend(c, next) == 0)
		c->events |= SESSION_CHANNEL_OUTPUT;
	return 0;
}

static int receive_abort(struct session_channel *c, const uint8_t *p,
			 size_t len)
{
	struct session_channel_news *news = &c->news;
	const uint8_t *text;
	struct did_reader r;
	uint64_t culprit;

	did_reader_init(&r, p, len);
	news->abort_reason = did_reader_varint(&r);
	culprit = did_reader_varint(&r);
	len = r.left;
	text = did_reader_take(&r, len);
	if (did_reader_end(&r) || len > SESSION_ABORT_TEXT_MAX ||
	    culprit > PARLEY_AGREEMENT_PARTIES_MAX)
		return PARLEY_ERR_RECORD;
	news->abort_culprit = (int64_t)culprit - 1;
	/* It will be shown to people, on terminals. */
	for (size_t i = 0; i < len; i++)
		news->abort_text[i] =
		    text[i] >= 0x20 && text[i] < 0x7f ? (char)text[i] : '?';
	news->abort_text[len] = '\0';
	c->events |= SESSION_CHANNEL_ABORT;
	return 0;
}

static int receive_instances(struct session_channel *c, const uint8_t *p,
			     size_t len)
{
	uint8_t *copy;

	if (len == 0 || len % SESSION_INSTANCE_LEN != 0)
		return PARLEY_ERR_RECORD;
	copy = malloc(len);
	if (!copy)
		return PARLEY_ERR_MEMORY;
	memcpy(copy, p, len);
	free(c->news.instances);
	c->news.instances = copy;
	c->news.instances_len = len;
	c->events |= SESSION_CHANNEL_INSTANCES;
	return 0;
}

/* One control item; PROTOCOL 6.2, in the order of its table. */
static int receive_control(struct session_channel *c, uint64_t code,
			   const uint8_t *p, size_t len, size_t item_len)
{
	int err;

	if (code >= SESSION_ITEM_SKIPPED)
		return 0;
	switch ((enum session_wire_item)code) {
	case SESSION_ITEM_PADDING:
	case SESSION_ITEM_SKIPPED:
		return 0;
	case SESSION_ITEM_FIRST:
	case SESSION_ITEM_NEXT:
		err = count_item(c, item_len);
		if (err)
			return err;
		c->part_untaken += item_len;
		err = code == SESSION_ITEM_FIRST ? receive_first(c, p, len)
						 : receive_next(c, p, len);
		if (!err)
			make_way(c);
		return err;
	case SESSION_ITEM_ACK:
	case SESSION_ITEM_GAP:
		return receive_ack(c, p, len, code == SESSION_ITEM_GAP);
	case SESSION_ITEM_READY:
		if (len != SESSION_HASH_LEN)
			return PARLEY_ERR_RECORD;
		memcpy(c->news.ready, p, len);
		c->events |= SESSION_CHANNEL_READY;
		return 0;
	case SESSION_ITEM_INSTANCES:
		return receive_instances(c, p, len);
	case SESSION_ITEM_PING:
		if (len > SESSION_PING_LEN_MAX)
			return PARLEY_ERR_RECORD;
		/* Who asks without reading the answers gets no more. */
		if (c->out.seq - c->acked >= SESSION_KEPT_MAX)
			return 0;
		c->events |= SESSION_CHANNEL_OUTPUT;
		return session_channel_control(c, SESSION_ITEM_PONG, p, len);
	case SESSION_ITEM_PONG:
		if (len > SESSION_PING_LEN_MAX)
			return PARLEY_ERR_RECORD;
		memcpy(c->news.pong, p, len);
		c->news.pong_len = len;
		c->events |= SESSION_CHANNEL_PONG;
		return 0;
	case SESSION_ITEM_CLOSE:
		if (len != 0)
			return PARLEY_ERR_RECORD;
		c->closed = true;
		c->events |= SESSION_CHANNEL_CLOSE;
		return 0;
	case SESSION_ITEM_ABORT:
		return receive_abort(c, p, len);
	}
	return PARLEY_ERR_RECORD;
}

/*
 * Walk over messages of less than 64 bytes, as far as nothing about them needs
 * a second look; return where that ends.
 */
static const uint8_t *skip_short(struct session_channel *c, bool *any,
				 const uint8_t *p, const uint8_t *end)
{
	const uint8_t *const begin = p;
	uint64_t room = c->received_limit - c->received_total, n = 0;

	if (c->received_total >= c->received_limit || c->closed ||
	    c->part_total > 0 || c->o.message_max < 64)
		return p;
	while (p < end && (*p & 0x81) == 0 && (size_t)(end - p) > *p >> 1 &&
	       (uint64_t)(p - begin) < room) {
		p += 1 + (*p >> 1);
		n++;
	}
	c->received_total += (uint64_t)(p - begin);
	c->stats.messages_received += n;
	c->stats.bytes_received += (uint64_t)(p - begin) - n;
	*any = *any || n > 0;
	return p;
}

/*
 * Walk the items p..end of ${f}.  Runs of whole messages are queued as they
 * stand; the walk only makes sure that they parse.
 */
static int receive_items(struct session_channel *c, struct session_frame *f,
			 const uint8_t *p, const uint8_t *end)
{
	const uint8_t *run = p; /* begin of the current run of messages */
	uint64_t v, len;
	size_t n;
	int err;

	bool eliciting = false;

	if (c->in.seq == 1) {
		/* PROTOCOL 6.2: the first record begins with an ACK. */
		if (p == end || *p != (SESSION_ITEM_ACK << 1 | 1))
			return PARLEY_ERR_RECORD;
		c->events |= SESSION_CHANNEL_FIRST;
	}
	while (p < end) {
		const uint8_t *item;

		p = skip_short(c, &eliciting, p, end);
		if (p == end)
			break;
		item = p;
		n = get_varint(&v, p, end);
		if (n == 0)
			return PARLEY_ERR_RECORD;
		p += n;
		if ((v & 1) == 0) {
			if (v >> 1 > (uint64_t)(end - p) || c->part_total > 0)
				return PARLEY_ERR_RECORD;
			p += v >> 1;
			err = count_item(c, (size_t)(p - item));
			if (err)
				return err;
			if (v >> 1 > c->o.message_max)
				return PARLEY_ERR_TOO_LARGE;
			c->stats.messages_received++;
			c->stats.bytes_received += v >> 1;
			eliciting = true;
			continue;
		}
		if (item > run && !queue_run(c, f, run, item))
			return PARLEY_ERR_MEMORY;
		n = get_varint(&len, p, end);
		if (n == 0 || len > (uint64_t)(end - p) - n)
			return PARLEY_ERR_RECORD;
		p += n + len;
		err = receive_control(c, v >> 1, p - len, (size_t)len,
				      (size_t)(p - item));
		if (err)
			return err;
		eliciting = eliciting || elicits_ack(v >> 1);
		run = p;
	}
	c->n_eliciting += eliciting;
	return end > run && !queue_run(c, f, run, end) ? PARLEY_ERR_MEMORY : 0;
}

/*
 * PROTOCOL 6.3: a record that is not the next one, or does not open, is
 * dropped; what the other side should know then is noted.  0 if ${err} was of
 * that kind.
 */
static int drop_record(struct session_channel *c, int err)
{
	c->stats.records_dropped++;
	if (err == PARLEY_ERR_REPLAY) {
		/* It does not know that this arrived. */
		c->n_eliciting++;
	} else if (err == PARLEY_ERR_SEQUENCE || err == PARLEY_ERR_SEAL) {
		bool again = c->gap_seq == c->in.seq + 1;

		/* Once for each record that is missing.  But when it comes as
		 * the answer to a probe, then the GAP was lost, or lies behind
		 * something that was: all goes again, so that it arrives. */
		if (again && !c->gap_again)
			return 0;
		if (again && session_channel_resend(c, c->acked) == 0)
			c->events |= SESSION_CHANNEL_OUTPUT;
		c->gap_seq = c->in.seq + 1;
		c->gap_again = false;
		c->gap = true;
	} else if (err != PARLEY_ERR_LENGTH && err != PARLEY_ERR_FORMAT) {
		return err;
	}
	c->events |= SESSION_CHANNEL_DROPPED;
	return 0;
}

/*
 * Keep a record that came early as it stands, so that it need not come again.
 * Nobody knows yet whether it is one: the bytes are bounded by the window.
 */
static bool keep_early(struct session_channel *c, struct session_frame *f)
{
	const uint32_t ahead = session_record_ahead(&c->in, f->data);
	struct session_frame **slot =
	    &c->early[(c->in.seq + ahead) % EARLY_MAX];

	if (ahead >= EARLY_MAX || *slot || f->len > c->o.window - c->early_len)
		return false;
	*slot = f;
	c->early_len += f->len;
	return true;
}

static struct session_frame *take_early(struct session_channel *c)
{
	struct session_frame **slot = &c->early[c->in.seq % EARLY_MAX];
	struct session_frame *f = *slot;

	*slot = NULL;
	if (f)
		c->early_len -= f->len;
	return f;
}

/*
 * The record ${f} seems to go on with the message in parts: where is the part
 * of its first item, and how long is it?  ${p} are its first bytes, decrypted
 * and not to be believed yet; 0 if it looks otherwise.
 */
static size_t find_part(const uint8_t p[PEEK_LEN], size_t items_len,
			size_t *part_len)
{
	uint64_t len;
	size_t n;

	if (p[0] != (SESSION_ITEM_NEXT << 1 | 1))
		return 0;
	n = get_varint(&len, p + 1, p + PEEK_LEN);
	if (n == 0 || len < PEEK_LEN || len > items_len - 1 - n)
		return 0;
	*part_len = (size_t)len;
	return 1 + n;
}

/*
 * Open ${f}; a part that goes on with a message is decrypted to where it
 * belongs, behind part_len, where nothing is valid before the record is.
 */
static int open_placed(struct session_channel *c, size_t *items_len,
		       struct session_frame *f)
{
	uint8_t *items = f->data + SESSION_RECORD_HEADER_LEN, *to;
	size_t at = PEEK_LEN, part_at, part_len = 0;
	int err;

	err = session_record_open_begin(&c->in, items_len, f->data, f->len);
	if (err)
		return err;
	err = session_record_add(&c->in, items, items, PEEK_LEN);
	if (err)
		return err;
	part_at = find_part(items, *items_len, &part_len);
	if (part_at > 0 && part_reserve(c, part_len) == 0) {
		at = part_at + part_len;
		to = c->part->data + c->part_len;
		memcpy(to, items + part_at, PEEK_LEN - part_at);
		err = session_record_add(&c->in, to + PEEK_LEN - part_at,
					 items + PEEK_LEN, at - PEEK_LEN);
	} else {
		part_len = 0;
	}
	if (!err && *items_len > at)
		err = session_record_add(&c->in, items + at, items + at,
					 *items_len - at);
	if (!err)
		err = session_record_open_end(&c->in, f->data, f->len);
	if (err) {
		did_secret_wipe(items, *items_len);
		if (part_len > 0)
			did_secret_wipe(c->part->data + c->part_len, part_len);
		return err;
	}
	c->part_placed = part_len;
	return 0;
}

static int open_record(struct session_channel *c, size_t *items_len,
		       struct session_frame *f)
{
	if (c->part_total > 0 && f->len >= SEAL_COPY_MIN)
		return open_placed(c, items_len, f);
	return session_record_open(&c->in, items_len, f->data, f->len);
}

int session_channel_receive(struct session_channel *c, struct session_frame *f)
{
	const uint64_t first = c->in.seq;
	int err = 0;

	while (f && !err) {
		const uint8_t *items = f->data + SESSION_RECORD_HEADER_LEN;
		const size_t wire_len = f->len;
		size_t items_len;

		err = open_record(c, &items_len, f);
		if (err) {
			bool early =
			    err == PARLEY_ERR_SEQUENCE && keep_early(c, f);

			err = drop_record(c, err);
			if (early)
				f = NULL;
		} else {
			c->stats.records_received++;
			c->stats.wire_bytes_received += wire_len;
			err = receive_items(c, f, items, items + items_len);
		}
		session_frame_free(f);
		/* What came early may be next now. */
		f = c->in.seq != first ? take_early(c) : NULL;
	}
	session_frame_free(f);
	return err;
}

void session_channel_release(struct session_channel *c)
{
	if (c->taken)
		free_run(c, c->taken);
	c->taken = NULL;
}

bool session_channel_pending(const struct session_channel *c)
{
	return c->head != NULL;
}

static struct run *unqueue_run(struct session_channel *c)
{
	struct run *r = c->head;

	c->head = r->next;
	if (!c->head)
		c->tail = &c->head;
	return r;
}

bool session_channel_next(struct session_channel *c, const void **msgp,
			  size_t *lenp)
{
	struct run *r = c->head;
	const uint8_t *item;
	uint64_t v = 0;

	session_channel_release(c);
	if (!r)
		return false;
	if (r->whole) {
		*msgp = r->p;
		*lenp = (size_t)(r->end - r->p);
		c->taken = unqueue_run(c);
		count_taken(c, r->untaken);
		c->n_great -= r->great;
		make_way(c);
		return true;
	}
	item = r->p;
	r->p += get_varint(&v, r->p, r->end);
	*msgp = r->p;
	*lenp = (size_t)(v >> 1);
	r->p += v >> 1;
	count_taken(c, (size_t)(r->p - item));
	if (r->p == r->end)
		c->taken = unqueue_run(c);
	return true;
}

bool session_channel_ack_due(const struct session_channel *c)
{
	return c->gap || c->n_eliciting >= SESSION_ACK_RECORDS ||
	       c->freed_total + c->o.window - c->received_limit >=
		   c->o.window / 4;
}

void session_channel_grant(struct session_channel *c)
{
	c->freed_total = c->received_total;
}

unsigned session_channel_events(struct session_channel *c)
{
	unsigned events = c->events;

	c->events = 0;
	return events;
}

const struct session_channel_news *session_channel_news(
    const struct session_channel *c)
{
	return &c->news;
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

bool session_channel_close_acked(const struct session_channel *c)
{
	return c->close_end > 0 && c->acked >= c->close_end;
}

uint64_t session_channel_unacked(const struct session_channel *c)
{
	return (c->data_end > c->acked ? c->data_end - c->acked : 0) +
	       c->open_data;
}

size_t session_channel_kept(const struct session_channel *c)
{
	return (size_t)(c->out.seq - c->acked);
}

const struct session_channel_stats *session_channel_stats(
    const struct session_channel *c)
{
	return &c->stats;
}

uint64_t session_channel_ratchets(const struct session_channel *c)
{
	return c->out.ratchets + c->in.ratchets;
}

size_t session_channel_open_len(const struct session_channel *c)
{
	return c->open_len;
}

/*
 * Life
 */

int session_channel_new(struct session_channel **cp, uint8_t suite,
			enum session_role role,
			const struct session_traffic *traffic,
			const struct session_channel_options *o)
{
	const enum session_role other =
	    role == SESSION_INITIATOR ? SESSION_RESPONDER : SESSION_INITIATOR;
	struct session_channel *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return PARLEY_ERR_MEMORY;
	c->o = *o;
	c->kept_tail = &c->kept_head;
	c->tail = &c->head;
	if ((err = session_record_init(&c->out, suite, traffic->secret[role],
				       true)) ||
	    (err = session_record_init(&c->in, suite, traffic->secret[other],
				       false)) ||
	    (err = session_channel_ack(c))) {
		session_channel_free(c);
		return err;
	}
	*cp = c;
	return 0;
}

void session_channel_free(struct session_channel *c)
{
	struct session_frame *f;

	if (!c)
		return;
	session_channel_release(c);
	while (c->head)
		free_run(c, unqueue_run(c));
	free(c->spare);
	while ((f = c->kept_head)) {
		c->kept_head = f->next;
		session_frame_free(f);
	}
	for (size_t i = 0; i < EARLY_MAX; i++)
		session_frame_free(c->early[i]);
	if (c->open)
		did_secret_wipe(c->open->data, c->open->len);
	session_frame_free(c->open);
	session_record_wipe(&c->out);
	session_record_wipe(&c->in);
	session_frame_free(c->part);
	free(c->news.instances);
	did_secret_wipe(c, sizeof(*c));
	free(c);
}
