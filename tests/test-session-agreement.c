/*
 * Agreements: the vectors, one refused text for each rule of PROTOCOL 2.1,
 * and the report of differences.
 */
#include "session/agreement.h"

#include <unistd.h>

#include <sodium.h>

#include "did/base64.h"
#include "session/agreement_cbor.h"
#include "session/agreement_fields.h"
#include "tests/test-session-vector.h"

/* The agreement of a vector, as JSON. */
static json_t *base_json;

static void load_base(const char *name, const json_t *v)
{
	(void)name;
	base_json = json_loads(vector_text(v, "agreement"), 0, NULL);
	assert_non_null(base_json);
}

static int setup(void **state)
{
	(void)state;
	vector_each("agreement", "full.json", load_base);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(base_json);
	return 0;
}

static int parse_json(struct parley_agreement **ap, char **errp,
		      const json_t *obj, size_t flags)
{
	char *text = json_dumps(obj, flags);
	int err;

	assert_non_null(text);
	err = parley_session_agreement_parse(ap, errp, text, strlen(text));
	free(text);
	return err;
}

static struct parley_agreement *must_parse(const json_t *obj)
{
	struct parley_agreement *a = NULL;
	char *error;

	if (parse_json(&a, &error, obj, 0))
		fail_msg("%s", error);
	assert_null(error);
	return a;
}

/*
 * A copy of the base with the member at ${path} ("parties/0/did") replaced by
 * the JSON ${value}, or removed if NULL.
 */
static json_t *changed(const char *path, const char *value)
{
	json_t *root = json_deep_copy(base_json), *holder = root, *v = NULL;
	char name[300];
	size_t len;

	for (;;) {
		len = strcspn(path, "/");
		memcpy(name, path, len);
		name[len] = '\0';
		if (path[len] == '\0')
			break;
		holder = json_is_array(holder)
			     ? json_array_get(holder, (size_t)atoi(name))
			     : json_object_get(holder, name);
		assert_non_null(holder);
		path += len + 1;
	}
	if (value) {
		v = json_loads(value, JSON_DECODE_ANY, NULL);
		if (!v)
			fail_msg("not JSON: %s", value);
	}
	if (json_is_array(holder) && v)
		json_array_set_new(holder, (size_t)atoi(name), v);
	else if (json_is_array(holder))
		json_array_remove(holder, (size_t)atoi(name));
	else if (v)
		json_object_set_new(holder, name, v);
	else
		json_object_del(holder, name);
	return root;
}

static void hash_of(uint8_t hash[PARLEY_AGREEMENT_HASH_LEN],
		    const struct parley_agreement *a)
{
	parley_session_agreement_hash(a, hash);
}

/*
 * Vectors
 */

static size_t n_valid, n_invalid;

static void check_fields(const json_t *expected, const json_t *fields)
{
	const char *key;
	json_t *v;

	assert_int_equal(json_object_size(expected), json_object_size(fields));
	json_object_foreach((json_t *)(uintptr_t)expected, key, v)
	{
		const char *text =
		    json_string_value(json_object_get(fields, key));
		uint8_t digest[1024];
		size_t len;

		(void)v;
		if (!text)
			fail_msg("no field %s", key);
		assert_int_equal(did_base64_decode(digest, sizeof(digest), &len,
						   text, strlen(text)),
				 0);
		assert_vector(digest, len, expected, key);
	}
}

static void replay(const char *name, const json_t *v)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN], *cbor;
	const char *text = vector_text(v, "agreement");
	struct parley_agreement *a = NULL;
	char *error = NULL;
	size_t len;
	int err =
	    parley_session_agreement_parse(&a, &error, text, strlen(text));

	assert_error(err, vector_error(v), name);
	if (err) {
		assert_null(a);
		assert_non_null(error);
		assert_true(strlen(error) > 0 && !strchr(error, '\n'));
		free(error);
		n_invalid++;
		return;
	}
	n_valid++;
	assert_null(error);
	hash_of(hash, a);
	assert_vector(hash, sizeof(hash), v, "hash");
	assert_int_equal(session_agreement_cbor(&cbor, &len, a), 0);
	assert_vector(cbor, len, v, "cbor");
	free(cbor);
	check_fields(json_object_get(v, "fields"), session_agreement_fields(a));
	parley_session_agreement_free(a);
}

static void vectors_are_met(void **state)
{
	(void)state;
	vector_each("agreement", "", replay);
	print_message("%zu agreements, %zu refused\n", n_valid, n_invalid);
	assert_true(n_valid > 0 && n_invalid > 0);
}

/*
 * Refused
 */

