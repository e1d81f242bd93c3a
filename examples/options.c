/*
 * The command line of joint-stats.
 *
 * Nothing secret is ever on it: only names of files, and how to print.
 */
#include "examples/options.h"

#include <getopt.h>
#include <stdlib.h>

const char options_usage[] =
    "usage: joint-stats --agreement FILE --identity FILE --csv FILE\n"
    "                   [--skip-missing] [--json] [--timeout SECONDS]\n"
    "\n"
    "Count, mean, variance and deviation over the rows of all parties.  The\n"
    "agreement's parameters say which column, and with how many decimals.\n"
    "\n"
    "  --skip-missing  leave out rows whose cell is empty (else an error)\n"
    "  --json          result as JSON\n"
    "  --timeout       longest time for all, default 60\n"
    "\n"
    "exit status: 0 done, 1 failed, 2 usage, 3 another party failed or is\n"
    "             not who it should be, 130 interrupted\n"
    "\n"
    "example: joint-stats --agreement study.json --identity me.identity "
    "\\\n             --csv patients.csv\n";

bool options_parse(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
	    {"agreement", required_argument, NULL, 'a'},
	    {"identity", required_argument, NULL, 'i'},
	    {"csv", required_argument, NULL, 'c'},
	    {"skip-missing", no_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {"timeout", required_argument, NULL, 't'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	char *end;
	long seconds;
	int ch;

	*o = (struct options){.timeout_ms = 60000};
	while ((ch = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (ch) {
		case 'a':
			o->agreement = optarg;
			break;
		case 'i':
			o->identity = optarg;
			break;
		case 'c':
			o->csv = optarg;
			break;
		case 's':
			o->skip_missing = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 't':
			seconds = strtol(optarg, &end, 10);
			if (*optarg < '0' || *optarg > '9' || *end != '\0' ||
			    seconds < 1 || seconds > 86400)
				return false;
			o->timeout_ms = (int)seconds * 1000;
			break;
		case 'h':
			o->help = true;
			return true;
		default:
			return false;
		}
	}
	return optind == argc && o->agreement != NULL && o->identity != NULL &&
	       o->csv != NULL;
}
