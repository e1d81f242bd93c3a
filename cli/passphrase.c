/*
 * Passphrases: from the terminal without echo, a file, or a descriptor.
 *
 * The bytes go by read(2) into memory that is locked and wiped; no stdio
 * buffer ever holds them.  While the terminal does not echo, signals wait at a
 * descriptor, so that it echoes again whatever ends the question.
 */
#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

#include <parley/did.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/out.h"
#include "cli/stop.h"
#include "did/secret.h"

enum {
	/* Room for a newline of two bytes, and to notice what is too long. */
	BUF_LEN = PARLEY_PASSPHRASE_LEN_MAX + 3,
};

static int init(struct cli_passphrase *p)
{
	p->len = 0;
	p->text = did_secret_new(BUF_LEN);
	if (p->text != NULL)
		return CLI_DONE;
	cli_out_error("out of memory");
	return CLI_FAILED;
}

void cli_passphrase_wipe(struct cli_passphrase *p)
{
	did_secret_free(p->text);
	p->text = NULL;
	p->len = 0;
}

/* Take the newline off, and judge the length of what is left. */
static int trim(struct cli_passphrase *p)
{
	if (p->len > 0 && p->text[p->len - 1] == '\n')
		p->len--;
	if (p->len > 0 && p->text[p->len - 1] == '\r')
		p->len--;
	if (p->len == 0) {
		cli_out_error("the passphrase is empty");
		cli_out_hint("--unencrypted makes an identity without one");
		return CLI_LOCAL;
	}
	if (p->len > PARLEY_PASSPHRASE_LEN_MAX) {
		cli_out_error("the passphrase is longer than %d bytes",
			      PARLEY_PASSPHRASE_LEN_MAX);
		return CLI_LOCAL;
	}
	return CLI_DONE;
}

static int read_fd(struct cli_passphrase *p, int fd, const char *name)
{
	while (p->len < BUF_LEN) {
		ssize_t r = read(fd, p->text + p->len, BUF_LEN - p->len);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			cli_out_error("cannot read the passphrase from %s: %s",
				      name, strerror(errno));
			return CLI_LOCAL;
		}
		if (r == 0)
			break;
		p->len += (size_t)r;
	}
	return trim(p);
}

static int read_file(struct cli_passphrase *p, const char *path)
{
	int fd, code;

	if (strcmp(path, "-") == 0)
		return read_fd(p, STDIN_FILENO, "standard input");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		cli_out_error("cannot open '%s': %s", path, strerror(errno));
		return CLI_LOCAL;
	}
	code = read_fd(p, fd, path);
	close(fd);
	return code;
}

static int read_numbered_fd(struct cli_passphrase *p, const char *number)
{
	char name[sizeof("descriptor -9223372036854775808")];
	int64_t fd;
	int code;

	if (!cli_args_integer(&fd, number, 0, INT32_MAX)) {
		cli_out_error("--passphrase-fd: '%s' is not a descriptor",
			      number);
		return CLI_USAGE;
	}
	snprintf(name, sizeof(name), "descriptor %d", (int)fd);
	code = read_fd(p, (int)fd, name);
	/* A file could be read again by whoever has its descriptor. */
	if (fd > STDERR_FILENO)
		close((int)fd);
	return code;
}

static void hide(const char *number)
{
	int64_t fd;
	int flags;

	if (!cli_args_integer(&fd, number, STDERR_FILENO + 1, INT32_MAX))
		return;
	flags = fcntl((int)fd, F_GETFD);
	if (flags >= 0)
		fcntl((int)fd, F_SETFD, flags | FD_CLOEXEC);
}

void cli_passphrase_hide(const struct cli_passphrase_source *source)
{
	/* As a shell writes <(COMMAND). */
	static const char *const directories[] = {"/dev/fd/", "/proc/self/fd/"};

	if (source->fd != NULL)
		hide(source->fd);
	for (size_t i = 0; source->file != NULL && i < 2; i++) {
		const size_t len = strlen(directories[i]);

		if (strncmp(source->file, directories[i], len) == 0)
			hide(source->file + len);
	}
}

/*
 * One line from the terminal, or the exit code of the signal that came.  Of a
 * line that is too long the rest is read over the last byte, so that none of
 * it is left for the shell.
 */
