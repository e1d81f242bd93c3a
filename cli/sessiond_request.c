/*
 * What clients ask for: one function for each request of session/CONTROL.md, 3.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/sessiond.h"
#include "cli/sessiond_client.h"
#include "session/clock.h"

static void on_open(struct cli_sessiond *d, struct cli_sessiond_client *client,
		    const struct session_control_request *q)
{
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];
	struct session_control_opened o;
	struct session_dcbor_writer w = {0};
	struct cli_sessiond_session *s;
	int r = cli_sessiond_session_open(&s, d, q, error);

	if (r < 0) {
		cli_sessiond_client_error(d, client, q->id, r, error, -1);
		return;
	}
	if (!cli_sessiond_client_attach(client, s)) {
		cli_sessiond_client_error(d, client, q->id, PARLEY_ERR_MEMORY,
					  "out of memory", -1);
		return;
	}
	o = (struct session_control_opened){
	    .session = s->number,
	    .self = (uint64_t)parley_session_self(s->session),
	    .n = (uint64_t)parley_session_n_parties(s->session),
	    .attached = r == 1};
	session_control_put_reply(&w, q->id, 4);
	session_control_put_opened(&w, &o);
	cli_sessiond_client_send(d, client, &w);
}

static struct session_dcbor_string text_of(const char *text)
{
	return (struct session_dcbor_string){text, strlen(text)};
}

static void put_session(struct session_dcbor_writer *w,
			const struct cli_sessiond_session *s, bool parties)
{
	const struct parley_agreement *a = s->agreement;
	const size_t n = parley_session_agreement_n_parties(a);
	struct session_control_session out = {
	    .session = s->number,
	    .name = text_of(parley_session_agreement_name(a)),
	    .hash = {(const char *)s->hash, sizeof(s->hash)},
	    .did = text_of(parley_did_identity_did(s->identity->id)),
	    .self = (uint64_t)parley_session_self(s->session),
	    .state = parley_session_state(s->session),
	    .age_ms = (uint64_t)(session_now_ms() - s->opened_ms),
	    .clients = s->n_clients,
	    .forwarding = s->forward != NULL,
	    .error = text_of(s->error ? s->error : ""),
	    .n = parties ? n : 0,
	};

	session_control_put_session(w, &out);
	for (size_t i = 0; i < out.n; i++) {
		struct parley_party_stats st = {0};
		struct session_control_party p = {
		    .did = text_of(parley_session_agreement_party_did(a, i)),
		    .name = text_of(parley_session_agreement_party_name(a, i)),
		    .detail = text_of(s->parties[i].detail),
		    .state = parley_session_party_state(s->session, (int)i),
		};

		(void)parley_session_stats(s->session, (int)i, &st);
		p.messages_sent = st.messages_sent;
		p.messages_received = st.messages_received;
		p.bytes_sent = st.bytes_sent;
		p.bytes_received = st.bytes_received;
		p.resumes = st.resumes;
		p.handshake_us = st.handshake_us;
		session_control_put_party(w, &p);
	}
}

static void on_status(struct cli_sessiond *d,
		      struct cli_sessiond_client *client,
		      const struct session_control_request *q,
		      const struct cli_sessiond_session *one)
{
	struct session_dcbor_writer w = {0};
	const struct cli_sessiond_session *s;
	size_t n = 0;

	for (s = d->sessions; s; s = s->next)
		n += !s->over;
	session_control_put_reply(&w, q->id, 2);
	session_dcbor_put_text(&w, PARLEY_VERSION);
	session_dcbor_put_array(&w, one ? 1 : n);
	if (one)
		put_session(&w, one, true);
	for (s = d->sessions; s && !one; s = s->next)
		if (!s->over)
			put_session(&w, s, false);
	cli_sessiond_client_send(d, client, &w);
}

/* What the forwarder of a session tells. */
static void on_forward_event(void *context,
			     const struct session_forward_event *e)
{
	struct cli_sessiond_session *s = context;

	if (e->type == SESSION_FORWARD_LOST && s->finish_ms == 0)
		cli_sessiond_client_tell(s, e->party, PARLEY_PARTY_LOST,
					 s->parties[e->party].detail);
	if (e->type != SESSION_FORWARD_CUT &&
	    e->type != SESSION_FORWARD_REFUSED) {
		CLI_SESSIOND_LOG(s->d, DEBUG, s->number, "%s", e->text);
		return;
	}
	CLI_SESSIOND_LOG(s->d, WARNING, s->number, "%s", e->text);
	if (e->type == SESSION_FORWARD_CUT &&
	    e->reason != SESSION_FORWARD_NO_SERVICE &&
	    e->reason != SESSION_FORWARD_UNREACHABLE)
		cli_sessiond_client_tell(s, e->party,
					 e->ours ? SESSION_CONTROL_CUT_HERE
						 : SESSION_CONTROL_CUT_THERE,
					 e->text);
}

