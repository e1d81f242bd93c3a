/*
 * DIDComm v2.1 encrypted envelopes, read: encryption.md, over RFC 7516 (JWE) in
 * general JSON serialization, RFC 7518 (ECDH-ES+A256KW) and
 * draft-madden-jose-ecdh-1pu-04 (ECDH-1PU+A256KW).
 *
 * An envelope is read in this order, the cheap and structural before the
 * costly, and the first rule that it breaks names the error:
 *
 *    1  size, number of values, strict JSON               TOO_LARGE, JSON
 *    2  members: general form, and no others of JWE       ENVELOPE
 *    3  base64url of all members                          ENCODING
 *    4  protected header: strict JSON                     JSON
 *    5  header: zip, crit, keys, typ, alg, enc            ALGORITHM, ENVELOPE
 *    6  lengths of iv, tag, ciphertext, encrypted_key     LENGTH
 *    7  recipients: one DID, key ids once                 KID, ENVELOPE
 *    8  apv: hash of the key ids                          ENVELOPE
 *    9  skid, apu: the same, a key id                     ENVELOPE, KID
 *   10  epk: a point on an allowed curve                  (did_jwk_to_key)
 *   11  one of the key ids is ours                        ADDRESS
 *   12  epk is of the type of our key                     KEY
 *   13  document of the sender: skid in keyAgreement      (resolution), KID
 *   14  agreement, key unwrap, content                    DH, SEAL
 *
 * The invariant: no secret key is used before everything that can be checked
 * without one has been checked.
 */
#include "comm/encrypted.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "comm/encrypted_kek.h"
#include "comm/jose.h"
#include "comm/message.h"
#include "did/base64.h"
#include "did/json.h"
#include "did/jwk.h"
#include "did/secret.h"

/* What is longer is too long for sure. */
enum { WRAPPED_DECODE_MAX = 512 };

/* Names of parameters that count in the protected header only. */
static const char *const protected_only[] = {
    "typ", "epk", "apu", "apv", "skid",
};

/* The parts of an envelope. */
struct jwe {
	struct parley_comm *c;
	json_t *root;		  /* owns the borrowed */
	const json_t *protected;  /* string; borrowed */
	const json_t *recipients; /* array; borrowed */
	json_t *header;		  /* what ${protected} holds */
	const char *alg, *skid;	  /* ${skid} NULL: anoncrypt */
	char *apu_text;		  /* what apu holds, with a NUL behind */
	size_t apu_len;
	uint8_t apv[COMM_ENCRYPTED_APV_LEN];
	enum comm_crypto_enc enc;
	struct did_key epk;
	char *iv, *tag, *ciphertext; /* decoded; owned */
	size_t iv_len, tag_len, ciphertext_len;
	size_t did_len;			/* of the DID of the recipients */
	const struct comm_own_key *own; /* the first that is ours */
	uint8_t wrapped[COMM_CRYPTO_CEK_LEN_MAX + COMM_CRYPTO_WRAP_LEN];
};

static void wipe_jwe(struct jwe *jwe)
{
	json_decref(jwe->root);
	json_decref(jwe->header);
	free(jwe->apu_text);
	free(jwe->iv);
	free(jwe->tag);
	free(jwe->ciphertext);
}

static const json_t *get_recipient(const struct jwe *jwe, size_t i)
{
	return json_array_get(jwe->recipients, i);
}

static const char *get_kid(const struct jwe *jwe, size_t i)
{
	return did_json_string(json_object_get(get_recipient(jwe, i), "header"),
			       "kid");
}

