/*
 * ZMTP 3.1, NULL mechanism; see zmtp.h.
 *
 *   greeting   FF 8*00 7F, version 3.x, "NULL" in 20 bytes, as-server 0, 31*00
 *   command    04 len8 | 06 len64, then name-len name data
 *   message    00 len8 | 02 len64, then data; bit 0: another frame follows
 *
 * Choice: messages of several frames are skipped, not refused: PROTOCOL 3
 * drops them, and a peer over libzmq may not know better.  They are skipped
 * without being stored.
 */
#include "session/zmtp.h"

#include <string.h>

#include "did/bytes.h"

enum {
	FLAG_MORE = 1,
	FLAG_LONG = 2,
	FLAG_COMMAND = 4,
};

void session_zmtp_init(struct session_zmtp *z, enum session_zmtp_type type,
		       size_t frame_max)
{
	memset(z, 0, sizeof(*z));
	z->type = type;
	z->frame_max = frame_max;
}

static enum session_zmtp_event refuse(struct session_zmtp *z,
				      const char *reason)
{
	z->reason = reason;
	return SESSION_ZMTP_REFUSED;
}

/* Gather up to ${want} bytes in z->buf.  Are they all there? */
static bool gather(struct session_zmtp *z, size_t want, size_t *usedp,
		   const uint8_t *p, size_t len)
{
	size_t n = want - z->len;

	if (n > len - *usedp)
		n = len - *usedp;
	memcpy(z->buf + z->len, p + *usedp, n);
	z->len += n;
	*usedp += n;
	return z->len == want;
}

static enum session_zmtp_event parse_greeting(struct session_zmtp *z)
{
	static const uint8_t mechanism[20] = "NULL";
	const uint8_t *g = z->buf;

	z->len = 0;
	z->state = SESSION_ZMTP_IN_HEADER;
	if (g[0] != 0xff || (g[9] & 1) == 0)
		return refuse(z, "no ZeroMQ there");
	if (g[10] < 3)
		return refuse(z, "ZeroMQ there is too old");
	z->pings = g[10] > 3 || g[11] >= 1;
	if (memcmp(g + 12, mechanism, sizeof(mechanism)) != 0)
		return refuse(z, "ZeroMQ there wants another mechanism");
	return SESSION_ZMTP_IGNORED;
}

/* Does the socket type ${v} of the peer fit to ours? */
static bool type_fits(const struct session_zmtp *z, const uint8_t *v,
		      size_t len)
{
	const char *fits = z->type == SESSION_ZMTP_DEALER ? "ROUTER" : "DEALER";

	return len == strlen(fits) && memcmp(v, fits, len) == 0;
}

/* Names of properties are compared without regard to case (RFC 37). */
static bool is_socket_type(const uint8_t *name, size_t len)
{
	static const char expected[] = "socket-type";

	if (len != strlen(expected))
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 'a' - 'A');
		if (c != (uint8_t)expected[i])
			return false;
	}
	return true;
}

static enum session_zmtp_event parse_ready(struct session_zmtp *z,
					   struct did_reader *r)
{
	bool fits = false;

	if (z->ready)
		return refuse(z, "READY came twice");
	while (r->left > 0 && !r->failed) {
		size_t name_len = did_reader_u8(r);
		const uint8_t *name = did_reader_take(r, name_len);
		size_t value_len = did_reader_u32(r);
		const uint8_t *value = did_reader_take(r, value_len);

		if (name && value && is_socket_type(name, name_len))
			fits = type_fits(z, value, value_len);
	}
	if (r->failed)
		return refuse(z, "READY is malformed");
	if (!fits)
		return refuse(z, "ZeroMQ there has another socket type");
	z->ready = true;
	return SESSION_ZMTP_READY;
}

static enum session_zmtp_event parse_ping(struct session_zmtp *z,
					  struct did_reader *r)
{
	did_reader_u16(r); /* how long the peer will wait; we answer anyway */
	z->context_len = r->left;
	if (r->failed || r->left > SESSION_ZMTP_PING_CONTEXT_MAX)
		return refuse(z, "PING is malformed");
	did_reader_copy(r, z->context, z->context_len);
	return SESSION_ZMTP_PING;
}

static bool is_name(const uint8_t *name, size_t len, const char *expected)
{
	return name && len == strlen(expected) &&
	       memcmp(name, expected, len) == 0;
}

static enum session_zmtp_event parse_command(struct session_zmtp *z)
{
	const uint8_t *name;
	struct did_reader r;
	size_t len;

	did_reader_init(&r, z->buf, z->want);
	len = did_reader_u8(&r);
	name = did_reader_take(&r, len);
	z->len = 0;
	z->state = SESSION_ZMTP_IN_HEADER;
	if (is_name(name, len, "READY"))
		return parse_ready(z, &r);
	if (is_name(name, len, "ERROR"))
		return refuse(z, "ZeroMQ there refuses us");
	if (!z->ready)
		return refuse(z, "something came before READY");
	if (is_name(name, len, "PING"))
		return parse_ping(z, &r);
	if (is_name(name, len, "PONG"))
		return SESSION_ZMTP_IGNORED;
	return refuse(z, "unknown ZMTP command");
}

/* The header of a frame is complete in z->buf. */
static enum session_zmtp_event parse_header(struct session_zmtp *z)
{
	const uint8_t flags = z->buf[0];
	struct did_reader r;
	uint64_t len;

