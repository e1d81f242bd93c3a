/*
 * Records: PROTOCOL 6.1.
 *
 * Invariant: r->aead and r->iv belong to the epoch of r->seq, and r->secret is
 * the secret of the epoch after it; older secrets are gone.  The ratchet turns
 * as soon as the last record of an epoch has been sealed or opened.
 */
#include "session/record.h"

#include <string.h>

#include <parley/err.h>

#include "did/secret.h"
#include "session/schedule.h"

/* s -> key, iv, and the next s, which replaces it. */
static int begin_epoch(struct session_record *r)
{
	uint8_t key[SESSION_KEY_LEN], next[SESSION_HASH_LEN];
	int err;

	session_schedule_label(key, sizeof(key), r->secret, "key", NULL, 0);
	err = session_aead_init(&r->aead, r->suite, key, r->seal, r->machine);
	if (err)
		goto out;
	session_schedule_label(r->iv, sizeof(r->iv), r->secret, "iv", NULL, 0);
	session_schedule_label(next, sizeof(next), r->secret, "ratchet", NULL,
			       0);
	memcpy(r->secret, next, sizeof(r->secret));
out:
	did_secret_wipe(key, sizeof(key));
	did_secret_wipe(next, sizeof(next));
	return err;
}

/*
 * The record r->seq is done: go on to the next, and to the next key if it
 * begins an epoch.  Should memory for the key run out, the direction is
 * unusable from here on, never used with the old key.
 */
static int advance(struct session_record *r)
{
	int err;

	r->seq++;
	if (r->seq % SESSION_RATCHET_RECORDS != 0)
		return 0;
	err = begin_epoch(r);
	if (err) {
		session_aead_wipe(&r->aead);
		r->seq = SESSION_RECORD_SEQ_MAX;
		return err;
	}
	r->ratchets++;
	return 0;
}

static void make_nonce(uint8_t nonce[SESSION_IV_LEN],
		       const struct session_record *r)
{
	memcpy(nonce, r->iv, SESSION_IV_LEN);
	for (int i = 0; i < 8; i++)
		nonce[SESSION_IV_LEN - 1 - i] ^= (uint8_t)(r->seq >> (8 * i));
}

static void make_header(uint8_t header[SESSION_RECORD_HEADER_LEN], uint64_t seq)
{
	header[0] = SESSION_WIRE_RECORD;
	header[1] = (uint8_t)(seq >> 16);
	header[2] = (uint8_t)(seq >> 8);
	header[3] = (uint8_t)seq;
}

int session_record_init(struct session_record *r, uint8_t suite,
			const uint8_t secret[SESSION_HASH_LEN], bool seal,
			const struct session_aead_machine *machine)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->suite = suite;
	r->seal = seal;
	r->machine = machine;
	memcpy(r->secret, secret, sizeof(r->secret));
	err = begin_epoch(r);
	if (err)
		session_record_wipe(r);
	return err;
}

int session_record_seal(struct session_record *r, uint8_t *record,
			size_t items_len)
{
	uint8_t nonce[SESSION_IV_LEN];
	int err;

	if (items_len > SESSION_RECORD_LEN_MAX - SESSION_RECORD_OVERHEAD)
		return PARLEY_ERR_TOO_LARGE;
	if (r->seq >= SESSION_RECORD_SEQ_MAX)
		return PARLEY_ERR_EXHAUSTED;
	make_header(record, r->seq);
	make_nonce(nonce, r);
	err = session_aead_seal(&r->aead,
				record + SESSION_RECORD_HEADER_LEN + items_len,
				record + SESSION_RECORD_HEADER_LEN, items_len,
				nonce, record, SESSION_RECORD_HEADER_LEN);
	return err ? err : advance(r);
}

int session_record_begin(struct session_record *r, uint8_t *record)
{
	uint8_t nonce[SESSION_IV_LEN];

	if (r->seq >= SESSION_RECORD_SEQ_MAX)
		return PARLEY_ERR_EXHAUSTED;
	make_header(record, r->seq);
	make_nonce(nonce, r);
	return session_aead_begin(&r->aead, nonce, record,
				  SESSION_RECORD_HEADER_LEN);
}

int session_record_add(struct session_record *r, uint8_t *out,
		       const uint8_t *in, size_t len)
{
	return session_aead_add(&r->aead, out, in, len);
}

int session_record_end(struct session_record *r, uint8_t *record,
		       size_t items_len)
{
	int err;

	if (items_len > SESSION_RECORD_LEN_MAX - SESSION_RECORD_OVERHEAD)
		return PARLEY_ERR_TOO_LARGE;
	err = session_aead_end_seal(
	    &r->aead, record + SESSION_RECORD_HEADER_LEN + items_len);
	return err ? err : advance(r);
}

uint32_t session_record_ahead(const struct session_record *r,
			      const uint8_t *record)
{
	uint32_t claimed =
	    (uint32_t)record[1] << 16 | (uint32_t)record[2] << 8 | record[3];

	return (claimed - (uint32_t)r->seq) & 0xffffff;
}

/* Is ${record} the next one, by what can be seen from outside? */
static int check_next(const struct session_record *r, const uint8_t *record,
		      size_t len)
{
	uint8_t header[SESSION_RECORD_HEADER_LEN];

	if (len < SESSION_RECORD_OVERHEAD || len > SESSION_RECORD_LEN_MAX)
		return PARLEY_ERR_LENGTH;
	if (record[0] != SESSION_WIRE_RECORD)
		return PARLEY_ERR_FORMAT;
	if (r->seq >= SESSION_RECORD_SEQ_MAX)
		return PARLEY_ERR_EXHAUSTED;
	make_header(header, r->seq);
	if (memcmp(header, record, sizeof(header)) == 0)
		return 0;
	/* Half of the 24-bit circle lies behind, half ahead. */
	return session_record_ahead(r, record) < 0x800000 ? PARLEY_ERR_SEQUENCE
							  : PARLEY_ERR_REPLAY;
}

int session_record_open(struct session_record *r, size_t *items_len,
			uint8_t *record, size_t len)
{
	uint8_t nonce[SESSION_IV_LEN];
	size_t n;
	int err;

	err = check_next(r, record, len);
	if (err)
		return err;
	make_nonce(nonce, r);
	n = len - SESSION_RECORD_OVERHEAD;
	err = session_aead_open(&r->aead, record + SESSION_RECORD_HEADER_LEN, n,
				record + SESSION_RECORD_HEADER_LEN + n, nonce,
				record, SESSION_RECORD_HEADER_LEN);
	if (err)
		return err;
	err = advance(r);
	if (err)
		return err;
	*items_len = n;
	return 0;
}

int session_record_open_begin(struct session_record *r, size_t *items_len,
			      const uint8_t *record, size_t len)
{
	uint8_t nonce[SESSION_IV_LEN];
	int err;

	err = check_next(r, record, len);
	if (err)
		return err;
	make_nonce(nonce, r);
	*items_len = len - SESSION_RECORD_OVERHEAD;
	return session_aead_begin(&r->aead, nonce, record,
				  SESSION_RECORD_HEADER_LEN);
}

int session_record_open_end(struct session_record *r, const uint8_t *record,
			    size_t len)
{
	int err = session_aead_end_open(&r->aead,
					record + len - SESSION_AEAD_TAG_LEN);

	return err ? err : advance(r);
}

void session_record_wipe(struct session_record *r)
{
	session_aead_wipe(&r->aead);
	did_secret_wipe(r, sizeof(*r));
}
