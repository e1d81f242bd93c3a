/*
 * examples/joint-stats.c and hello.c as they are used: one process for each
 * party, each with its own identity, over sockets of the loopback interface.
 * What is right is said by examples/clear-stats.py.
 *
 * In the environment: JOINT_STATS, JOINT_STATS_SIGNALLED (the same, with a
 * signal before it closes its session), HELLO, CLEAR_STATS, PYTHON (programs).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/session.h>

enum {
	N_MAX = 5,
	N_ARGS_MAX = 24,
	PATH_SIZE = 256,
	TEXT_SIZE = 65536,
};

/* What is set before run_parties(), and what it leaves. */
struct job {
	int n;
	int threshold;
	const char *column;
	int decimals;
	const char *timeout;
	bool skip_missing;
	const char *csv[N_MAX];

	int status[N_MAX]; /* exit status; 128 + signal if killed */
	char out[N_MAX][TEXT_SIZE];
	char err[N_MAX][TEXT_SIZE];
};

static struct job job;
static char dir[] = "/tmp/test-joint-stats-XXXXXX";
static char did[N_MAX][PARLEY_DID_SIZE];

/* The path of a file in the temporary directory; the buffers rotate. */
static const char *path_of(const char *kind, int i)
{
	static char path[8][PATH_SIZE];
	static int next;

	next = (next + 1) % 8;
	snprintf(path[next], PATH_SIZE, "%s/%d.%s", dir, i, kind);
	return path[next];
}

static const char *program(const char *variable)
{
	const char *path = getenv(variable);

	assert_non_null(path);
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void read_file(char text[TEXT_SIZE], const char *path)
{
	FILE *f = fopen(path, "r");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, TEXT_SIZE - 1, f);
	text[len] = '\0';
	fclose(f);
}

/* Begin a job of ${n} parties with the files of ${csv}. */
static void begin(int n, int threshold, int decimals, const char *const *csv)
{
	int i;

	memset(&job, 0, sizeof(job));
	job.n = n;
	job.threshold = threshold;
	job.column = "x";
	job.decimals = decimals;
	job.timeout = "30";
	for (i = 0; i < n; i++)
		job.csv[i] = csv[i];
}

/* Ports that were free a moment ago. */
static void free_ports(int *port, int n)
{
	struct sockaddr_in a;
	socklen_t len;
	int fd[N_MAX], i;

	for (i = 0; i < n; i++) {
		a = (struct sockaddr_in){.sin_family = AF_INET,
					 .sin_addr.s_addr =
					     htonl(INADDR_LOOPBACK)};
		len = sizeof(a);
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_not_equal(fd[i], -1);
		assert_int_equal(bind(fd[i], (struct sockaddr *)&a, len), 0);
		assert_int_equal(
		    getsockname(fd[i], (struct sockaddr *)&a, &len), 0);
		port[i] = ntohs(a.sin_port);
	}
	for (i = 0; i < n; i++)
		close(fd[i]);
}

/* Write the agreement and the CSV file of each party. */
static void write_files(void)
{
	static unsigned n_jobs;
	char text[4096];
	int port[N_MAX], i, len;

	free_ports(port, job.n);
	len = snprintf(
	    text, sizeof(text),
	    "{\"parley\": \"agreement/1\", "
	    "\"id\": \"AAAAAAAAAAAA%08uAA\", \"name\": \"test\", "
	    "\"created\": %lld, \"program\": {\"name\": \"joint-stats\"}, "
	    "\"threshold\": %d, \"parameters\": {\"column\": \"%s\", "
	    "\"decimals\": %d}, \"parties\": [",
	    n_jobs++ * 4 % 100000000, (long long)time(NULL), job.threshold,
	    job.column, job.decimals);
	for (i = 0; i < job.n; i++)
		len += snprintf(
		    text + len, sizeof(text) - (size_t)len,
		    "%s{\"did\": \"%s\", \"name\": \"p%d\", \"endpoints\": "
		    "[\"tcp://127.0.0.1:%d\"]}",
		    i == 0 ? "" : ", ", did[i], i, port[i]);
	snprintf(text + len, sizeof(text) - (size_t)len, "]}\n");
	for (i = 0; i < job.n; i++) {
		write_file(path_of("agreement", i), text);
		if (job.csv[i] != NULL)
			write_file(path_of("csv", i), job.csv[i]);
	}
}

