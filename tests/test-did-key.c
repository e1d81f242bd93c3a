/*
 * Public keys, multikey, did:key, signatures; vectors/did-key/, and those of
 * Wycheproof in vectors/ed25519/ and vectors/ecdsa/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/base58.h"
#include "did/bytes.h"
#include "did/did.h"
#include "did/key.h"
#include "did/secret.h"
#include "tests/vector.h"

#define ED_DID	     "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The key of ED_DID. */
static const uint8_t ed_bytes[32] = {
    0x3b, 0x6a, 0x27, 0xbc, 0xce, 0xb6, 0xa4, 0x2d, 0x62, 0xa3, 0xa8,
    0xd0, 0x2a, 0x6f, 0x0d, 0x73, 0x65, 0x32, 0x15, 0x77, 0x1d, 0xe2,
    0x43, 0xa6, 0x3a, 0xc0, 0x48, 0xa1, 0x8b, 0x59, 0xda, 0x29};

static int decode(struct did_key *key, const char *did)
{
	return did_key_decode(key, did, strlen(did));
}

/* The multikey of any multicodec and bytes. */
static void make_multikey(char text[DID_BASE58_TEXT_MAX + 2], uint64_t codec,
			  const uint8_t *bytes, size_t len)
{
	uint8_t buf[DID_BASE58_BYTES_MAX];
	struct did_writer w;
	size_t n;

	did_writer_init(&w, buf, sizeof(buf));
	did_writer_varint(&w, codec);
	did_writer_copy(&w, bytes, len);
	assert_int_equal(did_writer_end(&w, &n), 0);
	text[0] = 'z';
	assert_int_equal(
	    did_base58_encode(text + 1, DID_BASE58_TEXT_MAX + 1, buf, n), 0);
}

static int from_codec(uint64_t codec, const uint8_t *bytes, size_t len)
{
	char text[DID_BASE58_TEXT_MAX + 2];
	struct did_key key;

	make_multikey(text, codec, bytes, len);
	return did_key_from_multikey(&key, text, strlen(text));
}

static void published_dids_decode_and_encode(void **state)
{
	json_t *file = vector_load("did-key/text.json");
	uint8_t bytes[DID_KEY_BYTES_MAX];
	struct did_key key, again;
	const char *did;
	char text[1024];
	size_t i, len;
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		did = vector_text(v, "did");
		len = vector_hex(bytes, sizeof(bytes), v, "key");
		assert_int_equal(decode(&key, did), 0);
		assert_string_equal(did_key_info(key.type)->name,
				    vector_text(v, "type"));
		assert_int_equal(key.len, len);
		assert_memory_equal(key.bytes, bytes, len);
		assert_int_equal(did_key_encode(text, sizeof(text), &key), 0);
		assert_string_equal(text, did);
		assert_int_equal(
		    did_key_from_bytes(&again, key.type, bytes, len), 0);
		assert_true(did_key_equal(&key, &again));
	}
	print_message("%zu did:key vectors of supported types\n", i);
	json_decref(file);
}

static void published_dids_of_other_types_are_unsupported(void **state)
{
	json_t *file = vector_load("did-key/other-types.json");
	struct did_key key;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    assert_int_equal(decode(&key, vector_text(v, "did")),
			     PARLEY_ERR_UNSUPPORTED);
	print_message("%zu did:key vectors of unsupported types\n", i);
	json_decref(file);
}

static size_t check_types(const char *name)
{
	json_t *file = vector_load(name);
	uint8_t bytes[DID_KEY_BYTES_MAX];
	struct did_key key;
	size_t i, len;
	char text[1024];
	json_t *v;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(decode(&key, vector_text(v, "did")), 0);
		assert_string_equal(did_key_info(key.type)->name,
				    vector_text(v, "type"));
		len = vector_hex(bytes, sizeof(bytes), v, "key");
		assert_int_equal(key.len, len);
		assert_memory_equal(key.bytes, bytes, len);
		assert_int_equal(did_key_encode(text, sizeof(text), &key), 0);
		assert_string_equal(text, vector_text(v, "did"));
	}
	print_message("%zu vectors of %s\n", i, name);
	json_decref(file);
	return i;
}

