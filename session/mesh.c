/*
 * The opening of a session (PROTOCOL 7), and its connections later on.
 *
 * Every connection is a link.  A link's life:
 *
 *   we dial       DIALLING -> PROPOSED -> CONFIRMED -> UP -> DOWN
 *   they dial     ACCEPTED --------------------------> UP -> DOWN
 *
 * A link that fails before UP is freed and leaves nothing but a line of
 * detail.  When every party has a link UP the barrier begins; it ends when
 * all READYs are equal.
 *
 * From then on a link that is UP stays UP when its connection breaks: it is
 * without one until a new one was resumed (PROTOCOL 5.6), on a link of its own
 * that hands its connection over:
 *
 *   we dial       DIALLING -> RESUMED ----> SPARE, or freed
 *   they dial     CHALLENGED -------------> SPARE, or freed
 *
 * A SPARE link has the former connection: records that still come on it count.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "did/secret.h"
#include "session/session.h"

static const char *name_of(const struct parley_session *s, int party)
{
	return parley_session_agreement_party_name(s->agreement, (size_t)party);
}

static bool is_opening(const struct parley_session *s)
{
	return s->state == PARLEY_SESSION_OPENING;
}

static void wake_at(struct parley_session *s, int64_t ms)
{
	if (ms < s->next_timer_ms)
		s->next_timer_ms = ms;
}

/* Are we the dialler of the pair with ${party} (PROTOCOL 7.1)? */
static bool we_dial(const struct parley_session *s, int party)
{
	return session_agreement_dials(s->agreement, s->self.index,
				       (size_t)party);
}

static const char *endpoint_of(const struct parley_session *s,
			       const struct session_party *p)
{
	return parley_session_agreement_party_endpoint(
	    s->agreement, (size_t)session_index(s, p), p->endpoint);
}

/*
 * Progress
 */

static void report(struct parley_session *s, struct session_party *p,
		   const char *detail)
{
	const int party = p ? session_index(s, p) : -1;
	struct parley_progress progress = {.party = party,
					   .name = "",
					   .did = "",
					   .detail = detail,
					   .waited_ms =
					       session_now_ms() - s->opened_ms};

	if (!s->o.on_progress)
		return;
	if (p) {
		progress.state = p->state;
		progress.name = name_of(s, party);
		progress.did = parley_session_agreement_party_did(
		    s->agreement, (size_t)party);
		if (p->dial || we_dial(s, party))
			progress.endpoint = endpoint_of(s, p);
		if (!detail && p->detail[0])
			progress.detail = p->detail;
	}
	if (s->o.on_progress(s->o.context, &progress) && is_opening(s) &&
	    !s->failing) {
		s->failing =
		    session_error(s, PARLEY_ERR_INTERRUPTED, -1,
				  "opening the session was interrupted");
		s->failing_until_ms = 0;
		wake_at(s, 0);
	}
}

static void set_state(struct parley_session *s, struct session_party *p,
		      enum parley_party_state state)
{
	if (p->state == state)
		return;
	p->state = state;
	report(s, p, NULL);
}

static void set_detail(struct session_party *p, const char *text)
{
	snprintf(p->detail, sizeof(p->detail), "%s", text);
}

/*
 * Failing together: PROTOCOL 7.4
 */

/* Tell ${p}, whose channel is up, why the opening failed. */
static void tell_failure(struct parley_session *s, struct session_party *p)
{
	if (p->told || !session_live(p))
		return;
	p->told = true;
	if (session_channel_abort(p->up->channel, -s->failing, s->culprit,
				  s->error) == 0)
		session_party_flush(s, p);
}

static void fail_opening(struct parley_session *s, int err)
{
	if (!is_opening(s) || s->failing)
		return;
	s->failing = err;
	s->failing_until_ms = session_now_ms() + SESSION_FAIL_LINGER_MS;
	wake_at(s, s->failing_until_ms);
	for (size_t i = 0; i < s->n; i++)
		tell_failure(s, &s->parties[i]);
}

/* Does everybody know, or has the time for telling passed? */
static bool failure_told(const struct parley_session *s, int64_t now)
{
	if (now >= s->failing_until_ms)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (i != s->self.index && !s->parties[i].told)
			return false;
	return true;
}

/*
 * Links
 */

/* Has the other end still to prove who it is? */
static bool is_stranger(const struct session_link *link)
{
	return link->state == SESSION_LINK_ACCEPTED ||
	       link->state == SESSION_LINK_CHALLENGED;
}

static struct session_link *link_new(struct parley_session *s,
				     struct session_conn *conn,
				     enum session_link_state state, int party)
{
	struct session_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->state = state;
	link->party = party;
	link->conn = conn;
	link->begun_us = session_now_us();
	link->deadline_ms = session_now_ms() + SESSION_HANDSHAKE_TIMEOUT_MS;
	wake_at(s, link->deadline_ms);
	conn->user = link;
	link->prev = s->links_tail;
	*s->links_tail = link;
	s->links_tail = &link->next;
	if (is_stranger(link))
		s->n_strangers++;
	return link;
}

static void hang_up(struct parley_session *s, struct session_link *link)
{
	if (link->conn)
		session_carrier_hangup(s->carrier, link->conn);
	link->conn = NULL;
}

void session_mesh_link_free(struct parley_session *s, struct session_link *link)
{
	if (is_stranger(link))
		s->n_strangers--;
	hang_up(s, link);
	session_resume_wipe(&link->resume);
	session_handshake_free(link->handshake);
	for (int role = 0; role < 2; role++)
		free(link->envelopes[role]);
	session_channel_free(link->channel);
	*link->prev = link->next;
	if (link->next)
		link->next->prev = link->prev;
	else
		s->links_tail = link->prev;
	did_secret_wipe(link, sizeof(*link));
	free(link);
}

/*
 * Dialling
 */

/* Has ${p} no connection, and should it have one? */
static bool wants_connection(const struct parley_session *s,
			     const struct session_party *p)
{
	if (session_index(s, p) == (int)s->self.index)
		return false;
	if (session_live(p))
		return p->up->conn == NULL;
	return is_opening(s);
}

