/*
 * From numbers as text to exact sums, and from sums to figures as text.
 *
 * All is done in integers: a number with d decimals is counted in units of
 * 10^-d, and nothing is ever rounded but the last printed digit of a quotient
 * or root.
 */
#ifndef EXAMPLES_FIGURES_H
#define EXAMPLES_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "examples/int128.h"

enum {
	FIGURES_DECIMALS_MAX = 9, /* of an input */
	FIGURES_EXTRA = 6,	  /* more decimals in a quotient or root */
	FIGURES_TEXT_SIZE = 64,	  /* any figure as text, with NUL */
};

/* What has to be known of the rows; in units of 10^-d, squares of 10^-2d. */
struct figures_sums {
	i128 count;
	i128 sum;
	i128 squares; /* sum of the squares */
};

/* The figures as decimal text; "" where there are too few rows for one. */
struct figures {
	char count[FIGURES_TEXT_SIZE];
	char sum[FIGURES_TEXT_SIZE];	 /* exact */
	char squares[FIGURES_TEXT_SIZE]; /* exact */
	char mean[FIGURES_TEXT_SIZE];
	char variance[FIGURES_TEXT_SIZE]; /* of a sample: by count - 1 */
	char deviation[FIGURES_TEXT_SIZE];
	char population_variance[FIGURES_TEXT_SIZE]; /* by count */
	char population_deviation[FIGURES_TEXT_SIZE];
};

/*
 * figures_parse(vp, text, decimals):
 * Read a number such as -12.5 (digits, at most one point with digits on both
 * sides, a minus sign or none; no blanks, no exponent) in units of
 * 10^-${decimals} into ${*vp}.
 *
 * Returns NULL, or what is wrong, static, and ${*vp} is untouched.
 */
const char *figures_parse(int64_t *vp, const char *text, unsigned decimals);

/*
 * figures_add(s, v, limit):
 * Add the value ${v} to the sums.  Returns false, with ${s} untouched, if a
 * sum would then be over ${limit} in size.  ${limit} is at most 2^126.
 */
bool figures_add(struct figures_sums *s, int64_t v, i128 limit);

/*
 * figures_compute(f, s, decimals):
 * Compute all figures.  The mean and the deviations have FIGURES_EXTRA more
 * decimals than the input, the variances than its square; halves are rounded
 * away from zero.
 *
 * Returns false, with ${f} undefined, for sums that no values can have.
 */
bool figures_compute(struct figures *f, const struct figures_sums *s,
		     unsigned decimals);

#endif /* !EXAMPLES_FIGURES_H */
