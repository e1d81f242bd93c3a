/*
 * No branch and no address depends on a secret.  Under valgrind what is secret
 * is marked as undefined, and memcheck complains where a jump or an index
 * depends on it (A. Langley's ctgrind); without valgrind only the results are
 * checked.  So this test says most with: meson test --setup valgrind
 *
 * What becomes public on the way is declared so, each time with the reason:
 * publish().  Marks go through everything that is computed from a secret, those
 * of libsodium and OpenSSL included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <parley/err.h>

#include "did/base64.h"
#include "did/ec.h"
#include "did/file.h"
#include "did/identity.h"
#include "did/jwk.h"
#include "did/pair.h"
#include "session/handshake.h"
#include "session/record.h"
#include "session/resume.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define mark_secret(p, len)    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, len)
#define mark_public(p, len)    (void)VALGRIND_MAKE_MEM_DEFINED(p, len)
#define get_marks(marks, p, n) VALGRIND_GET_VBITS(p, marks, n)
#else
#define mark_secret(p, len)    ((void)(p), (void)(len))
#define mark_public(p, len)    ((void)(p), (void)(len))
#define get_marks(marks, p, n) ((void)(marks), (void)(p), 0)
#endif

/* Every bit of ${key} came from a secret, as far as valgrind watches. */
static void assert_marked(const uint8_t key[32])
{
	uint8_t marks[32], all[32];

	memset(all, 0xff, sizeof(all));
	if (get_marks(marks, key, sizeof(marks)) == 1)
		assert_memory_equal(marks, all, sizeof(all));
}

static void secret(const void *p, size_t len)
{
	mark_secret(p, len);
}

/* ${why} is for the reader. */
static void publish(const void *p, size_t len, const char *why)
{
	(void)why;
	mark_public(p, len);
}

/*
 * The text of "d" is marked once it is found: did/jwk.c says how it is looked
 * for.
 */
static bool jwk_is_secret;

/*
 * What becomes public inside the library; the linker puts these in front
 * (-Wl,--wrap).
 */

int __real_crypto_scalarmult_ed25519_base(unsigned char *q,
					  const unsigned char *n);
int __wrap_crypto_scalarmult_ed25519_base(unsigned char *q,
					  const unsigned char *n);
int __real_crypto_scalarmult(unsigned char *q, const unsigned char *n,
			     const unsigned char *p);
int __wrap_crypto_scalarmult(unsigned char *q, const unsigned char *n,
			     const unsigned char *p);
int __real_crypto_sign_detached(unsigned char *sig, unsigned long long *lenp,
				const unsigned char *m, unsigned long long len,
				const unsigned char *sk);
int __wrap_crypto_sign_detached(unsigned char *sig, unsigned long long *lenp,
				const unsigned char *m, unsigned long long len,
				const unsigned char *sk);
int __real_sodium_memcmp(const void *a, const void *b, size_t len);
int __wrap_sodium_memcmp(const void *a, const void *b, size_t len);
int __real_session_aead_open(struct session_aead *a, uint8_t *buf, size_t len,
			     const uint8_t tag[SESSION_AEAD_TAG_LEN],
			     const uint8_t nonce[SESSION_IV_LEN],
			     const uint8_t *ad, size_t ad_len);
int __wrap_session_aead_open(struct session_aead *a, uint8_t *buf, size_t len,
			     const uint8_t tag[SESSION_AEAD_TAG_LEN],
			     const uint8_t nonce[SESSION_IV_LEN],
			     const uint8_t *ad, size_t ad_len);

void __real_session_schedule_absorb(struct session_transcript *t, const void *p,
				    size_t len);
void __wrap_session_schedule_absorb(struct session_transcript *t, const void *p,
				    size_t len);

int __real_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk,
				    const unsigned char *seed);
int __wrap_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk,
				    const unsigned char *seed);
int __real_did_base64_decode(void *bytes, size_t size, size_t *lenp,
			     const char *text, size_t text_len);
int __wrap_did_base64_decode(void *bytes, size_t size, size_t *lenp,
			     const char *text, size_t text_len);
int __real_did_base64_decode_exact(void *bytes, size_t len, const char *text,
				   size_t text_len);
int __wrap_did_base64_decode_exact(void *bytes, size_t len, const char *text,
				   size_t text_len);
int __real_did_file_read_checked(uint8_t **bytesp, size_t *lenp,
				 struct did_file_fault *fault, const char *path,
				 size_t len_max,
				 const struct did_file_rules *rules);
int __wrap_did_file_read_checked(uint8_t **bytesp, size_t *lenp,
				 struct did_file_fault *fault, const char *path,
				 size_t len_max,
				 const struct did_file_rules *rules);
