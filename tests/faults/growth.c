/*
 * growth: what a session costs as parties become more.
 *
 *   growth [--mesh LIST] [--join LIST] [--carrier zmtp|libzmq]
 *          [--idle MS] [--json] [--check]
 *
 * mesh: n parties, a process each, over loopback.  Time until all are ready,
 *   memory of a channel (what RSS grows by from the smallest mesh to this one,
 *   for each further channel), and then, while nothing is said: CPU time for
 *   100 channels and how often a process woke up.
 *
 * join: n nodes dial one listener at the same moment.  The listener is a
 *   session of n + 1 parties in a process of its own; the nodes are the real
 *   handshakes and channels, all in one other process, each with a connection
 *   of its own.  Time from a node's dialling to the listener's first record,
 *   which proves the channel; refused is what ended before.  At the end all
 *   nodes say READY, and so the listener's session becomes ready, too.
 *
 * Without --mesh and --join: 2 to 64 parties, and 150, 300, 600 and 1000 nodes.
 * 0 leaves a part out.  --check: exit 1 beyond the limits (32 KiB a channel,
 * 0.1 % of a core, no wake-up of the program's thread, none refused).
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "session/carrier.h"
#include "session/channel.h"
#include "session/handshake.h"
#include "session/session.h"
#include "tests/faults/roster.h"

enum {
	ROWS_MAX = 16,
	SETTLE_MS = 2500, /* twice: ACKs and the like are over then */
	OPEN_TIMEOUT_MS = 120 * 1000,
	CHANNEL_MAX = 32 * 1024, /* bytes */
	CPU_MAX_PPM = 1000,	 /* of a core, for 100 channels */
	CPU_PARTIES_MIN = 8,
};

struct options {
	size_t mesh[ROWS_MAX], n_mesh;
	size_t join[ROWS_MAX], n_join;
	enum parley_carrier carrier;
	int idle_ms;
	bool json, check;
};

static void die(const char *what)
{
	fprintf(stderr, "growth: error: %s\n", what);
	_exit(1);
}

static struct parley_session *begin(const struct roster *r, size_t i,
				    const struct options *o)
{
	struct parley_session_options so;
	struct parley_session *s;

	parley_session_options_init(&so);
	so.carrier = o->carrier;
	so.open_timeout_ms = OPEN_TIMEOUT_MS;
	if (parley_session_new(&s, r->agreement, r->ids[i], &so))
		die(parley_session_error(s));
	return s;
}

/*
 * What a process uses
 */

struct usage {
	double cpu_us;
	long wakes; /* of all threads */
};

static struct usage usage_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (struct usage){
	    .cpu_us = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
	    .wakes = u.ru_nvcsw};
}

/* CPU time of an idle wait as such, which is not the session's. */
static double wait_cost(int ms)
{
	const struct usage u = usage_now();

	poll(NULL, 0, ms);
	return usage_now().cpu_us - u.cpu_us;
}

/* Serve ${s} for ${ms} by its descriptor.  How often was there something? */
static long serve(struct parley_session *s, int ms)
{
	const int64_t until = session_now_ms() + ms;
	struct pollfd fd = {.fd = parley_session_fd(s), .events = POLLIN};
	int64_t left;
	long n = 0;

	if (parley_session_process(s))
		die(parley_session_error(s));
	while ((left = until - session_now_ms()) > 0)
		if (poll(&fd, 1, (int)left) == 1) {
			n++;
			if (parley_session_process(s))
				die(parley_session_error(s));
		}
	return n;
}

/*
 * Meshes
 */

struct board {
	pthread_barrier_t barrier;
	struct {
		int64_t ready_us;
		double rss;
		struct usage idle;
		long polls; /* that found something, while idle */
	} party[ROSTER_MAX];
};

static struct board *board_new(size_t n)
{
	struct board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	if (b == MAP_FAILED || pthread_barrierattr_init(&attr) ||
	    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) ||
	    pthread_barrier_init(&b->barrier, &attr, (unsigned)n))
		die("no shared memory");
	pthread_barrierattr_destroy(&attr);
	return b;
}

static void mesh_party(struct board *b, const struct roster *r, size_t i,
		       const struct options *o)
{
	const double before = roster_rss(getpid()),
		     cost = wait_cost(o->idle_ms);
	struct parley_session *s;
	struct usage u, v;
	int64_t t;

	pthread_barrier_wait(&b->barrier);
	t = session_now_us();
	s = begin(r, i, o);
	if (parley_session_wait(s))
		die(parley_session_error(s));
	b->party[i].ready_us = session_now_us() - t;
	serve(s, SETTLE_MS);
	pthread_barrier_wait(&b->barrier);
	serve(s, SETTLE_MS);
	b->party[i].rss = roster_rss(getpid()) - before;
	u = usage_now();
	b->party[i].polls = serve(s, o->idle_ms);
	v = usage_now();
	/* The last wait of serve() is a wake-up, and not the session's. */
	b->party[i].idle =
	    (struct usage){v.cpu_us - u.cpu_us - cost, v.wakes - u.wakes - 1};
	pthread_barrier_wait(&b->barrier);
	parley_session_free(s);
}

