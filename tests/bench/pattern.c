/*
 * What the parties of a measurement do, the same for every peer.
 *
 * A message is a 64-bit counter, a filling that never changes, and the
 * counter again in another form.  The reader checks both counters, which
 * shows loss, order and mixed-up ends, and the filling: all of it up to 1 KiB
 * and in every 64th message, else eight bytes at a place that moves with the
 * counter.  That notices what a transport can get wrong, and is too cheap to
 * level the differences.
 *
 * Who decides when to stop sets the top bit of the counter in its last
 * message, so no party needs a clock that another one has read.
 */
#include "tests/bench/bench.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t LAST = UINT64_C(1) << 63;

enum {
	CHECK_ALL_UP_TO = 1024, /* bytes of a message */
	CHECK_ALL_EVERY = 64,
	CLOCK_EVERY = 64, /* small messages between two looks at the clock */
	SMALL = 4096,
	SAMPLES_MAX = 1000000,
	SETUPS_MIN = 10,
	SETUPS_MAX = 500,
	SHORT_NS = 50 * 1000 * 1000, /* a measurement to see that it runs */
};

struct run {
	const struct bench_party *me;
	const struct bench_scenario *scenario;
	const struct bench_peer *ops;
	void *peer;
	uint8_t *msg;				/* to be sent */
	uint8_t *filling;			/* what messages look like */
	uint64_t n_sent[BENCH_PARTIES_MAX];	/* to each, next counter */
	uint64_t n_received[BENCH_PARTIES_MAX]; /* of each */
	uint32_t *samples;			/* nanoseconds; of party 0 */
	size_t n_samples;
};

const char *bench_pattern_name(enum bench_pattern pattern)
{
	switch (pattern) {
	case BENCH_ONEWAY:
		return "oneway";
	case BENCH_PINGPONG:
		return "pingpong";
	case BENCH_ROUNDS:
		return "rounds";
	case BENCH_BURST:
		return "burst";
	case BENCH_SETUP:
		return "setup";
	}
	return "";
}

uint64_t bench_messages_each(const struct bench_scenario *scenario)
{
	switch (scenario->pattern) {
	case BENCH_ONEWAY:
	case BENCH_SETUP: /* counted by connection */
		return 1;
	case BENCH_PINGPONG:
		return 2;
	case BENCH_ROUNDS:
		return (uint64_t)scenario->n * (uint64_t)(scenario->n - 1);
	case BENCH_BURST:
		return 2 * (uint64_t)scenario->n_burst;
	}
	return 1;
}

/*
 * Messages
 */

static uint64_t other_form(uint64_t counter)
{
	return ~(counter * UINT64_C(0x9e3779b97f4a7c15));
}

static void send_one(struct run *r, int to, uint64_t flag)
{
	const uint64_t counter = r->n_sent[to]++ | flag;
	const uint64_t other = other_form(counter);

	memcpy(r->msg, &counter, 8);
	memcpy(r->msg + r->scenario->size - 8, &other, 8);
	r->ops->send(r->peer, to, r->msg, r->scenario->size);
}

/* Is the filling of ${m} whole? */
static bool filled(const struct run *r, const uint8_t *m, uint64_t counter)
{
	const size_t len = r->scenario->size - 16;
	size_t at;

	if (len <= CHECK_ALL_UP_TO || counter % CHECK_ALL_EVERY == 0)
		return memcmp(m + 8, r->filling + 8, len) == 0;
	at = 8 + (size_t)(counter * 8 % (len - len % 8));
	return memcmp(m + at, r->filling + at, 8) == 0;
}

