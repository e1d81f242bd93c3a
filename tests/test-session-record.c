/*
 * Records: the vectors, and every record that must not open.
 */
#include "session/record.h"

#include <sodium.h>

#include "session/schedule.h"
#include "tests/test-session-vector.h"

static const uint8_t suites[] = {SESSION_SUITE_CHACHA20, SESSION_SUITE_AES256};

static const uint8_t secret_a[SESSION_HASH_LEN] = {0xa};
static const uint8_t secret_b[SESSION_HASH_LEN] = {0xb};

enum {
	ITEMS_LEN = 40,
	RECORD_LEN = ITEMS_LEN + SESSION_RECORD_OVERHEAD,
	EPOCH = SESSION_RATCHET_RECORDS,
};

/* Both ends of one direction. */
struct ends {
	struct session_record seal, open;
};

static void ends_init(struct ends *e, uint8_t suite, const uint8_t *secret)
{
	assert_int_equal(
	    session_record_init(&e->seal, suite, secret, true, NULL), 0);
	assert_int_equal(
	    session_record_init(&e->open, suite, secret, false, NULL), 0);
}

static void ends_wipe(struct ends *e)
{
	session_record_wipe(&e->seal);
	session_record_wipe(&e->open);
}

/* A direction that begins at the record ${seq}, by PROTOCOL 6.1. */
static void init_at(struct session_record *r, uint8_t suite,
		    const uint8_t *secret, uint64_t seq, bool seal)
{
	uint8_t s[SESSION_HASH_LEN], next[SESSION_HASH_LEN];

	memcpy(s, secret, sizeof(s));
	for (uint64_t e = 0; e < seq / EPOCH; e++) {
		session_schedule_label(next, sizeof(next), s, "ratchet", NULL,
				       0);
		memcpy(s, next, sizeof(s));
	}
	assert_int_equal(session_record_init(r, suite, s, seal, NULL), 0);
	r->seq = seq;
}

/* Seal ITEMS_LEN bytes that are all ${fill}. */
static void seal_fill(struct session_record *r, uint8_t record[RECORD_LEN],
		      uint8_t fill)
{
	memset(record, 0xee, RECORD_LEN);
	memset(record + SESSION_RECORD_HEADER_LEN, fill, ITEMS_LEN);
	assert_int_equal(session_record_seal(r, record, ITEMS_LEN), 0);
}

/* Open a copy of ${record}; its bytes are checked if that succeeds. */
static int open_copy(struct session_record *r, const uint8_t *record,
		     uint8_t fill)
{
	uint8_t copy[RECORD_LEN];
	size_t len = 0;
	int err;

	memcpy(copy, record, sizeof(copy));
	err = session_record_open(r, &len, copy, sizeof(copy));
	if (err)
		return err;
	assert_int_equal(len, ITEMS_LEN);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(copy[SESSION_RECORD_HEADER_LEN + i], fill);
	return 0;
}

/* ${now} is what ${before} was, context included. */
static void assert_unchanged(const struct session_record *now,
			     const struct session_record *before)
{
	assert_ptr_equal(now->aead.ctx, before->aead.ctx);
	assert_memory_equal(now->secret, before->secret, SESSION_HASH_LEN);
	assert_memory_equal(now->iv, before->iv, SESSION_IV_LEN);
	assert_true(now->seq == before->seq);
	assert_true(now->ratchets == before->ratchets);
}

static size_t n_records;

