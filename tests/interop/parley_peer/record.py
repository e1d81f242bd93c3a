"""Records and items (PROTOCOL 6)."""

from .encoding import varint, varint_decode
from .errors import Refused, demand
from .schedule import label, open_, seal

TYPE = 0x10
EPOCH = 4096
RECORD_LEN_MAX = 262144
OVERHEAD = 1 + 3 + 16
SEQUENCE_END = 2 ** 48
(PADDING, FIRST, NEXT, ACK, READY, INSTANCES, PING, PONG, CLOSE,
 ABORT, GAP) = range(11)
CODES = ("PADDING", "FIRST", "NEXT", "ACK", "READY", "INSTANCES", "PING",
         "PONG", "CLOSE", "ABORT", "GAP")
AFTER_CLOSE = ("ACK", "GAP", "PING", "PONG", "PADDING", None)
SILENT = ("ACK", "GAP", "PADDING")  # do not call for an ACK
ABORT_TEXT_MAX = 1024


class Direction:
    """One direction of a channel: counts records, ratchets its secret."""

    def __init__(self, suite, secret):
        self.suite = suite
        self.sequence = 0
        self.ratchets = 0
        self._set(secret)

    def _set(self, secret):
        self._key = label(secret, "key", b"", 32)
        self._iv = label(secret, "iv", b"", 12)
        self._next = label(secret, "ratchet", b"", 32)

    def _advance(self):
        self.sequence += 1
        if self.sequence % EPOCH == 0:
            self._set(self._next)
            self.ratchets += 1

    def skip_to(self, sequence):
        """For vectors: go on with a later record."""
        while self.sequence // EPOCH < sequence // EPOCH:
            self.sequence = (self.sequence // EPOCH + 1) * EPOCH - 1
            self._advance()
        self.sequence = sequence

    def _nonce(self):
        counter = self.sequence.to_bytes(12, "big")
        return bytes(a ^ b for a, b in zip(self._iv, counter))

    def _header(self):
        return bytes([TYPE]) + (self.sequence % 2 ** 24).to_bytes(3, "big")

    def seal(self, items):
        demand(self.sequence < SEQUENCE_END, "EXHAUSTED", "channel exhausted")
        demand(len(items) + OVERHEAD <= RECORD_LEN_MAX, "TOO_LARGE", "record")
        header = self._header()
        record = header + seal(self.suite, self._key, self._nonce(), header,
                               items)
        self._advance()
        return record

    def open(self, record):
        demand(OVERHEAD <= len(record) <= RECORD_LEN_MAX and record[0] == TYPE,
               "LENGTH", "length or type of record")
        demand(self.sequence < SEQUENCE_END, "EXHAUSTED", "channel exhausted")
        header = self._header()
        ahead = (int.from_bytes(record[1:4], "big")
                 - self.sequence) % 2 ** 24
        demand(ahead == 0 or ahead < 2 ** 23, "REPLAY", "seen before")
        demand(ahead == 0, "SEQUENCE", "record out of sequence")
        items = open_(self.suite, self._key, self._nonce(), header, record[4:])
        self._advance()
        return items


def message(data):
    return varint(2 * len(data)) + data


def control(code, body=b""):
    return varint(2 * code + 1) + varint(len(body)) + body


def first(total, data):
    return control(FIRST, varint(total) + data)


def ack(next_sequence, limit):
    return control(ACK, varint(next_sequence) + varint(limit))


def abort(reason, culprit, text):
    """`culprit` is an index or None."""
    who = 0 if culprit is None else culprit + 1
    raw = text.encode()[:ABORT_TEXT_MAX].decode(errors="ignore").encode()
    return control(ABORT, varint(reason) + varint(who) + raw)


class Item:
    """One item: kind is "MESSAGE", a name from CODES, or None (to be
    skipped); size is that of the whole item with its framing."""

    def __init__(self, kind, body, size, **values):
        self.kind, self.body, self.size = kind, body, size
        self.__dict__.update(values)


def parse(plaintext, n_parties):
    """The items of a record."""
    items = []
    at = 0
    while at < len(plaintext):
        begin = at
        head, at = varint_decode(plaintext, at)
        if head % 2 == 0:
            length, code = head // 2, None
        else:
            code = head // 2
            length, at = varint_decode(plaintext, at)
        demand(length <= len(plaintext) - at, "RECORD", "item is cut off")
        body = plaintext[at:at + length]
        at += length
        if code is None:
            items.append(Item("MESSAGE", body, at - begin))
            continue
        demand(code < len(CODES) or code >= 32, "RECORD", "reserved item")
        kind = CODES[code] if code < 32 else None
        items.append(Item(kind, body, at - begin,
                          **read_body(code, body, n_parties)))
    return items


def read_body(code, body, n_parties):
    if code == FIRST:
        total, at = varint_decode(body, 0)
        demand(len(body) - at < total, "RECORD", "FIRST holds all of it")
        return {"total": total, "part": body[at:]}
    if code in (ACK, GAP):
        next_sequence, at = varint_decode(body, 0)
        limit, at = varint_decode(body, at)
        demand(at == len(body), "RECORD", "ACK is too long")
        return {"next": next_sequence, "limit": limit}
    if code == ABORT:
        reason, at = varint_decode(body, 0)
        who, at = varint_decode(body, at)
        demand(who <= n_parties, "RECORD", "ABORT names no party")
        demand(len(body) - at <= ABORT_TEXT_MAX, "RECORD", "ABORT is too long")
        try:
            text = body[at:].decode()
        except ValueError:
            raise Refused("RECORD", "ABORT is not UTF-8") from None
        return {"reason": reason, "culprit": who - 1 if who else None,
                "text": text}
    fits = {READY: len(body) == 32, INSTANCES: len(body) == 16 * n_parties,
            PING: len(body) <= 16, PONG: len(body) <= 16, CLOSE: not body}
    demand(fits.get(code, True), "RECORD", "length of a control item")
    return {}


class Order:
    """What items may follow which, in one direction of a channel: puts
    messages in parts together."""

    def __init__(self):
        self.begun = False
        self.closed = False
        self._total = None
        self._parts = []
        self._got = 0

    def record(self, items):
        """Check the items of one record."""
        if not self.begun:
            demand(items and items[0].kind == "ACK", "RECORD",
                   "first record does not begin with ACK")
            self.begun = True

    def item(self, item):
        """The message that is complete with this item, or None."""
        demand(not self.closed or item.kind in AFTER_CLOSE,
               "RECORD", "item after CLOSE")
        if item.kind == "MESSAGE":
            demand(self._total is None, "RECORD", "message within a message")
            return item.body
        if item.kind == "FIRST":
            demand(self._total is None, "RECORD", "FIRST within a message")
            self._total, self._parts, self._got = item.total, [], 0
            return self._part(item.part)
        if item.kind == "NEXT":
            demand(self._total is not None, "RECORD", "NEXT without FIRST")
            return self._part(item.body)
        if item.kind == "CLOSE":
            demand(self._total is None, "RECORD", "CLOSE within a message")
            self.closed = True
        return None

    def _part(self, data):
        self._parts.append(data)
        self._got += len(data)
        demand(self._got <= self._total, "RECORD", "parts exceed total")
        if self._got < self._total:
            return None
        self._total = None
        return b"".join(self._parts)
