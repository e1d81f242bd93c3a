/*
 * The command line: long options, operands, and what was probably meant.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"

/* Values of an option that may be repeated, in the order given. */
struct cli_args_list {
	const char **at; /* allocated; the texts are argv's */
	size_t n;
};

/* One option; exactly one of ${flag}, ${text} and ${list} is set. */
struct cli_args_option {
	const char *name; /* without the dashes */
	bool *flag;
	const char **text;
	struct cli_args_list *list;
};

/* What a command accepts; ${options} ends with an entry without name. */
struct cli_args {
	const struct cli_args_option *options;
	const char **operands; /* room for ${n_operands_max} */
	size_t n_operands_min;
	size_t n_operands_max;
};

enum {
	CLI_ARGS_OK = -1, /* not an exit code */
};

/*
 * cli_args_parse(args, self, argc, argv):
 * Fill in what ${args} points to from the command line of ${self}; what is
 * not given stays as it is.  "--name VALUE" and "--name=VALUE" mean the same,
 * "--" ends the options, and --help prints the help of ${self}.
 *
 * Returns CLI_ARGS_OK, or the exit code to return at once: CLI_DONE after
 * --help, CLI_USAGE after an error has been printed.  The lists are to be
 * freed by cli_args_list_free() in any case.
 */
int cli_args_parse(const struct cli_args *args, const struct cli_command *self,
		   int argc, char **argv);

void cli_args_list_free(struct cli_args_list *list);

/*
 * cli_args_nearest(word, words, n):
 * The one of ${n} words that ${word} is probably a misspelling of, or NULL.
 */
const char *cli_args_nearest(const char *word, const char *const *words,
			     size_t n);

/*
 * cli_args_integer(value, text, min, max):
 * Read a whole decimal number within bounds.  Returns whether it is one.
 */
bool cli_args_integer(int64_t *value, const char *text, int64_t min,
		      int64_t max);

/*
 * cli_args_milliseconds(ms, text, max_ms):
 * Read a time in seconds, with at most three decimals, up to ${max_ms}.
 * Returns whether it is one.
 */
bool cli_args_milliseconds(int *ms, const char *text, int max_ms);

/*
 * cli_args_duration(seconds, text):
 * Read a duration: a number and one of s, m, h, d, w, such as "30d".
 * Returns whether it is one.
 */
bool cli_args_duration(int64_t *seconds, const char *text);

#endif /* !CLI_ARGS_H */
