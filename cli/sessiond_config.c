/*
 * The configuration of sessiond: lines "key = value", '#' begins a comment
 * line, one table of keys below.  A key that may stand once may not stand
 * twice, so no line is without effect.
 *
 * Default deny: without a line allow-agreement or allow-party nothing is
 * served.
 */
#include "cli/sessiond_config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "cli/args.h"
#include "did/file.h"
#include "did/secret.h"

enum {
	LIST_MAX = 4096,
	LISTEN_MAX = 16,
	IDENTITIES_MAX = 64,
	MAX_SESSIONS = 64,
	MAX_SESSIONS_MAX = 1000,
	OPEN_MS = 60 * 1000,
	LINGER_MS = 10 * 60 * 1000,
	RESUME_MS = 10 * 60 * 1000,
	LIVENESS_MS = 30 * 1000,
	STOP_MS = 10 * 1000,
	MS_MAX = 7 * 24 * 3600 * 1000,
	PATH_LEN_MAX = 100, /* of a socket: sockaddr_un */
};

static const char default_control[] = "/run/sessiond/control";

/* One line being read. */
struct line {
	struct cli_sessiond_config *c;
	char *error;
	int number;
	const char *key;
	const char *value;
};

static int fail(const struct line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(const struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(l->error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "%.200s:%d: ", l->c->path, l->number);

	va_start(ap, fmt);
	vsnprintf(l->error + n, CLI_SESSIOND_CONFIG_TEXT_SIZE - (size_t)n, fmt,
		  ap);
	va_end(ap);
	return PARLEY_ERR_FORMAT;
}

static int no_memory(char *error)
{
	snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE, "out of memory");
	return PARLEY_ERR_MEMORY;
}

/*
 * Values
 */

static int set_text(const struct line *l, char **textp)
{
	if (*textp)
		return fail(l, "'%s' stands twice", l->key);
	*textp = strdup(l->value);
	return *textp ? 0 : no_memory(l->error);
}

static int set_path(const struct line *l, char **pathp, size_t len_max)
{
	if (l->value[0] != '/')
		return fail(l, "%s: '%.200s' is not an absolute path", l->key,
			    l->value);
	if (strlen(l->value) > len_max)
		return fail(l, "%s: the path is longer than %zu bytes", l->key,
			    len_max);
	return set_text(l, pathp);
}

static int add_text(const struct line *l, char ***listp, size_t *np, size_t max)
{
	char **grown;

	if (*np >= max)
		return fail(l, "more than %zu lines '%s'", max, l->key);
	for (size_t i = 0; i < *np; i++)
		if (strcmp((*listp)[i], l->value) == 0)
			return fail(l, "'%s = %.200s' stands twice", l->key,
				    l->value);
	grown = realloc(*listp, (*np + 1) * sizeof(**listp));
	if (!grown)
		return no_memory(l->error);
	*listp = grown;
	grown[*np] = strdup(l->value);
	if (!grown[*np])
		return no_memory(l->error);
	(*np)++;
	return 0;
}

static int set_time(const struct line *l, int *msp)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	char *end;
	long long n;

	errno = 0;
	n = strtoll(l->value, &end, 10);
	for (size_t i = 0; isdigit((unsigned char)l->value[0]) && errno == 0 &&
			   i < sizeof(units) / sizeof(*units);
	     i++)
		if (strcmp(end, units[i].unit) == 0 &&
		    n <= MS_MAX / units[i].ms) {
			*msp = (int)(n * units[i].ms);
			return 0;
		}
	return fail(l,
		    "%s: '%.100s' is not a time such as 500ms, 30s, 10m or 2h, "
		    "at most 7 days",
		    l->key, l->value);
}

static int on_listen(const struct line *l)
{
	if (strncmp(l->value, "tcp://", 6) != 0)
		return fail(l, "listen: '%.200s' is not tcp://HOST:PORT",
			    l->value);
	return add_text(l, &l->c->listen, &l->c->n_listen, LISTEN_MAX);
}

static int on_control(const struct line *l)
{
	return set_path(l, &l->c->control, PATH_LEN_MAX);
}

