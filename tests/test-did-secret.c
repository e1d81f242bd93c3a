/*
 * Memory for secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/secret.h"

static void init_may_be_repeated(void **state)
{
	(void)state;
	assert_int_equal(did_secret_init(), 0);
	assert_int_equal(did_secret_init(), 0);
}

static void new_memory_is_zero_and_aligned(void **state)
{
	static const size_t lens[] = {0, 1, 15, 16, 17, 64, 4096, 70000};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t *p = did_secret_new(lens[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t j = 0; j < lens[i]; j++)
			assert_int_equal(p[j], 0);
		if (lens[i] > 0)
			memset(p, 0xff, lens[i]);
		did_secret_free(p);
	}
}

static void impossible_length_gives_null(void **state)
{
	(void)state;
	assert_null(did_secret_new(SIZE_MAX));
	assert_null(did_secret_new(SIZE_MAX / 2 + 1));
	assert_null(did_secret_new(SIZE_MAX - 15));
}

static void null_can_be_freed_and_wiped(void **state)
{
	(void)state;
	did_secret_free(NULL);
	did_secret_wipe(NULL, 0);
}

static void wipe_leaves_zeroes_and_its_neighbours(void **state)
{
	uint8_t bytes[34];

	(void)state;
	memset(bytes, 0xa5, sizeof(bytes));
	did_secret_wipe(bytes + 1, 32);
	assert_int_equal(bytes[0], 0xa5);
	for (size_t i = 1; i < 33; i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(bytes[33], 0xa5);
}

/* Does a mapping that holds ${p} carry the flag ${flag}? */
static int has_flag(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long first, last;
	char line[512];
	int here = 0, found = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			here = (uintptr_t)p >= first && (uintptr_t)p < last;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(f);
	return found;
}

static void secrets_are_left_out_of_core_files(void **state)
{
	void *p = did_secret_new(64);

	(void)state;
	assert_non_null(p);
	assert_true(has_flag(p, " dd"));
	did_secret_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(init_may_be_repeated),
	    cmocka_unit_test(new_memory_is_zero_and_aligned),
	    cmocka_unit_test(impossible_length_gives_null),
	    cmocka_unit_test(null_can_be_freed_and_wiped),
	    cmocka_unit_test(wipe_leaves_zeroes_and_its_neighbours),
	    cmocka_unit_test(secrets_are_left_out_of_core_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
