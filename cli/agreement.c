/*
 * did-cli agreement: make, show and check agreements.
 *
 * A file is read once; the library judges those bytes, and the same bytes are
 * then read as JSON for what the library has no getter for.  The id is never
 * printed: who holds it can knock at the parties' doors (PROTOCOL.md 2.3), and
 * what this prints is meant to be shown around.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <sodium.h>

#include <parley/did.h>
#include <parley/session.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/store.h"

enum {
	HASH_HEX_SIZE = 2 * PARLEY_AGREEMENT_HASH_LEN + 1,
	TIME_SIZE = sizeof("-2147483648-12-31T23:59:60Z"),
};

/* An agreement in both forms, and its hash. */
struct agreement {
	struct parley_agreement *parsed;
	json_t *json;
	char hash[HASH_HEX_SIZE];
};

static void wipe(struct agreement *a)
{
	parley_session_agreement_free(a->parsed);
	json_decref(a->json);
	a->parsed = NULL;
	a->json = NULL;
}

/* Returns an exit code, the error printed; wipe() in any case. */
static int load(struct agreement *a, const char *path)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	char *text = NULL, *why = NULL;
	size_t len;
	int code, r;

	code = cli_file_read(&text, &len, path, PARLEY_AGREEMENT_LEN_MAX);
	if (code != CLI_DONE)
		return code;
	r = parley_session_agreement_parse(&a->parsed, &why, text, len);
	if (r != 0) {
		cli_out_error("'%s' is not a valid agreement: %s", path,
			      why != NULL ? why : parley_did_err_string(r));
		free(why);
		free(text);
		return CLI_LOCAL;
	}
	a->json = json_loadb(text, len, 0, NULL);
	free(text);
	if (a->json == NULL) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	parley_session_agreement_hash(a->parsed, hash);
	sodium_bin2hex(a->hash, sizeof(a->hash), hash, sizeof(hash));
	return CLI_DONE;
}

/* RFC 3339 in UTC, or the number if it is too far off. */
static const char *time_text(char buf[TIME_SIZE], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(buf, TIME_SIZE, "%lld", (long long)seconds);
	return buf;
}

static void print_members(const char *word, const json_t *obj)
{
	const char *key;
	json_t *value;
	char *text;

	json_object_foreach((json_t *)(uintptr_t)obj, key, value)
	{
		text = json_dumps(value, JSON_ENCODE_ANY);
		cli_out_line("%-11s %s = %s", word, key,
			     text != NULL ? text : "");
		free(text);
	}
}

static void print_party(const struct parley_agreement *a, size_t i)
{
	const char *name = parley_session_agreement_party_name(a, i);
	const char *endpoint;

	cli_out_line("party %-5zu %s%s%s", i,
		     parley_session_agreement_party_did(a, i),
		     name[0] != '\0' ? "  " : "", name);
	for (size_t n = 0;
	     (endpoint = parley_session_agreement_party_endpoint(a, i, n)) !=
	     NULL;
	     n++)
		cli_out_line("%-11s %s", "", endpoint);
}

static void print_agreement(const struct agreement *a)
{
	const struct parley_agreement *p = a->parsed;
	const json_t *program = json_object_get(a->json, "program");
	int64_t expires = parley_session_agreement_expires(p);
	char when[TIME_SIZE];

	cli_out_line("name        %s", parley_session_agreement_name(p));
	cli_out_line("hash        %s", a->hash);
	cli_out_line("created     %s",
		     time_text(when, parley_session_agreement_created(p)));
	cli_out_line("expires     %s",
		     expires != 0 ? time_text(when, expires) : "never");
	cli_out_line(
	    "threshold   up to %u of %zu parties together learn nothing",
	    parley_session_agreement_threshold(p),
	    parley_session_agreement_n_parties(p));
	if (program != NULL)
		cli_out_line("program     %s %s",
			     parley_session_agreement_program(p),
			     parley_session_agreement_program_version(p));
	print_members("digest", json_object_get(program, "digests"));
	print_members("parameter", json_object_get(a->json, "parameters"));
	for (size_t i = 0; i < parley_session_agreement_n_parties(p); i++)
		print_party(p, i);
}

/* The file's own members but the id, with what is computed from them. */
static json_t *agreement_json(const struct agreement *a)
{
	json_t *obj = json_object(), *parties, *party;
	size_t i;

	if (obj == NULL ||
	    json_object_set_new(obj, "hash", json_string(a->hash)) != 0 ||
	    json_object_update(obj, a->json) != 0) {
		json_decref(obj);
		return NULL;
	}
	json_object_del(obj, "id");
	parties = json_object_get(obj, "parties");
	json_array_foreach(parties, i, party)
	{
		json_object_set_new(party, "index",
				    json_integer((json_int_t)i));
	}
	return obj;
}

