/*
 * The key schedule of PROTOCOL section 4, step by step and in its order.
 *
 * HKDF-SHA-256 (RFC 5869) is two HMACs of libsodium: 1.0.18 has no HKDF of
 * its own.  Outputs never exceed one block, so Expand is one HMAC.
 */
#include "session/schedule.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "did/secret.h"

#define LABEL_PREFIX "parley 1 "

/* Every label of the protocol; see PROTOCOL 4 and 6.1 ("key", "iv",
 * "ratchet" are used in record.c). */
static const char transcript_label[] = "parley session 1";
static const char gate_label[] = "gate";
static const char *const key_label[2] = {"I handshake key", "R handshake key"};
static const char *const iv_label[2] = {"I handshake iv", "R handshake iv"};
static const char *const finished_label[2] = {"I finished", "R finished"};
static const char *const traffic_label[2] = {"I traffic", "R traffic"};
static const char derived_label[] = "derived";
static const char resume_label[] = "resume";

static void extract(uint8_t prk[SESSION_HASH_LEN], const uint8_t *salt,
		    size_t salt_len, const uint8_t *ikm, size_t ikm_len)
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, salt, salt_len);
	crypto_auth_hmacsha256_update(&st, ikm, ikm_len);
	crypto_auth_hmacsha256_final(&st, prk);
	did_secret_wipe(&st, sizeof(st));
}

void session_schedule_start(struct session_transcript *t)
{
	crypto_hash_sha256(t->hash, (const uint8_t *)transcript_label,
			   strlen(transcript_label));
}

void session_schedule_absorb(struct session_transcript *t, const void *p,
			     size_t len)
{
	crypto_hash_sha256_state st;

	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, t->hash, sizeof(t->hash));
	crypto_hash_sha256_update(&st, p, len);
	crypto_hash_sha256_final(&st, t->hash);
}

void session_schedule_label(uint8_t *out, size_t len,
			    const uint8_t secret[SESSION_HASH_LEN],
			    const char *label, const uint8_t *context,
			    size_t context_len)
{
	const size_t label_len = strlen(LABEL_PREFIX) + strlen(label);
	const uint8_t head[3] = {0, (uint8_t)len, (uint8_t)label_len};
	const uint8_t context_head = (uint8_t)context_len, counter = 1;
	crypto_auth_hmacsha256_state st;
	uint8_t block[SESSION_HASH_LEN];

	assert(len <= sizeof(block));
	assert(label_len <= UINT8_MAX && context_len <= UINT8_MAX);
	crypto_auth_hmacsha256_init(&st, secret, SESSION_HASH_LEN);
	crypto_auth_hmacsha256_update(&st, head, sizeof(head));
	crypto_auth_hmacsha256_update(&st, (const uint8_t *)LABEL_PREFIX,
				      strlen(LABEL_PREFIX));
	crypto_auth_hmacsha256_update(&st, (const uint8_t *)label,
				      strlen(label));
	crypto_auth_hmacsha256_update(&st, &context_head, 1);
	crypto_auth_hmacsha256_update(&st, context, context_len);
	crypto_auth_hmacsha256_update(&st, &counter, 1);
	crypto_auth_hmacsha256_final(&st, block);
	memcpy(out, block, len);
	did_secret_wipe(&st, sizeof(st));
	did_secret_wipe(block, sizeof(block));
}

void session_schedule_gate_key(uint8_t key[SESSION_HASH_LEN],
			       const uint8_t id[PARLEY_AGREEMENT_ID_LEN])
{
	uint8_t prk[SESSION_HASH_LEN];

	extract(prk, (const uint8_t *)"", 0, id, PARLEY_AGREEMENT_ID_LEN);
	session_schedule_label(key, SESSION_HASH_LEN, prk, gate_label, NULL, 0);
	did_secret_wipe(prk, sizeof(prk));
}

void session_schedule_mac(uint8_t mac[SESSION_MAC_LEN],
			  const uint8_t key[SESSION_HASH_LEN],
			  const char *label, const void *a, size_t a_len,
			  const void *b, size_t b_len)
{
	crypto_auth_hmacsha256_state st;
	uint8_t full[SESSION_HASH_LEN];

	crypto_auth_hmacsha256_init(&st, key, SESSION_HASH_LEN);
	crypto_auth_hmacsha256_update(&st, (const uint8_t *)label,
				      strlen(label));
	crypto_auth_hmacsha256_update(&st, a, a_len);
	crypto_auth_hmacsha256_update(&st, b, b_len);
	crypto_auth_hmacsha256_final(&st, full);
	memcpy(mac, full, SESSION_MAC_LEN);
	did_secret_wipe(&st, sizeof(st));
	did_secret_wipe(full, sizeof(full));
}

void session_schedule_handshake(struct session_handshake_keys *k,
				const uint8_t dh[SESSION_EPHEMERAL_LEN],
				const uint8_t id[PARLEY_AGREEMENT_ID_LEN],
				const struct session_transcript *t2)
{
	uint8_t ikm[SESSION_EPHEMERAL_LEN + PARLEY_AGREEMENT_ID_LEN];

	/* hs = Extract(T2, dh || agreement id) */
	memcpy(ikm, dh, SESSION_EPHEMERAL_LEN);
	memcpy(ikm + SESSION_EPHEMERAL_LEN, id, PARLEY_AGREEMENT_ID_LEN);
	extract(k->hs, t2->hash, sizeof(t2->hash), ikm, sizeof(ikm));
	did_secret_wipe(ikm, sizeof(ikm));

	/* k, v, f of either role */
	for (int r = 0; r < 2; r++) {
		session_schedule_label(k->key[r], SESSION_KEY_LEN, k->hs,
				       key_label[r], t2->hash,
				       sizeof(t2->hash));
		session_schedule_label(k->iv[r], SESSION_IV_LEN, k->hs,
				       iv_label[r], t2->hash, sizeof(t2->hash));
		session_schedule_label(k->finished[r], SESSION_HASH_LEN, k->hs,
				       finished_label[r], t2->hash,
				       sizeof(t2->hash));
	}
}

void session_schedule_finished(uint8_t mac[SESSION_HASH_LEN],
			       const struct session_handshake_keys *k,
			       enum session_role sender,
			       const struct session_transcript *t)
{
	crypto_auth_hmacsha256(mac, t->hash, sizeof(t->hash),
			       k->finished[sender]);
}

void session_schedule_traffic(
    struct session_traffic *traffic, const struct session_handshake_keys *k,
    const struct session_transcript *t7,
    const uint8_t agreement_hash[PARLEY_AGREEMENT_HASH_LEN])
{
	uint8_t derived[SESSION_HASH_LEN], master[SESSION_HASH_LEN];

	/* master = Extract(Label(hs, "derived", T7, 32), agreement hash) */
	session_schedule_label(derived, sizeof(derived), k->hs, derived_label,
			       t7->hash, sizeof(t7->hash));
	extract(master, derived, sizeof(derived), agreement_hash,
		PARLEY_AGREEMENT_HASH_LEN);

	for (int r = 0; r < 2; r++)
		session_schedule_label(traffic->secret[r], SESSION_HASH_LEN,
				       master, traffic_label[r], t7->hash,
				       sizeof(t7->hash));
	session_schedule_label(traffic->resume, SESSION_HASH_LEN, master,
			       resume_label, t7->hash, sizeof(t7->hash));
	did_secret_wipe(derived, sizeof(derived));
	did_secret_wipe(master, sizeof(master));
}
