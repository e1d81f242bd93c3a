/*
 * One party of a session, as the C library plays it: the other end of
 * session.py, which describes the scripts and the contents of messages.
 *
 *   session-peer --new-identity FILE                   prints the DID
 *   session-peer --agreement FILE --identity FILE [--listen tcp://HOST:PORT]
 *       --script open | exchange:K | pingpong:K
 *
 * Prints one line of JSON and returns 0, or 1 after an error, 2 if called
 * wrongly.  Uses the public API only.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/session.h>

enum {
	BLOCK_LEN = 1024,
	BLOCK_HEAD_LEN = 16,
	MESSAGE_LEN_MAX = 3000000,
	TIMEOUT_MS = 60000,
};

static const size_t SIZES[] = {
    0, 1, 19, 63, 64, 8191, 8192, 100000, MESSAGE_LEN_MAX};

struct peer {
	struct parley_session *session;
	int self;
	int n_parties;
	unsigned n_messages; /* K of the script */
	uint8_t *expected;   /* MESSAGE_LEN_MAX bytes */
	unsigned long received;
	char wrong[128]; /* what was not as it must be, or "" */
};

static int complain(struct peer *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int complain(struct peer *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(p->wrong, sizeof(p->wrong), format, ap);
	va_end(ap);
	return PARLEY_ERR_MESSAGE;
}

/* Byte ${at} of message ${k}. */
static uint8_t content_byte(unsigned sender, unsigned receiver, unsigned k,
			    size_t at)
{
	const uint32_t head[] = {k, sender, receiver,
				 (uint32_t)(at / BLOCK_LEN)};
	size_t in_block = at % BLOCK_LEN;

	if (in_block < BLOCK_HEAD_LEN)
		return (uint8_t)(head[in_block / 4] >> (8 * (in_block % 4)));
	return (uint8_t)(k + in_block);
}

static size_t content(struct peer *p, int sender, int receiver, unsigned k)
{
	size_t len = SIZES[k % (sizeof(SIZES) / sizeof(SIZES[0]))];

	for (size_t i = 0; i < len; i++)
		p->expected[i] =
		    content_byte((unsigned)sender, (unsigned)receiver, k, i);
	return len;
}

static int check(struct peer *p, int sender, int receiver, unsigned k,
		 const void *msg, size_t len)
{
	size_t expected_len = content(p, sender, receiver, k);

	if (len != expected_len)
		return complain(p, "message %u from %d has %zu bytes, not %zu",
				k, sender, len, expected_len);
	if (len != 0 && memcmp(msg, p->expected, len) != 0)
		return complain(p, "message %u from %d has other bytes", k,
				sender);
	p->received++;
	return 0;
}

static int send_content(struct peer *p, int receiver, unsigned k)
{
	size_t len = content(p, p->self, receiver, k);

	return parley_session_send(p->session, receiver, p->expected, len);
}

/* Take the next message of ${from}, or of anyone, and check it. */
static int recv_content(struct peer *p, int from, unsigned *counts)
{
	const void *msg;
	size_t len;
	int r, who;

	if ((r = parley_session_recv(p->session, from, &who, &msg, &len)) != 0)
		return r;
	return check(p, who, p->self, counts[who]++, msg, len);
}

static int exchange(struct peer *p)
{
	unsigned long total =
	    (unsigned long)p->n_messages * (unsigned long)(p->n_parties - 1);
	unsigned *counts;
	int r = 0;

	if ((counts = calloc((size_t)p->n_parties, sizeof(*counts))) == NULL)
		return PARLEY_ERR_MEMORY;
	for (unsigned k = 0; k < p->n_messages; k++) {
		for (int i = 0; i < p->n_parties; i++) {
			if (i != p->self && (r = send_content(p, i, k)) != 0)
				goto out;
		}
	}
	while (p->received < total) {
		if ((r = recv_content(p, PARLEY_ANY, counts)) != 0)
			goto out;
	}
out:
	free(counts);
	return r;
}

/* The higher index sends back what it gets. */
static int return_message(struct peer *p, int other, unsigned k)
{
	const void *msg;
	size_t len;
	int r;

	if ((r = parley_session_recv(p->session, other, NULL, &msg, &len)) !=
		0 ||
	    (r = check(p, other, p->self, k, msg, len)) != 0)
		return r;
	/* check() left the same bytes there, and they are ours. */
	return parley_session_send(p->session, other, p->expected, len);
}

static int send_and_await(struct peer *p, int other, unsigned k)
{
	const void *msg;
	size_t len;
	int r;

	if ((r = send_content(p, other, k)) != 0 ||
	    (r = parley_session_recv(p->session, other, NULL, &msg, &len)) != 0)
		return r;
	return check(p, p->self, other, k, msg, len);
}

static int pingpong(struct peer *p)
{
	int r;

	for (int other = 0; other < p->n_parties; other++) {
		if (other == p->self)
			continue;
		for (unsigned k = 0; k < p->n_messages; k++) {
			r = p->self < other ? send_and_await(p, other, k)
					    : return_message(p, other, k);
			if (r != 0)
				return r;
		}
	}
	return parley_session_flush(p->session);
}

static int run_script(struct peer *p, const char *script)
{
	const char *colon = strchr(script, ':');

	p->n_messages =
	    colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	if (strncmp(script, "exchange:", 9) == 0)
		return exchange(p);
	if (strncmp(script, "pingpong:", 9) == 0)
		return pingpong(p);
	return strcmp(script, "open") == 0 ? 0 : PARLEY_ERR_ARGUMENT;
}

static void print_json_text(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text >= 0x20)
			putchar(*text);
	}
	putchar('"');
}

