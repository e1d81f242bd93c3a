/*
 * did-cli receipt: who agreed to what, and when, without anybody's help.
 *
 * Each party of a session has signed an envelope that names its DID, its index
 * and the hash of the agreement (PROTOCOL.md 5.5).  The one who was dialled
 * signed accept, which names nobody else.  The one who dialled signed confirm
 * over a transcript that has accept in it: this is computed again here.  So the
 * second is shown to answer the first, and nothing more is claimed.
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
#include "did/base64.h"
#include "did/file.h"
#include "did/json.h"
#include "session/schedule.h"
#include "session/wire.h"

#define TYPE_PREFIX "urn:parley:session/1.0/"
#define KIND	    "receipt/2"

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

/* The file: the envelopes as texts, since every byte of them counts. */
static char *encode(const char *accept, const char *confirm,
		    const char *finished)
{
	json_t *receipt =
	    json_pack("{s:s, s:s, s:s, s:s}", "parley", KIND, "accept", accept,
		      "confirm", confirm, "finished", finished);
	char *line = receipt ? json_dumps(receipt, JSON_INDENT(1)) : NULL;
	char *text = NULL;

	if (line && asprintf(&text, "%s\n", line) < 0)
		text = NULL;
	free(line);
	json_decref(receipt);
	return text;
}

int cli_receipt_write(const struct cli_receipt *r, int party, const char *dir)
{
	const time_t now = time(NULL);
	uint8_t bytes[RANDOM_LEN];
	char random[2 * RANDOM_LEN + 1], stamp[STAMP_SIZE];
	char *path = NULL, *text;
	struct tm tm;
	int err, code = CLI_FAILED;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		cli_out_error("cannot make '%s': %s", dir, strerror(errno));
		return CLI_LOCAL;
	}
	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H%M%SZ", &tm) == 0)
		snprintf(stamp, sizeof(stamp), "undated");
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(random, sizeof(random), bytes, sizeof(bytes));
	text = encode(r->accept, r->confirm, r->finished);
	if (text == NULL || asprintf(&path, "%s/%s-party%d-%s.receipt", dir,
				     stamp, party, random) < 0) {
		cli_out_error("out of memory");
		goto out;
	}
	err = did_file_create(path, (const uint8_t *)text, strlen(text));
	if (err == 0) {
		code = CLI_DONE;
	} else {
		cli_out_error("cannot write '%s': %s", path,
			      err == PARLEY_ERR_SYSTEM
				  ? strerror(errno)
				  : parley_did_err_string(err));
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
	struct cli_receipt r;
	int code = CLI_DONE;

	for (int i = 0; i < n && code == CLI_DONE; i++) {
		if (i == parley_session_self(s))
			continue;
		if (parley_session_receipt(s, i, PARLEY_RECEIPT_ACCEPT,
					   &r.accept) ||
		    parley_session_receipt(s, i, PARLEY_RECEIPT_CONFIRM,
					   &r.confirm) ||
		    parley_session_receipt(s, i, PARLEY_RECEIPT_FINISHED,
					   &r.finished)) {
			cli_out_error("there is no receipt of party %d", i);
			return CLI_FAILED;
		}
		code = cli_receipt_write(&r, i, dir);
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
	const char *envelope; /* its text; borrowed */
	uint8_t transcript[SESSION_HASH_LEN];
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

/* The member ${name}: ${len} bytes in base64url. */
static bool read_bytes(uint8_t *bytes, size_t len, const json_t *object,
		       const char *name)
{
	const char *text = did_json_string(object, name);

	return text != NULL &&
	       did_base64_decode_exact(bytes, len, text, strlen(text)) == 0;
}

static int read_statement(struct statement *st, const char *path,
			  const json_t *receipt, const char *role)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	const json_t *body;
	const char *type;
	char *text = NULL;
	size_t len;
	int r;

	st->role = role;
	st->envelope = did_json_string(receipt, role);
	if (st->envelope == NULL)
		return complain(path, role, "the envelope is missing");
	r = parley_comm_signed_unpack(&text, &len, st->signer, st->envelope,
				      strlen(st->envelope));
	if (r != 0)
		return complain(path, role, parley_did_err_string(r));
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
		return complain(path, role,
				"what was signed is of no handshake");
	sodium_bin2hex(st->agreement, sizeof(st->agreement), hash,
		       sizeof(hash));
	st->index = json_integer_value(json_object_get(body, "index"));
	st->when =
	    json_integer_value(json_object_get(st->message, "created_time"));
	return CLI_DONE;
}

/*
 * PROTOCOL 4.2, T3 to T5: was ${confirm} signed over ${accept}?  Whatever
 * ${finished} is, no other accept leads to the same hash.
 */
static bool answers(const struct statement *confirm,
		    const struct statement *accept,
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
static int check_pair(const char *path, const json_t *receipt,
		      const struct statement *accept,
		      const struct statement *confirm)
{
	const json_t *to = json_object_get(confirm->message, "to");
	const char *addressee = json_string_value(json_array_get(to, 0));
	uint8_t finished[SESSION_HASH_LEN];

	if (strcmp(accept->signer, confirm->signer) == 0 ||
	    accept->index == confirm->index)
		return complain(path, "",
				"one party has signed both envelopes");
	if (!read_bytes(finished, sizeof(finished), receipt, "finished"))
		return complain(path, "", "the member 'finished' is missing");
	if (strcmp(accept->agreement, confirm->agreement) != 0 ||
	    json_array_size(to) != 1 || addressee == NULL ||
	    strcmp(addressee, accept->signer) != 0 ||
	    !answers(confirm, accept, finished))
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

/* ${other} is what ${st} answers, or NULL. */
static void show(const struct statement *st, const struct statement *other,
		 const char *path, const struct parley_agreement *a, bool json)
{
	const time_t when = (time_t)st->when;
	const char *name =
	    a == NULL
		? ""
		: parley_session_agreement_party_name(a, (size_t)st->index);
	char answering[sizeof(", in answer to party -9223372036854775808")] =
	    "";
	char at[TIME_SIZE];
	struct tm tm;

	if (json) {
		cli_out_json(json_pack(
		    "{s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:s?}", "file", path,
		    "envelope", st->role, "did", st->signer, "party",
		    (json_int_t)st->index, "name", name, "agreement",
		    st->agreement, "created_time", (json_int_t)st->when,
		    "answers", other != NULL ? other->signer : NULL));
		return;
	}
	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(at, sizeof(at), "%lld", (long long)st->when);
	if (other != NULL)
		snprintf(answering, sizeof(answering),
			 ", in answer to party %" PRId64, other->index);
	cli_out_line("%s party %" PRId64 " %s%s%s agreed to %s%s", at,
		     st->index, name, name[0] != '\0' ? " " : "", st->signer,
		     st->agreement, answering);
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
	    strcmp(kind, KIND) != 0) {
		code = complain(path, "", "not a receipt file");
		goto out;
	}
	if ((code = read_statement(&accept, path, receipt, "accept")) ||
	    (code = read_statement(&confirm, path, receipt, "confirm")) ||
	    (code = check_pair(path, receipt, &accept, &confirm)) ||
	    (code = check_agreement(path, &accept, a)) ||
	    (code = check_agreement(path, &confirm, a)))
		goto out;
	show(&accept, NULL, path, a, json);
	show(&confirm, &accept, path, a, json);
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
	    "Verify receipts, which did-cli run --receipts writes: that each "
	    "of two parties\n"
	    "has signed that it agrees, and that who dialled did so in answer "
	    "to the other.\n"
	    "That the other one received this answer is not shown, nor what "
	    "was computed.\n"
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
