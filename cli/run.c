/*
 * did-cli run: a program that knows nothing of sessions, run in one.
 *
 *   measure   what would run here, and compare it with the agreement
 *   open      the session; if something differs here, only to say so
 *   run       the program, its TCP connections forwarded (session/forward.h)
 *   end       deliver what it sent, or tell the others why not
 *
 * One loop, session_forward_process(), drives the session, the connections and
 * our signals, without a system call that plain forwarding would not need.
 * When a party is lost the connections are ended first, so that a program that
 * can end by itself does; then it is asked, then killed.
 */
#include "cli/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/ping_show.h"
#include "cli/receipt.h"
#include "cli/store.h"
#include "cli/yield.h"
#include "session/clock.h"

enum {
	TIMEOUT_MS_DEFAULT = 60000,
	TIMEOUT_MS_MAX = 24 * 3600 * 1000,
	LOST_MS_MIN = 1000,
	TELL_MS = 10000, /* that something differs here */
	TURN_MS = 1000,
	DRAIN_TURN_MS = 10,
	FAILED_DRAIN_MS = 1000, /* of a program that failed */
	CLOSE_MS = 10000,
};

/*
 * What happens to the connections
 */

/* What the others are told: short, they know who is who. */
static void on_cut(struct cli_run *run, const struct session_forward_event *e)
{
	char whose[sizeof("that of party -2147483648")] = "its program";
	char reason[sizeof(run->reason)];

	if (e->ours)
		snprintf(whose, sizeof(whose), "that of party %d", e->party);
	snprintf(reason, sizeof(reason), "%s was cut off: %s", whose,
		 session_forward_reason_text(e->reason));
	cli_run_end_with(run, CLI_RUN_LIAR, reason);
}

static void on_event(void *context, const struct session_forward_event *e)
{
	struct cli_run *run = context;
	char reason[sizeof("party -2147483648 was lost")];

	cli_run_show_event(run, e);
	snprintf(reason, sizeof(reason), "party %d was lost", e->party);
	if (e->type == SESSION_FORWARD_LOST)
		cli_run_end_with(run, CLI_RUN_LOST, reason);
	else if (e->type == SESSION_FORWARD_CUT &&
		 e->reason != SESSION_FORWARD_NO_SERVICE &&
		 e->reason != SESSION_FORWARD_UNREACHABLE)
		on_cut(run, e);
}

/*
 * Opening
 */

static void show_session_error(const struct cli_run *run, int err)
{
	const char *text = parley_session_error(run->session);

	cli_run_show_error(run, err,
			   text[0] != '\0' ? text : parley_did_err_string(err));
}

/* Returns an exit code, or 0 when all parties are ready. */
static int wait_ready(struct cli_run *run)
{
	int r;

	while (parley_session_state(run->session) == PARLEY_SESSION_OPENING) {
		r = session_forward_process(run->forward, TURN_MS);
		cli_child_signals(&run->child);
		if (run->child.stopped != 0) {
			parley_session_abort(run->session,
					     "stopped by its user");
			return 128 + run->child.stopped;
		}
		if (r == 0)
			continue;
		/* What differs here has been said. */
		if (run->n_differences == 0 || r != PARLEY_ERR_AGREEMENT)
			show_session_error(run, r);
		return CLI_RUN_NOT_STARTED;
	}
	if (run->n_differences == 0)
		return 0;
	/* The others differ in the same way: then it is the agreement. */
	parley_session_abort(run->session,
			     "what runs here is not what was agreed");
	return CLI_RUN_NOT_STARTED;
}

/*
 * Running
 */

/* Forward until the program is over, or until it has to end. */
static void forward(struct cli_run *run)
{
	struct cli_yield yield;
	int r;

	cli_yield_begin(&yield);
	while (!run->child.over && run->ending == 0) {
		r = session_forward_process(run->forward, -1);
		cli_yield_turn(&yield);
		if (session_forward_watched(run->forward))
			cli_child_signals(&run->child);
		if (r != 0 && run->ending == 0) {
			show_session_error(run, r);
			cli_run_end_with(run, CLI_RUN_LOST,
					 parley_session_error(run->session));
		}
	}
	cli_yield_end(&yield);
}

