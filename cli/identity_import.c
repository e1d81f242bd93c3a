/*
 * did-cli identity import, did-cli identity export: secret keys from and for
 * other programs.
 *
 * There are two passphrases: --passphrase-... is that of the identity file, as
 * everywhere, and --key-passphrase-... that of the other program's file.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <parley/did.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/identity.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/store.h"
#include "did/file.h"
#include "did/identity.h"
#include "did/secret.h"

enum {
	KEY_FILE_MAX = 16 * 1024,
	SEED_LEN = 32,
};

static const char *const formats[] = {
    [PARLEY_KEY_JWK] = "jwk",
    [PARLEY_KEY_PEM] = "pem",
    [PARLEY_KEY_SEED] = "seed",
};

static int find_format(enum parley_key_format *formatp, const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i], name) == 0) {
			*formatp = (enum parley_key_format)i;
			return CLI_DONE;
		}
	}
	cli_out_error("--format: '%s' is none of jwk, pem, seed", name);
	return CLI_USAGE;
}

static int import_error(const char *path, int err)
{
	int saved = errno;

	cli_out_error("cannot import '%s': %s", path,
		      err == PARLEY_ERR_SYSTEM ? strerror(saved)
		      : err == PARLEY_ERR_NOT_FOUND
			  ? strerror(ENOENT)
			  : parley_did_err_string(err));
	if (err == PARLEY_ERR_UNSUPPORTED)
		cli_out_hint("identities have Ed25519 or P-256 keys");
	else if (err == PARLEY_ERR_FORMAT || err == PARLEY_ERR_JSON ||
		 err == PARLEY_ERR_LENGTH)
		cli_out_hint("--format says what it is: a secret key as jwk or "
			     "pem, or the %d bytes of a seed",
			     SEED_LEN);
	return CLI_LOCAL;
}

/* What the file seems to be; an error shows when it is imported. */
static int guess_format(enum parley_key_format *formatp, const char *path)
{
	uint8_t *bytes;
	size_t len;
	int r = did_file_read(&bytes, &len, path, KEY_FILE_MAX);

	if (r != 0)
		return import_error(path, r);
	if (len == SEED_LEN)
		*formatp = PARLEY_KEY_SEED;
	else if (memmem(bytes, len, "-----BEGIN", 10) != NULL)
		*formatp = PARLEY_KEY_PEM;
	else
		*formatp = PARLEY_KEY_JWK;
	did_secret_free(bytes);
	return CLI_DONE;
}

static bool is_given(const struct cli_passphrase_source *source)
{
	return source->file != NULL || source->fd != NULL;
}

/* Import; asks for the passphrase if the file turns out to have one. */
static int import(struct parley_identity **idp, const char *path,
		  enum parley_key_format format,
		  const struct cli_passphrase_source *source)
{
	struct cli_passphrase passphrase = {0};
	int code = CLI_DONE, r = PARLEY_ERR_PASSPHRASE;

	if (!is_given(source))
		r = parley_did_identity_import(idp, path, format, NULL, 0);
	if (r == PARLEY_ERR_PASSPHRASE) {
		code = cli_passphrase_read(&passphrase, source, path, false);
		if (code != CLI_DONE)
			return code;
		r = parley_did_identity_import(idp, path, format,
					       passphrase.text, passphrase.len);
		cli_passphrase_wipe(&passphrase);
	}
	return r == 0 ? CLI_DONE : import_error(path, r);
}

int cli_identity_import_run(const struct cli_command *self, int argc,
			    char **argv)
{
	struct cli_identity_target target = {0};
	struct cli_passphrase_source source = {0};
	enum parley_key_format format = PARLEY_KEY_JWK;
	const char *path = NULL, *format_name = NULL;
	const struct cli_args_option options[] = {
	    {.name = "format", .text = &format_name},
	    {.name = "key-passphrase-file", .text = &source.file},
	    {.name = "key-passphrase-fd", .text = &source.fd},
	    CLI_IDENTITY_TARGET_OPTIONS(target),
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &path,
	    .n_operands_min = 1,
	    .n_operands_max = 1,
	};
	struct parley_identity *id = NULL;
	int code = cli_args_parse(&args, self, argc, argv);

	if (code != CLI_ARGS_OK)
		return code;
	code = cli_identity_check(self, &target);
	if (code == CLI_DONE)
		code = format_name != NULL ? find_format(&format, format_name)
					   : guess_format(&format, path);
	if (code == CLI_DONE)
		code = import(&id, path, format, &source);
	if (code == CLI_DONE)
		code = cli_identity_write(id, &target);
	parley_did_identity_free(id);
	return code;
}

