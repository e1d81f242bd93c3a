/*
 * TCP on the loopback interface, and whose connection it is.
 *
 * Any user of a machine can connect to a loopback port and listen at one, so
 * both ends are asked for: the kernel knows the user of a socket.  Where it
 * does not say whose an end is, the connection is nobody's, and not used.
 */
#ifndef SESSION_LOCAL_H
#define SESSION_LOCAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * session_local_listen(fdp, portp):
 * Listen at a port of 127.0.0.1 that the kernel chooses; non-blocking.
 *
 * Returns 0, or PARLEY_ERR_SYSTEM (see errno).
 */
int session_local_listen(int *fdp, uint16_t *portp)
    __attribute__((warn_unused_result));

/*
 * session_local_accept(fdp, listener):
 * Take a connection: non-blocking, without delay.
 *
 * Returns 0, PARLEY_ERR_AGAIN (none waits), or PARLEY_ERR_SYSTEM (see errno:
 * no descriptors or memory left).
 */
int session_local_accept(int *fdp, int listener)
    __attribute__((warn_unused_result));

/*
 * session_local_dial(fdp, port):
 * Begin to connect to ${port} of 127.0.0.1.  The socket becomes writable when
 * session_local_dialled() can tell how it went.
 *
 * Returns 0, PARLEY_ERR_UNREACHABLE (nobody listens), or PARLEY_ERR_SYSTEM.
 */
int session_local_dial(int *fdp, uint16_t port)
    __attribute__((warn_unused_result));

/*
 * session_local_dialled(fd):
 * Returns 0, or PARLEY_ERR_UNREACHABLE: nobody listens, also if the socket has
 * found itself, as happens where the kernel gives it the port that it dials.
 */
int session_local_dialled(int fd) __attribute__((warn_unused_result));

/*
 * session_local_can_tell():
 * Does this machine tell whose a socket is?
 *
 * Returns 0, or PARLEY_ERR_SYSTEM (see errno; EPROTONOSUPPORT: it does not).
 */
int session_local_can_tell(void) __attribute__((warn_unused_result));

/*
 * session_local_comes_from(fd, uid):
 * Is the other end of ${fd}, which was accepted, in the hands of a process of
 * ${uid}?  One that its process has closed already is in nobody's.
 */
bool session_local_comes_from(int fd, uid_t uid);

/*
 * session_local_leads_to(fd, uid):
 * Is the other end of ${fd}, which was dialled, in the hands of a process of
 * ${uid}?  As long as it is not accepted, who listens counts.
 */
bool session_local_leads_to(int fd, uid_t uid);

#endif /* !SESSION_LOCAL_H */
