/*
 * Messages of the control protocol; CONTROL.md 2 and 3.
 *
 * A request has one form only: what session_control_decode() accepts,
 * session_control_encode() writes again byte for byte.  Fuzzing holds it to
 * that.
 */
#include "session/control.h"

#include <string.h>

enum {
	HEAD_ITEMS = 3, /* version, id, op or status */
	ERROR_ITEMS = 2,
	EVENT_ITEMS = 4,
	OPEN_RESULTS = 4,
	SESSION_ITEMS = 11,
	PARTY_ITEMS = 10,
	TIME_MS_MAX = INT32_MAX,
};

static const struct {
	const char *name;
	size_t n_arguments;
} ops[SESSION_CONTROL_N_OPS] = {
    [SESSION_CONTROL_OPEN] = {"open", 5},
    [SESSION_CONTROL_STATUS] = {"status", 1},
    [SESSION_CONTROL_FORWARD] = {"forward", 4},
    [SESSION_CONTROL_SEND] = {"send", 3},
    [SESSION_CONTROL_RECV] = {"recv", 3},
    [SESSION_CONTROL_EVENTS] = {"events", 1},
    [SESSION_CONTROL_RECEIPT] = {"receipt", 2},
    [SESSION_CONTROL_CLOSE] = {"close", 2},
    [SESSION_CONTROL_RELOAD] = {"reload", 0},
};

const char *session_control_state_name(uint64_t state)
{
	static const char *const names[] = {
	    [PARLEY_SESSION_OPENING] = "opening",
	    [PARLEY_SESSION_READY] = "ready",
	    [PARLEY_SESSION_CLOSING] = "closing",
	    [PARLEY_SESSION_CLOSED] = "closed",
	    [PARLEY_SESSION_FAILED] = "failed",
	};

	return state <= PARLEY_SESSION_FAILED ? names[state] : "unknown";
}

/*
 * Requests
 */

static void take_arguments(struct session_dcbor_reader *r,
			   struct session_control_request *q)
{
	switch (q->op) {
	case SESSION_CONTROL_OPEN:
		q->text = session_dcbor_take_text(r);
		q->did = session_dcbor_take_text(r);
		q->open_ms = session_dcbor_take_uint(r);
		q->linger_ms = session_dcbor_take_uint(r);
		q->lost_ms = session_dcbor_take_int(r);
		break;
	case SESSION_CONTROL_STATUS:
	case SESSION_CONTROL_EVENTS:
		q->session = session_dcbor_take_uint(r);
		break;
	case SESSION_CONTROL_FORWARD:
		q->session = session_dcbor_take_uint(r);
		q->port = session_dcbor_take_uint(r);
		q->dial = session_dcbor_take_uint(r);
		q->check = session_dcbor_take_uint(r);
		break;
	case SESSION_CONTROL_SEND:
		q->session = session_dcbor_take_uint(r);
		q->party = session_dcbor_take_int(r);
		q->bytes = session_dcbor_take_bytes(r);
		break;
	case SESSION_CONTROL_RECV:
		q->session = session_dcbor_take_uint(r);
		q->party = session_dcbor_take_int(r);
		q->wait_ms = session_dcbor_take_uint(r);
		break;
	case SESSION_CONTROL_RECEIPT:
		q->session = session_dcbor_take_uint(r);
		q->party = session_dcbor_take_int(r);
		break;
	case SESSION_CONTROL_CLOSE:
		q->session = session_dcbor_take_uint(r);
		q->text = session_dcbor_take_text(r);
		break;
	case SESSION_CONTROL_RELOAD:
	case SESSION_CONTROL_N_OPS:
		break;
	}
}

static void put_arguments(struct session_dcbor_writer *w,
			  const struct session_control_request *q)
{
	switch (q->op) {
	case SESSION_CONTROL_OPEN:
		session_dcbor_put_string(w, q->text);
		session_dcbor_put_string(w, q->did);
		session_dcbor_put_uint(w, q->open_ms);
		session_dcbor_put_uint(w, q->linger_ms);
		session_dcbor_put_int(w, q->lost_ms);
		break;
	case SESSION_CONTROL_STATUS:
	case SESSION_CONTROL_EVENTS:
		session_dcbor_put_uint(w, q->session);
		break;
	case SESSION_CONTROL_FORWARD:
		session_dcbor_put_uint(w, q->session);
		session_dcbor_put_uint(w, q->port);
		session_dcbor_put_uint(w, q->dial);
		session_dcbor_put_uint(w, q->check);
		break;
	case SESSION_CONTROL_SEND:
		session_dcbor_put_uint(w, q->session);
		session_dcbor_put_int(w, q->party);
		session_dcbor_put_bytes(w, q->bytes.p, q->bytes.len);
		break;
	case SESSION_CONTROL_RECV:
		session_dcbor_put_uint(w, q->session);
		session_dcbor_put_int(w, q->party);
		session_dcbor_put_uint(w, q->wait_ms);
		break;
	case SESSION_CONTROL_RECEIPT:
		session_dcbor_put_uint(w, q->session);
		session_dcbor_put_int(w, q->party);
		break;
	case SESSION_CONTROL_CLOSE:
		session_dcbor_put_uint(w, q->session);
		session_dcbor_put_string(w, q->text);
		break;
	case SESSION_CONTROL_RELOAD:
	case SESSION_CONTROL_N_OPS:
		break;
	}
}