static void retry_later(struct parley_session *s, struct session_party *p)
{
	const int64_t now = session_now_ms();
	int wait = p->retry_ms;

	/* Half to one and a half of it, so that parties do not march. */
	wait = wait / 2 + (int)randombytes_uniform((uint32_t)wait + 1);
	p->next_dial_ms = now + wait;
	p->retry_ms = p->retry_ms * 2 < SESSION_DIAL_RETRY_MAX_MS
			  ? p->retry_ms * 2
			  : SESSION_DIAL_RETRY_MAX_MS;
	/* The next endpoint, round and round. */
	p->endpoint++;
	if (!endpoint_of(s, p))
		p->endpoint = 0;
	wake_at(s, p->next_dial_ms);
}

static void drop_dial(struct parley_session *s, struct session_party *p,
		      const char *why)
{
	session_mesh_link_free(s, p->dial);
	p->dial = NULL;
	if (why)
		set_detail(p, why);
	if (!wants_connection(s, p))
		return;
	retry_later(s, p);
	if (!session_live(p))
		set_state(s, p, PARLEY_PARTY_CONNECTING);
}

static void dial(struct parley_session *s, struct session_party *p)
{
	const int party = session_index(s, p);
	const char *endpoint = endpoint_of(s, p);
	struct session_conn *conn;
	struct session_link *link;
	int err;

	p->next_dial_ms = INT64_MAX;
	if (!endpoint)
		return;
	err = session_carrier_dial(s->carrier, endpoint, &conn);
	if (err) {
		set_detail(p, parley_did_err_string(err));
		retry_later(s, p);
		return;
	}
	link = link_new(s, conn, SESSION_LINK_DIALLING, party);
	if (!link) {
		session_carrier_hangup(s->carrier, conn);
		retry_later(s, p);
		return;
	}
	p->dial = link;
}

/*
 * How long who is not the dialler leaves it to the other one (PROTOCOL 7.1).
 * While all open at once on a busy machine, each has its turn late, and to dial
 * in both directions would make all twice as late.
 */
static int64_t fallback_ms(const struct parley_session *s)
{
	return SESSION_DIAL_FALLBACK_MS +
	       (is_opening(s) ? (int64_t)s->n * SESSION_DIAL_PATIENCE_MS : 0);
}

/* When to dial ${p} next, now that there is no connection. */
static void plan_dial(struct parley_session *s, struct session_party *p,
		      int64_t now)
{
	p->next_dial_ms =
	    we_dial(s, session_index(s, p)) ? now : now + fallback_ms(s);
	p->retry_ms = SESSION_DIAL_RETRY_MS;
	p->endpoint = 0;
	wake_at(s, p->next_dial_ms);
}

/*
 * Barrier: PROTOCOL 7.3
 */

static void make_ready(const struct parley_session *s,
		       uint8_t digest[SESSION_HASH_LEN])
{
	static const char label[] = "parley instances 1";
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	const uint8_t n[4] = {(uint8_t)(s->n >> 24), (uint8_t)(s->n >> 16),
			      (uint8_t)(s->n >> 8), (uint8_t)s->n};
	crypto_hash_sha256_state st;

	parley_session_agreement_hash(s->agreement, hash);
	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, (const uint8_t *)label, strlen(label));
	crypto_hash_sha256_update(&st, hash, sizeof(hash));
	crypto_hash_sha256_update(&st, n, sizeof(n));
	for (size_t i = 0; i < s->n; i++)
		crypto_hash_sha256_update(&st, s->parties[i].instance,
					  SESSION_INSTANCE_LEN);
	crypto_hash_sha256_final(&st, digest);
}

static bool agrees(const struct parley_session *s,
		   const struct session_party *p)
{
	return p->has_ready &&
	       memcmp(p->ready, s->ready, sizeof(s->ready)) == 0;
}

/* PROTOCOL 7.3: INSTANCES, once for each READY of ours that differs. */
static void explain_difference(struct parley_session *s,
			       struct session_party *p)
{
	uint8_t *all;

	if (!s->has_ready || !p->has_ready || agrees(s, p) ||
	    p->told_instances || !session_live(p))
		return;
	p->told_instances = true;
	all = malloc(s->n * SESSION_INSTANCE_LEN);
	if (!all)
		return; /* only the explanation is missing */
	for (size_t i = 0; i < s->n; i++)
		memcpy(all + i * SESSION_INSTANCE_LEN, s->parties[i].instance,
		       SESSION_INSTANCE_LEN);
	if (session_channel_control(p->up->channel, SESSION_ITEM_INSTANCES, all,
				    s->n * SESSION_INSTANCE_LEN) == 0)
		session_party_flush(s, p);
	free(all);
}

static void check_barrier(struct parley_session *s)
{
	if (!is_opening(s) || s->failing || !s->has_ready)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (i != s->self.index && (!session_live(&s->parties[i]) ||
					   !agrees(s, &s->parties[i])))
			return;
	s->state = PARLEY_SESSION_READY;
	s->next_progress_ms = INT64_MAX;
}

/* A channel has come: are they all there now? */
static void check_mesh(struct parley_session *s)
{
	s->has_ready = false;
	for (size_t i = 0; i < s->n; i++)
		if (i != s->self.index && !session_live(&s->parties[i]))
			return;
	make_ready(s, s->ready);
	s->has_ready = true;
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (i == s->self.index || !session_live(p))
			continue;
		p->told_instances = false;
		p->sent_ready = true;
		if (session_channel_control(p->up->channel, SESSION_ITEM_READY,
					    s->ready, sizeof(s->ready)) == 0)
			session_party_flush(s, p);
		explain_difference(s, p);
	}
	check_barrier(s);
}

/* The first party that ${all} has with another instance than ours, or -1. */
static int differing_instance(const struct parley_session *s,
			      const struct session_channel_news *news)
{
	if (news->instances_len != s->n * SESSION_INSTANCE_LEN)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(news->instances + i * SESSION_INSTANCE_LEN,
			   s->parties[i].instance, SESSION_INSTANCE_LEN) != 0)
			return (int)i;
	return -1;
}

