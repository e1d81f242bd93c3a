"""A client of sessiond, written from session/CONTROL.md: ZMTP 3.1 as a DEALER
over a unix-domain socket, deterministic CBOR, requests and replies."""

import select
import socket
import struct
import time

LIMIT = 60


class Error(Exception):
    def __init__(self, code, text, party):
        super().__init__(text)
        self.code, self.party = code, party


def head(major, n):
    for size, code in ((24, None), (1 << 8, 24), (1 << 16, 25), (1 << 32, 26)):
        if n < size:
            break
    else:
        code = 27
    if code is None:
        return bytes([major << 5 | n])
    return bytes([major << 5 | code]) + n.to_bytes(1 << (code - 24), "big")


def encode(x):
    if isinstance(x, bool):
        return b"\xf5" if x else b"\xf4"
    if isinstance(x, int):
        return head(0, x) if x >= 0 else head(1, -1 - x)
    if isinstance(x, bytes):
        return head(2, len(x)) + x
    if isinstance(x, str):
        return head(3, len(x.encode())) + x.encode()
    return head(4, len(x)) + b"".join(encode(i) for i in x)


def decode(b, at=0):
    major, info = b[at] >> 5, b[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True}[info], at
    if info >= 24:
        size = 1 << (info - 24)
        info = int.from_bytes(b[at : at + size], "big")
        at += size
    if major == 0:
        return info, at
    if major == 1:
        return -1 - info, at
    if major == 2:
        return b[at : at + info], at + info
    if major == 3:
        return b[at : at + info].decode(), at + info
    assert major == 4, major
    items = []
    for _ in range(info):
        item, at = decode(b, at)
        items.append(item)
    return items, at


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        for _ in range(1000):
            try:
                self.socket.connect(path)
                break
            except BlockingIOError:  # its queue is full: the daemon is busy
                time.sleep(0.01)
        else:
            raise TimeoutError(f'{path} takes no connection')
        self.buffer = b""
        self.id = 0
        self.events, self.replies = [], {}
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0")
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        self.socket.sendall(
            greeting.ljust(64, b"\0") + bytes([4, len(ready)]) + ready
        )
        self.take(64)
        flags, _ = self.frame()
        assert flags & 4, "READY expected"

    def take(self, n):
        while len(self.buffer) < n:
            more = self.socket.recv(1 << 20)
            if not more:
                raise ConnectionError("the daemon closed the connection")
            self.buffer += more
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def frame(self):
        flags = self.take(1)[0]
        size = self.take(8 if flags & 2 else 1)
        return flags, self.take(int.from_bytes(size, "big"))

    def send_bytes(self, body):
        if len(body) < 256:
            self.socket.sendall(bytes([0, len(body)]) + body)
        else:
            self.socket.sendall(b"\x02" + struct.pack(">Q", len(body)) + body)

    def next(self):
        """The next message, into replies or events."""
        flags, body = self.frame()
        if flags & 4:  # PING
            if body[:5] == b"\x04PING":
                pong = b"\x04PONG" + body[7:]
                self.socket.sendall(bytes([4, len(pong)]) + pong)
            return
        message, at = decode(body)
        assert at == len(body) and message[0] == 1, message
        if message[1] == 0 and message[2] == 1:
            self.events.append(message[3:])
        else:
            self.replies[message[1]] = message[2:]

    def ask(self, op, *arguments):
        """Send a request; returns its id."""
        self.id += 1
        self.send_bytes(encode([1, self.id, op, *arguments]))
        return self.id

    def answer(self, ident):
        limit = time.monotonic() + LIMIT
        while ident not in self.replies:
            assert time.monotonic() < limit, "no answer"
            self.next()
        status, *rest = self.replies.pop(ident)
        if status < 0:
            raise Error(status, *rest)
        return rest

    def call(self, op, *arguments):
        return self.answer(self.ask(op, *arguments))

    def open(self, path, did="", open_ms=0, linger_ms=0, lost_ms=-1):
        with open(path) as f:
            return self.call(
                "open", f.read(), did, open_ms, linger_ms, lost_ms
            )[0]

    def until(self, session, party, states):
        """Wait for an event; needs events() before."""
        limit = time.monotonic() + LIMIT
        while True:
            while self.events:
                s, p, state, text = self.events.pop(0)
                if (s, p) == (session, party) and state in states:
                    return state, text
            left = limit - time.monotonic()
            assert left > 0, f"never came: {session} {party} {states}"
            if not self.buffer:
                select.select([self.socket], [], [], left)
            self.next()

    def ready(self, session):
        self.call("events", session)
        state, text = self.until(session, -1, (READY, CLOSED, FAILED))
        assert state == READY, text

    def close(self):
        self.socket.close()


OPENING, READY, CLOSING, CLOSED, FAILED = range(5)
SELF, CONNECTING, HANDSHAKING, P_READY, INTERRUPTED, LOST, P_CLOSED = range(7)
