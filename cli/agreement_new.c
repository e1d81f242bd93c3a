/*
 * did-cli agreement new: write a new agreement.
 *
 * The options become a JSON object in the order of PROTOCOL.md 2.1; what is
 * valid is for parley_session_agreement_parse() to say, on the very bytes that
 * will be written.  Nothing is written that it refuses.
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
#include "cli/preset.h"

/* PROTOCOL.md 2.1: integers of 53 bits and sign. */
static const int64_t parameter_max = (INT64_C(1) << 53) - 1;

/* What the command line says. */
struct request {
	const struct cli_preset *preset;
	char **cmd;    /* what will be run, NULL at its end; may be empty */
	json_t *facts; /* of that, or NULL */
	const char *name;
	const char *threshold;
	const char *program;
	const char *program_version;
	const char *expires_in;
	const char *out;
	bool json;
	struct cli_args_list parties;
	struct cli_args_list files;
	struct cli_args_list parameters;
	struct cli_args_list texts;
};

static int out_of_memory(void)
{
	cli_out_error("out of memory");
	return CLI_FAILED;
}

/* Set a member whose text came from the command line. */
static int set_text(json_t *obj, const char *name, const char *text)
{
	json_t *value = json_string(text);

	if (value == NULL) {
		cli_out_error("'%s' is not UTF-8", text);
		return CLI_USAGE;
	}
	if (json_object_set_new(obj, name, value) != 0)
		return out_of_memory();
	return CLI_DONE;
}

/* "DID[,NAME[,ENDPOINT...]]" to {did, name?, endpoints?}. */
static int add_party(json_t *parties, const char *text)
{
	char *copy = strdup(text), *rest = copy, *part;
	json_t *party = json_object(), *endpoints = NULL;
	int code = CLI_DONE;

	if (copy == NULL || party == NULL) {
		code = out_of_memory();
		goto out;
	}
	code = set_text(party, "did", strsep(&rest, ","));
	part = strsep(&rest, ",");
	if (code == CLI_DONE && part != NULL && part[0] != '\0')
		code = set_text(party, "name", part);
	while (code == CLI_DONE && (part = strsep(&rest, ",")) != NULL) {
		if (endpoints == NULL) {
			endpoints = json_array();
			json_object_set_new(party, "endpoints", endpoints);
		}
		if (json_array_append_new(endpoints, json_string(part)) != 0) {
			cli_out_error("'%s' is not UTF-8", text);
			code = CLI_USAGE;
		}
	}
	if (code == CLI_DONE && json_array_append(parties, party) != 0)
		code = out_of_memory();
out:
	json_decref(party);
	free(copy);
	return code;
}

