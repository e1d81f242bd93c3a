/*
 * Small files: created once and never overwritten, or read whole.
 */
#ifndef DID_FILE_H
#define DID_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	DID_FILE_PATH_SIZE = 256, /* of a path in an error, perhaps cut */
};

/* Who besides this user, and root, may have to do with a file. */
struct did_file_rules {
	mode_t forbidden; /* bits of its mode */
	bool owned;	  /* it belongs to this user or root */
	bool guarded;	  /* nobody else can put another in its place */
};

enum did_file_flaw {
	DID_FILE_SOUND,
	DID_FILE_FOREIGN,	    /* it belongs to another user */
	DID_FILE_OPEN,		    /* its mode has a forbidden bit */
	DID_FILE_LINK,		    /* it is a symbolic link */
	DID_FILE_DIRECTORY_FOREIGN, /* a directory above it does */
	DID_FILE_DIRECTORY_OPEN,    /* others can write to one above it */
};

/* What is wrong: with ${path}, a file or directory, which has ${mode}. */
struct did_file_fault {
	enum did_file_flaw flaw;
	mode_t mode;
	char path[DID_FILE_PATH_SIZE];
};

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

/*
 * did_file_read_checked(bytesp, lenp, fault, path, len_max, rules):
 * The same for a file for which ${rules} hold.  They are looked at where the
 * file was opened: no other can come in between.  Guarded means that it is not
 * a symbolic link, and that every directory above it, up to the root, belongs
 * to root, to this user or to the owner of the file, and can be written to by
 * its owner only, or has the sticky bit.  A group with the number of the owner
 * is taken to be that user's own, as in pam_umask(8).
 *
 * Returns also PARLEY_ERR_UNSAFE: ${fault} says what is wrong.  Else it is
 * DID_FILE_SOUND, with the mode of the file if that could be opened.
 */
int did_file_read_checked(uint8_t **bytesp, size_t *lenp,
			  struct did_file_fault *fault, const char *path,
			  size_t len_max, const struct did_file_rules *rules)
    __attribute__((warn_unused_result));

/*
 * did_file_check(fault, path, rules):
 * The same without reading.
 */
int did_file_check(struct did_file_fault *fault, const char *path,
		   const struct did_file_rules *rules)
    __attribute__((warn_unused_result));

/*
 * did_file_fault_text(text, size, fault):
 * A sentence for people: "'PATH' can be written to by other users (mode 0777)".
 */
void did_file_fault_text(char *text, size_t size,
			 const struct did_file_fault *fault);

#endif /* !DID_FILE_H */