static void replay(const char *name, const json_t *v)
{
	uint8_t suite = (uint8_t)vector_int(v, "suite");
	struct bytes secret = vector_bytes(v, "secret"), text, sealed;
	struct session_record r;
	uint8_t record[4096];
	const json_t *w;
	size_t i, len;

	(void)name;
	json_array_foreach(json_object_get(v, "records"), i, w)
	{
		uint64_t seq = (uint64_t)vector_int(w, "sequence");

		text = vector_bytes(w, "plaintext");
		sealed = vector_bytes(w, "sealed");
		assert_true(sealed.len <= sizeof(record));

		init_at(&r, suite, secret.p, seq, true);
		memcpy(record + SESSION_RECORD_HEADER_LEN, text.p, text.len);
		assert_int_equal(session_record_seal(&r, record, text.len), 0);
		assert_int_equal(sealed.len,
				 text.len + SESSION_RECORD_OVERHEAD);
		assert_memory_equal(record, sealed.p, sealed.len);
		session_record_wipe(&r);

		init_at(&r, suite, secret.p, seq, false);
		assert_int_equal(
		    session_record_open(&r, &len, sealed.p, sealed.len), 0);
		assert_int_equal(len, text.len);
		assert_memory_equal(sealed.p + SESSION_RECORD_HEADER_LEN,
				    text.p, len);
		assert_true(r.seq == seq + 1);
		session_record_wipe(&r);
		free(text.p);
		free(sealed.p);
		n_records++;
	}
	free(secret.p);
}

static void records_of_the_vectors_are_met(void **state)
{
	(void)state;
	n_records = 0;
	print_message("%zu files", vector_each("record", "suite-", replay));
	print_message(", %zu records\n", n_records);
	assert_true(n_records > 0);
}

static void every_flipped_byte_is_refused_and_changes_nothing(void **state)
{
	static const uint8_t patterns[] = {0x01, 0x80, 0x55, 0xff};
	uint8_t record[RECORD_LEN];
	struct session_record before;
	struct ends e;

	(void)state;
	for (size_t s = 0; s < N_OF(suites); s++) {
		ends_init(&e, suites[s], secret_a);
		for (int warm_up = 0; warm_up < 5; warm_up++) {
			seal_fill(&e.seal, record, 1);
			assert_int_equal(open_copy(&e.open, record, 1), 0);
		}
		seal_fill(&e.seal, record, 2);
		before = e.open;
		for (size_t i = 0; i < RECORD_LEN; i++)
			for (size_t p = 0; p < N_OF(patterns); p++) {
				int err;

				record[i] ^= patterns[p];
				err = open_copy(&e.open, record, 2);
				if (i == 0)
					assert_error(err, PARLEY_ERR_FORMAT,
						     "type");
				else if (i < SESSION_RECORD_HEADER_LEN)
					assert_true(err ==
							PARLEY_ERR_SEQUENCE ||
						    err == PARLEY_ERR_REPLAY);
				else
					assert_error(err, PARLEY_ERR_SEAL,
						     "sealed");
				record[i] ^= patterns[p];
				assert_unchanged(&e.open, &before);
			}
		/* The right one still opens. */
		assert_int_equal(open_copy(&e.open, record, 2), 0);
		ends_wipe(&e);
	}
}

static void record_in_pieces_is_that_of_the_whole(void **state)
{
	const uint8_t secret[SESSION_HASH_LEN] = {1};
	uint8_t whole[RECORD_LEN], record[RECORD_LEN], text[ITEMS_LEN];
	uint8_t *items = record + SESSION_RECORD_HEADER_LEN;
	struct ends e, f;
	size_t len;

	(void)state;
	ends_init(&e, SESSION_SUITE_AES256, secret);
	ends_init(&f, SESSION_SUITE_AES256, secret);
	for (int n = 0; n < EPOCH + 2; n++) {
		const size_t first = (size_t)n % (ITEMS_LEN + 1);

		seal_fill(&e.seal, whole, (uint8_t)n);
		memset(text, (uint8_t)n, sizeof(text));
		assert_int_equal(session_record_begin(&f.seal, record), 0);
		assert_int_equal(
		    session_record_add(&f.seal, items, text, first), 0);
		assert_int_equal(session_record_add(&f.seal, items + first,
						    text + first,
						    ITEMS_LEN - first),
				 0);
		assert_int_equal(session_record_end(&f.seal, record, ITEMS_LEN),
				 0);
		assert_memory_equal(record, whole, sizeof(record));

		/* A bad one changes nothing. */
		record[RECORD_LEN - 1] ^= 1;
		assert_int_equal(session_record_open_begin(&f.open, &len,
							   record, RECORD_LEN),
				 0);
		assert_int_equal(len, ITEMS_LEN);
		assert_int_equal(
		    session_record_add(&f.open, text, items, ITEMS_LEN), 0);
		assert_int_equal(
		    session_record_open_end(&f.open, record, RECORD_LEN),
		    PARLEY_ERR_SEAL);
		assert_true(f.open.seq == (uint64_t)n);
		record[RECORD_LEN - 1] ^= 1;

		memset(text, 0xee, sizeof(text));
		assert_int_equal(session_record_open_begin(&f.open, &len,
							   record, RECORD_LEN),
				 0);
		assert_int_equal(
		    session_record_add(&f.open, text, items, first), 0);
		assert_int_equal(session_record_add(&f.open, text + first,
						    items + first,
						    ITEMS_LEN - first),
				 0);
		assert_int_equal(
		    session_record_open_end(&f.open, record, RECORD_LEN), 0);
		for (size_t i = 0; i < ITEMS_LEN; i++)
			assert_int_equal(text[i], (uint8_t)n);
	}
	assert_int_equal(
	    session_record_open_begin(&f.open, &len, record, RECORD_LEN),
	    PARLEY_ERR_REPLAY);
	ends_wipe(&e);
	ends_wipe(&f);
}

