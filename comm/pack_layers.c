/*
 * From a plaintext message to an envelope, layer by layer from the inside
 * (DIDComm v2.1, message_structure.md, encryption.md).
 *
 * The invariant: an envelope is never made that parley_comm_unpack() at the
 * other end would refuse, so `from` and `to` are held against the keys here,
 * too.
 */
#include "comm/pack_layers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "comm/comm.h"
#include "comm/encrypted.h"
#include "comm/encrypted_seal.h"
#include "comm/message.h"
#include "comm/signed.h"
#include "did/did.h"
#include "did/secret.h"

/* What one call of pack works with. */
struct packing {
	struct parley_comm *c;
	const struct parley_comm_pack *how;
	struct comm_message m;
	const struct did_method *methods[DID_DOCUMENT_METHODS_MAX];
	size_t n_methods;
	size_t to_len; /* of the DID in how->to */
	const struct comm_own_key *sender;
};

static bool has_signature(enum parley_comm_layers layers)
{
	return layers == PARLEY_COMM_SIGNED ||
	       layers == PARLEY_COMM_ANONCRYPT_SIGNED;
}

static bool has_sender(enum parley_comm_layers layers)
{
	return layers == PARLEY_COMM_AUTHCRYPT ||
	       layers == PARLEY_COMM_ANONCRYPT_AUTHCRYPT;
}

static bool agrees(enum did_key_type type)
{
	return type == DID_KEY_X25519 || type == DID_KEY_P256 ||
	       type == DID_KEY_P384 || type == DID_KEY_P521;
}

/*
 * Our key ${kid}, or with NULL the first, among those that the document of
 * `from` lists for ${relation}; of ${type}, or with -1 of any.
 */
static int find_own(const struct packing *p, const struct comm_own_key **ownp,
		    const char *kid, enum did_relation relation, int type)
{
	const struct did_document *doc;
	int err = comm_document(p->c, &doc, p->m.from, strlen(p->m.from));

	if (err)
		return err;
	*ownp = NULL;
	for (size_t i = 0; i < doc->n_methods && *ownp == NULL; i++) {
		const struct did_method *method = &doc->methods[i];

		if ((method->relations & relation) &&
		    (type < 0 || (int)method->key.type == type) &&
		    (kid == NULL || strcmp(method->id, kid) == 0))
			*ownp = comm_own_key(p->c, method->id);
	}
	return 0;
}

/* Is `from` the DID of ${kid}? */
static bool is_from(const struct packing *p, const char *kid)
{
	size_t did_len;

	return comm_kid_split(&did_len, kid) && strlen(p->m.from) == did_len &&
	       memcmp(p->m.from, kid, did_len) == 0;
}

/* The keys of ${doc} of type ${type}, and with ${kid} only that one. */
static size_t find_methods(const struct did_method **methods,
			   const struct did_document *doc,
			   enum did_key_type type, const char *kid)
{
	size_t n = 0;

	for (size_t i = 0; i < doc->n_methods; i++) {
		const struct did_method *method = &doc->methods[i];

		if ((method->relations & DID_RELATION_KEY_AGREEMENT) &&
		    method->key.type == type &&
		    n < PARLEY_COMM_RECIPIENTS_MAX &&
		    (kid == NULL || strcmp(method->id, kid) == 0))
			methods[n++] = method;
	}
	return n;
}

/*
 * Whose keys: the first type in the recipient's document that can be used, and
 * all keys of that type.  DIDComm 2.1, "Multiplexed Encrypted Message": one
 * message for all keys of a DID on one curve.
 */
static int choose_keys(struct packing *p)
{
	const char *to = p->how->to, *fragment;
	const struct did_document *doc;
	bool any = false;
	int err;

	if (to == NULL || did_url_split(&p->to_len, &fragment, to) != 0)
		return comm_fail(p->c, PARLEY_ERR_ARGUMENT,
				 "the recipient is no DID or key id");
	err = comm_document(p->c, &doc, to, p->to_len);
	if (err)
		return err;
	for (size_t i = 0; i < doc->n_methods; i++) {
		enum did_key_type type = doc->methods[i].key.type;

		if (!agrees(type) ||
		    !(doc->methods[i].relations & DID_RELATION_KEY_AGREEMENT))
			continue;
		p->n_methods =
		    find_methods(p->methods, doc, type, fragment ? to : NULL);
		if (p->n_methods == 0)
			continue;
		any = true;
		if (!has_sender(p->how->layers))
			return 0;
		err = find_own(p, &p->sender, p->how->sender,
			       DID_RELATION_KEY_AGREEMENT, (int)type);
		if (err || p->sender != NULL)
			return err;
	}
	if (!any)
		return comm_fail(p->c, PARLEY_ERR_KID,
				 "the recipient has no such agreement key");
	return comm_fail(p->c, PARLEY_ERR_NOT_FOUND,
			 "no agreement key of ours on a curve of the "
			 "recipient");
}

/* Does `to` hold the recipient?  Absent will do unless also signed. */
static int check_to(const struct packing *p)
{
	char *did;
	int err;

	if (p->m.to == NULL && !has_signature(p->how->layers))
		return 0;
	did = strndup(p->how->to, p->to_len);
	if (did == NULL)
		return PARLEY_ERR_MEMORY;
	err = comm_message_addressed(&p->m, did);
	free(did);
	return err ? comm_fail(p->c, err, "`to` does not name the recipient")
		   : 0;
}

