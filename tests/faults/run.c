/*
 * The fault run.  Each party broadcasts; the digest of a party covers what
 * every sender (itself included) sent, in the order of its number, so that
 * equal digests mean that all saw the same.
 *
 * Messages are paced by the faults: the last one may go when the last fault
 * has happened.
 */
#include "tests/faults/run.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

enum {
	LIVENESS_MS = 3000,
	RESUME_MS = 20000,
	POLL_MS = 2,
	BURST = 64,
	N_PARTIES_MAX = 8,
};

struct shared {
	const struct run_options *o;
	struct net *net;
	struct proxy *proxy;
	uint64_t n_each; /* messages that each party broadcasts */
	pthread_barrier_t done;
	atomic_bool failed;
	struct run_result *r;
};

struct party {
	struct shared *shared;
	size_t index;
	pthread_t thread;
	struct parley_session *s;
	uint64_t sent, got[N_PARTIES_MAX];
	crypto_generichash_state digest[N_PARTIES_MAX];
	uint8_t *buf;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void go_wrong(struct party *p, const char *what)
{
	struct shared *sh = p->shared;

	if (atomic_exchange(&sh->failed, true))
		return;
	snprintf(sh->r->why, sizeof(sh->r->why), "party %zu: %s", p->index,
		 what);
}

/*
 * Messages: length and bytes follow from seed, sender and number.
 */

static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t make(const struct run_options *o, uint8_t *p, size_t from,
		   uint64_t k)
{
	uint64_t z = mix(o->seed ^ mix(k * N_PARTIES_MAX + from));
	size_t len = 16 + (size_t)(z % 48);

	if (z >> 58 == 0)
		len = 16 + (size_t)(z >> 8) % (o->size_max - 15);
	memcpy(p, &k, 8);
	for (size_t i = 8; i < len; i += 8) {
		size_t n = len - i < 8 ? len - i : 8;

		memcpy(p + i, &z, n);
		z = z * 6364136223846793005 + 1442695040888963407;
	}
	return len;
}

static void note(struct party *p, size_t from, const void *msg, size_t len)
{
	uint8_t head[8];

	for (int i = 0; i < 8; i++)
		head[i] = (uint8_t)((uint64_t)len >> (8 * i));
	crypto_generichash_update(&p->digest[from], head, sizeof(head));
	crypto_generichash_update(&p->digest[from], msg, len);
}

/*
 * A party
 */

static bool take_all(struct party *p)
{
	const struct run_options *o = p->shared->o;
	const void *msg;
	size_t len, expected;
	char text[80];
	int who, err;

	while ((err = parley_session_recv(p->s, PARLEY_ANY, &who, &msg,
					  &len)) == 0) {
		size_t from = (size_t)who;

		expected = make(o, p->buf, from, p->got[from]);
		if (p->got[from] == p->shared->n_each || len != expected ||
		    memcmp(p->buf, msg, len) != 0) {
			snprintf(text, sizeof(text),
				 "message %llu of %zu is not what was sent",
				 (unsigned long long)p->got[from], from);
			go_wrong(p, text);
			return false;
		}
		note(p, from, msg, len);
		p->got[from]++;
	}
	if (err != PARLEY_ERR_AGAIN)
		go_wrong(p, parley_session_error(p->s));
	return err == PARLEY_ERR_AGAIN;
}

static bool send_some(struct party *p)
{
	const struct shared *sh = p->shared;
	const uint64_t n_faults = sh->o->n_faults;
	const uint64_t allowed =
	    sh->n_each * (proxy_n_faults(sh->proxy) + 1) / (n_faults + 1);

	for (int i = 0; i < BURST && p->sent < allowed; i++, p->sent++) {
		size_t len = make(sh->o, p->buf, p->index, p->sent);

		if (parley_session_broadcast(p->s, p->buf, len)) {
			go_wrong(p, parley_session_error(p->s));
			return false;
		}
		note(p, p->index, p->buf, len);
	}
	if (parley_session_flush(p->s)) {
		go_wrong(p, parley_session_error(p->s));
		return false;
	}
	return true;
}

static bool has_all(const struct party *p)
{
	if (p->sent < p->shared->n_each)
		return false;
	for (size_t i = 0; i < p->shared->o->n_parties; i++)
		if (i != p->index && p->got[i] < p->shared->n_each)
			return false;
	return true;
}

static void finish_digest(struct party *p)
{
	crypto_generichash_state all;
	uint8_t one[32];

	crypto_generichash_init(&all, NULL, 0, 32);
	for (size_t i = 0; i < p->shared->o->n_parties; i++) {
		crypto_generichash_final(&p->digest[i], one, sizeof(one));
		crypto_generichash_update(&all, one, sizeof(one));
	}
	crypto_generichash_final(&all, p->shared->r->digest[p->index], 32);
}

/* Nobody closes before all have everything; then the carrier behaves. */
static void wait_for_all(struct party *p)
{
	const int64_t until = now_ms() + 300;
	const void *msg;
	size_t len;
	int err = PARLEY_ERR_AGAIN;

	if (pthread_barrier_wait(&p->shared->done) ==
	    PTHREAD_BARRIER_SERIAL_THREAD)
		proxy_pass(p->shared->proxy);
	while (!p->shared->failed && err == PARLEY_ERR_AGAIN &&
	       now_ms() < until)
		err = parley_session_recv(p->s, PARLEY_ANY, NULL, &msg, &len);
	if (err == 0)
		go_wrong(p, "a message came twice");
	else if (err != PARLEY_ERR_AGAIN && err != PARLEY_ERR_CLOSED)
		go_wrong(p, parley_session_error(p->s));
}

static void *run_party(void *arg)
{
	struct party *p = arg;
	struct shared *sh = p->shared;

	if (parley_session_wait(p->s))
		go_wrong(p, parley_session_error(p->s));
	while (!sh->failed && !has_all(p))
		if (!send_some(p) || !take_all(p))
			break;
	finish_digest(p);
	wait_for_all(p);
	if (!sh->failed && parley_session_close(p->s))
		go_wrong(p, parley_session_error(p->s));
	return NULL;
}

static void add_stats(struct run_result *r, struct party *p, size_t n)
{
	struct parley_party_stats stats;

	for (size_t i = 0; i < n; i++) {
		if (i == p->index || parley_session_stats(p->s, (int)i, &stats))
			continue;
		r->resumes += stats.resumes;
		r->resent += stats.records_resent;
		r->dropped += stats.records_dropped;
		r->records += stats.records_sent;
	}
}

/*
 * The run
 */

void run_prepare(struct net *net, struct proxy **proxy, size_t n, uint64_t seed)
{
	int ports[NET_MAX];

	net_init(net, n);
	*proxy = proxy_new(seed);
	memcpy(ports, net->ports, sizeof(ports));
	for (size_t i = 0; i < n; i++) {
		net->ports[i] = net_free_port();
		proxy_route(*proxy, net->ports[i], ports[i]);
	}
	parley_session_agreement_free(net->agreement);
	net->agreement = net_agreement(net, &(struct net_spec){0});
	memcpy(net->ports, ports, sizeof(ports));
	net->o.liveness_ms = LIVENESS_MS;
	net->o.resume_ms = RESUME_MS;
}

void run_net(struct net *net, struct proxy **proxy, size_t n, uint64_t seed)
{
	run_prepare(net, proxy, n, seed);
	proxy_start(*proxy);
}

void run_start(struct net *net, size_t i)
{
	char listen[40];

	snprintf(listen, sizeof(listen), "tcp://127.0.0.1:%d", net->ports[i]);
	net->o.listen = listen;
	net_start(net, i);
	net->o.listen = NULL;
}

bool run_faults(struct run_result *r, const struct run_options *o)
{
	const size_t n = o->n_parties;
	struct party parties[N_PARTIES_MAX] = {0};
	struct shared sh = {.o = o, .r = r};
	struct net net;
	int64_t begin;

	memset(r, 0, sizeof(*r));
	assert_true(n <= N_PARTIES_MAX);
	run_net(&net, &sh.proxy, n, o->seed);
	net.o.on_lost = PARLEY_ON_LOST_WAIT;
	net.o.recv_timeout_ms = POLL_MS;
	net.o.window = o->window;
	sh.net = &net;
	sh.n_each = o->n_messages / (n * (n - 1));
	pthread_barrier_init(&sh.done, NULL, (unsigned)n);
	begin = now_ms();
	for (size_t i = 0; i < n; i++) {
		struct party *p = &parties[i];

		run_start(&net, i);
		*p = (struct party){.shared = &sh, .index = i, .s = net.s[i]};
		p->buf = malloc(o->size_max + 64);
		assert_non_null(p->buf);
		for (size_t k = 0; k < n; k++)
			crypto_generichash_init(&p->digest[k], NULL, 0, 32);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_create(&parties[i].thread, NULL,
						run_party, &parties[i]),
				 0);
	proxy_faults(sh.proxy, o->n_faults, o->min_ms, o->max_ms);
	for (size_t i = 0; i < n; i++)
		pthread_join(parties[i].thread, NULL);
	r->ms = now_ms() - begin;
	for (size_t i = 0; i < n; i++) {
		add_stats(r, &parties[i], n);
		free(parties[i].buf);
		if (!sh.failed && memcmp(r->digest[i], r->digest[0], 32) != 0)
			go_wrong(&parties[i], "has another digest");
	}
	for (enum proxy_fault f = 0; f < PROXY_N_FAULTS; f++)
		r->faults[f] = proxy_n_faults_of(sh.proxy, f);
	pthread_barrier_destroy(&sh.done);
	net_free(&net);
	proxy_free(sh.proxy);
	return !sh.failed;
}

/*
 * The burst
 */

static void *burst_main(void *arg)
{
	struct party *p = arg;
	const size_t n = p->shared->o->n_parties, size = p->shared->o->size_max;
	const void *msg;
	size_t len;
	int who;

	if (parley_session_wait(p->s))
		go_wrong(p, parley_session_error(p->s));
	for (; !p->shared->failed && p->sent < p->shared->n_each; p->sent++) {
		memset(p->buf, (int)(p->index + p->sent), size);
		if (parley_session_broadcast(p->s, p->buf, size))
			go_wrong(p, parley_session_error(p->s));
	}
	for (uint64_t k = 0;
	     !p->shared->failed && k < p->shared->n_each * (n - 1); k++) {
		if (parley_session_recv(p->s, PARLEY_ANY, &who, &msg, &len))
			go_wrong(p, parley_session_error(p->s));
		else if (len != size ||
			 *(const uint8_t *)msg !=
			     (uint8_t)((uint64_t)who + p->got[who]++))
			go_wrong(p, "a message is not what was sent");
	}
	if (!p->shared->failed && parley_session_close(p->s))
		go_wrong(p, parley_session_error(p->s));
	return NULL;
}

bool run_burst(struct run_result *r, size_t n, size_t bytes, size_t window)
{
	const struct run_options o = {.n_parties = n, .size_max = 65536};
	struct party parties[N_PARTIES_MAX] = {0};
	struct shared sh = {.o = &o, .r = r, .n_each = bytes / o.size_max};
	struct net net;
	const int64_t begin = now_ms();

	memset(r, 0, sizeof(*r));
	assert_true(n <= N_PARTIES_MAX);
	net_init(&net, n);
	net.o.window = window;
	net_start_all(&net);
	for (size_t i = 0; i < n; i++) {
		struct party *p = &parties[i];

		*p = (struct party){.shared = &sh, .index = i, .s = net.s[i]};
		p->buf = malloc(o.size_max);
		assert_non_null(p->buf);
		assert_int_equal(
		    pthread_create(&p->thread, NULL, burst_main, p), 0);
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(parties[i].thread, NULL);
		add_stats(r, &parties[i], n);
		free(parties[i].buf);
	}
	r->ms = now_ms() - begin;
	net_free(&net);
	return !sh.failed;
}
