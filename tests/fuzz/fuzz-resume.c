/*
 * Resume, challenge and answer (PROTOCOL 5.6).  The first byte, and what the
 * rest is:
 *
 *   'r' the resume, 'R' but for its gate, which is right
 *   'c' the challenge, 'C' but for its MAC, which is right
 *   else the answer, 'A' but for its MAC, which is right
 *
 * Expected: nothing passes without its MAC, since the fuzzer cannot make one;
 * with it, what passes is what was sent.
 */
#include <stdlib.h>
#include <string.h>

#include "session/resume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INDEX = 7, NEXT = 4711 };

static const uint8_t gate_key[SESSION_HASH_LEN] = {1, 2, 3};
static const uint8_t secret[SESSION_HASH_LEN] = {4, 5, 6};
static const uint8_t a[SESSION_NONCE_LEN] = {7}, b[SESSION_NONCE_LEN] = {8};

/* Both ends, up to the challenge. */
struct ends {
	struct session_resume x, y;
	struct session_resume_attempt at_x, at_y;
	uint8_t resume[SESSION_RESUME_LEN];
	uint8_t challenge[SESSION_CHALLENGE_LEN];
	uint8_t answer[SESSION_ANSWER_LEN];
};

/* ${data} in memory of just its length, with ${more} bytes behind it. */
static uint8_t *copy(const uint8_t *data, size_t size, size_t more)
{
	uint8_t *p = malloc(size + more > 0 ? size + more : 1);

	if (p == NULL)
		abort();
	if (size > 0)
		memcpy(p, data, size);
	return p;
}

static void begin(struct ends *e)
{
	size_t index;

	memset(e, 0, sizeof(*e));
	session_resume_init(&e->x, secret, SESSION_INITIATOR);
	session_resume_init(&e->y, secret, SESSION_RESPONDER);
	session_resume_create(e->resume, &e->at_x, &e->x, gate_key, INDEX, a);
	if (session_resume_index(&index, e->resume, sizeof(e->resume),
				 gate_key) != 0 ||
	    index != INDEX ||
	    session_resume_challenge(e->challenge, &e->at_y, &e->y, e->resume,
				     NEXT, b) != 0)
		abort();
}

static void resume(struct ends *e, const uint8_t *data, size_t size, int gate)
{
	struct session_resume_attempt at = e->at_y;
	uint8_t reply[SESSION_CHALLENGE_LEN];
	size_t len = size + (gate ? SESSION_MAC_LEN : 0), index;
	uint8_t *msg = copy(data, size, len - size);

	if (gate)
		session_schedule_mac(msg + size, gate_key, "gate", msg, size,
				     NULL, 0);
	if (session_resume_index(&index, msg, len, gate_key) == 0) {
		if (index > UINT16_MAX)
			abort();
		/* Only what X sent has its MAC, whoever says so. */
		if (session_resume_challenge(reply, &at, &e->y, msg, NEXT, b) ==
			0 &&
		    memcmp(msg + 1, a, sizeof(a)) != 0)
			abort();
	}
	free(msg);
}

/* As resume.c has it, over a || b || next of the message. */
static void put_mac(uint8_t *msg, size_t len, const uint8_t *key,
		    const char *label)
{
	const size_t at = len - SESSION_MAC_LEN - 8;
	uint8_t nonces[2 * SESSION_NONCE_LEN];

	memcpy(nonces, msg + 1, SESSION_NONCE_LEN);
	memcpy(nonces + SESSION_NONCE_LEN,
	       at > 1 + SESSION_NONCE_LEN ? msg + 1 + SESSION_NONCE_LEN : b,
	       SESSION_NONCE_LEN);
	session_schedule_mac(msg + len - SESSION_MAC_LEN, key, label, nonces,
			     sizeof(nonces), msg + at, 8);
}

static uint64_t number(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void challenge(struct ends *e, const uint8_t *data, size_t size, int mac)
{
	size_t len = size + (mac ? SESSION_MAC_LEN : 0);
	uint8_t *msg = copy(data, size, len - size);
	uint64_t next = 0;

	if (mac && len == SESSION_CHALLENGE_LEN)
		put_mac(msg, len, e->y.key[SESSION_RESPONDER], "challenge");
	else if (mac)
		memset(msg + size, 0, SESSION_MAC_LEN);
	if (session_resume_answer(e->answer, &next, &e->at_x, &e->x, msg, len,
				  NEXT) == 0 &&
	    (len != SESSION_CHALLENGE_LEN ||
	     next != number(msg + 1 + 2 * SESSION_NONCE_LEN) ||
	     (!mac && memcmp(msg, e->challenge, len) != 0)))
		abort();
	free(msg);
}

static void answer(struct ends *e, const uint8_t *data, size_t size, int mac)
{
	size_t len = size + (mac ? SESSION_MAC_LEN : 0);
	uint8_t *msg = copy(data, size, len - size);
	uint64_t next = 0;

	if (session_resume_answer(e->answer, &next, &e->at_x, &e->x,
				  e->challenge, sizeof(e->challenge),
				  NEXT) != 0)
		abort();
	if (mac && len == SESSION_ANSWER_LEN)
		put_mac(msg, len, e->x.key[SESSION_INITIATOR], "answer");
	else if (mac)
		memset(msg + size, 0, SESSION_MAC_LEN);
	if (session_resume_finish(&next, &e->at_y, &e->y, msg, len) == 0 &&
	    (len != SESSION_ANSWER_LEN ||
	     next != number(msg + 1 + SESSION_NONCE_LEN) ||
	     (!mac && memcmp(msg, e->answer, len) != 0)))
		abort();
	free(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ends e;

	if (size == 0)
		return 0;
	begin(&e);
	switch (data[0]) {
	case 'r':
	case 'R':
		resume(&e, data + 1, size - 1, data[0] == 'R');
		break;
	case 'c':
	case 'C':
		challenge(&e, data + 1, size - 1, data[0] == 'C');
		break;
	default:
		answer(&e, data + 1, size - 1, data[0] == 'A');
		break;
	}
	return 0;
}
