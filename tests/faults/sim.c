/*
 * The simulated carrier: a wheel of milliseconds for each direction.  Each
 * frame is copied, since a receiver opens it in place while its sender still
 * keeps it.
 *
 * What an end does with a frame, an event or a timer is what session/mesh*.c
 * does; timers are those of session/retransmit.c itself.
 */
#include "tests/faults/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "session/channel.h"
#include "session/resume.h"
#include "session/retransmit.h"

enum {
	WHEEL = 16384,	 /* ms; longer than any delay */
	LATE_MS = 64,	 /* frames of a former connection, at most */
	REORDER_MS = 20, /* at most so much later */
	RESUME_MS = 30,	 /* a cut and its resume */
	QUIET_MS = 20000,
	BURST_MAX = 40, /* messages in one ms */
};

struct packet {
	struct packet *next;
	size_t len;
	uint8_t data[];
};

struct slot {
	struct packet *head, **tail;
};

struct end {
	struct session_channel *c;
	struct session_retransmit t;
	struct session_resume resume;
	struct slot wheel[WHEEL]; /* on the way to this end */
	size_t queued;	  /* bytes that the link to it has not moved yet ... */
	int64_t moved_ms; /* ... as of then */
	uint64_t n_sent, n_got;
	uint64_t n_out; /* to be sent */
	size_t bytes_put, bytes_got;
	struct session_outgoing m; /* being put */
	bool putting;
	uint8_t *buf; /* of m */
	int64_t paused_ms;
};

struct sim {
	const struct sim_options *o;
	struct sim_result *r;
	uint64_t random;
	int64_t now;
	bool behaves, failed;
	struct end end[2];
	int64_t resume_ms; /* when a cut connection is back; INT64_MAX: is up */
	uint8_t *expected;
};

/* splitmix64: the same run for the same seed. */
static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t draw(struct sim *sim, uint64_t below)
{
	return mix(sim->random++) % below;
}

static bool chance(struct sim *sim, unsigned per_million)
{
	return per_million > 0 && draw(sim, 1000000) < per_million;
}

static void fail(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct sim *sim, const char *format, ...)
{
	va_list ap;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(ap, format);
	vsnprintf(sim->r->why, sizeof(sim->r->why), format, ap);
	va_end(ap);
}

/*
 * Messages: size and bytes follow from seed, direction and number.
 */

static size_t message_len(const struct sim *sim, int from, uint64_t k)
{
	uint64_t z = mix(sim->o->seed ^ mix(2 * k + (uint64_t)from));

	if (z % 1000 < sim->o->small)
		return (size_t)(z >> 20) % 64;
	return (size_t)((z >> 20) % (sim->o->size_max + 1));
}

static void fill(const struct sim *sim, uint8_t *p, size_t len, int from,
		 uint64_t k)
{
	uint64_t z = mix(sim->o->seed + 3 * k + (uint64_t)from);

	for (size_t i = 0; i < len; i += 8) {
		size_t n = len - i < 8 ? len - i : 8;

		memcpy(p + i, &z, n);
		z = z * 6364136223846793005 + 1442695040888963407;
	}
}

/*
 * The carrier
 */

static void deliver_later(struct sim *sim, struct end *to, const uint8_t *data,
			  size_t len, int64_t delay)
{
	struct slot *slot = &to->wheel[(sim->now + delay) % WHEEL];
	struct packet *p = malloc(sizeof(*p) + len);

	if (!p)
		abort();
	p->next = NULL;
	p->len = len;
	memcpy(p->data, data, len);
	if (chance(sim, sim->behaves ? 0 : sim->o->corrupt) && len > 0) {
		if (draw(sim, 8) == 0)
			p->len = (size_t)draw(sim, len);
		else
			p->data[draw(sim, len)] ^=
			    (uint8_t)(1u << draw(sim, 8));
	}
	*slot->tail = p;
	slot->tail = &p->next;
}

/* How long ${len} bytes more take over a link that is slow. */
static int64_t link_delay(struct sim *sim, struct end *to, size_t len)
{
	const size_t rate = sim->o->rate;
	size_t moved;

	if (rate == 0)
		return 1 + sim->o->delay;
	moved = (size_t)(sim->now - to->moved_ms) * rate;
	to->moved_ms = sim->now;
	to->queued -= moved < to->queued ? moved : to->queued;
	to->queued += len;
	if (to->queued / rate + 1 >= WHEEL)
		abort();
	return (int64_t)(to->queued / rate) + 1 + sim->o->delay;
}

