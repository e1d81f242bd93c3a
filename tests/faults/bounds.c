/*
 * bounds: what others can make a session use.
 *
 *   bounds [--seconds S] [--strangers N] [--carrier zmtp|libzmq] [--together]
 *          [--json] [--check]
 *
 * reader: one party stops taking messages while the other sends until its
 *   window is full.  Memory of both.
 * strangers: while two parties exchange 64-byte messages, N connections are
 *   opened to the one that listens, and say nothing.
 * flood: while they do, strangers connect as fast as they can, each with a
 *   propose that does not pass the gate.
 * holder, member: the same by those who hold the agreement, and go on with the
 *   handshake as far as they are let: with a key that is not in the roster, and
 *   with that of a party.
 * noise: as much computing by as many processes that does not touch the
 * session, to compare with.
 *
 * Printed are the round trips' p50 and p99 before (`alone`) and in each part,
 * how many handshakes were answered, and processor time and memory of the
 * listening party.  Without options: 2 s, 10,000 strangers.  --together keeps
 * the two parties on one processor; else the kernel moves them as others come
 * and go, and a round trip takes 8 us on one and 50 to 60 us on two, whoever
 * else there is.  --check: exit 1 if memory grew or handshakes were answered
 * beyond the limits, if round trips took much longer than with noise, or the
 * session did not last.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "session/session.h"
#include "session/wire.h"
#include "session/zmtp.h"
#include "tests/faults/roster.h"

enum {
	SIZE = 64,
	LARGE = 64 * 1024,
	WINDOW = 4 * 1024 * 1024,
	SAMPLES_MAX = 1 << 20,
	FLOODERS = 2,
	CROWDS_MAX = 16, /* processes that hold strangers */
	SEND_TIMEOUT_MS = 500,
	LEAVING_MS = 500, /* of the silent ones, before the flood */
	/* Beyond what is expected, which is nothing to speak of. */
	STRANGERS_MEMORY_MAX = 16 * 1024 * 1024,
	PROPOSE_LEN = SESSION_PROPOSE_LEN_MIN + 1, /* two suites */
	REPLY_MAX = 64 * 1024,
	/* p99 of a flood, in p99 of noise, and beyond it: a machine that has
	 * other things to do shifts both, but not by the same. */
	P99_FACTOR = 10,
	P99_MORE_US = 50 * 1000,
};

enum phase {
	ALONE,
	NOISE,
	STRANGERS,
	FLOOD,
	HOLDER,
	MEMBER,
	N_PHASES,
	OVER = N_PHASES
};

static const char *const phase_name[N_PHASES] = {"alone", "noise",  "strangers",
						 "flood", "holder", "member"};

struct options {
	double seconds;
	size_t n_strangers;
	enum parley_carrier carrier;
	bool together, json, check;
};

struct board {
	atomic_int phase;
	atomic_bool running;
	atomic_ulong n_events;	/* of strangers: connections, proposes */
	atomic_ulong n_answers; /* accepts to them */
	size_t n_samples[N_PHASES];
	uint32_t samples[N_PHASES][SAMPLES_MAX]; /* us */
	uint64_t sent;				 /* to the reader, bytes */
};

static void die(const char *what)
{
	fprintf(stderr, "bounds: error: %s\n", what);
	_exit(1);
}

static struct board *board_new(void)
{
	struct board *b =
	    mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (b == MAP_FAILED)
		die("no shared memory");
	return b;
}

