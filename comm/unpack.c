/*
 * One call unpacks: from whatever came in to a plaintext message, and who
 * signed, who sent, who could read (DIDComm v2.1, message_structure.md).
 *
 * Layers are opened from the outside.  What may be inside of what is one small
 * table; anything else is refused before it is opened.  When the plaintext is
 * there, its `from` and `to` must agree with every layer around it:
 *
 *   from  the DID of skid, and the DID that signed             ADDRESS
 *   to    holds the DID of the recipients' keys; there if signed and
 *         encrypted                                            ADDRESS
 *   both encryptions are for the same DID                      ADDRESS
 *   expected recipient, expires_time, from_prior               ADDRESS, EXPIRED
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "comm/comm.h"
#include "comm/encrypted.h"
#include "comm/jose.h"
#include "comm/message.h"
#include "comm/prior.h"
#include "comm/signed.h"
#include "did/secret.h"

enum kind {
	KIND_PLAIN,
	KIND_SIGNED,
	KIND_ENCRYPTED,
};

/* What has been opened so far. */
struct opening {
	struct parley_comm *c;
	const struct parley_comm_unpack *how;
	size_t len_max, values_max;
	struct comm_encrypted outer; /* the only, or the outer encryption */
	struct comm_encrypted inner; /* authcrypt in anoncrypt */
	struct comm_signed sig;
	struct comm_message m; /* if not signed */
	bool is_signed, is_outer, is_inner;
	const char *text; /* not opened yet; borrowed from the last layer */
	size_t len;
};

/*
 * What kind of message ${text} is, by its members, without parsing all of it:
 * the first member of the top level that says.
 */
static enum kind guess_kind(const char *text, size_t len)
{
	static const struct {
		const char *name;
		enum kind kind;
	} names[] = {
	    {"ciphertext", KIND_ENCRYPTED}, {"recipients", KIND_ENCRYPTED},
	    {"payload", KIND_SIGNED},	    {"signatures", KIND_SIGNED},
	    {"type", KIND_PLAIN},	    {"body", KIND_PLAIN},
	};
	size_t depth = 0, start;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '{' || text[i] == '[')
			depth++;
		else if ((text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		if (text[i] != '"')
			continue;
		start = ++i;
		while (i < len && text[i] != '"')
			i += text[i] == '\\' ? 2 : 1;
		if (depth != 1 || i >= len)
			continue;
		for (size_t j = i + 1; j < len; j++) {
			if (text[j] == ':')
				goto member;
			if (!strchr(" \t\r\n", text[j]))
				break;
		}
		continue;
	member:
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			if (strlen(names[j].name) == i - start &&
			    memcmp(names[j].name, text + start, i - start) == 0)
				return names[j].kind;
		}
	}
	return KIND_PLAIN;
}

static int check_limits(const struct opening *o)
{
	if (o->len > o->len_max)
		return comm_fail(o->c, PARLEY_ERR_TOO_LARGE,
				 "longer than %zu bytes", o->len_max);
	if (comm_jose_bound(o->text, o->len, o->values_max) != 0)
		return comm_fail(o->c, PARLEY_ERR_TOO_LARGE,
				 "more than %zu JSON values", o->values_max);
	return 0;
}

static int fail_nesting(const struct opening *o)
{
	return comm_fail(o->c, PARLEY_ERR_ENVELOPE,
			 "envelopes nested as DIDComm does not allow");
}

/*
 * DIDComm 2.1, "IANA Media Types": the combinations.  Outside an encryption
 * there may only be an anoncrypt around an authcrypt; inside a signature there
 * is only a plaintext.
 */
static int open_encrypted(struct opening *o)
{
	struct comm_encrypted e;
	int err;

	if (o->is_signed || o->is_inner ||
	    (o->is_outer && o->outer.sender_kid != NULL))
		return fail_nesting(o);
	err = comm_encrypted_open(o->c, &e, o->text, o->len);
	if (err)
		return err;
	o->text = e.content;
	o->len = e.content_len;
	if (!o->is_outer) {
		o->outer = e;
		o->is_outer = true;
		return 0;
	}
	o->inner = e;
	o->is_inner = true;
	/* anoncrypt in anoncrypt */
	return e.sender_kid == NULL ? fail_nesting(o) : 0;
}

static int open_signed(struct opening *o)
{
	int err;

	/* anoncrypt(authcrypt(sign)) and sign(sign) */
	if (o->is_inner || o->is_signed)
		return fail_nesting(o);
	err = comm_signed_open_by(o->c, &o->sig, o->text, o->len);
	if (err == 0)
		o->is_signed = true;
	return err;
}

