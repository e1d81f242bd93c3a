/*
 * Messages of the standard's own protocols: build and read.
 *
 *   empty/1.0              empty                     empty.md
 *   trust-ping/2.0         ping, ping-response       trust_ping.md
 *   discover-features/2.0  queries, disclose         discover_features.md
 *   report-problem/2.0     problem-report            problem_reports.md
 *   out-of-band/2.0        invitation                out_of_band.md
 *   routing/2.0            forward                   routing.md
 *
 * What is built is checked by the same comm_message_check() that reads it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "comm/message.h"
#include "comm/protocol.h"
#include "did/json.h"
#include "did/secret.h"

#define DIDCOMM "https://didcomm.org/"

enum {
	REPORT_ARGS_MAX = 16,
	FEATURES_MAX = 256,
};

static const struct {
	enum parley_comm_protocol_kind kind;
	const char *type;
} types[] = {
    {PARLEY_COMM_PROTOCOL_EMPTY, DIDCOMM "empty/1.0/empty"},
    {PARLEY_COMM_PROTOCOL_PING, DIDCOMM "trust-ping/2.0/ping"},
    {PARLEY_COMM_PROTOCOL_PING_RESPONSE,
     DIDCOMM "trust-ping/2.0/ping-response"},
    {PARLEY_COMM_PROTOCOL_QUERIES, DIDCOMM "discover-features/2.0/queries"},
    {PARLEY_COMM_PROTOCOL_DISCLOSE, DIDCOMM "discover-features/2.0/disclose"},
    {PARLEY_COMM_PROTOCOL_REPORT, DIDCOMM "report-problem/2.0/problem-report"},
    {PARLEY_COMM_PROTOCOL_INVITATION, DIDCOMM "out-of-band/2.0/invitation"},
    {PARLEY_COMM_PROTOCOL_FORWARD, DIDCOMM "routing/2.0/forward"},
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const char *type_of(enum parley_comm_protocol_kind kind)
{
	for (size_t i = 0; i < N_ELEMENTS(types); i++) {
		if (types[i].kind == kind)
			return types[i].type;
	}
	return NULL;
}

/* --- building --- */

/* Set ${name} unless ${text} is NULL. */
static int set_text(json_t *obj, const char *name, const char *text)
{
	return text ? json_object_set_new(obj, name, json_string(text)) : 0;
}

static int set_time(json_t *obj, const char *name, int64_t time)
{
	return time ? json_object_set_new(obj, name, json_integer(time)) : 0;
}

int comm_protocol_build(char **messagep, size_t *lenp,
			const struct parley_comm_header *h,
			enum parley_comm_protocol_kind kind, json_t *body,
			json_t *attachments)
{
	char id[COMM_MESSAGE_NEW_ID_SIZE];
	struct comm_message m = {0};
	json_t *message = json_object();
	int err = did_secret_init();

	if (err)
		goto out;
	comm_message_new_id(id);
	err = PARLEY_ERR_MEMORY;
	if (message == NULL || body == NULL ||
	    set_text(message, "id", h->id ? h->id : id) != 0 ||
	    set_text(message, "typ", COMM_MESSAGE_TYP) != 0 ||
	    set_text(message, "type", type_of(kind)) != 0 ||
	    set_text(message, "from", h->from) != 0 ||
	    set_text(message, "thid", h->thid) != 0 ||
	    set_text(message, "pthid", h->pthid) != 0 ||
	    set_time(message, "created_time", h->created_time) != 0 ||
	    set_time(message, "expires_time", h->expires_time) != 0 ||
	    (h->to != NULL &&
	     json_object_set_new(message, "to", json_pack("[s]", h->to)) !=
		 0) ||
	    json_object_set(message, "body", body) != 0 ||
	    (attachments != NULL &&
	     json_object_set(message, "attachments", attachments) != 0))
		goto out;
	/* What the caller gave may not be an id or a DID. */
	err = comm_message_check(&m, message);
	if (err) {
		err = PARLEY_ERR_ARGUMENT;
		goto out;
	}
	err = did_json_dump(messagep, lenp, message);
out:
	comm_message_wipe(&m);
	json_decref(message);
	json_decref(body);
	json_decref(attachments);
	return err;
}

int parley_comm_protocol_empty(char **messagep, size_t *lenp,
			       const struct parley_comm_header *h)
{
	return comm_protocol_build(
	    messagep, lenp, h, PARLEY_COMM_PROTOCOL_EMPTY, json_object(), NULL);
}

int parley_comm_protocol_ping(char **messagep, size_t *lenp,
			      const struct parley_comm_header *h,
			      int response_requested)
{
	return comm_protocol_build(
	    messagep, lenp, h, PARLEY_COMM_PROTOCOL_PING,
	    json_pack("{s:b}", "response_requested", response_requested), NULL);
}