#define DIGEST64                           \
	"0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"

/* PROTOCOL 2.1, rule by rule: what stands at a path, and the error. */
static const struct {
	const char *path, *value;
	int err;
} refused[] = {
    {"parley", NULL, PARLEY_ERR_FORMAT},
    {"parley", "\"agreement/2\"", PARLEY_ERR_FORMAT},
    {"parley", "1", PARLEY_ERR_FORMAT},
    {"comment", "1", PARLEY_ERR_FORMAT},
    {"", "1", PARLEY_ERR_FORMAT},
    {"id", NULL, PARLEY_ERR_FORMAT},
    {"id", "7", PARLEY_ERR_FORMAT},
    {"id", "\"AAAAAAAAAAAAAAAAAAAA\"", PARLEY_ERR_FORMAT},    /* 15 */
    {"id", "\"AAAAAAAAAAAAAAAAAAAAAAA\"", PARLEY_ERR_FORMAT}, /* 17 */
    {"id", "\"AAAAAAAAAAAAAAAAAAAAAB\"", PARLEY_ERR_FORMAT},  /* bits */
    {"id", "\"AAAAAAAAAAAAAAAAAAAAA+\"", PARLEY_ERR_FORMAT},
    {"id", "\"AAAAAAAAAAAAAAAAAAAAAA==\"", PARLEY_ERR_FORMAT},
    {"name", NULL, PARLEY_ERR_FORMAT},
    {"name", "\"\"", PARLEY_ERR_FORMAT},
    {"name", "null", PARLEY_ERR_FORMAT},
    {"name", "\"a\\u001fb\"", PARLEY_ERR_FORMAT},
    {"name", "\"a\\u007fb\"", PARLEY_ERR_FORMAT},
    {"name", "\"\\u001b[2J\"", PARLEY_ERR_FORMAT},
    {"created", NULL, PARLEY_ERR_FORMAT},
    {"created", "-1", PARLEY_ERR_FORMAT},
    {"created", "1.0", PARLEY_ERR_FORMAT},
    {"created", "\"1\"", PARLEY_ERR_FORMAT},
    {"created", "9007199254740992", PARLEY_ERR_FORMAT},
    {"expires", "-1", PARLEY_ERR_FORMAT},
    {"expires", "0", PARLEY_ERR_FORMAT},
    {"expires", "null", PARLEY_ERR_FORMAT},
    {"expires", "\"2030-01-01\"", PARLEY_ERR_FORMAT},
    {"program", "\"joint-stats\"", PARLEY_ERR_FORMAT},
    {"program", "null", PARLEY_ERR_FORMAT},
    {"program/name", NULL, PARLEY_ERR_FORMAT},
    {"program/name", "\"\"", PARLEY_ERR_FORMAT},
    {"program/name", "\"a\\nb\"", PARLEY_ERR_FORMAT},
    {"program/name", "1", PARLEY_ERR_FORMAT},
    {"program/version", "1", PARLEY_ERR_FORMAT},
    {"program/version", "\"\"", PARLEY_ERR_FORMAT},
    {"program/version", "\"\\u0007\"", PARLEY_ERR_FORMAT},
    {"program/url", "\"x\"", PARLEY_ERR_FORMAT},
    {"program/digests", "[]", PARLEY_ERR_FORMAT},
    {"program/digests/a b", "\"sha256:" DIGEST64 "\"", PARLEY_ERR_FORMAT},
    {"program/digests/", "\"sha256:" DIGEST64 "\"", PARLEY_ERR_FORMAT},
    {"program/digests/" DIGEST64 "0", "\"sha256:" DIGEST64 "\"",
     PARLEY_ERR_FORMAT},
    {"program/digests/x", "\"" DIGEST64 "\"", PARLEY_ERR_FORMAT},
    {"program/digests/x", "\"sha512:" DIGEST64 "\"", PARLEY_ERR_FORMAT},
    {"program/digests/x", "\"sha256:" DIGEST64 "0\"", PARLEY_ERR_FORMAT},
    {"program/digests/x", "\"sha256:0123\"", PARLEY_ERR_FORMAT},
    {"program/digests/x", "\"SHA256:" DIGEST64 "\"", PARLEY_ERR_FORMAT},
    {"program/digests/x", "5", PARLEY_ERR_FORMAT},
    {"threshold", NULL, PARLEY_ERR_FORMAT},
    {"threshold", "4", PARLEY_ERR_FORMAT},
    {"threshold", "-1", PARLEY_ERR_FORMAT},
    {"threshold", "1.0", PARLEY_ERR_FORMAT},
    {"threshold", "true", PARLEY_ERR_FORMAT},
    {"parameters", "[]", PARLEY_ERR_FORMAT},
    {"parameters", "null", PARLEY_ERR_FORMAT},
    {"parameters/x", "null", PARLEY_ERR_FORMAT},
    {"parameters/x", "{}", PARLEY_ERR_FORMAT},
    {"parameters/x", "[1]", PARLEY_ERR_FORMAT},
    {"parameters/x", "0.5", PARLEY_ERR_FORMAT},
    {"parameters/x", "9007199254740992", PARLEY_ERR_FORMAT},
    {"parameters/x", "-9007199254740992", PARLEY_ERR_FORMAT},
    {"parameters/x", "\"a\\tb\"", PARLEY_ERR_FORMAT},
    {"parameters/a b", "1", PARLEY_ERR_FORMAT},
    {"parameters/\xc3\xa9", "1", PARLEY_ERR_FORMAT},
    {"parameters/", "1", PARLEY_ERR_FORMAT},
    {"parameters/" DIGEST64 "0", "1", PARLEY_ERR_FORMAT},
    {"parties", NULL, PARLEY_ERR_FORMAT},
    {"parties", "[]", PARLEY_ERR_FORMAT},
    {"parties", "{}", PARLEY_ERR_FORMAT},
    {"parties/0", "\"alice\"", PARLEY_ERR_FORMAT},
    {"parties/0/did", NULL, PARLEY_ERR_FORMAT},
    {"parties/0/did", "1", PARLEY_ERR_FORMAT},
    {"parties/0/did", "\"did:web:example.org\"", PARLEY_ERR_FORMAT},
    {"parties/0/role", "1", PARLEY_ERR_FORMAT},
    {"parties/0/name", "\"\"", PARLEY_ERR_FORMAT},
    {"parties/0/name", "1", PARLEY_ERR_FORMAT},
    {"parties/0/name", "\"" DIGEST64 "0\"", PARLEY_ERR_FORMAT},
    {"parties/0/name", "\"a\\u0001b\"", PARLEY_ERR_FORMAT},
    {"parties/0/endpoints", "\"tcp://a:1\"", PARLEY_ERR_FORMAT},
    {"parties/0/endpoints", "{}", PARLEY_ERR_FORMAT},
    {"parties/0/endpoints/0", "1", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"a:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"ipc:///a\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a:\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a:0\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a:65536\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a:+1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a:01\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a: 1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a:1/x\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a:1;b:2\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://a b:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://*:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://::1:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://[::1:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://[::1%lo]:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://[]x:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints/0", "\"tcp://[]:1\"", PARLEY_ERR_ENDPOINT},
    {"parties/0/endpoints",
     "[\"tcp://a:1\",\"tcp://a:2\",\"tcp://a:3\",\"tcp://a:4\","
     "\"tcp://a:5\",\"tcp://a:6\",\"tcp://a:7\",\"tcp://a:8\","
     "\"tcp://a:9\"]",
     PARLEY_ERR_FORMAT},
};

static void every_rule_refuses_with_its_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(refused); i++) {
		struct parley_agreement *a = NULL;
		char *error = NULL;
		json_t *root = changed(refused[i].path, refused[i].value);
		int err = parse_json(&a, &error, root, 0);

		if (err != refused[i].err)
			fail_msg("%s = %s: %s, not %s", refused[i].path,
				 refused[i].value ? refused[i].value : "none",
				 parley_did_err_name(err),
				 parley_did_err_name(refused[i].err));
		assert_null(a);
		assert_non_null(error);
		for (const char *p = error; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		free(error);
		json_decref(root);
	}
	print_message("%zu refused texts\n", N_OF(refused));
}

