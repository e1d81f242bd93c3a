/*
 * Being asked to stop, by Ctrl-C or kill.
 *
 * signalfd(2) in place of handlers: a signal becomes one more descriptor of
 * the poll loop, there is no window in which it is missed, and the threads of
 * libraries inherit the blocked mask, so they never take it.
 */
#include "cli/stop.h"

#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <parley/err.h>

int cli_stop_begin(struct cli_stop *stop)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction now;

	sigemptyset(&stop->signals);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* nohup(1), and a background job of a script, ignore some. */
		if (sigaction(signals[i], NULL, &now) == 0 &&
		    now.sa_handler != SIG_IGN)
			sigaddset(&stop->signals, signals[i]);
	}
	if (sigprocmask(SIG_BLOCK, &stop->signals, &stop->before) != 0)
		return PARLEY_ERR_SYSTEM;
	stop->fd = signalfd(-1, &stop->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (stop->fd < 0) {
		sigprocmask(SIG_SETMASK, &stop->before, NULL);
		return PARLEY_ERR_SYSTEM;
	}
	return 0;
}

int cli_stop_signal(const struct cli_stop *stop)
{
	struct signalfd_siginfo info;

	if (read(stop->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

static void exit_at_once(int signal)
{
	_exit(128 + signal);
}

void cli_stop_exit_at_once(const struct cli_stop *stop)
{
	struct sigaction action = {.sa_handler = exit_at_once};

	for (int signal = 1; signal < NSIG; signal++) {
		if (sigismember(&stop->signals, signal) == 1)
			sigaction(signal, &action, NULL);
	}
	sigprocmask(SIG_UNBLOCK, &stop->signals, NULL);
}

void cli_stop_end(struct cli_stop *stop)
{
	close(stop->fd);
	stop->fd = -1;
	sigprocmask(SIG_SETMASK, &stop->before, NULL);
}