int parley_comm_protocol_ping_response(char **messagep, size_t *lenp,
				       const struct parley_comm_header *h)
{
	if (h->thid == NULL)
		return PARLEY_ERR_ARGUMENT;
	return comm_protocol_build(messagep, lenp, h,
				   PARLEY_COMM_PROTOCOL_PING_RESPONSE,
				   json_object(), NULL);
}

static json_t *features_json(const struct parley_comm_feature *f, size_t n,
			     const char *name, const char *id_name)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < n; i++) {
		json_t *one = json_pack("{s:s, s:s}", "feature-type", f[i].type,
					id_name, f[i].id);

		if (json_array_append_new(list, one) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list ? json_pack("{s:o}", name, list) : NULL;
}

int parley_comm_protocol_queries(char **messagep, size_t *lenp,
				 const struct parley_comm_header *h,
				 const struct parley_comm_feature *queries,
				 size_t n)
{
	if (n == 0 || n > FEATURES_MAX)
		return PARLEY_ERR_ARGUMENT;
	return comm_protocol_build(
	    messagep, lenp, h, PARLEY_COMM_PROTOCOL_QUERIES,
	    features_json(queries, n, "queries", "match"), NULL);
}

int parley_comm_protocol_disclose(char **messagep, size_t *lenp,
				  const struct parley_comm_header *h,
				  const struct parley_comm_feature *features,
				  size_t n)
{
	if (n > FEATURES_MAX || h->thid == NULL)
		return PARLEY_ERR_ARGUMENT;
	return comm_protocol_build(
	    messagep, lenp, h, PARLEY_COMM_PROTOCOL_DISCLOSE,
	    features_json(features, n, "disclosures", "id"), NULL);
}

int parley_comm_protocol_feature_matches(const char *match, const char *id)
{
	size_t len = strlen(match);

	/* "match: [...] may use the * wildcard": at the end only. */
	if (len > 0 && match[len - 1] == '*')
		return strncmp(match, id, len - 1) == 0;
	return strcmp(match, id) == 0;
}

/* Lower kebab-case: letters, digits, inner hyphens. */
static bool is_kebab(const char *s, size_t len)
{
	if (len == 0 || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= '0' && s[i] <= '9') && s[i] != '-')
			return false;
	}
	return true;
}

/* code = ("e" / "w") "." scope 1*("." descriptor) */
static bool is_code(const char *code)
{
	size_t n = 0, len;

	if ((code[0] != 'e' && code[0] != 'w') || code[1] != '.')
		return false;
	for (const char *p = code + 2;; p += len + 1) {
		len = strcspn(p, ".");
		if (!is_kebab(p, len))
			return false;
		n++;
		if (p[len] == '\0')
			return n >= 2;
	}
}

int parley_comm_protocol_report(char **messagep, size_t *lenp,
				const struct parley_comm_header *h,
				const struct parley_comm_report *r)
{
	json_t *body, *args;

	if (h->pthid == NULL || r->code == NULL || !is_code(r->code) ||
	    r->n_args > REPORT_ARGS_MAX)
		return PARLEY_ERR_ARGUMENT;
	body = json_pack("{s:s, s:s*, s:s*}", "code", r->code, "comment",
			 r->comment, "escalate_to", r->escalate_to);
	if (body != NULL && r->n_args > 0) {
		args = json_array();
		for (size_t i = 0; args != NULL && i < r->n_args; i++) {
			if (json_array_append_new(
				args, json_string(r->args[i])) != 0) {
				json_decref(args);
				args = NULL;
			}
		}
		if (json_object_set_new(body, "args", args) != 0) {
			json_decref(body);
			body = NULL;
		}
	}
	return comm_protocol_build(messagep, lenp, h,
				   PARLEY_COMM_PROTOCOL_REPORT, body, NULL);
}

/* --- reading --- */

static bool is_text_or_absent(const json_t *obj, const char *name)
{
	const json_t *value = json_object_get(obj, name);

	return value == NULL || json_is_string(value);
}

static int read_ping(struct parley_comm_protocol *p, const json_t *body)
{
	const json_t *value = json_object_get(body, "response_requested");

	/* "response_requested: default: true" */
	p->response_requested = value == NULL || json_is_true(value);
	return value == NULL || json_is_boolean(value) ? 0 : PARLEY_ERR_MESSAGE;
}

static int read_features(struct parley_comm_protocol *p, const json_t *body,
			 const char *name, const char *id_name)
{
	const json_t *list = json_object_get(body, name);
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > FEATURES_MAX)
		return PARLEY_ERR_MESSAGE;
	p->features = calloc(n ? n : 1, sizeof(*p->features));
	if (p->features == NULL)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);

		p->features[i].type = did_json_string(one, "feature-type");
		p->features[i].id = did_json_string(one, id_name);
		if (p->features[i].type == NULL || p->features[i].id == NULL)
			return PARLEY_ERR_MESSAGE;
	}
	p->n_features = n;
	return 0;
}

