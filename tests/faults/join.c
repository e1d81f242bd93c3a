/*
 * Nodes that join one listener at the same moment; growth.c says more.
 */
#include "tests/faults/growth.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "session/carrier.h"
#include "session/channel.h"
#include "session/handshake.h"
#include "session/session.h"

struct node {
	struct session_conn *conn;
	struct session_handshake_self self;
	struct session_handshake *handshake;
	struct session_channel *channel;
	int64_t dialled_us, ready_us; /* 0: not yet */
};

struct crowd {
	const struct roster *r;
	size_t n; /* the listener's index as well */
	struct session_carrier *carrier;
	struct session_gate gate;
	struct node *nodes;
	uint8_t instance[SESSION_INSTANCE_LEN]; /* of the listener */
	size_t n_ready, n_refused;
};

static void draw(struct session_handshake_random *random)
{
	randombytes_buf(random, sizeof(*random));
}

static void crowd_init(struct crowd *c, const struct roster *r,
		       const struct growth_options *o)
{
	const struct session_carrier_options co = {
	    .n_parties = r->n,
	    .liveness_ms = 30 * 1000,
	    .unresponsive_ms = 60 * 1000,
	    .stranger_max = SESSION_PROPOSE_LEN_MAX,
	    .frame_max = SESSION_RECORD_LEN_MAX};

	memset(c, 0, sizeof(*c));
	c->r = r;
	c->n = r->n - 1;
	c->nodes = calloc(c->n, sizeof(*c->nodes));
	if (!c->nodes || (o->carrier == PARLEY_CARRIER_LIBZMQ
			      ? session_carrier_zmq_new(&c->carrier, &co)
			      : session_carrier_zmtp_new(&c->carrier, &co)))
		growth_die("no carrier");
	session_gate_init(&c->gate, r->agreement);
	for (size_t i = 0; i < c->n; i++) {
		struct session_handshake_self *self = &c->nodes[i].self;

		self->agreement = r->agreement;
		self->identity = r->ids[i];
		self->index = i;
		randombytes_buf(self->instance, sizeof(self->instance));
		self->suites[0] = SESSION_SUITE_AES256;
		self->suites[1] = SESSION_SUITE_CHACHA20;
		self->n_suites = 2;
	}
}

static void send_node(struct crowd *c, struct node *node,
		      struct session_frame *f)
{
	if (!f || session_carrier_send(c->carrier, node->conn, f))
		growth_die("cannot send");
}

static void flush_node(struct crowd *c, struct node *node)
{
	struct session_frame *f;

	if (session_channel_flush(node->channel))
		growth_die("cannot seal");
	while ((f = session_channel_take(node->channel)))
		send_node(c, node, f);
}

static void node_propose(struct crowd *c, struct node *node)
{
	struct session_frame *f = session_frame_new(SESSION_PROPOSE_LEN_MAX);
	struct session_handshake_random random;

	draw(&random);
	if (!f ||
	    session_handshake_propose(&node->handshake, f->data, &f->len,
				      &c->gate, &node->self, c->n, &random))
		growth_die("cannot propose");
	send_node(c, node, f);
}

static void node_confirm(struct crowd *c, struct node *node,
			 const struct session_frame *accept)
{
	const struct session_channel_options co = {
	    .window = 65536, .message_max = 65536, .record_max = 65536};
	struct session_handshake_result result;
	struct session_handshake_random random;
	struct session_frame *f;
	uint8_t *confirm;
	size_t len;

	draw(&random);
	if (session_handshake_confirm(node->handshake, &confirm, &len,
				      accept->data, accept->len, &random,
				      session_now_utc_ms() / 1000) ||
	    session_handshake_result(node->handshake, &result) ||
	    session_channel_new(&node->channel, result.suite, SESSION_INITIATOR,
				&result.traffic, &co))
		growth_die("a handshake failed");
	memcpy(c->instance, result.instance, sizeof(c->instance));
	session_handshake_free(node->handshake);
	node->handshake = NULL;
	f = session_frame_new(len);
	if (f)
		memcpy(f->data, confirm, len);
	free(confirm);
	send_node(c, node, f);
}

/* Frees or passes on the frame of ${ev}. */
static void crowd_event(struct crowd *c, const struct session_carrier_event *ev)
{
	struct node *node = ev->conn->user;

	switch (ev->type) {
	case SESSION_CARRIER_UP:
		node_propose(c, node);
		return;
	case SESSION_CARRIER_DOWN:
		c->n_refused += node->ready_us == 0;
		node->conn = NULL;
		return;
	case SESSION_CARRIER_FRAME:
		break;
	}
	if (node->channel) {
		if (session_channel_receive(node->channel, ev->frame))
			growth_die("a bad record");
		if (node->ready_us == 0 &&
		    session_channel_events(node->channel) &
			SESSION_CHANNEL_FIRST) {
			node->ready_us = session_now_us() - node->dialled_us;
			c->n_ready++;
		}
		return;
	}
	node_confirm(c, node, ev->frame);
	session_frame_free(ev->frame);
}

/* Until all nodes are through, or all time is up. */
static void crowd_join(struct crowd *c)
{
	const int64_t until = session_now_ms() + GROWTH_TIMEOUT_MS;
	struct session_carrier_event ev;
	char endpoint[40];
	int err;

	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 c->r->ports[c->n]);
	for (size_t i = 0; i < c->n; i++) {
		struct node *node = &c->nodes[i];

		node->dialled_us = session_now_us();
		if (session_carrier_dial(c->carrier, endpoint, &node->conn))
			growth_die("cannot dial");
		node->conn->user = node;
	}
	while (c->n_ready + c->n_refused < c->n && session_now_ms() < until) {
		err = session_carrier_next(c->carrier, &ev);
		if (err == PARLEY_ERR_AGAIN)
			err = session_carrier_wait(c->carrier, NULL, 100);
		else if (!err)
			crowd_event(c, &ev);
		if (err && err != PARLEY_ERR_AGAIN)
			growth_die("the carrier failed");
	}
	c->n_refused = c->n - c->n_ready;
}

