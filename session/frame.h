/*
 * A frame: the bytes of one message of the carrier, counted.
 *
 * Whoever holds a frame holds a reference, and gives it back by
 * session_frame_free() or passes it on to a function that says it takes it.
 * A carrier that received a frame into memory of its own makes one with its
 * own ${release}.  The last reference may be given back on another thread.
 */
#ifndef SESSION_FRAME_H
#define SESSION_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct session_frame {
	uint8_t *data;
	size_t len;
	struct session_frame *next; /* for whoever made it */
	void (*release)(struct session_frame *f);
	atomic_uint refs;
};

/* session_frame_new(size): a frame of ${size} bytes, one reference; or NULL. */
struct session_frame *session_frame_new(size_t size);

/* session_frame_ref(f): one reference more; returns ${f}. */
static inline struct session_frame *session_frame_ref(struct session_frame *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

/* session_frame_free(f): give a reference back.  NULL is allowed. */
static inline void session_frame_free(struct session_frame *f)
{
	if (f &&
	    atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
		f->release(f);
}

#endif /* !SESSION_FRAME_H */