static void truncated_and_lengthened_records_are_refused(void **state)
{
	uint8_t record[RECORD_LEN + 40] = {0}, copy[sizeof(record)];
	struct session_record before;
	struct ends e;
	size_t len;

	(void)state;
	for (size_t s = 0; s < N_OF(suites); s++) {
		ends_init(&e, suites[s], secret_a);
		seal_fill(&e.seal, record, 3);
		before = e.open;
		for (size_t n = 0; n < sizeof(record); n++) {
			if (n == RECORD_LEN)
				continue;
			memcpy(copy, record, sizeof(copy));
			assert_error(
			    session_record_open(&e.open, &len, copy, n),
			    n < SESSION_RECORD_OVERHEAD ? PARLEY_ERR_LENGTH
							: PARLEY_ERR_SEAL,
			    "length");
			assert_unchanged(&e.open, &before);
		}
		assert_int_equal(open_copy(&e.open, record, 3), 0);
		ends_wipe(&e);
	}
}

static void order_is_kept(void **state)
{
	uint8_t r[4][RECORD_LEN];
	struct session_record before;
	struct ends e;

	(void)state;
	for (size_t s = 0; s < N_OF(suites); s++) {
		ends_init(&e, suites[s], secret_a);
		for (int i = 0; i < 4; i++)
			seal_fill(&e.seal, r[i], (uint8_t)i);
		before = e.open;
		/* Swapped, and a gap. */
		for (uint8_t i = 1; i < 4; i++)
			assert_int_equal(open_copy(&e.open, r[i], i),
					 PARLEY_ERR_SEQUENCE);
		assert_unchanged(&e.open, &before);
		assert_int_equal(open_copy(&e.open, r[0], 0), 0);
		assert_int_equal(open_copy(&e.open, r[1], 1), 0);
		before = e.open;
		/* Repeated, and a gap of one. */
		assert_int_equal(open_copy(&e.open, r[0], 0),
				 PARLEY_ERR_REPLAY);
		assert_int_equal(open_copy(&e.open, r[1], 1),
				 PARLEY_ERR_REPLAY);
		assert_int_equal(open_copy(&e.open, r[3], 3),
				 PARLEY_ERR_SEQUENCE);
		assert_unchanged(&e.open, &before);
		assert_int_equal(open_copy(&e.open, r[2], 2), 0);
		assert_int_equal(open_copy(&e.open, r[3], 3), 0);
		ends_wipe(&e);
	}
}

static void header_with_another_number_does_not_help(void **state)
{
	uint8_t r[2][RECORD_LEN];
	struct ends e;

	(void)state;
	ends_init(&e, SESSION_SUITE_CHACHA20, secret_a);
	seal_fill(&e.seal, r[0], 0);
	seal_fill(&e.seal, r[1], 1);
	memcpy(r[1], r[0], SESSION_RECORD_HEADER_LEN);
	assert_int_equal(open_copy(&e.open, r[1], 1), PARLEY_ERR_SEAL);
	assert_int_equal(open_copy(&e.open, r[0], 0), 0);
	ends_wipe(&e);
}

