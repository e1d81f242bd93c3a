/*
 * Sockets of the ZMTP carrier: where an endpoint is, and what a connection is
 * told.
 */
#ifndef SESSION_CARRIER_ZMTP_SOCKET_H
#define SESSION_CARRIER_ZMTP_SOCKET_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/un.h>

/* session_carrier_zmtp_socket_set(fd, level, name, value): setsockopt(). */
bool session_carrier_zmtp_socket_set(int fd, int level, int name, int value);

/*
 * session_carrier_zmtp_socket_set_options(fd, liveness_ms):
 * Every option of a connection.
 */
void session_carrier_zmtp_socket_set_options(int fd, int liveness_ms);

/*
 * session_carrier_zmtp_socket_resolve(list, endpoint, listening):
 * "tcp://host:port": its addresses, to be freed by freeaddrinfo().  "*" is
 * every address of this machine.
 *
 * Returns 0 or PARLEY_ERR_ENDPOINT.
 */
int session_carrier_zmtp_socket_resolve(struct addrinfo **list,
					const char *endpoint, bool listening)
    __attribute__((warn_unused_result));

/* session_carrier_zmtp_socket_is_ipc(endpoint): is it "ipc://..."? */
bool session_carrier_zmtp_socket_is_ipc(const char *endpoint);

/*
 * session_carrier_zmtp_socket_ipc_address(ai, un, endpoint):
 * "ipc://path" as the address ${ai}, which borrows ${un}; the path is as long
 * as the kernel takes it.
 *
 * Returns 0 or PARLEY_ERR_ENDPOINT.
 */
int session_carrier_zmtp_socket_ipc_address(struct addrinfo *ai,
					    struct sockaddr_un *un,
					    const char *endpoint)
    __attribute__((warn_unused_result));

/* session_carrier_zmtp_socket_is_unix(fd): is it one of ipc://? */
bool session_carrier_zmtp_socket_is_unix(int fd);

/*
 * session_carrier_zmtp_socket_is_own_user(fd):
 * Of ipc: is the other end a process of this user, or of root?
 */
bool session_carrier_zmtp_socket_is_own_user(int fd);

#endif /* !SESSION_CARRIER_ZMTP_SOCKET_H */
