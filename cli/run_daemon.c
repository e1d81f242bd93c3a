/*
 * did-cli run --daemon: the same run in a session of sessiond(8), which has the
 * keys and forwards the connections.
 *
 *   open      the daemon begins the session, or says why not
 *   forward   it listens at loopback ports, which the program is told
 *   events    tell who is there, who is lost, and whose connection was cut
 *   close     when the program is over
 *
 * If this process is killed, the daemon sees its connection end and gives up
 * the session a moment later.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/out.h"
#include "cli/receipt.h"
#include "cli/run.h"
#include "session/clock.h"

enum {
	CALL_MS = 30 * 1000,
	CLOSE_MS = 10 * 1000,
	LINGER_MS = 1000,
	TURN_MS = 1000,
};

/* The run, and the daemon's side of it. */
struct held {
	struct cli_run *run;
	struct cli_daemon *daemon;
	uint64_t session;
	uint64_t state; /* of the session */
	enum parley_party_state *states;
	uint16_t *ports;
	int64_t opened_ms;
	char error[512]; /* of the session */
};

static void copy_text(char *to, size_t size, struct session_dcbor_string text)
{
	snprintf(to, size, "%.*s", (int)(text.len < size ? text.len : size),
		 text.p);
}

/* Ask; the error printed.  Returns whether there is a good reply in ${a}. */
static bool ask(struct held *h, struct session_control_reply *a,
		struct session_control_request *q)
{
	char text[1024];
	int err = cli_daemon_call(h->daemon, a, q, CALL_MS);

	if (err == 0 && a->status == 0)
		return true;
	if (err == 0)
		copy_text(text, sizeof(text), a->text);
	else
		snprintf(text, sizeof(text), "the daemon does not answer: %s",
			 parley_did_err_string(err));
	cli_run_show_error(h->run, err ? err : a->status, text);
	return false;
}

/*
 * Events
 */

static void on_party(struct held *h, const struct session_control_reply *a,
		     const char *text)
{
	const struct parley_agreement *agreement = h->run->agreement;
	const size_t i = (size_t)a->party;
	struct parley_progress p = {
	    .party = (int)a->party,
	    .state = (enum parley_party_state)a->state,
	    .name = parley_session_agreement_party_name(agreement, i),
	    .did = parley_session_agreement_party_did(agreement, i),
	    .detail = text[0] ? text : NULL,
	    .waited_ms = session_now_ms() - h->opened_ms};
	struct session_forward_event lost = {.type = SESSION_FORWARD_LOST,
					     .party = p.party,
					     .stream = -1,
					     .err = PARLEY_ERR_LOST};
	char sentence[SESSION_FORWARD_TEXT_SIZE];

	h->states[i] = p.state;
	cli_run_show_progress(h->run, &p);
	if (p.state != PARLEY_PARTY_LOST || !h->run->started)
		return;
	snprintf(sentence, sizeof(sentence),
		 "party %d '%.64s' (%.100s): lost%s%.100s", p.party, p.name,
		 p.did, text[0] ? ": " : "", text);
	lost.text = sentence;
	cli_run_show_event(h->run, &lost);
	snprintf(sentence, sizeof(sentence), "party %d was lost", p.party);
	cli_run_end_with(h->run, CLI_RUN_LOST, sentence);
}

static void on_cut(struct held *h, const struct session_control_reply *a,
		   const char *text)
{
	const bool ours = a->state == SESSION_CONTROL_CUT_HERE;
	const struct session_forward_event e = {.type = SESSION_FORWARD_CUT,
						.party = (int)a->party,
						.stream = -1,
						.ours = ours,
						.text = text};

	cli_run_show_event(h->run, &e);
	cli_run_end_with(h->run, CLI_RUN_LIAR, text);
}

static void on_event(void *context, const struct session_control_reply *a)
{
	struct held *h = context;
	char text[512];

	if (a->status != SESSION_CONTROL_EVENT || a->session != h->session)
		return;
	copy_text(text, sizeof(text), a->text);
	if (a->party < 0) {
		h->state = a->state;
		snprintf(h->error, sizeof(h->error), "%s", text);
	} else if (a->party >= h->run->n) {
		return;
	} else if (a->state >= SESSION_CONTROL_CUT_HERE) {
		on_cut(h, a, text);
	} else if (a->state <= PARLEY_PARTY_CLOSED) {
		on_party(h, a, text);
	}
}

