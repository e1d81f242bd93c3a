/*
 * Resuming: PROTOCOL 5.6, same step labels.
 *
 *   X                                             Y
 *   E1  resume    a, index, MAC, gate      ->     F1-F3
 *   E2  <-   challenge  a, b, next, MAC
 *   E3  answer    a, next, MAC             ->     F4
 *
 * Each MAC is under a key of the direction, so that nothing can be reflected,
 * and the two that change anything cover the other side's fresh nonce, so
 * that nothing can be replayed.
 */
#include "session/resume.h"

#include <string.h>

#include <sodium.h>

#include <parley/err.h>

#include "did/bytes.h"
#include "did/secret.h"

static const char *const key_label[2] = {"I resume", "R resume"};

void session_resume_init(struct session_resume *r,
			 const uint8_t secret[SESSION_HASH_LEN],
			 enum session_role role)
{
	r->role = role;
	for (int i = 0; i < 2; i++)
		session_schedule_label(r->key[i], SESSION_HASH_LEN, secret,
				       key_label[i], NULL, 0);
}

void session_resume_wipe(struct session_resume *r)
{
	did_secret_wipe(r, sizeof(*r));
}

static const uint8_t *own_key(const struct session_resume *r)
{
	return r->key[r->role];
}

static const uint8_t *their_key(const struct session_resume *r)
{
	return r->key[r->role == SESSION_INITIATOR ? SESSION_RESPONDER
						   : SESSION_INITIATOR];
}

static void make_mask(uint8_t mask[SESSION_MAC_LEN],
		      const uint8_t gate_key[SESSION_HASH_LEN],
		      const uint8_t *a)
{
	session_schedule_mac(mask, gate_key, "index", a, SESSION_NONCE_LEN,
			     NULL, 0);
}

/* MAC(key, "challenge" or "answer", a || b || next). */
static void make_mac(uint8_t mac[SESSION_MAC_LEN], const uint8_t *key,
		     const char *label, const struct session_resume_attempt *at,
		     uint64_t next)
{
	uint8_t nonces[2 * SESSION_NONCE_LEN], number[8];
	struct did_writer w;

	memcpy(nonces, at->a, SESSION_NONCE_LEN);
	memcpy(nonces + SESSION_NONCE_LEN, at->b, SESSION_NONCE_LEN);
	did_writer_init(&w, number, sizeof(number));
	did_writer_u64(&w, next);
	session_schedule_mac(mac, key, label, nonces, sizeof(nonces), number,
			     sizeof(number));
}

/*
 * resume
 */

void session_resume_create(uint8_t msg[SESSION_RESUME_LEN],
			   struct session_resume_attempt *at,
			   const struct session_resume *r,
			   const uint8_t gate_key[SESSION_HASH_LEN],
			   size_t index, const uint8_t a[SESSION_NONCE_LEN])
{
	uint8_t mask[SESSION_MAC_LEN], mac[SESSION_MAC_LEN];
	struct did_writer w;

	/* E1 */
	memcpy(at->a, a, SESSION_NONCE_LEN);
	make_mask(mask, gate_key, a);
	session_schedule_mac(mac, own_key(r), "resume", a, SESSION_NONCE_LEN,
			     NULL, 0);
	did_writer_init(&w, msg, SESSION_RESUME_LEN);
	did_writer_u8(&w, SESSION_WIRE_RESUME);
	did_writer_copy(&w, a, SESSION_NONCE_LEN);
	did_writer_u8(&w, (uint8_t)(index >> 8) ^ mask[0]);
	did_writer_u8(&w, (uint8_t)index ^ mask[1]);
	did_writer_copy(&w, mac, sizeof(mac));
	session_schedule_mac(mac, gate_key, "gate", msg, w.len, NULL, 0);
	did_writer_copy(&w, mac, sizeof(mac));
}

int session_resume_index(size_t *indexp, const uint8_t *msg, size_t len,
			 const uint8_t gate_key[SESSION_HASH_LEN])
{
	const size_t gated = SESSION_RESUME_LEN - SESSION_MAC_LEN;
	uint8_t mask[SESSION_MAC_LEN], mac[SESSION_MAC_LEN];

	/* F1 */
	if (len != SESSION_RESUME_LEN)
		return PARLEY_ERR_LENGTH;
	session_schedule_mac(mac, gate_key, "gate", msg, gated, NULL, 0);
	if (sodium_memcmp(mac, msg + gated, sizeof(mac)))
		return PARLEY_ERR_GATE;
	make_mask(mask, gate_key, msg + 1);
	*indexp = (size_t)(msg[1 + SESSION_NONCE_LEN] ^ mask[0]) << 8 |
		  (size_t)(msg[2 + SESSION_NONCE_LEN] ^ mask[1]);
	return 0;
}

