/*
 * What the parts of growth share; failures end the program.
 */
#ifndef TESTS_FAULTS_GROWTH_H
#define TESTS_FAULTS_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/session.h>

#include "tests/faults/roster.h"

enum {
	GROWTH_ROWS_MAX = 16,
	GROWTH_TIMEOUT_MS = 120 * 1000,
};

struct growth_options {
	size_t mesh[GROWTH_ROWS_MAX], n_mesh;
	size_t join[GROWTH_ROWS_MAX], n_join;
	enum parley_carrier carrier;
	int idle_ms;
	bool json, check;
};

void growth_die(const char *what) __attribute__((noreturn));

/* growth_begin(r, i, o): begin the session of party ${i}. */
struct parley_session *growth_begin(const struct roster *r, size_t i,
				    const struct growth_options *o);

/* growth_joins(o): print the table; is all within the limits? */
bool growth_joins(const struct growth_options *o);

#endif /* !TESTS_FAULTS_GROWTH_H */
