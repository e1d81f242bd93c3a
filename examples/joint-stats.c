/*
 * joint-stats: figures over everybody's rows, from nobody's sums.
 *
 * Each of n parties has a CSV file with the same column.  Together they learn
 * how many rows there are in all, the sum of the column and the sum of its
 * squares, and from these the mean, the variance and the standard deviation.
 * Not even a party's own count is shown to another.
 *
 * The protocol is Shamir's secret sharing, with the threshold t of the
 * agreement, over the integers modulo the prime p = 2^127 - 1 (field.h):
 *
 *   1  sums     Each party i computes three secrets of its own rows: count,
 *               sum, sum of squares, as integers in units of 10^-decimals.
 *   2  share    For each secret it draws a polynomial f_i of degree t with
 *               f_i(0) = secret and sends f_i(j + 1) to party j.
 *   3  add      Party j adds what it got: F(j + 1) = f_0(j + 1) + f_1(j + 1) +
 *               ...  Polynomials add like their values, so F(0) is the total.
 *   4  open     Each party sends its F(j + 1) to all.  Any t + 1 of them fix F,
 *               and all read the total, F(0).
 *
 * What holds.  t parties together hold t points of each f_i, which are uniform
 * whatever the secret is: they learn nothing but the three totals and what
 * follows from these and their own rows.  (If all but one put their heads
 * together, the total minus their own gives the last one's sums.  No protocol
 * that shows the total can help that; with two parties it is always so.)
 *
 * What does not hold.  This is security against parties who follow the program
 * and are curious (passive).  A party that cheats can falsify the result: by
 * other rows, which no protocol notices, or by a false point in step 4.  Where
 * more than t + 1 points are there, the others are checked against them, which
 * notices a party that errs, but not every party that lies.
 *
 * Nothing wraps.  A party whose sums are over (p - 1) / 2n in size refuses to
 * start; so each total is below p / 2 and can be told from a negative one.
 * Who is who, that all follow the same agreement, and that nobody else reads
 * along is the session's part (parley/session.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include <parley/session.h>

#include "examples/field.h"
#include "examples/figures.h"
#include "examples/options.h"
#include "examples/report.h"
#include "examples/rows.h"

enum secret { COUNT, SUM, SQUARES, N_SECRETS };

enum {
	POINTS_LEN = N_SECRETS * FIELD_LEN, /* bytes of every message */
	TICK_MS = 1000, /* a wait is never longer than this at a time */
	LATE_MS = 2500, /* after this, say who is waited for */
};

_Static_assert((int)FIELD_POINTS_MAX >= (int)PARLEY_AGREEMENT_PARTIES_MAX,
	       "every party gets a point");

struct run {
	struct parley_agreement *agreement;
	struct parley_identity *identity;
	struct parley_session *session;
	size_t n;    /* parties */
	size_t t;    /* any t of them learn nothing */
	size_t self; /* index of this one */
	const char *column;
	unsigned decimals;
	int64_t end_ms;
	struct figures_sums sums; /* first one's own, then everybody's */
	struct figures figures;
};

/* Set by SIGINT and SIGTERM; all else happens outside the handler. */
static volatile sig_atomic_t interrupted;

/* A signal ends a wait, but one that comes just before it would not: so it
 * comes again, as SIGALRM, every second until this process is gone. */
