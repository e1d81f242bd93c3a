/*
 * Looking up the addresses of a host while the caller goes on: name servers
 * may take longer than a session can wait, and a member chooses the name.  A
 * thread that nobody waits for any more cannot be stopped: so they are counted.
 */
#ifndef SESSION_LOOKUP_H
#define SESSION_LOOKUP_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

struct session_lookup;

/* Those that one caller has begun, also given up, and that go on.  Starts as
 * {0}. */
struct session_lookup_list {
	struct session_lookup *first;
};

/*
 * session_lookup_start(lp, fdp, list, max, host, port):
 * Begin in a thread of its own.  ${*fdp}, which is the caller's to close,
 * becomes readable when it is done.  Copies ${host} and ${port}.
 *
 * Returns 0, or PARLEY_ERR_AGAIN (${max} of ${list} still go on),
 * PARLEY_ERR_ENDPOINT (too long), PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int session_lookup_start(struct session_lookup **lp, int *fdp,
			 struct session_lookup_list *list, size_t max,
			 const char *host, const char *port)
    __attribute__((warn_unused_result));

/*
 * session_lookup_take(l, listp):
 * Is it done?  Then ${*listp} are the addresses, to be freed by
 * freeaddrinfo(), or NULL: there are none.
 */
bool session_lookup_take(struct session_lookup *l, struct addrinfo **listp);

/*
 * session_lookup_free(l):
 * Give it up; the thread ends when the name servers let it.  NULL is allowed.
 */
void session_lookup_free(struct session_lookup *l);

/*
 * session_lookup_list_wipe(list):
 * Count them no longer.  Those that go on end by themselves.
 */
void session_lookup_list_wipe(struct session_lookup_list *list);

#endif /* !SESSION_LOOKUP_H */
