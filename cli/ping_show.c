/*
 * What did-cli ping prints: for people one line, with --json one object.
 *
 * What belongs to the result is data, on standard output; progress for people
 * is talk, on standard error, and with --json an event like the others.
 */
#include "cli/ping_show.h"

#include <inttypes.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/file.h"
#include "cli/out.h"

static const char *name_of(const struct cli_ping_run *p, int i)
{
	return parley_session_agreement_party_name(p->agreement, (size_t)i);
}

static const char *did_of(const struct cli_ping_run *p, int i)
{
	return parley_session_agreement_party_did(p->agreement, (size_t)i);
}

/* The name of party ${i} and a space, or nothing. */
#define NAME_ARGS(p, i) name_of(p, i), name_of(p, i)[0] != '\0' ? " " : ""

int cli_ping_show_progress(void *context, const struct parley_progress *g)
{
	struct cli_ping_run *p = context;

	cli_progress_show(&p->progress, g);
	return 0;
}

void cli_ping_show_start(const struct cli_ping_run *p, const char *path,
			 const char *listen)
{
	if (p->json)
		return;
	cli_out_note("opening '%s' as party %d %s%s%s%s%s",
		     parley_session_agreement_name(p->agreement), p->self,
		     NAME_ARGS(p, p->self), did_of(p, p->self),
		     listen != NULL ? ", listening at " : "",
		     listen != NULL ? listen : "");
	cli_out_note("every other party runs: did-cli ping %s --identity NAME",
		     cli_file_base_name(path));
}

void cli_ping_show_ready(const struct cli_ping_run *p, int i)
{
	const char *state = parley_session_party_state_name(
	    parley_session_party_state(p->session, i));
	struct parley_party_stats stats = {0};

	parley_session_stats(p->session, i, &stats);
	if (p->json)
		cli_out_json(json_pack(
		    "{s:s, s:i, s:s, s:s, s:s, s:I}", "event", "ready", "party",
		    i, "name", name_of(p, i), "did", did_of(p, i), "state",
		    state, "handshake_us", (json_int_t)stats.handshake_us));
	else
		cli_out_line("party %d %s%s%s: %s, handshake %.3f ms", i,
			     NAME_ARGS(p, i), did_of(p, i), state,
			     (double)stats.handshake_us / 1000);
}

void cli_ping_show_answer(const struct cli_ping_run *p, int i, uint64_t rtt_us)
{
	if (p->json)
		cli_out_json(json_pack("{s:s, s:i, s:I, s:I}", "event",
				       "answer", "party", i, "round",
				       (json_int_t)p->peers[i].n_sent, "rtt_us",
				       (json_int_t)rtt_us));
	else
		cli_out_line("party %d %s%sanswer %" PRIu64 " in %.3f ms", i,
			     NAME_ARGS(p, i), p->peers[i].n_sent,
			     (double)rtt_us / 1000);
}

void cli_ping_show_summary(const struct cli_ping_run *p, int i)
{
	const struct cli_ping_peer *peer = &p->peers[i];
	double n = (double)peer->n_answers;

	if (p->json)
		cli_out_json(json_pack(
		    "{s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "event",
		    "summary", "party", i, "name", name_of(p, i), "did",
		    did_of(p, i), "sent", (json_int_t)peer->n_sent, "answers",
		    (json_int_t)peer->n_answers, "min_us",
		    (json_int_t)peer->min_us, "avg_us",
		    (json_int_t)(n > 0 ? (double)peer->sum_us / n : 0),
		    "max_us", (json_int_t)peer->max_us));
	else if (peer->n_answers == 0)
		cli_out_line("party %d %s%s%s: no answer to %" PRIu64, i,
			     NAME_ARGS(p, i), did_of(p, i), peer->n_sent);
	else
		cli_out_line("party %d %s%s%s: %" PRIu64 " of %" PRIu64
			     " answered, round trip min %.3f avg %.3f "
			     "max %.3f ms",
			     i, NAME_ARGS(p, i), did_of(p, i), peer->n_answers,
			     peer->n_sent, (double)peer->min_us / 1000,
			     (double)peer->sum_us / n / 1000,
			     (double)peer->max_us / 1000);
}

void cli_ping_show_hint(int err)
{
	if (err == PARLEY_ERR_AGREEMENT)
		cli_out_hint("compare what 'did-cli agreement show' prints at "
			     "both parties");
	else if (err == PARLEY_ERR_ADDRESS_IN_USE)
		cli_out_hint("does another session of this party still run? "
			     "--listen tcp://ADDRESS:PORT listens elsewhere");
	else if (err == PARLEY_ERR_ENDPOINT)
		cli_out_hint("--listen tcp://0.0.0.0:PORT listens on every "
			     "address of this machine");
	else if (err == PARLEY_ERR_ROSTER)
		cli_out_hint("--identity chooses another identity; 'did-cli "
			     "identity list' shows them");
	else if (err == PARLEY_ERR_TIMEOUT)
		cli_out_hint("all parties run 'did-cli ping' at the same time; "
			     "--timeout waits longer");
}

void cli_ping_show_error(const struct cli_ping_run *p, int err)
{
	const char *text = parley_did_err_string(err);
	int culprit = -1;

	if (p->session != NULL) {
		if (parley_session_error(p->session)[0] != '\0')
			text = parley_session_error(p->session);
		culprit = parley_session_culprit(p->session);
	}
	cli_out_error("%s", text);
	cli_ping_show_hint(err);
	if (p->json)
		cli_out_json(
		    json_pack("{s:s, s:s, s:o, s:s}", "event", "error", "code",
			      parley_did_err_name(err), "party",
			      culprit < 0 ? json_null() : json_integer(culprit),
			      "text", text));
}

void cli_ping_show_left(const struct cli_ping_run *p, int i)
{
	const char *why = "";

	if (parley_session_culprit(p->session) == i)
		why = parley_session_error(p->session);
	cli_out_note("party %d %s%s%s: %s%s%s", i, NAME_ARGS(p, i),
		     did_of(p, i),
		     parley_session_party_state_name(
			 parley_session_party_state(p->session, i)),
		     why[0] != '\0' ? ": " : "", why);
}

void cli_ping_show_stray(const struct cli_ping_run *p, int i)
{
	cli_out_warning("party %d %s%s%s sends messages that are no pings", i,
			NAME_ARGS(p, i), did_of(p, i));
}
