/*
 * One listening port for many sessions; the public part is in
 * <parley/session.h>.
 *
 * To a session the hub is a carrier like any other: its port.  What comes on
 * the port's connections is for that session alone.  A stranger's first frame
 * is shown to each session, which costs one hash each, and its connection
 * belongs from then on to the one whom it fits; whom it fits nobody gets
 * silence, as from a single session.
 */
#ifndef SESSION_HUB_H
#define SESSION_HUB_H

#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/carrier.h"

/* What a session says to a stranger's first frame; the most wins. */
enum session_hub_fit {
	SESSION_HUB_NONE,    /* not for this session */
	SESSION_HUB_GATE,    /* knows the agreement, and wants another DID */
	SESSION_HUB_RUNNING, /* for this party, whose session has begun */
	SESSION_HUB_EXACT,   /* for this party, whom it waits for */
};

typedef enum session_hub_fit session_hub_fits(void *context, const uint8_t *msg,
					      size_t len);

/*
 * session_hub_port_new(cp, hub, fits, context):
 * A carrier over ${hub}, which it keeps alive.  It does not listen: the hub
 * does.  Its descriptor tells of what the hub has for it and not of the
 * network: that is parley_session_hub_fd().
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM, PARLEY_ERR_TOO_LARGE
 * (too many sessions).
 */
int session_hub_port_new(struct session_carrier **cp,
			 struct parley_session_hub *hub, session_hub_fits *fits,
			 void *context) __attribute__((warn_unused_result));

#endif /* !SESSION_HUB_H */
