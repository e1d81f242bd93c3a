"""Parties that send a lot to party 0: echo.py INDEX PARTIES PORT ADDRESS BYTES

Party 0 listens at PORT and tells each connection how much came on it; the
others connect to ADDRESS.
"""
import socket
import sys

index, parties, port = (int(a) for a in sys.argv[1:4])
host, at = sys.argv[4].split(':')
n = int(sys.argv[5])
if index > 0:
    s = socket.create_connection((host, int(at)))
    s.sendall(bytes(n))
    s.shutdown(socket.SHUT_WR)
    print('answer', s.recv(100).decode())
    assert s.recv(1) == b''
    sys.exit()
listener = socket.create_server(('127.0.0.1', port))
connections = [listener.accept()[0] for _ in range(parties - 1)]
for s in connections:
    count = 0
    while data := s.recv(65536):
        count += len(data)
    s.sendall(b'%d' % count)
    s.close()
print('all answered')