/* Step 2.  Unknown members are ignored (RFC 7516 7.2.1). */
static int find_members(struct jwe *jwe)
{
	static const char *const refused[] = {
	    /* of the flattened form, and what DIDComm has no use for */
	    "header",
	    "encrypted_key",
	    "unprotected",
	    "aad",
	    /* of a signed message: one text, one meaning */
	    "payload",
	    "signatures",
	    "signature",
	};
	size_t n;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (json_object_get(jwe->root, refused[i]))
			return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
					 "member %s has no place here",
					 refused[i]);
	}
	jwe->protected = json_object_get(jwe->root, "protected");
	jwe->recipients = json_object_get(jwe->root, "recipients");
	if (!json_is_string(jwe->protected) ||
	    !json_is_array(jwe->recipients) ||
	    !json_is_string(json_object_get(jwe->root, "iv")) ||
	    !json_is_string(json_object_get(jwe->root, "ciphertext")) ||
	    !json_is_string(json_object_get(jwe->root, "tag")))
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "protected, recipients, iv, ciphertext and "
				 "tag must all be there");
	n = json_array_size(jwe->recipients);
	if (n == 0 || n > PARLEY_COMM_RECIPIENTS_MAX)
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "%zu recipients; 1 to %d are allowed", n,
				 PARLEY_COMM_RECIPIENTS_MAX);
	for (size_t i = 0; i < n; i++) {
		const json_t *r = get_recipient(jwe, i);

		if (!json_is_string(json_object_get(r, "encrypted_key")) ||
		    get_kid(jwe, i) == NULL)
			return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
					 "recipient %zu lacks kid or "
					 "encrypted_key",
					 i);
	}
	return 0;
}

static int decode(struct jwe *jwe, char **bytesp, size_t *lenp,
		  const char *name)
{
	int err =
	    comm_jose_decode(bytesp, lenp, json_object_get(jwe->root, name));

	if (err == PARLEY_ERR_ENCODING)
		comm_fail(jwe->c, err, "%s is not strict base64url", name);
	return err;
}

/* Steps 3 and 4; the wrapped keys are looked at in step 6. */
static int decode_members(struct jwe *jwe)
{
	char *header;
	size_t len;
	int err;

	if ((err = decode(jwe, &jwe->iv, &jwe->iv_len, "iv")) != 0 ||
	    (err = decode(jwe, &jwe->tag, &jwe->tag_len, "tag")) != 0 ||
	    (err = decode(jwe, &jwe->ciphertext, &jwe->ciphertext_len,
			  "ciphertext")) != 0 ||
	    (err = decode(jwe, &header, &len, "protected")) != 0)
		return err;
	err = comm_jose_parse(&jwe->header, header, len);
	if (err == PARLEY_ERR_JSON)
		comm_fail(jwe->c, err, "protected header is not strict JSON");
	free(header);
	return err;
}

/*
 * Header ${header} (of recipient, or protected): parameters that would change
 * what the message is.  RFC 8725 3.6: no compression.  RFC 7516 4.1.13: a crit
 * that is not understood makes the JWE invalid.
 */
static int check_refused(struct jwe *jwe, const json_t *header)
{
	if (json_object_get(header, "zip"))
		return comm_fail(jwe->c, PARLEY_ERR_ALGORITHM,
				 "zip is not allowed");
	if (json_object_get(header, "crit"))
		return comm_fail(jwe->c, PARLEY_ERR_ALGORITHM,
				 "crit names what is not understood");
	if (comm_jose_brings_key(header))
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "header brings a key of its own");
	return 0;
}

/*
 * DIDComm 2.1, "Key Wrapping Algorithms": the header is common to all.
 * Choice: what belongs there is refused in the header of a recipient.
 */
static int check_recipient_header(struct jwe *jwe, const json_t *header)
{
	int err = check_refused(jwe, header);

	if (err)
		return err;
	if (json_object_get(header, "alg") || json_object_get(header, "enc"))
		return comm_fail(jwe->c, PARLEY_ERR_ALGORITHM,
				 "alg or enc outside the protected header");
	for (size_t i = 0;
	     i < sizeof(protected_only) / sizeof(protected_only[0]); i++) {
		if (json_object_get(header, protected_only[i]))
			return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
					 "%s outside the protected header",
					 protected_only[i]);
	}
	/* RFC 7516 4: names are unique in the union of the headers. */
	if (json_object_get(jwe->header, "kid"))
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "kid in two headers");
	return 0;
}

