/*
 * did-cli pack, did-cli sign: from a message to an envelope (DIDComm v2.1).
 *
 * One envelope is for one recipient, because those of several would tell each
 * of them the keys of the others; with several there are as many envelopes,
 * one on each line.  All are made before the first is printed.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/comm.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/message.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/resolver.h"
#include "cli/store.h"
#include "did/did.h"

/* What the options say. */
struct packing {
	struct cli_args_list to;
	struct cli_args_list routing;
	const char *from, *which, *enc, *file;
	bool anon, sign;
	struct cli_passphrase_source source;
	struct cli_resolver resolver;
};

static const struct {
	const char *name;
	enum parley_comm_enc enc;
} encs[] = {
    {"a256cbc-hs512", PARLEY_COMM_A256CBC_HS512},
    {"a256gcm", PARLEY_COMM_A256GCM},
    {"xc20p", PARLEY_COMM_XC20P},
};

static int find_enc(enum parley_comm_enc *encp, const char *name)
{
	for (size_t i = 0; i < sizeof(encs) / sizeof(encs[0]); i++) {
		if (strcasecmp(encs[i].name, name) == 0) {
			*encp = encs[i].enc;
			return CLI_DONE;
		}
	}
	cli_out_error("--enc: '%s' is none of a256cbc-hs512, a256gcm, xc20p",
		      name);
	return CLI_USAGE;
}

