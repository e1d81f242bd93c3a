/*
 * Everything that is printed.
 *
 * Data goes to standard output, talk to standard error.  Whatever is printed
 * as text passes through cli_out_escape(), so a name or an error text that
 * another party wrote cannot move the cursor, hide itself, or begin a line.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stddef.h>

#include <jansson.h>

/*
 * cli_out_escape(text):
 * Return a copy of ${text} in which control characters (C0, DEL, C1), the
 * characters that turn the direction of writing, line separators, and bytes
 * that are not UTF-8 stand as "\n", "\x1b" or "\u{202e}".  The caller frees
 * it; NULL when out of memory.
 */
char *cli_out_escape(const char *text);

/* One line of data on standard output. */
void cli_out_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Data on standard output as it is, and a newline; on a terminal as text, that
 * is escaped.  ${text} has a NUL behind its ${len} bytes.
 */
void cli_out_data(const char *text, size_t len);

/* One line of talk on standard error: "did-cli: ...". */
void cli_out_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_out_warning(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
void cli_out_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_out_hint(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * cli_out_json(obj):
 * Print ${obj} as one line of ASCII JSON on standard output and take it.  NULL
 * means that there was no memory to build it.
 *
 * Returns an exit code: CLI_DONE, or CLI_FAILED.
 */
int cli_out_json(json_t *obj);

/*
 * cli_out_event(obj):
 * The same on standard error, where the output is not ours.
 */
int cli_out_event(json_t *obj);

/*
 * cli_out_finish(code):
 * Write out what is buffered.  Returns ${code}, or CLI_FAILED if ${code} is
 * CLI_DONE and the data could not be written.
 */
int cli_out_finish(int code);

#endif /* !CLI_OUT_H */