static void record_of_another_direction_or_session_is_refused(void **state)
{
	uint8_t record[RECORD_LEN], right[RECORD_LEN];
	struct session_record before;
	struct ends a, b;

	(void)state;
	for (size_t s = 0; s < N_OF(suites); s++) {
		ends_init(&a, suites[s], secret_a);
		ends_init(&b, suites[s], secret_b);
		seal_fill(&b.seal, record, 1);
		before = a.open;
		assert_int_equal(open_copy(&a.open, record, 1),
				 PARLEY_ERR_SEAL);
		assert_unchanged(&a.open, &before);
		seal_fill(&a.seal, right, 2);
		assert_memory_not_equal(right, record, RECORD_LEN);
		assert_int_equal(open_copy(&a.open, right, 2), 0);
		ends_wipe(&a);
		ends_wipe(&b);
	}
}

static void record_of_the_other_suite_is_refused(void **state)
{
	uint8_t record[RECORD_LEN];
	struct ends a, b;

	(void)state;
	ends_init(&a, suites[0], secret_a);
	ends_init(&b, suites[1], secret_a);
	seal_fill(&b.seal, record, 1);
	assert_int_equal(open_copy(&a.open, record, 1), PARLEY_ERR_SEAL);
	ends_wipe(&a);
	ends_wipe(&b);
	assert_int_equal(session_record_init(&a.seal, 3, secret_a, true, NULL),
			 PARLEY_ERR_SUITE);
}

static void numbers_end_at_2_to_the_48(void **state)
{
	const uint64_t last = SESSION_RECORD_SEQ_MAX - 1;
	uint8_t record[RECORD_LEN], after[RECORD_LEN];
	struct session_record before;
	struct ends e;
	size_t len;

	(void)state;
	for (size_t s = 0; s < N_OF(suites); s++) {
		ends_init(&e, suites[s], secret_a);
		e.seal.seq = e.open.seq = last - 1;
		seal_fill(&e.seal, record, 1);
		assert_int_equal(open_copy(&e.open, record, 1), 0);
		seal_fill(&e.seal, record, 2);
		assert_int_equal(open_copy(&e.open, record, 2), 0);

		before = e.seal;
		memset(after, 0, sizeof(after));
		assert_int_equal(session_record_seal(&e.seal, after, ITEMS_LEN),
				 PARLEY_ERR_EXHAUSTED);
		assert_int_equal(session_record_begin(&e.seal, after),
				 PARLEY_ERR_EXHAUSTED);
		assert_unchanged(&e.seal, &before);
		for (size_t i = 0; i < sizeof(after); i++)
			assert_int_equal(after[i], 0);
		/* Whatever comes then: no number is taken twice. */
		memset(record, 0, sizeof(record));
		record[0] = SESSION_WIRE_RECORD;
		assert_int_equal(
		    session_record_open(&e.open, &len, record, sizeof(record)),
		    PARLEY_ERR_EXHAUSTED);
		assert_true(e.open.seq == SESSION_RECORD_SEQ_MAX);
		ends_wipe(&e);
	}
}

static void number_in_the_header_may_wrap_but_not_repeat(void **state)
{
	uint8_t old[RECORD_LEN], record[RECORD_LEN];
	struct session_record other;
	struct ends e;

	(void)state;
	for (size_t s = 0; s < N_OF(suites); s++) {
		/* Record 0 and record 2^24 have the same header. */
		init_at(&other, suites[s], secret_a, 0, true);
		seal_fill(&other, old, 1);
		init_at(&e.seal, suites[s], secret_a, (1 << 24) - 1, true);
		init_at(&e.open, suites[s], secret_a, (1 << 24) - 1, false);
		assert_int_equal(open_copy(&e.open, old, 1),
				 PARLEY_ERR_SEQUENCE);
		seal_fill(&e.seal, record, 2);
		assert_int_equal(open_copy(&e.open, record, 2), 0);
		assert_int_equal(open_copy(&e.open, old, 1), PARLEY_ERR_SEAL);
		seal_fill(&e.seal, record, 3);
		assert_memory_equal(record, old, SESSION_RECORD_HEADER_LEN);
		assert_int_equal(open_copy(&e.open, record, 3), 0);
		session_record_wipe(&other);
		ends_wipe(&e);

		/* The same key and the same header, 2^24 records apart, is
		 * another nonce. */
		ends_init(&e, suites[s], secret_a);
		seal_fill(&e.seal, old, 1);
		e.open.seq = 1 << 24;
		assert_int_equal(open_copy(&e.open, old, 1), PARLEY_ERR_SEAL);
		ends_wipe(&e);
	}
}

