/*
 * Waiting for the parties of a session, as it is shown: one line when the
 * state of a party changes, and one every few seconds while it is waited for.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include <parley/err.h>

#include "cli/out.h"

enum {
	REPEAT_MS = 5000, /* a party still waited for is shown so often */
};

int cli_progress_init(struct cli_progress *g, const struct parley_agreement *a,
		      int self, int (*emit)(json_t *obj))
{
	size_t n = parley_session_agreement_n_parties(a);

	*g = (struct cli_progress){
	    .agreement = a, .n = (int)n, .self = self, .emit = emit};
	g->parties = calloc(n, sizeof(g->parties[0]));
	return g->parties == NULL ? PARLEY_ERR_MEMORY : 0;
}

void cli_progress_wipe(struct cli_progress *g)
{
	free(g->parties);
	g->parties = NULL;
}

/* The endpoint at which this party will dial party ${i}; PROTOCOL.md 7.1. */
static const char *endpoint_of(const struct cli_progress *g, int i)
{
	const char *theirs =
	    parley_session_agreement_party_endpoint(g->agreement, (size_t)i, 0);
	const char *ours = parley_session_agreement_party_endpoint(
	    g->agreement, (size_t)g->self, 0);

	return g->self < i || ours == NULL ? theirs : NULL;
}

static void show_waiting(const struct cli_progress *g,
			 const struct parley_progress *p)
{
	const char *endpoint = p->endpoint;

	/* Between two attempts nothing is dialled, but will be again. */
	if (endpoint == NULL)
		endpoint = endpoint_of(g, p->party);
	if (g->emit != NULL) {
		g->emit(json_pack("{s:s, s:i, s:s, s:s, s:s, s:s?, s:s?, s:I}",
				  "event", "waiting", "party", p->party, "name",
				  p->name, "did", p->did, "state",
				  parley_session_party_state_name(p->state),
				  "endpoint", endpoint, "detail", p->detail,
				  "waited_ms", (json_int_t)p->waited_ms));
		return;
	}
	cli_out_note("waiting for %s%s%s (%s%s, %" PRId64 " s)%s%s", p->name,
		     p->name[0] != '\0' ? " " : "", p->did,
		     endpoint != NULL ? "dialling " : "it will dial",
		     endpoint != NULL ? endpoint : "", p->waited_ms / 1000,
		     p->detail != NULL ? ": " : "",
		     p->detail != NULL ? p->detail : "");
}

void cli_progress_show(struct cli_progress *g, const struct parley_progress *p)
{
	struct cli_progress_party *party;

	if (p->party < 0 || p->party >= g->n || p->state == PARLEY_PARTY_SELF ||
	    p->state == PARLEY_PARTY_CLOSED)
		return;
	party = &g->parties[p->party];
	if (party->shown && party->state == p->state &&
	    p->waited_ms - party->shown_ms < REPEAT_MS)
		return;
	/* When all are ready the caller has more to say. */
	if (p->state != PARLEY_PARTY_READY)
		show_waiting(g, p);
	else if (g->emit == NULL && !(party->shown && party->state == p->state))
		cli_out_note("%s%s%s is here", p->name,
			     p->name[0] != '\0' ? " " : "", p->did);
	party->shown = true;
	party->state = p->state;
	party->shown_ms = p->waited_ms;
}
