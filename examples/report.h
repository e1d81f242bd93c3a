/*
 * Printing a joint result: for people, or as JSON.
 */
#ifndef EXAMPLES_REPORT_H
#define EXAMPLES_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/session.h>

#include "examples/figures.h"

/*
 * report_print(f, column, s, a, json):
 * Print the figures of ${column}, and who took part in the session ${s} under
 * the agreement ${a}, to stdout.  Returns 0, or -1 if that cannot be written.
 */
int report_print(const struct figures *f, const char *column,
		 const struct parley_session *s,
		 const struct parley_agreement *a, bool json);

#endif /* !EXAMPLES_REPORT_H */
