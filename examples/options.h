/*
 * The command line of joint-stats, and how it ends.
 */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <stdbool.h>

/* Exit codes. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_PARTY = 3, /* another party failed, or is not who it should be */
	EXIT_INTERRUPT = 130,
};

struct options {
	const char *agreement; /* paths; borrowed from argv */
	const char *identity;
	const char *csv;
	bool skip_missing;
	bool json;
	bool help;
	int timeout_ms;
};

extern const char options_usage[];

/*
 * options_parse(o, argc, argv):
 * Returns false if the command line is not as options_usage says; getopt has
 * then perhaps said more.
 */
bool options_parse(struct options *o, int argc, char **argv);

#endif /* !EXAMPLES_OPTIONS_H */
