/*
 * comm/pack.c, comm/comm.c, comm/prior.c, comm/forward.c: what is packed is
 * unpacked again, and what would not be is not packed.
 */
#include <stdbool.h>

#include <parley/comm.h>

#include "did/base64.h"
#include "did/identity.h"
#include "did/jwk.h"
#include "did/secret.h"
#include "test-comm-party.h"

#define ALICE "did:example:alice"
#define BOB   "did:example:bob"
#define MESSAGE(members) \
	"{\"id\":\"1\",\"type\":\"a:b/p/1.0/m\"," members "\"body\":{}}"
#define FROM_TO MESSAGE("\"from\":\"" ALICE "\",\"to\":[\"" BOB "\"],")

static struct parley_resolver *resolver;
static struct parley_comm *alice, *bob, *charlie;

static int set_up(void **state)
{
	(void)state;
	resolver = party_resolver();
	alice = party_new(resolver, ALICE);
	bob = party_new(resolver, BOB);
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

static char *pack(const char *message, const struct parley_comm_pack *how)
{
	char *envelope;
	size_t len;
	int err = parley_comm_pack(alice, &envelope, &len, message,
				   strlen(message), how);

	if (err)
		fail_msg("%s: %s", parley_did_err_name(err),
			 parley_comm_reason(alice));
	assert_int_equal(strlen(envelope), len);
	return envelope;
}

static void refuse(int expect, const char *message,
		   const struct parley_comm_pack *how)
{
	char *envelope = NULL;
	size_t len = 7;
	int err = parley_comm_pack(alice, &envelope, &len, message,
				   strlen(message), how);

	if (err != expect)
		fail_msg("%s (%s), not %s", parley_did_err_name(err),
			 parley_comm_reason(alice),
			 parley_did_err_name(expect));
	assert_null(envelope);
	assert_int_equal(len, 7);
}

static void every_protection_on_every_curve_is_unpacked(void **state)
{
	static const char *const tos[] = {BOB, BOB "#key-x25519-2",
					  BOB "#key-p256-1", BOB "#key-p384-2",
					  BOB "#key-p521-1"};
	size_t n = 0;

	(void)state;
	for (int layers = PARLEY_COMM_PLAIN;
	     layers <= PARLEY_COMM_ANONCRYPT_AUTHCRYPT; layers++) {
		for (size_t i = 0; i < 5 * 3; i++) {
			struct parley_comm_pack how = {
			    .layers = (enum parley_comm_layers)layers,
			    .enc = (enum parley_comm_enc)(i % 3),
			    .to = tos[i / 3]};
			bool authcrypt =
			    layers == PARLEY_COMM_AUTHCRYPT ||
			    layers == PARLEY_COMM_ANONCRYPT_AUTHCRYPT;
			struct parley_comm_unpacked u;
			char *envelope;

			if (layers == PARLEY_COMM_AUTHCRYPT)
				how.enc = PARLEY_COMM_A256CBC_HS512;
			/* Alice has no P-384 key */
			if (authcrypt && i / 3 == 3) {
				refuse(PARLEY_ERR_NOT_FOUND, FROM_TO, &how);
				continue;
			}
			envelope = pack(FROM_TO, &how);
			assert_int_equal(parley_comm_unpack(bob, &u, envelope,
							    strlen(envelope),
							    NULL),
					 0);
			assert_int_equal(u.layers, layers);
			assert_string_equal(u.message, FROM_TO);
			assert_int_equal(u.sender != NULL, authcrypt);
			if (layers > PARLEY_COMM_SIGNED) {
				assert_int_equal(u.enc, how.enc);
				assert_string_equal(u.recipient, BOB);
				assert_int_equal(u.n_recipient_kids == 1,
						 i >= 3);
			}
			if (u.signer != NULL)
				assert_string_equal(u.signer, ALICE);
			parley_comm_unpacked_wipe(&u);
			parley_comm_unpacked_wipe(&u);
			free(envelope);
			n++;
		}
	}
	print_message("%zu envelopes packed and unpacked\n", n);
}

static void each_signing_key_can_be_chosen(void **state)
{
	static const char *const kids[] = {ALICE "#key-1", ALICE "#key-2",
					   ALICE "#key-3"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct parley_comm_pack how = {.layers = PARLEY_COMM_SIGNED,
					       .signer = kids[i]};
		struct parley_comm_unpacked u;
		char *envelope = pack(FROM_TO, &how);

		assert_int_equal(parley_comm_unpack(bob, &u, envelope,
						    strlen(envelope), NULL),
				 0);
		assert_string_equal(u.signer_kid, kids[i]);
		parley_comm_unpacked_wipe(&u);
		free(envelope);
	}
}

static void identities_of_both_types_talk(void **state)
{
	static const enum parley_identity_type types[] = {
	    PARLEY_IDENTITY_ED25519, PARLEY_IDENTITY_P256};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct parley_identity *a, *b;
		struct parley_comm *ca, *cb;
		struct parley_comm_unpacked u;
		struct parley_comm_pack how = {0};
		char *message, *envelope;
		size_t len;

		assert_int_equal(parley_did_identity_new_type(&a, types[i]), 0);
		assert_int_equal(parley_did_identity_new_type(&b, types[i]), 0);
		assert_int_equal(parley_comm_new(&ca, NULL), 0);
		assert_int_equal(parley_comm_new(&cb, NULL), 0);
		assert_int_equal(parley_comm_add_identity(ca, a), 0);
		assert_int_equal(parley_comm_add_identity(ca, a),
				 PARLEY_ERR_EXISTS);
		assert_int_equal(parley_comm_add_identity(cb, b), 0);
		assert_true(
		    asprintf(&message,
			     MESSAGE("\"from\":\"%s\",\"to\":[\"%s\"],"),
			     parley_did_identity_did(a),
			     parley_did_identity_did(b)) > 0);
		how.to = parley_did_identity_did(b);
		for (int layers = PARLEY_COMM_SIGNED;
		     layers <= PARLEY_COMM_ANONCRYPT_AUTHCRYPT; layers++) {
			how.layers = (enum parley_comm_layers)layers;
			assert_int_equal(
			    parley_comm_pack(ca, &envelope, &len, message,
					     strlen(message), &how),
			    0);
			assert_int_equal(
			    parley_comm_unpack(cb, &u, envelope, len, NULL), 0);
			parley_comm_unpacked_wipe(&u);
			free(envelope);
		}
		free(message);
		parley_comm_free(ca);
		parley_comm_free(cb);
		parley_did_identity_free(a);
		parley_did_identity_free(b);
	}
}

