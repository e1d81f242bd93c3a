/*
 * DIDComm v2.1 signed envelopes: signature.md, over RFC 7515 (JWS) in JSON
 * serialization and RFC 8037 (EdDSA).
 *
 * An envelope is read in this order, the cheap and structural before the
 * costly, and the first rule that it breaks names the error:
 *
 *   1  size, number of values, strict JSON                TOO_LARGE, JSON
 *   2  members: general or flattened form, one signature  ENVELOPE
 *   3  base64url of payload, protected, signature         ENCODING
 *   4  protected header: strict JSON; no name twice       JSON, ENVELOPE
 *   5  header: crit, b64, keys, typ, alg, kid             ALGORITHM, ENVELOPE
 *   6  kid: a DID URL with fragment                       KID
 *   7  payload: a plaintext message                       JSON, MESSAGE
 *   8  from: the DID of kid                               ADDRESS
 *   9  document of from: lists kid in authentication      (resolution), KID
 *  10  alg: that of the key                               ALGORITHM
 *  11  signature                                          SIGNATURE
 *
 * The invariant: what is verified, what is parsed and what is given out are
 * the same bytes as received; nothing is encoded a second time.
 */
#include "comm/signed.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "comm/jose.h"
#include "did/base64.h"
#include "did/did.h"
#include "did/document.h"
#include "did/identity.h"
#include "did/json.h"
#include "did/key.h"
#include "did/secret.h"

#define DID_KEY_PREFIX "did:key:"

enum {
	SIG_LEN_MAX = 512, /* no signature of any JWS algorithm is longer */
};

/* The parts of an envelope.  ${payload} and ${protected} are as received. */
struct jws {
	struct parley_comm *c;
	comm_signed_key *find;	   /* or NULL */
	const void *context;	   /* of ${find} */
	json_t *root;		   /* owns the borrowed */
	const json_t *payload;	   /* string; borrowed */
	const json_t *protected;   /* string; borrowed */
	const json_t *signature;   /* string; borrowed */
	const json_t *unprotected; /* object or NULL; borrowed */
	json_t *header;		   /* what ${protected} holds */
	const char *alg; /* borrowed from ${header}; static once verified */
	const char *kid; /* borrowed */
	uint8_t sig[SIG_LEN_MAX];
	size_t sig_len;
	char *message; /* what ${payload} holds, with a NUL behind */
	size_t message_len;
};

static void wipe_jws(struct jws *jws)
{
	json_decref(jws->root);
	json_decref(jws->header);
	free(jws->message);
}

/*
 * DIDComm 2.1, "Message Signing": "Implementations MUST be able to verify all
 * of the following algorithms": EdDSA, ES256, ES256K.  These are what the keys
 * of did/ verify.
 */
static bool is_known_alg(const char *alg)
{
	for (int i = 0; i < DID_KEY_N_TYPES; i++) {
		const char *known = did_key_info((enum did_key_type)i)->alg;

		if (known != NULL && strcmp(known, alg) == 0)
			return true;
	}
	return false;
}

/*
 * RFC 7515 5.1: JWS Signing Input = protected || "." || payload, in their
 * text forms.  Returned as a new NUL-terminated string, or NULL.
 */
static char *join_signing_input(size_t *lenp, const char *protected,
				size_t protected_len, const char *payload,
				size_t payload_len)
{
	size_t len = protected_len + 1 + payload_len;
	char *input = malloc(len + 1);

	if (!input)
		return NULL;
	memcpy(input, protected, protected_len);
	input[protected_len] = '.';
	memcpy(input + protected_len + 1, payload, payload_len);
	input[len] = '\0';
	*lenp = len;
	return input;
}

/*
 * Find the members (step 2).  Unknown members are allowed: RFC 7515 7.2.1:
 * "Additional members can be present in both the JSON objects defined above;
 * if not understood by implementations encountering them, they MUST be
 * ignored."
 */
static int find_members(struct jws *jws)
{
	const json_t *signatures = json_object_get(jws->root, "signatures");
	const json_t *holder = jws->root;

	/* Choice: one text, one meaning; these are of an encrypted message. */
	if (json_object_get(jws->root, "ciphertext") ||
	    json_object_get(jws->root, "recipients"))
		return PARLEY_ERR_ENVELOPE;
	if (signatures) {
		/*
		 * RFC 7515 7.2.2, of "signatures": "MUST NOT be present when
		 * using this syntax."
		 */
		if (json_object_get(jws->root, "signature") ||
		    json_object_get(jws->root, "protected") ||
		    json_object_get(jws->root, "header"))
			return PARLEY_ERR_ENVELOPE;
		/* DIDComm: only the sender's signature is valid: just one. */
		if (!json_is_array(signatures) ||
		    json_array_size(signatures) != 1)
			return PARLEY_ERR_ENVELOPE;
		holder = json_array_get(signatures, 0);
	}

	jws->payload = json_object_get(jws->root, "payload");
	jws->protected = json_object_get(holder, "protected");
	jws->signature = json_object_get(holder, "signature");
	jws->unprotected = json_object_get(holder, "header");
	if (!json_is_string(jws->payload) || !json_is_string(jws->protected) ||
	    !json_is_string(jws->signature))
		return PARLEY_ERR_ENVELOPE;
	/* Choice: an empty object, which should have been left out, is read. */
	if (jws->unprotected && !json_is_object(jws->unprotected))
		return PARLEY_ERR_ENVELOPE;
	return 0;
}

