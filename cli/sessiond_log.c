/*
 * The log of sessiond, for a terminal, a file or the journal.
 *
 * A line is made whole and written by one write(2), so that lines do not mix
 * with those of another writer of the same file.  If the journal reads,
 * sd-daemon(3) says how a line tells its priority: "<4>".
 */
#include "cli/sessiond_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/out.h"

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
    [CLI_SESSIOND_ERROR] = {"error", 3},
    [CLI_SESSIOND_WARNING] = {"warning", 4},
    [CLI_SESSIOND_INFO] = {"info", 6},
    [CLI_SESSIOND_DEBUG] = {"debug", 7},
};

bool cli_sessiond_log_level(enum cli_sessiond_level *levelp, const char *name,
			    size_t len)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (strlen(levels[i].name) == len &&
		    memcmp(levels[i].name, name, len) == 0) {
			*levelp = (enum cli_sessiond_level)i;
			return true;
		}
	return false;
}

static char *json_line(enum cli_sessiond_level level, uint64_t session,
		       const char *text)
{
	struct timespec now;
	json_t *o;
	char *dump, *line = NULL;

	clock_gettime(CLOCK_REALTIME, &now);
	o = json_pack("{s:f, s:s, s:s}", "time",
		      (double)now.tv_sec + (double)now.tv_nsec / 1e9, "level",
		      levels[level].name, "text", text);
	if (session > 0)
		json_object_set_new(o, "session",
				    json_integer((json_int_t)session));
	dump = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII |
				 JSON_REAL_PRECISION(16));
	json_decref(o);
	if (dump && asprintf(&line, "%s\n", dump) < 0)
		line = NULL;
	free(dump);
	return line;
}

static char *text_line(enum cli_sessiond_level level, uint64_t session,
		       const char *text)
{
	char about[40] = "", priority[8] = "", *line;

	if (session > 0)
		snprintf(about, sizeof(about), "session %" PRIu64 ": ",
			 session);
	if (getenv("JOURNAL_STREAM"))
		snprintf(priority, sizeof(priority), "<%d>",
			 levels[level].priority);
	if (asprintf(&line, "%ssessiond: %s%s%s%s\n", priority,
		     level <= CLI_SESSIOND_WARNING ? levels[level].name : "",
		     level <= CLI_SESSIOND_WARNING ? ": " : "", about,
		     text) < 0)
		return NULL;
	return line;
}

void cli_sessiond_log_put(const struct cli_sessiond_log *log,
			  enum cli_sessiond_level level, uint64_t session,
			  const char *fmt, ...)
{
	char *text = NULL, *safe = NULL, *line = NULL;
	va_list ap;

	if (level > log->level)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		safe = cli_out_escape(text);
	if (safe)
		line = log->json ? json_line(level, session, safe)
				 : text_line(level, session, safe);
	if (line && write(STDERR_FILENO, line, strlen(line)) < 0) {
		/* Nobody is left who could be told. */
	}
	free(line);
	free(safe);
	free(text);
}