/* Start a program with its output in files. */
static pid_t start(const char *const *args, int i)
{
	char *argv[N_ARGS_MAX];
	pid_t pid;
	int k;

	for (k = 0; args[k] != NULL; k++) {
		assert_true(k < N_ARGS_MAX - 1);
		argv[k] = strdup(args[k]);
		assert_non_null(argv[k]);
	}
	argv[k] = NULL;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (freopen(path_of("out", i), "w", stdout) != NULL &&
		    freopen(path_of("err", i), "w", stderr) != NULL)
			execv(argv[0], argv);
		_exit(127);
	}
	while (k > 0)
		free(argv[--k]);
	return pid;
}

static void finish(pid_t pid, int i)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	job.status[i] =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	read_file(job.out[i], path_of("out", i));
	read_file(job.err[i], path_of("err", i));
}

/* Start the party that ${variable} says. */
static pid_t start_program(const char *variable, int i)
{
	const char *const args[] = {program(variable),
				    "--agreement",
				    path_of("agreement", i),
				    "--identity",
				    path_of("identity", i),
				    "--csv",
				    path_of("csv", i),
				    "--json",
				    "--timeout",
				    job.timeout,
				    job.skip_missing ? "--skip-missing" : NULL,
				    NULL};

	return start(args, i);
}

static pid_t start_party(int i)
{
	return start_program("JOINT_STATS", i);
}

/* Run all parties whose csv is not NULL. */
static void run_parties(void)
{
	pid_t pid[N_MAX];
	int i;

	for (i = 0; i < job.n; i++)
		if (job.csv[i] != NULL)
			pid[i] = start_party(i);
	for (i = 0; i < job.n; i++)
		if (job.csv[i] != NULL)
			finish(pid[i], i);
}

/* One party alone, which must stop before it meets anybody. */
static void expect_refused(const char *csv, const char *text)
{
	const char *const one[] = {csv, NULL, NULL};

	begin(3, 1, 1, one);
	write_files();
	run_parties();
	assert_int_equal(job.status[0], 1);
	assert_string_equal(job.out[0], "");
	if (strstr(job.err[0], text) == NULL)
		fail_msg("'%s' is not in: %s", text, job.err[0]);
	assert_null(strstr(job.err[0], "ready"));
}