	did_reader_init(&r, z->buf + 1, z->len - 1);
	len = flags & FLAG_LONG ? did_reader_u64(&r) : did_reader_u8(&r);
	z->len = 0;
	if (flags & ~(FLAG_MORE | FLAG_LONG | FLAG_COMMAND))
		return refuse(z, "reserved flags are set");
	if (flags & FLAG_COMMAND) {
		if (flags & FLAG_MORE || z->skipping || len == 0 ||
		    len > SESSION_ZMTP_COMMAND_MAX)
			return refuse(z, "malformed ZMTP command");
		z->want = (size_t)len;
		z->state = SESSION_ZMTP_IN_COMMAND;
		return SESSION_ZMTP_IGNORED;
	}
	if (!z->ready)
		return refuse(z, "a message came before READY");
	if (len > z->frame_max)
		return refuse(z, "message is too large");
	if (flags & FLAG_MORE || z->skipping) {
		z->skipping = (flags & FLAG_MORE) != 0;
		z->left = len;
		z->state = SESSION_ZMTP_IN_SKIPPED;
		return SESSION_ZMTP_IGNORED;
	}
	z->frame_len = (size_t)len;
	return SESSION_ZMTP_FRAME;
}

/* Bytes of a header, as far as its first byte tells. */
static size_t header_len(const struct session_zmtp *z)
{
	if (z->len == 0)
		return 1;
	return z->buf[0] & FLAG_LONG ? 9 : 2;
}

enum session_zmtp_event session_zmtp_parse(struct session_zmtp *z,
					   size_t *usedp, const uint8_t *p,
					   size_t len)
{
	enum session_zmtp_event ev = SESSION_ZMTP_IGNORED;
	size_t n;

	*usedp = 0;
	while (ev == SESSION_ZMTP_IGNORED) {
		switch (z->state) {
		case SESSION_ZMTP_IN_GREETING:
			if (!gather(z, SESSION_ZMTP_GREETING_LEN, usedp, p,
				    len)) {
				/* Do not wait for 64 bytes of something else.
				 */
				if (z->len > 0 && z->buf[0] != 0xff)
					return refuse(z, "no ZeroMQ there");
				return SESSION_ZMTP_MORE;
			}
			ev = parse_greeting(z);
			break;
		case SESSION_ZMTP_IN_HEADER:
			if (!gather(z, header_len(z), usedp, p, len))
				return SESSION_ZMTP_MORE;
			if (z->len < header_len(z))
				break;
			ev = parse_header(z);
			break;
		case SESSION_ZMTP_IN_COMMAND:
			if (!gather(z, z->want, usedp, p, len))
				return SESSION_ZMTP_MORE;
			ev = parse_command(z);
			break;
		case SESSION_ZMTP_IN_SKIPPED:
			n = len - *usedp;
			if (n > z->left)
				n = (size_t)z->left;
			*usedp += n;
			z->left -= n;
			if (z->left > 0)
				return SESSION_ZMTP_MORE;
			z->state = SESSION_ZMTP_IN_HEADER;
			break;
		}
	}
	return ev;
}

void session_zmtp_greeting(uint8_t out[SESSION_ZMTP_GREETING_LEN])
{
	memset(out, 0, SESSION_ZMTP_GREETING_LEN);
	out[0] = 0xff;
	out[8] = 1; /* what old versions take for a length */
	out[9] = 0x7f;
	out[10] = 3;
	out[11] = 1;
	memcpy(out + 12, "NULL", 4);
}

static void put_property(struct did_writer *w, const char *name,
			 const char *value)
{
	did_writer_u8(w, (uint8_t)strlen(name));
	did_writer_copy(w, name, strlen(name));
	did_writer_u32(w, (uint32_t)strlen(value));
	did_writer_copy(w, value, strlen(value));
}

/* Begin a command; end_command() fills in its length. */
static void begin_command(struct did_writer *w, uint8_t *out, const char *name)
{
	did_writer_init(w, out, SESSION_ZMTP_READY_MAX);
	did_writer_u8(w, FLAG_COMMAND);
	did_writer_u8(w, 0);
	did_writer_u8(w, (uint8_t)strlen(name));
	did_writer_copy(w, name, strlen(name));
}

static size_t end_command(const struct did_writer *w)
{
	w->buf[1] = (uint8_t)(w->len - 2);
	return w->len;
}

size_t session_zmtp_make_ready(uint8_t out[SESSION_ZMTP_READY_MAX],
			       enum session_zmtp_type type)
{
	struct did_writer w;

	begin_command(&w, out, "READY");
	put_property(&w, "Socket-Type",
		     type == SESSION_ZMTP_DEALER ? "DEALER" : "ROUTER");
	put_property(&w, "Identity", "");
	return end_command(&w);
}

size_t session_zmtp_make_header(uint8_t out[SESSION_ZMTP_HEADER_MAX],
				size_t len)
{
	struct did_writer w;

	did_writer_init(&w, out, SESSION_ZMTP_HEADER_MAX);
	if (len <= UINT8_MAX) {
		did_writer_u8(&w, 0);
		did_writer_u8(&w, (uint8_t)len);
	} else {
		did_writer_u8(&w, FLAG_LONG);
		did_writer_u64(&w, len);
	}
	return w.len;
}

size_t session_zmtp_make_ping(uint8_t out[SESSION_ZMTP_READY_MAX])
{
	struct did_writer w;

	begin_command(&w, out, "PING");
	did_writer_u16(&w, 0); /* no promise about our own silence */
	return end_command(&w);
}

size_t session_zmtp_make_pong(uint8_t out[SESSION_ZMTP_READY_MAX],
			      const struct session_zmtp *z)
{
	struct did_writer w;

	begin_command(&w, out, "PONG");
	did_writer_copy(&w, z->context, z->context_len);
	return end_command(&w);
}