static void longest_and_largest_values_are_taken(void **state)
{
	static const struct {
		const char *path, *value;
	} taken[] = {
	    {"expires", NULL},
	    {"program", NULL},
	    {"program/version", NULL},
	    {"program/digests", NULL},
	    {"program/digests", "{}"},
	    {"parameters", NULL},
	    {"parameters", "{}"},
	    {"parameters/" DIGEST64, "\"\""},
	    {"parameters/x", "9007199254740991"},
	    {"parameters/x", "-9007199254740991"},
	    {"program/digests/" DIGEST64, "\"sha256:" DIGEST64 "\""},
	    {"created", "0"},
	    {"threshold", "3"},
	    {"threshold", "0"},
	    {"parties/0/name", "\"" DIGEST64 "\""},
	    {"parties/0/endpoints",
	     "[\"tcp://a:1\",\"tcp://a:2\",\"tcp://a:3\",\"tcp://a:4\","
	     "\"tcp://a:5\",\"tcp://a:6\",\"tcp://a:7\",\"tcp://a:65535\"]"},
	    {"parties/0/endpoints", "[\"tcp://[::1]:1\"]"},
	    {"parties/0/endpoints", "[\"tcp://a-b_0.c:1\"]"},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(taken); i++) {
		json_t *root = changed(taken[i].path, taken[i].value);

		parley_session_agreement_free(must_parse(root));
		json_decref(root);
	}
}

