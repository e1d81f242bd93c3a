/*
 * Sessions: <parley/session.h>, beginning, life and what can be asked.
 * session.h says what is in which file.
 */
#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <sodium.h>

#include "did/secret.h"
#include "session/clock.h"
#include "session/drive.h"
#include "session/mesh.h"
#include "session/mesh_handshake.h"
#include "session/mesh_link.h"
#include "session/party.h"
#include "session/spin.h"

enum {
	OPEN_TIMEOUT_MS = 60 * 1000,
	CLOSE_TIMEOUT_MS = 30 * 1000,
	LIVENESS_MS = 30 * 1000,
	RESUME_MS = 10 * 60 * 1000,
	UNRESPONSIVE_MS = 5 * 60 * 1000,
	/* More than this runs out of the caches ahead of the receiver: a
	 * third more CPU per byte at 16 MiB. */
	WINDOW = 4 * 1024 * 1024,
	WINDOW_MIN = 64 * 1024,
	MESSAGE_MAX = 1024 * 1024 * 1024,
	RECORD_MIN = 32 * 1024, /* holds INSTANCES of 1024 parties */
	/* Room for two messages of 64 KiB with their framing; 10 to 20 % less
	 * CPU than half of it from 256 bytes on. */
	RECORD_DEFAULT = SESSION_RECORD_LEN_DEFAULT + 64,
};

/*
 * Beginning
 */

void parley_session_options_init(struct parley_session_options *o)
{
	*o = (struct parley_session_options){
	    .size = sizeof(*o),
	    .open_timeout_ms = OPEN_TIMEOUT_MS,
	    .send_timeout_ms = -1,
	    .recv_timeout_ms = -1,
	    .close_timeout_ms = CLOSE_TIMEOUT_MS,
	    .liveness_ms = LIVENESS_MS,
	    .on_lost = PARLEY_ON_LOST_FAIL,
	    .resume_ms = RESUME_MS,
	    .unresponsive_ms = UNRESPONSIVE_MS,
	    .carrier = PARLEY_CARRIER_ZMTP,
	    .window = WINDOW,
	    .message_max = MESSAGE_MAX,
	    .record_max = RECORD_DEFAULT,
	    .spin_us = SESSION_SPIN_US,
	};
}

static int take_options(struct parley_session *s,
			const struct parley_session_options *o)
{
	parley_session_options_init(&s->o);
	/* A program built against an older header knows fewer members. */
	if (o && o->size > sizeof(*o))
		return session_refuse(
		    s, PARLEY_ERR_ARGUMENT,
		    "options: size is not that of this release or older");
	if (o && o->size < offsetof(struct parley_session_options, listen))
		return session_refuse(s, PARLEY_ERR_ARGUMENT,
				      "options: not initialised");
	if (o)
		memcpy(&s->o, o, o->size);
	s->o.size = sizeof(s->o);
	if (s->o.open_timeout_ms <= 0 || s->o.liveness_ms < 30 ||
	    s->o.resume_ms < 0 || s->o.unresponsive_ms < 30 ||
	    s->o.window < WINDOW_MIN || s->o.message_max == 0 ||
	    s->o.record_max < RECORD_MIN ||
	    s->o.record_max > SESSION_RECORD_LEN_MAX || s->o.spin_us < 0 ||
	    s->o.spin_us > SESSION_SPIN_US_MAX)
		return session_refuse(
		    s, PARLEY_ERR_ARGUMENT,
		    "options: a limit or time is out of range");
	s->channel =
	    (struct session_channel_options){.window = s->o.window,
					     .message_max = s->o.message_max,
					     .record_max = s->o.record_max};
	if (s->o.listen) {
		s->listen = strdup(s->o.listen);
		if (!s->listen)
			return PARLEY_ERR_MEMORY;
		s->o.listen = NULL;
	}
	return 0;
}

static int make_pool(struct parley_session *s)
{
	s->pool = session_frame_pool_new(s->o.record_max);
	s->channel.pool = s->pool;
	return s->pool ? 0 : PARLEY_ERR_MEMORY;
}

/* PROTOCOL 4.4: both suites, the faster one here first. */
static void take_suites(struct session_handshake_self *self)
{
	self->suites[0] = (uint8_t)session_aead_preferred();
	self->n_suites = 1;
	if (self->suites[0] != SESSION_SUITE_CHACHA20)
		self->suites[self->n_suites++] = SESSION_SUITE_CHACHA20;
}