/* Wait for the daemon or a signal, for at most ${timeout_ms}; act on both. */
static int turn(struct held *h, int timeout_ms)
{
	struct session_control_reply a;
	struct pollfd fds[] = {
	    {.fd = h->run->child.fd, .events = POLLIN},
	    {.fd = cli_daemon_fd(h->daemon), .events = POLLIN},
	};
	int err;

	if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
		return PARLEY_ERR_SYSTEM;
	if (fds[0].revents)
		cli_child_signals(&h->run->child);
	while ((err = cli_daemon_next(h->daemon, &a)) == 0)
		on_event(h, &a);
	return err == PARLEY_ERR_AGAIN ? 0 : err;
}

/*
 * Steps
 */

/* How long a party is waited for: as told here, or as the daemon is told. */
static int64_t lost_ms(const struct cli_run *run)
{
	if (!run->on_lost_given)
		return -1;
	if (!run->wait_for_lost)
		return 0;
	return run->lost_ms > 0 ? run->lost_ms : CLI_RUN_WAIT_MS;
}

static bool open_session(struct held *h, const char *did)
{
	struct cli_run *run = h->run;
	struct session_control_request q = {
	    .op = SESSION_CONTROL_OPEN,
	    .text = {run->text, strlen(run->text)},
	    .did = {did, strlen(did)},
	    .open_ms = (uint64_t)run->timeout_ms,
	    .linger_ms = LINGER_MS,
	    .lost_ms = lost_ms(run)};
	struct session_control_opened o;
	struct session_control_reply a;

	if (!ask(h, &a, &q))
		return false;
	session_control_take_opened(&a.rest, &o);
	if (session_dcbor_end(&a.rest) ||
	    o.n != parley_session_agreement_n_parties(run->agreement) ||
	    o.self >= o.n) {
		cli_out_error("the daemon's answer makes no sense");
		return false;
	}
	h->session = o.session;
	h->opened_ms = session_now_ms();
	h->states = calloc((size_t)o.n, sizeof(*h->states));
	h->ports = calloc((size_t)o.n, sizeof(*h->ports));
	if (!h->states || !h->ports) {
		cli_out_error("out of memory");
		return false;
	}
	return cli_run_set_self(run, (int)o.self) == CLI_DONE;
}

static bool forward(struct held *h)
{
	const struct cli_preset *preset = h->run->preset;
	struct session_control_request q = {
	    .op = SESSION_CONTROL_FORWARD,
	    .session = h->session,
	    .port = h->run->own_port,
	    .dial = preset->dial == SESSION_FORWARD_DIAL_HIGHER,
	    .check = preset->check == SESSION_FORWARD_CHECK_LE16};
	struct session_control_reply a;
	size_t n;

	if (!ask(h, &a, &q))
		return false;
	n = session_dcbor_take_array(&a.rest);
	for (size_t i = 0; i < n && i < (size_t)h->run->n; i++)
		h->ports[i] = (uint16_t)session_dcbor_take_uint(&a.rest);
	if (n != (size_t)h->run->n || session_dcbor_end(&a.rest)) {
		cli_out_error("the daemon's answer makes no sense");
		return false;
	}
	h->run->ports = h->ports;
	/* From here on no event is to be missed. */
	cli_daemon_on_event(h->daemon, on_event, h);
	q = (struct session_control_request){.op = SESSION_CONTROL_EVENTS,
					     .session = h->session};
	return ask(h, &a, &q);
}

/* End the session, with ${abort} as the reason if that is not "". */
static int close_session(struct held *h, const char *abort)
{
	struct session_control_request q = {.op = SESSION_CONTROL_CLOSE,
					    .session = h->session,
					    .text = {abort, strlen(abort)}};
	struct session_control_reply a;
	int err = cli_daemon_call(h->daemon, &a, &q, CLOSE_MS);

	if (err == 0 && a.status < 0)
		cli_out_warning("%.*s", (int)a.text.len, a.text.p);
	return err ? err : a.status;
}

/* Returns an exit code, or 0 when all parties are ready. */
static int wait_ready(struct held *h)
{
	struct cli_run *run = h->run;
	int err = 0;

	while (h->state == PARLEY_SESSION_OPENING) {
		err = turn(h, TURN_MS);
		if (run->child.stopped != 0) {
			close_session(h, "stopped by its user");
			return 128 + run->child.stopped;
		}
		if (err)
			break;
	}
	if (err)
		cli_run_show_error(run, err, "the daemon is gone");
	else if (h->state != PARLEY_SESSION_READY)
		cli_run_show_error(run, PARLEY_ERR_ABORTED, h->error);
	else if (run->n_differences > 0)
		close_session(h, "what runs here is not what was agreed");
	else
		return 0;
	return CLI_RUN_NOT_STARTED;
}