int __real_did_ec_point_of(uint8_t *point, enum did_key_type type,
			   const uint8_t *secret);
int __wrap_did_ec_point_of(uint8_t *point, enum did_key_type type,
			   const uint8_t *secret);
int __real_EVP_DigestSign(EVP_MD_CTX *ctx, unsigned char *sig, size_t *lenp,
			  const unsigned char *msg, size_t len);
int __wrap_EVP_DigestSign(EVP_MD_CTX *ctx, unsigned char *sig, size_t *lenp,
			  const unsigned char *msg, size_t len);

int __wrap_crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk,
				    const unsigned char *seed)
{
	int r = __real_crypto_sign_seed_keypair(pk, sk, seed);

	publish(pk, 32, "a public key");
	publish(sk + 32, 32, "the same behind the seed");
	return r;
}

int __wrap_did_base64_decode(void *bytes, size_t size, size_t *lenp,
			     const char *text, size_t text_len)
{
	int r;

	if (jwk_is_secret)
		secret(text, text_len);
	r = __real_did_base64_decode(bytes, size, lenp, text, text_len);
	publish(&r, sizeof(r), "what is no base64 is refused");
	return r;
}

int __wrap_did_base64_decode_exact(void *bytes, size_t len, const char *text,
				   size_t text_len)
{
	int r = __real_did_base64_decode_exact(bytes, len, text, text_len);

	publish(&r, sizeof(r), "what is no base64 is refused");
	return r;
}

/* Of an identity file, the text of the key is secret. */
int __wrap_did_file_read_checked(uint8_t **bytesp, size_t *lenp,
				 struct did_file_fault *fault, const char *path,
				 size_t len_max,
				 const struct did_file_rules *rules)
{
	static const char open[] = "\"key\": \"";
	int r = __real_did_file_read_checked(bytesp, lenp, fault, path, len_max,
					     rules);
	char *key = r == 0 ? strstr((char *)*bytesp, open) : NULL;

	assert_non_null(key);
	key += strlen(open);
	secret(key, strcspn(key, "\""));
	return r;
}

int __wrap_did_ec_point_of(uint8_t *point, enum did_key_type type,
			   const uint8_t *secret_number)
{
	int r = __real_did_ec_point_of(point, type, secret_number);

	publish(&r, sizeof(r), "zero is no secret");
	publish(point, 33, "a public key");
	return r;
}

int __wrap_EVP_DigestSign(EVP_MD_CTX *ctx, unsigned char *sig, size_t *lenp,
			  const unsigned char *msg, size_t len)
{
	int r = __real_EVP_DigestSign(ctx, sig, lenp, msg, len);

	publish(&r, sizeof(r), "whether there is one");
	publish(lenp, sizeof(*lenp), "the length of a signature's text");
	publish(sig, *lenp, "a signature");
	return r;
}

int __wrap_crypto_scalarmult_ed25519_base(unsigned char *q,
					  const unsigned char *n)
{
	int r = __real_crypto_scalarmult_ed25519_base(q, n);

	publish(q, 32, "a public key, in another form");
	publish(&r, sizeof(r), "zero is no secret");
	return r;
}

int __wrap_crypto_scalarmult(unsigned char *q, const unsigned char *n,
			     const unsigned char *p)
{
	int r = __real_crypto_scalarmult(q, n, p);

	publish(&r, sizeof(r), "a result of zero ends the handshake");
	return r;
}

int __wrap_crypto_sign_detached(unsigned char *sig, unsigned long long *lenp,
				const unsigned char *m, unsigned long long len,
				const unsigned char *sk)
{
	int r = __real_crypto_sign_detached(sig, lenp, m, len, sk);

	publish(sig, 64, "a signature");
	return r;
}

int __wrap_sodium_memcmp(const void *a, const void *b, size_t len)
{
	int r = __real_sodium_memcmp(a, b, len);

	publish(&r, sizeof(r), "a wrong MAC ends what it is in");
	return r;
}

int __wrap_session_aead_open(struct session_aead *a, uint8_t *buf, size_t len,
			     const uint8_t tag[SESSION_AEAD_TAG_LEN],
			     const uint8_t nonce[SESSION_IV_LEN],
			     const uint8_t *ad, size_t ad_len)
{
	int r = __real_session_aead_open(a, buf, len, tag, nonce, ad, ad_len);

	publish(&r, sizeof(r), "whether it opens");
	publish(buf, len, "what the peer says: parsed, and no key");
	return r;
}