static void text_that_is_no_json_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "{",
	    "[]",
	    "null",
	    "{} x",
	    "\xff",
	    "{\"parley\":\"agreement/1\",\"parley\":\"agreement/1\"}",
	    "{\"name\":\"\xc3\x28\"}",
	    "{\"name\":\"a\\u0000b\"}",
	};
	struct parley_agreement *a = NULL;
	char *error;

	(void)state;
	for (size_t i = 0; i < N_OF(texts); i++) {
		int err = parley_session_agreement_parse(&a, &error, texts[i],
							 strlen(texts[i]));

		if (texts[i][0] == '[' || texts[i][0] == 'n')
			assert_true(err == PARLEY_ERR_JSON ||
				    err == PARLEY_ERR_FORMAT);
		else
			assert_error(err, PARLEY_ERR_JSON, texts[i]);
		assert_non_null(error);
		free(error);
		/* The sentence may be left out. */
		assert_int_equal(parley_session_agreement_parse(
				     &a, NULL, texts[i], strlen(texts[i])),
				 err);
		assert_null(a);
	}
}

static void text_over_a_mebibyte_is_refused(void **state)
{
	const size_t len = PARLEY_AGREEMENT_LEN_MAX;
	struct parley_agreement *a = NULL;
	char *text = malloc(len + 1), *error;
	char *json = json_dumps(base_json, 0);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len + 1);
	memcpy(text, json, strlen(json));
	assert_int_equal(parley_session_agreement_parse(&a, NULL, text, len),
			 0);
	parley_session_agreement_free(a);
	a = NULL;
	assert_int_equal(
	    parley_session_agreement_parse(&a, &error, text, len + 1),
	    PARLEY_ERR_TOO_LARGE);
	assert_null(a);
	free(error);
	free(json);
	free(text);
}

/* ${n} members p0, p1, ... */
static json_t *many(size_t n, const char *value)
{
	json_t *object = json_object();
	char name[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "p%zu", i);
		json_object_set_new(object, name,
				    json_loads(value, JSON_DECODE_ANY, NULL));
	}
	return object;
}

static void too_many_of_anything_are_refused(void **state)
{
	struct parley_agreement *a = NULL;
	json_t *root, *parties;
	char *error;

	(void)state;
	root = json_deep_copy(base_json);
	json_object_set_new(root, "parameters", many(257, "1"));
	assert_int_equal(parse_json(&a, &error, root, 0), PARLEY_ERR_TOO_LARGE);
	free(error);
	json_object_set_new(root, "parameters", many(256, "1"));
	parley_session_agreement_free(must_parse(root));
	json_object_set_new(json_object_get(root, "program"), "digests",
			    many(257, "\"sha256:" DIGEST64 "\""));
	assert_int_equal(parse_json(&a, &error, root, 0), PARLEY_ERR_TOO_LARGE);
	free(error);
	json_decref(root);

	root = json_deep_copy(base_json);
	parties = json_object_get(root, "parties");
	while (json_array_size(parties) < 1025)
		json_array_append(parties, json_array_get(parties, 0));
	assert_int_equal(parse_json(&a, &error, root, 0), PARLEY_ERR_TOO_LARGE);
	free(error);
	json_decref(root);
	assert_null(a);
}

static void did_or_pair_that_cannot_be_is_refused(void **state)
{
	struct parley_agreement *a = NULL;
	json_t *root = json_deep_copy(base_json);
	json_t *parties = json_object_get(root, "parties");
	char *error;

	(void)state;
	/* Twice, though the rest of the party is another. */
	json_object_set(json_array_get(parties, 3), "did",
			json_object_get(json_array_get(parties, 0), "did"));
	assert_int_equal(parse_json(&a, &error, root, 0), PARLEY_ERR_DUPLICATE);
	assert_non_null(strstr(error, json_string_value(json_object_get(
					  json_array_get(parties, 0), "did"))));
	free(error);
	json_decref(root);

	/* One without an endpoint can dial all the others; two cannot meet. */
	root = changed("parties/2/endpoints", NULL);
	parley_session_agreement_free(must_parse(root));
	parties = json_object_get(root, "parties");
	json_object_del(json_array_get(parties, 1), "endpoints");
	assert_int_equal(parse_json(&a, &error, root, 0), PARLEY_ERR_ENDPOINT);
	assert_non_null(strstr(error, "parties[1] and parties[2]"));
	free(error);
	json_decref(root);
}

