/*
 * Sessions inside the library; the public part is in <parley/session.h>.
 *
 *   session.c   the public API: beginning, life, what can be asked
 *   message.c   ... sending and receiving
 *   close.c     ... the end
 *   drive.c     waiting; driving from outside
 *   party.c     what goes to one party; its loss
 *   error.c     why the last call failed
 *   mesh.c      who is there: connections, handshakes, barrier; see mesh.h
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

#include "session/agreement.h"
#include "session/carrier.h"
#include "session/channel.h"
#include "session/clock.h"
#include "session/handshake.h"
#include "session/hub.h"
#include "session/owner.h"
#include "session/ready.h"
#include "session/resume.h"
#include "session/retransmit.h"

enum {
	SESSION_TEXT_SIZE = 1024, /* error sentences */
	SESSION_DETAIL_SIZE = 160,
	SESSION_PROGRESS_MS = 1000,
	SESSION_EVENTS_MAX = 1024,	  /* of the carrier, at a time */
	SESSION_CHALLENGES_MAX = 4,	  /* under way with one party */
	SESSION_SPARES_MAX = 4,		  /* former connections of a party */
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
	char *finished;	    /* R's, in base64url; or NULL */
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
	/* Whom it gave up waiting for, before it left. */
	const struct session_party *missed;

	/* PROTOCOL 5.6 and 6.3. */
	bool try_resume; /* at the next attempt, while opening */
	int64_t lost_ms; /* when an interrupted party is lost */
	struct session_retransmit timers;
	uint64_t n_resumes;

	/* Running. */
	struct session_ready dirty; /* items wait in the open record */
	struct session_ready full;  /* messages wait to be taken */
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
	struct session_owner owner;
	const struct parley_agreement *agreement;
	const struct parley_identity *identity;
	struct parley_session_options o;
	char *listen;
	struct session_channel_options channel;
	struct session_frame_pool *pool; /* of records */
	struct session_aead_machine machine;

	enum parley_session_state state;
	struct session_handshake_self self;
	struct session_gate gate;
	size_t n;
	struct session_party *parties;
	struct session_link *links, **links_tail;
	size_t n_strangers;
	struct session_carrier *carrier;

	/* What those who pass the gate may make us do, and say. */
	int64_t answers_us;  /* when the answers given so far were due */
	int64_t stranger_ms; /* when one was refused aloud last */
	unsigned n_unsaid;   /* refused since then */

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
	struct session_ready_list dirty, full; /* parties */
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
 * session_name_party(s, party, text, size, after):
 * "party 1 'bob' (did:key:...)" and ${after} into ${text}, cut at ${size}.
 * Returns how long it is, as snprintf() does.
 */
size_t session_name_party(const struct parley_session *s, int party, char *text,
			  size_t size, const char *after);

/*
 * session_error(s, err, culprit, format, ...):
 * Note the error sentence, with the party in front of it if ${culprit} is not
 * -1, and return ${err}.
 */
int session_error(struct parley_session *s, int err, int culprit,
		  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* session_refuse(s, err, why): an error of the caller's, of no party. */
int session_refuse(struct parley_session *s, int err, const char *why);

/*
 * session_check_owner(s):
 * 0, or PARLEY_ERR_STATE in a process that was forked from the session's: it
 * has the same keys and would seal something else under the same numbers.
 */
static inline int session_check_owner(struct parley_session *s)
{
	return session_owner_is_here(&s->owner)
		   ? 0
		   : session_refuse(s, PARLEY_ERR_STATE,
				    "the session is that of the process that "
				    "opened it, and not of one forked from it");
}

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

/* session_is_dialler(s, party): of that pair, are we (PROTOCOL 7.1)? */
static inline bool session_is_dialler(const struct parley_session *s, int party)
{
	return session_agreement_dials(s->agreement, s->self.index,
				       (size_t)party);
}

/* session_is_opening(s): has the barrier still to come? */
static inline bool session_is_opening(const struct parley_session *s)
{
	return s->state == PARLEY_SESSION_OPENING;
}

/* session_wake_at(s, ms): timers are looked at by then. */
static inline void session_wake_at(struct parley_session *s, int64_t ms)
{
	if (ms < s->next_timer_ms)
		s->next_timer_ms = ms;
}

#endif /* !SESSION_SESSION_H */
