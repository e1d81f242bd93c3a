/*
 * Faults, in the short form: what the network, a process or a machine may do
 * to a session.  In full: tests/faults/fault-run.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "session/session.h"
#include "tests/faults/proxy.h"
#include "tests/faults/run.h"
#include "tests/faults/sim.h"

enum {
	LIVENESS_MS = 2000,
	SLACK_MS = 1000, /* of a machine that does other things as well */
};

/* PARLEY_FAULT_SEED repeats a run. */
static uint64_t seed(void)
{
	const char *text = getenv("PARLEY_FAULT_SEED");

	return text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * The simulated carrier
 */

static void simulate(struct sim_result *r, const struct sim_options *o)
{
	bool ok = sim_run(r, o);

	print_message(
	    "seed %llu: %llu records, %llu again, %llu frames, %llu cuts, "
	    "%d ms, %d kept at most\n",
	    (unsigned long long)o->seed, (unsigned long long)r->records,
	    (unsigned long long)r->resent, (unsigned long long)r->frames,
	    (unsigned long long)r->cuts, (int)r->ms, (int)r->kept_max);
	if (!ok)
		fail_msg("seed %llu: %s", (unsigned long long)o->seed, r->why);
}

static void set_faults(struct sim_options *o, unsigned percent)
{
	o->drop = o->repeat = o->reorder = o->corrupt = percent * 10000;
}

static void one_percent_of_each_fault_loses_nothing(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	o.seed = seed();
	o.n_messages = o.n_back = 20000;
	o.per_record = 3;
	o.pause = 100;
	simulate(&r, &o);
}

static void ten_percent_of_each_fault_loses_nothing(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	set_faults(&o, 10);
	o.seed = seed();
	o.n_messages = o.n_back = 5000;
	o.per_record = 3;
	simulate(&r, &o);
}

static void the_ratchet_boundary_passes_under_faults(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	set_faults(&o, 2);
	o.seed = seed();
	o.n_messages = o.n_back = 10000;
	o.per_record = 1;
	o.cut = 500;
	simulate(&r, &o);
	assert_true(r.ratchets >= 8);
}

static void cuts_at_any_moment_lose_nothing(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	for (uint64_t i = 0; i < 10; i++) {
		o.seed = seed() + i;
		o.cut = 10000;
		o.per_record = 2;
		o.pause = 1000;
		simulate(&r, &o);
	}
}

/* Only ACKs come back: nothing but the rules of 6.3 and 8.1 keeps them. */
static void a_window_that_opens_is_never_missed(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	set_faults(&o, 5);
	for (uint64_t i = 0; i < 10; i++) {
		o.seed = seed() + i;
		o.n_back = 0;
		o.window = 16 * 1024;
		o.pause = 300;
		o.per_record = 3;
		o.limit_ms = 1800 * 1000;
		simulate(&r, &o);
	}
}

static void what_a_slow_reader_is_sent_stays_within_the_window(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	o.seed = seed();
	o.size_max = 300000; /* parts, beyond the window as well */
	o.small = 500;
	o.window = 128 * 1024;
	o.n_messages = o.n_back = 300;
	o.pause = 20000;
	simulate(&r, &o);
	/* The window, one message begun within it, and one being put. */
	assert_true(r.queued_max <= o.window + 2 * o.size_max);
	assert_true(r.kept_max < 1000);
}

/* A record takes longer than what makes an end that waits for an ACK probe. */
static void over_a_slow_network_nothing_is_sent_twice(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	set_faults(&o, 0);
	o.seed = seed();
	o.rate = 100;
	o.size_max = 400000;
	o.small = 0;
	o.window = 1024 * 1024;
	o.record_max = 128 * 1024;
	o.n_messages = 20;
	o.n_back = 0;
	simulate(&r, &o);
	print_message("%llu bytes for %llu\n", (unsigned long long)r.carried,
		      (unsigned long long)r.put);
	/* But for what is short. */
	assert_true(r.carried <= r.put + r.put / 100);
}

/* Each ACK takes longer than what makes an end probe. */
static void over_a_long_line_it_falls_silent(void **state)
{
	static const unsigned every[] = {50, 250, 300, 450};
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	set_faults(&o, 0);
	o.window = 1024 * 1024;
	o.size_max = 20000;
	o.per_record = 1;
	o.n_messages = 20;
	for (unsigned i = 0; i < 4; i++)
		for (o.delay = 100; o.delay <= 1600; o.delay *= 2)
			for (int k = 0; k < 4; k++) {
				o.seed = seed() + i;
				o.every = every[i];
				o.small = k & 1 ? 1000 : 0;
				o.n_back = k & 2 ? 20 : 0;
				simulate(&r, &o);
				assert_true(r.frames < 600);
			}
}

static void hundred_ratchets_need_no_more_memory_than_one(void **state)
{
	struct sim_options o;
	struct sim_result r;

	(void)state;
	sim_options_init(&o);
	set_faults(&o, 0);
	o.seed = seed();
	o.size_max = 16;
	o.per_record = 1;
	o.n_messages = 50 * 4096;
	o.n_back = 50 * 4096;
	simulate(&r, &o);
	assert_true(r.ratchets >= 100);
	assert_int_equal(r.resent, 0);
	assert_int_equal(r.dropped, 0);
	assert_true(r.kept_max <= 256);
}

/*
 * The channel
 */

static void an_ack_goes_only_where_it_fits_as_reckoned(void **state)
{
	/* Numbers of many bytes: the ACK is as long as it can be. */
	const struct session_channel_options o = {
	    .window = SIZE_MAX / 4, .message_max = 2000, .record_max = 1024};
	static const struct session_traffic traffic = {.secret = {{1}, {2}}};
	struct session_channel *c[2];
	struct session_frame *f;
	uint8_t buf[1024] = {0};

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    session_channel_new(&c[i], SESSION_SUITE_CHACHA20,
					(enum session_role)i, &traffic, &o),
		    0);
	for (size_t len = 1004 - 60; len < 1004; len++) {
		for (int k = 0; k < 40; k++) {
			for (int i = 0; i < 2; i++) {
				struct session_outgoing m = {
				    .p = buf, .len = k == 30 ? len - 2 : 1};

				if (i == 1 && k != 30)
					continue;
				assert_true(session_channel_put(c[i], &m) >= 0);
				assert_int_equal(session_channel_flush(c[i]),
						 0);
			}
			for (int i = 0; i < 2; i++)
				while ((f = session_channel_take(c[i]))) {
					struct session_frame *copy =
					    session_frame_new(f->len);

					memcpy(copy->data, f->data, f->len);
					session_frame_free(f);
					assert_int_equal(
					    session_channel_receive(c[!i],
								    copy),
					    0);
				}
		}
	}
	for (int i = 0; i < 2; i++)
		session_channel_free(c[i]);
}