static void on_forward(struct cli_sessiond *d,
		       struct cli_sessiond_client *client,
		       const struct session_control_request *q,
		       struct cli_sessiond_session *s)
{
	const struct session_forward_options o = {
	    .port = (uint16_t)q->port,
	    .uid = geteuid(),
	    .dial = q->dial ? SESSION_FORWARD_DIAL_HIGHER
			    : SESSION_FORWARD_DIAL_ALL,
	    .check = q->check ? SESSION_FORWARD_CHECK_LE16
			      : SESSION_FORWARD_CHECK_NONE,
	    .on_event = on_forward_event,
	    .context = s,
	};
	const int n = parley_session_n_parties(s->session);
	struct session_dcbor_writer w = {0};
	int err, why;

	/* It may have failed since it was opened; the reason is to be heard. */
	if (s->error) {
		cli_sessiond_client_session_error(d, client, q->id, s,
						  PARLEY_ERR_STATE);
		return;
	}
	if (s->forward || cli_sessiond_session_is_over(s) || s->finish_ms > 0) {
		cli_sessiond_client_error(d, client, q->id, PARLEY_ERR_STATE,
					  s->forward
					      ? "the session forwards already"
					      : "the session has ended",
					  -1);
		return;
	}
	err = session_forward_new(&s->forward, s->session, &o);
	why = errno;
	if (err) {
		s->forward = NULL;
		cli_sessiond_client_error(d, client, q->id, err,
					  err == PARLEY_ERR_SYSTEM
					      ? strerror(why)
					      : parley_did_err_string(err),
					  -1);
		return;
	}
	session_control_put_reply(&w, q->id, 1);
	session_dcbor_put_array(&w, (size_t)n);
	for (int i = 0; i < n; i++)
		session_dcbor_put_uint(&w, session_forward_port(s->forward, i));
	cli_sessiond_client_send(d, client, &w);
	cli_sessiond_session_step(s);
}

/* May messages be sent and received by requests?  Else it has been said. */
static bool is_plain(struct cli_sessiond *d, struct cli_sessiond_client *client,
		     const struct session_control_request *q,
		     const struct cli_sessiond_session *s)
{
	if (!s->forward)
		return true;
	cli_sessiond_client_error(d, client, q->id, PARLEY_ERR_STATE,
				  "the session forwards connections", -1);
	return false;
}

static void on_send(struct cli_sessiond *d, struct cli_sessiond_client *client,
		    const struct session_control_request *q,
		    struct cli_sessiond_session *s)
{
	int err;

	if (!is_plain(d, client, q, s))
		return;
	err = parley_session_send(s->session, (int)q->party, q->bytes.p,
				  q->bytes.len);
	if (err) {
		cli_sessiond_client_session_error(d, client, q->id, s, err);
		return;
	}
	s->dirty = true;
	cli_sessiond_client_done(d, client, q->id);
}

static void on_events(struct cli_sessiond *d,
		      struct cli_sessiond_client *client,
		      const struct session_control_request *q,
		      struct cli_sessiond_session *s)
{
	struct cli_sessiond_tie *t;

	cli_sessiond_client_done(d, client, q->id);
	if (!s) {
		client->all_events = true;
		return;
	}
	t = client->gone ? NULL : cli_sessiond_client_tie(client, s);
	if (!t)
		return; /* disconnected meanwhile, its ties freed */
	t->events = true;
	for (int i = 0; i < parley_session_n_parties(s->session); i++)
		if (i != parley_session_self(s->session) && !client->gone)
			cli_sessiond_client_event(
			    client, s, i,
			    parley_session_party_state(s->session, i),
			    s->parties[i].detail);
	if (!client->gone)
		cli_sessiond_client_event(client, s, -1,
					  parley_session_state(s->session),
					  s->error ? s->error : "");
}

