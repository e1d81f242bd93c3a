/*
 * Sessions inside the library; the public part is in <parley/session.h>.
 *
 *   session.c   the public API: life, send, receive, close
 *   mesh.c      the opening (PROTOCOL 7): connections, handshakes, barrier
 *
 * A link is one connection with what became of it: a handshake, then a
 * channel.  A party has at most one link in use (up) and one that it dials.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/carrier.h"
#include "session/channel.h"
#include "session/clock.h"
#include "session/handshake.h"
#include "session/hub.h"
#include "session/resume.h"
#include "session/retransmit.h"

enum {
	SESSION_TEXT_SIZE = 1024, /* error sentences */
	SESSION_DETAIL_SIZE = 160,
	SESSION_PROGRESS_MS = 1000,
	SESSION_EVENTS_MAX = 1024,	  /* of the carrier, at a time */
	SESSION_GOODBYE_LINGER_MS = 1000, /* last acknowledgements leave */
	SESSION_CHALLENGES_MAX = 4,	  /* under way with one party */
	SESSION_RESUME_TIMEOUT_MS = 3000, /* for a challenge or an answer */
	SESSION_POOL_IDLE = 4,	     /* record buffers kept when all is quiet */
	SESSION_POOL_TRIM_MS = 1000, /* after buffers came back */
	SESSION_NOBODY = -2,
};

enum session_link_state {
	SESSION_LINK_DIALLING,	 /* I: waits for the connection */
	SESSION_LINK_PROPOSED,	 /* I: waits for accept */
	SESSION_LINK_CONFIRMED,	 /* I: waits for the first record */
	SESSION_LINK_ACCEPTED,	 /* R: waits for confirm */
	SESSION_LINK_RESUMED,	 /* X: waits for challenge */
	SESSION_LINK_CHALLENGED, /* Y: waits for answer */
	SESSION_LINK_SPARE,	 /* former connection of a channel */
	SESSION_LINK_UP,	 /* the party's channel */
	SESSION_LINK_DOWN,	 /* connection gone; messages may be left */
};

struct session_link {
	struct session_link *next, **prev; /* on parley_session.links */
	enum session_link_state state;
	int party; /* -1: a stranger's */
	struct session_conn *conn;
	struct session_handshake *handshake;
	struct session_channel *channel;
	struct session_resume resume;	       /* with a channel */
	struct session_resume_attempt attempt; /* RESUMED, CHALLENGED */
	uint8_t instance[SESSION_INSTANCE_LEN];
	int64_t deadline_ms;
	int64_t begun_us;
	uint64_t handshake_us;
	char *envelopes[2]; /* by role of who signed; or NULL */
};

struct session_party {
	enum parley_party_state state;
	struct session_link *up;   /* channel in use, also when it is DOWN */
	struct session_link *dial; /* own attempt */

	/* Dialling. */
	int64_t next_dial_ms;
	int retry_ms;
	size_t endpoint;

	/* PROTOCOL 7.2, 7.3. */
	uint8_t instance[SESSION_INSTANCE_LEN];
	bool has_instance;
	uint8_t ready[SESSION_HASH_LEN]; /* last READY received */
	bool has_ready;
	bool told_instances; /* for our present READY */
	bool told;	     /* knows that the opening failed */
	bool sent_ready;     /* on the channel in use */

	/* PROTOCOL 5.6 and 6.3. */
	bool try_resume; /* at the next attempt, while opening */
	int64_t lost_ms; /* when an interrupted party is lost */
	struct session_retransmit timers;
	uint64_t n_resumes;

	/* Running. */
	struct session_party *next_dirty, *next_full;
	bool dirty; /* items wait in the open record */
	bool full;  /* messages wait to be taken */
	bool close_sent;
	uint8_t *held; /* message accepted, partly put */
	struct session_outgoing rest;
	int lost_err;
	const struct session_party *lost_after; /* left for that one's sake */
	char detail[SESSION_DETAIL_SIZE];	/* last thing that went wrong */

	int64_t ping_us; /* sent at; 0: none under way */
	uint64_t rtt_us;
};

struct parley_session {
	const struct parley_agreement *agreement;
	const struct parley_identity *identity;
	struct parley_session_options o;
	char *listen;
	struct session_channel_options channel;
	struct session_frame_pool *pool; /* of records */

