/*
 * The C part of the Python package: besides libparley's functions, streams
 * (PROTOCOL 12) by the turn.  A turn of an event loop costs one call to learn
 * all that has come, and one for each party that is written to, however many
 * messages there are.
 *
 * What a turn holds is valid until the next one.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <parley/comm.h>
#include <parley/did.h>
#include <parley/session.h>

enum {
	PY_END, /* of the party: value is the error, negated; bytes say why */
	PY_OPEN,
	PY_DATA,
	PY_FIN,
	PY_CREDIT,
	PY_RESET,
	PY_BAD, /* not a message of forwarding */
};

enum {
	HEAD_LEN = 3,
	DATA_MAX = 65535,
	KEPT = 1024 * 1024, /* bytes of memory that a quiet turn keeps */
};

struct py_event {
	int party;
	int op;
	unsigned stream;
	uint32_t value;
	size_t at, len;
};

struct py_turn {
	struct py_event *events;
	size_t n;
	char *bytes;
	bool other; /* the descriptor of py_turn_watch() is readable */

	int epoll_fd, other_fd;
	size_t events_size, bytes_len, bytes_size;
	struct parley_session *s;
	int n_parties, self;
	bool *ended;
	uint8_t out[HEAD_LEN + DATA_MAX];
};

static void py_turn_free(struct py_turn *t)
{
	if (!t)
		return;
	if (t->epoll_fd >= 0)
		close(t->epoll_fd);
	free(t->events);
	free(t->bytes);
	free(t->ended);
	free(t);
}

static struct py_turn *py_turn_new(struct parley_session *s)
{
	struct py_turn *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->s = s;
	t->epoll_fd = t->other_fd = -1;
	t->n_parties = parley_session_n_parties(s);
	t->self = parley_session_self(s);
	t->ended = calloc((size_t)t->n_parties, sizeof(*t->ended));
	if (!t->ended) {
		py_turn_free(t);
		return NULL;
	}
	return t;
}

static struct py_event *add_event(struct py_turn *t, int party, int op,
				  unsigned stream)
{
	struct py_event *e;

	if (t->n == t->events_size) {
		size_t size = 2 * t->events_size + 16;

		e = realloc(t->events, size * sizeof(*e));
		if (!e)
			return NULL;
		t->events = e;
		t->events_size = size;
	}
	e = &t->events[t->n++];
	*e = (struct py_event){
	    .party = party, .op = op, .stream = stream, .at = t->bytes_len};
	return e;
}

/* Append to the bytes of the last event. */
static int add_bytes(struct py_turn *t, const void *data, size_t len)
{
	if (len > t->bytes_size - t->bytes_len) {
		size_t size = 2 * t->bytes_size + len + 4096;
		char *grown = realloc(t->bytes, size);

		if (!grown)
			return PARLEY_ERR_MEMORY;
		t->bytes = grown;
		t->bytes_size = size;
	}
	memcpy(t->bytes + t->bytes_len, data, len);
	t->bytes_len += len;
	t->events[t->n - 1].len += len;
	return 0;
}

static int add_data(struct py_turn *t, int party, unsigned stream,
		    const uint8_t *data, size_t len)
{
	struct py_event *e = t->n ? &t->events[t->n - 1] : NULL;

	/* What follows on the same stream is the same event. */
	if (!e || e->party != party || e->op != PY_DATA || e->stream != stream)
		e = add_event(t, party, PY_DATA, stream);
	return e ? add_bytes(t, data, len) : PARLEY_ERR_MEMORY;
}

/* PROTOCOL 12: op: u8 || stream: be16 || rest. */
static int add_message(struct py_turn *t, int party, const uint8_t *msg,
		       size_t len)
{
	const uint8_t *rest = msg + HEAD_LEN;
	struct py_event *e;
	unsigned stream;
	uint32_t value = 0;
	int op;

	if (len < HEAD_LEN)
		return add_event(t, party, PY_BAD, 0) ? 0 : PARLEY_ERR_MEMORY;
	op = msg[0];
	stream = (unsigned)msg[1] << 8 | msg[2];
	len -= HEAD_LEN;
	if (op == PY_DATA && len > 0 && len <= DATA_MAX)
		return add_data(t, party, stream, rest, len);
	if ((op == PY_OPEN || op == PY_RESET) && len == 1)
		value = rest[0];
	else if (op == PY_CREDIT && len == 4)
		value = (uint32_t)rest[0] << 24 | (uint32_t)rest[1] << 16 |
			(uint32_t)rest[2] << 8 | rest[3];
	else if (op != PY_FIN || len != 0)
		op = PY_BAD;
	e = add_event(t, party, op, stream);
	if (!e)
		return PARLEY_ERR_MEMORY;
	e->value = value;
	return 0;
}