static void published_dids_of_every_curve_decode_and_encode(void **state)
{
	(void)state;
	assert_int_equal(check_types("did-key/ed25519.json"), 2);
	assert_int_equal(check_types("did-key/x25519.json"), 2);
	assert_int_equal(check_types("did-key/nist-curves.json"), 3);
	assert_int_equal(check_types("did-key/secp256k1.json"), 3);
	assert_int_equal(check_types("did-key/rsa.json"), 1);
}

static void hostile_dids_are_refused_each_with_its_error(void **state)
{
	json_t *file = vector_load("did-key/hostile.json");
	uint8_t text[8192];
	struct did_key key;
	size_t i, len;
	json_t *v;
	int err;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		len = vector_raw(text, sizeof(text), v, "did");
		err = did_key_decode(&key, (const char *)text, len);
		/* What no DID can hold is caught where DIDs are checked. */
		if (did_check((const char *)text, len))
			vector_expect(v, err);
		else
			assert_true(err != 0);
	}
	print_message("%zu hostile did:keys\n", i);
	json_decref(file);
}

static void wrong_length_is_refused_for_every_type(void **state)
{
	static const uint8_t bytes[DID_KEY_BYTES_MAX + 1];
	struct did_key key;

	(void)state;
	for (unsigned t = 0; t < DID_KEY_N_TYPES; t++) {
		size_t len = did_key_info(t)->len;

		assert_int_equal(did_key_from_bytes(&key, t, bytes, 0),
				 PARLEY_ERR_LENGTH);
		assert_int_equal(
		    did_key_from_bytes(&key, t, bytes, sizeof(bytes)),
		    PARLEY_ERR_LENGTH);
		if (len == 0)
			continue;
		assert_int_equal(did_key_from_bytes(&key, t, bytes, len - 1),
				 PARLEY_ERR_LENGTH);
		assert_int_equal(did_key_from_bytes(&key, t, bytes, len + 1),
				 PARLEY_ERR_LENGTH);
		assert_int_equal(
		    from_codec(did_key_info(t)->codec, bytes, len + 1),
		    PARLEY_ERR_LENGTH);
	}
}

static void longest_text_fits_into_the_size(void **state)
{
	struct did_key key = {.type = DID_KEY_RSA, .len = DID_KEY_BYTES_MAX};
	char text[DID_KEY_MULTIKEY_SIZE];

	(void)state;
	memset(key.bytes, 0xff, sizeof(key.bytes));
	did_key_to_multikey(text, &key);
	assert_true(strlen(text) < sizeof(text));
}

static void multikey_longer_than_any_key_is_refused(void **state)
{
	static const uint8_t bytes[DID_KEY_BYTES_MAX + 10];

	(void)state;
	assert_int_equal(from_codec(0x1212, bytes, sizeof(bytes)),
			 PARLEY_ERR_LENGTH);
}

static void secret_keys_are_refused(void **state)
{
	static const uint64_t codecs[] = {0x1300, 0x1301, 0x1302, 0x1303,
					  0x1304, 0x1305, 0x1306, 0x1307,
					  0x1308, 0x1309};

	(void)state;
	for (size_t i = 0; i < COUNT(codecs); i++)
		assert_int_equal(from_codec(codecs[i], ed_bytes, 32),
				 PARLEY_ERR_UNSUPPORTED);
}

static void unknown_multicodec_is_refused(void **state)
{
	(void)state;
	assert_int_equal(from_codec(0, ed_bytes, 32), PARLEY_ERR_UNSUPPORTED);
	assert_int_equal(from_codec(0xee, ed_bytes, 32),
			 PARLEY_ERR_UNSUPPORTED);
	/* A larger number with the low bits of 0xed. */
	assert_int_equal(from_codec((UINT64_C(1) << 32) + 0xed, ed_bytes, 32),
			 PARLEY_ERR_UNSUPPORTED);
}

