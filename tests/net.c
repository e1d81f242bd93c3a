/*
 * m parties in one process; see net.h.  Sessions are driven through their
 * descriptors, as an event loop of a program would drive them.
 */
#include "tests/net.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "did/base64.h"
#include "did/identity.h"

/* Below the range that the system gives to outgoing connections, beginning
 * somewhere else in each process. */
int net_free_port(void)
{
	static int next;
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, err;

	if (next == 0)
		next = 10000 + (int)((unsigned)getpid() * 97u % 20000u);
	do {
		next = next < 32000 ? next + 1 : 10000;
		a.sin_port = htons((uint16_t)next);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		assert_true(fd >= 0);
		err = bind(fd, (struct sockaddr *)&a, sizeof(a));
		close(fd);
	} while (err);
	return next;
}

struct parley_agreement *net_agreement(const struct net *net,
				       const struct net_spec *spec)
{
	static const char digest[] = "0123456789abcdef0123456789abcdef"
				     "0123456789abcdef0123456789abcdef";
	struct parley_agreement *a = NULL;
	uint8_t id[PARLEY_AGREEMENT_ID_LEN];
	char id_text[DID_BASE64_LEN(sizeof(id)) + 1], text[128];
	json_t *root, *parties = json_array(), *parameters;
	char *dump, *error;
	int err;

	memset(id, spec->id ? spec->id : 0x42, sizeof(id));
	did_base64_encode(id_text, id, sizeof(id));
	for (size_t k = 0; k < net->n; k++) {
		size_t i = k;
		const char *did;

		if (spec->swap_a != spec->swap_b)
			i = k == spec->swap_a	? spec->swap_b
			    : k == spec->swap_b ? spec->swap_a
						: k;
		did = parley_did_identity_did(net->ids[i]);
		if (spec->replace_did && i == spec->replace_index)
			did = spec->replace_did;
		snprintf(text, sizeof(text), "tcp://127.0.0.1:%d",
			 net->ports[i]);
		json_array_append_new(
		    parties, json_pack("{s:s, s:o, s:[s]}", "did", did, "name",
				       spec->party_name && i == 0
					   ? json_string(spec->party_name)
					   : json_sprintf("p%zu", i),
				       "endpoints", text));
	}
	parameters =
	    json_loads(spec->parameters ? spec->parameters : "{}", 0, NULL);
	assert_non_null(parameters);
	root = json_pack(
	    "{s:s, s:s, s:s, s:i, s:{s:s, s:{s:o}}, s:i, s:o, "
	    "s:o}",
	    "parley", "agreement/1", "id", id_text, "name",
	    spec->name ? spec->name : "test", "created", 1700000000, "program",
	    "name", spec->program ? spec->program : "test", "digests", "file",
	    json_sprintf("sha256:%s", spec->digest ? spec->digest : digest),
	    "threshold", spec->threshold, "parameters", parameters, "parties",
	    parties);
	assert_non_null(root);
	if (spec->expires)
		json_object_set_new(root, "expires",
				    json_integer(spec->expires));
	dump = json_dumps(root, 0);
	err = parley_session_agreement_parse(&a, &error, dump, strlen(dump));
	if (err)
		fail_msg("agreement: %s", error);
	free(dump);
	json_decref(root);
	return a;
}

static void choose_carrier(struct net *net)
{
	const char *name = getenv("PARLEY_TEST_CARRIER");

	if (!name || strcmp(name, "zmtp") == 0)
		net->o.carrier = PARLEY_CARRIER_ZMTP;
	else if (strcmp(name, "libzmq") == 0)
		net->o.carrier = PARLEY_CARRIER_LIBZMQ;
	else if (strcmp(name, "mixed") == 0)
		net->mixed = true;
	else
		fail_msg("PARLEY_TEST_CARRIER=%s: no such carrier", name);
}

void net_init(struct net *net, size_t n)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN];

	memset(net, 0, sizeof(*net));
	net->n = n;
	parley_session_options_init(&net->o);
	net->o.open_timeout_ms = 20 * 1000;
	choose_carrier(net);
	for (size_t i = 0; i < n; i++) {
		memset(seed, (int)i + 1, sizeof(seed));
		assert_int_equal(did_identity_from_seed(&net->ids[i], seed), 0);
		net->ports[i] = net_free_port();
	}
	net->agreement = net_agreement(net, &(struct net_spec){0});
}

struct parley_session_options net_options(const struct net *net, size_t i)
{
	struct parley_session_options o = net->o;

	if (net->mixed && i % 2)
		o.carrier = PARLEY_CARRIER_LIBZMQ;
	return o;
}

void net_start(struct net *net, size_t i)
{
	struct parley_session_options o = net_options(net, i);
	int err =
	    parley_session_new(&net->s[i], net->agreement, net->ids[i], &o);

	if (err)
		fail_msg("party %zu: %s", i, parley_session_error(net->s[i]));
}

void net_start_all(struct net *net)
{
	for (size_t i = 0; i < net->n; i++)
		if (!net->s[i])
			net_start(net, i);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool net_run(struct net *net, bool (*done)(struct net *net, void *context),
	     void *context, int limit_ms)
{
	const int64_t limit = now_ms() + limit_ms;
	struct pollfd fds[NET_MAX];

	for (;;) {
		nfds_t n = 0;

		for (size_t i = 0; i < net->n; i++) {
			if (!net->s[i])
				continue;
			(void)parley_session_process(net->s[i]);
			fds[n++] =
			    (struct pollfd){.fd = parley_session_fd(net->s[i]),
					    .events = POLLIN};
		}
		if (done(net, context))
			return true;
		if (now_ms() >= limit)
			return false;
		poll(fds, n,
		     limit - now_ms() < 200 ? (int)(limit - now_ms()) + 1
					    : 200);
	}
}

bool net_ready(struct net *net, void *context)
{
	(void)context;
	for (size_t i = 0; i < net->n; i++)
		if (net->s[i] &&
		    parley_session_state(net->s[i]) != PARLEY_SESSION_READY)
			return false;
	return true;
}

void net_open(struct net *net)
{
	net_start_all(net);
	if (net_run(net, net_ready, NULL, net->o.open_timeout_ms))
		return;
	for (size_t i = 0; i < net->n; i++)
		print_message("party %zu: %s\n", i,
			      parley_session_error(net->s[i]));
	fail_msg("not all parties became ready");
}

void net_recv(struct net *net, size_t i, int from, const void **msgp,
	      size_t *lenp)
{
	const int64_t limit = now_ms() + 10000;
	int err;

	while ((err = parley_session_recv(net->s[i], from, NULL, msgp, lenp)) ==
		   PARLEY_ERR_AGAIN &&
	       now_ms() < limit)
		for (size_t j = 0; j < net->n; j++)
			if (j != i && net->s[j])
				(void)parley_session_process(net->s[j]);
	if (err)
		fail_msg("party %zu: %s", i, parley_session_error(net->s[i]));
}

void net_free(struct net *net)
{
	for (size_t i = 0; i < net->n; i++) {
		parley_session_free(net->s[i]);
		parley_did_identity_free(net->ids[i]);
	}
	parley_session_agreement_free(net->agreement);
}
