/*
 * Names of hosts: whoever is asked about them may take as long as he likes.
 *
 * getaddrinfo() is ours here: "slow.test" is this machine once the test lets it
 * be, "none.test" is nobody, and "moved.test" first another address of it.
 */
#include "session/lookup.h"

#include <netinet/in.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/err.h>

#include "session/carrier.h"
#include "session/clock.h"
#include "tests/net.h"

enum {
	LIMIT_MS = 30 * 1000,
	LIMIT_S = 30,
};

static sem_t go_on;
static atomic_int n_asked, n_answered;

int __wrap_getaddrinfo(const char *host, const char *port,
		       const struct addrinfo *hints, struct addrinfo **list);
int __real_getaddrinfo(const char *host, const char *port,
		       const struct addrinfo *hints, struct addrinfo **list);

/* 127.0.0.2, where nobody listens, and 127.0.0.1. */
static int two_addresses(const char *port, struct addrinfo **list)
{
	struct sockaddr_in in;
	int r;

	/* One for each type of socket, and of one list. */
	r = __real_getaddrinfo("127.0.0.1", port, NULL, list);
	assert_int_equal(r, 0);
	assert_non_null((*list)->ai_next);
	memcpy(&in, (*list)->ai_addr, sizeof(in));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	memcpy((*list)->ai_addr, &in, sizeof(in));
	n_answered++;
	return r;
}

int __wrap_getaddrinfo(const char *host, const char *port,
		       const struct addrinfo *hints, struct addrinfo **list)
{
	struct timespec limit;
	int r;

	if (!host || !strstr(host, ".test") || hints->ai_flags & AI_NUMERICHOST)
		return __real_getaddrinfo(host, port, hints, list);
	n_asked++;
	if (strcmp(host, "none.test") == 0) {
		n_answered++;
		return EAI_NONAME;
	}
	if (strcmp(host, "moved.test") == 0)
		return two_addresses(port, list);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += LIMIT_S;
	sem_timedwait(&go_on, &limit);
	r = __real_getaddrinfo("127.0.0.1", port, hints, list);
	n_answered++;
	return r;
}

/* For what has no event. */
static void wait_for(const atomic_int *n, int value)
{
	const int64_t limit = session_now_ms() + LIMIT_MS;

	while (*n < value && session_now_ms() < limit)
		usleep(1000);
	assert_int_equal(*n, value);
}

static struct session_carrier *carrier(void)
{
	const struct session_carrier_options o = {.n_parties = 4,
						  .liveness_ms = LIMIT_MS,
						  .unresponsive_ms = LIMIT_MS,
						  .stranger_max = 99,
						  .frame_max = 1024};
	struct session_carrier *c;

	n_asked = n_answered = 0;
	assert_int_equal(sem_init(&go_on, 0, 0), 0);
	assert_int_equal(session_carrier_zmtp_new(&c, &o), 0);
	return c;
}

static int listen_somewhere(struct session_carrier *c)
{
	const int port = net_free_port();
	char endpoint[64];

	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", port);
	assert_int_equal(session_carrier_listen(c, endpoint), 0);
	return port;
}

static struct session_conn *dial(struct session_carrier *c, const char *host,
				 int port)
{
	struct session_conn *conn;
	char endpoint[64];

	snprintf(endpoint, sizeof(endpoint), "tcp://%s:%d", host, port);
	assert_int_equal(session_carrier_dial(c, endpoint, &conn), 0);
	return conn;
}

static void next(struct session_carrier *c, struct session_carrier_event *ev)
{
	const int64_t limit = session_now_ms() + LIMIT_MS;

	while (session_carrier_next(c, ev)) {
		assert_true(session_now_ms() < limit);
		(void)session_carrier_wait(c, NULL, 50);
	}
}

/* One thread waits in a carrier; another connection is not its affair. */
static void a_name_that_is_not_answered_stops_nobody(void **state)
{
	struct session_carrier *c = carrier();
	struct session_conn *slow, *other;
	struct session_carrier_event ev;
	int port;

	(void)state;
	port = listen_somewhere(c);
	slow = dial(c, "slow.test", port);
	other = dial(c, "127.0.0.1", port);
	next(c, &ev);
	assert_int_equal(ev.type, SESSION_CARRIER_UP);
	assert_ptr_equal(ev.conn, other);
	assert_int_equal(n_answered, 0);
	sem_post(&go_on);
	next(c, &ev);
	assert_int_equal(ev.type, SESSION_CARRIER_UP);
	assert_ptr_equal(ev.conn, slow);
	session_carrier_hangup(c, slow);
	session_carrier_hangup(c, other);
	session_carrier_free(c, 0);
}

