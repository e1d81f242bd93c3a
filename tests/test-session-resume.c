/*
 * Resume, challenge, answer (PROTOCOL 5.6): what is accepted, and that
 * nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "session/resume.h"

enum { INDEX = 0x1234 % 1024, NEXT_X = 77, NEXT_Y = 4097 };

/* Both ends of a channel, and the messages of one attempt. */
struct pair {
	struct session_resume x, y;
	struct session_resume_attempt at_x, at_y;
	uint8_t gate[SESSION_HASH_LEN];
	uint8_t resume[SESSION_RESUME_LEN];
	uint8_t challenge[SESSION_CHALLENGE_LEN];
	uint8_t answer[SESSION_ANSWER_LEN];
	uint64_t next_x, next_y; /* as told to the other */
};

static void nonce(uint8_t n[SESSION_NONCE_LEN], int seed)
{
	memset(n, seed, SESSION_NONCE_LEN);
}

static void pair_init(struct pair *p, int secret, enum session_role x)
{
	uint8_t s[SESSION_HASH_LEN];

	memset(p, 0, sizeof(*p));
	memset(s, secret, sizeof(s));
	memset(p->gate, 0x77, sizeof(p->gate));
	session_resume_init(&p->x, s, x);
	session_resume_init(&p->y, s,
			    x == SESSION_INITIATOR ? SESSION_RESPONDER
						   : SESSION_INITIATOR);
}

/* E1 and F1-F3. */
static void begin(struct pair *p, int seed)
{
	uint8_t a[SESSION_NONCE_LEN], b[SESSION_NONCE_LEN];
	size_t index;

	nonce(a, seed);
	nonce(b, seed + 1);
	session_resume_create(p->resume, &p->at_x, &p->x, p->gate, INDEX, a);
	assert_int_equal(
	    session_resume_index(&index, p->resume, sizeof(p->resume), p->gate),
	    0);
	assert_int_equal(index, INDEX);
	assert_int_equal(session_resume_challenge(p->challenge, &p->at_y, &p->y,
						  p->resume, NEXT_Y, b),
			 0);
}

static int answer(struct pair *p, const uint8_t *challenge, size_t len)
{
	return session_resume_answer(p->answer, &p->next_y, &p->at_x, &p->x,
				     challenge, len, NEXT_X);
}

static int finish(struct pair *p, const uint8_t *reply, size_t len)
{
	return session_resume_finish(&p->next_x, &p->at_y, &p->y, reply, len);
}

static void full(struct pair *p, int secret, enum session_role x, int seed)
{
	pair_init(p, secret, x);
	begin(p, seed);
	assert_int_equal(answer(p, p->challenge, sizeof(p->challenge)), 0);
	assert_int_equal(finish(p, p->answer, sizeof(p->answer)), 0);
}

static void either_role_of_the_handshake_may_resume(void **state)
{
	struct pair p;

	(void)state;
	for (int role = 0; role < 2; role++) {
		full(&p, 5, role ? SESSION_RESPONDER : SESSION_INITIATOR, 10);
		assert_int_equal(p.next_y, NEXT_Y);
		assert_int_equal(p.next_x, NEXT_X);
	}
}

static void every_index_survives_its_mask(void **state)
{
	uint8_t a[SESSION_NONCE_LEN];
	struct pair p;
	size_t index;

	(void)state;
	pair_init(&p, 5, SESSION_INITIATOR);
	for (size_t i = 0; i < 1024; i++) {
		nonce(a, (int)i);
		session_resume_create(p.resume, &p.at_x, &p.x, p.gate, i, a);
		assert_int_equal(session_resume_index(&index, p.resume,
						      sizeof(p.resume), p.gate),
				 0);
		assert_int_equal(index, i);
	}
}

