/*
 * The descriptor that is readable as one says.
 */
#include "session/wake.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <parley/err.h>

static bool readable(const struct session_wake *w)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

static void it_is_readable_while_it_is_set(void **state)
{
	struct session_wake w;

	(void)state;
	assert_int_equal(session_wake_init(&w), 0);
	assert_false(readable(&w));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(session_wake_set(&w, true), 0);
		assert_true(readable(&w));
		assert_int_equal(session_wake_set(&w, false), 0);
		assert_false(readable(&w));
	}
	session_wake_close(&w);
}

static void saying_it_twice_is_saying_it_once(void **state)
{
	struct session_wake w;

	(void)state;
	assert_int_equal(session_wake_init(&w), 0);
	assert_int_equal(session_wake_set(&w, false), 0);
	assert_int_equal(session_wake_set(&w, true), 0);
	assert_int_equal(session_wake_set(&w, true), 0);
	assert_int_equal(session_wake_set(&w, false), 0);
	assert_false(readable(&w));
	session_wake_close(&w);
}

static void what_is_closed_cannot_be_set_and_may_be_closed_again(void **state)
{
	struct session_wake w;

	(void)state;
	assert_int_equal(session_wake_init(&w), 0);
	session_wake_close(&w);
	assert_int_equal(w.fd, -1);
	assert_int_equal(session_wake_set(&w, true), PARLEY_ERR_SYSTEM);
	session_wake_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_readable_while_it_is_set),
	    cmocka_unit_test(saying_it_twice_is_saying_it_once),
	    cmocka_unit_test(
		what_is_closed_cannot_be_set_and_may_be_closed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
