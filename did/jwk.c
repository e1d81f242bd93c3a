/*
 * JSON Web Keys, and did:jwk.
 *
 *   kty  crv                          members
 *   OKP  Ed25519, X25519              x            RFC 8037
 *   EC   P-256, P-384, P-521          x, y         RFC 7518 6.2
 *        secp256k1                    x, y         RFC 8812
 *   RSA  -                            n, e         RFC 7518 6.3
 *
 * Invariant: a public key is never read from a JWK that holds a secret.  Who
 * hands one over has published it, and must notice.
 */
#include "did/jwk.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "did/base64.h"
#include "did/bytes.h"
#include "did/ec.h"
#include "did/json.h"
#include "did/rsa.h"
#include "did/secret.h"

#define DID_JWK_SCHEME "did:jwk:"

enum {
	RSA_NUMBER_MAX = 512, /* 4096 bits */
};

/* RFC 7518 6.2.2, 6.3.2, 6.4; RFC 8037 2. */
static bool has_secret(const json_t *jwk)
{
	static const char *const names[] = {"d",  "p",	"q",   "dp",
					    "dq", "qi", "oth", "k"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_object_get(jwk, names[i]) != NULL)
			return true;
	}
	return false;
}

/* The row of kty and crv. */
static int find_type(enum did_key_type *type, const json_t *jwk)
{
	const char *kty = did_json_string(jwk, "kty");
	const char *crv = did_json_string(jwk, "crv");

	if (kty == NULL)
		return PARLEY_ERR_FORMAT;
	if (strcmp(kty, "RSA") == 0) {
		*type = DID_KEY_RSA;
		return crv == NULL ? 0 : PARLEY_ERR_FORMAT;
	}
	if (strcmp(kty, "EC") != 0 && strcmp(kty, "OKP") != 0)
		return PARLEY_ERR_UNSUPPORTED;
	if (crv == NULL)
		return PARLEY_ERR_FORMAT;
	for (unsigned t = 0; t < DID_KEY_RSA; t++) {
		const struct did_key_info *info = did_key_info(t);

		if (strcmp(info->name, crv) != 0)
			continue;
		*type = info->type;
		return strcmp(info->kty, kty) == 0 ? 0 : PARLEY_ERR_FORMAT;
	}
	return PARLEY_ERR_UNSUPPORTED;
}

/* Exactly ${len} bytes of base64url. */
static int read_exact(uint8_t *bytes, size_t len, const json_t *jwk,
		      const char *name)
{
	const json_t *value = json_object_get(jwk, name);

	if (!json_is_string(value))
		return PARLEY_ERR_FORMAT;
	return did_base64_decode_exact(bytes, len, json_string_value(value),
				       json_string_length(value));
}

static int read_number(uint8_t bytes[RSA_NUMBER_MAX], size_t *lenp,
		       const json_t *jwk, const char *name)
{
	const json_t *value = json_object_get(jwk, name);
	int err;

	if (!json_is_string(value))
		return PARLEY_ERR_FORMAT;
	err = did_base64_decode(bytes, RSA_NUMBER_MAX, lenp,
				json_string_value(value),
				json_string_length(value));
	return err == PARLEY_ERR_TOO_LARGE ? PARLEY_ERR_LENGTH : err;
}

static int read_rsa(struct did_key *key, const json_t *jwk)
{
	uint8_t n[RSA_NUMBER_MAX], e[RSA_NUMBER_MAX];
	uint8_t der[DID_KEY_BYTES_MAX];
	size_t n_len, e_len, len;
	int err;

	if ((err = read_number(n, &n_len, jwk, "n")) != 0 ||
	    (err = read_number(e, &e_len, jwk, "e")) != 0 ||
	    (err = did_rsa_join(der, sizeof(der), &len, n, n_len, e, e_len)) !=
		0)
		return err;
	return did_key_from_bytes(key, DID_KEY_RSA, der, len);
}