static int read_line(struct cli_passphrase *p, int tty,
		     const struct cli_stop *stop)
{
	struct pollfd fds[] = {
	    {.fd = stop->fd, .events = POLLIN},
	    {.fd = tty, .events = POLLIN},
	};
	ssize_t r;
	int signal;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		signal = cli_stop_signal(stop);
		if (signal != 0)
			return 128 + signal;
		if (fds[1].revents == 0)
			continue;
		if (p->len == BUF_LEN)
			p->len--;
		r = read(tty, p->text + p->len, BUF_LEN - p->len);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		p->len += (size_t)r;
		if (p->text[p->len - 1] == '\n')
			break;
	}
	return CLI_DONE;
}

static void say(int tty, const char *text)
{
	/* If the terminal is gone, reading will tell. */
	if (write(tty, text, strlen(text)) < 0)
		return;
}

/* Ask once, on a terminal whose echo is off. */
static int ask(struct cli_passphrase *p, int tty, const struct cli_stop *stop,
	       const char *before, const char *what)
{
	char *safe = cli_out_escape(what);
	int code = init(p);

	say(tty, before);
	say(tty, safe != NULL ? safe : "identity");
	say(tty, ": ");
	free(safe);
	if (code == CLI_DONE)
		code = read_line(p, tty, stop);
	say(tty, "\n");
	return code;
}

static int ask_twice(struct cli_passphrase *p, int tty,
		     const struct cli_stop *stop, const char *what, bool twice)
{
	struct cli_passphrase again = {0};
	int code;

	code = ask(p, tty, stop, "Passphrase for ", what);
	if (code == CLI_DONE)
		code = trim(p);
	if (code != CLI_DONE || !twice)
		return code;
	code = ask(&again, tty, stop, "Again, for ", what);
	if (code == CLI_DONE)
		code = trim(&again);
	if (code == CLI_DONE &&
	    (again.len != p->len ||
	     sodium_memcmp(again.text, p->text, p->len) != 0)) {
		cli_out_error("the two passphrases are not the same");
		code = CLI_LOCAL;
	}
	cli_passphrase_wipe(&again);
	return code;
}

static int read_terminal(struct cli_passphrase *p, const char *what, bool twice)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios as_it_was, silent;
	struct cli_stop stop;
	int code = CLI_FAILED;

	if (tty < 0 || tcgetattr(tty, &as_it_was) != 0) {
		cli_out_error("no terminal to ask for the passphrase of %s",
			      what);
		cli_out_hint("give it by --passphrase-file FILE or "
			     "--passphrase-fd N");
		code = CLI_LOCAL;
		goto out_tty;
	}
	if (cli_stop_begin(&stop) != 0) {
		cli_out_error("cannot block signals: %s", strerror(errno));
		goto out_tty;
	}
	silent = as_it_was;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	/* Ctrl-Z would leave a shell that does not echo. */
	silent.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(tty, TCSAFLUSH, &silent) != 0) {
		cli_out_error("cannot turn off the echo of the terminal: %s",
			      strerror(errno));
		goto out_stop;
	}
	code = ask_twice(p, tty, &stop, what, twice);
	tcsetattr(tty, TCSAFLUSH, &as_it_was);
out_stop:
	cli_stop_end(&stop);
out_tty:
	if (tty >= 0)
		close(tty);
	return code;
}

int cli_passphrase_read(struct cli_passphrase *p,
			const struct cli_passphrase_source *source,
			const char *what, bool twice)
{
	int code;

	p->text = NULL;
	p->len = 0;
	if (source->file != NULL && source->fd != NULL) {
		cli_out_error("--passphrase-file and --passphrase-fd exclude "
			      "each other");
		return CLI_USAGE;
	}
	if (source->file == NULL && source->fd == NULL) {
		code = read_terminal(p, what, twice);
	} else {
		code = init(p);
		if (code == CLI_DONE && source->file != NULL)
			code = read_file(p, source->file);
		else if (code == CLI_DONE)
			code = read_numbered_fd(p, source->fd);
	}
	if (code != CLI_DONE)
		cli_passphrase_wipe(p);
	return code;
}

int cli_passphrase_check_stdin(const struct cli_passphrase_source *source,
			       const char *file)
{
	bool is_stdin = file == NULL || strcmp(file, "-") == 0;
	bool wanted =
	    (source->file != NULL && strcmp(source->file, "-") == 0) ||
	    (source->fd != NULL && strcmp(source->fd, "0") == 0);

	if (!is_stdin || !wanted)
		return CLI_DONE;
	cli_out_error("standard input cannot be passphrase and message");
	return CLI_USAGE;
}
