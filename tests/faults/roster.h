/*
 * n parties with identities, ports and an agreement, for programs that measure
 * processes: made before they fork.  Failures end the program.
 */
#ifndef TESTS_FAULTS_ROSTER_H
#define TESTS_FAULTS_ROSTER_H

#include <stddef.h>
#include <sys/types.h>

#include <parley/session.h>

enum {
	ROSTER_MAX = 1024,
};

struct roster {
	size_t n;
	struct parley_identity *ids[ROSTER_MAX];
	int fds[ROSTER_MAX]; /* keep the ports for their parties; or -1 */
	int ports[ROSTER_MAX];
	struct parley_agreement *agreement;
};

/*
 * roster_init(r, n, first_listener):
 * Those below ${first_listener} never listen: their endpoint is nobody's.
 */
void roster_init(struct roster *r, size_t n, size_t first_listener);

void roster_free(struct roster *r);

/* roster_rss(pid): memory that is that process's own, in bytes. */
double roster_rss(pid_t pid);

#endif /* !TESTS_FAULTS_ROSTER_H */
