/*
 * did-cli ping: open the session of an agreement, measure it, close it.
 *
 * One poll loop, turn(), drives the session and watches for signals, so that
 * Ctrl-C is heard at any point and every way out leads through the end of
 * run_ping().  When a party has its last answer it tells the others, and stays
 * until all have said so: who leaves earlier would owe an answer.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <parley/session.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/stop.h"
#include "cli/store.h"

/* The message that says: no more pings from here. */
static const char done_text[] = "did-cli ping: done";

enum {
	COUNT_DEFAULT = 3,
	COUNT_MAX = 1000000,
	INTERVAL_MS_DEFAULT = 1000,
	TIMEOUT_MS_DEFAULT = 60000,
	TIMEOUT_MS_MAX = 24 * 3600 * 1000,
	CLOSE_TIMEOUT_MS = 5000,
	REPEAT_MS = 5000, /* a party still waited for is shown so often */
	TURN_MS_MAX = 1000,
};

struct peer {
	/* Last progress shown, so that only news is printed. */
	bool shown;
	enum parley_party_state shown_state;
	int64_t shown_ms;

	bool waiting; /* for an answer */
	bool done;    /* it has said done_text */
	bool left;    /* it will not answer any more */
	bool gone;    /* it left without having said done_text */
	uint64_t n_sent;
	uint64_t n_answers;
	uint64_t min_us;
	uint64_t max_us;
	uint64_t sum_us;
};

