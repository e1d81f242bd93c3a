/*
 * For the tests of handshakes: parties, runs of a handshake step by step, and a
 * party that lies.
 *
 * Lies are told by one that holds the agreement and knows the ephemeral key of
 * its own side (`struct inside`): it opens what was sealed for it and seals
 * what it likes.
 */
#ifndef TESTS_HANDSHAKE_H
#define TESTS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/aead.h"
#include "session/handshake.h"
#include "tests/test-session-vector.h"

enum { NOW = 1767225600 };

extern const uint8_t patterns[3];

enum { ALICE, BOB, CAROL, DAVE, N_IDS };

extern struct parley_identity *ids[N_IDS];

const char *did_of(int who);

/* Alice, Bob and Carol; ${change} is the text of a member to add or change. */
struct parley_agreement *make_agreement(const char *id, const char *change);

#define ID_A "AAAAAAAAAAAAAAAAAAAAAA"
#define ID_B "BBBBBBBBBBBBBBBBBBBBBA"

extern struct parley_agreement *agreement;

int setup(void **state);

int teardown(void **state);

/* One end. */
struct side {
	struct session_gate gate;
	struct session_handshake_self self;
	struct session_handshake_random random;
	struct session_handshake *h;
};

/* Both ends, and what they say. */
struct run {
	struct side i, r;
	size_t dialled;
	uint8_t propose[SESSION_PROPOSE_LEN_MAX];
	size_t propose_len;
	uint8_t *accept, *confirm;
	size_t accept_len, confirm_len;
};

void side_init(struct side *s, const struct parley_agreement *a,
	       const struct parley_identity *id, uint8_t random);

/* As if nothing had happened, with the same randomness. */
void side_again(struct side *s);

void side_free(struct side *s);

/* Alice dials Bob; ${random} makes the run another one. */
void run_init(struct run *run, uint8_t random);

void run_free(struct run *run);

void run_propose(struct run *run);

/* Bob gets ${msg}; what he says replaces run->accept. */
int run_accept_of(struct run *run, const uint8_t *msg, size_t len);

void run_accept(struct run *run);

int run_confirm_of(struct run *run, const uint8_t *msg, size_t len);

void run_confirm(struct run *run);

int run_finish_of(struct run *run, const uint8_t *msg, size_t len);

/* Both results of a run in which everything went well. */
void run_results(struct run *run, struct session_handshake_result *i,
		 struct session_handshake_result *r);

void run_all(struct run *run, struct session_handshake_result *i,
	     struct session_handshake_result *r);

/* Alice proposes again, with the same randomness as before. */
void again_i(struct run *run);

/* Bob accepts again, with the same randomness as before. */
void again_r(struct run *run);

/* Alice refuses ${msg} with ${expected}, and says and keeps nothing. */
void assert_i_refuses(struct run *run, const uint8_t *msg, size_t len,
		      int expected, const char *what);

/* The same for Bob and a confirm. */
void assert_r_refuses(struct run *run, const uint8_t *msg, size_t len,
		      int expected, const char *what);

/* Bob refuses a propose: no word, no handshake; a tag only if ${tags}. */
void assert_propose_refused(struct run *run, const uint8_t *msg, size_t len,
			    int expected, size_t tags, const char *what);

/* A holder of the agreement renews the gate of a changed propose. */
void regate(struct run *run, uint8_t *msg, size_t len);

struct inside {
	struct session_transcript t;
	struct session_handshake_keys k;
	uint8_t suite;
};

/* At T2, by the secret ${ephemeral} and the other's public key. */
void inside_init(struct inside *in, const struct run *run,
		 const uint8_t *ephemeral, const uint8_t *theirs,
		 const uint8_t *accept);

/* The envelope in ${msg}, NUL-terminated; the transcript goes on. */
char *inside_open(struct inside *in, const uint8_t *msg, size_t len,
		  size_t clear_len, enum session_role sender);

/* ${clear} with ${envelope} sealed behind it; ${flip} spoils finished. */
uint8_t *inside_seal(struct inside *in, size_t *lenp, const uint8_t *clear,
		     size_t clear_len, enum session_role sender,
		     const char *envelope, uint8_t flip);

/*
 * The message of ${envelope} with the member ${path} ("body.index") replaced
 * by the JSON ${value} (removed if NULL), signed by ${who}, who also becomes
 * its `from`.
 */
char *resigned(const char *envelope, int who, const char *path,
	       const char *value);

/* ${msg} with its envelope resigned() and sealed again; ${flip} as above. */
uint8_t *inside_lie(struct inside *in, size_t *lenp, const uint8_t *msg,
		    size_t len, size_t clear_len, enum session_role sender,
		    int who, const char *path, const char *value, uint8_t flip);

/* At T5 of a run that has come to the confirm. */
void inside_at_t5(struct inside *in, const struct run *run);

#define LONG_B64 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"" /* 32 */
#define ACCEPT	 "\"urn:parley:session/1.0/accept\""
#define CONFIRM	 "\"urn:parley:session/1.0/confirm\""

void try_confirm(struct run *run, int who, const char *path, const char *value,
		 uint8_t flip, int expected);

#endif /* !TESTS_HANDSHAKE_H */
