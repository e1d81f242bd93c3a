/*
 * Two channels over a simulated carrier that drops, repeats, reorders and
 * corrupts, on a clock of its own (PROTOCOL 5.6, 6.3).
 */
#ifndef TESTS_FAULTS_SIM_H
#define TESTS_FAULTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Probabilities are per million, of each frame (cut: of each ms). */
struct sim_options {
	uint64_t seed;
	uint64_t n_messages; /* from end 0 */
	uint64_t n_back;     /* from end 1 */
	unsigned drop, repeat, reorder, corrupt;
	unsigned cut;	 /* breaks the connection; it is resumed */
	unsigned small;	 /* of 1000 messages are below 64 bytes */
	size_t size_max; /* of the others */
	size_t window;
	size_t record_max;
	unsigned per_record; /* flush after so many at most; 0: when full */
	unsigned pause;	     /* of each ms: a program stops for a while */
	unsigned rate;	     /* bytes in a ms each way; 0: any */
	unsigned delay;	     /* ms more each way, to the end */
	unsigned every;	     /* ms from one message to the next; 0: bursts */
	int64_t limit_ms;    /* of the simulated clock */
};

struct sim_result {
	int64_t ms; /* on the simulated clock */
	uint64_t records, resent, dropped, ratchets, cuts, overtaken;
	uint64_t frames;   /* that the carrier was given */
	uint64_t carried;  /* bytes of them, to end 1 */
	uint64_t put;	   /* bytes of messages, at end 0 */
	size_t kept_max;   /* records */
	size_t queued_max; /* bytes sent that the other program has not taken */
	char why[200];
};

/* sim_options_init(o): 1 % of each fault, no cuts. */
void sim_options_init(struct sim_options *o);

/*
 * sim_run(r, o):
 * Exchange, then let the carrier behave, and wait until both ends are silent.
 * Returns whether every message came once, in order and whole, and the
 * channels fell silent; ${r->why} says what was wrong.
 */
bool sim_run(struct sim_result *r, const struct sim_options *o);

#endif /* !TESTS_FAULTS_SIM_H */
