/*
 * How much is allocated now: for tests of what others can make us keep.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <malloc.h>
#include <stddef.h>

/* Of the sanitizers' allocator, where that is linked. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* Always the same under valgrind, and with musl: tests see no growth there. */
static inline size_t memory_used(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
#ifdef __GLIBC__
	return mallinfo2().uordblks + mallinfo2().hblkhd;
#else
	return 0;
#endif
}

#endif /* !TESTS_MEMORY_H */
