/*
 * TCP on the loopback interface, and whose connection it is.
 *
 * Any user of a machine can connect to a loopback port and listen at one, so
 * both ends are asked for: the kernel knows the user of a socket.
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

/* session_local_dialled(fd): 0, or PARLEY_ERR_UNREACHABLE. */
int session_local_dialled(int fd) __attribute__((warn_unused_result));

/*
 * session_local_is_users(fd, uid):
 * Does the other end of the connection ${fd}, a socket of this machine, belong
 * to ${uid}?  As long as a program has not accepted a connection, its listening
 * socket counts.  False also if that cannot be found out.
 */
bool session_local_is_users(int fd, uid_t uid);

#endif /* !SESSION_LOCAL_H */
