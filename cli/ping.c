/*
 * did-cli ping: open the session of an agreement, measure it, close it.
 *
 * One poll loop, turn(), drives the session and watches for signals, so that
 * Ctrl-C is heard at any point and every way out leads through the end of
 * run_ping().  When a party has its last answer it tells the others, and stays
 * until all have said so: who leaves earlier would owe an answer.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/session.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/ping_show.h"
#include "cli/stop.h"
#include "cli/store.h"
#include "session/clock.h"

/* The message that says: no more pings from here. */
static const char done_text[] = "did-cli ping: done";

enum {
	COUNT_DEFAULT = 3,
	COUNT_MAX = 1000000,
	INTERVAL_MS_DEFAULT = 1000,
	TIMEOUT_MS_DEFAULT = 60000,
	TIMEOUT_MS_MAX = 24 * 3600 * 1000,
	CLOSE_TIMEOUT_MS = 5000,
	TURN_MS_MAX = 1000,
	MESSAGE_MAX = 64 * 1024, /* of what is no ping */
};

/* The exit code for an error of a session that had begun. */
static int exit_code(int err)
{
	static const int missing[] = {
	    PARLEY_ERR_TIMEOUT,	    PARLEY_ERR_LOST,
	    PARLEY_ERR_CLOSED,	    PARLEY_ERR_ABORTED,
	    PARLEY_ERR_UNREACHABLE, PARLEY_ERR_UNDELIVERED,
	    PARLEY_ERR_RESTARTED,
	};

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		if (missing[i] == err)
			return CLI_MISSING;
	}
	return parley_did_err_class(err) == PARLEY_ERR_CLASS_PEER ? CLI_PEER
								  : CLI_FAILED;
}

/* Wait for the session or a signal, at most ${wait_ms}; let it work. */
static int turn(struct cli_ping_run *p, int64_t wait_ms)
{
	struct pollfd fds[] = {
	    {.fd = p->stop.fd, .events = POLLIN},
	    {.fd = parley_session_fd(p->session), .events = POLLIN},
	};

	if (wait_ms > TURN_MS_MAX)
		wait_ms = TURN_MS_MAX;
	if (poll(fds, 2, wait_ms < 0 ? 0 : (int)wait_ms) < 0 && errno != EINTR)
		return PARLEY_ERR_SYSTEM;
	p->signal = cli_stop_signal(&p->stop);
	if (p->signal != 0)
		return PARLEY_ERR_INTERRUPTED;
	return parley_session_process(p->session);
}

static int wait_ready(struct cli_ping_run *p)
{
	int r;

	while (parley_session_state(p->session) == PARLEY_SESSION_OPENING) {
		r = turn(p, TURN_MS_MAX);
		if (r != 0)
			return r;
	}
	if (parley_session_state(p->session) != PARLEY_SESSION_READY)
		return PARLEY_ERR_INTERNAL;
	for (int i = 0; i < p->n; i++) {
		if (i != p->self)
			cli_ping_show_ready(p, i);
	}
	return 0;
}

static void set_left(struct cli_ping_run *p, int i)
{
	struct cli_ping_peer *peer = &p->peers[i];

	peer->waiting = false;
	peer->left = true;
	/* Who has said done_text may leave. */
	if (peer->gone || peer->done)
		return;
	peer->gone = true;
	cli_ping_show_left(p, i);
}

static void take_answer(struct cli_ping_run *p, int i)
{
	struct parley_party_stats stats = {0};
	struct cli_ping_peer *peer = &p->peers[i];

	parley_session_stats(p->session, i, &stats);
	if (!peer->waiting || stats.rtt_us == 0)
		return;
	peer->waiting = false;
	if (peer->n_answers == 0 || stats.rtt_us < peer->min_us)
		peer->min_us = stats.rtt_us;
	if (stats.rtt_us > peer->max_us)
		peer->max_us = stats.rtt_us;
	peer->sum_us += stats.rtt_us;
	peer->n_answers++;
	cli_ping_show_answer(p, i, stats.rtt_us);
}

/* Messages of party ${i}; there is only one kind. */
static void take_messages(struct cli_ping_run *p, int i)
{
	struct cli_ping_peer *peer = &p->peers[i];
	const void *msg;
	size_t len;
	int r = 0;

	while (!peer->left) {
		r = parley_session_recv(p->session, i, NULL, &msg, &len);
		if (r != 0)
			break;
		if (len == sizeof(done_text) - 1 &&
		    memcmp(msg, done_text, len) == 0)
			peer->done = true;
		else
			cli_ping_show_stray(p, i);
	}
	if (r == PARLEY_ERR_LOST || r == PARLEY_ERR_CLOSED ||
	    r == PARLEY_ERR_ABORTED)
		set_left(p, i);
}

