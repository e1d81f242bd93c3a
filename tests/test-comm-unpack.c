/*
 * comm/unpack.c and comm/encrypted.c: every scenario of vectors/jwe/, which
 * tests/gen/jwe.py makes and which shares no code with the library, and every
 * published envelope.
 */
#include <stdbool.h>

#include <jansson.h>

#include <parley/comm.h>

#include "comm/comm.h"
#include "comm/encrypted.h"
#include "did/base64.h"
#include "test-comm-party.h"

static struct parley_resolver *resolver;
static struct parley_comm *alice, *bob, *charlie;
static struct {
	size_t opened, refused, reasons, wrong;
} counts;

static const char *const layer_names[] = {
    [PARLEY_COMM_PLAIN] = "plain",
    [PARLEY_COMM_SIGNED] = "signed",
    [PARLEY_COMM_ANONCRYPT] = "anoncrypt",
    [PARLEY_COMM_AUTHCRYPT] = "authcrypt",
    [PARLEY_COMM_ANONCRYPT_SIGNED] = "anoncrypt-signed",
    [PARLEY_COMM_ANONCRYPT_AUTHCRYPT] = "anoncrypt-authcrypt",
    [PARLEY_COMM_AUTHCRYPT_SIGNED] = "authcrypt-signed",
};

static int set_up(void **state)
{
	(void)state;
	resolver = party_resolver();
	alice = party_new(resolver, "did:example:alice");
	bob = party_new(resolver, "did:example:bob");
	charlie = party_new(resolver, "did:example:charlie");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	parley_comm_free(alice);
	parley_comm_free(bob);
	parley_comm_free(charlie);
	parley_did_resolver_free(resolver);
	return 0;
}

/* Is ${text} the value of ${key} in the scenario, or absent as that is? */
static void check_text(const char *name, const char *scenario, const char *key,
		       const char *text)
{
	struct vector_value v = vector_get(scenario, key);

	if ((v.bytes == NULL) != (text == NULL) ||
	    (text != NULL && strcmp(text, v.bytes) != 0))
		fail_msg("%s: %s is %s, not %s", name, key, text, v.bytes);
	free(v.bytes);
}

static void check_opened(const char *name, const char *text,
			 const struct parley_comm_unpacked *u)
{
	struct vector_value message = vector_get(text, "message");

	check_text(name, text, "layers", layer_names[u->layers]);
	check_text(name, text, "sender", u->sender_kid);
	check_text(name, text, "signer", u->signer_kid);
	check_text(name, text, "prior", u->prior);
	assert_int_equal(u->message_len, message.len);
	assert_memory_equal(u->message, message.bytes, message.len);
	assert_int_equal(u->message[u->message_len], '\0');
	assert_int_equal(u->sender == NULL, u->sender_kid == NULL);
	assert_int_equal(u->signer == NULL, u->signer_kid == NULL);
	assert_int_equal(u->signer == NULL, u->signer_alg == NULL);
	if (u->layers > PARLEY_COMM_SIGNED) {
		assert_non_null(u->recipient);
		assert_true(u->n_recipient_kids > 0);
		assert_int_equal(
		    strncmp(u->read_by, u->recipient, strlen(u->recipient)), 0);
	}
	free(message.bytes);
}

/*
 * The envelope is copied into memory of exactly its size, so that a read
 * behind it is seen by the sanitizer and valgrind.
 */
static void replay(const char *name, const char *text)
{
	struct vector_value expect = vector_get(text, "expect");
	struct vector_value envelope = vector_get(text, "envelope");
	struct vector_value reason = vector_get(text, "reason");
	struct vector_value now = vector_get(text, "now");
	struct vector_value reader = vector_get(text, "reader");
	struct parley_comm *c = reader.bytes ? charlie : bob;
	struct parley_comm_unpack how = {0};
	struct parley_comm_unpacked u = {0}, zero = {0};
	char *exact = malloc(envelope.len ? envelope.len : 1);
	int err;

	assert_non_null(expect.bytes);
	assert_non_null(envelope.bytes);
	assert_non_null(exact);
	memcpy(exact, envelope.bytes, envelope.len);
	if (now.bytes != NULL)
		how.now = atoll(now.bytes);
	err = parley_comm_unpack(c, &u, exact, envelope.len, &how);
	if (strcmp(parley_did_err_name(err), expect.bytes) != 0 ||
	    (reason.bytes != NULL &&
	     strcmp(parley_comm_reason(c), reason.bytes) != 0)) {
		print_message("%s: %s (%s)\n", name, parley_did_err_name(err),
			      parley_comm_reason(c));
		counts.wrong++;
	}
	counts.reasons += reason.bytes != NULL;
	if (err == 0) {
		check_opened(name, text, &u);
		parley_comm_unpacked_wipe(&u);
		counts.opened++;
	} else {
		counts.refused++;
	}
	assert_memory_equal(&u, &zero, sizeof(u));
	free(exact);
	free(expect.bytes);
	free(envelope.bytes);
	free(reason.bytes);
	free(now.bytes);
	free(reader.bytes);
}

