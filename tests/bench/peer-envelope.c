/*
 * A DIDComm envelope for each message, over libzmq without security: signed,
 * or encrypted and authenticated (authcrypt).
 *
 * What a program would do that takes DIDComm as it is for its shares: a
 * plaintext message whose body carries the bytes in base64url, packed by this
 * project's own comm layer, unpacked and parsed by the reader.  The signed one
 * is not even encrypted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include <parley/comm.h>

#include "tests/bench/zmq-mesh.h"

enum { FRAMING_MAX = 1024 }; /* members around the body's data */

enum way { SIGNED, AUTHCRYPT };

struct peer {
	struct zmq_mesh mesh;
	struct parley_identity *id;
	struct parley_comm *comm; /* authcrypt; NULL: signed */
	uint64_t n_sent;
	char *text;
	size_t text_size;
	uint8_t *msg; /* last received */
};

static void fail(const struct peer *p, const char *what, int err)
{
	bench_fail(&p->mesh.me, "%s: %s", what, parley_did_err_string(err));
}

static void *prepare(const struct bench_party *me, int way)
{
	struct peer *p = calloc(1, sizeof(*p));
	int err;

	if (!p || sodium_init() < 0)
		bench_fail(me, "out of memory");
	zmq_mesh_prepare(&p->mesh, me, false, false);
	err = parley_did_identity_new(&p->id);
	if (err)
		fail(p, "identity", err);
	zmq_mesh_post_extra(&p->mesh, parley_did_identity_did(p->id));
	p->text_size = FRAMING_MAX +
		       sodium_base64_encoded_len(
			   me->size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	p->text = malloc(p->text_size);
	p->msg = malloc(me->size);
	if (!p->text || !p->msg)
		bench_fail(me, "out of memory");
	if (way == AUTHCRYPT &&
	    ((err = parley_comm_new(&p->comm, NULL)) ||
	     (err = parley_comm_add_identity(p->comm, p->id))))
		fail(p, "keys", err);
	return p;
}

/* The message in p->text, for party ${to}. */
static int pack(struct peer *p, char **envelopep, size_t *lenp, size_t text_len,
		int to)
{
	const struct parley_comm_pack how = {.layers = PARLEY_COMM_AUTHCRYPT,
					     .to =
						 zmq_mesh_extra(&p->mesh, to)};

	if (!p->comm)
		return parley_comm_signed_pack(envelopep, lenp, p->id, p->text,
					       text_len);
	return parley_comm_pack(p->comm, envelopep, lenp, p->text, text_len,
				&how);
}

/* To be freed; ${sender} is the DID of who signed it, or sent it. */
static int unpack(struct peer *p, char **textp, size_t *lenp,
		  char sender[PARLEY_DID_SIZE], const char *envelope,
		  size_t envelope_len)
{
	struct parley_comm_unpacked u;
	int err;

	if (!p->comm)
		return parley_comm_signed_unpack(textp, lenp, sender, envelope,
						 envelope_len);
	err = parley_comm_unpack(p->comm, &u, envelope, envelope_len, NULL);
	if (err)
		return err;
	snprintf(sender, PARLEY_DID_SIZE, "%s", u.sender ? u.sender : "");
	*textp = u.message;
	*lenp = u.message_len;
	u.message = NULL;
	parley_comm_unpacked_wipe(&u);
	return 0;
}

static void peer_listen(void *peer)
{
	struct peer *p = peer;

	zmq_mesh_listen(&p->mesh);
}

static void peer_connect(void *peer)
{
	struct peer *p = peer;

	zmq_mesh_connect(&p->mesh);
}

static void peer_send(void *peer, int to, const void *msg, size_t len)
{
	struct peer *p = peer;
	char *envelope;
	size_t n, envelope_len;
	int err;

	n = (size_t)snprintf(
	    p->text, p->text_size,
	    "{\"id\":\"%llu\",\"type\":\"https://example.org/bench/1.0/share\","
	    "\"typ\":\"application/didcomm-plain+json\",\"from\":\"%s\","
	    "\"to\":[\"%s\"],\"body\":{\"data\":\"",
	    (unsigned long long)p->n_sent++, parley_did_identity_did(p->id),
	    zmq_mesh_extra(&p->mesh, to));
	sodium_bin2base64(p->text + n, p->text_size - n, msg, len,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	n += strlen(p->text + n);
	n += (size_t)snprintf(p->text + n, p->text_size - n, "\"}}");
	err = pack(p, &envelope, &envelope_len, n, to);
	if (err)
		fail(p, "pack", err);
	zmq_mesh_send(&p->mesh, to, envelope, envelope_len);
	free(envelope);
}

static const void *peer_recv(void *peer, int from, size_t *len)
{
	struct peer *p = peer;
	char sender[PARLEY_DID_SIZE], *text;
	const char *data = NULL, *envelope;
	size_t envelope_len, text_len;
	json_t *json;
	int err;

	envelope = zmq_mesh_recv(&p->mesh, from, &envelope_len);
	err = unpack(p, &text, &text_len, sender, envelope, envelope_len);
	if (err)
		fail(p, "unpack", err);
	json = json_loadb(text, text_len, 0, NULL);
	if (json)
		data = json_string_value(
		    json_object_get(json_object_get(json, "body"), "data"));
	if (strcmp(sender, zmq_mesh_extra(&p->mesh, from)) != 0 || !data ||
	    sodium_base642bin(p->msg, p->mesh.me.size, data, strlen(data), NULL,
			      len, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING))
		bench_fail(&p->mesh.me, "not what was sent");
	json_decref(json);
	free(text);
	return p->msg;
}

static void peer_close(void *peer)
{
	struct peer *p = peer;

	zmq_mesh_close(&p->mesh);
}

static void release(void *peer)
{
	struct peer *p = peer;

	zmq_mesh_release(&p->mesh);
	parley_comm_free(p->comm);
	parley_did_identity_free(p->id);
	free(p->text);
	free(p->msg);
	free(p);
}

const struct bench_peer bench_peer_envelope = {
    .name = "envelope-signed",
    .what = "a signed DIDComm envelope per message, over libzmq",
    .patterns = ~0u & ~(1u << BENCH_SETUP),
    .way = SIGNED,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .close = peer_close,
    .release = release,
};

const struct bench_peer bench_peer_envelope_authcrypt = {
    .name = "envelope-authcrypt",
    .what = "an authcrypt DIDComm envelope per message, over libzmq",
    .patterns = ~0u & ~(1u << BENCH_SETUP),
    .way = AUTHCRYPT,
    .prepare = prepare,
    .listen = peer_listen,
    .connect = peer_connect,
    .send = peer_send,
    .recv = peer_recv,
    .close = peer_close,
    .release = release,
};
