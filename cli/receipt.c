/*
 * did-cli receipt: who agreed to what, and when, without anybody's help.
 *
 * Receipts are written here after a session began, and shown; what is looked at
 * before they are believed is in receipt_check.c.
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

#include "cli/args.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/receipt_check.h"
#include "did/file.h"

enum {
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
	json_t *receipt = json_pack("{s:s, s:s, s:s, s:s}", "parley",
				    CLI_RECEIPT_CHECK_KIND, "accept", accept,
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

/* ${other} is what ${st} answers, or NULL. */
static void show(const struct cli_receipt_check_statement *st,
		 const struct cli_receipt_check_statement *other,
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
	struct cli_receipt_check c;
	char *text;
	size_t len;
	int code = cli_file_read(&text, &len, path, CLI_RECEIPT_CHECK_LEN_MAX);

	if (code != CLI_DONE)
		return code;
	if (!cli_receipt_check(&c, text, len, a)) {
		cli_out_error("'%s' %s", path, c.error);
		code = CLI_PEER;
	} else {
		show(&c.accept, NULL, path, a, json);
		show(&c.confirm, &c.accept, path, a, json);
	}
	cli_receipt_check_free(&c);
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