static void carry(struct sim *sim, int to, struct session_frame *f)
{
	const struct sim_options *o = sim->o;
	struct end *e = &sim->end[to];
	int64_t delay = link_delay(sim, e, f->len);

	sim->r->frames++;
	sim->r->carried += to == 1 ? f->len : 0;
	if (sim->behaves) {
		deliver_later(sim, e, f->data, f->len, delay);
	} else if (!chance(sim, o->drop)) {
		if (chance(sim, o->reorder))
			delay += 1 + (int64_t)draw(sim, REORDER_MS);
		deliver_later(sim, e, f->data, f->len, delay);
		if (chance(sim, o->repeat))
			deliver_later(sim, e, f->data, f->len,
				      1 + (int64_t)draw(sim, REORDER_MS));
	}
	session_frame_free(f);
}

static bool connected(const struct sim *sim)
{
	return sim->resume_ms == INT64_MAX;
}

/* Hand all that is sealed to the carrier, as party.c drains. */
static void drain(struct sim *sim, int i)
{
	struct end *e = &sim->end[i];
	struct session_frame *f;
	size_t kept;

	if (session_channel_flush(e->c))
		fail(sim, "flush failed");
	while (connected(sim) && (f = session_channel_take(e->c)))
		carry(sim, !i, f);
	kept = session_channel_kept(e->c);
	if (kept > sim->r->kept_max)
		sim->r->kept_max = kept;
	session_retransmit_plan(&e->t, e->c, sim->now, connected(sim));
}

static void forget_wheel(struct end *e)
{
	for (int k = 0; k < WHEEL; k++) {
		struct packet *p;

		while ((p = e->wheel[k].head)) {
			e->wheel[k].head = p->next;
			free(p);
		}
		e->wheel[k].tail = &e->wheel[k].head;
	}
}

/*
 * An end
 */

static void receive(struct sim *sim, int i, struct packet *p)
{
	struct end *e = &sim->end[i];
	struct session_frame *f = session_frame_new(p->len);
	unsigned events;
	int err;

	if (!f)
		abort();
	memcpy(f->data, p->data, p->len);
	free(p);
	err = session_channel_receive(e->c, f);
	if (err) {
		fail(sim, "end %d at %d ms: %s", i, (int)sim->now,
		     parley_did_err_string(err));
		return;
	}
	events = session_channel_events(e->c);
	if (events & SESSION_CHANNEL_ACK)
		session_retransmit_acked(&e->t);
	if (events & SESSION_CHANNEL_DROPPED)
		session_retransmit_dropped(&e->t, sim->now);
	if (events & SESSION_CHANNEL_OUTPUT)
		drain(sim, i);
	if (session_channel_ack_due(e->c)) {
		if (session_channel_ack_now(e->c))
			fail(sim, "ACK failed");
		drain(sim, i);
	}
	session_retransmit_plan(&e->t, e->c, sim->now, connected(sim));
}

static void timers(struct sim *sim, int i)
{
	struct end *e = &sim->end[i];
	struct session_frame *f;

	if (session_retransmit_ack_due(&e->t, e->c, sim->now)) {
		if (session_channel_ack_now(e->c))
			fail(sim, "ACK failed");
		drain(sim, i);
	}
	if (!connected(sim))
		return;
	f = session_retransmit_probe(&e->t, e->c, sim->now, false);
	if (f)
		carry(sim, !i, f);
	session_retransmit_plan(&e->t, e->c, sim->now, true);
}

static void take_messages(struct sim *sim, int i)
{
	struct end *e = &sim->end[i];
	const void *msg;
	size_t len;

	while (session_channel_next(e->c, &msg, &len)) {
		size_t expected = message_len(sim, !i, e->n_got);

		fill(sim, sim->expected, expected, !i, e->n_got);
		if (e->n_got == sim->end[!i].n_out || len != expected ||
		    memcmp(msg, sim->expected, len) != 0)
			fail(sim, "end %d: message %d is not what was sent", i,
			     (int)e->n_got);
		e->n_got++;
		e->bytes_got += len;
		if (session_channel_ack_due(e->c)) {
			if (session_channel_ack_now(e->c))
				fail(sim, "ACK failed");
			drain(sim, i);
		}
	}
	session_channel_release(e->c);
}

