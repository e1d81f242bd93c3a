/*
 * Agreements: PROTOCOL section 2.
 *
 * Parsing is strict and ends before anything is used.  Hashes are taken over
 * deterministic CBOR written with libcbor's head encoders, which give the
 * shortest form; its item trees are not used (they are not canonical).
 * An agreement does not change once it is made, so hash and field digests
 * are computed then, too.
 */
#include "session/agreement.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cbor.h>
#include <sodium.h>

#include "did/base64.h"
#include "did/json.h"
#include "did/secret.h"

#define AGREEMENT_TYPE "agreement/1"

struct digest {
	char *label;
	uint8_t bytes[SESSION_AGREEMENT_DIGEST_LEN];
	char hex[2 * SESSION_AGREEMENT_DIGEST_LEN + 1];
};

enum parameter_type { PARAMETER_TEXT, PARAMETER_INTEGER, PARAMETER_BOOLEAN };

struct parameter {
	char *name;
	char *text;
	int64_t integer;
	enum parameter_type type;
};

struct party {
	char *did;
	char *name;
	size_t n_endpoints;
	char *endpoints[PARLEY_AGREEMENT_ENDPOINTS_MAX];
	struct did_key key;
};

struct parley_agreement {
	uint8_t id[PARLEY_AGREEMENT_ID_LEN];
	char *name;
	int64_t created;
	int64_t expires; /* 0: never */
	char *program;
	char *version;
	size_t n_digests;
	struct digest *digests; /* sorted by label */
	unsigned threshold;
	size_t n_parameters;
	struct parameter *parameters; /* sorted by name */
	size_t n_parties;
	struct party *parties;

	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	json_t *fields;
};

/* A growing byte string.  Failure sticks; the bytes are then freed. */
struct buffer {
	uint8_t *p;
	size_t len;
	size_t size;
	bool failed;
};

static void buffer_add(struct buffer *b, const void *p, size_t len)
{
	if (b->failed)
		return;
	if (len > b->size - b->len) {
		size_t size = 2 * b->size + len + 256;
		uint8_t *grown = realloc(b->p, size);

		if (!grown) {
			b->failed = true;
			return;
		}
		b->p = grown;
		b->size = size;
	}
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

/* CBOR, RFC 8949 4.2.1; one function for each kind that occurs. */

static void put_array(struct buffer *b, size_t n)
{
	uint8_t head[9];

	buffer_add(b, head, cbor_encode_array_start(n, head, sizeof(head)));
}

static void put_int(struct buffer *b, int64_t v)
{
	uint8_t head[9];
	size_t len =
	    v >= 0 ? cbor_encode_uint((uint64_t)v, head, sizeof(head))
		   : cbor_encode_negint((uint64_t)(-1 - v), head, sizeof(head));

	buffer_add(b, head, len);
}

static void put_bool(struct buffer *b, bool v)
{
	uint8_t head[9];

	buffer_add(b, head, cbor_encode_bool(v, head, sizeof(head)));
}

static void put_text(struct buffer *b, const char *text)
{
	uint8_t head[9];
	size_t len = strlen(text);

	buffer_add(b, head, cbor_encode_string_start(len, head, sizeof(head)));
	buffer_add(b, text, len);
}

static void put_bytes(struct buffer *b, const uint8_t *p, size_t len)
{
	uint8_t head[9];

	buffer_add(b, head,
		   cbor_encode_bytestring_start(len, head, sizeof(head)));
	buffer_add(b, p, len);
}

static void put_parameter_value(struct buffer *b, const struct parameter *p)
{
	switch (p->type) {
	case PARAMETER_TEXT:
		put_text(b, p->text);
		break;
	case PARAMETER_INTEGER:
		put_int(b, p->integer);
		break;
	case PARAMETER_BOOLEAN:
		put_bool(b, p->integer != 0);
		break;
	}
}

static void put_endpoints(struct buffer *b, const struct party *p)
{
	put_array(b, p->n_endpoints);
	for (size_t i = 0; i < p->n_endpoints; i++)
		put_text(b, p->endpoints[i]);
}

/* PROTOCOL 2.2, agreement = [...]. */
static void put_agreement(struct buffer *b, const struct parley_agreement *a)
{
	put_array(b, 10);
	put_text(b, "parley agreement");
	put_int(b, 1);
	put_bytes(b, a->id, sizeof(a->id));
	put_text(b, a->name);
	put_int(b, a->created);
	put_int(b, a->expires);

	put_array(b, 3);
	put_text(b, a->program);
	put_text(b, a->version);
	put_array(b, a->n_digests);
	for (size_t i = 0; i < a->n_digests; i++) {
		put_array(b, 2);
		put_text(b, a->digests[i].label);
		put_bytes(b, a->digests[i].bytes, SESSION_AGREEMENT_DIGEST_LEN);
	}

	put_int(b, a->threshold);

	put_array(b, a->n_parameters);
	for (size_t i = 0; i < a->n_parameters; i++) {
		put_array(b, 2);
		put_text(b, a->parameters[i].name);
		put_parameter_value(b, &a->parameters[i]);
	}

	put_array(b, a->n_parties);
	for (size_t i = 0; i < a->n_parties; i++) {
		put_array(b, 3);
		put_text(b, a->parties[i].did);
		put_text(b, a->parties[i].name);
		put_endpoints(b, &a->parties[i]);
	}
}

/* Field digests */

/* PROTOCOL 2.2: H(CBOR ["parley field", 1, path, value])[0..8]. */
static void field_begin(struct buffer *b, const char *path)
{
	b->len = 0;
	put_array(b, 4);
	put_text(b, "parley field");
	put_int(b, 1);
	put_text(b, path);
}

static void field_digest(uint8_t digest[SESSION_FIELD_DIGEST_LEN],
			 const struct buffer *b)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, b->p, b->len);
	memcpy(digest, hash, SESSION_FIELD_DIGEST_LEN);
}

