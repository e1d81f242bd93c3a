/*
 * The carrier that speaks ZMTP itself (zmtp.c) over TCP, or on one machine over
 * unix-domain sockets (ipc://), in the caller's thread: no hidden queue, no
 * hand-over to another thread, and nothing that a stranger sends reaches code
 * that is not ours.
 *
 * Every connection is in one epoll set.  A stranger's connection may send one
 * small frame within a bounded time; of too many such connections the oldest
 * is closed.  An accepted connection that the user gives up is closed, too.
 *
 * Who is alive: the kernel's keepalive notices a network or a host that is
 * gone, also while both programs compute; ZMTP's PING notices a program that
 * does not call its library for a long time.
 */
#include "session/carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <parley/err.h>

#include "session/wire.h"
#include "session/zmtp.h"

enum {
	EPOLL_BATCH = 64,
	LISTENERS_MAX = 16,
	BACKLOG = 1024,
	STAGING_LEN = 64 * 1024, /* one read, shared by all connections */
	STRANGER_READ = 4096,	 /* one read of a stranger: short turns */
	DIRECT_MIN = 4096, /* a frame's rest from here on is read in place */
	BEHIND_READ = 256, /* and of what follows it only so much staged */
	IOV_MAX_USED = 64,
	CONNECT_TIMEOUT_MS = 5000,
	GREETING_TIMEOUT_MS = 5000,
	STRANGER_TIMEOUT_MS = 10 * 1000, /* for the first frame */
	STRANGERS_MAX = 256,		 /* and the number of parties */
	ACCEPT_PAUSE_MS = 100, /* when there are no descriptors left */
	PROBES_UNANSWERED = 3, /* of a closed window */
	CONTROL_MAX = 8,       /* unsent commands of a connection */
	READS_MAX = 16,	       /* before others are polled */
	TURNS_MAX = 16,	       /* such rounds without an event in one call */
	AWAY_MS = 50, /* longer ago polled: sockets come before timers */
	WATCH_MS = 2, /* a wait in one connection alone: a tick of the kernel */
	WATCH_MIN_MS = 10, /* ... is part of a wait of at least this */
	WATCHES_MAX = 32,  /* in a row, before everybody is waited for */
	WATCH_PAUSE = 64,  /* frames, after a wait in vain */
};

enum state { CONNECTING, GREETING, UP, OVER };

/* A piece to be sent: a command, or a message and its header. */
struct piece {
	struct piece *next;
	struct session_frame *frame; /* or NULL */
	size_t head_len, done;
	uint8_t head[SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX];
};

struct conn {
	struct session_conn base;
	struct conn *next, **prev; /* on carrier.conns, oldest first */
	struct conn *listed_next;
	struct conn *dead;
	struct addrinfo *addresses, *address; /* dialled: those to try */
	int fd;
	enum state state;
	bool listed;   /* to be read */
	bool stranger; /* accepted, and not trusted yet */
	bool writing;  /* waits for EPOLLOUT */
	bool closing;  /* hung up: close once all is sent */
	bool sent;     /* since the network was found in order last */
	bool mute;     /* writing failed: what came before is still read */
	bool watched;  /* its descriptor blocks, for WATCH_MS */
	unsigned watch_pause; /* frames until it is watched again */
	int64_t deadline_ms;
	int64_t heard_ms;  /* last byte */
	int64_t pinged_ms; /* PING sent since; 0: none */
	unsigned n_control;
	struct session_zmtp zmtp;
	const char *broken;	     /* to be ended, for this reason */
	struct session_frame *frame; /* being read */
	size_t frame_done;
	struct piece *head, **tail;
};

struct carrier {
	struct session_carrier base;
	struct session_carrier_options o;
	int epoll_fd;
	int wake_fd; /* in epoll_fd: readable while bytes are staged */
	bool awake;
	bool fresh;	  /* polled since next() found nothing last */
	int n_reads;	  /* since the last poll */
	int n_watches;	  /* since the last poll */
	size_t n_writing; /* connections that wait for EPOLLOUT */
	int64_t heard_ms; /* when timers were due, and sockets polled before */
	int listeners[LISTENERS_MAX];
	size_t n_listeners;
	int64_t accept_ms; /* accepting is paused until then; 0: it is not */
	struct conn *conns, **conns_tail;
	size_t n_strangers;
	struct conn *listed, **listed_tail;
	struct conn *dead;
	struct conn *staged; /* of whom unparsed bytes are in staging */
	size_t staged_at, staged_len;
	int64_t next_timer_ms;
	uint8_t staging[STAGING_LEN];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wake_at(struct carrier *c, int64_t ms)
{
	if (ms < c->next_timer_ms)
		c->next_timer_ms = ms;
}

/*
 * Lists
 */

static void list_conn(struct carrier *c, struct conn *conn)
{
	if (conn->listed)
		return;
	conn->listed = true;
	conn->listed_next = NULL;
	*c->listed_tail = conn;
	c->listed_tail = &conn->listed_next;
}

static void unlist_conn(struct carrier *c, struct conn *conn)
{
	struct conn **p = &c->listed;

	if (!conn->listed)
		return;
	while (*p != conn)
		p = &(*p)->listed_next;
	*p = conn->listed_next;
	if (!*p)
		c->listed_tail = p;
	conn->listed = false;
}

/* Nothing more can go over ${conn}: it ends when its turn comes. */
static void set_broken(struct carrier *c, struct conn *conn, const char *reason)
{
	conn->broken = reason;
	list_conn(c, conn);
}

static struct conn *conn_new(struct carrier *c, bool dialled)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->base.dialled = dialled;
	conn->fd = -1;
	conn->tail = &conn->head;
	conn->prev = c->conns_tail;
	*c->conns_tail = conn;
	c->conns_tail = &conn->next;
	session_zmtp_init(&conn->zmtp,
			  dialled ? SESSION_ZMTP_DEALER : SESSION_ZMTP_ROUTER,
			  dialled ? c->o.frame_max : c->o.stranger_max);
	return conn;
}

