/*
 * DIDComm v2.1 encrypted envelopes, written: encryption.md, over RFC 7516 (JWE)
 * in general JSON serialization.  What a reader demands of them is at the top
 * of encrypted.c.
 *
 * The invariant: content key, iv and ephemeral key are new for each envelope.
 */
#include "comm/encrypted_seal.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "comm/encrypted.h"
#include "comm/encrypted_kek.h"
#include "comm/jose.h"
#include "did/base64.h"
#include "did/json.h"
#include "did/jwk.h"
#include "did/pair.h"
#include "did/secret.h"

/* Randomness of an envelope. */
struct randomness {
	struct did_pair ephemeral;
	uint8_t cek[COMM_CRYPTO_CEK_LEN_MAX];
	uint8_t iv[COMM_CRYPTO_IV_LEN_MAX];
};

static int make_random(struct randomness *random, enum did_key_type type)
{
	uint8_t drawn[COMM_CRYPTO_CEK_LEN_MAX + COMM_CRYPTO_IV_LEN_MAX];
	int err = did_pair_new(&random->ephemeral, type);

	if (err)
		return err;
	/* Each draw is a system call, so cek and iv come from one. */
	randombytes_buf(drawn, sizeof(drawn));
	memcpy(random->cek, drawn, sizeof(random->cek));
	memcpy(random->iv, drawn + sizeof(random->cek), sizeof(random->iv));
	did_secret_wipe(drawn, sizeof(drawn));
	return 0;
}

/* The ephemeral key as JSON text; free() it. */
static char *print_epk(const struct did_key *key)
{
	char x[DID_BASE64_LEN(DID_KEY_X25519_LEN) + 1], *text = NULL;
	json_t *jwk;
	size_t len;

	/* The usual one, without a detour. */
	if (key->type == DID_KEY_X25519) {
		did_base64_encode(x, key->bytes, DID_KEY_X25519_LEN);
		return comm_jose_print(&len,
				       "{\"kty\":\"OKP\",\"crv\":\"X25519\","
				       "\"x\":\"%s\"}",
				       x);
	}
	jwk = did_jwk_from_key(key);
	if (jwk != NULL && did_json_dump(&text, &len, jwk) != 0)
		text = NULL;
	json_decref(jwk);
	return text;
}

/* The protected header as base64url text; free() it.  Sets ${apv}. */
static char *make_header(uint8_t apv[COMM_ENCRYPTED_APV_LEN],
			 const struct comm_encrypted_to *to,
			 const struct did_pair *ephemeral)
{
	const char *kids[PARLEY_COMM_RECIPIENTS_MAX];
	char apv_text[DID_BASE64_LEN(COMM_ENCRYPTED_APV_LEN) + 1];
	char *epk = print_epk(&ephemeral->key);
	char *apu = NULL, *header = NULL, *text = NULL;
	size_t len;

	for (size_t i = 0; i < to->n_methods; i++)
		kids[i] = to->methods[i]->id;
	comm_encrypted_kek_hash_kids(apv, kids, to->n_methods);
	did_base64_encode(apv_text, apv, COMM_ENCRYPTED_APV_LEN);

	if (epk == NULL)
		goto out;
	if (to->sender != NULL) {
		apu =
		    comm_jose_encode(to->sender->kid, strlen(to->sender->kid));
		if (apu == NULL)
			goto out;
	}
	header = comm_jose_print(
	    &len,
	    "{\"typ\":\"" COMM_ENCRYPTED_TYP "\",\"alg\":\"%s\","
	    "\"enc\":\"%s\",\"apv\":\"%s\",\"epk\":%s%s%s%s%s%s}",
	    to->sender ? COMM_ENCRYPTED_ALG_1PU : COMM_ENCRYPTED_ALG_ES,
	    comm_crypto_enc_info(to->enc)->name, apv_text, epk,
	    apu ? ",\"skid\":\"" : "", apu ? to->sender->kid : "",
	    apu ? "\",\"apu\":\"" : "", apu ? apu : "", apu ? "\"" : "");
	if (header != NULL)
		text = comm_jose_encode(header, len);
out:
	free(header);
	free(apu);
	free(epk);
	return text;
}

/* The content key wrapped for each recipient: the elements of `recipients`. */
static int wrap_keys(char **recipientsp, const struct comm_encrypted_to *to,
		     const struct randomness *random,
		     const struct comm_crypto_kdf *kdf)
{
	size_t cek_len = comm_crypto_enc_info(to->enc)->cek_len, len;
	uint8_t wrapped[COMM_CRYPTO_CEK_LEN_MAX + COMM_CRYPTO_WRAP_LEN];
	char text[DID_BASE64_LEN(sizeof(wrapped)) + 1];
	uint8_t kek[COMM_CRYPTO_KEK_LEN];
	char *all = NULL, *more;
	int err = 0;

	for (size_t i = 0; err == 0 && i < to->n_methods; i++) {
		const struct did_method *method = to->methods[i];

		err = comm_encrypted_kek_derive(
		    kek, &random->ephemeral, &method->key,
		    to->sender ? to->sender->pair : NULL,
		    to->sender ? &method->key : NULL, kdf);
		if (err == 0)
			err = comm_crypto_wrap(wrapped, kek, random->cek,
					       cek_len);
		if (err)
			break;
		did_base64_encode(text, wrapped,
				  cek_len + COMM_CRYPTO_WRAP_LEN);
		more = comm_jose_print(&len,
				       "%s%s{\"header\":{\"kid\":\"%s\"},"
				       "\"encrypted_key\":\"%s\"}",
				       all ? all : "", all ? "," : "",
				       method->id, text);
		free(all);
		all = more;
		if (all == NULL)
			err = PARLEY_ERR_MEMORY;
	}
	did_secret_wipe(kek, sizeof(kek));
	if (err)
		free(all);
	else
		*recipientsp = all;
	return err;
}

