/*
 * Numbers for Prometheus (text format 0.0.4) over HTTP/1.0 on a local socket:
 *
 *   curl --unix-socket /run/sessiond/metrics http://localhost/metrics
 *
 * Whatever is asked, this is the answer, and then the connection is closed.  No
 * DID and no name of an agreement is in it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/sessiond.h"
#include "session/clock.h"

enum {
	CONNS_MAX = 16,
	TIMEOUT_MS = 5000,
	REQUEST_MAX = 4096,
};

struct conn {
	int fd; /* -1: none */
	int64_t until_ms;
	char request[REQUEST_MAX];
	size_t request_len;
	char *reply;
	size_t reply_len, sent;
};

struct cli_sessiond_metrics {
	int listener;
	char *path;
	struct conn conns[CONNS_MAX];
};

static void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->reply);
	*c = (struct conn){.fd = -1};
}

/*
 * The text
 */

static void put(FILE *f, const char *name, const char *type, const char *help,
		uint64_t value)
{
	fprintf(f,
		"# HELP sessiond_%s %s\n# TYPE sessiond_%s %s\nsessiond_%s "
		"%" PRIu64 "\n",
		name, help, name, type, name, value);
}

static void put_sessions(FILE *f, const struct cli_sessiond *d,
			 struct parley_party_stats *sum)
{
	uint64_t sessions[PARLEY_SESSION_FAILED + 1] = {0},
						  parties[PARLEY_PARTY_CLOSED +
							  1] = {0};
	const struct cli_sessiond_session *s;

	for (s = d->sessions; s; s = s->next) {
		sessions[parley_session_state(s->session)]++;
		for (int i = 0; i < parley_session_n_parties(s->session); i++)
			parties[parley_session_party_state(s->session, i)]++;
		cli_sessiond_session_add_stats(s, sum);
	}
	fputs("# HELP sessiond_sessions Sessions by state.\n"
	      "# TYPE sessiond_sessions gauge\n",
	      f);
	for (int i = PARLEY_SESSION_OPENING; i <= PARLEY_SESSION_FAILED; i++)
		fprintf(f, "sessiond_sessions{state=\"%s\"} %" PRIu64 "\n",
			session_control_state_name((uint64_t)i), sessions[i]);
	fputs("# HELP sessiond_parties Other parties by state.\n"
	      "# TYPE sessiond_parties gauge\n",
	      f);
	for (int i = PARLEY_PARTY_CONNECTING; i <= PARLEY_PARTY_CLOSED; i++)
		fprintf(
		    f, "sessiond_parties{state=\"%s\"} %" PRIu64 "\n",
		    parley_session_party_state_name((enum parley_party_state)i),
		    parties[i]);
}