void __wrap_session_schedule_absorb(struct session_transcript *t, const void *p,
				    size_t len)
{
	__real_session_schedule_absorb(t, p, len);
	publish(t->hash, sizeof(t->hash), "signed and sent, a key of nothing");
}

enum { NOW = 1767225600 };

/*
 * Pairs are made before their secrets are marked: making one ends with a look
 * whether its public key is sound, which takes as long as that key says.
 */

static void signing_with_ed25519(void **state)
{
	uint8_t seed[32] = {1}, sig[64];
	struct did_pair pair;

	(void)state;
	assert_int_equal(
	    did_pair_from_secret(&pair, DID_KEY_ED25519, seed, sizeof(seed)),
	    0);
	secret(pair.secret, 32); /* behind it is the public key */
	assert_int_equal(did_pair_sign(sig, &pair, "message", 7), 0);
	publish(sig, sizeof(sig), "a signature is public");
	assert_int_equal(crypto_sign_verify_detached(sig,
						     (const uint8_t *)"message",
						     7, pair.key.bytes),
			 0);
	did_pair_wipe(&pair);
}

/* What OpenSSL does with the number is excused: see valgrind.supp. */
static void signing_with_p256(void **state)
{
	uint8_t number[32] = {1}, sig[64];
	struct did_pair pair;

	(void)state;
	secret(number, sizeof(number));
	assert_int_equal(
	    did_pair_from_secret(&pair, DID_KEY_P256, number, sizeof(number)),
	    0);
	assert_marked(pair.secret);
	assert_int_equal(did_pair_sign(sig, &pair, "message", 7), 0);
	assert_int_equal(
	    did_key_verify(&pair.key, sig, sizeof(sig), "message", 7), 0);
	did_pair_wipe(&pair);
}

static void agreeing_with_p256(void **state)
{
	uint8_t number[2][32] = {{3}, {5}}, shared[2][DID_PAIR_SHARED_MAX];
	struct did_pair pair[2];
	size_t len;

	(void)state;
	secret(number, sizeof(number));
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    did_pair_from_secret(&pair[i], DID_KEY_P256, number[i], 32),
		    0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    did_pair_agree(shared[i], &len, &pair[i], &pair[1 - i].key),
		    0);
	assert_marked(shared[0]);
	publish(shared, sizeof(shared), "the test compares them");
	assert_memory_equal(shared[0], shared[1], 32);
	for (int i = 0; i < 2; i++)
		did_pair_wipe(&pair[i]);
}

static void agreeing_with_x25519(void **state)
{
	uint8_t scalar[2][32] = {{3}, {5}}, shared[2][DID_PAIR_SHARED_MAX];
	struct did_pair pair[2];
	size_t len;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(did_pair_from_secret(&pair[i], DID_KEY_X25519,
						      scalar[i], 32),
				 0);
		secret(pair[i].secret, 32);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    did_pair_agree(shared[i], &len, &pair[i], &pair[1 - i].key),
		    0);
	publish(shared, sizeof(shared), "the test compares them");
	assert_memory_equal(shared[0], shared[1], 32);
	for (int i = 0; i < 2; i++)
		did_pair_wipe(&pair[i]);
}

