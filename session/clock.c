/*
 * Clocks.  The kernel answers them without a system call.
 */
#include "session/clock.h"

#include <time.h>

_Static_assert(sizeof(time_t) >= sizeof(int64_t), "agreements outlive 2038");

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t session_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t session_now_ms(void)
{
	return session_now_us() / 1000;
}

int64_t session_now_coarse_ms(void)
{
	return clock_us(CLOCK_MONOTONIC_COARSE) / 1000;
}

int64_t session_now_utc_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}
