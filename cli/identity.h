/*
 * What the commands of `did-cli identity` share.
 */
#ifndef CLI_IDENTITY_H
#define CLI_IDENTITY_H

#include <stdbool.h>

#include <parley/did.h>

#include "cli/command.h"
#include "cli/passphrase.h"

/* Where a new identity file goes, and how it is protected. */
struct cli_identity_target {
	const char *name, *out; /* at most one of them */
	bool unencrypted, json;
	struct cli_passphrase_source source;
};

/* Entries of the options of a command, for a target ${t}. */
#define CLI_IDENTITY_TARGET_OPTIONS(t)                             \
	{.name = "name", .text = &(t).name},                       \
	    {.name = "out", .text = &(t).out},                     \
	    {.name = "unencrypted", .flag = &(t).unencrypted},     \
	    {.name = "passphrase-file", .text = &(t).source.file}, \
	    {.name = "passphrase-fd", .text = &(t).source.fd},     \
	{                                                          \
		.name = "json", .flag = &(t).json                  \
	}

/*
 * cli_identity_check(self, t):
 * Do the options of the target fit together?  Returns an exit code, the error
 * printed.
 */
int cli_identity_check(const struct cli_command *self,
		       const struct cli_identity_target *t);

/*
 * cli_identity_write(id, t):
 * Write ${id} to its new file, asking for the passphrase, and print its DID.
 *
 * Returns an exit code, the error printed.
 */
int cli_identity_write(const struct parley_identity *id,
		       const struct cli_identity_target *t);

/* How a file is protected, as a word of the JSON output and as a phrase. */
const char *cli_identity_protection(enum parley_identity_seal seal);
const char *cli_identity_protection_phrase(enum parley_identity_seal seal);

/* `did-cli identity import` and `did-cli identity export`. */
int cli_identity_import_run(const struct cli_command *self, int argc,
			    char **argv);
int cli_identity_export_run(const struct cli_command *self, int argc,
			    char **argv);

extern const char cli_identity_import_help[];
extern const char cli_identity_export_help[];

#endif /* !CLI_IDENTITY_H */
