/*
 * A descriptor that is readable or not as one says: it tells who waits for
 * descriptors that there is something to do already.
 */
#ifndef SESSION_WAKE_H
#define SESSION_WAKE_H

#include <stdbool.h>

struct session_wake {
	int fd; /* -1: none */
	bool on;
};

/*
 * session_wake_init(w): not readable.  Returns 0, or PARLEY_ERR_SYSTEM, after
 * which session_wake_close() is allowed.
 */
int session_wake_init(struct session_wake *w)
    __attribute__((warn_unused_result));

/* session_wake_set(w, on): readable or not.  Returns 0 or PARLEY_ERR_SYSTEM. */
int session_wake_set(struct session_wake *w, bool on);

/* session_wake_close(w): there is none any more. */
void session_wake_close(struct session_wake *w);

#endif /* !SESSION_WAKE_H */