static void a_name_of_nobody_ends_the_connection(void **state)
{
	struct session_carrier *c = carrier();
	struct session_carrier_event ev;
	struct session_conn *conn;

	(void)state;
	conn = dial(c, "none.test", 1);
	next(c, &ev);
	assert_int_equal(ev.type, SESSION_CARRIER_DOWN);
	assert_ptr_equal(ev.conn, conn);
	assert_string_equal(ev.reason, "no such host");
	session_carrier_free(c, 0);
}

static void the_next_address_is_tried(void **state)
{
	struct session_carrier *c = carrier();
	struct session_carrier_event ev;
	struct session_conn *conn;

	(void)state;
	conn = dial(c, "moved.test", listen_somewhere(c));
	next(c, &ev);
	assert_int_equal(ev.type, SESSION_CARRIER_UP);
	assert_ptr_equal(ev.conn, conn);
	session_carrier_hangup(c, conn);
	session_carrier_free(c, 0);
}

static void libzmq_does_not_listen_at_a_name_of_nobody(void **state)
{
	const struct session_carrier_options o = {.n_parties = 4,
						  .liveness_ms = LIMIT_MS,
						  .unresponsive_ms = LIMIT_MS,
						  .stranger_max = 99,
						  .frame_max = 1024};
	struct session_carrier *c;

	(void)state;
	n_asked = 0;
	assert_int_equal(session_carrier_zmq_new(&c, &o), 0);
	assert_int_equal(session_carrier_listen(c, "tcp://none.test:7000"),
			 PARLEY_ERR_ENDPOINT);
	assert_int_equal(n_asked, 1);
	session_carrier_free(c, 0);
}

static void the_answer_may_come_after_the_end(void **state)
{
	struct session_carrier *c = carrier();
	struct session_conn *conn;

	(void)state;
	conn = dial(c, "slow.test", 1);
	(void)dial(c, "slow.test", 1);
	session_carrier_hangup(c, conn);
	session_carrier_free(c, 0);
	wait_for(&n_asked, 2);
	sem_post(&go_on);
	sem_post(&go_on);
	wait_for(&n_answered, 2);
}

/* Names that are not answered go on for as long as the resolver takes, though
 * nobody waits: only so many at a time. */
static void names_that_are_not_answered_are_few(void **state)
{
	enum { MAX = 16 + 4 };
	struct session_carrier *c = carrier();
	const int64_t limit = session_now_ms() + LIMIT_MS;
	struct session_carrier_event ev;
	struct session_conn *conn;
	int port, err;

	(void)state;
	port = listen_somewhere(c);
	for (int i = 0; i < MAX; i++)
		session_carrier_hangup(c, dial(c, "slow.test", port));
	assert_int_equal(session_carrier_dial(c, "tcp://slow.test:1", &conn),
			 PARLEY_ERR_AGAIN);
	wait_for(&n_asked, MAX);
	/* What is no name needs no thread. */
	conn = dial(c, "127.0.0.1", port);
	next(c, &ev);
	assert_int_equal(ev.type, SESSION_CARRIER_UP);
	assert_ptr_equal(ev.conn, conn);
	/* One is answered: there is room. */
	sem_post(&go_on);
	while ((err = session_carrier_dial(c, "tcp://slow.test:1", &conn)) ==
		   PARLEY_ERR_AGAIN &&
	       session_now_ms() < limit)
		usleep(1000);
	assert_int_equal(err, 0);
	assert_int_equal(session_carrier_dial(c, "tcp://slow.test:1", &conn),
			 PARLEY_ERR_AGAIN);
	for (int i = 0; i < MAX; i++)
		sem_post(&go_on);
	wait_for(&n_answered, MAX + 1);
	session_carrier_free(c, 0);
}

static void what_is_no_host_and_port_is_refused(void **state)
{
	static const char *const endpoints[] = {"tcp://", "tcp://:1", "tcp://a",
						"udp://a:1",
						"tcp://slow.test:1234567"};
	struct session_carrier *c = carrier();
	struct session_conn *conn;

	(void)state;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++)
		assert_int_equal(session_carrier_dial(c, endpoints[i], &conn),
				 PARLEY_ERR_ENDPOINT);
	assert_int_equal(n_asked, 0);
	session_carrier_free(c, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_that_is_not_answered_stops_nobody),
	    cmocka_unit_test(a_name_of_nobody_ends_the_connection),
	    cmocka_unit_test(the_next_address_is_tried),
	    cmocka_unit_test(libzmq_does_not_listen_at_a_name_of_nobody),
	    cmocka_unit_test(the_answer_may_come_after_the_end),
	    cmocka_unit_test(names_that_are_not_answered_are_few),
	    cmocka_unit_test(what_is_no_host_and_port_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