static bool holds(const void *p, size_t len, const uint8_t *secret)
{
	return memmem(p, len, secret, SESSION_HASH_LEN) != NULL;
}

static void key_changes_every_4096_records_and_the_old_is_gone(void **state)
{
	uint8_t record[RECORD_LEN], s0[SESSION_HASH_LEN], s1[SESSION_HASH_LEN];
	uint8_t last[RECORD_LEN], iv0[SESSION_IV_LEN];
	struct session_record before, at_1;
	struct ends e;

	(void)state;
	for (size_t s = 0; s < N_OF(suites); s++) {
		memcpy(s0, secret_a, sizeof(s0));
		session_schedule_label(s1, sizeof(s1), s0, "ratchet", NULL, 0);
		ends_init(&e, suites[s], secret_a);
		assert_false(holds(&e.seal, sizeof(e.seal), s0));
		assert_memory_equal(e.seal.secret, s1, sizeof(s1));
		memcpy(iv0, e.seal.iv, sizeof(iv0));
		for (int i = 0; i < EPOCH - 1; i++) {
			seal_fill(&e.seal, record, (uint8_t)i);
			assert_int_equal(open_copy(&e.open, record, (uint8_t)i),
					 0);
		}
		assert_true(e.seal.ratchets == 0 && e.open.ratchets == 0);
		assert_memory_equal(e.seal.iv, iv0, sizeof(iv0));
		seal_fill(&e.seal, last, 9);
		assert_true(e.seal.ratchets == 1 && e.open.ratchets == 0);
		assert_false(holds(&e.seal, sizeof(e.seal), s1));
		assert_memory_not_equal(e.seal.iv, iv0, sizeof(iv0));

		/* A record of the next epoch neither opens early nor does it
		 * turn the ratchet. */
		seal_fill(&e.seal, record, 10);
		before = e.open;
		assert_int_equal(open_copy(&e.open, record, 10),
				 PARLEY_ERR_SEQUENCE);
		last[20] ^= 1;
		assert_int_equal(open_copy(&e.open, last, 9), PARLEY_ERR_SEAL);
		last[20] ^= 1;
		assert_unchanged(&e.open, &before);
		assert_int_equal(open_copy(&e.open, last, 9), 0);
		assert_true(e.open.ratchets == 1);
		assert_false(holds(&e.open, sizeof(e.open), s1));

		/* The first of the epoch is what the schedule says. */
		init_at(&at_1, suites[s], secret_a, EPOCH, false);
		assert_int_equal(open_copy(&at_1, record, 10), 0);
		session_record_wipe(&at_1);
		assert_int_equal(open_copy(&e.open, last, 9),
				 PARLEY_ERR_REPLAY);
		assert_int_equal(open_copy(&e.open, record, 10), 0);

		/* The key of the epoch before opens nothing of this one. */
		init_at(&at_1, suites[s], secret_a, 0, false);
		at_1.seq = EPOCH;
		assert_int_equal(open_copy(&at_1, record, 10), PARLEY_ERR_SEAL);
		session_record_wipe(&at_1);
		ends_wipe(&e);
	}
}