static void changed_bytes_never_harm(void **state)
{
	char *json = json_dumps(base_json, 0), *copy = strdup(json);
	const size_t len = strlen(json);
	uint8_t own[PARLEY_AGREEMENT_HASH_LEN], hash[sizeof(own)];
	struct parley_agreement *a = must_parse(base_json);
	size_t refused_n = 0;

	(void)state;
	hash_of(own, a);
	parley_session_agreement_free(a);
	for (size_t i = 0; i < len; i++) {
		a = NULL;
		copy[i] ^= 1;
		if (parley_session_agreement_parse(&a, NULL, copy, len)) {
			refused_n++;
			assert_null(a);
		} else {
			/* Taken, so it says something else. */
			hash_of(hash, a);
			assert_memory_not_equal(hash, own, sizeof(hash));
			parley_session_agreement_free(a);
		}
		copy[i] ^= 1;
		a = NULL;
		assert_int_not_equal(
		    parley_session_agreement_parse(&a, NULL, copy, i), 0);
		assert_null(a);
	}
	assert_true(refused_n > 0 && refused_n < len);
	free(copy);
	free(json);
}

/*
 * Hash and differences
 */

static void hash_does_not_depend_on_spelling(void **state)
{
	static const size_t flags[] = {
	    JSON_COMPACT, JSON_SORT_KEYS, JSON_INDENT(7), JSON_ENSURE_ASCII,
	    JSON_ENSURE_ASCII | JSON_SORT_KEYS | JSON_ESCAPE_SLASH};
	struct parley_agreement *a = must_parse(base_json);
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN], other[sizeof(hash)];

	(void)state;
	hash_of(hash, a);
	for (size_t i = 0; i < N_OF(flags); i++) {
		char path[SESSION_FIELD_PATH_SIZE];
		struct parley_agreement *b = NULL;

		assert_int_equal(parse_json(&b, NULL, base_json, flags[i]), 0);
		hash_of(other, b);
		assert_memory_equal(hash, other, sizeof(hash));
		session_agreement_fields_diff(path, a,
					      session_agreement_fields(b));
		assert_string_equal(path, "");
		parley_session_agreement_free(b);
	}
	parley_session_agreement_free(a);
}

/* ${b} differs from ${a}: each says so, and where. */
static void assert_differ(const json_t *json_a, const json_t *json_b,
			  const char *what, const char *expected)
{
	uint8_t hash_a[PARLEY_AGREEMENT_HASH_LEN], hash_b[sizeof(hash_a)];
	struct parley_agreement *a = must_parse(json_a);
	struct parley_agreement *b = must_parse(json_b);
	char path[SESSION_FIELD_PATH_SIZE];

	hash_of(hash_a, a);
	hash_of(hash_b, b);
	if (memcmp(hash_a, hash_b, sizeof(hash_a)) == 0)
		fail_msg("%s does not change the hash", what);
	session_agreement_fields_diff(path, a, session_agreement_fields(b));
	if (strcmp(path, expected) != 0)
		fail_msg("%s: '%s', not '%s'", what, path, expected);
	session_agreement_fields_diff(path, b, session_agreement_fields(a));
	if (strcmp(path, expected) != 0)
		fail_msg("%s, other side: '%s', not '%s'", what, path,
			 expected);
	parley_session_agreement_free(a);
	parley_session_agreement_free(b);
}

