/*
 * Requests of clients: session/CONTROL.md.
 *
 * The socket is a carrier of frames like those of sessions, over ipc://, which
 * lets in processes of this user and root only.  A client that does not take
 * what it asked for is disconnected, so nobody makes the daemon grow.
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
#include "session/carrier.h"

enum {
	WAITING_MAX = 64,	       /* of one client */
	QUEUED_MAX = 64 * 1024 * 1024, /* bytes a client did not take */
	REQUESTS_MAX = 256,	       /* in one turn */
	LIVENESS_MS = 30 * 1000,
};

/* A client and a session that it is attached to. */
struct tie {
	struct tie *next;
	struct cli_sessiond_session *session;
	bool events;
};

/* A request that is not answered yet. */
struct waiting {
	struct waiting *next;
	struct cli_sessiond_client *client;
	struct cli_sessiond_session *session;
	uint64_t id;
	bool close; /* else recv */
	int from;
	int64_t until_ms;
};

struct cli_sessiond_client {
	struct cli_sessiond_client *next;
	struct session_conn *conn;
	struct tie *ties;
	size_t n_waiting;
	bool all_events;
	bool gone; /* to be freed after this turn */
};

struct cli_sessiond_control {
	struct session_carrier *carrier;
	struct cli_sessiond_client *clients;
	size_t n_clients;
	struct waiting *waiting, **waiting_tail;
	char *path, *lock_path;
	int lock_fd;
	bool listening;
};

/*
 * Clients
 */

