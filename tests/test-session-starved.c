/*
 * Lack of memory: each call is made again and again, and the n-th allocation in
 * it gets none, for n = 0, 1, ... until all of them do.  It then says that it
 * failed, leaves what was there as it was, and keeps nothing; ASan looks for
 * what is lost.
 *
 * Allocations are those of our own code (-Wl,--wrap), of jansson, and of
 * OpenSSL.  A parser cannot always tell why it stopped, so not all failures are
 * PARLEY_ERR_MEMORY.
 */
#include <errno.h>
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
#include <jansson.h>
#include <openssl/crypto.h>

#include <parley/comm.h>
#include <parley/session.h>

#include "did/identity.h"
#include "did/secret.h"

enum { ROUNDS_MAX = 100000, FED_MAX = 10, NOW = 1767225600 };

/* Not on the heap, and no allocation fails while ${on} is false. */
static struct {
	bool on, failed;
	size_t left;
} hunger;

static bool gets_none(void)
{
	if (!hunger.on)
		return false;
	if (hunger.left > 0) {
		hunger.left--;
		return false;
	}
	hunger.failed = true;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__real_realloc(void *p, size_t len);
void *__wrap_realloc(void *p, size_t len);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len);
void *__real_sodium_malloc(size_t len);
void *__wrap_sodium_malloc(size_t len);
int __wrap_asprintf(char **textp, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void *__wrap_malloc(size_t len)
{
	return gets_none() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
	return gets_none() ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *p, size_t len)
{
	return gets_none() ? NULL : __real_realloc(p, len);
}

char *__wrap_strdup(const char *text)
{
	return gets_none() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return gets_none() ? NULL : __real_strndup(text, len);
}

void *__wrap_sodium_malloc(size_t len)
{
	return gets_none() ? NULL : __real_sodium_malloc(len);
}

int __wrap_asprintf(char **textp, const char *format, ...)
{
	va_list args;
	int n;

	if (gets_none())
		return -1;
	va_start(args, format);
	n = vasprintf(textp, format, args);
	va_end(args);
	return n;
}

static void *json_malloc(size_t len)
{
	return gets_none() ? NULL : __real_malloc(len);
}

static void *ssl_malloc(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return gets_none() ? NULL : __real_malloc(len);
}

static void *ssl_realloc(void *p, size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return gets_none() ? NULL : __real_realloc(p, len);
}

static void ssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* What the calls work with; made while there is memory. */
static struct {
	struct parley_identity *a, *b, *p256;
	struct parley_comm *ca, *cb;
	char path[64], jwk[64], text[4096];
} f;

/*
 * Returns how often ${call} failed before it did not.  With each key that is
 * drawn it allocates a few times more or less: so it ends only after some calls
 * in a row in which nothing got none, or the last allocations were left out.
 */
static size_t starve(int (*call)(void))
{
	size_t n_fed = 0;
	int err;

	/* What libraries make at their first call stays. */
	assert_int_equal(call(), 0);
	for (size_t n = 0; n < ROUNDS_MAX; n++) {
		hunger.left = n;
		hunger.failed = false;
		hunger.on = true;
		err = call();
		hunger.on = false;
		if (!hunger.failed) {
			assert_int_equal(err, 0);
			if (++n_fed == FED_MAX)
				return n + 1 - n_fed;
			continue;
		}
		n_fed = 0;
		/* Some libraries do without. */
		assert_true(err <= 0);
		assert_string_not_equal(parley_did_err_name(err),
					"PARLEY_ERR_UNKNOWN");
	}
	fail();
	return 0;
}

static int new_identities(void)
{
	struct parley_identity *id;
	int err;

	for (int type = 0; type < 2; type++) {
		err = parley_did_identity_new_type(
		    &id, (enum parley_identity_type)type);
		if (err != 0)
			return err;
		parley_did_identity_free(id);
	}
	return 0;
}

static int sign(void)
{
	uint8_t sig[DID_IDENTITY_SIG_LEN_MAX];
	size_t len;

	return did_identity_sign(sig, &len, f.p256, "message", 7);
}

/* Reading alone: who writes waits for the disk. */
static int load(void)
{
	struct parley_identity *id;
	int err = parley_did_identity_load(&id, f.path, NULL, 0);

	if (err == 0)
		parley_did_identity_free(id);
	return err;
}

static int export_and_import(void)
{
	struct parley_identity *id;
	uint8_t *bytes;
	size_t len;
	int err = 0;

	/* Not PEM: OpenSSL allocates thousands of times for it. */
	for (int i = 0; i < 2 && err == 0; i++) {
		err = did_identity_encode(&bytes, &len, i ? f.a : f.p256,
					  PARLEY_KEY_JWK, NULL, 0);
		if (err == 0)
			did_secret_free(bytes);
	}
	if (err == 0)
		err = parley_did_identity_import(&id, f.jwk, PARLEY_KEY_JWK,
						 NULL, 0);
	if (err == 0)
		parley_did_identity_free(id);
	return err;
}

static int resolve(void)
{
	const char *const dids[] = {parley_did_identity_did(f.a),
				    parley_did_identity_did(f.p256)};
	char *text;
	int err;

	for (size_t i = 0; i < sizeof(dids) / sizeof(dids[0]); i++) {
		err = parley_did_resolve(&text, dids[i]);
		if (err != 0)
			return err;
		free(text);
	}
	return 0;
}

static int pack_as(enum parley_comm_layers layers)
{
	const struct parley_comm_pack how = {
	    .layers = layers, .to = parley_did_identity_did(f.b)};
	struct parley_comm_unpacked u;
	char *envelope;
	size_t len;
	int err;

	err = parley_comm_pack(f.ca, &envelope, &len, f.text, strlen(f.text),
			       &how);
	if (err != 0)
		return err;
	err = parley_comm_unpack(f.cb, &u, envelope, len, NULL);
	if (err == 0)
		parley_comm_unpacked_wipe(&u);
	free(envelope);
	return err;
}

static int pack_authcrypt(void)
{
	return pack_as(PARLEY_COMM_AUTHCRYPT);
}

static int pack_anoncrypt_authcrypt(void)
{
	return pack_as(PARLEY_COMM_ANONCRYPT_AUTHCRYPT);
}

static int pack_anoncrypt_signed(void)
{
	return pack_as(PARLEY_COMM_ANONCRYPT_SIGNED);
}

static int rotate(void)
{
	char *jwt, kid[2 * PARLEY_DID_SIZE];
	const char *did = parley_did_identity_did(f.a);
	int err;

	snprintf(kid, sizeof(kid), "%s#%s", did, did + strlen("did:key:"));
	err = parley_comm_prior_issue(f.ca, &jwt, kid,
				      parley_did_identity_did(f.b), NOW);
	if (err == 0)
		free(jwt);
	return err;
}

static int invite(void)
{
	static const char *const accept[] = {"didcomm/v2"};
	const struct parley_comm_header h = {.from =
						 parley_did_identity_did(f.a)};
	const struct parley_comm_invitation i = {
	    .goal = "talk", .accept = accept, .n_accept = 1};
	char *message, *again, *url;
	size_t len, again_len;
	int err;

	err = parley_comm_invitation_new(&message, &len, &h, &i);
	if (err != 0)
		return err;
	err =
	    parley_comm_invitation_url(&url, message, len, "https://a.example");
	if (err == 0) {
		err = parley_comm_invitation_parse(&again, &again_len, url,
						   strlen(url));
		free(url);
	}
	if (err == 0)
		free(again);
	free(message);
	return err;
}

/* Writes messages of each kind, and reads them. */
static int speak(void)
{
	static const char *const args[] = {"a", "b"};
	const struct parley_comm_feature features[] = {{"protocol", "x"}};
	const struct parley_comm_header h = {
	    .from = parley_did_identity_did(f.a), .thid = "t", .pthid = "p"};
	const struct parley_comm_report r = {.code = "e.p.x",
					     .comment = "{1} and {2}",
					     .args = args,
					     .n_args = 2};
	struct parley_comm_protocol p;
	char *message, *text;
	size_t len;
	int err = 0;

	for (int i = 0; i < 4 && err == 0; i++) {
		if (i == 0)
			err = parley_comm_protocol_ping(&message, &len, &h, 1);
		else if (i == 1)
			err = parley_comm_protocol_queries(&message, &len, &h,
							   features, 1);
		else if (i == 2)
			err = parley_comm_protocol_disclose(&message, &len, &h,
							    features, 1);
		else
			err =
			    parley_comm_protocol_report(&message, &len, &h, &r);
		if (err != 0)
			break;
		err = parley_comm_protocol_read(&p, message, len);
		free(message);
		if (err != 0)
			break;
		if (i == 3)
			err =
			    parley_comm_protocol_report_text(&text, &p.report);
		if (i == 3 && err == 0)
			free(text);
		parley_comm_protocol_wipe(&p);
	}
	return err;
}

static int agree(void)
{
	struct parley_session_options o;
	struct parley_agreement *a;
	struct parley_session *s = NULL;
	char text[1024], *error = NULL;
	int err;

	snprintf(text, sizeof(text),
		 "{\"parley\":\"agreement/1\","
		 "\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"name\":\"starved\","
		 "\"created\":1,\"threshold\":1,\"parties\":["
		 "{\"did\":\"%s\"},"
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://127.0.0.1:1\"]}]}",
		 parley_did_identity_did(f.a), parley_did_identity_did(f.b));
	err = parley_session_agreement_parse(&a, &error, text, strlen(text));
	free(error);
	if (err != 0)
		return err;
	parley_session_options_init(&o);
	/* Party 0 dials, and listens nowhere. */
	err = parley_session_new(&s, a, f.a, &o);
	parley_session_free(s);
	parley_session_agreement_free(a);
	return err;
}

/* Each of these allocates a few times at least. */
static void every_call_fails_or_works(void **state)
{
	static const struct {
		int (*call)(void);
		const char *name;
		size_t n_min;
	} rows[] = {
	    {new_identities, "new_identities", 10},
	    {sign, "sign", 10},
	    {load, "load", 3},
	    {export_and_import, "export_and_import", 50},
	    {resolve, "resolve", 50},
	    {pack_authcrypt, "pack_authcrypt", 50},
	    {pack_anoncrypt_authcrypt, "pack_anoncrypt_authcrypt", 50},
	    {pack_anoncrypt_signed, "pack_anoncrypt_signed", 50},
	    {rotate, "rotate", 20},
	    {invite, "invite", 20},
	    {speak, "speak", 20},
	    {agree, "agree", 50},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = starve(rows[i].call);

		print_message("%s: %zu\n", rows[i].name, n);
		assert_in_range(n, rows[i].n_min, ROUNDS_MAX - 1);
	}
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(
	    parley_did_identity_new_type(&f.a, PARLEY_IDENTITY_ED25519), 0);
	assert_int_equal(
	    parley_did_identity_new_type(&f.b, PARLEY_IDENTITY_ED25519), 0);
	assert_int_equal(
	    parley_did_identity_new_type(&f.p256, PARLEY_IDENTITY_P256), 0);
	assert_int_equal(parley_comm_new(&f.ca, NULL), 0);
	assert_int_equal(parley_comm_new(&f.cb, NULL), 0);
	assert_int_equal(parley_comm_add_identity(f.ca, f.a), 0);
	assert_int_equal(parley_comm_add_identity(f.cb, f.b), 0);
	snprintf(f.path, sizeof(f.path), "starved-%d.identity", getpid());
	snprintf(f.jwk, sizeof(f.jwk), "starved-%d.jwk", getpid());
	assert_int_equal(parley_did_identity_save(f.a, f.path, NULL, 0), 0);
	assert_int_equal(
	    parley_did_identity_export(f.p256, f.jwk, PARLEY_KEY_JWK, NULL, 0),
	    0);
	snprintf(f.text, sizeof(f.text),
		 "{\"id\":\"1\",\"type\":\"https://a.example/b/1.0/c\","
		 "\"from\":\"%s\",\"to\":[\"%s\"],\"body\":{\"n\":1},"
		 "\"attachments\":[{\"data\":{\"json\":{}}}]}",
		 parley_did_identity_did(f.a), parley_did_identity_did(f.b));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(f.path);
	unlink(f.jwk);
	parley_comm_free(f.ca);
	parley_comm_free(f.cb);
	parley_did_identity_free(f.a);
	parley_did_identity_free(f.b);
	parley_did_identity_free(f.p256);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_call_fails_or_works),
	};

	/* Before anything allocates by them. */
	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1) {
		fputs("OpenSSL has allocated already\n", stderr);
		return 1;
	}
	json_set_alloc_funcs(json_malloc, free);
	return cmocka_run_group_tests(tests, setup, teardown);
}
