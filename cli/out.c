/*
 * Everything that is printed.
 *
 * A message is formatted first and escaped as a whole afterwards, so that no
 * caller has to remember which of its arguments a stranger wrote.  A newline
 * within a message is therefore shown as "\n", and the one that ends the line
 * is ours.
 */
#include "cli/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

/*
 * Length of the UTF-8 sequence at ${s} and its code point, or 0 if it is not
 * one (RFC 3629, 4; a NUL ends every sequence early).
 */
static size_t decode_utf8(uint32_t *cp, const unsigned char *s)
{
	size_t n = s[0] < 0x80			 ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	if (n < 2) {
		*cp = s[0];
		return n;
	}
	*cp = s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3fu);
	}
	if ((n == 3 && (*cp < 0x800 || (*cp >= 0xd800 && *cp < 0xe000))) ||
	    (n == 4 && (*cp < 0x10000 || *cp > 0x10ffff)))
		return 0;
	return n;
}

/* Controls, line separators, and what changes the direction of writing. */
static bool is_unsafe(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x061c ||
	       (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff;
}

char *cli_out_escape(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	/* The longest growth is one byte to "\xNN" and two to "\u{NN}". */
	char *out = malloc(4 * strlen(text) + 1), *p = out;

	if (out == NULL)
		return NULL;
	while (*in != '\0') {
		uint32_t cp;
		size_t n = decode_utf8(&cp, in);

		if (cp == '\n' && n == 1)
			p += sprintf(p, "\\n");
		else if (cp == '\t' && n == 1)
			p += sprintf(p, "\\t");
		else if (n == 0 || (n == 1 && is_unsafe(cp)))
			p += sprintf(p, "\\x%02x", in[0]);
		else if (is_unsafe(cp))
			p += sprintf(p, "\\u{%x}", cp);
		else
			p = mempcpy(p, in, n);
		in += n == 0 ? 1 : n;
	}
	*p = '\0';
	return out;
}

static void print(FILE *to, const char *prefix, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void print(FILE *to, const char *prefix, const char *fmt, va_list ap)
{
	char *text = NULL, *safe = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	if (text != NULL)
		safe = cli_out_escape(text);
	/* Talk never overtakes the data that it is about. */
	if (to == stderr)
		fflush(stdout);
	fprintf(to, "%s%s\n", prefix, safe != NULL ? safe : "(out of memory)");
	free(safe);
	free(text);
}

void cli_out_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(stdout, "", fmt, ap);
	va_end(ap);
}

void cli_out_data(const char *text, size_t len)
{
	if (isatty(STDOUT_FILENO) == 1) {
		cli_out_line("%s", text);
		return;
	}
	fwrite(text, 1, len, stdout);
	putchar('\n');
}

void cli_out_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(stderr, "did-cli: ", fmt, ap);
	va_end(ap);
}

void cli_out_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(stderr, "did-cli: warning: ", fmt, ap);
	va_end(ap);
}

void cli_out_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(stderr, "did-cli: error: ", fmt, ap);
	va_end(ap);
}

void cli_out_hint(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(stderr, "did-cli: hint: ", fmt, ap);
	va_end(ap);
}

static int print_json(FILE *to, json_t *obj)
{
	char *text = NULL;

	if (obj != NULL)
		text = json_dumps(obj, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(obj);
	if (text == NULL) {
		/* jansson takes text that is UTF-8 only. */
		cli_out_error("cannot write this as JSON: a name is not "
			      "UTF-8, or out of memory");
		return CLI_FAILED;
	}
	fprintf(to, "%s\n", text);
	free(text);
	return CLI_DONE;
}

int cli_out_json(json_t *obj)
{
	return print_json(stdout, obj);
}

int cli_out_event(json_t *obj)
{
	return print_json(stderr, obj);
}

int cli_out_finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	cli_out_error("cannot write to standard output: %s", strerror(errno));
	return code == CLI_DONE ? CLI_FAILED : code;
}
