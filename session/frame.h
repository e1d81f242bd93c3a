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
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { SESSION_FRAME_HEADROOM = 16 };

struct session_frame {
	uint8_t *data;
	size_t len;
	size_t size;		    /* allocated */
	struct session_frame *next; /* for whoever made it */
	void (*release)(struct session_frame *f);
	atomic_uint refs;
	struct session_frame_pool *pool; /* of session_frame_pool_get() */
	/* Directly before the data of a frame in memory of our own: room for
	 * whoever sends it, so that one buffer goes in one call. */
	uint8_t headroom[SESSION_FRAME_HEADROOM];
};

/* session_frame_has_headroom(f): does ${f}->headroom lie before its data? */
static inline bool session_frame_has_headroom(const struct session_frame *f)
{
	return f->data == f->headroom + SESSION_FRAME_HEADROOM;
}

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

/*
 * Frames of one size that are used again and again, so that a record costs no
 * allocation and finds its memory warm.  One thread takes; any gives back.
 */
struct session_frame_pool;

/* session_frame_pool_new(size): a pool of frames of ${size} bytes, or NULL. */
struct session_frame_pool *session_frame_pool_new(size_t size);

/* session_frame_pool_get(pool): a frame of it, one reference; or NULL. */
struct session_frame *session_frame_pool_get(struct session_frame_pool *pool);

/*
 * session_frame_pool_large(pool, size):
 * A frame of at least ${size} bytes, its ${len} being all of them, one
 * reference; or NULL.  A few that were given back are used again.  Taken and
 * given back by the pool's one taker only.  ${pool} may be NULL.
 */
struct session_frame *session_frame_pool_large(struct session_frame_pool *pool,
					       size_t size);

/* session_frame_pool_returned(pool): did anything come back since the trim? */
bool session_frame_pool_returned(const struct session_frame_pool *pool);

/* session_frame_pool_size(pool): bytes of its frames. */
size_t session_frame_pool_size(const struct session_frame_pool *pool);

/*
 * session_frame_pool_trim(pool, n):
 * Keep at most ${n} that are not in use, and no large one.
 */
void session_frame_pool_trim(struct session_frame_pool *pool, size_t n);

/*
 * session_frame_pool_free(pool):
 * Give the pool up; frames still in use are freed when they are given back.
 * NULL is allowed.
 */
void session_frame_pool_free(struct session_frame_pool *pool);

#endif /* !SESSION_FRAME_H */
