/*
 * TCP on the loopback interface, and whose connection it is.
 */
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/err.h>

#include "session/local.h"

enum { LIMIT_MS = 60000 };

/* Wait until ${fd} is writable, at most a minute. */
static void until_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
}

static void until_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
}

/* A connection: ${*near} dialled, ${*far} accepted. */
static void connect_both(int *near, int *far)
{
	uint16_t port;
	int listener;

	assert_int_equal(session_local_listen(&listener, &port), 0);
	assert_int_equal(session_local_dial(near, port), 0);
	until_readable(listener);
	assert_int_equal(session_local_accept(far, listener), 0);
	assert_int_equal(session_local_accept(far, listener), PARLEY_ERR_AGAIN);
	close(listener);
	until_writable(*near);
	assert_int_equal(session_local_dialled(*near), 0);
}

static void a_port_where_nobody_listens_is_unreachable(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd, err, holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	(void)state;
	/* Bound, so nobody else can listen there meanwhile. */
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(holder, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(holder, (struct sockaddr *)&a, &len), 0);

	/* The kernel may say so at once, or later. */
	err = session_local_dial(&fd, ntohs(a.sin_port));
	if (err == 0) {
		until_writable(fd);
		err = session_local_dialled(fd);
		close(fd);
	}
	assert_int_equal(err, PARLEY_ERR_UNREACHABLE);
	close(holder);
}

static void a_connection_that_was_reset_is_unreachable(void **state)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	int near, far;

	(void)state;
	connect_both(&near, &far);
	assert_int_equal(
	    setsockopt(far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(far);
	until_readable(near);
	assert_int_equal(session_local_dialled(near), PARLEY_ERR_UNREACHABLE);
	close(near);
}

static void both_ends_belong_to_who_runs_this(void **state)
{
	int near, far;

	(void)state;
	connect_both(&near, &far);
	assert_true(session_local_is_users(near, getuid()));
	assert_true(session_local_is_users(far, getuid()));
	assert_false(session_local_is_users(near, getuid() + 1));
	assert_false(session_local_is_users(far, getuid() + 1));
	close(near);
	close(far);
}

static void what_is_no_connection_belongs_to_nobody(void **state)
{
	uint16_t port;
	int listener;

	(void)state;
	assert_int_equal(session_local_listen(&listener, &port), 0);
	assert_false(session_local_is_users(listener, getuid()));
	close(listener);
	assert_false(session_local_is_users(-1, getuid()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_port_where_nobody_listens_is_unreachable),
	    cmocka_unit_test(a_connection_that_was_reset_is_unreachable),
	    cmocka_unit_test(both_ends_belong_to_who_runs_this),
	    cmocka_unit_test(what_is_no_connection_belongs_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