static void on_instances(struct parley_session *s, struct session_party *p,
			 const struct session_channel_news *news)
{
	const int who = differing_instance(s, news);
	char text[SESSION_DETAIL_SIZE];

	/* Only who said READY otherwise has something to explain. */
	if (who < 0 || !p->has_ready || agrees(s, p))
		return;
	snprintf(text, sizeof(text), "holds another process of party %d%s%s",
		 who, name_of(s, who)[0] ? " " : "", name_of(s, who));
	if (is_opening(s))
		set_detail(p, text);
	else
		session_party_lose(s, p, PARLEY_ERR_RESTARTED, text);
}

/*
 * Channels come and go
 */

/* Say goodbye on an authenticated link that is not to be used, and drop it. */
static void refuse_link(struct parley_session *s, struct session_link *link,
			int err, int culprit, const char *text)
{
	struct session_frame *f;

	if (session_channel_abort(link->channel, -err, culprit, text) == 0 &&
	    session_channel_flush(link->channel) == 0)
		while ((f = session_channel_take(link->channel)))
			if (session_carrier_send(s->carrier, link->conn, f))
				break;
	session_mesh_link_free(s, link);
}

static void forget_up(struct parley_session *s, struct session_party *p)
{
	if (!p->up)
		return;
	session_mesh_link_free(s, p->up);
	p->up = NULL;
	p->has_ready = false;
	s->has_ready = false;
}

/* PROTOCOL 7.2, "holds at most one channel": may ${link} become the one? */
static bool may_adopt(struct parley_session *s, struct session_party *p,
		      struct session_link *link)
{
	const int party = session_index(s, p);
	int order = 1;

	if (!is_opening(s)) {
		if (session_live(p) && memcmp(link->instance, p->instance,
					      SESSION_INSTANCE_LEN) == 0)
			session_mesh_link_free(s, link); /* duplicate */
		else
			refuse_link(
			    s, link, PARLEY_ERR_RESTARTED, party,
			    "the session is running without this process");
		return false;
	}
	if (p->has_instance)
		order =
		    memcmp(link->instance, p->instance, SESSION_INSTANCE_LEN);
	if (order < 0) {
		refuse_link(s, link, PARLEY_ERR_RESTARTED, party,
			    "a later process of this party has joined");
		return false;
	}
	if (order == 0 && session_live(p) && p->up->conn) {
		session_mesh_link_free(s, link);
		return false;
	}
	return true;
}

/* The channel of ${link} is proven: it becomes the party's. */
static void adopt(struct parley_session *s, struct session_link *link)
{
	struct session_party *p = &s->parties[link->party];

	if (p->dial == link)
		p->dial = NULL;
	if (!may_adopt(s, p, link))
		return;
	if (session_live(p) && p->up->conn) {
		struct session_link *old = p->up;

		p->up = NULL;
		refuse_link(s, old, PARLEY_ERR_RESTARTED, session_index(s, p),
			    "a later process of this party has joined");
		p->has_ready = false;
	}
	forget_up(s, p);
	if (p->dial) {
		session_mesh_link_free(s, p->dial);
		p->dial = NULL;
	}
	link->state = SESSION_LINK_UP;
	link->deadline_ms = INT64_MAX;
	link->handshake_us = (uint64_t)(session_now_us() - link->begun_us);
	memcpy(p->instance, link->instance, SESSION_INSTANCE_LEN);
	p->has_instance = true;
	p->up = link;
	p->next_dial_ms = INT64_MAX;
	p->retry_ms = SESSION_DIAL_RETRY_MS;
	p->detail[0] = '\0';
	p->told = p->sent_ready = false;
	p->lost_ms = INT64_MAX;
	session_retransmit_init(&p->timers);
	if (session_channel_pending(link->channel))
		session_mark_full(s, p);
	/* The first ACK leaves: to the initiator it proves the keys. */
	session_party_flush(s, p);
	if (!session_live(p))
		return;
	set_state(s, p, PARLEY_PARTY_READY);
	if (s->failing)
		tell_failure(s, p);
	else
		check_mesh(s);
}

/* The connection of ${p} broke, its channel did not: PROTOCOL 8.3. */
static void interrupt(struct parley_session *s, struct session_party *p,
		      const char *why)
{
	const int64_t now = session_now_ms();

	hang_up(s, p->up);
	set_detail(p, why);
	p->lost_ms =
	    now + (s->o.on_lost == PARLEY_ON_LOST_WAIT ? s->o.resume_ms
						       : s->o.liveness_ms / 2);
	wake_at(s, p->lost_ms);
	session_retransmit_pause(&p->timers);
	p->try_resume = true;
	if (!p->dial)
		plan_dial(s, p, now);
	if (p->state == PARLEY_PARTY_READY)
		set_state(s, p, PARLEY_PARTY_INTERRUPTED);
}

void session_mesh_lost(struct parley_session *s, struct session_party *p,
		       int err, const char *why)
{
	/* Who has said goodbye and has everything may go. */
	if (p->state == PARLEY_PARTY_CLOSED && session_live(p) &&
	    session_channel_unacked(p->up->channel) == 0) {
		p->up->state = SESSION_LINK_DOWN;
		hang_up(s, p->up);
		return;
	}
	/* What only the network did can be mended, from the moment on when
	 * the other side may be running. */
	if (err == PARLEY_ERR_LOST && session_live(p) && !s->failing &&
	    (p->sent_ready || !is_opening(s))) {
		interrupt(s, p, why);
		return;
	}
	if (is_opening(s)) {
		set_detail(p, why); /* ${why} may belong to the channel */
		forget_up(s, p);
		p->retry_ms = SESSION_DIAL_RETRY_MS;
		if (!p->dial && !s->failing) {
			retry_later(s, p);
			if (!we_dial(s, session_index(s, p)))
				p->next_dial_ms += fallback_ms(s);
		}
		set_state(s, p, PARLEY_PARTY_CONNECTING);
		return;
	}
	session_party_lose(s, p, err, why);
}

/*
 * What channels say
 */

