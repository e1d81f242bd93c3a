/*
 * Another party of a forwarder: what is said of it and to it.
 */
#ifndef SESSION_FORWARD_PARTY_H
#define SESSION_FORWARD_PARTY_H

#include <stdbool.h>
#include <stddef.h>

#include "session/forward_stream.h"

/*
 * session_forward_party_report(f, e, format, ...):
 * Tell the caller of ${e}; the sentence begins with the party's name.  What
 * others can bring about again and again is not told each time.
 */
void session_forward_party_report(struct session_forward *f,
				  const struct session_forward_event *e,
				  const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * session_forward_party_send(f, party, msg, len):
 * Send a message of the protocol.  Returns false if that is not possible now;
 * then the party is noted as blocked.
 */
bool session_forward_party_send(struct session_forward *f, int party,
				const void *msg, size_t len);

/*
 * session_forward_party_cut_off(f, party, why):
 * It has broken the rules as nobody does by mistake: it is lost, by name.
 */
void session_forward_party_cut_off(struct session_forward *f, int party,
				   const char *why);

#endif /* !SESSION_FORWARD_PARTY_H */
