/*
 * The sessions that sessiond holds.
 *
 * All share the hub.  Whatever ends one (its client, its parties, its own
 * error) is noted, told to those who asked, and kept until its clients are
 * gone; only then it is freed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "cli/sessiond.h"
#include "session/clock.h"

enum {
	HEX_SIZE = 2 * PARLEY_AGREEMENT_HASH_LEN + 1,
	ABORT_TURNS = 16,
};

struct cli_sessiond_session *cli_sessiond_session_find(
    const struct cli_sessiond *d, uint64_t number)
{
	struct cli_sessiond_session *s = d->sessions;

	while (s && (s->number != number || s->over))
		s = s->next;
	return s;
}

bool cli_sessiond_session_is_over(const struct cli_sessiond_session *s)
{
	return s->state == PARLEY_SESSION_CLOSED ||
	       s->state == PARLEY_SESSION_FAILED;
}

/* Called from within the session: note it, tell it. */
static int on_progress(void *context, const struct parley_progress *p)
{
	struct cli_sessiond_session *s = context;
	struct cli_sessiond_party *party;
	bool changed;

	if (p->party < 0) {
		if (p->detail)
			CLI_SESSIOND_LOG(s->d, INFO, s->number, "%s",
					 p->detail);
		return 0;
	}
	party = &s->parties[p->party];
	changed = party->state != p->state;
	party->state = p->state;
	snprintf(party->detail, sizeof(party->detail), "%s",
		 p->detail ? p->detail : "");
	if (!changed)
		return 0;
	CLI_SESSIOND_LOG(s->d, INFO, s->number, "party %d %s %s: %s%s%s",
			 p->party, p->name, p->did,
			 parley_session_party_state_name(p->state),
			 party->detail[0] ? ", " : "", party->detail);
	/* Before it was lost it may have cut a connection, and said why: the
	 * forwarder tells both, in their order. */
	if (p->state == PARLEY_PARTY_LOST && s->forward && s->finish_ms == 0 &&
	    s->state == PARLEY_SESSION_READY)
		return 0;
	cli_sessiond_client_tell(s, p->party, p->state, party->detail);
	return 0;
}

/* Is the session in a state that was not told yet? */
static void look(struct cli_sessiond_session *s)
{
	const enum parley_session_state state =
	    parley_session_state(s->session);
	const char *error = "";

	if (state == s->state)
		return;
	s->state = state;
	if (state == PARLEY_SESSION_FAILED) {
		error = parley_session_error(s->session);
		free(s->error);
		s->error = strdup(error);
		s->d->totals.sessions_failed++;
		CLI_SESSIOND_LOG(s->d, WARNING, s->number, "failed: %s", error);
	} else {
		CLI_SESSIOND_LOG(s->d, INFO, s->number, "%s",
				 session_control_state_name(state));
	}
	cli_sessiond_client_tell(s, -1, state, error);
}

void cli_sessiond_session_add_stats(const struct cli_sessiond_session *s,
				    struct parley_party_stats *sum)
{
	struct parley_party_stats one;

	for (int i = 0; i < parley_session_n_parties(s->session); i++) {
		if (parley_session_stats(s->session, i, &one))
			continue;
		sum->messages_sent += one.messages_sent;
		sum->messages_received += one.messages_received;
		sum->bytes_sent += one.bytes_sent;
		sum->bytes_received += one.bytes_received;
		sum->wire_bytes_sent += one.wire_bytes_sent;
		sum->wire_bytes_received += one.wire_bytes_received;
		sum->resumes += one.resumes;
	}
}

void cli_sessiond_session_free(struct cli_sessiond_session *s)
{
	struct cli_sessiond_session **at = &s->d->sessions;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at) {
		*at = s->next;
		s->d->n_sessions--;
		cli_sessiond_client_forget(s);
		cli_sessiond_session_add_stats(s, &s->d->totals.parties);
		CLI_SESSIOND_LOG(s->d, DEBUG, s->number, "forgotten");
	}
	session_forward_free(s->forward);
	parley_session_free(s->session);
	parley_session_agreement_free(s->agreement);
	cli_sessiond_identity_free(s->identity);
	free(s->parties);
	free(s->error);
	free(s);
}

/*
 * Opening
 */

static int refuse(char *error, int err, const char *text)
{
	snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE, "%s", text);
	return err;
}

static int parse(struct cli_sessiond_session *s,
		 const struct session_control_request *q, char *error)
{
	char *why = NULL;
	int err = parley_session_agreement_parse(&s->agreement, &why, q->text.p,
						 q->text.len);

	if (err)
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "not a valid agreement: %s",
			 why ? why : parley_did_err_string(err));
	free(why);
	if (!err)
		parley_session_agreement_hash(s->agreement, s->hash);
	return err;
}