static void what_would_be_refused_is_not_packed(void **state)
{
	struct parley_comm_pack how = {.layers = PARLEY_COMM_AUTHCRYPT,
				       .to = BOB};

	(void)state;
	refuse(PARLEY_ERR_JSON, "{", &how);
	refuse(PARLEY_ERR_MESSAGE, "{}", &how);
	refuse(PARLEY_ERR_ADDRESS, MESSAGE(""), &how);
	refuse(PARLEY_ERR_ADDRESS,
	       MESSAGE("\"from\":\"" ALICE "\",\"to\":[\"did:a:b\"],"), &how);
	refuse(PARLEY_ERR_NOT_FOUND, MESSAGE("\"from\":\"" BOB "\","), &how);
	refuse(PARLEY_ERR_NOT_FOUND, MESSAGE("\"from\":\"did:example:x\","),
	       &how);
	how.sender = BOB "#key-x25519-1";
	refuse(PARLEY_ERR_ADDRESS, FROM_TO, &how);
	how.sender = ALICE "#key-2"; /* P-256, but a key that signs */
	refuse(PARLEY_ERR_NOT_FOUND, FROM_TO, &how);
	how = (struct parley_comm_pack){.layers = PARLEY_COMM_SIGNED,
					.signer = BOB "#key-1"};
	refuse(PARLEY_ERR_ADDRESS, FROM_TO, &how);
	how.signer = NULL;
	refuse(PARLEY_ERR_FORMAT, MESSAGE("\"from\":\"did:key:x\","), &how);
	how.signer = ALICE "#key-x25519-1";
	refuse(PARLEY_ERR_NOT_FOUND, FROM_TO, &how);
	refuse(PARLEY_ERR_ADDRESS, MESSAGE(""), &how);
	how = (struct parley_comm_pack){.layers = PARLEY_COMM_ANONCRYPT_SIGNED,
					.to = BOB};
	refuse(PARLEY_ERR_ADDRESS, MESSAGE("\"from\":\"" ALICE "\","), &how);
	how = (struct parley_comm_pack){.layers = PARLEY_COMM_SIGNED};
	refuse(PARLEY_ERR_ARGUMENT,
	       MESSAGE("\"from\":\"" ALICE "\",\"from_prior\":\"x\","), &how);
}