/* Look at every other party; is there one of which ${wanted} is still true? */
static bool look(struct cli_ping_run *p,
		 bool (*wanted)(const struct cli_ping_peer *peer))
{
	bool any = false;

	for (int i = 0; i < p->n; i++) {
		if (i == p->self)
			continue;
		take_answer(p, i);
		take_messages(p, i);
		if (wanted(&p->peers[i]))
			any = true;
	}
	return any;
}

static bool owes_answer(const struct cli_ping_peer *peer)
{
	return peer->waiting;
}

static bool owes_done(const struct cli_ping_peer *peer)
{
	return !peer->done && !peer->left;
}

static bool has_not_left(const struct cli_ping_peer *peer)
{
	return !peer->left;
}

/* Let the session work until nobody is ${wanted} or the time is over. */
static int wait_while(struct cli_ping_run *p,
		      bool (*wanted)(const struct cli_ping_peer *peer),
		      int64_t until_ms)
{
	int64_t left;
	int r;

	while (look(p, wanted) && (left = until_ms - session_now_ms()) > 0) {
		r = turn(p, left);
		if (r != 0)
			return r;
	}
	return 0;
}

static int ping_all(struct cli_ping_run *p)
{
	for (int i = 0; i < p->n; i++) {
		struct cli_ping_peer *peer = &p->peers[i];

		if (i == p->self || peer->left)
			continue;
		peer->n_sent++;
		peer->waiting = parley_session_ping(p->session, i) == 0;
	}
	return parley_session_flush(p->session);
}

