/*
 * from_prior (DIDComm v2.1, did_rotation.md): a JWT in compact form,
 *
 *   header   {"typ":"JWT","alg":ALG,"kid":KID}    KID: a key of the old DID
 *   claims   {"iss":OLD,"sub":NEW,"iat":TIME}     without sub: the end
 *
 * Checked in this order: form, base64url, header, claims, document of iss,
 * signature.  The signature covers the text as received.
 */
#include "comm/prior.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "comm/jose.h"
#include "did/base64.h"
#include "did/did.h"
#include "did/json.h"

enum {
	JWT_LEN_MAX = 16384,
	SIG_LEN_MAX = 512, /* no signature of any JWS algorithm is longer */
};

struct jwt {
	struct parley_comm *c;
	const char *text;
	size_t header_len, claims_len; /* of their texts */
	json_t *header, *claims;
	uint8_t sig[SIG_LEN_MAX];
	size_t sig_len;
};

static int decode_part(json_t **jsonp, const char *text, size_t len)
{
	json_t *string = json_stringn_nocheck(text, len);
	char *bytes;
	size_t bytes_len;
	int err;

	if (string == NULL)
		return PARLEY_ERR_MEMORY;
	err = comm_jose_decode(&bytes, &bytes_len, string);
	json_decref(string);
	if (err)
		return err;
	err = comm_jose_parse(jsonp, bytes, bytes_len);
	free(bytes);
	return err;
}

static int decode_jwt(struct jwt *jwt)
{
	const char *first = strchr(jwt->text, '.'), *second;
	int err;

	if (strlen(jwt->text) > JWT_LEN_MAX)
		return comm_fail(jwt->c, PARLEY_ERR_TOO_LARGE,
				 "from_prior is longer than %d bytes",
				 JWT_LEN_MAX);
	second = first ? strchr(first + 1, '.') : NULL;
	if (second == NULL || strchr(second + 1, '.') != NULL)
		return comm_fail(jwt->c, PARLEY_ERR_ENVELOPE,
				 "from_prior does not have three parts");
	jwt->header_len = (size_t)(first - jwt->text);
	jwt->claims_len = (size_t)(second - first - 1);
	err = did_base64_decode(jwt->sig, sizeof(jwt->sig), &jwt->sig_len,
				second + 1, strlen(second + 1));
	if (err == 0)
		err = decode_part(&jwt->header, jwt->text, jwt->header_len);
	if (err == 0)
		err = decode_part(&jwt->claims, first + 1, jwt->claims_len);
	if (err == PARLEY_ERR_TOO_LARGE)
		err = PARLEY_ERR_SIGNATURE;
	if (err)
		return comm_fail(jwt->c, err, "from_prior: %s",
				 parley_did_err_string(err));
	return 0;
}

/* RFC 7515 4.1; the rules are those of a signed message. */
static int check_header(const struct jwt *jwt)
{
	const char *typ = did_json_string(jwt->header, "typ");

	if (json_object_get(jwt->header, "crit") ||
	    json_object_get(jwt->header, "b64"))
		return comm_fail(jwt->c, PARLEY_ERR_ALGORITHM,
				 "from_prior: crit or b64");
	/* "typ: JWT"; RFC 7519 5.1: not sent by all. */
	if (comm_jose_brings_key(jwt->header) ||
	    (json_object_get(jwt->header, "typ") &&
	     (typ == NULL || strcasecmp(typ, "JWT") != 0)) ||
	    did_json_string(jwt->header, "alg") == NULL ||
	    did_json_string(jwt->header, "kid") == NULL)
		return comm_fail(jwt->c, PARLEY_ERR_ENVELOPE,
				 "from_prior: typ, alg or kid");
	return 0;
}

static bool is_did(const char *s)
{
	return s != NULL && did_check(s, strlen(s));
}

static int check_claims(const struct jwt *jwt, int64_t now)
{
	const char *iss = did_json_string(jwt->claims, "iss");
	const json_t *sub = json_object_get(jwt->claims, "sub");
	static const char *const times[] = {"iat", "exp", "nbf"};

	if (!is_did(iss) || (sub && !is_did(json_string_value(sub))))
		return comm_fail(jwt->c, PARLEY_ERR_ENVELOPE,
				 "from_prior: iss or sub is no DID");
	for (size_t i = 0; i < 3; i++) {
		const json_t *t = json_object_get(jwt->claims, times[i]);

		if (t && (!json_is_integer(t) || json_integer_value(t) < 0))
			return comm_fail(jwt->c, PARLEY_ERR_ENVELOPE,
					 "from_prior: %s is no time", times[i]);
		/* RFC 7519 4.1.4, 4.1.5; DIDComm does not speak of them. */
		if (t && now > 0 &&
		    ((i == 1 && now >= json_integer_value(t)) ||
		     (i == 2 && now < json_integer_value(t))))
			return comm_fail(jwt->c, PARLEY_ERR_EXPIRED,
					 "from_prior: %s", times[i]);
	}
	if (sub && strcmp(iss, json_string_value(sub)) == 0)
		return comm_fail(jwt->c, PARLEY_ERR_ADDRESS,
				 "from_prior: sub is iss");
	return 0;
}

