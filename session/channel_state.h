/*
 * What a channel is, for channel*.c alone.
 */
#ifndef SESSION_CHANNEL_STATE_H
#define SESSION_CHANNEL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "did/bytes.h"
#include "session/channel.h"

enum {
	/* From here on bytes are sealed as they are copied into the record,
	 * and opened as they are copied out of it. */
	SESSION_SEAL_COPY_MIN = 4096,
	/* Records kept that came before their turn. */
	SESSION_EARLY_MAX = 64,
	/* What a record that is kept costs besides its bytes. */
	SESSION_KEPT_COST = 256,
};

/* An entry of the queue of incoming messages. */
struct session_channel_run {
	struct session_channel_run *next;
	struct session_frame *frame; /* messages at p..end */
	const uint8_t *p;
	const uint8_t *end;
	size_t untaken; /* of a message: item bytes not given back yet */
	bool whole;	/* p..end is one message, without framing */
	bool great;	/* counted in n_great */
	bool gathered;	/* the frame is ours alone, its size what it holds */
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
	unsigned n_gaps;	      /* answered since their next moved */
	unsigned n_pings;	      /* probes since then that were PINGs */
	bool crowded;		      /* no more of them is to go, upon a GAP */
	size_t kept_len;	      /* what they cost */
	size_t pongs_len;	      /* bytes of PONGs, and ... */
	uint64_t pongs_end;	      /* ... their next once those arrived */
	uint64_t sent_total, sent_limit;
	uint64_t acked;		/* their next; the number of kept_head */
	uint64_t ack_item;	/* the next of their last ACK or GAP */
	uint64_t eliciting_end; /* their next once nothing calls for an ACK */
	uint64_t data_end;	/* their next once all messages arrived */
	uint64_t close_end;	/* their next once CLOSE arrived; 0: not sent */
	bool open_data;		/* the open record holds messages */
	bool open_eliciting;	/* ... something that calls for an ACK */
	bool probing;		/* one was sent again, and no ACK moved since */

	/* Incoming. */
	struct session_channel_run *head, **tail;
	struct session_channel_run *last; /* of the queue; not if it is empty */
	struct session_channel_run
	    *taken; /* the run of the message last handed out */
	struct session_channel_run *spare; /* to be used again */
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
	struct session_frame *early[SESSION_EARLY_MAX];
	size_t early_len;

	bool closed; /* CLOSE came: nothing that counts may follow */

	unsigned events;
	struct session_channel_news news;
	struct session_channel_stats stats;
};

/* What the item ${code} is: does a record that holds it call for an ACK? */
static inline bool session_channel_elicits_ack(uint64_t code)
{
	return code != SESSION_ITEM_ACK && code != SESSION_ITEM_GAP &&
	       code != SESSION_ITEM_PADDING;
}

/*
 * Varints, inlined for the path of small messages.
 */

static inline size_t session_channel_put_varint(uint8_t *p, uint64_t v)
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
static inline size_t session_channel_get_varint(uint64_t *v, const uint8_t *p,
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

#endif /* !SESSION_CHANNEL_STATE_H */
