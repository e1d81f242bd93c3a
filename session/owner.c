/*
 * The mark is in a page that the kernel empties in a forked process,
 * MADV_WIPEONFORK of madvise(2): to look at it costs nothing, and it also
 * works where a process was made by clone(2) without the C library's knowing.
 */
#include "session/owner.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static long page_len(void)
{
	return sysconf(_SC_PAGESIZE);
}

void session_owner_init(struct session_owner *o)
{
	const size_t len = (size_t)page_len();
	bool *page = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*o = (struct session_owner){.pid = getpid()};
	if (page == MAP_FAILED)
		return;
	if (madvise(page, len, MADV_WIPEONFORK)) {
		munmap(page, len);
		return;
	}
	*page = true;
	o->mark = page;
}

bool session_owner_ask(const struct session_owner *o)
{
	return o->pid == getpid();
}

void session_owner_wipe(struct session_owner *o)
{
	if (o->mark)
		munmap((void *)(uintptr_t)o->mark, (size_t)page_len());
	*o = (struct session_owner){0};
}
