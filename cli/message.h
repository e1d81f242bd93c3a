/*
 * DIDComm messages as did-cli reads and prints them.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <stddef.h>

#include <parley/comm.h>

#include "cli/args.h"
#include "cli/resolver.h"

/*
 * cli_message_read(textp, lenp, path):
 * Read a message or envelope of at most PARLEY_COMM_LEN_MAX bytes and
 * PARLEY_COMM_VALUES_MAX JSON values; "-" and NULL are standard input.  The
 * caller frees ${*textp}.
 *
 * Returns an exit code, the error printed.
 */
int cli_message_read(char **textp, size_t *lenp, const char *path);

/*
 * cli_message_complete(textp, lenp, from, to):
 * Put into the message what is missing of `id` (a random one), `from` (unless
 * NULL) and `to` (the DIDs of ${to}, unless empty).  What stands there stays
 * as it is, byte for byte.  ${*textp} may be replaced.
 *
 * Returns an exit code, the error printed.
 */
int cli_message_complete(char **textp, size_t *lenp, const char *from,
			 const struct cli_args_list *to);

/*
 * cli_message_error(what, err, comm, resolver, options, did):
 * Print why ${what} failed, with the reason that ${comm} knows; ${did} is
 * whose resolution may have failed, or NULL.
 */
void cli_message_error(const char *what, int err,
		       const struct parley_comm *comm,
		       const struct parley_resolver *resolver,
		       const struct cli_resolver *options, const char *did);

/*
 * cli_message_party(commp, rp, id, options):
 * A party with the keys of ${id}, which may be NULL, and its resolver; both
 * are to be freed, the party first, also after an error.
 *
 * Returns an exit code, the error printed.
 */
int cli_message_party(struct parley_comm **commp, struct parley_resolver **rp,
		      const struct parley_identity *id,
		      const struct cli_resolver *options);

#endif /* !CLI_MESSAGE_H */
