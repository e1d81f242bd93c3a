/*
 * The library's side of tests/interop/didcomm.sh and of tests/bench/envelope:
 *
 *   envelope DIRECTORY
 *
 * DIRECTORY holds the DID documents as files.  Reads one JSON object a line
 * and answers each with one:
 *
 *   {"op":"key","kid":KID,"jwk":{...}}                  a secret key of ours
 *   {"op":"pack","layers":N,"enc":N,"to":...,"sender":...,"signer":...,
 *    "routing":[...],"message":TEXT}                    {"envelope":TEXT}
 *   {"op":"unpack","envelope":TEXT}                     {"message":TEXT,...}
 *   {"op":"forward","message":TEXT} {"next":...,"packed":...}
 *   {"op":"prior","kid":KID,"to":DID}                   {"jwt":TEXT}
 *   {"op":"rate","seconds":S, and as in pack}           {"pack":N,"unpack":N}
 *
 * or {"error":NAME,"reason":TEXT}.  Keys are made for the test that runs this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <parley/comm.h>

static struct parley_comm *comm;

static const char *text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static json_t *fail(int err)
{
	return json_pack("{s:s, s:s}", "error", parley_did_err_name(err),
			 "reason", parley_comm_reason(comm));
}

static json_t *add_key(const json_t *in)
{
	char *jwk = json_dumps(json_object_get(in, "jwk"), 0);
	int err = parley_comm_add_jwk(comm, text(in, "kid"), jwk, strlen(jwk));

	free(jwk);
	return err ? fail(err) : json_object();
}

static void read_how(struct parley_comm_pack *how, const char **routing,
		     const json_t *in)
{
	const json_t *list = json_object_get(in, "routing");

	memset(how, 0, sizeof(*how));
	how->layers = (enum parley_comm_layers)json_integer_value(
	    json_object_get(in, "layers"));
	how->enc = (enum parley_comm_enc)json_integer_value(
	    json_object_get(in, "enc"));
	how->to = text(in, "to");
	how->sender = text(in, "sender");
	how->signer = text(in, "signer");
	how->routing = routing;
	how->n_routing = json_array_size(list);
	for (size_t i = 0; i < how->n_routing; i++)
		routing[i] = json_string_value(json_array_get(list, i));
}

static json_t *pack(const json_t *in)
{
	struct parley_comm_pack how;
	const char *routing[8];
	const char *message = text(in, "message");
	char *envelope;
	size_t len;
	json_t *out;
	int err;

	read_how(&how, routing, in);
	err = parley_comm_pack(comm, &envelope, &len, message, strlen(message),
			       &how);
	if (err)
		return fail(err);
	out = json_pack("{s:s%}", "envelope", envelope, len);
	free(envelope);
	return out;
}

static json_t *unpack(const json_t *in)
{
	struct parley_comm_unpacked u;
	const char *envelope = text(in, "envelope");
	json_t *out;
	int err;

	err = parley_comm_unpack(comm, &u, envelope, strlen(envelope), NULL);
	if (err)
		return fail(err);
	out = json_pack("{s:s%, s:i, s:s*, s:s*, s:s*, s:s*, s:s*}", "message",
			u.message, u.message_len, "layers", (int)u.layers,
			"signer", u.signer_kid, "sender", u.sender_kid,
			"recipient", u.recipient, "read_by", u.read_by, "prior",
			u.prior);
	parley_comm_unpacked_wipe(&u);
	return out;
}

static json_t *forward(const json_t *in)
{
	const char *message = text(in, "message");
	char *next, *packed;
	size_t len;
	json_t *out;
	int err = parley_comm_forward_open(&next, &packed, &len, message,
					   strlen(message));

	if (err)
		return fail(err);
	out = json_pack("{s:s, s:s%}", "next", next, "packed", packed, len);
	free(next);
	free(packed);
	return out;
}

static json_t *prior(const json_t *in)
{
	char *jwt;
	json_t *out;
	int err = parley_comm_prior_issue(comm, &jwt, text(in, "kid"),
					  text(in, "to"), 1767225600);

	if (err)
		return fail(err);
	out = json_pack("{s:s}", "jwt", jwt);
	free(jwt);
	return out;
}

/* Seconds of processor time: other load on the machine does not count. */
static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Packs and unpacks per second, one message after the other. */
static json_t *rate(const json_t *in)
{
	const double span = json_number_value(json_object_get(in, "seconds"));
	const char *message = text(in, "message"), *routing[8];
	struct parley_comm_unpacked u;
	struct parley_comm_pack how;
	char *envelope = NULL;
	size_t len = 0, n_pack = 0, n_unpack = 0;
	double start, pack_span, unpack_span;
	int err;

	read_how(&how, routing, in);
	start = seconds_now();
	do {
		free(envelope);
		envelope = NULL;
		err = parley_comm_pack(comm, &envelope, &len, message,
				       strlen(message), &how);
		if (err)
			return fail(err);
		n_pack++;
		pack_span = seconds_now() - start;
	} while (pack_span < span);
	start = seconds_now();
	do {
		err = parley_comm_unpack(comm, &u, envelope, len, NULL);
		if (err) {
			free(envelope);
			return fail(err);
		}
		parley_comm_unpacked_wipe(&u);
		n_unpack++;
		unpack_span = seconds_now() - start;
	} while (unpack_span < span);
	free(envelope);
	return json_pack("{s:f, s:f}", "pack", (double)n_pack / pack_span,
			 "unpack", (double)n_unpack / unpack_span);
}

static json_t *answer(const json_t *in)
{
	const char *op = text(in, "op");

	if (strcmp(op, "key") == 0)
		return add_key(in);
	if (strcmp(op, "pack") == 0)
		return pack(in);
	if (strcmp(op, "unpack") == 0)
		return unpack(in);
	if (strcmp(op, "forward") == 0)
		return forward(in);
	if (strcmp(op, "prior") == 0)
		return prior(in);
	if (strcmp(op, "rate") == 0)
		return rate(in);
	return fail(PARLEY_ERR_ARGUMENT);
}

int main(int argc, char **argv)
{
	struct parley_resolver_options options = {0};
	struct parley_resolver *resolver;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (argc != 2) {
		fprintf(stderr, "usage: envelope DIRECTORY\n");
		return 2;
	}
	options.directory = argv[1];
	if (parley_did_resolver_new(&resolver, &options) != 0 ||
	    parley_comm_new(&comm, resolver) != 0)
		return 1;
	while ((len = getline(&line, &size, stdin)) > 0) {
		json_t *in = json_loadb(line, (size_t)len, 0, NULL), *out;

		if (in == NULL)
			return 1;
		out = answer(in);
		json_dumpf(out, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(in);
		json_decref(out);
	}
	free(line);
	parley_comm_free(comm);
	parley_did_resolver_free(resolver);
	return 0;
}
