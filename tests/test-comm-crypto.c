/*
 * comm/crypto.c against published vectors: Wycheproof (A256CBC-HS512, AES-WRAP,
 * XChaCha20-Poly1305, JSON Web Encryption), RFC 7518 Appendix C, ECDH-1PU
 * Appendices A and B, the JOSE cookbook.
 */
#include "comm/crypto.h"

#include <stdbool.h>

#include <sodium.h>

#include "comm/jose.h"
#include "comm/signed.h"
#include "did/base64.h"
#include "did/jwk.h"
#include "did/pair.h"
#include "test-comm-party.h"

/* The bytes of hex text ${name}; free() ${bytes}. */
static struct vector_value get_hex(const json_t *v, const char *name)
{
	const char *text = party_text(v, name);
	struct vector_value hex = {strdup(text), strlen(text)};

	assert_non_null(hex.bytes);
	vector_unhex(&hex);
	return hex;
}

/* The bytes of base64url text. */
static struct vector_value get_base64(const json_t *v, const char *name)
{
	const char *text = party_text(v, name);
	struct vector_value bytes = {malloc(strlen(text) + 17), 0};

	assert_non_null(bytes.bytes);
	assert_int_equal(did_base64_decode(bytes.bytes, strlen(text),
					   &bytes.len, text, strlen(text)),
			 0);
	return bytes;
}

static void get_pair(struct did_pair *pair, const json_t *jwk)
{
	char *text = json_dumps(jwk, JSON_COMPACT);

	assert_non_null(text);
	assert_int_equal(did_jwk_to_pair(pair, text, strlen(text)), 0);
	free(text);
}

/* How many of the file ran, and why others did not. */
static void report(const char *name, const json_t *root, size_t n)
{
	const json_t *none = json_object_get(root, "not_applicable");
	const char *why;
	json_t *count;

	print_message("%s: %zu of %zu ran\n", name, n,
		      json_array_size(json_object_get(root, "vectors")));
	json_object_foreach((json_t *)(uintptr_t)none, why, count)
	    print_message("  not applicable: %lld, %s\n",
			  (long long)json_integer_value(count), why);
	assert_int_equal(n, json_array_size(json_object_get(root, "vectors")));
}

/* One of Wycheproof's AeadTest. */
static bool aead_holds(enum comm_crypto_enc enc, const json_t *v)
{
	const struct comm_crypto_enc_info *info = comm_crypto_enc_info(enc);
	struct vector_value key = get_hex(v, "key"), iv = get_hex(v, "iv"),
			    aad = get_hex(v, "aad"), msg = get_hex(v, "msg"),
			    ct = get_hex(v, "ct"), tag = get_hex(v, "tag");
	bool valid = strcmp(party_text(v, "result"), "valid") == 0;
	uint8_t *out = malloc(ct.len + msg.len + 32), own_tag[32];
	size_t len = 0;
	int err = PARLEY_ERR_LENGTH; /* as encrypted.c says of these */

	assert_non_null(out);
	if (iv.len == info->iv_len && tag.len == info->tag_len)
		err = comm_crypto_open(out, &len, enc, (uint8_t *)key.bytes,
				       (uint8_t *)iv.bytes, aad.bytes, aad.len,
				       (uint8_t *)ct.bytes, ct.len,
				       (uint8_t *)tag.bytes);
	if (valid && err == 0) {
		valid = len == msg.len && memcmp(out, msg.bytes, len) == 0;
		assert_int_equal(comm_crypto_sealed_len(enc, msg.len), ct.len);
		assert_int_equal(
		    comm_crypto_seal(out, own_tag, enc, (uint8_t *)key.bytes,
				     (uint8_t *)iv.bytes, aad.bytes, aad.len,
				     (uint8_t *)msg.bytes, msg.len),
		    0);
		valid = valid && memcmp(out, ct.bytes, ct.len) == 0 &&
			memcmp(own_tag, tag.bytes, tag.len) == 0;
		err = valid ? 0 : PARLEY_ERR_SEAL;
		valid = true;
	}
	free(out);
	free(key.bytes);
	free(iv.bytes);
	free(aad.bytes);
	free(msg.bytes);
	free(ct.bytes);
	free(tag.bytes);
	return (err == 0) == valid;
}

