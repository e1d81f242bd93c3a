/*
 * Identities of sessiond.
 */
#ifndef CLI_SESSIOND_IDENTITY_H
#define CLI_SESSIOND_IDENTITY_H

#include <parley/did.h>

#include "did/file.h"

enum {
	CLI_SESSIOND_CONFIG_TEXT_SIZE = 512, /* of an error */
};

/* An identity, shared by a configuration and the sessions that use it. */
struct cli_sessiond_identity {
	unsigned refs;
	char *path;
	char *passphrase_file;	    /* or */
	char *credential;	    /* or */
	int passphrase_fd;	    /* or -1 */
	struct parley_identity *id; /* NULL: not loaded */
};

/* What identities and passphrases must be: ours alone, where only we write. */
extern const struct did_file_rules cli_sessiond_secret_rules;

/*
 * cli_sessiond_identity_open(i, error):
 * Read its passphrase, if it has one, and load it.
 *
 * Returns 0 or what parley_did_identity_load() gives, or of a passphrase that
 * cannot be read PARLEY_ERR_NOT_FOUND, PARLEY_ERR_SYSTEM, ...; with ${error}.
 */
int cli_sessiond_identity_open(struct cli_sessiond_identity *i,
			       char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
    __attribute__((warn_unused_result));

/* cli_sessiond_identity_ref(i): one reference more; returns ${i}. */
struct cli_sessiond_identity *cli_sessiond_identity_ref(
    struct cli_sessiond_identity *i);

/* cli_sessiond_identity_free(i): give one back.  NULL is allowed. */
void cli_sessiond_identity_free(struct cli_sessiond_identity *i);

#endif /* !CLI_SESSIOND_IDENTITY_H */