static int check_to(struct parley_comm *c, const struct comm_encrypted_to *to)
{
	if (to->n_methods == 0 || to->n_methods > PARLEY_COMM_RECIPIENTS_MAX)
		return comm_fail(c, PARLEY_ERR_ARGUMENT,
				 "%zu recipients; 1 to %d are allowed",
				 to->n_methods, PARLEY_COMM_RECIPIENTS_MAX);
	for (size_t i = 0; i < to->n_methods; i++) {
		enum did_key_type type = to->methods[i]->key.type;

		if (!comm_encrypted_kek_agrees(type) ||
		    type != to->methods[0]->key.type ||
		    (to->sender != NULL && type != to->sender->pair->key.type))
			return comm_fail(c, PARLEY_ERR_ARGUMENT,
					 "keys are on different curves");
	}
	if (to->sender != NULL && to->enc != COMM_CRYPTO_A256CBC_HS512)
		return comm_fail(c, PARLEY_ERR_ARGUMENT,
				 "authcrypt takes A256CBC-HS512 only");
	return 0;
}

int comm_encrypted_seal(struct parley_comm *c, char **textp, size_t *lenp,
			const void *content, size_t content_len,
			const struct comm_encrypted_to *to)
{
	const struct comm_crypto_enc_info *info = comm_crypto_enc_info(to->enc);
	struct randomness random = {0};
	struct comm_crypto_kdf kdf = {
	    .alg = to->sender ? COMM_ENCRYPTED_ALG_1PU : COMM_ENCRYPTED_ALG_ES};
	uint8_t apv[COMM_ENCRYPTED_APV_LEN], tag[COMM_CRYPTO_TAG_LEN_MAX];
	char iv_text[DID_BASE64_LEN(COMM_CRYPTO_IV_LEN_MAX) + 1];
	char tag_text[DID_BASE64_LEN(COMM_CRYPTO_TAG_LEN_MAX) + 1];
	char *protected = NULL, *ct_text = NULL, *recipients = NULL, *text;
	uint8_t *ct = NULL;
	size_t ct_len, text_len;
	int err;

	err = check_to(c, to);
	if (err)
		return err;
	if (content_len > PARLEY_COMM_LEN_MAX)
		return comm_fail(c, PARLEY_ERR_TOO_LARGE,
				 "longer than %d bytes", PARLEY_COMM_LEN_MAX);
	err = make_random(&random, to->methods[0]->key.type);
	if (err)
		goto out;

	err = PARLEY_ERR_MEMORY;
	ct_len = comm_crypto_sealed_len(to->enc, content_len);
	ct = malloc(ct_len + 1);
	protected = make_header(apv, to, &random.ephemeral);
	if (ct == NULL || protected == NULL)
		goto out;
	/* draft-madden-jose-ecdh-1pu-04 2.1: the content first, for its tag */
	err =
	    comm_crypto_seal(ct, tag, to->enc, random.cek, random.iv, protected,
			     strlen(protected), content, content_len);
	if (err)
		goto out;
	kdf.apv = apv;
	kdf.apv_len = COMM_ENCRYPTED_APV_LEN;
	if (to->sender != NULL) {
		kdf.apu = (const uint8_t *)to->sender->kid;
		kdf.apu_len = strlen(to->sender->kid);
		kdf.tag = tag;
		kdf.tag_len = info->tag_len;
	}
	err = wrap_keys(&recipients, to, &random, &kdf);
	if (err)
		goto out;

	err = PARLEY_ERR_MEMORY;
	did_base64_encode(iv_text, random.iv, info->iv_len);
	did_base64_encode(tag_text, tag, info->tag_len);
	ct_text = comm_jose_encode(ct, ct_len);
	if (ct_text == NULL)
		goto out;
	text =
	    comm_jose_print(&text_len,
			    "{\"protected\":\"%s\",\"recipients\":[%s],"
			    "\"iv\":\"%s\",\"ciphertext\":\"%s\","
			    "\"tag\":\"%s\"}",
			    protected, recipients, iv_text, ct_text, tag_text);
	if (text == NULL)
		goto out;
	err = 0;
	if (text_len > PARLEY_COMM_LEN_MAX) {
		free(text);
		err = comm_fail(c, PARLEY_ERR_TOO_LARGE, "longer than %d bytes",
				PARLEY_COMM_LEN_MAX);
		goto out;
	}
	*textp = text;
	*lenp = text_len;
out:
	did_secret_wipe(&random, sizeof(random));
	free(recipients);
	free(ct_text);
	free(protected);
	free(ct);
	return err;
}