static const struct {
	const char *path, *value, *field;
} fields[] = {
    {"name", "\"other\"", "name"},
    {"created", "1", "created"},
    {"expires", "1", "expires"},
    {"expires", NULL, "expires"},
    {"program/name", "\"other\"", "program.name"},
    {"program/version", "\"other\"", "program.version"},
    {"program/version", NULL, "program.version"},
    {"program/digests/zeta", "\"sha256:" DIGEST64 "\"", "program.digests.zeta"},
    {"program/digests/Makefile", "\"sha256:" DIGEST64 "\"",
     "program.digests.Makefile"},
    {"program/digests/a-b_c.tar.gz", "\"sha256:" DIGEST64 "\"",
     "program.digests.a-b_c.tar.gz"},
    {"program/digests/zeta", NULL, "program.digests.zeta"},
    {"program/digests/new", "\"sha256:" DIGEST64 "\"", "program.digests.new"},
    {"threshold", "2", "threshold"},
    {"parameters/text", "\"other\"", "parameters.text"},
    {"parameters/text", NULL, "parameters.text"},
    {"parameters/yes", "false", "parameters.yes"},
    {"parameters/zero", "1", "parameters.zero"},
    {"parameters/m1", "1", "parameters.m1"},
    {"parameters/new", "1", "parameters.new"},
    /* Values that a program sees as the same text. */
    {"parameters/zero", "\"0\"", "parameters.zero"},
    {"parameters/yes", "\"true\"", "parameters.yes"},
    {"parameters/no", "0", "parameters.no"},
    {"parameters/empty", NULL, "parameters.empty"},
    {"parties/0/name", "\"other\"", "parties[0].name"},
    {"parties/3/name", NULL, "parties[3].name"},
    {"parties/1/name", "\"bob\"", "parties[1].name"},
    {"parties/0/endpoints/0", "\"tcp://other:1\"", "parties[0].endpoints"},
    {"parties/0/endpoints/2", NULL, "parties[0].endpoints"},
    {"parties/2/endpoints", "[\"tcp://carol:1\"]", "parties[2].endpoints"},
    {"parties/2", NULL, "parties"},
};

static void every_changed_field_is_named_by_both_sides(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(fields); i++) {
		json_t *root = changed(fields[i].path, fields[i].value);

		/* Without party 2 a threshold of 3 is too large. */
		if (strcmp(fields[i].field, "parties") == 0) {
			json_t *low = changed("threshold", "1");

			json_object_set(root, "threshold",
					json_object_get(low, "threshold"));
			assert_differ(low, root, fields[i].path,
				      fields[i].field);
			json_decref(low);
		} else {
			assert_differ(base_json, root, fields[i].path,
				      fields[i].field);
		}
		json_decref(root);
	}
	print_message("%zu differences\n", N_OF(fields));
}

static void order_and_dids_of_the_roster_are_compared(void **state)
{
	json_t *root = json_deep_copy(base_json);
	json_t *parties = json_object_get(root, "parties");
	json_t *one = json_incref(json_array_get(parties, 1));
	json_t *three = json_incref(json_array_get(parties, 3));

	(void)state;
	json_array_set(parties, 1, three);
	json_array_set(parties, 3, one);
	assert_differ(base_json, root, "order", "parties[1].did");
	json_decref(one);
	json_decref(three);
	json_decref(root);

	/* An Ed25519 key that is nobody's here. */
	root = changed(
	    "parties/2/did",
	    "\"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK\"");
	assert_differ(base_json, root, "did", "parties[2].did");
	json_decref(root);
}

static void every_parameter_and_digest_counts(void **state)
{
	static const char *const holders[] = {"parameters", "program/digests"};
	static const char *const prefixes[] = {"parameters", "program.digests"};

	(void)state;
	for (size_t i = 0; i < N_OF(holders); i++) {
		json_t *object = json_object_get(base_json, "parameters"), *v;
		const char *key;

		if (i == 1)
			object = json_object_get(
			    json_object_get(base_json, "program"), "digests");
		json_object_foreach(object, key, v)
		{
			char path[256], field[256];
			json_t *root;

			snprintf(path, sizeof(path), "%s/%s", holders[i], key);
			snprintf(field, sizeof(field), "%s.%s", prefixes[i],
				 key);
			root = changed(path, NULL);
			assert_differ(base_json, root, path, field);
			json_decref(root);
		}
	}
}

static void moved_text_changes_the_hash(void **state)
{
	json_t *a = changed("program", "{\"name\":\"ab\",\"version\":\"c\"}");
	json_t *b = changed("program", "{\"name\":\"a\",\"version\":\"bc\"}");

	(void)state;
	assert_differ(a, b, "moved", "program.name");
	json_decref(a);
	json_decref(b);
}

static void other_id_is_another_agreement(void **state)
{
	uint8_t hash_a[PARLEY_AGREEMENT_HASH_LEN], hash_b[sizeof(hash_a)];
	struct parley_agreement *a = must_parse(base_json), *b;
	json_t *root = changed("id", "\"AAAAAAAAAAAAAAAAAAAAAA\"");
	char path[SESSION_FIELD_PATH_SIZE];

	(void)state;
	b = must_parse(root);
	hash_of(hash_a, a);
	hash_of(hash_b, b);
	assert_memory_not_equal(hash_a, hash_b, sizeof(hash_a));
	/* It is on no wire: no digest of it either. */
	session_agreement_fields_diff(path, a, session_agreement_fields(b));
	assert_string_equal(path, "");
	parley_session_agreement_free(a);
	parley_session_agreement_free(b);
	json_decref(root);
}