static void multicodec_in_long_form_is_refused(void **state)
{
	uint8_t bytes[35] = {0xed, 0x81, 0x00};
	char text[64] = "z";
	struct did_key key;

	(void)state;
	memcpy(bytes + 3, ed_bytes, 32);
	assert_int_equal(
	    did_base58_encode(text + 1, sizeof(text) - 1, bytes, sizeof(bytes)),
	    0);
	assert_int_equal(did_key_from_multikey(&key, text, strlen(text)),
			 PARLEY_ERR_ENCODING);
}

static void text_that_is_not_base58_is_refused(void **state)
{
	static const char *const texts[] = {"z",      "z0",    "zO",
					    "z6Mk l", "z6Mk=", "z\n"};
	struct did_key key;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(
		    did_key_from_multikey(&key, texts[i], strlen(texts[i])),
		    PARLEY_ERR_ENCODING);
}

static void other_forms_of_did_are_refused(void **state)
{
	static const char *const dids[] = {
	    "",
	    "did:key",
	    "did:key:",
	    "DID:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
	    "did:web:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
	    "did:key:Z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
	    "did:key:6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
	    "did:key:1:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
	    "did:key:1.1:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
	    "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp:",
	    "did:key:u7QE7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ",
	};
	struct did_key key;

	(void)state;
	for (size_t i = 0; i < COUNT(dids); i++)
		assert_int_equal(decode(&key, dids[i]), PARLEY_ERR_FORMAT);
	assert_int_equal(did_key_from_multikey(&key, ED_DID, strlen(ED_DID)),
			 PARLEY_ERR_FORMAT);
	assert_int_equal(did_key_from_multikey(&key, "", 0), PARLEY_ERR_FORMAT);
}

static void every_changed_character_names_no_or_another_key(void **state)
{
	char did[sizeof(ED_DID)];
	struct did_key key, original;

	(void)state;
	assert_int_equal(decode(&original, ED_DID), 0);
	for (size_t i = 0; i < sizeof(ED_DID) - 1; i++) {
		for (int flip = 1; flip < 256; flip <<= 1) {
			memcpy(did, ED_DID, sizeof(did));
			did[i] = (char)(did[i] ^ flip);
			if (did_key_decode(&key, did, sizeof(did) - 1) == 0)
				assert_false(did_key_equal(&key, &original));
		}
	}
}

static void key_is_untouched_on_error(void **state)
{
	struct did_key key, before;

	(void)state;
	memset(&key, 0x5a, sizeof(key));
	before = key;
	assert_int_equal(decode(&key, "did:key:z6Mk"), PARLEY_ERR_UNSUPPORTED);
	assert_int_equal(did_key_from_bytes(&key, DID_KEY_ED25519,
					    (const uint8_t[32]){0}, 32),
			 PARLEY_ERR_KEY);
	assert_memory_equal(&key, &before, sizeof(key));
}

static void bad_points_of_ed25519_are_refused(void **state)
{
	static const uint8_t bad[][32] = {
	    {0},		    /* y = 0: order 4 */
	    {1},		    /* the identity */
	    {2},		    /* not on the curve */
	    {[31] = 0x80},	    /* order 4, other sign */
	    {[0] = 1, [31] = 0x80}, /* identity with a sign */
	    {
		0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x7f}, /* y = -1: order 2 */
	    {
		0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x7f}, /* y = p + 1: not canonical */
	};
	struct did_key key;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(
		    did_key_from_bytes(&key, DID_KEY_ED25519, bad[i], 32),
		    PARLEY_ERR_KEY);
		assert_int_equal(from_codec(0xed, bad[i], 32), PARLEY_ERR_KEY);
	}
}