/* Decode payload, protected header and signature (steps 3, 4). */
static int decode_members(struct jws *jws)
{
	char *header;
	size_t header_len;
	int err;

	err = comm_jose_decode(&jws->message, &jws->message_len, jws->payload);
	if (err)
		return err;
	err = did_base64_decode(jws->sig, sizeof(jws->sig), &jws->sig_len,
				json_string_value(jws->signature),
				json_string_length(jws->signature));
	if (err)
		return err == PARLEY_ERR_TOO_LARGE ? PARLEY_ERR_SIGNATURE : err;
	err = comm_jose_decode(&header, &header_len, jws->protected);
	if (err)
		return err;
	err = comm_jose_parse(&jws->header, header, header_len);
	free(header);
	return err;
}

/* The parameter ${name}, wherever it stands. */
static const json_t *get_parameter(const struct jws *jws, const char *name)
{
	const json_t *value = json_object_get(jws->header, name);

	return value ? value : json_object_get(jws->unprotected, name);
}

static int check_typ(const json_t *typ)
{
	const char *s = json_string_value(typ);

	/* DIDComm 2.1, "DIDComm Signed Message": SHOULD be set, so need not. */
	if (!typ)
		return 0;
	if (!s)
		return PARLEY_ERR_ENVELOPE;
	/* DIDComm 2.1, "DIDComm Signed Message"; the second is the example of
	 * "Message Signing". */
	if (comm_message_is_media_type(s, COMM_SIGNED_TYP) ||
	    comm_message_is_media_type(s, "application/JWM"))
		return 0;
	return PARLEY_ERR_ENVELOPE;
}

/* Check both headers and find alg and kid (steps 4 to 6). */
static int check_header(struct jws *jws)
{
	const char *name, *fragment;
	const json_t *value;
	size_t did_len;
	void *iter;

	/*
	 * RFC 7515 4: "The Header Parameter names within the JOSE Header MUST
	 * be unique", and that header is the union of the two (7.2.1).
	 */
	for (iter = json_object_iter(jws->header); iter;
	     iter = json_object_iter_next(jws->header, iter)) {
		name = json_object_iter_key(iter);
		if (json_object_get(jws->unprotected, name))
			return PARLEY_ERR_ENVELOPE;
	}

	/*
	 * RFC 7515 4.1.11: "If any of the listed extension Header Parameters
	 * are not understood and supported by the recipient, then the JWS is
	 * invalid."  We support none, and a list may not be empty.
	 */
	if (get_parameter(jws, "crit"))
		return PARLEY_ERR_ALGORITHM;
	/* RFC 7797: an unencoded payload is not what DIDComm signs. */
	if (get_parameter(jws, "b64"))
		return PARLEY_ERR_ALGORITHM;
	if (comm_jose_brings_key(jws->header) ||
	    comm_jose_brings_key(jws->unprotected))
		return PARLEY_ERR_ENVELOPE;

	if (check_typ(get_parameter(jws, "typ")))
		return PARLEY_ERR_ENVELOPE;

	/*
	 * Choice: alg counts only where the signature covers it.  Names that
	 * DIDComm does not allow (none, HS256, ...) end here; whether the rest
	 * fits the key is seen when the key is known.
	 */
	if (json_object_get(jws->unprotected, "alg"))
		return PARLEY_ERR_ALGORITHM;
	jws->alg = did_json_string(jws->header, "alg");
	if (!jws->alg)
		return PARLEY_ERR_ENVELOPE;
	if (!is_known_alg(jws->alg))
		return PARLEY_ERR_ALGORITHM;

	/*
	 * Choice: kid is read in either header.  The text of DIDComm shows it
	 * protected, its vectors and implementations have it unprotected.
	 */
	value = get_parameter(jws, "kid");
	jws->kid = json_string_value(value);
	if (!jws->kid)
		return PARLEY_ERR_ENVELOPE;
	/* "The kid MUST be a DID URI that refers to a key" */
	if (json_string_length(value) > PARLEY_DID_LEN_MAX ||
	    did_url_split(&did_len, &fragment, jws->kid) != 0 || !fragment)
		return PARLEY_ERR_KID;
	return 0;
}