/* A copy of the own fields with one more, or another. */
static json_t *fields_with(const struct parley_agreement *a, const char *key,
			   json_t *value)
{
	json_t *own = (json_t *)(uintptr_t)session_agreement_fields(a);
	json_t *copy = json_deep_copy(own);

	json_object_set_new(copy, key, value);
	return copy;
}

static void assert_printable(const char path[SESSION_FIELD_PATH_SIZE])
{
	assert_true(strnlen(path, SESSION_FIELD_PATH_SIZE) <
		    SESSION_FIELD_PATH_SIZE);
	for (; *path; path++)
		assert_true(*path > 0x20 && *path < 0x7f);
}

static void hostile_fields_do_no_harm(void **state)
{
	static const char *const keys[] = {
	    "\n\x1b[2Jowned", "\xf0\x9f\x98\x80", "a b",
	    "parties.",	      "parties",	  "%s%n%n",
	};
	struct parley_agreement *a = must_parse(base_json);
	char path[SESSION_FIELD_PATH_SIZE], *huge = malloc(70001);
	json_t *theirs;

	(void)state;
	memset(huge, 'A', 70000);
	huge[70000] = '\0';

	/* One more, with a name of any kind. */
	for (size_t i = 0; i < N_OF(keys); i++) {
		theirs = fields_with(a, keys[i], json_string("AAAAAAAAAAA"));
		session_agreement_fields_diff(path, a, theirs);
		assert_printable(path);
		assert_true(strlen(path) > 0);
		json_decref(theirs);
	}
	theirs = fields_with(a, "\n\x1b[2J", json_null());
	session_agreement_fields_diff(path, a, theirs);
	assert_string_equal(path, "??[2J");
	json_decref(theirs);
	theirs = fields_with(a, huge, json_true());
	session_agreement_fields_diff(path, a, theirs);
	assert_int_equal(strlen(path), SESSION_FIELD_PATH_SIZE - 1);
	assert_printable(path);
	json_decref(theirs);

	/* Own names, with a value of any kind. */
	for (int i = 0; i < 9; i++) {
		static const char *const at[] = {"name", "parties.did",
						 "parties.endpoints"};
		json_t *values[] = {
		    json_null(),     json_true(),	json_integer(1),
		    json_real(1.5),  json_array(),	json_object(),
		    json_string(""), json_string(huge), json_string("====")};

		for (size_t j = 0; j < N_OF(at); j++) {
			theirs = fields_with(a, at[j], json_incref(values[i]));
			session_agreement_fields_diff(path, a, theirs);
			assert_printable(path);
			if (j == 0)
				assert_string_equal(path, "name");
			else
				assert_memory_equal(path, "parties", 7);
			json_decref(theirs);
		}
		for (int j = 0; j < 9; j++)
			json_decref(values[j]);
	}

	/* Nothing, and no object at all. */
	theirs = json_object();
	session_agreement_fields_diff(path, a, theirs);
	assert_string_equal(path, "name");
	json_decref(theirs);
	theirs = json_pack("[s]", "name");
	session_agreement_fields_diff(path, a, theirs);
	assert_string_equal(path, "name");
	json_decref(theirs);
	session_agreement_fields_diff(path, a, NULL);
	assert_string_equal(path, "name");
	free(huge);
	parley_session_agreement_free(a);
}

/*
 * Getters
 */

