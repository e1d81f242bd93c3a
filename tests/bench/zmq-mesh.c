/*
 * A PAIR socket of libzmq to every other party; see zmq-mesh.h.
 *
 * High-water marks admit 1 MiB, but at least 16 messages: measured best or
 * equal for every size, against the default of 1000 messages and against
 * 16 MiB.  Messages are read into zmq_msg_t, which does not copy them.
 */
#include "tests/bench/zmq-mesh.h"

#include <stdio.h>
#include <string.h>

enum {
	WINDOW = 1024 * 1024,
	HWM_MIN = 16,
	HWM_MAX = 65536,
	ENDPOINT_SIZE = 64,
	KEY_SIZE = 41, /* Z85 text of a key */
};

/* What a party tells the others. */
struct post {
	char public[KEY_SIZE];
	char endpoint[BENCH_PARTIES_MAX][ENDPOINT_SIZE]; /* for each party */
	char extra[ZMQ_MESH_EXTRA_MAX];
};

_Static_assert(sizeof(struct post) <= BENCH_POST_MAX, "fits on the board");

static void fail(const struct zmq_mesh *m, const char *what)
{
	bench_fail(&m->me, "%s: %s", what, zmq_strerror(zmq_errno()));
}

static struct post own_post(const struct zmq_mesh *m)
{
	struct post post;

	memcpy(&post, bench_posted(&m->me, m->me.index), sizeof(post));
	return post;
}

/*
 * ZAP (ZeroMQ RFC 27)
 */

/* Is ${key} that of a party? */
static bool may_enter(const struct zmq_mesh *m, const uint8_t *key, size_t len)
{
	char text[KEY_SIZE];

	if (len != 32 || !zmq_z85_encode(text, key, len))
		return false;
	for (int i = 0; i < m->me.n; i++) {
		const struct post *post = bench_posted(&m->me, i);

		if (strcmp(text, post->public) == 0)
			return true;
	}
	return false;
}