struct mesh_row {
	size_t n;
	double ready_ms; /* the last one */
	double session;	 /* bytes, mean of the parties */
	double channel;	 /* bytes; 0: unknown */
	double cpu_ppm;	 /* of a core, for 100 channels */
	double polls;	 /* a second and party */
	double wakes;	 /* the same, all threads */
};

/* All children of ours; one that failed ends the program. */
static void reap(const pid_t *pids, size_t n)
{
	bool failed = false;
	int status;

	for (size_t left = n; left > 0; left--) {
		const pid_t pid = wait(&status);

		if (pid < 0)
			die("wait");
		if (status == 0 || failed)
			continue;
		failed = true;
		for (size_t i = 0; i < n; i++)
			if (pids[i] != pid)
				kill(pids[i], SIGKILL);
	}
	if (failed)
		die("a party failed");
}

static void run_mesh(struct mesh_row *row, size_t n, const struct options *o)
{
	struct board *b = board_new(n);
	const double s = o->idle_ms * 1e-3;
	pid_t pids[ROSTER_MAX];
	struct roster r;

	roster_init(&r, n, 0);
	for (size_t i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (pids[i] == 0) {
			mesh_party(b, &r, i, o);
			_exit(0);
		}
	}
	reap(pids, n);
	*row = (struct mesh_row){.n = n};
	for (size_t i = 0; i < n; i++) {
		const double ms = (double)b->party[i].ready_us * 1e-3;

		if (ms > row->ready_ms)
			row->ready_ms = ms;
		row->session += b->party[i].rss / (double)n;
		row->cpu_ppm +=
		    b->party[i].idle.cpu_us / s * 100 / (double)(n * (n - 1));
		row->polls += (double)b->party[i].polls / s / (double)n;
		row->wakes += (double)b->party[i].idle.wakes / s / (double)n;
	}
	roster_free(&r);
	munmap(b, sizeof(*b));
}

static bool print_mesh(const struct mesh_row *row, const struct options *o)
{
	/* Of a few channels the clock shows its own errors. */
	const bool good =
	    row->channel <= CHANNEL_MAX && row->polls == 0 &&
	    (row->n < CPU_PARTIES_MIN || row->cpu_ppm <= CPU_MAX_PPM);

	if (o->json)
		printf("{\"what\": \"mesh\", \"parties\": %zu, \"ready_ms\": "
		       "%.1f, \"session_bytes\": %.0f, \"channel_bytes\": "
		       "%.0f, \"idle_cpu_ppm_100\": %.1f, "
		       "\"idle_polls_s\": %.2f, \"idle_wakes_s\": %.2f}\n",
		       row->n, row->ready_ms, row->session, row->channel,
		       row->cpu_ppm, row->polls, row->wakes);
	else
		printf("%8zu %12.1f %12.0f %12.1f %14.4f %12.2f %12.2f%s\n",
		       row->n, row->ready_ms, row->session / 1024,
		       row->channel / 1024, row->cpu_ppm * 1e-4, row->polls,
		       row->wakes, good ? "" : "  over");
	fflush(stdout);
	return good;
}

static bool meshes(const struct options *o)
{
	struct mesh_row first = {0}, row;
	bool good = true;

	if (o->n_mesh > 0 && !o->json)
		printf("%8s %12s %12s %12s %14s %12s %12s\n", "parties",
		       "ready ms", "KiB/session", "KiB/channel",
		       "idle %/100 ch", "polls/s", "wakes/s");
	for (size_t i = 0; i < o->n_mesh; i++) {
		run_mesh(&row, o->mesh[i], o);
		if (first.n == 0)
			first = row;
		else if (row.n > first.n)
			row.channel = (row.session - first.session) /
				      (double)(row.n - first.n);
		good = print_mesh(&row, o) && good;
	}
	return good;
}

/*
 * Joins
 */

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
		       const struct options *o)
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
		die("no carrier");
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
		die("cannot send");
}