/* Who is meant, and is that allowed? */
static int admit(struct cli_sessiond_session *s,
		 const struct session_control_request *q, char *error)
{
	struct cli_sessiond *d = s->d;
	struct cli_sessiond_identity *i;
	char hex[HEX_SIZE];
	int err, self;

	i = cli_sessiond_config_identity(&d->config, s->agreement, q->did.p,
					 q->did.len, &err);
	if (!i)
		return refuse(error, err,
			      err == PARLEY_ERR_ARGUMENT
				  ? "several identities of this daemon are in "
				    "the roster: say which"
				  : "no identity of this daemon is in the "
				    "roster of the agreement");
	self = parley_session_agreement_index(s->agreement,
					      parley_did_identity_did(i->id));
	s->identity = cli_sessiond_identity_ref(i);
	if (cli_sessiond_config_allows(&d->config, s->agreement, (size_t)self))
		return 0;
	sodium_bin2hex(hex, sizeof(hex), s->hash, sizeof(s->hash));
	d->totals.opens_refused++;
	snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
		 "the configuration of this daemon does not allow the "
		 "agreement %s, nor all of its parties",
		 hex);
	CLI_SESSIOND_LOG(d, WARNING, 0,
			 "refused: agreement '%s' (%s) is not "
			 "allowed",
			 parley_session_agreement_name(s->agreement), hex);
	return PARLEY_ERR_ADDRESS;
}

static bool is_allowed(const struct cli_sessiond_session *s)
{
	const struct cli_sessiond_config *c = &s->d->config;
	const char *did = parley_did_identity_did(s->identity->id);
	int err;

	return cli_sessiond_config_identity(c, s->agreement, did, strlen(did),
					    &err) &&
	       cli_sessiond_config_allows(
		   c, s->agreement, (size_t)parley_session_self(s->session));
}

void cli_sessiond_session_check_all(struct cli_sessiond *d)
{
	struct cli_sessiond_session *s;

	for (s = d->sessions; s; s = s->next) {
		if (s->over || cli_sessiond_session_is_over(s) || is_allowed(s))
			continue;
		CLI_SESSIOND_LOG(d, WARNING, s->number,
				 "ended: the configuration does not allow it "
				 "any more");
		cli_sessiond_session_abort(s, "its daemon does not allow this "
					      "agreement any more");
	}
}

/* A session of the same agreement and identity that has not ended. */
static struct cli_sessiond_session *find_same(
    const struct cli_sessiond_session *s)
{
	struct cli_sessiond_session *other;

	for (other = s->d->sessions; other; other = other->next)
		if (!other->over && !cli_sessiond_session_is_over(other) &&
		    other->finish_ms == 0 &&
		    memcmp(other->hash, s->hash, sizeof(s->hash)) == 0 &&
		    strcmp(parley_did_identity_did(other->identity->id),
			   parley_did_identity_did(s->identity->id)) == 0)
			return other;
	return NULL;
}

static int begin(struct cli_sessiond_session *s,
		 const struct session_control_request *q, char *error)
{
	struct cli_sessiond *d = s->d;
	struct parley_session_options o;
	const size_t n = parley_session_agreement_n_parties(s->agreement);
	int err;

	parley_session_options_init(&o);
	o.hub = d->hub;
	o.open_timeout_ms =
	    q->open_ms > 0 ? (int)q->open_ms : d->config.open_ms;
	o.send_timeout_ms = o.recv_timeout_ms = o.close_timeout_ms = 0;
	o.liveness_ms = d->config.liveness_ms;
	s->lost_ms = q->lost_ms >= 0 ? (int)q->lost_ms : d->config.resume_ms;
	o.on_lost = s->lost_ms > 0 ? PARLEY_ON_LOST_WAIT : PARLEY_ON_LOST_FAIL;
	o.resume_ms = s->lost_ms;
	o.keep_receipts = true;
	o.message_max = SESSION_CONTROL_MESSAGE_MAX;
	o.on_progress = on_progress;
	o.context = s;
	s->linger_ms =
	    q->linger_ms > 0 ? (int)q->linger_ms : d->config.linger_ms;
	s->opened_ms = session_now_ms();
	s->alone_ms = s->opened_ms;
	s->parties = calloc(n, sizeof(*s->parties));
	if (!s->parties)
		return refuse(error, PARLEY_ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++)
		s->parties[i].state = PARLEY_PARTY_CONNECTING;
	err =
	    parley_session_new(&s->session, s->agreement, s->identity->id, &o);
	if (err)
		return refuse(error, err,
			      s->session ? parley_session_error(s->session)
					 : parley_did_err_string(err));
	s->parties[parley_session_self(s->session)].state = PARLEY_PARTY_SELF;
	s->state = PARLEY_SESSION_OPENING;
	return 0;
}