static void on_abort(struct parley_session *s, struct session_party *p,
		     const struct session_channel_news *news)
{
	const int party = session_index(s, p);
	char text[SESSION_DETAIL_SIZE];
	int culprit = (int)news->abort_culprit;
	int err = news->abort_reason <= 1000 ? -(int)news->abort_reason
					     : PARLEY_ERR_ABORTED;

	p->told = true;
	if (culprit >= (int)s->n)
		culprit = -1;
	if (!is_opening(s)) {
		snprintf(text, sizeof(text), "gave up: %.120s",
			 news->abort_text);
		session_party_lose(
		    s, p,
		    err == PARLEY_ERR_RESTARTED ? err : PARLEY_ERR_ABORTED,
		    text);
		return;
	}
	if (err == PARLEY_ERR_INTERRUPTED || err == PARLEY_ERR_TIMEOUT) {
		/* It left by choice; it may come back. */
		session_mesh_lost(s, p, err, news->abort_text);
		return;
	}
	if (err == PARLEY_ERR_RESTARTED && culprit >= 0 &&
	    culprit != (int)s->self.index) {
		session_mesh_lost(s, p, err, news->abort_text);
		return;
	}
	if (err != PARLEY_ERR_AGREEMENT && err != PARLEY_ERR_RESTARTED)
		err = PARLEY_ERR_ABORTED;
	if (!s->failing) {
		session_error(s, err, party, "gave up: %s", news->abort_text);
		if (culprit >= 0)
			s->culprit = culprit;
		fail_opening(s, err);
	}
}

static void on_close(struct parley_session *s, struct session_party *p)
{
	if (session_channel_ack(p->up->channel) == 0)
		session_party_flush(s, p);
	if (!session_live(p))
		return;
	if (is_opening(s)) {
		session_mesh_lost(s, p, PARLEY_ERR_CLOSED,
				  "left before the start");
		return;
	}
	set_state(s, p, PARLEY_PARTY_CLOSED);
}

static void on_pong(struct session_party *p,
		    const struct session_channel_news *news)
{
	int64_t sent;

	if (p->ping_us == 0 || news->pong_len != sizeof(sent))
		return;
	memcpy(&sent, news->pong, sizeof(sent));
	if (sent != p->ping_us)
		return;
	p->rtt_us = (uint64_t)(session_now_us() - sent);
	if (p->rtt_us == 0)
		p->rtt_us = 1;
	p->ping_us = 0;
}

/* In the order in which they matter; each may take the link away. */
static void on_channel_events(struct parley_session *s, struct session_party *p,
			      unsigned events)
{
	const struct session_channel_news *news =
	    session_channel_news(p->up->channel);

	if (events & SESSION_CHANNEL_ACK) {
		session_retransmit_acked(&p->timers);
		session_party_pump(s, p);
	}
	if (events & SESSION_CHANNEL_DROPPED)
		session_retransmit_dropped(&p->timers, session_now_ms());
	if (events & SESSION_CHANNEL_PONG)
		on_pong(p, news);
	if (session_live(p) && events & SESSION_CHANNEL_OUTPUT)
		session_party_flush(s, p);
	if (session_live(p) && events & SESSION_CHANNEL_READY) {
		memcpy(p->ready, news->ready, sizeof(p->ready));
		p->has_ready = true;
		explain_difference(s, p);
		check_barrier(s);
	}
	if (session_live(p) && events & SESSION_CHANNEL_INSTANCES)
		on_instances(s, p, news);
	if (session_live(p) && events & SESSION_CHANNEL_ABORT)
		on_abort(s, p, news);
	else if (session_live(p) && events & SESSION_CHANNEL_CLOSE)
		on_close(s, p);
}

static void on_record(struct parley_session *s, struct session_link *link,
		      struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	char text[SESSION_DETAIL_SIZE];
	unsigned events;
	int err;

	err = session_channel_receive(link->channel, f);
	if (err) {
		snprintf(text, sizeof(text), "sent a bad record: %s",
			 parley_did_err_string(err));
		if (link == p->up)
			session_mesh_lost(s, p, err, text);
		else
			drop_dial(s, p, text);
		return;
	}
	events = session_channel_events(link->channel);
	if (link->state == SESSION_LINK_CONFIRMED) {
		adopt(s, link);
		if (p->up != link)
			return;
	}
	if (session_channel_pending(link->channel))
		session_mark_full(s, p);
	if (events)
		on_channel_events(s, p, events);
	/* Parts of a message make room as they come. */
	if (session_live(p) && session_channel_ack_due(p->up->channel) &&
	    session_channel_ack_now(p->up->channel) == 0)
		session_party_flush(s, p);
	if (session_live(p))
		session_party_timers(s, p);
}

/*
 * What handshakes and resumes share
 */

static void draw_random(struct session_handshake_random *random)
{
	randombytes_buf(random, sizeof(*random));
}

static int64_t utc_s(void)
{
	return session_now_utc_ms() / 1000;
}

/* Send handshake bytes, which are freed. */
static int send_bytes(struct parley_session *s, struct session_conn *conn,
		      uint8_t *bytes, size_t len)
{
	struct session_frame *f = session_frame_new(len);

	if (f)
		memcpy(f->data, bytes, len);
	free(bytes);
	return f ? session_carrier_send(s->carrier, conn, f)
		 : PARLEY_ERR_MEMORY;
}

/* Too many strangers at once: the one that waits longest goes. */
static void limit_strangers(struct parley_session *s)
{
	struct session_link *link;

	if (s->n_strangers < SESSION_STRANGERS_MAX + s->n)
		return;
	for (link = s->links; link; link = link->next)
		if (is_stranger(link)) {
			session_mesh_link_free(s, link);
			return;
		}
}

/*
 * Resuming: PROTOCOL 5.6
 */

/* E1, over the connection that we dialled. */
static void send_resume(struct parley_session *s, struct session_link *link)
{
	struct session_party *p = &s->parties[link->party];
	uint8_t a[SESSION_NONCE_LEN];
	uint8_t *msg = malloc(SESSION_RESUME_LEN);

	/* While opening, the other side may know nothing of the channel: then
	 * the attempt after this one is a handshake. */
	p->try_resume = false;
	link->state = SESSION_LINK_RESUMED;
	link->deadline_ms = session_now_ms() + SESSION_RESUME_TIMEOUT_MS;
	wake_at(s, link->deadline_ms);
	if (!msg) {
		drop_dial(s, p, "out of memory");
		return;
	}
	randombytes_buf(a, sizeof(a));
	session_resume_create(msg, &link->attempt, &p->up->resume, s->gate.key,
			      s->self.index, a);
	if (send_bytes(s, link->conn, msg, SESSION_RESUME_LEN))
		drop_dial(s, p, "connection closed");
}

