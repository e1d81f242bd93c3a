/*
 * The control socket of sessiond: session/CONTROL.md.
 *
 * It is a carrier of frames like those of sessions, over ipc://, which lets in
 * processes of this user and root only.  Requests come out of it in turn, and
 * those that wait are answered after the sessions have worked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sessiond.h"
#include "cli/sessiond_client.h"
#include "session/carrier.h"
#include "session/clock.h"

enum {
	REQUESTS_MAX = 256, /* in one turn */
	LIVENESS_MS = 30 * 1000,
};

/*
 * Frames
 */

static void on_frame(struct cli_sessiond *d, struct session_conn *conn,
		     const struct session_frame *f)
{
	struct cli_sessiond_client *client = conn->user;
	struct session_control_request q;
	int err;

	if (!client)
		client = cli_sessiond_client_new(d, conn);
	if (!client) {
		session_carrier_hangup(d->control->carrier, conn);
		return;
	}
	err = session_control_decode(&q, f->data, f->len);
	if (err == 0) {
		cli_sessiond_request(d, client, &q);
		return;
	}
	cli_sessiond_client_error(
	    d, client, q.id, err,
	    err == PARLEY_ERR_UNSUPPORTED ? "no such request"
	    : err == PARLEY_ERR_VERSION	  ? "this daemon speaks version 1"
	    : err == PARLEY_ERR_ARGUMENT  ? "a number is out of range"
					  : "not a request",
	    -1);
	if (err == PARLEY_ERR_FORMAT && !client->gone)
		cli_sessiond_client_drop(d, client, true);
}

int cli_sessiond_control_step(struct cli_sessiond *d)
{
	struct cli_sessiond_control *c = d->control;
	struct session_carrier_event ev;
	int err = 0;

	for (int i = 0; i < REQUESTS_MAX && !err; i++) {
		err = session_carrier_next(c->carrier, &ev);
		if (err)
			break;
		if (ev.type == SESSION_CARRIER_FRAME)
			on_frame(d, ev.conn, ev.frame);
		else if (ev.type == SESSION_CARRIER_DOWN && ev.conn->user)
			cli_sessiond_client_drop(d, ev.conn->user, false);
		session_frame_free(ev.frame);
	}
	return err == PARLEY_ERR_AGAIN ? 0 : err;
}

/*
 * What waits
 */

/* Can ${w} be answered?  Then it has been. */
static bool serve_recv(struct cli_sessiond *d,
		       const struct cli_sessiond_waiting *w, int64_t now)
{
	struct cli_sessiond_session *s = w->session;
	struct session_dcbor_writer out = {0};
	const void *msg;
	size_t len;
	int who, err;

	/* It may have waited since before; the messages are not its any more.
	 */
	if (s->forward) {
		cli_sessiond_client_error(d, w->client, w->id, PARLEY_ERR_STATE,
					  "the session forwards connections",
					  -1);
		return true;
	}
	/* While opening there is nothing, but there may be. */
	if (s->state == PARLEY_SESSION_OPENING && now < w->until_ms)
		return false;
	err = s->state == PARLEY_SESSION_OPENING
		  ? PARLEY_ERR_AGAIN
		  : parley_session_take(s->session, w->from, &who, &msg, &len);
	if (err == PARLEY_ERR_AGAIN && now < w->until_ms)
		return false;
	if (err == PARLEY_ERR_AGAIN) {
		cli_sessiond_client_error(d, w->client, w->id, err,
					  "no message within the time", -1);
		return true;
	}
	if (err) {
		cli_sessiond_client_session_error(d, w->client, w->id, s, err);
		return true;
	}
	session_control_put_reply(&out, w->id, 2);
	session_dcbor_put_uint(&out, (uint64_t)who);
	session_dcbor_put_bytes(&out, msg, len);
	s->dirty = true; /* room was made: the other side is to know */
	cli_sessiond_client_send(d, w->client, &out);
	return true;
}

static bool serve_close(struct cli_sessiond *d,
			const struct cli_sessiond_waiting *w)
{
	struct cli_sessiond_session *s = w->session;

	if (!cli_sessiond_session_is_over(s))
		return false;
	if (s->result || s->state == PARLEY_SESSION_FAILED)
		cli_sessiond_client_session_error(d, w->client, w->id, s,
						  s->result ? s->result
							    : PARLEY_ERR_STATE);
	else
		cli_sessiond_client_done(d, w->client, w->id);
	s->over = true; /* its number is not used again */
	return true;
}

