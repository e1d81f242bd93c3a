"""A TCP proxy that cuts all its connections when told: python3 proxy.py
LISTEN TARGET FIFO.  Each line read from FIFO is a cut."""

import socket
import sys
import threading

connections = set()


def copy(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def cuts(path):
    while True:
        with open(path) as f:
            for _ in f:
                for s in list(connections):
                    connections.discard(s)
                    try:
                        s.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
threading.Thread(target=cuts, args=[sys.argv[3]], daemon=True).start()
while True:
    inner, _ = listener.accept()
    try:
        outer = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    except OSError:
        inner.close()
        continue
    connections.update((inner, outer))
    for pair in ((inner, outer), (outer, inner)):
        threading.Thread(target=copy, args=pair, daemon=True).start()
