/*
 * Small files: created once and never overwritten, or read whole.
 */
#ifndef DID_FILE_H
#define DID_FILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * did_file_create(path, bytes, len):
 * Write a new file with mode 0600.  It appears whole or not at all, and an
 * existing file is never touched.
 *
 * Returns 0, or PARLEY_ERR_EXISTS, PARLEY_ERR_SYSTEM (see errno),
 * PARLEY_ERR_MEMORY.
 */
int did_file_create(const char *path, const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

/*
 * did_file_read(bytesp, lenp, path, len_max):
 * Read the whole of a regular file of at most ${len_max} bytes.  ${*bytesp} is
 * from did_secret_new(), with a NUL behind the last byte; did_secret_free() it.
 *
 * Returns 0, or PARLEY_ERR_NOT_FOUND, PARLEY_ERR_SYSTEM (see errno),
 * PARLEY_ERR_FILE_FORMAT (no regular file), PARLEY_ERR_TOO_LARGE,
 * PARLEY_ERR_MEMORY.
 */
int did_file_read(uint8_t **bytesp, size_t *lenp, const char *path,
		  size_t len_max) __attribute__((warn_unused_result));

#endif /* !DID_FILE_H */
