/*
 * Channels: PROTOCOL 6 and 8.1: their life, and what can be asked.
 *
 *   channel_send.c      messages and control items into records
 *   channel_receive.c   records into messages and news
 */
#include "session/channel.h"

#include <stdlib.h>

#include <parley/err.h>

#include "did/secret.h"
#include "session/channel_receive.h"
#include "session/channel_state.h"

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
				       true, o->machine)) ||
	    (err = session_record_init(&c->in, suite, traffic->secret[other],
				       false, o->machine)) ||
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
	session_channel_receive_drop(c);
	while ((f = c->kept_head)) {
		c->kept_head = f->next;
		session_frame_free(f);
	}
	if (c->open)
		did_secret_wipe(c->open->data, c->open->len);
	session_frame_free(c->open);
	session_record_wipe(&c->out);
	session_record_wipe(&c->in);
	free(c->news.instances);
	did_secret_wipe(c, sizeof(*c));
	free(c);
}

/*
 * State
 */

uint64_t session_channel_expected(const struct session_channel *c)
{
	return c->in.seq;
}

bool session_channel_ack_owed(const struct session_channel *c)
{
	return c->n_eliciting > 0 || c->gap;
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