static void piece_free(struct piece *p)
{
	session_frame_free(p->frame);
	free(p);
}

static void set_trusted(struct carrier *c, struct conn *conn)
{
	if (conn->stranger)
		c->n_strangers--;
	conn->stranger = false;
}

static void set_writing(struct carrier *c, struct conn *conn, bool on)
{
	if (conn->writing == on)
		return;
	conn->writing = on;
	c->n_writing += on ? 1 : (size_t)-1;
}

/*
 * Close ${fd}.  It leaves the epoll set before: closing alone would leave it
 * there, with a pointer to freed memory, if a forked process has it, too.
 */
static void close_watched(const struct carrier *c, int fd)
{
	epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

/* Unread bytes would make the kernel drop what we sent last: they are read away
 * first. */
static void close_gently(const struct carrier *c, int fd)
{
	uint8_t sink[4096];

	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 64; i++)
		if (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) <= 0)
			break;
	close_watched(c, fd);
}

/* Close what ${conn} has; it stays on the list of the dead for a moment. */
static void conn_close(struct carrier *c, struct conn *conn)
{
	struct piece *p;

	if (conn->state == OVER)
		return;
	conn->state = OVER;
	set_writing(c, conn, false);
	set_trusted(c, conn);
	unlist_conn(c, conn);
	if (c->staged == conn)
		c->staged = NULL;
	if (conn->fd >= 0)
		close_gently(c, conn->fd);
	conn->fd = -1;
	if (conn->addresses)
		freeaddrinfo(conn->addresses);
	conn->addresses = NULL;
	session_frame_free(conn->frame);
	conn->frame = NULL;
	while ((p = conn->head)) {
		conn->head = p->next;
		piece_free(p);
	}
	conn->tail = &conn->head;
	conn->dead = c->dead;
	c->dead = conn;
}

static void free_dead(struct carrier *c)
{
	struct conn *conn;

	while ((conn = c->dead)) {
		c->dead = conn->dead;
		*conn->prev = conn->next;
		if (conn->next)
			conn->next->prev = conn->prev;
		else
			c->conns_tail = conn->prev;
		free(conn);
	}
}

/*
 * Sockets
 */

static bool set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Every option of a connection, each with its reason. */
static void set_options(const struct carrier *c, int fd)
{
	const int beat_s =
	    c->o.liveness_ms / 3000 > 0 ? c->o.liveness_ms / 3000 : 1;

	/* Records are whole when they are written: nothing is to wait. */
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* The kernel asks after an idle other end, and gives up after two
	 * unanswered questions.  What was sent and not acknowledged is looked
	 * after in check_network(): TCP_USER_TIMEOUT would also end a
	 * connection whose other end is busy and does not read. */
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, beat_s);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, beat_s);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
}

/*
 * "tcp://host:port": its addresses, to be freed by freeaddrinfo().  "*" is
 * every address of this machine.
 */
static int resolve(struct addrinfo **list, const char *endpoint, bool listening)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = listening ? AI_PASSIVE : 0};
	char host[256];
	const char *port, *begin = endpoint + strlen("tcp://");
	size_t len;

	if (strncmp(endpoint, "tcp://", strlen("tcp://")) != 0 ||
	    !(port = strrchr(begin, ':')))
		return PARLEY_ERR_ENDPOINT;
	len = (size_t)(port - begin);
	if (len >= 2 && begin[0] == '[' && begin[len - 1] == ']') {
		begin++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host))
		return PARLEY_ERR_ENDPOINT;
	memcpy(host, begin, len);
	host[len] = '\0';
	if (getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port + 1, &hints,
			list))
		return PARLEY_ERR_ENDPOINT;
	return 0;
}

static int watch(struct carrier *c, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = {.events = events, .data.ptr = ptr};

	return epoll_ctl(c->epoll_fd, op, fd, &ev) ? PARLEY_ERR_SYSTEM : 0;
}

static int listen_at(struct carrier *c, const struct addrinfo *ai)
{
	int fd, err = PARLEY_ERR_SYSTEM;

	if (c->n_listeners == LISTENERS_MAX)
		return PARLEY_ERR_TOO_LARGE;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return err;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (ai->ai_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	/* Mode 0600 before anybody can connect. */
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) ||
	    (ai->ai_family == AF_UNIX &&
	     chmod(((struct sockaddr_un *)ai->ai_addr)->sun_path, 0600)) ||
	    listen(fd, BACKLOG)) {
		err = errno == EADDRINUSE      ? PARLEY_ERR_ADDRESS_IN_USE
		      : errno == EADDRNOTAVAIL ? PARLEY_ERR_ENDPOINT
					       : PARLEY_ERR_SYSTEM;
		goto out;
	}
	err =
	    watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, &c->listeners[c->n_listeners]);
	if (err)
		goto out;
	c->listeners[c->n_listeners++] = fd;
	return 0;
