/*
 * What a member says to a forwarder (PROTOCOL 12), sealed, while the program
 * beside it connects, writes, reads and goes.  The first byte: bit 0 Bob has
 * the lower index, bit 1 streams begin with their party's index, bit 2 only
 * higher parties are dialled, bit 3 Bob's program offers no port.  Then steps:
 *
 *   1 byte   what: see step()
 *   1 byte   which end of the program's
 *   2 bytes  n, big-endian: of a stream, of how many bytes, or how much
 *   n bytes  in MESSAGE
 *
 * Sockets are pairs within the process.  Expected: all that the forwarder says
 * in turn is as PROTOCOL 12 has it, and within the credit that Alice gave.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/channel.h"
#include "session/forward.h"
#include "session/forward_stream.h"
#include "session/local.h"
#include "tests/fuzz/far.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENDS = 8, PORT = 7, MESSAGES_MAX = 64 };

enum what {
	MESSAGE,
	OPEN,
	DATA,
	FIN,
	CREDIT,
	RESET,
	CONNECT,
	WRITE,
	READ,
	FINISH,
	LEAVE,
	LISTEN,
	REFUSE,
	WAIT,
	CLOSE,
	HANG_UP,
	N_WHATS,
};

struct scene {
	struct fuzz_far far;
	struct session_channel *c; /* Alice's end */
	struct session_forward *f;
	int64_t may[UINT16_MAX + 1]; /* DATA that Bob may send, at most */
	uint16_t stream;	     /* that DATA, CREDIT and so on are about */
};

/* What stands for the kernel. */
static int ends[ENDS];	/* the program's; -1: none */
static int waiting;	/* a connection of the program's, not accepted yet */
static int listener;	/* at which it waits; -1: none */
static bool is_there;	/* somebody listens at the program's port */
static bool is_trusted; /* it is the same user */
static struct scene *scene;

int __wrap_session_local_listen(int *fdp, uint16_t *portp);
int __wrap_session_local_accept(int *fdp, int fd);
int __wrap_session_local_dial(int *fdp, uint16_t port);
int __wrap_session_local_dialled(int fd);
int __wrap_session_local_can_tell(void);
bool __wrap_session_local_comes_from(int fd, uid_t uid);
bool __wrap_session_local_leads_to(int fd, uid_t uid);

/*
 * Sockets
 */

/* Returns the forwarder's end of a new connection, or -1. */
static int connect_program(void)
{
	const int small = 4096;
	int pair[2];

	for (int i = 0; i < ENDS; i++) {
		if (ends[i] >= 0)
			continue;
		if (socketpair(AF_UNIX,
			       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			       pair) != 0)
			abort();
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small,
			   sizeof(small));
		ends[i] = pair[1];
		return pair[0];
	}
	return -1;
}

int __wrap_session_local_listen(int *fdp, uint16_t *portp)
{
	*fdp = listener = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*portp = 1;
	return listener < 0 ? PARLEY_ERR_SYSTEM : 0;
}

int __wrap_session_local_accept(int *fdp, int fd)
{
	eventfd_t n;

	(void)eventfd_read(fd, &n);
	if (waiting < 0)
		return PARLEY_ERR_AGAIN;
	*fdp = waiting;
	waiting = -1;
	return 0;
}

int __wrap_session_local_dial(int *fdp, uint16_t port)
{
	if (port != PORT)
		abort();
	*fdp = is_there ? connect_program() : -1;
	return *fdp < 0 ? PARLEY_ERR_UNREACHABLE : 0;
}

int __wrap_session_local_dialled(int fd)
{
	return fd < 0 ? PARLEY_ERR_UNREACHABLE : 0;
}

int __wrap_session_local_can_tell(void)
{
	return 0;
}

bool __wrap_session_local_comes_from(int fd, uid_t uid)
{
	(void)fd;
	(void)uid;
	return is_trusted;
}

bool __wrap_session_local_leads_to(int fd, uid_t uid)
{
	(void)fd;
	(void)uid;
	return is_trusted;
}