static void bad_points_of_x25519_are_refused(void **state)
{
	static const uint8_t bad[][32] =
	    {
		{0}, /* order 4 */
		{1}, /* order 1 */
		{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* p - 1 */
		{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* p */
		{0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		 0xff, 0xff, 0xff, 0xff, 0x7f}, /* p + 9: the base point, not
						   canonical */
		{[0] = 9, [31] = 0x80}, /* the base point with a 256th bit */
	    };
	static const uint8_t base[32] = {9};
	struct did_key key;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(
		    did_key_from_bytes(&key, DID_KEY_X25519, bad[i], 32),
		    PARLEY_ERR_KEY);
	assert_int_equal(did_key_from_bytes(&key, DID_KEY_X25519, base, 32), 0);
}

static void text_without_room_is_refused(void **state)
{
	char did[sizeof(ED_DID)];
	struct did_key key;

	(void)state;
	assert_int_equal(decode(&key, ED_DID), 0);
	for (size_t size = 0; size < sizeof(ED_DID); size++)
		assert_int_equal(did_key_encode(did, size, &key),
				 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(did_key_encode(did, sizeof(did), &key), 0);
	assert_string_equal(did, ED_DID);
}

static void x25519_is_derived_from_ed25519_only(void **state)
{
	struct did_key ed, x, other;
	char text[DID_KEY_MULTIKEY_SIZE];

	(void)state;
	assert_int_equal(decode(&ed, ED_DID), 0);
	assert_int_equal(did_key_derive_x25519(&x, &ed), 0);
	assert_int_equal(x.type, DID_KEY_X25519);
	did_key_to_multikey(text, &x);
	assert_string_equal(text,
			    "z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW");
	assert_int_equal(did_key_derive_x25519(&other, &x),
			 PARLEY_ERR_ARGUMENT);
	/* A key that no function here would have made. */
	memset(ed.bytes, 0, 32);
	assert_int_equal(did_key_derive_x25519(&other, &ed), PARLEY_ERR_KEY);
	assert_false(did_key_equal(&x, &ed));
}

static void published_signatures_are_judged_right(void **state)
{
	json_t *file = vector_load("ed25519/wycheproof.json");
	uint8_t bytes[64], sig[256], msg[2048];
	size_t i, sig_len, len, n_valid = 0;
	struct did_key key;
	json_t *v;
	int valid;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		valid = strcmp(vector_text(v, "expect"), "valid") == 0;
		len = vector_hex(bytes, sizeof(bytes), v, "key");
		if (did_key_from_bytes(&key, DID_KEY_ED25519, bytes, len) !=
		    0) {
			assert_false(valid);
			continue;
		}
		sig_len = vector_hex(sig, sizeof(sig), v, "signature");
		len = vector_hex(msg, sizeof(msg), v, "message");
		assert_int_equal(did_key_verify(&key, sig, sig_len, msg, len),
				 valid ? 0 : PARLEY_ERR_SIGNATURE);
		n_valid += valid;
	}
	print_message("%zu Ed25519 vectors, %zu of them valid\n", i, n_valid);
	json_decref(file);
}

static size_t check_ecdsa(const char *name, enum did_key_type type)
{
	json_t *file = vector_load(name);
	uint8_t x[32], y[32], sig[256], msg[64];
	size_t i, sig_len, len, n_valid = 0;
	struct did_key key;
	json_t *v;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		bool valid = strcmp(vector_text(v, "expect"), "valid") == 0;

		assert_int_equal(vector_hex(x, sizeof(x), v, "x"), 32);
		assert_int_equal(vector_hex(y, sizeof(y), v, "y"), 32);
		assert_int_equal(did_key_from_xy(&key, type, x, y), 0);
		sig_len = vector_hex(sig, sizeof(sig), v, "signature");
		len = vector_hex(msg, sizeof(msg), v, "message");
		assert_int_equal(did_key_verify(&key, sig, sig_len, msg, len),
				 valid ? 0 : PARLEY_ERR_SIGNATURE);
		n_valid += valid;
	}
	print_message("%zu vectors of %s, %zu of them valid\n", i, name,
		      n_valid);
	json_decref(file);
	return i;
}

static void published_signatures_of_es256_and_es256k_are_judged_right(
    void **state)
{
	(void)state;
	assert_int_equal(check_ecdsa("ecdsa/p256.json", DID_KEY_P256), 262);
	assert_int_equal(check_ecdsa("ecdsa/secp256k1.json", DID_KEY_SECP256K1),
			 252);
}

static void rsa_and_larger_curves_verify_nothing(void **state)
{
	static const char *const names[] = {"did-key/rsa.json",
					    "did-key/nist-curves.json"};
	static const uint8_t sig[64];
	struct did_key key;
	json_t *v;
	size_t j;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		json_t *file = vector_load(names[i]);

		json_array_foreach(json_object_get(file, "vectors"), j, v)
		{
			assert_int_equal(decode(&key, vector_text(v, "did")),
					 0);
			assert_int_equal(
			    did_key_verify(&key, sig, sizeof(sig), "", 0),
			    key.type == DID_KEY_P256 ? PARLEY_ERR_SIGNATURE
						     : PARLEY_ERR_UNSUPPORTED);
		}
		json_decref(file);
	}
}