static void field_set(json_t *fields, struct buffer *b, const char *path,
		      const uint8_t *digest, size_t len)
{
	char *text = malloc(DID_BASE64_LEN(len) + 1);

	if (!text) {
		b->failed = true;
		return;
	}
	did_base64_encode(text, digest, len);
	if (json_object_set_new(fields, path, json_string(text)))
		b->failed = true;
	free(text);
}

static void field_end(json_t *fields, struct buffer *b, const char *path)
{
	uint8_t digest[SESSION_FIELD_DIGEST_LEN];

	if (b->failed)
		return;
	field_digest(digest, b);
	field_set(fields, b, path, digest, sizeof(digest));
}

static void field_text(json_t *fields, struct buffer *b, const char *path,
		       const char *text)
{
	field_begin(b, path);
	put_text(b, text);
	field_end(fields, b, path);
}

static void field_int(json_t *fields, struct buffer *b, const char *path,
		      int64_t v)
{
	field_begin(b, path);
	put_int(b, v);
	field_end(fields, b, path);
}

/* What of the roster is digested under one path, in order to name it. */
enum roster_part { ROSTER_DID, ROSTER_NAME, ROSTER_ENDPOINTS, ROSTER_N_PARTS };

static const char *const roster_part_name[ROSTER_N_PARTS] = {"did", "name",
							     "endpoints"};

/* The concatenated digests of one part over all parties. */
static void field_roster(json_t *fields, struct buffer *b,
			 const struct parley_agreement *a,
			 enum roster_part part)
{
	char path[SESSION_FIELD_PATH_SIZE];
	uint8_t *digests;

	digests = malloc(a->n_parties * SESSION_FIELD_DIGEST_LEN);
	if (!digests) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < a->n_parties && !b->failed; i++) {
		const struct party *p = &a->parties[i];

		snprintf(path, sizeof(path), "parties[%zu].%s", i,
			 roster_part_name[part]);
		field_begin(b, path);
		if (part == ROSTER_ENDPOINTS)
			put_endpoints(b, p);
		else
			put_text(b, part == ROSTER_DID ? p->did : p->name);
		if (!b->failed)
			field_digest(digests + i * SESSION_FIELD_DIGEST_LEN, b);
	}
	snprintf(path, sizeof(path), "parties.%s", roster_part_name[part]);
	if (!b->failed)
		field_set(fields, b, path, digests,
			  a->n_parties * SESSION_FIELD_DIGEST_LEN);
	free(digests);
}

