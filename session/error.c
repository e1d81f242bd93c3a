/*
 * The sentence that says why the last call failed, and of which party.
 */
#include <stdarg.h>
#include <stdio.h>

#include "session/session.h"

size_t session_name_party(const struct parley_session *s, int party, char *text,
			  size_t size, const char *after)
{
	const size_t i = (size_t)party;
	const char *name = parley_session_agreement_party_name(s->agreement, i);

	return (size_t)snprintf(
	    text, size, *name ? "party %d '%s' (%s)%s" : "party %d%s (%s)%s",
	    party, name, parley_session_agreement_party_did(s->agreement, i),
	    after);
}

int session_error(struct parley_session *s, int err, int culprit,
		  const char *format, ...)
{
	size_t len = 0;
	va_list ap;

	s->culprit = culprit;
	s->error[0] = '\0';
	if (culprit >= 0)
		len = session_name_party(s, culprit, s->error, sizeof(s->error),
					 ": ");
	if (len < sizeof(s->error)) {
		va_start(ap, format);
		vsnprintf(s->error + len, sizeof(s->error) - len, format, ap);
		va_end(ap);
	}
	return err;
}

int session_refuse(struct parley_session *s, int err, const char *why)
{
	return session_error(s, err, -1, "%s", why);
}