/* PROTOCOL 7.3: all nodes say READY. */
static void crowd_ready(struct crowd *c)
{
	static const char label[] = "parley instances 1";
	const uint32_t n = (uint32_t)c->r->n;
	const uint8_t be[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16),
			       (uint8_t)(n >> 8), (uint8_t)n};
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN], digest[SESSION_HASH_LEN];
	crypto_hash_sha256_state st;

	parley_session_agreement_hash(c->r->agreement, hash);
	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, (const uint8_t *)label, strlen(label));
	crypto_hash_sha256_update(&st, hash, sizeof(hash));
	crypto_hash_sha256_update(&st, be, sizeof(be));
	for (size_t i = 0; i < c->n; i++)
		crypto_hash_sha256_update(&st, c->nodes[i].self.instance,
					  SESSION_INSTANCE_LEN);
	crypto_hash_sha256_update(&st, c->instance, SESSION_INSTANCE_LEN);
	crypto_hash_sha256_final(&st, digest);
	for (size_t i = 0; i < c->n; i++) {
		if (session_channel_control(c->nodes[i].channel,
					    SESSION_ITEM_READY, digest,
					    sizeof(digest)))
			growth_die("cannot say READY");
		flush_node(c, &c->nodes[i]);
	}
}

static void crowd_free(struct crowd *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct node *node = &c->nodes[i];

		if (node->conn)
			session_carrier_hangup(c->carrier, node->conn);
		session_handshake_free(node->handshake);
		session_channel_free(node->channel);
	}
	session_carrier_free(c->carrier, 0);
	session_gate_wipe(&c->gate);
	free(c->nodes);
}

/* Tells at ${fd} that it listens, and again when it is ready. */
static void be_listener(const struct roster *r, const struct growth_options *o,
			int fd)
{
	struct parley_session *s = growth_begin(r, r->n - 1, o);

	if (write(fd, "l", 1) != 1 || parley_session_wait(s))
		growth_die(parley_session_error(s));
	if (write(fd, "r", 1) != 1)
		growth_die("write");
	parley_session_free(s);
}

static int by_size(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static bool print_join(const struct crowd *c, bool ready, int64_t all_us,
		       const struct growth_options *o)
{
	const char *carrier =
	    o->carrier == PARLEY_CARRIER_LIBZMQ ? "libzmq" : "zmtp";
	int64_t *us = calloc(c->n + 1, sizeof(*us));
	const bool good = ready && c->n_refused == 0;
	size_t n = 0;

	if (!us)
		growth_die("out of memory");
	for (size_t i = 0; i < c->n; i++)
		if (c->nodes[i].ready_us > 0)
			us[n++] = c->nodes[i].ready_us;
	qsort(us, n, sizeof(*us), by_size);
	printf(o->json ? "{\"what\": \"join\", \"carrier\": \"%s\", "
			 "\"nodes\": %zu, \"refused\": %zu, \"p50_ms\": %.1f, "
			 "\"p99_ms\": %.1f, \"all_ms\": %.1f, \"ready\": %s}\n"
		       : "%8s %8zu %8zu %10.1f %10.1f %10.1f %8s\n",
	       carrier, c->n, c->n_refused, (double)us[n / 2] * 1e-3,
	       (double)us[n * 99 / 100] * 1e-3, (double)all_us * 1e-3,
	       o->json ? (ready ? "true" : "false") : (ready ? "yes" : "no"));
	fflush(stdout);
	free(us);
	return good;
}

static bool run_join(size_t n, const struct growth_options *o)
{
	struct roster r;
	struct crowd c;
	int pipe_fds[2];
	char byte = 0;
	int64_t begun;
	bool good;
	pid_t pid;

	roster_init(&r, n + 1, n);
	if (pipe(pipe_fds))
		growth_die("pipe");
	pid = fork();
	if (pid < 0)
		growth_die("fork");
	if (pid == 0) {
		close(pipe_fds[0]);
		be_listener(&r, o, pipe_fds[1]);
		_exit(0);
	}
	close(pipe_fds[1]);
	crowd_init(&c, &r, o);
	if (read(pipe_fds[0], &byte, 1) != 1)
		growth_die("no listener");
	begun = session_now_us();
	crowd_join(&c);
	byte = 0;
	if (c.n_refused == 0) {
		crowd_ready(&c);
		if (read(pipe_fds[0], &byte, 1) != 1)
			byte = 0;
	} else {
		kill(pid, SIGKILL);
	}
	good = print_join(&c, byte == 'r', session_now_us() - begun, o);
	crowd_free(&c);
	close(pipe_fds[0]);
	waitpid(pid, NULL, 0);
	roster_free(&r);
	return good;
}

bool growth_joins(const struct growth_options *o)
{
	bool good = true;

	if (o->n_join > 0 && !o->json)
		printf("%8s %8s %8s %10s %10s %10s %8s\n", "carrier", "nodes",
		       "refused", "p50 ms", "p99 ms", "all ms", "ready");
	for (size_t i = 0; i < o->n_join; i++)
		good = run_join(o->join[i], o) && good;
	return good;
}