static int read_key(struct did_key *key, enum did_key_type type,
		    const json_t *jwk)
{
	uint8_t x[DID_EC_COORDINATE_MAX], y[DID_EC_COORDINATE_MAX];
	size_t len = did_ec_coordinate_len(type);
	int err;

	if (type == DID_KEY_RSA)
		return read_rsa(key, jwk);
	if (len == 0) { /* OKP */
		len = did_key_info(type)->len;
		err = read_exact(x, len, jwk, "x");
		return err != 0 ? err : did_key_from_bytes(key, type, x, len);
	}
	if ((err = read_exact(x, len, jwk, "x")) != 0 ||
	    (err = read_exact(y, len, jwk, "y")) != 0)
		return err;
	return did_key_from_xy(key, type, x, y);
}

/* RFC 7518 3.1 and 4.1: is ${alg} for keys of this type? */
static bool fits_alg(enum did_key_type type, const char *alg)
{
	switch (type) {
	case DID_KEY_ED25519:
		return strcmp(alg, "EdDSA") == 0 || strcmp(alg, "Ed25519") == 0;
	case DID_KEY_P256:
		if (strcmp(alg, "ES256") == 0)
			return true;
		break;
	case DID_KEY_P384:
		if (strcmp(alg, "ES384") == 0)
			return true;
		break;
	case DID_KEY_P521:
		if (strcmp(alg, "ES512") == 0)
			return true;
		break;
	case DID_KEY_SECP256K1:
		return strcmp(alg, "ES256K") == 0;
	case DID_KEY_RSA:
		return strncmp(alg, "RS", 2) == 0 || strncmp(alg, "PS", 2) == 0;
	case DID_KEY_X25519:
		break;
	}
	return strncmp(alg, "ECDH-", 5) == 0;
}

/* What the key is said to be for must fit what it is. */
static int read_use(enum did_jwk_use *usep, enum did_key_type type,
		    const json_t *jwk)
{
	const json_t *use = json_object_get(jwk, "use");
	const json_t *alg = json_object_get(jwk, "alg");
	const char *text = json_string_value(use);

	*usep = DID_JWK_USE_ANY;
	if (use != NULL && text == NULL)
		return PARLEY_ERR_FORMAT;
	if (text != NULL && strcmp(text, "sig") == 0)
		*usep = DID_JWK_USE_SIG;
	else if (text != NULL && strcmp(text, "enc") == 0)
		*usep = DID_JWK_USE_ENC;
	else if (text != NULL)
		return PARLEY_ERR_FORMAT;
	if (alg == NULL)
		return 0;
	text = json_string_value(alg);
	if (text == NULL || !fits_alg(type, text))
		return PARLEY_ERR_FORMAT;
	/* An algorithm of signatures on a key for encryption, or reversed. */
	if (type != DID_KEY_RSA &&
	    *usep == (strncmp(text, "ECDH-", 5) == 0 ? DID_JWK_USE_SIG
						     : DID_JWK_USE_ENC))
		return PARLEY_ERR_FORMAT;
	return 0;
}

int did_jwk_to_key(struct did_key *key, enum did_jwk_use *usep,
		   const json_t *jwk)
{
	enum did_jwk_use use;
	enum did_key_type type;
	int err;

	if (!json_is_object(jwk))
		return PARLEY_ERR_FORMAT;
	if (has_secret(jwk))
		return PARLEY_ERR_KEY;
	if ((err = find_type(&type, jwk)) != 0 ||
	    (err = read_use(&use, type, jwk)) != 0 ||
	    (err = read_key(key, type, jwk)) != 0)
		return err;
	if (usep != NULL)
		*usep = use;
	return 0;
}

static json_t *encode(const uint8_t *bytes, size_t len)
{
	char text[DID_BASE64_LEN(RSA_NUMBER_MAX) + 1];

	did_base64_encode(text, bytes, len);
	return json_string(text);
}