static bool in_range(const struct session_control_request *q)
{
	return q->session <= INT64_MAX && q->party >= PARLEY_ANY &&
	       q->party < PARLEY_AGREEMENT_PARTIES_MAX &&
	       (q->op == SESSION_CONTROL_RECV || q->party >= 0) &&
	       q->open_ms <= TIME_MS_MAX && q->linger_ms <= TIME_MS_MAX &&
	       q->lost_ms >= -1 && q->lost_ms <= TIME_MS_MAX &&
	       q->wait_ms <= TIME_MS_MAX && q->port <= UINT16_MAX &&
	       q->dial <= 1 && q->check <= 1 &&
	       q->bytes.len <= SESSION_CONTROL_MESSAGE_MAX &&
	       q->text.len <= PARLEY_AGREEMENT_LEN_MAX;
}

int session_control_decode(struct session_control_request *q, const uint8_t *p,
			   size_t len)
{
	struct session_dcbor_string name;
	struct session_dcbor_reader r;
	uint64_t version, id;
	size_t n, op = 0;

	*q = (struct session_control_request){0};
	session_dcbor_reader_init(&r, p, len);
	n = session_dcbor_take_array(&r);
	version = session_dcbor_take_uint(&r);
	id = session_dcbor_take_uint(&r);
	if (r.failed || id == 0 || id > INT64_MAX)
		return PARLEY_ERR_FORMAT;
	q->id = id;
	if (version != SESSION_CONTROL_VERSION)
		return PARLEY_ERR_VERSION;
	name = session_dcbor_take_text(&r);
	if (r.failed || n < HEAD_ITEMS)
		return PARLEY_ERR_FORMAT;
	while (op < SESSION_CONTROL_N_OPS &&
	       (strlen(ops[op].name) != name.len ||
		memcmp(ops[op].name, name.p, name.len) != 0))
		op++;
	if (op == SESSION_CONTROL_N_OPS)
		return PARLEY_ERR_UNSUPPORTED;
	q->op = (enum session_control_op)op;
	take_arguments(&r, q);
	if (n != HEAD_ITEMS + ops[op].n_arguments || session_dcbor_end(&r))
		return PARLEY_ERR_FORMAT;
	return in_range(q) ? 0 : PARLEY_ERR_ARGUMENT;
}

void session_control_encode(struct session_dcbor_writer *w,
			    const struct session_control_request *q)
{
	session_dcbor_put_array(w, HEAD_ITEMS + ops[q->op].n_arguments);
	session_dcbor_put_uint(w, SESSION_CONTROL_VERSION);
	session_dcbor_put_uint(w, q->id);
	session_dcbor_put_text(w, ops[q->op].name);
	put_arguments(w, q);
}

/*
 * Replies
 */

static void put_head(struct session_dcbor_writer *w, uint64_t id, int status,
		     size_t n)
{
	session_dcbor_put_array(w, HEAD_ITEMS + n);
	session_dcbor_put_uint(w, SESSION_CONTROL_VERSION);
	session_dcbor_put_uint(w, id);
	session_dcbor_put_int(w, status);
}

void session_control_put_reply(struct session_dcbor_writer *w, uint64_t id,
			       size_t n)
{
	put_head(w, id, 0, n);
}

void session_control_put_error(struct session_dcbor_writer *w, uint64_t id,
			       int err, const char *text, int party)
{
	put_head(w, id, err, ERROR_ITEMS);
	session_dcbor_put_foreign(w, text);
	session_dcbor_put_int(w, party);
}

void session_control_put_event(struct session_dcbor_writer *w, uint64_t session,
			       int party, unsigned state, const char *text)
{
	put_head(w, 0, SESSION_CONTROL_EVENT, EVENT_ITEMS);
	session_dcbor_put_uint(w, session);
	session_dcbor_put_int(w, party);
	session_dcbor_put_uint(w, state);
	session_dcbor_put_foreign(w, text);
}

int session_control_decode_reply(struct session_control_reply *a,
				 const uint8_t *p, size_t len)
{
	struct session_dcbor_reader *r = &a->rest;
	int64_t status;
	size_t n;

	*a = (struct session_control_reply){.party = -1};
	session_dcbor_reader_init(r, p, len);
	n = session_dcbor_take_array(r);
	if (session_dcbor_take_uint(r) != SESSION_CONTROL_VERSION && !r->failed)
		return PARLEY_ERR_VERSION;
	a->id = session_dcbor_take_uint(r);
	status = session_dcbor_take_int(r);
	if (r->failed || n < HEAD_ITEMS || status > SESSION_CONTROL_EVENT ||
	    status < -1000)
		return PARLEY_ERR_FORMAT;
	a->status = (int)status;
	if (status == 0) {
		a->n = n - HEAD_ITEMS;
		return 0;
	}
	if (status == SESSION_CONTROL_EVENT) {
		a->session = session_dcbor_take_uint(r);
		a->party = session_dcbor_take_int(r);
		a->state = session_dcbor_take_uint(r);
		a->text = session_dcbor_take_text(r);
		n -= EVENT_ITEMS;
	} else {
		a->text = session_dcbor_take_text(r);
		a->party = session_dcbor_take_int(r);
		n -= ERROR_ITEMS;
	}
	return n == HEAD_ITEMS ? session_dcbor_end(r) : PARLEY_ERR_FORMAT;
}

