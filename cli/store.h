/*
 * Where identities live, and how a command opens the one it was told.
 *
 * An identity is named by a file, if the text has a '/' in it or ends in
 * ".identity", and else by its name in the default directory,
 * $XDG_DATA_HOME/parley/identities or ~/.local/share/parley/identities.
 */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include <stdbool.h>

#include <parley/did.h>

#include "cli/passphrase.h"

#define CLI_STORE_SUFFIX       ".identity"
#define CLI_STORE_DEFAULT_NAME "default"

/*
 * cli_store_directory(create):
 * The default directory, made with mode 0700 where missing if ${create}.  The
 * caller frees it; NULL after an error has been printed.
 */
char *cli_store_directory(bool create);

/*
 * cli_store_is_name(text):
 * Is ${text} usable as a name: 1-64 of A-Za-z0-9._-, not a '.' or '-' first?
 */
bool cli_store_is_name(const char *text);

/*
 * cli_store_path(which):
 * The file of the identity ${which}, a file or a name; NULL is the default
 * identity.  The caller frees it; NULL after an error has been printed.
 */
char *cli_store_path(const char *which);

/*
 * cli_store_inspect(did, sealp, path):
 * What the file ${path} says openly.  Warns if others can read the file;
 * where they could put another one in its place, that is an error.
 *
 * Returns an exit code, the error printed.
 */
int cli_store_inspect(char did[PARLEY_DID_SIZE],
		      enum parley_identity_seal *sealp, const char *path);

/*
 * cli_store_load(idp, which, source):
 * Load the identity ${which}, asking for its passphrase if it has one.  The
 * caller frees it with parley_did_identity_free().
 *
 * Returns an exit code, the error printed.
 */
int cli_store_load(struct parley_identity **idp, const char *which,
		   const struct cli_passphrase_source *source);

/* cli_store_error(path, verb, err): print why ${verb} failed for ${path}. */
void cli_store_error(const char *path, const char *verb, int err);

#endif /* !CLI_STORE_H */