json_t *did_jwk_from_key(const struct did_key *key)
{
	const struct did_key_info *info = did_key_info(key->type);
	uint8_t x[DID_EC_COORDINATE_MAX], y[DID_EC_COORDINATE_MAX];
	const size_t len = did_ec_coordinate_len(key->type);
	const uint8_t *n, *e;
	size_t n_len, e_len;

	if (key->type == DID_KEY_RSA) {
		if (did_rsa_split(&n, &n_len, &e, &e_len, key->bytes,
				  key->len) != 0)
			return NULL;
		return json_pack("{s:s,s:o,s:o}", "kty", info->kty, "n",
				 encode(n, n_len), "e", encode(e, e_len));
	}
	if (len == 0)
		return json_pack("{s:s,s:s,s:o}", "kty", info->kty, "crv",
				 info->name, "x", encode(key->bytes, key->len));
	if (did_ec_decompress(x, y, key->type, key->bytes) != 0)
		return NULL;
	return json_pack("{s:s,s:s,s:o,s:o}", "kty", info->kty, "crv",
			 info->name, "x", encode(x, len), "y", encode(y, len));
}

/* The end of the string that begins at ${i}, or ${len}. */
static size_t skip_string(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++) {
		if (text[i] == '\\')
			i++;
	}
	return i < len ? i : len;
}

/*
 * Find the string value of the member "d" of the outermost object.  Where it
 * ends is looked for in the secret's text itself: by comparison with a quote
 * and a backslash, which base64url does not have.
 */
