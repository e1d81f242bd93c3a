/*
 * What waits for a program that reads slowly: all of it comes, in order, in
 * memory that the window bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/forward_queue.h"
#include "session/session.h"

enum { WINDOW = 100000, STEP = 7000 };

/* A stream whose program is the other end of a pair of sockets. */
struct queue {
	struct parley_session session;
	struct session_forward f;
	struct session_forward_stream st;
	int program;
	uint8_t in, out; /* bytes count on from here */
};

static struct queue q;

static void begin(void)
{
	int fds[2], small = 4096;

	memset(&q, 0, sizeof(q));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(
	    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
	    0);
	q.f.session = &q.session;
	q.st.fd = fds[0];
	q.st.up = true;
	q.st.window = WINDOW;
	q.program = fds[1];
}

static void end(void)
{
	session_forward_queue_drop(&q.st);
	close(q.st.fd);
	close(q.program);
}

static void add(size_t len)
{
	uint8_t data[WINDOW];

	for (size_t i = 0; i < len; i++)
		data[i] = q.in++;
	assert_int_equal(session_forward_queue_add(&q.f, &q.st, data, len), 0);
	assert_true(q.st.queue_size <= WINDOW);
	assert_true(q.st.queue_at + q.st.queue_len <= q.st.queue_size);
}

/* The program reads at most ${len} bytes; how many there were. */
static size_t read_some(size_t len)
{
	uint8_t data[WINDOW];
	ssize_t n = recv(q.program, data, len, MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(data[i], q.out++);
	return n < 0 ? 0 : (size_t)n;
}

static void a_slow_program_gets_all_in_order(void **state)
{
	size_t added = 0, taken = 0, n_moved = 0;

	(void)state;
	begin();
	while (added < 20 * (size_t)WINDOW) {
		const bool behind = q.st.queue_at > 0;

		if (q.st.queue_len + STEP <= WINDOW) {
			add(STEP);
			added += STEP;
			n_moved += behind && q.st.queue_at == 0;
		}
		taken += read_some(STEP - 100);
		session_forward_queue_write(&q.st);
	}
	/* Room in front was used again. */
	assert_true(n_moved > 0);
	while (taken < added) {
		taken += read_some(WINDOW);
		session_forward_queue_write(&q.st);
	}
	assert_int_equal(taken, added);
	assert_int_equal(q.st.queue_len, 0);
	assert_int_equal(q.st.owed, added);
	end();
}

static void a_program_that_hung_up_gets_nothing_and_owes_nothing(void **state)
{
	(void)state;
	begin();
	close(q.program);
	add(STEP);
	assert_true(q.st.deaf);
	add(STEP);
	assert_int_equal(q.st.queue_len, 0);
	assert_int_equal(q.st.owed, 2 * STEP);
	q.program = -1;
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_slow_program_gets_all_in_order),
	    cmocka_unit_test(
		a_program_that_hung_up_gets_nothing_and_owes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