static struct cli_sessiond_client *client_new(struct cli_sessiond *d,
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

static struct tie *find_tie(const struct cli_sessiond_client *client,
			    const struct cli_sessiond_session *s)
{
	struct tie *t = client->ties;

	while (t && t->session != s)
		t = t->next;
	return t;
}

/* ${client} has to do with ${s} from now on; NULL: no memory. */
static struct tie *attach(struct cli_sessiond_client *client,
			  struct cli_sessiond_session *s)
{
	struct tie *t = find_tie(client, s);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->session = s;
	t->next = client->ties;
	client->ties = t;
	s->n_clients++;
	return t;
}

/* The connection of ${client} is gone, or about to be. */
static void client_gone(struct cli_sessiond *d,
			struct cli_sessiond_client *client, bool hang_up)
{
	struct tie *t;

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

/* Free whom nothing points to any more. */
static void sweep(struct cli_sessiond_control *c)
{
	struct cli_sessiond_client **at = &c->clients, *client;
	struct waiting **w = &c->waiting, *waiting;

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

/* Send what ${w} holds, which is freed. */
static void send_writer(struct cli_sessiond *d,
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
		client_gone(d, client, true);
	}
	free(w->p);
}

static void reply_error(struct cli_sessiond *d,
			struct cli_sessiond_client *client, uint64_t id,
			int err, const char *text, int party)
{
	struct session_dcbor_writer w = {0};

	d->totals.errors++;
	session_control_put_error(&w, id, err, text, party);
	send_writer(d, client, &w);
}

static void reply_done(struct cli_sessiond *d,
		       struct cli_sessiond_client *client, uint64_t id)
{
	struct session_dcbor_writer w = {0};

	session_control_put_reply(&w, id, 0);
	send_writer(d, client, &w);
}

/* The error that the session of ${s} has noted. */
static void reply_session_error(struct cli_sessiond *d,
				struct cli_sessiond_client *client, uint64_t id,
				const struct cli_sessiond_session *s, int err)
{
	const char *text =
	    s->error ? s->error : parley_session_error(s->session);

	reply_error(d, client, id, err,
		    text[0] ? text : parley_did_err_string(err),
		    parley_session_culprit(s->session));
}

static void send_event(struct cli_sessiond_client *client,
		       const struct cli_sessiond_session *s, int party,
		       unsigned state, const char *text)
{
	struct session_dcbor_writer w = {0};

	session_control_put_event(&w, s->number, party, state, text);
	send_writer(s->d, client, &w);
}

void cli_sessiond_control_event(struct cli_sessiond_session *s, int party,
				unsigned state, const char *text)
{
	struct cli_sessiond_client *client;

	for (client = s->d->control->clients; client; client = client->next) {
		const struct tie *t = find_tie(client, s);

		if (!client->gone && (client->all_events || (t && t->events)))
			send_event(client, s, party, state, text);
	}
}

/*
 * Requests
 */

static void on_open(struct cli_sessiond *d, struct cli_sessiond_client *client,
		    const struct session_control_request *q)
{
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];
	struct session_control_opened o;
	struct session_dcbor_writer w = {0};
	struct cli_sessiond_session *s;
	int r = cli_sessiond_session_open(&s, d, q, error);

	if (r < 0) {
		reply_error(d, client, q->id, r, error, -1);
		return;
	}
	if (!attach(client, s)) {
		reply_error(d, client, q->id, PARLEY_ERR_MEMORY,
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
	send_writer(d, client, &w);
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
	    .age_ms = (uint64_t)(cli_sessiond_now_ms() - s->opened_ms),
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
	send_writer(d, client, &w);
}

/* What the forwarder of a session tells. */
static void on_forward_event(void *context,
			     const struct session_forward_event *e)
{
	struct cli_sessiond_session *s = context;

	if (e->type != SESSION_FORWARD_CUT &&
	    e->type != SESSION_FORWARD_REFUSED) {
		CLI_SESSIOND_LOG(s->d, DEBUG, s->number, "%s", e->text);
		return;
	}
	CLI_SESSIOND_LOG(s->d, WARNING, s->number, "%s", e->text);
	if (e->type == SESSION_FORWARD_CUT &&
	    e->reason != SESSION_FORWARD_NO_SERVICE &&
	    e->reason != SESSION_FORWARD_UNREACHABLE)
		cli_sessiond_control_event(s, e->party,
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
	int err;

	if (s->forward || cli_sessiond_session_is_over(s) || s->finish_ms > 0) {
		reply_error(d, client, q->id, PARLEY_ERR_STATE,
			    s->forward ? "the session forwards already"
				       : "the session has ended",
			    -1);
		return;
	}
	err = session_forward_new(&s->forward, s->session, &o);
	if (err) {
		s->forward = NULL;
		reply_error(d, client, q->id, err, parley_did_err_string(err),
			    -1);
		return;
	}
	session_control_put_reply(&w, q->id, 1);
	session_dcbor_put_array(&w, (size_t)n);
	for (int i = 0; i < n; i++)
		session_dcbor_put_uint(&w, session_forward_port(s->forward, i));
	send_writer(d, client, &w);
	cli_sessiond_session_step(s);
}

/* May messages be sent and received by requests?  Else it has been said. */
static bool is_plain(struct cli_sessiond *d, struct cli_sessiond_client *client,
		     const struct session_control_request *q,
		     const struct cli_sessiond_session *s)
{
	if (!s->forward)
		return true;
	reply_error(d, client, q->id, PARLEY_ERR_STATE,
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
		reply_session_error(d, client, q->id, s, err);
		return;
	}
	s->dirty = true;
	reply_done(d, client, q->id);
}

/* ${q} cannot be answered yet. */
static void wait_for(struct cli_sessiond *d, struct cli_sessiond_client *client,
		     const struct session_control_request *q,
		     struct cli_sessiond_session *s)
{
	struct cli_sessiond_control *c = d->control;
	struct waiting *w;

	if (client->n_waiting >= WAITING_MAX) {
		reply_error(d, client, q->id, PARLEY_ERR_TOO_LARGE,
			    "too many requests wait already", -1);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		reply_error(d, client, q->id, PARLEY_ERR_MEMORY,
			    "out of memory", -1);
		return;
	}
	*w = (struct waiting){.client = client,
			      .session = s,
			      .id = q->id,
			      .close = q->op == SESSION_CONTROL_CLOSE,
			      .from = (int)q->party,
			      .until_ms =
				  cli_sessiond_now_ms() + (int64_t)q->wait_ms};
	client->n_waiting++;
	*c->waiting_tail = w;
	c->waiting_tail = &w->next;
}

static void on_events(struct cli_sessiond *d,
		      struct cli_sessiond_client *client,
		      const struct session_control_request *q,
		      struct cli_sessiond_session *s)
{
	struct tie *t = s ? find_tie(client, s) : NULL;

	reply_done(d, client, q->id);
	if (!s) {
		client->all_events = true;
		return;
	}
	if (!t)
		return; /* disconnected meanwhile */
	t->events = true;
	for (int i = 0; i < parley_session_n_parties(s->session); i++)
		if (i != parley_session_self(s->session) && !client->gone)
			send_event(client, s, i,
				   parley_session_party_state(s->session, i),
				   s->parties[i].detail);
	if (!client->gone)
		send_event(client, s, -1, parley_session_state(s->session),
			   s->error ? s->error : "");
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
		reply_done(d, client, q->id);
		return;
	}
	wait_for(d, client, q, s);
	cli_sessiond_session_finish(s, cli_sessiond_now_ms() +
					   d->config.resume_ms +
					   d->config.liveness_ms);
}

static void on_reload(struct cli_sessiond *d,
		      struct cli_sessiond_client *client,
		      const struct session_control_request *q)
{
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];
	int err = cli_sessiond_reload(d, error);

	if (err)
		reply_error(d, client, q->id, err, error, -1);
	else
		reply_done(d, client, q->id);
}

/* Requests that are about a session, ${s}. */
static void on_session_request(struct cli_sessiond *d,
			       struct cli_sessiond_client *client,
			       const struct session_control_request *q,
			       struct cli_sessiond_session *s)
{
	if (q->op != SESSION_CONTROL_STATUS && q->op != SESSION_CONTROL_CLOSE &&
	    !attach(client, s)) {
		reply_error(d, client, q->id, PARLEY_ERR_MEMORY,
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
		wait_for(d, client, q, s);
	else if (q->op == SESSION_CONTROL_EVENTS)
		on_events(d, client, q, s);
	else if (q->op == SESSION_CONTROL_CLOSE)
		on_close(d, client, q, s);
}

static void on_request(struct cli_sessiond *d,
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
			reply_error(d, client, q->id, PARLEY_ERR_NOT_FOUND,
				    "no such session", -1);
	}
}

static void on_frame(struct cli_sessiond *d, struct session_conn *conn,
		     const struct session_frame *f)
{
	struct cli_sessiond_client *client = conn->user;
	struct session_control_request q;
	int err;

	if (!client)
		client = client_new(d, conn);
	if (!client) {
		session_carrier_hangup(d->control->carrier, conn);
		return;
	}
	err = session_control_decode(&q, f->data, f->len);
	if (err == 0) {
		on_request(d, client, &q);
		return;
	}
	reply_error(d, client, q.id, err,
		    err == PARLEY_ERR_UNSUPPORTED ? "no such request"
		    : err == PARLEY_ERR_VERSION ? "this daemon speaks version 1"
		    : err == PARLEY_ERR_ARGUMENT ? "a number is out of range"
						 : "not a request",
		    -1);
	if (err == PARLEY_ERR_FORMAT && !client->gone)
		client_gone(d, client, true);
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
			client_gone(d, ev.conn->user, false);
		session_frame_free(ev.frame);
	}
	return err == PARLEY_ERR_AGAIN ? 0 : err;
}

/*
 * What waits
 */

/* Can ${w} be answered?  Then it has been. */
static bool serve_recv(struct cli_sessiond *d, const struct waiting *w,
		       int64_t now)
{
	struct cli_sessiond_session *s = w->session;
	struct session_dcbor_writer out = {0};
	const void *msg;
	size_t len;
	int who, err;

	/* While opening there is nothing, but there may be. */
	if (s->state == PARLEY_SESSION_OPENING && now < w->until_ms)
		return false;
	err = s->state == PARLEY_SESSION_OPENING
		  ? PARLEY_ERR_AGAIN
		  : parley_session_take(s->session, w->from, &who, &msg, &len);
	if (err == PARLEY_ERR_AGAIN && now < w->until_ms)
		return false;
	if (err == PARLEY_ERR_AGAIN) {
		reply_error(d, w->client, w->id, err,
			    "no message within the time", -1);
		return true;
	}
	if (err) {
		reply_session_error(d, w->client, w->id, s, err);
		return true;
	}
	session_control_put_reply(&out, w->id, 2);
	session_dcbor_put_uint(&out, (uint64_t)who);
	session_dcbor_put_bytes(&out, msg, len);
	s->dirty = true; /* room was made: the other side is to know */
	send_writer(d, w->client, &out);
	return true;
}

static bool serve_close(struct cli_sessiond *d, const struct waiting *w)
{
	struct cli_sessiond_session *s = w->session;

	if (!cli_sessiond_session_is_over(s))
		return false;
	if (s->result || s->state == PARLEY_SESSION_FAILED)
		reply_session_error(d, w->client, w->id, s,
				    s->result ? s->result : PARLEY_ERR_STATE);
	else
		reply_done(d, w->client, w->id);
	s->over = true; /* its number is not used again */
	return true;
}

void cli_sessiond_control_serve(struct cli_sessiond *d)
{
	struct cli_sessiond_control *c = d->control;
	const int64_t now = cli_sessiond_now_ms();
	struct waiting *w;

	for (w = c->waiting; w; w = w->next) {
		if (w->client->gone || !w->session)
			continue;
		if (w->close ? serve_close(d, w) : serve_recv(d, w, now)) {
			w->client->n_waiting--;
			w->session = NULL;
		}
	}
	/* Those that were served. */
	for (struct waiting **at = &c->waiting; (w = *at);) {
		if (w->session) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w);
	}
	sweep(c);
	(void)session_carrier_settle(c->carrier);
}

void cli_sessiond_control_forget(struct cli_sessiond_session *s)
{
	struct cli_sessiond_control *c = s->d->control;
	struct cli_sessiond_client *client;
	struct waiting *w;

	for (w = c->waiting; w; w = w->next)
		if (w->session == s && !w->client->gone) {
			w->client->n_waiting--;
			w->session = NULL;
			reply_error(s->d, w->client, w->id, PARLEY_ERR_CLOSED,
				    "the session has ended", -1);
		}
	for (client = c->clients; client; client = client->next)
		for (struct tie **at = &client->ties, *t; (t = *at);) {
			if (t->session != s) {
				at = &t->next;
				continue;
			}
			*at = t->next;
			free(t);
		}
	s->n_clients = 0;
}

int cli_sessiond_control_fd(const struct cli_sessiond_control *c)
{
	return session_carrier_fd(c->carrier);
}

int64_t cli_sessiond_control_deadline(const struct cli_sessiond_control *c)
{
	int64_t at = session_carrier_deadline(c->carrier);

	for (const struct waiting *w = c->waiting; w; w = w->next)
		if (!w->close && w->until_ms < at)
			at = w->until_ms;
	return at;
}

size_t cli_sessiond_control_n_clients(const struct cli_sessiond_control *c)
{
	return c->n_clients;
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
		client_gone(d, client, true);
	sweep(c);
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