static json_t *make_fields(const struct parley_agreement *a)
{
	struct buffer b = {0};
	char path[SESSION_FIELD_PATH_SIZE];
	json_t *fields = json_object();

	if (!fields)
		return NULL;
	field_text(fields, &b, "name", a->name);
	field_int(fields, &b, "created", a->created);
	field_int(fields, &b, "expires", a->expires);
	field_text(fields, &b, "program.name", a->program);
	field_text(fields, &b, "program.version", a->version);
	for (size_t i = 0; i < a->n_digests; i++) {
		snprintf(path, sizeof(path), "program.digests.%s",
			 a->digests[i].label);
		field_begin(&b, path);
		put_bytes(&b, a->digests[i].bytes,
			  SESSION_AGREEMENT_DIGEST_LEN);
		field_end(fields, &b, path);
	}
	field_int(fields, &b, "threshold", a->threshold);
	for (size_t i = 0; i < a->n_parameters; i++) {
		snprintf(path, sizeof(path), "parameters.%s",
			 a->parameters[i].name);
		field_begin(&b, path);
		put_parameter_value(&b, &a->parameters[i]);
		field_end(fields, &b, path);
	}
	for (int part = 0; part < ROSTER_N_PARTS; part++)
		field_roster(fields, &b, a, (enum roster_part)part);
	free(b.p);
	if (b.failed) {
		json_decref(fields);
		return NULL;
	}
	return fields;
}

static int finish(struct parley_agreement *a)
{
	struct buffer b = {0};

	put_agreement(&b, a);
	if (!b.failed)
		crypto_hash_sha256(a->hash, b.p, b.len);
	free(b.p);
	a->fields = make_fields(a);
	return b.failed || !a->fields ? PARLEY_ERR_MEMORY : 0;
}

/*
 * Parsing
 */

/* What is being parsed, and where its error sentence goes. */
struct parser {
	char **errp;
};

__attribute__((format(printf, 3, 4))) static int fail(struct parser *ps,
						      int err,
						      const char *format, ...)
{
	va_list ap;

	if (!ps->errp)
		return err;
	va_start(ap, format);
	if (vasprintf(ps->errp, format, ap) < 0)
		*ps->errp = NULL;
	va_end(ap);
	return err;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static bool is_label(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= SESSION_AGREEMENT_LABEL_MAX &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._-") == len;
}

/*
 * Copy the text ${v} of the member ${name} to ${*dst}.  Absent is "" unless
 * ${required}; a present one has 1 to ${max} bytes.
 */
static int take_text(char **dst, struct parser *ps, const json_t *v,
		     const char *name, size_t max, bool required)
{
	const char *text = v ? json_string_value(v) : "";

	if (!v && required)
		return fail(ps, PARLEY_ERR_FORMAT, "%s is missing", name);
	if (!text)
		return fail(ps, PARLEY_ERR_FORMAT, "%s must be a string", name);
	if (v && (*text == '\0' || strlen(text) > max || has_control(text)))
		return fail(
		    ps, PARLEY_ERR_FORMAT,
		    "%s must be 1 to %zu bytes without control characters",
		    name, max);
	*dst = strdup(text);
	return *dst ? 0 : PARLEY_ERR_MEMORY;
}

static int take_int(int64_t *dst, struct parser *ps, const json_t *v,
		    const char *name, int64_t max, bool required)
{
	if (!v && !required) {
		*dst = 0;
		return 0;
	}
	if (!v)
		return fail(ps, PARLEY_ERR_FORMAT, "%s is missing", name);
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > max)
		return fail(ps, PARLEY_ERR_FORMAT,
			    "%s must be an integer from 0 to %" PRId64, name,
			    max);
	*dst = json_integer_value(v);
	return 0;
}

/* Refuse members of ${object} that are not in the list ${known}. */
static int check_members(struct parser *ps, const json_t *object,
			 const char *where, const char *const *known)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)object);

	for (; iter;
	     iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
		const char *key = json_object_iter_key(iter);
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return fail(ps, PARLEY_ERR_FORMAT,
				    "%s has an unknown member '%.40s'", where,
				    has_control(key) ? "?" : key);
	}
	return 0;
}

static int parse_id(struct parley_agreement *a, struct parser *ps,
		    const json_t *root)
{
	const char *id = did_json_string(root, "id");

	if (!id ||
	    did_base64_decode_exact(a->id, sizeof(a->id), id, strlen(id)))
		return fail(ps, PARLEY_ERR_FORMAT,
			    "id must be 16 bytes in base64url");
	return 0;
}

static int by_label(const void *a, const void *b)
{
	return strcmp(((const struct digest *)a)->label,
		      ((const struct digest *)b)->label);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct parameter *)a)->name,
		      ((const struct parameter *)b)->name);
}

