/*
 * Sockets of the ZMTP carrier: where an endpoint is, and what a connection is
 * told.  Nothing here knows of the carrier.
 */
#include "session/carrier_zmtp_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include <parley/err.h>

bool session_carrier_zmtp_socket_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

void session_carrier_zmtp_socket_set_options(int fd, int liveness_ms)
{
	const int beat_s = liveness_ms / 3000 > 0 ? liveness_ms / 3000 : 1;

	/* Records are whole when they are written: nothing is to wait. */
	session_carrier_zmtp_socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* The kernel asks after an idle other end, and gives up after two
	 * unanswered questions.  What was sent and not acknowledged is looked
	 * after in carrier_zmtp_alive.c: TCP_USER_TIMEOUT would also end a
	 * connection whose other end is busy and does not read. */
	session_carrier_zmtp_socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	session_carrier_zmtp_socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, beat_s);
	session_carrier_zmtp_socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, beat_s);
	session_carrier_zmtp_socket_set(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
}

int session_carrier_zmtp_socket_split(char host[SESSION_HOST_SIZE],
				      const char **portp, const char *endpoint)
{
	const char *port, *begin = endpoint + strlen("tcp://");
	size_t len;

	if (strncmp(endpoint, "tcp://", strlen("tcp://")) != 0 ||
	    !(port = strrchr(begin, ':')))
		return PARLEY_ERR_ENDPOINT;
	len = (size_t)(port - begin);
	if (len >= 2 && begin[0] == '[' && begin[len - 1] == ']') {
		begin++;
		len -= 2;
	}
	if (len == 0 || len >= SESSION_HOST_SIZE)
		return PARLEY_ERR_ENDPOINT;
	memcpy(host, begin, len);
	host[len] = '\0';
	*portp = port + 1;
	return 0;
}

static int get_addresses(struct addrinfo **list, const char *host,
			 const char *port, int flags)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = flags};

	return getaddrinfo(host, port, &hints, list) ? PARLEY_ERR_ENDPOINT : 0;
}

int session_carrier_zmtp_socket_local(struct addrinfo **list, const char *host,
				      const char *port)
{
	return get_addresses(list, strcmp(host, "*") == 0 ? NULL : host, port,
			     AI_PASSIVE);
}

int session_carrier_zmtp_socket_numeric(struct addrinfo **list,
					const char *host, const char *port)
{
	return get_addresses(list, host, port, AI_NUMERICHOST | AI_NUMERICSERV);
}

static const char ipc_prefix[] = "ipc://";

bool session_carrier_zmtp_socket_is_ipc(const char *endpoint)
{
	return strncmp(endpoint, ipc_prefix, strlen(ipc_prefix)) == 0;
}

int session_carrier_zmtp_socket_ipc_address(struct addrinfo *ai,
					    struct sockaddr_un *un,
					    const char *endpoint)
{
	const char *path = endpoint + strlen(ipc_prefix);

	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] == '\0' || strlen(path) >= sizeof(un->sun_path))
		return PARLEY_ERR_ENDPOINT;
	memcpy(un->sun_path, path, strlen(path));
	*ai = (struct addrinfo){.ai_family = AF_UNIX,
				.ai_addr = (struct sockaddr *)un,
				.ai_addrlen = sizeof(*un)};
	return 0;
}

bool session_carrier_zmtp_socket_is_unix(int fd)
{
	struct sockaddr a;
	socklen_t len = sizeof(a);

	return getsockname(fd, &a, &len) == 0 && a.sa_family == AF_UNIX;
}

bool session_carrier_zmtp_socket_is_own_user(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

uint16_t session_carrier_zmtp_socket_slot(
    const struct sockaddr_storage *from,
    const uint8_t salt[SESSION_CARRIER_ZMTP_SOCKET_SALT_LEN])
{
	_Static_assert((int)SESSION_CARRIER_ZMTP_SOCKET_SALT_LEN ==
			   (int)crypto_shorthash_KEYBYTES,
		       "the key of the hash");
	uint8_t address[8] = {0}, hash[crypto_shorthash_BYTES];
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	if (from->ss_family == AF_INET) {
		memcpy(&four, from, sizeof(four));
		memcpy(address, &four.sin_addr, sizeof(four.sin_addr));
	} else if (from->ss_family == AF_INET6) {
		memcpy(&six, from, sizeof(six));
		/* ::ffff:a.b.c.d has its host in the other half. */
		memcpy(address,
		       six.sin6_addr.s6_addr +
			   (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr) ? 8 : 0),
		       sizeof(address));
	}
	crypto_shorthash(hash, address, sizeof(address), salt);
	return (uint16_t)((hash[0] << 8 | hash[1]) %
			  SESSION_CARRIER_ZMTP_SOCKET_SLOTS);
}