static void run_aead(const char *name, enum comm_crypto_enc enc)
{
	json_t *root, *v, *vectors = party_vectors(&root, name);
	size_t i, n = 0, n_wrong = 0;

	json_array_foreach(vectors, i, v)
	{
		if (!aead_holds(enc, v)) {
			n_wrong++;
			print_message("tcId %lld\n",
				      (long long)json_integer_value(
					  json_object_get(v, "tcId")));
		}
		n++;
	}
	report(name, root, n);
	assert_int_equal(n_wrong, 0);
	json_decref(root);
}

static void wycheproof_a256cbc_hs512_holds(void **state)
{
	(void)state;
	run_aead("wycheproof/a256cbc-hs512.json", COMM_CRYPTO_A256CBC_HS512);
}

static void wycheproof_xchacha20_poly1305_holds(void **state)
{
	(void)state;
	run_aead("wycheproof/xchacha20-poly1305.json", COMM_CRYPTO_XC20P);
}

static void wycheproof_aes_wrap_holds(void **state)
{
	json_t *root, *v,
	    *vectors = party_vectors(&root, "wycheproof/aes-wrap.json");
	size_t i, n = 0, n_bounded = 0;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		struct vector_value key = get_hex(v, "key"),
				    msg = get_hex(v, "msg"),
				    ct = get_hex(v, "ct");
		bool valid = strcmp(party_text(v, "result"), "valid") == 0;
		uint8_t out[256];
		int err;

		err = comm_crypto_unwrap(out, (uint8_t *)key.bytes,
					 (uint8_t *)ct.bytes, ct.len);
		if (valid && msg.len > COMM_CRYPTO_CEK_LEN_MAX) {
			/* longer than any content key: refused by length */
			assert_int_equal(err, PARLEY_ERR_LENGTH);
			n_bounded++;
		} else if (valid || err == 0) {
			/* "acceptable": keys of 8 bytes and the like */
			assert_int_equal(err, 0);
			assert_memory_equal(out, msg.bytes, msg.len);
			assert_int_equal(
			    comm_crypto_wrap(out, (uint8_t *)key.bytes,
					     (uint8_t *)msg.bytes, msg.len),
			    0);
			assert_memory_equal(out, ct.bytes, ct.len);
			assert_string_not_equal(party_text(v, "result"),
						"invalid");
		} else {
			assert_true(err == PARLEY_ERR_SEAL ||
				    err == PARLEY_ERR_LENGTH);
		}
		n++;
		free(key.bytes);
		free(msg.bytes);
		free(ct.bytes);
	}
	report("wycheproof/aes-wrap.json", root, n);
	print_message("  %zu of them refused as longer than a content key\n",
		      n_bounded);
	json_decref(root);
}

/* Five base64url parts of a compact JWE; PARLEY_ERR_ENCODING as we are. */
static int split(struct vector_value part[5], char *jwe)
{
	memset(part, 0, 5 * sizeof(*part));
	for (size_t i = 0; i < 5; i++) {
		size_t len = strcspn(jwe, ".");

		part[i].bytes = malloc(len + 17);
		assert_non_null(part[i].bytes);
		if ((jwe[len] == '.') != (i < 4) ||
		    did_base64_decode(part[i].bytes, len, &part[i].len, jwe,
				      len) != 0)
			return PARLEY_ERR_ENCODING;
		jwe += len + (i < 4);
	}
	return 0;
}

/* The KEK of a compact JWE: the symmetric key itself, or ECDH-ES. */
static int get_kek(uint8_t kek[32], const json_t *key, const json_t *header)
{
	const char *kty = party_text(key, "kty");
	uint8_t z[COMM_CRYPTO_BLOCK_LEN + DID_PAIR_SHARED_MAX];
	struct comm_crypto_kdf kdf = {.alg = "ECDH-ES+A256KW"};
	struct did_pair pair;
	struct did_key epk;
	size_t len;
	int err;

	if (strcmp(kty, "oct") == 0)
		return did_base64_decode_exact(kek, 32, party_text(key, "k"),
					       strlen(party_text(key, "k")));
	get_pair(&pair, key);
	err = did_jwk_to_key(&epk, NULL, json_object_get(header, "epk"));
	if (err == 0)
		err = did_pair_agree(z, &len, &pair, &epk);
	if (err == 0)
		comm_crypto_derive(kek, 32, z, len, &kdf);
	return err;
}

