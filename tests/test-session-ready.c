/*
 * Lists of who is ready.
 */
#include "session/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { N = 4 };

struct item {
	int number;
	struct session_ready ready;
};

struct fixture {
	struct session_ready_list list;
	struct item item[N];
};

static void add(struct fixture *f, int i)
{
	session_ready_add(&f->list, &f->item[i].ready);
}

static void take(struct fixture *f, int i)
{
	session_ready_remove(&f->list, &f->item[i].ready);
}

/* The list has the ${n} items ${numbers}, in this order. */
static void assert_list(struct fixture *f, const int *numbers, size_t n)
{
	struct session_ready *r = f->list.first;
	size_t i = 0;

	for (; r && i < n; r = r->next, i++)
		assert_int_equal(
		    SESSION_READY_OF(r, struct item, ready)->number,
		    numbers[i]);
	assert_null(r);
	assert_int_equal(i, n);
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
	    .item = {
		{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}}};
	session_ready_init(&f.list);
	*state = &f;
	return 0;
}

static void order_is_that_of_coming(void **state)
{
	struct fixture *f = *state;

	assert_list(f, NULL, 0);
	add(f, 2);
	add(f, 0);
	add(f, 3);
	assert_list(f, (const int[]){2, 0, 3}, 3);
	assert_true(f->item[0].ready.listed);
	assert_false(f->item[1].ready.listed);
}

static void who_is_added_twice_keeps_the_first_place(void **state)
{
	struct fixture *f = *state;

	add(f, 1);
	add(f, 2);
	add(f, 1);
	add(f, 2);
	assert_list(f, (const int[]){1, 2}, 2);
}

static void list_grows_at_its_end_after_any_was_removed(void **state)
{
	struct fixture *f = *state;

	for (int gone = 0; gone < 3; gone++) {
		int left[3], n = 0;

		setup(state);
		for (int i = 0; i < 3; i++)
			add(f, i);
		take(f, gone);
		assert_false(f->item[gone].ready.listed);
		add(f, 3);
		for (int i = 0; i <= 3; i++)
			if (i != gone)
				left[n++] = i;
		assert_list(f, left, 3);
	}
}

static void removing_who_is_not_listed_changes_nothing(void **state)
{
	struct fixture *f = *state;

	take(f, 0);
	add(f, 1);
	take(f, 0);
	assert_list(f, (const int[]){1}, 1);
	take(f, 1);
	take(f, 1);
	assert_list(f, NULL, 0);
	add(f, 1);
	assert_list(f, (const int[]){1}, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(order_is_that_of_coming, setup),
	    cmocka_unit_test_setup(who_is_added_twice_keeps_the_first_place,
				   setup),
	    cmocka_unit_test_setup(list_grows_at_its_end_after_any_was_removed,
				   setup),
	    cmocka_unit_test_setup(removing_who_is_not_listed_changes_nothing,
				   setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