/* Every party has exactly the figures of clear-stats.py. */
static void expect_clear_figures(void)
{
	const char *args[N_ARGS_MAX] = {program("PYTHON"),
					program("CLEAR_STATS"), "--column",
					job.column, "--decimals"};
	static char text[TEXT_SIZE];
	char decimals[12], *line, *save, wanted[256];
	int i, k = 5, n_lines = 0;
	pid_t pid;

	snprintf(decimals, sizeof(decimals), "%d", job.decimals);
	args[k++] = decimals;
	if (job.skip_missing)
		args[k++] = "--skip-missing";
	for (i = 0; i < job.n; i++)
		args[k++] = path_of("csv", i);
	for (i = 0; i < job.n; i++)
		if (job.status[i] != 0 || strstr(job.err[i], "acknowledged"))
			fail_msg("party %d, status %d: %s", i, job.status[i],
				 job.err[i]);
	memcpy(text, job.out[0], sizeof(text));
	pid = start(args, 0);
	finish(pid, 0);
	assert_int_equal(job.status[0], 0);
	for (line = strtok_r(job.out[0], "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (*line != ' ')
			continue;
		line[strcspn(line, ",")] = '\0';
		snprintf(wanted, sizeof(wanted), "\n%s,\n", line);
		for (i = 0; i < job.n; i++)
			if (strstr(i == 0 ? text : job.out[i], wanted) == NULL)
				fail_msg("party %d has not %s", i, line);
		n_lines++;
	}
	assert_int_equal(n_lines, 8);
}

static const char *const mixed[N_MAX] = {
    "id,x\n1,12.5\n2,-7.25\n3,0\n", "x,y\r\n-100,a\r\n\"-0.01\",\"b,c\"\r\n",
    "x\n3\n3.3\n-3.33\n",	    "x\n",
    "a,b,x\n1,2,99999.99\n",
};

static void three_parties_get_the_clear_figures_at_every_threshold(void **state)
{
	int t;

	(void)state;
	for (t = 0; t < 3; t++) {
		begin(3, t, 2, mixed);
		write_files();
		run_parties();
		expect_clear_figures();
	}
}

static void five_parties_get_the_clear_figures_at_every_threshold(void **state)
{
	int t;

	(void)state;
	for (t = 0; t < 5; t++) {
		begin(5, t, 2, mixed);
		write_files();
		run_parties();
		expect_clear_figures();
	}
}

static void two_parties_get_the_clear_figures(void **state)
{
	(void)state;
	begin(2, 1, 9, mixed);
	write_files();
	run_parties();
	expect_clear_figures();
}

static void largest_values_do_not_wrap(void **state)
{
	/* The largest root of the limit of squares, (2^126 - 1) / 3. */
	static const char *const up[] = {"x\n5325116328314171700\n",
					 "x\n5325116328314171700\n",
					 "x\n5325116328314171700\n"};
	static const char *const mix[] = {"x\n-5325116328314171700\n",
					  "x\n-5325116328314171700\n",
					  "x\n5325116328314171700\n"};

	(void)state;
	begin(3, 1, 0, up);
	write_files();
	run_parties();
	expect_clear_figures();
	begin(3, 2, 0, mix);
	write_files();
	run_parties();
	expect_clear_figures();
}

static void sums_over_the_limit_are_refused(void **state)
{
	(void)state;
	expect_refused("x\n532511632831417170.1\n",
		       "line 2: 'x' makes the sums too large for the field");
	expect_refused("x\n-532511632831417170.0\n1000000000\n",
		       "line 3: 'x' makes the sums too large for the field");
}

static void wrong_rows_are_refused_before_anybody_is_met(void **state)
{
	(void)state;
	expect_refused("y\n1\n", "there is no column 'x'");
	expect_refused("x\n1.25\n",
		       "line 2: 'x' has more decimals than agreed");
	expect_refused("x,y\n1,1\n,2\n", "line 3: 'x' is empty");
	expect_refused("x\n1\ntwo\n", "line 3: 'x' is not a number");
}

static void rows_without_a_value_are_skipped_when_asked(void **state)
{
	static const char *const csv[] = {"x,y\n1,a\n,b\n", "x,y\n,a\n",
					  "x,y\n2,a\n4,b\n"};

	(void)state;
	begin(3, 1, 0, csv);
	job.skip_missing = true;
	write_files();
	run_parties();
	expect_clear_figures();
	assert_non_null(
	    strstr(job.err[1], "1 rows have no value and are left out"));
}

static void no_rows_at_all_have_no_mean(void **state)
{
	static const char *const csv[] = {"x\n", "x\n", "x\n"};

	(void)state;
	begin(3, 1, 1, csv);
	write_files();
	run_parties();
	expect_clear_figures();
	assert_non_null(strstr(job.out[1], "\"mean\": null"));
}

static void every_party_is_named_by_its_did(void **state)
{
	int i, k;

	(void)state;
	begin(3, 1, 2, mixed);
	write_files();
	run_parties();
	for (i = 0; i < 3; i++) {
		assert_int_equal(job.status[i], 0);
		for (k = 0; k < 3; k++) {
			assert_non_null(strstr(job.out[i], did[k]));
			if (k != i)
				assert_non_null(strstr(job.err[i], did[k]));
		}
	}
}

static void different_agreements_end_every_party_with_the_field(void **state)
{
	char text[TEXT_SIZE], *p;
	int i;

	(void)state;
	begin(3, 1, 2, mixed);
	write_files();
	read_file(text, path_of("agreement", 2));
	p = strstr(text, "\"decimals\": 2");
	assert_non_null(p);
	p[strlen("\"decimals\": ")] = '3';
	write_file(path_of("agreement", 2), text);
	run_parties();
	for (i = 0; i < 3; i++) {
		assert_int_not_equal(job.status[i], 0);
		assert_string_equal(job.out[i], "");
		if (strstr(job.err[i], "decimals") == NULL)
			fail_msg("party %d: %s", i, job.err[i]);
	}
}

static void agreement_for_another_program_is_refused(void **state)
{
	char text[TEXT_SIZE], *p;

	(void)state;
	begin(3, 1, 2, mixed);
	write_files();
	read_file(text, path_of("agreement", 0));
	p = strstr(text, "joint-stats");
	assert_non_null(p);
	memcpy(p, "joint-xxxxx", 11);
	write_file(path_of("agreement", 0), text);
	finish(start_party(0), 0);
	assert_int_equal(job.status[0], 1);
	assert_non_null(strstr(job.err[0], "is not for joint-stats"));
}

static void missing_party_is_named_within_the_time(void **state)
{
	const char *const csv[] = {"x\n1\n", "x\n1\n", NULL};

	(void)state;
	begin(3, 1, 0, csv);
	job.timeout = "2";
	write_files();
	run_parties();
	assert_int_not_equal(job.status[0], 0);
	assert_int_not_equal(job.status[1], 0);
	assert_non_null(strstr(job.err[0], did[2]));
	assert_non_null(strstr(job.err[1], did[2]));
}

/* Wait until the file holds the text; meson ends a test that waits forever. */
static void wait_for_text(const char *path, const char *text)
{
	static char got[TEXT_SIZE];
	const struct timespec pause = {.tv_nsec = 20000000};

	for (;;) {
		got[0] = '\0';
		if (access(path, R_OK) == 0)
			read_file(got, path);
		if (strstr(got, text) != NULL)
			return;
		nanosleep(&pause, NULL);
	}
}

static void interrupted_party_ends_with_130(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM};
	const char *const csv[] = {"x\n1\n", NULL, NULL};
	size_t k;
	pid_t pid;

	(void)state;
	for (k = 0; k < 2; k++) {
		begin(3, 1, 0, csv);
		write_files();
		unlink(path_of("err", 0));
		pid = start_party(0);
		wait_for_text(path_of("err", 0), " s: ");
		assert_int_equal(kill(pid, signals[k]), 0);
		finish(pid, 0);
		assert_int_equal(job.status[0], 130);
		assert_non_null(strstr(job.err[0], "interrupted"));
	}
}