int cli_sessiond_session_open(struct cli_sessiond_session **sp,
			      struct cli_sessiond *d,
			      const struct session_control_request *q,
			      char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
{
	struct cli_sessiond_session *s, *same;
	int err;

	if (d->stopping)
		return refuse(error, PARLEY_ERR_STATE,
			      "the daemon is stopping");
	s = calloc(1, sizeof(*s));
	if (!s)
		return refuse(error, PARLEY_ERR_MEMORY, "out of memory");
	s->d = d;
	err = parse(s, q, error);
	if (!err)
		err = admit(s, q, error);
	if (!err && (same = find_same(s))) {
		*sp = same;
		cli_sessiond_session_free(s);
		return 1;
	}
	if (!err && d->n_sessions >= d->config.max_sessions)
		err = refuse(error, PARLEY_ERR_TOO_LARGE,
			     "the daemon holds as many sessions as it may");
	if (!err) {
		s->number = ++d->last_number;
		err = begin(s, q, error);
	}
	if (err) {
		cli_sessiond_session_free(s);
		return err;
	}
	s->next = d->sessions;
	d->sessions = s;
	d->n_sessions++;
	d->totals.sessions_opened++;
	CLI_SESSIOND_LOG(d, INFO, s->number, "opening '%s' as party %d %s",
			 parley_session_agreement_name(s->agreement),
			 parley_session_self(s->session),
			 parley_did_identity_did(s->identity->id));
	*sp = s;
	return 0;
}

/*
 * Working
 */

int cli_sessiond_session_fd(const struct cli_sessiond_session *s)
{
	if (cli_sessiond_session_is_over(s))
		return -1;
	return s->forward ? session_forward_fd(s->forward)
			  : parley_session_fd(s->session);
}

static void finished(struct cli_sessiond_session *s, int result)
{
	s->result = result;
	if (result) {
		free(s->error);
		s->error = strdup(parley_session_error(s->session));
	}
}

/* On with closing; its time may be over. */
static void step_finish(struct cli_sessiond_session *s)
{
	int err;

	/* What the program has sent over its connections goes first; one turn
	 * shows what it had connected last. */
	if (s->state == PARLEY_SESSION_READY && s->forward &&
	    session_now_ms() < s->finish_ms &&
	    session_forward_process(s->forward, 0) == 0 &&
	    !session_forward_is_idle(s->forward))
		return;
	err = parley_session_finish(s->session);
	if (err == PARLEY_ERR_AGAIN && session_now_ms() >= s->finish_ms)
		err = parley_session_close(s->session); /* waits for nothing */
	if (err != PARLEY_ERR_AGAIN)
		finished(s, err);
}

/* An error of the forwarder's own leaves nothing to go on with. */
static void step_forward(struct cli_sessiond_session *s)
{
	const int err = session_forward_process(s->forward, 0);

	if (err && parley_session_state(s->session) != PARLEY_SESSION_FAILED)
		parley_session_abort(s->session, parley_did_err_string(err));
}

void cli_sessiond_session_step(struct cli_sessiond_session *s)
{
	if (cli_sessiond_session_is_over(s))
		return;
	if (s->finish_ms > 0)
		step_finish(s);
	else if (s->forward)
		step_forward(s);
	else
		(void)parley_session_process(s->session);
	look(s);
}

void cli_sessiond_session_settle(struct cli_sessiond_session *s)
{
	if (s->dirty && s->state == PARLEY_SESSION_READY)
		(void)parley_session_flush(s->session);
	s->dirty = false;
	look(s);
	if (s->n_clients > 0) {
		s->alone_ms = 0;
		return;
	}
	if (s->alone_ms == 0)
		s->alone_ms = session_now_ms();
	if (cli_sessiond_session_is_over(s)) {
		s->over = true;
	} else if (s->finish_ms == 0 &&
		   session_now_ms() - s->alone_ms >= s->linger_ms) {
		cli_sessiond_session_abort(s, "its program is gone");
		s->over = true;
	}
}

int64_t cli_sessiond_session_deadline(const struct cli_sessiond_session *s)
{
	int64_t at = INT64_MAX;

	if (cli_sessiond_session_is_over(s))
		return at;
	if (s->alone_ms > 0 && s->finish_ms == 0)
		at = s->alone_ms + s->linger_ms;
	if (s->finish_ms > 0 && s->finish_ms < at)
		at = s->finish_ms;
	return at;
}

void cli_sessiond_session_finish(struct cli_sessiond_session *s,
				 int64_t limit_ms)
{
	if (cli_sessiond_session_is_over(s))
		return;
	if (s->finish_ms == 0 || limit_ms < s->finish_ms)
		s->finish_ms = limit_ms;
	cli_sessiond_session_step(s);
}

void cli_sessiond_session_abort(struct cli_sessiond_session *s,
				const char *reason)
{
	if (cli_sessiond_session_is_over(s))
		return;
	if (s->forward) {
		/* What the program wrote last may help the others. */
		for (int i = 0; i < ABORT_TURNS && s->finish_ms == 0 &&
				session_forward_process(s->forward, 0) == 0;
		     i++)
			if (session_forward_is_idle(s->forward))
				break;
		session_forward_hang_up(s->forward);
	}
	parley_session_abort(s->session, reason);
	look(s);
}
