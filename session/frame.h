/*
 * A frame: the bytes of one message of the carrier, with an owner.
 *
 * Whoever holds a frame frees it by session_frame_free(), or passes it on to
 * a function that says it takes it.  A carrier that received a frame into
 * memory of its own makes one with its own ${release}.
 */
#ifndef SESSION_FRAME_H
#define SESSION_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct session_frame {
	uint8_t *data;
	size_t len;
	struct session_frame *next; /* for whoever holds it */
	void (*release)(struct session_frame *f);
	unsigned refs; /* for whoever holds it; 0 when made */
};

/* session_frame_new(size): a frame of ${size} bytes, or NULL. */
struct session_frame *session_frame_new(size_t size);

/* session_frame_free(f): NULL is allowed. */
static inline void session_frame_free(struct session_frame *f)
{
	if (f)
		f->release(f);
}

#endif /* !SESSION_FRAME_H */
