/*
 * For tests that write files: a directory of their own, and a path in it.  What
 * is at the path goes with the directory; other files are the test's to remove.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct scratch {
	char dir[64];
	char path[128];
};

/* scratch_setup(state), scratch_teardown(state): around each test. */
static inline int scratch_setup(void **state)
{
	struct scratch *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "test-scratch-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/a", f->dir);
	*state = f;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

#endif /* !TESTS_SCRATCH_H */