out:
	close(fd);
	return err;
}

static const char ipc_prefix[] = "ipc://";

static bool is_ipc(const char *endpoint)
{
	return strncmp(endpoint, ipc_prefix, strlen(ipc_prefix)) == 0;
}

/* "ipc://path" as an address; the path is as long as the kernel takes it. */
static int ipc_address(struct addrinfo *ai, struct sockaddr_un *un,
		       const char *endpoint)
{
	const char *path = endpoint + strlen(ipc_prefix);

	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] == '\0' || strlen(path) >= sizeof(un->sun_path))
		return PARLEY_ERR_ENDPOINT;
	memcpy(un->sun_path, path, strlen(path));
	*ai = (struct addrinfo){.ai_family = AF_UNIX,
				.ai_addr = (struct sockaddr *)un,
				.ai_addrlen = sizeof(*un)};
	return 0;
}

static bool is_unix(int fd)
{
	struct sockaddr a;
	socklen_t len = sizeof(a);

	return getsockname(fd, &a, &len) == 0 && a.sa_family == AF_UNIX;
}

/* Of ipc: is the other end a process of this user, or of root? */
static bool is_own_user(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static int zmtp_listen(struct session_carrier *base, const char *endpoint)
{
	struct carrier *c = (struct carrier *)base;
	struct addrinfo *list, *ai, ipc;
	struct sockaddr_un un;
	int err;

	if (is_ipc(endpoint)) {
		err = ipc_address(&ipc, &un, endpoint);
		return err ? err : listen_at(c, &ipc);
	}
	err = resolve(&list, endpoint, true);
	if (err)
		return err;
	err = PARLEY_ERR_ENDPOINT;
	for (ai = list; ai && err == PARLEY_ERR_ENDPOINT; ai = ai->ai_next)
		err = listen_at(c, ai);
	freeaddrinfo(list);
	return err;
}

/*
 * Sending
 */

/* Bytes of ${p} that are still to go, as at most two vectors. */
static int piece_vectors(const struct piece *p, struct iovec *iov)
{
	size_t frame_len = p->frame ? p->frame->len : 0;
	int n = 0;

	if (p->done < p->head_len)
		iov[n++] =
		    (struct iovec){(uint8_t *)(uintptr_t)p->head + p->done,
				   p->head_len - p->done};
	if (frame_len > 0) {
		size_t done = p->done > p->head_len ? p->done - p->head_len : 0;

		iov[n++] =
		    (struct iovec){p->frame->data + done, frame_len - done};
	}
	return n;
}

/* ${n} bytes of the queue have left. */
static void written(struct conn *conn, size_t n)
{
	while (n > 0) {
		struct piece *p = conn->head;
		size_t left =
		    p->head_len + (p->frame ? p->frame->len : 0) - p->done;

		if (n < left) {
			p->done += n;
			return;
		}
		n -= left;
		conn->head = p->next;
		if (!conn->head)
			conn->tail = &conn->head;
		if (!p->frame && conn->n_control > 0)
			conn->n_control--;
		if (p->frame)
			conn->base.queued -= p->frame->len;
		piece_free(p);
	}
}

/*
 * Writing failed: the other end is gone.  What it sent before is still to be
 * read; the end of that is the end of the connection.
 */
static void go_mute(struct carrier *c, struct conn *conn)
{
	struct piece *p;

	conn->mute = true;
	while ((p = conn->head)) {
		conn->head = p->next;
		piece_free(p);
	}
	conn->tail = &conn->head;
	conn->n_control = 0;
	conn->base.queued = 0;
	list_conn(c, conn);
}

static void want_write(struct carrier *c, struct conn *conn, bool on)
{
	if (conn->writing == on)
		return;
	set_writing(c, conn, on);
	watch(c, EPOLL_CTL_MOD, conn->fd, on ? EPOLLIN | EPOLLOUT : EPOLLIN,
	      conn);
}

/* Write what can be written. */
static void write_out(struct carrier *c, struct conn *conn)
{
	struct iovec iov[IOV_MAX_USED];
	struct msghdr msg = {.msg_iov = iov};
	ssize_t n;

	while (conn->head) {
		int n_iov = 0;

		for (struct piece *p = conn->head;
		     p && n_iov + 2 <= IOV_MAX_USED; p = p->next)
			n_iov += piece_vectors(p, iov + n_iov);
		msg.msg_iovlen = (size_t)n_iov;
		n = sendmsg(conn->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			want_write(c, conn, true);
			return;
		}
		if (n < 0)
			go_mute(c, conn);
		else
			written(conn, (size_t)n);
	}
	want_write(c, conn, false);
}

static struct piece *piece_new(struct conn *conn)
{
	struct piece *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->next = NULL;
	p->frame = NULL;
	p->head_len = p->done = 0;
	*conn->tail = p;
	conn->tail = &p->next;
	return p;
}

/* Send a message in one call, without a piece, if nothing waits before it. */
static ssize_t write_now(struct conn *conn, const uint8_t *head,
			 size_t head_len, const struct session_frame *f)
{
	const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	struct iovec iov[2] = {{(uint8_t *)(uintptr_t)head, head_len},
			       {f->data, f->len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (conn->head)
		return 0;
	if (session_frame_has_headroom(f)) {
		uint8_t *begin = f->data - head_len;

		memcpy(begin, head, head_len);
		do
			n = send(conn->fd, begin, head_len + f->len, flags);
		while (n < 0 && errno == EINTR);
	} else {
		do
			n = sendmsg(conn->fd, &msg, flags);
		while (n < 0 && errno == EINTR);
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}

/* When the network is to be looked at while something is under way. */
static int network_beat(const struct carrier *c)
{
	return c->o.liveness_ms / 3 + 1;
}

static int zmtp_send(struct session_carrier *base,
		     struct session_conn *conn_base,
		     struct session_frame *frame)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn = (struct conn *)conn_base;
	uint8_t head[SESSION_ZMTP_HEADER_MAX];
	struct piece *p;
	size_t head_len;
	ssize_t n;

	if (conn->state != UP || conn->closing || conn->broken) {
		session_frame_free(frame);
		return PARLEY_ERR_LOST;
	}
	if (conn->mute) {
		session_frame_free(frame);
		return 0; /* DOWN follows */
	}
	if (!conn->sent) {
		conn->sent = true;
		wake_at(c, now_ms() + network_beat(c));
	}
	head_len = session_zmtp_make_header(head, frame->len);
	n = write_now(conn, head, head_len, frame);
	if (n < 0)
		go_mute(c, conn);
	if (n < 0 || (size_t)n == head_len + frame->len) {
		session_frame_free(frame);
		return 0;
	}
	p = piece_new(conn);
	if (!p) {
		/* A message is lost, or half of one is out. */
		set_broken(c, conn, "out of memory");
		session_frame_free(frame);
		return PARLEY_ERR_LOST;
	}
	memcpy(p->head, head, head_len);
	p->head_len = head_len;
	p->frame = frame;
	p->done = (size_t)n;
	conn->base.queued += frame->len;
	want_write(c, conn, true);
	return 0;
}

/* A command; a peer that does not read gets no more than a few. */
static int send_control(struct carrier *c, struct conn *conn,
			const uint8_t *bytes, size_t len)
{
	struct piece *p;

	if (conn->n_control >= CONTROL_MAX || conn->mute)
		return 0;
	p = piece_new(conn);
	if (!p)
		return PARLEY_ERR_LOST;
	memcpy(p->head, bytes, len);
	p->head_len = len;
	conn->n_control++;
	write_out(c, conn);
	return 0;
}

/* Greeting and READY in one flight: neither depends on the other side. */
static int send_greeting(struct carrier *c, struct conn *conn)
{
	uint8_t out[SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX];
	size_t len = SESSION_ZMTP_GREETING_LEN;

	session_zmtp_greeting(out);
	len += session_zmtp_make_ready(out + len, conn->zmtp.type);
	return send_control(c, conn, out, len);
}

/*
 * Dialling and accepting
 */

static void set_deadline(struct carrier *c, struct conn *conn, int ms)
{
	conn->deadline_ms = now_ms() + ms;
	wake_at(c, conn->deadline_ms);
}

/* Begin to connect to the next address; PARLEY_ERR_LOST if none is left. */
static int connect_next(struct carrier *c, struct conn *conn)
{
	while (conn->address) {
		const struct addrinfo *ai = conn->address;

		conn->address = ai->ai_next;
		if (conn->fd >= 0)
			close_watched(c, conn->fd);
		conn->fd =
		    socket(ai->ai_family,
			   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (conn->fd < 0)
			continue;
		set_options(c, conn->fd);
		if (connect(conn->fd, ai->ai_addr, ai->ai_addrlen) &&
		    errno != EINPROGRESS)
			continue;
		set_writing(c, conn, true);
		if (watch(c, EPOLL_CTL_ADD, conn->fd, EPOLLIN | EPOLLOUT, conn))
			continue;
		set_deadline(c, conn, CONNECT_TIMEOUT_MS);
		return 0;
	}
	return PARLEY_ERR_LOST;
}

static int zmtp_dial(struct session_carrier *base, const char *endpoint,
		     struct session_conn **connp)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn = conn_new(c, true);
	struct addrinfo ipc;
	struct sockaddr_un un;
	int err;

	if (!conn)
		return PARLEY_ERR_MEMORY;
	conn->state = CONNECTING;
	err = is_ipc(endpoint) ? ipc_address(&ipc, &un, endpoint)
			       : resolve(&conn->addresses, endpoint, false);
	if (err) {
		conn_close(c, conn);
		return err;
	}
	conn->address = is_ipc(endpoint) ? &ipc : conn->addresses;
	err = connect_next(c, conn);
	if (is_ipc(endpoint))
		conn->address = NULL; /* was the only one */
	if (err) {
		/* Refused at once; the user hears of it by DOWN. */
		conn->deadline_ms = 0;
		wake_at(c, 0);
	}
	*connp = &conn->base;
	return 0;
}

/* The socket is connected, or it failed to. */
static int finish_connect(struct carrier *c, struct conn *conn)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error)
		return connect_next(c, conn);
	if (conn->addresses)
		freeaddrinfo(conn->addresses);
	conn->addresses = conn->address = NULL;
	conn->state = GREETING;
	set_deadline(c, conn, GREETING_TIMEOUT_MS);
	return send_greeting(c, conn);
}

/* Too many that have proven nothing: the oldest one goes. */
static void limit_strangers(struct carrier *c)
{
	struct conn *conn;

	if (c->n_strangers < STRANGERS_MAX + c->o.n_parties)
		return;
	for (conn = c->conns; conn; conn = conn->next)
		if (conn->stranger && conn->base.user == NULL) {
			conn_close(c, conn);
			return;
		}
}

static void pause_accepting(struct carrier *c)
{
	c->accept_ms = now_ms() + ACCEPT_PAUSE_MS;
	wake_at(c, c->accept_ms);
	for (size_t i = 0; i < c->n_listeners; i++)
		watch(c, EPOLL_CTL_MOD, c->listeners[i], 0, &c->listeners[i]);
}

static void resume_accepting(struct carrier *c)
{
	c->accept_ms = 0;
	for (size_t i = 0; i < c->n_listeners; i++)
		watch(c, EPOLL_CTL_MOD, c->listeners[i], EPOLLIN,
		      &c->listeners[i]);
}

static void accept_some(struct carrier *c, int listener)
{
	const bool ipc = is_unix(listener);

	for (int i = 0; i < EPOLL_BATCH; i++) {
		struct conn *conn;
		int fd =
		    accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			/* Out of descriptors: not at every turn again. */
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				pause_accepting(c);
			return;
		}
		conn = NULL;
		if (!ipc || is_own_user(fd)) {
			limit_strangers(c);
			conn = conn_new(c, false);
		}
		if (!conn) {
			close(fd);
			continue;
		}
		conn->fd = fd;
		conn->state = GREETING;
		conn->stranger = true;
		c->n_strangers++;
		set_options(c, fd);
		set_deadline(c, conn, STRANGER_TIMEOUT_MS);
		if (watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, conn) ||
		    send_greeting(c, conn))
			conn_close(c, conn);
	}
}