static int run_show(const struct cli_command *self, int argc, char **argv)
{
	const char *path = NULL;
	bool as_json = false;
	const struct cli_args_option options[] = {
	    {.name = "json", .flag = &as_json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &path,
	    .n_operands_min = 1,
	    .n_operands_max = 1,
	};
	struct agreement a = {0};
	int code;

	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		return code;
	code = load(&a, path);
	if (code == CLI_DONE && as_json)
		code = cli_out_json(agreement_json(&a));
	else if (code == CLI_DONE)
		print_agreement(&a);
	wipe(&a);
	return code;
}

/* What `check` found; ${json} is NULL when text is printed. */
struct findings {
	json_t *json;
	bool failed;
};

static void check_time(struct findings *f, const struct parley_agreement *a)
{
	int64_t expires = parley_session_agreement_expires(a);
	int64_t left = expires - (int64_t)time(NULL);
	bool expired = expires != 0 && left <= 0;
	char when[TIME_SIZE];

	f->failed = f->failed || expired;
	if (f->json != NULL)
		json_object_set_new(f->json, "expired", json_boolean(expired));
	else if (expires == 0)
		cli_out_line("expires     never");
	else
		cli_out_line("expires     %s: %s", time_text(when, expires),
			     expired ? "EXPIRED" : "not yet");
}

static void check_roster(struct findings *f, const struct parley_agreement *a,
			 const char *did)
{
	int index = parley_session_agreement_index(a, did);

	f->failed = f->failed || index < 0;
	if (f->json != NULL) {
		json_object_set_new(f->json, "did", json_string(did));
		json_object_set_new(f->json, "index",
				    index < 0 ? json_null()
					      : json_integer(index));
	} else if (index < 0) {
		cli_out_line("identity    %s: NOT IN THE ROSTER", did);
	} else {
		cli_out_line(
		    "identity    %s: party %d %s", did, index,
		    parley_session_agreement_party_name(a, (size_t)index));
	}
}

static int check_file(struct findings *f, json_t *files,
		      const struct parley_agreement *a, const char *path)
{
	const char *label = cli_file_base_name(path);
	const char *agreed = parley_session_agreement_digest(a, label);
	char digest[CLI_FILE_DIGEST_SIZE];
	const char *verdict;
	int code = cli_file_digest(digest, path);

	if (code != CLI_DONE)
		return code;
	verdict = agreed == NULL		? "not agreed"
		  : strcmp(agreed, digest) == 0 ? "same"
						: "different";
	f->failed = f->failed || strcmp(verdict, "same") != 0;
	if (f->json != NULL)
		json_object_set_new(files, label, json_string(verdict));
	else if (agreed == NULL)
		cli_out_line("digest      %s: NOT IN THE AGREEMENT", label);
	else
		cli_out_line("digest      %s: %s", label,
			     strcmp(verdict, "same") == 0 ? "as agreed"
							  : "DIFFERENT");
	return CLI_DONE;
}

/* The DID to look for: of --identity, or of the default one if there is one. */
static int find_did(char did[PARLEY_DID_SIZE], const char *which)
{
	enum parley_identity_seal seal;
	char *path = cli_store_path(which);
	int code = CLI_LOCAL;

	if (path == NULL)
		return CLI_LOCAL;
	if (which == NULL && parley_did_identity_inspect(path, did, &seal) ==
				 PARLEY_ERR_NOT_FOUND) {
		did[0] = '\0';
		code = CLI_DONE;
	} else {
		code = cli_store_inspect(did, &seal, path);
	}
	free(path);
	return code;
}

static int check(const struct agreement *a, const char *did,
		 const struct cli_args_list *files, bool as_json)
{
	struct findings f = {0};
	json_t *verdicts = NULL;
	int code = CLI_DONE;

	if (as_json) {
		f.json = json_pack("{s:s}", "hash", a->hash);
		verdicts = json_object();
	} else {
		cli_out_line("name        %s",
			     parley_session_agreement_name(a->parsed));
		cli_out_line("hash        %s", a->hash);
	}
	check_time(&f, a->parsed);
	if (did[0] != '\0')
		check_roster(&f, a->parsed, did);
	else
		cli_out_note("no identity named and none called 'default': "
			     "the roster is not checked");
	for (size_t i = 0; i < files->n && code == CLI_DONE; i++)
		code = check_file(&f, verdicts, a->parsed, files->at[i]);
	if (code != CLI_DONE) {
		json_decref(verdicts);
		json_decref(f.json);
		return code;
	}
	if (as_json) {
		json_object_set_new(f.json, "digests", verdicts);
		json_object_set_new(f.json, "ok", json_boolean(!f.failed));
		code = cli_out_json(f.json);
	}
	if (f.failed) {
		cli_out_error("the agreement cannot be used as it is");
		code = CLI_FAILED;
	}
	return code;
}

static int run_check(const struct cli_command *self, int argc, char **argv)
{
	const char *path = NULL, *which = NULL;
	struct cli_args_list files = {0};
	bool as_json = false;
	const struct cli_args_option options[] = {
	    {.name = "identity", .text = &which},
	    {.name = "program-file", .list = &files},
	    {.name = "json", .flag = &as_json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &path,
	    .n_operands_min = 1,
	    .n_operands_max = 1,
	};
	struct agreement a = {0};
	char did[PARLEY_DID_SIZE];
	int code;

	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		goto out;
	code = load(&a, path);
	if (code == CLI_DONE)
		code = find_did(did, which);
	if (code == CLI_DONE)
		code = check(&a, did, &files, as_json);
out:
	wipe(&a);
	cli_args_list_free(&files);
	return code;
}

static const struct cli_command subs[] = {
    {
	.name = "new",
	.summary = "write a new agreement",
	.help =
	    "usage: did-cli agreement new --name TEXT --party PARTY... "
	    "[OPTION...]\n"
	    "           [-- PROGRAM [ARGUMENT...]]\n"
	    "\n"
	    "  --party DID[,NAME[,ENDPOINT...]]  once for each party, in index "
	    "order\n"
	    "  --threshold T           so many learn nothing (default: less "
	    "than half)\n"
	    "  --program NAME, --program-version V\n"
	    "  --program-file FILE     require its SHA-256 digest, under the "
	    "file's name\n"
	    "  --parameter NAME=VALUE  true, false and integers become such, "
	    "else text\n"
	    "  --parameter-text NAME=TEXT  always text\n"
	    "  --preset mpyc|tcp       how PROGRAM is measured for 'did-cli "
	    "run' (tcp)\n"
	    "  --expires-in 30d        s, m, h, d or w (default: never)\n"
	    "  --out FILE              new file, mode 0600 (default: standard "
	    "output)\n"
	    "  --json                  with --out: print file and hash as "
	    "JSON\n"
	    "\n"
	    "Give the file to every party, and to nobody else.  Endpoints are\n"
	    "tcp://HOST:PORT; of any two parties one needs an endpoint.\n"
	    "\n"
	    "example:\n"
	    "  A=$(did-cli identity new --name alice --unencrypted)\n"
	    "  B=$(did-cli identity new --name bob --unencrypted)\n"
	    "  did-cli agreement new --name demo --out demo.json \\\n"
	    "    --party $A,alice --party $B,bob,tcp://127.0.0.1:7001\n",
	.run = cli_agreement_new_run,
    },
    {
	.name = "show",
	.summary = "show an agreement and its hash",
	.help = "usage: did-cli agreement show FILE [--json]\n"
		"\n"
		"Show what the agreement FILE says, and its hash.  All parties "
		"must have the\n"
		"same hash.  The id is left out: it is for the parties only.\n"
		"\n"
		"  FILE    - is standard input\n"
		"  --json  print one JSON object\n"
		"\n"
		"example:\n"
		"  did-cli agreement show demo.json\n",
	.run = run_show,
    },
    {
	.name = "check",
	.summary = "check an agreement against this side",
	.help =
	    "usage: did-cli agreement check FILE [OPTION...]\n"
	    "\n"
	    "Say whether FILE is a valid agreement, whether it has expired, "
	    "which party\n"
	    "the identity is in it, and whether program files are those "
	    "agreed on.\n"
	    "\n"
	    "  --identity FILE|NAME  (default: default)\n"
	    "  --program-file FILE   compare its digest; may be repeated\n"
	    "  --json                print one JSON object\n"
	    "\n"
	    "Exit code 0 if all is well, 1 if something is not.\n"
	    "\n"
	    "example:\n"
	    "  did-cli agreement check demo.json --identity alice\n",
	.run = run_check,
    },
    {0},
};

const struct cli_command cli_agreement = {
    .name = "agreement",
    .summary = "make, show and check agreements",
    .help = "usage: did-cli agreement new|show|check [OPTION...]\n"
	    "\n"
	    "  new    write a new agreement\n"
	    "  show   show an agreement and its hash\n"
	    "  check  check an agreement against this side\n"
	    "\n"
	    "'did-cli agreement new --help' says more.\n"
	    "\n"
	    "example:\n"
	    "  did-cli agreement show demo.json\n",
    .subs = subs,
};