/*
 * The other party follows the program, but never acknowledges; and a signal
 * comes just before the wait for that, where it interrupts nothing.
 */
static void signal_between_two_waits_is_not_lost(void **state)
{
	const char *const csv[] = {"x\n1\n2\n", NULL};
	struct parley_agreement *a;
	struct parley_identity *id;
	struct parley_session *s;
	uint8_t msg[48] = {0}; /* shares of nothing */
	const void *got;
	size_t len;
	pid_t pid;

	(void)state;
	begin(2, 1, 0, csv);
	write_files();
	pid = start_program("JOINT_STATS_SIGNALLED", 0);
	assert_int_equal(
	    parley_session_agreement_load(&a, NULL, path_of("agreement", 1)),
	    0);
	assert_int_equal(
	    parley_did_identity_load(&id, path_of("identity", 1), NULL, 0), 0);
	assert_int_equal(parley_session_open(&s, a, id, NULL), 0);
	assert_int_equal(parley_session_send(s, 0, msg, sizeof(msg)), 0);
	assert_int_equal(parley_session_recv(s, 0, NULL, &got, &len), 0);
	assert_int_equal(len, sizeof(msg));
	memcpy(msg, got, len);
	assert_int_equal(parley_session_send(s, 0, msg, sizeof(msg)), 0);
	assert_int_equal(parley_session_flush(s), 0);
	finish(pid, 0);
	assert_int_equal(job.status[0], 0);
	assert_non_null(strstr(job.out[0], "mean"));
	if (strstr(job.err[0], "interrupted by a signal") == NULL)
		fail_msg("%s", job.err[0]);
	parley_session_free(s);
	parley_did_identity_free(id);
	parley_session_agreement_free(a);
}

