/*
 * The program of did-cli run, whoever has the session: this process (run.c) or
 * sessiond(8) (run_daemon.c).
 *
 *   port      one is kept for a program that listens, until it takes it
 *   start     with its arguments as the preset makes them, and the ports of all
 *   end       the first reason to end it counts; asked first, then killed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/out.h"
#include "cli/run.h"
#include "session/clock.h"

enum {
	GRACE_MS = 1000, /* for a program whose connections have ended */
	TERM_MS = 5000,	 /* for one that was asked to end */
};

int cli_run_set_self(struct cli_run *run, int self)
{
	run->self = self;
	run->n = (int)parley_session_agreement_n_parties(run->agreement);
	if ((int64_t)parley_session_agreement_threshold(run->agreement) >
	    run->preset->threshold_max(run->n)) {
		cli_out_error(
		    "threshold %u is too large for %d parties of "
		    "%s",
		    parley_session_agreement_threshold(run->agreement), run->n,
		    run->preset->name);
		return CLI_LOCAL;
	}
	if (cli_progress_init(&run->progress, run->agreement, run->self,
			      run->json ? cli_out_event : NULL) != 0) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static bool listens(const struct cli_run *run)
{
	if (run->preset->dial == SESSION_FORWARD_DIAL_HIGHER)
		return run->self > 0;
	return cli_preset_listens(run->cmd);
}

/* Bound, so that nobody gets it by chance, until the program binds it. */
static int bind_port(struct cli_run *run)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* At all addresses, as MPyC binds it: that would fail where somebody's
	 * connection has the port at one of them.  Nothing listens. */
	a.sin_addr.s_addr = htonl(INADDR_ANY);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) {
		if (fd >= 0)
			close(fd);
		return PARLEY_ERR_SYSTEM;
	}
	run->held_fd = fd;
	run->own_port = ntohs(a.sin_port);
	return 0;
}

int cli_run_keep_port(struct cli_run *run)
{
	if (!listens(run) || bind_port(run) == 0)
		return 0;
	cli_out_error("cannot find a port for the program: %s",
		      strerror(errno));
	return CLI_RUN_NOT_STARTED;
}

void cli_run_release_port(struct cli_run *run)
{
	if (run->held_fd >= 0)
		close(run->held_fd);
	run->held_fd = -1;
}

int cli_run_start(struct cli_run *run)
{
	uint16_t ports[PARLEY_AGREEMENT_PARTIES_MAX];
	const struct cli_preset_place place = {
	    .n = run->n,
	    .self = run->self,
	    .threshold = parley_session_agreement_threshold(run->agreement),
	    .own_port = run->own_port,
	    .ports = ports};
	char **argv;
	int err;

	for (int i = 0; i < run->n; i++)
		ports[i] = run->ports ? run->ports[i]
				      : session_forward_port(run->forward, i);
	if (run->preset->command(&argv, run->cmd, &place) != CLI_DONE)
		return CLI_RUN_NOT_STARTED;
	if (!run->preset->reuses_address)
		cli_run_release_port(run);
	err = cli_child_start(&run->child, argv);
	cli_preset_free(argv);
	if (err != 0) {
		cli_out_error("cannot run '%s': %s", run->cmd[0],
			      strerror(err));
		return err == ENOENT ? CLI_RUN_NOT_FOUND : CLI_RUN_NOT_EXECUTED;
	}
	run->started = true;
	cli_run_show_started(run);
	return 0;
}

void cli_run_end_with(struct cli_run *run, int code, const char *reason)
{
	if (run->ending != 0)
		return;
	run->ending = code;
	snprintf(run->reason, sizeof(run->reason), "%s", reason);
}

static void wait_for_child(struct cli_run *run, int64_t limit_ms)
{
	struct pollfd fd = {.fd = run->child.fd, .events = POLLIN};
	int64_t left;

	while (!run->child.over && (left = limit_ms - session_now_ms()) > 0) {
		poll(&fd, 1, (int)left);
		cli_child_signals(&run->child);
	}
}

void cli_run_end_child(struct cli_run *run)
{
	wait_for_child(run, session_now_ms() + GRACE_MS);
	cli_child_kill(&run->child, SIGTERM);
	wait_for_child(run, session_now_ms() + TERM_MS);
	cli_child_kill(&run->child, SIGKILL);
	wait_for_child(run, INT64_MAX);
}
