/*
 * Another party of a forwarder: events that concern it, with a sentence that
 * names it, and messages to it.  A message that the session does not accept
 * now blocks the party; whoever sent it keeps it.
 */
#include "session/forward_party.h"

#include <stdarg.h>
#include <stdio.h>

#include <parley/err.h>

#include "session/session.h"

void session_forward_party_report(struct session_forward *f,
				  const struct session_forward_event *e,
				  const char *format, ...)
{
	const struct parley_agreement *a = f->session->agreement;
	struct session_forward_event told = *e;
	char text[SESSION_FORWARD_TEXT_SIZE];
	const char *name;
	size_t len;
	va_list ap;

	if (!f->o.on_event)
		return;
	name = parley_session_agreement_party_name(a, (size_t)e->party);
	len = (size_t)snprintf(
	    text, sizeof(text),
	    *name ? "party %d '%s' (%s): " : "party %d%s (%s): ", e->party,
	    name, parley_session_agreement_party_did(a, (size_t)e->party));
	if (len < sizeof(text)) {
		va_start(ap, format);
		vsnprintf(text + len, sizeof(text) - len, format, ap);
		va_end(ap);
	}
	told.text = text;
	f->o.on_event(f->o.context, &told);
}

bool session_forward_party_send(struct session_forward *f, int party,
				const void *msg, size_t len)
{
	int err = parley_session_send(f->session, party, msg, len);

	if (err == PARLEY_ERR_MEMORY)
		f->err = err;
	if (err)
		f->parties[party].blocked = true;
	return !err;
}