/* What a cheat sends in step 2 and, after the others' shares, in step 4. */
struct cheat {
	int threshold;
	size_t share_len;
	int share_byte; /* 48 of them are three elements */
	int open_byte;
	const char *text; /* what one of the others says */
};

/* Be party 2 of 3 in this process, with the two others honest. */
static void expect_caught(const struct cheat *c)
{
	const char *const csv[] = {"x\n1\n2\n", "x\n3\n", NULL};
	struct parley_agreement *a;
	struct parley_identity *id;
	struct parley_session *s;
	uint8_t msg[48];
	const void *got;
	pid_t pid[2];
	size_t len;
	int i;

	begin(3, c->threshold, 0, csv);
	write_files();
	for (i = 0; i < 2; i++)
		pid[i] = start_party(i);
	assert_int_equal(
	    parley_session_agreement_load(&a, NULL, path_of("agreement", 2)),
	    0);
	assert_int_equal(
	    parley_did_identity_load(&id, path_of("identity", 2), NULL, 0), 0);
	assert_int_equal(parley_session_open(&s, a, id, NULL), 0);
	memset(msg, c->share_byte, sizeof(msg));
	assert_int_equal(parley_session_broadcast(s, msg, c->share_len), 0);
	/* When the share is caught the others give up, perhaps at once. */
	for (i = 0; i < 2; i++)
		if (parley_session_recv(s, i, NULL, &got, &len) != 0)
			break;
	memset(msg, c->open_byte, sizeof(msg));
	if (parley_session_broadcast(s, msg, sizeof(msg)) == 0)
		parley_session_flush(s);
	for (i = 0; i < 2; i++) {
		finish(pid[i], i);
		assert_int_equal(job.status[i], 3);
		assert_string_equal(job.out[i], "");
	}
	/* Who sees it first gives up, and the other may only hear of that. */
	if (strstr(job.err[0], c->text) == NULL &&
	    strstr(job.err[1], c->text) == NULL)
		fail_msg("%s\n%s", job.err[0], job.err[1]);
	parley_session_free(s);
	parley_did_identity_free(id);
	parley_session_agreement_free(a);
}

static void share_of_wrong_length_is_caught(void **state)
{
	(void)state;
	expect_caught(&(struct cheat){
	    .threshold = 1, .share_len = 47, .text = "sent a wrong length"});
}

static void share_that_is_no_element_is_caught(void **state)
{
	(void)state;
	expect_caught(&(struct cheat){.threshold = 1,
				      .share_len = 48,
				      .share_byte = 0xff,
				      .text = "sent a wrong number"});
}

static void false_point_is_caught_when_points_are_to_spare(void **state)
{
	(void)state;
	expect_caught(
	    &(struct cheat){.threshold = 1,
			    .share_len = 48,
			    .open_byte = 7,
			    .text = "some party opened a false point"});
}

static void totals_that_no_rows_have_are_caught(void **state)
{
	(void)state;
	expect_caught(&(struct cheat){.threshold = 2,
				      .share_len = 48,
				      .open_byte = 7,
				      .text = "no rows can have these totals"});
}

static void wrong_usage_gives_2_and_help_0(void **state)
{
	const char *const none[] = {program("JOINT_STATS"), NULL};
	const char *const bad[] = {program("JOINT_STATS"),
				   "--agreement",
				   "a",
				   "--identity",
				   "b",
				   "--csv",
				   "c",
				   "--timeout",
				   "1x",
				   NULL};
	const char *const help[] = {program("JOINT_STATS"), "--help", NULL};

	(void)state;
	finish(start(none, 0), 0);
	assert_int_equal(job.status[0], 2);
	finish(start(bad, 0), 0);
	assert_int_equal(job.status[0], 2);
	assert_string_equal(job.out[0], "");
	finish(start(help, 0), 0);
	assert_int_equal(job.status[0], 0);
	assert_non_null(strstr(job.out[0], "usage: joint-stats"));
}

