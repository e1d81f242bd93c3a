/*
 * Records (PROTOCOL 6.1): seal and open in place, with the ratchet.
 *
 * A record lies in one buffer: 4 bytes of header, the items, 16 bytes of tag.
 * Nothing here allocates once a direction is initialised, except the AEAD
 * context at a ratchet.
 */
#ifndef SESSION_RECORD_H
#define SESSION_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/aead.h"
#include "session/wire.h"

/* One direction of a channel. */
struct session_record {
	struct session_aead aead;
	const struct session_aead_machine *machine;
	uint8_t secret[SESSION_HASH_LEN]; /* s[epoch + 1] */
	uint8_t iv[SESSION_IV_LEN];
	uint64_t seq; /* of the next record */
	uint64_t ratchets;
	uint8_t suite;
	bool seal;
};

/*
 * session_record_init(r, suite, secret, seal, machine):
 * Begin a direction with the traffic secret ${secret} (copied): sealing if
 * ${seal}, else opening.  ${machine} is borrowed, as by session_aead_init().
 *
 * Returns 0, or PARLEY_ERR_SUITE, PARLEY_ERR_MEMORY.
 */
int session_record_init(struct session_record *r, uint8_t suite,
			const uint8_t secret[SESSION_HASH_LEN], bool seal,
			const struct session_aead_machine *machine)
    __attribute__((warn_unused_result));

/*
 * session_record_seal(r, record, items_len):
 * Seal the record at ${record}: the caller has put ${items_len} bytes of items
 * behind the 4 bytes of the header and left 16 bytes behind them.  The record
 * has ${items_len} + SESSION_RECORD_OVERHEAD bytes afterwards.
 *
 * Returns 0, or PARLEY_ERR_EXHAUSTED, PARLEY_ERR_TOO_LARGE,
 * PARLEY_ERR_MEMORY, PARLEY_ERR_INTERNAL.
 */
int session_record_seal(struct session_record *r, uint8_t *record,
			size_t items_len) __attribute__((warn_unused_result));

/*
 * session_record_begin(r, record):
 * session_record_add(r, out, in, len):
 * session_record_end(r, record, items_len):
 * The same in pieces, so that what is to be sealed need not be copied before:
 * begin, then ${len} bytes at a time from ${in} to ${out} (which is ${in}, or
 * does not overlap it) from the begin of the items to their end, without gaps.
 * What was added cannot be taken back, nor another record be sealed between.
 *
 * Return as session_record_seal().
 */
int session_record_begin(struct session_record *r, uint8_t *record)
    __attribute__((warn_unused_result));
int session_record_add(struct session_record *r, uint8_t *out,
		       const uint8_t *in, size_t len)
    __attribute__((warn_unused_result));
int session_record_end(struct session_record *r, uint8_t *record,
		       size_t items_len) __attribute__((warn_unused_result));

/*
 * session_record_open(r, items_len, record, len):
 * Open the record at ${record} (${len} bytes) in place; its items are the
 * ${*items_len} bytes behind the 4 bytes of the header.  Only the next record
 * in sequence is accepted; a refused one changes nothing in ${r}.
 *
 * Returns 0, or PARLEY_ERR_LENGTH, PARLEY_ERR_FORMAT (not a record),
 * PARLEY_ERR_REPLAY (a number that was received before), PARLEY_ERR_SEQUENCE
 * (a number further on), PARLEY_ERR_SEAL, PARLEY_ERR_EXHAUSTED,
 * PARLEY_ERR_MEMORY.
 */
int session_record_open(struct session_record *r, size_t *items_len,
			uint8_t *record, size_t len)
    __attribute__((warn_unused_result));

/*
 * session_record_open_begin(r, items_len, record, len):
 * session_record_open_end(r, record, len):
 * Opening in pieces: after the first, session_record_add() decrypts the
 * ${*items_len} bytes behind the header, to where they are wanted; after the
 * second they may be believed.  On PARLEY_ERR_SEAL the caller wipes them.
 *
 * Return as session_record_open().
 */
int session_record_open_begin(struct session_record *r, size_t *items_len,
			      const uint8_t *record, size_t len)
    __attribute__((warn_unused_result));
int session_record_open_end(struct session_record *r, const uint8_t *record,
			    size_t len) __attribute__((warn_unused_result));

/*
 * session_record_ahead(r, record):
 * By how much is the number in the header of ${record} ahead of the next one,
 * on the circle of 24 bits?
 */
uint32_t session_record_ahead(const struct session_record *r,
			      const uint8_t *record);

/* session_record_wipe(r): wipe and release; a zeroed ${r} is allowed. */
void session_record_wipe(struct session_record *r);

#endif /* !SESSION_RECORD_H */
