/*
 * Clients of sessiond: which sessions they are attached to, what they are told,
 * and which of their requests wait.
 *
 * A client that does not take what it asked for is disconnected, so nobody
 * makes the daemon grow.  Whoever is gone is freed when the turn ends, so that
 * a client that vanishes while it is sent something leaves no dangling pointer.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/sessiond.h"
#include "cli/sessiond_client.h"
#include "session/carrier.h"
#include "session/clock.h"

enum {
	WAITING_MAX = 64,	       /* of one client */
	QUEUED_MAX = 64 * 1024 * 1024, /* bytes a client did not take */
};

struct cli_sessiond_client *cli_sessiond_client_new(struct cli_sessiond *d,
						    struct session_conn *conn)
{
	struct cli_sessiond_control *c = d->control;
	struct cli_sessiond_client *client;

	if (c->n_clients >= CLI_SESSIOND_CLIENTS_MAX)
		return NULL;
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->conn = conn;
	conn->user = client;
	client->next = c->clients;
	c->clients = client;
	c->n_clients++;
	d->totals.clients++;
	session_carrier_trust(c->carrier, conn, SESSION_CONTROL_LEN_MAX);
	return client;
}

struct cli_sessiond_tie *cli_sessiond_client_tie(
    const struct cli_sessiond_client *client,
    const struct cli_sessiond_session *s)
{
	struct cli_sessiond_tie *t = client->ties;

	while (t && t->session != s)
		t = t->next;
	return t;
}

struct cli_sessiond_tie *cli_sessiond_client_attach(
    struct cli_sessiond_client *client, struct cli_sessiond_session *s)
{
	struct cli_sessiond_tie *t = cli_sessiond_client_tie(client, s);

	if (t)
		return t;
	/* Told of what it asked for, it may have had more than it takes. */
	if (client->gone)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->session = s;
	t->next = client->ties;
	client->ties = t;
	s->n_clients++;
	return t;
}

void cli_sessiond_client_drop(struct cli_sessiond *d,
			      struct cli_sessiond_client *client, bool hang_up)
{
	struct cli_sessiond_tie *t;

	if (client->gone)
		return;
	client->gone = true;
	if (hang_up)
		session_carrier_hangup(d->control->carrier, client->conn);
	client->conn = NULL;
	while ((t = client->ties)) {
		client->ties = t->next;
		t->session->n_clients--;
		free(t);
	}
}

void cli_sessiond_client_sweep(struct cli_sessiond_control *c)
{
	struct cli_sessiond_client **at = &c->clients, *client;
	struct cli_sessiond_waiting **w = &c->waiting, *waiting;

	while ((waiting = *w)) {
		if (!waiting->client->gone) {
			w = &waiting->next;
			continue;
		}
		*w = waiting->next;
		free(waiting);
	}
	c->waiting_tail = w;
	while ((client = *at)) {
		if (!client->gone) {
			at = &client->next;
			continue;
		}
		*at = client->next;
		c->n_clients--;
		free(client);
	}
}

/*
 * Replies
 */

void cli_sessiond_client_send(struct cli_sessiond *d,
			      struct cli_sessiond_client *client,
			      struct session_dcbor_writer *w)
{
	struct session_frame *f = NULL;

	if (!client->gone && !w->failed)
		f = session_frame_new(w->len);
	if (f) {
		memcpy(f->data, w->p, w->len);
		(void)session_carrier_send(d->control->carrier, client->conn,
					   f);
	}
	if (!client->gone && (!f || client->conn->queued > QUEUED_MAX)) {
		CLI_SESSIOND_LOG(d, WARNING, 0, "a client was disconnected: %s",
				 f ? "it does not take its replies"
				   : "out of memory");
		cli_sessiond_client_drop(d, client, true);
	}
	free(w->p);
}

void cli_sessiond_client_error(struct cli_sessiond *d,
			       struct cli_sessiond_client *client, uint64_t id,
			       int err, const char *text, int party)
{
	struct session_dcbor_writer w = {0};

	d->totals.errors++;
	session_control_put_error(&w, id, err, text, party);
	cli_sessiond_client_send(d, client, &w);
}

void cli_sessiond_client_done(struct cli_sessiond *d,
			      struct cli_sessiond_client *client, uint64_t id)
{
	struct session_dcbor_writer w = {0};

	session_control_put_reply(&w, id, 0);
	cli_sessiond_client_send(d, client, &w);
}

void cli_sessiond_client_session_error(struct cli_sessiond *d,
				       struct cli_sessiond_client *client,
				       uint64_t id,
				       const struct cli_sessiond_session *s,
				       int err)
{
	const char *text =
	    s->error ? s->error : parley_session_error(s->session);

	cli_sessiond_client_error(d, client, id, err,
				  text[0] ? text : parley_did_err_string(err),
				  parley_session_culprit(s->session));
}

void cli_sessiond_client_event(struct cli_sessiond_client *client,
			       const struct cli_sessiond_session *s, int party,
			       unsigned state, const char *text)
{
	struct session_dcbor_writer w = {0};

	session_control_put_event(&w, s->number, party, state, text);
	cli_sessiond_client_send(s->d, client, &w);
}

void cli_sessiond_client_tell(struct cli_sessiond_session *s, int party,
			      unsigned state, const char *text)
{
	struct cli_sessiond_client *client;

	for (client = s->d->control->clients; client; client = client->next) {
		const struct cli_sessiond_tie *t =
		    cli_sessiond_client_tie(client, s);

		if (!client->gone && (client->all_events || (t && t->events)))
			cli_sessiond_client_event(client, s, party, state,
						  text);
	}
}

bool cli_sessiond_client_wait(struct cli_sessiond *d,
			      struct cli_sessiond_client *client,
			      const struct session_control_request *q,
			      struct cli_sessiond_session *s)
{
	struct cli_sessiond_control *c = d->control;
	struct cli_sessiond_waiting *w;

	if (client->n_waiting >= WAITING_MAX) {
		cli_sessiond_client_error(d, client, q->id,
					  PARLEY_ERR_TOO_LARGE,
					  "too many requests wait already", -1);
		return false;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		cli_sessiond_client_error(d, client, q->id, PARLEY_ERR_MEMORY,
					  "out of memory", -1);
		return false;
	}
	*w = (struct cli_sessiond_waiting){
	    .client = client,
	    .session = s,
	    .id = q->id,
	    .close = q->op == SESSION_CONTROL_CLOSE,
	    .from = (int)q->party,
	    .until_ms = session_now_ms() + (int64_t)q->wait_ms};
	client->n_waiting++;
	*c->waiting_tail = w;
	c->waiting_tail = &w->next;
	return true;
}

void cli_sessiond_client_forget(struct cli_sessiond_session *s)
{
	struct cli_sessiond_control *c = s->d->control;
	struct cli_sessiond_client *client;
	struct cli_sessiond_waiting *w;

	for (w = c->waiting; w; w = w->next)
		if (w->session == s && !w->client->gone) {
			w->client->n_waiting--;
			w->session = NULL;
			cli_sessiond_client_error(s->d, w->client, w->id,
						  PARLEY_ERR_CLOSED,
						  "the session has ended", -1);
		}
	for (client = c->clients; client; client = client->next)
		for (struct cli_sessiond_tie **at = &client->ties, *t;
		     (t = *at);) {
			if (t->session != s) {
				at = &t->next;
				continue;
			}
			*at = t->next;
			free(t);
		}
	s->n_clients = 0;
}

size_t cli_sessiond_client_count(const struct cli_sessiond *d)
{
	return d->control->n_clients;
}
