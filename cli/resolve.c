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
#include "cli/resolver.h"

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

/* The key of a verification method. */
static void print_key(const json_t *method)
{
	const json_t *jwk = json_object_get(method, "publicKeyJwk");
	const char *value = text_of(method, "publicKeyMultibase");

	cli_out_line("key    %s", text_of(method, "id"));
	cli_out_line("  type   %s", text_of(method, "type"));
	if (value[0] != '\0')
		cli_out_line("  value  %s", value);
	else if (jwk != NULL)
		cli_out_line("  value  %s %s %s", text_of(jwk, "crv"),
			     text_of(jwk, "x"), text_of(jwk, "y"));
}

static void print_service(const json_t *service)
{
	const json_t *endpoint = json_object_get(service, "serviceEndpoint");
	char *text = json_dumps(endpoint, JSON_COMPACT | JSON_ENCODE_ANY);

	cli_out_line("service %s", text_of(service, "id"));
	cli_out_line("  type   %s", text_of(service, "type"));
	cli_out_line("  at     %s", json_is_string(endpoint)
					? json_string_value(endpoint)
				    : text != NULL ? text
						   : "");
	free(text);
}

static void print_document(const json_t *document)
{
	const json_t *method, *service;
	size_t i;

	cli_out_line("did    %s", text_of(document, "id"));
	json_array_foreach(json_object_get(document, "verificationMethod"), i,
			   method)
	{
		print_key(method);
		for (size_t r = 0; r < N_RELATIONS; r++) {
			if (has_relation(document, relations[r],
					 text_of(method, "id")))
				cli_out_line("  for    %s", relations[r]);
		}
	}
	json_array_foreach(json_object_get(document, "service"), i, service)
	{
		print_service(service);
	}
}

/* A document, or the part of one that a DID URL names. */
static void print_content(const json_t *content)
{
	if (json_object_get(content, "serviceEndpoint") != NULL)
		print_service(content);
	else if (json_object_get(content, "controller") != NULL &&
		 json_object_get(content, "verificationMethod") == NULL &&
		 json_object_get(content, "type") != NULL)
		print_key(content);
	else
		print_document(content);
}

static void print_error(const struct cli_resolver *options, const char *did,
			const json_t *metadata, int err)
{
	const char *name = text_of(metadata, "error");
	const char *detail =
	    text_of(json_object_get(metadata, "problemDetails"), "detail");

	cli_out_error("cannot resolve '%s': %s: %s%s%s", did, name,
		      parley_did_err_string(err), detail[0] != '\0' ? ": " : "",
		      detail);
	if (err == PARLEY_ERR_FORMAT && strchr(did, '#') != NULL)
		cli_out_hint("--url resolves a DID URL");
	else if (err == PARLEY_ERR_FORMAT)
		cli_out_hint("a DID looks like did:key:z6Mk...; a local "
			     "identity is shown by 'did-cli identity show'");
	else if (strcmp(name, "methodNotSupported") == 0)
		cli_resolver_hint(options, did);
}

static int resolve(const char *did, bool is_url, bool as_json,
		   const struct cli_resolver *options)
{
	struct parley_resolver *resolver = NULL;
	const json_t *metadata;
	json_t *result = NULL;
	char *text = NULL;
	int code, r;

	code = cli_resolver_new(&resolver, options);
	if (code != CLI_DONE)
		return code;
	r = is_url ? parley_did_dereference(&text, resolver, did)
		   : parley_did_resolver_json(&text, resolver, did);
	if (text != NULL)
		result = json_loads(text, 0, NULL);
	code = r == 0 ? CLI_DONE : CLI_FAILED;
	if (result == NULL) {
		cli_out_error("cannot resolve '%s': %s", did,
			      parley_did_err_string(r));
		code = CLI_FAILED;
		goto out;
	}
	metadata = json_object_get(result, is_url ? "dereferencingMetadata"
						  : "didResolutionMetadata");
	if (as_json)
		puts(text);
	else if (r == 0)
		print_content(json_object_get(result, is_url ? "contentStream"
							     : "didDocument"));
	if (r != 0)
		print_error(options, did, metadata, r);
out:
	json_decref(result);
	free(text);
	parley_did_resolver_free(resolver);
	return code;
}

static int run_resolve(const struct cli_command *self, int argc, char **argv)
{
	const char *did = NULL, *url = NULL;
	struct cli_resolver resolver = {0};
	bool as_json = false;
	const struct cli_args_option options[] = {
	    {.name = "url", .text = &url},
	    {.name = "json", .flag = &as_json},
	    CLI_RESOLVER_OPTIONS(resolver),
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &did,
	    .n_operands_max = 1,
	};
	int code = cli_args_parse(&args, self, argc, argv);

	if (code != CLI_ARGS_OK)
		return code;
	if (did == NULL && url == NULL) {
		cli_out_error("resolve: an operand is missing");
		cli_out_hint("--help shows how it is used");
		return CLI_USAGE;
	}
	if (did != NULL && url != NULL) {
		cli_out_error("resolve: give a DID or --url, not both");
		return CLI_USAGE;
	}
	return resolve(url != NULL ? url : did, url != NULL, as_json,
		       &resolver);
}

const struct cli_command cli_resolve = {
    .name = "resolve",
    .summary = "show the document of a DID",
    .help =
	"usage: did-cli resolve DID | --url DID#FRAGMENT [OPTION...]\n"
	"\n"
	"Show the keys of a DID and what each may be used for, or one part of "
	"its\n"
	"document.  did:key, did:peer and did:jwk need nothing but the DID; "
	"for "
	"others:\n"
	"\n"
	"  --web              resolve did:web, by HTTPS\n"
	"  --web-private      also where the host has a private address\n"
	"  --web-ca FILE      trust the CAs in this PEM file instead\n"
	"  --web-timeout S    longest time in seconds (default: 10)\n"
	"  --web-redirects N  follow so many, to HTTPS only (default: 0)\n"
	"  --directory DIR    documents as files: did_web_example.com.json\n"
	"\n"
	"  --json             print the resolution result of DID Core 7.1, or "
	"with --url\n"
	"                     the dereferencing result of 7.2\n"
	"\n"
	"Exit code 1 if the DID cannot be resolved.\n"
	"\n"
	"example:\n"
	"  did-cli resolve "
	"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp\n",
    .run = run_resolve,
};
