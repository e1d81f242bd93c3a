/*
 * The proxy: one thread and poll(2).  Commands come under a mutex and take
 * effect within TICK_MS at most.
 */
#include "tests/faults/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNS_MAX = 256,
	TICK_MS = 5,
	CHUNK = 65536,
	STALL_MS = 400, /* at most, by itself */
	REFUSE_MS = 400,
	HALF_MS = 200,
};

struct pipe {
	uint8_t *buf;
	size_t len, done;
	bool ended; /* end of file read and passed on */
};

struct conn {
	int fd[2]; /* who dialled, and the party; -1: slot is free */
	int route;
	struct pipe pipe[2]; /* pipe[i]: read from fd[i] */
	int64_t stalled_ms;  /* until */
	int64_t end_ms;	     /* reset then; INT64_MAX */
	bool half[2];	     /* fd[i] was shut for writing by us */
	long left;	     /* bytes until reset; -1: no limit */
};

struct route {
	int port, target, fd;
	enum proxy_mode mode;
	int64_t refuse_ms; /* until, by itself */
	long cut_after;
	unsigned n_accepted;
	uint64_t bytes;
};

struct proxy {
	pthread_t thread;
	pthread_mutex_t lock;
	bool started, stop;
	uint64_t random;
	struct route routes[PROXY_ROUTES_MAX];
	int n_routes;
	struct conn conns[CONNS_MAX];
	unsigned n_wanted, n_done, n_of[PROXY_N_FAULTS];
	int min_ms, max_ms;
	int64_t next_ms;
};