static void coordinates_are_for_curves_that_have_two(void **state)
{
	static const uint8_t zero[66];
	struct did_key key;

	(void)state;
	for (unsigned t = 0; t < DID_KEY_N_TYPES; t++) {
		bool curve = t >= DID_KEY_P256 && t <= DID_KEY_SECP256K1;

		assert_int_equal(did_key_from_xy(&key, t, zero, zero),
				 curve ? PARLEY_ERR_KEY : PARLEY_ERR_ARGUMENT);
	}
}

static void key_agreement_keys_do_not_verify(void **state)
{
	static const uint8_t base[32] = {9}, sig[64];
	struct did_key key;

	(void)state;
	assert_int_equal(did_key_from_bytes(&key, DID_KEY_X25519, base, 32), 0);
	assert_int_equal(did_key_verify(&key, sig, sizeof(sig), "", 0),
			 PARLEY_ERR_UNSUPPORTED);
}

static int init(void **state)
{
	(void)state;
	return did_secret_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_dids_decode_and_encode),
	    cmocka_unit_test(published_dids_of_other_types_are_unsupported),
	    cmocka_unit_test(published_dids_of_every_curve_decode_and_encode),
	    cmocka_unit_test(hostile_dids_are_refused_each_with_its_error),
	    cmocka_unit_test(wrong_length_is_refused_for_every_type),
	    cmocka_unit_test(longest_text_fits_into_the_size),
	    cmocka_unit_test(multikey_longer_than_any_key_is_refused),
	    cmocka_unit_test(secret_keys_are_refused),
	    cmocka_unit_test(unknown_multicodec_is_refused),
	    cmocka_unit_test(multicodec_in_long_form_is_refused),
	    cmocka_unit_test(text_that_is_not_base58_is_refused),
	    cmocka_unit_test(other_forms_of_did_are_refused),
	    cmocka_unit_test(every_changed_character_names_no_or_another_key),
	    cmocka_unit_test(key_is_untouched_on_error),
	    cmocka_unit_test(bad_points_of_ed25519_are_refused),
	    cmocka_unit_test(bad_points_of_x25519_are_refused),
	    cmocka_unit_test(text_without_room_is_refused),
	    cmocka_unit_test(x25519_is_derived_from_ed25519_only),
	    cmocka_unit_test(published_signatures_are_judged_right),
	    cmocka_unit_test(
		published_signatures_of_es256_and_es256k_are_judged_right),
	    cmocka_unit_test(rsa_and_larger_curves_verify_nothing),
	    cmocka_unit_test(coordinates_are_for_curves_that_have_two),
	    cmocka_unit_test(key_agreement_keys_do_not_verify),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