/*
 * Results
 */

void session_control_put_opened(struct session_dcbor_writer *w,
				const struct session_control_opened *o)
{
	session_dcbor_put_uint(w, o->session);
	session_dcbor_put_uint(w, o->self);
	session_dcbor_put_uint(w, o->n);
	session_dcbor_put_bool(w, o->attached);
}

void session_control_take_opened(struct session_dcbor_reader *r,
				 struct session_control_opened *o)
{
	o->session = session_dcbor_take_uint(r);
	o->self = session_dcbor_take_uint(r);
	o->n = session_dcbor_take_uint(r);
	o->attached = session_dcbor_take_bool(r);
}

void session_control_put_receipt(struct session_dcbor_writer *w,
				 const struct session_control_receipt *t)
{
	session_dcbor_put_string(w, t->accept);
	session_dcbor_put_string(w, t->confirm);
	session_dcbor_put_string(w, t->finished);
}

void session_control_take_receipt(struct session_dcbor_reader *r,
				  struct session_control_receipt *t)
{
	t->accept = session_dcbor_take_text(r);
	t->confirm = session_dcbor_take_text(r);
	t->finished = session_dcbor_take_text(r);
}

void session_control_put_session(struct session_dcbor_writer *w,
				 const struct session_control_session *s)
{
	session_dcbor_put_array(w, SESSION_ITEMS);
	session_dcbor_put_uint(w, s->session);
	session_dcbor_put_string(w, s->name);
	session_dcbor_put_bytes(w, s->hash.p, s->hash.len);
	session_dcbor_put_string(w, s->did);
	session_dcbor_put_uint(w, s->self);
	session_dcbor_put_uint(w, s->state);
	session_dcbor_put_uint(w, s->age_ms);
	session_dcbor_put_uint(w, s->clients);
	session_dcbor_put_bool(w, s->forwarding);
	session_dcbor_put_foreign(w, s->error.p);
	session_dcbor_put_array(w, s->n);
}

void session_control_take_session(struct session_dcbor_reader *r,
				  struct session_control_session *s)
{
	if (session_dcbor_take_array(r) != SESSION_ITEMS)
		r->failed = true;
	s->session = session_dcbor_take_uint(r);
	s->name = session_dcbor_take_text(r);
	s->hash = session_dcbor_take_bytes(r);
	if (s->hash.len != PARLEY_AGREEMENT_HASH_LEN)
		r->failed = true;
	s->did = session_dcbor_take_text(r);
	s->self = session_dcbor_take_uint(r);
	s->state = session_dcbor_take_uint(r);
	s->age_ms = session_dcbor_take_uint(r);
	s->clients = session_dcbor_take_uint(r);
	s->forwarding = session_dcbor_take_bool(r);
	s->error = session_dcbor_take_text(r);
	s->n = session_dcbor_take_array(r);
}

void session_control_put_party(struct session_dcbor_writer *w,
			       const struct session_control_party *p)
{
	session_dcbor_put_array(w, PARTY_ITEMS);
	session_dcbor_put_string(w, p->did);
	session_dcbor_put_string(w, p->name);
	session_dcbor_put_uint(w, p->state);
	session_dcbor_put_foreign(w, p->detail.p);
	session_dcbor_put_uint(w, p->messages_sent);
	session_dcbor_put_uint(w, p->messages_received);
	session_dcbor_put_uint(w, p->bytes_sent);
	session_dcbor_put_uint(w, p->bytes_received);
	session_dcbor_put_uint(w, p->resumes);
	session_dcbor_put_uint(w, p->handshake_us);
}

void session_control_take_party(struct session_dcbor_reader *r,
				struct session_control_party *p)
{
	if (session_dcbor_take_array(r) != PARTY_ITEMS)
		r->failed = true;
	p->did = session_dcbor_take_text(r);
	p->name = session_dcbor_take_text(r);
	p->state = session_dcbor_take_uint(r);
	p->detail = session_dcbor_take_text(r);
	p->messages_sent = session_dcbor_take_uint(r);
	p->messages_received = session_dcbor_take_uint(r);
	p->bytes_sent = session_dcbor_take_uint(r);
	p->bytes_received = session_dcbor_take_uint(r);
	p->resumes = session_dcbor_take_uint(r);
	p->handshake_us = session_dcbor_take_uint(r);
}