static int measure(struct cli_ping_run *p)
{
	for (int round = 0; round < p->count && look(p, has_not_left);
	     round++) {
		int64_t begin = session_now_ms(), rest;
		int r = ping_all(p);

		if (r == 0)
			r = wait_while(p, owes_answer, begin + p->timeout_ms);
		while (r == 0 && round + 1 < p->count &&
		       (rest = begin + p->interval_ms - session_now_ms()) > 0)
			r = turn(p, rest);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Tell the others that all answers are here, and wait for the same. */
static int finish(struct cli_ping_run *p)
{
	for (int i = 0; i < p->n; i++) {
		if (i != p->self && !p->peers[i].left &&
		    parley_session_send(p->session, i, done_text,
					sizeof(done_text) - 1) != 0)
			set_left(p, i);
	}
	parley_session_flush(p->session);
	return wait_while(p, owes_done, session_now_ms() + p->timeout_ms);
}

/* Did every party answer everything and take part to the end? */
static bool is_complete(const struct cli_ping_run *p)
{
	for (int i = 0; i < p->n; i++) {
		if (i != p->self &&
		    (p->peers[i].gone ||
		     p->peers[i].n_answers != (uint64_t)p->count))
			return false;
	}
	return true;
}

static int ping(struct cli_ping_run *p)
{
	int r = wait_ready(p), close_r;

	if (r == 0)
		r = measure(p);
	if (r == 0)
		r = finish(p);
	if (p->signal != 0) {
		cli_out_note("stopped");
		parley_session_abort(p->session, "stopped by its user");
		return 128 + p->signal;
	}
	if (r != 0) {
		cli_ping_show_error(p, r);
		return exit_code(r);
	}
	for (int i = 0; i < p->n; i++) {
		if (i != p->self)
			cli_ping_show_summary(p, i);
	}
	/* All is said: from here a signal has nothing to save. */
	cli_out_finish(CLI_DONE);
	cli_stop_exit_at_once(&p->stop);
	close_r = parley_session_close(p->session);
	if (is_complete(p))
		return CLI_DONE;
	if (close_r != 0)
		cli_ping_show_error(p, close_r);
	else
		cli_out_error("not every party answered every ping");
	return CLI_MISSING;
}

/* Read ${path}; the error printed. */
static int load_agreement(struct cli_ping_run *p, const char *path)
{
	char *text = NULL, *why = NULL;
	size_t len;
	int code, r;

	code = cli_file_read(&text, &len, path, PARLEY_AGREEMENT_LEN_MAX);
	if (code != CLI_DONE)
		return code;
	r = parley_session_agreement_parse(&p->agreement, &why, text, len);
	if (r != 0) {
		cli_out_error("'%s' is not a valid agreement: %s", path,
			      why != NULL ? why : parley_did_err_string(r));
		code = CLI_LOCAL;
	}
	free(why);
	free(text);
	return code;
}

/* The roster of the agreement as this identity sees it. */
static int find_self(struct cli_ping_run *p)
{
	const char *did = parley_did_identity_did(p->id);

	p->self = parley_session_agreement_index(p->agreement, did);
	p->n = (int)parley_session_agreement_n_parties(p->agreement);
	if (p->self < 0) {
		cli_out_error("%s is not a party of this agreement", did);
		cli_ping_show_hint(PARLEY_ERR_ROSTER);
		return CLI_LOCAL;
	}
	p->peers = calloc((size_t)p->n, sizeof(p->peers[0]));
	if (p->peers == NULL ||
	    cli_progress_init(&p->progress, p->agreement, p->self,
			      p->json ? cli_out_json : NULL) != 0) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static int open_and_ping(struct cli_ping_run *p, const char *path,
			 const char *listen)
{
	struct parley_session_options o;
	int r, code;

	if (cli_stop_begin(&p->stop) != 0) {
		cli_out_error("cannot block signals: %s", strerror(errno));
		return CLI_FAILED;
	}
	parley_session_options_init(&o);
	o.listen = listen;
	o.open_timeout_ms = p->timeout_ms;
	o.send_timeout_ms = 0;
	o.recv_timeout_ms = 0;
	o.close_timeout_ms = CLOSE_TIMEOUT_MS;
	o.message_max = MESSAGE_MAX;
	o.on_progress = cli_ping_show_progress;
	o.context = p;
	cli_ping_show_start(p, path, listen);
	r = parley_session_new(&p->session, p->agreement, p->id, &o);
	if (r != 0) {
		cli_ping_show_error(p, r);
		code = r == PARLEY_ERR_MEMORY ? CLI_FAILED : CLI_LOCAL;
	} else {
		code = ping(p);
	}
	parley_session_free(p->session);
	p->session = NULL;
	cli_stop_end(&p->stop);
	return code;
}

static int run_ping(const struct cli_command *self, int argc, char **argv)
{
	struct cli_passphrase_source source = {0};
	const char *path = NULL, *which = NULL, *count = NULL, *interval = NULL;
	const char *timeout = NULL, *listen = NULL;
	struct cli_ping_run p = {
	    .interval_ms = INTERVAL_MS_DEFAULT,
	    .timeout_ms = TIMEOUT_MS_DEFAULT,
	};
	const struct cli_args_option options[] = {
	    {.name = "identity", .text = &which},
	    {.name = "count", .text = &count},
	    {.name = "interval", .text = &interval},
	    {.name = "timeout", .text = &timeout},
	    {.name = "listen", .text = &listen},
	    {.name = "passphrase-file", .text = &source.file},
	    {.name = "passphrase-fd", .text = &source.fd},
	    {.name = "json", .flag = &p.json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &path,
	    .n_operands_min = 1,
	    .n_operands_max = 1,
	};
	int64_t n = COUNT_DEFAULT;
	int code = cli_args_parse(&args, self, argc, argv);

	if (code != CLI_ARGS_OK)
		return code;
	if (count != NULL && !cli_args_integer(&n, count, 1, COUNT_MAX)) {
		cli_out_error("--count: '%s' is not a number from 1 to %d",
			      count, COUNT_MAX);
		return CLI_USAGE;
	}
	p.count = (int)n;
	if (interval != NULL &&
	    !cli_args_milliseconds(&p.interval_ms, interval, TIMEOUT_MS_MAX)) {
		cli_out_error("--interval: '%s' is not a time in seconds",
			      interval);
		return CLI_USAGE;
	}
	if (timeout != NULL &&
	    (!cli_args_milliseconds(&p.timeout_ms, timeout, TIMEOUT_MS_MAX) ||
	     p.timeout_ms == 0)) {
		cli_out_error("--timeout: '%s' is not a time in seconds",
			      timeout);
		return CLI_USAGE;
	}
	code = load_agreement(&p, path);
	if (code == CLI_DONE)
		code = cli_store_load(&p.id, which, &source);
	if (code == CLI_DONE)
		code = find_self(&p);
	if (code == CLI_DONE)
		code = open_and_ping(&p, path, listen);
	cli_progress_wipe(&p.progress);
	free(p.peers);
	parley_did_identity_free(p.id);
	parley_session_agreement_free(p.agreement);
	return code;
}

const struct cli_command cli_ping = {
    .name = "ping",
    .summary = "open a session and measure round trips",
    .help =
	"usage: did-cli ping AGREEMENT [OPTION...]\n"
	"\n"
	"Open the session of AGREEMENT, show who was authenticated, measure "
	"round trips,\n"
	"and close it.  Every party runs this at the same time.\n"
	"\n"
	"  --identity FILE|NAME    who this side is (default: default)\n"
	"  --count N               pings to each party (default: 3)\n"
	"  --interval S            seconds from ping to ping (default: 1)\n"
	"  --timeout S             longest wait for the parties, and for an "
	"answer (60)\n"
	"  --listen ENDPOINT       listen here, not where the agreement says\n"
	"  --passphrase-file FILE  read the passphrase there, - is stdin\n"
	"  --passphrase-fd N       read the passphrase from descriptor N\n"
	"  --json                  print one JSON object for each event\n"
	"\n"
	"Exit code 3: another party is not who or what it should be; 4: one "
	"is missing.\n"
	"\n"
	"example, of two parties on this machine:\n"
	"  did-cli ping demo.json --identity alice &\n"
	"  did-cli ping demo.json --identity bob\n",
    .run = run_ping,
};
