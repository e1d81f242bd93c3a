/*
 * The configuration of sessiond, at its beginning and read again.
 *
 * Reading again is all or nothing: what cannot change while the daemon runs, or
 * is not in order, leaves everything as it was.  Then sessions are held against
 * what is allowed now.
 */
#include <stdio.h>
#include <string.h>

#include "cli/sessiond.h"

/* The command line counts for more than the file. */
static void apply_log(struct cli_sessiond_config *c,
		      const struct cli_sessiond *d)
{
	if (d->log_level)
		(void)cli_sessiond_log_level(&c->log.level, d->log_level,
					     strlen(d->log_level));
	if (d->log_json)
		c->log.json = true;
}

int cli_sessiond_load(struct cli_sessiond *d,
		      char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
		      const char *path)
{
	const int err = cli_sessiond_config_load(&d->config, error, path);

	apply_log(&d->config, d);
	return err;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Are the sockets those that are open? */
static bool same_sockets(const struct cli_sessiond_config *a,
			 const struct cli_sessiond_config *b)
{
	bool same = same_text(a->control, b->control) &&
		    same_text(a->metrics, b->metrics) &&
		    a->n_listen == b->n_listen &&
		    a->liveness_ms == b->liveness_ms;

	for (size_t i = 0; same && i < a->n_listen; i++)
		same = strcmp(a->listen[i], b->listen[i]) == 0;
	return same;
}

int cli_sessiond_reload(struct cli_sessiond *d,
			char error[CLI_SESSIOND_CONFIG_TEXT_SIZE])
{
	struct cli_sessiond_config fresh;
	int err;

	cli_sessiond_notify("RELOADING=1");
	err = cli_sessiond_config_load(&fresh, error, d->config.path);
	if (!err && !same_sockets(&fresh, &d->config)) {
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "listen, control, metrics and liveness cannot change "
			 "without a restart");
		err = PARLEY_ERR_STATE;
	}
	if (!err)
		err = cli_sessiond_config_unlock(&fresh, error, &d->config);
	if (err) {
		cli_sessiond_config_wipe(&fresh);
		CLI_SESSIOND_LOG(d, ERROR, 0,
				 "the configuration stays as it is: %s", error);
	} else {
		apply_log(&fresh, d);
		cli_sessiond_config_wipe(&d->config);
		d->config = fresh;
		CLI_SESSIOND_LOG(d, INFO, 0, "configuration read again");
		cli_sessiond_session_check_all(d);
	}
	cli_sessiond_notify("READY=1");
	return err;
}