static int verify(const struct jwt *jwt)
{
	const char *iss = did_json_string(jwt->claims, "iss");
	const char *kid = did_json_string(jwt->header, "kid");
	const struct did_document *doc;
	const struct did_method *method;
	const char *alg;
	size_t did_len;
	int err;

	if (!comm_kid_split(&did_len, kid) || strlen(iss) != did_len ||
	    memcmp(kid, iss, did_len) != 0)
		return comm_fail(jwt->c, PARLEY_ERR_KID,
				 "from_prior: kid is no key id of iss");
	err = comm_document(jwt->c, &doc, iss, did_len);
	if (err)
		return err;
	method = did_document_method(doc, kid);
	if (method == NULL ||
	    !(method->relations & DID_RELATION_AUTHENTICATION))
		return comm_fail(jwt->c, PARLEY_ERR_KID,
				 "from_prior: kid is not in authentication");
	alg = did_key_info(method->key.type)->alg;
	if (alg == NULL ||
	    strcmp(alg, did_json_string(jwt->header, "alg")) != 0)
		return comm_fail(jwt->c, PARLEY_ERR_ALGORITHM,
				 "from_prior: alg is not that of the key");
	err = did_key_verify(&method->key, jwt->sig, jwt->sig_len, jwt->text,
			     jwt->header_len + 1 + jwt->claims_len);
	return err ? comm_fail(jwt->c, err, "from_prior: signature") : 0;
}

static int copy_claims(struct comm_prior *p, const struct jwt *jwt)
{
	const json_t *iat = json_object_get(jwt->claims, "iat");
	const char *sub = did_json_string(jwt->claims, "sub");

	p->iss = strdup(did_json_string(jwt->claims, "iss"));
	p->kid = strdup(did_json_string(jwt->header, "kid"));
	p->sub = sub ? strdup(sub) : NULL;
	p->iat = iat ? (int64_t)json_integer_value(iat) : -1;
	return p->iss && p->kid && (p->sub || !sub) ? 0 : PARLEY_ERR_MEMORY;
}

int comm_prior_verify(struct parley_comm *c, struct comm_prior *p,
		      const char *text, int64_t now)
{
	struct jwt jwt = {.c = c, .text = text};
	struct comm_prior made = {0};
	int err;

	if ((err = decode_jwt(&jwt)) != 0 || (err = check_header(&jwt)) != 0 ||
	    (err = check_claims(&jwt, now)) != 0 || (err = verify(&jwt)) != 0)
		goto out;
	err = copy_claims(&made, &jwt);
	if (err) {
		comm_prior_wipe(&made);
		goto out;
	}
	*p = made;
out:
	json_decref(jwt.header);
	json_decref(jwt.claims);
	return err;
}

void comm_prior_wipe(struct comm_prior *p)
{
	free(p->iss);
	free(p->sub);
	free(p->kid);
	memset(p, 0, sizeof(*p));
}

int parley_comm_prior_issue(struct parley_comm *comm, char **jwtp,
			    const char *kid, const char *to, int64_t time)
{
	const struct comm_own_key *own;
	json_t *header = NULL, *claims = NULL;
	char *header_text = NULL, *claims_text = NULL, *input = NULL, *jwt;
	char sig_text[DID_BASE64_LEN(DID_PAIR_SIG_LEN) + 1];
	uint8_t sig[DID_PAIR_SIG_LEN];
	size_t did_len = 0;
	int len, err = comm_begin(comm);

	if (err)
		return err;
	own = comm_own_key(comm, kid);
	if (own == NULL || did_key_info(own->pair->key.type)->alg == NULL ||
	    !comm_kid_split(&did_len, kid))
		return PARLEY_ERR_NOT_FOUND;
	if (time < 0 ||
	    (to && (!is_did(to) ||
		    (strlen(to) == did_len && memcmp(to, kid, did_len) == 0))))
		return PARLEY_ERR_ARGUMENT;

	err = PARLEY_ERR_MEMORY;
	header = json_pack("{s:s, s:s, s:s}", "typ", "JWT", "alg",
			   did_key_info(own->pair->key.type)->alg, "kid", kid);
	claims = json_pack("{s:s%, s:s*, s:I}", "iss", kid, did_len, "sub", to,
			   "iat", (json_int_t)time);
	if (header == NULL || claims == NULL)
		goto out;
	header_text = comm_jose_encode_json(header);
	claims_text = comm_jose_encode_json(claims);
	if (header_text == NULL || claims_text == NULL)
		goto out;
	len = asprintf(&input, "%s.%s", header_text, claims_text);
	if (len < 0) {
		input = NULL;
		goto out;
	}
	err = did_pair_sign(sig, own->pair, input, (size_t)len);
	if (err)
		goto out;
	did_base64_encode(sig_text, sig, sizeof(sig));
	if (asprintf(&jwt, "%s.%s", input, sig_text) < 0) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	*jwtp = jwt;
out:
	free(input);
	free(header_text);
	free(claims_text);
	json_decref(header);
	json_decref(claims);
	return err;
}