static int on_metrics(const struct line *l)
{
	return set_path(l, &l->c->metrics, PATH_LEN_MAX);
}

static int on_identity(const struct line *l)
{
	struct cli_sessiond_config *c = l->c;
	struct cli_sessiond_identity *i, **grown;

	for (size_t k = 0; k < c->n_identities; k++)
		if (strcmp(c->identities[k]->path, l->value) == 0)
			return fail(l, "'identity = %.200s' stands twice",
				    l->value);
	if (c->n_identities >= IDENTITIES_MAX)
		return fail(l, "more than %d identities", IDENTITIES_MAX);
	grown = realloc(c->identities, (c->n_identities + 1) * sizeof(*grown));
	if (!grown)
		return no_memory(l->error);
	c->identities = grown;
	i = calloc(1, sizeof(*i));
	if (!i)
		return no_memory(l->error);
	i->refs = 1;
	i->passphrase_fd = -1;
	c->identities[c->n_identities++] = i;
	return set_path(l, &i->path, PATH_MAX);
}

/* The identity that a line about passphrases belongs to: the one above. */
static int above(const struct line *l, struct cli_sessiond_identity **ip)
{
	if (l->c->n_identities == 0)
		return fail(l, "%s: stands before any identity", l->key);
	*ip = l->c->identities[l->c->n_identities - 1];
	if ((*ip)->passphrase_file || (*ip)->credential ||
	    (*ip)->passphrase_fd >= 0)
		return fail(l, "%s: the identity has a passphrase already",
			    l->key);
	return 0;
}

static int on_passphrase_file(const struct line *l)
{
	struct cli_sessiond_identity *i = NULL;
	int err = above(l, &i);

	return err ? err : set_path(l, &i->passphrase_file, PATH_MAX);
}

static int on_passphrase_credential(const struct line *l)
{
	struct cli_sessiond_identity *i = NULL;
	int err = above(l, &i);

	if (err)
		return err;
	if (strchr(l->value, '/') || l->value[0] == '.')
		return fail(l, "%s: '%.200s' is not the name of a credential",
			    l->key, l->value);
	return set_text(l, &i->credential);
}

static int on_passphrase_fd(const struct line *l)
{
	struct cli_sessiond_identity *i = NULL;
	int64_t fd;
	int err = above(l, &i);

	if (err)
		return err;
	if (!cli_args_integer(&fd, l->value, 3, INT_MAX))
		return fail(l, "%s: '%.100s' is not a descriptor from 3 on",
			    l->key, l->value);
	i->passphrase_fd = (int)fd;
	return 0;
}

static int on_allow_agreement(const struct line *l)
{
	struct cli_sessiond_config *c = l->c;
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN], (*grown)[sizeof(hash)];
	size_t len;
	const char *end;

	if (c->n_agreements >= LIST_MAX)
		return fail(l, "more than %d lines '%s'", LIST_MAX, l->key);
	if (strlen(l->value) != 2 * sizeof(hash) ||
	    sodium_hex2bin(hash, sizeof(hash), l->value, strlen(l->value), NULL,
			   &len, &end) ||
	    len != sizeof(hash))
		return fail(l,
			    "%s: '%.100s' is not the hash of an agreement, 64 "
			    "hexadecimal digits",
			    l->key, l->value);
	grown = realloc(c->agreements, (c->n_agreements + 1) * sizeof(*grown));
	if (!grown)
		return no_memory(l->error);
	c->agreements = grown;
	memcpy(c->agreements[c->n_agreements++], hash, sizeof(hash));
	return 0;
}

static int on_allow_party(const struct line *l)
{
	if (strncmp(l->value, "did:", 4) != 0)
		return fail(l, "%s: '%.200s' is not a DID", l->key, l->value);
	return add_text(l, &l->c->parties, &l->c->n_parties, LIST_MAX);
}

static int on_max_sessions(const struct line *l)
{
	int64_t n;

	if (!cli_args_integer(&n, l->value, 1, MAX_SESSIONS_MAX))
		return fail(l, "%s: '%.100s' is not a number from 1 to %d",
			    l->key, l->value, MAX_SESSIONS_MAX);
	l->c->max_sessions = (size_t)n;
	return 0;
}