static int parse_digest(struct digest *d, struct parser *ps, const char *label,
			const json_t *v)
{
	static const char prefix[] = "sha256:";
	const char *text = json_string_value(v);
	size_t len;

	if (!is_label(label))
		return fail(
		    ps, PARLEY_ERR_FORMAT,
		    "program.digests: a label must be 1 to 64 of A-Za-z0-9._-");
	if (!text || strncmp(text, prefix, strlen(prefix)) != 0 ||
	    strspn(text + strlen(prefix), "0123456789abcdef") !=
		2 * SESSION_AGREEMENT_DIGEST_LEN ||
	    strlen(text) != strlen(prefix) + 2 * SESSION_AGREEMENT_DIGEST_LEN)
		return fail(
		    ps, PARLEY_ERR_FORMAT,
		    "program.digests.%s must be 'sha256:' and 64 lower-case "
		    "hexadecimal digits",
		    label);
	if (sodium_hex2bin(d->bytes, sizeof(d->bytes), text + strlen(prefix),
			   2 * SESSION_AGREEMENT_DIGEST_LEN, NULL, &len, NULL))
		return PARLEY_ERR_INTERNAL;
	memcpy(d->hex, text + strlen(prefix), sizeof(d->hex));
	d->label = strdup(label);
	return d->label ? 0 : PARLEY_ERR_MEMORY;
}

static int parse_program(struct parley_agreement *a, struct parser *ps,
			 const json_t *root)
{
	static const char *const known[] = {"name", "version", "digests", NULL};
	json_t *program = json_object_get(root, "program"), *digests, *v;
	const char *label;
	int err;

	if (program && !json_is_object(program))
		return fail(ps, PARLEY_ERR_FORMAT, "program must be an object");
	digests = json_object_get(program, "digests");
	if (digests && !json_is_object(digests))
		return fail(ps, PARLEY_ERR_FORMAT,
			    "program.digests must be an object");
	if ((program && (err = check_members(ps, program, "program", known))) ||
	    (err = take_text(&a->program, ps, json_object_get(program, "name"),
			     "program.name", SESSION_AGREEMENT_NAME_MAX,
			     program != NULL)) ||
	    (err = take_text(
		 &a->version, ps, json_object_get(program, "version"),
		 "program.version", SESSION_AGREEMENT_NAME_MAX, false)))
		return err;
	if (json_object_size(digests) > SESSION_AGREEMENT_PARAMETERS_MAX)
		return fail(ps, PARLEY_ERR_TOO_LARGE,
			    "program.digests has more than %d members",
			    SESSION_AGREEMENT_PARAMETERS_MAX);
	a->digests = calloc(json_object_size(digests) + 1, sizeof(*a->digests));
	if (!a->digests)
		return PARLEY_ERR_MEMORY;
	json_object_foreach(digests, label, v)
	{
		err = parse_digest(&a->digests[a->n_digests++], ps, label, v);
		if (err)
			return err;
	}
	qsort(a->digests, a->n_digests, sizeof(*a->digests), by_label);
	return 0;
}

static int parse_parameter(struct parameter *p, struct parser *ps,
			   const char *name, const json_t *v)
{
	const int64_t max = (INT64_C(1) << 53) - 1;
	int n = 0;

	if (!is_label(name))
		return fail(
		    ps, PARLEY_ERR_FORMAT,
		    "parameters: a name must be 1 to 64 of A-Za-z0-9._-");
	if (json_is_string(v) && !has_control(json_string_value(v))) {
		p->type = PARAMETER_TEXT;
		p->text = strdup(json_string_value(v));
	} else if (json_is_boolean(v)) {
		p->type = PARAMETER_BOOLEAN;
		p->integer = json_is_true(v);
		p->text = strdup(p->integer ? "true" : "false");
	} else if (json_is_integer(v) && json_integer_value(v) >= -max &&
		   json_integer_value(v) <= max) {
		p->type = PARAMETER_INTEGER;
		p->integer = json_integer_value(v);
		n = asprintf(&p->text, "%" PRId64, p->integer);
	} else {
		return fail(
		    ps, PARLEY_ERR_FORMAT,
		    "parameters.%s must be a string without control "
		    "characters, an integer of at most 53 bits, or a boolean",
		    name);
	}
	if (n < 0)
		p->text = NULL;
	p->name = strdup(name);
	return p->text && p->name ? 0 : PARLEY_ERR_MEMORY;
}