/*
 * The new connection on ${link} is proven, and the other side expects record
 * ${next}: the channel goes on over it.
 */
static void take_connection(struct parley_session *s, struct session_link *link,
			    uint64_t next)
{
	struct session_party *p = &s->parties[link->party];
	struct session_conn *former = p->up->conn;
	int err;

	if (p->dial == link)
		p->dial = NULL;
	if (is_stranger(link))
		s->n_strangers--;
	session_carrier_trust(s->carrier, link->conn, SESSION_RECORD_LEN_MAX);
	p->up->conn = link->conn;
	p->up->conn->user = p->up;
	link->conn = former;
	link->state = SESSION_LINK_SPARE;
	link->deadline_ms = INT64_MAX;
	if (former)
		former->user = link;
	else
		session_mesh_link_free(s, link);
	p->lost_ms = INT64_MAX;
	p->next_dial_ms = INT64_MAX;
	p->retry_ms = SESSION_DIAL_RETRY_MS;
	session_retransmit_acked(&p->timers);
	p->n_resumes++;
	p->detail[0] = '\0';
	err = session_channel_resend(p->up->channel, next);
	if (err) {
		session_mesh_lost(s, p, err, "resumed where it cannot be");
		return;
	}
	if (p->state == PARLEY_PARTY_INTERRUPTED)
		set_state(s, p, PARLEY_PARTY_READY);
	session_party_flush(s, p);
}

/*
 * A recorded resume can be sent again and again, and is challenged each time:
 * of too many for one party the oldest goes, so that others have room.
 */
static void limit_challenges(struct parley_session *s, int party)
{
	struct session_link *link, *oldest = NULL;
	int n = 0;

	for (link = s->links; link; link = link->next) {
		if (link->state != SESSION_LINK_CHALLENGED ||
		    link->party != party)
			continue;
		if (!oldest)
			oldest = link;
		n++;
	}
	if (n >= SESSION_CHALLENGES_MAX)
		session_mesh_link_free(s, oldest);
}

/* A resume came on a new connection: F1-F3. */
static bool on_resume(struct parley_session *s, struct session_conn *conn,
		      const struct session_frame *f)
{
	uint8_t b[SESSION_NONCE_LEN];
	uint8_t *reply;
	struct session_link *link, *up;
	size_t index;

	if (session_resume_index(&index, f->data, f->len, s->gate.key) ||
	    index >= s->n || !session_live(&s->parties[index]))
		return false;
	up = s->parties[index].up;
	limit_challenges(s, (int)index);
	limit_strangers(s);
	link = link_new(s, conn, SESSION_LINK_CHALLENGED, (int)index);
	if (!link)
		return false;
	link->deadline_ms = session_now_ms() + SESSION_RESUME_TIMEOUT_MS;
	wake_at(s, link->deadline_ms);
	reply = malloc(SESSION_CHALLENGE_LEN);
	randombytes_buf(b, sizeof(b));
	if (!reply || session_resume_challenge(
			  reply, &link->attempt, &up->resume, f->data,
			  session_channel_expected(up->channel), b)) {
		free(reply);
		session_mesh_link_free(s, link);
		return true;
	}
	if (send_bytes(s, conn, reply, SESSION_CHALLENGE_LEN))
		session_mesh_link_free(s, link);
	return true;
}

/* The challenge to our resume came: E2, E3. */
static void on_challenge(struct parley_session *s, struct session_link *link,
			 const struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	uint8_t *reply;
	uint64_t next;
	int err = PARLEY_ERR_STATE;

	reply = malloc(SESSION_ANSWER_LEN);
	if (!reply || !session_live(p) ||
	    (err = session_resume_answer(
		 reply, &next, &link->attempt, &p->up->resume, f->data, f->len,
		 session_channel_expected(p->up->channel)))) {
		free(reply);
		drop_dial(s, p, parley_did_err_string(err));
		return;
	}
	if (send_bytes(s, link->conn, reply, SESSION_ANSWER_LEN))
		drop_dial(s, p, "connection closed");
	else
		take_connection(s, link, next);
}

/* The answer to our challenge came: F4. */
static void on_answer(struct parley_session *s, struct session_link *link,
		      const struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	uint64_t next;

	if (!session_live(p) ||
	    session_resume_finish(&next, &link->attempt, &p->up->resume,
				  f->data, f->len))
		session_mesh_link_free(s, link);
	else
		take_connection(s, link, next);
}

/*
 * Handshakes
 */

/* The connection we dialled is there: A1-A4. */
static void on_up(struct parley_session *s, struct session_link *link)
{
	struct session_party *p = &s->parties[link->party];
	struct session_handshake_random random;
	struct session_frame *f;
	int err;

	if (!wants_connection(s, p)) {
		/* The other side was quicker, or the party is lost. */
		drop_dial(s, p, NULL);
		return;
	}
	if (session_live(p) && (!is_opening(s) || p->try_resume)) {
		send_resume(s, link);
		return;
	}
	p->try_resume = true;
	link->begun_us = session_now_us();
	link->deadline_ms = session_now_ms() + SESSION_HANDSHAKE_TIMEOUT_MS;
	wake_at(s, link->deadline_ms);
	f = session_frame_new(SESSION_PROPOSE_LEN_MAX);
	if (!f) {
		drop_dial(s, p, "out of memory");
		return;
	}
	draw_random(&random);
	err = session_handshake_propose(&link->handshake, f->data, &f->len,
					&s->gate, &s->self, (size_t)link->party,
					&random);
	did_secret_wipe(&random, sizeof(random));
	if (err)
		session_frame_free(f);
	else
		err = session_carrier_send(s->carrier, link->conn, f);
	if (err) {
		drop_dial(s, p, parley_did_err_string(err));
		return;
	}
	link->state = SESSION_LINK_PROPOSED;
	if (p->state == PARLEY_PARTY_CONNECTING)
		set_state(s, p, PARLEY_PARTY_HANDSHAKING);
}

/* The handshake of ${link} is complete: its channel. */
static int make_channel(struct parley_session *s, struct session_link *link,
			enum session_role role)
{
	struct session_handshake_result result;
	int err;

