/*
 * From a CSV file to the sums of one of its columns.
 */
#ifndef EXAMPLES_ROWS_H
#define EXAMPLES_ROWS_H

#include <stdbool.h>

#include "examples/figures.h"

enum {
	ROWS_ERROR_SIZE = 512,
};

struct rows_options {
	const char *column;
	unsigned decimals; /* values with more are refused */
	i128 limit;	   /* sums over this are refused */
	bool skip_missing; /* leave out rows with an empty cell */
};

/*
 * rows_sum(sums, n_skippedp, error, path, o):
 * Add up the column of the CSV file ${path} into ${sums}, which is set, and
 * count the rows left out in ${*n_skippedp}.  Returns 0, or -1 and a sentence
 * in ${error} with the line where that is known; ${sums} is then all 0.  No
 * value is left behind in memory, as far as stdio lets us.
 */
int rows_sum(struct figures_sums *sums, unsigned long *n_skippedp,
	     char error[ROWS_ERROR_SIZE], const char *path,
	     const struct rows_options *o);

#endif /* !EXAMPLES_ROWS_H */