static void every_scenario_ends_as_expected(void **state)
{
	size_t n;

	(void)state;
	n = vector_each("jwe", "", replay);
	print_message("jwe vectors: %zu replayed, %zu opened, %zu refused, "
		      "%zu with their reason\n",
		      n, counts.opened, counts.refused, counts.reasons);
	assert_int_equal(counts.wrong, 0);
	assert_int_equal(counts.opened, 44);
	assert_int_equal(counts.refused, 322);
}

/* Which layers a published message has, by its description. */
static const char *published_layers(const json_t *v)
{
	const json_t *layers = json_object_get(v, "layers");
	const char *first, *second;

	if (layers == NULL) /* didcomm-rust: its second is signed, too */
		return strstr(party_text(v, "name"), "AUTH")
			   ? "authcrypt-signed"
			   : "anoncrypt";
	first = party_text(json_array_get(layers, 0), "kind");
	if (json_array_size(layers) == 1)
		return first;
	second = party_text(json_array_get(layers, 1), "kind");
	assert_string_equal(first, "authcrypt");
	assert_string_equal(second, "signed");
	return "authcrypt-signed";
}

static void published_envelopes_open(void **state)
{
	json_t *root, *v,
	    *vectors = party_vectors(&root, "didcomm/encrypted.json");
	size_t i, n = 0;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		char *text =
		    json_dumps(json_object_get(v, "message"), JSON_COMPACT);
		struct parley_comm_unpacked u;
		json_t *plain, *want = json_object_get(v, "plaintext");
		int err = parley_comm_unpack(bob, &u, text, strlen(text), NULL);

		if (err)
			fail_msg("%s: %s (%s)", party_text(v, "name"),
				 parley_did_err_name(err),
				 parley_comm_reason(bob));
		assert_string_equal(layer_names[u.layers], published_layers(v));
		plain = json_loads(u.message, 0, NULL);
		assert_non_null(plain);
		if (want != NULL)
			assert_true(json_equal(plain, want));
		json_decref(plain);
		parley_comm_unpacked_wipe(&u);
		free(text);
		n++;
	}
	print_message("didcomm/encrypted.json: %zu of %zu ran\n", n,
		      json_array_size(vectors));
	assert_int_equal(n, 8);
	json_decref(root);
}

/* Every key of Bob opens what is encrypted to all his keys of that curve. */
static void published_envelopes_open_with_each_key(void **state)
{
	json_t *root, *sroot, *v, *jwk,
	    *vectors = party_vectors(&root, "didcomm/encrypted.json"),
	    *secrets = party_vectors(&sroot, "didcomm/secrets.json");
	size_t i, j, n = 0;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		char *text =
		    json_dumps(json_object_get(v, "message"), JSON_COMPACT);

		json_array_foreach(secrets, j, jwk)
		{
			const char *kid = party_text(jwk, "kid");
			struct parley_comm_unpacked u;
			struct parley_comm *c;
			char *secret;

			if (strncmp(kid, "did:example:bob#", 16) != 0 ||
			    strstr(text, kid) == NULL)
				continue;
			assert_int_equal(parley_comm_new(&c, resolver), 0);
			secret = json_dumps(jwk, 0);
			assert_int_equal(
			    parley_comm_add_jwk(c, kid, secret, strlen(secret)),
			    0);
			assert_int_equal(
			    parley_comm_unpack(c, &u, text, strlen(text), NULL),
			    0);
			assert_string_equal(u.read_by, kid);
			parley_comm_unpacked_wipe(&u);
			parley_comm_free(c);
			free(secret);
			n++;
		}
		free(text);
	}
	print_message("opened %zu times, once by each key\n", n);
	assert_int_equal(n, 16);
	json_decref(root);
	json_decref(sroot);
}

