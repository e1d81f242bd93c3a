/*
 * The configuration of sessiond: sessiond.conf(5) is in sessiond(8).
 */
#ifndef CLI_SESSIOND_CONFIG_H
#define CLI_SESSIOND_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "cli/sessiond_identity.h"
#include "cli/sessiond_log.h"

enum {
	CLI_SESSIOND_CONFIG_LEN_MAX = 1024 * 1024,
};

struct cli_sessiond_config {
	char *path;
	char *control;
	char *metrics; /* or NULL */
	char **listen;
	size_t n_listen;
	struct cli_sessiond_identity **identities;
	size_t n_identities;
	uint8_t (*agreements)[PARLEY_AGREEMENT_HASH_LEN]; /* allowed */
	size_t n_agreements;
	char **parties; /* DIDs allowed */
	size_t n_parties;
	size_t max_sessions;
	int open_ms, linger_ms, resume_ms, liveness_ms, stop_ms;
	struct cli_sessiond_log log;
};

/*
 * cli_sessiond_config_parse(c, error, path, text, len):
 * Read the ${len} bytes of ${text}, the content of the file ${path}, into
 * ${c}.  The caller frees what is in it with cli_sessiond_config_wipe(), also
 * after an error.
 *
 * Returns 0, or PARLEY_ERR_FORMAT, PARLEY_ERR_MEMORY; ${error} is then a
 * sentence "PATH:LINE: ...".
 */
int cli_sessiond_config_parse(struct cli_sessiond_config *c,
			      char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
			      const char *path, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * cli_sessiond_config_load(c, error, path):
 * The same for the file ${path}, which nobody but its owner, this user or
 * root, may be able to change.  What it names is looked at: identities and
 * passphrases that other users can read are refused, as is a directory for
 * the control socket that others can write to.  Identities are not opened.
 *
 * Returns 0, or PARLEY_ERR_FORMAT, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM,
 * PARLEY_ERR_NOT_FOUND, PARLEY_ERR_UNSAFE; with ${error}.
 */
int cli_sessiond_config_load(struct cli_sessiond_config *c,
			     char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
			     const char *path)
    __attribute__((warn_unused_result));

/*
 * cli_sessiond_config_unlock(c, error, before):
 * Open all identities.  Those that ${before} (or NULL) has open already, from
 * the same file and with the same DID, are shared, so that a passphrase is
 * needed once.
 *
 * Returns 0 or what parley_did_identity_load() gives; with ${error}.
 */
int cli_sessiond_config_unlock(struct cli_sessiond_config *c,
			       char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
			       const struct cli_sessiond_config *before)
    __attribute__((warn_unused_result));

/*
 * cli_sessiond_config_identity(c, a, did, len, errp):
 * Who of the identities takes part in ${a}: the one with ${did} (${len} bytes),
 * or if that is empty the only one.
 *
 * Returns it, borrowed, or NULL with PARLEY_ERR_ROSTER (none) or
 * PARLEY_ERR_ARGUMENT (several) in ${*errp}.
 */
struct cli_sessiond_identity *cli_sessiond_config_identity(
    const struct cli_sessiond_config *c, const struct parley_agreement *a,
    const char *did, size_t len, int *errp);

/*
 * cli_sessiond_config_allows(c, a, self):
 * May ${a} be served for its party ${self}?  Its hash is allowed, or every
 * other party is.
 */
bool cli_sessiond_config_allows(const struct cli_sessiond_config *c,
				const struct parley_agreement *a, size_t self);

/* cli_sessiond_config_wipe(c): free what ${c} holds. */
void cli_sessiond_config_wipe(struct cli_sessiond_config *c);

#endif /* !CLI_SESSIOND_CONFIG_H */
