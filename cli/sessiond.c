/*
 * sessiond: holds identities and sessions for the programs of one user.
 *
 * The keys are in this process only: no core file, no debugger of the same user
 * (PR_SET_DUMPABLE), and what programs get are messages.  It listens where the
 * configuration says, at the control socket and at the socket for metrics, and
 * at loopback ports that a client asked to be forwarded; nowhere else.
 */
#include "cli/sessiond.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "did/secret.h"
#include "session/clock.h"

enum {
	/* Longest time without a look around. */
	TURN_MS_MAX = 60 * 1000,
};

static const char default_config[] = "/etc/sessiond/sessiond.conf";

static const char help[] =
    "usage: sessiond [OPTION...]\n"
    "Hold identities and sessions of Parley for the programs of this user.\n"
    "\n"
    "  --config FILE     the configuration (/etc/sessiond/sessiond.conf)\n"
    "  --check-config    say whether it is in order, and exit\n"
    "  --log-level LEVEL error, warning, info or debug\n"
    "  --log-json        log one JSON object a line\n"
    "  --version         show the version\n"
    "\n"
    "SIGHUP reads the configuration again, SIGTERM ends all sessions\n"
    "gracefully.  Exit codes: 0 done, 1 failed, 2 wrong usage, 5 a file or\n"
    "address is unusable.  sessiond(8) says more.\n"
    "\n"
    "example:\n"
    "  sessiond --config ./sessiond.conf --check-config\n";

/* What the command line says, besides how to log. */
struct options {
	const char *config;
	bool check;
};

/*
 * The loop
 */

static void stop(struct cli_sessiond *d)
{
	const int64_t limit = session_now_ms() + d->config.stop_ms;
	struct cli_sessiond_session *s;

	if (d->stopping)
		return;
	d->stopping = true;
	cli_sessiond_notify("STOPPING=1");
	CLI_SESSIOND_LOG(d, INFO, 0, "stopping, %zu sessions", d->n_sessions);
	for (s = d->sessions; s; s = s->next)
		cli_sessiond_session_finish(s, limit);
}

static void take_signals(struct cli_sessiond *d, int fd)
{
	struct signalfd_siginfo info;
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			(void)cli_sessiond_reload(d, error);
		else
			stop(d);
	}
}

static bool all_over(const struct cli_sessiond *d)
{
	const struct cli_sessiond_session *s;

	for (s = d->sessions; s; s = s->next)
		if (!cli_sessiond_session_is_over(s))
			return false;
	return true;
}

static void free_over(struct cli_sessiond *d)
{
	struct cli_sessiond_session *s, *next;

	for (s = d->sessions; s; s = next) {
		next = s->next;
		if (s->over)
			cli_sessiond_session_free(s);
	}
}

static int poll_timeout(const struct cli_sessiond *d, int64_t watchdog_at)
{
	const int64_t now = session_now_ms();
	int64_t at = now + (d->metrics ? 5000 : TURN_MS_MAX), t;
	const struct cli_sessiond_session *s;

	if (watchdog_at < at)
		at = watchdog_at;
	t = cli_sessiond_control_deadline(d->control);
	if (t < at)
		at = t;
	for (s = d->sessions; s; s = s->next) {
		t = cli_sessiond_session_deadline(s);
		if (t < at)
			at = t;
	}
	return at <= now ? 0 : (int)(at - now);
}

/* Everything once: wait, read, let work, answer. */
static int turn(struct cli_sessiond *d, int signal_fd, int64_t watchdog_at)
{
	struct pollfd fds[CLI_SESSIOND_FDS_MAX];
	struct cli_sessiond_session *at[CLI_SESSIOND_FDS_MAX], *s;
	nfds_t n = 0, first;
	int err;

	fds[n++] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = cli_sessiond_control_fd(d->control),
				   .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = parley_session_hub_fd(d->hub),
				   .events = POLLIN};
	n += cli_sessiond_metrics_fds(d, fds + n);
	first = n;
	for (s = d->sessions; s && n < CLI_SESSIOND_FDS_MAX; s = s->next) {
		at[n] = s;
		fds[n++] = (struct pollfd){.fd = cli_sessiond_session_fd(s),
					   .events = POLLIN};
	}
	if (poll(fds, n, poll_timeout(d, watchdog_at)) < 0 && errno != EINTR)
		return PARLEY_ERR_SYSTEM;
	err = parley_session_hub_process(d->hub);
	if (err)
		return err;
	for (nfds_t i = first; i < n; i++)
		if (fds[i].revents || at[i]->finish_ms > 0)
			cli_sessiond_session_step(at[i]);
	err = cli_sessiond_control_step(d);
	if (err)
		return err;
	cli_sessiond_metrics_step(d);
	if (fds[0].revents)
		take_signals(d, signal_fd);
	cli_sessiond_control_serve(d);
	for (s = d->sessions; s; s = s->next)
		cli_sessiond_session_settle(s);
	free_over(d);
	return parley_session_hub_process(d->hub);
}

static int loop(struct cli_sessiond *d, int signal_fd)
{
	const int beat = cli_sessiond_notify_watchdog_ms();
	int64_t watchdog_at = beat > 0 ? 0 : INT64_MAX;
	int err = 0;

	while (!err && !(d->stopping && all_over(d))) {
		if (session_now_ms() >= watchdog_at) {
			cli_sessiond_notify("WATCHDOG=1");
			watchdog_at = session_now_ms() + beat;
		}
		err = turn(d, signal_fd, watchdog_at);
	}
	return err;
}