static void zmtp_trust(struct session_carrier *base,
		       struct session_conn *conn_base, size_t frame_max)
{
	struct conn *conn = (struct conn *)conn_base;

	set_trusted((struct carrier *)base, conn);
	wake_at((struct carrier *)base, 0); /* it is to be pinged now */
	conn->zmtp.frame_max = frame_max;
	wake_at((struct carrier *)base, 0);
}

static void zmtp_hangup(struct session_carrier *base,
			struct session_conn *conn_base)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn = (struct conn *)conn_base;

	conn->base.user = NULL;
	if (conn->state == OVER || conn->closing)
		return;
	/* What was just sent (an abort, say) gets a moment to leave. */
	if (conn->state == UP && conn->head)
		write_out(c, conn);
	if (conn->state == UP && conn->head) {
		conn->closing = true;
		set_deadline(c, conn, 1000);
		return;
	}
	conn_close(c, conn);
}

/*
 * Receiving
 */

static void down(struct carrier *c, struct session_carrier_event *ev,
		 struct conn *conn, const char *reason)
{
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_DOWN,
					     .conn = &conn->base,
					     .reason = reason};
	conn_close(c, conn);
}

/* Results of the steps below, besides errors. */
enum { NOTHING = 1, EVENT = 2 };

/* End ${conn}: an event, unless nobody knows it or cares any more. */
static int end(struct carrier *c, struct session_carrier_event *ev,
	       struct conn *conn, const char *reason)
{
	if (conn->closing || (!conn->base.dialled && !conn->base.user)) {
		conn_close(c, conn);
		return NOTHING;
	}
	down(c, ev, conn, reason);
	return EVENT;
}

