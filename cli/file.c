/*
 * Whole files: read, written new, digested.
 *
 * Nothing here replaces or appends to a file that exists.  New files are made
 * with O_EXCL, so that a name which someone else put there first, a symbolic
 * link included, is an error and not a target.
 */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "cli/command.h"
#include "cli/out.h"
#include "cli/stop.h"

/* read(2) until ${len} bytes or the end; -1 with errno. */
static ssize_t read_full(int fd, void *buf, size_t len)
{
	size_t n = 0;

	while (n < len) {
		ssize_t r = read(fd, (char *)buf + n, len - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

int cli_file_read(char **textp, size_t *lenp, const char *path, size_t max)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	const char *name = is_stdin ? "standard input" : path;
	int code = CLI_LOCAL;
	char *text = NULL;
	ssize_t n;

	if (fd < 0) {
		cli_out_error("cannot open '%s': %s", path, strerror(errno));
		return CLI_LOCAL;
	}
	/* One more than allowed shows that there is more. */
	text = malloc(max + 2);
	if (text == NULL) {
		cli_out_error("out of memory");
		code = CLI_FAILED;
		goto out;
	}
	n = read_full(fd, text, max + 1);
	if (n < 0) {
		cli_out_error("cannot read '%s': %s", name, strerror(errno));
		goto out;
	}
	if ((size_t)n > max) {
		cli_out_error("'%s' is larger than %zu bytes", name, max);
		goto out;
	}
	text[n] = '\0';
	*textp = text;
	*lenp = (size_t)n;
	text = NULL;
	code = CLI_DONE;
out:
	free(text);
	if (!is_stdin)
		close(fd);
	return code;
}

/* write(2) all of it and make it last; false with errno. */
static bool write_full(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t r = write(fd, text, len);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return false;
		text += r;
		len -= (size_t)r;
	}
	return fsync(fd) == 0;
}

int cli_file_create(const char *path, const char *text, size_t len)
{
	struct cli_stop stop;
	int code = CLI_LOCAL, fd;

	/* A signal must not leave half a file. */
	if (cli_stop_begin(&stop) != 0) {
		cli_out_error("cannot block signals: %s", strerror(errno));
		return CLI_FAILED;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		bool exists = errno == EEXIST;

		cli_out_error("cannot create '%s': %s", path, strerror(errno));
		if (exists)
			cli_out_hint("existing files are never overwritten; "
				     "choose another name");
		goto out;
	}
	if (!write_full(fd, text, len)) {
		cli_out_error("cannot write '%s': %s", path, strerror(errno));
		unlink(path);
		close(fd);
		goto out;
	}
	close(fd);
	code = CLI_DONE;
out:
	cli_stop_end(&stop);
	return code;
}

int cli_file_digest(char hex[CLI_FILE_DIGEST_SIZE], const char *path)
{
	uint8_t digest[crypto_hash_sha256_BYTES], buf[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	crypto_hash_sha256_state state;
	ssize_t n;

	if (fd < 0) {
		cli_out_error("cannot open '%s': %s", path, strerror(errno));
		return CLI_LOCAL;
	}
	crypto_hash_sha256_init(&state);
	while ((n = read_full(fd, buf, sizeof(buf))) > 0)
		crypto_hash_sha256_update(&state, buf, (size_t)n);
	if (n < 0) {
		cli_out_error("cannot read '%s': %s", path, strerror(errno));
		close(fd);
		return CLI_LOCAL;
	}
	close(fd);
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(hex, CLI_FILE_DIGEST_SIZE, digest, sizeof(digest));
	return CLI_DONE;
}

const char *cli_file_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}