static int parse_parameters(struct parley_agreement *a, struct parser *ps,
			    const json_t *root)
{
	json_t *parameters = json_object_get(root, "parameters"), *v;
	const char *name;
	int err;

	if (parameters && !json_is_object(parameters))
		return fail(ps, PARLEY_ERR_FORMAT,
			    "parameters must be an object");
	if (json_object_size(parameters) > SESSION_AGREEMENT_PARAMETERS_MAX)
		return fail(ps, PARLEY_ERR_TOO_LARGE,
			    "parameters has more than %d members",
			    SESSION_AGREEMENT_PARAMETERS_MAX);
	a->parameters =
	    calloc(json_object_size(parameters) + 1, sizeof(*a->parameters));
	if (!a->parameters)
		return PARLEY_ERR_MEMORY;
	json_object_foreach(parameters, name, v)
	{
		err = parse_parameter(&a->parameters[a->n_parameters++], ps,
				      name, v);
		if (err)
			return err;
	}
	qsort(a->parameters, a->n_parameters, sizeof(*a->parameters), by_name);
	return 0;
}

/* "tcp://host:port": is it one? */
static bool is_endpoint(const char *s)
{
	const char *port;
	char *end;
	long n;

	if (strncmp(s, "tcp://", 6) != 0 || strlen(s) > 300)
		return false;
	s += 6;
	port = strrchr(s, ':');
	if (!port || port == s)
		return false;
	if (*s == '[') {
		if (port[-1] != ']' || port - s < 4 ||
		    strspn(s + 1, "0123456789abcdefABCDEF:.") !=
			(size_t)(port - s) - 2)
			return false;
	} else if (strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789._-") !=
		   (size_t)(port - s)) {
		return false;
	}
	port++;
	if (strspn(port, "0123456789") != strlen(port) || strlen(port) > 5 ||
	    *port == '0')
		return false;
	n = strtol(port, &end, 10);
	return end != port && n >= 1 && n <= 65535;
}

static int parse_endpoints(struct party *p, struct parser *ps,
			   const char *where, const json_t *list)
{
	size_t i;
	json_t *v;

	if (!list)
		return 0;
	if (!json_is_array(list) ||
	    json_array_size(list) > PARLEY_AGREEMENT_ENDPOINTS_MAX)
		return fail(ps, PARLEY_ERR_FORMAT,
			    "%s.endpoints must be a list of at most %d", where,
			    PARLEY_AGREEMENT_ENDPOINTS_MAX);
	json_array_foreach(list, i, v)
	{
		const char *text = json_string_value(v);

		if (!text || !is_endpoint(text))
			return fail(
			    ps, PARLEY_ERR_ENDPOINT,
			    "%s.endpoints[%zu] must be 'tcp://host:port'",
			    where, i);
		p->endpoints[i] = strdup(text);
		if (!p->endpoints[i])
			return PARLEY_ERR_MEMORY;
		p->n_endpoints++;
	}
	return 0;
}

static int parse_party(struct party *p, struct parser *ps, size_t index,
		       const json_t *v)
{
	static const char *const known[] = {"did", "name", "endpoints", NULL};
	char where[40], name[48];
	const char *did;
	int err;

	snprintf(where, sizeof(where), "parties[%zu]", index);
	snprintf(name, sizeof(name), "%s.name", where);
	if (!json_is_object(v))
		return fail(ps, PARLEY_ERR_FORMAT, "%s must be an object",
			    where);
	did = did_json_string(v, "did");
	if (!did)
		return fail(ps, PARLEY_ERR_FORMAT, "%s.did must be a string",
			    where);
	if ((err = check_members(ps, v, where, known)))
		return err;
	err = did_key_decode(&p->key, did, strlen(did));
	if (err)
		return fail(ps, err,
			    "%s.did is not a did:key that can be used "
			    "here: %s",
			    where, parley_did_err_string(err));
	if (did_key_info(p->key.type)->alg == NULL)
		return fail(ps, PARLEY_ERR_UNSUPPORTED,
			    "%s.did has a key that cannot sign", where);
	p->did = strdup(did);
	if (!p->did)
		return PARLEY_ERR_MEMORY;
	if ((err = take_text(&p->name, ps, json_object_get(v, "name"), name,
			     SESSION_AGREEMENT_PARTY_NAME_MAX, false)) ||
	    (err = parse_endpoints(p, ps, where,
				   json_object_get(v, "endpoints"))))
		return err;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct party *x = *(const struct party *const *)a;
	const struct party *y = *(const struct party *const *)b;

	if (x->key.type != y->key.type)
		return x->key.type < y->key.type ? -1 : 1;
	if (x->key.len != y->key.len)
		return x->key.len < y->key.len ? -1 : 1;
	return memcmp(x->key.bytes, y->key.bytes, x->key.len);
}