static int frame_event(struct carrier *c, struct session_carrier_event *ev,
		       struct conn *conn)
{
	if (c->staged && c->staged_at == c->staged_len)
		c->staged = NULL;
	conn->deadline_ms = INT64_MAX; /* the user's affair from now on */
	if (conn->watch_pause > 0)
		conn->watch_pause--;
	*ev = (struct session_carrier_event){.type = SESSION_CARRIER_FRAME,
					     .conn = &conn->base,
					     .frame = conn->frame};
	conn->frame = NULL;
	return EVENT;
}

/* Memory for a frame.  Strangers do not get the large buffers of the pool. */
static struct session_frame *new_frame(const struct carrier *c,
				       const struct conn *conn, size_t len)
{
	struct session_frame *f;
	size_t size = c->o.pool ? session_frame_pool_size(c->o.pool) : 0;

	if (!c->o.pool || conn->stranger || len > size || len < size / 4)
		return session_frame_new(len);
	f = session_frame_pool_get(c->o.pool);
	if (f)
		f->len = len;
	return f;
}

/* Parse staged bytes of ${conn} up to the next event. */
static int parse_staged(struct carrier *c, struct session_carrier_event *ev,
			struct conn *conn)
{
	uint8_t pong[SESSION_ZMTP_READY_MAX];
	const uint8_t *p;
	size_t len, n;

