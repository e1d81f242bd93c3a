/*
 * Everything about how bytes look on the wire: layouts, numbers, limits.
 * PROTOCOL.md sections 3 to 6 and 10 say what they mean.
 */
#ifndef SESSION_WIRE_H
#define SESSION_WIRE_H

/* PROTOCOL 3: the first byte of a message. */
enum session_wire_type {
	SESSION_WIRE_PROPOSE = 0x01,
	SESSION_WIRE_ACCEPT = 0x02,
	SESSION_WIRE_CONFIRM = 0x03,
	SESSION_WIRE_REFUSE = 0x04,
	SESSION_WIRE_RESUME = 0x05,
	SESSION_WIRE_CHALLENGE = 0x06,
	SESSION_WIRE_ANSWER = 0x07,
	SESSION_WIRE_DISPUTE = 0x08,
	/* 0x09-0x0f: later */
	SESSION_WIRE_RECORD = 0x10,
	/* 0x11-0x1f: record types, later */
};

/* PROTOCOL 6.2: control items. */
enum session_wire_item {
	SESSION_ITEM_PADDING = 0,
	SESSION_ITEM_FIRST = 1,
	SESSION_ITEM_NEXT = 2,
	SESSION_ITEM_ACK = 3,
	SESSION_ITEM_READY = 4,
	SESSION_ITEM_INSTANCES = 5,
	SESSION_ITEM_PING = 6,
	SESSION_ITEM_PONG = 7,
	SESSION_ITEM_CLOSE = 8,
	SESSION_ITEM_ABORT = 9,
	SESSION_ITEM_GAP = 10,
	/* 11-31: an error, later perhaps more */
	SESSION_ITEM_SKIPPED = 32, /* from here on: skipped if unknown */
};

/* PROTOCOL 5.4: reasons of a refuse. */
enum session_wire_refuse {
	SESSION_REFUSE_DID = 1,
	SESSION_REFUSE_SUITE = 2,
	SESSION_REFUSE_VERSION = 3,
};

/* PROTOCOL 4.4. */
enum session_suite {
	SESSION_SUITE_CHACHA20 = 1,
	SESSION_SUITE_AES256 = 2,
};

enum {
	SESSION_VERSION = 1,

	SESSION_HASH_LEN = 32,
	SESSION_KEY_LEN = 32,
	SESSION_IV_LEN = 12,
	SESSION_AEAD_TAG_LEN = 16,
	SESSION_MAC_LEN = 16, /* gate, to, refuse: truncated */
	SESSION_EPHEMERAL_LEN = 32,
	SESSION_TAG_LEN = 16, /* session tag */
	SESSION_INSTANCE_LEN = 16,
	SESSION_SUITES_MAX = 16,

	/*
	 * propose:
	 *   1 type, 1 version, 16 tag, 1 number of suites m, m suites, 32 eI,
	 *   16 to, 16 gate
	 */
	SESSION_PROPOSE_LEN_MIN = 1 + 1 + 16 + 1 + 1 + 32 + 16 + 16,
	SESSION_PROPOSE_LEN_MAX =
	    SESSION_PROPOSE_LEN_MIN - 1 + SESSION_SUITES_MAX,

	/* accept: 1 type, 16 tag, 1 suite, 32 eR; then the sealed part */
	SESSION_ACCEPT_CLEAR_LEN = 1 + 16 + 1 + 32,

	/* confirm: 1 type, 16 tag; then the sealed part */
	SESSION_CONFIRM_CLEAR_LEN = 1 + 16,

	/* refuse: 1 type, 16 tag, 1 reason, 16 nonce, 16 MAC */
	SESSION_REFUSE_LEN = 1 + 16 + 1 + 16 + 16,

	/* dispute: 1 type, 16 tag, 16 MAC */
	SESSION_DISPUTE_LEN = 1 + 16 + 16,

	SESSION_HANDSHAKE_LEN_MAX = 128 * 1024,

	/* record: 1 type, 3 low bits of the sequence number; ciphertext; tag */
	SESSION_RECORD_HEADER_LEN = 4,
	SESSION_RECORD_OVERHEAD =
	    SESSION_RECORD_HEADER_LEN + SESSION_AEAD_TAG_LEN,
	SESSION_RECORD_LEN_MAX = 256 * 1024,
	SESSION_RECORD_LEN_DEFAULT = 128 * 1024,
	SESSION_RATCHET_RECORDS = 4096,

	SESSION_ABORT_TEXT_MAX = 1024,
	SESSION_PING_LEN_MAX = 16,
	SESSION_FIELDS_MAX = 4096, /* members of a fields object */
};

/* A direction is exhausted at this sequence number. */
#define SESSION_RECORD_SEQ_MAX (UINT64_C(1) << 48)

_Static_assert(SESSION_PROPOSE_LEN_MIN == 84, "PROTOCOL 5.1: 83 + m");
_Static_assert(SESSION_ACCEPT_CLEAR_LEN == 50, "PROTOCOL 4.2: accept[0..50]");
_Static_assert(SESSION_CONFIRM_CLEAR_LEN == 17, "PROTOCOL 4.2: confirm[0..17]");
_Static_assert(SESSION_RECORD_OVERHEAD == 20, "PROTOCOL 6.1");

/* Timers and limits of PROTOCOL 7 and 10; times in milliseconds. */
enum {
	SESSION_DIAL_FALLBACK_MS = 1500,
	SESSION_DIAL_PATIENCE_MS = 50, /* more, for each party, when opening */
	SESSION_DIAL_RETRY_MS = 20,
	SESSION_DIAL_RETRY_MAX_MS = 2000,
	SESSION_HANDSHAKE_TIMEOUT_MS = 10 * 1000,
	SESSION_FAIL_LINGER_MS = 2000,
	SESSION_STRANGERS_MAX = 64, /* handshakes in progress, plus n */
	SESSION_TAGS_MAX = 8192,
	/* Proposes answered by who is ready: at once, and for each second. */
	SESSION_ANSWERS_BURST = 16,
	SESSION_ANSWERS_RATE = 10,

	/* Retransmission, PROTOCOL 6.3. */
	SESSION_ACK_RECORDS = 64, /* acknowledged at the latest after so many */
	SESSION_ACK_PIGGYBACK =
	    16, /* from so many on, in any record that goes */
	SESSION_ACK_DELAY_MS = 100,
	SESSION_PROBE_MS = 200, /* then twice that, and so on */
	SESSION_PROBE_MAX_MS = 5000,
	SESSION_KEPT_MAX = 65536, /* records unacknowledged */
	SESSION_NONCE_LEN = 16,
	SESSION_ENVELOPE_LIFETIME_S = 86400,
};

#endif /* !SESSION_WIRE_H */
