/*
 * Clients of sessiond: for sessiond_control.c, which hears them, and
 * sessiond_request.c, which does what they ask.  What others tell clients is in
 * sessiond.h.
 */
#ifndef CLI_SESSIOND_CLIENT_H
#define CLI_SESSIOND_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/sessiond.h"
#include "session/carrier.h"
#include "session/control.h"

/* A client and a session that it is attached to. */
struct cli_sessiond_tie {
	struct cli_sessiond_tie *next;
	struct cli_sessiond_session *session;
	bool events;
};

/* A request that is not answered yet. */
struct cli_sessiond_waiting {
	struct cli_sessiond_waiting *next;
	struct cli_sessiond_client *client;
	struct cli_sessiond_session *session;
	uint64_t id;
	bool close; /* else recv */
	int from;
	int64_t until_ms;
};

struct cli_sessiond_client {
	struct cli_sessiond_client *next;
	struct session_conn *conn;
	struct cli_sessiond_tie *ties;
	size_t n_waiting;
	bool all_events;
	bool gone; /* to be freed after this turn */
};

struct cli_sessiond_control {
	struct session_carrier *carrier;
	struct cli_sessiond_client *clients;
	size_t n_clients;
	struct cli_sessiond_waiting *waiting, **waiting_tail;
	char *path, *lock_path;
	int lock_fd;
	bool listening;
};

/* A client for ${conn}; NULL: there are too many, or no memory. */
struct cli_sessiond_client *cli_sessiond_client_new(struct cli_sessiond *d,
						    struct session_conn *conn);

/*
 * cli_sessiond_client_drop(d, client, hang_up):
 * Its connection is gone, or with ${hang_up} about to be.
 */
void cli_sessiond_client_drop(struct cli_sessiond *d,
			      struct cli_sessiond_client *client, bool hang_up);

/* cli_sessiond_client_sweep(c): free who is gone, and what waited for them. */
void cli_sessiond_client_sweep(struct cli_sessiond_control *c);

/* The tie of ${client} to ${s}, or NULL. */
struct cli_sessiond_tie *cli_sessiond_client_tie(
    const struct cli_sessiond_client *client,
    const struct cli_sessiond_session *s);

/* ${client} has to do with ${s} from now on; NULL: no memory, or it is gone. */
struct cli_sessiond_tie *cli_sessiond_client_attach(
    struct cli_sessiond_client *client, struct cli_sessiond_session *s);

/* Send what ${w} holds, which is freed.  ${client} may be gone afterwards. */
void cli_sessiond_client_send(struct cli_sessiond *d,
			      struct cli_sessiond_client *client,
			      struct session_dcbor_writer *w);

/* Reply to its request ${id}: an error, done, or the error that ${s} noted. */
void cli_sessiond_client_error(struct cli_sessiond *d,
			       struct cli_sessiond_client *client, uint64_t id,
			       int err, const char *text, int party);
void cli_sessiond_client_done(struct cli_sessiond *d,
			      struct cli_sessiond_client *client, uint64_t id);
void cli_sessiond_client_session_error(struct cli_sessiond *d,
				       struct cli_sessiond_client *client,
				       uint64_t id,
				       const struct cli_sessiond_session *s,
				       int err);

void cli_sessiond_client_event(struct cli_sessiond_client *client,
			       const struct cli_sessiond_session *s, int party,
			       unsigned state, const char *text);

/* ${q} cannot be answered yet.  False: nor may it wait, which was said. */
bool cli_sessiond_client_wait(struct cli_sessiond *d,
			      struct cli_sessiond_client *client,
			      const struct session_control_request *q,
			      struct cli_sessiond_session *s);

/* cli_sessiond_request(d, client, q): do it, and reply or wait. */
void cli_sessiond_request(struct cli_sessiond *d,
			  struct cli_sessiond_client *client,
			  const struct session_control_request *q);

#endif /* !CLI_SESSIOND_CLIENT_H */
