/*
 * did-cli status: what the daemon of this user is doing.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include <parley/session.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/out.h"

enum {
	TIMEOUT_MS = 30 * 1000,
	SESSIONS_MAX = 1024,
	HEX_SIZE = 2 * PARLEY_AGREEMENT_HASH_LEN + 1,
};

/* Ask; the daemon's error printed. */
static int ask(struct cli_daemon *d, struct session_control_reply *a,
	       uint64_t session)
{
	struct session_control_request q = {.op = SESSION_CONTROL_STATUS,
					    .session = session};
	int err = cli_daemon_call(d, a, &q, TIMEOUT_MS);

	if (err) {
		cli_out_error("the daemon does not answer: %s",
			      parley_did_err_string(err));
		return CLI_FAILED;
	}
	if (a->status < 0) {
		cli_out_error("%.*s", (int)a->text.len, a->text.p);
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static json_t *json_text(struct session_dcbor_string s)
{
	return json_stringn(s.p, s.len);
}

static void hex_of(char hex[HEX_SIZE], struct session_dcbor_string hash)
{
	sodium_bin2hex(hex, HEX_SIZE, (const uint8_t *)hash.p, hash.len);
}

static json_t *party_json(uint64_t i, const struct session_control_party *p)
{
	return json_pack(
	    "{s:I, s:o, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "party",
	    (json_int_t)i, "did", json_text(p->did), "name", json_text(p->name),
	    "state",
	    parley_session_party_state_name((enum parley_party_state)p->state),
	    "detail", json_text(p->detail), "messages_sent",
	    (json_int_t)p->messages_sent, "messages_received",
	    (json_int_t)p->messages_received, "bytes_sent",
	    (json_int_t)p->bytes_sent, "bytes_received",
	    (json_int_t)p->bytes_received, "resumes", (json_int_t)p->resumes,
	    "handshake_us", (json_int_t)p->handshake_us);
}

static json_t *session_json(const struct session_control_session *s)
{
	char hex[HEX_SIZE];

	hex_of(hex, s->hash);
	return json_pack(
	    "{s:I, s:o, s:s, s:o, s:I, s:s, s:I, s:I, s:b, s:o, s:[]}",
	    "session", (json_int_t)s->session, "name", json_text(s->name),
	    "agreement", hex, "did", json_text(s->did), "party",
	    (json_int_t)s->self, "state", session_control_state_name(s->state),
	    "age_ms", (json_int_t)s->age_ms, "clients", (json_int_t)s->clients,
	    "forwarding", s->forwarding, "error", json_text(s->error),
	    "parties");
}

static void show_session(const struct session_control_session *s)
{
	cli_out_line(
	    "session %" PRIu64 " '%.*s' as party %" PRIu64 " %.*s: %s, %" PRIu64
	    " s, %" PRIu64 " clients%s%s%.*s",
	    s->session, (int)s->name.len, s->name.p, s->self, (int)s->did.len,
	    s->did.p, session_control_state_name(s->state), s->age_ms / 1000,
	    s->clients, s->forwarding ? ", forwarding" : "",
	    s->error.len > 0 ? ": " : "", (int)s->error.len, s->error.p);
}

static void show_party(uint64_t i, const struct session_control_party *p)
{
	cli_out_line(
	    "  party %" PRIu64 " %.*s %.*s: %s, %" PRIu64 " sent, %" PRIu64
	    " received, %" PRIu64 " resumes%s%.*s",
	    i, (int)p->name.len, p->name.p, (int)p->did.len, p->did.p,
	    parley_session_party_state_name((enum parley_party_state)p->state),
	    p->messages_sent, p->messages_received, p->resumes,
	    p->detail.len > 0 ? ": " : "", (int)p->detail.len, p->detail.p);
}

/* One session with its parties. */
static int show_one(struct cli_daemon *d, uint64_t number, bool json)
{
	struct session_control_reply a;
	struct session_control_session s;
	json_t *out = NULL;
	int code = ask(d, &a, number);

	if (code != CLI_DONE)
		return code;
	(void)session_dcbor_take_text(&a.rest);
	if (session_dcbor_take_array(&a.rest) != 1)
		return CLI_FAILED;
	session_control_take_session(&a.rest, &s);
	if (a.rest.failed) {
		cli_out_error("the daemon's answer makes no sense");
		return CLI_FAILED;
	}
	if (json)
		out = session_json(&s);
	else
		show_session(&s);
	for (size_t i = 0; i < s.n; i++) {
		struct session_control_party p;

		session_control_take_party(&a.rest, &p);
		if (a.rest.failed)
			break;
		if (json)
			json_array_append_new(json_object_get(out, "parties"),
					      party_json(i, &p));
		else if (i != s.self)
			show_party(i, &p);
	}
	if (json)
		code = cli_out_json(out);
	if (session_dcbor_end(&a.rest)) {
		cli_out_error("the daemon's answer makes no sense");
		code = CLI_FAILED;
	}
	return code;
}

static int show_all(struct cli_daemon *d, bool json)
{
	struct session_control_reply a;
	uint64_t numbers[SESSIONS_MAX];
	size_t n;
	int code = ask(d, &a, 0);

	if (code != CLI_DONE)
		return code;
	(void)session_dcbor_take_text(&a.rest);
	n = session_dcbor_take_array(&a.rest);
	if (n > SESSIONS_MAX)
		n = SESSIONS_MAX;
	for (size_t i = 0; i < n; i++) {
		struct session_control_session s;

		session_control_take_session(&a.rest, &s);
		numbers[i] = s.session;
	}
	if (session_dcbor_end(&a.rest)) {
		cli_out_error("the daemon's answer makes no sense");
		return CLI_FAILED;
	}
	if (n == 0 && !json)
		cli_out_note("no sessions");
	/* The newest is first there. */
	while (n-- > 0 && code == CLI_DONE)
		code = show_one(d, numbers[n], json);
	return code;
}

static int run_status(const struct cli_command *self, int argc, char **argv)
{
	const char *control = NULL, *which = NULL;
	struct cli_daemon *d = NULL;
	bool json = false;
	int64_t number = 0;
	const struct cli_args_option options[] = {
	    {.name = "control", .text = &control},
	    {.name = "json", .flag = &json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &which,
	    .n_operands_max = 1,
	};
	int code = cli_args_parse(&args, self, argc, argv);

	if (code != CLI_ARGS_OK)
		return code;
	if (which && !cli_args_integer(&number, which, 1, INT64_MAX)) {
		cli_out_error("'%s' is not the number of a session", which);
		return CLI_USAGE;
	}
	code = cli_daemon_connect(&d, control);
	if (code == CLI_DONE)
		code = number > 0 ? show_one(d, (uint64_t)number, json)
				  : show_all(d, json);
	cli_daemon_free(d);
	return code;
}

const struct cli_command cli_status = {
    .name = "status",
    .summary = "show the sessions that sessiond holds",
    .help =
	"usage: did-cli status [SESSION] [OPTION...]\n"
	"\n"
	"Show the sessions of the daemon of this user, sessiond(8): with whom, "
	"in what\n"
	"state, and what has gone wrong.\n"
	"\n"
	"  --control PATH  the control socket; by default "
	"sessiond/control in\n"
	"                  $XDG_RUNTIME_DIR, or else in /run\n"
	"  --json          print one JSON object for each session\n"
	"\n"
	"example:\n"
	"  did-cli status --json\n",
    .run = run_status,
};
