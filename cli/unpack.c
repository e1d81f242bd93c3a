/*
 * did-cli unpack, did-cli verify: from an envelope to the message and who it is
 * from (DIDComm v2.1).
 *
 * The message goes to standard output and what is known about it to standard
 * error.  Nothing is printed of a message until all checks are done.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <parley/comm.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/message.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/resolver.h"
#include "cli/store.h"
#include "comm/jose.h"

/* What the options say. */
struct unpacking {
	const char *from, *which, *file;
	bool verify; /* signed envelopes only, no key of ours */
	bool expired, json;
	struct cli_passphrase_source source;
	struct cli_resolver resolver;
};

/* Names as in DIDComm 2.1, "IANA Media Types". */
static const char *layers_name(enum parley_comm_layers layers)
{
	switch (layers) {
	case PARLEY_COMM_PLAIN:
		return "plaintext";
	case PARLEY_COMM_SIGNED:
		return "signed(plaintext)";
	case PARLEY_COMM_ANONCRYPT:
		return "anoncrypt(plaintext)";
	case PARLEY_COMM_AUTHCRYPT:
		return "authcrypt(plaintext)";
	case PARLEY_COMM_ANONCRYPT_SIGNED:
		return "anoncrypt(sign(plaintext))";
	case PARLEY_COMM_ANONCRYPT_AUTHCRYPT:
		return "anoncrypt(authcrypt(plaintext))";
	case PARLEY_COMM_AUTHCRYPT_SIGNED:
		return "authcrypt(sign(plaintext))";
	}
	return "";
}

static const char *enc_name(enum parley_comm_enc enc)
{
	switch (enc) {
	case PARLEY_COMM_A256CBC_HS512:
		return "A256CBC-HS512";
	case PARLEY_COMM_A256GCM:
		return "A256GCM";
	case PARLEY_COMM_XC20P:
		return "XC20P";
	}
	return "";
}

/* The encryptions, the outermost first. */
static json_t *encryption_json(const struct parley_comm_unpacked *u)
{
	static const char es[] = "ECDH-ES+A256KW", pu[] = "ECDH-1PU+A256KW";

	switch (u->layers) {
	case PARLEY_COMM_PLAIN:
	case PARLEY_COMM_SIGNED:
		return json_array();
	case PARLEY_COMM_ANONCRYPT:
	case PARLEY_COMM_ANONCRYPT_SIGNED:
		return json_pack("[{s:s, s:s}]", "alg", es, "enc",
				 enc_name(u->enc));
	case PARLEY_COMM_AUTHCRYPT:
	case PARLEY_COMM_AUTHCRYPT_SIGNED:
		return json_pack("[{s:s, s:s}]", "alg", pu, "enc",
				 enc_name(u->enc));
	case PARLEY_COMM_ANONCRYPT_AUTHCRYPT:
		return json_pack("[{s:s, s:s}, {s:s, s:s}]", "alg", es, "enc",
				 enc_name(u->enc), "alg", pu, "enc",
				 enc_name(u->inner_enc));
	}
	return NULL;
}

static json_t *kids_json(const struct parley_comm_unpacked *u)
{
	json_t *list = json_array();

	for (size_t i = 0; i < u->n_recipient_kids; i++)
		json_array_append_new(list, json_string(u->recipient_kids[i]));
	return list;
}

static json_t *prior_json(const struct parley_comm_unpacked *u)
{
	if (u->prior == NULL)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:b}", "did", u->prior, "kid",
			 u->prior_kid, "time",
			 u->prior_time >= 0 ? json_integer(u->prior_time)
					    : json_null(),
			 "ended", u->ended);
}

static int print_json(const struct parley_comm_unpacked *u)
{
	json_t *message = NULL;

	if (comm_jose_parse(&message, u->message, u->message_len) != 0) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	return cli_out_json(json_pack(
	    "{s:s, s:o, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:s?, s:o, "
	    "s:o}",
	    "envelope", layers_name(u->layers), "encryption",
	    encryption_json(u), "signer", u->signer, "signer_kid",
	    u->signer_kid, "signer_alg", u->signer_alg, "sender", u->sender,
	    "sender_kid", u->sender_kid, "recipient", u->recipient,
	    "recipient_kids", kids_json(u), "read_by", u->read_by, "prior",
	    prior_json(u), "message", message));
}

