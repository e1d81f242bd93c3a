/*
 * From a CSV file to the sums of one of its columns.
 *
 * Invariant: a sum is either over every row of the file or not given at all.
 */
#include "examples/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "examples/csv.h"

/* Add one cell.  Returns NULL, or what is wrong with it. */
static const char *add_cell(struct figures_sums *sums,
			    unsigned long *n_skippedp, const char *cell,
			    const struct rows_options *o)
{
	const char *why;
	int64_t v = 0;

	if (*cell == '\0' && o->skip_missing) {
		++*n_skippedp;
		return NULL;
	}
	why = figures_parse(&v, cell, o->decimals);
	if (why == NULL && !figures_add(sums, v, o->limit))
		why = "makes the sums too large for the field";
	sodium_memzero(&v, sizeof(v));
	return why;
}

static int add_rows(struct figures_sums *sums, unsigned long *n_skippedp,
		    char error[ROWS_ERROR_SIZE], struct csv *csv,
		    const struct rows_options *o)
{
	const char *why;
	int column, r;

	r = csv_read(csv);
	if (r == 0) {
		snprintf(error, ROWS_ERROR_SIZE, "the file is empty");
		return -1;
	}
	column = r == 1 ? csv_find(csv, o->column) : 0;
	if (column < 0) {
		snprintf(error, ROWS_ERROR_SIZE, "%s column '%.200s'",
			 column == -1 ? "there is no"
				      : "there is more than one",
			 o->column);
		return -1;
	}
	while (r == 1 && (r = csv_read(csv)) == 1) {
		why = add_cell(sums, n_skippedp, csv_field(csv, (size_t)column),
			       o);
		if (why == NULL)
			continue;
		snprintf(error, ROWS_ERROR_SIZE, "line %lu: '%.200s' %s",
			 csv->line, o->column, why);
		return -1;
	}
	if (r == -1)
		snprintf(error, ROWS_ERROR_SIZE, "line %lu: %s", csv->line,
			 csv->error);
	return r;
}

int rows_sum(struct figures_sums *sums, unsigned long *n_skippedp,
	     char error[ROWS_ERROR_SIZE], const char *path,
	     const struct rows_options *o)
{
	struct csv *csv;
	FILE *file;
	int r = -1;

	memset(sums, 0, sizeof(*sums));
	*n_skippedp = 0;
	file = fopen(path, "r");
	if (file == NULL) {
		snprintf(error, ROWS_ERROR_SIZE, "cannot be opened: %s",
			 strerror(errno));
		return -1;
	}
	csv = malloc(sizeof(*csv));
	if (csv == NULL) {
		snprintf(error, ROWS_ERROR_SIZE, "out of memory");
		goto out;
	}
	csv_init(csv, file);
	r = add_rows(sums, n_skippedp, error, csv, o);
	if (r != 0)
		sodium_memzero(sums, sizeof(*sums));
	sodium_memzero(csv, sizeof(*csv));
out:
	free(csv);
	fclose(file);
	return r;
}
