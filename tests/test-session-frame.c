/*
 * Frames and their pool: what is used again, and what is let go.
 */
#include "session/frame.h"

#include <string.h>

#include "tests/test-session-vector.h"

enum { SIZE = 1000 };

static void pool_gives_again_what_came_back(void **state)
{
	struct session_frame_pool *pool = session_frame_pool_new(SIZE);
	struct session_frame *a, *b;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(session_frame_pool_size(pool), SIZE);
	a = session_frame_pool_get(pool);
	b = session_frame_pool_get(pool);
	assert_true(a && b && a != b);
	assert_false(session_frame_pool_returned(pool));
	a->len = 1; /* what a user made of it */
	session_frame_free(a);
	assert_true(session_frame_pool_returned(pool));
	assert_ptr_equal(session_frame_pool_get(pool), a);
	assert_int_equal(a->len, SIZE);
	session_frame_free(b);
	session_frame_pool_trim(pool, 0);
	assert_false(session_frame_pool_returned(pool));
	/* In use, it outlives its pool. */
	session_frame_pool_free(pool);
	memset(a->data, 1, SIZE);
	session_frame_free(a);
}

static void large_frames_come_back_where_they_fit(void **state)
{
	struct session_frame_pool *pool = session_frame_pool_new(SIZE);
	struct session_frame *a, *b, *c;

	(void)state;
	assert_non_null(pool);
	a = session_frame_pool_large(pool, 5000);
	b = session_frame_pool_large(pool, 9000);
	assert_true(a && b);
	assert_int_equal(a->len, 5000);
	session_frame_free(a);
	session_frame_free(b);
	assert_ptr_equal(session_frame_pool_large(pool, 6000), b);
	assert_int_equal(b->len, 9000);
	c = session_frame_pool_large(pool, 9000);
	assert_true(c && c != a);
	assert_ptr_equal(session_frame_pool_large(pool, 10), a);
	session_frame_free(a);
	session_frame_free(c);
	session_frame_pool_trim(pool, 0);
	session_frame_pool_free(pool);
	memset(b->data, 1, 9000);
	session_frame_free(b);
}

static void without_a_pool_large_frames_are_new_ones(void **state)
{
	struct session_frame *f = session_frame_pool_large(NULL, 5000);

	(void)state;
	assert_non_null(f);
	assert_int_equal(f->len, 5000);
	session_frame_free(f);
}

static void headroom_lies_before_the_data(void **state)
{
	struct session_frame_pool *pool = session_frame_pool_new(SIZE);
	struct session_frame *f[3];

	(void)state;
	assert_non_null(pool);
	f[0] = session_frame_new(0);
	f[1] = session_frame_pool_get(pool);
	f[2] = session_frame_pool_large(pool, 5000);
	for (size_t i = 0; i < N_OF(f); i++) {
		assert_non_null(f[i]);
		assert_true(session_frame_has_headroom(f[i]));
		memset(f[i]->data - SESSION_FRAME_HEADROOM, 1,
		       SESSION_FRAME_HEADROOM + f[i]->len);
		session_frame_free(f[i]);
	}
	session_frame_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pool_gives_again_what_came_back),
	    cmocka_unit_test(large_frames_come_back_where_they_fit),
	    cmocka_unit_test(without_a_pool_large_frames_are_new_ones),
	    cmocka_unit_test(headroom_lies_before_the_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