/*
 * Sessions behind a proxy
 */

static void a_short_fault_run_loses_nothing(void **state)
{
	const struct run_options o = {.seed = seed(),
				      .n_parties = 3,
				      .n_messages = 30000,
				      .n_faults = 30,
				      .max_ms = 100,
				      .size_max = 100000,
				      .window = 1024 * 1024};
	struct run_result r;
	bool ok = run_faults(&r, &o);

	(void)state;
	print_message("seed %llu: %llu resumes, %llu records resent, %d ms\n",
		      (unsigned long long)o.seed, (unsigned long long)r.resumes,
		      (unsigned long long)r.resent, (int)r.ms);
	if (!ok)
		fail_msg("seed %llu: %s", (unsigned long long)o.seed, r.why);
}

static void exchange(struct net *net, int from, int to, uint64_t k)
{
	uint64_t got;
	const void *msg;
	size_t len;

	assert_int_equal(parley_session_send(net->s[from], to, &k, sizeof(k)),
			 0);
	assert_int_equal(parley_session_flush(net->s[from]), 0);
	for (int i = 0; i < 2000; i++) {
		int err;

		(void)parley_session_process(net->s[from]);
		err = parley_session_recv(net->s[to], from, NULL, &msg, &len);
		if (err == PARLEY_ERR_AGAIN)
			continue;
		if (err)
			fail_msg("%s", parley_session_error(net->s[to]));
		assert_int_equal(len, sizeof(k));
		memcpy(&got, msg, sizeof(got));
		assert_int_equal(got, k);
		return;
	}
	fail_msg("message %d did not arrive", (int)k);
}

static uint64_t resumes(const struct net *net, int i, int j)
{
	struct parley_party_stats stats;

	assert_int_equal(parley_session_stats(net->s[i], j, &stats), 0);
	return stats.resumes;
}

static void open_through_proxy(struct net *net, struct proxy **proxy, size_t n)
{
	run_net(net, proxy, n, seed());
	net->o.liveness_ms = LIVENESS_MS;
	net->o.recv_timeout_ms = 5;
	for (size_t i = 0; i < n; i++)
		run_start(net, i);
}