static int take_party(struct py_turn *t, int party)
{
	struct py_event *e;
	const char *text;
	const void *msg;
	size_t len;
	int err;

	while (!(err = parley_session_take(t->s, party, NULL, &msg, &len))) {
		err = add_message(t, party, msg, len);
		if (err)
			return err;
	}
	if (err == PARLEY_ERR_AGAIN)
		return 0;
	if (err == PARLEY_ERR_STATE)
		return err;
	t->ended[party] = true;
	e = add_event(t, party, PY_END, 0);
	if (!e)
		return PARLEY_ERR_MEMORY;
	e->value = (uint32_t)-err;
	text = parley_session_error(t->s);
	return add_bytes(t, text, strlen(text));
}

static int take_all(struct py_turn *t)
{
	int err = 0;

	for (int i = 0; !err && i < t->n_parties; i++)
		if (i != t->self && !t->ended[i])
			err = take_party(t, i);
	return err;
}

static void begin(struct py_turn *t)
{
	if (t->bytes_size > KEPT && t->bytes_len < KEPT / 4) {
		free(t->bytes);
		t->bytes = NULL;
		t->bytes_size = 0;
	}
	t->n = t->bytes_len = 0;
}

/* Returns the number of events, or an error. */
static int finish(struct py_turn *t, int err)
{
	/* Taking may have sent acknowledgements. */
	if (!err && t->n > 0)
		err = parley_session_flush(t->s);
	return err ? err : (int)t->n;
}

/* Process the session and take all that has come. */
static int py_turn_run(struct py_turn *t)
{
	int err;

	begin(t);
	err = parley_session_process(t->s);
	return finish(t, err ? err : take_all(t));
}

static int watch(const struct py_turn *t, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, fd, &ev)
		   ? PARLEY_ERR_SYSTEM
		   : 0;
}

/*
 * Let py_turn_wait() wait for ${fd} as well, which is the caller's.  Returns 0,
 * or PARLEY_ERR_SYSTEM.
 */
static int py_turn_watch(struct py_turn *t, int fd)
{
	t->other_fd = fd;
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll_fd < 0 || watch(t, parley_session_fd(t->s)) ||
	    watch(t, fd))
		return PARLEY_ERR_SYSTEM;
	return 0;
}

/*
 * Wait until something comes, for at most ${timeout_ms} (-1: no limit), and
 * take all that has; ${t->other} says whether the other descriptor is readable.
 * A signal ends the wait.
 */
static int py_turn_wait(struct py_turn *t, int timeout_ms)
{
	struct epoll_event ev[2];
	int n = epoll_wait(t->epoll_fd, ev, 2, timeout_ms);
	bool session = false;

	t->other = false;
	if (n < 0 && errno != EINTR)
		return PARLEY_ERR_SYSTEM;
	for (int i = 0; i < n; i++) {
		if (ev[i].data.fd == t->other_fd)
			t->other = true;
		else
			session = true;
	}
	return session ? py_turn_run(t) : 0;
}

/*
 * Let everything leave.  A send that met a full window has looked at the
 * network, and the descriptor does not tell what came by that: take it, too.
 */
static int py_turn_flush(struct py_turn *t)
{
	int err;

	begin(t);
	err = parley_session_flush(t->s);
	return finish(t, err ? err : take_all(t));
}

/*
 * Send as DATA.  Returns 0 or PARLEY_ERR_AGAIN, or another error; what was
 * accepted goes to ${*sentp} in any case.
 */
static int py_turn_send(struct py_turn *t, int party, unsigned stream,
			const char *data, size_t len, size_t *sentp)
{
	size_t sent = 0;
	int err = 0;

	t->out[0] = PY_DATA;
	t->out[1] = (uint8_t)(stream >> 8);
	t->out[2] = (uint8_t)stream;
	while (sent < len) {
		size_t n = len - sent < DATA_MAX ? len - sent : DATA_MAX;

		memcpy(t->out + HEAD_LEN, data + sent, n);
		err = parley_session_send(t->s, party, t->out, HEAD_LEN + n);
		if (err)
			break;
		sent += n;
	}
	*sentp = sent;
	return err;
}

/* As py_turn_send(), and what was accepted leaves at once. */
static int py_turn_send_now(struct py_turn *t, int party, unsigned stream,
			    const char *data, size_t len, size_t *sentp)
{
	int err = py_turn_send(t, party, stream, data, len, sentp);

	return err ? err : parley_session_flush(t->s);
}

static int py_turn_control(struct py_turn *t, int party, int op,
			   unsigned stream, uint32_t value)
{
	uint8_t msg[HEAD_LEN + 4] = {(uint8_t)op, (uint8_t)(stream >> 8),
				     (uint8_t)stream};
	size_t len = HEAD_LEN;

	if (op == PY_CREDIT)
		msg[len++] = (uint8_t)(value >> 24),
		msg[len++] = (uint8_t)(value >> 16),
		msg[len++] = (uint8_t)(value >> 8);
	if (op != PY_FIN)
		msg[len++] = (uint8_t)value;
	return parley_session_send(t->s, party, msg, len);
}
