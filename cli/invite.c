/*
 * did-cli invite: out-of-band invitations, by which two parties first meet
 * (DIDComm v2.1, "Out Of Band Messages").
 *
 * The invitation is public and holds the DID only, so no passphrase is asked
 * for.  It goes to standard output and its QR code to standard error, so the
 * text can go on in a pipe while the code is shown.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <parley/comm.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/qr.h"
#include "cli/store.h"
#include "comm/jose.h"

enum {
	FILE_LEN_MAX = 128 * 1024,
};

/* What the options say. */
struct inviting {
	const char *which, *goal, *goal_code, *base, *png;
	bool qr, json;
};

static int print_invitation(const struct inviting *p, const char *url,
			    const char *message, size_t len)
{
	json_t *json = NULL;
	int code = CLI_DONE;

	/* First what can fail. */
	if (p->png != NULL)
		code = cli_qr_png(p->png, url);
	if (code != CLI_DONE)
		return code;
	if (!p->json) {
		cli_out_line("%s", url);
	} else if (comm_jose_parse(&json, message, len) == 0) {
		code = cli_out_json(json_pack("{s:s, s:o}", "invitation", url,
					      "message", json));
	} else {
		cli_out_error("out of memory");
		code = CLI_FAILED;
	}
	if (code == CLI_DONE && p->qr)
		code = cli_qr_print(stderr, url);
	return code;
}

static int invite(const struct inviting *p, const char *did)
{
	static const char *const profiles[] = {"didcomm/v2"};
	const struct parley_comm_header header = {.from = did};
	const struct parley_comm_invitation invitation = {
	    .goal_code = p->goal_code,
	    .goal = p->goal,
	    .accept = profiles,
	    .n_accept = 1,
	};
	char *message = NULL, *url = NULL;
	int code = CLI_FAILED, r;
	size_t len;

	r = parley_comm_invitation_new(&message, &len, &header, &invitation);
	if (r == 0)
		r = parley_comm_invitation_url(&url, message, len, p->base);
	if (r != 0)
		cli_out_error("cannot make the invitation: %s",
			      parley_did_err_string(r));
	else
		code = print_invitation(p, url, message, len);
	free(url);
	free(message);
	return code;
}

static int run_invite(const struct cli_command *self, int argc, char **argv)
{
	struct inviting p = {0};
	const struct cli_args_option options[] = {
	    {.name = "identity", .text = &p.which},
	    {.name = "goal", .text = &p.goal},
	    {.name = "goal-code", .text = &p.goal_code},
	    {.name = "url", .text = &p.base},
	    {.name = "qr", .flag = &p.qr},
	    {.name = "png", .text = &p.png},
	    {.name = "json", .flag = &p.json},
	    {0},
	};
	const struct cli_args args = {.options = options};
	int code = cli_args_parse(&args, self, argc, argv);
	enum parley_identity_seal seal;
	char did[PARLEY_DID_SIZE];
	char *path;

	if (code != CLI_ARGS_OK)
		return code;
	if (p.base != NULL &&
	    (strstr(p.base, "://") == NULL || strchr(p.base, '#') != NULL)) {
		cli_out_error("--url: '%s' is not a URL without fragment",
			      p.base);
		return CLI_USAGE;
	}
	path = cli_store_path(p.which);
	if (path == NULL)
		return CLI_LOCAL;
	code = cli_store_inspect(did, &seal, path);
	free(path);
	return code == CLI_DONE ? invite(&p, did) : code;
}

/* Is it the invitation itself and not the name of a file? */
static bool is_invitation(const char *word)
{
	return strstr(word, "://") != NULL ||
	       (strncmp(word, "eyJ", 3) == 0 && access(word, F_OK) != 0);
}

static int print_message(const struct parley_comm_protocol *p)
{
	cli_out_line("from       %s", p->from);
	cli_out_line("id         %s", p->id);
	if (p->goal_code != NULL)
		cli_out_line("goal code  %s", p->goal_code);
	if (p->goal != NULL)
		cli_out_line("goal       %s", p->goal);
	for (size_t i = 0; i < p->n_accept; i++)
		cli_out_line("accepts    %s", p->accept[i]);
	return CLI_DONE;
}

static int show(const char *text, size_t text_len, bool as_json)
{
	struct parley_comm_protocol protocol = {0};
	json_t *json = NULL;
	char *message = NULL;
	size_t len;
	int code, r;

	r = parley_comm_invitation_parse(&message, &len, text, text_len);
	if (r == 0)
		r = parley_comm_protocol_read(&protocol, message, len);
	if (r == 0 && as_json)
		r = comm_jose_parse(&json, message, len);
	if (r != 0) {
		cli_out_error("cannot read the invitation: %s",
			      parley_did_err_string(r));
		code = parley_did_err_class(r) == PARLEY_ERR_CLASS_PEER
			   ? CLI_PEER
			   : CLI_LOCAL;
	} else {
		code = as_json ? cli_out_json(json) : print_message(&protocol);
	}
	parley_comm_protocol_wipe(&protocol);
	free(message);
	return code;
}

static int run_show(const struct cli_command *self, int argc, char **argv)
{
	const char *what = NULL;
	bool json = false;
	const struct cli_args_option options[] = {
	    {.name = "json", .flag = &json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &what,
	    .n_operands_min = 1,
	    .n_operands_max = 1,
	};
	char *text = NULL;
	size_t len;
	int code = cli_args_parse(&args, self, argc, argv);

	if (code != CLI_ARGS_OK)
		return code;
	if (is_invitation(what))
		return show(what, strlen(what), json);
	code = cli_file_read(&text, &len, what, FILE_LEN_MAX);
	if (code == CLI_DONE)
		code = show(text, len, json);
	free(text);
	return code;
}

static const struct cli_command subs[] = {
    {
	.name = "show",
	.summary = "show what an invitation says",
	.help =
	    "usage: did-cli invite show URL|TEXT|FILE|- [--json]\n"
	    "\n"
	    "Show who invites and to what.  Nothing proves it: whoever passed "
	    "the\n"
	    "invitation on may have changed it.  Nothing is fetched.\n"
	    "\n"
	    "  --json  print the message of the invitation\n"
	    "\n"
	    "Exit code 3 if it is not a valid invitation.\n"
	    "\n"
	    "example:\n"
	    "  did-cli invite --identity alice --goal 'Let us talk' |\n"
	    "      did-cli invite show -\n",
	.run = run_show,
    },
    {0},
};

const struct cli_command cli_invite = {
    .name = "invite",
    .summary = "make and show invitations, also as QR code",
    .help =
	"usage: did-cli invite [OPTION...]\n"
	"       did-cli invite show URL|TEXT|FILE|- [--json]\n"
	"\n"
	"Print an out-of-band invitation to talk to an identity of this user: "
	"short text,\n"
	"or a URL.\n"
	"\n"
	"  --identity FILE|NAME  who invites (default: default)\n"
	"  --goal TEXT           to what, for people\n"
	"  --goal-code CODE      to what, for programs\n"
	"  --url BASE            as URL under BASE, such as "
	"https://example.com/talk\n"
	"  --qr                  draw it as QR code on standard error, too\n"
	"  --png FILE            write the QR code to a new PNG file\n"
	"  --json                print one JSON object\n"
	"\n"
	"example:\n"
	"  did-cli invite --identity alice --goal 'Let us talk' --qr\n",
    .run = run_invite,
    .subs = subs,
};
