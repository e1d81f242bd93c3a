/*
 * Another party of a forwarder: events that concern it, with a sentence that
 * names it, and messages to it.  A message that the session does not accept
 * now blocks the party; whoever sent it keeps it.
 *
 * What a party or another user of this machine can make happen at will is told
 * at a limited pace, for each reason alone, so that nobody fills a log nor
 * hides one thing behind many others.
 */
#include "session/forward_party.h"

#include <stdarg.h>
#include <stdio.h>

#include <parley/err.h>

#include "session/party.h"
#include "session/session.h"

enum { TELL_MS = 1000 };

static struct session_forward_pace *pace_of(
    struct session_forward *f, const struct session_forward_event *e)
{
	struct session_forward_party *p = &f->parties[e->party];
	const unsigned reason = (unsigned)e->reason;

	if (e->type == SESSION_FORWARD_REFUSED)
		return &p->refused;
	if (e->type != SESSION_FORWARD_CUT)
		return NULL;
	return &p->cuts[e->ours]
		       [reason <= SESSION_FORWARD_PROTOCOL ? reason : 0];
}

static bool may_tell(struct session_forward_pace *pace)
{
	const int64_t now = session_now_ms();
	const int64_t n = (now - pace->since_ms) / TELL_MS;

	if (n > 0) {
		pace->since_ms = now;
		pace->left = n < SESSION_FORWARD_TOLD_MAX - pace->left
				 ? pace->left + n
				 : SESSION_FORWARD_TOLD_MAX;
	}
	if (pace->left == 0) {
		pace->untold++;
		return false;
	}
	pace->left--;
	return true;
}

void session_forward_party_report(struct session_forward *f,
				  const struct session_forward_event *e,
				  const char *format, ...)
{
	struct session_forward_pace *pace = pace_of(f, e);
	struct session_forward_event told = *e;
	char text[SESSION_FORWARD_TEXT_SIZE];
	size_t len;
	va_list ap;

	if (!f->o.on_event || (pace && !may_tell(pace)))
		return;
	len =
	    session_name_party(f->session, e->party, text, sizeof(text), ": ");
	if (len < sizeof(text)) {
		va_start(ap, format);
		len += (size_t)vsnprintf(text + len, sizeof(text) - len, format,
					 ap);
		va_end(ap);
	}
	if (pace && pace->untold > 0 && len < sizeof(text))
		snprintf(text + len, sizeof(text) - len,
			 " (and %u times more since the last report)",
			 pace->untold);
	if (pace)
		pace->untold = 0;
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

void session_forward_party_cut_off(struct session_forward *f, int party,
				   const char *why)
{
	session_party_lose(f->session, &f->session->parties[party],
			   PARLEY_ERR_RECORD, why);
}