static void die(const char *what)
{
	perror(what);
	abort();
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t draw(struct proxy *p, uint64_t below)
{
	p->random = p->random * 6364136223846793005 + 1442695040888963407;
	return (p->random >> 33) % below;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int make_socket(void)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void open_route(struct route *r)
{
	struct sockaddr_in a = loopback(r->port);

	r->fd = make_socket();
	if (bind(r->fd, (struct sockaddr *)&a, sizeof(a)) || listen(r->fd, 64))
		die("listen");
}

static void close_conn(struct conn *c, bool reset)
{
	const struct linger hard = {.l_onoff = 1};

	for (int i = 0; i < 2; i++) {
		if (reset)
			setsockopt(c->fd[i], SOL_SOCKET, SO_LINGER, &hard,
				   sizeof(hard));
		close(c->fd[i]);
		c->fd[i] = -1;
		free(c->pipe[i].buf);
	}
}

static void accept_one(struct proxy *p, int route)
{
	struct route *r = &p->routes[route];
	struct sockaddr_in a = loopback(r->target);
	int fd = accept4(r->fd, NULL, NULL, SOCK_NONBLOCK);
	const int on = 1;
	struct conn *c = NULL;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (int i = 0; !c && i < CONNS_MAX; i++)
		if (p->conns[i].fd[0] < 0)
			c = &p->conns[i];
	if (!c) {
		close(fd);
		return;
	}
	memset(c, 0, sizeof(*c));
	c->route = route;
	c->fd[0] = fd;
	c->fd[1] = make_socket();
	c->end_ms = INT64_MAX;
	c->left = r->cut_after;
	r->cut_after = -1;
	r->n_accepted++;
	for (int i = 0; i < 2; i++)
		if (!(c->pipe[i].buf = malloc(CHUNK)))
			abort();
	if (connect(c->fd[1], (struct sockaddr *)&a, sizeof(a)) &&
	    errno != EINPROGRESS)
		close_conn(c, true);
}

/*
 * Move bytes from fd[i] to the other.  False: the connection is over.
 */
static bool pump(struct proxy *p, struct conn *c, int i, short revents)
{
	struct route *r = &p->routes[c->route];
	struct pipe *q = &c->pipe[i];
	ssize_t n;

	if (q->len == q->done && (revents & (POLLIN | POLLHUP | POLLERR)) &&
	    !q->ended) {
		n = read(c->fd[i], q->buf, CHUNK);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n == 0) {
			q->ended = true;
			shutdown(c->fd[!i], SHUT_WR);
			return !c->pipe[!i].ended;
		}
		q->done = 0;
		q->len = n > 0 ? (size_t)n : 0;
		if (r->mode == PROXY_SWALLOW)
			q->len = 0;
	}
	while (q->done < q->len && !c->half[!i]) {
		size_t len = q->len - q->done;

		if (c->left >= 0 && (size_t)c->left < len)
			len = (size_t)c->left;
		if (len == 0)
			return false; /* as many as were allowed */
		n = send(c->fd[!i], q->buf + q->done, len, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		q->done += (size_t)n;
		r->bytes += (size_t)n;
		if (c->left >= 0)
			c->left -= n;
	}
	if (c->half[!i])
		q->done = q->len;
	return true;
}

/*
 * Faults that happen by themselves
 */

static struct conn *any_conn(struct proxy *p)
{
	int begin = (int)draw(p, CONNS_MAX);

	for (int i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &p->conns[(begin + i) % CONNS_MAX];

		if (c->fd[0] >= 0)
			return c;
	}
	return NULL;
}

static void close_route(struct proxy *p, int route, int64_t until)
{
	struct route *r = &p->routes[route];

	r->refuse_ms = until;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	for (int i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].fd[0] >= 0 && p->conns[i].route == route)
			close_conn(&p->conns[i], true);
}

static void make_fault(struct proxy *p, int64_t now)
{
	enum proxy_fault fault = (enum proxy_fault)draw(p, PROXY_N_FAULTS);
	struct conn *c = any_conn(p);
	int i = (int)draw(p, 2);

	if (!c)
		return; /* nothing to break: a little later */
	switch (fault) {
	case PROXY_FAULT_RESET:
		close_conn(c, true);
		break;
	case PROXY_FAULT_END:
		close_conn(c, false);
		break;
	case PROXY_FAULT_HALF:
		shutdown(c->fd[i], SHUT_WR);
		c->half[i] = true;
		c->end_ms = now + (int64_t)draw(p, HALF_MS);
		break;
	case PROXY_FAULT_STALL:
		c->stalled_ms = now + (int64_t)draw(p, STALL_MS);
		if (i)
			c->end_ms = c->stalled_ms;
		break;
	case PROXY_FAULT_REFUSE:
		close_route(p, c->route, now + (int64_t)draw(p, REFUSE_MS));
		break;
	case PROXY_N_FAULTS:
		break;
	}
	p->n_of[fault]++;
	p->n_done++;
}

static void timers(struct proxy *p, int64_t now)
{
	for (int i = 0; i < p->n_routes; i++) {
		struct route *r = &p->routes[i];

		if (r->mode == PROXY_REFUSE && r->fd >= 0) {
			close(r->fd);
			r->fd = -1;
		}
		if (r->mode != PROXY_REFUSE && r->fd < 0 && r->refuse_ms <= now)
			open_route(r);
	}
	for (int i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].fd[0] >= 0 && p->conns[i].end_ms <= now)
			close_conn(&p->conns[i], true);
	if (p->n_done >= p->n_wanted || now < p->next_ms)
		return;
	make_fault(p, now);
	p->next_ms = now + p->min_ms +
		     (int64_t)draw(p, (uint64_t)(p->max_ms - p->min_ms) + 1);
}

/*
 * The thread
 */

static bool may_move(const struct proxy *p, const struct conn *c, int64_t now)
{
	return c->fd[0] >= 0 && c->stalled_ms <= now &&
	       p->routes[c->route].mode != PROXY_STALL;
}

