/*
 * Clocks: the monotonic one, by which everything here is timed, and UTC.
 */
#ifndef SESSION_CLOCK_H
#define SESSION_CLOCK_H

#include <stdint.h>

/* session_now_us(), session_now_ms(): monotonic. */
int64_t session_now_us(void);
int64_t session_now_ms(void);

/* session_now_coarse_ms(): the same, up to a tick of the kernel behind. */
int64_t session_now_coarse_ms(void);

/* session_now_utc_ms(): since 1970. */
int64_t session_now_utc_ms(void);

#endif /* !SESSION_CLOCK_H */