/* To standard output: not through its buffer, which nobody wipes. */
static int write_out(const struct parley_identity *id,
		     enum parley_key_format format,
		     const struct cli_passphrase *p)
{
	uint8_t *bytes;
	size_t len, done = 0;
	int r = did_identity_encode(&bytes, &len, id, format, p->text, p->len);

	if (r != 0) {
		cli_out_error("cannot export: %s", parley_did_err_string(r));
		return CLI_FAILED;
	}
	while (done < len) {
		ssize_t n = write(STDOUT_FILENO, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	if (done < len)
		cli_out_error("cannot write to standard output: %s",
			      strerror(errno));
	did_secret_free(bytes);
	return done < len ? CLI_FAILED : CLI_DONE;
}

static int write_file(const struct parley_identity *id,
		      enum parley_key_format format,
		      const struct cli_passphrase *p, const char *path)
{
	int r = parley_did_identity_export(id, path, format, p->text, p->len);

	if (r != 0) {
		cli_store_error(path, "create", r);
		return CLI_LOCAL;
	}
	cli_out_note("secret key of %s written to '%s', %s",
		     parley_did_identity_did(id), path,
		     p->text != NULL
			 ? "sealed under a passphrase"
			 : "not encrypted: whoever reads the file has the key");
	return CLI_DONE;
}

/* Everything that can be wrong before a passphrase is asked for. */
static int check_export(enum parley_key_format format, const char *path,
			bool unencrypted,
			const struct cli_passphrase_source *source)
{
	if (path == NULL) {
		cli_out_error("export: where to? --out is missing");
		cli_out_hint("--out FILE makes a new file; --out - prints the "
			     "secret key");
		return CLI_USAGE;
	}
	if (unencrypted && is_given(source)) {
		cli_out_error("export: --unencrypted takes no passphrase");
		return CLI_USAGE;
	}
	if (format == PARLEY_KEY_SEED && !unencrypted) {
		cli_out_error("export: a seed cannot be encrypted");
		cli_out_hint("--unencrypted writes it all the same");
		return CLI_USAGE;
	}
	if (strcmp(path, "-") != 0 && access(path, F_OK) == 0) {
		cli_store_error(path, "create", PARLEY_ERR_EXISTS);
		return CLI_LOCAL;
	}
	return CLI_DONE;
}

int cli_identity_export_run(const struct cli_command *self, int argc,
			    char **argv)
{
	struct cli_passphrase_source source = {0}, key_source = {0};
	enum parley_key_format format = PARLEY_KEY_PEM;
	const char *which = NULL, *format_name = NULL, *out = NULL;
	bool unencrypted = false;
	const struct cli_args_option options[] = {
	    {.name = "format", .text = &format_name},
	    {.name = "out", .text = &out},
	    {.name = "unencrypted", .flag = &unencrypted},
	    {.name = "key-passphrase-file", .text = &key_source.file},
	    {.name = "key-passphrase-fd", .text = &key_source.fd},
	    {.name = "passphrase-file", .text = &source.file},
	    {.name = "passphrase-fd", .text = &source.fd},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &which,
	    .n_operands_max = 1,
	};
	struct cli_passphrase passphrase = {0};
	struct parley_identity *id = NULL;
	int code = cli_args_parse(&args, self, argc, argv);

	if (code != CLI_ARGS_OK)
		return code;
	code =
	    format_name != NULL ? find_format(&format, format_name) : CLI_DONE;
	if (code == CLI_DONE)
		code = check_export(format, out, unencrypted, &key_source);
	if (code == CLI_DONE)
		code = cli_store_load(&id, which, &source);
	if (code == CLI_DONE && format == PARLEY_KEY_SEED &&
	    parley_did_identity_type(id) != PARLEY_IDENTITY_ED25519) {
		cli_out_error("only an Ed25519 key has a seed");
		cli_out_hint("--format pem and --format jwk export P-256");
		code = CLI_LOCAL;
	}
	if (code == CLI_DONE && !unencrypted)
		code = cli_passphrase_read(
		    &passphrase, &key_source,
		    strcmp(out, "-") == 0 ? "the key" : out, true);
	if (code == CLI_DONE)
		code = strcmp(out, "-") == 0
			   ? write_out(id, format, &passphrase)
			   : write_file(id, format, &passphrase, out);
	cli_passphrase_wipe(&passphrase);
	parley_did_identity_free(id);
	return code;
}

const char cli_identity_import_help[] =
    "usage: did-cli identity import FILE [--name NAME | --out FILE] "
    "[OPTION...]\n"
    "\n"
    "Make an identity from the Ed25519 or P-256 key of another program, and "
    "print its\n"
    "DID.  FILE stays as it is.\n"
    "\n"
    "  --format jwk|pem|seed       what FILE is (default: as it looks)\n"
    "  --key-passphrase-file FILE  the passphrase of FILE; - is stdin\n"
    "  --key-passphrase-fd N       the same from descriptor N\n"
    "  --name, --out, --unencrypted, --passphrase-file, --passphrase-fd, "
    "--json\n"
    "                              for the new identity, as in 'identity "
    "new'\n"
    "\n"
    "example:\n"
    "  openssl genpkey -algorithm ed25519 -out key.pem\n"
    "  did-cli identity import key.pem --name carol --unencrypted\n";

const char cli_identity_export_help[] =
    "usage: did-cli identity export [FILE|NAME] --out FILE [OPTION...]\n"
    "\n"
    "Write the secret key of an identity to a new file with mode 0600, for "
    "another\n"
    "program.  The passphrase of the new file is asked for at the terminal.\n"
    "\n"
    "  --out FILE                  where to; - prints the secret key\n"
    "  --format pem|jwk|seed       PKCS #8 (default), JWK, or 32 bytes\n"
    "  --unencrypted               no passphrase on the new file; always with "
    "seed\n"
    "  --key-passphrase-file FILE  the passphrase of the new file\n"
    "  --key-passphrase-fd N       the same from descriptor N\n"
    "  --passphrase-file FILE      the passphrase of the identity\n"
    "  --passphrase-fd N           the same from descriptor N\n"
    "\n"
    "example:\n"
    "  did-cli identity export alice --format jwk --unencrypted --out "
    "alice.jwk\n";
