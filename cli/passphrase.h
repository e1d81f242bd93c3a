/*
 * Passphrases: from the terminal without echo, a file, or a descriptor; never
 * from the command line or the environment, which others can read.
 */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

/* What the options say; both NULL: ask at the terminal. */
struct cli_passphrase_source {
	const char *file; /* --passphrase-file, "-" is standard input */
	const char *fd;	  /* --passphrase-fd */
};

/* A passphrase in locked memory; cli_passphrase_wipe() ends its life. */
struct cli_passphrase {
	char *text; /* not NUL-terminated */
	size_t len;
};

/*
 * cli_passphrase_read(p, source, what, twice):
 * Read the passphrase for ${what} into ${p}; at the terminal it is asked for
 * ${twice}, if so wanted, and both must be the same.  Of a file or descriptor
 * everything counts except one newline at the end.
 *
 * Returns an exit code; after anything but CLI_DONE the error has been
 * printed, ${p} needs no wiping, and the terminal is as it was.
 */
int cli_passphrase_read(struct cli_passphrase *p,
			const struct cli_passphrase_source *source,
			const char *what, bool twice);

/*
 * cli_passphrase_hide(source):
 * Programs that this process starts from now on do not inherit the descriptor
 * that ${source} names, by number or as /dev/fd/N; the standard ones are left
 * as they are.  cli_passphrase_read() closes it in the end.
 */
void cli_passphrase_hide(const struct cli_passphrase_source *source);

/*
 * cli_passphrase_check_stdin(source, file):
 * Standard input cannot be both the passphrase and the data of a command that
 * reads ${file}, "-" and NULL being standard input.  Returns an exit code.
 */
int cli_passphrase_check_stdin(const struct cli_passphrase_source *source,
			       const char *file);

/* cli_passphrase_wipe(p): wipe and free; a zeroed ${p} is allowed. */
void cli_passphrase_wipe(struct cli_passphrase *p);

#endif /* !CLI_PASSPHRASE_H */
