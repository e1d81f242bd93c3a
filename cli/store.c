/*
 * Where identities live, and how a command opens the one it was told.
 *
 * XDG Base Directory Specification: data files of a user are under
 * $XDG_DATA_HOME, by default $HOME/.local/share; paths must be absolute, and
 * one that is not is ignored; directories are made with mode 0700.
 */
#include "cli/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/out.h"
#include "did/file.h"
#include "did/identity.h"

enum {
	NAME_LEN_MAX = 64,
};

/* mkdir -p; false with errno. */
static bool make_directories(char *path)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			*p = c;
			return false;
		}
		*p = c;
		if (c == '\0')
			return true;
	}
}

char *cli_store_directory(bool create)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int r;

	if (data != NULL && data[0] == '/') {
		r = asprintf(&path, "%s/parley/identities", data);
	} else if (home != NULL && home[0] == '/') {
		r = asprintf(&path, "%s/.local/share/parley/identities", home);
	} else {
		cli_out_error("no directory for identities: neither "
			      "XDG_DATA_HOME nor HOME is an absolute path");
		cli_out_hint("name a file: --out FILE when creating, "
			     "--identity ./FILE elsewhere");
		return NULL;
	}
	if (r < 0) {
		cli_out_error("out of memory");
		return NULL;
	}
	if (create && !make_directories(path)) {
		cli_out_error("cannot create the directory '%s': %s", path,
			      strerror(errno));
		free(path);
		return NULL;
	}
	return path;
}

bool cli_store_is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t len = strlen(text);

	return len > 0 && len <= NAME_LEN_MAX && strspn(text, allowed) == len &&
	       text[0] != '.' && text[0] != '-';
}

static bool is_file_name(const char *text)
{
	size_t len = strlen(text), suffix = strlen(CLI_STORE_SUFFIX);

	return strchr(text, '/') != NULL ||
	       (len > suffix &&
		strcmp(text + len - suffix, CLI_STORE_SUFFIX) == 0);
}

char *cli_store_path(const char *which)
{
	char *directory, *path = NULL;

	if (which == NULL)
		which = CLI_STORE_DEFAULT_NAME;
	if (is_file_name(which)) {
		path = strdup(which);
		if (path == NULL)
			cli_out_error("out of memory");
		return path;
	}
	if (!cli_store_is_name(which)) {
		cli_out_error("'%s' is not the name of an identity", which);
		cli_out_hint("names are 1-64 of A-Z a-z 0-9 . _ -; a file is "
			     "written with a '/', as in './FILE'");
		return NULL;
	}
	directory = cli_store_directory(false);
	if (directory == NULL)
		return NULL;
	if (asprintf(&path, "%s/%s" CLI_STORE_SUFFIX, directory, which) < 0) {
		cli_out_error("out of memory");
		path = NULL;
	}
	free(directory);
	return path;
}

static void warn_if_open(const char *path, mode_t mode)
{
	if ((mode & 077) == 0)
		return;
	cli_out_warning("'%s' is open to other users (mode %04o)", path,
			(unsigned)mode);
	cli_out_hint("chmod 600 '%s'", path);
}

/* Other users could have put ${path} where it is, or could do so. */
static void unsafe_error(const char *path, const struct did_file_fault *fault)
{
	char text[DID_FILE_PATH_SIZE + 100];

	did_file_fault_text(text, sizeof(text), fault);
	cli_out_error("cannot open '%s': %s", path, text);
	switch (fault->flaw) {
	case DID_FILE_LINK:
		cli_out_hint("name the file itself");
		break;
	case DID_FILE_DIRECTORY_OPEN:
		cli_out_hint("they could put another identity there: "
			     "chmod go-w '%s'",
			     fault->path);
		break;
	case DID_FILE_SOUND:
	case DID_FILE_FOREIGN:
	case DID_FILE_OPEN:
	case DID_FILE_DIRECTORY_FOREIGN:
		cli_out_hint("keep identities where only you can write");
		break;
	}
}

void cli_store_error(const char *path, const char *verb, int err)
{
	int saved = errno;

	cli_out_error("cannot %s '%s': %s", verb, path,
		      err == PARLEY_ERR_SYSTEM ? strerror(saved)
		      : err == PARLEY_ERR_NOT_FOUND
			  ? strerror(ENOENT)
			  : parley_did_err_string(err));
	if (err == PARLEY_ERR_NOT_FOUND)
		cli_out_hint("'did-cli identity list' shows the identities, "
			     "'did-cli identity new' makes one");
	else if (err == PARLEY_ERR_EXISTS)
		cli_out_hint("existing files are never overwritten; choose "
			     "another name");
	else if (err == PARLEY_ERR_FILE_FORMAT)
		cli_out_hint("identities are made by 'did-cli identity new'");
	else if (err == PARLEY_ERR_FILE_DAMAGED)
		cli_out_hint("restore it from a copy; the damage cannot be "
			     "undone here");
}

int cli_store_inspect(char did[PARLEY_DID_SIZE],
		      enum parley_identity_seal *sealp, const char *path)
{
	struct did_file_fault fault;
	int r = did_identity_inspect_checked(did, sealp, &fault, path,
					     &did_identity_file_rules);

	if (r == PARLEY_ERR_UNSAFE)
		unsafe_error(path, &fault);
	else if (r != 0)
		cli_store_error(path, "open", r);
	else
		warn_if_open(path, fault.mode);
	return r == 0 ? CLI_DONE : CLI_LOCAL;
}

int cli_store_load(struct parley_identity **idp, const char *which,
		   const struct cli_passphrase_source *source)
{
	struct cli_passphrase passphrase = {0};
	struct did_file_fault fault;
	enum parley_identity_seal seal;
	char did[PARLEY_DID_SIZE];
	char *path = cli_store_path(which);
	int code, r;

	if (path == NULL)
		return CLI_LOCAL;
	code = cli_store_inspect(did, &seal, path);
	if (code == CLI_DONE && seal == PARLEY_IDENTITY_SEALED)
		code = cli_passphrase_read(&passphrase, source, path, false);
	if (code != CLI_DONE)
		goto out;
	r = did_identity_load_checked(idp, &fault, path, passphrase.text,
				      passphrase.len, &did_identity_file_rules);
	if (r == PARLEY_ERR_UNSAFE)
		unsafe_error(path, &fault);
	else if (r != 0)
		cli_store_error(path, "open", r);
	code = r == 0 ? CLI_DONE : CLI_LOCAL;
out:
	cli_passphrase_wipe(&passphrase);
	free(path);
	return code;
}
