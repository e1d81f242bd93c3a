/*
 * TLS 1.3 (OpenSSL) over TCP, mutual Ed25519 certificates made in memory.
 *
 * Every party trusts the certificates of the others and no other; who dialled
 * is checked against the certificate.  AES-256-GCM, no session tickets (no
 * one resumes), and reading ahead, which saves TLS a call per record.  A write
 * for each message, or gathered into records of 16 KiB, the most TLS allows.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/bench/stream.h"

enum {
	GATHER = 16 * 1024,
	READ_AHEAD = 128 * 1024,
	CERT_MAX = 1024, /* DER */
};

/* What a party tells the others. */
struct post {
	int port;
	int cert_len;
	uint8_t cert[CERT_MAX];
};

enum way { ONE_BY_ONE, GATHERED };

struct peer;

struct link {
	struct peer *peer;
	SSL *ssl;
	struct stream stream;
};

struct peer {
	struct bench_party me;
	struct tcp_mesh mesh;
	bool gathered;
	EVP_PKEY *key;
	X509 *own_cert;
	X509 *cert[BENCH_PARTIES_MAX];
	SSL_CTX *ctx;
	struct link link[BENCH_PARTIES_MAX];
};

static void fail(const struct bench_party *me, const char *what)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	bench_fail(me, "TLS %s: %s", what, text);
}

static X509 *make_cert(const struct bench_party *me, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	uint8_t cn[] = "party 0";

	cn[sizeof(cn) - 2] = (uint8_t)('0' + me->index);
	if (!x || !X509_set_version(x, X509_VERSION_3) ||
	    !ASN1_INTEGER_set(X509_get_serialNumber(x), me->index + 1) ||
	    !X509_gmtime_adj(X509_getm_notBefore(x), -3600) ||
	    !X509_gmtime_adj(X509_getm_notAfter(x), 24 * 3600) ||
	    !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, cn, -1, -1,
					0) ||
	    !X509_set_issuer_name(x, name) || !X509_set_pubkey(x, key) ||
	    !X509_sign(x, key, NULL))
		fail(me, "certificate");
	return x;
}

static void *prepare(const struct bench_party *me, int way)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct post post = {.port = 0};
	uint8_t *der = post.cert;

	if (!p)
		bench_fail(me, "out of memory");
	p->me = *me;
	p->gathered = way == GATHERED;
	p->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!p->key)
		fail(me, "key");
	p->own_cert = make_cert(me, p->key);
	post.cert_len = i2d_X509(p->own_cert, NULL);
	if (post.cert_len <= 0 || post.cert_len > CERT_MAX)
		fail(me, "certificate");
	i2d_X509(p->own_cert, &der);
	bench_post(me, &post, sizeof(post));
	return p;
}