static pid_t child(void)
{
	const pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static struct parley_session *open_session(const struct roster *r, size_t i,
					   const struct options *o)
{
	struct parley_session_options so;
	struct parley_session *s;

	parley_session_options_init(&so);
	so.carrier = o->carrier;
	so.send_timeout_ms = SEND_TIMEOUT_MS;
	so.window = WINDOW;
	if (parley_session_open(&s, r->agreement, r->ids[i], &so))
		die(parley_session_error(s));
	return s;
}

/*
 * The party that stops reading
 */

static void serve(struct parley_session *s)
{
	struct pollfd fd = {.fd = parley_session_fd(s), .events = POLLIN};

	if (poll(&fd, 1, 50) < 0 || parley_session_process(s))
		die("a party cannot be served");
}

static void be_reader(const struct roster *r, const struct options *o,
		      struct board *b)
{
	struct parley_session *s = open_session(r, 1, o);

	b->running = true;
	for (;;)
		serve(s);
}

static void be_writer(const struct roster *r, const struct options *o,
		      struct board *b)
{
	struct parley_session *s = open_session(r, 0, o);
	void *msg = calloc(1, LARGE);
	int err;

	while (!(err = parley_session_send(s, 1, msg, LARGE)))
		b->sent += LARGE;
	if (err != PARLEY_ERR_AGAIN)
		die(parley_session_error(s));
	b->phase = OVER;
	for (;;)
		serve(s);
}

static void wait_until(const atomic_bool *flag)
{
	while (!*flag)
		usleep(10000);
}

static bool run_reader(const struct options *o)
{
	struct board *b = board_new();
	double before, after[2];
	struct roster r;
	pid_t pid[2];
	bool good;

	roster_init(&r, 2, 1);
	before = roster_rss(getpid());
	if ((pid[1] = child()) == 0)
		be_reader(&r, o, b);
	if ((pid[0] = child()) == 0)
		be_writer(&r, o, b);
	wait_until(&b->running);
	while (b->phase != OVER) {
		usleep(10000);
		if (waitpid(pid[0], NULL, WNOHANG) != 0 ||
		    waitpid(pid[1], NULL, WNOHANG) != 0)
			die("a party ended");
	}
	for (int i = 0; i < 2; i++) {
		after[i] = roster_rss(pid[i]) - before;
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	/* What is sent lies at the reader, or waits for it here. */
	good = b->sent <= 3 * WINDOW && after[0] <= 4 * WINDOW &&
	       after[1] <= 4 * WINDOW;
	printf(o->json
		   ? "{\"what\": \"reader\", \"window\": %d, \"sent\": %.0f, "
		     "\"sender_bytes\": %.0f, \"reader_bytes\": %.0f}\n"
		   : "peer stops reading: window %d, accepted %.0f bytes, "
		     "memory: sender +%.0f, reader +%.0f bytes\n",
	       WINDOW, (double)b->sent, after[0], after[1]);
	fflush(stdout);
	roster_free(&r);
	munmap(b, sizeof(*b));
	return good;
}

/*
 * A running session
 */

static void stay_together(const struct options *o)
{
	cpu_set_t all, one;
	int cpu = 0;

	CPU_ZERO(&one);
	if (!o->together)
		return;
	if (sched_getaffinity(0, sizeof(all), &all))
		die("no processor");
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		die("cannot choose a processor");
}

static void be_echo(const struct roster *r, const struct options *o)
{
	struct parley_session *s = open_session(r, 1, o);
	const void *msg;
	size_t len;

	stay_together(o);
	while (parley_session_recv(s, 0, NULL, &msg, &len) == 0)
		if (parley_session_send(s, 0, msg, len))
			die(parley_session_error(s));
	parley_session_free(s);
}

static void be_caller(const struct roster *r, const struct options *o,
		      struct board *b)
{
	struct parley_session *s = open_session(r, 0, o);
	uint64_t msg[SIZE / 8] = {0};
	const void *answer;
	size_t len;
	int phase;

	stay_together(o);
	b->running = true;
	for (; (phase = b->phase) != OVER; msg[0]++) {
		const int64_t t = session_now_us();

		if (parley_session_send(s, 1, msg, SIZE) ||
		    parley_session_recv(s, 1, NULL, &answer, &len))
			die(parley_session_error(s));
		if (len != SIZE || memcmp(answer, msg, SIZE) != 0)
			die("an answer is not what was sent");
		if (b->n_samples[phase] < SAMPLES_MAX)
			b->samples[phase][b->n_samples[phase]++] =
			    (uint32_t)(session_now_us() - t);
	}
	if (parley_session_close(s))
		die(parley_session_error(s));
	parley_session_free(s);
}

/*
 * Strangers
 */

static int dial(int port, bool block)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd =
	    socket(AF_INET,
		   SOCK_STREAM | SOCK_CLOEXEC | (block ? 0 : SOCK_NONBLOCK), 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Opens ${n} connections and keeps its ends. */
static void be_silent(int port, size_t n, struct board *b)
{
	for (size_t i = 0; i < n; i++)
		if (dial(port, true) >= 0)
			b->n_events++;
	for (;;)
		pause();
}

/* Greeting, READY and propose in one piece; until they close; again. */
static void be_flooder(int port, struct board *b)
{
	uint8_t m[SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX +
		  SESSION_ZMTP_HEADER_MAX + PROPOSE_LEN];
	uint8_t *propose, sink[256];
	const struct timeval patience = {.tv_usec = 20000};
	const struct linger abort = {.l_onoff = 1};
	size_t len = SESSION_ZMTP_GREETING_LEN;

	session_zmtp_greeting(m);
	len += session_zmtp_make_ready(m + len, SESSION_ZMTP_DEALER);
	len += session_zmtp_make_header(m + len, PROPOSE_LEN);
	propose = m + len;
	len += PROPOSE_LEN;
	for (;;) {
		const int fd = dial(port, true);

		if (fd < 0)
			continue;
		/* libzmq does not close it. */
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		randombytes_buf(propose, PROPOSE_LEN);
		propose[0] = SESSION_WIRE_PROPOSE;
		propose[1] = SESSION_VERSION;
		propose[2 + SESSION_TAG_LEN] = 2;
		if (send(fd, m, len, MSG_NOSIGNAL) == (ssize_t)len) {
			while (read(fd, sink, sizeof(sink)) > 0)
				;
			b->n_events++;
		}
		/* No TIME_WAIT: ports would run out first. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		close(fd);
	}
}

/* The data of the next frame that is no command; 0: none came. */
static size_t read_frame(int fd, uint8_t *p, size_t size)
{
	uint8_t head[9];
	size_t len = 0;

	if (recv(fd, head, 2, MSG_WAITALL) != 2)
		return 0;
	if (head[0] & 2) {
		if (recv(fd, head + 2, 7, MSG_WAITALL) != 7)
			return 0;
		for (int i = 1; i < 9; i++)
			len = len << 8 | head[i];
	} else {
		len = head[1];
	}
	if (len > size || recv(fd, p, len, MSG_WAITALL) != (ssize_t)len)
		return 0;
	return head[0] & 4 ? read_frame(fd, p, size) : len; /* READY */
}

static bool send_frame(int fd, const uint8_t *p, size_t len)
{
	uint8_t head[SESSION_ZMTP_HEADER_MAX];
	const size_t n = session_zmtp_make_header(head, len);

	return send(fd, head, n, MSG_NOSIGNAL | MSG_MORE) == (ssize_t)n &&
	       send(fd, p, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* One handshake with party 1 as ${self} has it; until they close. */
static void shake_hands(int fd, struct session_gate *gate,
			const struct session_handshake_self *self,
			struct board *b)
{
	static uint8_t reply[REPLY_MAX];
	uint8_t m[SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX];
	uint8_t propose[SESSION_PROPOSE_LEN_MAX], *confirm = NULL, byte;
	struct session_handshake_random random;
	struct session_handshake *h = NULL;
	size_t len = SESSION_ZMTP_GREETING_LEN, propose_len, confirm_len;

	session_zmtp_greeting(m);
	len += session_zmtp_make_ready(m + len, SESSION_ZMTP_DEALER);
	randombytes_buf(&random, sizeof(random));
	if (session_handshake_propose(&h, propose, &propose_len, gate, self, 1,
				      &random))
		die("no propose");
	if (send(fd, m, len, MSG_NOSIGNAL) != (ssize_t)len ||
	    !send_frame(fd, propose, propose_len))
		goto out;
	b->n_events++;
	if (recv(fd, m, SESSION_ZMTP_GREETING_LEN, MSG_WAITALL) !=
	    SESSION_ZMTP_GREETING_LEN)
		goto out;
	len = read_frame(fd, reply, sizeof(reply));
	if (len == 0)
		goto out;
	b->n_answers++;
	if (session_handshake_confirm(h, &confirm, &confirm_len, reply, len,
				      &random,
				      session_now_utc_ms() / 1000) == 0 &&
	    send_frame(fd, confirm, confirm_len))
		while (read(fd, &byte, 1) > 0)
			;
out:
	free(confirm);
	session_handshake_free(h);
}

static void be_holder(const struct roster *r, int port, enum phase phase,
		      struct board *b)
{
	const struct linger abort = {.l_onoff = 1};
	const struct timeval patience = {.tv_sec = 1};
	struct session_handshake_self self = {
	    .agreement = r->agreement,
	    .identity = r->ids[0],
	    .n_suites = 1,
	    .suites = {SESSION_SUITE_CHACHA20}};
	struct parley_identity *stranger;
	struct session_gate gate;

	if (parley_did_identity_new(&stranger))
		die("no identity");
	if (phase == HOLDER)
		self.identity = stranger;
	session_gate_init(&gate, r->agreement);
	for (;;) {
		const int fd = dial(port, true);

		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		shake_hands(fd, &gate, &self, b);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		close(fd);
	}
}

static void be_noise(void)
{
	uint8_t buf[4096] = {0};

	for (;;)
		crypto_hash_sha256(buf, buf, sizeof(buf));
}

/* Processes of a phase; returns how many. */
static size_t send_strangers(pid_t *pids, enum phase phase,
			     const struct roster *r, const struct options *o,
			     struct board *b, size_t files)
{
	const int port = r->ports[1];
	size_t n = 0;

	if (phase == STRANGERS)
		for (size_t left = o->n_strangers, some;
		     left > 0 && n < CROWDS_MAX; left -= some) {
			some = left < files ? left : files;
			if ((pids[n++] = child()) == 0)
				be_silent(port, some, b);
		}
	if (phase != STRANGERS && phase != ALONE)
		while (n < FLOODERS)
			if ((pids[n++] = child()) == 0) {
				if (phase == FLOOD)
					be_flooder(port, b);
				if (phase == HOLDER || phase == MEMBER)
					be_holder(r, port, phase, b);
				be_noise();
			}
	return n;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static uint32_t p99_us(struct board *b, enum phase phase)
{
	const size_t n = b->n_samples[phase];

	qsort(b->samples[phase], n, sizeof(b->samples[phase][0]), by_size);
	return n ? b->samples[phase][n * 99 / 100] : 0;
}

/* What of a phase is printed and judged, besides its round trips. */
struct cost {
	double memory, cpu_ms;
	double seconds;
};

static void print_phase(const struct options *o, struct board *b,
			enum phase phase, const struct cost *c)
{
	const size_t n = b->n_samples[phase];
	const uint32_t p99 = p99_us(b, phase);

	printf(o->json
		   ? "{\"what\": \"%s\", \"strangers\": %lu, \"answers\": %lu, "
		     "\"round_trips\": %zu, \"p50_us\": %u, \"p99_us\": %u, "
		     "\"listener_cpu_ms\": %.0f, \"listener_bytes\": %.0f}\n"
		   : "%-10s %10lu %8lu %12zu %8u %8u %8.0f %12.0f\n",
	       phase_name[phase], b->n_events, b->n_answers, n,
	       n ? b->samples[phase][n / 2] : 0, p99, c->cpu_ms, c->memory);
	fflush(stdout);
}

/* Processor time of ${pid} so far: utime and stime of proc(5). */
static double cpu_ms(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f || fscanf(f,
			 "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u "
			 "%*u %*u %lu %lu",
			 &user, &system) != 2)
		die("no processor time");
	fclose(f);
	return (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static bool is_bearable(struct board *b, enum phase phase, const struct cost *c,
			double first)
{
	const double answers_max =
	    SESSION_ANSWERS_BURST + SESSION_ANSWERS_RATE * (c->seconds + 1);

	return b->n_samples[phase] > 0 &&
	       c->memory <= first + STRANGERS_MEMORY_MAX &&
	       b->n_answers <= answers_max &&
	       (phase <= STRANGERS ||
		p99_us(b, phase) <=
		    P99_FACTOR * p99_us(b, NOISE) + P99_MORE_US);
}

static bool run_phase(const struct options *o, struct board *b,
		      enum phase phase, const struct roster *r, pid_t listener,
		      double *firstp)
{
	const int64_t begun = session_now_ms();
	pid_t pids[CROWDS_MAX];
	struct rlimit files;
	struct cost c = {.cpu_ms = -cpu_ms(listener)};
	double memory;
	size_t n;

	getrlimit(RLIMIT_NOFILE, &files);
	b->n_events = b->n_answers = 0;
	b->phase = phase;
	n = send_strangers(pids, phase, r, o, b, (size_t)files.rlim_cur - 16);
	for (const int64_t until = begun + (int64_t)(o->seconds * 1000);
	     session_now_ms() < until ||
	     (phase == STRANGERS && b->n_events < o->n_strangers &&
	      session_now_ms() < until + 60 * 1000);) {
		usleep(20000);
		memory = roster_rss(listener);
		c.memory = memory > c.memory ? memory : c.memory;
	}
	for (size_t i = 0; i < n; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	c.cpu_ms += cpu_ms(listener);
	c.seconds = (double)(session_now_ms() - begun) / 1000;
	if (phase == ALONE)
		*firstp = c.memory;
	else if (phase == STRANGERS)
		usleep(LEAVING_MS * 1000);
	print_phase(o, b, phase, &c);
	return is_bearable(b, phase, &c, *firstp) &&
	       (phase != STRANGERS || b->n_events == o->n_strangers);
}

static bool run_strangers(const struct options *o)
{
	struct board *b = board_new();
	double first = 0;
	pid_t caller, echo;
	struct roster r;
	bool good = true;
	int status;

	roster_init(&r, 2, 1);
	if ((echo = child()) == 0) {
		be_echo(&r, o);
		_exit(0);
	}
	if ((caller = child()) == 0) {
		be_caller(&r, o, b);
		_exit(0);
	}
	wait_until(&b->running);
	if (!o->json)
		printf("%-10s %10s %8s %12s %8s %8s %8s %12s\n", "",
		       "strangers", "answers", "round trips", "p50 us",
		       "p99 us", "CPU ms", "memory");
	for (enum phase phase = 0; phase < N_PHASES; phase++)
		good = run_phase(o, b, phase, &r, echo, &first) && good;
	b->phase = OVER;
	good = waitpid(caller, &status, 0) == caller && status == 0 && good;
	good = waitpid(echo, &status, 0) == echo && status == 0 && good;
	roster_free(&r);
	munmap(b, sizeof(*b));
	return good;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
	    {"seconds", required_argument, NULL, 's'},
	    {"strangers", required_argument, NULL, 'n'},
	    {"carrier", required_argument, NULL, 'c'},
	    {"together", no_argument, NULL, 't'},
	    {"json", no_argument, NULL, 'J'},
	    {"check", no_argument, NULL, 'C'},
	    {0}};
	struct options o = {.seconds = 2, .n_strangers = 10000};
	struct rlimit files;
	bool good;
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 's')
			o.seconds = strtod(optarg, NULL);
		else if (c == 'n')
			o.n_strangers = strtoul(optarg, NULL, 10);
		else if (c == 'c' && strcmp(optarg, "libzmq") == 0)
			o.carrier = PARLEY_CARRIER_LIBZMQ;
		else if (c == 't')
			o.together = true;
		else if (c == 'J')
			o.json = true;
		else if (c == 'C')
			o.check = true;
		else if (c != 'c' || strcmp(optarg, "zmtp") != 0)
			return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (sodium_init() < 0)
		die("libsodium");
	good = run_reader(&o);
	good = run_strangers(&o) && good;
	return good || !o.check ? 0 : 1;
}