static char *find_d(char *text, size_t len, size_t *lenp)
{
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		size_t end;

		if (text[i] == '{' || text[i] == '[')
			depth++;
		else if ((text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		if (text[i] != '"')
			continue;
		end = skip_string(text, len, i);
		if (end == len)
			return NULL; /* the string never ends */
		if (depth != 1 || end - i != 2 || text[i + 1] != 'd') {
			i = end;
			continue;
		}
		i = end + 1;
		i += strspn(text + i, " \t\r\n");
		if (i >= len || text[i] != ':') {
			i--;
			continue; /* a value "d" */
		}
		i++;
		i += strspn(text + i, " \t\r\n");
		if (i >= len || text[i] != '"')
			return NULL;
		end = skip_string(text, len, i);
		if (end == len)
			return NULL;
		*lenp = end - i - 1;
		return text + i + 1;
	}
	return NULL;
}

int did_jwk_to_pair(struct did_pair *pair, char *text, size_t len)
{
	uint8_t secret[DID_PAIR_SECRET_MAX];
	size_t secret_len = 0, text_len;
	enum did_key_type type;
	json_t *jwk = NULL;
	struct did_key key;
	char *d;
	int err;

	memset(pair, 0, sizeof(*pair));
	if (len == 0 || memchr(text, '\0', len) != NULL || text[len] != '\0')
		return PARLEY_ERR_JSON;
	d = find_d(text, len, &text_len);
	if (d == NULL)
		return PARLEY_ERR_FORMAT;
	err =
	    did_base64_decode(secret, sizeof(secret), &secret_len, d, text_len);
	if (err == PARLEY_ERR_TOO_LARGE)
		err = PARLEY_ERR_LENGTH;
	did_secret_wipe(d, text_len);
	if (text_len > 0)
		memset(d, 'A', text_len);
	if (err != 0)
		goto out;
	err = did_json_parse(&jwk, text, len);
	if (err != 0)
		goto out;
	err = PARLEY_ERR_FORMAT;
	if (json_object_del(jwk, "d") != 0)
		goto out;
	if ((err = find_type(&type, jwk)) != 0 ||
	    (err = did_jwk_to_key(&key, NULL, jwk)) != 0 ||
	    (err = did_pair_from_secret(pair, type, secret, secret_len)) != 0)
		goto out;
	if (!did_key_equal(&pair->key, &key)) {
		did_pair_wipe(pair);
		err = PARLEY_ERR_KEY;
	}
out:
	did_secret_wipe(secret, sizeof(secret));
	json_decref(jwk);
	return err;
}

int did_jwk_from_pair(char text[DID_JWK_SECRET_SIZE], size_t *lenp,
		      const struct did_pair *pair)
{
	static const char open[] = ",\"d\":\"", end[] = "\"}\n";
	const size_t d_len = DID_BASE64_LEN(pair->secret_len);
	struct did_writer w;
	json_t *jwk = NULL;
	char *public = NULL, *d;
	size_t len;
	int err;

	if (pair->secret_len == 0)
		return PARLEY_ERR_ARGUMENT;
	err = PARLEY_ERR_MEMORY;
	jwk = did_jwk_from_key(&pair->key);
	if (jwk == NULL)
		goto out;
	err = did_json_dump(&public, &len, jwk);
	if (err != 0)
		goto out;
	/* The public part without its last brace, then d. */
	did_writer_init(&w, text, DID_JWK_SECRET_SIZE);
	did_writer_copy(&w, public, len - 1);
	did_writer_copy(&w, open, sizeof(open) - 1);
	/* Straight to its place; its NUL is overwritten. */
	d = (char *)did_writer_reserve(&w, d_len + 1);
	if (d != NULL) {
		did_base64_encode(d, pair->secret, pair->secret_len);
		w.len--;
	}
	did_writer_copy(&w, end, sizeof(end));
	err = did_writer_end(&w, &len) != 0 ? PARLEY_ERR_INTERNAL : 0;
	if (err == 0)
		*lenp = len - 1; /* without the last NUL */
out:
	free(public);
	json_decref(jwk);
	return err;
}

/* RFC 7517 4.2 by way of did:jwk: which relations a use leaves. */
static int set_relations(json_t *doc, const char *id, enum did_jwk_use use)
{
	static const char *const names[] = {"authentication", "assertionMethod",
					    "capabilityInvocation",
					    "capabilityDelegation"};

	for (size_t i = 0;
	     use != DID_JWK_USE_ENC && i < sizeof(names) / sizeof(names[0]);
	     i++) {
		if (json_object_set_new(doc, names[i], json_pack("[s]", id)) !=
		    0)
			return PARLEY_ERR_MEMORY;
	}
	if (use != DID_JWK_USE_SIG &&
	    json_object_set_new(doc, "keyAgreement", json_pack("[s]", id)) != 0)
		return PARLEY_ERR_MEMORY;
	return 0;
}

int did_jwk_resolve(json_t **jsonp, const char *did)
{
	const char *encoded = did + strlen(DID_JWK_SCHEME);
	json_t *jwk = NULL, *doc = NULL;
	uint8_t *text = NULL;
	enum did_jwk_use use;
	struct did_key key;
	char *id = NULL;
	size_t len;
	int err;

	if (strncmp(did, DID_JWK_SCHEME, strlen(DID_JWK_SCHEME)) != 0)
		return PARLEY_ERR_FORMAT;
	err = PARLEY_ERR_MEMORY;
	text = malloc(strlen(encoded) + 1);
	if (text == NULL || asprintf(&id, "%s#0", did) < 0) {
		id = NULL;
		goto out;
	}
	if ((err = did_base64_decode(text, strlen(encoded), &len, encoded,
				     strlen(encoded))) != 0 ||
	    (err = did_json_parse(&jwk, (const char *)text, len)) != 0 ||
	    (err = did_jwk_to_key(&key, &use, jwk)) != 0)
		goto out;
	doc =
	    json_pack("{s:[s,s],s:s,s:[{s:s,s:s,s:s,s:O}]}", "@context",
		      "https://www.w3.org/ns/did/v1",
		      "https://w3id.org/security/suites/jws-2020/v1", "id", did,
		      "verificationMethod", "id", id, "type", "JsonWebKey2020",
		      "controller", did, "publicKeyJwk", jwk);
	err = doc != NULL ? set_relations(doc, id, use) : PARLEY_ERR_MEMORY;
	if (err != 0)
		goto out;
	*jsonp = doc;
	doc = NULL; /* the caller's now */
out:
	json_decref(doc);
	json_decref(jwk);
	free(id);
	free(text);
	return err;
}
