/*
 * did-cli identity: make, list and show the identities of this user; import and
 * export are in identity_import.c, writing a new file in identity_target.c.
 *
 * `list` and `show` read only what the files say openly, so they never ask for
 * a passphrase; `show --check` opens the file and so proves that its DID is
 * the one of the key inside.
 */
#include "cli/identity.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <parley/did.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/store.h"

static int find_type(enum parley_identity_type *typep, const char *name)
{
	if (name == NULL || strcmp(name, "ed25519") == 0) {
		*typep = PARLEY_IDENTITY_ED25519;
	} else if (strcmp(name, "p256") == 0) {
		*typep = PARLEY_IDENTITY_P256;
	} else {
		cli_out_error("--type: '%s' is neither ed25519 nor p256", name);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static int run_new(const struct cli_command *self, int argc, char **argv)
{
	struct cli_identity_target target = {0};
	const char *type_name = NULL;
	const struct cli_args_option options[] = {
	    {.name = "type", .text = &type_name},
	    CLI_IDENTITY_TARGET_OPTIONS(target),
	    {0},
	};
	const struct cli_args args = {.options = options};
	struct parley_identity *id = NULL;
	enum parley_identity_type type;
	int code, r;

	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		return code;
	code = cli_identity_check(self, &target);
	if (code == CLI_DONE)
		code = find_type(&type, type_name);
	if (code != CLI_DONE)
		return code;
	r = parley_did_identity_new_type(&id, type);
	if (r != 0) {
		cli_out_error("cannot make a key: %s",
			      parley_did_err_string(r));
		return CLI_FAILED;
	}
	code = cli_identity_write(id, &target);
	parley_did_identity_free(id);
	return code;
}

static int is_identity_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(CLI_STORE_SUFFIX);

	return entry->d_name[0] != '.' && len > suffix &&
	       strcmp(entry->d_name + len - suffix, CLI_STORE_SUFFIX) == 0;
}

/* One line of the listing, or one object in ${array}. */
static int list_one(const char *directory, const char *file, json_t *array)
{
	enum parley_identity_seal seal;
	char did[PARLEY_DID_SIZE];
	char *path = NULL;
	int name_len = (int)(strlen(file) - strlen(CLI_STORE_SUFFIX));
	int code;

	if (asprintf(&path, "%s/%s", directory, file) < 0) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	code = cli_store_inspect(did, &seal, path);
	if (code == CLI_DONE && array == NULL)
		cli_out_line("%-12.*s %s  %s", name_len, file, did,
			     seal == PARLEY_IDENTITY_SEALED ? "sealed"
							    : "unencrypted");
	else if (code == CLI_DONE)
		json_array_append_new(array,
				      json_pack("{s:s%, s:s, s:s, s:s}", "name",
						file, (size_t)name_len, "did",
						did, "file", path, "protection",
						cli_identity_protection(seal)));
	free(path);
	return code;
}

static int run_list(const struct cli_command *self, int argc, char **argv)
{
	bool json = false;
	const struct cli_args_option options[] = {
	    {.name = "json", .flag = &json},
	    {0},
	};
	const struct cli_args args = {.options = options};
	struct dirent **entries = NULL;
	json_t *array = NULL;
	char *directory;
	int code, n;

	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		return code;
	directory = cli_store_directory(false);
	if (directory == NULL)
		return CLI_LOCAL;
	n = scandir(directory, &entries, is_identity_file, alphasort);
	if (n < 0 && errno != ENOENT) {
		cli_out_error("cannot open '%s': %s", directory,
			      strerror(errno));
		free(directory);
		return CLI_LOCAL;
	}
	if (json)
		array = json_array();
	code = CLI_DONE;
	for (int i = 0; i < n; i++) {
		int r = list_one(directory, entries[i]->d_name, array);

		if (r != CLI_DONE)
			code = r;
		free(entries[i]);
	}
	free(entries);
	if (json && cli_out_json(json_pack("{s:s, s:o}", "directory", directory,
					   "identities", array)) != CLI_DONE)
		code = CLI_FAILED;
	else if (!json && n <= 0) {
		cli_out_note("no identities in '%s'", directory);
		cli_out_hint("'did-cli identity new' makes one");
	}
	free(directory);
	return code;
}

static int show(const char *path, const char *which,
		const struct cli_passphrase_source *source, bool check,
		bool json)
{
	struct parley_identity *id = NULL;
	enum parley_identity_seal seal;
	char did[PARLEY_DID_SIZE];
	int code = cli_store_inspect(did, &seal, path);

	if (code != CLI_DONE)
		return code;
	if (check) {
		code = cli_store_load(&id, which, source);
		parley_did_identity_free(id);
		if (code != CLI_DONE)
			return code;
	}
	if (json)
		return cli_out_json(json_pack("{s:s, s:s, s:s, s:b}", "did",
					      did, "file", path, "protection",
					      cli_identity_protection(seal),
					      "checked", check));
	cli_out_line("did         %s", did);
	cli_out_line("file        %s", path);
	cli_out_line("protection  %s", cli_identity_protection_phrase(seal));
	if (check)
		cli_out_line("checked     the file opens and holds the key "
			     "of this DID");
	return CLI_DONE;
}

static int run_show(const struct cli_command *self, int argc, char **argv)
{
	struct cli_passphrase_source source = {0};
	const char *operand = NULL, *which = NULL;
	bool check = false, json = false;
	const struct cli_args_option options[] = {
	    {.name = "identity", .text = &which},
	    {.name = "check", .flag = &check},
	    {.name = "passphrase-file", .text = &source.file},
	    {.name = "passphrase-fd", .text = &source.fd},
	    {.name = "json", .flag = &json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &operand,
	    .n_operands_max = 1,
	};
	char *path;
	int code;

	code = cli_args_parse(&args, self, argc, argv);
	if (code != CLI_ARGS_OK)
		return code;
	if (operand != NULL && which != NULL) {
		cli_out_error("show: name one identity, not two");
		return CLI_USAGE;
	}
	if (operand != NULL)
		which = operand;
	path = cli_store_path(which);
	if (path == NULL)
		return CLI_LOCAL;
	code = show(path, which, &source, check, json);
	free(path);
	return code;
}

static const struct cli_command subs[] = {
    {
	.name = "new",
	.summary = "make a key pair and its did:key",
	.help =
	    "usage: did-cli identity new [--name NAME | --out FILE] [OPTION...]"
	    "\n\n"
	    "Make a key pair, write it to a new file, and print its DID.\n"
	    "The passphrase is asked for at the terminal, without echo.\n"
	    "\n"
	    "  --type ed25519|p256     the type of the key (default: "
	    "ed25519)\n"
	    "  --name NAME             in the default directory "
	    "(default: default)\n"
	    "  --out FILE              to this file instead\n"
	    "  --unencrypted           no passphrase; file mode 0600 protects "
	    "it\n"
	    "  --passphrase-file FILE  read the passphrase there, - is stdin\n"
	    "  --passphrase-fd N       read the passphrase from descriptor N\n"
	    "  --json                  print one JSON object\n"
	    "\n"
	    "Default directory: $XDG_DATA_HOME/parley/identities, or\n"
	    "~/.local/share/parley/identities.\n"
	    "\n"
	    "example:\n"
	    "  did-cli identity new --name alice\n",
	.run = run_new,
    },
    {
	.name = "list",
	.summary = "list the identities of the default directory",
	.help = "usage: did-cli identity list [--json]\n"
		"\n"
		"List name, DID and protection of the identities in the "
		"default directory.\n"
		"The DID is what the file says; 'identity show --check' "
		"proves it.\n"
		"\n"
		"  --json  print one JSON object\n"
		"\n"
		"example:\n"
		"  did-cli identity list\n",
	.run = run_list,
    },
    {
	.name = "show",
	.summary = "show one identity; with --check, open it",
	.help =
	    "usage: did-cli identity show [FILE|NAME] [OPTION...]\n"
	    "\n"
	    "Show DID, file and protection of an identity, by default of the "
	    "one\n"
	    "named 'default'.  FILE has a '/' in it or ends in .identity.\n"
	    "\n"
	    "  --identity FILE|NAME    another way to say which\n"
	    "  --check                 open the file, to prove that it works\n"
	    "  --passphrase-file FILE  read the passphrase there, - is stdin\n"
	    "  --passphrase-fd N       read the passphrase from descriptor N\n"
	    "  --json                  print one JSON object\n"
	    "\n"
	    "example:\n"
	    "  did-cli identity show alice\n",
	.run = run_show,
    },
    {
	.name = "import",
	.summary = "make an identity from the key of another program",
	.help = cli_identity_import_help,
	.run = cli_identity_import_run,
    },
    {
	.name = "export",
	.summary = "write the secret key for another program",
	.help = cli_identity_export_help,
	.run = cli_identity_export_run,
    },
    {0},
};

const struct cli_command cli_identity = {
    .name = "identity",
    .summary = "make, list, show, import and export identities",
    .help = "usage: did-cli identity new|list|show|import|export [OPTION...]\n"
	    "\n"
	    "  new     make a key pair and its did:key\n"
	    "  list    list the identities of the default directory\n"
	    "  show    show one identity; with --check, open it\n"
	    "  import  make an identity from the key of another program\n"
	    "  export  write the secret key for another program\n"
	    "\n"
	    "'did-cli identity new --help' says more.\n"
	    "\n"
	    "example:\n"
	    "  did-cli identity new --name alice\n",
    .subs = subs,
};