static void send_messages(struct sim *sim, int i)
{
	struct end *e = &sim->end[i];
	unsigned n = (unsigned)draw(sim, BURST_MAX), in_record = 0;
	int r = SESSION_PUT_DONE;

	if (sim->o->every)
		n = sim->now % sim->o->every == 0;

	for (; n > 0 && (e->putting || e->n_sent < e->n_out); n--) {
		if (!e->putting) {
			size_t len = message_len(sim, i, e->n_sent);

			fill(sim, e->buf, len, i, e->n_sent);
			e->m =
			    (struct session_outgoing){.p = e->buf, .len = len};
			e->putting = true;
		}
		while ((r = session_channel_put(e->c, &e->m)) ==
		       SESSION_PUT_FULL)
			;
		if (r < 0)
			fail(sim, "put failed");
		if (r != SESSION_PUT_DONE)
			break;
		e->putting = false;
		e->n_sent++;
		e->bytes_put += e->m.len;
		if (sim->o->per_record && ++in_record % sim->o->per_record == 0)
			drain(sim, i);
	}
	drain(sim, i);
	if (e->bytes_put - sim->end[!i].bytes_got > sim->r->queued_max)
		sim->r->queued_max = e->bytes_put - sim->end[!i].bytes_got;
}

/*
 * Cuts
 */

static void cut(struct sim *sim)
{
	sim->r->cuts++;
	sim->resume_ms = sim->now + 1 + (int64_t)draw(sim, RESUME_MS);
	for (int i = 0; i < 2; i++) {
		session_retransmit_pause(&sim->end[i].t);
		/* What was under way is lost, or comes late. */
		if (draw(sim, 2))
			forget_wheel(&sim->end[i]);
	}
}

/* The channel goes on over a new connection: take_connection() of
 * mesh_resume.c. */
static void take_connection(struct sim *sim, int i, uint64_t next)
{
	struct end *e = &sim->end[i];

	session_retransmit_acked(&e->t);
	if (session_channel_resend(e->c, next))
		fail(sim, "resumed where it cannot be");
	drain(sim, i);
}

/* Frames that came over former connections between two steps. */
static void let_late_frames_in(struct sim *sim)
{
	for (int i = 0; i < 2; i++) {
		const int64_t late = (int64_t)draw(sim, LATE_MS);
		struct slot *slot =
		    &sim->end[i].wheel[(sim->now + late) % WHEEL];
		struct packet *p = slot->head;

		if (!p)
			continue;
		slot->head = p->next;
		if (!slot->head)
			slot->tail = &slot->head;
		receive(sim, i, p);
	}
}

/* PROTOCOL 5.6, E1-F4, dialled by ${x}. */
static void resume(struct sim *sim, int x)
{
	static const uint8_t gate_key[SESSION_HASH_LEN] = {1};
	struct end *ex = &sim->end[x], *ey = &sim->end[!x];
	struct session_resume_attempt at_x, at_y;
	uint8_t msg[SESSION_RESUME_LEN], challenge[SESSION_CHALLENGE_LEN];
	uint8_t answer[SESSION_ANSWER_LEN];
	uint8_t a[SESSION_NONCE_LEN], b[SESSION_NONCE_LEN];
	uint64_t next, acked;
	size_t index;

	for (size_t k = 0; k < sizeof(a); k++) {
		a[k] = (uint8_t)draw(sim, 256);
		b[k] = (uint8_t)draw(sim, 256);
	}
	session_resume_create(msg, &at_x, &ex->resume, gate_key, (size_t)x, a);
	if (session_resume_index(&index, msg, sizeof(msg), gate_key) ||
	    index != (size_t)x ||
	    session_resume_challenge(challenge, &at_y, &ey->resume, msg,
				     session_channel_expected(ey->c), b))
		fail(sim, "the resume was refused");
	let_late_frames_in(sim);
	if (session_resume_answer(answer, &next, &at_x, &ex->resume, challenge,
				  sizeof(challenge),
				  session_channel_expected(ex->c)))
		fail(sim, "the challenge was refused");
	acked = session_channel_expected(ey->c);
	sim->r->overtaken += acked > next;
	sim->resume_ms = INT64_MAX;
	take_connection(sim, x, next);
	let_late_frames_in(sim);
	if (session_resume_finish(&next, &at_y, &ey->resume, answer,
				  sizeof(answer)))
		fail(sim, "the answer was refused");
	take_connection(sim, !x, next);
}

static void connection(struct sim *sim)
{
	if (connected(sim)) {
		if (!sim->behaves && chance(sim, sim->o->cut))
			cut(sim);
	} else if (sim->now >= sim->resume_ms) {
		resume(sim, (int)draw(sim, 2));
	}
}

/*
 * The run
 */