static void opening_survives_a_cut_after_any_number_of_bytes(void **state)
{
	struct proxy *proxy;
	struct net net;
	long total;

	(void)state;
	open_through_proxy(&net, &proxy, 2);
	assert_true(net_run(&net, net_ready, NULL, 5000));
	exchange(&net, 0, 1, 1);
	total = (long)proxy_bytes(proxy, 1);
	net_free(&net);
	proxy_free(proxy);
	for (int i = 0; i < 24; i++) {
		/* The second half is the end of it: first records, READYs. */
		long n = i < 12 ? total * i / 12 : total - 25L * (24 - i);
		int64_t begin = now_ms();

		run_net(&net, &proxy, 2, seed());
		net.o.recv_timeout_ms = 5;
		net.o.liveness_ms = LIVENESS_MS;
		proxy_cut_after(proxy, 1, n);
		run_start(&net, 0);
		run_start(&net, 1);
		if (!net_run(&net, net_ready, NULL, 8000))
			fail_msg("cut after %ld of %ld bytes: %s; %s", n, total,
				 parley_session_error(net.s[0]),
				 parley_session_error(net.s[1]));
		exchange(&net, 0, 1, 1);
		exchange(&net, 1, 0, 2);
		print_message("cut after %ld of %ld bytes: %d ms\n", n, total,
			      (int)(now_ms() - begin));
		net_free(&net);
		proxy_free(proxy);
	}
}

static void a_channel_resumes_in_the_other_direction(void **state)
{
	struct proxy *proxy;
	struct net net;

	(void)state;
	open_through_proxy(&net, &proxy, 2);
	net.o.on_lost = PARLEY_ON_LOST_WAIT;
	for (int i = 0; i < 2; i++)
		net.s[i]->o.on_lost = PARLEY_ON_LOST_WAIT;
	assert_true(net_run(&net, net_ready, NULL, 5000));
	exchange(&net, 0, 1, 1);
	/* 0 dials 1; from now on only 1 gets through to 0. */
	proxy_set(proxy, 1, PROXY_REFUSE);
	proxy_cut(proxy, PROXY_ANY);
	exchange(&net, 0, 1, 2);
	exchange(&net, 1, 0, 3);
	assert_true(resumes(&net, 0, 1) >= 1);
	assert_int_equal(proxy_n_accepted(proxy, 0), 1);
	net_free(&net);
	proxy_free(proxy);
}

/* Both dial when both have waited long enough. */
static void resumes_from_both_sides_at_once_agree(void **state)
{
	struct proxy *proxy;
	struct net net;

	(void)state;
	open_through_proxy(&net, &proxy, 2);
	for (int i = 0; i < 2; i++)
		net.s[i]->o.on_lost = PARLEY_ON_LOST_WAIT;
	assert_true(net_run(&net, net_ready, NULL, 5000));
	for (uint64_t k = 0; k < 20; k++) {
		proxy_cut(proxy, PROXY_ANY);
		for (int i = 0; i < 2; i++) {
			struct session_party *p = &net.s[i]->parties[!i];

			/* Notice, and then dial at the same time. */
			for (int n = 0; p->up->conn && n < 1000; n++) {
				(void)parley_session_process(net.s[i]);
				usleep(1000);
			}
			if (!p->dial)
				p->next_dial_ms = session_now_ms();
			net.s[i]->next_timer_ms = 0;
		}
		for (int i = 0; i < 2; i++)
			(void)parley_session_process(net.s[i]);
		exchange(&net, 0, 1, k);
		exchange(&net, 1, 0, k);
	}
	assert_true(resumes(&net, 0, 1) >= 20);
	net_free(&net);
	proxy_free(proxy);
}