/* Is ${from} the DID of ${kid} (step 8)? */
static int check_from(const char *from, const char *kid)
{
	const char *fragment;
	size_t did_len;

	if (!from)
		return PARLEY_ERR_ADDRESS;
	if (did_url_split(&did_len, &fragment, kid) != 0)
		return PARLEY_ERR_KID;
	/*
	 * DIDComm 2.1, "Message Layer Addressing Consistency": from must match
	 * the DID of the signer's kid.  Choice: byte for byte, so a `from`
	 * with a path or a query does not match.
	 */
	if (strlen(from) != did_len || memcmp(from, kid, did_len) != 0)
		return PARLEY_ERR_ADDRESS;
	return 0;
}

/*
 * Step 9 where the key of a did:key is at hand: its document would list it in
 * authentication, as DID "#" multikey, and no other that signs.
 */
static const struct did_key *known_key(const struct jws *jws, const char *from)
{
	const char *fragment = jws->kid + strlen(from) + 1; /* check_from() */
	const struct did_key *key;

	if (!jws->find ||
	    strncmp(from, DID_KEY_PREFIX, strlen(DID_KEY_PREFIX)) != 0 ||
	    strcmp(fragment, from + strlen(DID_KEY_PREFIX)) != 0)
		return NULL;
	key = jws->find(jws->context, from);
	return key && did_key_info(key->type)->can_sign ? key : NULL;
}

/* Step 9: the key of ${jws->kid} in the document of ${from}. */
static int find_key(const struct did_key **keyp, struct jws *jws,
		    const char *from)
{
	const struct did_document *doc;
	const struct did_method *method;
	int err;

	*keyp = known_key(jws, from);
	if (*keyp)
		return 0;
	err = comm_document(jws->c, &doc, from, strlen(from));
	if (err)
		return err;

	/*
	 * DIDComm 2.1, "Verification": "The key used in the signature must be
	 * authorized to authenticate the sender by appearing in the
	 * authentication section of the document resolved from the DID in the
	 * from attribute."
	 */
	method = did_document_method(doc, jws->kid);
	if (!method || !(method->relations & DID_RELATION_AUTHENTICATION))
		return comm_fail(jws->c, PARLEY_ERR_KID,
				 "kid is not in the signer's authentication");
	*keyp = &method->key;
	return 0;
}

/* Steps 9 to 11. */
static int verify(struct jws *jws, const char *from)
{
	const struct did_key *key;
	const char *alg;
	char *input;
	size_t input_len;
	int err;

	err = find_key(&key, jws, from);
	if (err)
		return err;

	/* RFC 8725 3.1, 3.2: the key says which algorithm, not the message. */
	alg = did_key_info(key->type)->alg;
	if (!alg || strcmp(alg, jws->alg) != 0)
		return comm_fail(jws->c, PARLEY_ERR_ALGORITHM,
				 "alg is not that of the key");
	jws->alg = alg; /* outlives the header */

	input = join_signing_input(
	    &input_len, json_string_value(jws->protected),
	    json_string_length(jws->protected), json_string_value(jws->payload),
	    json_string_length(jws->payload));
	if (!input)
		return PARLEY_ERR_MEMORY;
	err = did_key_verify(key, jws->sig, jws->sig_len, input, input_len);
	free(input);
	return err;
}

static int open_signed(struct comm_signed *s, const char *text, size_t len,
		       struct parley_comm *c, comm_signed_key *find,
		       const void *context)
{
	struct jws jws = {.c = c, .find = find, .context = context};
	struct comm_message message = {0};
	char *kid;
	int err;

	if (len > PARLEY_COMM_LEN_MAX)
		return comm_fail(c, PARLEY_ERR_TOO_LARGE,
				 "longer than %d bytes", PARLEY_COMM_LEN_MAX);
	err = comm_jose_parse(&jws.root, text, len);
	if (err)
		return comm_fail(c, err, "envelope: %s",
				 parley_did_err_string(err));

	err = find_members(&jws);
	if (err)
		goto out;
	err = decode_members(&jws);
	if (err)
		goto out;
	err = check_header(&jws);
	if (err)
		goto out;
	err = comm_message_parse(&message, jws.message, jws.message_len);
	if (err)
		goto out;
	err = check_from(message.from, jws.kid);
	if (err)
		goto out;
	err = verify(&jws, message.from);
	if (err)
		goto out;
	kid = strdup(jws.kid);
	if (!kid) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}

	s->message = message;
	s->payload = jws.message;
	s->payload_len = jws.message_len;
	s->kid = kid;
	s->alg = jws.alg;
	s->signer = message.from;
	/* taken over by s */
	message = (struct comm_message){0};
	jws.message = NULL;