static void hello_is_heard_from_every_party(void **state)
{
	const char *args[] = {program("HELLO"), NULL, NULL, NULL};
	char wanted[PARLEY_DID_SIZE + 32];
	pid_t pid[3];
	int i, k;

	(void)state;
	begin(3, 1, 0, mixed);
	write_files();
	for (i = 0; i < 3; i++) {
		args[1] = path_of("agreement", i);
		args[2] = path_of("identity", i);
		pid[i] = start(args, i);
	}
	for (i = 0; i < 3; i++)
		finish(pid[i], i);
	for (i = 0; i < 3; i++) {
		if (job.status[i] != 0)
			fail_msg("party %d: %s", i, job.err[i]);
		for (k = 0; k < 3; k++) {
			snprintf(wanted, sizeof(wanted),
				 "%.127s: hello, world\n", did[k]);
			assert_int_equal(strstr(job.out[i], wanted) != NULL,
					 i != k);
		}
	}
}

static void hello_says_what_is_wrong(void **state)
{
	const char *const none[] = {program("HELLO"), NULL};
	const char *const bad[] = {program("HELLO"), "/nonexistent", "/x",
				   NULL};

	(void)state;
	finish(start(none, 0), 0);
	assert_int_equal(job.status[0], 1);
	finish(start(bad, 0), 0);
	assert_int_equal(job.status[0], 1);
	assert_string_equal(job.err[0], "hello: not found\n");
}

static int make_identities(void **state)
{
	struct parley_identity *id;
	int i, r;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	for (i = 0; i < N_MAX; i++) {
		if (parley_did_identity_new(&id) != 0)
			return -1;
		r = parley_did_identity_save(id, path_of("identity", i), NULL,
					     0);
		snprintf(did[i], sizeof(did[i]), "%s",
			 parley_did_identity_did(id));
		parley_did_identity_free(id);
		if (r != 0)
			return -1;
	}
	return 0;
}

static int remove_files(void **state)
{
	static const char *const kinds[] = {"agreement", "identity", "csv",
					    "out", "err"};
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < N_MAX; i++)
		for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			unlink(path_of(kinds[k], i));
	return rmdir(dir); /* and so nothing else was left there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		three_parties_get_the_clear_figures_at_every_threshold),
	    cmocka_unit_test(
		five_parties_get_the_clear_figures_at_every_threshold),
	    cmocka_unit_test(two_parties_get_the_clear_figures),
	    cmocka_unit_test(largest_values_do_not_wrap),
	    cmocka_unit_test(sums_over_the_limit_are_refused),
	    cmocka_unit_test(wrong_rows_are_refused_before_anybody_is_met),
	    cmocka_unit_test(rows_without_a_value_are_skipped_when_asked),
	    cmocka_unit_test(no_rows_at_all_have_no_mean),
	    cmocka_unit_test(every_party_is_named_by_its_did),
	    cmocka_unit_test(
		different_agreements_end_every_party_with_the_field),
	    cmocka_unit_test(agreement_for_another_program_is_refused),
	    cmocka_unit_test(missing_party_is_named_within_the_time),
	    cmocka_unit_test(interrupted_party_ends_with_130),
	    cmocka_unit_test(signal_between_two_waits_is_not_lost),
	    cmocka_unit_test(share_of_wrong_length_is_caught),
	    cmocka_unit_test(share_that_is_no_element_is_caught),
	    cmocka_unit_test(false_point_is_caught_when_points_are_to_spare),
	    cmocka_unit_test(totals_that_no_rows_have_are_caught),
	    cmocka_unit_test(wrong_usage_gives_2_and_help_0),
	    cmocka_unit_test(hello_is_heard_from_every_party),
	    cmocka_unit_test(hello_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, make_identities, remove_files);
}
