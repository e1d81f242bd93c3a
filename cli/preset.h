/*
 * Presets of did-cli run: what is known of a kind of program.
 *
 *   tcp    any program that is told addresses on its command line
 *   mpyc   MPyC, whose options are written here
 */
#ifndef CLI_PRESET_H
#define CLI_PRESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <parley/session.h>

#include "session/forward.h"

/* Where a program is run. */
struct cli_preset_place {
	int n, self;
	unsigned threshold;
	uint16_t own_port;     /* where the program listens */
	const uint16_t *ports; /* of loopback, to each party; 0: none */
};

struct cli_preset {
	const char *name;
	enum session_forward_dial dial;
	enum session_forward_check check;
	bool strict; /* the agreement has to name every fact */
	/* It listens with SO_REUSEADDR: its port can be kept for it. */
	bool reuses_address;
	/*
	 * Measure what the command line ${cmd} (NULL at its end) would run, as
	 * the object {"digests": {...}, "parameters": {...}, "threshold":
	 * integer or null}.  Returns an exit code, the error printed.
	 */
	int (*measure)(json_t **factsp, char *const *cmd);
	/*
	 * The command line to be run at a place.  The caller frees it with
	 * cli_preset_free().  Returns an exit code, the error printed.
	 */
	int (*command)(char ***argvp, char *const *cmd,
		       const struct cli_preset_place *place);
	/* Are the words of the command line fit for it?  As above. */
	int (*check_words)(char *const *cmd);
	/* The word of ${cmd} that is the program; borrowed. */
	const char *(*program)(char *const *cmd);
	/* The largest threshold that it computes with, of ${n} parties. */
	int64_t (*threshold_max)(int64_t n);
};

extern const struct cli_preset cli_preset_mpyc;

/*
 * cli_preset_find(name, a):
 * The preset ${name}; if NULL, what the agreement ${a} is for.  NULL after an
 * error has been printed.
 */
const struct cli_preset *cli_preset_find(const char *name,
					 const struct parley_agreement *a);

/*
 * cli_preset_expand(argvp, cmd, place, n_more):
 * Copy ${cmd} with its placeholders replaced and room for ${n_more} words.
 * Returns an exit code, the error printed.
 */
int cli_preset_expand(char ***argvp, char *const *cmd,
		      const struct cli_preset_place *place, size_t n_more);

/* cli_preset_listens(cmd): is the program told a port of its own? */
bool cli_preset_listens(char *const *cmd);

/* cli_preset_free(argv): NULL is allowed. */
void cli_preset_free(char **argv);

#endif /* !CLI_PRESET_H */
