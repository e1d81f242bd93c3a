/*
 * did-cli resolve: from a DID to its document.
 *
 * What is printed for people is read back from the resolution result, so both
 * forms of the output say the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <parley/did.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/out.h"

/* The verification relationships, DID Core 5.3. */
static const char *const relations[] = {
    "authentication",	    "assertionMethod",	    "keyAgreement",
    "capabilityInvocation", "capabilityDelegation",
};

enum {
	N_RELATIONS = sizeof(relations) / sizeof(relations[0]),
};

static const char *text_of(const json_t *obj, const char *name)
{
	const char *text = json_string_value(json_object_get(obj, name));

	return text != NULL ? text : "";
}

/* Is the method ${id} in the relation, by reference or embedded? */
static bool has_relation(const json_t *document, const char *relation,
			 const char *id)
{
	const json_t *list = json_object_get(document, relation);
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *other = json_is_string(entry)
					? json_string_value(entry)
					: text_of(entry, "id");

		if (strcmp(other, id) == 0)
			return true;
	}
	return false;
}

static void print_document(const json_t *document)
{
	const json_t *method;
	size_t i;

	cli_out_line("did    %s", text_of(document, "id"));
	json_array_foreach(json_object_get(document, "verificationMethod"), i,
			   method)
	{
		const char *id = text_of(method, "id");

		cli_out_line("key    %s", id);
		cli_out_line("  type   %s", text_of(method, "type"));
		if (json_object_get(method, "publicKeyMultibase") != NULL)
			cli_out_line("  value  %s",
				     text_of(method, "publicKeyMultibase"));
		for (size_t r = 0; r < N_RELATIONS; r++) {
			if (has_relation(document, relations[r], id))
				cli_out_line("  for    %s", relations[r]);
		}
	}
}

static int print_error(const char *did, const json_t *result, int err)
{
	const char *name =
	    text_of(json_object_get(result, "didResolutionMetadata"), "error");

	cli_out_error("cannot resolve '%s': %s: %s", did, name,
		      parley_did_err_string(err));
	if (err == PARLEY_ERR_FORMAT)
		cli_out_hint("a DID looks like did:key:z6Mk...; a local "
			     "identity is shown by 'did-cli identity show'");
	else if (strcmp(name, "methodNotSupported") == 0)
		cli_out_hint("did:key is supported");
	return CLI_FAILED;
}

static int run_resolve(const struct cli_command *self, int argc, char **argv)
{
	const char *did = NULL;
	bool as_json = false;
	const struct cli_args_option options[] = {
	    {.name = "json", .flag = &as_json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &did,
	    .n_operands_min = 1,
	    .n_operands_max = 1,
	};
	json_t *result = NULL;
	char *text = NULL;
	int code, r;

	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		return code;
	r = parley_did_resolve(&text, did);
	if (text != NULL)
		result = json_loads(text, 0, NULL);
	if (result == NULL) {
		cli_out_error("cannot resolve '%s': %s", did,
			      parley_did_err_string(r));
		free(text);
		return CLI_FAILED;
	}
	if (as_json)
		puts(text);
	else if (r == 0)
		print_document(json_object_get(result, "didDocument"));
	code = r == 0 ? CLI_DONE : print_error(did, result, r);
	json_decref(result);
	free(text);
	return code;
}

const struct cli_command cli_resolve = {
    .name = "resolve",
    .summary = "show the document of a DID",
    .help =
	"usage: did-cli resolve DID [--json]\n"
	"\n"
	"Show the keys of a DID and what each may be used for.\n"
	"\n"
	"  --json  print the resolution result of DID Core 7.1: the document "
	"and its\n"
	"          metadata, or null and the name of the error\n"
	"\n"
	"Exit code 1 if the DID cannot be resolved.\n"
	"\n"
	"example:\n"
	"  did-cli resolve "
	"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp\n",
    .run = run_resolve,
};