static void ratchet_is_crossed_again_and_again(void **state)
{
	uint8_t record[RECORD_LEN];
	struct ends e;

	(void)state;
	ends_init(&e, SESSION_SUITE_AES256, secret_a);
	for (int i = 0; i < 3 * EPOCH + 1; i++) {
		seal_fill(&e.seal, record, (uint8_t)i);
		assert_int_equal(open_copy(&e.open, record, (uint8_t)i), 0);
	}
	assert_true(e.seal.ratchets == 3 && e.open.ratchets == 3);
	assert_true(e.seal.seq == 3 * EPOCH + 1);
	ends_wipe(&e);
}

static void largest_record_is_256_KiB(void **state)
{
	const size_t max = SESSION_RECORD_LEN_MAX - SESSION_RECORD_OVERHEAD;
	uint8_t *record = calloc(1, SESSION_RECORD_LEN_MAX + 1);
	struct session_record before;
	struct ends e;
	size_t len;

	(void)state;
	assert_non_null(record);
	ends_init(&e, SESSION_SUITE_CHACHA20, secret_a);
	before = e.seal;
	assert_int_equal(session_record_seal(&e.seal, record, max + 1),
			 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(session_record_seal(&e.seal, record, SIZE_MAX),
			 PARLEY_ERR_TOO_LARGE);
	assert_unchanged(&e.seal, &before);
	assert_int_equal(session_record_seal(&e.seal, record, max), 0);
	assert_int_equal(session_record_open(&e.open, &len, record,
					     SESSION_RECORD_LEN_MAX + 1),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(
	    session_record_open(&e.open, &len, record, SESSION_RECORD_LEN_MAX),
	    0);
	assert_int_equal(len, max);
	ends_wipe(&e);
	free(record);
}

static void empty_record_round_trips(void **state)
{
	uint8_t record[SESSION_RECORD_OVERHEAD];
	struct ends e;
	size_t len = 1;

	(void)state;
	ends_init(&e, SESSION_SUITE_AES256, secret_a);
	assert_int_equal(session_record_seal(&e.seal, record, 0), 0);
	assert_int_equal(
	    session_record_open(&e.open, &len, record, sizeof(record)), 0);
	assert_int_equal(len, 0);
	ends_wipe(&e);
}

static void other_types_are_refused(void **state)
{
	uint8_t record[RECORD_LEN];
	struct ends e;

	(void)state;
	ends_init(&e, SESSION_SUITE_AES256, secret_a);
	seal_fill(&e.seal, record, 1);
	for (int type = 0; type < 256; type++) {
		record[0] = (uint8_t)type;
		if (type != SESSION_WIRE_RECORD)
			assert_int_equal(open_copy(&e.open, record, 1),
					 PARLEY_ERR_FORMAT);
	}
	ends_wipe(&e);
}

static void wiping_leaves_zeroes(void **state)
{
	const struct session_record zero = {0};
	struct ends e;

	(void)state;
	ends_init(&e, SESSION_SUITE_AES256, secret_a);
	ends_wipe(&e);
	assert_memory_equal(&e.seal, &zero, sizeof(zero));
	assert_memory_equal(&e.open, &zero, sizeof(zero));
	ends_wipe(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_of_the_vectors_are_met),
	    cmocka_unit_test(every_flipped_byte_is_refused_and_changes_nothing),
	    cmocka_unit_test(record_in_pieces_is_that_of_the_whole),
	    cmocka_unit_test(truncated_and_lengthened_records_are_refused),
	    cmocka_unit_test(order_is_kept),
	    cmocka_unit_test(header_with_another_number_does_not_help),
	    cmocka_unit_test(record_of_another_direction_or_session_is_refused),
	    cmocka_unit_test(record_of_the_other_suite_is_refused),
	    cmocka_unit_test(numbers_end_at_2_to_the_48),
	    cmocka_unit_test(number_in_the_header_may_wrap_but_not_repeat),
	    cmocka_unit_test(
		key_changes_every_4096_records_and_the_old_is_gone),
	    cmocka_unit_test(ratchet_is_crossed_again_and_again),
	    cmocka_unit_test(largest_record_is_256_KiB),
	    cmocka_unit_test(empty_record_round_trips),
	    cmocka_unit_test(other_types_are_refused),
	    cmocka_unit_test(wiping_leaves_zeroes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
