/*
 * The program that did-cli run runs.
 *
 * It stays in our process group, so that a terminal treats both alike: what is
 * typed there (Ctrl-C) reaches it without us, and only signals that somebody
 * sent to us alone are passed on.  As "subreaper" we become the parent of what
 * the program leaves behind, and can end that, too.
 */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <parley/err.h>

#include "cli/harden.h"

enum {
	LEFT_BEHIND_TRIES = 100, /* of 10 ms, then SIGKILL */
};

static const int stopping[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const int passed_on[] = {SIGUSR1, SIGUSR2};

/* nohup(1), and a background job of a script, ignore some. */
static void add(sigset_t *set, const int *signals, size_t n)
{
	struct sigaction now;

	for (size_t i = 0; i < n; i++) {
		if (sigaction(signals[i], NULL, &now) == 0 &&
		    now.sa_handler != SIG_IGN)
			sigaddset(set, signals[i]);
	}
}

int cli_child_begin(struct cli_child *c)
{
	*c = (struct cli_child){.fd = -1};
	sigemptyset(&c->signals);
	add(&c->signals, stopping, sizeof(stopping) / sizeof(stopping[0]));
	add(&c->signals, passed_on, sizeof(passed_on) / sizeof(passed_on[0]));
	sigaddset(&c->signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &c->signals, &c->before) != 0)
		return PARLEY_ERR_SYSTEM;
	c->fd = signalfd(-1, &c->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (c->fd < 0) {
		sigprocmask(SIG_SETMASK, &c->before, NULL);
		return PARLEY_ERR_SYSTEM;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return 0;
}

/* In the child: become the program, or tell why not. */
static void become(const struct cli_child *c, char **argv, pid_t parent,
		   int report)
{
	int err;

	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != parent)
		_exit(127);
	cli_harden_undo();
	sigprocmask(SIG_SETMASK, &c->before, NULL);
	execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int cli_child_start(struct cli_child *c, char **argv)
{
	const pid_t self = getpid();
	int ends[2], err = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	pid = fork();
	if (pid == 0)
		become(c, argv, self, ends[1]);
	err = pid < 0 ? errno : 0;
	close(ends[1]);
	/* The end of file comes when the program has begun. */
	if (err == 0 && read(ends[0], &err, sizeof(err)) == sizeof(err))
		waitpid(pid, NULL, 0);
	else if (err == 0)
		c->pid = pid;
	close(ends[0]);
	return err;
}

void cli_child_kill(const struct cli_child *c, int signal)
{
	if (c->pid > 0)
		kill(c->pid, signal);
}

/* Collect all that has ended: the child, or what it left behind. */
static void reap(struct cli_child *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != c->pid)
			continue;
		c->pid = 0;
		c->over = true;
		c->status = status;
	}
}

static bool asks_to_stop(int signal)
{
	for (size_t i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++) {
		if (stopping[i] == signal)
			return true;
	}
	return false;
}

void cli_child_signals(struct cli_child *c)
{
	struct signalfd_siginfo info;
	int signal;

	while (read(c->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		signal = (int)info.ssi_signo;
		if (signal == SIGCHLD)
			reap(c);
		else if (info.ssi_code != SI_KERNEL)
			cli_child_kill(c, signal);
		if (asks_to_stop(signal))
			c->stopped = signal;
	}
}

int cli_child_exit_code(const struct cli_child *c)
{
	return WIFEXITED(c->status) ? WEXITSTATUS(c->status)
				    : 128 + WTERMSIG(c->status);
}

/* Send ${signal} to all children; returns whether there are any. */
static bool kill_all(int signal)
{
	char path[sizeof("/proc/self/task/4294967295/children")];
	bool any = false;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%u/children",
		 (unsigned)getpid());
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (fscanf(f, "%d", &pid) == 1) {
		any = true;
		if (pid > 0)
			kill(pid, signal);
	}
	fclose(f);
	return any;
}

static void end_left_behind(struct cli_child *c)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

	for (int i = 0; kill_all(i == 0			 ? SIGTERM
				 : i < LEFT_BEHIND_TRIES ? 0
							 : SIGKILL);
	     i++) {
		nanosleep(&pause, NULL);
		reap(c);
		if (i > 2 * LEFT_BEHIND_TRIES)
			return;
	}
}

void cli_child_end(struct cli_child *c)
{
	end_left_behind(c);
	close(c->fd);
	c->fd = -1;
	sigprocmask(SIG_SETMASK, &c->before, NULL);
}
