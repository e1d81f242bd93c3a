/*
 * joint-stats with a signal that comes between two waits: linked with
 * --wrap=parley_session_close.
 */
#include <signal.h>

#include <parley/session.h>

int __real_parley_session_close(struct parley_session *s);
int __wrap_parley_session_close(struct parley_session *s);

int __wrap_parley_session_close(struct parley_session *s)
{
	raise(SIGINT);
	return __real_parley_session_close(s);
}
