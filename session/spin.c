/*
 * What was learned of spinning.  The invariant: what comes to nothing is tried
 * ever more rarely, down to once in SESSION_SPIN_PAUSE_MAX waits.
 */
#include "session/spin.h"

#include <sys/resource.h>

static void pause_longer(struct session_spin *s)
{
	if (s->length == 0)
		s->length = SESSION_SPIN_PAUSE_MIN;
	else if (s->length < SESSION_SPIN_PAUSE_MAX)
		s->length *= 2;
	s->pause = s->length;
	s->streak = 0;
}

/* Has somebody else taken the processor from this thread more than by chance?
 */
static bool is_in_the_way(struct session_spin *s)
{
	struct rusage r;
	long before = s->preempted;
	bool first = !s->asked;

	if (getrusage(RUSAGE_THREAD, &r))
		return false;
	s->preempted = r.ru_nivcsw;
	s->asked = true;
	return !first && r.ru_nivcsw - before > SESSION_SPIN_PREEMPTED_MAX;
}

void session_spin_learn(struct session_spin *s, bool came)
{
	if (!came) {
		pause_longer(s);
		return;
	}
	s->streak++;
	if (s->streak % SESSION_SPIN_ASK == 0 && is_in_the_way(s)) {
		pause_longer(s);
		return;
	}
	if (s->streak >= SESSION_SPIN_STREAK)
		s->length = 0;
}
