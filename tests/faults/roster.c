/*
 * Rosters for programs that measure; see roster.h.
 */
#include "tests/faults/roster.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "error: %s\n", what);
	_exit(1);
}

/* A port that nobody else is given while ${*fdp} is open. */
static int reserve_port(int *fdp)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&a, len) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("no port");
	*fdp = fd;
	return ntohs(a.sin_port);
}

void roster_init(struct roster *r, size_t n, size_t first_listener)
{
	char *text = NULL, *why = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	memset(r, 0, sizeof(*r));
	r->n = n;
	if (!f)
		die("out of memory");
	fprintf(f, "{\"parley\": \"agreement/1\", "
		   "\"id\": \"AAAAAAAAAAAAAAAAAAAAAA\", \"name\": \"growth\", "
		   "\"created\": 0, \"threshold\": 1, \"parties\": [");
	for (size_t i = 0; i < n; i++) {
		r->fds[i] = -1;
		r->ports[i] = 1;
		if (i >= first_listener)
			r->ports[i] = reserve_port(&r->fds[i]);
		if (parley_did_identity_new(&r->ids[i]))
			die("no identity");
		fprintf(f,
			"%s{\"did\": \"%s\", \"endpoints\": "
			"[\"tcp://127.0.0.1:%d\"]}",
			i ? ", " : "", parley_did_identity_did(r->ids[i]),
			r->ports[i]);
	}
	fprintf(f, "]}");
	if (fclose(f) ||
	    parley_session_agreement_parse(&r->agreement, &why, text, len))
		die(why ? why : "agreement");
	free(text);
}

void roster_free(struct roster *r)
{
	for (size_t i = 0; i < r->n; i++) {
		parley_did_identity_free(r->ids[i]);
		if (r->fds[i] >= 0)
			close(r->fds[i]);
	}
	parley_session_agreement_free(r->agreement);
}

double roster_rss(pid_t pid)
{
	char path[40], line[128];
	double kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtod(line + 8, NULL);
	fclose(f);
	if (kib < 0)
		die("no RssAnon");
	return kib * 1024;
}
