/*
 * What a client may send to the daemon, and a daemon to its client, by
 * session_control_decode() and session_control_decode_reply().  The first byte:
 * even a request, odd a reply.
 *
 * Expected: a request has one form, so what is accepted is written again as the
 * same bytes; all that is borrowed lies inside the input; numbers are in the
 * ranges that the daemon relies on; no promise of items is greater than what
 * is there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "session/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct session_dcbor_string s, const uint8_t *data,
			 size_t size)
{
	const uint8_t *p = (const uint8_t *)s.p;

	if (s.len > 0 &&
	    (p < data || p > data + size || s.len > (size_t)(data + size - p)))
		abort();
}

static void check_request(const uint8_t *data, size_t size)
{
	struct session_control_request q;
	struct session_dcbor_writer w = {0};
	int err = session_control_decode(&q, data, size);

	if (err) {
		if (err == PARLEY_ERR_FORMAT || q.id > 0)
			return;
		abort();
	}
	check_inside(q.text, data, size);
	check_inside(q.did, data, size);
	check_inside(q.bytes, data, size);
	if (q.id == 0 || q.op >= SESSION_CONTROL_N_OPS ||
	    q.party < PARLEY_ANY || q.party >= PARLEY_AGREEMENT_PARTIES_MAX ||
	    q.port > UINT16_MAX || q.wait_ms > INT32_MAX ||
	    q.open_ms > INT32_MAX || q.linger_ms > INT32_MAX ||
	    q.lost_ms < -1 || q.lost_ms > INT32_MAX)
		abort();
	session_control_encode(&w, &q);
	if (!w.failed && (w.len != size || memcmp(w.p, data, size) != 0))
		abort();
	free(w.p);
}

/* The results are those of status, of open, of recv, or of receipt. */
static void check_results(struct session_dcbor_reader r, const uint8_t *data,
			  size_t size)
{
	struct session_dcbor_reader opened = r, received = r;
	struct session_dcbor_reader receipt = r;
	struct session_control_opened o;
	struct session_control_receipt t;
	struct session_control_session s;
	struct session_control_party p;
	size_t n, items = 0;

	session_control_take_opened(&opened, &o);
	(void)session_dcbor_take_uint(&received);
	check_inside(session_dcbor_take_bytes(&received), data, size);
	session_control_take_receipt(&receipt, &t);
	check_inside(t.accept, data, size);
	check_inside(t.confirm, data, size);
	check_inside(t.finished, data, size);
	check_inside(session_dcbor_take_text(&r), data, size);
	n = session_dcbor_take_array(&r);
	for (size_t i = 0; i < n && !r.failed; i++) {
		session_control_take_session(&r, &s);
		if (!r.failed && s.hash.len != PARLEY_AGREEMENT_HASH_LEN)
			abort();
		check_inside(s.error, data, size);
		for (size_t k = 0; k < s.n && !r.failed; k++) {
			session_control_take_party(&r, &p);
			check_inside(p.detail, data, size);
			items++;
		}
	}
	if (items > size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_control_reply a;
	uint8_t *copy;

	if (size == 0)
		return 0;
	/* In memory of just its length. */
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 2 == 0) {
		check_request(copy, size - 1);
	} else if (session_control_decode_reply(&a, copy, size - 1) == 0) {
		if (a.status == 0)
			check_results(a.rest, copy, size - 1);
		check_inside(a.text, copy, size - 1);
	}
	free(copy);
	return 0;
}
