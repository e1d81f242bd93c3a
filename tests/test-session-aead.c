/*
 * The AEADs of the suites: published values, and what must not open.
 */
#include "session/aead.h"

#include "tests/test-session-vector.h"

/* Found before all tests; where the library is not, it has nothing, and ways
 * are the same. */
static struct session_aead_machine machine;

/* Ways to the same bytes: AES by what this machine has, and without. */
static const struct way {
	uint8_t suite;
	const struct session_aead_machine *machine;
} ways[] = {
    {SESSION_SUITE_CHACHA20, NULL},
    {SESSION_SUITE_AES256, NULL},
    {SESSION_SUITE_AES256, &machine},
};

static int find_machine(void **state)
{
	(void)state;
	session_aead_machine_init(&machine);
	print_message("by the Multi-Buffer library: %s\n",
		      machine.expand ? "yes" : "no");
	return 0;
}

static const uint8_t key[SESSION_KEY_LEN] = {1, 2, 3};
static const uint8_t nonce[SESSION_IV_LEN] = {9, 8, 7};
static const uint8_t ad[] = "additional";
static const uint8_t long_ad[70] = "more additional data than a block has";

enum { TEXT_LEN = 100, SEALED_LEN = TEXT_LEN + SESSION_AEAD_TAG_LEN };

static void init(struct session_aead *a, const struct way *w, bool seal)
{
	assert_int_equal(session_aead_init(a, w->suite, key, seal, w->machine),
			 0);
}

/* "0123.." sealed under ${key}, with the tag behind it. */
static void make_sealed(uint8_t sealed[SEALED_LEN], const struct way *w)
{
	struct session_aead a = {0};

	for (int i = 0; i < TEXT_LEN; i++)
		sealed[i] = (uint8_t)i;
	init(&a, w, true);
	assert_int_equal(session_aead_seal(&a, sealed + TEXT_LEN, sealed,
					   TEXT_LEN, nonce, ad, sizeof(ad)),
			 0);
	session_aead_wipe(&a);
}

static int open_sealed(const struct way *w, uint8_t sealed[SEALED_LEN],
		       const uint8_t *with_nonce, const uint8_t *with_ad,
		       size_t ad_len)
{
	struct session_aead a = {0};
	int err;

	init(&a, w, false);
	err = session_aead_open(&a, sealed, TEXT_LEN, sealed + TEXT_LEN,
				with_nonce, with_ad, ad_len);
	session_aead_wipe(&a);
	return err;
}

static void assert_all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], 0);
}

static void replay(const json_t *v, const struct session_aead_machine *m)
{
	uint8_t suite = (uint8_t)vector_int(v, "suite");
	struct bytes k = vector_bytes(v, "key"), n = vector_bytes(v, "nonce");
	struct bytes d = vector_bytes(v, "ad"), text = vector_bytes(v, "text");
	uint8_t tag[SESSION_AEAD_TAG_LEN];
	struct session_aead a = {0};

	assert_int_equal(k.len, SESSION_KEY_LEN);
	assert_int_equal(n.len, SESSION_IV_LEN);
	assert_int_equal(session_aead_init(&a, suite, k.p, true, m), 0);
	assert_int_equal(
	    session_aead_seal(&a, tag, text.p, text.len, n.p, d.p, d.len), 0);
	assert_vector(text.p, text.len, v, "sealed");
	assert_vector(tag, sizeof(tag), v, "tag");

	/* The same context, keyed anew, opens it. */
	assert_int_equal(session_aead_init(&a, suite, k.p, false, m), 0);
	assert_int_equal(
	    session_aead_open(&a, text.p, text.len, tag, n.p, d.p, d.len), 0);
	assert_vector(text.p, text.len, v, "text");
	session_aead_wipe(&a);
	free(k.p);
	free(n.p);
	free(d.p);
	free(text.p);
}

static void published_values_are_met(void **state)
{
	json_t *file = vector_load("aead/published.json"), *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		replay(v, NULL);
		replay(v, &machine);
	}
	print_message("%zu aead vectors\n", i);
	json_decref(file);
}