/* The program is over: hand what it has written to the session. */
static void drain(struct cli_run *run, int64_t limit_ms)
{
	int r = 0;

	/* One turn to see what it had connected last. */
	do {
		r = session_forward_process(run->forward, DRAIN_TURN_MS);
		cli_child_signals(&run->child);
	} while (r == 0 && run->ending == 0 && run->child.stopped == 0 &&
		 session_now_ms() < limit_ms &&
		 !session_forward_is_idle(run->forward));
}

static int finish(struct cli_run *run)
{
	char reason[sizeof("its program ended with exit code -2147483648")];
	int code = cli_child_exit_code(&run->child), err;

	if (code != 0) {
		drain(run, session_now_ms() + FAILED_DRAIN_MS);
		snprintf(reason, sizeof(reason),
			 "its program ended with exit code %d", code);
		parley_session_abort(run->session, reason);
		return code;
	}
	drain(run, INT64_MAX);
	if (run->child.stopped != 0) {
		parley_session_abort(run->session, "stopped by its user");
		return 128 + run->child.stopped;
	}
	/* All is said: from here a signal has nothing to save. */
	cli_child_end(&run->child);
	err = parley_session_close(run->session);
	if (err != 0)
		cli_out_warning("%s", parley_session_error(run->session));
	return code;
}

static int run_program(struct cli_run *run)
{
	int code = cli_run_start(run);

	if (code != 0) {
		parley_session_abort(run->session,
				     "its program could not be started");
		return code;
	}
	forward(run);
	if (run->ending == 0)
		return finish(run);
	session_forward_hang_up(run->forward);
	parley_session_abort(run->session, run->reason);
	cli_run_end_child(run);
	/* It may have had all that it needed. */
	return cli_child_exit_code(&run->child) == 0 ? 0 : run->ending;
}

static int open_and_run(struct cli_run *run)
{
	const struct session_forward_options fo = {.port = run->own_port,
						   .uid = geteuid(),
						   .dial = run->preset->dial,
						   .check = run->preset->check,
						   .on_event = on_event,
						   .context = run};
	struct parley_session_options o;
	int r, code;

	parley_session_options_init(&o);
	o.listen = run->listen;
	o.open_timeout_ms = run->n_differences > 0 && run->timeout_ms > TELL_MS
				? TELL_MS
				: run->timeout_ms;
	o.send_timeout_ms = 0;
	o.recv_timeout_ms = 0;
	o.close_timeout_ms = CLOSE_MS;
	if (run->wait_for_lost) {
		o.on_lost = PARLEY_ON_LOST_WAIT;
		o.resume_ms = run->lost_ms > 0 ? run->lost_ms : CLI_RUN_WAIT_MS;
	} else if (run->lost_ms > 0) {
		o.liveness_ms = run->lost_ms;
	}
	o.carrier = run->libzmq ? PARLEY_CARRIER_LIBZMQ : PARLEY_CARRIER_ZMTP;
	o.keep_receipts = run->receipts != NULL;
	o.message_max = SESSION_FORWARD_ACCEPT_MAX;
	o.on_progress = cli_run_show_progress;
	o.context = run;
	cli_run_show_start(run);
	r = parley_session_new(&run->session, run->agreement, run->id, &o);
	if (r != 0) {
		if (run->session != NULL)
			show_session_error(run, r);
		else
			cli_out_error("%s", parley_did_err_string(r));
		return CLI_RUN_NOT_STARTED;
	}
	r = session_forward_new(&run->forward, run->session, &fo);
	if (r == 0)
		r = session_forward_watch(run->forward, run->child.fd);
	if (r != 0) {
		cli_out_error("cannot listen for the program: %s",
			      strerror(errno));
		return CLI_RUN_NOT_STARTED;
	}
	code = wait_ready(run);
	if (code != 0)
		return code;
	cli_run_show_ready(run);
	/* Who asked for evidence does not compute without. */
	if (run->receipts != NULL &&
	    cli_receipt_write_all(run->session, run->agreement,
				  run->receipts) != CLI_DONE) {
		parley_session_abort(run->session,
				     "its receipts cannot be written");
		return CLI_RUN_NOT_STARTED;
	}
	return run_program(run);
}