static void tick(struct sim *sim)
{
	connection(sim);
	for (int i = 0; i < 2; i++) {
		struct end *e = &sim->end[i];
		struct slot *slot = &e->wheel[sim->now % WHEEL];
		struct packet *p = slot->head, *next;

		slot->head = NULL;
		slot->tail = &slot->head;
		for (; p; p = next) {
			next = p->next;
			receive(sim, i, p);
		}
		if (e->paused_ms > sim->now)
			continue;
		take_messages(sim, i);
		send_messages(sim, i);
		if (chance(sim, sim->o->pause))
			e->paused_ms = sim->now + (int64_t)draw(sim, 3000);
	}
	for (int i = 0; i < 2; i++)
		timers(sim, i);
	sim->now++;
}

static bool is_done(const struct sim *sim)
{
	return sim->end[0].n_got == sim->end[1].n_out &&
	       sim->end[1].n_got == sim->end[0].n_out;
}

static bool is_silent(const struct sim *sim)
{
	for (int i = 0; i < 2; i++) {
		const struct end *e = &sim->end[i];

		if (e->t.ack_ms != INT64_MAX || e->t.probe_ms != INT64_MAX ||
		    session_channel_unacked(e->c) > 0)
			return false;
		for (int k = 0; k < WHEEL; k++)
			if (e->wheel[k].head)
				return false;
	}
	return true;
}

static void run(struct sim *sim)
{
	int64_t quiet;

	while (!sim->failed && !is_done(sim) && sim->now < sim->o->limit_ms)
		tick(sim);
	if (!is_done(sim))
		fail(sim, "stuck: %d and %d messages sent, %d and %d arrived",
		     (int)sim->end[0].n_sent, (int)sim->end[1].n_sent,
		     (int)sim->end[1].n_got, (int)sim->end[0].n_got);
	sim->r->ms = sim->now;
	sim->r->put = sim->end[0].bytes_put;
	sim->behaves = true;
	for (quiet = sim->now + QUIET_MS;
	     !sim->failed && !is_silent(sim) && sim->now < quiet;)
		tick(sim);
	if (!is_silent(sim))
		fail(sim, "the channels do not fall silent");
}

static void make_end(struct sim *sim, int i)
{
	static const struct session_traffic traffic = {.secret = {{1}, {2}},
						       .resume = {3}};
	const struct session_channel_options o = {
	    .window = sim->o->window,
	    .message_max = sim->o->size_max + 64,
	    .record_max = sim->o->record_max};
	const enum session_role role =
	    i ? SESSION_RESPONDER : SESSION_INITIATOR;
	struct end *e = &sim->end[i];

	if (session_channel_new(&e->c, SESSION_SUITE_CHACHA20, role, &traffic,
				&o))
		abort();
	session_resume_init(&e->resume, traffic.resume, role);
	/* As at the barrier, PROTOCOL 7.3. */
	if (session_channel_control(e->c, SESSION_ITEM_READY, traffic.resume,
				    SESSION_HASH_LEN))
		abort();
	session_retransmit_init(&e->t);
	for (int k = 0; k < WHEEL; k++)
		e->wheel[k].tail = &e->wheel[k].head;
	e->n_out = i ? sim->o->n_back : sim->o->n_messages;
	e->buf = malloc(sim->o->size_max + 64);
	if (!e->buf)
		abort();
}

void sim_options_init(struct sim_options *o)
{
	*o = (struct sim_options){.seed = 1,
				  .n_messages = 1000,
				  .n_back = 1000,
				  .drop = 10000,
				  .repeat = 10000,
				  .reorder = 10000,
				  .corrupt = 10000,
				  .small = 900,
				  .size_max = 5000,
				  .window = 256 * 1024,
				  .record_max = 4096,
				  .limit_ms = 24 * 3600 * 1000};
}

bool sim_run(struct sim_result *r, const struct sim_options *o)
{
	struct sim sim = {.o = o,
			  .r = r,
			  .random = o->seed * 0x10001,
			  .resume_ms = INT64_MAX};

	memset(r, 0, sizeof(*r));
	sim.expected = malloc(o->size_max + 64);
	if (!sim.expected)
		abort();
	for (int i = 0; i < 2; i++)
		make_end(&sim, i);
	run(&sim);
	for (int i = 0; i < 2; i++) {
		struct end *e = &sim.end[i];
		const struct session_channel_stats *stats =
		    session_channel_stats(e->c);

		r->records += stats->records_sent;
		r->resent += stats->records_resent;
		r->dropped += stats->records_dropped;
		r->ratchets += session_channel_ratchets(e->c);
		forget_wheel(e);
		session_channel_free(e->c);
		session_resume_wipe(&e->resume);
		free(e->buf);
	}
	free(sim.expected);
	return !sim.failed;
}
