/*
 * Sockets of the ZMTP carrier: where an endpoint is, and what a connection is
 * told.
 */
#ifndef SESSION_CARRIER_ZMTP_SOCKET_H
#define SESSION_CARRIER_ZMTP_SOCKET_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* session_carrier_zmtp_socket_set(fd, level, name, value): setsockopt(). */
bool session_carrier_zmtp_socket_set(int fd, int level, int name, int value);

/*
 * session_carrier_zmtp_socket_set_options(fd, liveness_ms):
 * Every option of a connection.
 */
void session_carrier_zmtp_socket_set_options(int fd, int liveness_ms);

enum { SESSION_HOST_SIZE = 256 };

/*
 * session_carrier_zmtp_socket_split(host, portp, endpoint):
 * "tcp://host:port", the host without brackets; ${*portp} points into
 * ${endpoint}.
 *
 * Returns 0 or PARLEY_ERR_ENDPOINT.
 */
int session_carrier_zmtp_socket_split(char host[SESSION_HOST_SIZE],
				      const char **portp, const char *endpoint)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmtp_socket_local(list, host, port):
 * Addresses to listen at, to be freed by freeaddrinfo().  "*" is every address
 * of this machine.  A name may take its time.
 *
 * Returns 0 or PARLEY_ERR_ENDPOINT.
 */
int session_carrier_zmtp_socket_local(struct addrinfo **list, const char *host,
				      const char *port)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmtp_socket_numeric(list, host, port):
 * The same of an address to dial, and PARLEY_ERR_ENDPOINT at once for what is
 * not written as one.
 */
int session_carrier_zmtp_socket_numeric(struct addrinfo **list,
					const char *host, const char *port)
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

enum {
	SESSION_CARRIER_ZMTP_SOCKET_SALT_LEN = 16,
	SESSION_CARRIER_ZMTP_SOCKET_SLOTS = 4096,
};

/*
 * session_carrier_zmtp_socket_slot(from, salt):
 * A number below SESSION_CARRIER_ZMTP_SOCKET_SLOTS, the same for all that come
 * from the address ${from}; of IPv6 from the same 64 bits, which are what one
 * host is given.  Who does not know ${salt} cannot choose it.
 */
uint16_t session_carrier_zmtp_socket_slot(
    const struct sockaddr_storage *from,
    const uint8_t salt[SESSION_CARRIER_ZMTP_SOCKET_SALT_LEN]);

#endif /* !SESSION_CARRIER_ZMTP_SOCKET_H */
