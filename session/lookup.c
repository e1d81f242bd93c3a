/*
 * Names of hosts: getaddrinfo() in a thread.
 *
 * The thread, who asked, and the list that counts own a reference each, and
 * nothing else is shared: whoever comes last frees.  So the thread may outlive
 * the carrier, and the session, for as long as the resolver takes.
 */
#include "session/lookup.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/err.h>

enum {
	HOST_SIZE = 256,
	PORT_SIZE = 6,
};

struct session_lookup {
	char host[HOST_SIZE], port[PORT_SIZE];
	struct session_lookup *next; /* on the list; its owner's */
	int done_fd;		     /* the thread's */
	struct addrinfo *list;
	atomic_bool done;
	atomic_int refs;
};

void session_lookup_free(struct session_lookup *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	if (l->list)
		freeaddrinfo(l->list);
	free(l);
}

static void *look_up(void *context)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICSERV};
	struct session_lookup *l = context;
	ssize_t n;

	if (getaddrinfo(l->host, l->port, &hints, &l->list))
		l->list = NULL;
	atomic_store(&l->done, true);
	/* Closing would not do: a forked process may have it, too. */
	n = write(l->done_fd, "", 1);
	(void)n; /* nobody waits any more */
	close(l->done_fd);
	session_lookup_free(l);
	return NULL;
}

/* With all signals blocked: they are the program's threads' to take. */
static int start_thread(struct session_lookup *l)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int e;

	if (pthread_attr_init(&attr))
		return PARLEY_ERR_MEMORY;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&thread, &attr, look_up, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return e ? PARLEY_ERR_SYSTEM : 0;
}

/* How many still go on?  The others leave the list. */
static size_t count(struct session_lookup_list *list)
{
	struct session_lookup **lp = &list->first, *l;
	size_t n = 0;

	while ((l = *lp)) {
		if (atomic_load(&l->done)) {
			*lp = l->next;
			session_lookup_free(l);
		} else {
			lp = &l->next;
			n++;
		}
	}
	return n;
}

void session_lookup_list_wipe(struct session_lookup_list *list)
{
	struct session_lookup *l;

	while ((l = list->first)) {
		list->first = l->next;
		session_lookup_free(l);
	}
}

int session_lookup_start(struct session_lookup **lp, int *fdp,
			 struct session_lookup_list *list, size_t max,
			 const char *host, const char *port)
{
	struct session_lookup *l;
	int ends[2], err;

	if (strlen(host) >= HOST_SIZE || strlen(port) >= PORT_SIZE)
		return PARLEY_ERR_ENDPOINT;
	if (count(list) >= max)
		return PARLEY_ERR_AGAIN;
	l = calloc(1, sizeof(*l));
	if (!l)
		return PARLEY_ERR_MEMORY;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		free(l);
		return PARLEY_ERR_SYSTEM;
	}
	strcpy(l->host, host);
	strcpy(l->port, port);
	l->done_fd = ends[1];
	atomic_init(&l->done, false);
	atomic_init(&l->refs, 3);
	err = start_thread(l);
	if (err) {
		close(ends[0]);
		close(ends[1]);
		free(l);
		return err;
	}
	l->next = list->first;
	list->first = l;
	*lp = l;
	*fdp = ends[0];
	return 0;
}

bool session_lookup_take(struct session_lookup *l, struct addrinfo **listp)
{
	if (!atomic_load(&l->done))
		return false;
	*listp = l->list;
	l->list = NULL;
	return true;
}