/* Step 5. */
static int check_header(struct jwe *jwe)
{
	const json_t *typ = json_object_get(jwe->header, "typ");
	const char *enc = did_json_string(jwe->header, "enc");
	int err = check_refused(jwe, jwe->header);

	if (err)
		return err;
	/* SHOULD be set, so need not. */
	if (typ && (!json_is_string(typ) ||
		    !comm_message_is_media_type(json_string_value(typ),
						COMM_ENCRYPTED_TYP)))
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "typ is not that of an encrypted message");
	for (size_t i = 0; i < json_array_size(jwe->recipients); i++) {
		err = check_recipient_header(
		    jwe, json_object_get(get_recipient(jwe, i), "header"));
		if (err)
			return err;
	}

	jwe->alg = did_json_string(jwe->header, "alg");
	if (jwe->alg == NULL || enc == NULL)
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "alg or enc is missing");
	if (strcmp(jwe->alg, COMM_ENCRYPTED_ALG_ES) != 0 &&
	    strcmp(jwe->alg, COMM_ENCRYPTED_ALG_1PU) != 0)
		return comm_fail(jwe->c, PARLEY_ERR_ALGORITHM,
				 "alg %.40s is not allowed", jwe->alg);
	if (comm_crypto_enc_find(&jwe->enc, enc) != 0)
		return comm_fail(jwe->c, PARLEY_ERR_ALGORITHM,
				 "enc %.40s is not allowed", enc);
	/*
	 * draft-madden-jose-ecdh-1pu-04 2.1: in key wrapping mode the content
	 * encryption MUST be one that is compactly committing.
	 */
	if (strcmp(jwe->alg, COMM_ENCRYPTED_ALG_1PU) == 0 &&
	    jwe->enc != COMM_CRYPTO_A256CBC_HS512)
		return comm_fail(jwe->c, PARLEY_ERR_ALGORITHM,
				 "%s with enc %.40s", COMM_ENCRYPTED_ALG_1PU,
				 enc);
	return 0;
}

/* Step 6. */
static int check_lengths(struct jwe *jwe)
{
	const struct comm_crypto_enc_info *info =
	    comm_crypto_enc_info(jwe->enc);
	const size_t wrapped_len = info->cek_len + COMM_CRYPTO_WRAP_LEN;

	if (jwe->iv_len != info->iv_len)
		return comm_fail(jwe->c, PARLEY_ERR_LENGTH,
				 "iv has %zu bytes, not %zu", jwe->iv_len,
				 info->iv_len);
	if (jwe->tag_len != info->tag_len)
		return comm_fail(jwe->c, PARLEY_ERR_LENGTH,
				 "tag has %zu bytes, not %zu", jwe->tag_len,
				 info->tag_len);
	if (jwe->enc == COMM_CRYPTO_A256CBC_HS512 &&
	    (jwe->ciphertext_len == 0 || jwe->ciphertext_len % 16 != 0))
		return comm_fail(jwe->c, PARLEY_ERR_LENGTH,
				 "ciphertext is not whole blocks");
	for (size_t i = 0; i < json_array_size(jwe->recipients); i++) {
		const json_t *text =
		    json_object_get(get_recipient(jwe, i), "encrypted_key");
		uint8_t bytes[WRAPPED_DECODE_MAX];
		size_t len;
		/* Of all, so that none can be malformed. */
		int err = did_base64_decode(bytes, sizeof(bytes), &len,
					    json_string_value(text),
					    json_string_length(text));

		if (err == PARLEY_ERR_ENCODING)
			return comm_fail(jwe->c, err,
					 "encrypted_key %zu is not strict "
					 "base64url",
					 i);
		if (err || len != wrapped_len)
			return comm_fail(jwe->c, PARLEY_ERR_LENGTH,
					 "encrypted_key %zu does not have %zu "
					 "bytes",
					 i, wrapped_len);
	}
	return 0;
}

