/*
 * A whole session, and whoever talks to it: what it makes of strangers' first
 * frames (also where sessions share a port), of handshakes, resumes and records
 * in any order, of connections that break, of a program that sends and ends,
 * and of time that passes.  The first byte is how it is made, enum
 * fuzz_far_way; then come steps:
 *
 *   1 byte   what: see step()
 *   1 byte   which slot, or how often
 *   2 bytes  n, big-endian: of how many bytes, or how much
 *   n bytes  in steps that want them
 *
 * Expected: who does not pass the gate gets no byte (far.c); nobody is ready
 * before a party is known; all memory is given back.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/far.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 16 };

enum what {
	FRAME,
	ITEMS,
	PROPOSE,
	CONFIRM,
	ACCEPT,
	READY,
	RESUME,
	ANSWER,
	CHALLENGE,
	ACK,
	UP,
	DOWN,
	WAIT,
	LATER,
	SEND,
	RECEIVE,
	ASK,
	CLOSE,
	ABORT,
	N_WHATS,
};

static void receive(struct fuzz_far *f)
{
	volatile uint8_t sum = 0;
	const void *msg;
	size_t len, total = 0;
	int who;

	while (total < BYTES_MAX &&
	       parley_session_recv(f->s[0], PARLEY_ANY, &who, &msg, &len) ==
		   0) {
		if (who != (int)f->alice || len > BYTES_MAX)
			abort();
		for (size_t i = 0; i < len; i++)
			sum = (uint8_t)(sum + ((const uint8_t *)msg)[i]);
		total += len + 1;
	}
}

/* All that can be asked, in any state. */
static void ask(const struct fuzz_far *f)
{
	const struct parley_session *s = f->s[0];
	struct parley_party_stats stats;
	const char *text;

	for (int i = -1; i < 3; i++) {
		(void)parley_session_party_state(s, i);
		(void)parley_session_stats(s, i, &stats);
		if (parley_session_receipt(s, i, PARLEY_RECEIPT_FINISHED,
					   &text) == 0 &&
		    strlen(text) == 0)
			abort();
	}
	if (strlen(parley_session_error(s)) > 1023 ||
	    parley_session_culprit(s) < -1 || parley_session_culprit(s) > 1)
		abort();
}

/* Returns whether ${p} was used. */
static bool step(void *context, unsigned what, uint8_t slot, uint16_t n,
		 const uint8_t *p, size_t len)
{
	struct fuzz_far *f = context;
	struct parley_session *s = f->s[0];

	switch ((enum what)what) {
	case FRAME:
		fuzz_far_deliver(f, slot, p, len);
		return true;
	case ITEMS:
		fuzz_far_items(f, slot, p, len);
		return true;
	case PROPOSE:
		fuzz_far_propose(f, slot, n);
		break;
	case CONFIRM:
		fuzz_far_confirm(f, slot, n);
		break;
	case ACCEPT:
		fuzz_far_accept(f, slot, n);
		break;
	case READY:
		fuzz_far_ready(f, slot);
		break;
	case RESUME:
		fuzz_far_resume(f, slot, n);
		break;
	case ANSWER:
		fuzz_far_answer(f, slot, n);
		break;
	case CHALLENGE:
		fuzz_far_challenge(f, slot, n);
		break;
	case ACK:
		fuzz_far_ack(f, slot, n);
		break;
	case UP:
		fuzz_far_up(f, slot);
		break;
	case DOWN:
		fuzz_far_down(f, slot);
		break;
	case WAIT:
		fuzz_far_wait(n);
		fuzz_far_process(f);
		break;
	case LATER:
		fuzz_far_later(f);
		break;
	case SEND:
		for (int i = 0; i <= slot % 32; i++)
			(void)parley_session_send(s, (int)f->alice, p, len);
		(void)parley_session_flush(s);
		return true;
	case RECEIVE:
		receive(f);
		break;
	case ASK:
		ask(f);
		(void)parley_session_ping(s, (int)f->alice);
		break;
	case CLOSE:
		(void)parley_session_close(s);
		break;
	case ABORT:
		parley_session_abort(s, "it is the fuzzer's wish");
		break;
	case N_WHATS:
		break;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_far f;

	if (size == 0 || size > FUZZ_FAR_INPUT_MAX)
		return 0;
	fuzz_far_init(&f, data[0] % 4, NULL);
	fuzz_far_steps(step, &f, N_WHATS, data + 1, size - 1);
	fuzz_far_free(&f);
	return 0;
}