static int read_report(struct parley_comm_protocol *p, const json_t *body)
{
	const json_t *args = json_object_get(body, "args");
	size_t n = json_array_size(args);

	/* "pthid - REQUIRED" */
	p->report.code = did_json_string(body, "code");
	if (p->pthid == NULL || p->report.code == NULL ||
	    !is_code(p->report.code) || !is_text_or_absent(body, "comment") ||
	    !is_text_or_absent(body, "escalate_to") ||
	    (args != NULL && (!json_is_array(args) || n > REPORT_ARGS_MAX)))
		return PARLEY_ERR_MESSAGE;
	p->report.comment = did_json_string(body, "comment");
	p->report.escalate_to = did_json_string(body, "escalate_to");
	p->args = calloc(n ? n : 1, sizeof(*p->args));
	if (p->args == NULL)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		p->args[i] = json_string_value(json_array_get(args, i));
		if (p->args[i] == NULL)
			return PARLEY_ERR_MESSAGE;
	}
	p->report.args = p->args;
	p->report.n_args = n;
	return 0;
}

static int read_invitation(struct parley_comm_protocol *p, const json_t *body)
{
	const json_t *accept = json_object_get(body, "accept");
	size_t n = json_array_size(accept);

	/* "from - REQUIRED for OOB usage" */
	if (p->from == NULL || !is_text_or_absent(body, "goal") ||
	    !is_text_or_absent(body, "goal_code") ||
	    (accept != NULL && !json_is_array(accept)) || n > FEATURES_MAX)
		return PARLEY_ERR_MESSAGE;
	p->goal = did_json_string(body, "goal");
	p->goal_code = did_json_string(body, "goal_code");
	p->accept = calloc(n ? n : 1, sizeof(*p->accept));
	if (p->accept == NULL)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		p->accept[i] = json_string_value(json_array_get(accept, i));
		if (p->accept[i] == NULL)
			return PARLEY_ERR_MESSAGE;
	}
	p->n_accept = n;
	return 0;
}

static int read_body(struct parley_comm_protocol *p, const json_t *body)
{
	switch (p->kind) {
	case PARLEY_COMM_PROTOCOL_PING:
		return read_ping(p, body);
	case PARLEY_COMM_PROTOCOL_PING_RESPONSE:
		return p->thid ? 0 : PARLEY_ERR_MESSAGE;
	case PARLEY_COMM_PROTOCOL_QUERIES:
		return read_features(p, body, "queries", "match");
	case PARLEY_COMM_PROTOCOL_DISCLOSE:
		return read_features(p, body, "disclosures", "id");
	case PARLEY_COMM_PROTOCOL_REPORT:
		return read_report(p, body);
	case PARLEY_COMM_PROTOCOL_INVITATION:
		return read_invitation(p, body);
	case PARLEY_COMM_PROTOCOL_OTHER:
	case PARLEY_COMM_PROTOCOL_EMPTY:
	case PARLEY_COMM_PROTOCOL_FORWARD:
		return 0;
	}
	return 0;
}

int parley_comm_protocol_read(struct parley_comm_protocol *protocol,
			      const char *message, size_t len)
{
	struct parley_comm_protocol p = {0};
	struct comm_message m;
	int err = comm_message_parse(&m, message, len);

	if (err)
		return err;
	for (size_t i = 0; i < N_ELEMENTS(types); i++) {
		if (comm_message_is_type(m.type, types[i].type))
			p.kind = types[i].kind;
	}
	p.id = m.id;
	p.from = m.from;
	p.thid = m.thid;
	p.pthid = m.pthid;
	p.json = json_incref(m.json);
	err = read_body(&p, m.body);
	comm_message_wipe(&m);
	if (err) {
		parley_comm_protocol_wipe(&p);
		return err;
	}
	*protocol = p;
	return 0;
}

void parley_comm_protocol_wipe(struct parley_comm_protocol *p)
{
	json_decref(p->json);
	free(p->features);
	free(p->args);
	free(p->accept);
	memset(p, 0, sizeof(*p));
}

int parley_comm_protocol_report_text(char **textp,
				     const struct parley_comm_report *r)
{
	const char *p = r->comment ? r->comment : r->code;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return PARLEY_ERR_MEMORY;
	while (*p != '\0') {
		char *end;
		unsigned long n;

		/* "{1}": from 1; "? [...] if an arg is missing" */
		if (p[0] == '{' && p[1] >= '1' && p[1] <= '9') {
			n = strtoul(p + 1, &end, 10);
			if (*end == '}') {
				fputs(n <= r->n_args ? r->args[n - 1] : "?", f);
				p = end + 1;
				continue;
			}
		}
		fputc(*p++, f);
	}
	if (fclose(f) != 0) {
		free(text);
		return PARLEY_ERR_MEMORY;
	}
	*textp = text;
	return 0;
}