/* One layer less: the content of the encrypted envelope ${*textp}. */
static void peel(char **textp)
{
	struct comm_encrypted e;

	assert_int_equal(comm_encrypted_open(bob, &e, *textp, strlen(*textp)),
			 0);
	free(*textp);
	*textp = strdup(e.content);
	assert_non_null(*textp);
	comm_encrypted_wipe(&e);
}

/* ${text} opens as ${layers}, and what comes out is ${plain}. */
static void check_part(const char *text, const char *layers,
		       const json_t *plain)
{
	struct parley_comm_unpacked u;
	json_t *message;

	assert_int_equal(parley_comm_unpack(bob, &u, text, strlen(text), NULL),
			 0);
	assert_string_equal(layer_names[u.layers], layers);
	assert_string_equal(u.signer_kid, "did:example:alice#key-1");
	message = json_loads(u.message, 0, NULL);
	assert_true(json_equal(message, plain));
	json_decref(message);
	parley_comm_unpacked_wipe(&u);
	print_message("  part: %s\n", layers);
}

/*
 * Appendix C nests twice: authcrypt(sign) MAY be read, and is;
 * anoncrypt(authcrypt(sign)) is not one of the combinations of "IANA Media
 * Types", and is refused, while each of its parts opens.
 */
static void published_nestings_are_judged_part_by_part(void **state)
{
	json_t *root, *v,
	    *vectors = party_vectors(&root, "didcomm/nested.json");
	const json_t *plain;
	struct parley_comm_unpacked u;
	size_t i;
	char *text;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		plain = json_object_get(v, "plaintext");
		text = json_dumps(json_object_get(v, "message"), JSON_COMPACT);
		assert_string_equal(party_text(v, "expect"),
				    "PARLEY_ERR_ENVELOPE");
		assert_int_equal(
		    parley_comm_unpack(bob, &u, text, strlen(text), NULL),
		    PARLEY_ERR_ENVELOPE);
		assert_string_equal(
		    parley_comm_reason(bob),
		    "envelopes nested as DIDComm does not allow");
		peel(&text);
		check_part(text, "authcrypt-signed", plain);
		peel(&text);
		check_part(text, "signed", plain);
		free(text);
	}
	print_message("didcomm/nested.json: %zu of %zu ran\n", i,
		      json_array_size(vectors));
	assert_int_equal(i, 1);
	json_decref(root);

	vectors = party_vectors(&root, "didcomm/encrypted.json");
	json_array_foreach(vectors, i, v)
	{
		if (strcmp(party_text(v, "name"), "authcrypt-p256-of-signed"))
			continue;
		plain = json_object_get(v, "plaintext");
		text = json_dumps(json_object_get(v, "message"), JSON_COMPACT);
		check_part(text, "authcrypt-signed", plain);
		peel(&text);
		check_part(text, "signed", plain);
		free(text);
		break;
	}
	assert_true(i < json_array_size(vectors));
	json_decref(root);
}

/* Pack the plaintext of a published from_prior and unpack it by Bob. */
static int unpack_plaintext(struct parley_comm_unpacked *u, const char *text)
{
	struct parley_comm_pack how = {.layers = PARLEY_COMM_AUTHCRYPT,
				       .to = "did:example:bob"};
	char *envelope;
	size_t len;
	int err;

	assert_int_equal(
	    parley_comm_pack(alice, &envelope, &len, text, strlen(text), &how),
	    0);
	err = parley_comm_unpack(bob, u, envelope, len, NULL);
	free(envelope);
	return err;
}