/* Open all layers. */
static int open_layers(struct opening *o)
{
	int err;

	for (;;) {
		err = check_limits(o);
		if (err)
			return err;
		switch (guess_kind(o->text, o->len)) {
		case KIND_ENCRYPTED:
			err = open_encrypted(o);
			break;
		case KIND_SIGNED:
			/* which parses the plaintext as well */
			err = open_signed(o);
			if (err)
				return err;
			if (comm_jose_bound(o->sig.payload, o->sig.payload_len,
					    o->values_max) != 0)
				return comm_fail(o->c, PARLEY_ERR_TOO_LARGE,
						 "more than %zu JSON values",
						 o->values_max);
			return 0;
		case KIND_PLAIN:
			return comm_message_parse(&o->m, o->text, o->len);
		}
		if (err)
			return err;
	}
}

/* Is ${did} the DID of ${kid}? */
static bool is_did_of(const char *did, const char *kid)
{
	size_t did_len;

	return did != NULL && comm_kid_split(&did_len, kid) &&
	       strlen(did) == did_len && memcmp(did, kid, did_len) == 0;
}

static const struct comm_encrypted *innermost(const struct opening *o)
{
	if (o->is_inner)
		return &o->inner;
	return o->is_outer ? &o->outer : NULL;
}

/*
 * DIDComm 2.1, "Message Layer Addressing Consistency".  That signer and from
 * agree was seen when the signature was verified.
 */
static int check_addresses(const struct opening *o,
			   const struct comm_message *m)
{
	const struct comm_encrypted *e = innermost(o);

	if (e == NULL)
		return 0;
	if (e->sender_kid != NULL && !is_did_of(m->from, e->sender_kid))
		return comm_fail(o->c, PARLEY_ERR_ADDRESS,
				 "`from` is not the sender");
	if (o->is_inner && strcmp(o->inner.recipient, o->outer.recipient) != 0)
		return comm_fail(o->c, PARLEY_ERR_ADDRESS,
				 "the two encryptions are for different DIDs");
	/*
	 * "In the case where a message is both signed and encrypted, the
	 * inner (signed) JWM being signed MUST contain a to header."
	 */
	if (m->to == NULL && !o->is_signed)
		return 0;
	if (comm_message_addressed(m, e->recipient) != 0)
		return comm_fail(o->c, PARLEY_ERR_ADDRESS,
				 "`to` does not name whom it is encrypted to");
	return 0;
}

static int check_expected(const struct opening *o, const struct comm_message *m)
{
	const struct comm_encrypted *e = innermost(o);

	if (o->how->n_to == 0)
		return 0;
	for (size_t i = 0; i < o->how->n_to; i++) {
		const char *did = o->how->to[i];

		if (e != NULL ? strcmp(e->recipient, did) == 0
			      : comm_message_addressed(m, did) == 0)
			return 0;
	}
	return comm_fail(o->c, PARLEY_ERR_ADDRESS,
			 "for none of the expected recipients");
}

/* DIDComm 2.1, "DID Rotation". */
static int check_prior(const struct opening *o, const struct comm_message *m,
		       struct comm_prior *prior)
{
	int err;

	if (m->from_prior == NULL)
		return 0;
	/* "The message MUST be encrypted" */
	if (!o->is_outer)
		return comm_fail(o->c, PARLEY_ERR_ENVELOPE,
				 "from_prior in a message that is not "
				 "encrypted");
	err = comm_prior_verify(o->c, prior, m->from_prior, o->how->now);
	if (err)
		return err;
	if (prior->sub == NULL
		? m->from != NULL
		: m->from == NULL || strcmp(m->from, prior->sub) != 0)
		return comm_fail(o->c, PARLEY_ERR_ADDRESS,
				 "`from` is not sub of from_prior");
	/* Choice: who takes over a relationship must show that it is he. */
	if (prior->sub != NULL && !o->is_signed &&
	    innermost(o)->sender_kid == NULL)
		return comm_fail(o->c, PARLEY_ERR_ENVELOPE,
				 "from_prior without proof of `from`");
	return 0;
}

static enum parley_comm_layers name_layers(const struct opening *o)
{
	if (!o->is_outer)
		return o->is_signed ? PARLEY_COMM_SIGNED : PARLEY_COMM_PLAIN;
	if (o->is_inner)
		return PARLEY_COMM_ANONCRYPT_AUTHCRYPT;
	if (o->is_signed)
		return o->outer.sender_kid ? PARLEY_COMM_AUTHCRYPT_SIGNED
					   : PARLEY_COMM_ANONCRYPT_SIGNED;
	return o->outer.sender_kid ? PARLEY_COMM_AUTHCRYPT
				   : PARLEY_COMM_ANONCRYPT;
}