/* Encrypt ${*textp} and put the envelope in its place. */
static int encrypt(struct packing *p, char **textp, size_t *lenp,
		   const struct comm_own_key *sender, enum comm_crypto_enc enc)
{
	struct comm_encrypted_to to = {
	    .methods = p->methods,
	    .n_methods = p->n_methods,
	    .sender = sender,
	    .enc = enc,
	};
	char *text;
	size_t len;
	int err;

	err = comm_encrypted_seal(p->c, &text, &len, *textp, *lenp, &to);
	if (err)
		return err;
	did_secret_wipe(*textp, *lenp);
	free(*textp);
	*textp = text;
	*lenp = len;
	return 0;
}

static int sign(struct packing *p, char **textp, size_t *lenp)
{
	const struct comm_own_key *own;
	char *text;
	size_t len;
	int err;

	if (p->m.from == NULL ||
	    (p->how->signer != NULL && !is_from(p, p->how->signer)))
		return comm_fail(p->c, PARLEY_ERR_ADDRESS,
				 "`from` is not the signer");
	err =
	    find_own(p, &own, p->how->signer, DID_RELATION_AUTHENTICATION, -1);
	if (err)
		return err;
	if (own == NULL)
		return comm_fail(p->c, PARLEY_ERR_NOT_FOUND,
				 "no signing key of ours");
	err = comm_signed_seal(&text, &len, *textp, *lenp, own->kid, own->pair);
	if (err)
		return err;
	did_secret_wipe(*textp, *lenp);
	free(*textp);
	*textp = text;
	*lenp = len;
	return 0;
}

static int encrypt_layers(struct packing *p, char **textp, size_t *lenp)
{
	enum parley_comm_layers layers = p->how->layers;
	enum comm_crypto_enc enc = (enum comm_crypto_enc)p->how->enc;
	int err;

	if (has_sender(layers)) {
		err = encrypt(p, textp, lenp, p->sender,
			      COMM_CRYPTO_A256CBC_HS512);
		if (err || layers == PARLEY_COMM_AUTHCRYPT)
			return err;
	}
	return encrypt(p, textp, lenp, NULL, enc);
}

static int pack_message(struct packing *p, char **textp, size_t *lenp)
{
	enum parley_comm_layers layers = p->how->layers;
	bool encrypted =
	    layers != PARLEY_COMM_PLAIN && layers != PARLEY_COMM_SIGNED;
	int err;

	/* DIDComm 2.1, "DID Rotation": "The message MUST be encrypted" */
	if (p->m.from_prior != NULL && !encrypted)
		return comm_fail(p->c, PARLEY_ERR_ARGUMENT,
				 "from_prior in a message that is not "
				 "encrypted");
	if (encrypted) {
		if (has_sender(layers) &&
		    (p->m.from == NULL ||
		     (p->how->sender != NULL && !is_from(p, p->how->sender))))
			return comm_fail(p->c, PARLEY_ERR_ADDRESS,
					 "`from` is not the sender");
		err = choose_keys(p);
		if (err)
			return err;
		err = check_to(p);
		if (err)
			return err;
	}
	if (has_signature(layers)) {
		err = sign(p, textp, lenp);
		if (err)
			return err;
	}
	return encrypted ? encrypt_layers(p, textp, lenp) : 0;
}

static int check_how(struct parley_comm *c, const struct parley_comm_pack *how)
{
	if ((int)how->layers < 0 ||
	    how->layers > PARLEY_COMM_AUTHCRYPT_SIGNED || (int)how->enc < 0 ||
	    how->enc > PARLEY_COMM_XC20P)
		return comm_fail(c, PARLEY_ERR_ARGUMENT,
				 "no such layers or enc");
	if (how->layers == PARLEY_COMM_AUTHCRYPT_SIGNED)
		return comm_fail(c, PARLEY_ERR_ARGUMENT,
				 "authcrypt of signed SHOULD NOT be sent");
	if (how->layers == PARLEY_COMM_AUTHCRYPT &&
	    how->enc != PARLEY_COMM_A256CBC_HS512)
		return comm_fail(c, PARLEY_ERR_ARGUMENT,
				 "authcrypt takes A256CBC-HS512 only");
	return 0;
}

int comm_pack_layers(struct parley_comm *c, char **envelopep, size_t *lenp,
		     const char *message, size_t message_len,
		     const struct parley_comm_pack *how)
{
	struct packing p = {.c = c, .how = how};
	char *text = NULL;
	size_t len = message_len;
	int err = check_how(c, how);

	if (err)
		return err;
	err = comm_message_parse(&p.m, message, message_len);
	if (err)
		return err;
	text = malloc(message_len + 1);
	if (text == NULL) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	memcpy(text, message, message_len);
	text[message_len] = '\0';

	err = pack_message(&p, &text, &len);
	if (err)
		goto out;
	*envelopep = text;
	*lenp = len;
	text = NULL;
out:
	if (text != NULL)
		did_secret_wipe(text, len);
	free(text);
	comm_message_wipe(&p.m);
	return err;
}