void cli_sessiond_control_serve(struct cli_sessiond *d)
{
	struct cli_sessiond_control *c = d->control;
	const int64_t now = session_now_ms();
	struct cli_sessiond_waiting *w;

	for (w = c->waiting; w; w = w->next) {
		if (w->client->gone || !w->session)
			continue;
		if (w->close ? serve_close(d, w) : serve_recv(d, w, now)) {
			w->client->n_waiting--;
			w->session = NULL;
		}
	}
	/* Those that were served. */
	for (struct cli_sessiond_waiting **at = &c->waiting; (w = *at);) {
		if (w->session) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w);
	}
	cli_sessiond_client_sweep(c);
	(void)session_carrier_settle(c->carrier);
}

int cli_sessiond_control_fd(const struct cli_sessiond_control *c)
{
	return session_carrier_fd(c->carrier);
}

int64_t cli_sessiond_control_deadline(const struct cli_sessiond_control *c)
{
	int64_t at = session_carrier_deadline(c->carrier);

	for (const struct cli_sessiond_waiting *w = c->waiting; w; w = w->next)
		if (!w->close && w->until_ms < at)
			at = w->until_ms;
	return at;
}

/*
 * Life
 */

/* Nobody else may have the lock, nor get it while we live. */
static int take_lock(struct cli_sessiond_control *c, char *error)
{
	c->lock_fd =
	    open(c->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock_fd < 0) {
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "cannot open '%s': %s", c->lock_path, strerror(errno));
		return PARLEY_ERR_SYSTEM;
	}
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "another sessiond serves '%s'", c->path);
		return PARLEY_ERR_ADDRESS_IN_USE;
	}
	return 0;
}

/* What a killed daemon left; we have the lock.  Nothing but a socket. */
static int remove_stale(struct cli_sessiond *d, const char *path, char *error)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "'%s' exists and is not a socket", path);
		return PARLEY_ERR_EXISTS;
	}
	CLI_SESSIOND_LOG(d, INFO, 0, "'%s' is of a daemon that was killed",
			 path);
	return unlink(path) == 0 ? 0 : PARLEY_ERR_SYSTEM;
}

int cli_sessiond_control_new(struct cli_sessiond *d,
			     char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
{
	const struct session_carrier_options o = {
	    .n_parties = CLI_SESSIOND_CLIENTS_MAX,
	    .liveness_ms = LIVENESS_MS,
	    .unresponsive_ms = 0, /* a program that computes is no less here */
	    .stranger_max = SESSION_CONTROL_LEN_MAX,
	    .frame_max = SESSION_CONTROL_LEN_MAX};
	struct cli_sessiond_control *c = calloc(1, sizeof(*c));
	char *endpoint = NULL;
	int err = PARLEY_ERR_MEMORY;

	snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE, "out of memory");
	if (!c)
		return err;
	d->control = c;
	c->lock_fd = -1;
	c->waiting_tail = &c->waiting;
	c->path = strdup(d->config.control);
	if (!c->path || asprintf(&c->lock_path, "%s.lock", c->path) < 0 ||
	    asprintf(&endpoint, "ipc://%s", c->path) < 0)
		goto out;
	err = take_lock(c, error);
	if (!err)
		err = remove_stale(d, c->path, error);
	if (!err)
		err = session_carrier_zmtp_new(&c->carrier, &o);
	if (!err) {
		err = session_carrier_listen(c->carrier, endpoint);
		if (err)
			snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
				 "cannot listen at '%s': %s", c->path,
				 err == PARLEY_ERR_SYSTEM
				     ? strerror(errno)
				     : parley_did_err_string(err));
	}
	c->listening = !err;
out:
	free(endpoint);
	return err;
}

void cli_sessiond_control_free(struct cli_sessiond *d)
{
	struct cli_sessiond_control *c = d->control;
	struct cli_sessiond_client *client;

	if (!c)
		return;
	for (client = c->clients; client; client = client->next)
		cli_sessiond_client_drop(d, client, true);
	cli_sessiond_client_sweep(c);
	if (c->listening)
		unlink(c->path);
	session_carrier_free(c->carrier, 1000);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	free(c->path);
	free(c->lock_path);
	free(c);
	d->control = NULL;
}
