/*
 * DIDComm messages as did-cli reads and prints them.
 *
 * A message is completed by writing new members in front of the others and not
 * by writing all of it anew, so numbers and the order of members stay what
 * their author wrote.
 */
#include "cli/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "comm/jose.h"
#include "did/resolver.h"

enum {
	ID_LEN = 16,
};

int cli_message_read(char **textp, size_t *lenp, const char *path)
{
	char *text;
	size_t len;
	int code;

	if (path == NULL)
		path = "-";
	code = cli_file_read(&text, &len, path, PARLEY_COMM_LEN_MAX);
	if (code != CLI_DONE)
		return code;
	if (comm_jose_bound(text, len, PARLEY_COMM_VALUES_MAX) != 0) {
		cli_out_error("'%s' has more than %d JSON values",
			      strcmp(path, "-") == 0 ? "standard input" : path,
			      PARLEY_COMM_VALUES_MAX);
		free(text);
		return CLI_LOCAL;
	}
	/* What echo and editors put at the end. */
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		text[--len] = '\0';
	*textp = text;
	*lenp = len;
	return CLI_DONE;
}

static json_t *random_id(void)
{
	char text[sodium_base64_ENCODED_LEN(
	    ID_LEN, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
	unsigned char bytes[ID_LEN];

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return json_string(text);
}

/* The DIDs of DIDs and DID URLs. */
static json_t *dids(const struct cli_args_list *to)
{
	json_t *list = json_array();

	for (size_t i = 0; i < to->n; i++)
		json_array_append_new(
		    list, json_stringn(to->at[i], strcspn(to->at[i], "#")));
	return list;
}

/* Write the members of ${extra} in front of those of the message. */
static int insert(char **textp, size_t *lenp, const json_t *extra,
		  bool was_empty)
{
	size_t at = strcspn(*textp, "{") + 1;
	char *members = json_dumps(extra, JSON_COMPACT), *text = NULL;
	int len = -1;

	if (members != NULL) {
		members[strlen(members) - 1] = '\0';
		len = asprintf(&text, "%s%s%s", members, was_empty ? "" : ",",
			       *textp + at);
	}
	free(members);
	if (len < 0) {
		cli_out_error("cannot complete the message: out of memory");
		return CLI_FAILED;
	}
	free(*textp);
	*textp = text;
	*lenp = (size_t)len;
	return CLI_DONE;
}

int cli_message_complete(char **textp, size_t *lenp, const char *from,
			 const struct cli_args_list *to)
{
	json_t *message = NULL, *extra = NULL;
	int code = CLI_DONE;

	/* What is wrong with it is said by who packs it. */
	if (comm_jose_parse(&message, *textp, *lenp) != 0)
		return CLI_DONE;
	if (!json_is_object(message))
		goto out;
	extra = json_object();
	if (json_object_get(message, "id") == NULL)
		json_object_set_new(extra, "id", random_id());
	if (from != NULL && json_object_get(message, "from") == NULL)
		json_object_set_new(extra, "from", json_string(from));
	if (to->n > 0 && json_object_get(message, "to") == NULL)
		json_object_set_new(extra, "to", dids(to));
	if (json_object_size(extra) > 0)
		code =
		    insert(textp, lenp, extra, json_object_size(message) == 0);
out:
	json_decref(extra);
	json_decref(message);
	return code;
}

void cli_message_error(const char *what, int err,
		       const struct parley_comm *comm,
		       const struct parley_resolver *resolver,
		       const struct cli_resolver *options, const char *did)
{
	const char *reason = parley_comm_reason(comm);

	if (reason[0] == '\0')
		reason = did_resolver_detail(resolver);
	cli_out_error("cannot %s: %s%s%s", what, parley_did_err_string(err),
		      reason[0] != '\0' ? ": " : "", reason);
	if (err == PARLEY_ERR_TOO_LARGE)
		cli_out_hint("the limits are %d bytes and %d JSON values",
			     PARLEY_COMM_LEN_MAX, PARLEY_COMM_VALUES_MAX);
	else if (err == PARLEY_ERR_UNSUPPORTED)
		cli_resolver_hint(options, did != NULL ? did : "did:web:");
}

int cli_message_party(struct parley_comm **commp, struct parley_resolver **rp,
		      const struct parley_identity *id,
		      const struct cli_resolver *options)
{
	int code = cli_resolver_new(rp, options), r;

	if (code != CLI_DONE)
		return code;
	r = parley_comm_new(commp, *rp);
	if (r == 0 && id != NULL)
		r = parley_comm_add_identity(*commp, id);
	if (r != 0) {
		cli_out_error("%s", parley_did_err_string(r));
		return CLI_FAILED;
	}
	return CLI_DONE;
}
