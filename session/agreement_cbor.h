/*
 * The deterministic CBOR of agreements (PROTOCOL 2.2), which is what is hashed.
 */
#ifndef SESSION_AGREEMENT_CBOR_H
#define SESSION_AGREEMENT_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

/* A growing byte string.  Failure sticks; the bytes are then freed. */
struct session_agreement_cbor {
	uint8_t *p;
	size_t len;
	size_t size;
	bool failed;
};

struct session_agreement_parameter;
struct session_agreement_party;

/* Append one item, RFC 8949 4.2.1; or the head of an array of ${n}. */
void session_agreement_cbor_array(struct session_agreement_cbor *b, size_t n);
void session_agreement_cbor_int(struct session_agreement_cbor *b, int64_t v);
void session_agreement_cbor_text(struct session_agreement_cbor *b,
				 const char *text);
void session_agreement_cbor_bytes(struct session_agreement_cbor *b,
				  const uint8_t *p, size_t len);

/* Append the value of a parameter, or the endpoints of a party. */
void session_agreement_cbor_parameter(
    struct session_agreement_cbor *b,
    const struct session_agreement_parameter *p);
void session_agreement_cbor_endpoints(struct session_agreement_cbor *b,
				      const struct session_agreement_party *p);

/*
 * session_agreement_cbor(cborp, lenp, a):
 * The bytes that are hashed; free() them.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int session_agreement_cbor(uint8_t **cborp, size_t *lenp,
			   const struct parley_agreement *a)
    __attribute__((warn_unused_result));

#endif /* !SESSION_AGREEMENT_CBOR_H */
