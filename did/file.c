/*
 * Files that hold secrets, and small files of others.
 *
 * Invariant: a file is created whole or not at all, with mode 0600, and never
 * in place of another; what is read stays in memory that is wiped.
 */
#include "did/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <parley/err.h>

#include "did/secret.h"

enum {
	MODE = 0600,
};

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return PARLEY_ERR_SYSTEM;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The directory of ${path}, its last slash included: the first bytes. */
static int directory_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (int)(slash - path + 1) : 0;
}

/* Make a new name in the directory of ${path} last.  Best effort. */
static void sync_directory(const char *path)
{
	char *dir;
	int fd;

	if (asprintf(&dir, "%.*s.", directory_len(path), path) < 0)
		return;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(dir);
}

static int write_temporary(const char *temporary, const uint8_t *bytes,
			   size_t len)
{
	int fd, err;

	fd = open(temporary,
		  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd < 0)
		return PARLEY_ERR_SYSTEM;
	err = write_all(fd, bytes, len);
	/* The umask may have taken bits away. */
	if (err == 0 && (fchmod(fd, MODE) != 0 || fsync(fd) != 0))
		err = PARLEY_ERR_SYSTEM;
	if (close(fd) != 0 && err == 0)
		err = PARLEY_ERR_SYSTEM;
	if (err != 0) {
		int saved = errno;

		unlink(temporary);
		errno = saved;
	}
	return err;
}

/*
 * Write a temporary file and link it to its name: link() fails where a file
 * is, so that none is replaced, and a crash leaves no half file under that
 * name.  Signals wait meanwhile, so that none ends the program before the
 * temporary file is gone.
 */
int did_file_create(const char *path, const uint8_t *bytes, size_t len)
{
	char *temporary = NULL;
	sigset_t all, before;
	int err, saved;

	if (asprintf(&temporary, "%.*s.parley-%08" PRIx32 ".tmp",
		     directory_len(path), path, randombytes_random()) < 0)
		return PARLEY_ERR_MEMORY;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = write_temporary(temporary, bytes, len);
	if (err != 0)
		goto out;
	if (link(temporary, path) != 0)
		err = errno == EEXIST ? PARLEY_ERR_EXISTS : PARLEY_ERR_SYSTEM;
	saved = errno;
	unlink(temporary);
	errno = saved;
	if (err == 0)
		sync_directory(path);
out:
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(temporary);
	errno = saved;
	return err;
}

/* Read until the end; PARLEY_ERR_TOO_LARGE if ${size} bytes are there. */
static int read_all(int fd, uint8_t *bytes, size_t size, size_t *lenp)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, bytes + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return PARLEY_ERR_SYSTEM;
		if (n == 0) {
			*lenp = len;
			return 0;
		}
		len += (size_t)n;
	}
	return PARLEY_ERR_TOO_LARGE;
}

int did_file_read(uint8_t **bytesp, size_t *lenp, const char *path,
		  size_t len_max)
{
	uint8_t *bytes = NULL;
	struct stat st;
	int fd, err, saved;

	err = did_secret_init();
	if (err != 0)
		return err;
	/* O_NONBLOCK: a FIFO must not make us wait before it is refused. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			   ? PARLEY_ERR_NOT_FOUND
			   : PARLEY_ERR_SYSTEM;
	if (fstat(fd, &st) != 0) {
		err = PARLEY_ERR_SYSTEM;
		goto out;
	}
	if (!S_ISREG(st.st_mode) || (uintmax_t)st.st_size > len_max) {
		err = S_ISREG(st.st_mode) ? PARLEY_ERR_TOO_LARGE
					  : PARLEY_ERR_FILE_FORMAT;
		goto out;
	}
	/* One byte more, to see that the file does not grow, and for a NUL. */
	bytes = did_secret_new((size_t)st.st_size + 1);
	if (bytes == NULL) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	err = read_all(fd, bytes, (size_t)st.st_size + 1, lenp);
	if (err != 0)
		goto out;
	*bytesp = bytes;
	bytes = NULL; /* the caller's now */
out:
	saved = errno;
	close(fd);
	did_secret_free(bytes);
	errno = saved;
	return err;
}
