/*
 * What a listener gets after its accept, by session_handshake_finish().  The
 * first byte:
 *
 *   's', 'e', 'p'  a confirm with this inside, see side.h; Alice signs
 *   else           the confirm itself
 *
 * Expected: keys only without an error, and then for Alice.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/side.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bob gets ${msg}. */
static void answer(struct fuzz_side *bob, const uint8_t *msg, size_t len)
{
	struct session_handshake_result result;
	int err = session_handshake_finish(bob->h, msg, len, FUZZ_NOW);

	if ((session_handshake_result(bob->h, &result) == 0) != (err == 0) ||
	    (err == 0 && result.peer != FUZZ_ALICE) ||
	    session_handshake_finish(bob->h, msg, len, FUZZ_NOW) == 0)
		abort();
}

/* A confirm with the fuzzer's envelope inside. */
static void sealed(struct fuzz_side *alice, struct fuzz_side *bob,
		   const uint8_t *propose, size_t propose_len,
		   const uint8_t *accept, size_t accept_len,
		   const uint8_t *data, size_t size)
{
	uint8_t clear[SESSION_CONFIRM_CLEAR_LEN] = {SESSION_WIRE_CONFIRM};
	struct fuzz_inside in;
	uint8_t *msg;
	size_t len;

	memcpy(clear + 1, alice->random.tag, SESSION_TAG_LEN);
	fuzz_inside_init(&in, propose, propose_len, accept,
			 alice->random.ephemeral,
			 accept + 1 + SESSION_TAG_LEN + 1);
	fuzz_inside_absorb(&in, accept, accept_len, SESSION_ACCEPT_CLEAR_LEN,
			   SESSION_RESPONDER);
	session_schedule_absorb(&in.t, clear, sizeof(clear));
	msg = fuzz_inside_seal(&in, &len, clear, sizeof(clear),
			       SESSION_INITIATOR, FUZZ_ALICE, data, size);
	if (msg != NULL)
		answer(bob, msg, len);
	free(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t propose[SESSION_PROPOSE_LEN_MAX], *accept;
	size_t propose_len, accept_len;
	struct fuzz_side alice, bob;

	if (size == 0 || size > FUZZ_INPUT_MAX)
		return 0;
	fuzz_side_init(&alice, FUZZ_ALICE);
	fuzz_side_init(&bob, FUZZ_BOB);
	if (session_handshake_propose(&alice.h, propose, &propose_len,
				      &alice.gate, &alice.self, FUZZ_BOB,
				      &alice.random) != 0 ||
	    session_handshake_accept(&bob.h, &accept, &accept_len, &bob.gate,
				     &bob.self, propose, propose_len,
				     &bob.random, FUZZ_NOW) != 0)
		abort();
	if (data[0] == 's' || data[0] == 'e' || data[0] == 'p')
		sealed(&alice, &bob, propose, propose_len, accept, accept_len,
		       data, size);
	else
		answer(&bob, data, size);
	free(accept);
	fuzz_side_free(&alice);
	fuzz_side_free(&bob);
	return 0;
}