static int prepare_and_run(struct cli_run *run)
{
	int code;

	if (cli_child_begin(&run->child) != 0) {
		cli_out_error("cannot block signals: %s", strerror(errno));
		return CLI_RUN_NOT_STARTED;
	}
	code = cli_run_keep_port(run);
	if (code == 0)
		code = open_and_run(run);
	session_forward_free(run->forward);
	parley_session_free(run->session);
	cli_run_release_port(run);
	if (run->child.fd >= 0)
		cli_child_end(&run->child);
	cli_run_show_end(run, code);
	return code;
}

/*
 * Before
 */

/* Parse ${text}, which is what ${path} says or would say for us. */
static int parse(struct cli_run *run, const char *path, const char *text,
		 size_t len)
{
	char *why = NULL;
	int r =
	    parley_session_agreement_parse(&run->agreement, &why, text, len);

	if (r != 0)
		cli_out_error("'%s' is not a valid agreement: %s", path,
			      why != NULL ? why : parley_did_err_string(r));
	free(why);
	return r == 0 ? CLI_DONE : CLI_LOCAL;
}

/* Measure; where that is not what was agreed, agree to what is here. */
static int compare(struct cli_run *run, const char *path, const char *text,
		   size_t len)
{
	json_t *facts = NULL, *json = NULL;
	char *changed = NULL;
	int code = run->preset->measure(&facts, run->cmd);

	if (code != CLI_DONE)
		return code;
	json = json_loadb(text, len, 0, NULL);
	if (json == NULL) {
		cli_out_error("out of memory");
		code = CLI_FAILED;
		goto out;
	}
	code = cli_facts_compare(&run->differences, &run->n_differences, json,
				 facts, run->cmd, run->preset->strict);
	if (code != CLI_DONE || run->n_differences == 0)
		goto out;
	cli_run_show_differences(run);
	changed = json_dumps(json, JSON_COMPACT);
	parley_session_agreement_free(run->agreement);
	run->agreement = NULL;
	code = changed == NULL ? CLI_FAILED
			       : parse(run, path, changed, strlen(changed));
	if (code == CLI_DONE) {
		free(run->text);
		run->text = changed;
		changed = NULL;
	}
out:
	free(changed);
	json_decref(json);
	json_decref(facts);
	return code;
}

static int load(struct cli_run *run, const char *path, const char *preset)
{
	char *text = NULL;
	size_t len;
	int code = cli_file_read(&text, &len, path, PARLEY_AGREEMENT_LEN_MAX);

	if (code != CLI_DONE)
		return code;
	run->text = strdup(text);
	code = run->text ? parse(run, path, text, len) : CLI_FAILED;
	if (code == CLI_DONE) {
		run->preset = cli_preset_find(preset, run->agreement);
		code = run->preset == NULL ? CLI_USAGE
					   : run->preset->check_words(run->cmd);
	}
	if (code == CLI_DONE)
		code = compare(run, path, text, len);
	free(text);
	return code;
}

static int find_self(struct cli_run *run)
{
	const char *did = parley_did_identity_did(run->id);
	const int self = parley_session_agreement_index(run->agreement, did);

	if (self >= 0)
		return cli_run_set_self(run, self);
	cli_out_error("%s is not a party of this agreement", did);
	cli_ping_show_hint(PARLEY_ERR_ROSTER);
	return CLI_LOCAL;
}

