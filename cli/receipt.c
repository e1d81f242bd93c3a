/*
 * did-cli receipt: who agreed to what, and when, without anybody's help.
 *
 * Each party of a session has signed an envelope that names its DID, its index
 * and the hash of the agreement (PROTOCOL.md 5.5).  Both envelopes of a
 * handshake together show that the two answered each other: they have the same
 * `thid`, and the one who dialled names the other in `to`.
 */
#include "cli/receipt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>
#include <sodium.h>

#include <parley/comm.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "did/file.h"
#include "did/json.h"

#define TYPE_PREFIX "urn:parley:session/1.0/"

enum {
	RECEIPT_LEN_MAX = 512 * 1024,
	HASH_HEX_SIZE = 2 * PARLEY_AGREEMENT_HASH_LEN + 1,
	TIME_SIZE = sizeof("-2147483648-12-31T23:59:60Z"),
	STAMP_SIZE = sizeof("-2147483648-12-31T235960Z"),
	RANDOM_LEN = 4,
};

/*
 * Writing
 */

static int write_one(const struct parley_session *s, int party,
		     const char *stamp, const char *dir)
{
	const char *accept, *confirm;
	uint8_t bytes[RANDOM_LEN];
	char random[2 * RANDOM_LEN + 1];
	char *path = NULL, *text = NULL;
	int r, len, code = CLI_FAILED;

	if (parley_session_receipt(s, party, PARLEY_RECEIPT_ACCEPT, &accept) ||
	    parley_session_receipt(s, party, PARLEY_RECEIPT_CONFIRM,
				   &confirm)) {
		cli_out_error("there is no receipt of party %d", party);
		return code;
	}
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(random, sizeof(random), bytes, sizeof(bytes));
	len = asprintf(&text,
		       "{\"parley\":\"receipt/1\",\n\"accept\":%s,\n"
		       "\"confirm\":%s}\n",
		       accept, confirm);
	if (len < 0 || asprintf(&path, "%s/%s-party%d-%s.receipt", dir, stamp,
				party, random) < 0) {
		cli_out_error("out of memory");
		goto out;
	}
	r = did_file_create(path, (const uint8_t *)text, (size_t)len);
	if (r == 0) {
		code = CLI_DONE;
	} else {
		cli_out_error("cannot write '%s': %s", path,
			      r == PARLEY_ERR_SYSTEM
				  ? strerror(errno)
				  : parley_did_err_string(r));
		code = CLI_LOCAL;
	}
out:
	free(path);
	free(text);
	return code;
}

int cli_receipt_write_all(const struct parley_session *s,
			  const struct parley_agreement *a, const char *dir)
{
	const int n = (int)parley_session_agreement_n_parties(a);
	const time_t now = time(NULL);
	char stamp[STAMP_SIZE];
	struct tm tm;
	int code = CLI_DONE;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		cli_out_error("cannot make '%s': %s", dir, strerror(errno));
		return CLI_LOCAL;
	}
	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H%M%SZ", &tm) == 0)
		snprintf(stamp, sizeof(stamp), "undated");
	for (int i = 0; i < n && code == CLI_DONE; i++) {
		if (i != parley_session_self(s))
			code = write_one(s, i, stamp, dir);
	}
	return code;
}

/*
 * Verifying
 */

/* What a verified envelope says. */
struct statement {
	const char *role; /* "accept" or "confirm" */
	char signer[PARLEY_DID_SIZE];
	char agreement[HASH_HEX_SIZE];
	json_t *message;
	const char *thid; /* of the message, as are the others */
	int64_t index, when;
};

static int complain(const char *path, const char *role, const char *what)
{
	cli_out_error("'%s' is no receipt: %s%s%s", path, role,
		      role[0] != '\0' ? ": " : "", what);
	return CLI_PEER;
}

static int read_statement(struct statement *st, const char *path,
			  const json_t *receipt, const char *role)
{
	char *envelope = NULL, *text = NULL;
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	size_t envelope_len, len, hash_len;
	const char *type, *encoded;
	const json_t *body;
	int r;

	st->role = role;
	if (did_json_dump(&envelope, &envelope_len,
			  json_object_get(receipt, role)) != 0)
		return complain(path, role, "the envelope is missing");
	r = parley_comm_signed_unpack(&text, &len, st->signer, envelope,
				      envelope_len);
	free(envelope);
	if (r != 0)
		return complain(path, role, parley_did_err_string(r));
	r = did_json_parse(&st->message, text, len);
	free(text);
	body = json_object_get(st->message, "body");
	type = did_json_string(st->message, "type");
	st->thid = did_json_string(st->message, "thid");
	encoded = did_json_string(body, "agreement");
	if (r != 0 || type == NULL || st->thid == NULL || encoded == NULL ||
	    strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0 ||
	    strcmp(type + strlen(TYPE_PREFIX), role) != 0 ||
	    !json_is_integer(json_object_get(body, "index")) ||
	    !json_is_integer(json_object_get(st->message, "created_time")) ||
	    sodium_base642bin(hash, sizeof(hash), encoded, strlen(encoded),
			      NULL, &hash_len, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    hash_len != sizeof(hash))
		return complain(path, role,
				"what was signed is of no handshake");
	sodium_bin2hex(st->agreement, sizeof(st->agreement), hash,
		       sizeof(hash));
	st->index = json_integer_value(json_object_get(body, "index"));
	st->when =
	    json_integer_value(json_object_get(st->message, "created_time"));
	return CLI_DONE;
}

/* Do the two envelopes answer each other? */
static int check_pair(const char *path, const struct statement *accept,
		      const struct statement *confirm)
{
	const json_t *to = json_object_get(confirm->message, "to");
	const char *addressee = json_string_value(json_array_get(to, 0));

	if (strcmp(accept->thid, confirm->thid) != 0 ||
	    strcmp(accept->agreement, confirm->agreement) != 0 ||
	    json_array_size(to) != 1 || addressee == NULL ||
	    strcmp(addressee, accept->signer) != 0)
		return complain(path, "",
				"its envelopes are of two handshakes");
	return CLI_DONE;
}

static int check_agreement(const char *path, const struct statement *st,
			   const struct parley_agreement *a)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	char hex[HASH_HEX_SIZE];

	if (a == NULL)
		return CLI_DONE;
	parley_session_agreement_hash(a, hash);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	if (strcmp(hex, st->agreement) != 0) {
		cli_out_error("'%s' is of another agreement, hash %s", path,
			      st->agreement);
		return CLI_PEER;
	}
	if (parley_session_agreement_index(a, st->signer) != st->index)
		return complain(path, st->role,
				"who signed it is not that party");
	return CLI_DONE;
}