static void a_replayed_resume_does_not_move_a_live_channel(void **state)
{
	const struct session_carrier_options o = {.liveness_ms = LIVENESS_MS,
						  .frame_max = 1000};
	struct session_carrier *carrier;
	struct session_carrier_event ev;
	struct session_conn *conn, *before;
	struct session_frame *f;
	struct session_resume_attempt at;
	uint8_t a[SESSION_NONCE_LEN] = {7};
	bool challenged = false;
	char endpoint[40];
	struct net net;

	(void)state;
	net_init(&net, 2);
	net.o.recv_timeout_ms = 5;
	net_open(&net);
	before = net.s[1]->parties[0].up->conn;
	/* A resume that is right in every respect, but old. */
	f = session_frame_new(SESSION_RESUME_LEN);
	session_resume_create(f->data, &at, &net.s[0]->parties[1].up->resume,
			      net.s[0]->gate.key, 0, a);
	assert_int_equal(session_carrier_zmq_new(&carrier, &o), 0);
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 net.ports[1]);
	assert_int_equal(session_carrier_dial(carrier, endpoint, &conn), 0);
	for (int i = 0; i < 500 && !challenged; i++) {
		(void)parley_session_process(net.s[1]);
		(void)session_carrier_wait(carrier, NULL, 5);
		while (session_carrier_next(carrier, &ev) == 0) {
			if (ev.type == SESSION_CARRIER_UP)
				(void)session_carrier_send(carrier, conn, f);
			if (ev.type != SESSION_CARRIER_FRAME)
				continue;
			challenged = true;
			assert_int_equal(ev.frame->data[0],
					 SESSION_WIRE_CHALLENGE);
			session_frame_free(ev.frame);
			/* It cannot answer, but tries. */
			f = session_frame_new(SESSION_ANSWER_LEN);
			memset(f->data, 0, f->len);
			f->data[0] = SESSION_WIRE_ANSWER;
			memcpy(f->data + 1, a, sizeof(a));
			(void)session_carrier_send(carrier, conn, f);
		}
	}
	assert_true(challenged);
	for (uint64_t k = 0; k < 100; k++) {
		exchange(&net, 0, 1, k);
		exchange(&net, 1, 0, k);
	}
	assert_ptr_equal(net.s[1]->parties[0].up->conn, before);
	assert_int_equal(resumes(&net, 1, 0), 0);
	session_carrier_hangup(carrier, conn);
	session_carrier_free(carrier, 0);
	net_free(&net);
}

static void a_cut_beyond_the_limit_is_reported(void **state)
{
	struct proxy *proxy;
	struct net net;
	int64_t begin;
	const void *msg;
	size_t len;

	(void)state;
	open_through_proxy(&net, &proxy, 2);
	assert_true(net_run(&net, net_ready, NULL, 5000));
	exchange(&net, 0, 1, 1);
	proxy_set(proxy, PROXY_ANY, PROXY_REFUSE);
	proxy_cut(proxy, PROXY_ANY);
	begin = now_ms();
	for (int i = 0; i < 2; i++) {
		/* The second one's time runs while the first one waits. */
		int err =
		    parley_session_send(net.s[i], !i, &begin, sizeof(begin));

		if (err == 0)
			while ((err = parley_session_recv(net.s[i], PARLEY_ANY,
							  NULL, &msg, &len)) ==
			       PARLEY_ERR_AGAIN)
				(void)parley_session_process(net.s[!i]);
		assert_int_equal(err, PARLEY_ERR_LOST);
		assert_int_equal(parley_session_culprit(net.s[i]), !i);
		assert_true(now_ms() - begin <= LIVENESS_MS + SLACK_MS);
	}
	for (int i = 0; i < 2; i++) {
		begin = now_ms();
		assert_int_equal(parley_session_close(net.s[i]),
				 PARLEY_ERR_UNDELIVERED);
		assert_int_equal(parley_session_culprit(net.s[i]), !i);
		parley_session_free(net.s[i]);
		net.s[i] = NULL;
		assert_true(now_ms() - begin < 2 * SLACK_MS);
	}
	net_free(&net);
	proxy_free(proxy);
}

struct closing {
	struct net *net;
	int index, err, culprit;
};

/* As a program ends: what was closed is freed. */
static void *close_main(void *arg)
{
	struct closing *c = arg;
	struct parley_session **s = &c->net->s[c->index];

	c->err = parley_session_close(*s);
	c->culprit = parley_session_culprit(*s);
	parley_session_free(*s);
	*s = NULL;
	return NULL;
}