/* No key twice, and so no DID twice: one key has one did:key. */
static int check_unique(const struct parley_agreement *a, struct parser *ps)
{
	const struct party **sorted;
	int err = 0;

	sorted = malloc(a->n_parties * sizeof(const struct party *));
	if (!sorted)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < a->n_parties; i++)
		sorted[i] = &a->parties[i];
	qsort(sorted, a->n_parties, sizeof(const struct party *), by_key);
	for (size_t i = 1; i < a->n_parties && !err; i++)
		if (by_key(&sorted[i - 1], &sorted[i]) == 0)
			err = fail(ps, PARLEY_ERR_DUPLICATE,
				   "%s is in the roster twice", sorted[i]->did);
	free(sorted);
	return err;
}

/* PROTOCOL 7.1: a pair of which neither can be dialled cannot meet. */
static int check_reachable(const struct parley_agreement *a, struct parser *ps)
{
	const struct party *without = NULL;

	for (size_t i = 0; i < a->n_parties; i++) {
		if (a->parties[i].n_endpoints > 0)
			continue;
		if (without)
			return fail(
			    ps, PARLEY_ERR_ENDPOINT,
			    "parties[%zu] and parties[%zu] have no endpoint: "
			    "they could not meet",
			    (size_t)(without - a->parties), i);
		without = &a->parties[i];
	}
	return 0;
}

static int parse_parties(struct parley_agreement *a, struct parser *ps,
			 const json_t *root)
{
	json_t *parties = json_object_get(root, "parties"), *v;
	size_t i, n = json_array_size(parties);
	int err;

	if (!json_is_array(parties) || n < 2)
		return fail(ps, PARLEY_ERR_FORMAT,
			    "parties must be a list of at least two");
	if (n > PARLEY_AGREEMENT_PARTIES_MAX)
		return fail(ps, PARLEY_ERR_TOO_LARGE,
			    "parties has more than %d members",
			    PARLEY_AGREEMENT_PARTIES_MAX);
	a->parties = calloc(n, sizeof(*a->parties));
	if (!a->parties)
		return PARLEY_ERR_MEMORY;
	a->n_parties = n;
	json_array_foreach(parties, i, v)
	{
		err = parse_party(&a->parties[i], ps, i, v);
		if (err)
			return err;
	}
	err = check_unique(a, ps);
	return err ? err : check_reachable(a, ps);
}

static int parse_root(struct parley_agreement *a, struct parser *ps,
		      const json_t *root)
{
	static const char *const known[] = {
	    "parley",  "id",	    "name",	  "created", "expires",
	    "program", "threshold", "parameters", "parties", NULL};
	const int64_t time_max = (INT64_C(1) << 53) - 1;
	const char *type = did_json_string(root, "parley");
	int64_t threshold = 0;
	int err;

	if (!type || strcmp(type, AGREEMENT_TYPE) != 0)
		return fail(
		    ps, PARLEY_ERR_FORMAT,
		    "not an agreement: \"parley\" must be \"" AGREEMENT_TYPE
		    "\"");
	if ((err = check_members(ps, root, "the agreement", known)) ||
	    (err = parse_id(a, ps, root)) ||
	    (err = take_text(&a->name, ps, json_object_get(root, "name"),
			     "name", SESSION_AGREEMENT_NAME_MAX, true)) ||
	    (err = take_int(&a->created, ps, json_object_get(root, "created"),
			    "created", time_max, true)) ||
	    (err = take_int(&a->expires, ps, json_object_get(root, "expires"),
			    "expires", time_max, false)) ||
	    (err =
		 a->expires == 0 && json_object_get(root, "expires")
		     ? fail(
			   ps, PARLEY_ERR_FORMAT,
			   "expires must be at least 1; leave it out for never")
		     : 0) ||
	    (err = parse_program(a, ps, root)) ||
	    (err = parse_parameters(a, ps, root)) ||
	    (err = parse_parties(a, ps, root)) ||
	    (err = take_int(&threshold, ps, json_object_get(root, "threshold"),
			    "threshold", (int64_t)a->n_parties - 1, true)))
		return err;
	a->threshold = (unsigned)threshold;
	return 0;
}

