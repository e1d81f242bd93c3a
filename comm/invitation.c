/*
 * Out-of-band invitations (DIDComm v2.1, out_of_band.md): a plaintext message
 * by which two parties first meet, as JSON, as URL, or as bare text.
 *
 *   URL    base "?_oob=" base64url(JSON)     also "&_oob=" behind other values
 *   text   base64url(JSON)                   for chat, paper, QR code
 *
 * It is not protected by anything: no secret belongs in it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "comm/jose.h"
#include "comm/message.h"
#include "comm/protocol.h"
#include "did/json.h"

enum {
	ACCEPT_MAX = 64,
	INVITATION_LEN_MAX = 64 * 1024,
};

static json_t *texts_json(const char *const *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < n; i++) {
		if (json_array_append_new(list, json_string(texts[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int parley_comm_invitation_new(char **messagep, size_t *lenp,
			       const struct parley_comm_header *h,
			       const struct parley_comm_invitation *i)
{
	json_t *body, *attachments = NULL;
	int err;

	if (h->from == NULL || i->n_accept > ACCEPT_MAX)
		return PARLEY_ERR_ARGUMENT;
	if (i->attachment != NULL) {
		err = comm_jose_parse(&attachments, i->attachment,
				      strlen(i->attachment));
		if (err)
			return err;
		attachments = json_pack(
		    "[{s:s, s:s, s:{s:o}}]", "id", "request-0", "media_type",
		    "application/json", "data", "json", attachments);
		if (attachments == NULL)
			return PARLEY_ERR_MEMORY;
	}
	body = json_pack(
	    "{s:s*, s:s*, s:o*}", "goal_code", i->goal_code, "goal", i->goal,
	    "accept", i->n_accept ? texts_json(i->accept, i->n_accept) : NULL);
	return comm_protocol_build(messagep, lenp, h,
				   PARLEY_COMM_PROTOCOL_INVITATION, body,
				   attachments);
}

/* Is ${message} an invitation? */
static int check_invitation(const char *message, size_t len)
{
	struct parley_comm_protocol p;
	int err;

	if (len > INVITATION_LEN_MAX)
		return PARLEY_ERR_TOO_LARGE;
	err = parley_comm_protocol_read(&p, message, len);
	if (err)
		return err;
	err = p.kind == PARLEY_COMM_PROTOCOL_INVITATION
		  ? 0
		  : PARLEY_ERR_UNSUPPORTED;
	parley_comm_protocol_wipe(&p);
	return err;
}

int parley_comm_invitation_url(char **urlp, const char *message, size_t len,
			       const char *base)
{
	char *text = NULL, *compact = NULL;
	size_t compact_len;
	json_t *json = NULL;
	int err;

	err = check_invitation(message, len);
	if (err)
		return err;
	/* "Remove all unnecessary white space from the JSON" */
	err = comm_jose_parse(&json, message, len);
	if (err)
		return err;
	err = did_json_dump(&compact, &compact_len, json);
	json_decref(json);
	if (err)
		return err;
	text = comm_jose_encode(compact, compact_len);
	free(compact);
	if (text == NULL)
		return PARLEY_ERR_MEMORY;
	if (base == NULL) {
		*urlp = text;
		return 0;
	}
	err = strchr(base, '#') ? PARLEY_ERR_ARGUMENT : 0;
	if (err == 0 && asprintf(&compact, "%s%c_oob=%s", base,
				 strchr(base, '?') ? '&' : '?', text) < 0)
		err = PARLEY_ERR_MEMORY;
	free(text);
	if (err == 0)
		*urlp = compact;
	return err;
}

/* The value of ${name} in the query of ${url}, or NULL. */
static const char *find_value(size_t *lenp, const char *url, size_t url_len,
			      const char *name)
{
	const char *end = url + url_len, *p = memchr(url, '?', url_len);
	const char *hash = memchr(url, '#', url_len);
	size_t name_len = strlen(name);

	if (hash != NULL)
		end = hash;
	while (p != NULL && p < end) {
		const char *next;

		p++;
		next = memchr(p, '&', (size_t)(end - p));
		if (next == NULL)
			next = end;
		if ((size_t)(next - p) > name_len &&
		    memcmp(p, name, name_len) == 0 && p[name_len] == '=') {
			*lenp = (size_t)(next - p) - name_len - 1;
			return p + name_len + 1;
		}
		p = next;
	}
	return NULL;
}

/* Everything but white space at both ends. */
static void trim(const char **textp, size_t *lenp)
{
	while (*lenp > 0 && strchr(" \t\r\n", (*textp)[0]) && (*textp)[0]) {
		(*textp)++;
		(*lenp)--;
	}
	while (*lenp > 0 && strchr(" \t\r\n", (*textp)[*lenp - 1]) &&
	       (*textp)[*lenp - 1])
		(*lenp)--;
}

int parley_comm_invitation_parse(char **messagep, size_t *lenp,
				 const char *text, size_t len)
{
	const char *value;
	json_t *string;
	char *message;
	size_t value_len, message_len;
	int err;

	if (len > 2 * INVITATION_LEN_MAX)
		return PARLEY_ERR_TOO_LARGE;
	trim(&text, &len);
	if (len == 0)
		return PARLEY_ERR_FORMAT;
	if (text[0] == '{') {
		message = strndup(text, len);
		message_len = len;
		if (message == NULL)
			return PARLEY_ERR_MEMORY;
		/* a NUL inside would make the two lengths differ */
		err = strlen(message) == len ? 0 : PARLEY_ERR_JSON;
	} else {
		value = text;
		value_len = len;
		if (memchr(text, ':', len) != NULL) {
			value = find_value(&value_len, text, len, "_oob");
			/* "?_oobid=": to be fetched; not our business here */
			if (value == NULL)
				return find_value(&value_len, text, len,
						  "_oobid")
					   ? PARLEY_ERR_UNSUPPORTED
					   : PARLEY_ERR_FORMAT;
		}
		string = json_stringn(value, value_len);
		if (string == NULL)
			return PARLEY_ERR_ENCODING;
		message = NULL;
		err = comm_jose_decode(&message, &message_len, string);
		json_decref(string);
	}
	if (err == 0)
		err = check_invitation(message, message_len);
	if (err) {
		free(message);
		return err;
	}
	*messagep = message;
	*lenp = message_len;
	return 0;
}
