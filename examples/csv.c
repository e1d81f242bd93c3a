/*
 * Reading CSV files (RFC 4180), strictly: one character at a time, through
 * three places a character can be in: a plain field, a quoted field, and just
 * after a quote inside a quoted field, which either ends the field or is the
 * first half of a doubled quote.
 *
 * Invariant: text[0..len) holds complete fields, each ended by NUL, and the
 * beginning of the field being read.
 */
#include "examples/csv.h"

#include <string.h>

enum place { PLAIN, QUOTED, AFTER_QUOTE };

void csv_init(struct csv *c, FILE *file)
{
	c->file = file;
	c->line = 0;
	c->next_line = 1;
	c->error = NULL;
	c->n_header = 0;
	c->n_fields = 0;
	c->len = 0;
}

static int fail(struct csv *c, const char *error)
{
	c->error = error;
	return -1;
}

static int append(struct csv *c, int ch)
{
	if (c->len == sizeof(c->text))
		return fail(c, "row is too long");
	c->text[c->len++] = (char)ch;
	return 0;
}

/* End the field that is being read and begin the next. */
static int end_field(struct csv *c)
{
	if (append(c, '\0') != 0)
		return -1;
	if (c->n_fields == CSV_FIELDS_MAX)
		return fail(c, "row has too many fields");
	if (++c->n_fields < CSV_FIELDS_MAX)
		c->start[c->n_fields] = c->len;
	return 0;
}

static int end_row(struct csv *c)
{
	if (end_field(c) != 0)
		return -1;
	if (c->n_header == 0)
		c->n_header = c->n_fields;
	if (c->n_fields != c->n_header)
		return fail(c, "row has not as many fields as the header");
	return 1;
}

/* The next character, CRLF as LF, or EOF; -2 after an error. */
static int next_char(struct csv *c)
{
	int ch = getc(c->file);

	if (ch == '\r') {
		ch = getc(c->file);
		if (ch != '\n') {
			fail(c, "carriage return without line feed");
			return -2;
		}
	}
	if (ch == '\0') {
		fail(c, "NUL byte; is this a text file?");
		return -2;
	}
	if (ch == EOF && ferror(c->file)) {
		fail(c, "cannot be read");
		return -2;
	}
	if (ch == '\n')
		c->next_line++;
	return ch;
}

/* A UTF-8 byte order mark, which spreadsheets like to write. */
static int first_char(struct csv *c)
{
	int ch = next_char(c);

	if (c->line != 1 || ch != 0xef)
		return ch;
	if (next_char(c) != 0xbb || next_char(c) != 0xbf) {
		fail(c, "is not UTF-8 text");
		return -2;
	}
	return next_char(c);
}

int csv_read(struct csv *c)
{
	enum place place = PLAIN;
	int ch;

	c->line = c->next_line;
	c->n_fields = 0;
	c->len = 0;
	c->start[0] = 0;

	ch = first_char(c);
	if (ch == EOF)
		return 0;
	for (;; ch = next_char(c)) {
		if (ch == -2)
			return -1;
		switch (place) {
		case PLAIN:
			if (ch == EOF || ch == '\n')
				return end_row(c);
			if (ch == '"') {
				if (c->len != c->start[c->n_fields])
					return fail(c, "stray quote");
				place = QUOTED;
				continue;
			}
			break;
		case QUOTED:
			if (ch == EOF)
				return fail(c, "quote is never closed");
			if (ch == '"')
				place = AFTER_QUOTE;
			else if (append(c, ch) != 0)
				return -1;
			continue;
		case AFTER_QUOTE:
			if (ch == EOF || ch == '\n')
				return end_row(c);
			if (ch == '"') {
				if (append(c, ch) != 0)
					return -1;
				place = QUOTED;
				continue;
			}
			if (ch != ',')
				return fail(c, "text after a closing quote");
			place = PLAIN;
			break;
		}
		/* Plain text, or a comma after any kind of field. */
		if (ch == ',' ? end_field(c) != 0 : append(c, ch) != 0)
			return -1;
		if (c->n_fields == CSV_FIELDS_MAX)
			return fail(c, "row has too many fields");
	}
}

const char *csv_field(const struct csv *c, size_t i)
{
	return c->text + c->start[i];
}

int csv_find(const struct csv *c, const char *name)
{
	int found = -1;
	size_t i;

	for (i = 0; i < c->n_fields; i++) {
		if (strcmp(csv_field(c, i), name) != 0)
			continue;
		if (found != -1)
			return -2;
		found = (int)i;
	}
	return found;
}
