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

#include "did/identity.h"
#include "did/secret.h"

const struct did_file_rules cli_sessiond_secret_rules = {
    .forbidden = 077, .owned = true, .guarded = true};

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
			   struct did_file_fault *fault,
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
		err = did_file_read_checked(
		    bytesp, lenp, fault, i->passphrase_file,
		    PARLEY_PASSPHRASE_LEN_MAX + 2, &cli_sessiond_secret_rules);
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

/* Why: of an unsafe file, what is wrong with it. */
static void explain(char error[CLI_SESSIOND_CONFIG_TEXT_SIZE], const char *what,
		    const char *path, int err,
		    const struct did_file_fault *fault)
{
	char text[DID_FILE_PATH_SIZE + 100];
	const int saved = errno;

	if (err == PARLEY_ERR_UNSAFE)
		did_file_fault_text(text, sizeof(text), fault);
	else
		snprintf(text, sizeof(text), "%s",
			 err == PARLEY_ERR_SYSTEM ? strerror(saved)
						  : parley_did_err_string(err));
	snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE, "%s '%.100s': %s", what,
		 path, text);
}

int cli_sessiond_identity_open(struct cli_sessiond_identity *i,
			       char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
{
	struct did_file_fault fault = {.flaw = DID_FILE_SOUND};
	uint8_t *passphrase = NULL;
	size_t len;
	int err = read_passphrase(&passphrase, &len, &fault, i);

	if (err) {
		explain(error, "cannot read the passphrase of", i->path, err,
			&fault);
		goto out;
	}
	err = did_identity_load_checked(&i->id, &fault, i->path,
					(const char *)passphrase, len,
					&cli_sessiond_secret_rules);
	if (err)
		explain(error, "cannot open the identity", i->path, err,
			&fault);
out:
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
