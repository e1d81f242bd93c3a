/*
 * The log of sessiond: one line of text or JSON on standard error for each
 * event.  No secret is ever an argument of it.
 */
#ifndef CLI_SESSIOND_LOG_H
#define CLI_SESSIOND_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_sessiond_level {
	CLI_SESSIOND_ERROR,
	CLI_SESSIOND_WARNING,
	CLI_SESSIOND_INFO,
	CLI_SESSIOND_DEBUG,
};

struct cli_sessiond_log {
	enum cli_sessiond_level level; /* what is less important is left out */
	bool json;
};

/*
 * cli_sessiond_log_level(levelp, name, len):
 * "error", "warning", "info" or "debug".  Returns whether it is one.
 */
bool cli_sessiond_log_level(enum cli_sessiond_level *levelp, const char *name,
			    size_t len);

/*
 * cli_sessiond_log_put(log, level, session, fmt, ...):
 * Log a line about ${session}, 0 if about none.  Control characters are shown
 * escaped.  That it cannot be written (a full disk) changes nothing.
 */
void cli_sessiond_log_put(const struct cli_sessiond_log *log,
			  enum cli_sessiond_level level, uint64_t session,
			  const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif /* !CLI_SESSIOND_LOG_H */
