/*
 * The key schedule: every value of PROTOCOL 4 against the vectors, and
 * Label() against OpenSSL's HKDF.
 */
#include "session/schedule.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <sodium.h>

#include "did/base64.h"
#include "tests/test-session-vector.h"

/* RFC 5869 by OpenSSL: Extract if ${salt}, else Expand. */
static void hkdf(uint8_t *out, size_t len, const uint8_t *secret,
		 size_t secret_len, const uint8_t *salt, const void *info,
		 size_t info_len)
{
	int mode = salt ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY
			: EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	uint8_t *key = malloc(secret_len), *s = NULL, *i = NULL;
	char sha256[] = "SHA256";
	OSSL_PARAM params[6], *p = params;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	/* OpenSSL takes no const. */
	memcpy(key, secret, secret_len);
	*p++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	*p++ =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key,
						 secret_len);
	if (salt) {
		s = malloc(32);
		memcpy(s, salt, 32);
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, s,
							 32);
	} else {
		i = malloc(info_len);
		memcpy(i, info, info_len);
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, i,
							 info_len);
	}
	*p = OSSL_PARAM_construct_end();
	assert_int_equal(EVP_KDF_derive(ctx, out, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	free(key);
	free(s);
	free(i);
}

static void label_is_hkdf_expand_of_its_info(void **state)
{
	static const char *const labels[] = {"", "key", "I handshake key"};
	uint8_t secret[32], context[255], out[32], expected[32], info[300];

	(void)state;
	randombytes_buf(secret, sizeof(secret));
	randombytes_buf(context, sizeof(context));
	for (size_t i = 0; i < N_OF(labels); i++)
		for (size_t len = 1; len <= 32; len++)
			for (size_t n = 0; n <= 255; n += len == 32 ? 1 : 51) {
				size_t l = 9 + strlen(labels[i]);
				size_t at = 0;

				info[at++] = 0;
				info[at++] = (uint8_t)len;
				info[at++] = (uint8_t)l;
				memcpy(info + at, "parley 1 ", 9);
				memcpy(info + at + 9, labels[i], l - 9);
				at += l;
				info[at++] = (uint8_t)n;
				memcpy(info + at, context, n);
				hkdf(expected, len, secret, 32, NULL, info,
				     at + n);
				session_schedule_label(out, len, secret,
						       labels[i], context, n);
				assert_memory_equal(out, expected, len);
			}
}

static void gate_key_is_extract_with_salt_of_zeroes(void **state)
{
	/* RFC 5869 2.2: no salt is as many zeroes as the hash is long. */
	const uint8_t zeroes[32] = {0}, id[PARLEY_AGREEMENT_ID_LEN] = {1, 2};
	uint8_t prk[32], expected[32], key[32];

	(void)state;
	hkdf(prk, 32, id, sizeof(id), zeroes, NULL, 0);
	session_schedule_label(expected, 32, prk, "gate", NULL, 0);
	session_schedule_gate_key(key, id);
	assert_memory_equal(key, expected, 32);
}

/* b64 of the id in an agreement's text. */
static void id_of(uint8_t id[PARLEY_AGREEMENT_ID_LEN], const json_t *side)
{
	json_t *a = json_loads(vector_text(side, "agreement"), 0, NULL);
	const char *text = vector_text(a, "id");

	assert_int_equal(did_base64_decode_exact(id, PARLEY_AGREEMENT_ID_LEN,
						 text, strlen(text)),
			 0);
	json_decref(a);
}

static void absorb(struct session_transcript *t, const json_t *v,
		   const char *piece, size_t len, const char *name)
{
	struct bytes b = vector_bytes(v, piece);

	session_schedule_absorb(t, b.p, len ? len : b.len);
	assert_vector(t->hash, sizeof(t->hash), v, name);
	free(b.p);
}

static void absorb_text(struct session_transcript *t, const json_t *v,
			const char *piece, const char *name)
{
	const char *text = vector_text(v, piece);

	session_schedule_absorb(t, text, strlen(text));
	assert_vector(t->hash, sizeof(t->hash), v, name);
}

/* to and gate of the propose. */
static void check_propose(const json_t *v, const uint8_t key[32])
{
	struct bytes p = vector_bytes(v, "propose");
	struct bytes tag = vector_bytes(v, "tag");
	const char *did = vector_text(json_object_get(v, "R"), "did");
	uint8_t mac[SESSION_MAC_LEN];

	session_schedule_mac(mac, key, "to", tag.p, tag.len, did, strlen(did));
	assert_memory_equal(mac, p.p + p.len - 32, sizeof(mac));
	session_schedule_mac(mac, key, "gate", p.p, 10, p.p + 10, p.len - 26);
	assert_memory_equal(mac, p.p + p.len - 16, sizeof(mac));
	free(p.p);
	free(tag.p);
}

static size_t n_schedules;

static void replay(const char *name, const json_t *v)
{
	uint8_t id[PARLEY_AGREEMENT_ID_LEN], key[32];
	struct session_transcript t, t2;
	struct session_handshake_keys k;
	struct session_traffic traffic;
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	struct parley_agreement *a;
	const char *text;
	struct bytes dh;

	(void)name;
	if (!json_object_get(v, "T7"))
		return;
	n_schedules++;
	id_of(id, json_object_get(v, "R"));
	session_schedule_gate_key(key, id);
	assert_vector(key, sizeof(key), v, "gate_key");
	check_propose(v, key);

	session_schedule_start(&t);
	assert_vector(t.hash, sizeof(t.hash), v, "T0");
	absorb(&t, v, "propose", 0, "T1");
	absorb(&t, v, "accept", SESSION_ACCEPT_CLEAR_LEN, "T2");
	t2 = t;
	absorb_text(&t, v, "envelope_R", "T3");

	dh = vector_bytes(v, "dh");
	session_schedule_handshake(&k, dh.p, id, &t2);
	free(dh.p);
	assert_vector(k.hs, sizeof(k.hs), v, "hs");
	assert_vector(k.key[SESSION_INITIATOR], 32, v, "k_I");
	assert_vector(k.key[SESSION_RESPONDER], 32, v, "k_R");
	assert_vector(k.iv[SESSION_INITIATOR], 12, v, "v_I");
	assert_vector(k.iv[SESSION_RESPONDER], 12, v, "v_R");
	assert_vector(k.finished[SESSION_INITIATOR], 32, v, "f_I");
	assert_vector(k.finished[SESSION_RESPONDER], 32, v, "f_R");

	session_schedule_finished(key, &k, SESSION_RESPONDER, &t);
	assert_vector(key, sizeof(key), v, "finished_R");
	absorb(&t, v, "finished_R", 0, "T4");
	absorb(&t, v, "confirm", SESSION_CONFIRM_CLEAR_LEN, "T5");
	absorb_text(&t, v, "envelope_I", "T6");
	session_schedule_finished(key, &k, SESSION_INITIATOR, &t);
	assert_vector(key, sizeof(key), v, "finished_I");
	absorb(&t, v, "finished_I", 0, "T7");
	if (!json_object_get(v, "s_I"))
		return; /* the agreements differ */

	text = vector_text(json_object_get(v, "R"), "agreement");
	assert_int_equal(
	    parley_session_agreement_parse(&a, NULL, text, strlen(text)), 0);
	parley_session_agreement_hash(a, hash);
	parley_session_agreement_free(a);
	session_schedule_traffic(&traffic, &k, &t, hash);
	assert_vector(traffic.secret[SESSION_INITIATOR], 32, v, "s_I");
	assert_vector(traffic.secret[SESSION_RESPONDER], 32, v, "s_R");
	assert_vector(traffic.resume, 32, v, "resume");

	/* Another agreement, other keys: nothing is the same. */
	hash[31] ^= 1;
	session_schedule_traffic(&traffic, &k, &t, hash);
	for (int r = 0; r < 2; r++) {
		struct bytes s = vector_bytes(v, r ? "s_R" : "s_I");

		assert_memory_not_equal(traffic.secret[r], s.p, 32);
		free(s.p);
	}
}

static void every_value_of_the_vectors_is_met(void **state)
{
	(void)state;
	n_schedules = 0;
	vector_each("handshake", "", replay);
	print_message("%zu key schedules\n", n_schedules);
	assert_true(n_schedules >= 4);
}

/* The inputs of refuse and dispute: PROTOCOL 5.4. */
static void replay_refuse(const char *name, const json_t *v)
{
	uint8_t id[PARLEY_AGREEMENT_ID_LEN], key[32], mac[SESSION_MAC_LEN];
	uint8_t reason = (uint8_t)vector_int(v, "reason");
	struct bytes refuse = vector_bytes(v, "refuse");
	struct bytes dispute = vector_bytes(v, "dispute");
	struct session_transcript t;

	(void)name;
	id_of(id, json_object_get(v, "R"));
	session_schedule_gate_key(key, id);
	session_schedule_start(&t);
	absorb(&t, v, "propose", 0, "T1");
	assert_int_equal(refuse.len, SESSION_REFUSE_LEN);
	assert_int_equal(refuse.p[17], reason);
	session_schedule_mac(mac, key, "refuse", t.hash, 32, refuse.p + 17,
			     1 + SESSION_NONCE_LEN);
	assert_memory_equal(mac, refuse.p + refuse.len - 16, 16);
	assert_int_equal(dispute.len, SESSION_DISPUTE_LEN);
	session_schedule_mac(mac, key, "dispute", t.hash, 32, refuse.p + 18,
			     SESSION_NONCE_LEN);
	assert_memory_equal(mac, dispute.p + dispute.len - 16, 16);
	free(dispute.p);
	free(refuse.p);
}

static void macs_of_refuse_and_dispute_are_those_of_the_vectors(void **state)
{
	(void)state;
	print_message("%zu refuses\n",
		      vector_each("handshake", "refuse-", replay_refuse));
}

static void pieces_of_a_mac_are_joined(void **state)
{
	const uint8_t key[32] = {7};
	uint8_t a[SESSION_MAC_LEN], b[SESSION_MAC_LEN];

	(void)state;
	session_schedule_mac(a, key, "to", "abcdef", 6, NULL, 0);
	session_schedule_mac(b, key, "to", "abc", 3, "def", 3);
	assert_memory_equal(a, b, sizeof(a));
	session_schedule_mac(b, key, "gate", "abcdef", 6, NULL, 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void transcript_depends_on_where_pieces_end(void **state)
{
	struct session_transcript a, b;

	(void)state;
	session_schedule_start(&a);
	b = a;
	session_schedule_absorb(&a, "ab", 2);
	session_schedule_absorb(&a, "c", 1);
	session_schedule_absorb(&b, "a", 1);
	session_schedule_absorb(&b, "bc", 2);
	assert_memory_not_equal(a.hash, b.hash, 32);
}

static void every_key_is_another(void **state)
{
	const uint8_t dh[32] = {3}, id[16] = {4}, hash[32] = {5};
	struct session_handshake_keys k;
	struct session_traffic traffic;
	struct session_transcript t;
	const uint8_t *keys[8];

	(void)state;
	session_schedule_start(&t);
	session_schedule_handshake(&k, dh, id, &t);
	session_schedule_traffic(&traffic, &k, &t, hash);
	keys[0] = k.key[0];
	keys[1] = k.key[1];
	keys[2] = k.finished[0];
	keys[3] = k.finished[1];
	keys[4] = traffic.secret[0];
	keys[5] = traffic.secret[1];
	keys[6] = traffic.resume;
	keys[7] = k.hs;
	for (size_t i = 0; i < N_OF(keys); i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], 32);
	assert_memory_not_equal(k.iv[0], k.iv[1], 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(label_is_hkdf_expand_of_its_info),
	    cmocka_unit_test(gate_key_is_extract_with_salt_of_zeroes),
	    cmocka_unit_test(every_value_of_the_vectors_is_met),
	    cmocka_unit_test(
		macs_of_refuse_and_dispute_are_those_of_the_vectors),
	    cmocka_unit_test(pieces_of_a_mac_are_joined),
	    cmocka_unit_test(transcript_depends_on_where_pieces_end),
	    cmocka_unit_test(every_key_is_another),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