static void a_resume_with_any_byte_changed_is_refused(void **state)
{
	struct pair p;
	size_t index;

	(void)state;
	full(&p, 5, SESSION_INITIATOR, 10);
	for (size_t i = 0; i < sizeof(p.resume); i++)
		for (int bit = 0; bit < 8; bit++) {
			p.resume[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(session_resume_index(&index, p.resume,
							      sizeof(p.resume),
							      p.gate),
					 PARLEY_ERR_GATE);
			p.resume[i] ^= (uint8_t)(1 << bit);
		}
}

static void a_challenge_with_any_byte_changed_is_refused(void **state)
{
	struct pair p;
	int err;

	(void)state;
	pair_init(&p, 5, SESSION_RESPONDER);
	begin(&p, 10);
	p.next_y = 1;
	for (size_t i = 0; i < sizeof(p.challenge); i++) {
		p.challenge[i] ^= 0x10;
		err = answer(&p, p.challenge, sizeof(p.challenge));
		assert_int_equal(err, i == 0   ? PARLEY_ERR_LENGTH
				      : i < 17 ? PARLEY_ERR_TRANSCRIPT
					       : PARLEY_ERR_SIGNATURE);
		assert_int_equal(p.next_y, 1);
		p.challenge[i] ^= 0x10;
	}
	/* The attempt stands after all that. */
	assert_int_equal(answer(&p, p.challenge, sizeof(p.challenge)), 0);
	assert_int_equal(finish(&p, p.answer, sizeof(p.answer)), 0);
}

static void an_answer_with_any_byte_changed_is_refused(void **state)
{
	struct pair p;
	int err;

	(void)state;
	full(&p, 5, SESSION_INITIATOR, 10);
	p.next_x = 1;
	for (size_t i = 0; i < sizeof(p.answer); i++) {
		p.answer[i] ^= 0x01;
		err = finish(&p, p.answer, sizeof(p.answer));
		assert_int_equal(err, i == 0   ? PARLEY_ERR_LENGTH
				      : i < 17 ? PARLEY_ERR_TRANSCRIPT
					       : PARLEY_ERR_SIGNATURE);
		assert_int_equal(p.next_x, 1);
		p.answer[i] ^= 0x01;
	}
}

static void other_lengths_are_refused(void **state)
{
	uint8_t longer[128] = {0};
	struct pair p;
	size_t index;

	(void)state;
	full(&p, 5, SESSION_INITIATOR, 10);
	memcpy(longer, p.resume, sizeof(p.resume));
	for (size_t n = 0; n < sizeof(longer); n++)
		if (n != sizeof(p.resume))
			assert_int_equal(
			    session_resume_index(&index, longer, n, p.gate),
			    PARLEY_ERR_LENGTH);
	memcpy(longer, p.challenge, sizeof(p.challenge));
	for (size_t n = 0; n < sizeof(longer); n++)
		if (n != sizeof(p.challenge))
			assert_int_equal(answer(&p, longer, n),
					 PARLEY_ERR_LENGTH);
	memcpy(longer, p.answer, sizeof(p.answer));
	for (size_t n = 0; n < sizeof(longer); n++)
		if (n != sizeof(p.answer))
			assert_int_equal(finish(&p, longer, n),
					 PARLEY_ERR_LENGTH);
}

static void an_old_resume_brings_a_challenge_that_nobody_can_answer(
    void **state)
{
	struct pair old, p;
	uint8_t b[SESSION_NONCE_LEN];

	(void)state;
	full(&old, 5, SESSION_INITIATOR, 10);
	pair_init(&p, 5, SESSION_INITIATOR);
	nonce(b, 99);
	/* Y cannot know that it is old; its own nonce is new. */
	assert_int_equal(session_resume_challenge(p.challenge, &p.at_y, &p.y,
						  old.resume, NEXT_Y, b),
			 0);
	assert_int_equal(finish(&p, old.answer, sizeof(old.answer)),
			 PARLEY_ERR_SIGNATURE);
}

static void an_old_challenge_or_answer_is_refused(void **state)
{
	struct pair old, p;

	(void)state;
	full(&old, 5, SESSION_INITIATOR, 10);
	pair_init(&p, 5, SESSION_INITIATOR);
	begin(&p, 20);
	assert_int_equal(answer(&p, old.challenge, sizeof(old.challenge)),
			 PARLEY_ERR_TRANSCRIPT);
	assert_int_equal(finish(&p, old.answer, sizeof(old.answer)),
			 PARLEY_ERR_TRANSCRIPT);
	/* Also with the a of this attempt put in. */
	memcpy(old.challenge + 1, p.at_x.a, SESSION_NONCE_LEN);
	memcpy(old.answer + 1, p.at_x.a, SESSION_NONCE_LEN);
	assert_int_equal(answer(&p, old.challenge, sizeof(old.challenge)),
			 PARLEY_ERR_SIGNATURE);
	assert_int_equal(finish(&p, old.answer, sizeof(old.answer)),
			 PARLEY_ERR_SIGNATURE);
}

static void what_an_end_sent_is_not_accepted_from_it(void **state)
{
	struct session_resume_attempt at;
	uint8_t reply[SESSION_CHALLENGE_LEN], b[SESSION_NONCE_LEN];
	uint8_t back[SESSION_ANSWER_LEN];
	struct pair p;
	uint64_t next;

	(void)state;
	full(&p, 5, SESSION_INITIATOR, 10);
	nonce(b, 3);
	/* X's resume to X, Y's challenge to Y, X's answer to X. */
	assert_int_equal(
	    session_resume_challenge(reply, &at, &p.x, p.resume, 1, b),
	    PARLEY_ERR_SIGNATURE);
	at = p.at_y;
	assert_int_equal(session_resume_answer(back, &next, &at, &p.y,
					       p.challenge, sizeof(p.challenge),
					       1),
			 PARLEY_ERR_SIGNATURE);
	at = p.at_x;
	assert_int_equal(
	    session_resume_finish(&next, &at, &p.x, p.answer, sizeof(p.answer)),
	    PARLEY_ERR_SIGNATURE);
}

static void a_challenge_is_no_answer_and_the_other_way_round(void **state)
{
	uint8_t msg[SESSION_CHALLENGE_LEN] = {0};
	struct pair p;

	(void)state;
	full(&p, 5, SESSION_INITIATOR, 10);
	assert_int_equal(finish(&p, p.challenge, sizeof(p.challenge)),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(answer(&p, p.answer, sizeof(p.answer)),
			 PARLEY_ERR_LENGTH);
	/* The MAC of one in the form of the other. */
	memcpy(msg, p.challenge, sizeof(msg));
	memcpy(msg + 33, p.answer + 17, 24);
	assert_int_equal(answer(&p, msg, sizeof(msg)), PARLEY_ERR_SIGNATURE);
	msg[0] = SESSION_WIRE_ANSWER;
	memcpy(msg + 17, p.challenge + 33, 24);
	assert_int_equal(finish(&p, msg, SESSION_ANSWER_LEN),
			 PARLEY_ERR_SIGNATURE);
}

static void messages_of_another_channel_are_refused(void **state)
{
	struct pair p, other;
	uint8_t b[SESSION_NONCE_LEN];

	(void)state;
	pair_init(&p, 5, SESSION_INITIATOR);
	begin(&p, 10);
	pair_init(&other, 6, SESSION_INITIATOR);
	begin(&other, 10); /* the same nonces */
	nonce(b, 3);
	assert_int_equal(session_resume_challenge(p.challenge, &p.at_y, &p.y,
						  other.resume, 1, b),
			 PARLEY_ERR_SIGNATURE);
	assert_int_equal(answer(&p, other.challenge, sizeof(other.challenge)),
			 PARLEY_ERR_SIGNATURE);
	assert_int_equal(
	    answer(&other, other.challenge, sizeof(other.challenge)), 0);
	begin(&p, 10);
	assert_int_equal(finish(&p, other.answer, sizeof(other.answer)),
			 PARLEY_ERR_SIGNATURE);
}

static void another_agreement_has_another_gate(void **state)
{
	struct pair p;
	size_t index;

	(void)state;
	full(&p, 5, SESSION_INITIATOR, 10);
	p.gate[31] ^= 1;
	assert_int_equal(
	    session_resume_index(&index, p.resume, sizeof(p.resume), p.gate),
	    PARLEY_ERR_GATE);
}

static void a_holder_cannot_resume_under_another_index(void **state)
{
	struct pair p, other;
	uint8_t a[SESSION_NONCE_LEN], b[SESSION_NONCE_LEN];
	size_t index;

	(void)state;
	/* The member X, with its own key, says that it is INDEX + 1, whose
	 * channel has other keys. */
	pair_init(&p, 5, SESSION_INITIATOR);
	pair_init(&other, 6, SESSION_INITIATOR);
	nonce(a, 1);
	nonce(b, 2);
	session_resume_create(p.resume, &p.at_x, &p.x, p.gate, INDEX + 1, a);
	assert_int_equal(
	    session_resume_index(&index, p.resume, sizeof(p.resume), p.gate),
	    0);
	assert_int_equal(index, INDEX + 1);
	assert_int_equal(session_resume_challenge(p.challenge, &p.at_y,
						  &other.y, p.resume, 1, b),
			 PARLEY_ERR_SIGNATURE);
}

static void the_index_and_nothing_else_is_hidden_by_a_fresh_mask(void **state)
{
	uint8_t a[SESSION_NONCE_LEN], first[2];
	struct pair p;
	int n_same = 0;

	(void)state;
	pair_init(&p, 5, SESSION_INITIATOR);
	for (int i = 0; i < 200; i++) {
		nonce(a, i);
		session_resume_create(p.resume, &p.at_x, &p.x, p.gate, INDEX,
				      a);
		if (i == 0)
			memcpy(first, p.resume + 17, 2);
		n_same += memcmp(first, p.resume + 17, 2) == 0;
	}
	assert_true(n_same < 4);
}

static void wiped_keys_are_gone(void **state)
{
	static const struct session_resume zero;
	struct pair p;

	(void)state;
	pair_init(&p, 5, SESSION_INITIATOR);
	session_resume_wipe(&p.x);
	assert_memory_equal(&p.x, &zero, sizeof(zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(either_role_of_the_handshake_may_resume),
	    cmocka_unit_test(every_index_survives_its_mask),
	    cmocka_unit_test(a_resume_with_any_byte_changed_is_refused),
	    cmocka_unit_test(a_challenge_with_any_byte_changed_is_refused),
	    cmocka_unit_test(an_answer_with_any_byte_changed_is_refused),
	    cmocka_unit_test(other_lengths_are_refused),
	    cmocka_unit_test(
		an_old_resume_brings_a_challenge_that_nobody_can_answer),
	    cmocka_unit_test(an_old_challenge_or_answer_is_refused),
	    cmocka_unit_test(what_an_end_sent_is_not_accepted_from_it),
	    cmocka_unit_test(a_challenge_is_no_answer_and_the_other_way_round),
	    cmocka_unit_test(messages_of_another_channel_are_refused),
	    cmocka_unit_test(another_agreement_has_another_gate),
	    cmocka_unit_test(a_holder_cannot_resume_under_another_index),
	    cmocka_unit_test(
		the_index_and_nothing_else_is_hidden_by_a_fresh_mask),
	    cmocka_unit_test(wiped_keys_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