static void leave(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * Alice
 */

static void make_channel(struct scene *s)
{
	static const struct session_channel_options o = {
	    .window = 16 << 20, .message_max = 1 << 17, .record_max = 1 << 15};

	if (s->c == NULL &&
	    session_channel_new(&s->c, s->far.result.suite, s->far.role,
				&s->far.result.traffic, &o) != 0)
		abort();
}

/* Does the forwarder keep to PROTOCOL 12? */
static void check(struct scene *s, const uint8_t *msg, size_t len)
{
	const bool lower = s->far.bob < s->far.alice;
	uint16_t number;

	if (len < SESSION_FORWARD_HEAD_LEN)
		abort();
	number = (uint16_t)(msg[1] << 8 | msg[2]);
	len -= SESSION_FORWARD_HEAD_LEN;
	msg += SESSION_FORWARD_HEAD_LEN;
	switch (msg[-SESSION_FORWARD_HEAD_LEN]) {
	case SESSION_FORWARD_OP_OPEN:
		if (len != 1 || msg[0] != 0 || number % 2 != !lower)
			abort();
		s->may[number] += SESSION_FORWARD_CREDIT;
		break;
	case SESSION_FORWARD_OP_DATA:
		s->may[number] -= (int64_t)len;
		if (len == 0 || len > SESSION_FORWARD_DATA_MAX ||
		    s->may[number] < 0)
			abort();
		break;
	case SESSION_FORWARD_OP_FIN:
		if (len != 0)
			abort();
		break;
	case SESSION_FORWARD_OP_CREDIT:
		if (len != 4 || memcmp(msg, "\0\0\0\0", 4) == 0)
			abort();
		break;
	case SESSION_FORWARD_OP_RESET:
		if (len != 1)
			abort();
		break;
	default:
		abort();
	}
}

/* A record of Bob's has come, within a call of his. */
static void on_record(struct fuzz_far *far, const uint8_t *p, size_t len)
{
	struct scene *s = far->context;
	struct session_frame *frame = session_frame_new(len);
	const void *msg;
	size_t n;

	make_channel(s);
	if (!frame)
		abort();
	memcpy(frame->data, p, len);
	if (session_channel_receive(s->c, frame) != 0)
		abort();
	while (session_channel_next(s->c, &msg, &n))
		check(s, msg, n);
	session_channel_release(s->c);
}

/* What Alice has to say leaves, and Bob does what there is to do. */
static void turn(struct scene *s)
{
	struct session_frame *frame;

	if (session_channel_ack_owed(s->c) &&
	    session_channel_ack_now(s->c) != 0)
		abort();
	if (session_channel_flush(s->c) != 0)
		abort();
	while ((frame = session_channel_take(s->c))) {
		fuzz_far_deliver(&s->far, 0, frame->data, frame->len);
		session_frame_free(frame);
	}
	fuzz_far_process(&s->far);
	if (s->f) {
		int err = session_forward_process(s->f, 0);

		if (err == PARLEY_ERR_SYSTEM || err == PARLEY_ERR_MEMORY)
			abort();
	}
}

static void say(struct scene *s, const uint8_t *msg, size_t len)
{
	struct session_outgoing m = {.p = msg, .len = len};
	int r;

	while ((r = session_channel_put(s->c, &m)) == SESSION_PUT_FULL)
		turn(s);
	/* A forwarder always takes messages: nothing is ever in the way. */
	if (r != SESSION_PUT_DONE &&
	    parley_session_party_state(s->far.s[0], (int)s->far.alice) ==
		PARLEY_PARTY_READY)
		abort();
	turn(s);
}

static void say_op(struct scene *s, enum session_forward_op op, uint16_t stream,
		   size_t len, uint32_t value)
{
	uint8_t *msg = calloc(1, SESSION_FORWARD_HEAD_LEN + len);

	if (!msg)
		abort();
	msg[0] = (uint8_t)op;
	msg[1] = (uint8_t)(stream >> 8);
	msg[2] = (uint8_t)stream;
	for (size_t i = 0; i < 4 && i < len; i++)
		msg[SESSION_FORWARD_HEAD_LEN + i] =
		    (uint8_t)(value >> 8 * ((len < 4 ? len : 4) - 1 - i));
	say(s, msg, SESSION_FORWARD_HEAD_LEN + len);
	free(msg);
}

/* What Alice gives counts, whether it makes sense or not. */
static void count(struct scene *s, const uint8_t *msg, size_t len)
{
	const uint8_t *rest = msg + SESSION_FORWARD_HEAD_LEN;
	uint16_t number;

	if (len < SESSION_FORWARD_HEAD_LEN)
		return;
	number = (uint16_t)(msg[1] << 8 | msg[2]);
	if (msg[0] == SESSION_FORWARD_OP_OPEN)
		s->may[number] += SESSION_FORWARD_CREDIT;
	if (msg[0] == SESSION_FORWARD_OP_CREDIT &&
	    len == SESSION_FORWARD_CREDIT_LEN)
		s->may[number] += (int64_t)((uint32_t)rest[0] << 24 |
					    (uint32_t)rest[1] << 16 |
					    (uint32_t)rest[2] << 8 | rest[3]);
}

/* Returns whether ${p} was used. */
static bool step(void *context, unsigned what, uint8_t end, uint16_t n,
		 const uint8_t *p, size_t len)
{
	struct scene *s = context;
	static uint8_t bytes[UINT16_MAX];
	int *fd = &ends[end % ENDS];
	int other;

	switch ((enum what)what) {
	case MESSAGE:
		count(s, p, len);
		say(s, p, len);
		return true;
	case OPEN:
		s->stream = n;
		s->may[n] += SESSION_FORWARD_CREDIT;
		say_op(s, SESSION_FORWARD_OP_OPEN, n, 1, 0);
		break;
	case DATA:
		/* Begins with a 0, as party 0 would in two bytes. */
		say_op(s, SESSION_FORWARD_OP_DATA, s->stream, n,
		       (uint32_t)end << 24);
		break;
	case FIN:
		say_op(s, SESSION_FORWARD_OP_FIN, s->stream, 0, 0);
		break;
	case CREDIT:
		s->may[s->stream] += n;
		say_op(s, SESSION_FORWARD_OP_CREDIT, s->stream, 4, n);
		break;
	case RESET:
		say_op(s, SESSION_FORWARD_OP_RESET, s->stream, 1, n);
		break;
	case CONNECT:
		s->stream = n;
		if (listener < 0 || waiting >= 0)
			break;
		other = connect_program();
		waiting = other;
		if (other >= 0)
			(void)eventfd_write(listener, 1);
		break;
	case WRITE:
		if (*fd >= 0 && n > 0)
			(void)send(*fd, bytes, n, MSG_NOSIGNAL);
		break;
	case READ:
		if (*fd >= 0 && n > 0)
			(void)recv(*fd, bytes, n, 0);
		break;
	case FINISH:
		if (*fd >= 0)
			(void)shutdown(*fd, SHUT_WR);
		break;
	case LEAVE:
		leave(fd);
		break;
	case LISTEN:
		is_there = end % 2 == 0;
		break;
	case REFUSE:
		is_trusted = end % 2 == 0;
		break;
	case WAIT:
		fuzz_far_wait(n);
		break;
	case CLOSE:
		if (session_channel_close(s->c) != 0)
			abort();
		break;
	case HANG_UP:
		session_forward_hang_up(s->f);
		listener = -1;
		leave(&waiting);
		break;
	case N_WHATS:
		break;
	}
	turn(s);
	return false;
}

static void on_event(void *context, const struct session_forward_event *e)
{
	(void)context;
	if (strlen(e->text) >= SESSION_FORWARD_TEXT_SIZE ||
	    e->party != (int)scene->far.alice)
		abort();
}

static void begin(struct scene *s, uint8_t how)
{
	struct session_forward_options fo = {
	    .port = how & 8 ? 0 : PORT,
	    .uid = geteuid(),
	    .dial = how & 4 ? SESSION_FORWARD_DIAL_HIGHER
			    : SESSION_FORWARD_DIAL_ALL,
	    .check = how & 2 ? SESSION_FORWARD_CHECK_LE16
			     : SESSION_FORWARD_CHECK_NONE,
	    .on_event = on_event,
	};
	struct parley_session_options o;
	uint8_t hash[SESSION_HASH_LEN];

	fuzz_far_options(&o);
	o.window = 1 << 20;
	o.message_max = 1 << 17;
	scene = s;
	listener = waiting = -1;
	is_there = is_trusted = true;
	for (int i = 0; i < ENDS; i++)
		ends[i] = -1;
	fuzz_far_init(&s->far, how & 1 ? FUZZ_FAR_FIRST : 0, &o);
	s->far.context = s;
	s->far.on_record = on_record;
	if (how & 1) {
		fuzz_far_up(&s->far, 0);
		fuzz_far_accept(&s->far, 0, 0);
	} else {
		fuzz_far_propose(&s->far, 0, 0);
		fuzz_far_confirm(&s->far, 0, 0);
	}
	make_channel(s);
	fuzz_far_barrier(&s->far, hash);
	if (session_channel_control(s->c, SESSION_ITEM_READY, hash,
				    sizeof(hash)) != 0)
		abort();
	turn(s);
	if (parley_session_state(s->far.s[0]) != PARLEY_SESSION_READY ||
	    session_forward_new(&s->f, s->far.s[0], &fo) != 0)
		abort();
	turn(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scene *s;

	if (size == 0 || size > FUZZ_FAR_INPUT_MAX)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	begin(s, data[0]);
	fuzz_far_steps(step, s, N_WHATS, data + 1, size - 1);
	session_forward_free(s->f);
	fuzz_far_free(&s->far);
	session_channel_free(s->c);
	for (int i = 0; i < ENDS; i++)
		leave(&ends[i]);
	leave(&waiting);
	free(s);
	return 0;
}