static void every_length_round_trips_in_one_context(void **state)
{
	uint8_t buf[300 + SESSION_AEAD_TAG_LEN], n[SESSION_IV_LEN] = {0};
	struct session_aead seal = {0}, open = {0};

	(void)state;
	for (size_t s = 0; s < N_OF(ways); s++) {
		init(&seal, &ways[s], true);
		init(&open, &ways[s], false);
		for (size_t len = 0; len <= 300; len++) {
			memset(buf, (int)len, len);
			n[0] = (uint8_t)len;
			n[1] = (uint8_t)(len >> 8);
			assert_int_equal(session_aead_seal(&seal, buf + len,
							   buf, len, n, ad,
							   len % sizeof(ad)),
					 0);
			assert_int_equal(session_aead_open(&open, buf, len,
							   buf + len, n, ad,
							   len % sizeof(ad)),
					 0);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(buf[i], (uint8_t)len);
		}
	}
	session_aead_wipe(&seal);
	session_aead_wipe(&open);
}

/* By libsodium or by EVP, at once or in pieces: the bytes are the same. */
static void pieces_make_the_bytes_of_the_whole(void **state)
{
	enum { MAX = 2 * SESSION_AEAD_SMALL };
	uint8_t text[MAX], whole[MAX], out[MAX], tag[2][SESSION_AEAD_TAG_LEN];
	struct session_aead seal = {0}, open = {0};

	(void)state;
	for (size_t i = 0; i < MAX; i++)
		text[i] = (uint8_t)(i * 5);
	for (size_t s = 0; s < N_OF(ways); s++) {
		init(&seal, &ways[s], true);
		init(&open, &ways[s], false);
		for (size_t len = 0; len <= MAX; len++) {
			size_t first = len * 7 % (len + 1);

			memcpy(whole, text, len);
			assert_int_equal(session_aead_seal(&seal, tag[0], whole,
							   len, nonce, ad,
							   sizeof(ad)),
					 0);
			/* Out of place, then in place. */
			memcpy(out + first, text + first, len - first);
			assert_int_equal(
			    session_aead_begin(&seal, nonce, ad, sizeof(ad)),
			    0);
			assert_int_equal(
			    session_aead_add(&seal, out, text, first), 0);
			assert_int_equal(session_aead_add(&seal, out + first,
							  out + first,
							  len - first),
					 0);
			assert_int_equal(session_aead_end_seal(&seal, tag[1]),
					 0);
			assert_memory_equal(out, whole, len);
			assert_memory_equal(tag[0], tag[1], sizeof(tag[0]));
			assert_int_equal(
			    session_aead_begin(&open, nonce, ad, sizeof(ad)),
			    0);
			assert_int_equal(
			    session_aead_add(&open, out, whole, first), 0);
			assert_int_equal(session_aead_add(&open, out + first,
							  whole + first,
							  len - first),
					 0);
			assert_int_equal(session_aead_end_open(&open, tag[0]),
					 0);
			assert_memory_equal(out, text, len);
		}
	}
	session_aead_wipe(&seal);
	session_aead_wipe(&open);
}

/* Seal in pieces of changing lengths, into other memory and in place by turns.
 */
static void seal_in_pieces(struct session_aead *a,
			   uint8_t tag[SESSION_AEAD_TAG_LEN], uint8_t *out,
			   const uint8_t *text, size_t len, size_t ad_len)
{
	size_t step = 1 + len % 67;
	bool in_place = false;

	assert_int_equal(session_aead_begin(a, nonce, long_ad, ad_len), 0);
	for (size_t at = 0, n; at < len; at += n, step = step * 3 % 4099 + 1) {
		n = step < len - at ? step : len - at;
		in_place = !in_place;
		if (in_place)
			memcpy(out + at, text + at, n);
		assert_int_equal(
		    session_aead_add(a, out + at,
				     in_place ? out + at : text + at, n),
		    0);
	}
	assert_int_equal(session_aead_end_seal(a, tag), 0);
}

/*
 * By the Multi-Buffer library, EVP (in pieces) and libsodium (short, as a
 * whole): one text has one sealed form, and each opens the others'.
 */
