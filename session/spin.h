/*
 * Spinning: to look again and again whether something has come, instead of
 * sleeping until it has.
 *
 * To wake a processor up takes longer than the other end needs to answer, so
 * where both ends have a processor of their own, spinning makes a round trip
 * several times as fast, for less processor time.  Where they share one, it
 * keeps the other end from answering; where the other end is far away, it is
 * all in vain.  Nobody tells a library which it is: it is learned, for each
 * connection, from what spinning has brought so far.
 */
#ifndef SESSION_SPIN_H
#define SESSION_SPIN_H

#include <stdbool.h>

enum {
	SESSION_SPIN_US = 50,	       /* the default of the sessions' option */
	SESSION_SPIN_US_MAX = 10000,   /* the longest that may be asked for */
	SESSION_SPIN_PAUSE_MIN = 8,    /* waits after one spun in vain */
	SESSION_SPIN_PAUSE_MAX = 1024, /* and after many */
	SESSION_SPIN_STREAK = 32,      /* successes: a failure is an accident */
	SESSION_SPIN_ASK = 64,	       /* successes until the kernel is asked */
	SESSION_SPIN_PREEMPTED_MAX = 2, /* in these */
};

/* Starts as zeroes. */
struct session_spin {
	unsigned pause;	 /* waits that do not spin, from now on */
	unsigned length; /* of the last pause */
	unsigned streak; /* successes since */
	bool asked;
	long preempted; /* this thread, when the kernel was asked */
};

/*
 * session_spin_may(s):
 * Is this wait to spin?  To be asked once for every wait.
 */
static inline bool session_spin_may(struct session_spin *s)
{
	if (s->pause == 0)
		return true;
	s->pause--;
	return false;
}

/*
 * session_spin_learn(s, came):
 * A wait has spun, and something ${came} or nothing did.
 */
void session_spin_learn(struct session_spin *s, bool came);

#endif /* !SESSION_SPIN_H */
