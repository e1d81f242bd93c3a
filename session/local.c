/*
 * TCP on the loopback interface.
 *
 * Whose socket the other end is stands in /proc/net/tcp, or in tcp6 if the
 * program uses a socket of both families (an IPv4 address is then mapped).  A
 * line is, in Linux' Documentation/networking/proc_net_tcp.rst,
 *
 *   sl local:port remote:port state queues timer retransmits uid ...
 *
 * with addresses as the kernel holds them in memory, in hexadecimal.  A socket
 * that no process has accepted yet, or that its process has closed, is shown
 * with inode 0 and the uid of root.
 */
#include "session/local.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/err.h>

enum {
	BACKLOG = 128,
	LINE_SIZE = 512,
	LOOKUPS = 3, /* the table may change while it is read */
	STATE_LISTEN = 0x0a,
};

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int new_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* What is written is sent: every round of the program waits for it. */
static void no_delay(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int session_local_listen(int *fdp, uint16_t *portp)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int fd = new_socket();

	if (fd < 0)
		return PARLEY_ERR_SYSTEM;
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) ||
	    listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&a, &len)) {
		close(fd);
		return PARLEY_ERR_SYSTEM;
	}
	*fdp = fd;
	*portp = ntohs(a.sin_port);
	return 0;
}

int session_local_accept(int *fdp, int listener)
{
	int fd;

	/* A connection that is gone before it was accepted is no error. */
	do
		fd =
		    accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return errno == EAGAIN ? PARLEY_ERR_AGAIN : PARLEY_ERR_SYSTEM;
	no_delay(fd);
	*fdp = fd;
	return 0;
}

int session_local_dial(int *fdp, uint16_t port)
{
	const struct sockaddr_in a = loopback(port);
	int fd = new_socket(), err;

	if (fd < 0)
		return PARLEY_ERR_SYSTEM;
	no_delay(fd);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) &&
	    errno != EINPROGRESS) {
		err = errno == ECONNREFUSED ? PARLEY_ERR_UNREACHABLE
					    : PARLEY_ERR_SYSTEM;
		close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

int session_local_dialled(int fd)
{
	struct sockaddr_in other;
	socklen_t len = sizeof(other);
	int err = 0;
	socklen_t err_len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len) || err ||
	    getpeername(fd, (struct sockaddr *)&other, &len))
		return PARLEY_ERR_UNREACHABLE;
	return 0;
}

/* One end of a connection, as the tables have it. */
struct end {
	uint32_t address; /* of IPv4, as in memory */
	unsigned port;
};

struct row {
	struct end local, remote;
	unsigned state;
	unsigned long uid, inode;
};

/* The last 8 digits are the IPv4 address, also of a mapped one. */
static bool scan_end(struct end *e, const char *text)
{
	const char *colon = strchr(text, ':');

	return colon && colon - text >= 8 &&
	       sscanf(colon - 8, "%8" SCNx32 ":%4x", &e->address, &e->port) ==
		   2;
}

static bool scan_row(struct row *r, const char *line)
{
	char local[64], remote[64];

	return sscanf(line, "%*s %63s %63s %2x %*s %*s %*s %lu %*s %lu", local,
		      remote, &r->state, &r->uid, &r->inode) == 5 &&
	       scan_end(&r->local, local) && scan_end(&r->remote, remote);
}

/* What the tables say about the owner of an end. */
struct owner {
	bool known;	   /* a process has the connection: it is uid's */
	bool listens;	   /* somebody listens there */
	bool listens_only; /* and nobody but uid does */
	unsigned long uid;
};

static void look_up(struct owner *o, const char *table, const struct end *far,
		    const struct end *near, uid_t uid)
{
	char line[LINE_SIZE];
	struct row r;
	FILE *f = fopen(table, "re");

	if (!f)
		return;
	while (!o->known && fgets(line, sizeof(line), f)) {
		if (!scan_row(&r, line) || r.local.port != far->port)
			continue;
		if (r.state == STATE_LISTEN) {
			if (r.local.address != far->address &&
			    r.local.address != INADDR_ANY)
				continue;
			o->listens_only =
			    (!o->listens || o->listens_only) && r.uid == uid;
			o->listens = true;
		} else if (r.remote.port == near->port && r.inode != 0 &&
			   r.local.address == far->address &&
			   r.remote.address == near->address) {
			o->known = true;
			o->uid = r.uid;
		}
	}
	fclose(f);
}

static bool get_ends(int fd, struct end *near, struct end *far)
{
	struct sockaddr_in a, b;
	socklen_t a_len = sizeof(a), b_len = sizeof(b);

	if (getsockname(fd, (struct sockaddr *)&a, &a_len) ||
	    getpeername(fd, (struct sockaddr *)&b, &b_len) ||
	    a.sin_family != AF_INET || b.sin_family != AF_INET)
		return false;
	*near = (struct end){a.sin_addr.s_addr, ntohs(a.sin_port)};
	*far = (struct end){b.sin_addr.s_addr, ntohs(b.sin_port)};
	return true;
}

bool session_local_is_users(int fd, uid_t uid)
{
	struct owner o = {0};
	struct end near, far;

	if (!get_ends(fd, &near, &far))
		return false;
	for (int i = 0; i < LOOKUPS && !o.known && !o.listens; i++) {
		look_up(&o, "/proc/net/tcp", &far, &near, uid);
		if (!o.known)
			look_up(&o, "/proc/net/tcp6", &far, &near, uid);
	}
	return o.known ? o.uid == uid : o.listens && o.listens_only;
}
