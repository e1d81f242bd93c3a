/*
 * Facts: what would run here, beside what the agreement says.
 *
 * Facts are an object {"digests": {label: "sha256:..."}, "parameters": {name:
 * value}, "threshold": integer or null}, in the words of an agreement.
 */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/*
 * cli_facts_of_words(factsp, cmd):
 * The facts of any command line: digests of the files among its words, and the
 * words as the parameter "arguments".
 *
 * Returns an exit code, the error printed.
 */
int cli_facts_of_words(json_t **factsp, char *const *cmd);

/* One difference. */
struct cli_facts_difference {
	char *field;	     /* as PROTOCOL.md 2.2 names it */
	char *here, *agreed; /* NULL: nothing */
};

/*
 * cli_facts_compare(differencesp, np, agreement, facts, cmd, strict):
 * Put ${facts} in the place of what the JSON object ${agreement} says, so that
 * it is what this party could agree to, and return each difference.  A digest
 * of the agreement that is not among the facts is compared with the file of
 * that name in ${cmd}.  If ${strict}, a fact of which the agreement says
 * nothing is a difference, too.  The caller frees them with cli_facts_free(),
 * also after an error.
 *
 * Returns an exit code, the error printed.
 */
int cli_facts_compare(struct cli_facts_difference **differencesp, size_t *np,
		      json_t *agreement, const json_t *facts, char *const *cmd,
		      bool strict);

void cli_facts_free(struct cli_facts_difference *differences, size_t n);

#endif /* !CLI_FACTS_H */
