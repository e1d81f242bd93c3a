/*
 * ZMTP 3.1 (ZeroMQ RFC 37), mechanism NULL: how bytes of a TCP connection
 * become messages.  Pure: no socket, no clock.
 *
 * The parser walks through greeting, READY command and frames, and tells its
 * caller where the next bytes are to go, so that a large frame is read
 * straight into its memory.  Everything a stranger can send passes here.
 */
#ifndef SESSION_ZMTP_H
#define SESSION_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SESSION_ZMTP_GREETING_LEN = 64,
	SESSION_ZMTP_HEADER_MAX = 9,
	/* Commands: READY with metadata, PING, ERROR.  Longer ones, which no
	 * peer of ours sends, end the connection. */
	SESSION_ZMTP_COMMAND_MAX = 512,
	SESSION_ZMTP_PING_CONTEXT_MAX = 16,
	SESSION_ZMTP_READY_MAX = 64,
};

/* Which socket type we claim; the peer must have one that fits. */
enum session_zmtp_type {
	SESSION_ZMTP_DEALER, /* dials */
	SESSION_ZMTP_ROUTER, /* listens */
};

/* What session_zmtp_parse() found. */
enum session_zmtp_event {
	SESSION_ZMTP_MORE,    /* needs more bytes */
	SESSION_ZMTP_READY,   /* the peer's READY came: messages may flow */
	SESSION_ZMTP_FRAME,   /* a message of frame_len bytes begins */
	SESSION_ZMTP_PING,    /* answer with context */
	SESSION_ZMTP_IGNORED, /* something that needs nothing */
	SESSION_ZMTP_REFUSED, /* not acceptable: see reason */
};

struct session_zmtp {
	enum session_zmtp_type type;
	enum {
		SESSION_ZMTP_IN_GREETING,
		SESSION_ZMTP_IN_HEADER,
		SESSION_ZMTP_IN_COMMAND,
		SESSION_ZMTP_IN_SKIPPED, /* bytes of a message not taken */
	} state;
	bool ready;	  /* their READY came */
	bool pings;	  /* they know PING: version 3.1 */
	bool skipping;	  /* inside a message of several frames */
	size_t frame_max; /* larger messages are refused */
	uint64_t left;	  /* of a skipped frame */
	size_t len;	  /* bytes in buf */
	size_t want;	  /* of a command */
	uint8_t buf[SESSION_ZMTP_COMMAND_MAX];
	/* Outputs. */
	size_t frame_len;
	size_t context_len;
	uint8_t context[SESSION_ZMTP_PING_CONTEXT_MAX];
	const char *reason;
};

/* session_zmtp_init(z, type, frame_max): a new connection. */
void session_zmtp_init(struct session_zmtp *z, enum session_zmtp_type type,
		       size_t frame_max);

/*
 * session_zmtp_parse(z, usedp, p, len):
 * Consume bytes up to the next event; ${*usedp} says how many.  After FRAME
 * the caller takes frame_len bytes itself, from ${p} + ${*usedp} on, before
 * it calls again.  After REFUSED the connection is to be closed.
 */
enum session_zmtp_event session_zmtp_parse(struct session_zmtp *z,
					   size_t *usedp, const uint8_t *p,
					   size_t len);

/* session_zmtp_greeting(out): the 64 bytes that each side sends first. */
void session_zmtp_greeting(uint8_t out[SESSION_ZMTP_GREETING_LEN]);

/* session_zmtp_make_ready(out, type): our READY; returns its length. */
size_t session_zmtp_make_ready(uint8_t out[SESSION_ZMTP_READY_MAX],
			       enum session_zmtp_type type);

/* session_zmtp_make_header(out, len): of a message; returns 2 or 9. */
size_t session_zmtp_make_header(uint8_t out[SESSION_ZMTP_HEADER_MAX],
				size_t len);

/* session_zmtp_make_ping(out): a PING without context; returns its length. */
size_t session_zmtp_make_ping(uint8_t out[SESSION_ZMTP_READY_MAX]);

/* session_zmtp_make_pong(out, z): the answer to the PING just parsed. */
size_t session_zmtp_make_pong(uint8_t out[SESSION_ZMTP_READY_MAX],
			      const struct session_zmtp *z);

#endif /* !SESSION_ZMTP_H */