int parley_session_agreement_parse(struct parley_agreement **ap, char **errp,
				   const char *json, size_t len)
{
	struct parser ps = {errp};
	struct parley_agreement *a = NULL;
	json_t *root = NULL;
	int err;

	if (errp)
		*errp = NULL;
	err = did_secret_init();
	if (err)
		return err;
	if (len > PARLEY_AGREEMENT_LEN_MAX)
		return fail(&ps, PARLEY_ERR_TOO_LARGE,
			    "the agreement has more than %d bytes",
			    PARLEY_AGREEMENT_LEN_MAX);
	err = did_json_parse(&root, json, len);
	if (err)
		return fail(&ps, err, "the agreement is %s",
			    parley_did_err_string(err));
	a = calloc(1, sizeof(*a));
	if (!a) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	if ((err = parse_root(a, &ps, root)) || (err = finish(a)))
		goto out;
	*ap = a;
	a = NULL;
out:
	parley_session_agreement_free(a);
	json_decref(root);
	return err;
}

/* Read all of ${fd} into ${*textp}, at most one byte over the limit. */
static int read_all(char **textp, size_t *lenp, int fd)
{
	size_t len = 0, size = PARLEY_AGREEMENT_LEN_MAX + 1;
	char *text = malloc(size);
	ssize_t n;

	if (!text)
		return PARLEY_ERR_MEMORY;
	while (len < size) {
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return PARLEY_ERR_SYSTEM;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*textp = text;
	*lenp = len;
	return 0;
}

int parley_session_agreement_load(struct parley_agreement **ap, char **errp,
				  const char *path)
{
	struct parser ps = {errp};
	char *text = NULL;
	size_t len;
	int fd, err;

	if (errp)
		*errp = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(&ps,
			    errno == ENOENT ? PARLEY_ERR_NOT_FOUND
					    : PARLEY_ERR_SYSTEM,
			    "cannot open '%s': %s", path, strerror(errno));
	err = read_all(&text, &len, fd);
	if (err)
		fail(&ps, err, "cannot read '%s': %s", path, strerror(errno));
	close(fd);
	if (!err)
		err = parley_session_agreement_parse(ap, errp, text, len);
	free(text);
	return err;
}

void parley_session_agreement_free(struct parley_agreement *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_digests; i++)
		free(a->digests[i].label);
	for (size_t i = 0; i < a->n_parameters; i++) {
		free(a->parameters[i].name);
		free(a->parameters[i].text);
	}
	for (size_t i = 0; i < a->n_parties; i++) {
		free(a->parties[i].did);
		free(a->parties[i].name);
		for (size_t j = 0; j < a->parties[i].n_endpoints; j++)
			free(a->parties[i].endpoints[j]);
	}
	free(a->digests);
	free(a->parameters);
	free(a->parties);
	free(a->name);
	free(a->program);
	free(a->version);
	json_decref(a->fields);
	did_secret_wipe(a->id, sizeof(a->id));
	free(a);
}

/*
 * Differences
 */

/* First party whose digest differs in the concatenation ${theirs}. */
static void diff_roster(char path[SESSION_FIELD_PATH_SIZE], const char *key,
			const char *mine, const char *theirs)
{
	uint8_t a[PARLEY_AGREEMENT_PARTIES_MAX * SESSION_FIELD_DIGEST_LEN];
	uint8_t b[sizeof(a)];
	size_t a_len, b_len, i = 0;

	snprintf(path, SESSION_FIELD_PATH_SIZE, "parties");
	if (did_base64_decode(a, sizeof(a), &a_len, mine, strlen(mine)) ||
	    did_base64_decode(b, sizeof(b), &b_len, theirs, strlen(theirs)) ||
	    a_len != b_len)
		return; /* another number of parties */
	while (i < a_len && a[i] == b[i])
		i++;
	snprintf(path, SESSION_FIELD_PATH_SIZE, "parties[%zu].%s",
		 i / SESSION_FIELD_DIGEST_LEN, key + strlen("parties."));
}

/* A foreign path, cut and cleaned of what paths do not have. */
static void copy_path(char path[SESSION_FIELD_PATH_SIZE], const char *foreign)
{
	size_t n = 0;

	for (; n < SESSION_FIELD_PATH_SIZE - 1 && foreign[n]; n++)
		path[n] =
		    foreign[n] > 0x20 && foreign[n] < 0x7f ? foreign[n] : '?';
	path[n] = '\0';
}