static int on_open_timeout(const struct line *l)
{
	int err = set_time(l, &l->c->open_ms);

	return err || l->c->open_ms > 0 ? err : fail(l, "%s: is 0", l->key);
}

static int on_linger(const struct line *l)
{
	return set_time(l, &l->c->linger_ms);
}

static int on_resume_timeout(const struct line *l)
{
	return set_time(l, &l->c->resume_ms);
}

static int on_liveness(const struct line *l)
{
	int err = set_time(l, &l->c->liveness_ms);

	return err || l->c->liveness_ms >= 1000
		   ? err
		   : fail(l, "%s: is less than 1s", l->key);
}

static int on_stop_timeout(const struct line *l)
{
	return set_time(l, &l->c->stop_ms);
}

static int on_log_level(const struct line *l)
{
	if (!cli_sessiond_log_level(&l->c->log.level, l->value,
				    strlen(l->value)))
		return fail(l,
			    "%s: '%.100s' is none of error, warning, info, "
			    "debug",
			    l->key, l->value);
	return 0;
}

static int on_log_json(const struct line *l)
{
	if (strcmp(l->value, "yes") != 0 && strcmp(l->value, "no") != 0)
		return fail(l, "%s: '%.100s' is neither yes nor no", l->key,
			    l->value);
	l->c->log.json = l->value[0] == 'y';
	return 0;
}

/*
 * Lines
 */

static const struct key {
	const char *name;
	int (*on)(const struct line *l);
	bool once;
} keys[] = {
    {"listen", on_listen, false},
    {"control", on_control, true},
    {"metrics", on_metrics, true},
    {"identity", on_identity, false},
    {"passphrase-file", on_passphrase_file, false},
    {"passphrase-credential", on_passphrase_credential, false},
    {"passphrase-fd", on_passphrase_fd, false},
    {"allow-agreement", on_allow_agreement, false},
    {"allow-party", on_allow_party, false},
    {"max-sessions", on_max_sessions, true},
    {"open-timeout", on_open_timeout, true},
    {"linger", on_linger, true},
    {"resume-timeout", on_resume_timeout, true},
    {"liveness", on_liveness, true},
    {"stop-timeout", on_stop_timeout, true},
    {"log-level", on_log_level, true},
    {"log-json", on_log_json, true},
};

enum { N_KEYS = sizeof(keys) / sizeof(*keys) };

static int unknown_key(const struct line *l)
{
	const char *names[N_KEYS], *nearest;

	for (size_t i = 0; i < N_KEYS; i++)
		names[i] = keys[i].name;
	nearest = cli_args_nearest(l->key, names, N_KEYS);
	if (nearest)
		return fail(l, "unknown key '%.100s'; did you mean '%s'?",
			    l->key, nearest);
	return fail(l, "unknown key '%.100s'", l->key);
}

