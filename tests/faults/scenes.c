/*
 * scenes: what the survivors see when a party comes to harm, each party in a
 * network namespace of its own.  Run by scenes.sh, which makes the namespaces.
 *
 *   scenes SCENE NAMESPACE ADDRESS NAMESPACE ADDRESS NAMESPACE ADDRESS
 *
 * Three processes exchange rounds of messages; then the last one comes to harm:
 *
 *   kill    SIGKILL
 *   stop    SIGSTOP; its kernel goes on answering
 *   cable   its namespace drops all packets, silently
 *   power   its link is taken away: nobody has its address any more
 *   gone    SIGKILL, and its port is taken over by something that is silent
 *   disk    it cannot write its result, and gives up
 *   slow    it stops reading for a while, and the others have much to say
 *
 * Expected: both survivors name it, with the same error, and the last record
 * that came from it, within the time; nobody is named where it was only slow.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <parley/did.h>
#include <parley/session.h>

enum {
	N = 3,
	VICTIM = 2,
	PORT = 7000,
	ROUNDS = 5, /* before the harm */
	LIVENESS_MS = 3000,
	UNRESPONSIVE_MS = 2000,
	SLACK_MS = 10 * 1000, /* of a machine that does other things too */
	OPEN_MS = 30 * 1000,
	SLOW_MS = 2000,
	WINDOW = 64 * 1024,
	LARGE = 64 * 1024, /* bytes of a message to the slow one */
	N_LARGE = 64,
};

enum harm { KILL, STOP, CABLE, POWER, GONE, DISK, SLOW, N_HARMS };

static const char *const harm_name[N_HARMS] = {"kill", "stop", "cable", "power",
					       "gone", "disk", "slow"};

struct report {
	bool harmed; /* the victim: harm me; else the end */
	int err, culprit;
	int64_t at_ms;
	char text[256];
};

struct scene {
	enum harm harm;
	const char *namespace[N], *address[N];
	struct parley_identity *ids[N];
	struct parley_agreement *agreement;
	int pipe[N][2];
	pid_t pid[N];
	int64_t harmed_ms;
};

static void die(const char *what)
{
	fprintf(stderr, "scenes: error: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(int fd, const struct report *r)
{
	if (write(fd, r, sizeof(*r)) != sizeof(*r))
		_exit(3);
}

static void enter(const char *namespace)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

static void make_agreement(struct scene *sc)
{
	char text[4096], *why = NULL;
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
			       "{\"parley\": \"agreement/1\", "
			       "\"id\": \"AAAAAAAAAAAAAAAAAAAAAA\", "
			       "\"name\": \"scenes\", \"created\": 0, "
			       "\"threshold\": 1, \"parties\": [");
	for (int i = 0; i < N; i++) {
		if (parley_did_identity_new(&sc->ids[i]))
			die("identity");
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len,
		    "%s{\"did\": \"%s\", \"endpoints\": [\"tcp://%s:%d\"]}",
		    i ? ", " : "", parley_did_identity_did(sc->ids[i]),
		    sc->address[i], PORT);
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "]}");
	if (parley_session_agreement_parse(&sc->agreement, &why, text, len))
		die(why ? why : "agreement");
}

/*
 * Parties
 */

/* One message to and from everybody else. */
static int play_round(struct parley_session *s, int self)
{
	const void *msg;
	size_t len;
	int err = parley_session_broadcast(s, "x", 1);

	for (int i = 0; i < N && !err; i++)
		if (i != self)
			err = parley_session_recv(s, i, NULL, &msg, &len);
	return err;
}

/* The end of the victim, where it brings it about itself. */
static int come_to_harm(const struct scene *sc, struct parley_session *s)
{
	const int64_t until = now_ms() + SLOW_MS;
	int fd;

	if (sc->harm == DISK) {
		fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "x", 1) == 1)
			die("/dev/full");
		parley_session_abort(s, strerror(errno));
		close(fd);
		return 0;
	}
	/* Serves its connections and takes nothing. */
	while (sc->harm == SLOW && now_ms() < until) {
		struct pollfd fds = {.fd = parley_session_fd(s),
				     .events = POLLIN};

		if (poll(&fds, 1, 10) < 0 || parley_session_process(s))
			die("the slow one");
	}
	return 1;
}

/* To the slow one more than its window holds, and then all of it is there. */
static int pour(struct parley_session *s, int self)
{
	static uint8_t large[LARGE];
	const void *msg;
	size_t len;
	int err = 0;

	for (int k = 0; k < N_LARGE && !err; k++) {
		large[0] = (uint8_t)k;
		if (self != VICTIM) {
			err = parley_session_send(s, VICTIM, large, LARGE);
			continue;
		}
		for (int i = 0; i < VICTIM && !err; i++) {
			err = parley_session_recv(s, i, NULL, &msg, &len);
			if (!err && (len != LARGE ||
				     *(const uint8_t *)msg != (uint8_t)k))
				die("a message is not what was sent");
		}
	}
	return err ? err : parley_session_close(s);
}

