/*
 * Whose something is: of the process that made it, and not of one that was
 * forked from it.
 */
#ifndef SESSION_OWNER_H
#define SESSION_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

struct session_owner {
	const volatile bool *mark; /* false in a forked process; or NULL */
	pid_t pid;		   /* where there is no mark */
};

/*
 * session_owner_init(o): this process.  Where the kernel gives no memory for a
 * mark, session_owner_is_here() costs a system call.
 */
void session_owner_init(struct session_owner *o);

/* session_owner_ask(o): session_owner_is_here(), without a mark. */
bool session_owner_ask(const struct session_owner *o);

/* session_owner_is_here(o): is this the process that made it? */
static inline bool session_owner_is_here(const struct session_owner *o)
{
	return o->mark ? *o->mark : session_owner_ask(o);
}

/* session_owner_wipe(o): it is nobody's any more. */
void session_owner_wipe(struct session_owner *o);

#endif /* !SESSION_OWNER_H */
