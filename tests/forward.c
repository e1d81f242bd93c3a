/*
 * For the tests of forwarding: see forward.h.
 */
#include "tests/forward.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/local.h"

static void note(void *context, const struct session_forward_event *e)
{
	struct seen *seen = context;

	if (seen->n < EVENTS_MAX)
		seen->at[seen->n++] = *e;
	if (e->type != SESSION_FORWARD_OPENED &&
	    e->type != SESSION_FORWARD_ENDED)
		snprintf(seen->text, sizeof(seen->text), "%s", e->text);
}

int count(const struct seen *seen, enum session_forward_event_type type)
{
	int n = 0;

	for (int i = 0; i < seen->n; i++)
		n += seen->at[i].type == type;
	return n;
}

void turn(struct scene *s)
{
	for (int i = 0; i < 2; i++) {
		if (s->f[i])
			assert_int_equal(session_forward_process(s->f[i], 1),
					 0);
		else if (s->net.s[i])
			parley_session_process(s->net.s[i]);
	}
}

static int listen_at(uint16_t *portp)
{
	int fd;

	assert_int_equal(session_local_listen(&fd, portp), 0);
	return fd;
}

void begin(struct scene *s, bool by_hand, enum session_forward_check check)
{
	memset(s, 0, sizeof(*s));
	net_init(&s->net, 2);
	s->net.o.send_timeout_ms = s->net.o.recv_timeout_ms = 0;
	s->net.o.window = 16 * 1024 * 1024;
	s->net.o.close_timeout_ms = 1;
	net_open(&s->net);
	for (int i = 0; i < 2; i++)
		s->o[i] = (struct session_forward_options){
		    .uid = geteuid(), .on_event = note, .context = &s->seen[i]};
	s->listener = listen_at(&s->o[1].port);
	s->o[1].check = check;
	for (int i = by_hand; i < 2; i++)
		assert_int_equal(
		    session_forward_new(&s->f[i], s->net.s[i], &s->o[i]), 0);
	turn(s);
}

void end(struct scene *s)
{
	for (int i = 0; i < 2; i++)
		session_forward_free(s->f[i]);
	if (s->listener >= 0)
		close(s->listener);
	net_free(&s->net);
}

int dial(const struct scene *s)
{
	int fd;

	assert_int_equal(
	    session_local_dial(&fd, session_forward_port(s->f[0], 1)), 0);
	return fd;
}

int answer(struct scene *s)
{
	int fd = -1;

	UNTIL(s, session_local_accept(&fd, s->listener) == 0);
	return fd;
}

int take(struct scene *s, int fd, size_t len)
{
	static uint8_t buf[65536];
	size_t n = 0;
	ssize_t r = 0;

	assert_true(len <= sizeof(buf));
	UNTIL(s, (r = recv(fd, buf + n, len - n, MSG_DONTWAIT)) > 0 &&
		     (n += (size_t)r) == len);
	return buf[len - 1];
}

void take_end(struct scene *s, int fd)
{
	uint8_t byte;
	ssize_t r = -1;

	UNTIL(s,
	      (r = recv(fd, &byte, 1, MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
	assert_int_equal(r, 0);
}

void put(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

void say(struct scene *s, int op, int stream, const void *rest, size_t len)
{
	static uint8_t msg[3 + SESSION_FORWARD_DATA_MAX + 1];

	msg[0] = (uint8_t)op;
	msg[1] = (uint8_t)(stream >> 8);
	msg[2] = (uint8_t)stream;
	if (len > 0)
		memcpy(msg + 3, rest, len);
	assert_int_equal(parley_session_send(s->net.s[0], 1, msg, 3 + len), 0);
	parley_session_flush(s->net.s[0]);
}

int hear(struct scene *s, int op, int stream)
{
	const void *msg = NULL;
	const uint8_t *p;
	size_t len = 0;

	UNTIL(s, parley_session_recv(s->net.s[0], 1, NULL, &msg, &len) == 0);
	p = msg;
	assert_true(len >= 3);
	assert_int_equal(p[0], op);
	assert_int_equal(p[1] * 256 + p[2], stream);
	return len > 3 ? p[3] : 0;
}
