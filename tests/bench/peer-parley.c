/*
 * Parley sessions, with the options that are the default.
 *
 * Only a party that is dialled has an endpoint in the agreement, so every
 * connection is dialled by the lower party, as with the other peers.  What
 * is timed of a set-up is all of parley_session_open(): over libzmq also the
 * making of its context and thread, which the other peers over libzmq have done
 * before.
 */
#include "tests/bench/bench.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <parley/session.h>

/* What a party tells the others. */
struct post {
	char did[PARLEY_DID_SIZE];
	int port;
};

struct peer {
	struct bench_party me;
	struct parley_identity *id;
	struct parley_agreement *agreement;
	struct parley_session *session;
	enum parley_carrier carrier;
	int reserved_fd; /* keeps the port for us */
};

static void fail(const struct peer *p, const char *what, int err)
{
	const char *why = p->session ? parley_session_error(p->session) : "";

	bench_fail(&p->me, "%s: %s (%s)", what, parley_did_err_string(err),
		   why);
}

/* A port that nobody else is given while the socket exists. */
static int reserve_port(struct peer *p)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	const int on = 1;

	p->reserved_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->reserved_fd < 0 ||
	    setsockopt(p->reserved_fd, SOL_SOCKET, SO_REUSEADDR, &on,
		       sizeof(on)) ||
	    bind(p->reserved_fd, (struct sockaddr *)&a, len) ||
	    getsockname(p->reserved_fd, (struct sockaddr *)&a, &len))
		bench_fail(&p->me, "no port");
	return ntohs(a.sin_port);
}

static void *prepare(const struct bench_party *me, int way)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct post post = {.port = 0};
	int err;

	if (!p)
		bench_fail(me, "out of memory");
	p->me = *me;
	p->carrier = (enum parley_carrier)way;
	err = parley_did_identity_new(&p->id);
	if (err)
		fail(p, "identity", err);
	snprintf(post.did, sizeof(post.did), "%s",
		 parley_did_identity_did(p->id));
	post.port = reserve_port(p);
	bench_post(me, &post, sizeof(post));
	return p;
}

static void make_agreement(struct peer *p)
{
	char text[4096], *why = NULL;
	size_t len;
	int err;

	/* Every party must write the same: no clock in it. */
	len = (size_t)snprintf(text, sizeof(text),
			       "{\"parley\": \"agreement/1\", "
			       "\"id\": \"AAAAAAAAAAAAAAAAAAAAAA\", "
			       "\"name\": \"bench\", \"created\": 0, "
			       "\"threshold\": 1, \"parties\": [");
	for (int i = 0; i < p->me.n; i++) {
		const struct post *post = bench_posted(&p->me, i);

		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s{\"did\": \"%s\"", i ? ", " : "",
					post->did);
		if (i > 0)
			len += (size_t)snprintf(
			    text + len, sizeof(text) - len,
			    ", \"endpoints\": [\"tcp://127.0.0.1:%d\"]",
			    post->port);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "}");
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "]}");
	err = parley_session_agreement_parse(&p->agreement, &why, text, len);
	if (err)
		bench_fail(&p->me, "agreement: %s",
			   why ? why : parley_did_err_string(err));
}

static void begin(struct peer *p)
{
	struct parley_session_options o;
	int err;

	parley_session_options_init(&o);
	o.carrier = p->carrier;
	err = parley_session_new(&p->session, p->agreement, p->id, &o);
	if (err)
		fail(p, "session", err);
}

static void peer_listen(void *peer)
{
	struct peer *p = peer;

	if (!p->agreement)
		make_agreement(p);
	if (p->me.index > 0)
		begin(p);
}

static void peer_connect(void *peer)
{
	struct peer *p = peer;
	int err;

	if (p->me.index == 0)
		begin(p);
	err = parley_session_wait(p->session);
	if (err)
		fail(p, "open", err);
}

static void peer_send(void *peer, int to, const void *msg, size_t len)
{
	struct peer *p = peer;
	int err = parley_session_send(p->session, to, msg, len);

	if (err)
		fail(p, "send", err);
}

static const void *peer_recv(void *peer, int from, size_t *len)
{
	struct peer *p = peer;
	const void *msg;
	int err = parley_session_recv(p->session, from, NULL, &msg, len);

	if (err)
		fail(p, "recv", err);
	return msg;
}

static void peer_flush(void *peer)
{
	struct peer *p = peer;
	int err = parley_session_flush(p->session);

	if (err)
		fail(p, "flush", err);
}

static void peer_close(void *peer)
{
	struct peer *p = peer;

	parley_session_free(p->session);
	p->session = NULL;
}

static void release(void *peer)
{
	struct peer *p = peer;

	parley_session_agreement_free(p->agreement);
	parley_did_identity_free(p->id);
	close(p->reserved_fd);
	free(p);
}

const struct bench_peer bench_peer_parley = {
    .name = "parley",
    .what = "a session of this project, options at their defaults",
    .patterns = ~0u,
    .way = PARLEY_CARRIER_ZMTP,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .flush = peer_flush,
    .close = peer_close,
    .release = release,
};

const struct bench_peer bench_peer_parley_libzmq = {
    .name = "parley-libzmq",
    .what = "the same with the carrier over libzmq",
    .patterns = ~0u,
    .way = PARLEY_CARRIER_LIBZMQ,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .flush = peer_flush,
    .close = peer_close,
    .release = release,
};
