"""Ports for parties of tests."""

import socket


def free_ports(n):
    """N ports of the loopback interface that nobody uses now."""
    # All at once, so that they differ.
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