static void all_ways_make_the_same_bytes(void **state)
{
	static const size_t long_lens[] = {4095,  4096,	 4097,	 16384,
					   65535, 65552, 131052, 1048576};
	enum { SHORT_LENS = 1101, MAX = 1048576 };
	uint8_t tag[4][SESSION_AEAD_TAG_LEN];
	uint8_t *text = malloc(MAX), *out[4];
	struct session_aead seal[2] = {0}, open[2] = {0};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < MAX; i++)
		text[i] = (uint8_t)(i * 5 + (i >> 8));
	for (size_t i = 0; i < 4; i++) {
		out[i] = malloc(MAX);
		assert_non_null(out[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		init(&seal[i], &ways[1 + i], true);
		init(&open[i], &ways[1 + i], false);
	}
	for (size_t i = 0; i < SHORT_LENS + N_OF(long_lens); i++) {
		const size_t ad_len = i * 13 % (sizeof(long_ad) + 1);
		const size_t len =
		    i < SHORT_LENS ? i : long_lens[i - SHORT_LENS];

		for (size_t w = 0; w < 2; w++) {
			memcpy(out[w], text, len);
			assert_int_equal(session_aead_seal(&seal[w], tag[w],
							   out[w], len, nonce,
							   long_ad, ad_len),
					 0);
			seal_in_pieces(&seal[w], tag[2 + w], out[2 + w], text,
				       len, ad_len);
		}
		for (size_t w = 1; w < 4; w++) {
			assert_memory_equal(out[w], out[0], len);
			assert_memory_equal(tag[w], tag[0], sizeof(tag[0]));
		}
		for (size_t w = 0; w < 2; w++) {
			assert_int_equal(
			    session_aead_open(&open[w], out[w], len, tag[1 - w],
					      nonce, long_ad, ad_len),
			    0);
			assert_memory_equal(out[w], text, len);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		session_aead_wipe(&seal[i]);
		session_aead_wipe(&open[i]);
	}
	for (size_t i = 0; i < 4; i++)
		free(out[i]);
	free(text);
}

static void flipped_bit_is_refused_in_pieces_too(void **state)
{
	uint8_t sealed[SEALED_LEN], out[TEXT_LEN];
	struct session_aead a = {0};

	(void)state;
	for (size_t s = 0; s < N_OF(ways); s++) {
		make_sealed(sealed, &ways[s]);
		init(&a, &ways[s], false);
		for (int bit = 0; bit <= 8 * SEALED_LEN; bit++) {
			const bool flip = bit < 8 * SEALED_LEN;

			if (flip)
				sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
			    session_aead_begin(&a, nonce, ad, sizeof(ad)), 0);
			assert_int_equal(
			    session_aead_add(&a, out, sealed, TEXT_LEN), 0);
			assert_int_equal(
			    session_aead_end_open(&a, sealed + TEXT_LEN),
			    flip ? PARLEY_ERR_SEAL : 0);
			if (flip)
				sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	session_aead_wipe(&a);
}

static void every_flipped_bit_is_refused_and_leaves_zeroes(void **state)
{
	uint8_t sealed[SEALED_LEN], copy[SEALED_LEN];

	(void)state;
	for (size_t s = 0; s < N_OF(ways); s++) {
		make_sealed(sealed, &ways[s]);
		for (int bit = 0; bit < 8 * SEALED_LEN; bit++) {
			memcpy(copy, sealed, sizeof(copy));
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
			    open_sealed(&ways[s], copy, nonce, ad, sizeof(ad)),
			    PARLEY_ERR_SEAL);
			assert_all_zero(copy, TEXT_LEN);
		}
		assert_int_equal(
		    open_sealed(&ways[s], sealed, nonce, ad, sizeof(ad)), 0);
		assert_int_equal(sealed[99], 99);
	}
}

static void other_nonce_or_additional_data_is_refused(void **state)
{
	uint8_t sealed[SEALED_LEN], copy[SEALED_LEN], n[SESSION_IV_LEN];
	uint8_t d[sizeof(ad)];

	(void)state;
	for (size_t s = 0; s < N_OF(ways); s++) {
		make_sealed(sealed, &ways[s]);
		for (size_t i = 0; i < sizeof(n); i++) {
			memcpy(copy, sealed, sizeof(copy));
			memcpy(n, nonce, sizeof(n));
			n[i] ^= 1;
			assert_int_equal(
			    open_sealed(&ways[s], copy, n, ad, sizeof(ad)),
			    PARLEY_ERR_SEAL);
		}
		for (size_t i = 0; i < sizeof(d); i++) {
			memcpy(copy, sealed, sizeof(copy));
			memcpy(d, ad, sizeof(d));
			d[i] ^= 0x80;
			assert_int_equal(
			    open_sealed(&ways[s], copy, nonce, d, sizeof(d)),
			    PARLEY_ERR_SEAL);
		}
		memcpy(copy, sealed, sizeof(copy));
		assert_int_equal(
		    open_sealed(&ways[s], copy, nonce, ad, sizeof(ad) - 1),
		    PARLEY_ERR_SEAL);
	}
}

static void one_suite_does_not_open_the_other(void **state)
{
	uint8_t sealed[SEALED_LEN];

	(void)state;
	for (size_t s = 0; s < N_OF(ways); s++)
		for (size_t o = 0; o < N_OF(ways); o++) {
			const bool same = ways[s].suite == ways[o].suite;

			make_sealed(sealed, &ways[s]);
			assert_int_equal(open_sealed(&ways[o], sealed, nonce,
						     ad, sizeof(ad)),
					 same ? 0 : PARLEY_ERR_SEAL);
		}
}

static void other_suites_are_refused(void **state)
{
	struct session_aead a = {0};

	(void)state;
	for (int suite = 0; suite < 256; suite++) {
		bool known = suite == 1 || suite == 2;

		assert_int_equal(session_aead_supported((uint8_t)suite), known);
		if (known)
			continue;
		assert_int_equal(
		    session_aead_init(&a, (uint8_t)suite, key, true, NULL),
		    PARLEY_ERR_SUITE);
		assert_null(a.ctx);
	}
	assert_true(session_aead_supported((uint8_t)session_aead_preferred()));
}

static void context_serves_one_direction_only(void **state)
{
	uint8_t sealed[SEALED_LEN], tag[SESSION_AEAD_TAG_LEN];
	struct session_aead a = {0};

	(void)state;
	for (size_t s = 0; s < N_OF(ways); s++) {
		make_sealed(sealed, &ways[s]);
		init(&a, &ways[s], true);
		assert_int_equal(session_aead_begin(&a, nonce, ad, sizeof(ad)),
				 0);
		assert_int_equal(session_aead_end_open(&a, sealed + TEXT_LEN),
				 PARLEY_ERR_SEAL);
		assert_int_equal(session_aead_open(&a, sealed, TEXT_LEN,
						   sealed + TEXT_LEN, nonce, ad,
						   sizeof(ad)),
				 PARLEY_ERR_SEAL);
		init(&a, &ways[s], false);
		assert_int_equal(session_aead_begin(&a, nonce, ad, sizeof(ad)),
				 0);
		assert_int_equal(session_aead_end_seal(&a, tag),
				 PARLEY_ERR_INTERNAL);
		assert_int_equal(session_aead_seal(&a, sealed + TEXT_LEN,
						   sealed, TEXT_LEN, nonce, ad,
						   sizeof(ad)),
				 PARLEY_ERR_INTERNAL);
	}
	session_aead_wipe(&a);
}

static void wiped_context_does_nothing(void **state)
{
	uint8_t sealed[SEALED_LEN];
	struct session_aead a = {0};

	(void)state;
	for (size_t s = 0; s < 2 * N_OF(ways); s++) {
		const struct way *w = &ways[s / 2];

		make_sealed(sealed, w);
		init(&a, w, s % 2 == 1);
		session_aead_wipe(&a);
		session_aead_wipe(&a);
		assert_null(a.ctx);
		assert_null(a.key);
		assert_int_equal(session_aead_begin(&a, nonce, ad, sizeof(ad)),
				 PARLEY_ERR_INTERNAL);
		assert_int_equal(session_aead_seal(&a, sealed + TEXT_LEN,
						   sealed, TEXT_LEN, nonce, ad,
						   sizeof(ad)),
				 PARLEY_ERR_INTERNAL);
		assert_int_equal(session_aead_open(&a, sealed, TEXT_LEN,
						   sealed + TEXT_LEN, nonce, ad,
						   sizeof(ad)),
				 PARLEY_ERR_SEAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_values_are_met),
	    cmocka_unit_test(every_length_round_trips_in_one_context),
	    cmocka_unit_test(pieces_make_the_bytes_of_the_whole),
	    cmocka_unit_test(all_ways_make_the_same_bytes),
	    cmocka_unit_test(flipped_bit_is_refused_in_pieces_too),
	    cmocka_unit_test(every_flipped_bit_is_refused_and_leaves_zeroes),
	    cmocka_unit_test(other_nonce_or_additional_data_is_refused),
	    cmocka_unit_test(one_suite_does_not_open_the_other),
	    cmocka_unit_test(other_suites_are_refused),
	    cmocka_unit_test(context_serves_one_direction_only),
	    cmocka_unit_test(wiped_context_does_nothing),
	};

	return cmocka_run_group_tests(tests, find_machine, NULL);
}