/* Step 7. */
static int check_recipients(struct jwe *jwe)
{
	const char *first = get_kid(jwe, 0);
	size_t n = json_array_size(jwe->recipients), did_len;

	for (size_t i = 0; i < n; i++) {
		const char *kid = get_kid(jwe, i);

		if (!comm_kid_split(&did_len, kid))
			return comm_fail(jwe->c, PARLEY_ERR_KID,
					 "kid of recipient %zu is no key id",
					 i);
		if (i == 0)
			jwe->did_len = did_len;
		/*
		 * DIDComm 2.1, "Message Encryption": "A message being
		 * sent to multiple DIDs MUST be encrypted for each DID
		 * independently."
		 */
		if (did_len != jwe->did_len || memcmp(kid, first, did_len) != 0)
			return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
					 "recipients are keys of several DIDs");
		for (size_t j = 0; j < i; j++) {
			if (strcmp(get_kid(jwe, j), kid) == 0)
				return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
						 "a recipient is named twice");
		}
	}
	return 0;
}

/* Step 8. */
static int check_apv(struct jwe *jwe)
{
	const json_t *text = json_object_get(jwe->header, "apv");
	const char *kids[PARLEY_COMM_RECIPIENTS_MAX];
	size_t n = json_array_size(jwe->recipients);
	char own[DID_BASE64_LEN(COMM_ENCRYPTED_APV_LEN) + 1];

	for (size_t i = 0; i < n; i++)
		kids[i] = get_kid(jwe, i);
	comm_encrypted_kek_hash_kids(jwe->apv, kids, n);
	did_base64_encode(own, jwe->apv, COMM_ENCRYPTED_APV_LEN);
	if (!json_is_string(text) || strcmp(json_string_value(text), own) != 0)
		return comm_fail(
		    jwe->c, PARLEY_ERR_ENVELOPE,
		    "apv is not the hash of the recipients' key ids");
	return 0;
}

/* Step 9. */
static int check_sender(struct jwe *jwe)
{
	const json_t *skid = json_object_get(jwe->header, "skid");
	const json_t *apu = json_object_get(jwe->header, "apu");
	size_t did_len;
	int err;

	if (strcmp(jwe->alg, COMM_ENCRYPTED_ALG_ES) == 0) {
		/* Choice: nothing that would name a sender unproven. */
		if (skid || apu)
			return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
					 "skid or apu in anoncrypt");
		return 0;
	}
	if (!json_is_string(apu) || (skid && !json_is_string(skid)))
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "apu or skid is missing or no text");
	err = comm_jose_decode(&jwe->apu_text, &jwe->apu_len, apu);
	if (err)
		return comm_fail(jwe->c, err, "apu is not strict base64url");
	/*
	 * DIDComm 2.1, "ECDH-1PU key wrapping and common protected headers":
	 * "it MUST contain the skid value"; without skid, apu names the sender.
	 */
	if (strlen(jwe->apu_text) != jwe->apu_len ||
	    (skid && strcmp(json_string_value(skid), jwe->apu_text) != 0))
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE,
				 "apu is not skid");
	jwe->skid = jwe->apu_text;
	if (!comm_kid_split(&did_len, jwe->skid))
		return comm_fail(jwe->c, PARLEY_ERR_KID, "skid is no key id");
	return 0;
}