/* The value of NAME=VALUE in the type that it looks like. */
static int typed_value(json_t **valuep, const char *text)
{
	int64_t n;

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		*valuep = json_boolean(text[0] == 't');
	} else if (cli_args_integer(&n, text, -parameter_max, parameter_max)) {
		*valuep = json_integer(n);
	} else if (text[0] != '\0' &&
		   strspn(text + (text[0] == '-'), "0123456789") ==
		       strlen(text) - (text[0] == '-') &&
		   text[text[0] == '-'] != '\0') {
		/* Not silently text: the other parties might disagree. */
		cli_out_error("--parameter: '%s' is not an integer of at most "
			      "53 bits without leading zeros",
			      text);
		cli_out_hint("--parameter-text takes it as text");
		return CLI_USAGE;
	} else {
		*valuep = json_string(text);
	}
	if (*valuep == NULL) {
		cli_out_error("--parameter: '%s' is not UTF-8", text);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static int add_parameter(json_t *parameters, const char *text, bool as_text)
{
	const char *equals = strchr(text, '=');
	json_t *value = NULL;
	char *name;
	int code = CLI_DONE;

	if (equals == NULL || equals == text) {
		cli_out_error("--parameter: '%s' is not NAME=VALUE", text);
		return CLI_USAGE;
	}
	name = strndup(text, (size_t)(equals - text));
	if (name == NULL)
		return out_of_memory();
	if (json_object_get(parameters, name) != NULL) {
		cli_out_error("--parameter: '%s' is given twice", name);
		code = CLI_USAGE;
	} else if (as_text) {
		code = set_text(parameters, name, equals + 1);
	} else {
		code = typed_value(&value, equals + 1);
		if (code == CLI_DONE &&
		    json_object_set_new(parameters, name, value) != 0) {
			cli_out_error("'%s' is not UTF-8", name);
			code = CLI_USAGE;
		}
	}
	free(name);
	return code;
}

static int add_file(json_t *digests, const char *path)
{
	const char *label = cli_file_base_name(path);
	char text[sizeof("sha256:") + CLI_FILE_DIGEST_SIZE] = "sha256:";
	int code;

	if (json_object_get(digests, label) != NULL) {
		cli_out_error("--program-file: two files are named '%s'",
			      label);
		return CLI_USAGE;
	}
	code = cli_file_digest(text + strlen(text), path);
	return code == CLI_DONE ? set_text(digests, label, text) : code;
}

static const char *program_of(const struct request *q)
{
	if (q->program != NULL || q->facts == NULL)
		return q->program;
	return cli_file_base_name(q->preset->program(q->cmd));
}

static int add_program(json_t *obj, const struct request *q)
{
	const char *name = program_of(q);
	json_t *program, *digests;
	int code;

	if (name == NULL) {
		if (q->program_version == NULL && q->files.n == 0)
			return CLI_DONE;
		cli_out_error("new: --program-version and --program-file need "
			      "--program NAME");
		return CLI_USAGE;
	}
	program = json_object();
	if (json_object_set_new(obj, "program", program) != 0)
		return out_of_memory();
	code = set_text(program, "name", name);
	if (code == CLI_DONE && q->program_version != NULL)
		code = set_text(program, "version", q->program_version);
	if (code != CLI_DONE || (q->files.n == 0 && q->facts == NULL))
		return code;
	digests = json_object();
	if (json_object_set_new(program, "digests", digests) != 0 ||
	    (q->facts != NULL &&
	     json_object_update(digests,
				json_object_get(q->facts, "digests")) != 0))
		return out_of_memory();
	for (size_t i = 0; i < q->files.n && code == CLI_DONE; i++)
		code = add_file(digests, q->files.at[i]);
	return code;
}

static int add_parameters(json_t *obj, const struct request *q)
{
	json_t *parameters;
	int code = CLI_DONE;

	if (q->parameters.n + q->texts.n == 0 && q->facts == NULL)
		return CLI_DONE;
	parameters = json_object();
	if (json_object_set_new(obj, "parameters", parameters) != 0 ||
	    (q->facts != NULL &&
	     json_object_update(parameters,
				json_object_get(q->facts, "parameters")) != 0))
		return out_of_memory();
	for (size_t i = 0; i < q->parameters.n && code == CLI_DONE; i++)
		code = add_parameter(parameters, q->parameters.at[i], false);
	for (size_t i = 0; i < q->texts.n && code == CLI_DONE; i++)
		code = add_parameter(parameters, q->texts.at[i], true);
	return code;
}

static int add_times(json_t *obj, const struct request *q)
{
	int64_t now = (int64_t)time(NULL), lifetime;

	json_object_set_new(obj, "created", json_integer(now));
	if (q->expires_in == NULL)
		return CLI_DONE;
	if (!cli_args_duration(&lifetime, q->expires_in)) {
		cli_out_error("--expires-in: '%s' is not a duration",
			      q->expires_in);
		cli_out_hint("a number and one of s, m, h, d, w: 30d");
		return CLI_USAGE;
	}
	json_object_set_new(obj, "expires", json_integer(now + lifetime));
	return CLI_DONE;
}

static int add_threshold(json_t *obj, const struct request *q)
{
	const json_t *fact = json_object_get(q->facts, "threshold");
	int64_t n = (int64_t)q->parties.n, threshold = (n - 1) / 2,
		max = q->preset != NULL ? q->preset->threshold_max(n) : n - 1;

	if (q->threshold != NULL &&
	    !cli_args_integer(&threshold, q->threshold, 0, max)) {
		cli_out_error("--threshold: '%s' is not a number from 0 to "
			      "%lld",
			      q->threshold, (long long)max);
		return CLI_USAGE;
	}
	if (json_is_integer(fact)) {
		if (q->threshold != NULL &&
		    json_integer_value(fact) != threshold) {
			cli_out_error("--threshold is not what the program is "
				      "told");
			return CLI_USAGE;
		}
		threshold = json_integer_value(fact);
	}
	json_object_set_new(obj, "threshold", json_integer(threshold));
	return CLI_DONE;
}

/* 128 bits that nobody can guess; see PROTOCOL.md 2.3. */
static void add_id(json_t *obj)
{
	uint8_t id[PARLEY_AGREEMENT_ID_LEN];
	char text[sodium_base64_ENCODED_LEN(
	    PARLEY_AGREEMENT_ID_LEN, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	randombytes_buf(id, sizeof(id));
	sodium_bin2base64(text, sizeof(text), id, sizeof(id),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	json_object_set_new(obj, "id", json_string(text));
}

/* The agreement as JSON; NULL in ${*objp} unless CLI_DONE. */
static int build(json_t **objp, const struct request *q)
{
	json_t *obj = json_pack("{s:s}", "parley", "agreement/1"), *parties;
	int code;

	if (obj == NULL)
		return out_of_memory();
	add_id(obj);
	if ((code = set_text(obj, "name", q->name)) != CLI_DONE ||
	    (code = add_times(obj, q)) != CLI_DONE ||
	    (code = add_program(obj, q)) != CLI_DONE ||
	    (code = add_threshold(obj, q)) != CLI_DONE ||
	    (code = add_parameters(obj, q)) != CLI_DONE)
		goto out;
	parties = json_array();
	if (json_object_set_new(obj, "parties", parties) != 0)
		code = out_of_memory();
	for (size_t i = 0; i < q->parties.n && code == CLI_DONE; i++)
		code = add_party(parties, q->parties.at[i]);
out:
	if (code == CLI_DONE)
		*objp = obj;
	else
		json_decref(obj);
	return code;
}

/* Pretty-printed, with a newline at the end; the caller frees it. */
static char *dump(const json_t *obj)
{
	char *text = json_dumps(obj, JSON_INDENT(2)), *line = NULL;

	if (text != NULL && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

static int check(char hex[CLI_FILE_DIGEST_SIZE], const char *text)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	struct parley_agreement *a = NULL;
	char *why = NULL;
	int r = parley_session_agreement_parse(&a, &why, text, strlen(text));

	if (r != 0) {
		cli_out_error("this would be no valid agreement: %s",
			      why != NULL ? why : parley_did_err_string(r));
		free(why);
		return CLI_USAGE;
	}
	parley_session_agreement_hash(a, hash);
	sodium_bin2hex(hex, CLI_FILE_DIGEST_SIZE, hash, sizeof(hash));
	parley_session_agreement_free(a);
	return CLI_DONE;
}

static int make(const struct request *q)
{
	char hash[CLI_FILE_DIGEST_SIZE], *text = NULL;
	json_t *obj = NULL;
	int code = build(&obj, q);

	if (code != CLI_DONE)
		return code;
	text = dump(obj);
	json_decref(obj);
	if (text == NULL)
		return out_of_memory();
	code = check(hash, text);
	if (code != CLI_DONE)
		goto out;
	if (q->out == NULL) {
		fputs(text, stdout);
		goto out;
	}
	code = cli_file_create(q->out, text, strlen(text));
	if (code == CLI_DONE && q->json)
		code = cli_out_json(
		    json_pack("{s:s, s:s}", "file", q->out, "hash", hash));
	else if (code == CLI_DONE)
		cli_out_note("agreement written to '%s', hash %s", q->out,
			     hash);
out:
	free(text);
	return code;
}

/* Find out what the command line to be run is. */
static int measure(struct request *q, const char *preset)
{
	int code;

	if (preset == NULL && q->cmd[0] == NULL)
		return CLI_DONE;
	q->preset = cli_preset_find(preset, NULL);
	if (q->preset == NULL)
		return CLI_USAGE;
	if (q->cmd[0] == NULL) {
		cli_out_error("new: --preset needs the command that is to be "
			      "run");
		cli_out_hint("-- PROGRAM ARGUMENT... at the end");
		return CLI_USAGE;
	}
	code = q->preset->check_words(q->cmd);
	return code == CLI_DONE ? q->preset->measure(&q->facts, q->cmd) : code;
}

int cli_agreement_new_run(const struct cli_command *self, int argc, char **argv)
{
	struct request q = {0};
	const char *preset = NULL;
	const char **words = calloc((size_t)argc + 1, sizeof(words[0]));
	const struct cli_args_option options[] = {
	    {.name = "name", .text = &q.name},
	    {.name = "party", .list = &q.parties},
	    {.name = "threshold", .text = &q.threshold},
	    {.name = "program", .text = &q.program},
	    {.name = "program-version", .text = &q.program_version},
	    {.name = "program-file", .list = &q.files},
	    {.name = "parameter", .list = &q.parameters},
	    {.name = "parameter-text", .list = &q.texts},
	    {.name = "expires-in", .text = &q.expires_in},
	    {.name = "out", .text = &q.out},
	    {.name = "preset", .text = &preset},
	    {.name = "json", .flag = &q.json},
	    {0},
	};
	const struct cli_args args = {.options = options,
				      .operands = words,
				      .n_operands_max = (size_t)argc};
	int code;

	if (words == NULL)
		return out_of_memory();
	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		goto out;
	q.cmd = (char **)(uintptr_t)words;
	if (q.name == NULL || q.parties.n < 2) {
		cli_out_error("new: --name and at least two --party are "
			      "needed");
		cli_out_hint("--party DID,NAME,tcp://HOST:PORT, once for each "
			     "party");
		code = CLI_USAGE;
		goto out;
	}
	code = measure(&q, preset);
	if (code == CLI_DONE)
		code = make(&q);
out:
	json_decref(q.facts);
	free(words);
	cli_args_list_free(&q.parties);
	cli_args_list_free(&q.files);
	cli_args_list_free(&q.parameters);
	cli_args_list_free(&q.texts);
	return code;
}