static void zap_answer(const struct zmq_mesh *m, const char *id, size_t id_len,
		       bool yes)
{
	void *s = m->zap_socket;

	zmq_send(s, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(s, id, id_len, ZMQ_SNDMORE);
	zmq_send(s, yes ? "200" : "400", 3, ZMQ_SNDMORE);
	zmq_send(s, "", 0, ZMQ_SNDMORE);
	zmq_send(s, "", 0, ZMQ_SNDMORE);
	zmq_send(s, "", 0, 0);
}

/* version, request id, domain, address, identity, mechanism, key */
static void *zap_run(void *mesh)
{
	enum { ID = 1, KEY = 6 };
	struct zmq_mesh *m = mesh;
	uint8_t part[256], key[32];
	char id[256];

	for (;;) {
		size_t size = sizeof(int), id_len = 0, key_len = 0;
		int more = 1;

		for (int i = 0; more; i++) {
			int len =
			    zmq_recv(m->zap_socket, part, sizeof(part), 0);

			if (len < 0) { /* the context ends */
				zmq_close(m->zap_socket);
				return NULL;
			}
			if (i == ID && len <= (int)sizeof(id)) {
				id_len = (size_t)len;
				memcpy(id, part, id_len);
			}
			if (i == KEY && len == (int)sizeof(key)) {
				key_len = sizeof(key);
				memcpy(key, part, sizeof(key));
			}
			zmq_getsockopt(m->zap_socket, ZMQ_RCVMORE, &more,
				       &size);
		}
		zap_answer(m, id, id_len, may_enter(m, key, key_len));
	}
}

static void zap_start(struct zmq_mesh *m)
{
	m->zap_socket = zmq_socket(m->context, ZMQ_REP);
	if (!m->zap_socket || zmq_bind(m->zap_socket, "inproc://zeromq.zap.01"))
		fail(m, "ZAP");
	if (pthread_create(&m->zap_thread, NULL, zap_run, m))
		bench_fail(&m->me, "ZAP thread");
}

/*
 * Sockets
 */

static void set_int(const struct zmq_mesh *m, void *socket, int option,
		    int value)
{
	if (zmq_setsockopt(socket, option, &value, sizeof(value)))
		fail(m, "option");
}

static void set_text(const struct zmq_mesh *m, void *socket, int option,
		     const char *text)
{
	if (zmq_setsockopt(socket, option, text, strlen(text)))
		fail(m, "option");
}

static void *new_socket(struct zmq_mesh *m, int party)
{
	const struct post *post = bench_posted(&m->me, party);
	const bool server = m->me.index > party;
	size_t hwm = WINDOW / m->me.size;
	void *s = zmq_socket(m->context, ZMQ_PAIR);

	if (!s)
		fail(m, "socket");
	hwm = hwm < HWM_MIN ? HWM_MIN : hwm > HWM_MAX ? HWM_MAX : hwm;
	set_int(m, s, ZMQ_SNDHWM, (int)hwm);
	set_int(m, s, ZMQ_RCVHWM, (int)hwm);
	set_int(m, s, ZMQ_LINGER, 0);
	if (m->curve && server) {
		set_int(m, s, ZMQ_CURVE_SERVER, 1);
		set_text(m, s, ZMQ_CURVE_SECRETKEY, m->secret);
		if (m->zap)
			set_text(m, s, ZMQ_ZAP_DOMAIN, "bench");
	} else if (m->curve) {
		struct post own = own_post(m);

		set_text(m, s, ZMQ_CURVE_SERVERKEY, post->public);
		set_text(m, s, ZMQ_CURVE_PUBLICKEY, own.public);
		set_text(m, s, ZMQ_CURVE_SECRETKEY, m->secret);
	}
	m->socket[party] = s;
	return s;
}

void zmq_mesh_prepare(struct zmq_mesh *m, const struct bench_party *me,
		      bool curve, bool zap)
{
	struct post post = {.public = ""};

	*m = (struct zmq_mesh){.me = *me, .curve = curve, .zap = zap};
	zmq_msg_init(&m->msg);
	m->context = zmq_ctx_new();
	if (!m->context || (curve && zmq_curve_keypair(post.public, m->secret)))
		fail(m, "context");
	if (zap)
		zap_start(m);
	bench_post(me, &post, sizeof(post));
}

void zmq_mesh_post_extra(struct zmq_mesh *m, const char *text)
{
	struct post post = own_post(m);

	snprintf(post.extra, sizeof(post.extra), "%s", text);
	bench_post(&m->me, &post, sizeof(post));
}

const char *zmq_mesh_extra(const struct zmq_mesh *m, int party)
{
	const struct post *post = bench_posted(&m->me, party);

	return post->extra;
}

void zmq_mesh_listen(struct zmq_mesh *m)
{
	struct post post = own_post(m);

	for (int i = 0; i < m->me.index; i++) {
		void *s = new_socket(m, i);
		size_t len = ENDPOINT_SIZE;

		if (zmq_bind(s, "tcp://127.0.0.1:*") ||
		    zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, post.endpoint[i],
				   &len))
			fail(m, "bind");
	}
	bench_post(&m->me, &post, sizeof(post));
}

void zmq_mesh_connect(struct zmq_mesh *m)
{
	for (int i = m->me.index + 1; i < m->me.n; i++) {
		const struct post *post = bench_posted(&m->me, i);

		if (zmq_connect(new_socket(m, i), post->endpoint[m->me.index]))
			fail(m, "connect");
	}
}

void zmq_mesh_send(struct zmq_mesh *m, int to, const void *msg, size_t len)
{
	if (zmq_send(m->socket[to], msg, len, 0) < 0)
		fail(m, "send");
}

const void *zmq_mesh_recv(struct zmq_mesh *m, int from, size_t *len)
{
	/* Closes what it held before. */
	if (zmq_msg_recv(&m->msg, m->socket[from], 0) < 0)
		fail(m, "recv");
	*len = zmq_msg_size(&m->msg);
	return zmq_msg_data(&m->msg);
}

void zmq_mesh_close(struct zmq_mesh *m)
{
	for (int i = 0; i < m->me.n; i++) {
		if (m->socket[i])
			zmq_close(m->socket[i]);
		m->socket[i] = NULL;
	}
}

void zmq_mesh_release(struct zmq_mesh *m)
{
	zmq_msg_close(&m->msg);
	zmq_ctx_term(m->context);
	if (m->zap)
		pthread_join(m->zap_thread, NULL);
}