/* Open a compact JWE of A256KW or ECDH-ES+A256KW with the steps of ours. */
static int open_compact(struct vector_value *pt, const json_t *key,
			const char *text)
{
	struct vector_value part[5];
	char *copy = strdup(text);
	const struct comm_crypto_enc_info *info;
	enum comm_crypto_enc enc;
	uint8_t kek[32], cek[COMM_CRYPTO_CEK_LEN_MAX];
	json_t *header = NULL;
	int err = split(part, copy);

	if (err == 0)
		err = comm_jose_parse(&header, part[0].bytes, part[0].len);
	if (err == 0)
		err = comm_crypto_enc_find(&enc, party_text(header, "enc"));
	if (err)
		goto out;
	info = comm_crypto_enc_info(enc);
	err = PARLEY_ERR_LENGTH;
	if (part[1].len != info->cek_len + COMM_CRYPTO_WRAP_LEN ||
	    part[2].len != info->iv_len || part[4].len != info->tag_len)
		goto out;
	if ((err = get_kek(kek, key, header)) != 0 ||
	    (err = comm_crypto_unwrap(cek, kek, (uint8_t *)part[1].bytes,
				      part[1].len)) != 0)
		goto out;
	pt->bytes = malloc(part[3].len + COMM_CRYPTO_BLOCK_LEN);
	assert_non_null(pt->bytes);
	err = comm_crypto_open((uint8_t *)pt->bytes, &pt->len, enc, cek,
			       (uint8_t *)part[2].bytes, text,
			       strcspn(text, "."), (uint8_t *)part[3].bytes,
			       part[3].len, (uint8_t *)part[4].bytes);
out:
	json_decref(header);
	for (size_t i = 0; i < 5; i++)
		free(part[i].bytes);
	free(copy);
	return err;
}

static void wycheproof_json_web_encryption_holds(void **state)
{
	json_t *root, *v,
	    *vectors =
		party_vectors(&root, "wycheproof/json-web-encryption.json");
	size_t i, n = 0;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		struct vector_value pt = {0}, want = get_hex(v, "pt");
		bool valid = strcmp(party_text(v, "result"), "valid") == 0;
		int err = open_compact(&pt, json_object_get(v, "key"),
				       party_text(v, "jwe"));

		if ((err == 0) != valid)
			fail_msg("tcId %lld, %s: %s",
				 (long long)json_integer_value(
				     json_object_get(v, "tcId")),
				 party_text(v, "comment"),
				 parley_did_err_name(err));
		if (valid) {
			assert_int_equal(pt.len, want.len);
			assert_memory_equal(pt.bytes, want.bytes, pt.len);
		}
		free(pt.bytes);
		free(want.bytes);
		n++;
	}
	report("wycheproof/json-web-encryption.json", root, n);
	json_decref(root);
}

static struct comm_crypto_kdf get_kdf(const json_t *v, const char *alg)
{
	const char *apu = party_text(v, "apu"), *apv = party_text(v, "apv");

	return (struct comm_crypto_kdf){.alg = alg,
					.apu = (const uint8_t *)apu,
					.apu_len = strlen(apu),
					.apv = (const uint8_t *)apv,
					.apv_len = strlen(apv)};
}

static void rfc7518_appendix_c_key_is_derived(void **state)
{
	json_t *root, *v,
	    *vectors = party_vectors(&root, "jose/rfc7518-c.json");
	struct vector_value z, want;
	struct comm_crypto_kdf kdf;
	uint8_t key[16];

	(void)state;
	v = json_array_get(vectors, 0);
	z = get_hex(v, "Z");
	want = get_base64(v, "derivedKey");
	kdf = get_kdf(v, party_text(v, "AlgorithmID"));
	comm_crypto_derive(key, sizeof(key), (uint8_t *)z.bytes, z.len, &kdf);
	assert_int_equal(want.len, sizeof(key));
	assert_memory_equal(key, want.bytes, sizeof(key));
	free(z.bytes);
	free(want.bytes);
	report("jose/rfc7518-c.json", root, 1);
	json_decref(root);
}