/*
 * Life
 */

static int make_signal_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Many sessions and clients: as many descriptors as are allowed. */
static void raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int listen_all(struct cli_sessiond *d, char *error)
{
	struct parley_session_hub_options o;
	int err;

	parley_session_hub_options_init(&o);
	o.liveness_ms = d->config.liveness_ms;
	err = parley_session_hub_new(&d->hub, &o);
	if (err)
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE, "%s",
			 parley_did_err_string(err));
	for (size_t i = 0; i < d->config.n_listen && !err; i++) {
		err = parley_session_hub_listen(d->hub, d->config.listen[i]);
		if (err)
			snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
				 "cannot listen at %s: %s", d->config.listen[i],
				 parley_did_err_string(err));
		else
			CLI_SESSIOND_LOG(d, INFO, 0, "listening at %s",
					 d->config.listen[i]);
	}
	return err;
}

static void log_start(const struct cli_sessiond *d)
{
	for (size_t i = 0; i < d->config.n_identities; i++)
		CLI_SESSIOND_LOG(
		    d, INFO, 0, "identity %s",
		    parley_did_identity_did(d->config.identities[i]->id));
	if (d->config.n_agreements == 0 && d->config.n_parties == 0)
		CLI_SESSIOND_LOG(d, WARNING, 0,
				 "nothing is allowed: there is no line "
				 "allow-agreement and no allow-party");
	CLI_SESSIOND_LOG(d, INFO, 0, "ready, control socket '%s'",
			 d->config.control);
}

/* The daemon with its configuration in ${d}, which is wiped in the end. */
static int serve(struct cli_sessiond *d)
{
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE] = "";
	int signal_fd = make_signal_fd(), err, code = CLI_LOCAL;

	if (signal_fd < 0) {
		CLI_SESSIOND_LOG(d, ERROR, 0, "cannot block signals");
		return CLI_FAILED;
	}
	raise_limit();
	d->started_ms = session_now_ms();
	if ((err = cli_sessiond_config_unlock(&d->config, error, NULL)) ||
	    (err = cli_sessiond_control_new(d, error)) ||
	    (err = cli_sessiond_metrics_new(d, error)) ||
	    (err = listen_all(d, error))) {
		CLI_SESSIOND_LOG(d, ERROR, 0, "%s", error);
		goto out;
	}
	log_start(d);
	cli_sessiond_notify("READY=1");
	err = loop(d, signal_fd);
	code = err ? CLI_FAILED : CLI_DONE;
	if (err)
		CLI_SESSIOND_LOG(d, ERROR, 0, "%s", parley_did_err_string(err));
	/* Who waits for a close is told how it went. */
	cli_sessiond_control_serve(d);
out:
	while (d->sessions)
		cli_sessiond_session_free(d->sessions);
	cli_sessiond_metrics_free(d);
	cli_sessiond_control_free(d);
	parley_session_hub_free(d->hub);
	if (code == CLI_DONE)
		CLI_SESSIOND_LOG(d, INFO, 0, "stopped");
	close(signal_fd);
	return code;
}

static int check(const struct cli_sessiond_config *c)
{
	printf("%s: in order: %zu identities, %zu addresses, %zu agreements "
	       "and %zu parties allowed\n",
	       c->path, c->n_identities, c->n_listen, c->n_agreements,
	       c->n_parties);
	return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

/* Returns -1 to go on, or an exit code. */
static int parse_options(struct options *o, struct cli_sessiond *d, int argc,
			 char **argv)
{
	static const struct option known[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check-config", no_argument, NULL, 'k'},
	    {"log-level", required_argument, NULL, 'l'},
	    {"log-json", no_argument, NULL, 'j'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	enum cli_sessiond_level level;
	int c;

	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'l':
			d->log_level = optarg;
			break;
		case 'j':
			d->log_json = true;
			break;
		case 'v':
			puts("sessiond " PARLEY_VERSION);
			return CLI_DONE;
		case 'h':
			fputs(help, stdout);
			return CLI_DONE;
		default:
			return CLI_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sessiond: error: '%s' is too much\n",
			argv[optind]);
		return CLI_USAGE;
	}
	if (d->log_level && !cli_sessiond_log_level(&level, d->log_level,
						    strlen(d->log_level))) {
		fprintf(stderr,
			"sessiond: error: --log-level: '%s' is none of error, "
			"warning, info, debug\n",
			d->log_level);
		return CLI_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	const struct rlimit none = {0, 0};
	struct cli_sessiond d = {.config.log.level = CLI_SESSIOND_INFO};
	struct options o = {.config = default_config};
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE] = "";
	int code = parse_options(&o, &d, argc, argv), err;

	if (code >= 0)
		return code;
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	umask(077);
	/* Who reads the log may go away. */
	signal(SIGPIPE, SIG_IGN);
	if (did_secret_init() != 0) {
		fputs("sessiond: error: no source of randomness\n", stderr);
		return CLI_FAILED;
	}
	err = cli_sessiond_load(&d, error, o.config);
	if (err) {
		CLI_SESSIOND_LOG(&d, ERROR, 0, "%s", error);
		code = CLI_LOCAL;
	} else {
		code = o.check ? check(&d.config) : serve(&d);
	}
	cli_sessiond_config_wipe(&d.config);
	return code;
}
