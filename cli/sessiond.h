/*
 * sessiond: what its files share.
 *
 *   sessiond.c          the program: options, signals, the loop
 *   sessiond_control.c  the control socket: requests, and what waits
 *   sessiond_metrics.c  numbers for Prometheus
 *   sessiond_request.c  what clients ask for
 *   sessiond_load.c     the configuration, at first and read again
 *   sessiond_session.c  the sessions it holds
 *   sessiond_client.c   clients: what they are told
 *   sessiond_config.c   what a configuration says
 *   sessiond_identity.c the identities in it
 *   sessiond_notify.c   what it tells systemd
 *   sessiond_log.c      what it tells people
 *
 * Each calls those below it, and no one above.  One thread and one poll(2).  A
 * session notes what is new about it; the control side looks after each turn
 * and tells whom it concerns.
 */
#ifndef CLI_SESSIOND_H
#define CLI_SESSIOND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "cli/sessiond_config.h"
#include "session/control.h"
#include "session/forward.h"

struct cli_sessiond_client;
struct cli_sessiond_control;
struct cli_sessiond_metrics;

enum {
	CLI_SESSIOND_DETAIL_SIZE = 160,
	CLI_SESSIOND_CLIENTS_MAX = 1024,
	CLI_SESSIOND_FDS_MAX = 1100, /* sessions, and a few */
};

struct cli_sessiond_party {
	enum parley_party_state state;
	char detail[CLI_SESSIOND_DETAIL_SIZE];
};

/* A session that the daemon holds. */
struct cli_sessiond_session {
	struct cli_sessiond_session *next;
	struct cli_sessiond *d;
	uint64_t number;
	struct parley_agreement *agreement;
	struct cli_sessiond_identity *identity;
	struct parley_session *session;
	struct session_forward *forward; /* or NULL */
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	int64_t opened_ms;
	int linger_ms;
	int lost_ms;	   /* a party that is interrupted is waited for */
	size_t n_clients;  /* attached */
	int64_t alone_ms;  /* since when none is; 0: one is */
	int64_t finish_ms; /* closing: until then; 0: it is not */
	enum parley_session_state state; /* as told last */
	int result;			 /* of closing */
	char *error;			 /* why it failed */
	bool dirty;			 /* messages wait to leave */
	bool over;			 /* to be freed after this turn */
	struct cli_sessiond_party *parties;
};

/* Sums over sessions that are gone, and counters. */
struct cli_sessiond_totals {
	uint64_t sessions_opened, sessions_failed, opens_refused;
	uint64_t requests, errors, clients;
	struct parley_party_stats parties;
};

struct cli_sessiond {
	struct cli_sessiond_config config;
	struct parley_session_hub *hub;
	struct cli_sessiond_control *control;
	struct cli_sessiond_metrics *metrics; /* or NULL */
	struct cli_sessiond_session *sessions;
	size_t n_sessions;
	uint64_t last_number;
	struct cli_sessiond_totals totals;
	const char *log_level; /* as the command line says, or NULL */
	bool log_json;
	int64_t started_ms;
	bool stopping;
};

#define CLI_SESSIOND_LOG(d, level, session, ...)                              \
	cli_sessiond_log_put(&(d)->config.log, CLI_SESSIOND_##level, session, \
			     __VA_ARGS__)

/*
 * cli_sessiond_load(d, error, path):
 * Read the configuration, for the first time.  What the command line says about
 * logging counts for more, also when that fails.  Returns 0,
 * or an error with ${error}.
 */
int cli_sessiond_load(struct cli_sessiond *d,
		      char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
		      const char *path);

/*
 * cli_sessiond_reload(d, error):
 * Read the configuration again; see CONTROL.md, reload.  Returns 0, or an
 * error with ${error}, after which all is as before.
 */
int cli_sessiond_reload(struct cli_sessiond *d,
			char error[CLI_SESSIOND_CONFIG_TEXT_SIZE]);

/*
 * Sessions
 */

/*
 * cli_sessiond_session_open(sp, d, q, error):
 * Begin the session that ${q} asks for, or find it.
 *
 * Returns 0 (begun), 1 (it was there), or an error of CONTROL.md with a
 * sentence in ${error}.
 */