	while (c->staged == conn && c->staged_at < c->staged_len) {
		p = c->staging + c->staged_at;
		len = c->staged_len - c->staged_at;
		if (conn->frame) {
			n = conn->frame->len - conn->frame_done;
			if (n > len)
				n = len;
			memcpy(conn->frame->data + conn->frame_done, p, n);
			conn->frame_done += n;
			c->staged_at += n;
			if (conn->frame_done < conn->frame->len)
				break;
			if (conn->closing) {
				session_frame_free(conn->frame);
				conn->frame = NULL;
				continue;
			}
			return frame_event(c, ev, conn);
		}
		switch (session_zmtp_parse(&conn->zmtp, &n, p, len)) {
		case SESSION_ZMTP_MORE:
		case SESSION_ZMTP_IGNORED:
			c->staged_at += n;
			break;
		case SESSION_ZMTP_REFUSED:
			return end(c, ev, conn, conn->zmtp.reason);
		case SESSION_ZMTP_PING:
			c->staged_at += n;
			n = session_zmtp_make_pong(pong, &conn->zmtp);
			if (send_control(c, conn, pong, n))
				return end(c, ev, conn, "connection closed");
			break;
		case SESSION_ZMTP_READY:
			c->staged_at += n;
			conn->state = UP;
			wake_at(c, 0); /* its silence counts from now on */
			if (!conn->base.dialled)
				break; /* its first frame tells the user */
			conn->deadline_ms = INT64_MAX;
			*ev = (struct session_carrier_event){
			    .type = SESSION_CARRIER_UP, .conn = &conn->base};
			return EVENT;
		case SESSION_ZMTP_FRAME:
			c->staged_at += n;
			conn->frame = new_frame(c, conn, conn->zmtp.frame_len);
			conn->frame_done = 0;
			if (!conn->frame)
				return end(c, ev, conn, "out of memory");
			if (conn->frame->len > 0)
				break;
			if (!conn->closing)
				return frame_event(c, ev, conn);
			session_frame_free(conn->frame);
			conn->frame = NULL;
			break;
		}
	}
	c->staged = NULL;
	return NOTHING;
}

/* ${n} bytes of ${conn} came into staging. */
static void stage(struct carrier *c, struct conn *conn, size_t n)
{
	conn->heard_ms = 0; /* now; the clock is asked when somebody cares */
	conn->pinged_ms = 0;
	c->staged = n > 0 ? conn : NULL;
	c->staged_at = 0;
	c->staged_len = n;
}

/* One read of ${conn}: into a frame that is under way, and into staging. */
static int read_conn(struct carrier *c, struct session_carrier_event *ev,
		     struct conn *conn)
{
	struct session_frame *f = conn->frame;
	size_t rest = f ? f->len - conn->frame_done : 0;
	size_t room = conn->stranger ? STRANGER_READ : sizeof(c->staging);
	struct iovec iov[2];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (rest >= DIRECT_MIN)
		/* What is staged is copied: of another large frame only its
		 * beginning should be. */
		room = BEHIND_READ;
	else
		rest = 0;
	iov[0] = (struct iovec){rest ? f->data + conn->frame_done : NULL, rest};
	iov[1] = (struct iovec){c->staging, room};
	do
		n = rest ? recvmsg(conn->fd, &msg, MSG_DONTWAIT)
			 : recv(conn->fd, c->staging, room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		unlist_conn(c, conn);
		return NOTHING;
	}
	if (n <= 0)
		return end(c, ev, conn,
			   n == 0 || errno == ECONNRESET
			       ? "connection closed"
			       : strerrordesc_np(errno));
	if (rest > 0) {
		size_t direct = (size_t)n < rest ? (size_t)n : rest;

		conn->frame_done += direct;
		n -= (ssize_t)direct;
	}
	/* Less than there was room for: the socket is empty. */
	if ((size_t)n < room)
		unlist_conn(c, conn);
	stage(c, conn, (size_t)n);
	if (rest > 0 && conn->frame_done == f->len) {
		if (!conn->closing)
			return frame_event(c, ev, conn);
		session_frame_free(f);
		conn->frame = NULL;
	}
	return parse_staged(c, ev, conn);
}

static void on_writable(struct carrier *c, struct conn *conn)
{
	if (conn->state == CONNECTING) {
		if (finish_connect(c, conn))
			set_broken(c, conn, "cannot connect");
		return;
	}
	write_out(c, conn);
	if (conn->closing && !conn->head)
		conn_close(c, conn);
}

/*
 * Timers
 */

/* Ask a connection that is silent; end one that does not answer. */
/*
 * Is the other end's kernel still there, though what was sent to it has not
 * been acknowledged?  A busy program makes its kernel close the window but not
 * fall silent: what is in flight is acknowledged, and so are probes.
 */
static int check_network(struct carrier *c, struct session_carrier_event *ev,
			 struct conn *conn, int64_t now)
{
	const unsigned limit = (unsigned)c->o.liveness_ms;
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (conn->state != UP || !conn->sent || conn->listed)
		return NOTHING;
	if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return NOTHING;
	if (info.tcpi_unacked == 0 && !conn->head) {
		conn->sent = false;
		return NOTHING;
	}
	if (info.tcpi_last_ack_recv > limit &&
	    info.tcpi_last_data_recv > limit &&
	    (info.tcpi_unacked > 0 || info.tcpi_probes >= PROBES_UNANSWERED))
		return end(c, ev, conn, "the network is silent");
	wake_at(c, now + network_beat(c));
	return NOTHING;
}