static void be_party(const struct scene *sc, int self)
{
	struct parley_session_options o;
	struct parley_session *s;
	struct report r = {.culprit = -1};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(sc->namespace[self]);
	parley_session_options_init(&o);
	o.liveness_ms = LIVENESS_MS;
	o.open_timeout_ms = OPEN_MS;
	o.window = WINDOW;
	/* Where a kernel goes on answering, only the program's silence tells.
	 */
	if (sc->harm == STOP)
		o.unresponsive_ms = UNRESPONSIVE_MS;
	if (getenv("PARLEY_TEST_CARRIER") &&
	    strcmp(getenv("PARLEY_TEST_CARRIER"), "libzmq") == 0)
		o.carrier = PARLEY_CARRIER_LIBZMQ;
	r.err = parley_session_open(&s, sc->agreement, sc->ids[self], &o);
	for (int k = 0; !r.err; k++) {
		if (k == ROUNDS && self == VICTIM) {
			r.harmed = true;
			tell(sc->pipe[self][1], &r);
			if (!come_to_harm(sc, s)) {
				parley_session_free(s);
				_exit(0);
			}
		}
		if (k == ROUNDS && sc->harm == SLOW) {
			r.err = pour(s, self);
			break;
		}
		r.err = play_round(s, self);
		usleep(5000);
	}
	r.harmed = false;
	r.culprit = parley_session_culprit(s);
	r.at_ms = now_ms();
	snprintf(r.text, sizeof(r.text), "%s", parley_session_error(s));
	parley_session_free(s);
	tell(sc->pipe[self][1], &r);
	_exit(0);
}

/*
 * The scene
 */

static void must(const char *before, const char *namespace, const char *after)
{
	char command[512];

	snprintf(command, sizeof(command), "%s %s %s", before, namespace,
		 after);
	if (system(command) != 0)
		die(command);
}

/* Takes the port of the dead, accepts, and is silent; ends with its parent. */
static pid_t squat(const struct scene *sc)
{
	char script[256];
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(sc->namespace[VICTIM]);
	snprintf(script, sizeof(script),
		 "import socket, time\n"
		 "s = socket.socket()\n"
		 "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
		 "s.bind(('%s', %d)); s.listen(16); time.sleep(60)\n",
		 sc->address[VICTIM], PORT);
	execlp("python3", "python3", "-c", script, (char *)NULL);
	_exit(1);
}

static pid_t do_harm(struct scene *sc)
{
	const char *namespace = sc->namespace[VICTIM];

	switch (sc->harm) {
	case KILL:
		kill(sc->pid[VICTIM], SIGKILL);
		break;
	case GONE:
		kill(sc->pid[VICTIM], SIGKILL);
		sc->harmed_ms = now_ms();
		return squat(sc);
	case STOP:
		kill(sc->pid[VICTIM], SIGSTOP);
		break;
	case CABLE:
		must("ip netns exec", namespace,
		     "nft 'add table inet cut; "
		     "add chain inet cut in { type filter hook input priority "
		     "0; policy drop; }; "
		     "add chain inet cut out { type filter hook output "
		     "priority 0; policy drop; }'");
		break;
	case POWER:
		must("ip -n", namespace, "link delete eth0");
		break;
	case DISK:
	case SLOW:
	case N_HARMS:
		break;
	}
	sc->harmed_ms = now_ms();
	return 0;
}

static bool check(const struct scene *sc, const struct report all[N])
{
	const bool fatal = sc->harm != SLOW;
	bool good = true;

	for (int i = 0; i < N; i++) {
		const struct report *r = &all[i];
		const int64_t ms = r->at_ms - sc->harmed_ms;

		if (fatal && i == VICTIM)
			continue;
		printf("%-6s party %d, %5d ms: %s\n", harm_name[sc->harm], i,
		       (int)ms, r->err ? r->text : "complete");
		if (!fatal)
			good = good && r->err == 0;
		else
			good = good && r->culprit == VICTIM &&
			       r->err == all[0].err &&
			       r->err == (sc->harm == DISK ? PARLEY_ERR_ABORTED
							   : PARLEY_ERR_LOST) &&
			       ms <= LIVENESS_MS + SLACK_MS &&
			       strstr(r->text, "its last record was") != NULL;
	}
	if (!good)
		printf("%-6s is not as expected\n", harm_name[sc->harm]);
	fflush(stdout);
	return good;
}

static bool run(struct scene *sc)
{
	struct report all[N] = {0}, harmed;
	pid_t squatter;
	bool good;

	make_agreement(sc);
	for (int i = 0; i < N; i++) {
		if (pipe(sc->pipe[i]))
			die("pipe");
		sc->pid[i] = fork();
		if (sc->pid[i] < 0)
			die("fork");
		if (sc->pid[i] == 0)
			be_party(sc, i);
		close(sc->pipe[i][1]);
	}
	if (read(sc->pipe[VICTIM][0], &harmed, sizeof(harmed)) !=
		sizeof(harmed) ||
	    !harmed.harmed) {
		fprintf(stderr, "scenes: error: no session: %s\n", harmed.text);
		exit(1);
	}
	squatter = do_harm(sc);
	for (int i = 0; i < N; i++)
		if ((i != VICTIM || sc->harm == SLOW) &&
		    read(sc->pipe[i][0], &all[i], sizeof(all[i])) !=
			sizeof(all[i]))
			die("a survivor is gone");
	good = check(sc, all);
	for (int i = 0; i < N; i++) {
		kill(sc->pid[i], SIGKILL);
		waitpid(sc->pid[i], NULL, 0);
		parley_did_identity_free(sc->ids[i]);
	}
	if (squatter > 0) {
		kill(squatter, SIGKILL);
		waitpid(squatter, NULL, 0);
	}
	parley_session_agreement_free(sc->agreement);
	return good;
}

int main(int argc, char **argv)
{
	struct scene sc = {0};

	if (argc != 2 + 2 * N) {
		fprintf(stderr, "scenes: see scenes.sh\n");
		return 2;
	}
	while (sc.harm < N_HARMS && strcmp(argv[1], harm_name[sc.harm]) != 0)
		sc.harm++;
	if (sc.harm == N_HARMS) {
		fprintf(stderr, "scenes: no scene '%s'\n", argv[1]);
		return 2;
	}
	for (int i = 0; i < N; i++) {
		sc.namespace[i] = argv[2 + 2 * i];
		sc.address[i] = argv[3 + 2 * i];
	}
	return run(&sc) ? 0 : 1;
}
