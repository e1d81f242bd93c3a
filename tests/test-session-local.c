/*
 * TCP on the loopback interface: whose is the other end of a connection?
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/err.h>

#include "session/local.h"

enum { LIMIT_MS = 60 * 1000, NOBODY = 65534 };

/* Does the kernel answer questions? */
static bool tells = true;

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);

int __wrap_socket(int domain, int type, int protocol)
{
	if (domain != AF_NETLINK || tells)
		return __real_socket(domain, type, protocol);
	errno = EPROTONOSUPPORT;
	return -1;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static struct sockaddr_in at(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* The same address, as sockets of both families have it. */
static struct sockaddr_in6 mapped_at(uint16_t port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6,
				 .sin6_port = htons(port)};

	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr),
			 1);
	return a;
}

static void set(int fd, int level, int option, int value)
{
	assert_int_equal(setsockopt(fd, level, option, &value, sizeof(value)),
			 0);
}

static int listen_v4(uint16_t *portp)
{
	int fd;

	assert_int_equal(session_local_listen(&fd, portp), 0);
	return fd;
}

static int listen_v6(uint16_t *portp)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 5), 0);
	*portp = port_of(fd);
	return fd;
}

/* A socket with this port, or -1. */
static int bind_at(uint16_t port)
{
	struct sockaddr_in near = at(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&near, sizeof(near)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int accept_from(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	int fd;

	assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
	assert_int_equal(session_local_accept(&fd, listener), 0);
	return fd;
}

static int dial(uint16_t port)
{
	int fd;

	assert_int_equal(session_local_dial(&fd, port), 0);
	return fd;
}

static void an_end_belongs_to_the_user_of_its_process(void **state)
{
	uint16_t port;
	int a, b, listener = listen_v4(&port);

	(void)state;
	a = dial(port);
	b = accept_from(listener);
	assert_true(session_local_leads_to(a, geteuid()));
	assert_false(session_local_leads_to(a, geteuid() + 1));
	assert_true(session_local_comes_from(b, geteuid()));
	assert_false(session_local_comes_from(b, geteuid() + 1));
	close(a);
	close(b);
	close(listener);
}

static void a_mapped_address_is_found(void **state)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	struct sockaddr_in6 to;
	uint16_t port;
	int a, b, listener = listen_v4(&port);

	(void)state;
	/* The program that connects. */
	to = mapped_at(port);
	a = socket(AF_INET6, SOCK_STREAM, 0);
	assert_true(a >= 0);
	assert_int_equal(connect(a, (struct sockaddr *)&to, sizeof(to)), 0);
	b = accept_from(listener);
	assert_true(session_local_comes_from(b, geteuid()));
	assert_false(session_local_comes_from(b, geteuid() + 1));
	close(a);
	close(b);
	close(listener);

	/* The program that listens. */
	listener = socket(AF_INET6, SOCK_STREAM, 0);
	set(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any)),
			 0);
	assert_int_equal(listen(listener, 5), 0);
	a = dial(port_of(listener));
	assert_true(session_local_leads_to(a, geteuid()));
	assert_false(session_local_leads_to(a, geteuid() + 1));
	b = accept_from(listener);
	assert_true(session_local_leads_to(a, geteuid()));
	assert_false(session_local_leads_to(a, geteuid() + 1));
	close(a);
	close(b);
	close(listener);
}

static void who_listens_counts_until_it_is_accepted(void **state)
{
	uint16_t port;
	int a, listener = listen_v4(&port);

	(void)state;
	a = dial(port);
	assert_true(session_local_leads_to(a, geteuid()));
	assert_false(session_local_leads_to(a, geteuid() + 1));
	close(a);
	close(listener);
}

/* A program of this user listening at the same port of the other family must
 * not make a stranger's connection this user's. */
static void a_connection_whose_process_closed_it_is_nobodys(void **state)
{
	struct sockaddr_in to;
	uint16_t port, from;
	int a, b, other, listener = listen_v4(&port);

	(void)state;
	other = listen_v6(&from);
	a = bind_at(from);
	/* Somebody may have that port of the other family. */
	for (int i = 0; i < 100 && a < 0; i++) {
		close(other);
		other = listen_v6(&from);
		a = bind_at(from);
	}
	assert_true(a >= 0);
	to = at(port);
	assert_int_equal(connect(a, (struct sockaddr *)&to, sizeof(to)), 0);
	b = accept_from(listener);
	assert_true(session_local_comes_from(b, geteuid()));
	close(a);
	assert_false(session_local_comes_from(b, geteuid()));
	assert_false(session_local_comes_from(b, 0));
	close(b);
	close(other);
	close(listener);
}

static void a_connection_that_was_accepted_and_closed_is_nobodys(void **state)
{
	uint16_t port;
	int a, listener = listen_v4(&port);

	(void)state;
	a = dial(port);
	close(accept_from(listener));
	assert_false(session_local_leads_to(a, geteuid()));
	close(a);
	close(listener);
}

/* Only root can be somebody else. */
static void another_user_is_known_as_such(void **state)
{
	const uid_t other = geteuid() == 0 ? NOBODY : geteuid();
	uint16_t port;
	int b, fds[2], status, listener = listen_v4(&port);
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct sockaddr_in to = at(port);
		int a;

		close(fds[1]);
		if (other != geteuid() && setuid(other) != 0)
			_exit(1);
		a = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(a, (struct sockaddr *)&to, sizeof(to)) != 0)
			_exit(2);
		_exit(read(fds[0], &byte, 1) == 0 ? 0 : 3);
	}
	close(fds[0]);
	b = accept_from(listener);
	assert_true(session_local_comes_from(b, other));
	assert_int_equal(session_local_comes_from(b, geteuid()),
			 other == geteuid());
	close(fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(b);
	close(listener);
}

static void a_socket_that_found_itself_has_found_nobody(void **state)
{
	struct sockaddr_in self = at(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0), again;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&self, sizeof(self)), 0);
	self = at(port_of(fd));
	assert_int_equal(connect(fd, (struct sockaddr *)&self, sizeof(self)),
			 0);
	assert_int_equal(session_local_dialled(fd), PARLEY_ERR_UNREACHABLE);
	close(fd);
	/* The program can have its port. */
	again = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(again, (struct sockaddr *)&self, sizeof(self)),
			 0);
	assert_int_equal(listen(again, 5), 0);
	close(again);
}

static void where_the_kernel_does_not_tell_nobody_is_trusted(void **state)
{
	uint16_t port;
	int a, b, listener = listen_v4(&port);

	(void)state;
	assert_int_equal(session_local_can_tell(), 0);
	a = dial(port);
	b = accept_from(listener);
	tells = false;
	assert_false(session_local_leads_to(a, geteuid()));
	assert_false(session_local_comes_from(b, geteuid()));
	errno = 0;
	assert_int_equal(session_local_can_tell(), PARLEY_ERR_SYSTEM);
	assert_int_equal(errno, EPROTONOSUPPORT);
	tells = true;
	close(a);
	close(b);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_end_belongs_to_the_user_of_its_process),
	    cmocka_unit_test(a_mapped_address_is_found),
	    cmocka_unit_test(who_listens_counts_until_it_is_accepted),
	    cmocka_unit_test(a_connection_whose_process_closed_it_is_nobodys),
	    cmocka_unit_test(
		a_connection_that_was_accepted_and_closed_is_nobodys),
	    cmocka_unit_test(another_user_is_known_as_such),
	    cmocka_unit_test(a_socket_that_found_itself_has_found_nobody),
	    cmocka_unit_test(where_the_kernel_does_not_tell_nobody_is_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