/* PROTOCOL 7.2. */
static void make_instance(uint8_t instance[SESSION_INSTANCE_LEN])
{
	const uint64_t now = (uint64_t)session_now_utc_ms();

	for (int i = 0; i < 8; i++)
		instance[i] = (uint8_t)(now >> (56 - 8 * i));
	randombytes_buf(instance + 8, SESSION_INSTANCE_LEN - 8);
}

static int make_parties(struct parley_session *s)
{
	struct session_party *self;

	s->n = parley_session_agreement_n_parties(s->agreement);
	s->parties = calloc(s->n, sizeof(*s->parties));
	if (!s->parties)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		p->lost_ms = INT64_MAX;
		session_retransmit_init(&p->timers);
		p->next_dial_ms = INT64_MAX;
	}
	self = &s->parties[s->self.index];
	self->state = PARLEY_PARTY_SELF;
	make_instance(s->self.instance);
	memcpy(self->instance, s->self.instance, sizeof(self->instance));
	self->has_instance = true;
	return 0;
}

static int make_descriptors(struct parley_session *s)
{
	const struct session_carrier_options o = {
	    /* Half to notice that the connection broke, half to try again;
	     * carriers look every third of what they are given. */
	    .liveness_ms = s->o.liveness_ms * 3 / 8,
	    .n_parties = s->n,
	    .unresponsive_ms = s->o.unresponsive_ms,
	    .pool = s->pool,
	    .spin_us = s->o.spin_us,
	    .stranger_max = SESSION_PROPOSE_LEN_MAX,
	    .frame_max = SESSION_RECORD_LEN_MAX};
	struct epoll_event ev = {.events = EPOLLIN};
	int err;

	if (s->o.hub)
		err = session_hub_port_new(&s->carrier, s->o.hub,
					   session_mesh_handshake_fits, s);
	else if (s->o.carrier == PARLEY_CARRIER_LIBZMQ)
		err = session_carrier_zmq_new(&s->carrier, &o);
	else
		err = session_carrier_zmtp_new(&s->carrier, &o);
	if (err)
		return session_refuse(s, err, "cannot start the network");
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->timer_fd < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->timer_fd, &ev) ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD,
		      session_carrier_fd(s->carrier), &ev))
		return session_refuse(s, PARLEY_ERR_SYSTEM,
				      "cannot make descriptors");
	return 0;
}

static int begin(struct parley_session *s, const struct parley_identity *id,
		 const struct parley_session_options *o)
{
	int64_t expires = parley_session_agreement_expires(s->agreement);
	int err, self;

	self = parley_session_agreement_index(s->agreement,
					      parley_did_identity_did(id));
	if (self < 0)
		return session_error(s, self, -1,
				     "%s is not in the roster of the agreement",
				     parley_did_identity_did(id));
	if (expires > 0 && session_now_utc_ms() / 1000 >= expires)
		return session_refuse(s, PARLEY_ERR_EXPIRED,
				      "the agreement has expired");
	s->self.agreement = s->agreement;
	s->self.identity = id;
	s->self.index = (size_t)self;
	if ((err = take_options(s, o)) || (err = make_pool(s)) ||
	    (err = make_parties(s)) || (err = make_descriptors(s)))
		return err;
	take_suites(&s->self);
	s->self.keep_envelopes = s->o.keep_receipts;
	session_gate_init(&s->gate, s->agreement);
	s->opened_ms = session_now_ms();
	s->deadline_ms = s->opened_ms + s->o.open_timeout_ms;
	s->next_progress_ms = s->opened_ms + SESSION_PROGRESS_MS;
	s->next_timer_ms = s->opened_ms;
	err = session_mesh_start(s);
	/* While connections are being made; channels come after. */
	session_aead_machine_init(&s->machine);
	s->channel.machine = &s->machine;
	return err ? err : session_drive_arm_timer(s);
}

int parley_session_new(struct parley_session **sp,
		       const struct parley_agreement *a,
		       const struct parley_identity *id,
		       const struct parley_session_options *o)
{
	struct parley_session *s;
	int err;

	err = did_secret_init();
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return PARLEY_ERR_MEMORY;
	session_owner_init(&s->owner);
	s->agreement = a;
	s->identity = id;
	s->epoll_fd = s->timer_fd = -1;
	s->culprit = -1;
	s->links_tail = &s->links;
	session_ready_init(&s->dirty);
	session_ready_init(&s->full);
	s->timer_armed_ms = INT64_MAX;
	s->next_timer_ms = s->trim_ms = INT64_MAX;
	s->wanted = SESSION_NOBODY;
	err = begin(s, id, o);
	if (err) {
		s->state = PARLEY_SESSION_FAILED;
		if (!s->error[0])
			session_refuse(s, err, parley_did_err_string(err));
	}
	*sp = s;
	return err;
}