void session_agreement_diff(char path[SESSION_FIELD_PATH_SIZE],
			    const struct parley_agreement *a,
			    const json_t *fields)
{
	const char *key;
	json_t *mine;
	void *iter;

	path[0] = '\0';
	json_object_foreach(a->fields, key, mine)
	{
		const char *theirs = did_json_string(fields, key);

		if (theirs && strcmp(theirs, json_string_value(mine)) == 0)
			continue;
		if (theirs && strncmp(key, "parties.", 8) == 0)
			diff_roster(path, key, json_string_value(mine), theirs);
		else
			copy_path(path, key);
		return;
	}
	/* All of mine are there and equal; is there one more of theirs? */
	iter = json_object_iter((json_t *)(uintptr_t)fields);
	for (; iter;
	     iter = json_object_iter_next((json_t *)(uintptr_t)fields, iter)) {
		key = json_object_iter_key(iter);
		if (!json_object_get(a->fields, key)) {
			copy_path(path, key);
			return;
		}
	}
}

/*
 * Getters
 */

int session_agreement_cbor(uint8_t **cborp, size_t *lenp,
			   const struct parley_agreement *a)
{
	struct buffer b = {0};

	put_agreement(&b, a);
	if (b.failed) {
		free(b.p);
		return PARLEY_ERR_MEMORY;
	}
	*cborp = b.p;
	*lenp = b.len;
	return 0;
}

const uint8_t *session_agreement_id(const struct parley_agreement *a)
{
	return a->id;
}

const struct did_key *session_agreement_key(const struct parley_agreement *a,
					    size_t index)
{
	return &a->parties[index].key;
}

bool session_agreement_dials(const struct parley_agreement *a, size_t i,
			     size_t j)
{
	if (i < j)
		return a->parties[j].n_endpoints > 0;
	return a->parties[i].n_endpoints == 0;
}

const json_t *session_agreement_fields(const struct parley_agreement *a)
{
	return a->fields;
}

void parley_session_agreement_hash(const struct parley_agreement *a,
				   uint8_t hash[PARLEY_AGREEMENT_HASH_LEN])
{
	memcpy(hash, a->hash, PARLEY_AGREEMENT_HASH_LEN);
}

const char *parley_session_agreement_name(const struct parley_agreement *a)
{
	return a->name;
}

int64_t parley_session_agreement_created(const struct parley_agreement *a)
{
	return a->created;
}

int64_t parley_session_agreement_expires(const struct parley_agreement *a)
{
	return a->expires;
}

size_t parley_session_agreement_n_parties(const struct parley_agreement *a)
{
	return a->n_parties;
}

unsigned parley_session_agreement_threshold(const struct parley_agreement *a)
{
	return a->threshold;
}

const char *parley_session_agreement_program(const struct parley_agreement *a)
{
	return a->program;
}

const char *parley_session_agreement_program_version(
    const struct parley_agreement *a)
{
	return a->version;
}

const char *parley_session_agreement_digest(const struct parley_agreement *a,
					    const char *label)
{
	for (size_t i = 0; i < a->n_digests; i++)
		if (strcmp(a->digests[i].label, label) == 0)
			return a->digests[i].hex;
	return NULL;
}

const char *parley_session_agreement_parameter(const struct parley_agreement *a,
					       const char *name)
{
	for (size_t i = 0; i < a->n_parameters; i++)
		if (strcmp(a->parameters[i].name, name) == 0)
			return a->parameters[i].text;
	return NULL;
}

const char *parley_session_agreement_party_did(const struct parley_agreement *a,
					       size_t index)
{
	return index < a->n_parties ? a->parties[index].did : NULL;
}

const char *parley_session_agreement_party_name(
    const struct parley_agreement *a, size_t index)
{
	return index < a->n_parties ? a->parties[index].name : NULL;
}

const char *parley_session_agreement_party_endpoint(
    const struct parley_agreement *a, size_t index, size_t n)
{
	return index < a->n_parties && n < a->parties[index].n_endpoints
		   ? a->parties[index].endpoints[n]
		   : NULL;
}

int parley_session_agreement_index(const struct parley_agreement *a,
				   const char *did)
{
	for (size_t i = 0; i < a->n_parties; i++)
		if (strcmp(a->parties[i].did, did) == 0)
			return (int)i;
	return PARLEY_ERR_ROSTER;
}
