/*
 * The incoming side of a channel: PROTOCOL 6.2, 6.3 and 8.1.
 *
 * The invariant: the queue holds, in order, runs of messages inside opened
 * frames and messages that were put together from parts.  A frame lives as
 * long as a run refers to it.
 */
#include "session/channel_receive.h"

#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "did/secret.h"
#include "session/channel_send.h"

enum {
	/* Frames below this may be kept whole for a message in them. */
	COPY_MIN = 1024,
	/* Decrypted of a record to see where the rest should go. */
	PEEK_LEN = 16,
	/* Incoming messages in parts: first allocation. */
	ASSEMBLY_MIN = 256 * 1024,
	/* What waits behind others and is shorter is gathered in frames of at
	 * most so much: a message of one byte is not to keep a record. */
	GATHER_MAX = 4096,
	/* Answered without an ACK that moves in between. */
	GAPS_MAX = 8,
	/* PONGs that may be unacknowledged; who asks more is not answered. */
	PONGS_MAX = 64 * 1024,
	/* Messages in parts that had no need to be: two bytes of framing. */
	SHORT_MAX = 2048,
};

/*
 * The queue
 */

static struct session_channel_run *new_run(struct session_channel *c)
{
	struct session_channel_run *r = c->spare;

	c->spare = NULL;
	return r ? r : malloc(sizeof(*r));
}

static void free_run(struct session_channel *c, struct session_channel_run *r)
{
	session_frame_free(r->frame);
	if (c->spare)
		free(r);
	else
		c->spare = r;
}

/*
 * Append p..end to the last run, if both are short: then they share a frame,
 * which doubles as it fills.  Not to the first one: of that the program may
 * hold a message, and its frame must stay where it is.
 */
static bool gather(struct session_channel *c, const uint8_t *p, size_t len)
{
	struct session_channel_run *r = c->last;
	struct session_frame *f;
	size_t had;

	if (!c->head || r == c->head || r->whole)
		return false;
	had = (size_t)(r->end - r->p);
	if (had > GATHER_MAX || len > GATHER_MAX - had)
		return false;
	if (!r->gathered || had + len > r->frame->size) {
		f = session_frame_new(2 * (had + len));
		if (!f)
			return false;
		memcpy(f->data, r->p, had);
		session_frame_free(r->frame);
		r->frame = f;
		r->gathered = true;
		r->p = f->data;
	}
	memcpy(r->frame->data + had, p, len);
	r->end = r->p + had + len;
	return true;
}