static void show(const struct statement *st, const char *path,
		 const struct parley_agreement *a, bool json)
{
	const time_t when = (time_t)st->when;
	const char *name =
	    a == NULL
		? ""
		: parley_session_agreement_party_name(a, (size_t)st->index);
	char at[TIME_SIZE];
	struct tm tm;

	if (json) {
		cli_out_json(json_pack(
		    "{s:s, s:s, s:s, s:I, s:s, s:s, s:I}", "file", path,
		    "envelope", st->role, "did", st->signer, "party",
		    (json_int_t)st->index, "name", name, "agreement",
		    st->agreement, "created_time", (json_int_t)st->when));
		return;
	}
	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(at, sizeof(at), "%lld", (long long)st->when);
	cli_out_line("%s party %" PRId64 " %s%s%s agreed to %s", at, st->index,
		     name, name[0] != '\0' ? " " : "", st->signer,
		     st->agreement);
}

static int verify(const char *path, const struct parley_agreement *a, bool json)
{
	struct statement accept = {0}, confirm = {0};
	json_t *receipt = NULL;
	const char *kind;
	char *text;
	size_t len;
	int code = cli_file_read(&text, &len, path, RECEIPT_LEN_MAX);

	if (code != CLI_DONE)
		return code;
	if (did_json_parse(&receipt, text, len) != 0 ||
	    (kind = did_json_string(receipt, "parley")) == NULL ||
	    strcmp(kind, "receipt/1") != 0) {
		code = complain(path, "", "not a receipt file");
		goto out;
	}
	if ((code = read_statement(&accept, path, receipt, "accept")) ||
	    (code = read_statement(&confirm, path, receipt, "confirm")) ||
	    (code = check_pair(path, &accept, &confirm)) ||
	    (code = check_agreement(path, &accept, a)) ||
	    (code = check_agreement(path, &confirm, a)))
		goto out;
	show(&accept, path, a, json);
	show(&confirm, path, a, json);
out:
	json_decref(accept.message);
	json_decref(confirm.message);
	json_decref(receipt);
	free(text);
	return code;
}

static int run_verify(const struct cli_command *self, int argc, char **argv)
{
	struct parley_agreement *a = NULL;
	const char *path = NULL;
	char *why = NULL;
	bool json = false;
	const char **files = calloc((size_t)argc, sizeof(files[0]));
	const struct cli_args_option options[] = {
	    {.name = "agreement", .text = &path},
	    {.name = "json", .flag = &json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = files,
	    .n_operands_min = 1,
	    .n_operands_max = (size_t)argc,
	};
	int code, r;

	if (files == NULL) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		goto out;
	code = CLI_DONE;
	if (path != NULL &&
	    (r = parley_session_agreement_load(&a, &why, path)) != 0) {
		cli_out_error("cannot use '%s': %s", path,
			      why != NULL ? why : parley_did_err_string(r));
		code = CLI_LOCAL;
	}
	/* All are looked at; the first error stays. */
	for (size_t i = 0; path == NULL || a != NULL; i++) {
		if (files[i] == NULL)
			break;
		r = verify(files[i], a, json);
		code = code == CLI_DONE ? r : code;
	}
out:
	free(why);
	parley_session_agreement_free(a);
	free(files);
	return code;
}

static const struct cli_command subs[] = {
    {
	.name = "verify",
	.summary = "who agreed to what, and when",
	.help =
	    "usage: did-cli receipt verify FILE... [OPTION...]\n"
	    "\n"
	    "Verify receipts, which did-cli run --receipts writes, and show "
	    "who signed.\n"
	    "\n"
	    "  --agreement FILE  they have to be of this agreement\n"
	    "  --json            print one JSON object for each signature\n"
	    "\n"
	    "Exit code 3: a receipt is not what it should be.\n"
	    "\n"
	    "example:\n"
	    "  did-cli receipt verify receipts/*.receipt --agreement "
	    "demo.json\n",
	.run = run_verify,
    },
    {0},
};

const struct cli_command cli_receipt = {
    .name = "receipt",
    .summary = "verify what parties signed",
    .help = "usage: did-cli receipt COMMAND [OPTION...]\n"
	    "\n"
	    "  verify     who agreed to what, and when\n"
	    "\n"
	    "example:\n"
	    "  did-cli help receipt verify\n",
    .subs = subs,
};