/* Ze || Zs of two agreements, each compared with its hex text. */
static size_t agree_twice(uint8_t *z, const json_t *keys, const char *who,
			  const json_t *v)
{
	struct did_pair me, ephemeral, sender;
	struct vector_value ze = get_hex(v, "Ze"), zs = get_hex(v, "Zs");
	size_t len, more;

	get_pair(&me, json_object_get(keys, who));
	get_pair(&ephemeral, json_object_get(keys, "ephemeral"));
	get_pair(&sender, json_object_get(keys, "alice"));
	assert_int_equal(did_pair_agree(z, &len, &me, &ephemeral.key), 0);
	assert_memory_equal(z, ze.bytes, ze.len);
	/* and from the sender's side */
	assert_int_equal(did_pair_agree(z, &len, &ephemeral, &me.key), 0);
	assert_memory_equal(z, ze.bytes, ze.len);
	assert_int_equal(did_pair_agree(z + len, &more, &me, &sender.key), 0);
	assert_memory_equal(z + len, zs.bytes, zs.len);
	free(ze.bytes);
	free(zs.bytes);
	return len + more;
}

static void ecdh_1pu_appendix_a_key_is_derived(void **state)
{
	json_t *root, *v, *vectors = party_vectors(&root, "jose/ecdh-1pu.json");
	uint8_t z[2 * DID_PAIR_SHARED_MAX], key[32];
	struct vector_value want;
	struct comm_crypto_kdf kdf;
	size_t len;

	(void)state;
	v = json_array_get(vectors, 0);
	want = get_hex(v, "derivedKey");
	len = agree_twice(z, json_object_get(v, "keys"), "bob", v);
	/* direct mode: the id is that of the content encryption, no tag */
	kdf = get_kdf(v, party_text(v, "enc"));
	comm_crypto_derive(key, sizeof(key), z, len, &kdf);
	assert_memory_equal(key, want.bytes, sizeof(key));
	free(want.bytes);
	json_decref(root);
}

static void ecdh_1pu_appendix_b_keys_and_content_are_right(void **state)
{
	static const char *const names[] = {"bob", "charlie"};
	json_t *root, *v, *vectors = party_vectors(&root, "jose/ecdh-1pu.json");
	uint8_t z[2 * DID_PAIR_SHARED_MAX], kek[16], pt[64], ct[64], own[32];
	struct vector_value cek, iv, ciphertext, tag;
	const char *protected, *plaintext;
	size_t len;

	(void)state;
	v = json_array_get(vectors, 1);
	cek = get_hex(v, "cek");
	iv = get_base64(v, "iv");
	ciphertext = get_base64(v, "ciphertext");
	tag = get_base64(v, "tag");
	protected = party_text(v, "protected");
	plaintext = party_text(v, "plaintext");
	for (size_t i = 0; i < 2; i++) {
		const json_t *r =
		    json_object_get(json_object_get(v, "recipients"), names[i]);
		struct comm_crypto_kdf kdf = get_kdf(v, party_text(v, "alg"));
		struct vector_value want = get_hex(r, "kek");

		len = agree_twice(z, json_object_get(v, "keys"), names[i], r);
		kdf.tag = (uint8_t *)tag.bytes;
		kdf.tag_len = tag.len;
		comm_crypto_derive(kek, sizeof(kek), z, len, &kdf);
		assert_memory_equal(kek, want.bytes, sizeof(kek));
		free(want.bytes);
	}
	assert_int_equal(comm_crypto_open(pt, &len, COMM_CRYPTO_A256CBC_HS512,
					  (uint8_t *)cek.bytes,
					  (uint8_t *)iv.bytes, protected,
					  strlen(protected),
					  (uint8_t *)ciphertext.bytes,
					  ciphertext.len, (uint8_t *)tag.bytes),
			 0);
	assert_int_equal(len, strlen(plaintext));
	assert_memory_equal(pt, plaintext, len);
	assert_int_equal(comm_crypto_seal(ct, own, COMM_CRYPTO_A256CBC_HS512,
					  (uint8_t *)cek.bytes,
					  (uint8_t *)iv.bytes, protected,
					  strlen(protected), pt, len),
			 0);
	assert_memory_equal(ct, ciphertext.bytes, ciphertext.len);
	assert_memory_equal(own, tag.bytes, tag.len);
	free(cek.bytes);
	free(iv.bytes);
	free(ciphertext.bytes);
	free(tag.bytes);
	report("jose/ecdh-1pu.json", root, 2);
	json_decref(root);
}

