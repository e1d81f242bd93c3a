/*
 * The deterministic CBOR of agreements (PROTOCOL 2.2), which is what is hashed.
 *
 * It is written with libcbor's head encoders, which give the shortest form; its
 * item trees are not used (they are not canonical).
 */
#include "session/agreement_cbor.h"

#include <stdlib.h>
#include <string.h>

#include <cbor.h>

#include "session/agreement_form.h"

static void buffer_add(struct session_agreement_cbor *b, const void *p,
		       size_t len)
{
	if (b->failed)
		return;
	if (len > b->size - b->len) {
		size_t size = 2 * b->size + len + 256;
		uint8_t *grown = realloc(b->p, size);

		if (!grown) {
			b->failed = true;
			return;
		}
		b->p = grown;
		b->size = size;
	}
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

void session_agreement_cbor_array(struct session_agreement_cbor *b, size_t n)
{
	uint8_t head[9];

	buffer_add(b, head, cbor_encode_array_start(n, head, sizeof(head)));
}

void session_agreement_cbor_int(struct session_agreement_cbor *b, int64_t v)
{
	uint8_t head[9];
	size_t len =
	    v >= 0 ? cbor_encode_uint((uint64_t)v, head, sizeof(head))
		   : cbor_encode_negint((uint64_t)(-1 - v), head, sizeof(head));

	buffer_add(b, head, len);
}

static void put_bool(struct session_agreement_cbor *b, bool v)
{
	uint8_t head[9];

	buffer_add(b, head, cbor_encode_bool(v, head, sizeof(head)));
}

void session_agreement_cbor_text(struct session_agreement_cbor *b,
				 const char *text)
{
	uint8_t head[9];
	size_t len = strlen(text);

	buffer_add(b, head, cbor_encode_string_start(len, head, sizeof(head)));
	buffer_add(b, text, len);
}

void session_agreement_cbor_bytes(struct session_agreement_cbor *b,
				  const uint8_t *p, size_t len)
{
	uint8_t head[9];

	buffer_add(b, head,
		   cbor_encode_bytestring_start(len, head, sizeof(head)));
	buffer_add(b, p, len);
}

void session_agreement_cbor_parameter(
    struct session_agreement_cbor *b,
    const struct session_agreement_parameter *p)
{
	switch (p->type) {
	case SESSION_PARAMETER_TEXT:
		session_agreement_cbor_text(b, p->text);
		break;
	case SESSION_PARAMETER_INTEGER:
		session_agreement_cbor_int(b, p->integer);
		break;
	case SESSION_PARAMETER_BOOLEAN:
		put_bool(b, p->integer != 0);
		break;
	}
}

void session_agreement_cbor_endpoints(struct session_agreement_cbor *b,
				      const struct session_agreement_party *p)
{
	session_agreement_cbor_array(b, p->n_endpoints);
	for (size_t i = 0; i < p->n_endpoints; i++)
		session_agreement_cbor_text(b, p->endpoints[i]);
}

/* PROTOCOL 2.2, agreement = [...]. */
static void put_agreement(struct session_agreement_cbor *b,
			  const struct parley_agreement *a)
{
	session_agreement_cbor_array(b, 10);
	session_agreement_cbor_text(b, "parley agreement");
	session_agreement_cbor_int(b, 1);
	session_agreement_cbor_bytes(b, a->id, sizeof(a->id));
	session_agreement_cbor_text(b, a->name);
	session_agreement_cbor_int(b, a->created);
	session_agreement_cbor_int(b, a->expires);

	session_agreement_cbor_array(b, 3);
	session_agreement_cbor_text(b, a->program);
	session_agreement_cbor_text(b, a->version);
	session_agreement_cbor_array(b, a->n_digests);
	for (size_t i = 0; i < a->n_digests; i++) {
		session_agreement_cbor_array(b, 2);
		session_agreement_cbor_text(b, a->digests[i].label);
		session_agreement_cbor_bytes(b, a->digests[i].bytes,
					     SESSION_AGREEMENT_DIGEST_LEN);
	}

	session_agreement_cbor_int(b, a->threshold);

	session_agreement_cbor_array(b, a->n_parameters);
	for (size_t i = 0; i < a->n_parameters; i++) {
		session_agreement_cbor_array(b, 2);
		session_agreement_cbor_text(b, a->parameters[i].name);
		session_agreement_cbor_parameter(b, &a->parameters[i]);
	}

	session_agreement_cbor_array(b, a->n_parties);
	for (size_t i = 0; i < a->n_parties; i++) {
		session_agreement_cbor_array(b, 3);
		session_agreement_cbor_text(b, a->parties[i].did);
		session_agreement_cbor_text(b, a->parties[i].name);
		session_agreement_cbor_endpoints(b, &a->parties[i]);
	}
}

int session_agreement_cbor(uint8_t **cborp, size_t *lenp,
			   const struct parley_agreement *a)
{
	struct session_agreement_cbor b = {0};

	put_agreement(&b, a);
	if (b.failed) {
		free(b.p);
		return PARLEY_ERR_MEMORY;
	}
	*cborp = b.p;
	*lenp = b.len;
	return 0;
}