static void a_cut_during_close_ends_within_the_bound(void **state)
{
	enum { ROUNDS = 16 };
	int n_complete = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct closing c[2];
		struct proxy *proxy;
		pthread_t t[2];
		struct net net;
		int64_t begin;

		open_through_proxy(&net, &proxy, 2);
		assert_true(net_run(&net, net_ready, NULL, 5000));
		for (int i = 0; i < 2; i++)
			assert_int_equal(
			    parley_session_send(net.s[i], !i, "x", 1), 0);
		begin = now_ms();
		for (int i = 0; i < 2; i++) {
			c[i] = (struct closing){.net = &net, .index = i};
			pthread_create(&t[i], NULL, close_main, &c[i]);
		}
		usleep((useconds_t)(round * 50));
		proxy_cut(proxy, PROXY_ANY);
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		assert_true(now_ms() - begin <= LIVENESS_MS + 2 * SLACK_MS);
		for (int i = 0; i < 2; i++) {
			n_complete += c[i].err == 0;
			if (c[i].err == 0)
				continue;
			assert_int_equal(c[i].err, PARLEY_ERR_UNDELIVERED);
			assert_int_equal(c[i].culprit, !i);
		}
		net_free(&net);
		proxy_free(proxy);
	}
	print_message("%d of %d closed with everything acknowledged\n",
		      n_complete, 2 * ROUNDS);
	assert_true(n_complete >= ROUNDS); /* one of them always may go */
}

/*
 * Liveness: processes, of which one comes to harm
 */

enum harm { KILLED, STOPPED, SWALLOWED, COMPUTING, STOPPED_WAIT, N_HARMS };

static const char *const harm_name[N_HARMS] = {
    "killed", "stopped", "swallowed", "computing", "stopped for a while"};

enum { VICTIM = 2, N_PROCESSES = 3, PAUSE_MS = LIVENESS_MS + 1000 };

/* What a survivor tells. */
struct report {
	int ready, err, culprit;
	int64_t at_ms;
	char text[200];
};

struct scene {
	struct net net;
	struct proxy *proxy;
	pid_t pid[N_PROCESSES];
	int pipe[N_PROCESSES][2];
	int64_t harmed_ms;
};

static void tell(int fd, const struct report *r)
{
	if (write(fd, r, sizeof(*r)) != sizeof(*r))
		_exit(3);
}

/* Rounds of one message to and from everybody, until something happens; the
 * one that is harmed computes for a while in the middle, or for ever. */
static void party_main(struct scene *sc, size_t i, enum harm harm)
{
	struct report r = {.ready = 1};
	struct parley_session *s;
	const int64_t end_ms = now_ms() + 2 * PAUSE_MS + 1000;
	const void *msg;
	size_t len;

	/* A stopped process would outlive a test that has failed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Connections of the proxies, which are threads of the parent, must not
	 * live on here when the proxies close them. */
	for (int fd = 3; fd < 1024; fd++)
		if (fd != sc->pipe[i][1])
			close(fd);
	/* The time of a round is not limited: nobody but liveness ends it. */
	sc->net.o.recv_timeout_ms = -1;
	sc->net.o.on_lost =
	    harm == STOPPED_WAIT ? PARLEY_ON_LOST_WAIT : PARLEY_ON_LOST_FAIL;
	/* Where a kernel goes on answering, only the program's own silence
	 * tells. */
	if (harm == STOPPED || harm == SWALLOWED)
		sc->net.o.unresponsive_ms = LIVENESS_MS / 2;
	run_start(&sc->net, i);
	s = sc->net.s[i];
	r.err = parley_session_wait(s);
	r.culprit = -1;
	tell(sc->pipe[i][1], &r);
	for (uint64_t k = 0; !r.err; k++) {
		uint8_t last = now_ms() >= end_ms && i == 0;

		if (k == 5 && i == VICTIM && harm == COMPUTING)
			usleep(PAUSE_MS * 1000);
		r.err = parley_session_broadcast(s, &last, 1);
		for (int j = 0; j < N_PROCESSES && !r.err; j++) {
			if (j == (int)i)
				continue;
			r.err = parley_session_recv(s, j, NULL, &msg, &len);
			if (!r.err)
				last = (uint8_t)(last | *(const uint8_t *)msg);
		}
		if (last && !r.err) {
			r.err = parley_session_close(s);
			break;
		}
		usleep(2000);
	}
	r.culprit = parley_session_culprit(s);
	r.at_ms = now_ms();
	snprintf(r.text, sizeof(r.text), "%s", parley_session_error(s));
	parley_session_free(s);
	tell(sc->pipe[i][1], &r);
	_exit(0);
}

static void scene_begin(struct scene *sc, enum harm harm)
{
	run_prepare(&sc->net, &sc->proxy, N_PROCESSES, seed());
	sc->net.o.liveness_ms = LIVENESS_MS;
	for (size_t i = 0; i < N_PROCESSES; i++) {
		assert_int_equal(pipe(sc->pipe[i]), 0);
		sc->pid[i] = fork();
		assert_true(sc->pid[i] >= 0);
		if (sc->pid[i] == 0)
			party_main(sc, i, harm);
		close(sc->pipe[i][1]);
	}
}