static int check_alive(struct carrier *c, struct session_carrier_event *ev,
		       struct conn *conn, int64_t now)
{
	const int64_t beat = c->o.unresponsive_ms / 3 + 1;
	uint8_t ping[SESSION_ZMTP_READY_MAX];

	if (conn->state != UP || conn->stranger || !conn->zmtp.pings ||
	    c->o.unresponsive_ms <= 0)
		return NOTHING;
	if (conn->listed) /* something of it waits to be read */
		conn->heard_ms = conn->pinged_ms = 0;
	if (conn->heard_ms == 0)
		conn->heard_ms = now;
	if (conn->pinged_ms == 0 && now - conn->heard_ms >= beat) {
		conn->pinged_ms = now;
		if (send_control(c, conn, ping, session_zmtp_make_ping(ping)))
			return end(c, ev, conn, "connection closed");
	}
	if (conn->pinged_ms > 0 && now - conn->pinged_ms >= 2 * beat)
		return end(c, ev, conn, "silent");
	wake_at(c, conn->pinged_ms > 0 ? conn->pinged_ms + 2 * beat
				       : conn->heard_ms + beat);
	return NOTHING;
}

static int run_timers(struct carrier *c, struct session_carrier_event *ev,
		      bool crowded)
{
	const int64_t now = now_ms();
	struct conn *conn, *next;

	if (now < c->next_timer_ms)
		return NOTHING;
	/* The program may have been away: what came meanwhile counts. */
	if (!crowded && now - c->heard_ms >= AWAY_MS) {
		c->heard_ms = now;
		c->fresh = false;
		return NOTHING;
	}
	c->next_timer_ms = INT64_MAX;
	if (c->accept_ms > 0 && c->accept_ms <= now)
		resume_accepting(c);
	else if (c->accept_ms > 0)
		wake_at(c, c->accept_ms);
	for (conn = c->conns; conn; conn = next) {
		int r = NOTHING;

		next = conn->next;
		if (conn->state == OVER)
			continue;
		if (conn->deadline_ms <= now) {
			r = end(c, ev, conn,
				conn->state == CONNECTING ? "cannot connect"
							  : "no answer");
		} else {
			if (conn->deadline_ms < INT64_MAX)
				wake_at(c, conn->deadline_ms);
			r = check_network(c, ev, conn, now);
			if (r == NOTHING && conn->state != OVER)
				r = check_alive(c, ev, conn, now);
		}
		if (r == EVENT) {
			c->next_timer_ms = 0; /* the others, next time */
			return EVENT;
		}
	}
	return NOTHING;
}

/*
 * What carriers do
 */

static bool is_listener(const struct carrier *c, const void *ptr)
{
	return ptr >= (const void *)c->listeners &&
	       ptr < (const void *)(c->listeners + LISTENERS_MAX);
}

