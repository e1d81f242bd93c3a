/*
 * CBOR (RFC 8949) as the control protocol uses it: integers, byte strings,
 * text, booleans and arrays, all of definite length and with the shortest
 * heads (4.2.1), so that a value has one form only.
 *
 * As with did/bytes.h the first failure sticks and one check at the end tells.
 */
#ifndef SESSION_DCBOR_H
#define SESSION_DCBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Grows as it is written to; ${p} is to be freed with free(). */
struct session_dcbor_writer {
	uint8_t *p;
	size_t len;
	size_t size;
	bool failed;
};

/* Borrows its input. */
struct session_dcbor_reader {
	const uint8_t *p;
	size_t left;
	bool failed;
};

/* Text or bytes inside the input; text is UTF-8 without NUL. */
struct session_dcbor_string {
	const char *p;
	size_t len;
};

void session_dcbor_put_array(struct session_dcbor_writer *w, size_t n);
void session_dcbor_put_uint(struct session_dcbor_writer *w, uint64_t v);
void session_dcbor_put_int(struct session_dcbor_writer *w, int64_t v);
void session_dcbor_put_bool(struct session_dcbor_writer *w, bool v);
void session_dcbor_put_text(struct session_dcbor_writer *w, const char *text);
/*
 * session_dcbor_put_foreign(w, text):
 * Text of which nobody knows that it is UTF-8, such as what another party gave
 * as a reason, perhaps cut off: other bytes stand as '?'.
 */
void session_dcbor_put_foreign(struct session_dcbor_writer *w,
			       const char *text);

void session_dcbor_put_string(struct session_dcbor_writer *w,
			      struct session_dcbor_string text);
void session_dcbor_put_bytes(struct session_dcbor_writer *w, const void *p,
			     size_t len);

void session_dcbor_reader_init(struct session_dcbor_reader *r, const void *p,
			       size_t len);

/* session_dcbor_take_array(r): how many items follow; never more than bytes. */
size_t session_dcbor_take_array(struct session_dcbor_reader *r);

uint64_t session_dcbor_take_uint(struct session_dcbor_reader *r);
int64_t session_dcbor_take_int(struct session_dcbor_reader *r);
bool session_dcbor_take_bool(struct session_dcbor_reader *r);
struct session_dcbor_string session_dcbor_take_text(
    struct session_dcbor_reader *r);
struct session_dcbor_string session_dcbor_take_bytes(
    struct session_dcbor_reader *r);

/* session_dcbor_end(r): 0 if nothing failed and nothing is left, or
 * PARLEY_ERR_FORMAT. */
int session_dcbor_end(const struct session_dcbor_reader *r)
    __attribute__((warn_unused_result));

#endif /* !SESSION_DCBOR_H */