/* Write what the daemon has kept of the handshake with party ${i}. */
static int write_receipt(struct held *h, int i)
{
	struct session_control_request q = {
	    .op = SESSION_CONTROL_RECEIPT, .session = h->session, .party = i};
	struct session_control_receipt t;
	struct session_control_reply a;
	char *accept, *confirm, *finished;
	int code = CLI_FAILED;

	if (!ask(h, &a, &q))
		return code;
	session_control_take_receipt(&a.rest, &t);
	if (session_dcbor_end(&a.rest)) {
		cli_out_error("the daemon's answer makes no sense");
		return code;
	}
	accept = strndup(t.accept.p, t.accept.len);
	confirm = strndup(t.confirm.p, t.confirm.len);
	finished = strndup(t.finished.p, t.finished.len);
	if (accept && confirm && finished)
		code = cli_receipt_write(
		    &(struct cli_receipt){.accept = accept,
					  .confirm = confirm,
					  .finished = finished},
		    i, h->run->receipts);
	else
		cli_out_error("out of memory");
	free(accept);
	free(confirm);
	free(finished);
	return code;
}

/* Who asked for evidence does not compute without.  Returns an exit code. */
static int write_receipts(struct held *h)
{
	for (int i = 0; h->run->receipts && i < h->run->n; i++) {
		if (i == h->run->self || write_receipt(h, i) == CLI_DONE)
			continue;
		close_session(h, "its receipts cannot be written");
		return CLI_RUN_NOT_STARTED;
	}
	return 0;
}

/* A party that was lost before the program was there to be ended. */
static void look_for_lost(struct held *h)
{
	char reason[sizeof("party -2147483648 was lost")];

	for (int i = 0; i < h->run->n; i++) {
		snprintf(reason, sizeof(reason), "party %d was lost", i);
		if (h->states[i] == PARLEY_PARTY_LOST)
			cli_run_end_with(h->run, CLI_RUN_LOST, reason);
	}
}

static int finish(struct held *h)
{
	char reason[sizeof("its program ended with exit code -2147483648")];
	const int code = cli_child_exit_code(&h->run->child);

	if (code != 0) {
		snprintf(reason, sizeof(reason),
			 "its program ended with exit code %d", code);
		close_session(h, reason);
		return code;
	}
	/* All is said: from here a signal has nothing to save. */
	cli_child_end(&h->run->child);
	close_session(h, "");
	return code;
}

static int run_program(struct held *h)
{
	struct cli_run *run = h->run;
	int code = cli_run_start(run);

	if (code != 0) {
		close_session(h, "its program could not be started");
		return code;
	}
	look_for_lost(h);
	while (!run->child.over && run->ending == 0) {
		if (turn(h, -1))
			cli_run_end_with(run, CLI_RUN_LOST,
					 "the daemon is gone");
		else if (h->state == PARLEY_SESSION_FAILED)
			cli_run_end_with(run, CLI_RUN_LOST, h->error);
	}
	if (run->ending == 0)
		return finish(h);
	close_session(h, run->reason);
	cli_run_end_child(run);
	/* It may have had all that it needed. */
	return cli_child_exit_code(&run->child) == 0 ? 0 : run->ending;
}

static int open_and_run(struct held *h, const char *did)
{
	struct cli_run *run = h->run;
	int code;

	if (!open_session(h, did))
		return CLI_RUN_NOT_STARTED;
	code = cli_run_keep_port(run);
	if (code != 0)
		return code;
	cli_run_show_start(run);
	if (!forward(h))
		return CLI_RUN_NOT_STARTED;
	code = wait_ready(h);
	if (code == 0)
		code = write_receipts(h);
	return code != 0 ? code : run_program(h);
}

int cli_run_daemon(struct cli_run *run, const char *did)
{
	struct held h = {.run = run, .state = PARLEY_SESSION_OPENING};
	int code = CLI_RUN_NOT_STARTED;

	if (cli_child_begin(&run->child) != 0) {
		cli_out_error("cannot block signals: %s", strerror(errno));
		return code;
	}
	if (cli_daemon_connect(&h.daemon, run->control) == CLI_DONE)
		code = open_and_run(&h, did);
	cli_daemon_free(h.daemon);
	cli_run_release_port(run);
	if (run->child.fd >= 0)
		cli_child_end(&run->child);
	cli_run_show_end(run, code);
	run->ports = NULL;
	free(h.states);
	free(h.ports);
	return code;
}
