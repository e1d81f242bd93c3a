/*
 * What a stranger may send on a connection, by session_zmtp_parse().  The first
 * byte:
 *
 *   bit 0  we listen, else we dial
 *   bit 1  greeting and READY of the peer come first, so that the rest is
 *          reached at once
 *   rest   how the bytes are cut into pieces
 *
 * Expected: the same events, however the bytes are cut; no event promises more
 * than the limits; every byte is used unless the peer is refused.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "session/zmtp.h"

enum {
	FRAME_MAX = 1000,
	INPUT_MAX = 1 << 16,
};

/* What came of a conversation. */
struct outcome {
	uint64_t digest; /* of the events and what they carry */
	const char *reason;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mix(struct outcome *o, uint64_t v)
{
	o->digest = (o->digest ^ v) * 0x100000001b3;
}

static void mix_bytes(struct outcome *o, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		mix(o, p[i]);
}

/* One event; ${*takep} becomes the bytes that the caller takes itself. */
static void note(struct outcome *o, const struct session_zmtp *z,
		 enum session_zmtp_event ev, size_t *takep)
{
	mix(o, ev);
	if (ev == SESSION_ZMTP_FRAME) {
		if (z->frame_len > FRAME_MAX || !z->ready)
			abort();
		mix(o, z->frame_len);
		*takep = z->frame_len;
	}
	if (ev == SESSION_ZMTP_PING) {
		uint8_t pong[SESSION_ZMTP_READY_MAX];

		mix_bytes(o, pong, session_zmtp_make_pong(pong, z));
	}
	if (ev == SESSION_ZMTP_REFUSED && !z->reason)
		abort();
	o->reason = z->reason;
}

/* Parse one piece, in memory of just its length.  Does it go on? */
static bool parse_piece(struct outcome *o, struct session_zmtp *z,
			size_t *takep, const uint8_t *data, size_t len)
{
	uint8_t *piece = malloc(len > 0 ? len : 1);
	enum session_zmtp_event ev = SESSION_ZMTP_IGNORED;
	size_t used, done = 0;

	if (!piece)
		abort();
	memcpy(piece, data, len);
	while (done < len && ev != SESSION_ZMTP_REFUSED) {
		if (*takep > 0) {
			size_t n = *takep < len - done ? *takep : len - done;

			mix_bytes(o, piece + done, n);
			*takep -= n;
			done += n;
			continue;
		}
		ev = session_zmtp_parse(z, &used, piece + done, len - done);
		if (used > len - done ||
		    (ev == SESSION_ZMTP_MORE && used < len - done))
			abort();
		done += used;
		if (ev != SESSION_ZMTP_MORE && ev != SESSION_ZMTP_IGNORED)
			note(o, z, ev, takep);
	}
	free(piece);
	return ev != SESSION_ZMTP_REFUSED;
}

/* ${seed} 0: in one piece. */
static struct outcome converse(enum session_zmtp_type type, const uint8_t *data,
			       size_t len, uint32_t seed)
{
	struct outcome o = {.digest = 0xcbf29ce484222325};
	struct session_zmtp z;
	size_t n, take = 0;

	session_zmtp_init(&z, type, FRAME_MAX);
	while (len > 0) {
		n = len;
		if (seed > 0) {
			seed = seed * 1664525 + 1013904223;
			n = seed >> 30 == 0 ? 1 : (seed >> 16) % 97;
			if (n > len)
				n = len;
		}
		if (!parse_piece(&o, &z, &take, data, n))
			break;
		data += n;
		len -= n;
	}
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum session_zmtp_type type;
	struct outcome whole, cut;
	uint8_t *all;
	size_t len = 0;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	type = data[0] & 1 ? SESSION_ZMTP_ROUTER : SESSION_ZMTP_DEALER;
	all = malloc(SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX + size);
	if (!all)
		abort();
	if (data[0] & 2) {
		session_zmtp_greeting(all);
		len = SESSION_ZMTP_GREETING_LEN;
		len += session_zmtp_make_ready(all + len,
					       type == SESSION_ZMTP_ROUTER
						   ? SESSION_ZMTP_DEALER
						   : SESSION_ZMTP_ROUTER);
	}
	memcpy(all + len, data + 1, size - 1);
	len += size - 1;
	whole = converse(type, all, len, 0);
	cut = converse(type, all, len, 1 + (data[0] >> 2));
	if (whole.digest != cut.digest || whole.reason != cut.reason)
		abort();
	free(all);
	return 0;
}