static void cookbook_key_is_unwrapped(const json_t *v)
{
	struct vector_value wrapped = get_base64(v, "encrypted_key"),
			    want = get_base64(v, "cek");
	json_t *header = json_pack("{s:O}", "epk", json_object_get(v, "epk"));
	uint8_t kek[32], cek[COMM_CRYPTO_CEK_LEN_MAX];

	assert_int_equal(get_kek(kek, json_object_get(v, "key"), header), 0);
	assert_int_equal(
	    comm_crypto_unwrap(cek, kek, (uint8_t *)wrapped.bytes, wrapped.len),
	    0);
	assert_memory_equal(cek, want.bytes, want.len);
	json_decref(header);
	free(wrapped.bytes);
	free(want.bytes);
}

static void cookbook_holds(void **state)
{
	json_t *root, *v, *vectors = party_vectors(&root, "jose/cookbook.json");
	struct parley_comm *c;
	size_t i, n = 0, n_refused = 0;

	(void)state;
	assert_int_equal(parley_comm_new(&c, NULL), 0);
	json_array_foreach(vectors, i, v)
	{
		struct parley_comm_unpacked u;
		char *text;
		int err;

		n++;
		if (strcmp(party_text(v, "kind"), "unwrap") == 0) {
			cookbook_key_is_unwrapped(v);
			continue;
		}
		text = json_dumps(json_object_get(v, "envelope"), 0);
		err = parley_comm_unpack(c, &u, text, strlen(text), NULL);
		if (err != PARLEY_ERR_ALGORITHM && err != PARLEY_ERR_ENVELOPE)
			fail_msg("%s: %s", party_text(v, "name"),
				 parley_did_err_name(err));
		n_refused++;
		free(text);
	}
	parley_comm_free(c);
	report("jose/cookbook.json", root, n);
	print_message("  %zu of them to be refused\n", n_refused);
	json_decref(root);
}

/*
 * A compact JWS through the same steps as an envelope: strict base64url and
 * JSON, crit, alg by the key, signature.
 */
static int verify_compact(const json_t *jwk, const char *text)
{
	const char *first = strchr(text, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;
	char *bytes[3] = {NULL};
	size_t len[3];
	json_t *header = NULL, *part;
	enum did_jwk_use use;
	struct did_key key;
	int err = PARLEY_ERR_ENVELOPE;

	if (second == NULL || strchr(second + 1, '.') != NULL)
		return err;
	for (size_t i = 0; i < 3; i++) {
		const char *from = i == 0   ? text
				   : i == 1 ? first + 1
					    : second + 1;

		part = json_stringn_nocheck(from, strcspn(from, "."));
		err = comm_jose_decode(&bytes[i], &len[i], part);
		json_decref(part);
		if (err)
			goto out;
	}
	if ((err = comm_jose_parse(&header, bytes[0], len[0])) != 0 ||
	    (err = did_jwk_to_key(&key, &use, jwk)) != 0)
		goto out;
	err = PARLEY_ERR_ALGORITHM;
	if (use == DID_JWK_USE_ENC || json_object_get(header, "crit") ||
	    !json_is_string(json_object_get(header, "alg")) ||
	    did_key_info(key.type)->alg == NULL ||
	    strcmp(did_key_info(key.type)->alg, party_text(header, "alg")) != 0)
		goto out;
	err = did_key_verify(&key, (uint8_t *)bytes[2], len[2], text,
			     (size_t)(second - text));
out:
	json_decref(header);
	for (size_t i = 0; i < 3; i++)
		free(bytes[i]);
	return err;
}

static void wycheproof_json_web_signature_holds(void **state)
{
	json_t *root, *v,
	    *vectors =
		party_vectors(&root, "wycheproof/json-web-signature.json");
	size_t i, n = 0, n_valid = 0, n_symmetric = 0, n_key_ops = 0;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		const json_t *jwk = json_object_get(v, "key");
		const json_t *jws = json_object_get(v, "jws");
		bool valid = strcmp(party_text(v, "result"), "invalid") != 0;
		int err = json_is_string(jws)
			      ? verify_compact(jwk, json_string_value(jws))
			      : PARLEY_ERR_ENVELOPE;

		n++;
		/* HMAC: valid there, and never here */
		if (strcmp(party_text(jwk, "kty"), "oct") == 0) {
			assert_int_not_equal(err, 0);
			n_symmetric++;
			continue;
		}
		/*
		 * key_ops is not read: what a key is for is said by the
		 * relations of its document.
		 */
		if (strcmp(party_text(v, "comment"), "rejectWrongKeyOps") ==
		    0) {
			assert_int_equal(err, 0);
			n_key_ops++;
			continue;
		}
		if ((err == 0) != valid)
			fail_msg("tcId %lld, %s: %s",
				 (long long)json_integer_value(
				     json_object_get(v, "tcId")),
				 party_text(v, "comment"),
				 parley_did_err_name(err));
		n_valid += valid;
	}
	report("wycheproof/json-web-signature.json", root, n);
	print_message("  %zu ES256 verify; %zu HMAC, all refused; "
		      "%zu with key_ops, which is not read\n",
		      n_valid, n_symmetric, n_key_ops);
	assert_true(n_valid > 0);
	json_decref(root);
}