	enum parley_session_state state;
	struct session_handshake_self self;
	struct session_gate gate;
	size_t n;
	struct session_party *parties;
	struct session_link *links, **links_tail;
	size_t n_strangers;
	struct session_carrier *carrier;

	/* Opening. */
	int64_t opened_ms;
	int64_t deadline_ms;
	int64_t next_progress_ms;
	int64_t next_timer_ms;		 /* INT64_MAX: none */
	int64_t trim_ms;		 /* the pool; likewise */
	uint8_t ready[SESSION_HASH_LEN]; /* our last READY */
	bool has_ready;
	int failing; /* error; others are still being told */
	int64_t failing_until_ms;

	/* Running. */
	struct session_party *dirty, **dirty_tail;
	struct session_party *full, **full_tail;
	const struct session_party *first_lost;
	int64_t first_lost_ms;
	int wanted; /* recv() waits for it, or for PARLEY_ANY, or _NOBODY */

	/* parley_session_fd(). */
	int epoll_fd;
	int timer_fd;
	int64_t timer_armed_ms;

	int culprit;
	char error[SESSION_TEXT_SIZE];
};

/*
 * session_error(s, err, culprit, format, ...):
 * Note the error sentence, with the party in front of it if ${culprit} is not
 * -1, and return ${err}.
 */
int session_error(struct parley_session *s, int err, int culprit,
		  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* session_index(s, p): the index of a party. */
static inline int session_index(const struct parley_session *s,
				const struct session_party *p)
{
	return (int)(p - s->parties);
}

/*
 * session_live(p): is there a channel that can be used?  It may be without a
 * connection for a while: what is put then goes when it comes back.
 */
static inline bool session_live(const struct session_party *p)
{
	return p->up && p->up->state == SESSION_LINK_UP;
}

/*
 * session_party_flush(s, p):
 * Seal what waits for ${p} and send it.  A failure makes ${p} lost, which is
 * noted there and not returned.
 */
void session_party_flush(struct parley_session *s, struct session_party *p);

/*
 * session_party_timers(s, p):
 * Something was sent to ${p} or came from it: see to it that timers run.
 */
void session_party_timers(struct parley_session *s, struct session_party *p);

/* session_mark_dirty(s, p): items wait in its open record. */
void session_mark_dirty(struct parley_session *s, struct session_party *p);

/* session_mark_full(s, p): messages wait to be taken. */
void session_mark_full(struct parley_session *s, struct session_party *p);

/* session_party_pump(s, p): go on with a message that was held back. */
void session_party_pump(struct parley_session *s, struct session_party *p);

/*
 * session_party_lose(s, p, err, why):
 * The party will not come back (PROTOCOL 8.3).  What it sent is kept.
 */
void session_party_lose(struct parley_session *s, struct session_party *p,
			int err, const char *why);

/*
 * session_mesh_lost(s, p, err, why):
 * The channel of ${p} broke: while opening the party may come back, later it
 * is lost.  ${p}->up may be gone afterwards.
 */
void session_mesh_lost(struct parley_session *s, struct session_party *p,
		       int err, const char *why);

/*
 * session_mesh_start(s): listen, and dial whom the rule says.
 * Returns 0 or the errors of parley_session_new().
 */
int session_mesh_start(struct parley_session *s)
    __attribute__((warn_unused_result));

/*
 * session_mesh_process(s):
 * Act on all events of the carrier and on the timers, without waiting.
 * Returns 0, or the error that ended the session.
 */
int session_mesh_process(struct parley_session *s)
    __attribute__((warn_unused_result));

/*
 * session_mesh_timeout(s, limit_ms):
 * How long to wait at most, in ms, for carrier or timers, when the caller
 * waits until ${limit_ms} (monotonic; INT64_MAX: for ever).  -1: no limit.
 */
int session_mesh_timeout(const struct parley_session *s, int64_t limit_ms);

/* session_mesh_deadline(s): when something is due, monotonic ms. */
int64_t session_mesh_deadline(const struct parley_session *s);

/*
 * session_mesh_fits(s, msg, len):
 * Is the first frame ${msg} of a stranger meant for ${s}, a parley_session?
 * Changes nothing.
 */
session_hub_fits session_mesh_fits;

/* session_mesh_link_free(s, link): hang up, wipe and free. */
void session_mesh_link_free(struct parley_session *s,
			    struct session_link *link);

#endif /* !SESSION_SESSION_H */
