/*
 * Where a new identity file goes and how it is protected: what `did-cli
 * identity new` and `import` have in common.
 *
 * Nothing is written before the passphrase is known, and no signal comes
 * between the file and the line with its DID.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/identity.h"
#include "cli/out.h"
#include "cli/stop.h"
#include "cli/store.h"

const char *cli_identity_protection(enum parley_identity_seal seal)
{
	return seal == PARLEY_IDENTITY_SEALED ? "passphrase" : "none";
}

const char *cli_identity_protection_phrase(enum parley_identity_seal seal)
{
	return seal == PARLEY_IDENTITY_SEALED
		   ? "sealed under a passphrase"
		   : "not encrypted: whoever reads the file has the key";
}

/* Where the file goes, its directory made; NULL: error printed. */
static char *new_path(const char *name, const char *out)
{
	char *directory, *path = NULL;

	if (out != NULL) {
		path = strdup(out);
		if (path == NULL)
			cli_out_error("out of memory");
		return path;
	}
	if (!cli_store_is_name(name)) {
		cli_out_error("'%s' is not usable as a name", name);
		cli_out_hint("names are 1-64 of A-Z a-z 0-9 . _ -; --out FILE "
			     "writes anywhere");
		return NULL;
	}
	directory = cli_store_directory(true);
	if (directory == NULL)
		return NULL;
	if (asprintf(&path, "%s/%s" CLI_STORE_SUFFIX, directory, name) < 0) {
		cli_out_error("out of memory");
		path = NULL;
	}
	free(directory);
	return path;
}

/* Write the file, and say what it is. */
static int save(const struct parley_identity *id, const char *path,
		const struct cli_passphrase *passphrase, bool json)
{
	enum parley_identity_seal seal = passphrase->text != NULL
					     ? PARLEY_IDENTITY_SEALED
					     : PARLEY_IDENTITY_PLAINTEXT;
	int r;

	r = parley_did_identity_save(id, path, passphrase->text,
				     passphrase->len);
	if (r != 0) {
		cli_store_error(path, "create", r);
		return CLI_LOCAL;
	}
	if (json)
		return cli_out_json(json_pack(
		    "{s:s, s:s, s:s}", "did", parley_did_identity_did(id),
		    "file", path, "protection", cli_identity_protection(seal)));
	cli_out_line("%s", parley_did_identity_did(id));
	cli_out_note("identity written to '%s', %s", path,
		     cli_identity_protection_phrase(seal));
	return CLI_DONE;
}

int cli_identity_check(const struct cli_command *self,
		       const struct cli_identity_target *t)
{
	if (t->name != NULL && t->out != NULL) {
		cli_out_error("%s: --name and --out exclude each other",
			      self->name);
		return CLI_USAGE;
	}
	if (t->unencrypted &&
	    (t->source.file != NULL || t->source.fd != NULL)) {
		cli_out_error("%s: --unencrypted takes no passphrase",
			      self->name);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

int cli_identity_write(const struct parley_identity *id,
		       const struct cli_identity_target *t)
{
	struct cli_passphrase passphrase = {0};
	struct cli_stop stop;
	char *path;
	int code;

	path = new_path(t->name != NULL ? t->name : CLI_STORE_DEFAULT_NAME,
			t->out);
	if (path == NULL)
		return CLI_LOCAL;
	/* Better now than after two questions; saving checks it again. */
	if (access(path, F_OK) == 0) {
		cli_store_error(path, "create", PARLEY_ERR_EXISTS);
		code = CLI_LOCAL;
		goto out;
	}
	code = t->unencrypted
		   ? CLI_DONE
		   : cli_passphrase_read(&passphrase, &t->source, path, true);
	if (code != CLI_DONE)
		goto out;
	/* A signal waits until the file is whole and its DID printed. */
	if (cli_stop_begin(&stop) != 0) {
		cli_out_error("cannot block signals: %s", strerror(errno));
		code = CLI_FAILED;
		goto out;
	}
	code = save(id, path, &passphrase, t->json);
	cli_passphrase_wipe(&passphrase);
	code = cli_out_finish(code);
	cli_stop_end(&stop);
out:
	cli_passphrase_wipe(&passphrase);
	free(path);
	return code;
}