int cli_sessiond_session_open(struct cli_sessiond_session **sp,
			      struct cli_sessiond *d,
			      const struct session_control_request *q,
			      char error[CLI_SESSIOND_CONFIG_TEXT_SIZE]);

/* cli_sessiond_session_find(d, number): or NULL. */
struct cli_sessiond_session *cli_sessiond_session_find(
    const struct cli_sessiond *d, uint64_t number);

/* cli_sessiond_session_fd(s): what to poll, or -1 when it is at its end. */
int cli_sessiond_session_fd(const struct cli_sessiond_session *s);

/* cli_sessiond_session_step(s): let it work. */
void cli_sessiond_session_step(struct cli_sessiond_session *s);

/* cli_sessiond_session_settle(s): send what waits; at the end of a turn. */
void cli_sessiond_session_settle(struct cli_sessiond_session *s);

/* cli_sessiond_session_is_over(s): has it ended, well or not? */
bool cli_sessiond_session_is_over(const struct cli_sessiond_session *s);

/* cli_sessiond_session_finish(s, limit_ms): begin to close it. */
void cli_sessiond_session_finish(struct cli_sessiond_session *s,
				 int64_t limit_ms);

/* cli_sessiond_session_abort(s, reason): end it at once. */
void cli_sessiond_session_abort(struct cli_sessiond_session *s,
				const char *reason);

/*
 * cli_sessiond_session_check_all(d):
 * End those that the configuration, read again, would not let begin.
 */
void cli_sessiond_session_check_all(struct cli_sessiond *d);

/* cli_sessiond_session_deadline(s): when it is to be looked at; INT64_MAX. */
int64_t cli_sessiond_session_deadline(const struct cli_sessiond_session *s);

/* cli_sessiond_session_add_stats(s, sum): what went over all its channels. */
void cli_sessiond_session_add_stats(const struct cli_sessiond_session *s,
				    struct parley_party_stats *sum);

void cli_sessiond_session_free(struct cli_sessiond_session *s);

/*
 * Control
 */

/*
 * cli_sessiond_control_new(d, error):
 * Take the lock, remove a socket that a killed daemon left, listen.
 */
int cli_sessiond_control_new(struct cli_sessiond *d,
			     char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
    __attribute__((warn_unused_result));

int cli_sessiond_control_fd(const struct cli_sessiond_control *c);

/* When it has work though nothing comes. */
int64_t cli_sessiond_control_deadline(const struct cli_sessiond_control *c);

/* cli_sessiond_control_step(d): requests. */
int cli_sessiond_control_step(struct cli_sessiond *d);

/* cli_sessiond_control_serve(d): replies that waited; after sessions worked. */
void cli_sessiond_control_serve(struct cli_sessiond *d);

void cli_sessiond_control_free(struct cli_sessiond *d);

/*
 * Clients; more in sessiond_client.h
 */

/* cli_sessiond_client_tell(s, party, state, text): tell who subscribed. */
void cli_sessiond_client_tell(struct cli_sessiond_session *s, int party,
			      unsigned state, const char *text);

/* cli_sessiond_client_forget(s): ${s} is about to be freed. */
void cli_sessiond_client_forget(struct cli_sessiond_session *s);

size_t cli_sessiond_client_count(const struct cli_sessiond *d);

/*
 * Metrics
 */

int cli_sessiond_metrics_new(struct cli_sessiond *d,
			     char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
    __attribute__((warn_unused_result));

/* Add what is to be polled to ${fds}; returns how many.  Then: */
nfds_t cli_sessiond_metrics_fds(const struct cli_sessiond *d,
				struct pollfd *fds);
void cli_sessiond_metrics_step(struct cli_sessiond *d);
void cli_sessiond_metrics_free(struct cli_sessiond *d);

/*
 * systemd: sd_notify(3), without its library.  Nothing happens where the
 * environment does not ask for it.
 */
void cli_sessiond_notify(const char *text);

/* How often the watchdog wants to hear of us, in ms; 0: not at all. */
int cli_sessiond_notify_watchdog_ms(void);

#endif /* !CLI_SESSIOND_H */