static void hear(struct scene *sc, size_t i, struct report *r)
{
	assert_int_equal(read(sc->pipe[i][0], r, sizeof(*r)), sizeof(*r));
}

static void scene_harm(struct scene *sc, enum harm harm)
{
	struct report r;

	for (size_t i = 0; i < N_PROCESSES; i++) {
		hear(sc, i, &r);
		assert_int_equal(r.err, 0);
	}
	sc->harmed_ms = now_ms();
	switch (harm) {
	case KILLED:
		kill(sc->pid[VICTIM], SIGKILL);
		break;
	case STOPPED:
	case STOPPED_WAIT:
		kill(sc->pid[VICTIM], SIGSTOP);
		break;
	case SWALLOWED:
		proxy_set(sc->proxy, VICTIM, PROXY_SWALLOW);
		break;
	case COMPUTING:
	case N_HARMS:
		break;
	}
}

static void scene_check(struct scene *sc, enum harm harm)
{
	const bool fatal = harm != COMPUTING && harm != STOPPED_WAIT;
	struct report all[N_PROCESSES];

	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (fatal && i == VICTIM)
			continue;
		hear(sc, i, &all[i]);
		print_message("%s: party %zu after %d ms: %s\n",
			      harm_name[harm], i,
			      (int)(all[i].at_ms - sc->harmed_ms),
			      all[i].err ? all[i].text : "complete");
	}
	for (size_t i = 0; i < N_PROCESSES; i++) {
		if (fatal && i == VICTIM)
			continue;
		assert_int_equal(all[i].err, fatal ? PARLEY_ERR_LOST : 0);
		if (!fatal)
			continue;
		assert_int_equal(all[i].culprit, VICTIM);
		assert_true(all[i].at_ms - sc->harmed_ms <=
			    LIVENESS_MS + SLACK_MS);
	}
}

static void scene_end(struct scene *sc)
{
	for (size_t i = 0; i < N_PROCESSES; i++) {
		kill(sc->pid[i], SIGKILL);
		waitpid(sc->pid[i], NULL, 0);
		close(sc->pipe[i][0]);
	}
	net_free(&sc->net);
	proxy_free(sc->proxy);
}

static void survivors_name_the_dead_and_nobody_else(void **state)
{
	static struct scene scenes[N_HARMS];

	(void)state;
	for (enum harm h = 0; h < N_HARMS; h++)
		scene_begin(&scenes[h], h);
	/* All processes are forked: now threads may be. */
	for (enum harm h = 0; h < N_HARMS; h++)
		proxy_start(scenes[h].proxy);
	for (enum harm h = 0; h < N_HARMS; h++)
		scene_harm(&scenes[h], h);
	usleep(PAUSE_MS * 1000);
	kill(scenes[STOPPED_WAIT].pid[VICTIM], SIGCONT);
	for (enum harm h = 0; h < N_HARMS; h++)
		scene_check(&scenes[h], h);
	for (enum harm h = 0; h < N_HARMS; h++)
		scene_end(&scenes[h]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(survivors_name_the_dead_and_nobody_else),
	    cmocka_unit_test(one_percent_of_each_fault_loses_nothing),
	    cmocka_unit_test(ten_percent_of_each_fault_loses_nothing),
	    cmocka_unit_test(the_ratchet_boundary_passes_under_faults),
	    cmocka_unit_test(cuts_at_any_moment_lose_nothing),
	    cmocka_unit_test(a_window_that_opens_is_never_missed),
	    cmocka_unit_test(
		what_a_slow_reader_is_sent_stays_within_the_window),
	    cmocka_unit_test(over_a_slow_network_nothing_is_sent_twice),
	    cmocka_unit_test(over_a_long_line_it_falls_silent),
	    cmocka_unit_test(hundred_ratchets_need_no_more_memory_than_one),
	    cmocka_unit_test(an_ack_goes_only_where_it_fits_as_reckoned),
	    cmocka_unit_test(a_short_fault_run_loses_nothing),
	    cmocka_unit_test(opening_survives_a_cut_after_any_number_of_bytes),
	    cmocka_unit_test(a_channel_resumes_in_the_other_direction),
	    cmocka_unit_test(resumes_from_both_sides_at_once_agree),
	    cmocka_unit_test(a_replayed_resume_does_not_move_a_live_channel),
	    cmocka_unit_test(a_cut_beyond_the_limit_is_reported),
	    cmocka_unit_test(a_cut_during_close_ends_within_the_bound),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