/*
 * challenge
 */

bool session_resume_fits(const struct session_resume *r, const uint8_t *msg)
{
	uint8_t mac[SESSION_MAC_LEN];

	session_schedule_mac(mac, their_key(r), "resume", msg + 1,
			     SESSION_NONCE_LEN, NULL, 0);
	return sodium_memcmp(mac, msg + 3 + SESSION_NONCE_LEN, sizeof(mac)) ==
	       0;
}

int session_resume_challenge(uint8_t reply[SESSION_CHALLENGE_LEN],
			     struct session_resume_attempt *at,
			     const struct session_resume *r, const uint8_t *msg,
			     uint64_t next, const uint8_t b[SESSION_NONCE_LEN])
{
	uint8_t mac[SESSION_MAC_LEN];
	struct did_writer w;

	/* F2 */
	if (!session_resume_fits(r, msg))
		return PARLEY_ERR_SIGNATURE;

	/* F3 */
	memcpy(at->a, msg + 1, SESSION_NONCE_LEN);
	memcpy(at->b, b, SESSION_NONCE_LEN);
	make_mac(mac, own_key(r), "challenge", at, next);
	did_writer_init(&w, reply, SESSION_CHALLENGE_LEN);
	did_writer_u8(&w, SESSION_WIRE_CHALLENGE);
	did_writer_copy(&w, at->a, SESSION_NONCE_LEN);
	did_writer_copy(&w, at->b, SESSION_NONCE_LEN);
	did_writer_u64(&w, next);
	did_writer_copy(&w, mac, sizeof(mac));
	return 0;
}

int session_resume_answer(uint8_t reply[SESSION_ANSWER_LEN], uint64_t *nextp,
			  struct session_resume_attempt *at,
			  const struct session_resume *r, const uint8_t *msg,
			  size_t len, uint64_t next)
{
	uint8_t mac[SESSION_MAC_LEN];
	struct did_reader rd;
	struct did_writer w;
	const uint8_t *a, *theirs;
	uint64_t their_next;

	/* E2 */
	did_reader_init(&rd, msg, len);
	if (did_reader_u8(&rd) != SESSION_WIRE_CHALLENGE)
		return PARLEY_ERR_LENGTH;
	a = did_reader_take(&rd, SESSION_NONCE_LEN);
	did_reader_copy(&rd, at->b, SESSION_NONCE_LEN);
	their_next = did_reader_u64(&rd);
	theirs = did_reader_take(&rd, SESSION_MAC_LEN);
	if (did_reader_end(&rd))
		return PARLEY_ERR_LENGTH;
	if (memcmp(a, at->a, SESSION_NONCE_LEN) != 0)
		return PARLEY_ERR_TRANSCRIPT;
	make_mac(mac, their_key(r), "challenge", at, their_next);
	if (sodium_memcmp(mac, theirs, sizeof(mac)))
		return PARLEY_ERR_SIGNATURE;

	/* E3 */
	make_mac(mac, own_key(r), "answer", at, next);
	did_writer_init(&w, reply, SESSION_ANSWER_LEN);
	did_writer_u8(&w, SESSION_WIRE_ANSWER);
	did_writer_copy(&w, at->a, SESSION_NONCE_LEN);
	did_writer_u64(&w, next);
	did_writer_copy(&w, mac, sizeof(mac));
	*nextp = their_next;
	return 0;
}

/*
 * answer
 */

int session_resume_finish(uint64_t *nextp,
			  const struct session_resume_attempt *at,
			  const struct session_resume *r, const uint8_t *msg,
			  size_t len)
{
	uint8_t mac[SESSION_MAC_LEN];
	struct did_reader rd;
	const uint8_t *a, *theirs;
	uint64_t next;

	/* F4 */
	did_reader_init(&rd, msg, len);
	if (did_reader_u8(&rd) != SESSION_WIRE_ANSWER)
		return PARLEY_ERR_LENGTH;
	a = did_reader_take(&rd, SESSION_NONCE_LEN);
	next = did_reader_u64(&rd);
	theirs = did_reader_take(&rd, SESSION_MAC_LEN);
	if (did_reader_end(&rd))
		return PARLEY_ERR_LENGTH;
	if (memcmp(a, at->a, SESSION_NONCE_LEN) != 0)
		return PARLEY_ERR_TRANSCRIPT;
	make_mac(mac, their_key(r), "answer", at, next);
	if (sodium_memcmp(mac, theirs, sizeof(mac)))
		return PARLEY_ERR_SIGNATURE;
	*nextp = next;
	return 0;
}
