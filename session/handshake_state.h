/*
 * What a handshake is between two messages, for handshake*.c alone.
 */
#ifndef SESSION_HANDSHAKE_STATE_H
#define SESSION_HANDSHAKE_STATE_H

#include <stdint.h>

#include "session/handshake.h"

enum session_handshake_state {
	SESSION_HANDSHAKE_EXPECT_ACCEPT,  /* initiator, propose made */
	SESSION_HANDSHAKE_EXPECT_CONFIRM, /* responder, accept made */
	SESSION_HANDSHAKE_EXPECT_DISPUTE, /* responder, our DID refused */
	SESSION_HANDSHAKE_COMPLETE,	  /* result can be taken */
	SESSION_HANDSHAKE_OVER,		  /* taken, or failed */
};

struct session_handshake {
	enum session_role role;
	enum session_handshake_state state;
	struct session_handshake_self self;
	uint8_t gate_key[SESSION_HASH_LEN];
	uint8_t tag[SESSION_TAG_LEN];
	uint8_t nonce[SESSION_NONCE_LEN];		 /* of a refuse */
	uint8_t ephemeral[SESSION_EPHEMERAL_LEN];	 /* secret */
	uint8_t ephemeral_public[SESSION_EPHEMERAL_LEN]; /* own */
	struct session_transcript transcript;
	struct session_handshake_keys keys;
	struct session_handshake_result result;

	/* For the error text; see session_handshake_field(). */
	int peer;
	char signer[PARLEY_DID_SIZE];
	char field[SESSION_FIELD_PATH_SIZE];
};

#endif /* !SESSION_HANDSHAKE_STATE_H */