static char *did_of(const char *kid)
{
	size_t did_len;

	return comm_kid_split(&did_len, kid) ? strndup(kid, did_len) : NULL;
}

/* The last step: move everything to ${u}; nothing else can fail after it. */
static int fill_in(struct parley_comm_unpacked *u, struct opening *o,
		   struct comm_prior *prior)
{
	struct comm_encrypted *e = o->is_inner ? &o->inner : &o->outer;

	u->layers = name_layers(o);
	u->enc = (enum parley_comm_enc)o->outer.enc;
	u->inner_enc = (enum parley_comm_enc)e->enc;
	if (o->is_signed) {
		u->signer = strdup(o->sig.signer);
		if (u->signer == NULL)
			return PARLEY_ERR_MEMORY;
		u->signer_kid = o->sig.kid;
		u->signer_alg = o->sig.alg;
		u->message = o->sig.payload;
		u->message_len = o->sig.payload_len;
		o->sig.kid = o->sig.payload = NULL;
	} else if (o->is_outer) {
		u->message = e->content;
		u->message_len = e->content_len;
		e->content = NULL;
	} else {
		u->message = strndup(o->text, o->len);
		u->message_len = o->len;
		if (u->message == NULL)
			return PARLEY_ERR_MEMORY;
	}
	if (o->is_outer && e->sender_kid != NULL) {
		u->sender = did_of(e->sender_kid);
		if (u->sender == NULL)
			return PARLEY_ERR_MEMORY;
		u->sender_kid = e->sender_kid;
		e->sender_kid = NULL;
	}
	u->recipient = e->recipient;
	u->recipient_kids = e->kids;
	u->n_recipient_kids = e->n_kids;
	u->read_by = e->read_by;
	e->recipient = e->read_by = NULL;
	e->kids = NULL;
	e->n_kids = 0;
	u->ended = prior->iss != NULL && prior->sub == NULL;
	u->prior = prior->iss;
	u->prior_kid = prior->kid;
	u->prior_time = prior->iat;
	prior->iss = prior->kid = NULL;
	return 0;
}

int parley_comm_unpack(struct parley_comm *comm,
		       struct parley_comm_unpacked *unpacked,
		       const char *envelope, size_t len,
		       const struct parley_comm_unpack *how)
{
	static const struct parley_comm_unpack defaults = {0};
	struct opening o = {.c = comm,
			    .how = how ? how : &defaults,
			    .text = envelope,
			    .len = len};
	struct parley_comm_unpacked u = {0};
	struct comm_prior prior = {.iat = -1};
	const struct comm_message *m;
	int err = comm_begin(comm);

	if (err)
		return err;
	o.len_max = PARLEY_COMM_LEN_MAX;
	if (o.how->len_max > 0 && o.how->len_max < o.len_max)
		o.len_max = o.how->len_max;
	o.values_max = PARLEY_COMM_VALUES_MAX;
	if (o.how->values_max > 0 && o.how->values_max < o.values_max)
		o.values_max = o.how->values_max;

	err = open_layers(&o);
	if (err)
		goto out;
	m = o.is_signed ? &o.sig.message : &o.m;
	if ((err = check_addresses(&o, m)) != 0 ||
	    (err = check_expected(&o, m)) != 0)
		goto out;
	if (o.how->now > 0 && (err = comm_message_fresh(m, o.how->now)) != 0) {
		comm_fail(comm, err, "expires_time is past");
		goto out;
	}
	err = check_prior(&o, m, &prior);
	if (err)
		goto out;
	err = fill_in(&u, &o, &prior);
	if (err)
		goto out;
	*unpacked = u;
	u = (struct parley_comm_unpacked){0};
out:
	parley_comm_unpacked_wipe(&u);
	comm_prior_wipe(&prior);
	comm_message_wipe(&o.m);
	comm_signed_wipe(&o.sig);
	comm_encrypted_wipe(&o.inner);
	comm_encrypted_wipe(&o.outer);
	return err;
}

void parley_comm_unpacked_wipe(struct parley_comm_unpacked *u)
{
	if (u->message != NULL)
		did_secret_wipe(u->message, u->message_len);
	free(u->message);
	free(u->signer);
	free(u->signer_kid);
	free(u->sender);
	free(u->sender_kid);
	free(u->recipient);
	for (size_t i = 0; i < u->n_recipient_kids; i++)
		free(u->recipient_kids[i]);
	free(u->recipient_kids);
	free(u->read_by);
	free(u->prior);
	free(u->prior_kid);
	memset(u, 0, sizeof(*u));
}