	err = session_handshake_result(link->handshake, &result);
	if (err)
		return err;
	err = session_channel_new(&link->channel, result.suite, role,
				  &result.traffic, &s->channel);
	session_resume_init(&link->resume, result.traffic.resume, role);
	link->party = (int)result.peer;
	memcpy(link->instance, result.instance, sizeof(link->instance));
	memcpy(link->envelopes, result.envelopes, sizeof(link->envelopes));
	did_secret_wipe(&result, sizeof(result));
	session_handshake_free(link->handshake);
	link->handshake = NULL;
	return err;
}

/* PROTOCOL 7.4: the agreement of ${party} (-1: of somebody) differs. */
static void agreement_differs(struct parley_session *s, int party,
			      const char *field, const char *signer)
{
	if (!is_opening(s) || s->failing)
		return;
	if (party >= 0) {
		s->parties[party].told = true;
		session_error(s, PARLEY_ERR_AGREEMENT, party,
			      "its agreement differs from ours in %s",
			      *field ? field : "a part that cannot be named");
	} else {
		session_error(
		    s, PARLEY_ERR_AGREEMENT, -1,
		    "%s holds this agreement, but it differs from ours in %s",
		    *signer ? signer : "somebody who dialled us",
		    *field ? field : "a part that cannot be named");
	}
	fail_opening(s, PARLEY_ERR_AGREEMENT);
}

/* An accept, or a refuse, came for our propose: C1-C10. */
static void on_accept(struct parley_session *s, struct session_link *link,
		      const struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	struct session_handshake_random random;
	char text[SESSION_DETAIL_SIZE];
	uint8_t *reply = NULL;
	size_t reply_len;
	int err, sent = 0;

	draw_random(&random);
	err = session_handshake_confirm(link->handshake, &reply, &reply_len,
					f->data, f->len, &random, utc_s());
	did_secret_wipe(&random, sizeof(random));
	if (reply && (err == 0 || err == PARLEY_ERR_AGREEMENT ||
		      err == PARLEY_ERR_INDEX))
		sent = send_bytes(s, link->conn, reply, reply_len);
	else
		free(reply);
	if (err == PARLEY_ERR_AGREEMENT)
		agreement_differs(s, link->party,
				  session_handshake_field(link->handshake), "");
	if (f->len > 0 && f->data[0] == SESSION_WIRE_REFUSE &&
	    (err == PARLEY_ERR_SUITE || err == PARLEY_ERR_VERSION) &&
	    is_opening(s) && !s->failing) {
		/* Trying again would not change it. */
		p->told = true;
		session_error(s, err, link->party, "refuses us: %s",
			      parley_did_err_string(err));
		fail_opening(s, err);
	}
	if (err == PARLEY_ERR_GATE && f->data[0] == SESSION_WIRE_REFUSE)
		return; /* PROTOCOL 5.4: ignored */
	if (!err)
		err = sent;
	if (!err)
		err = make_channel(s, link, SESSION_INITIATOR);
	if (err) {
		snprintf(text, sizeof(text), "answer refused: %s",
			 parley_did_err_string(err));
		drop_dial(s, p, text);
		return;
	}
	link->state = SESSION_LINK_CONFIRMED;
}

/* The first frame of a connection that somebody dialled: B1-B8. */
static void on_stranger(struct parley_session *s, struct session_conn *conn,
			const struct session_frame *f)
{
	struct session_handshake *h = NULL;
	struct session_handshake_random random;
	struct session_link *link;
	char text[SESSION_DETAIL_SIZE];
	uint8_t *reply;
	size_t reply_len;
	int err;

	if (f->len > 0 && f->data[0] == SESSION_WIRE_RESUME) {
		if (!on_resume(s, conn, f))
			session_carrier_hangup(s->carrier, conn);
		return;
	}
	draw_random(&random);
	err =
	    session_handshake_accept(&h, &reply, &reply_len, &s->gate, &s->self,
				     f->data, f->len, &random, utc_s());
	did_secret_wipe(&random, sizeof(random));
	if (reply)
		send_bytes(s, conn, reply, reply_len);
	/* Who does not hold the agreement is not worth a word. */
	if (err && err != PARLEY_ERR_GATE && err != PARLEY_ERR_FORMAT &&
	    err != PARLEY_ERR_LENGTH) {
		snprintf(text, sizeof(text), "stranger refused: %s",
			 parley_did_err_string(err));
		report(s, NULL, text);
	}
	if (!h) {
		session_carrier_hangup(s->carrier, conn);
		return;
	}
	session_carrier_trust(s->carrier, conn, SESSION_HANDSHAKE_LEN_MAX);
	limit_strangers(s);
	link = link_new(s, conn, SESSION_LINK_ACCEPTED, -1);
	if (!link) {
		session_handshake_free(h);
		session_carrier_hangup(s->carrier, conn);
		return;
	}
	link->handshake = h;
}

enum session_hub_fit session_mesh_fits(void *context, const uint8_t *msg,
				       size_t len)
{
	const struct parley_session *s = context;
	size_t index;

	if (s->state == PARLEY_SESSION_CLOSED ||
	    s->state == PARLEY_SESSION_FAILED)
		return SESSION_HUB_NONE;
	if (len > 0 && msg[0] == SESSION_WIRE_RESUME)
		return session_resume_index(&index, msg, len, s->gate.key) ==
				   0 &&
			       index < s->n &&
			       session_live(&s->parties[index]) &&
			       session_resume_fits(
				   &s->parties[index].up->resume, msg)
			   ? SESSION_HUB_EXACT
			   : SESSION_HUB_NONE;
	switch (session_handshake_fits(&s->gate, &s->self, msg, len)) {
	case 0:
		return is_opening(s) ? SESSION_HUB_EXACT : SESSION_HUB_RUNNING;
	case PARLEY_ERR_ADDRESS:
		return SESSION_HUB_GATE;
	default:
		return SESSION_HUB_NONE;
	}
}

/* PROTOCOL 7.1: does our own attempt stand, so that theirs is dropped? */
static bool own_attempt_stands(const struct parley_session *s,
			       const struct session_party *p)
{
	return we_dial(s, session_index(s, p)) && p->dial &&
	       p->dial->state == SESSION_LINK_CONFIRMED;
}