/* Step 10. */
static int check_epk(struct jwe *jwe)
{
	const json_t *epk = json_object_get(jwe->header, "epk");
	int err;

	if (!json_is_object(epk))
		return comm_fail(jwe->c, PARLEY_ERR_ENVELOPE, "no epk");
	err = did_jwk_to_key(&jwe->epk, NULL, epk);
	if (err == PARLEY_ERR_FORMAT)
		err = PARLEY_ERR_ENVELOPE;
	if (err)
		return comm_fail(jwe->c, err,
				 "epk is not a public key of ours to use");
	if (!comm_encrypted_kek_agrees(jwe->epk.type))
		return comm_fail(jwe->c, PARLEY_ERR_ALGORITHM,
				 "epk is of a type that does not agree");
	return 0;
}

/* Steps 11 and 12. */
static int find_own(struct jwe *jwe)
{
	size_t n = json_array_size(jwe->recipients), i;
	const json_t *text;

	for (i = 0; i < n && jwe->own == NULL; i++)
		jwe->own = comm_own_key(jwe->c, get_kid(jwe, i));
	if (jwe->own == NULL)
		return comm_fail(jwe->c, PARLEY_ERR_ADDRESS,
				 "none of the recipients is a key of ours");
	if (jwe->own->pair->key.type != jwe->epk.type)
		return comm_fail(jwe->c, PARLEY_ERR_KEY,
				 "epk is on another curve than our key");
	text = json_object_get(get_recipient(jwe, i - 1), "encrypted_key");
	return did_base64_decode_exact(
	    jwe->wrapped,
	    comm_crypto_enc_info(jwe->enc)->cek_len + COMM_CRYPTO_WRAP_LEN,
	    json_string_value(text), json_string_length(text));
}

/* Step 13: the sender's key, NULL for anoncrypt. */
static int find_sender(struct jwe *jwe, const struct did_key **keyp)
{
	const struct did_document *doc;
	const struct did_method *method;
	size_t did_len;
	int err;

	*keyp = NULL;
	if (jwe->skid == NULL)
		return 0;
	if (!comm_kid_split(&did_len, jwe->skid))
		return PARLEY_ERR_KID;
	err = comm_document(jwe->c, &doc, jwe->skid, did_len);
	if (err)
		return err;
	method = did_document_method(doc, jwe->skid);
	if (method == NULL || !(method->relations & DID_RELATION_KEY_AGREEMENT))
		return comm_fail(jwe->c, PARLEY_ERR_KID,
				 "skid is not in the sender's keyAgreement");
	if (method->key.type != jwe->epk.type)
		return comm_fail(jwe->c, PARLEY_ERR_KEY,
				 "epk is on another curve than skid");
	*keyp = &method->key;
	return 0;
}

/* Step 14: content into new memory. */
static int decrypt(struct jwe *jwe, const struct did_key *sender, char **ptp,
		   size_t *lenp)
{
	const struct comm_crypto_enc_info *info =
	    comm_crypto_enc_info(jwe->enc);
	const struct did_pair *own = jwe->own->pair;
	struct comm_crypto_kdf kdf = {
	    .alg = jwe->alg,
	    .apu = (uint8_t *)jwe->apu_text,
	    .apu_len = jwe->apu_len,
	    .apv = jwe->apv,
	    .apv_len = COMM_ENCRYPTED_APV_LEN,
	};
	uint8_t kek[COMM_CRYPTO_KEK_LEN], cek[COMM_CRYPTO_CEK_LEN_MAX];
	size_t size = jwe->ciphertext_len + COMM_CRYPTO_BLOCK_LEN + 1;
	char *pt = malloc(size);
	int err = PARLEY_ERR_MEMORY;

	if (pt == NULL)
		goto out;
	if (sender != NULL) {
		kdf.tag = (uint8_t *)jwe->tag;
		kdf.tag_len = jwe->tag_len;
	}
	err = comm_encrypted_kek_derive(kek, own, &jwe->epk, own, sender, &kdf);
	if (err) {
		comm_fail(jwe->c, err, "key agreement failed");
		goto out;
	}
	err = comm_crypto_unwrap(cek, kek, jwe->wrapped,
				 info->cek_len + COMM_CRYPTO_WRAP_LEN);
	if (err) {
		comm_fail(jwe->c, err, "encrypted_key does not open");
		goto out;
	}
	/* AAD: the protected header as received (RFC 7516 5.2, step 15). */
	err = comm_crypto_open(
	    (uint8_t *)pt, lenp, jwe->enc, cek, (uint8_t *)jwe->iv,
	    json_string_value(jwe->protected),
	    json_string_length(jwe->protected), (uint8_t *)jwe->ciphertext,
	    jwe->ciphertext_len, (uint8_t *)jwe->tag);
	if (err) {
		comm_fail(jwe->c, err, "ciphertext does not open");
		goto out;
	}
	pt[*lenp] = '\0';
	*ptp = pt;
	pt = NULL;
out:
	did_secret_wipe(kek, sizeof(kek));
	did_secret_wipe(cek, sizeof(cek));
	if (pt != NULL)
		did_secret_wipe(pt, size);
	free(pt);
	return err;
}