/* The message is within the limit; in base64 it is not. */
static void what_nobody_would_open_is_not_packed(void **state)
{
	static const char head[] =
	    "{\"id\":\"1\",\"type\":\"https://a.example/b/1.0/c\","
	    "\"from\":\"" ALICE "\",\"body\":{\"text\":\"";
	struct parley_comm_pack how = {.layers = PARLEY_COMM_ANONCRYPT,
				       .to = BOB};
	const size_t len = PARLEY_COMM_LEN_MAX / 5 * 4;
	char *message = malloc(len + 1);

	(void)state;
	assert_non_null(message);
	memset(message, 'x', len);
	memcpy(message, head, strlen(head));
	memcpy(message + len - 3, "\"}}", 4);
	refuse(PARLEY_ERR_TOO_LARGE, message, &how);
	how.layers = PARLEY_COMM_SIGNED;
	refuse(PARLEY_ERR_TOO_LARGE, message, &how);
	free(message);
}

/* A did:jwk names its key in full; parley_comm_unpack() has room for it. */
static void signer_too_long_for_the_buffer_is_refused(void **state)
{
	char secret[DID_JWK_SECRET_SIZE], text[600], did[512], kid[520];
	char signer[PARLEY_DID_SIZE], *message = NULL, *envelope, *jwk;
	const struct parley_comm_pack how = {.layers = PARLEY_COMM_SIGNED};
	struct parley_comm_unpacked u;
	struct parley_comm *c;
	struct did_pair pair;
	size_t len;
	json_t *json;

	(void)state;
	assert_int_equal(did_pair_new(&pair, DID_KEY_P256), 0);
	json = did_jwk_from_key(&pair.key);
	jwk = json_dumps(json, JSON_COMPACT);
	assert_non_null(jwk);
	strcpy(did, "did:jwk:");
	did_base64_encode(did + strlen(did), (const uint8_t *)jwk, strlen(jwk));
	assert_true(strlen(did) >= PARLEY_DID_SIZE);
	snprintf(kid, sizeof(kid), "%s#0", did);
	assert_int_equal(did_jwk_from_pair(secret, &len, &pair), 0);
	assert_int_equal(parley_comm_new(&c, NULL), 0);
	assert_int_equal(parley_comm_add_jwk(c, kid, secret, len), 0);
	snprintf(text, sizeof(text),
		 "{\"id\":\"1\",\"type\":\"https://a.example/b/1.0/c\","
		 "\"from\":\"%s\",\"body\":{}}",
		 did);
	assert_int_equal(
	    parley_comm_pack(c, &envelope, &len, text, strlen(text), &how), 0);
	assert_int_equal(parley_comm_unpack(c, &u, envelope, len, NULL), 0);
	assert_string_equal(u.signer, did);
	parley_comm_unpacked_wipe(&u);
	assert_int_equal(
	    parley_comm_signed_unpack(&message, &len, signer, envelope, len),
	    PARLEY_ERR_TOO_LARGE);
	assert_null(message);
	free(envelope);
	free(jwk);
	json_decref(json);
	did_secret_wipe(&pair, sizeof(pair));
	parley_comm_free(c);
}

static void arguments_out_of_range_are_refused(void **state)
{
	static const char *const route[] = {"did:example:charlie"};
	struct parley_comm_pack how = {.layers = PARLEY_COMM_AUTHCRYPT_SIGNED,
				       .to = BOB};

	(void)state;
	refuse(PARLEY_ERR_ARGUMENT, FROM_TO, &how);
	how.layers = (enum parley_comm_layers)99;
	refuse(PARLEY_ERR_ARGUMENT, FROM_TO, &how);
	how.layers = PARLEY_COMM_AUTHCRYPT;
	how.enc = PARLEY_COMM_XC20P;
	refuse(PARLEY_ERR_ARGUMENT, FROM_TO, &how);
	how.enc = (enum parley_comm_enc)3;
	refuse(PARLEY_ERR_ARGUMENT, FROM_TO, &how);
	how = (struct parley_comm_pack){.layers = PARLEY_COMM_ANONCRYPT};
	refuse(PARLEY_ERR_ARGUMENT, FROM_TO, &how);
	how.to = "bob";
	refuse(PARLEY_ERR_ARGUMENT, FROM_TO, &how);
	how.to = "did:example:nobody";
	refuse(PARLEY_ERR_NOT_FOUND, FROM_TO, &how);
	how.to = BOB "#key-x";
	refuse(PARLEY_ERR_KID, FROM_TO, &how);
	how = (struct parley_comm_pack){
	    .layers = PARLEY_COMM_SIGNED, .routing = route, .n_routing = 1};
	refuse(PARLEY_ERR_ARGUMENT, FROM_TO, &how);
}