/* With a daemon, these are for its configuration to say, and where. */
static int check_daemon(const struct cli_run *run, const char *lost_after,
			const struct cli_passphrase_source *source)
{
	const struct {
		const char *option, *key;
		bool given;
	} theirs[] = {
	    {"lost-after", "liveness", lost_after && !run->wait_for_lost},
	    {"listen", "listen", run->listen != NULL},
	    {"passphrase-file", "passphrase-file", source->file != NULL},
	    {"passphrase-fd", "passphrase-fd", source->fd != NULL},
	};

	if (!run->daemon && run->control == NULL)
		return CLI_DONE;
	if (!run->daemon) {
		cli_out_error("--control is for --daemon");
		return CLI_USAGE;
	}
	for (size_t i = 0; i < sizeof(theirs) / sizeof(*theirs); i++) {
		if (!theirs[i].given)
			continue;
		cli_out_error("--%s does not go with --daemon%s",
			      theirs[i].option,
			      i == 0 ? " without '--on-lost wait'" : "");
		cli_out_hint("it is for the daemon's configuration to say: "
			     "'%s' in sessiond(8)",
			     theirs[i].key);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

/* The DID of the identity ${which}, whose file is not opened. */
static int inspect(char did[PARLEY_DID_SIZE], const char *which)
{
	enum parley_identity_seal seal;
	char *path;
	int code;

	did[0] = '\0';
	if (which == NULL)
		return CLI_DONE;
	path = cli_store_path(which);
	if (path == NULL)
		return CLI_LOCAL;
	code = cli_store_inspect(did, &seal, path);
	free(path);
	return code;
}

static int take_times(struct cli_run *run, const char *timeout,
		      const char *on_lost, const char *lost_after)
{
	run->timeout_ms = TIMEOUT_MS_DEFAULT;
	if (timeout != NULL &&
	    (!cli_args_milliseconds(&run->timeout_ms, timeout,
				    TIMEOUT_MS_MAX) ||
	     run->timeout_ms == 0)) {
		cli_out_error("--timeout: '%s' is not a time in seconds",
			      timeout);
		return CLI_USAGE;
	}
	if (lost_after != NULL &&
	    (!cli_args_milliseconds(&run->lost_ms, lost_after,
				    TIMEOUT_MS_MAX) ||
	     run->lost_ms < LOST_MS_MIN)) {
		cli_out_error("--lost-after: '%s' is not a time of at least "
			      "one second",
			      lost_after);
		return CLI_USAGE;
	}
	run->on_lost_given = on_lost != NULL;
	run->wait_for_lost = on_lost != NULL && strcmp(on_lost, "wait") == 0;
	if (on_lost != NULL && !run->wait_for_lost &&
	    strcmp(on_lost, "fail") != 0) {
		cli_out_error("--on-lost: '%s' is neither fail nor wait",
			      on_lost);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static int take_carrier(struct cli_run *run, const char *carrier)
{
	if (carrier != NULL && run->daemon) {
		cli_out_error("--carrier does not go with --daemon");
		return CLI_USAGE;
	}
	run->libzmq = carrier != NULL && strcmp(carrier, "libzmq") == 0;
	if (carrier == NULL || run->libzmq || strcmp(carrier, "zmtp") == 0)
		return CLI_DONE;
	cli_out_error("--carrier: '%s' is neither zmtp nor libzmq", carrier);
	return CLI_USAGE;
}

static int run_run(const struct cli_command *self, int argc, char **argv)
{
	struct cli_passphrase_source source = {0};
	const char *which = NULL, *preset = NULL, *on_lost = NULL,
		   *timeout = NULL, *lost_after = NULL, *carrier = NULL;
	struct cli_run run = {.held_fd = -1};
	const struct cli_args_option options[] = {
	    {.name = "identity", .text = &which},
	    {.name = "preset", .text = &preset},
	    {.name = "on-lost", .text = &on_lost},
	    {.name = "lost-after", .text = &lost_after},
	    {.name = "timeout", .text = &timeout},
	    {.name = "listen", .text = &run.listen},
	    {.name = "carrier", .text = &carrier},
	    {.name = "receipts", .text = &run.receipts},
	    {.name = "passphrase-file", .text = &source.file},
	    {.name = "passphrase-fd", .text = &source.fd},
	    {.name = "json", .flag = &run.json},
	    {.name = "daemon", .flag = &run.daemon},
	    {.name = "control", .text = &run.control},
	    {0},
	};
	char did[PARLEY_DID_SIZE];
	const char **words = calloc((size_t)argc + 1, sizeof(words[0]));
	const struct cli_args args = {
	    .options = options,
	    .operands = words,
	    .n_operands_min = 2,
	    .n_operands_max = (size_t)argc,
	};
	int code;

	if (words == NULL) {
		cli_out_error("out of memory");
		return CLI_RUN_NOT_STARTED;
	}
	code = cli_args_parse(&args, self, argc, argv);
	if (code == CLI_DONE) {
		free(words);
		return code; /* --help */
	}
	run.cmd = (char **)(uintptr_t)(words + 1);
	/* Before anything is run, to measure it or for good. */
	cli_passphrase_hide(&source);
	if (code == CLI_ARGS_OK)
		code = take_times(&run, timeout, on_lost, lost_after);
	if (code == CLI_DONE)
		code = take_carrier(&run, carrier);
	if (code == CLI_DONE)
		code = check_daemon(&run, lost_after, &source);
	if (code == CLI_DONE)
		code = load(&run, words[0], preset);
	if (code == CLI_DONE && run.daemon) {
		code = inspect(did, which);
		code = code == CLI_DONE ? cli_run_daemon(&run, did)
					: CLI_RUN_NOT_STARTED;
		goto out;
	}
	if (code == CLI_DONE)
		code = cli_store_load(&run.id, which, &source);
	if (code == CLI_DONE)
		code = find_self(&run);
	code = code == CLI_DONE ? prepare_and_run(&run) : CLI_RUN_NOT_STARTED;
out:
	cli_progress_wipe(&run.progress);
	cli_facts_free(run.differences, run.n_differences);
	parley_did_identity_free(run.id);
	parley_session_agreement_free(run.agreement);
	free(run.text);
	free(words);
	return code;
}

const struct cli_command cli_run = {
    .name = "run",
    .summary = "run a program whose connections go through a session",
    .help =
	"usage: did-cli run AGREEMENT [OPTION...] -- PROGRAM [ARGUMENT...]\n"
	"\n"
	"Open the session of AGREEMENT and run PROGRAM with its TCP "
	"connections to other\n"
	"parties carried by it.  Every party runs this at the same time.\n"
	"\n"
	"  --identity FILE|NAME    who this side is (default: default)\n"
	"  --preset mpyc|tcp       what kind of program (default: by "
	"AGREEMENT)\n"
	"  --timeout S             longest wait for the parties (60)\n"
	"  --on-lost fail|wait     when a connection stays broken (fail)\n"
	"  --lost-after S          for so long (30; with wait 600)\n"
	"  --receipts DIR          keep both signed envelopes of each "
	"handshake\n"
	"  --listen ENDPOINT       listen here, not where the agreement says\n"
	"  --carrier zmtp|libzmq   what speaks ZeroMQ (zmtp)\n"
	"  --passphrase-file FILE, --passphrase-fd N, --json\n"
	"  --daemon [--control PATH]  in a session of sessiond(8), which has "
	"the "
	"keys\n"
	"\n"
	"tcp: {address:N} in an ARGUMENT is where party N is reached, {port} "
	"where to\n"
	"listen; {port:N}, {index}, {parties}, {threshold}.\n"
	"Exit code: PROGRAM's; 123 a wrong index was claimed, 124 a party was "
	"lost, 125\n"
	"PROGRAM was not started, 126 cannot be executed, 127 not found.\n"
	"\n"
	"example:\n"
	"  did-cli run demo.json --identity alice -- python3 program.py\n",
    .run = run_run,
};
