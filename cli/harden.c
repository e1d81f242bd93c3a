/*
 * What this process forbids itself, because it holds secret keys.
 *
 * Limits and the file mode mask are inherited, but they are for this process
 * and not for the user's program.  What they were is a property of the whole
 * process, as they are themselves; so it is kept here once.
 */
#include "cli/harden.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct {
	struct rlimit core;
	mode_t mask;
} given;

void cli_harden(void)
{
	struct rlimit none;

	getrlimit(RLIMIT_CORE, &given.core);
	/* The hard limit stays: who lowers it cannot go back. */
	none = given.core;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	given.mask = umask(077);
}

void cli_harden_undo(void)
{
	setrlimit(RLIMIT_CORE, &given.core);
	umask(given.mask);
}
