/*
 * Lists of those who are ready: to be read, to be sent, to be taken.  Each
 * stands on a list at most once, at the place where it came to it.
 *
 * Who is to stand on a list has a struct session_ready of it as a member; it
 * leaves the list before it is freed.
 */
#ifndef SESSION_READY_H
#define SESSION_READY_H

#include <stdbool.h>
#include <stddef.h>

struct session_ready {
	struct session_ready *next;
	bool listed;
};

struct session_ready_list {
	struct session_ready *first, **tail; /* first: NULL if empty */
};

/* SESSION_READY_OF(r, type, member): the ${type} whose ${member} ${*r} is. */
#define SESSION_READY_OF(r, type, member) \
	((type *)(void *)((char *)(r)-offsetof(type, member)))

/* session_ready_init(list): nobody is on it. */
static inline void session_ready_init(struct session_ready_list *list)
{
	list->first = NULL;
	list->tail = &list->first;
}

/* session_ready_add(list, r): put ${r} at the end, unless it is listed. */
static inline void session_ready_add(struct session_ready_list *list,
				     struct session_ready *r)
{
	if (r->listed)
		return;
	r->listed = true;
	r->next = NULL;
	*list->tail = r;
	list->tail = &r->next;
}

/*
 * session_ready_remove(list, r):
 * Take ${r} from the list if it is there.  Walks over those before it.
 */
static inline void session_ready_remove(struct session_ready_list *list,
					struct session_ready *r)
{
	struct session_ready **p = &list->first;

	if (!r->listed)
		return;
	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	if (!*p)
		list->tail = p;
	r->listed = false;
}

#endif /* !SESSION_READY_H */