static char *make_text(const struct cli_sessiond *d, size_t *lenp)
{
	const struct cli_sessiond_totals *t = &d->totals;
	struct parley_party_stats sum = t->parties;
	char *text = NULL;
	FILE *f = open_memstream(&text, lenp);

	if (!f)
		return NULL;
	put(f, "uptime_seconds", "gauge", "Since the daemon was started.",
	    (uint64_t)(session_now_ms() - d->started_ms) / 1000);
	put_sessions(f, d, &sum);
	put(f, "sessions_opened_total", "counter", "Sessions begun.",
	    t->sessions_opened);
	put(f, "sessions_failed_total", "counter", "Sessions that failed.",
	    t->sessions_failed);
	put(f, "opens_refused_total", "counter",
	    "Agreements that are not allowed.", t->opens_refused);
	put(f, "clients", "gauge", "Control connections.",
	    cli_sessiond_client_count(d));
	put(f, "clients_total", "counter", "Control connections so far.",
	    t->clients);
	put(f, "requests_total", "counter", "Control requests.", t->requests);
	put(f, "request_errors_total", "counter",
	    "Control requests answered by an error.", t->errors);
	put(f, "messages_sent_total", "counter", "Messages of programs.",
	    sum.messages_sent);
	put(f, "messages_received_total", "counter", "Messages for programs.",
	    sum.messages_received);
	put(f, "message_bytes_sent_total", "counter", "Bytes of messages.",
	    sum.bytes_sent);
	put(f, "message_bytes_received_total", "counter", "Bytes of messages.",
	    sum.bytes_received);
	put(f, "record_bytes_sent_total", "counter", "Bytes of records.",
	    sum.wire_bytes_sent);
	put(f, "record_bytes_received_total", "counter", "Bytes of records.",
	    sum.wire_bytes_received);
	put(f, "resumes_total", "counter",
	    "Times a connection broke and came back.", sum.resumes);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void make_reply(const struct cli_sessiond *d, struct conn *c)
{
	size_t len;
	char *text = make_text(d, &len);
	int n;

	if (!text)
		return;
	n = asprintf(&c->reply,
		     "HTTP/1.0 200 OK\r\nContent-Type: text/plain; "
		     "version=0.0.4\r\nContent-Length: %zu\r\nConnection: "
		     "close\r\n\r\n%s",
		     len, text);
	free(text);
	if (n < 0)
		c->reply = NULL;
	c->reply_len = n < 0 ? 0 : (size_t)n;
}

/*
 * Connections
 */

static void accept_one(struct cli_sessiond_metrics *m)
{
	const int fd =
	    accept4(m->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < CONNS_MAX; i++)
		if (m->conns[i].fd < 0) {
			m->conns[i].fd = fd;
			m->conns[i].until_ms = session_now_ms() + TIMEOUT_MS;
			return;
		}
	if (fd >= 0)
		close(fd);
}

/* The request ends with an empty line; until then there is more to read. */
static void read_request(const struct cli_sessiond *d, struct conn *c)
{
	ssize_t n = recv(c->fd, c->request + c->request_len,
			 sizeof(c->request) - 1 - c->request_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	c->request_len += (size_t)n;
	c->request[c->request_len] = '\0';
	if (!strstr(c->request, "\r\n\r\n") && !strstr(c->request, "\n\n") &&
	    c->request_len < sizeof(c->request) - 1)
		return;
	make_reply(d, c);
	if (!c->reply)
		conn_close(c);
}

static void write_reply(struct conn *c)
{
	ssize_t n = send(c->fd, c->reply + c->sent, c->reply_len - c->sent,
			 MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += (size_t)n;
	if (n <= 0 || c->sent == c->reply_len)
		conn_close(c);
}

nfds_t cli_sessiond_metrics_fds(const struct cli_sessiond *d,
				struct pollfd *fds)
{
	const struct cli_sessiond_metrics *m = d->metrics;
	nfds_t n = 0;

	if (!m)
		return 0;
	fds[n++] = (struct pollfd){.fd = m->listener, .events = POLLIN};
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (m->conns[i].fd >= 0)
			fds[n++] = (struct pollfd){
			    .fd = m->conns[i].fd,
			    .events = m->conns[i].reply ? POLLOUT : POLLIN};
	return n;
}

void cli_sessiond_metrics_step(struct cli_sessiond *d)
{
	struct cli_sessiond_metrics *m = d->metrics;
	const int64_t now = session_now_ms();

	if (!m)
		return;
	accept_one(m);
	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &m->conns[i];

		if (c->fd >= 0 && !c->reply)
			read_request(d, c);
		if (c->fd >= 0 && c->reply)
			write_reply(c);
		if (c->fd >= 0 && c->until_ms <= now)
			conn_close(c);
	}
}

/*
 * Life
 */

int cli_sessiond_metrics_new(struct cli_sessiond *d,
			     char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct cli_sessiond_metrics *m;
	const char *path = d->config.metrics;
	struct stat st;

	if (!path)
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m || !(m->path = strdup(path))) {
		free(m);
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE, "out of memory");
		return PARLEY_ERR_MEMORY;
	}
	for (size_t i = 0; i < CONNS_MAX; i++)
		m->conns[i].fd = -1;
	d->metrics = m;
	/* The lock of the control socket says that nobody else is at work. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	m->listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->listener < 0 ||
	    bind(m->listener, (const struct sockaddr *)&un, sizeof(un)) != 0 ||
	    chmod(path, 0600) != 0 || listen(m->listener, CONNS_MAX) != 0) {
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "cannot listen at '%s': %s", path, strerror(errno));
		return PARLEY_ERR_SYSTEM;
	}
	return 0;
}

void cli_sessiond_metrics_free(struct cli_sessiond *d)
{
	struct cli_sessiond_metrics *m = d->metrics;

	if (!m)
		return;
	for (size_t i = 0; i < CONNS_MAX; i++)
		conn_close(&m->conns[i]);
	if (m->listener >= 0) {
		close(m->listener);
		unlink(m->path);
	}
	free(m->path);
	free(m);
	d->metrics = NULL;
}
