/*
 * Whole files: read, written new, digested.
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <stddef.h>

enum {
	CLI_FILE_DIGEST_SIZE = 65, /* SHA-256 in hexadecimal, with NUL */
};

/*
 * cli_file_read(textp, lenp, path, max):
 * Read ${path}, "-" being standard input, of at most ${max} bytes.  The
 * caller frees ${*textp}, which has a NUL after its ${*lenp} bytes.
 *
 * Returns an exit code; CLI_LOCAL and CLI_FAILED after printing the error.
 */
int cli_file_read(char **textp, size_t *lenp, const char *path, size_t max);

/*
 * cli_file_create(path, text, len):
 * Write a new file with mode 0600.  A file that exists is never touched, and
 * one that cannot be written to its end is removed.
 *
 * Returns an exit code; CLI_LOCAL and CLI_FAILED after printing the error.
 */
int cli_file_create(const char *path, const char *text, size_t len);

/*
 * cli_file_digest(hex, path):
 * The SHA-256 digest of ${path}, in lower-case hexadecimal.
 *
 * Returns an exit code; CLI_LOCAL after printing the error.
 */
int cli_file_digest(char hex[CLI_FILE_DIGEST_SIZE], const char *path);

/* The last component of ${path}; borrowed from it. */
const char *cli_file_base_name(const char *path);

#endif /* !CLI_FILE_H */