static void keys_of_wrong_length_are_not_wrapped(void **state)
{
	uint8_t kek[32] = {0}, in[80] = {0}, out[80];
	static const size_t lens[] = {0, 8, 15, 17, 72, 80};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(comm_crypto_wrap(out, kek, in, lens[i]),
				 PARLEY_ERR_LENGTH);
	assert_int_equal(comm_crypto_unwrap(out, kek, in, 16),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(comm_crypto_unwrap(out, kek, in, 80),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(comm_crypto_unwrap(out, kek, in, 40), PARLEY_ERR_SEAL);
}

/* Whoever has the key may encrypt what has no padding. */
static void content_without_padding_is_refused_with_the_right_tag(void **state)
{
	static const uint8_t cek[64] = {1}, iv[16] = {2}, al[8] = {0};
	uint8_t ct[32] = {3}, mac[crypto_auth_hmacsha512_BYTES], pt[32 + 16];
	crypto_auth_hmacsha512_state h;
	size_t len = 7;

	(void)state;
	crypto_auth_hmacsha512_init(&h, cek, 32);
	crypto_auth_hmacsha512_update(&h, iv, sizeof(iv));
	crypto_auth_hmacsha512_update(&h, ct, sizeof(ct));
	crypto_auth_hmacsha512_update(&h, al, sizeof(al));
	crypto_auth_hmacsha512_final(&h, mac);
	assert_int_equal(comm_crypto_open(pt, &len, COMM_CRYPTO_A256CBC_HS512,
					  cek, iv, "", 0, ct, sizeof(ct), mac),
			 PARLEY_ERR_SEAL);
	assert_int_equal(len, 7);
}

static void unknown_enc_is_not_found(void **state)
{
	enum comm_crypto_enc enc;

	(void)state;
	assert_int_equal(comm_crypto_enc_find(&enc, "A128GCM"),
			 PARLEY_ERR_ALGORITHM);
	assert_int_equal(comm_crypto_enc_find(&enc, "XC20P"), 0);
	assert_int_equal(enc, COMM_CRYPTO_XC20P);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wycheproof_a256cbc_hs512_holds),
	    cmocka_unit_test(wycheproof_xchacha20_poly1305_holds),
	    cmocka_unit_test(wycheproof_aes_wrap_holds),
	    cmocka_unit_test(wycheproof_json_web_encryption_holds),
	    cmocka_unit_test(wycheproof_json_web_signature_holds),
	    cmocka_unit_test(rfc7518_appendix_c_key_is_derived),
	    cmocka_unit_test(ecdh_1pu_appendix_a_key_is_derived),
	    cmocka_unit_test(ecdh_1pu_appendix_b_keys_and_content_are_right),
	    cmocka_unit_test(cookbook_holds),
	    cmocka_unit_test(keys_of_wrong_length_are_not_wrapped),
	    cmocka_unit_test(
		content_without_padding_is_refused_with_the_right_tag),
	    cmocka_unit_test(unknown_enc_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