static void writing_base64(void **state)
{
	uint8_t key[32] = {7, 7};
	char text[DID_BASE64_LEN(32) + 1];

	(void)state;
	secret(key, sizeof(key));
	did_base64_encode(text, key, sizeof(key));
	publish(text, sizeof(text), "the test compares it");
	assert_string_equal(text,
			    "BwcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

static void reading_base64(void **state)
{
	static const char right[] =
	    "BwcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_8";
	static const char *const wrong[] = {
	    "BwcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_9",
	    "BwcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+/8",
	    "=wcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_8",
	};
	const size_t len = sizeof(right) - 1;
	char text[sizeof(right)];
	uint8_t key[32];

	(void)state;
	memcpy(text, right, sizeof(right));
	secret(text, len);
	assert_int_equal(did_base64_decode_exact(key, 32, text, len), 0);
	assert_marked(key);
	publish(key, sizeof(key), "the test compares it");
	assert_memory_equal(key, "\7\7\0\0", 4);
	assert_memory_equal(key + 28, "\0\0\xfb\xff", 4);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(text, wrong[i], sizeof(right));
		secret(text, len);
		assert_int_equal(did_base64_decode_exact(key, 32, text, len),
				 PARLEY_ERR_ENCODING);
	}
}

/* From the text of the key to the identity that signs. */
static void reading_an_identity_file(enum parley_identity_type type)
{
	char dir[] = "/tmp/parley-secrets-XXXXXX", path[64];
	uint8_t sig[DID_IDENTITY_SIG_LEN_MAX];
	struct parley_identity *id;
	size_t len;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/identity", dir);
	assert_int_equal(parley_did_identity_new_type(&id, type), 0);
	assert_int_equal(parley_did_identity_save(id, path, NULL, 0), 0);
	parley_did_identity_free(id);
	assert_int_equal(parley_did_identity_load(&id, path, NULL, 0), 0);
	unlink(path);
	rmdir(dir);
	assert_marked(did_identity_pair(id)->secret);
	assert_int_equal(did_identity_sign(sig, &len, id, "message", 7), 0);
	parley_did_identity_free(id);
}

static void reading_an_identity_file_of_ed25519(void **state)
{
	(void)state;
	reading_an_identity_file(PARLEY_IDENTITY_ED25519);
}

static void reading_an_identity_file_of_p256(void **state)
{
	(void)state;
	reading_an_identity_file(PARLEY_IDENTITY_P256);
}

/* Writing, and reading what was written. */
static void a_jwk_there_and_back(enum did_key_type type)
{
	uint8_t number[32] = {7};
	char text[DID_JWK_SECRET_SIZE];
	struct did_pair pair, again;
	size_t len;

	assert_int_equal(did_pair_from_secret(&pair, type, number, 32), 0);
	secret(pair.secret, 32);
	assert_int_equal(did_jwk_from_pair(text, &len, &pair), 0);
	publish(text, len, "the test reads it");
	jwk_is_secret = true;
	assert_int_equal(did_jwk_to_pair(&again, text, len), 0);
	jwk_is_secret = false;
	assert_marked(again.secret);
	did_pair_wipe(&again);
	did_pair_wipe(&pair);
}

static void a_jwk_of_ed25519_there_and_back(void **state)
{
	(void)state;
	a_jwk_there_and_back(DID_KEY_ED25519);
}

static void a_jwk_of_p256_there_and_back(void **state)
{
	(void)state;
	a_jwk_there_and_back(DID_KEY_P256);
}

/*
 * The handshake: both identities' keys, both ephemeral keys, and all that
 * comes of them.
 */

struct side {
	struct parley_identity *id;
	struct session_gate gate;
	struct session_handshake_self self;
	struct session_handshake_random random;
	struct session_handshake *h;
};

static void side_init(struct side *s, const struct parley_agreement *a,
		      size_t index)
{
	const struct did_pair *pair = did_identity_pair(s->id);

	session_gate_init(&s->gate, a);
	s->self = (struct session_handshake_self){
	    .agreement = a,
	    .identity = s->id,
	    .index = index,
	    .n_suites = 1,
	    .suites = {SESSION_SUITE_CHACHA20},
	};
	memset(&s->random, (int)index + 1, sizeof(s->random));
	/* The seed; what is behind it is the public key. */
	secret(pair->secret, 32);
	secret(s->random.ephemeral, sizeof(s->random.ephemeral));
}

static void side_free(struct side *s)
{
	session_handshake_free(s->h);
	session_gate_wipe(&s->gate);
	parley_did_identity_free(s->id);
}

static struct parley_agreement *make_agreement(const struct side side[2])
{
	struct parley_agreement *a;
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"parley\":\"agreement/1\","
		 "\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"name\":\"secrets\","
		 "\"created\":1,\"threshold\":1,\"parties\":["
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://a:1\"]},"
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://b:1\"]}]}",
		 parley_did_identity_did(side[0].id),
		 parley_did_identity_did(side[1].id));
	assert_int_equal(
	    parley_session_agreement_parse(&a, NULL, text, strlen(text)), 0);
	return a;
}

/* One handshake; the results are marked where they came from secrets. */
static void shake_hands(struct session_handshake_result result[2])
{
	uint8_t propose[SESSION_PROPOSE_LEN_MAX], seed[32], *accept, *confirm;
	size_t propose_len, accept_len, confirm_len;
	struct parley_agreement *a;
	struct side side[2] = {0};

	for (int i = 0; i < 2; i++) {
		memset(seed, 'a' + i, sizeof(seed));
		assert_int_equal(did_identity_from_seed(&side[i].id, seed), 0);
	}
	a = make_agreement(side);
	for (size_t i = 0; i < 2; i++)
		side_init(&side[i], a, i);

	assert_int_equal(session_handshake_propose(
			     &side[0].h, propose, &propose_len, &side[0].gate,
			     &side[0].self, 1, &side[0].random),
			 0);
	publish(propose, propose_len, "on the wire: holds eI");
	assert_int_equal(
	    session_handshake_accept(&side[1].h, &accept, &accept_len,
				     &side[1].gate, &side[1].self, propose,
				     propose_len, &side[1].random, NOW),
	    0);
	publish(accept, accept_len, "on the wire: eR, and sealed");
	assert_int_equal(
	    session_handshake_confirm(side[0].h, &confirm, &confirm_len, accept,
				      accept_len, &side[0].random, NOW),
	    0);
	publish(confirm, confirm_len, "on the wire, sealed");
	assert_int_equal(
	    session_handshake_finish(side[1].h, confirm, confirm_len, NOW), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    session_handshake_result(side[i].h, &result[i]), 0);

	free(accept);
	free(confirm);
	for (int i = 0; i < 2; i++)
		side_free(&side[i]);
	parley_session_agreement_free(a);
}

