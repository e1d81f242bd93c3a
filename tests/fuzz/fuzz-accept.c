/*
 * What a dialler gets in answer to its propose, by session_handshake_confirm().
 * The first byte:
 *
 *   's', 'e', 'p'  an accept with this inside, see side.h; Bob signs
 *   'f'            a refuse but for its MAC, which is right
 *   else           the answer itself
 *
 * Expected: the dialler says something only when it has authenticated Bob (or
 * to a refuse of its DID), and has keys only without an error.
 */
#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "tests/fuzz/side.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Alice gets ${msg}. */
static void answer(struct fuzz_side *alice, const uint8_t *msg, size_t len)
{
	struct session_handshake_result result;
	uint8_t *reply;
	size_t reply_len;
	int err = session_handshake_confirm(alice->h, &reply, &reply_len, msg,
					    len, &alice->random, FUZZ_NOW);
	const int speaks =
	    err == 0 || err == PARLEY_ERR_AGREEMENT || err == PARLEY_ERR_INDEX;

	if ((reply != NULL && !speaks) || (err == 0 && reply == NULL) ||
	    (err == 0 && session_handshake_peer(alice->h) != FUZZ_BOB) ||
	    (session_handshake_result(alice->h, &result) == 0) != (err == 0))
		abort();
	free(reply);
}

/* tag, reason, nonce as given, with the MAC behind them. */
static void refuse(struct fuzz_side *alice, const uint8_t *propose,
		   size_t propose_len, const uint8_t *data, size_t size)
{
	uint8_t msg[SESSION_REFUSE_LEN] = {SESSION_WIRE_REFUSE};
	const size_t n = sizeof(msg) - 1 - SESSION_MAC_LEN;
	struct session_transcript t;

	memcpy(msg + 1, data, size < n ? size : n);
	session_schedule_start(&t);
	session_schedule_absorb(&t, propose, propose_len);
	session_schedule_mac(msg + sizeof(msg) - SESSION_MAC_LEN,
			     alice->gate.key, "refuse", t.hash, sizeof(t.hash),
			     msg + 1 + SESSION_TAG_LEN, 1 + SESSION_NONCE_LEN);
	answer(alice, msg, sizeof(msg));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t propose[SESSION_PROPOSE_LEN_MAX], *accept, *msg;
	size_t propose_len, accept_len, len;
	struct fuzz_side alice, bob;
	struct fuzz_inside in;

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
	switch (data[0]) {
	case 's':
	case 'e':
	case 'p':
		fuzz_inside_init(&in, propose, propose_len, accept,
				 alice.random.ephemeral,
				 accept + 1 + SESSION_TAG_LEN + 1);
		msg = fuzz_inside_seal(&in, &len, accept,
				       SESSION_ACCEPT_CLEAR_LEN,
				       SESSION_RESPONDER, FUZZ_BOB, data, size);
		if (msg != NULL)
			answer(&alice, msg, len);
		free(msg);
		break;
	case 'f':
		refuse(&alice, propose, propose_len, data + 1, size - 1);
		break;
	default:
		answer(&alice, data, size);
		break;
	}
	free(accept);
	fuzz_side_free(&alice);
	fuzz_side_free(&bob);
	return 0;
}
