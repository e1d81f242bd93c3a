/*
 * What a stranger sends to a listener first, by session_handshake_accept(); and
 * what may follow a refuse.  The first byte:
 *
 *   'g'  a propose but for its gate, which is right
 *   't'  the same, and `to` is right as well
 *   'd'  a dispute, after a propose for another DID
 *   else the propose itself
 *
 * Expected: who does not know the gate gets silence, and leaves no tag behind;
 * an answer is an accept, or a refuse with the error that it is for.
 */
#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "did/identity.h"
#include "tests/fuzz/side.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does ${err} go with the answer ${reply}? */
static int answer_fits(int err, const uint8_t *reply, size_t len)
{
	switch (err) {
	case 0:
		return reply != NULL && reply[0] == SESSION_WIRE_ACCEPT;
	case PARLEY_ERR_ADDRESS:
	case PARLEY_ERR_SUITE:
	case PARLEY_ERR_VERSION:
		return reply != NULL && reply[0] == SESSION_WIRE_REFUSE &&
		       len == SESSION_REFUSE_LEN;
	default:
		return reply == NULL;
	}
}

/* Bob gets ${msg}; true if he takes it. */
static void listen_to(struct fuzz_side *bob, const uint8_t *msg, size_t len,
		      int gate)
{
	const size_t tags = bob->gate.n_tags;
	uint8_t *reply;
	size_t reply_len;
	int err = session_handshake_accept(&bob->h, &reply, &reply_len,
					   &bob->gate, &bob->self, msg, len,
					   &bob->random, FUZZ_NOW);

	if (!answer_fits(err, reply, reply_len) ||
	    (err == PARLEY_ERR_GATE && (gate || bob->gate.n_tags != tags)) ||
	    (bob->h != NULL) != (err == 0 || err == PARLEY_ERR_ADDRESS))
		abort();
	free(reply);
}

/* The last fields of a propose: `to` if ${to}, and the gate. */
static void complete(uint8_t *msg, size_t len, const struct fuzz_side *bob,
		     int to)
{
	const char *did = parley_did_identity_did(bob->self.identity);
	uint8_t *gate = msg + len - SESSION_MAC_LEN;

	if (to)
		session_schedule_mac(gate - SESSION_MAC_LEN, bob->gate.key,
				     "to", msg + 2, SESSION_TAG_LEN, did,
				     strlen(did));
	session_schedule_mac(gate, bob->gate.key, "gate", msg,
			     len - SESSION_MAC_LEN, NULL, 0);
}

static void dispute(struct fuzz_side *bob, const uint8_t *data, size_t size)
{
	uint8_t propose[SESSION_PROPOSE_LEN_MAX];
	struct fuzz_side alice;
	size_t len;

	fuzz_side_init(&alice, FUZZ_ALICE);
	if (session_handshake_propose(&alice.h, propose, &len, &alice.gate,
				      &alice.self, FUZZ_CAROL,
				      &alice.random) != 0)
		abort();
	listen_to(bob, propose, len, 1);
	if (bob->h == NULL ||
	    session_handshake_finish(bob->h, data, size, FUZZ_NOW) == 0)
		abort();
	fuzz_side_free(&alice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_side bob;
	uint8_t *msg;
	size_t len;

	if (size == 0 || size > FUZZ_INPUT_MAX)
		return 0;
	fuzz_side_init(&bob, FUZZ_BOB);
	if (data[0] == 'd') {
		dispute(&bob, data + 1, size - 1);
	} else if (data[0] == 'g' || data[0] == 't') {
		/* With room for `to`, and the tag before it. */
		len = size - 1 + SESSION_MAC_LEN;
		msg = malloc(len + SESSION_PROPOSE_LEN_MIN);
		if (msg == NULL)
			abort();
		memcpy(msg, data + 1, size - 1);
		complete(msg, len, &bob,
			 data[0] == 't' && len >= SESSION_PROPOSE_LEN_MIN);
		msg = realloc(msg, len);
		listen_to(&bob, msg, len, 1);
		free(msg);
	} else {
		listen_to(&bob, data, size, 0);
	}
	fuzz_side_free(&bob);
	return 0;
}