static int print_message(const struct parley_comm_unpacked *u)
{
	cli_out_data(u->message, u->message_len);
	if (u->signer != NULL)
		cli_out_note("signed by %s", u->signer);
	if (u->sender != NULL)
		cli_out_note("sent by %s", u->sender);
	if (u->signer == NULL && u->sender == NULL)
		cli_out_warning("nothing proves who wrote this");
	if (u->recipient != NULL)
		cli_out_note("readable by %s only", u->recipient);
	else
		cli_out_note("readable by everybody");
	if (u->prior != NULL && u->ended)
		cli_out_note("%s ends the relationship", u->prior);
	else if (u->prior != NULL)
		cli_out_note("the sender was %s before", u->prior);
	return CLI_DONE;
}

static int exit_code(int err)
{
	if (err == PARLEY_ERR_FETCH)
		return CLI_MISSING;
	if (err == PARLEY_ERR_TOO_LARGE)
		return CLI_LOCAL;
	/* That we cannot resolve it says nothing against the other side. */
	if (err == PARLEY_ERR_UNSUPPORTED)
		return CLI_FAILED;
	return parley_did_err_class(err) == PARLEY_ERR_CLASS_PEER ? CLI_PEER
								  : CLI_FAILED;
}

/* Is it from whom it was asked to be? */
static int check_from(const struct unpacking *p,
		      const struct parley_comm_unpacked *u)
{
	const char *who = u->signer != NULL ? u->signer : u->sender;

	if (p->verify && u->layers != PARLEY_COMM_SIGNED) {
		cli_out_error("this is not a signed envelope: it is %s",
			      layers_name(u->layers));
		return CLI_PEER;
	}
	if (p->from == NULL || (who != NULL && strcmp(who, p->from) == 0))
		return CLI_DONE;
	if (who == NULL)
		cli_out_error("nothing proves that this is from %s", p->from);
	else
		cli_out_error("this is from %s and not from %s", who, p->from);
	return CLI_PEER;
}

static int open_envelope(const struct unpacking *p, struct parley_comm *comm,
			 const struct parley_resolver *resolver,
			 const char *text, size_t len)
{
	const struct parley_comm_unpack how = {
	    .now = p->expired ? 0 : (int64_t)time(NULL),
	};
	struct parley_comm_unpacked u = {0};
	int code, r;

	r = parley_comm_unpack(comm, &u, text, len, &how);
	if (r != 0) {
		cli_message_error(p->verify ? "verify" : "unpack", r, comm,
				  resolver, &p->resolver, NULL);
		if (r == PARLEY_ERR_EXPIRED)
			cli_out_hint("--expired reads it all the same");
		return exit_code(r);
	}
	code = check_from(p, &u);
	if (code == CLI_DONE)
		code = p->json ? print_json(&u) : print_message(&u);
	parley_comm_unpacked_wipe(&u);
	return code;
}

/*
 * Who reads what is only signed need not open an identity.  In a signed
 * envelope the name cannot stand: all it has is base64url.
 */
static bool is_encrypted(const char *text)
{
	return strstr(text, "\"ciphertext\"") != NULL;
}