static int report(const struct peer *p, int r, const char *text)
{
	if (r == 0) {
		printf("{\"ok\":true,\"received\":%lu}\n", p->received);
		return 0;
	}
	printf("{\"ok\":false,\"error\":\"%s\",\"text\":",
	       parley_did_err_name(r));
	print_json_text(text != NULL ? text : "");
	printf(",\"culprit\":%d}\n",
	       p->session != NULL ? parley_session_culprit(p->session) : -1);
	return 1;
}

static int run(const char *agreement_path, const char *identity_path,
	       const char *listen, const char *script)
{
	struct peer peer = {.received = 0};
	struct parley_agreement *agreement = NULL;
	struct parley_identity *identity = NULL;
	struct parley_session_options options;
	char *agreement_error = NULL;
	const char *text = NULL;
	int r, status;

	parley_session_options_init(&options);
	options.listen = listen;
	options.open_timeout_ms = TIMEOUT_MS;
	options.recv_timeout_ms = TIMEOUT_MS;
	options.send_timeout_ms = TIMEOUT_MS;
	if ((peer.expected = malloc(MESSAGE_LEN_MAX)) == NULL) {
		r = PARLEY_ERR_MEMORY;
		goto out;
	}
	if ((r = parley_session_agreement_load(&agreement, &agreement_error,
					       agreement_path)) != 0) {
		text = agreement_error;
		goto out;
	}
	if ((r = parley_did_identity_load(&identity, identity_path, NULL, 0)) !=
	    0)
		goto out;
	r = parley_session_open(&peer.session, agreement, identity, &options);
	if (r != 0)
		goto out;
	peer.self = parley_session_self(peer.session);
	peer.n_parties = parley_session_n_parties(peer.session);
	if ((r = run_script(&peer, script)) != 0)
		goto out;
	r = parley_session_close(peer.session);
out:
	if (peer.wrong[0] != '\0')
		text = peer.wrong;
	else if (peer.session != NULL)
		text = parley_session_error(peer.session);
	status = report(&peer, r, text);
	parley_session_free(peer.session);
	parley_did_identity_free(identity);
	parley_session_agreement_free(agreement);
	free(agreement_error);
	free(peer.expected);
	return status;
}

static int new_identity(const char *path)
{
	struct parley_identity *identity = NULL;
	int r;

	if ((r = parley_did_identity_new(&identity)) != 0 ||
	    (r = parley_did_identity_save(identity, path, NULL, 0)) != 0)
		fprintf(stderr, "session-peer: %s: %s\n", path,
			parley_did_err_string(r));
	else
		printf("%s\n", parley_did_identity_did(identity));
	parley_did_identity_free(identity);
	return r == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *agreement = NULL, *identity = NULL, *created = NULL;
	const char *listen = NULL, *script = "open";
	bool wrong = false;

	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (value == NULL)
			wrong = true;
		else if (strcmp(argv[i], "--agreement") == 0)
			agreement = value;
		else if (strcmp(argv[i], "--identity") == 0)
			identity = value;
		else if (strcmp(argv[i], "--new-identity") == 0)
			created = value;
		else if (strcmp(argv[i], "--listen") == 0)
			listen = value;
		else if (strcmp(argv[i], "--script") == 0)
			script = value;
		else
			wrong = true;
	}
	if (!wrong && created != NULL)
		return new_identity(created);
	if (wrong || agreement == NULL || identity == NULL) {
		fprintf(stderr,
			"usage: session-peer --new-identity FILE\n"
			"       session-peer --agreement FILE --identity FILE\n"
			"           [--listen ENDPOINT] [--script SCRIPT]\n");
		return 2;
	}
	return run(agreement, identity, listen, script);
}