/* A confirm came for our accept: D1-D7. */
static void on_confirm(struct parley_session *s, struct session_link *link,
		       const struct session_frame *f)
{
	char text[SESSION_DETAIL_SIZE];
	int err, party;

	err =
	    session_handshake_finish(link->handshake, f->data, f->len, utc_s());
	if (err) {
		party = session_handshake_peer(link->handshake);
		if (err == PARLEY_ERR_AGREEMENT)
			agreement_differs(
			    s, party, session_handshake_field(link->handshake),
			    session_handshake_signer(link->handshake));
		snprintf(text, sizeof(text), "stranger refused: %s",
			 parley_did_err_string(err));
		report(s, NULL, text);
		session_mesh_link_free(s, link);
		return;
	}
	s->n_strangers--;
	link->state = SESSION_LINK_CONFIRMED;
	session_carrier_trust(s->carrier, link->conn, SESSION_RECORD_LEN_MAX);
	err = make_channel(s, link, SESSION_RESPONDER);
	if (err || own_attempt_stands(s, &s->parties[link->party])) {
		session_mesh_link_free(s, link);
		return;
	}
	adopt(s, link);
}

/*
 * Events of the carrier
 */

static void on_frame(struct parley_session *s, struct session_conn *conn,
		     struct session_frame *f)
{
	struct session_link *link = conn->user;

	if (!link) {
		if (!conn->dialled)
			on_stranger(s, conn, f);
		session_frame_free(f);
		return;
	}
	switch (link->state) {
	case SESSION_LINK_UP:
		on_record(s, link, f);
		return;
	case SESSION_LINK_SPARE:
		if (session_live(&s->parties[link->party]))
			on_record(s, s->parties[link->party].up, f);
		else
			session_frame_free(f);
		return;
	case SESSION_LINK_CONFIRMED:
		if (link->channel) {
			on_record(s, link, f);
			return;
		}
		break;
	case SESSION_LINK_PROPOSED:
		on_accept(s, link, f);
		break;
	case SESSION_LINK_ACCEPTED:
		on_confirm(s, link, f);
		break;
	case SESSION_LINK_RESUMED:
		on_challenge(s, link, f);
		break;
	case SESSION_LINK_CHALLENGED:
		on_answer(s, link, f);
		break;
	case SESSION_LINK_DIALLING:
	case SESSION_LINK_DOWN:
		break;
	}
	session_frame_free(f);
}

static void on_down(struct parley_session *s, struct session_link *link,
		    const char *reason)
{
	struct session_party *p;

	link->conn = NULL; /* the carrier's again */
	if (link->party < 0) {
		session_mesh_link_free(s, link);
		return;
	}
	p = &s->parties[link->party];
	if (link == p->up)
		session_mesh_lost(s, p, PARLEY_ERR_LOST, reason);
	else if (link == p->dial)
		drop_dial(s, p, reason);
	else
		session_mesh_link_free(s, link);
}

static void on_event(struct parley_session *s,
		     const struct session_carrier_event *ev)
{
	struct session_link *link = ev->conn->user;

	switch (ev->type) {
	case SESSION_CARRIER_UP:
		if (link)
			on_up(s, link);
		break;
	case SESSION_CARRIER_DOWN:
		if (link)
			on_down(s, link, ev->reason);
		break;
	case SESSION_CARRIER_FRAME:
		on_frame(s, ev->conn, ev->frame);
		break;
	}
}

/*
 * Timers
 */

static void expire_links(struct parley_session *s, int64_t now)
{
	struct session_link *link, *next;

	for (link = s->links; link; link = next) {
		struct session_party *p =
		    link->party >= 0 ? &s->parties[link->party] : NULL;

		next = link->next;
		if (link->deadline_ms > now)
			wake_at(s, link->deadline_ms);
		else if (p && link == p->dial)
			drop_dial(
			    s, p,
			    link->state == SESSION_LINK_DIALLING
				? "cannot connect"
				: "connected, but no answer: another DID, or "
				  "another agreement");
		else
			session_mesh_link_free(s, link);
	}
}

static void dial_due(struct parley_session *s, int64_t now)
{
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (!wants_connection(s, p) || p->dial ||
		    (s->failing && p->told))
			continue;
		if (p->next_dial_ms <= now)
			dial(s, p);
		if (p->next_dial_ms < INT64_MAX)
			wake_at(s, p->next_dial_ms);
	}
}

static void progress_due(struct parley_session *s, int64_t now)
{
	if (now < s->next_progress_ms) {
		wake_at(s, s->next_progress_ms);
		return;
	}
	s->next_progress_ms = now + SESSION_PROGRESS_MS;
	wake_at(s, s->next_progress_ms);
	for (size_t i = 0; i < s->n && !s->failing; i++)
		if (i != s->self.index && !session_live(&s->parties[i]))
			report(s, &s->parties[i], NULL);
}

/* The time for opening is over: who is missing, and why? */
static int opening_timed_out(struct parley_session *s)
{
	const struct session_party *first = NULL;
	size_t n_missing = 0;
	char more[40] = "";
	int party, err;

	for (size_t i = 0; i < s->n; i++) {
		const struct session_party *p = &s->parties[i];

		if (i == s->self.index ||
		    (session_live(p) && (!s->has_ready || agrees(s, p))))
			continue;
		if (!first)
			first = p;
		n_missing++;
	}
	if (!first)
		return session_error(
		    s, PARLEY_ERR_TIMEOUT, -1,
		    "the parties did not agree on who is there in time");
	party = session_index(s, first);
	if (n_missing > 1)
		snprintf(more, sizeof(more), " (and %zu more)", n_missing - 1);
	err = session_error(s, PARLEY_ERR_TIMEOUT, party,
			    "not ready within %" PRId64 " s%s: %s",
			    (s->deadline_ms - s->opened_ms + 999) / 1000, more,
			    first->detail[0]	? first->detail
			    : we_dial(s, party) ? "no answer"
						: "has not connected");
	return err;
}

static int end_opening(struct parley_session *s, int err)
{
	s->failing = err;
	s->state = PARLEY_SESSION_FAILED;
	s->next_timer_ms = INT64_MAX;
	return err;
}

/* PROTOCOL 6.3: an ACK is owed, or one has not come. */
static void retransmission_due(struct parley_session *s,
			       struct session_party *p, int64_t now)
{
	struct session_frame *f;

