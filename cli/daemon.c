/*
 * The daemon as a program uses it: a carrier over ipc:// and its one
 * connection.
 */
#include "cli/daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/out.h"
#include "session/carrier.h"
#include "session/clock.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	LIVENESS_MS = 30 * 1000,
};

struct cli_daemon {
	struct session_carrier *carrier;
	struct session_conn *conn; /* NULL: gone */
	struct session_frame *frame;
	uint64_t last_id;
	bool up;
	void (*on_event)(void *context, const struct session_control_reply *a);
	void *context;
};

/* Fetch what has come; a frame is kept. */
static int fetch(struct cli_daemon *d)
{
	struct session_carrier_event ev;
	int err;

	session_frame_free(d->frame);
	d->frame = NULL;
	if (!d->conn)
		return PARLEY_ERR_LOST;
	err = session_carrier_next(d->carrier, &ev);
	if (err)
		return err;
	switch (ev.type) {
	case SESSION_CARRIER_UP:
		d->up = true;
		return PARLEY_ERR_AGAIN;
	case SESSION_CARRIER_DOWN:
		d->conn = NULL;
		return PARLEY_ERR_LOST;
	case SESSION_CARRIER_FRAME:
		d->frame = ev.frame;
		return 0;
	}
	return PARLEY_ERR_INTERNAL;
}

/* Wait for something to happen until ${limit}.  0, or PARLEY_ERR_TIMEOUT. */
static int wait_for(struct cli_daemon *d, int64_t limit)
{
	int64_t until = session_carrier_deadline(d->carrier);
	const int64_t now = session_now_ms();

	if (now >= limit)
		return PARLEY_ERR_TIMEOUT;
	if (until > limit)
		until = limit;
	(void)session_carrier_wait(d->carrier, NULL,
				   until <= now ? 0 : (int)(until - now));
	return 0;
}

/* The default path, if there is a socket; to be freed.  NULL: none. */
static char *find_default(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	char *path;

	if (run && run[0] == '/' &&
	    asprintf(&path, "%s/sessiond/control", run) >= 0) {
		if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			return path;
		free(path);
	}
	path = strdup("/run/sessiond/control");
	if (path && (stat(path, &st) != 0 || !S_ISSOCK(st.st_mode))) {
		free(path);
		path = NULL;
	}
	return path;
}

static int connect_to(struct cli_daemon *d, const char *path)
{
	const int64_t limit = session_now_ms() + CONNECT_TIMEOUT_MS;
	char *endpoint;
	int err;

	if (asprintf(&endpoint, "ipc://%s", path) < 0)
		return PARLEY_ERR_MEMORY;
	err = session_carrier_dial(d->carrier, endpoint, &d->conn);
	free(endpoint);
	while (!err && !d->up) {
		err = fetch(d);
		if (err == PARLEY_ERR_AGAIN)
			err = d->up ? 0 : wait_for(d, limit);
	}
	return err;
}

int cli_daemon_connect(struct cli_daemon **dp, const char *path)
{
	const struct session_carrier_options o = {
	    .n_parties = 1,
	    .liveness_ms = LIVENESS_MS,
	    .stranger_max = SESSION_CONTROL_LEN_MAX,
	    .frame_max = SESSION_CONTROL_LEN_MAX};
	char *found = path ? strdup(path) : find_default();
	struct cli_daemon *d;
	int err;

	if (!found) {
		cli_out_error("no sessiond runs here for this user");
		cli_out_hint("--control PATH says where its socket is");
		return CLI_LOCAL;
	}
	d = calloc(1, sizeof(*d));
	err = d ? session_carrier_zmtp_new(&d->carrier, &o) : PARLEY_ERR_MEMORY;
	if (!err)
		err = connect_to(d, found);
	if (err) {
		cli_out_error("cannot use the sessiond at '%s': %s", found,
			      access(found, R_OK | W_OK) != 0 ? strerror(errno)
			      : err == PARLEY_ERR_LOST
				  ? "nobody answers there"
				  : parley_did_err_string(err));
		cli_daemon_free(d);
	} else {
		*dp = d;
	}
	free(found);
	return err ? CLI_LOCAL : CLI_DONE;
}

int cli_daemon_fd(const struct cli_daemon *d)
{
	return session_carrier_fd(d->carrier);
}

int cli_daemon_next(struct cli_daemon *d, struct session_control_reply *a)
{
	int err = fetch(d);

	if (d->conn && session_carrier_settle(d->carrier))
		err = PARLEY_ERR_SYSTEM;
	return err ? err
		   : session_control_decode_reply(a, d->frame->data,
						  d->frame->len);
}

void cli_daemon_on_event(
    struct cli_daemon *d,
    void (*on_event)(void *context, const struct session_control_reply *a),
    void *context)
{
	d->on_event = on_event;
	d->context = context;
}

/* Send the request ${q}; its id is set. */
static int send_request(struct cli_daemon *d, struct session_control_request *q)
{
	struct session_dcbor_writer w = {0};
	struct session_frame *f;
	int err;

	if (!d->conn)
		return PARLEY_ERR_LOST;
	q->id = ++d->last_id;
	session_control_encode(&w, q);
	f = w.failed ? NULL : session_frame_new(w.len);
	if (f)
		memcpy(f->data, w.p, w.len);
	free(w.p);
	if (!f)
		return PARLEY_ERR_MEMORY;
	err = session_carrier_send(d->carrier, d->conn, f);
	return err ? err : session_carrier_settle(d->carrier);
}

int cli_daemon_call(struct cli_daemon *d, struct session_control_reply *a,
		    struct session_control_request *q, int timeout_ms)
{
	const int64_t limit = session_now_ms() + timeout_ms;
	int err = send_request(d, q);

	while (!err) {
		err = cli_daemon_next(d, a);
		if (err == 0 && a->id == q->id)
			return 0;
		if (err == 0 && a->id == 0 && a->status < 0)
			return PARLEY_ERR_FORMAT; /* it did not understand us */
		if (err == 0 && a->status == SESSION_CONTROL_EVENT &&
		    d->on_event)
			d->on_event(d->context, a);
		if (err == PARLEY_ERR_AGAIN)
			err = wait_for(d, limit);
	}
	return err;
}

void cli_daemon_free(struct cli_daemon *d)
{
	if (!d)
		return;
	session_frame_free(d->frame);
	if (d->conn)
		session_carrier_hangup(d->carrier, d->conn);
	session_carrier_free(d->carrier, 0);
	free(d);
}
