/*
 * What did-cli run prints: for people one line, with --json one object, both
 * on standard error.
 */
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/file.h"
#include "cli/out.h"
#include "cli/ping_show.h"
#include "cli/run.h"

static const char *name_of(const struct cli_run *run, int i)
{
	return parley_session_agreement_party_name(run->agreement, (size_t)i);
}

static const char *did_of(const struct cli_run *run, int i)
{
	return parley_session_agreement_party_did(run->agreement, (size_t)i);
}

/* The name of party ${i} and a space, or nothing. */
#define NAME_ARGS(run, i) name_of(run, i), name_of(run, i)[0] != '\0' ? " " : ""

int cli_run_show_progress(void *context, const struct parley_progress *g)
{
	struct cli_run *run = context;

	/* A loss is an event of the forwarder, which ends the run. */
	if (!run->started || g->state != PARLEY_PARTY_LOST)
		cli_progress_show(&run->progress, g);
	return 0;
}

static const char *event_word(enum session_forward_event_type type)
{
	switch (type) {
	case SESSION_FORWARD_OPENED:
		return "connection";
	case SESSION_FORWARD_ENDED:
		return "disconnection";
	case SESSION_FORWARD_CUT:
		return "cut";
	case SESSION_FORWARD_REFUSED:
		return "refused";
	case SESSION_FORWARD_LOST:
		return "lost";
	case SESSION_FORWARD_CLOSED:
		return "closed";
	}
	return "unknown";
}

void cli_run_show_event(struct cli_run *run,
			const struct session_forward_event *e)
{
	if (run->json) {
		cli_out_event(json_pack(
		    "{s:s, s:i, s:s, s:s, s:b, s:s}", "event",
		    event_word(e->type), "party", e->party, "name",
		    name_of(run, e->party), "did", did_of(run, e->party),
		    "ours", e->ours, "text", e->text));
		return;
	}
	if (e->type == SESSION_FORWARD_CUT || e->type == SESSION_FORWARD_LOST)
		cli_out_error("%s", e->text);
	else if (e->type == SESSION_FORWARD_REFUSED)
		cli_out_warning("%s", e->text);
}

void cli_run_show_start(const struct cli_run *run)
{
	if (run->json)
		return;
	cli_out_note("opening '%s' as party %d %s%s%s",
		     parley_session_agreement_name(run->agreement), run->self,
		     NAME_ARGS(run, run->self), did_of(run, run->self));
}

void cli_run_show_differences(const struct cli_run *run)
{
	for (size_t i = 0; i < run->n_differences; i++) {
		const struct cli_facts_difference *d = &run->differences[i];

		if (run->json)
			cli_out_event(json_pack("{s:s, s:s, s:s?, s:s?}",
						"event", "difference", "field",
						d->field, "here", d->here,
						"agreed", d->agreed));
		else
			cli_out_error(
			    "%s is %s here, the agreement says %s", d->field,
			    d->here != NULL ? d->here : "nothing",
			    d->agreed != NULL ? d->agreed : "nothing of it");
	}
	if (!run->json)
		cli_out_note("nothing is started; telling the other parties");
}

void cli_run_show_ready(const struct cli_run *run)
{
	struct parley_party_stats stats = {0};

	for (int i = 0; i < run->n; i++) {
		if (i == run->self || !run->json)
			continue;
		parley_session_stats(run->session, i, &stats);
		cli_out_event(json_pack(
		    "{s:s, s:i, s:s, s:s, s:I}", "event", "ready", "party", i,
		    "name", name_of(run, i), "did", did_of(run, i),
		    "handshake_us", (json_int_t)stats.handshake_us));
	}
}

void cli_run_show_started(const struct cli_run *run)
{
	if (run->json)
		cli_out_event(json_pack("{s:s, s:i}", "event", "started", "pid",
					(int)run->child.pid));
	else
		cli_out_note(
		    "all %d parties are here, starting %s", run->n,
		    cli_file_base_name(run->preset->program(run->cmd)));
}

void cli_run_show_end(const struct cli_run *run, int code)
{
	if (run->json)
		cli_out_event(
		    json_pack("{s:s, s:i}", "event", "end", "code", code));
}

void cli_run_show_error(const struct cli_run *run, int err, const char *text)
{
	int culprit =
	    run->session != NULL ? parley_session_culprit(run->session) : -1;

	if (run->json) {
		cli_out_event(
		    json_pack("{s:s, s:s, s:o, s:s}", "event", "error", "code",
			      parley_did_err_name(err), "party",
			      culprit < 0 ? json_null() : json_integer(culprit),
			      "text", text));
		return;
	}
	cli_out_error("%s", text);
	if (err == PARLEY_ERR_TIMEOUT)
		cli_out_hint("all parties run 'did-cli run' at the same time; "
			     "--timeout waits longer");
	else
		cli_ping_show_hint(err);
}