/* Steps 2 to 12: all that needs neither resolver nor secret. */
static int check(struct jwe *jwe)
{
	int err;

	if ((err = find_members(jwe)) != 0 ||
	    (err = decode_members(jwe)) != 0 ||
	    (err = check_header(jwe)) != 0 || (err = check_lengths(jwe)) != 0 ||
	    (err = check_recipients(jwe)) != 0 || (err = check_apv(jwe)) != 0 ||
	    (err = check_sender(jwe)) != 0 || (err = check_epk(jwe)) != 0)
		return err;
	return find_own(jwe);
}

/* Who is named in ${jwe}, copied to ${e}. */
static int copy_names(struct comm_encrypted *e, const struct jwe *jwe)
{
	size_t n = json_array_size(jwe->recipients);

	e->recipient = strndup(get_kid(jwe, 0), jwe->did_len);
	e->read_by = strdup(jwe->own->kid);
	e->kids = calloc(n, sizeof(*e->kids));
	if (e->recipient == NULL || e->read_by == NULL || e->kids == NULL)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		e->kids[i] = strdup(get_kid(jwe, i));
		if (e->kids[i] == NULL)
			return PARLEY_ERR_MEMORY;
		e->n_kids++;
	}
	if (jwe->skid == NULL)
		return 0;
	e->sender_kid = strdup(jwe->skid);
	return e->sender_kid == NULL ? PARLEY_ERR_MEMORY : 0;
}

int comm_encrypted_open(struct parley_comm *c, struct comm_encrypted *e,
			const char *text, size_t len)
{
	struct jwe jwe = {.c = c};
	struct comm_encrypted made = {0};
	const struct did_key *sender;
	int err;

	if (len > PARLEY_COMM_LEN_MAX)
		return comm_fail(c, PARLEY_ERR_TOO_LARGE,
				 "longer than %d bytes", PARLEY_COMM_LEN_MAX);
	err = comm_jose_parse(&jwe.root, text, len);
	if (err)
		return comm_fail(c, err, "envelope: %s",
				 parley_did_err_string(err));
	err = check(&jwe);
	if (err)
		goto out;
	err = find_sender(&jwe, &sender);
	if (err)
		goto out;
	err = copy_names(&made, &jwe);
	if (err)
		goto out;
	err = decrypt(&jwe, sender, &made.content, &made.content_len);
	if (err)
		goto out;
	made.enc = jwe.enc;
	*e = made;
	made = (struct comm_encrypted){0};
out:
	comm_encrypted_wipe(&made);
	wipe_jwe(&jwe);
	return err;
}

void comm_encrypted_wipe(struct comm_encrypted *e)
{
	if (e->content != NULL)
		did_secret_wipe(e->content, e->content_len);
	free(e->content);
	free(e->sender_kid);
	free(e->recipient);
	free(e->read_by);
	for (size_t i = 0; i < e->n_kids; i++)
		free(e->kids[i]);
	free(e->kids);
	memset(e, 0, sizeof(*e));
}