/* 6.1; over the ratchet as well */
static void records_pass(uint8_t suite, const uint8_t secret[SESSION_HASH_LEN],
			 const struct session_aead_machine *m)
{
	uint8_t record[SESSION_RECORD_OVERHEAD + 5] = {0};
	struct session_record seal = {0}, open = {0};
	size_t len;

	assert_int_equal(session_record_init(&seal, suite, secret, true, m), 0);
	assert_int_equal(session_record_init(&open, suite, secret, false, m),
			 0);
	for (int i = 0; i <= SESSION_RATCHET_RECORDS; i++) {
		memcpy(record + SESSION_RECORD_HEADER_LEN, "hello", 5);
		assert_int_equal(session_record_seal(&seal, record, 5), 0);
		publish(record, sizeof(record), "on the wire, sealed");
		assert_int_equal(
		    session_record_open(&open, &len, record, sizeof(record)),
		    0);
		publish(record, sizeof(record), "the program's own message");
		assert_memory_equal(record + SESSION_RECORD_HEADER_LEN, "hello",
				    5);
	}
	session_record_wipe(&seal);
	session_record_wipe(&open);
}

static void handshake_and_its_records(void **state)
{
	struct session_handshake_result result[2];
	struct session_aead_machine machine;
	struct session_resume x, y;
	struct session_resume_attempt at_x, at_y;
	uint8_t resume[SESSION_RESUME_LEN], answer[SESSION_ANSWER_LEN];
	uint8_t challenge[SESSION_CHALLENGE_LEN], nonce[16] = {9};
	uint8_t gate[32] = {1};
	size_t index;
	uint64_t next;

	(void)state;
	shake_hands(result);
	assert_marked(result[0].traffic.secret[0]);
	assert_marked(result[1].traffic.resume);
	assert_int_equal(result[0].suite, SESSION_SUITE_CHACHA20);

	records_pass(result[0].suite, result[0].traffic.secret[0], NULL);
	session_aead_machine_init(&machine);
	if (machine.expand)
		records_pass(SESSION_SUITE_AES256, result[1].traffic.secret[0],
			     &machine);

	/* 5.6 */
	session_resume_init(&x, result[0].traffic.resume, SESSION_INITIATOR);
	session_resume_init(&y, result[1].traffic.resume, SESSION_RESPONDER);
	session_resume_create(resume, &at_x, &x, gate, 0, nonce);
	publish(resume, sizeof(resume), "on the wire: a MAC");
	assert_int_equal(
	    session_resume_index(&index, resume, sizeof(resume), gate), 0);
	assert_int_equal(
	    session_resume_challenge(challenge, &at_y, &y, resume, 7, nonce),
	    0);
	publish(challenge, sizeof(challenge), "on the wire: a MAC");
	assert_int_equal(session_resume_answer(answer, &next, &at_x, &x,
					       challenge, sizeof(challenge), 8),
			 0);
	publish(answer, sizeof(answer), "on the wire: a MAC");
	assert_int_equal(
	    session_resume_finish(&next, &at_y, &y, answer, sizeof(answer)), 0);
	assert_int_equal(next, 8);
	session_resume_wipe(&x);
	session_resume_wipe(&y);
	sodium_memzero(result, sizeof(result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signing_with_ed25519),
	    cmocka_unit_test(agreeing_with_x25519),
	    cmocka_unit_test(signing_with_p256),
	    cmocka_unit_test(agreeing_with_p256),
	    cmocka_unit_test(writing_base64),
	    cmocka_unit_test(reading_base64),
	    cmocka_unit_test(reading_an_identity_file_of_ed25519),
	    cmocka_unit_test(reading_an_identity_file_of_p256),
	    cmocka_unit_test(a_jwk_of_ed25519_there_and_back),
	    cmocka_unit_test(a_jwk_of_p256_there_and_back),
	    cmocka_unit_test(handshake_and_its_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
