/*
 * Receipts, read.
 *
 * Each party of a session has signed an envelope that names its DID, its index
 * and the hash of the agreement (PROTOCOL.md 5.5).  The one who was dialled
 * signed accept, which names nobody else.  The one who dialled signed confirm
 * over a transcript that has accept in it: this is computed again here.  So the
 * second is shown to answer the first, and nothing more is claimed.
 *
 * All of it comes from a stranger: whoever has keys can sign what he likes, and
 * say that he is any party.
 */
#include "cli/receipt_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <parley/comm.h>

#include "did/base64.h"
#include "did/json.h"
#include "session/schedule.h"

#define TYPE_PREFIX "urn:parley:session/1.0/"

static bool complain(struct cli_receipt_check *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(struct cli_receipt_check *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->error, sizeof(c->error), format, ap);
	va_end(ap);
	return false;
}

/* The member ${name}: ${len} bytes in base64url. */
static bool read_bytes(uint8_t *bytes, size_t len, const json_t *object,
		       const char *name)
{
	const char *text = did_json_string(object, name);

	return text != NULL &&
	       did_base64_decode_exact(bytes, len, text, strlen(text)) == 0;
}

static bool read_statement(struct cli_receipt_check *c,
			   struct cli_receipt_check_statement *st,
			   const char *role)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	const json_t *body;
	const char *type;
	char *text = NULL;
	size_t len;
	int r;

	st->role = role;
	st->envelope = did_json_string(c->receipt, role);
	if (st->envelope == NULL)
		return complain(c, "is no receipt: %s: the envelope is missing",
				role);
	r = parley_comm_signed_unpack(&text, &len, st->signer, st->envelope,
				      strlen(st->envelope));
	if (r != 0)
		return complain(c, "is no receipt: %s: %s", role,
				parley_did_err_string(r));
	r = did_json_parse(&st->message, text, len);
	free(text);
	body = json_object_get(st->message, "body");
	type = did_json_string(st->message, "type");
	st->thid = did_json_string(st->message, "thid");
	if (r != 0 || type == NULL || st->thid == NULL ||
	    strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0 ||
	    strcmp(type + strlen(TYPE_PREFIX), role) != 0 ||
	    !json_is_integer(json_object_get(body, "index")) ||
	    !json_is_integer(json_object_get(st->message, "created_time")) ||
	    !read_bytes(st->transcript, sizeof(st->transcript), body,
			"transcript") ||
	    !read_bytes(hash, sizeof(hash), body, "agreement"))
		return complain(c,
				"is no receipt: %s: what was signed is of no "
				"handshake",
				role);
	sodium_bin2hex(st->agreement, sizeof(st->agreement), hash,
		       sizeof(hash));
	st->index = json_integer_value(json_object_get(body, "index"));
	st->when =
	    json_integer_value(json_object_get(st->message, "created_time"));
	return true;
}

/*
 * PROTOCOL 4.2, T3 to T5: was ${confirm} signed over ${accept}?  Whatever
 * ${finished} is, no other accept leads to the same hash.
 */
static bool answers(const struct cli_receipt_check_statement *confirm,
		    const struct cli_receipt_check_statement *accept,
		    const uint8_t finished[SESSION_HASH_LEN])
{
	uint8_t clear[SESSION_CONFIRM_CLEAR_LEN] = {SESSION_WIRE_CONFIRM};
	struct session_transcript t;
	size_t len;

	if (strcmp(accept->thid, confirm->thid) != 0 ||
	    sodium_hex2bin(clear + 1, sizeof(clear) - 1, confirm->thid,
			   strlen(confirm->thid), NULL, &len, NULL) != 0 ||
	    len != sizeof(clear) - 1)
		return false;
	memcpy(t.hash, accept->transcript, sizeof(t.hash));
	session_schedule_absorb(&t, accept->envelope, strlen(accept->envelope));
	session_schedule_absorb(&t, finished, SESSION_HASH_LEN);
	session_schedule_absorb(&t, clear, sizeof(clear));
	return memcmp(t.hash, confirm->transcript, sizeof(t.hash)) == 0;
}

/* Are the two envelopes of one handshake, between two parties? */
static bool check_pair(struct cli_receipt_check *c)
{
	const struct cli_receipt_check_statement *accept = &c->accept;
	const struct cli_receipt_check_statement *confirm = &c->confirm;
	const json_t *to = json_object_get(confirm->message, "to");
	const char *addressee = json_string_value(json_array_get(to, 0));
	uint8_t finished[SESSION_HASH_LEN];

	if (strcmp(accept->signer, confirm->signer) == 0 ||
	    accept->index == confirm->index)
		return complain(c, "is no receipt: one party has signed both "
				   "envelopes");
	if (!read_bytes(finished, sizeof(finished), c->receipt, "finished"))
		return complain(
		    c, "is no receipt: the member 'finished' is missing");
	if (strcmp(accept->agreement, confirm->agreement) != 0 ||
	    json_array_size(to) != 1 || addressee == NULL ||
	    strcmp(addressee, accept->signer) != 0 ||
	    !answers(confirm, accept, finished))
		return complain(
		    c, "is no receipt: its envelopes are of two handshakes");
	return true;
}

static bool check_agreement(struct cli_receipt_check *c,
			    const struct cli_receipt_check_statement *st,
			    const struct parley_agreement *a)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	char hex[CLI_RECEIPT_CHECK_HEX_SIZE];
	int index;

	if (a == NULL)
		return true;
	parley_session_agreement_hash(a, hash);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	if (strcmp(hex, st->agreement) != 0)
		return complain(c, "is of another agreement, hash %s",
				st->agreement);
	/* Who is not in the roster may claim the number of that error. */
	index = parley_session_agreement_index(a, st->signer);
	if (index < 0 || index != st->index)
		return complain(
		    c, "is no receipt: %s: who signed it is not that party",
		    st->role);
	return true;
}

bool cli_receipt_check(struct cli_receipt_check *c, const char *text,
		       size_t len, const struct parley_agreement *a)
{
	const char *kind;

	memset(c, 0, sizeof(*c));
	if (did_json_parse(&c->receipt, text, len) != 0 ||
	    (kind = did_json_string(c->receipt, "parley")) == NULL ||
	    strcmp(kind, CLI_RECEIPT_CHECK_KIND) != 0)
		return complain(c, "is no receipt: not a receipt file");
	return read_statement(c, &c->accept, "accept") &&
	       read_statement(c, &c->confirm, "confirm") && check_pair(c) &&
	       check_agreement(c, &c->accept, a) &&
	       check_agreement(c, &c->confirm, a);
}

void cli_receipt_check_free(struct cli_receipt_check *c)
{
	json_decref(c->accept.message);
	json_decref(c->confirm.message);
	json_decref(c->receipt);
}