static struct session_channel_run *queue_run(struct session_channel *c,
					     struct session_frame *frame,
					     const uint8_t *p,
					     const uint8_t *end)
{
	const size_t len = (size_t)(end - p);
	struct session_frame *copy = NULL;
	struct session_channel_run *r;

	/* A small part of a large frame does not keep all of it, and what
	 * waits behind others not even a small one. */
	if (len < frame->len / 2 && (frame->len >= COPY_MIN || c->head)) {
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
	*r = (struct session_channel_run){
	    .frame = copy ? copy : session_frame_ref(frame),
	    .p = p,
	    .end = end};
	*c->tail = r;
	c->tail = &r->next;
	c->last = r;
	return r;
}

/* Messages with their framing. */
static int queue_messages(struct session_channel *c,
			  struct session_frame *frame, const uint8_t *p,
			  const uint8_t *end)
{
	return gather(c, p, (size_t)(end - p)) || queue_run(c, frame, p, end)
		   ? 0
		   : PARLEY_ERR_MEMORY;
}

static struct session_channel_run *unqueue_run(struct session_channel *c)
{
	struct session_channel_run *r = c->head;

	c->head = r->next;
	if (!c->head)
		c->tail = &c->head;
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

/*
 * Messages in parts
 */

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

/*
 * Items
 */

static int receive_first(struct session_channel *c, const uint8_t *p,
			 size_t len)
{
	uint64_t total;
	size_t n = session_channel_get_varint(&total, p, p + len);

	if (n == 0 || c->part_total > 0 || len - n >= total)
		return PARLEY_ERR_RECORD;
	if (total > c->o.message_max)
		return PARLEY_ERR_TOO_LARGE;
	c->part_total = (size_t)total;
	return part_add(c, p + n, len - n);
}

/*
 * A message that came in parts and had no need to: queued as if it had come
 * whole, so that it is gathered with others.  What its framing was longer is
 * given back.
 */
static int queue_short(struct session_channel *c)
{
	struct session_frame *f = session_frame_new(c->part_len + 2);
	size_t n;
	int err;

	if (!f)
		return PARLEY_ERR_MEMORY;
	n = session_channel_put_varint(f->data, (uint64_t)c->part_len << 1);
	memcpy(f->data + n, c->part->data, c->part_len);
	n += c->part_len;
	err = queue_messages(c, f, f->data, f->data + n);
	session_frame_free(f);
	count_taken(c, c->part_untaken - n);
	return err;
}

static int receive_next(struct session_channel *c, const uint8_t *p, size_t len)
{
	struct session_channel_run *r;
	int err;

	if (c->part_total == 0)
		return PARLEY_ERR_RECORD;
	err = part_add(c, p, len);
	if (err || c->part_len < c->part_total)
		return err;
	c->stats.messages_received++;
	c->stats.bytes_received += c->part_len;
	if (c->head && c->part_len <= SHORT_MAX) {
		err = queue_short(c);
		part_reset(c);
		return err;
	}
	/* It is all there is in its memory, which is not copied again. */
	c->part->len = c->part_len;
	r = queue_run(c, c->part, c->part->data, c->part->data + c->part_len);
	if (!r)
		return PARLEY_ERR_MEMORY;
	r->whole = true;
	r->untaken = c->part_untaken;
	r->great = is_great(c, c->part_total);
	c->n_great += r->great;
	part_reset(c);
	return 0;
}

static int receive_ack(struct session_channel *c, const uint8_t *p, size_t len,
		       bool gap)
{
	struct did_reader r;
	uint64_t next, limit;
	bool moves;

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
	moves = next > c->acked;
	if (moves)
		c->n_gaps = c->n_pings = 0;
	session_channel_send_forget(c, next);
	c->sent_limit = limit;
	c->events |= SESSION_CHANNEL_ACK;
	/* An ACK that moves after a probe: what followed the probe's record
	 * may be missing too, and the other side cannot know. */
	if (moves && c->probing) {
		c->probing = false;
		/* Not after a PING or PONG: over a long line, where each probe
		 * comes too early, each would bring the next. */
		if (!gap && c->acked < c->data_end) {
			c->events |= SESSION_CHANNEL_OUTPUT;
			return session_channel_ask(c);
		}
	}
	/* Who asks again and again for the same is left to the probes, too. */
	if (gap && !c->crowded && c->n_gaps++ < GAPS_MAX &&
	    session_channel_resend(c, next) == 0)
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

/* Who asks without reading the answers gets no more. */
static int receive_ping(struct session_channel *c, const uint8_t *p, size_t len)
{
	int err;

	if (c->acked >= c->pongs_end)
		c->pongs_len = 0;
	if (c->pongs_len >= PONGS_MAX ||
	    c->out.seq - c->acked >= SESSION_KEPT_MAX)
		return 0;
	c->events |= SESSION_CHANNEL_OUTPUT;
	err = session_channel_control(c, SESSION_ITEM_PONG, p, len);
	c->pongs_len += 2 + len;
	c->pongs_end = c->out.seq + 1;
	return err;
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
		return receive_ping(c, p, len);
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
		n = session_channel_get_varint(&v, p, end);
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
		if (item > run && queue_messages(c, f, run, item))
			return PARLEY_ERR_MEMORY;
		n = session_channel_get_varint(&len, p, end);
		if (n == 0 || len > (uint64_t)(end - p) - n)
			return PARLEY_ERR_RECORD;
		p += n + len;
		err = receive_control(c, v >> 1, p - len, (size_t)len,
				      (size_t)(p - item));
		if (err)
			return err;
		eliciting = eliciting || session_channel_elicits_ack(v >> 1);
		run = p;
	}
	c->n_eliciting += eliciting;
	return end > run ? queue_messages(c, f, run, end) : 0;
}

/*
 * Records
 */

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
		if (again && !c->crowded &&
		    session_channel_resend(c, c->acked) == 0)
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
	    &c->early[(c->in.seq + ahead) % SESSION_EARLY_MAX];

	if (ahead >= SESSION_EARLY_MAX || *slot ||
	    f->len > c->o.window - c->early_len)
		return false;
	*slot = f;
	c->early_len += f->len;
	return true;
}

static struct session_frame *take_early(struct session_channel *c)
{
	struct session_frame **slot = &c->early[c->in.seq % SESSION_EARLY_MAX];
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
	n = session_channel_get_varint(&len, p + 1, p + PEEK_LEN);
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
	if (c->part_total > 0 && f->len >= SESSION_SEAL_COPY_MIN)
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

/*
 * Taking
 */

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

bool session_channel_next(struct session_channel *c, const void **msgp,
			  size_t *lenp)
{
	struct session_channel_run *r = c->head;
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
	r->p += session_channel_get_varint(&v, r->p, r->end);
	*msgp = r->p;
	*lenp = (size_t)(v >> 1);
	r->p += v >> 1;
	count_taken(c, (size_t)(r->p - item));
	if (r->p == r->end)
		c->taken = unqueue_run(c);
	return true;
}

void session_channel_receive_drop(struct session_channel *c)
{
	session_channel_release(c);
	while (c->head)
		free_run(c, unqueue_run(c));
	free(c->spare);
	for (size_t i = 0; i < SESSION_EARLY_MAX; i++)
		session_frame_free(c->early[i]);
	session_frame_free(c->part);
}
