/*
 * Printing a joint result: for people, or as JSON.
 *
 * Figures are JSON strings: as numbers, readers would round them to 53 bits.
 * The same keys are printed by clear-stats.py.
 */
#include "examples/report.h"

#include <stdio.h>

struct line {
	const char *key;
	const char *label;
	const char *value;
};

static void print_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s); /* an agreement holds no control characters */
	}
	putchar('"');
}

static void print_figure(const struct line *line, bool json)
{
	const bool none = *line->value == '\0';

	if (!json)
		printf("  %-22s %26s\n", line->label, none ? "-" : line->value);
	else if (none)
		printf("  \"%s\": null,\n", line->key);
	else
		printf("  \"%s\": \"%s\",\n", line->key, line->value);
}

static void print_party(const struct parley_session *s,
			const struct parley_agreement *a, int party, bool json)
{
	const char *name, *did;
	const bool self = party == parley_session_self(s);
	struct parley_party_stats stats;
	unsigned long us = 0;

	if (parley_session_stats(s, party, &stats) == 0)
		us = (unsigned long)stats.handshake_us;
	name = parley_session_agreement_party_name(a, (size_t)party);
	did = parley_session_agreement_party_did(a, (size_t)party);
	if (json) {
		printf("    {\"index\": %d, \"name\": ", party);
		print_string(name);
		printf(", \"did\": ");
		print_string(did);
		printf(", \"self\": %s, \"handshake_us\": %lu}",
		       self ? "true" : "false", self ? 0 : us);
	} else if (self) {
		printf("  %2d %-12s %s  this party\n", party, name, did);
	} else {
		printf("  %2d %-12s %s  handshake %lu.%lu ms\n", party, name,
		       did, us / 1000, us % 1000 / 100);
	}
}

int report_print(const struct figures *f, const char *column,
		 const struct parley_session *s,
		 const struct parley_agreement *a, bool json)
{
	const struct line lines[] = {
	    {"count", "count", f->count},
	    {"sum", "sum", f->sum},
	    {"sum_of_squares", "sum of squares", f->squares},
	    {"mean", "mean", f->mean},
	    {"variance", "variance (n - 1)", f->variance},
	    {"deviation", "std deviation (n - 1)", f->deviation},
	    {"population_variance", "variance (n)", f->population_variance},
	    {"population_deviation", "std deviation (n)",
	     f->population_deviation},
	};
	const int n = parley_session_n_parties(s);
	size_t k;
	int i;

	if (json) {
		printf("{\n  \"column\": ");
		print_string(column);
		printf(",\n");
	} else {
		printf("%s, all rows of %d parties\n", column, n);
	}
	for (k = 0; k < sizeof(lines) / sizeof(lines[0]); k++)
		print_figure(&lines[k], json);
	printf(json ? "  \"parties\": [\n" : "authenticated parties\n");
	for (i = 0; i < n; i++) {
		print_party(s, a, i, json);
		if (json)
			printf(i + 1 < n ? ",\n" : "\n  ]\n}\n");
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}