/* Take the spaces off both ends of ${text}. */
static char *strip(char *text)
{
	char *end;

	while (*text == ' ' || *text == '\t')
		text++;
	end = text + strlen(text);
	while (end > text &&
	       (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*end = '\0';
	return text;
}

static int read_line(struct line *l, char *text, bool seen[N_KEYS])
{
	char *equals;
	size_t i = 0;

	text = strip(text);
	if (*text == '\0' || *text == '#')
		return 0;
	equals = strchr(text, '=');
	if (!equals)
		return fail(l, "not a line 'key = value'");
	*equals = '\0';
	l->key = strip(text);
	l->value = strip(equals + 1);
	while (i < N_KEYS && strcmp(keys[i].name, l->key) != 0)
		i++;
	if (i == N_KEYS)
		return unknown_key(l);
	if (*l->value == '\0')
		return fail(l, "%s: no value", l->key);
	if (keys[i].once && seen[i])
		return fail(l, "'%s' stands twice", l->key);
	seen[i] = true;
	return keys[i].on(l);
}

int cli_sessiond_config_parse(struct cli_sessiond_config *c,
			      char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
			      const char *path, const char *text, size_t len)
{
	struct line l = {.c = c, .error = error};
	bool seen[N_KEYS] = {false};
	char *copy, *at, *next;
	int err = 0;

	*c = (struct cli_sessiond_config){
	    .max_sessions = MAX_SESSIONS,
	    .open_ms = OPEN_MS,
	    .linger_ms = LINGER_MS,
	    .resume_ms = RESUME_MS,
	    .liveness_ms = LIVENESS_MS,
	    .stop_ms = STOP_MS,
	    .log = {.level = CLI_SESSIOND_INFO},
	};
	c->path = strdup(path);
	copy = strndup(text, len);
	if (!c->path || !copy) {
		free(copy);
		return no_memory(error);
	}
	if (strlen(copy) != len) {
		free(copy);
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "%.200s: is not a text file", path);
		return PARLEY_ERR_FORMAT;
	}
	for (at = copy; at && !err; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		l.number++;
		err = read_line(&l, at, seen);
	}
	free(copy);
	if (!err && !c->control && !(c->control = strdup(default_control)))
		return no_memory(error);
	if (!err && c->n_identities == 0) {
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "%.200s: no identity is configured", path);
		err = PARLEY_ERR_FORMAT;
	}
	return err;
}

/*
 * Files
 */

/* ${err} of looking at or reading ${path}, with ${fault} if it is unsafe. */
static int file_error(char *error, const char *path, int err,
		      const struct did_file_fault *fault)
{
	char text[DID_FILE_PATH_SIZE + 100];
	const int saved = errno;

	if (err == PARLEY_ERR_UNSAFE) {
		did_file_fault_text(text, sizeof(text), fault);
		snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
			 "%s and is refused", text);
		return err;
	}
	snprintf(error, CLI_SESSIOND_CONFIG_TEXT_SIZE,
		 "'%.300s' cannot be read: %s", path,
		 err == PARLEY_ERR_SYSTEM      ? strerror(saved)
		 : err == PARLEY_ERR_NOT_FOUND ? strerror(ENOENT)
					       : parley_did_err_string(err));
	return err;
}

/* Others must not put a socket of theirs where ${path} will be. */
static int check_directory(char *error, const char *path)
{
	struct did_file_fault fault = {.flaw = DID_FILE_SOUND};
	char *copy = strdup(path);
	const char *dir;
	struct stat st;
	int err = 0;

	if (!copy)
		return no_memory(error);
	dir = dirname(copy);
	if (stat(dir, &st) != 0)
		err =
		    errno == ENOENT ? PARLEY_ERR_NOT_FOUND : PARLEY_ERR_SYSTEM;
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		fault.flaw = DID_FILE_DIRECTORY_FOREIGN;
	else if ((st.st_mode & 022) != 0)
		fault.flaw = DID_FILE_DIRECTORY_OPEN;
	if (fault.flaw != DID_FILE_SOUND) {
		fault.mode = st.st_mode & 07777;
		snprintf(fault.path, sizeof(fault.path), "%s", dir);
		err = PARLEY_ERR_UNSAFE;
	}
	if (err)
		file_error(error, dir, err, &fault);
	free(copy);
	return err;
}

static int check_secret(char *error, const char *path)
{
	struct did_file_fault fault;
	int err = did_file_check(&fault, path, &cli_sessiond_secret_rules);

	return err ? file_error(error, path, err, &fault) : 0;
}

/* Also said when they are opened, but this is before anything begins. */
static int check_files(const struct cli_sessiond_config *c, char *error)
{
	int err = check_directory(error, c->control);

	if (!err && c->metrics)
		err = check_directory(error, c->metrics);
	for (size_t i = 0; i < c->n_identities && !err; i++) {
		const struct cli_sessiond_identity *id = c->identities[i];

		err = check_secret(error, id->path);
		if (!err && id->passphrase_file)
			err = check_secret(error, id->passphrase_file);
	}
	return err;
}