	if (session_retransmit_ack_due(&p->timers, p->up->channel, now) &&
	    session_channel_ack_now(p->up->channel) == 0)
		session_party_flush(s, p);
	if (!session_live(p) || !p->up->conn)
		return;
	f = session_retransmit_probe(&p->timers, p->up->channel, now);
	if (f)
		(void)session_carrier_send(s->carrier, p->up->conn, f);
	session_party_timers(s, p);
}

void session_party_timers(struct parley_session *s, struct session_party *p)
{
	/* Mostly both run already, and the clock need not be asked. */
	if (session_retransmit_to_plan(&p->timers, p->up->channel, p->up->conn))
		wake_at(s,
			session_retransmit_plan(&p->timers, p->up->channel,
						session_now_ms(), p->up->conn));
	if (s->trim_ms == INT64_MAX && session_frame_pool_returned(s->pool)) {
		s->trim_ms = session_now_ms() + SESSION_POOL_TRIM_MS;
		wake_at(s, s->trim_ms);
	}
}

static void parties_due(struct parley_session *s, int64_t now)
{
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];
		char text[SESSION_DETAIL_SIZE];

		if (!session_live(p))
			continue;
		if (p->lost_ms <= now) {
			snprintf(text, sizeof(text),
				 "%.100s, and did not come "
				 "back",
				 p->detail);
			p->sent_ready = false;
			if (p->state == PARLEY_PARTY_CLOSED)
				p->up->state = SESSION_LINK_DOWN;
			else if (is_opening(s))
				session_mesh_lost(s, p, PARLEY_ERR_LOST, text);
			else
				session_party_lose(s, p, PARLEY_ERR_LOST, text);
			continue;
		}
		retransmission_due(s, p, now);
		wake_at(s, p->lost_ms);
		wake_at(s, p->timers.ack_ms);
		wake_at(s, p->timers.probe_ms);
	}
}

static int run_timers(struct parley_session *s, int64_t now)
{
	s->next_timer_ms = INT64_MAX;
	expire_links(s, now);
	dial_due(s, now);
	parties_due(s, now);
	if (s->trim_ms <= now) {
		s->trim_ms = INT64_MAX;
		session_frame_pool_trim(s->pool, SESSION_POOL_IDLE);
	}
	wake_at(s, s->trim_ms);
	if (!is_opening(s))
		return 0;
	progress_due(s, now);
	if (s->failing) {
		if (failure_told(s, now))
			return end_opening(s, s->failing);
		wake_at(s, s->failing_until_ms);
	} else if (now >= s->deadline_ms) {
		int err = opening_timed_out(s);

		s->failing = err; /* the others may go on waiting */
		for (size_t i = 0; i < s->n; i++)
			tell_failure(s, &s->parties[i]);
		return end_opening(s, err);
	} else {
		wake_at(s, s->deadline_ms);
	}
	return 0;
}

/*
 * Is there what recv() waits for?  Then the rest can wait: what was just opened
 * is handed out before more comes and drives it from the caches.
 */
static bool is_enough(const struct parley_session *s)
{
	const struct session_party *p;

	if (s->wanted == SESSION_NOBODY)
		return false;
	if (s->wanted == PARLEY_ANY)
		return s->full != NULL;
	p = &s->parties[s->wanted];
	return p->up && session_channel_pending(p->up->channel);
}

int session_mesh_process(struct parley_session *s)
{
	struct session_carrier_event ev;
	bool enough = false;
	int64_t now;
	int err = 0;

	if (s->state == PARLEY_SESSION_FAILED && s->failing)
		return s->failing; /* the sentence stands */
	if (s->state == PARLEY_SESSION_FAILED ||
	    s->state == PARLEY_SESSION_CLOSED)
		return PARLEY_ERR_STATE;
	/* Bounded, so that nobody who floods keeps us from our timers. */
	for (int i = 0; i < SESSION_EVENTS_MAX && !enough; i++) {
		err = session_carrier_next(s->carrier, &ev);
		if (err)
			break;
		on_event(s, &ev);
		enough = is_enough(s);
	}
	if (err && err != PARLEY_ERR_AGAIN)
		return session_error(s, err, -1, "the network failed: %s",
				     parley_did_err_string(err));
	if (s->failing && is_opening(s))
		wake_at(s, 0);
	if (s->next_timer_ms == INT64_MAX)
		return 0;
	/* Who has a message goes on at once: a tick later will do for him. */
	now = enough ? session_now_coarse_ms() : session_now_ms();
	return now >= s->next_timer_ms ? run_timers(s, now) : 0;
}

int64_t session_mesh_deadline(const struct parley_session *s)
{
	const int64_t carrier = session_carrier_deadline(s->carrier);

	return carrier < s->next_timer_ms ? carrier : s->next_timer_ms;
}

int session_mesh_timeout(const struct parley_session *s, int64_t limit_ms)
{
	int64_t until = session_mesh_deadline(s);

	if (limit_ms < until)
		until = limit_ms;

	if (until == INT64_MAX)
		return -1;
	/* Nobody who opens is to wait a tick for what is due now. */
	until -= is_opening(s) ? session_now_ms() : session_now_coarse_ms();
	return until < 0 ? 0 : until > INT32_MAX ? INT32_MAX : (int)until;
}

static int start_listening(struct parley_session *s)
{
	const char *endpoint = s->listen;
	int err = 0;

	if (s->o.hub)
		return 0; /* it listens */
	if (endpoint) {
		err = session_carrier_listen(s->carrier, endpoint);
	} else {
		for (size_t i = 0;
		     !err &&
		     (endpoint = parley_session_agreement_party_endpoint(
			  s->agreement, s->self.index, i));
		     i++)
			err = session_carrier_listen(s->carrier, endpoint);
	}
	if (err == 0 || !endpoint)
		return err;
	return session_error(s, err, -1, "cannot listen at %s: %s", endpoint,
			     parley_did_err_string(err));
}

int session_mesh_start(struct parley_session *s)
{
	int err = start_listening(s);

	if (err)
		return err;
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (i == s->self.index)
			continue;
		p->state = PARLEY_PARTY_CONNECTING;
		plan_dial(s, p, s->opened_ms);
	}
	return 0;
}