struct ping {
	struct parley_session *session;
	struct parley_agreement *agreement;
	struct parley_identity *id;
	struct cli_stop stop;
	struct peer *peers; /* one for each party, also for this one */
	int n;
	int self;
	int signal; /* that ended it, or 0 */
	bool json;
	int count;
	int interval_ms;
	int timeout_ms;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *name_of(const struct ping *p, int i)
{
	return parley_session_agreement_party_name(p->agreement, (size_t)i);
}

static const char *did_of(const struct ping *p, int i)
{
	return parley_session_agreement_party_did(p->agreement, (size_t)i);
}

/* The name of party ${i} and a space, or nothing. */
#define NAME_ARGS(p, i) name_of(p, i), name_of(p, i)[0] != '\0' ? " " : ""

/*
 * What is printed
 */

/* The endpoint at which this party will dial party ${i}; PROTOCOL.md 7.1. */
static const char *endpoint_of(const struct ping *p, int i)
{
	const char *theirs =
	    parley_session_agreement_party_endpoint(p->agreement, (size_t)i, 0);
	const char *ours = parley_session_agreement_party_endpoint(
	    p->agreement, (size_t)p->self, 0);

	return p->self < i || ours == NULL ? theirs : NULL;
}

static void show_waiting(const struct ping *p, const struct parley_progress *g)
{
	const char *endpoint = g->endpoint;

	/* Between two attempts nothing is dialled, but will be again. */
	if (endpoint == NULL)
		endpoint = endpoint_of(p, g->party);
	if (p->json) {
		cli_out_json(json_pack(
		    "{s:s, s:i, s:s, s:s, s:s, s:s?, s:s?, s:I}", "event",
		    "waiting", "party", g->party, "name", g->name, "did",
		    g->did, "state", parley_session_party_state_name(g->state),
		    "endpoint", endpoint, "detail", g->detail, "waited_ms",
		    (json_int_t)g->waited_ms));
		return;
	}
	cli_out_note("waiting for %s%s%s (%s%s, %" PRId64 " s)%s%s", g->name,
		     g->name[0] != '\0' ? " " : "", g->did,
		     endpoint != NULL ? "dialling " : "it will dial",
		     endpoint != NULL ? endpoint : "", g->waited_ms / 1000,
		     g->detail != NULL ? ": " : "",
		     g->detail != NULL ? g->detail : "");
}

static int on_progress(void *context, const struct parley_progress *g)
{
	struct ping *p = context;
	struct peer *peer;

	if (g->party < 0 || g->party >= p->n || g->state == PARLEY_PARTY_SELF ||
	    g->state == PARLEY_PARTY_CLOSED)
		return 0;
	peer = &p->peers[g->party];
	if (peer->shown && peer->shown_state == g->state &&
	    g->waited_ms - peer->shown_ms < REPEAT_MS)
		return 0;
	/* Once it is ready, show_ready() has more to say. */
	if (g->state != PARLEY_PARTY_READY)
		show_waiting(p, g);
	else if (!p->json && !(peer->shown && peer->shown_state == g->state))
		cli_out_note("%s%s%s is here", g->name,
			     g->name[0] != '\0' ? " " : "", g->did);
	peer->shown = true;
	peer->shown_state = g->state;
	peer->shown_ms = g->waited_ms;
	return 0;
}

static void show_start(const struct ping *p, const char *path,
		       const char *listen)
{
	if (p->json)
		return;
	cli_out_note("opening '%s' as party %d %s%s%s%s%s",
		     parley_session_agreement_name(p->agreement), p->self,
		     NAME_ARGS(p, p->self), did_of(p, p->self),
		     listen != NULL ? ", listening at " : "",
		     listen != NULL ? listen : "");
	cli_out_note("every other party runs: did-cli ping %s --identity NAME",
		     cli_file_base_name(path));
}

static void show_ready(const struct ping *p, int i)
{
	const char *state = parley_session_party_state_name(
	    parley_session_party_state(p->session, i));
	struct parley_party_stats stats = {0};

	parley_session_stats(p->session, i, &stats);
	if (p->json)
		cli_out_json(json_pack(
		    "{s:s, s:i, s:s, s:s, s:s, s:I}", "event", "ready", "party",
		    i, "name", name_of(p, i), "did", did_of(p, i), "state",
		    state, "handshake_us", (json_int_t)stats.handshake_us));
	else
		cli_out_line("party %d %s%s%s: %s, handshake %.3f ms", i,
			     NAME_ARGS(p, i), did_of(p, i), state,
			     (double)stats.handshake_us / 1000);
}

static void show_answer(const struct ping *p, int i, uint64_t rtt_us)
{
	if (p->json)
		cli_out_json(json_pack("{s:s, s:i, s:I, s:I}", "event",
				       "answer", "party", i, "round",
				       (json_int_t)p->peers[i].n_sent, "rtt_us",
				       (json_int_t)rtt_us));
	else
		cli_out_line("party %d %s%sanswer %" PRIu64 " in %.3f ms", i,
			     NAME_ARGS(p, i), p->peers[i].n_sent,
			     (double)rtt_us / 1000);
}

static void show_summary(const struct ping *p, int i)
{
	const struct peer *peer = &p->peers[i];
	double n = (double)peer->n_answers;

	if (p->json)
		cli_out_json(json_pack(
		    "{s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "event",
		    "summary", "party", i, "name", name_of(p, i), "did",
		    did_of(p, i), "sent", (json_int_t)peer->n_sent, "answers",
		    (json_int_t)peer->n_answers, "min_us",
		    (json_int_t)peer->min_us, "avg_us",
		    (json_int_t)(n > 0 ? (double)peer->sum_us / n : 0),
		    "max_us", (json_int_t)peer->max_us));
	else if (peer->n_answers == 0)
		cli_out_line("party %d %s%s%s: no answer to %" PRIu64, i,
			     NAME_ARGS(p, i), did_of(p, i), peer->n_sent);
	else
		cli_out_line("party %d %s%s%s: %" PRIu64 " of %" PRIu64
			     " answered, round trip min %.3f avg %.3f "
			     "max %.3f ms",
			     i, NAME_ARGS(p, i), did_of(p, i), peer->n_answers,
			     peer->n_sent, (double)peer->min_us / 1000,
			     (double)peer->sum_us / n / 1000,
			     (double)peer->max_us / 1000);
}

static void show_hint(int err)
{
	if (err == PARLEY_ERR_AGREEMENT)
		cli_out_hint("compare what 'did-cli agreement show' prints at "
			     "both parties");
	else if (err == PARLEY_ERR_ADDRESS_IN_USE)
		cli_out_hint("does another session of this party still run? "
			     "--listen tcp://ADDRESS:PORT listens elsewhere");
	else if (err == PARLEY_ERR_ENDPOINT)
		cli_out_hint("--listen tcp://0.0.0.0:PORT listens on every "
			     "address of this machine");
	else if (err == PARLEY_ERR_ROSTER)
		cli_out_hint("--identity chooses another identity; 'did-cli "
			     "identity list' shows them");
	else if (err == PARLEY_ERR_TIMEOUT)
		cli_out_hint("all parties run 'did-cli ping' at the same time; "
			     "--timeout waits longer");
}

/* The error of the session in words, and its JSON event. */
static void show_error(const struct ping *p, int err)
{
	const char *text = parley_did_err_string(err);
	int culprit = -1;

	if (p->session != NULL) {
		if (parley_session_error(p->session)[0] != '\0')
			text = parley_session_error(p->session);
		culprit = parley_session_culprit(p->session);
	}
	cli_out_error("%s", text);
	show_hint(err);
	if (p->json)
		cli_out_json(
		    json_pack("{s:s, s:s, s:o, s:s}", "event", "error", "code",
			      parley_did_err_name(err), "party",
			      culprit < 0 ? json_null() : json_integer(culprit),
			      "text", text));
}

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

/*
 * What is done
 */

/* Wait for the session or a signal, at most ${wait_ms}; let it work. */
static int turn(struct ping *p, int64_t wait_ms)
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

static int wait_ready(struct ping *p)
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
			show_ready(p, i);
	}
	return 0;
}

