/*
 * Frames in memory of our own: header and bytes in one allocation.
 *
 * A pool has one taker and many givers: givers push onto ${back} by
 * compare-and-swap, the taker takes all of ${back} at once when its own list
 * is empty.  Since only one thread ever takes, nothing can come back between
 * its look and its swap (no ABA).
 */
#include "session/frame.h"

enum { LARGE_KEPT_MAX = 4 * 1024 * 1024 };

static void release(struct session_frame *f)
{
	free(f);
}

static struct session_frame *make_frame(
    size_t size, void (*release_by)(struct session_frame *f),
    struct session_frame_pool *pool)
{
	struct session_frame *f = malloc(sizeof(*f) + size);

	if (!f)
		return NULL;
	f->data = f->headroom + SESSION_FRAME_HEADROOM;
	f->len = f->size = size;
	f->next = NULL;
	f->release = release_by;
	f->pool = pool;
	atomic_init(&f->refs, 1);
	return f;
}

struct session_frame *session_frame_new(size_t size)
{
	return make_frame(size, release, NULL);
}

struct session_frame_pool {
	size_t size;
	struct session_frame *own;   /* the taker's */
	struct session_frame *large; /* likewise */
	size_t large_len;	     /* bytes of them */
	_Atomic(struct session_frame *) back;
	atomic_bool returned; /* since the last trim */
	atomic_size_t refs;   /* the taker, and every frame in use */
};

static void free_large(struct session_frame_pool *pool)
{
	struct session_frame *f;

	while ((f = pool->large)) {
		pool->large = f->next;
		free(f);
	}
	pool->large_len = 0;
}

static void unref(struct session_frame_pool *pool)
{
	struct session_frame *f;

	if (atomic_fetch_sub(&pool->refs, 1) != 1)
		return;
	while ((f = atomic_load(&pool->back))) {
		atomic_store(&pool->back, f->next);
		free(f);
	}
	free_large(pool);
	free(pool);
}

static void give_back(struct session_frame *f)
{
	struct session_frame_pool *pool = f->pool;

	atomic_store_explicit(&pool->returned, true, memory_order_relaxed);
	f->next = atomic_load(&pool->back);
	while (!atomic_compare_exchange_weak(&pool->back, &f->next, f))
		;
	unref(pool);
}

struct session_frame_pool *session_frame_pool_new(size_t size)
{
	struct session_frame_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->size = size;
	atomic_init(&pool->back, NULL);
	atomic_init(&pool->returned, false);
	atomic_init(&pool->refs, 1);
	return pool;
}

struct session_frame *session_frame_pool_get(struct session_frame_pool *pool)
{
	struct session_frame *f;

	if (!pool->own)
		pool->own = atomic_exchange(&pool->back, NULL);
	f = pool->own;
	if (f) {
		pool->own = f->next;
		f->next = NULL;
		f->len = pool->size;
		atomic_store(&f->refs, 1);
	} else {
		f = make_frame(pool->size, give_back, pool);
	}
	if (f)
		atomic_fetch_add(&pool->refs, 1);
	return f;
}

static void give_large_back(struct session_frame *f)
{
	struct session_frame_pool *pool = f->pool;

	if (f->size > LARGE_KEPT_MAX - pool->large_len) {
		free(f);
	} else {
		f->next = pool->large;
		pool->large = f;
		pool->large_len += f->size;
		atomic_store_explicit(&pool->returned, true,
				      memory_order_relaxed);
	}
	unref(pool);
}

struct session_frame *session_frame_pool_large(struct session_frame_pool *pool,
					       size_t size)
{
	struct session_frame **p, *f;

	if (!pool)
		return session_frame_new(size);
	for (p = &pool->large; *p && (*p)->size < size; p = &(*p)->next)
		;
	f = *p;
	if (f) {
		*p = f->next;
		f->next = NULL;
		pool->large_len -= f->size;
		f->len = f->size;
		atomic_store(&f->refs, 1);
	} else {
		f = make_frame(size, give_large_back, pool);
	}
	if (f)
		atomic_fetch_add(&pool->refs, 1);
	return f;
}

bool session_frame_pool_returned(const struct session_frame_pool *pool)
{
	return atomic_load_explicit(&pool->returned, memory_order_relaxed);
}

size_t session_frame_pool_size(const struct session_frame_pool *pool)
{
	return pool->size;
}

void session_frame_pool_trim(struct session_frame_pool *pool, size_t n)
{
	struct session_frame **end = &pool->own, *f;

	atomic_store_explicit(&pool->returned, false, memory_order_relaxed);
	free_large(pool);
	while (*end && n > 0) {
		end = &(*end)->next;
		n--;
	}
	if (!*end)
		*end = atomic_exchange(&pool->back, NULL);
	while (*end && n > 0) {
		end = &(*end)->next;
		n--;
	}
	while ((f = *end)) {
		*end = f->next;
		free(f);
	}
}

void session_frame_pool_free(struct session_frame_pool *pool)
{
	if (!pool)
		return;
	session_frame_pool_trim(pool, 0);
	unref(pool);
}
