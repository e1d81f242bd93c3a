/*
 * Files that hold secrets, and small files of others.
 *
 * Invariant: a file is created whole or not at all, with mode 0600, and never
 * in place of another; what is read stays in memory that is wiped.  What a file
 * has to be is looked at where it is open, never by its name.
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

/*
 * Opening: the file, and the directory in which it was found
 */

/* O_NONBLOCK: a FIFO must not make us wait before it is refused. */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

static int open_error(void)
{
	return errno == ENOENT || errno == ENOTDIR ? PARLEY_ERR_NOT_FOUND
						   : PARLEY_ERR_SYSTEM;
}

static int blame(struct did_file_fault *fault, enum did_file_flaw flaw,
		 const char *path, mode_t mode)
{
	fault->flaw = flaw;
	fault->mode = mode & 07777;
	snprintf(fault->path, sizeof(fault->path), "%s", path);
	return PARLEY_ERR_UNSAFE;
}

/* Blame the directory ${fd}, by its name if the kernel tells. */
static int blame_directory(struct did_file_fault *fault,
			   enum did_file_flaw flaw, int fd, mode_t mode)
{
	char link[sizeof("/proc/self/fd/-2147483648")];
	char path[DID_FILE_PATH_SIZE];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return blame(fault, flaw, n > 0 ? path : "its directory", mode);
}

/* Who could rename what is in a directory that has ${st}? */
static enum did_file_flaw directory_flaw(const struct stat *st, uid_t owner)
{
	const bool own_group = st->st_gid == st->st_uid;

	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != owner)
		return DID_FILE_DIRECTORY_FOREIGN;
	if ((st->st_mode & S_ISVTX) == 0 &&
	    ((st->st_mode & S_IWOTH) != 0 ||
	     ((st->st_mode & S_IWGRP) != 0 && !own_group)))
		return DID_FILE_DIRECTORY_OPEN;
	return DID_FILE_SOUND;
}

/* The directory ${fd}, and all above it; ${owner} is that of the file. */
static int check_directories(struct did_file_fault *fault, int fd, uid_t owner)
{
	enum did_file_flaw flaw;
	struct stat st, below;
	int up, at = fcntl(fd, F_DUPFD_CLOEXEC, 0), err = 0;

	if (at < 0 || fstat(at, &st) != 0)
		err = PARLEY_ERR_SYSTEM;
	while (!err) {
		flaw = directory_flaw(&st, owner);
		if (flaw != DID_FILE_SOUND) {
			err = blame_directory(fault, flaw, at, st.st_mode);
			break;
		}
		below = st;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = up;
		if (at < 0 || fstat(at, &st) != 0)
			err = PARLEY_ERR_SYSTEM;
		else if (st.st_dev == below.st_dev && st.st_ino == below.st_ino)
			break; /* the root */
	}
	if (at >= 0)
		close(at);
	return err;
}

static int check_file(struct did_file_fault *fault, const char *path,
		      const struct stat *st, const struct did_file_rules *rules)
{
	if (rules->owned && st->st_uid != geteuid() && st->st_uid != 0)
		return blame(fault, DID_FILE_FOREIGN, path, st->st_mode);
	if ((st->st_mode & rules->forbidden) != 0)
		return blame(fault, DID_FILE_OPEN, path, st->st_mode);
	return 0;
}

/* Open ${path} in its directory, so that this is the one to look at. */
static int open_guarded(int *fdp, int *dirp, struct did_file_fault *fault,
			const char *path)
{
	const int len = directory_len(path);
	struct stat st;
	char *dir;

	if (asprintf(&dir, "%.*s.", len, path) < 0)
		return PARLEY_ERR_MEMORY;
	*dirp = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (*dirp < 0)
		return open_error();
	*fdp = openat(*dirp, path + len, OPEN_FLAGS | O_NOFOLLOW);
	if (*fdp >= 0)
		return 0;
	if (errno == ELOOP &&
	    fstatat(*dirp, path + len, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return blame(fault, DID_FILE_LINK, path, st.st_mode);
	return open_error();
}

/* Open ${path}, a regular file with ${rules}; ${*fdp} is set only then. */
static int open_checked(int *fdp, struct stat *st, struct did_file_fault *fault,
			const char *path, const struct did_file_rules *rules)
{
	int fd = -1, dir = -1, err = 0, saved;

	*fault = (struct did_file_fault){.flaw = DID_FILE_SOUND};
	if (rules->guarded)
		err = open_guarded(&fd, &dir, fault, path);
	else if ((fd = open(path, OPEN_FLAGS)) < 0)
		err = open_error();
	if (err != 0)
		goto out;
	if (fstat(fd, st) != 0) {
		err = PARLEY_ERR_SYSTEM;
		goto out;
	}
	if (!S_ISREG(st->st_mode)) {
		err = PARLEY_ERR_FILE_FORMAT;
		goto out;
	}
	fault->mode = st->st_mode & 07777;
	err = check_file(fault, path, st, rules);
	if (err == 0 && rules->guarded)
		err = check_directories(fault, dir, st->st_uid);
	if (err != 0)
		goto out;
	*fdp = fd;
	fd = -1; /* the caller's now */
out:
	saved = errno;
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	errno = saved;
	return err;
}

int did_file_check(struct did_file_fault *fault, const char *path,
		   const struct did_file_rules *rules)
{
	struct stat st;
	int fd, err = open_checked(&fd, &st, fault, path, rules);

	if (err == 0)
		close(fd);
	return err;
}

int did_file_read_checked(uint8_t **bytesp, size_t *lenp,
			  struct did_file_fault *fault, const char *path,
			  size_t len_max, const struct did_file_rules *rules)
{
	uint8_t *bytes = NULL;
	struct stat st;
	int fd, err, saved;

	err = did_secret_init();
	if (err != 0)
		return err;
	err = open_checked(&fd, &st, fault, path, rules);
	if (err != 0)
		return err;
	if ((uintmax_t)st.st_size > len_max) {
		err = PARLEY_ERR_TOO_LARGE;
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

int did_file_read(uint8_t **bytesp, size_t *lenp, const char *path,
		  size_t len_max)
{
	const struct did_file_rules none = {0};
	struct did_file_fault fault;

	return did_file_read_checked(bytesp, lenp, &fault, path, len_max,
				     &none);
}

void did_file_fault_text(char *text, size_t size,
			 const struct did_file_fault *fault)
{
	const unsigned mode = fault->mode;

	switch (fault->flaw) {
	case DID_FILE_SOUND:
		snprintf(text, size, "'%s' is as it should be", fault->path);
		return;
	case DID_FILE_FOREIGN:
	case DID_FILE_DIRECTORY_FOREIGN:
		snprintf(text, size, "'%s' belongs to another user",
			 fault->path);
		return;
	case DID_FILE_OPEN:
		snprintf(
		    text, size, "'%s' can be %s by other users (mode %04o)",
		    fault->path, (mode & 022) != 0 ? "changed" : "read", mode);
		return;
	case DID_FILE_LINK:
		snprintf(text, size, "'%s' is a symbolic link", fault->path);
		return;
	case DID_FILE_DIRECTORY_OPEN:
		snprintf(text, size,
			 "'%s' can be written to by other users (mode %04o)",
			 fault->path, mode);
		return;
	}
}