int cli_sessiond_config_load(struct cli_sessiond_config *c,
			     char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
			     const char *path)
{
	const struct did_file_rules rules = {.forbidden = 022, .owned = true};
	struct did_file_fault fault;
	uint8_t *text = NULL;
	size_t len;
	int err;

	*c = (struct cli_sessiond_config){0};
	err = did_file_read_checked(&text, &len, &fault, path,
				    CLI_SESSIOND_CONFIG_LEN_MAX, &rules);
	if (err)
		return file_error(error, path, err, &fault);
	err = cli_sessiond_config_parse(c, error, path, (char *)text, len);
	did_secret_free(text);
	return err ? err : check_files(c, error);
}

/*
 * Identities
 */

/* The same identity as ${i}, open in ${before}. */
static struct cli_sessiond_identity *find_open(
    const struct cli_sessiond_config *before,
    const struct cli_sessiond_identity *i)
{
	enum parley_identity_seal seal;
	char did[PARLEY_DID_SIZE];

	for (size_t k = 0; before && k < before->n_identities; k++) {
		struct cli_sessiond_identity *old = before->identities[k];

		if (old->id && strcmp(old->path, i->path) == 0 &&
		    parley_did_identity_inspect(i->path, did, &seal) == 0 &&
		    strcmp(did, parley_did_identity_did(old->id)) == 0)
			return old;
	}
	return NULL;
}

int cli_sessiond_config_unlock(struct cli_sessiond_config *c,
			       char error[CLI_SESSIOND_CONFIG_TEXT_SIZE],
			       const struct cli_sessiond_config *before)
{
	int err = 0;

	for (size_t k = 0; k < c->n_identities && !err; k++) {
		struct cli_sessiond_identity *old =
		    find_open(before, c->identities[k]);

		if (!old) {
			err =
			    cli_sessiond_identity_open(c->identities[k], error);
			continue;
		}
		cli_sessiond_identity_free(c->identities[k]);
		c->identities[k] = cli_sessiond_identity_ref(old);
	}
	return err;
}

struct cli_sessiond_identity *cli_sessiond_config_identity(
    const struct cli_sessiond_config *c, const struct parley_agreement *a,
    const char *did, size_t len, int *errp)
{
	struct cli_sessiond_identity *found = NULL;

	*errp = PARLEY_ERR_ROSTER;
	for (size_t k = 0; k < c->n_identities; k++) {
		const char *mine =
		    parley_did_identity_did(c->identities[k]->id);

		if ((len > 0 &&
		     (strlen(mine) != len || memcmp(mine, did, len) != 0)) ||
		    parley_session_agreement_index(a, mine) < 0)
			continue;
		if (found) {
			*errp = PARLEY_ERR_ARGUMENT;
			return NULL;
		}
		found = c->identities[k];
	}
	return found;
}

static bool allows_party(const struct cli_sessiond_config *c, const char *did)
{
	for (size_t i = 0; i < c->n_parties; i++)
		if (strcmp(c->parties[i], did) == 0)
			return true;
	return false;
}

bool cli_sessiond_config_allows(const struct cli_sessiond_config *c,
				const struct parley_agreement *a, size_t self)
{
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	const size_t n = parley_session_agreement_n_parties(a);

	parley_session_agreement_hash(a, hash);
	for (size_t i = 0; i < c->n_agreements; i++)
		if (memcmp(c->agreements[i], hash, sizeof(hash)) == 0)
			return true;
	for (size_t i = 0; i < n; i++)
		if (i != self &&
		    !allows_party(c, parley_session_agreement_party_did(a, i)))
			return false;
	return true;
}

void cli_sessiond_config_wipe(struct cli_sessiond_config *c)
{
	for (size_t i = 0; i < c->n_identities; i++)
		cli_sessiond_identity_free(c->identities[i]);
	for (size_t i = 0; i < c->n_listen; i++)
		free(c->listen[i]);
	for (size_t i = 0; i < c->n_parties; i++)
		free(c->parties[i]);
	free(c->identities);
	free(c->listen);
	free(c->parties);
	free(c->agreements);
	free(c->control);
	free(c->metrics);
	free(c->path);
	*c = (struct cli_sessiond_config){0};
}