static void serve(struct proxy *p)
{
	struct pollfd fds[PROXY_ROUTES_MAX + 2 * CONNS_MAX];
	int n_routes = p->n_routes, n = 0;
	int64_t now = now_ms();

	for (int i = 0; i < n_routes; i++)
		fds[n++] =
		    (struct pollfd){.fd = p->routes[i].fd, .events = POLLIN};
	for (int i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &p->conns[i];

		for (int k = 0; k < 2; k++) {
			struct pollfd f = {.fd = -1};

			if (may_move(p, c, now)) {
				const struct pipe *in = &c->pipe[k];
				const struct pipe *out = &c->pipe[!k];

				if (in->len == in->done && !in->ended)
					f.events |= POLLIN;
				if (out->len > out->done)
					f.events |= POLLOUT;
				f.fd = f.events ? c->fd[k] : -1;
			}
			fds[n++] = f;
		}
	}
	pthread_mutex_unlock(&p->lock);
	poll(fds, (nfds_t)n, TICK_MS);
	pthread_mutex_lock(&p->lock);
	now = now_ms();
	for (int i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &p->conns[i];
		const struct pollfd *f = &fds[n_routes + 2 * i];

		/* It may have been cut while the lock was not held. */
		if (!may_move(p, c, now) ||
		    (f[0].fd >= 0 && f[0].fd != c->fd[0]))
			continue;
		for (int k = 0; k < 2 && c->fd[0] >= 0; k++)
			if ((f[0].revents || f[1].revents) &&
			    !pump(p, c, k, f[k].revents))
				close_conn(c, true);
	}
	for (int i = 0; i < n_routes; i++)
		if (fds[i].revents && fds[i].fd == p->routes[i].fd)
			accept_one(p, i);
	timers(p, now);
}

static void *run(void *arg)
{
	struct proxy *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stop)
		serve(p);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/*
 * Commands
 */

struct proxy *proxy_new(uint64_t seed)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	p->random = seed;
	for (int i = 0; i < CONNS_MAX; i++)
		p->conns[i].fd[0] = -1;
	return p;
}

int proxy_route(struct proxy *p, int port, int target)
{
	struct route *r = &p->routes[p->n_routes];

	if (p->n_routes == PROXY_ROUTES_MAX)
		abort();
	*r = (struct route){.port = port, .target = target, .cut_after = -1};
	open_route(r);
	return p->n_routes++;
}

void proxy_start(struct proxy *p)
{
	p->started = true;
	if (pthread_create(&p->thread, NULL, run, p))
		abort();
}

void proxy_set(struct proxy *p, int route, enum proxy_mode mode)
{
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->n_routes; i++)
		if (route == PROXY_ANY || route == i)
			p->routes[i].mode = mode;
	timers(p, now_ms());
	pthread_mutex_unlock(&p->lock);
}

void proxy_cut(struct proxy *p, int route)
{
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].fd[0] >= 0 &&
		    (route == PROXY_ANY || route == p->conns[i].route))
			close_conn(&p->conns[i], true);
	pthread_mutex_unlock(&p->lock);
}

void proxy_cut_after(struct proxy *p, int route, long n_bytes)
{
	pthread_mutex_lock(&p->lock);
	p->routes[route].cut_after = n_bytes;
	pthread_mutex_unlock(&p->lock);
}

void proxy_faults(struct proxy *p, unsigned n, int min_ms, int max_ms)
{
	pthread_mutex_lock(&p->lock);
	p->n_wanted = n;
	p->min_ms = min_ms;
	p->max_ms = max_ms;
	p->next_ms = now_ms();
	pthread_mutex_unlock(&p->lock);
}

unsigned proxy_n_faults(struct proxy *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->n_done;
	pthread_mutex_unlock(&p->lock);
	return n;
}

unsigned proxy_n_faults_of(struct proxy *p, enum proxy_fault fault)
{
	return p->n_of[fault];
}

unsigned proxy_n_accepted(struct proxy *p, int route)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->routes[route].n_accepted;
	pthread_mutex_unlock(&p->lock);
	return n;
}

uint64_t proxy_bytes(struct proxy *p, int route)
{
	uint64_t n;

	pthread_mutex_lock(&p->lock);
	n = p->routes[route].bytes;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void proxy_pass(struct proxy *p)
{
	pthread_mutex_lock(&p->lock);
	p->n_wanted = 0;
	for (int i = 0; i < p->n_routes; i++) {
		p->routes[i].mode = PROXY_PASS;
		p->routes[i].refuse_ms = 0;
	}
	for (int i = 0; i < CONNS_MAX; i++)
		p->conns[i].stalled_ms = 0;
	timers(p, now_ms());
	pthread_mutex_unlock(&p->lock);
}

void proxy_free(struct proxy *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_mutex_unlock(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
	for (int i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].fd[0] >= 0)
			close_conn(&p->conns[i], true);
	for (int i = 0; i < p->n_routes; i++)
		if (p->routes[i].fd >= 0)
			close(p->routes[i].fd);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