static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
	alarm(1);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("joint-stats: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* What was agreed, and who of the parties this is. */
static int load_agreement(struct run *run, const struct options *o)
{
	const struct parley_agreement *a;
	const char *decimals;
	char *why = NULL;
	int r;

	r = parley_session_agreement_load(&run->agreement, &why, o->agreement);
	if (r != 0) {
		say("error: agreement '%s': %s", o->agreement,
		    why != NULL ? why : parley_did_err_string(r));
		free(why);
		return EXIT_FAILED;
	}
	a = run->agreement;
	run->n = parley_session_agreement_n_parties(a);
	run->t = parley_session_agreement_threshold(a);
	run->column = parley_session_agreement_parameter(a, "column");
	decimals = parley_session_agreement_parameter(a, "decimals");
	if (strcmp(parley_session_agreement_program(a), "joint-stats") != 0 ||
	    run->column == NULL || decimals == NULL || strlen(decimals) != 1 ||
	    *decimals < '0' || *decimals > '0' + FIGURES_DECIMALS_MAX) {
		say("error: agreement '%s' is not for joint-stats with a "
		    "column and decimals from 0 to 9",
		    o->agreement);
		return EXIT_FAILED;
	}
	run->decimals = (unsigned)(*decimals - '0');
	if (run->t == 0)
		say("warning: threshold 0: every party sees every sum");

	r = parley_did_identity_load(&run->identity, o->identity, NULL, 0);
	if (r != 0) {
		say("error: identity '%s': %s", o->identity,
		    r == PARLEY_ERR_SYSTEM ? strerror(errno)
					   : parley_did_err_string(r));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

/* Step 1: sums.  Before the session, so that a wrong file disturbs nobody. */
static int load_rows(struct run *run, const struct options *o)
{
	const struct rows_options rows = {
	    .column = run->column,
	    .decimals = run->decimals,
	    .limit = FIELD_HALF / (i128)run->n,
	    .skip_missing = o->skip_missing,
	};
	char error[ROWS_ERROR_SIZE];
	unsigned long n_skipped;

	if (rows_sum(&run->sums, &n_skipped, error, o->csv, &rows) != 0) {
		say("error: '%s': %s", o->csv, error);
		return EXIT_FAILED;
	}
	if (n_skipped != 0)
		say("%lu rows have no value and are left out", n_skipped);
	return EXIT_DONE;
}

static int show_progress(void *context, const struct parley_progress *p)
{
	(void)context;
	if (p->party >= 0 && p->state == PARLEY_PARTY_READY)
		say("party %d '%s' is ready: %s", p->party, p->name, p->did);
	else if (p->party >= 0 && p->waited_ms >= LATE_MS)
		say("party %d '%s' is %s for %d s: %s", p->party, p->name,
		    parley_session_party_state_name(p->state),
		    (int)(p->waited_ms / 1000),
		    p->detail != NULL	  ? p->detail
		    : p->endpoint != NULL ? p->endpoint
					  : "it dials this party");
	return interrupted;
}

/* Say why a call on the session gave ${err}, and return the exit status. */
static int session_failed(const struct run *run, int err)
{
	const char *text;

	if (interrupted) {
		say("interrupted");
		return EXIT_INTERRUPT;
	}
	text = run->session == NULL ? "" : parley_session_error(run->session);
	say("error: %s", *text != '\0' ? text : parley_did_err_string(err));
	err = parley_did_err_class(err);
	return err == PARLEY_ERR_CLASS_PEER ? EXIT_PARTY : EXIT_FAILED;
}

static int party_failed(const struct run *run, size_t party, const char *what)
{
	say("error: party %zu '%s' (%s) %s", party,
	    parley_session_agreement_party_name(run->agreement, party),
	    parley_session_agreement_party_did(run->agreement, party), what);
	return EXIT_PARTY;
}

static int open_session(struct run *run, const struct options *o)
{
	struct parley_session_options so;
	int r;

	parley_session_options_init(&so);
	so.open_timeout_ms = o->timeout_ms;
	so.send_timeout_ms = o->timeout_ms;
	so.recv_timeout_ms = TICK_MS;
	so.on_progress = show_progress;
	r = parley_session_open(&run->session, run->agreement, run->identity,
				&so);
	if (r != 0)
		return session_failed(run, r);
	run->self = (size_t)parley_session_self(run->session);
	return EXIT_DONE;
}

/* Send a point of each polynomial to party ${to}. */
static int send_points(struct run *run, size_t to, const u128 points[N_SECRETS])
{
	uint8_t msg[POINTS_LEN];
	int k, r;

	for (k = 0; k < N_SECRETS; k++)
		field_encode(msg + k * FIELD_LEN, points[k]);
	r = parley_session_send(run->session, (int)to, msg, sizeof(msg));
	sodium_memzero(msg, sizeof(msg));
	return r == 0 ? EXIT_DONE : session_failed(run, r);
}

/* Receive the next points of party ${from}; say so if that takes long. */
static int recv_points(struct run *run, size_t from, u128 points[N_SECRETS])
{
	const int64_t start_ms = now_ms();
	const void *msg;
	size_t len;
	int k, r;

	do {
		r = parley_session_recv(run->session, (int)from, NULL, &msg,
					&len);
		if (r == PARLEY_ERR_AGAIN && now_ms() >= run->end_ms)
			return party_failed(run, from, "sent nothing in time");
		if (r == PARLEY_ERR_AGAIN && now_ms() - start_ms >= LATE_MS)
			say("waiting for party %zu", from);
	} while ((r == PARLEY_ERR_AGAIN || r == PARLEY_ERR_INTERRUPTED) &&
		 !interrupted);
	if (r != 0)
		return session_failed(run, r);
	if (len != POINTS_LEN)
		return party_failed(run, from, "sent a wrong length");
	for (k = 0; k < N_SECRETS; k++)
		if (!field_decode(&points[k],
				  (const uint8_t *)msg + k * FIELD_LEN))
			return party_failed(run, from, "sent a wrong number");
	return EXIT_DONE;
}

/* Step 2, share: point j + 1 of each polynomial goes to party j. */
static int share(struct run *run, u128 mine[N_SECRETS])
{
	u128 points[N_SECRETS][FIELD_POINTS_MAX], out[N_SECRETS];
	const size_t n = run->n, t = run->t;
	size_t j;
	int k, status = EXIT_DONE;

	field_share(points[COUNT], n, t, field_from_int(run->sums.count));
	field_share(points[SUM], n, t, field_from_int(run->sums.sum));
	field_share(points[SQUARES], n, t, field_from_int(run->sums.squares));
	sodium_memzero(&run->sums, sizeof(run->sums));

	for (j = 0; j < n && status == EXIT_DONE; j++) {
		for (k = 0; k < N_SECRETS; k++)
			out[k] = points[k][j];
		if (j != run->self)
			status = send_points(run, j, out);
		else
			memcpy(mine, out, sizeof(out));
	}
	sodium_memzero(points, sizeof(points));
	sodium_memzero(out, sizeof(out));
	return status;
}

/* Step 3, add: the sum of the points is the point of the sum. */
static int add(struct run *run, u128 mine[N_SECRETS])
{
	u128 got[N_SECRETS];
	size_t j;
	int k, status = EXIT_DONE;

	for (j = 0; j < run->n && status == EXIT_DONE; j++) {
		if (j == run->self)
			continue;
		status = recv_points(run, j, got);
		for (k = 0; k < N_SECRETS && status == EXIT_DONE; k++)
			mine[k] = field_add(mine[k], got[k]);
	}
	sodium_memzero(got, sizeof(got));
	return status;
}

/* Step 4, open: all show the point of the sum, and read the totals. */
static int open_totals(struct run *run, const u128 mine[N_SECRETS])
{
	u128 points[N_SECRETS][FIELD_POINTS_MAX], got[N_SECRETS];
	size_t j;
	int k, status;

	for (j = 0; j < run->n; j++)
		if (j != run->self &&
		    (status = send_points(run, j, mine)) != EXIT_DONE)
			return status;
	for (j = 0; j < run->n; j++) {
		if (j == run->self)
			memcpy(got, mine, sizeof(got));
		else if ((status = recv_points(run, j, got)) != EXIT_DONE)
			return status;
		for (k = 0; k < N_SECRETS; k++)
			points[k][j] = got[k];
	}
	for (k = 0; k < N_SECRETS; k++)
		if (!field_open(&got[k], points[k], run->n, run->t)) {
			say("error: some party opened a false point");
			return EXIT_PARTY;
		}
	run->sums.count = field_to_int(got[COUNT]);
	run->sums.sum = field_to_int(got[SUM]);
	run->sums.squares = field_to_int(got[SQUARES]);
	if (!figures_compute(&run->figures, &run->sums, run->decimals)) {
		say("error: no rows can have these totals; someone cheats");
		return EXIT_PARTY;
	}
	return EXIT_DONE;
}

/* The whole of it: open the session, steps 2 to 4, result, goodbye. */
static int compute(struct run *run, const struct options *o)
{
	u128 mine[N_SECRETS] = {0};
	int status;

	if ((status = open_session(run, o)) != EXIT_DONE ||
	    (status = share(run, mine)) != EXIT_DONE ||
	    (status = add(run, mine)) != EXIT_DONE ||
	    (status = open_totals(run, mine)) != EXIT_DONE) {
		if (run->session != NULL)
			parley_session_abort(run->session, "no result");
		goto out;
	}
	if (report_print(&run->figures, run->column, run->session,
			 run->agreement, o->json) != 0) {
		say("error: cannot write the result: %s", strerror(errno));
		status = EXIT_FAILED;
	}
	if (parley_session_close(run->session) != 0)
		say("warning: %s", parley_session_error(run->session));
out:
	sodium_memzero(mine, sizeof(mine));
	return status;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct options o;
	struct run run = {0};
	int status;

	if (!options_parse(&o, argc, argv) || o.help) {
		fputs(options_usage, o.help ? stdout : stderr);
		return o.help ? EXIT_DONE : EXIT_USAGE;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	if (sodium_init() < 0)
		return EXIT_FAILED;
	run.end_ms = now_ms() + o.timeout_ms;

	if ((status = load_agreement(&run, &o)) == EXIT_DONE &&
	    (status = load_rows(&run, &o)) == EXIT_DONE)
		status = compute(&run, &o);

	parley_session_free(run.session);
	parley_did_identity_free(run.identity);
	parley_session_agreement_free(run.agreement);
	sodium_memzero(&run, sizeof(run));
	return status;
}
