/*
 * TCP on the loopback interface.
 *
 * Whose socket the other end is, the kernel is asked through NETLINK_SOCK_DIAG,
 * sock_diag(7): one question about one socket, found by its addresses, so that
 * it takes the same time however many sockets other users have.  A question of
 * AF_INET finds sockets of both families; what it does not find as a connection
 * it looks for among those that listen.  A socket that no process has accepted
 * yet, or that its process has closed, is shown with inode 0 and no user.
 */
#include "session/local.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/err.h>

enum {
	BACKLOG = 128,
	LOOPBACK_INDEX = 1, /* of the interface, in every namespace */
	ANSWER_MAX = 4096,
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

static bool is_same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_port == b->sin_port &&
	       a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static bool get_ends(int fd, struct sockaddr_in *near, struct sockaddr_in *far)
{
	socklen_t near_len = sizeof(*near), far_len = sizeof(*far);

	return getsockname(fd, (struct sockaddr *)near, &near_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)far, &far_len) == 0 &&
	       near->sin_family == AF_INET && far->sin_family == AF_INET;
}

int session_local_dialled(int fd)
{
	/* Closed without a trace: the program is to get the port. */
	const struct linger no_trace = {.l_onoff = 1};
	struct sockaddr_in near, far;
	int err = 0;
	socklen_t err_len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len) || err ||
	    !get_ends(fd, &near, &far))
		return PARLEY_ERR_UNREACHABLE;
	if (is_same(&near, &far)) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_trace,
			   sizeof(no_trace));
		return PARLEY_ERR_UNREACHABLE;
	}
	return 0;
}

/*
 * Whose it is
 */

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 about;
};

union answer {
	struct nlmsghdr head;
	uint8_t room[ANSWER_MAX];
};

/* Returns whether the kernel knows a socket that is ${near} to its process. */
static bool ask(struct inet_diag_msg *found, const struct sockaddr_in *near,
		const struct sockaddr_in *far)
{
	struct question q = {
	    .head = {.nlmsg_len = sizeof(q),
		     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		     .nlmsg_flags = NLM_F_REQUEST},
	    .about = {.sdiag_family = AF_INET,
		      .sdiag_protocol = IPPROTO_TCP,
		      .idiag_states = UINT32_MAX,
		      .id = {.idiag_sport = near->sin_port,
			     .idiag_dport = far->sin_port,
			     .idiag_src = {near->sin_addr.s_addr},
			     .idiag_dst = {far->sin_addr.s_addr},
			     .idiag_if = LOOPBACK_INDEX,
			     .idiag_cookie = {INET_DIAG_NOCOOKIE,
					      INET_DIAG_NOCOOKIE}}}};
	union answer a;
	ssize_t n = -1;
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return false;
	/* The answer is there when the question has been sent. */
	if (send(fd, &q, sizeof(q), MSG_NOSIGNAL) == (ssize_t)sizeof(q))
		n = recv(fd, &a, sizeof(a), MSG_DONTWAIT);
	close(fd);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*found)) ||
	    a.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    a.head.nlmsg_len < NLMSG_LENGTH(sizeof(*found)))
		return false;
	memcpy(found, a.room + NLMSG_HDRLEN, sizeof(*found));
	return true;
}

/* The connection itself, not who listens at its port. */
static bool ask_connection(struct inet_diag_msg *found,
			   const struct sockaddr_in *near,
			   const struct sockaddr_in *far)
{
	return ask(found, near, far) && found->idiag_state != TCP_LISTEN &&
	       found->id.idiag_sport == near->sin_port &&
	       found->id.idiag_dport == far->sin_port;
}

static bool listens(const struct sockaddr_in *at, uid_t uid)
{
	const struct sockaddr_in anybody = {.sin_family = AF_INET};
	struct inet_diag_msg found;

	return ask(&found, at, &anybody) && found.idiag_state == TCP_LISTEN &&
	       found.id.idiag_sport == at->sin_port && found.idiag_inode != 0 &&
	       found.idiag_uid == uid;
}

bool session_local_comes_from(int fd, uid_t uid)
{
	struct sockaddr_in near, far;
	struct inet_diag_msg found;

	return get_ends(fd, &near, &far) &&
	       ask_connection(&found, &far, &near) && found.idiag_inode != 0 &&
	       found.idiag_uid == uid;
}

bool session_local_leads_to(int fd, uid_t uid)
{
	struct sockaddr_in near, far;
	struct inet_diag_msg found;

	if (!get_ends(fd, &near, &far) || !ask_connection(&found, &far, &near))
		return false;
	if (found.idiag_inode != 0)
		return found.idiag_uid == uid;
	/* Closed by its process it would be in another state. */
	return (found.idiag_state == TCP_ESTABLISHED ||
		found.idiag_state == TCP_SYN_RECV) &&
	       listens(&far, uid);
}

int session_local_can_tell(void)
{
	struct sockaddr_in at;
	uint16_t port;
	int fd, err = session_local_listen(&fd, &port);

	if (err)
		return err;
	at = loopback(port);
	err = listens(&at, geteuid()) ? 0 : PARLEY_ERR_SYSTEM;
	close(fd);
	if (err)
		errno = EPROTONOSUPPORT;
	return err;
}