static int unpack(const struct unpacking *p)
{
	struct parley_resolver *resolver = NULL;
	struct parley_identity *id = NULL;
	struct parley_comm *comm = NULL;
	char *text = NULL;
	size_t len;
	int code;

	code = cli_passphrase_check_stdin(&p->source, p->file);
	if (code == CLI_DONE)
		code = cli_message_read(&text, &len, p->file);
	if (code == CLI_DONE && p->verify && is_encrypted(text)) {
		cli_out_error("this is not a signed envelope: it is encrypted");
		cli_out_hint("'did-cli unpack' opens it, and says who signed");
		code = CLI_PEER;
	}
	if (code == CLI_DONE && (p->which != NULL || is_encrypted(text)))
		code = cli_store_load(&id, p->which, &p->source);
	if (code == CLI_DONE)
		code = cli_message_party(&comm, &resolver, id, &p->resolver);
	if (code == CLI_DONE)
		code = open_envelope(p, comm, resolver, text, len);
	free(text);
	parley_comm_free(comm);
	parley_did_resolver_free(resolver);
	parley_did_identity_free(id);
	return code;
}

static int run_unpack(const struct cli_command *self, int argc, char **argv)
{
	struct unpacking p = {0};
	const struct cli_args_option options[] = {
	    {.name = "identity", .text = &p.which},
	    {.name = "from", .text = &p.from},
	    {.name = "expired", .flag = &p.expired},
	    {.name = "passphrase-file", .text = &p.source.file},
	    {.name = "passphrase-fd", .text = &p.source.fd},
	    CLI_RESOLVER_OPTIONS(p.resolver),
	    {.name = "json", .flag = &p.json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &p.file,
	    .n_operands_max = 1,
	};
	int code = cli_args_parse(&args, self, argc, argv);

	return code == CLI_ARGS_OK ? unpack(&p) : code;
}

static int run_verify(const struct cli_command *self, int argc, char **argv)
{
	struct unpacking p = {.verify = true};
	const struct cli_args_option options[] = {
	    {.name = "from", .text = &p.from},
	    {.name = "expired", .flag = &p.expired},
	    CLI_RESOLVER_OPTIONS(p.resolver),
	    {.name = "json", .flag = &p.json},
	    {0},
	};
	const struct cli_args args = {
	    .options = options,
	    .operands = &p.file,
	    .n_operands_max = 1,
	};
	int code = cli_args_parse(&args, self, argc, argv);

	return code == CLI_ARGS_OK ? unpack(&p) : code;
}

const struct cli_command cli_unpack = {
    .name = "unpack",
    .summary = "open a DIDComm envelope, say who sent and signed",
    .help =
	"usage: did-cli unpack [FILE] [OPTION...]\n"
	"\n"
	"Read an envelope of any kind, by default from standard input, and "
	"print the\n"
	"message; who signed, sent and could read it is said on standard "
	"error.\n"
	"\n"
	"  --identity FILE|NAME    who reads (default: default)\n"
	"  --from DID              refuse what is not proven to be from DID\n"
	"  --expired               read also what has expired\n"
	"  --passphrase-file FILE  read the passphrase there\n"
	"  --passphrase-fd N       read the passphrase from descriptor N\n"
	"  --json                  print one JSON object: the message, and who "
	"and how\n" CLI_RESOLVER_HELP "\n"
	"Exit code 3: the envelope is not valid, not for this identity, or not "
	"from DID.\n"
	"\n"
	"example:\n"
	"  echo '{\"type\":\"https://didcomm.org/empty/1.0/empty\"}' |\n"
	"      did-cli sign --from alice | did-cli unpack --json\n",
    .run = run_unpack,
};

const struct cli_command cli_verify = {
    .name = "verify",
    .summary = "verify a signed DIDComm envelope",
    .help =
	"usage: did-cli verify [FILE] [OPTION...]\n"
	"\n"
	"Read a signed envelope, by default from standard input, verify it and "
	"print the\n"
	"message; who signed is said on standard error.  Needs no identity.\n"
	"\n"
	"  --from DID  refuse what somebody else signed\n"
	"  --expired   accept also what has expired\n"
	"  --json      print one JSON object: the message, and who and "
	"how\n" CLI_RESOLVER_HELP "\n"
	"Exit code 3: the signature does not verify, or is not by DID.\n"
	"\n"
	"example:\n"
	"  echo '{\"type\":\"https://didcomm.org/empty/1.0/empty\"}' |\n"
	"      did-cli sign --from alice | did-cli verify\n",
    .run = run_verify,
};