static void getters_say_what_the_text_says(void **state)
{
	struct parley_agreement *a = must_parse(base_json);
	const char *did;

	(void)state;
	assert_int_equal(parley_session_agreement_n_parties(a), 4);
	assert_int_equal(parley_session_agreement_threshold(a), 3);
	assert_true(parley_session_agreement_created(a) == 1767225600);
	assert_true(parley_session_agreement_expires(a) ==
		    (INT64_C(1) << 53) - 1);
	assert_string_equal(
	    parley_session_agreement_name(a),
	    json_string_value(json_object_get(base_json, "name")));
	assert_string_equal(parley_session_agreement_program(a), "joint-stats");
	assert_string_equal(parley_session_agreement_program_version(a),
			    "1.2.3");
	assert_null(parley_session_agreement_digest(a, "nothing"));
	assert_int_equal(strlen(parley_session_agreement_digest(a, "Makefile")),
			 64);
	assert_string_equal(parley_session_agreement_parameter(a, "i65536"),
			    "65536");
	assert_string_equal(parley_session_agreement_parameter(a, "yes"),
			    "true");
	assert_string_equal(parley_session_agreement_parameter(a, "no"),
			    "false");
	assert_string_equal(parley_session_agreement_parameter(a, "m257"),
			    "-257");
	assert_string_equal(parley_session_agreement_parameter(a, "empty"), "");
	assert_null(parley_session_agreement_parameter(a, "nothing"));
	assert_null(parley_session_agreement_party_did(a, 4));
	assert_null(parley_session_agreement_party_name(a, 4));
	assert_null(parley_session_agreement_party_endpoint(a, 4, 0));
	assert_null(parley_session_agreement_party_endpoint(a, 2, 0));
	assert_null(parley_session_agreement_party_endpoint(a, 0, 3));
	assert_string_equal(parley_session_agreement_party_endpoint(a, 0, 2),
			    "tcp://[2001:db8::1]:65535");
	assert_string_equal(parley_session_agreement_party_name(a, 1), "");
	for (size_t i = 0; i < 4; i++) {
		did = parley_session_agreement_party_did(a, i);
		assert_int_equal(parley_session_agreement_index(a, did), i);
		assert_int_equal(session_agreement_key(a, i)->len, 32);
	}
	assert_int_equal(parley_session_agreement_index(a, "did:key:z6Mk"),
			 PARLEY_ERR_ROSTER);
	parley_session_agreement_free(a);
	parley_session_agreement_free(NULL);
}

static void exactly_one_of_a_pair_dials(void **state)
{
	/* Party 2 has no endpoint: it dials 3, and 0 and 1 cannot dial it. */
	struct parley_agreement *a = must_parse(base_json);

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			if (i != j)
				assert_true(session_agreement_dials(a, i, j) !=
					    session_agreement_dials(a, j, i));
	assert_true(session_agreement_dials(a, 0, 1));
	assert_true(session_agreement_dials(a, 2, 0));
	assert_true(session_agreement_dials(a, 2, 1));
	assert_true(session_agreement_dials(a, 2, 3));
	parley_session_agreement_free(a);
}

static void file_that_cannot_be_read_is_named(void **state)
{
	char path[] = "/tmp/parley-agreement-XXXXXX";
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN], other[sizeof(hash)];
	struct parley_agreement *a = NULL, *b = must_parse(base_json);
	char *error, *text = json_dumps(base_json, JSON_INDENT(2));
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	assert_int_equal(parley_session_agreement_load(&a, &error, path), 0);
	assert_null(error);
	hash_of(hash, a);
	hash_of(other, b);
	assert_memory_equal(hash, other, sizeof(hash));
	parley_session_agreement_free(a);
	parley_session_agreement_free(b);
	a = NULL;

	/* Longer than allowed. */
	assert_int_equal(ftruncate(fd, PARLEY_AGREEMENT_LEN_MAX + 5), 0);
	assert_int_equal(parley_session_agreement_load(&a, &error, path),
			 PARLEY_ERR_TOO_LARGE);
	free(error);
	close(fd);
	unlink(path);
	assert_int_equal(parley_session_agreement_load(&a, &error, path),
			 PARLEY_ERR_NOT_FOUND);
	assert_non_null(strstr(error, path));
	free(error);
	assert_int_equal(parley_session_agreement_load(&a, &error, "/"),
			 PARLEY_ERR_SYSTEM);
	assert_non_null(error);
	free(error);
	assert_null(a);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors_are_met),
	    cmocka_unit_test(every_rule_refuses_with_its_error),
	    cmocka_unit_test(longest_and_largest_values_are_taken),
	    cmocka_unit_test(text_that_is_no_json_is_refused),
	    cmocka_unit_test(text_over_a_mebibyte_is_refused),
	    cmocka_unit_test(too_many_of_anything_are_refused),
	    cmocka_unit_test(did_or_pair_that_cannot_be_is_refused),
	    cmocka_unit_test(changed_bytes_never_harm),
	    cmocka_unit_test(hash_does_not_depend_on_spelling),
	    cmocka_unit_test(every_changed_field_is_named_by_both_sides),
	    cmocka_unit_test(order_and_dids_of_the_roster_are_compared),
	    cmocka_unit_test(every_parameter_and_digest_counts),
	    cmocka_unit_test(moved_text_changes_the_hash),
	    cmocka_unit_test(other_id_is_another_agreement),
	    cmocka_unit_test(hostile_fields_do_no_harm),
	    cmocka_unit_test(getters_say_what_the_text_says),
	    cmocka_unit_test(exactly_one_of_a_pair_dials),
	    cmocka_unit_test(file_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