int parley_session_open(struct parley_session **sp,
			const struct parley_agreement *a,
			const struct parley_identity *id,
			const struct parley_session_options *o)
{
	int err;

	*sp = NULL;
	err = parley_session_new(sp, a, id, o);
	return err ? err : parley_session_wait(*sp);
}

/*
 * Life
 */

void parley_session_free(struct parley_session *s)
{
	bool ours;

	if (!s)
		return;
	ours = session_owner_is_here(&s->owner);
	/* Connections are for who opened them to end. */
	for (struct session_link *l = s->links; l && !ours; l = l->next)
		l->conn = NULL;
	for (size_t i = 0; s->parties && i < s->n; i++)
		session_party_drop_held(&s->parties[i]);
	while (s->links)
		session_mesh_link_free(s, s->links);
	session_carrier_free(s->carrier, !ours ? SESSION_CARRIER_LEAVE
					 : s->state == PARLEY_SESSION_OPENING
					     ? 0
					     : SESSION_GOODBYE_LINGER_MS);
	session_frame_pool_free(s->pool);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	session_gate_wipe(&s->gate);
	free(s->parties);
	free(s->listen);
	session_owner_wipe(&s->owner);
	did_secret_wipe(s, sizeof(*s));
	free(s);
}

/*
 * Getters
 */

enum parley_session_state parley_session_state(const struct parley_session *s)
{
	return s->state;
}

int parley_session_self(const struct parley_session *s)
{
	return (int)s->self.index;
}

int parley_session_n_parties(const struct parley_session *s)
{
	return (int)s->n;
}

enum parley_party_state parley_session_party_state(
    const struct parley_session *s, int party)
{
	if (party < 0 || (size_t)party >= s->n)
		return PARLEY_PARTY_LOST;
	return s->parties[party].state;
}

const char *parley_session_party_state_name(enum parley_party_state state)
{
	switch (state) {
	case PARLEY_PARTY_SELF:
		return "self";
	case PARLEY_PARTY_CONNECTING:
		return "connecting";
	case PARLEY_PARTY_HANDSHAKING:
		return "handshaking";
	case PARLEY_PARTY_READY:
		return "ready";
	case PARLEY_PARTY_INTERRUPTED:
		return "interrupted";
	case PARLEY_PARTY_LOST:
		return "lost";
	case PARLEY_PARTY_CLOSED:
		return "closed";
	}
	return "unknown";
}

const char *parley_session_error(const struct parley_session *s)
{
	return s->error;
}

int parley_session_culprit(const struct parley_session *s)
{
	return s->culprit;
}

int parley_session_stats(const struct parley_session *s, int party,
			 struct parley_party_stats *stats)
{
	const struct session_channel_stats *c;
	const struct session_party *p;

	if (party < 0 || (size_t)party >= s->n)
		return PARLEY_ERR_ARGUMENT;
	p = &s->parties[party];
	*stats = (struct parley_party_stats){.rtt_us = p->rtt_us};
	if (!p->up)
		return 0;
	c = session_channel_stats(p->up->channel);
	stats->messages_sent = c->messages_sent;
	stats->messages_received = c->messages_received;
	stats->bytes_sent = c->bytes_sent;
	stats->bytes_received = c->bytes_received;
	stats->records_sent = c->records_sent;
	stats->records_received = c->records_received;
	stats->wire_bytes_sent = c->wire_bytes_sent;
	stats->wire_bytes_received = c->wire_bytes_received;
	stats->records_resent = c->records_resent;
	stats->records_dropped = c->records_dropped;
	stats->resumes = p->n_resumes;
	stats->ratchets = session_channel_ratchets(p->up->channel);
	stats->handshake_us = p->up->handshake_us;
	return 0;
}

int parley_session_receipt(const struct parley_session *s, int party,
			   enum parley_receipt which, const char **textp)
{
	const struct session_link *up;

	if (party < 0 || (size_t)party >= s->n)
		return PARLEY_ERR_ARGUMENT;
	up = s->parties[party].up;
	if (!up || !up->envelopes[0] || !up->envelopes[1])
		return PARLEY_ERR_NOT_FOUND;
	switch (which) {
	case PARLEY_RECEIPT_ACCEPT:
		*textp = up->envelopes[SESSION_RESPONDER];
		return 0;
	case PARLEY_RECEIPT_CONFIRM:
		*textp = up->envelopes[SESSION_INITIATOR];
		return 0;
	case PARLEY_RECEIPT_FINISHED:
		*textp = up->finished;
		return 0;
	}
	return PARLEY_ERR_ARGUMENT;
}