static void published_from_prior_verifies_only_in_its_strict_form(void **state)
{
	json_t *root, *v,
	    *vectors = party_vectors(&root, "didcomm/from-prior.json");
	size_t i, n = 0, n_jwt = 0;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		struct parley_comm_unpacked u = {0};
		bool valid = json_is_true(json_object_get(v, "valid"));
		const char *text =
		    json_string_value(json_object_get(v, "text"));
		char *made = NULL;
		int err;

		if (text == NULL) { /* the JWT alone */
			assert_true(
			    asprintf(&made,
				     "{\"id\":\"1\",\"type\":\"a:b/p/1.0/m\","
				     "\"from\":\"did:example:alice\","
				     "\"from_prior\":\"%s\",\"body\":{}}",
				     party_text(v, "jwt")) > 0);
			text = made;
			n_jwt++;
		}
		/* The text demands encryption; bare, all are refused. */
		assert_int_equal(
		    parley_comm_unpack(bob, &u, text, strlen(text), NULL),
		    PARLEY_ERR_ENVELOPE);
		err = unpack_plaintext(&u, text);
		assert_int_equal(err, valid ? 0 : PARLEY_ERR_ENCODING);
		if (valid) {
			assert_string_equal(u.prior, "did:example:charlie");
			assert_int_equal(u.prior_time, 123456);
			assert_false(u.ended);
			parley_comm_unpacked_wipe(&u);
		}
		free(made);
		n++;
	}
	print_message("didcomm/from-prior.json: %zu of %zu ran, %zu of them "
		      "bare JWTs\n",
		      n, json_array_size(vectors), n_jwt);
	assert_int_equal(n, 3);
	json_decref(root);
}

/* A file of vectors/jwe; free() it. */
static char *envelope_of(const char *name)
{
	char *path = NULL, *text, *scenario;
	struct vector_value v;

	assert_true(asprintf(&scenario, "jwe/%s.txt", name) > 0);
	path = vector_path(scenario);
	text = vector_load(path);
	v = vector_get(text, "envelope");
	assert_non_null(v.bytes);
	free(text);
	free(path);
	free(scenario);
	return v.bytes;
}

static void every_flipped_byte_is_refused(void **state)
{
	static const uint8_t flips[] = {0x01, 0xff};
	/* The keys of other recipients are covered by nothing. */
	static const char *const names[] = {"one-recipient",
					    "authcrypt-one-recipient"};
	struct parley_comm_unpacked u;
	size_t n = 0;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		char *e = envelope_of(names[k]);
		size_t len = strlen(e);

		for (size_t i = 0; i < len; i++) {
			for (size_t j = 0; j < sizeof(flips); j++) {
				e[i] = (char)(e[i] ^ flips[j]);
				if (parley_comm_unpack(bob, &u, e, len, NULL) ==
				    0)
					fail_msg("byte %zu flipped: opened", i);
				e[i] = (char)(e[i] ^ flips[j]);
				n++;
			}
		}
		free(e);
	}
	print_message("%zu flipped bytes refused\n", n);
}

static void every_truncation_is_refused(void **state)
{
	char *e = envelope_of("authcrypt-x25519");
	size_t len = strlen(e);
	struct parley_comm_unpacked u;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		char *cut = malloc(i + 1);

		assert_non_null(cut);
		memcpy(cut, e, i);
		assert_int_equal(parley_comm_unpack(bob, &u, cut, i, NULL),
				 PARLEY_ERR_JSON);
		free(cut);
	}
	free(e);
}

static void limits_of_the_caller_hold_and_are_named(void **state)
{
	char *e = envelope_of("authcrypt-x25519");
	struct parley_comm_unpack how = {.len_max = strlen(e) - 1};
	struct parley_comm_unpacked u;

	(void)state;
	assert_int_equal(parley_comm_unpack(bob, &u, e, strlen(e), &how),
			 PARLEY_ERR_TOO_LARGE);
	assert_non_null(strstr(parley_comm_reason(bob), "longer than"));
	how = (struct parley_comm_unpack){.values_max = 5};
	assert_int_equal(parley_comm_unpack(bob, &u, e, strlen(e), &how),
			 PARLEY_ERR_TOO_LARGE);
	assert_string_equal(parley_comm_reason(bob), "more than 5 JSON values");
	how = (struct parley_comm_unpack){0};
	assert_int_equal(parley_comm_unpack(
			     bob, &u, e, (size_t)PARLEY_COMM_LEN_MAX + 1, &how),
			 PARLEY_ERR_TOO_LARGE);
	free(e);
}