out:
	comm_message_wipe(&message);
	wipe_jws(&jws);
	return err;
}

int comm_signed_open(struct comm_signed *s, const char *text, size_t len)
{
	return comm_signed_open_known(s, text, len, NULL, NULL);
}

int comm_signed_open_by(struct parley_comm *c, struct comm_signed *s,
			const char *text, size_t len)
{
	return open_signed(s, text, len, c, NULL, NULL);
}

int comm_signed_open_known(struct comm_signed *s, const char *text, size_t len,
			   comm_signed_key *find, const void *context)
{
	struct parley_comm c = {0};
	int err = open_signed(s, text, len, &c, find, context);

	comm_wipe(&c);
	return err;
}

void comm_signed_wipe(struct comm_signed *s)
{
	comm_message_wipe(&s->message);
	free(s->payload);
	free(s->kid);
	memset(s, 0, sizeof(*s));
}

/* The protected header; free() it. */
static char *encode_header(const char *alg)
{
	size_t len;
	char *json = comm_jose_print(
	    &len, "{\"typ\":\"" COMM_SIGNED_TYP "\",\"alg\":\"%s\"}", alg);
	char *text;

	if (!json)
		return NULL;
	text = comm_jose_encode(json, len);
	free(json);
	return text;
}

/* Is ${message} one that the owner of ${kid} may sign? */
static int check_own(const char *kid, const char *message, size_t message_len)
{
	struct comm_message m;
	int err;

	err = comm_message_parse(&m, message, message_len);
	if (err)
		return err;
	err = check_from(m.from, kid);
	comm_message_wipe(&m);
	return err;
}

int comm_signed_seal(char **textp, size_t *lenp, const char *message,
		     size_t message_len, const char *kid,
		     const struct did_pair *pair)
{
	const char *alg = did_key_info(pair->key.type)->alg;
	uint8_t sig[DID_PAIR_SIG_LEN];
	char sig_text[DID_BASE64_LEN(DID_PAIR_SIG_LEN) + 1];
	char *protected = NULL, *payload = NULL, *input = NULL, *text;
	size_t input_len, text_len;
	int err;

	/* Said before the work is done; what is added is checked at the end. */
	if (message_len > PARLEY_COMM_LEN_MAX ||
	    DID_BASE64_LEN(message_len) > PARLEY_COMM_LEN_MAX)
		return PARLEY_ERR_TOO_LARGE;
	if (!alg)
		return PARLEY_ERR_ARGUMENT;
	err = check_own(kid, message, message_len);
	if (err)
		return err;

	err = PARLEY_ERR_MEMORY;
	protected = encode_header(alg);
	payload = comm_jose_encode(message, message_len);
	if (!protected || !payload)
		goto out;
	input = join_signing_input(&input_len, protected, strlen(protected),
				   payload, DID_BASE64_LEN(message_len));
	if (!input)
		goto out;

	err = did_pair_sign(sig, pair, input, input_len);
	if (err)
		goto out;
	did_base64_encode(sig_text, sig, sizeof(sig));

	text = comm_jose_print(&text_len,
			       "{\"payload\":\"%s\",\"signatures\":["
			       "{\"protected\":\"%s\",\"signature\":\"%s\","
			       "\"header\":{\"kid\":\"%s\"}}]}",
			       payload, protected, sig_text, kid);
	err = PARLEY_ERR_MEMORY;
	if (!text)
		goto out;
	err = 0;
	if (text_len > PARLEY_COMM_LEN_MAX) {
		free(text);
		err = PARLEY_ERR_TOO_LARGE;
		goto out;
	}
	*textp = text;
	*lenp = text_len;
out:
	free(input);
	free(payload);
	free(protected);
	return err;
}

int parley_comm_signed_pack(char **envelopep, size_t *lenp,
			    const struct parley_identity *id,
			    const char *message, size_t message_len)
{
	return comm_signed_seal(envelopep, lenp, message, message_len,
				did_identity_kid(id), did_identity_pair(id));
}

int parley_comm_signed_unpack(char **messagep, size_t *lenp,
			      char signer[PARLEY_DID_SIZE],
			      const char *envelope, size_t envelope_len)
{
	struct comm_signed s;
	size_t signer_len;
	int err;

	err = did_secret_init();
	if (err)
		return err;
	err = comm_signed_open(&s, envelope, envelope_len);
	if (err)
		return err;

	signer_len = strlen(s.signer);
	if (signer_len >= PARLEY_DID_SIZE) {
		err = PARLEY_ERR_TOO_LARGE;
		goto out;
	}
	memcpy(signer, s.signer, signer_len + 1);
	*messagep = s.payload;
	*lenp = s.payload_len;
	s.payload = NULL; /* taken by the caller */
out:
	comm_signed_wipe(&s);
	return err;
}
