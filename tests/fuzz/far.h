/*
 * A session of Bob's for fuzz targets, and Alice, who is far away: its network
 * is in memory, its clock stands still until it is told, its randomness is the
 * same in each run.  Targets that use this are linked with the functions below
 * in front of the library's (--wrap).
 *
 * Who talks to Bob is a slot: a connection that somebody made to him, or that
 * he dialled.  Alice knows all keys, so that what is inside of records is the
 * fuzzer's.
 */
#ifndef TESTS_FUZZ_FAR_H
#define TESTS_FUZZ_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/handshake.h"
#include "session/record.h"
#include "session/resume.h"

enum {
	FUZZ_FAR_SLOTS = 6,
	FUZZ_FAR_SESSIONS = 2,
	FUZZ_FAR_INPUT_MAX = 1 << 14,
};

/* How Bob's session is made. */
enum fuzz_far_way {
	FUZZ_FAR_FIRST = 1, /* he has the lower index, so he dials */
	FUZZ_FAR_HUB = 2,   /* with one for another agreement, at one port */
};

/* Alice's side of one connection. */
struct fuzz_far_slot {
	struct session_conn *conn; /* NULL: none */
	bool up;		   /* a dialled one that was reported so */
	uint8_t *sent;		   /* what Bob sent last; NULL: nothing yet */
	size_t sent_len;
	struct session_handshake *h;
	uint8_t *confirm; /* to be delivered */
	size_t confirm_len;
	bool current; /* it carries the channel of below */
	struct session_resume_attempt attempt;
};

struct fuzz_far {
	struct parley_session *s[FUZZ_FAR_SESSIONS]; /* the first is Alice's */
	struct parley_session_hub *hub;
	struct fuzz_far_slot slot[FUZZ_FAR_SLOTS];
	size_t alice, bob; /* indices */

	/* Alice. */
	struct session_gate gate;
	struct session_handshake_self self;
	uint8_t drawn; /* randomness so far */

	/* The channel of the handshake that was completed last. */
	bool known; /* there is one */
	enum session_role role;
	struct session_handshake_result result;
	struct session_record seal;
	struct session_resume resume;
	uint64_t next; /* record of Bob's that Alice expects */
	/* A record of his; NULL: nobody wants to know. */
	void (*on_record)(struct fuzz_far *f, const uint8_t *p, size_t len);
	void *context;
};

/* fuzz_far_init(f, way, o): Bob begins; ${o} may be NULL. */
void fuzz_far_init(struct fuzz_far *f, unsigned way,
		   const struct parley_session_options *o);
void fuzz_far_free(struct fuzz_far *f);

/* fuzz_far_options(o): small limits, and nothing waits. */
void fuzz_far_options(struct parley_session_options *o);

/* fuzz_far_process(f): Bob does what there is to do. */
void fuzz_far_process(struct fuzz_far *f);

/* fuzz_far_wait(ms): time passes. */
void fuzz_far_wait(unsigned ms);

/*
 * fuzz_far_deliver(f, i, p, len):
 * Bob gets a frame on slot ${i}, which becomes a new connection if there is
 * none.  What a stranger sends who does not pass the gate must have no answer.
 */
void fuzz_far_deliver(struct fuzz_far *f, size_t i, const uint8_t *p,
		      size_t len);

/* A connection that Bob dialled is there; one ends. */
void fuzz_far_up(struct fuzz_far *f, size_t i);
void fuzz_far_down(struct fuzz_far *f, size_t i);

/*
 * Steps of Alice, each of which does nothing where it makes no sense.  ${flip}:
 * which byte of the message is changed, and how; 0 for none.
 */
void fuzz_far_propose(struct fuzz_far *f, size_t i, uint16_t flip);
void fuzz_far_confirm(struct fuzz_far *f, size_t i, uint16_t flip);
void fuzz_far_accept(struct fuzz_far *f, size_t i, uint16_t flip);
void fuzz_far_resume(struct fuzz_far *f, size_t i, uint16_t flip);
void fuzz_far_answer(struct fuzz_far *f, size_t i, uint16_t flip);
void fuzz_far_challenge(struct fuzz_far *f, size_t i, uint16_t flip);

/* fuzz_far_items(f, i, p, len): a record with these items inside. */
void fuzz_far_items(struct fuzz_far *f, size_t i, const uint8_t *p, size_t len);

/* The READY that Bob waits for, and an ACK of all that he sent. */
void fuzz_far_ready(struct fuzz_far *f, size_t i);
void fuzz_far_ack(struct fuzz_far *f, size_t i, uint16_t more);

/* fuzz_far_barrier(f, hash): what is in that READY. */
void fuzz_far_barrier(const struct fuzz_far *f, uint8_t hash[SESSION_HASH_LEN]);

/* fuzz_far_later(f): Alice is a later process from now on. */
void fuzz_far_later(struct fuzz_far *f);

/* One step: ${arg} and ${n} are its numbers.  Has it used the bytes? */
typedef bool fuzz_far_step(void *context, unsigned what, uint8_t arg,
			   uint16_t n, const uint8_t *p, size_t len);

/*
 * fuzz_far_steps(step, context, n_whats, data, size):
 * What a fuzzer's input says: what, arg, n (2 bytes), and up to n bytes, which
 * are the next step's if this one has not used them.
 */
void fuzz_far_steps(fuzz_far_step *step, void *context, unsigned n_whats,
		    const uint8_t *data, size_t size);

#endif /* !TESTS_FUZZ_FAR_H */