static void keys_that_are_none_are_not_added(void **state)
{
	static const struct {
		int err;
		const char *kid, *jwk;
	} rows[] = {
	    {PARLEY_ERR_FORMAT, "key-1", "{}"},
	    {PARLEY_ERR_FORMAT, ALICE, "{}"},
	    {PARLEY_ERR_FORMAT, ALICE "#", "{}"},
	    {PARLEY_ERR_FORMAT, ALICE "#a", ""},
	    {PARLEY_ERR_FORMAT, ALICE "#a", "{}"},
	};
	struct parley_comm *c;

	(void)state;
	assert_int_equal(parley_comm_new(&c, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(parley_comm_add_jwk(c, rows[i].kid,
						     rows[i].jwk,
						     strlen(rows[i].jwk)),
				 rows[i].err);
	parley_comm_free(c);
	parley_comm_free(NULL);
}

static void rotation_is_issued_and_verified(void **state)
{
	struct parley_comm_pack how = {.layers = PARLEY_COMM_AUTHCRYPT,
				       .to = BOB};
	struct parley_comm_unpacked u;
	char *jwt, *message, *envelope;

	(void)state;
	assert_int_equal(parley_comm_prior_issue(charlie, &jwt,
						 "did:example:charlie#key-1",
						 ALICE, 1234),
			 0);
	assert_true(
	    asprintf(&message,
		     MESSAGE("\"from\":\"" ALICE "\",\"from_prior\":\"%s\","),
		     jwt) > 0);
	envelope = pack(message, &how);
	assert_int_equal(
	    parley_comm_unpack(bob, &u, envelope, strlen(envelope), NULL), 0);
	assert_string_equal(u.prior, "did:example:charlie");
	assert_string_equal(u.prior_kid, "did:example:charlie#key-1");
	assert_int_equal(u.prior_time, 1234);
	assert_int_equal(u.ended, 0);
	parley_comm_unpacked_wipe(&u);
	free(envelope);
	free(message);
	free(jwt);

	/* the end */
	assert_int_equal(parley_comm_prior_issue(charlie, &jwt,
						 "did:example:charlie#key-1",
						 NULL, 1234),
			 0);
	assert_true(asprintf(&message, MESSAGE("\"from_prior\":\"%s\","), jwt) >
		    0);
	how.layers = PARLEY_COMM_ANONCRYPT;
	envelope = pack(message, &how);
	assert_int_equal(
	    parley_comm_unpack(bob, &u, envelope, strlen(envelope), NULL), 0);
	assert_int_equal(u.ended, 1);
	parley_comm_unpacked_wipe(&u);
	free(envelope);
	free(message);
	free(jwt);
}

/* A JWT of these texts; free() it. */
static char *make_jwt(const char *header, const char *claims, const char *sig)
{
	char a[300], b[300], *jwt = NULL;

	assert_true(strlen(header) < 200 && strlen(claims) < 200);
	did_base64_encode(a, header, strlen(header));
	did_base64_encode(b, claims, strlen(claims));
	assert_true(asprintf(&jwt, "%s.%s.%s", a, b, sig) > 0);
	return jwt;
}

/* What bob says to a message of alice with ${jwt}, which is freed. */
static int show_prior(char *jwt)
{
	const struct parley_comm_pack how = {.layers = PARLEY_COMM_AUTHCRYPT,
					     .to = BOB};
	struct parley_comm_unpacked u;
	char *message, *envelope;
	int err;

	assert_true(
	    asprintf(&message,
		     MESSAGE("\"from\":\"" ALICE "\",\"from_prior\":\"%s\","),
		     jwt) > 0);
	envelope = pack(message, &how);
	err = parley_comm_unpack(bob, &u, envelope, strlen(envelope), NULL);
	if (err == 0)
		parley_comm_unpacked_wipe(&u);
	free(envelope);
	free(message);
	free(jwt);
	return err;
}

static void rotation_that_cannot_be_read_is_refused(void **state)
{
#define HEADER(did) "{\"alg\":\"EdDSA\",\"kid\":\"" did "#key-1\"}"
#define CLAIMS(did) "{\"iss\":\"" did "\",\"sub\":\"" ALICE "\"}"
#define OLD	    "did:example:charlie"
#define NOBODY	    "did:key:x"
	char sig[900];

	(void)state;
	/* Sound but for the signature: of 64 bytes, of 512, and of more. */
	memset(sig, 'A', sizeof(sig));
	sig[86] = '\0';
	assert_int_equal(show_prior(make_jwt(HEADER(OLD), CLAIMS(OLD), sig)),
			 PARLEY_ERR_SIGNATURE);
	/* Nobody can say whose it would be. */
	assert_int_equal(
	    show_prior(make_jwt(HEADER(NOBODY), CLAIMS(NOBODY), sig)),
	    PARLEY_ERR_FORMAT);
	sig[86] = 'A';
	sig[684] = '\0';
	assert_int_equal(show_prior(make_jwt(HEADER(OLD), CLAIMS(OLD), sig)),
			 PARLEY_ERR_SIGNATURE);
	sig[684] = 'A';
	sig[sizeof(sig) - 1] = '\0';
	assert_int_equal(show_prior(make_jwt(HEADER(OLD), CLAIMS(OLD), sig)),
			 PARLEY_ERR_SIGNATURE);
	/* In base64url, but not the first or the second part. */
	assert_int_equal(show_prior(strdup("e30+.e30.AAAA")),
			 PARLEY_ERR_ENCODING);
	assert_int_equal(show_prior(strdup("e30.e30+.AAAA")),
			 PARLEY_ERR_ENCODING);
}

static void rotation_without_key_or_aim_is_not_issued(void **state)
{
	char *jwt = NULL;
	const char *kid = "did:example:charlie#key-1";

	(void)state;
	assert_int_equal(parley_comm_prior_issue(alice, &jwt, kid, ALICE, 1),
			 PARLEY_ERR_NOT_FOUND);
	assert_int_equal(
	    parley_comm_prior_issue(
		charlie, &jwt, "did:example:charlie#key-x25519-1", ALICE, 1),
	    PARLEY_ERR_NOT_FOUND);
	assert_int_equal(parley_comm_prior_issue(charlie, &jwt, kid, "x", 1),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_comm_prior_issue(charlie, &jwt, kid,
						 "did:example:charlie", 1),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_comm_prior_issue(charlie, &jwt, kid, ALICE, -1),
			 PARLEY_ERR_ARGUMENT);
	assert_null(jwt);
}

/* Open one forward by ${c}: who is next, and what is handed on. */
static char *mediate(struct parley_comm *c, char *envelope, char **nextp)
{
	struct parley_comm_unpacked u;
	char *packed;
	size_t len;

	assert_int_equal(
	    parley_comm_unpack(c, &u, envelope, strlen(envelope), NULL), 0);
	assert_int_equal(u.layers, PARLEY_COMM_ANONCRYPT);
	assert_int_equal(parley_comm_forward_open(nextp, &packed, &len,
						  u.message, u.message_len),
			 0);
	assert_int_equal(strlen(packed), len);
	parley_comm_unpacked_wipe(&u);
	free(envelope);
	return packed;
}

static void two_mediators_hand_on(void **state)
{
	static const char *const route[] = {"did:example:charlie",
					    ALICE "#key-p256-1"};
	struct parley_comm_pack how = {.layers = PARLEY_COMM_AUTHCRYPT,
				       .to = BOB,
				       .routing = route,
				       .n_routing = 2};
	struct parley_comm_unpacked u;
	char *envelope = pack(FROM_TO, &how), *next;

	(void)state;
	assert_int_equal(
	    parley_comm_unpack(bob, &u, envelope, strlen(envelope), NULL),
	    PARLEY_ERR_ADDRESS);
	envelope = mediate(charlie, envelope, &next);
	assert_string_equal(next, route[1]);
	free(next);
	envelope = mediate(alice, envelope, &next);
	assert_string_equal(next, BOB);
	free(next);
	assert_int_equal(
	    parley_comm_unpack(bob, &u, envelope, strlen(envelope), NULL), 0);
	assert_string_equal(u.message, FROM_TO);
	parley_comm_unpacked_wipe(&u);
	free(envelope);
}

static void forwards_that_are_none_are_refused(void **state)
{
#define FORWARD(body, rest)                                     \
	"{\"id\":\"1\",\"type\":"                               \
	"\"https://didcomm.org/routing/2.0/forward\",\"body\":" \
	"{" body "}" rest "}"
#define NEXT	       "\"next\":\"did:example:bob\""
#define ATTACHED(data) ",\"attachments\":[{\"data\":{" data "}}]"
	static const struct {
		int err;
		const char *message;
	} rows[] = {
	    {0, FORWARD(NEXT, ATTACHED("\"json\":{\"a\":1}"))},
	    {0, FORWARD(NEXT, ATTACHED("\"base64\":\"e30\""))},
	    {PARLEY_ERR_UNSUPPORTED, FROM_TO},
	    {PARLEY_ERR_JSON, "{"},
	    {PARLEY_ERR_MESSAGE, FORWARD("", ATTACHED("\"json\":{}"))},
	    {PARLEY_ERR_MESSAGE,
	     FORWARD("\"next\":\"x\"", ATTACHED("\"json\":{}"))},
	    {PARLEY_ERR_MESSAGE, FORWARD(NEXT, "")},
	    {PARLEY_ERR_MESSAGE, FORWARD(NEXT, ATTACHED("\"json\":[]"))},
	    {PARLEY_ERR_MESSAGE,
	     FORWARD(NEXT, ATTACHED("\"json\":{},\"base64\":\"e30\""))},
	    {PARLEY_ERR_ENCODING,
	     FORWARD(NEXT, ATTACHED("\"base64\":\"e30=\""))},
	    {PARLEY_ERR_JSON, FORWARD(NEXT, ATTACHED("\"base64\":\"e3\""))},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *next = NULL, *packed = NULL;
		size_t len;
		int err = parley_comm_forward_open(&next, &packed, &len,
						   rows[i].message,
						   strlen(rows[i].message));

		if (err != rows[i].err && !(rows[i].err == PARLEY_ERR_JSON &&
					    err == PARLEY_ERR_ENCODING))
			fail_msg("row %zu: %s", i, parley_did_err_name(err));
		assert_int_equal(err == 0, next != NULL);
		free(next);
		free(packed);
	}
}

static void forward_needs_a_route_and_an_aim(void **state)
{
	static const char *const route[] = {"did:example:charlie"};
	static const char *const bad[] = {"charlie"};
	char *out = NULL;
	size_t len;

	(void)state;
	assert_int_equal(
	    parley_comm_forward_wrap(alice, &out, &len, "{}", 2, BOB, route, 0),
	    PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_comm_forward_wrap(alice, &out, &len, "{}", 2,
						  "bob", route, 1),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(
	    parley_comm_forward_wrap(alice, &out, &len, "{}", 2, BOB, bad, 1),
	    PARLEY_ERR_ARGUMENT);
	assert_int_equal(
	    parley_comm_forward_wrap(alice, &out, &len, "{", 1, BOB, route, 1),
	    PARLEY_ERR_JSON);
	assert_null(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_protection_on_every_curve_is_unpacked),
	    cmocka_unit_test(each_signing_key_can_be_chosen),
	    cmocka_unit_test(identities_of_both_types_talk),
	    cmocka_unit_test(what_would_be_refused_is_not_packed),
	    cmocka_unit_test(what_nobody_would_open_is_not_packed),
	    cmocka_unit_test(signer_too_long_for_the_buffer_is_refused),
	    cmocka_unit_test(arguments_out_of_range_are_refused),
	    cmocka_unit_test(keys_that_are_none_are_not_added),
	    cmocka_unit_test(rotation_is_issued_and_verified),
	    cmocka_unit_test(rotation_that_cannot_be_read_is_refused),
	    cmocka_unit_test(rotation_without_key_or_aim_is_not_issued),
	    cmocka_unit_test(two_mediators_hand_on),
	    cmocka_unit_test(forwards_that_are_none_are_refused),
	    cmocka_unit_test(forward_needs_a_route_and_an_aim),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