static void set_left(struct ping *p, int i)
{
	struct peer *peer = &p->peers[i];
	const char *why = "";

	peer->waiting = false;
	peer->left = true;
	/* Who has said done_text may leave. */
	if (peer->gone || peer->done)
		return;
	peer->gone = true;
	if (parley_session_culprit(p->session) == i)
		why = parley_session_error(p->session);
	cli_out_note("party %d %s%s%s: %s%s%s", i, NAME_ARGS(p, i),
		     did_of(p, i),
		     parley_session_party_state_name(
			 parley_session_party_state(p->session, i)),
		     why[0] != '\0' ? ": " : "", why);
}

static void take_answer(struct ping *p, int i)
{
	struct parley_party_stats stats = {0};
	struct peer *peer = &p->peers[i];

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
	show_answer(p, i, stats.rtt_us);
}

/* Messages of party ${i}; there is only one kind. */
static void take_messages(struct ping *p, int i)
{
	struct peer *peer = &p->peers[i];
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
			cli_out_warning("party %d %s%s%s sends messages that "
					"are no pings",
					i, NAME_ARGS(p, i), did_of(p, i));
	}
	if (r == PARLEY_ERR_LOST || r == PARLEY_ERR_CLOSED ||
	    r == PARLEY_ERR_ABORTED)
		set_left(p, i);
}

/* Look at every other party; is there one of which ${wanted} is still true? */
static bool look(struct ping *p, bool (*wanted)(const struct peer *peer))
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

static bool owes_answer(const struct peer *peer)
{
	return peer->waiting;
}

static bool owes_done(const struct peer *peer)
{
	return !peer->done && !peer->left;
}

static bool has_not_left(const struct peer *peer)
{
	return !peer->left;
}

/* Let the session work until nobody is ${wanted} or the time is over. */
static int wait_while(struct ping *p, bool (*wanted)(const struct peer *peer),
		      int64_t until_ms)
{
	int64_t left;
	int r;

	while (look(p, wanted) && (left = until_ms - now_ms()) > 0) {
		r = turn(p, left);
		if (r != 0)
			return r;
	}
	return 0;
}

static int ping_all(struct ping *p)
{
	for (int i = 0; i < p->n; i++) {
		struct peer *peer = &p->peers[i];

		if (i == p->self || peer->left)
			continue;
		peer->n_sent++;
		peer->waiting = parley_session_ping(p->session, i) == 0;
	}
	return parley_session_flush(p->session);
}

static int measure(struct ping *p)
{
	for (int round = 0; round < p->count && look(p, has_not_left);
	     round++) {
		int64_t begin = now_ms(), rest;
		int r = ping_all(p);

		if (r == 0)
			r = wait_while(p, owes_answer, begin + p->timeout_ms);
		while (r == 0 && round + 1 < p->count &&
		       (rest = begin + p->interval_ms - now_ms()) > 0)
			r = turn(p, rest);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Tell the others that all answers are here, and wait for the same. */
static int finish(struct ping *p)
{
	for (int i = 0; i < p->n; i++) {
		if (i != p->self && !p->peers[i].left &&
		    parley_session_send(p->session, i, done_text,
					sizeof(done_text) - 1) != 0)
			set_left(p, i);
	}
	parley_session_flush(p->session);
	return wait_while(p, owes_done, now_ms() + p->timeout_ms);
}

/* Did every party answer everything and take part to the end? */
static bool is_complete(const struct ping *p)
{
	for (int i = 0; i < p->n; i++) {
		if (i != p->self &&
		    (p->peers[i].gone ||
		     p->peers[i].n_answers != (uint64_t)p->count))
			return false;
	}
	return true;
}

static int ping(struct ping *p)
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
		show_error(p, r);
		return exit_code(r);
	}
	for (int i = 0; i < p->n; i++) {
		if (i != p->self)
			show_summary(p, i);
	}
	/* All is said: from here a signal has nothing to save. */
	cli_out_finish(CLI_DONE);
	cli_stop_exit_at_once(&p->stop);
	close_r = parley_session_close(p->session);
	if (is_complete(p))
		return CLI_DONE;
	if (close_r != 0)
		show_error(p, close_r);
	else
		cli_out_error("not every party answered every ping");
	return CLI_MISSING;
}

/* Read ${path}; the error printed. */
static int load_agreement(struct ping *p, const char *path)
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
static int find_self(struct ping *p)
{
	const char *did = parley_did_identity_did(p->id);

	p->self = parley_session_agreement_index(p->agreement, did);
	p->n = (int)parley_session_agreement_n_parties(p->agreement);
	if (p->self < 0) {
		cli_out_error("%s is not a party of this agreement", did);
		show_hint(PARLEY_ERR_ROSTER);
		return CLI_LOCAL;
	}
	p->peers = calloc((size_t)p->n, sizeof(p->peers[0]));
	if (p->peers == NULL) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static int open_and_ping(struct ping *p, const char *path, const char *listen)
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
	o.on_progress = on_progress;
	o.context = p;
	show_start(p, path, listen);
	r = parley_session_new(&p->session, p->agreement, p->id, &o);
	if (r != 0) {
		show_error(p, r);
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
	struct ping p = {
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