static int check_dids(const char *option, const struct cli_args_list *list)
{
	const char *fragment;
	size_t did_len;

	for (size_t i = 0; i < list->n; i++) {
		if (did_url_split(&did_len, &fragment, list->at[i]) == 0)
			continue;
		cli_out_error("%s: '%s' is not a DID or key id", option,
			      list->at[i]);
		cli_out_hint("'did-cli identity list' shows the DIDs of local "
			     "identities");
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static int exit_code(int err, const char *reason)
{
	switch (err) {
	case PARLEY_ERR_FETCH:
		return CLI_MISSING;
	case PARLEY_ERR_MESSAGE:
	case PARLEY_ERR_JSON:
	case PARLEY_ERR_ADDRESS:
	case PARLEY_ERR_TOO_LARGE:
	case PARLEY_ERR_ARGUMENT:
		return CLI_LOCAL;
	case PARLEY_ERR_NOT_FOUND:
		/* No key of ours, or no document of theirs. */
		return reason[0] != '\0' ? CLI_LOCAL : CLI_FAILED;
	default:
		return CLI_FAILED;
	}
}

/* Fill in ${how} from the options.  Returns an exit code. */
static int decide(struct parley_comm_pack *how, const struct packing *p)
{
	int code = CLI_DONE;

	if (p->to.n == 0) {
		cli_out_error("pack: for whom? --to is missing");
		cli_out_hint("'did-cli sign' makes an envelope that everybody "
			     "can read");
		return CLI_USAGE;
	}
	if (p->sign)
		how->layers = PARLEY_COMM_ANONCRYPT_SIGNED;
	else if (p->anon && p->which == NULL)
		how->layers = PARLEY_COMM_ANONCRYPT;
	else if (p->anon)
		how->layers = PARLEY_COMM_ANONCRYPT_AUTHCRYPT;
	else
		how->layers = PARLEY_COMM_AUTHCRYPT;
	if (p->enc != NULL)
		code = find_enc(&how->enc, p->enc);
	if (code == CLI_DONE && how->layers == PARLEY_COMM_AUTHCRYPT &&
	    how->enc != PARLEY_COMM_A256CBC_HS512) {
		cli_out_error("--enc: without --anon or --sign it is always "
			      "a256cbc-hs512");
		code = CLI_USAGE;
	}
	if (code == CLI_DONE)
		code = check_dids("--to", &p->to);
	if (code == CLI_DONE)
		code = check_dids("--routing", &p->routing);
	how->routing = p->routing.at;
	how->n_routing = p->routing.n;
	return code;
}

/* Make the envelopes of ${n} recipients and print them. */
static int pack_all(const struct packing *p, struct parley_comm *comm,
		    const struct parley_resolver *resolver,
		    struct parley_comm_pack *how, const char *message,
		    size_t len)
{
	size_t n =
	    p->to.n > 0 && how->layers != PARLEY_COMM_SIGNED ? p->to.n : 1;
	char **envelopes = calloc(n, sizeof(envelopes[0]));
	const char *verb = how->layers == PARLEY_COMM_SIGNED ? "sign" : "pack";
	int code = CLI_DONE, r;

	if (envelopes == NULL) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	for (size_t i = 0; i < n && code == CLI_DONE; i++) {
		size_t envelope_len;

		if (how->layers != PARLEY_COMM_SIGNED)
			how->to = p->to.at[i];
		r = parley_comm_pack(comm, &envelopes[i], &envelope_len,
				     message, len, how);
		if (r == 0)
			continue;
		cli_message_error(verb, r, comm, resolver, &p->resolver,
				  how->to);
		if (n > 1)
			cli_out_hint("that was for '%s'; nothing is printed",
				     how->to);
		if (r == PARLEY_ERR_MESSAGE)
			cli_out_hint("a message is a JSON object with at least "
				     "a type, a URI as in "
				     "https://didcomm.org/empty/1.0/empty");
		code = exit_code(r, parley_comm_reason(comm));
	}
	for (size_t i = 0; i < n; i++) {
		if (code == CLI_DONE)
			puts(envelopes[i]);
		free(envelopes[i]);
	}
	free(envelopes);
	return code;
}

static int pack(const struct packing *p, struct parley_comm_pack *how)
{
	struct parley_resolver *resolver = NULL;
	struct parley_identity *id = NULL;
	struct parley_comm *comm = NULL;
	char *message = NULL;
	size_t len;
	int code;

	code = cli_passphrase_check_stdin(&p->source, p->file);
	if (code == CLI_DONE && how->layers != PARLEY_COMM_ANONCRYPT)
		code = cli_store_load(&id, p->which, &p->source);
	if (code == CLI_DONE)
		code = cli_message_party(&comm, &resolver, id, &p->resolver);
	if (code == CLI_DONE)
		code = cli_message_read(&message, &len, p->file);
	if (code == CLI_DONE)
		code = cli_message_complete(
		    &message, &len,
		    id != NULL ? parley_did_identity_did(id) : NULL, &p->to);
	if (code == CLI_DONE)
		code = pack_all(p, comm, resolver, how, message, len);
	free(message);
	parley_comm_free(comm);
	parley_did_resolver_free(resolver);
	parley_did_identity_free(id);
	return code;
}

/* --from and --identity are two names of the same. */
static int choose_identity(struct packing *p)
{
	if (p->from != NULL && p->which != NULL) {
		cli_out_error("--from and --identity are the same: give one");
		return CLI_USAGE;
	}
	if (p->from != NULL)
		p->which = p->from;
	return CLI_DONE;
}

static int run_pack(const struct cli_command *self, int argc, char **argv)
{
	struct packing p = {0};
	const struct cli_args_option options[] = {
	    {.name = "to", .list = &p.to},
	    {.name = "from", .text = &p.from},
	    {.name = "identity", .text = &p.which},
	    {.name = "anon", .flag = &p.anon},
	    {.name = "sign", .flag = &p.sign},
	    {.name = "enc", .text = &p.enc},
	    {.name = "routing", .list = &p.routing},
	    {.name = "passphrase-file", .text = &p.source.file},
	    {.name = "passphrase-fd", .text = &p.source.fd},
	    CLI_RESOLVER_OPTIONS(p.resolver),
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &p.file,
	    .n_operands_max = 1,
	};
	struct parley_comm_pack how = {0};
	int code = cli_args_parse(&args, self, argc, argv);

	if (code == CLI_ARGS_OK)
		code = choose_identity(&p);
	else
		goto out;
	if (code == CLI_DONE)
		code = decide(&how, &p);
	if (code == CLI_DONE)
		code = pack(&p, &how);
out:
	cli_args_list_free(&p.to);
	cli_args_list_free(&p.routing);
	return code;
}

static int run_sign(const struct cli_command *self, int argc, char **argv)
{
	struct packing p = {0};
	const struct cli_args_option options[] = {
	    {.name = "to", .list = &p.to},
	    {.name = "from", .text = &p.from},
	    {.name = "identity", .text = &p.which},
	    {.name = "passphrase-file", .text = &p.source.file},
	    {.name = "passphrase-fd", .text = &p.source.fd},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &p.file,
	    .n_operands_max = 1,
	};
	struct parley_comm_pack how = {.layers = PARLEY_COMM_SIGNED};
	int code = cli_args_parse(&args, self, argc, argv);

	if (code == CLI_ARGS_OK)
		code = choose_identity(&p);
	else
		goto out;
	if (code == CLI_DONE)
		code = check_dids("--to", &p.to);
	if (code == CLI_DONE)
		code = pack(&p, &how);
out:
	cli_args_list_free(&p.to);
	return code;
}

const struct cli_command cli_pack = {
    .name = "pack",
    .summary = "encrypt a DIDComm message",
    .help =
	"usage: did-cli pack --to DID... [FILE] [OPTION...]\n"
	"\n"
	"Read a DIDComm message, by default from standard input, and print it "
	"encrypted:\n"
	"one line for each recipient.  id, from and to are put in where "
	"missing.\n"
	"\n"
	"  --to DID                who can read it; may be repeated\n"
	"  --from FILE|NAME        who sends, also --identity (default: "
	"default)\n"
	"  --anon                  hide the sender; without --from also from "
	"the reader\n"
	"  --sign                  sign, too: the reader can show it to "
	"others\n"
	"  --enc a256gcm|xc20p     with --anon or --sign, in place of "
	"a256cbc-hs512\n"
	"  --routing DID           a mediator, the nearest first; may be "
	"repeated\n"
	"  --passphrase-file FILE  read the passphrase there\n"
	"  --passphrase-fd N       read the passphrase from descriptor "
	"N\n" CLI_RESOLVER_HELP "\n"
	"example:\n"
	"  echo '{\"type\":\"https://didcomm.org/empty/1.0/empty\"}' |\n"
	"      did-cli pack --anon --to \\\n"
	"      did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp\n",
    .run = run_pack,
};

const struct cli_command cli_sign = {
    .name = "sign",
    .summary = "sign a DIDComm message",
    .help =
	"usage: did-cli sign [FILE] [OPTION...]\n"
	"\n"
	"Read a DIDComm message, by default from standard input, and print it "
	"signed:\n"
	"everybody can read it, and can prove who signed.  id and from are put "
	"in where\n"
	"missing.\n"
	"\n"
	"  --from FILE|NAME        who signs, also --identity (default: "
	"default)\n"
	"  --to DID                put in as recipient; may be repeated\n"
	"  --passphrase-file FILE  read the passphrase there\n"
	"  --passphrase-fd N       read the passphrase from descriptor N\n"
	"\n"
	"example:\n"
	"  echo '{\"type\":\"https://didcomm.org/empty/1.0/empty\"}' |\n"
	"      did-cli sign --from alice | did-cli verify\n",
    .run = run_sign,
};
