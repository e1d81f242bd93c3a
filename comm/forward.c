/*
 * Forward messages (DIDComm v2.1, routing.md): an envelope inside an anoncrypt
 * envelope to a mediator, which learns who is next and nothing else.
 *
 * Built from the last mediator to the first, so that each can open its own
 * layer only.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "comm/comm.h"
#include "comm/jose.h"
#include "comm/message.h"
#include "comm/pack_layers.h"
#include "did/did.h"
#include "did/json.h"

#define FORWARD_TYPE "https://didcomm.org/routing/2.0/forward"

/* The forward message to ${to} (DID of ${to_len} bytes) as text; free() it. */
static int make_forward(char **textp, size_t *lenp, const char *packed,
			size_t packed_len, const char *next, const char *to,
			size_t to_len)
{
	char id[COMM_MESSAGE_NEW_ID_SIZE];
	json_t *attached, *message;
	int err;

	err = comm_jose_parse(&attached, packed, packed_len);
	if (err)
		return err;
	comm_message_new_id(id);
	message = json_pack("{s:s, s:s, s:s, s:[s%], s:{s:s}, s:[{s:{s:o}}]}",
			    "id", id, "typ", COMM_MESSAGE_TYP, "type",
			    FORWARD_TYPE, "to", to, to_len, "body", "next",
			    next, "attachments", "data", "json", attached);
	if (message == NULL)
		return PARLEY_ERR_MEMORY;
	err = did_json_dump(textp, lenp, message);
	json_decref(message);
	return err;
}

static int wrap_once(struct parley_comm *c, char **envelopep, size_t *lenp,
		     const char *packed, size_t packed_len, const char *next,
		     const char *mediator)
{
	struct parley_comm_pack how = {
	    .layers = PARLEY_COMM_ANONCRYPT,
	    .to = mediator,
	};
	const char *fragment;
	char *message;
	size_t message_len, did_len;
	int err;

	if (did_url_split(&did_len, &fragment, mediator) != 0)
		return comm_fail(c, PARLEY_ERR_ARGUMENT,
				 "a mediator is no DID or key id");
	err = make_forward(&message, &message_len, packed, packed_len, next,
			   mediator, did_len);
	if (err)
		return err;
	err = comm_pack_layers(c, envelopep, lenp, message, message_len, &how);
	free(message);
	return err;
}

int parley_comm_forward_wrap(struct parley_comm *comm, char **envelopep,
			     size_t *lenp, const char *packed,
			     size_t packed_len, const char *next,
			     const char *const *routing, size_t n_routing)
{
	char *text = NULL, *wrapped;
	const char *fragment;
	size_t len = packed_len, did_len;
	int err = comm_begin(comm);

	if (err)
		return err;
	if (n_routing == 0 || n_routing > PARLEY_COMM_RECIPIENTS_MAX ||
	    next == NULL || did_url_split(&did_len, &fragment, next) != 0)
		return PARLEY_ERR_ARGUMENT;
	for (size_t i = n_routing; i > 0; i--) {
		err = wrap_once(comm, &wrapped, &len, text ? text : packed, len,
				next, routing[i - 1]);
		free(text);
		if (err)
			return err;
		text = wrapped;
		next = routing[i - 1];
	}
	*envelopep = text;
	*lenp = len;
	return 0;
}

/* The one attachment, as text. */
static int take_packed(char **packedp, size_t *lenp, const json_t *message)
{
	const json_t *attachments = json_object_get(message, "attachments");
	const json_t *data, *json, *base64;
	json_t *check;
	char *bytes;
	size_t len;
	int err;

	if (json_array_size(attachments) != 1)
		return PARLEY_ERR_MESSAGE;
	data = json_object_get(json_array_get(attachments, 0), "data");
	json = json_object_get(data, "json");
	base64 = json_object_get(data, "base64");
	if (json_is_object(json) && base64 == NULL)
		return did_json_dump(packedp, lenp, json);
	if (json != NULL || !json_is_string(base64))
		return PARLEY_ERR_MESSAGE;
	err = comm_jose_decode(&bytes, &len, base64);
	if (err)
		return err;
	err = comm_jose_parse(&check, bytes, len);
	if (err) {
		free(bytes);
		return err;
	}
	json_decref(check);
	*packedp = bytes;
	*lenp = len;
	return 0;
}

int parley_comm_forward_open(char **nextp, char **packedp, size_t *lenp,
			     const char *message, size_t len)
{
	struct comm_message m;
	const char *next, *fragment;
	char *copy = NULL;
	size_t did_len;
	int err;

	err = comm_message_parse(&m, message, len);
	if (err)
		return err;
	err = PARLEY_ERR_UNSUPPORTED;
	if (!comm_message_is_type(m.type, FORWARD_TYPE))
		goto out;
	err = PARLEY_ERR_MESSAGE;
	next = did_json_string(m.body, "next");
	if (next == NULL || strlen(next) > PARLEY_DID_LEN_MAX ||
	    did_url_split(&did_len, &fragment, next) != 0)
		goto out;
	err = PARLEY_ERR_MEMORY;
	copy = strdup(next);
	if (copy == NULL)
		goto out;
	err = take_packed(packedp, lenp, m.json);
	if (err)
		goto out;
	*nextp = copy;
	copy = NULL;
out:
	free(copy);
	comm_message_wipe(&m);
	return err;
}
