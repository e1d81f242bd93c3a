/*
 * Accepted connections of the carrier over libzmq, and who is gone.
 *
 * A frame names its connection by routing id, a monitor by descriptor; both
 * may be late, and a descriptor may be another connection's by then.  So for
 * each descriptor it is counted how many ends are owed for its former uses.
 */
#include "session/carrier_zmq_conn.h"

#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

static struct session_carrier_zmq_conn **id_slot(
    const struct session_carrier_zmq *c, uint32_t id)
{
	return &c->by_id[(id * UINT32_C(2654435761)) & (c->n_slots - 1)];
}

static int grow_ids(struct session_carrier_zmq *c)
{
	const size_t n_old = c->n_slots;
	struct session_carrier_zmq_conn **old = c->by_id, *conn;
	size_t n_slots = n_old ? 2 * n_old : 64;
	struct session_carrier_zmq_conn **grown =
	    calloc(n_slots, sizeof(struct session_carrier_zmq_conn *));

	if (!grown)
		return PARLEY_ERR_MEMORY;
	c->by_id = grown;
	c->n_slots = n_slots;
	for (size_t i = 0; i < n_old; i++)
		while ((conn = old[i])) {
			struct session_carrier_zmq_conn **slot =
			    id_slot(c, conn->routing_id);

			old[i] = conn->chain;
			conn->chain = *slot;
			*slot = conn;
		}
	free(old);
	return 0;
}

int session_carrier_zmq_conn_grow_fds(struct session_carrier_zmq *c, size_t fd)
{
	size_t n = c->n_fds ? c->n_fds : 64;
	struct session_carrier_zmq_conn **by_fd;
	unsigned *owed, *early;

	while (n <= fd)
		n *= 2;
	if (n == c->n_fds)
		return 0;
	by_fd =
	    realloc(c->by_fd, n * sizeof(struct session_carrier_zmq_conn *));
	if (!by_fd)
		return PARLEY_ERR_MEMORY;
	c->by_fd = by_fd;
	owed = realloc(c->owed, n * sizeof(unsigned));
	if (!owed)
		return PARLEY_ERR_MEMORY;
	c->owed = owed;
	early = realloc(c->early, n * sizeof(unsigned));
	if (!early)
		return PARLEY_ERR_MEMORY;
	c->early = early;
	memset(by_fd + c->n_fds, 0,
	       (n - c->n_fds) * sizeof(struct session_carrier_zmq_conn *));
	memset(owed + c->n_fds, 0, (n - c->n_fds) * sizeof(unsigned));
	memset(early + c->n_fds, 0, (n - c->n_fds) * sizeof(unsigned));
	c->n_fds = n;
	return 0;
}

struct session_carrier_zmq_conn *session_carrier_zmq_conn_find(
    const struct session_carrier_zmq *c, uint32_t id)
{
	struct session_carrier_zmq_conn *conn =
	    c->n_slots ? *id_slot(c, id) : NULL;

	while (conn && conn->routing_id != id)
		conn = conn->chain;
	return conn;
}

void session_carrier_zmq_conn_set_ended(struct session_carrier_zmq *c,
					struct session_carrier_zmq_conn *conn)
{
	if (conn->fd >= 0 && c->by_fd[conn->fd] == conn)
		c->by_fd[conn->fd] = NULL;
	conn->fd = -1;
	conn->ended = true;
	conn->dead = c->ended;
	c->ended = conn;
	c->n_late = 0;
	session_ready_add(&c->ready, &c->router.ready);
}

int session_carrier_zmq_conn_add(struct session_carrier_zmq *c,
				 struct session_carrier_zmq_conn **connp,
				 struct session_carrier_zmq_conn **gonep,
				 uint32_t id, int fd)
{
	struct session_carrier_zmq_conn *conn;
	int err;

	*gonep = NULL;
	if (c->n_conns >= c->n_slots && (err = grow_ids(c)))
		return err;
	if (fd >= 0 && (err = session_carrier_zmq_conn_grow_fds(c, (size_t)fd)))
		return err;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return PARLEY_ERR_MEMORY;
	conn->routing_id = id;
	conn->fd = fd;
	conn->up = true;
	conn->chain = *id_slot(c, id);
	*id_slot(c, id) = conn;
	c->n_conns++;
	if (fd >= 0 && c->early[fd] > 0) {
		c->early[fd]--;
		c->n_early--;
		session_carrier_zmq_conn_set_ended(c, conn);
	} else if (fd >= 0) {
		*gonep = c->by_fd[fd];
		if (*gonep) {
			(*gonep)->fd = -1;
			c->owed[fd]++;
		}
		c->by_fd[fd] = conn;
	}
	*connp = conn;
	return 0;
}

/* Of one that ended, so that its descriptor is another's by now, or nobody's.
 */
static void remove_accepted(struct session_carrier_zmq *c,
			    struct session_carrier_zmq_conn *conn)
{
	struct session_carrier_zmq_conn **p = id_slot(c, conn->routing_id);

	while (*p != conn)
		p = &(*p)->chain;
	*p = conn->chain;
	c->n_conns--;
	free(conn);
}

void session_carrier_zmq_conn_bury(struct session_carrier_zmq *c,
				   struct session_carrier_zmq_conn *conn)
{
	conn->dead = c->dead;
	c->dead = conn;
}

void session_carrier_zmq_conn_free_dead(struct session_carrier_zmq *c)
{
	struct session_carrier_zmq_conn *conn;

	while ((conn = c->dead)) {
		c->dead = conn->dead;
		if (conn->base.dialled)
			free(conn);
		else
			remove_accepted(c, conn);
	}
}
