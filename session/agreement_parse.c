/*
 * Parsing agreements (PROTOCOL 2.1).
 *
 * It is strict and ends before anything is used.  Hash and field digests are
 * computed then, too, since an agreement does not change any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "did/base64.h"
#include "did/json.h"
#include "did/secret.h"
#include "session/agreement_cbor.h"
#include "session/agreement_fields.h"
#include "session/agreement_form.h"

#define AGREEMENT_TYPE "agreement/1"

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

/*
 * Members
 */

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
	return strcmp(((const struct session_agreement_digest *)a)->label,
		      ((const struct session_agreement_digest *)b)->label);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct session_agreement_parameter *)a)->name,
		      ((const struct session_agreement_parameter *)b)->name);
}

static int parse_digest(struct session_agreement_digest *d, struct parser *ps,
			const char *label, const json_t *v)
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

static int parse_parameter(struct session_agreement_parameter *p,
			   struct parser *ps, const char *name, const json_t *v)
{
	const int64_t max = (INT64_C(1) << 53) - 1;
	int n = 0;

	if (!is_label(name))
		return fail(
		    ps, PARLEY_ERR_FORMAT,
		    "parameters: a name must be 1 to 64 of A-Za-z0-9._-");
	if (json_is_string(v) && !has_control(json_string_value(v))) {
		p->type = SESSION_PARAMETER_TEXT;
		p->text = strdup(json_string_value(v));
	} else if (json_is_boolean(v)) {
		p->type = SESSION_PARAMETER_BOOLEAN;
		p->integer = json_is_true(v);
		p->text = strdup(p->integer ? "true" : "false");
	} else if (json_is_integer(v) && json_integer_value(v) >= -max &&
		   json_integer_value(v) <= max) {
		p->type = SESSION_PARAMETER_INTEGER;
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

/*
 * Parties
 */

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

static int parse_endpoints(struct session_agreement_party *p, struct parser *ps,
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

static int parse_party(struct session_agreement_party *p, struct parser *ps,
		       size_t index, const json_t *v)
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
	const struct session_agreement_party *x =
	    *(const struct session_agreement_party *const *)a;
	const struct session_agreement_party *y =
	    *(const struct session_agreement_party *const *)b;

	if (x->key.type != y->key.type)
		return x->key.type < y->key.type ? -1 : 1;
	if (x->key.len != y->key.len)
		return x->key.len < y->key.len ? -1 : 1;
	return memcmp(x->key.bytes, y->key.bytes, x->key.len);
}

/* No key twice, and so no DID twice: one key has one did:key. */
static int check_unique(const struct parley_agreement *a, struct parser *ps)
{
	const struct session_agreement_party **sorted;
	int err = 0;

	sorted = malloc(a->n_parties *
			sizeof(const struct session_agreement_party *));
	if (!sorted)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < a->n_parties; i++)
		sorted[i] = &a->parties[i];
	qsort(sorted, a->n_parties,
	      sizeof(const struct session_agreement_party *), by_key);
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
	const struct session_agreement_party *without = NULL;

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

/*
 * Whole agreements
 */

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

static int finish(struct parley_agreement *a)
{
	uint8_t *cbor;
	size_t len;
	int err = session_agreement_cbor(&cbor, &len, a);

	if (err)
		return err;
	crypto_hash_sha256(a->hash, cbor, len);
	free(cbor);
	a->fields = session_agreement_fields_new(a);
	return a->fields ? 0 : PARLEY_ERR_MEMORY;
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
