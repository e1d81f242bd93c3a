/*
 * Reading CSV files (RFC 4180), strictly.
 *
 * The first row is the header.  Fields may be quoted; lines end in LF or CRLF.
 * Refused, because a figure read from the wrong place is worse than none: a row
 * with more or fewer fields than the header, a quote inside an unquoted field,
 * text after a closing quote, NUL bytes, CR without LF, a row over CSV_ROW_MAX.
 */
#ifndef EXAMPLES_CSV_H
#define EXAMPLES_CSV_H

#include <stdio.h>

enum {
	CSV_ROW_MAX = 65536, /* bytes of one row, quotes removed */
	CSV_FIELDS_MAX = 1024,
};

struct csv {
	FILE *file;	    /* borrowed */
	unsigned long line; /* where the row last read begins, from 1 */
	const char *error;  /* after -1; static */
	unsigned long next_line;
	size_t n_header; /* fields of the header, 0: not read yet */
	size_t n_fields;
	size_t start[CSV_FIELDS_MAX]; /* of each field in text */
	size_t len;
	char text[CSV_ROW_MAX]; /* fields of the row, each with NUL */
};

/*
 * csv_init(c, file):
 * Begin reading ${file}, which stays the caller's.
 */
void csv_init(struct csv *c, FILE *file);

/*
 * csv_read(c):
 * Read the next row; the first is the header.  Returns 1, or 0 at the end of
 * the file, or -1: ${c->error} says what is wrong in line ${c->line}.
 */
int csv_read(struct csv *c);

/* csv_field(c, i): field ${i} of the row last read; valid until the next. */
const char *csv_field(const struct csv *c, size_t i);

/*
 * csv_find(c, name):
 * The position of the field ${name} in the row last read, or -1 if it is not
 * there, or -2 if it is there twice.
 */
int csv_find(const struct csv *c, const char *name);

#endif /* !EXAMPLES_CSV_H */