static void limits_of_the_caller_hold_inside_a_signature(void **state)
{
	static const char message[] =
	    "{\"id\":\"1\",\"type\":\"https://a.example/b/1.0/c\","
	    "\"from\":\"did:example:alice\",\"body\":{\"n\":"
	    "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}}";
	const struct parley_comm_pack sign = {.layers = PARLEY_COMM_SIGNED};
	struct parley_comm_unpack how = {.values_max = 20};
	struct parley_comm_unpacked u;
	char *e;
	size_t len;

	(void)state;
	assert_int_equal(
	    parley_comm_pack(alice, &e, &len, message, strlen(message), &sign),
	    0);
	assert_int_equal(parley_comm_unpack(bob, &u, e, len, &how),
			 PARLEY_ERR_TOO_LARGE);
	assert_string_equal(parley_comm_reason(bob),
			    "more than 20 JSON values");
	how.values_max = 40;
	assert_int_equal(parley_comm_unpack(bob, &u, e, len, &how), 0);
	parley_comm_unpacked_wipe(&u);
	free(e);
}

/* Who has the keys of both can open both; it is refused all the same. */
static void two_encryptions_for_different_dids_are_refused(void **state)
{
	char *e = envelope_of("nested-two-dids");
	struct parley_comm_unpacked u;
	struct parley_comm *both = party_new(resolver, "did:example:bob");

	(void)state;
	party_add(both, "did:example:charlie");
	assert_int_equal(parley_comm_unpack(both, &u, e, strlen(e), NULL),
			 PARLEY_ERR_ADDRESS);
	assert_string_equal(parley_comm_reason(both),
			    "the two encryptions are for different DIDs");
	parley_comm_free(both);
	free(e);
}

static void expected_recipients_hold(void **state)
{
	static const char *const others[] = {"did:example:charlie",
					     "did:example:bo"};
	static const char *const bobs[] = {"did:example:charlie",
					   "did:example:bob"};
	static const char *const names[] = {"authcrypt-x25519", "signed-eddsa",
					    "plain", "anoncrypt-to-absent"};
	struct parley_comm_unpack how = {0};
	struct parley_comm_unpacked u;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char *e = envelope_of(names[i]);

		how.to = others;
		how.n_to = 2;
		assert_int_equal(
		    parley_comm_unpack(bob, &u, e, strlen(e), &how),
		    PARLEY_ERR_ADDRESS);
		how.to = bobs;
		assert_int_equal(
		    parley_comm_unpack(bob, &u, e, strlen(e), &how), 0);
		parley_comm_unpacked_wipe(&u);
		free(e);
	}
}

/* Allocations that the JSON library may make before it gets none. */
static size_t allocations_left;

static void *allocate_some(size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	return malloc(size);
}

static void lack_of_memory_is_reported_and_leaves_nothing(void **state)
{
	char *e = envelope_of("anoncrypt-authcrypt");
	struct parley_comm_unpacked u;
	size_t n = 0;
	int err;

	(void)state;
	do {
		allocations_left = n++;
		json_set_alloc_funcs(allocate_some, free);
		err = parley_comm_unpack(bob, &u, e, strlen(e), NULL);
		json_set_alloc_funcs(malloc, free);
		/* The parsers cannot always tell why they stopped. */
		if (err != 0 && err != PARLEY_ERR_JSON &&
		    err != PARLEY_ERR_DOCUMENT)
			assert_int_equal(err, PARLEY_ERR_MEMORY);
	} while (err != 0);
	assert_true(n > 10);
	parley_comm_unpacked_wipe(&u);
	free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_scenario_ends_as_expected),
	    cmocka_unit_test(published_envelopes_open),
	    cmocka_unit_test(published_envelopes_open_with_each_key),
	    cmocka_unit_test(published_nestings_are_judged_part_by_part),
	    cmocka_unit_test(
		published_from_prior_verifies_only_in_its_strict_form),
	    cmocka_unit_test(every_flipped_byte_is_refused),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(limits_of_the_caller_hold_and_are_named),
	    cmocka_unit_test(limits_of_the_caller_hold_inside_a_signature),
	    cmocka_unit_test(two_encryptions_for_different_dids_are_refused),
	    cmocka_unit_test(expected_recipients_hold),
	    cmocka_unit_test(lack_of_memory_is_reported_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
