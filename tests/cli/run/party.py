"""A program of several parties that connects as MPyC does.

    party.py [-P HOST:PORT]... [-I INDEX] [-T N] [--claim N] [--slow] [--twice]
             [--exit N]

Party i listens for those before it and dials those after it; the first two
bytes of a connection are i.  Everybody tells everybody its number, and prints
the sum.  --claim lies about i, --twice connects twice to each party, --slow
computes until a signal or the end of a connection comes.
"""
import argparse
import socket
import sys
import time

p = argparse.ArgumentParser()
p.add_argument('-P', action='append', default=[])
p.add_argument('-I', type=int, default=0)
p.add_argument('-T', type=int)
p.add_argument('--claim', type=int)
p.add_argument('--slow', action='store_true')
p.add_argument('--twice', action='store_true')
p.add_argument('--exit', type=int, default=0)
o = p.parse_args()
m, i = len(o.P), o.I
claim = (i if o.claim is None else o.claim).to_bytes(2, 'little')


def address(j):
    host, port = o.P[j].rsplit(':', 1)
    return host, int(port)


def dial(j):
    s = socket.create_connection(address(j))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(claim)
    return s


def read(s, n):
    data = b''
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            print('connection ended', file=sys.stderr)
            sys.exit(1)
        data += more
    return data


listener = socket.create_server(address(i)) if i > 0 else None
peers = {j: dial(j) for j in range(i + 1, m)}
extra = [dial(j) for j in range(i + 1, m)] if o.twice else []
for _ in range(i):
    s, _ = listener.accept()
    peers[int.from_bytes(read(s, 2), 'little')] = s
if listener:
    listener.close()
print('connected to', *sorted(peers), flush=True)
if o.slow:
    print('computing', flush=True)
    read(peers[0 if i else 1], 1)
total = i + 1
for round_ in range(20):
    for s in peers.values():
        s.sendall((i + 1).to_bytes(4, 'big'))
    values = [int.from_bytes(read(s, 4), 'big') for s in peers.values()]
    assert sorted(values) == sorted(j + 1 for j in peers), values
    total = i + 1 + sum(values)
print('sum', total)
for s in peers.values():
    s.shutdown(socket.SHUT_WR)
for s in peers.values():
    assert s.recv(1) == b''
sys.exit(o.exit)
