/*
 * A descriptor that is readable or not as one says: an eventfd, which is 0 or
 * 1.  A call of the kernel is made only where something changes.
 */
#include "session/wake.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <parley/err.h>

int session_wake_init(struct session_wake *w)
{
	w->on = false;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return w->fd < 0 ? PARLEY_ERR_SYSTEM : 0;
}

int session_wake_set(struct session_wake *w, bool on)
{
	uint64_t one = 1;

	if (on == w->on)
		return 0;
	if ((on ? write(w->fd, &one, sizeof(one))
		: read(w->fd, &one, sizeof(one))) != sizeof(one))
		return PARLEY_ERR_SYSTEM;
	w->on = on;
	return 0;
}

void session_wake_close(struct session_wake *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