static void on_receipt(struct cli_sessiond *d,
		       struct cli_sessiond_client *client,
		       const struct session_control_request *q,
		       const struct cli_sessiond_session *s)
{
	const char *accept, *confirm, *finished;
	const int party = (int)q->party;
	struct session_control_receipt t;
	struct session_dcbor_writer w = {0};
	int err;

	if ((err = parley_session_receipt(s->session, party,
					  PARLEY_RECEIPT_ACCEPT, &accept)) ||
	    (err = parley_session_receipt(s->session, party,
					  PARLEY_RECEIPT_CONFIRM, &confirm)) ||
	    (err = parley_session_receipt(
		 s->session, party, PARLEY_RECEIPT_FINISHED, &finished))) {
		cli_sessiond_client_error(d, client, q->id, err,
					  err == PARLEY_ERR_NOT_FOUND
					      ? "nothing was signed with that "
						"party"
					      : "no such party",
					  -1);
		return;
	}
	t = (struct session_control_receipt){.accept = text_of(accept),
					     .confirm = text_of(confirm),
					     .finished = text_of(finished)};
	session_control_put_reply(&w, q->id, 3);
	session_control_put_receipt(&w, &t);
	cli_sessiond_client_send(d, client, &w);
}

static void on_close(struct cli_sessiond *d, struct cli_sessiond_client *client,
		     const struct session_control_request *q,
		     struct cli_sessiond_session *s)
{
	char reason[201];

	if (q->text.len > 0) {
		snprintf(reason, sizeof(reason), "%.*s",
			 (int)(q->text.len < 200 ? q->text.len : 200),
			 q->text.p);
		cli_sessiond_session_abort(s, reason);
		/* Forwarded connections end well if they are given time. */
		s->over = !s->forward;
		cli_sessiond_client_done(d, client, q->id);
		return;
	}
	if (!cli_sessiond_client_wait(d, client, q, s))
		return;
	cli_sessiond_session_finish(s, session_now_ms() + s->lost_ms +
					   d->config.liveness_ms);
}

static void on_reload(struct cli_sessiond *d,
		      struct cli_sessiond_client *client,
		      const struct session_control_request *q)
{
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];
	int err = cli_sessiond_reload(d, error);

	if (err)
		cli_sessiond_client_error(d, client, q->id, err, error, -1);
	else
		cli_sessiond_client_done(d, client, q->id);
}

/* Requests that are about a session, ${s}. */
static void on_session_request(struct cli_sessiond *d,
			       struct cli_sessiond_client *client,
			       const struct session_control_request *q,
			       struct cli_sessiond_session *s)
{
	if (q->op != SESSION_CONTROL_STATUS &&
	    q->op != SESSION_CONTROL_RECEIPT &&
	    q->op != SESSION_CONTROL_CLOSE &&
	    !cli_sessiond_client_attach(client, s)) {
		cli_sessiond_client_error(d, client, q->id, PARLEY_ERR_MEMORY,
					  "out of memory", -1);
		return;
	}
	if (q->op == SESSION_CONTROL_STATUS)
		on_status(d, client, q, s);
	else if (q->op == SESSION_CONTROL_FORWARD)
		on_forward(d, client, q, s);
	else if (q->op == SESSION_CONTROL_SEND)
		on_send(d, client, q, s);
	else if (q->op == SESSION_CONTROL_RECV && is_plain(d, client, q, s))
		(void)cli_sessiond_client_wait(d, client, q, s);
	else if (q->op == SESSION_CONTROL_EVENTS)
		on_events(d, client, q, s);
	else if (q->op == SESSION_CONTROL_RECEIPT)
		on_receipt(d, client, q, s);
	else if (q->op == SESSION_CONTROL_CLOSE)
		on_close(d, client, q, s);
}

void cli_sessiond_request(struct cli_sessiond *d,
			  struct cli_sessiond_client *client,
			  const struct session_control_request *q)
{
	struct cli_sessiond_session *s;

	d->totals.requests++;
	if (q->op == SESSION_CONTROL_OPEN) {
		on_open(d, client, q);
	} else if (q->op == SESSION_CONTROL_RELOAD) {
		on_reload(d, client, q);
	} else if (q->session == 0 && q->op == SESSION_CONTROL_STATUS) {
		on_status(d, client, q, NULL);
	} else if (q->session == 0 && q->op == SESSION_CONTROL_EVENTS) {
		on_events(d, client, q, NULL);
	} else {
		s = cli_sessiond_session_find(d, q->session);
		if (s)
			on_session_request(d, client, q, s);
		else
			cli_sessiond_client_error(d, client, q->id,
						  PARLEY_ERR_NOT_FOUND,
						  "no such session", -1);
	}
}
