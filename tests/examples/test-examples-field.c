/*
 * examples/field.c: arithmetic against Python's integers (field.txt), and what
 * is claimed of sharing.
 */
#include "examples/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

static u128 from_hex(const char *hex)
{
	u128 v = 0;

	for (; *hex != '\0'; hex++)
		v = v << 4 | (u128)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
	return v;
}

static void arithmetic_agrees_with_python(void **state)
{
	char a[40], b[40], sum[40], difference[40], product[40], line[240];
	const char *dir = getenv("EXAMPLES_VECTORS");
	char path[4096];
	int n = 0;
	u128 x, y;
	FILE *f;

	(void)state;
	assert_non_null(dir);
	snprintf(path, sizeof(path), "%s/field.txt", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%39s %39s %39s %39s %39s", a, b,
					sum, difference, product),
				 5);
		x = from_hex(a);
		y = from_hex(b);
		assert_true(field_add(x, y) == from_hex(sum));
		assert_true(field_sub(x, y) == from_hex(difference));
		assert_true(field_mul(x, y) == from_hex(product));
		if (x != 0)
			assert_true(field_mul(x, field_invert(x)) == 1);
		n++;
	}
	fclose(f);
	assert_int_equal(n, 22 * 22);
}

static void random_elements_satisfy_the_field_laws(void **state)
{
	u128 a, b, c;
	int i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		a = field_random();
		b = field_random();
		c = field_random();
		assert_true(a < FIELD_P && b < FIELD_P && c < FIELD_P);
		assert_true(field_mul(a, field_add(b, c)) ==
			    field_add(field_mul(a, b), field_mul(a, c)));
		assert_true(field_mul(field_mul(a, b), c) ==
			    field_mul(a, field_mul(b, c)));
		assert_true(field_add(field_sub(a, b), b) == a);
		if (i < 100)
			assert_true(field_mul(a, field_invert(a)) == 1);
	}
}

static void signed_integers_come_back_up_to_the_limit(void **state)
{
	const i128 v[] = {0,
			  1,
			  -1,
			  INT64_MAX,
			  INT64_MIN,
			  FIELD_HALF,
			  -FIELD_HALF,
			  FIELD_HALF - 1,
			  1 - FIELD_HALF};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_true(field_from_int(v[i]) < FIELD_P);
		assert_true(field_to_int(field_from_int(v[i])) == v[i]);
	}
	assert_true(field_from_int(-1) == FIELD_P - 1);
}

static void negative_integers_add_like_integers(void **state)
{
	u128 sum;

	(void)state;
	sum = field_add(field_from_int(-5), field_from_int(3));
	assert_true(field_to_int(sum) == -2);
	sum =
	    field_add(field_from_int(-FIELD_HALF), field_from_int(FIELD_HALF));
	assert_true(sum == 0);
}

static void encoding_is_big_endian_and_refuses_p_and_above(void **state)
{
	uint8_t bytes[FIELD_LEN] = {0};
	u128 a = 7;

	(void)state;
	field_encode(bytes, 0x0102);
	assert_int_equal(bytes[14], 1);
	assert_int_equal(bytes[15], 2);
	assert_true(field_decode(&a, bytes));
	assert_true(a == 0x0102);

	field_encode(bytes, FIELD_P - 1);
	assert_true(field_decode(&a, bytes));
	assert_true(a == FIELD_P - 1);
	field_encode(bytes, FIELD_P);
	assert_false(field_decode(&a, bytes));
	memset(bytes, 0xff, sizeof(bytes));
	assert_false(field_decode(&a, bytes));
	assert_true(a == FIELD_P - 1);
}

static void any_t_plus_1_shares_give_the_secret(void **state)
{
	u128 shares[7], opened, secret;
	size_t n, t, i;

	(void)state;
	for (n = 1; n <= 7; n++) {
		for (t = 0; t < n; t++) {
			secret = field_random();
			field_share(shares, n, t, secret);
			assert_true(field_interpolate(shares, t + 1, 0) ==
				    secret);
			for (i = t + 1; i < n; i++)
				assert_true(
				    field_interpolate(shares, t + 1, i + 1) ==
				    shares[i]);
			assert_true(field_open(&opened, shares, n, t));
			assert_true(opened == secret);
		}
	}
}

/* 16384 shares in 16 equal drawers: 1024 each, standard deviation 31. */
static void expect_uniform(u128 secret, size_t n, size_t t, size_t i)
{
	unsigned drawer[16] = {0};
	u128 shares[3];
	int k;

	for (k = 0; k < 16384; k++) {
		field_share(shares, n, t, secret);
		drawer[(unsigned)(shares[i] >> 123)]++;
	}
	for (k = 0; k < 16; k++)
		assert_in_range(drawer[k], 1024 - 300, 1024 + 300);
}

static void a_share_looks_uniform_whatever_the_secret(void **state)
{
	(void)state;
	expect_uniform(0, 2, 1, 0);
	expect_uniform(0, 2, 1, 1);
	expect_uniform(field_from_int(-1), 3, 1, 2);
	expect_uniform(field_from_int(FIELD_HALF), 3, 2, 0);
}

static void threshold_0_shows_the_secret(void **state)
{
	u128 shares[3];

	(void)state;
	field_share(shares, 3, 0, 42);
	assert_true(shares[0] == 42 && shares[1] == 42 && shares[2] == 42);
}

static void one_false_share_is_seen_when_there_are_more_than_t_plus_1(
    void **state)
{
	u128 shares[5], opened = 9;
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		field_share(shares, 5, 2, 42);
		shares[i] = field_add(shares[i], 1);
		assert_false(field_open(&opened, shares, 5, 2));
		assert_true(opened == 9);
	}
	field_share(shares, 3, 2, 42);
	shares[0] = field_add(shares[0], 1);
	assert_true(field_open(&opened, shares, 3, 2)); /* not seen */
	assert_true(opened != 42);
}

static void sums_of_shares_are_shares_of_the_sum(void **state)
{
	u128 a[4], b[4], opened;
	size_t i;

	(void)state;
	field_share(a, 4, 2, field_from_int(-1000));
	field_share(b, 4, 2, field_from_int(1));
	for (i = 0; i < 4; i++)
		a[i] = field_add(a[i], b[i]);
	assert_true(field_open(&opened, a, 4, 2));
	assert_true(field_to_int(opened) == -999);
}

static void the_largest_roster_works(void **state)
{
	static u128 shares[FIELD_POINTS_MAX];
	u128 secret = field_random();

	(void)state;
	field_share(shares, FIELD_POINTS_MAX, 300, secret);
	assert_true(field_interpolate(shares, 301, 0) == secret);
	assert_true(field_interpolate(shares, 301, FIELD_POINTS_MAX) ==
		    shares[FIELD_POINTS_MAX - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arithmetic_agrees_with_python),
	    cmocka_unit_test(random_elements_satisfy_the_field_laws),
	    cmocka_unit_test(signed_integers_come_back_up_to_the_limit),
	    cmocka_unit_test(negative_integers_add_like_integers),
	    cmocka_unit_test(encoding_is_big_endian_and_refuses_p_and_above),
	    cmocka_unit_test(any_t_plus_1_shares_give_the_secret),
	    cmocka_unit_test(a_share_looks_uniform_whatever_the_secret),
	    cmocka_unit_test(threshold_0_shows_the_secret),
	    cmocka_unit_test(
		one_false_share_is_seen_when_there_are_more_than_t_plus_1),
	    cmocka_unit_test(sums_of_shares_are_shares_of_the_sum),
	    cmocka_unit_test(the_largest_roster_works),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
