/*
 * Records of a party that has the keys, and of one that has not, by
 * session_channel_receive().  The input is a sequence of
 *
 *   1 byte   how: bit 0 sealed by the harness, else as it is;
 *            bit 1 the program takes a message afterwards;
 *            bit 2 the channel says what it has to say;
 *            bit 3 the sealed record is given twice
 *   2 bytes  length n, big-endian
 *   n bytes  the record, or the items to be sealed
 *
 * Expected: what is not sealed changes nothing but what is acknowledged; the
 * channel that broke says so; messages are no larger than allowed.
 */
#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "session/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 1 << 16, STEPS_MAX = 256, INPUT_MAX = 1 << 16 };

static const struct session_traffic traffic = {
    .secret = {{1, 2, 3}, {4, 5, 6}},
};

static const struct session_channel_options options = {
    .window = 64 << 10,
    .message_max = MESSAGE_MAX,
    .record_max = 1024,
};

static struct session_frame *frame(const void *p, size_t len)
{
	struct session_frame *f = session_frame_new(len);

	if (f == NULL)
		abort();
	if (len > 0)
		memcpy(f->data, p, len);
	return f;
}

/* Take what the channel would send, and forget it. */
static void drain(struct session_channel *c)
{
	struct session_frame *f;

	if (session_channel_flush(c) != 0)
		abort();
	while ((f = session_channel_take(c)) != NULL)
		session_frame_free(f);
}

/* The program's part. */
static void use(struct session_channel *c, uint8_t how)
{
	const void *msg;
	volatile uint8_t sum = 0;
	size_t len;

	if (how & 2 && session_channel_next(c, &msg, &len)) {
		if (len > MESSAGE_MAX)
			abort();
		for (size_t i = 0; i < len; i++)
			sum = (uint8_t)(sum + ((const uint8_t *)msg)[i]);
		session_channel_release(c);
	}
	if (how & 4) {
		if (session_channel_ack_owed(c) &&
		    session_channel_ack_now(c) != 0)
			abort();
		drain(c);
	}
	session_channel_events(c);
}

/* A record with ${items}, sealed as number next. */
static struct session_frame *sealed(struct session_record *seal,
				    const uint8_t *items, size_t len)
{
	struct session_frame *f =
	    session_frame_new(SESSION_RECORD_OVERHEAD + len);

	if (f == NULL)
		abort();
	if (len > 0)
		memcpy(f->data + SESSION_RECORD_HEADER_LEN, items, len);
	if (session_record_seal(seal, f->data, len) != 0)
		abort();
	return f;
}

/* One step; false when the channel broke. */
static int step(struct session_channel *c, struct session_record *seal,
		uint8_t how, const uint8_t *p, size_t len)
{
	const uint64_t expected = session_channel_expected(c);
	struct session_frame *f, *again = NULL;
	int err;

	if (how & 1) {
		f = sealed(seal, p, len);
		if (how & 8)
			again = frame(f->data, f->len);
	} else {
		f = frame(p, len);
	}
	err = session_channel_receive(c, f);
	if (!(how & 1) && (err != 0 || session_channel_expected(c) != expected))
		abort(); /* a stranger's bytes */
	if (err == 0 && how & 1 && session_channel_expected(c) != expected + 1)
		abort();
	if (err == 0 && again != NULL) {
		err = session_channel_receive(c, again);
		if (err != 0 || session_channel_expected(c) != expected + 1)
			abort(); /* a replay */
		again = NULL;
	}
	session_frame_free(again);
	if (err != 0 && err != PARLEY_ERR_RECORD && err != PARLEY_ERR_TOO_LARGE)
		abort();
	if (err == 0)
		use(c, how);
	return err == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_record seal = {0};
	struct session_channel *c;
	size_t n;

	if (size > INPUT_MAX)
		return 0;
	if (session_channel_new(&c, SESSION_SUITE_CHACHA20, SESSION_RESPONDER,
				&traffic, &options) != 0 ||
	    session_record_init(&seal, SESSION_SUITE_CHACHA20,
				traffic.secret[SESSION_INITIATOR], true,
				NULL) != 0)
		abort();
	for (int i = 0; i < STEPS_MAX && size >= 3; i++) {
		n = (size_t)data[1] << 8 | data[2];
		if (n > size - 3)
			n = size - 3;
		if (!step(c, &seal, data[0], data + 3, n))
			break;
		data += 3 + n;
		size -= 3 + n;
	}
	session_record_wipe(&seal);
	session_channel_free(c);
	return 0;
}