/* List what epoll has seen.  Returns as session_carrier_wait(). */
static int poll_conns(struct carrier *c, int timeout_ms)
{
	struct epoll_event events[EPOLL_BATCH];
	int n = epoll_wait(c->epoll_fd, events, EPOLL_BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? PARLEY_ERR_INTERRUPTED
				      : PARLEY_ERR_SYSTEM;
	c->fresh = true;
	c->n_reads = c->n_watches = 0;
	for (int i = 0; i < n; i++) {
		struct conn *conn = events[i].data.ptr;

		if (!conn)
			continue; /* wake_fd */
		if (is_listener(c, conn)) {
			accept_some(c, *(int *)events[i].data.ptr);
			continue;
		}
		if (conn->state == OVER)
			continue;
		if (events[i].events & EPOLLOUT)
			on_writable(c, conn);
		if (conn->state != OVER && conn->state != CONNECTING &&
		    events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			list_conn(c, conn);
	}
	return n == 0 ? PARLEY_ERR_AGAIN : 0;
}

/* Read from the first on the list, which then goes to its end. */
static int read_listed(struct carrier *c, struct session_carrier_event *ev)
{
	struct conn *conn = c->listed;
	int r;

	if (conn->broken)
		return end(c, ev, conn, conn->broken);
	c->n_reads++;
	r = read_conn(c, ev, conn);
	if (conn->listed && conn->listed_next) {
		unlist_conn(c, conn);
		list_conn(c, conn);
	}
	return r;
}

static int zmtp_next(struct session_carrier *base,
		     struct session_carrier_event *ev)
{
	struct carrier *c = (struct carrier *)base;
	bool crowded; /* somebody always has more to say */
	int r, err, turns = 0;

	free_dead(c);
	for (;;) {
		crowded = c->n_reads >= READS_MAX;
		if (c->staged)
			r = parse_staged(c, ev, c->staged);
		else if (c->listed && !crowded)
			r = read_listed(c, ev);
		else
			r = run_timers(c, ev, crowded);
		if (r == EVENT)
			return 0;
		if (c->staged || (c->listed && !crowded))
			continue;
		if (crowded ? ++turns == TURNS_MAX : c->fresh) {
			c->fresh = false;
			return PARLEY_ERR_AGAIN;
		}
		err = poll_conns(c, 0);
		if (err && err != PARLEY_ERR_AGAIN &&
		    err != PARLEY_ERR_INTERRUPTED)
			return err;
	}
}

static int set_awake(struct carrier *c, bool awake)
{
	uint64_t one = 1;

	if (awake == c->awake)
		return 0;
	if ((awake ? write(c->wake_fd, &one, sizeof(one))
		   : read(c->wake_fd, &one, sizeof(one))) != sizeof(one))
		return PARLEY_ERR_SYSTEM;
	c->awake = awake;
	return 0;
}

static int zmtp_settle(struct session_carrier *base)
{
	struct carrier *c = (struct carrier *)base;

	/* What is still in sockets is for epoll to tell, but not that a
	 * connection broke. */
	return set_awake(c, c->staged || c->listed);
}

/* Let a read of ${conn} wait for a moment. */
static bool make_watchable(struct conn *conn)
{
	const struct timeval t = {.tv_usec = WATCH_MS * 1000};
	int flags;

	if (conn->watched)
		return true;
	flags = fcntl(conn->fd, F_GETFL);
	/* Everything else here says MSG_DONTWAIT. */
	conn->watched =
	    flags >= 0 &&
	    setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0 &&
	    fcntl(conn->fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
	return conn->watched;
}

/*
 * Wait in ${conn} alone, which takes one system call where epoll takes two: a
 * message that answers ours comes soon, and from there.  Everybody else waits
 * no longer than a moment: not at all while something is to be written, and
 * after a wait in vain not soon again.  Returns 0 if something is to be read,
 * EAGAIN if nothing came, or another errno.
 */
static int watch_conn(struct carrier *c, struct conn *conn)
{
	ssize_t n = recv(conn->fd, c->staging, sizeof(c->staging), 0);

	if (n > 0) {
		c->n_watches++;
		c->fresh = true;
		stage(c, conn, (size_t)n);
		/* As much as there was room for: there may be more. */
		if ((size_t)n == sizeof(c->staging))
			list_conn(c, conn);
		return 0;
	}
	if (n < 0 && errno == EWOULDBLOCK)
		conn->watch_pause = WATCH_PAUSE;
	else if (n == 0 || errno != EINTR)
		list_conn(c, conn); /* it ends when its turn comes */
	return n == 0 ? 0 : errno;
}

static int zmtp_wait(struct session_carrier *base,
		     struct session_conn *conn_base, int timeout_ms)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn = (struct conn *)conn_base;
	int e;

	if (c->staged || c->listed)
		return 0;
	set_awake(c, false);
	if (conn && conn->state == UP && !conn->frame && !conn->mute &&
	    conn->watch_pause == 0 && c->n_writing == 0 &&
	    c->n_watches < WATCHES_MAX &&
	    (timeout_ms < 0 || timeout_ms >= WATCH_MIN_MS) &&
	    make_watchable(conn)) {
		e = watch_conn(c, conn);
		if (e != EWOULDBLOCK)
			return e == EINTR ? PARLEY_ERR_INTERRUPTED : 0;
		timeout_ms -= timeout_ms < 0 ? 0 : WATCH_MIN_MS / 2;
	}
	return poll_conns(c, timeout_ms);
}

static int zmtp_fd(const struct session_carrier *base)
{
	return ((const struct carrier *)base)->epoll_fd;
}

static int64_t zmtp_deadline(const struct session_carrier *base)
{
	return ((const struct carrier *)base)->next_timer_ms;
}

/* Let what is queued leave, for at most ${linger_ms}. */
static void linger(struct carrier *c, int linger_ms)
{
	const int64_t limit = now_ms() + linger_ms;
	struct conn *conn;

	for (;;) {
		bool waiting = false;
		int64_t left = limit - now_ms();

		for (conn = c->conns; conn; conn = conn->next)
			if (conn->state == UP && conn->head) {
				write_out(c, conn);
				waiting = waiting || conn->head;
			}
		if (!waiting || left <= 0)
			return;
		(void)poll_conns(c, left < 10 ? (int)left : 10);
	}
}

static void zmtp_free(struct session_carrier *base, int linger_ms)
{
	struct carrier *c = (struct carrier *)base;
	struct conn *conn;

	if (c->epoll_fd >= 0)
		linger(c, linger_ms);
	for (conn = c->conns; conn; conn = conn->next)
		conn_close(c, conn);
	free_dead(c);
	for (size_t i = 0; i < c->n_listeners; i++)
		close(c->listeners[i]);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
}

static const struct session_carrier_ops zmtp_ops = {
    .listen = zmtp_listen,
    .dial = zmtp_dial,
    .send = zmtp_send,
    .hangup = zmtp_hangup,
    .next = zmtp_next,
    .wait = zmtp_wait,
    .fd = zmtp_fd,
    .settle = zmtp_settle,
    .deadline = zmtp_deadline,
    .trust = zmtp_trust,
    .free = zmtp_free,
};

int session_carrier_zmtp_new(struct session_carrier **cp,
			     const struct session_carrier_options *o)
{
	struct carrier *c = calloc(1, sizeof(*c));

	if (!c)
		return PARLEY_ERR_MEMORY;
	c->base.ops = &zmtp_ops;
	c->o = *o;
	c->conns_tail = &c->conns;
	c->listed_tail = &c->listed;
	c->next_timer_ms = INT64_MAX;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->epoll_fd < 0 || c->wake_fd < 0 ||
	    watch(c, EPOLL_CTL_ADD, c->wake_fd, EPOLLIN, NULL)) {
		zmtp_free(&c->base, 0);
		return PARLEY_ERR_SYSTEM;
	}
	*cp = &c->base;
	return 0;
}