static void flush_node(struct crowd *c, struct node *node)
{
	struct session_frame *f;

	if (session_channel_flush(node->channel))
		die("cannot seal");
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
		die("cannot propose");
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
		die("a handshake failed");
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
			die("a bad record");
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
	const int64_t until = session_now_ms() + OPEN_TIMEOUT_MS;
	struct session_carrier_event ev;
	char endpoint[40];
	int err;

	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d",
		 c->r->ports[c->n]);
	for (size_t i = 0; i < c->n; i++) {
		struct node *node = &c->nodes[i];

		node->dialled_us = session_now_us();
		if (session_carrier_dial(c->carrier, endpoint, &node->conn))
			die("cannot dial");
		node->conn->user = node;
	}
	while (c->n_ready + c->n_refused < c->n && session_now_ms() < until) {
		err = session_carrier_next(c->carrier, &ev);
		if (err == PARLEY_ERR_AGAIN)
			err = session_carrier_wait(c->carrier, 100);
		else if (!err)
			crowd_event(c, &ev);
		if (err && err != PARLEY_ERR_AGAIN)
			die("the carrier failed");
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
			die("cannot say READY");
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
static void be_listener(const struct roster *r, const struct options *o, int fd)
{
	struct parley_session *s = begin(r, r->n - 1, o);

	if (write(fd, "l", 1) != 1 || parley_session_wait(s))
		die(parley_session_error(s));
	if (write(fd, "r", 1) != 1)
		die("write");
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
		       const struct options *o)
{
	const char *carrier =
	    o->carrier == PARLEY_CARRIER_LIBZMQ ? "libzmq" : "zmtp";
	int64_t *us = calloc(c->n + 1, sizeof(*us));
	const bool good = ready && c->n_refused == 0;
	size_t n = 0;

	if (!us)
		die("out of memory");
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

static bool run_join(size_t n, const struct options *o)
{
	struct roster r;
	struct crowd c;
	int pipe_fds[2];
	char byte = 0;
	int64_t begun;
	bool good;
	pid_t pid;

	roster_init(&r, n + 1, n);
	if (pipe(pipe_fds) || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		close(pipe_fds[0]);
		be_listener(&r, o, pipe_fds[1]);
		_exit(0);
	}
	close(pipe_fds[1]);
	crowd_init(&c, &r, o);
	if (read(pipe_fds[0], &byte, 1) != 1)
		die("no listener");
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

static bool joins(const struct options *o)
{
	bool good = true;

	if (o->n_join > 0 && !o->json)
		printf("%8s %8s %8s %10s %10s %10s %8s\n", "carrier", "nodes",
		       "refused", "p50 ms", "p99 ms", "all ms", "ready");
	for (size_t i = 0; i < o->n_join; i++)
		good = run_join(o->join[i], o) && good;
	return good;
}

/*
 * Options
 */

static bool parse_list(size_t *list, size_t *np, char *text, size_t min)
{
	char *save, *word, *end;

	*np = 0;
	for (word = strtok_r(text, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		const unsigned long v = strtoul(word, &end, 10);

		if (*end || *np == ROWS_MAX ||
		    (v != 0 && (v < min || v >= ROSTER_MAX)))
			return false;
		if (v != 0)
			list[(*np)++] = v;
	}
	return true;
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
	    {"mesh", required_argument, NULL, 'm'},
	    {"join", required_argument, NULL, 'j'},
	    {"carrier", required_argument, NULL, 'c'},
	    {"idle", required_argument, NULL, 'i'},
	    {"json", no_argument, NULL, 'J'},
	    {"check", no_argument, NULL, 'C'},
	    {0}};
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'm')
			ok = parse_list(o->mesh, &o->n_mesh, optarg, 2);
		else if (c == 'j')
			ok = parse_list(o->join, &o->n_join, optarg, 1);
		else if (c == 'c' && strcmp(optarg, "libzmq") == 0)
			o->carrier = PARLEY_CARRIER_LIBZMQ;
		else if (c == 'c')
			ok = strcmp(optarg, "zmtp") == 0;
		else if (c == 'i')
			ok = (o->idle_ms = atoi(optarg)) > 0;
		else if (c == 'J')
			o->json = true;
		else if (c == 'C')
			o->check = true;
		else
			ok = false;
	}
	return ok && optind == argc;
}

int main(int argc, char **argv)
{
	struct options o = {.mesh = {2, 4, 8, 16, 32, 64},
			    .n_mesh = 6,
			    .join = {150, 300, 600, 1000},
			    .n_join = 4,
			    .idle_ms = 3000};
	struct rlimit files;
	bool good;

	if (!parse(&o, argc, argv)) {
		fprintf(stderr, "usage: growth [--mesh LIST] [--join LIST] "
				"[--carrier zmtp|libzmq] [--idle MS] [--json] "
				"[--check]\n");
		return 2;
	}
	/* 1000 connections are more than most shells allow at first. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (sodium_init() < 0)
		die("libsodium");
	good = meshes(&o);
	good = joins(&o) && good;
	return good || !o.check ? 0 : 1;
}