/* Receive and check the next message.  Is it the last one? */
static bool recv_one(struct run *r, int from)
{
	const uint64_t expected = r->n_received[from]++;
	uint64_t counter, other;
	const uint8_t *m;
	size_t len;

	m = r->ops->recv(r->peer, from, &len);
	if (len != r->scenario->size)
		bench_fail(r->me, "message of %zu bytes instead of %zu", len,
			   r->scenario->size);
	memcpy(&counter, m, 8);
	memcpy(&other, m + len - 8, 8);
	if ((counter & ~LAST) != expected || other != other_form(counter) ||
	    !filled(r, m, expected))
		bench_fail(r->me, "message %llu is not what was sent",
			   (unsigned long long)expected);
	return (counter & LAST) != 0;
}

static void flush(const struct run *r)
{
	if (r->ops->flush)
		r->ops->flush(r->peer);
}

/*
 * Results
 */

static void add_sample(struct run *r, uint64_t ns)
{
	if (r->n_samples < SAMPLES_MAX)
		r->samples[r->n_samples++] =
		    ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int compare(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static void set_result(struct run *r, uint64_t n, uint64_t ns)
{
	struct bench_result *result = bench_result(r->me);

	result->n = n;
	result->seconds = (double)ns * 1e-9;
	if (r->n_samples == 0)
		return;
	qsort(r->samples, r->n_samples, sizeof(*r->samples), compare);
	result->p50_us = r->samples[r->n_samples / 2] * 1e-3;
	result->p99_us = r->samples[r->n_samples * 99 / 100] * 1e-3;
}

/*
 * Patterns, each for a party with a look at the clock (party 0) and for the
 * others.
 */

static void oneway(struct run *r, uint64_t limit_ns)
{
	const uint64_t mask = r->scenario->size < SMALL ? CLOCK_EVERY - 1 : 0;
	uint64_t begin, n = 0;

	if (r->me->index == 1) {
		while (!recv_one(r, 0))
			;
		send_one(r, 0, 0);
		flush(r);
		return;
	}
	begin = bench_now_ns();
	do
		send_one(r, 1, 0);
	while ((++n & mask) != 0 || bench_now_ns() - begin < limit_ns);
	send_one(r, 1, LAST);
	recv_one(r, 1); /* so all of it has arrived */
	set_result(r, n + 1, bench_now_ns() - begin);
}

static void pingpong(struct run *r, uint64_t limit_ns)
{
	uint64_t begin, last, now, n = 0;
	bool end;

	if (r->me->index == 1) {
		do {
			end = recv_one(r, 0);
			send_one(r, 0, 0);
			flush(r);
		} while (!end);
		return;
	}
	last = begin = bench_now_ns();
	do {
		end = last - begin >= limit_ns;
		send_one(r, 1, end ? LAST : 0);
		recv_one(r, 1);
		n++;
		now = bench_now_ns();
		add_sample(r, now - last);
		last = now;
	} while (!end);
	set_result(r, n, last - begin);
}

static void rounds(struct run *r, uint64_t limit_ns)
{
	const int self = r->me->index, n_parties = r->me->n;
	uint64_t begin, last, now, n = 0;
	bool end = false;

	last = begin = bench_now_ns();
	do {
		if (self == 0)
			end = last - begin >= limit_ns;
		for (int i = 0; i < n_parties; i++)
			if (i != self)
				send_one(r, i, end ? LAST : 0);
		for (int i = 0; i < n_parties; i++)
			if (i != self && recv_one(r, i) && i == 0)
				end = true;
		n++;
		if (self == 0) {
			now = bench_now_ns();
			add_sample(r, now - last);
			last = now;
		}
	} while (!end);
	flush(r);
	if (self == 0)
		set_result(r, n, last - begin);
}

static void burst(struct run *r, uint64_t limit_ns)
{
	const int self = r->me->index, b = r->scenario->n_burst;
	uint64_t begin, last, now, n = 0;
	bool end = false;

	last = begin = bench_now_ns();
	do {
		if (self == 0)
			end = last - begin >= limit_ns;
		for (int i = 0; i < b; i++)
			send_one(r, !self, end ? LAST : 0);
		for (int i = 0; i < b; i++)
			if (recv_one(r, !self) && self == 1)
				end = true;
		n++;
		if (self == 0) {
			now = bench_now_ns();
			add_sample(r, now - last);
			last = now;
		}
	} while (!end);
	flush(r);
	if (self == 0)
		set_result(r, n, last - begin);
}

/*
 * Connections
 */

/* Listen, from the highest party down: who dials finds who is dialled. */
static void listen_all(struct run *r)
{
	for (int i = r->me->n - 1; i >= 0; i--) {
		if (i == r->me->index)
			r->ops->listen(r->peer);
		bench_barrier(r->me);
	}
	memset(r->n_sent, 0, sizeof(r->n_sent));
	memset(r->n_received, 0, sizeof(r->n_received));
}

/*
 * One connection after another.  Timed is, at the party that dials, from the
 * call that dials to the answer to its first message; not the listening, and
 * not the closing.
 */
static void setup(struct run *r, uint64_t limit_ns)
{
	uint64_t begin = bench_now_ns(), timed = 0, t, n = 0;

	bench_cpu_begin(r->me);
	do {
		listen_all(r);
		t = bench_now_ns();
		r->ops->connect(r->peer);
		if (r->me->index == 0) {
			send_one(r, 1, 0);
			recv_one(r, 1);
			t = bench_now_ns() - t;
			timed += t;
			add_sample(r, t);
			n++;
			bench_set_stop(
			    r->me,
			    n >= SETUPS_MAX ||
				((n >= SETUPS_MIN || limit_ns < SHORT_NS) &&
				 bench_now_ns() - begin > limit_ns));
		} else {
			recv_one(r, 0);
			send_one(r, 0, 0);
			flush(r);
		}
		bench_barrier(r->me);
		r->ops->close(r->peer);
		bench_barrier(r->me);
	} while (!bench_stop(r->me));
	bench_cpu_end(r->me);
	if (r->me->index == 0)
		set_result(r, n, timed);
}

static void run_connected(struct run *r, uint64_t limit_ns)
{
	switch (r->scenario->pattern) {
	case BENCH_ONEWAY:
		oneway(r, limit_ns);
		break;
	case BENCH_PINGPONG:
		pingpong(r, limit_ns);
		break;
	case BENCH_ROUNDS:
		rounds(r, limit_ns);
		break;
	case BENCH_BURST:
		burst(r, limit_ns);
		break;
	case BENCH_SETUP:
		break;
	}
}

/* Warm up, then measure, over one connection. */
static void traffic(struct run *r, uint64_t limit_ns)
{
	listen_all(r);
	r->ops->connect(r->peer);
	bench_barrier(r->me);
	run_connected(r, limit_ns / 8);
	bench_barrier(r->me);
	r->n_samples = 0;
	bench_cpu_begin(r->me);
	bench_barrier(r->me);
	run_connected(r, limit_ns);
	bench_barrier(r->me);
	bench_cpu_end(r->me);
	bench_barrier(r->me);
	r->ops->close(r->peer);
}

void bench_pattern_run(const struct bench_party *me,
		       const struct bench_scenario *scenario,
		       const struct bench_peer *peer, double seconds)
{
	const uint64_t limit_ns = (uint64_t)(seconds * 1e9);
	struct run r = {.me = me, .scenario = scenario, .ops = peer};

	r.msg = malloc(scenario->size);
	r.filling = malloc(scenario->size);
	r.samples = malloc(SAMPLES_MAX * sizeof(*r.samples));
	if (!r.msg || !r.filling || !r.samples)
		bench_fail(me, "out of memory");
	for (size_t i = 0; i < scenario->size; i++)
		r.filling[i] = (uint8_t)(i * 131 + i / 251);
	memcpy(r.msg, r.filling, scenario->size);
	r.peer = peer->prepare(me, peer->way);
	bench_barrier(me);
	if (scenario->pattern == BENCH_SETUP)
		setup(&r, limit_ns);
	else
		traffic(&r, limit_ns);
	peer->release(r.peer);
	free(r.msg);
	free(r.filling);
	free(r.samples);
}
