/*
 * What sessiond tells systemd: sd_notify(3) and sd_watchdog_enabled(3), which
 * are a datagram to $NOTIFY_SOCKET and two numbers in the environment.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/sessiond.h"

void cli_sessiond_notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, path, strlen(path));
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@') /* the abstract namespace */
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* systemd not listening is no reason not to run. */
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL,
		     (const struct sockaddr *)&un, len);
	close(fd);
}

int cli_sessiond_notify_watchdog_ms(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t n;

	if (pid && (!cli_args_integer(&n, pid, 1, INT32_MAX) || n != getpid()))
		return 0;
	/* Twice in the time, as sd_watchdog_enabled(3) recommends. */
	return us && cli_args_integer(&n, us, 1, INT64_MAX) &&
		       n / 2000 <= INT32_MAX
		   ? (int)(n / 2000)
		   : 0;
}