/* One context for dialling and for being dialled. */
static void make_ctx(struct peer *p)
{
	X509_STORE *store;

	p->ctx = SSL_CTX_new(TLS_method());
	if (!p->ctx || !SSL_CTX_set_min_proto_version(p->ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(p->ctx, "TLS_AES_256_GCM_SHA384") ||
	    !SSL_CTX_use_certificate(p->ctx, p->own_cert) ||
	    !SSL_CTX_use_PrivateKey(p->ctx, p->key) ||
	    !SSL_CTX_set_num_tickets(p->ctx, 0))
		fail(&p->me, "context");
	SSL_CTX_set_verify(
	    p->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_cache_mode(p->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(p->ctx, 1);
	SSL_CTX_set_default_read_buffer_len(p->ctx, READ_AHEAD);
	store = SSL_CTX_get_cert_store(p->ctx);
	for (int i = 0; i < p->me.n; i++) {
		const struct post *post = bench_posted(&p->me, i);
		const uint8_t *der = post->cert;

		if (i == p->me.index)
			continue;
		p->cert[i] = d2i_X509(NULL, &der, post->cert_len);
		if (!p->cert[i] || !X509_STORE_add_cert(store, p->cert[i]))
			fail(&p->me, "certificate of another");
	}
}

static void write_all(void *io, const void *p, size_t len)
{
	struct link *l = io;
	size_t n;

	/* Blocking, and not partial: all or an error. */
	if (SSL_write_ex(l->ssl, p, len, &n) != 1 || n != len)
		fail(&l->peer->me, "write");
}

static size_t read_some(void *io, void *p, size_t size)
{
	struct link *l = io;
	size_t n;

	if (SSL_read_ex(l->ssl, p, size, &n) != 1)
		fail(&l->peer->me, "read");
	return n;
}

static void peer_listen(void *peer)
{
	struct peer *p = peer;
	struct post post;

	if (!p->ctx)
		make_ctx(p);
	memcpy(&post, bench_posted(&p->me, p->me.index), sizeof(post));
	post.port = tcp_mesh_listen(&p->mesh, &p->me);
	bench_post(&p->me, &post, sizeof(post));
}

static void begin(struct peer *p, int party, bool dialled)
{
	struct link *l = &p->link[party];

	l->peer = p;
	l->ssl = SSL_new(p->ctx);
	if (!l->ssl || !SSL_set_fd(l->ssl, p->mesh.fd[party]) ||
	    (dialled ? SSL_connect(l->ssl) : SSL_accept(l->ssl)) != 1)
		fail(&p->me, "handshake");
	if (X509_cmp(SSL_get0_peer_certificate(l->ssl), p->cert[party]) != 0)
		fail(&p->me, "another party");
	l->stream.io = l;
	l->stream.write = write_all;
	l->stream.read = read_some;
	stream_init(&l->stream, &p->me, GATHER);
}

static void peer_connect(void *peer)
{
	struct peer *p = peer;

	for (int i = p->me.index + 1; i < p->me.n; i++) {
		const struct post *post = bench_posted(&p->me, i);

		tcp_mesh_dial(&p->mesh, i, post->port);
		begin(p, i, true);
	}
	for (int i = 0; i < p->me.index; i++)
		begin(p, tcp_mesh_accept(&p->mesh), false);
}

static void peer_send(void *peer, int to, const void *msg, size_t len)
{
	struct peer *p = peer;

	stream_put(&p->link[to].stream, msg, len);
	if (!p->gathered)
		stream_flush(&p->link[to].stream);
}

static void peer_flush(void *peer)
{
	struct peer *p = peer;

	for (int i = 0; i < p->me.n; i++)
		if (i != p->me.index)
			stream_flush(&p->link[i].stream);
}

static const void *peer_recv(void *peer, int from, size_t *len)
{
	struct peer *p = peer;
	struct stream *s = &p->link[from].stream;

	if (p->gathered && s->in_begin == s->in_end)
		peer_flush(p); /* may have to wait */
	return stream_get(s, len);
}

static void peer_close(void *peer)
{
	struct peer *p = peer;

	for (int i = 0; i < p->me.n; i++)
		if (i != p->me.index) {
			SSL_free(p->link[i].ssl);
			stream_wipe(&p->link[i].stream);
		}
	tcp_mesh_close(&p->mesh);
}

static void release(void *peer)
{
	struct peer *p = peer;

	SSL_CTX_free(p->ctx);
	for (int i = 0; i < p->me.n; i++)
		X509_free(p->cert[i]);
	X509_free(p->own_cert);
	EVP_PKEY_free(p->key);
	free(p);
}

const struct bench_peer bench_peer_tls = {
    .name = "tls",
    .what = "TLS 1.3, mutual Ed25519, a write per message",
    .patterns = ~0u,
    .way = ONE_BY_ONE,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .close = peer_close,
    .release = release,
};

const struct bench_peer bench_peer_tls_gathered = {
    .name = "tls-gathered",
    .what = "TLS 1.3, mutual Ed25519, messages gathered into 16 KiB",
    .patterns = ~0u & ~(1u << BENCH_SETUP),
    .way = GATHERED,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .flush = peer_flush,
    .close = peer_close,
    .release = release,
};
