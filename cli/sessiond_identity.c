/*
 * Identities of sessiond: opened once, with a passphrase from a file, a
 * descriptor or a credential, and shared by all that use them.
 *
 * The passphrase goes by read(2) into memory that is locked and wiped.
 */
#include "cli/sessiond_identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "did/file.h"
#include "did/secret.h"

/* All of ${fd}, into memory from did_secret_new(). */
static int read_fd(uint8_t **bytesp, size_t *lenp, int fd)
{
	uint8_t *p = did_secret_new(PARLEY_PASSPHRASE_LEN_MAX + 3);
	size_t len = 0;
	ssize_t n = 1;

	if (!p)
		return PARLEY_ERR_MEMORY;
	while (len < PARLEY_PASSPHRASE_LEN_MAX + 2 && n != 0) {
		n = read(fd, p + len, PARLEY_PASSPHRASE_LEN_MAX + 2 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			did_secret_free(p);
			return PARLEY_ERR_SYSTEM;
		}
		len += (size_t)n;
	}
	*bytesp = p;
	*lenp = len;
	return 0;
}

/* The passphrase of ${i}; ${*bytesp} stays NULL if none is configured. */
static int read_passphrase(uint8_t **bytesp, size_t *lenp,
			   const struct cli_sessiond_identity *i)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char *path = NULL;
	int err = 0;

	*lenp = 0;
	if (i->credential && !directory)
		err = PARLEY_ERR_NOT_FOUND;
	else if (i->credential &&
		 asprintf(&path, "%s/%s", directory, i->credential) < 0)
		err = PARLEY_ERR_MEMORY;
	else if (i->credential)
		err = did_file_read(bytesp, lenp, path,
				    PARLEY_PASSPHRASE_LEN_MAX + 2);
	else if (i->passphrase_file)
		err = did_file_read(bytesp, lenp, i->passphrase_file,
				    PARLEY_PASSPHRASE_LEN_MAX + 2);
	else if (i->passphrase_fd >= 0)
		err = read_fd(bytesp, lenp, i->passphrase_fd);
	free(path);
	/* One newline at the end does not count. */
	if (!err && *lenp > 0 && (*bytesp)[*lenp - 1] == '\n')
		(*lenp)--;
	if (!err && *lenp > 0 && (*bytesp)[*lenp - 1] == '\r')
		(*lenp)--;
	return err;
}

int cli_sessiond_identity_open(struct cli_sessiond_identity *i,
			       char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
{
	uint8_t *passphrase = NULL;
	size_t len;
	int err = read_passphrase(&passphrase, &len, i);

	if (err)
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "cannot read the passphrase of '%.300s': %s", i->path,
			 err == PARLEY_ERR_SYSTEM ? strerror(errno)
						  : parley_did_err_string(err));
	if (!err) {
		err = parley_did_identity_load(&i->id, i->path,
					       (const char *)passphrase, len);
		if (err)
			snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
				 "cannot open the identity '%.300s': %s",
				 i->path, parley_did_err_string(err));
	}
	did_secret_free(passphrase);
	return err;
}

struct cli_sessiond_identity *cli_sessiond_identity_ref(
    struct cli_sessiond_identity *i)
{
	i->refs++;
	return i;
}

void cli_sessiond_identity_free(struct cli_sessiond_identity *i)
{
	if (!i || --i->refs > 0)
		return;
	parley_did_identity_free(i->id);
	free(i->path);
	free(i->passphrase_file);
	free(i->credential);
	free(i);
}
