"""Connections inside a session (PROTOCOL 12), as asyncio transports.

A stream stands for a TCP connection between two programs.  Here both of its
ends, or one of them if the other party forwards, are in the process of the
program.  What a protocol writes first in a turn of the event loop leaves at
once, because the other side may wait for it; the rest of that turn's writes
leave at its end, as one piece.  What has come for a stream is handed to its
protocol as one piece.
"""

import asyncio
from typing import Any, Callable, Dict, List, Optional

from ._native import ffi, lib
from .agreement import Party
from .errors import _text
from .selector import TurnSelector
from .session import Native

CREDIT = 1 << 16  # bytes of DATA that may be sent on a new stream
GROWTH = 16  # a round trip for each step: 64 KiB, 1 MiB, 4 MiB
WINDOW_MAX = 4 << 20  # ... and on one whose program takes what comes
CREDIT_MAX = 1 << 31  # at a time, of who else gives it

# Of a party: streams that it has opened and that are not over (MPyC has one,
# and one more while a computation follows another), and bytes that wait until
# the program listens.
STREAMS_MAX = 8
EARLY_MAX = 2 * CREDIT

# The largest message that is accepted; none of a stream is as long.
MESSAGE_MAX = 1 << 20

NO_SERVICE, WRONG_INDEX, SECOND, UNREACHABLE, PROTOCOL_ERROR = range(1, 6)
REASONS = {
    NO_SERVICE: 'nothing is offered there',
    WRONG_INDEX: "the index claimed is another party's",
    SECOND: 'that index is connected already',
    UNREACHABLE: 'the program there cannot be reached',
    PROTOCOL_ERROR: 'messages make no sense',
}

_OPEN, _DATA, _FIN = lib.PY_OPEN, lib.PY_DATA, lib.PY_FIN
_CREDIT, _RESET, _END = lib.PY_CREDIT, lib.PY_RESET, lib.PY_END

unpack = ffi.unpack

Factory = Callable[[], asyncio.Protocol]


class Stream(asyncio.Transport):
    """One stream; what MPyC takes for a TCP connection."""

    def __init__(self, streams: 'Streams', party: int, number: int,
                 ours: bool) -> None:
        super().__init__()
        self._streams = streams
        self.party = party
        self.number = number
        self.ours = ours
        self.protocol: Optional[asyncio.Protocol] = None
        self.early = bytearray()  # came before the protocol was there
        self.allowed = CREDIT  # bytes that may still be sent
        self.expected = self.window = CREDIT  # bytes that may still come
        self.owed = 0  # bytes taken, no credit given for them yet
        self.got_fin = self.sent_fin = False
        self.reset = False  # by us; waits for the answer
        self._chunks: List[bytes] = []
        self._append = self._chunks.append
        self._rest: Optional[memoryview] = None
        self._dirty = False
        self._closing = False
        self._lost = False

    # --- what asyncio asks of a transport ---

    def write(self, data: Any) -> None:
        """Send DATA now, or at the end of this turn of the loop."""
        if type(data) is not bytes:
            data = bytes(data)
        if not self._dirty:
            if self._closing or self._lost:
                return
            self._dirty = True
            s = self._streams
            s._dirty.append(self)
            if not s._scheduled:
                s.schedule()
            n = len(data)
            if n <= self.allowed and self._rest is None:
                err = s._send_now(s._turn, self.party, self.number, data, n,
                                  s.sent)
                if not err:
                    self.allowed -= n
                    return
                # The end of the turn finds out what is wrong.
                sent = s.sent[0]
                self.allowed -= sent
                data = data[sent:]
        self._append(data)

    def writelines(self, list_of_data: Any) -> None:
        """Send several pieces."""
        self.write(b''.join(list_of_data))

    def close(self) -> None:
        """End this direction after all of its data, and hear no more."""
        if self._closing or self._lost:
            return
        self._closing = True
        if not self._dirty:
            self._dirty = True
            self._streams.mark(self)

    def abort(self) -> None:
        """Close without sending what is left."""
        self._chunks.clear()
        self._rest = None
        self.close()

    def is_closing(self) -> bool:
        """Has close() been called, or is the stream gone?"""
        return self._closing or self._lost

    def can_write_eof(self) -> bool:
        """Half-closing is not offered."""
        return False

    def get_write_buffer_size(self) -> int:
        """Bytes that the session has not accepted yet."""
        rest = len(self._rest) if self._rest is not None else 0
        return rest + sum(map(len, self._chunks))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """"parley_party": the authenticated party at the other end."""
        if name == 'parley_party':
            return self._streams.parties[self.party]
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand what comes to PROTOCOL."""
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who gets what comes."""
        assert self.protocol is not None
        return self.protocol

    # --- sending ---

    def push(self) -> bool:
        """Give the session what it takes.  False: the window is full."""
        s = self._streams
        while self._rest is not None or self._chunks:
            if self._rest is None:
                self._rest = memoryview(b''.join(self._chunks))
                self._chunks.clear()
            n = min(len(self._rest), self.allowed)
            if n == 0:
                return True  # CREDIT will come
            err = s.send(self, ffi.from_buffer(self._rest[:n]), n)
            self.accepted(s.sent[0])
            if err:
                return self.failed(err)
        if self._closing and not self.sent_fin and not self.reset:
            err = s.control(self, _FIN, 0)
            if err:
                return self.failed(err)
            self.sent_fin = True
            s.forget_if_over(self)
            self.lose(None)
        return True

    def accepted(self, n: int) -> None:
        """N bytes of the rest have gone."""
        assert self._rest is not None
        self.allowed -= n
        self._rest = self._rest[n:] if n < len(self._rest) else None

    def failed(self, err: int) -> bool:
        """The session refused to take more."""
        if err == lib.PARLEY_ERR_AGAIN:
            return False
        # The party is gone: as a connection that its other end has closed.
        self.got_fin = self.sent_fin = True
        self._streams.forget_if_over(self)
        self.lose(None)
        return True

    def lose(self, exc: Optional[Exception]) -> None:
        """Tell the protocol, once, that the connection is gone."""
        if self._lost:
            return
        self._lost = True
        self._rest = None
        self._chunks.clear()
        if self.protocol is not None and self._streams.loop is not None:
            self._streams._acted = True
            self._streams.loop.call_soon(self.protocol.connection_lost, exc)


class Streams:
    """All streams of a session, driven by one event loop.

    Nobody else may send or receive on the session.

    Args:
        native: the session, ready.
        on_lost: called with a sentence when a party is lost or gave up.
        on_liar: called with a sentence when a party claimed another's index.
    """

    def __init__(self, native: Native,
                 on_lost: Callable[[Optional[Party], str], None],
                 on_liar: Callable[[Party, str], None]) -> None:
        self.native = native
        self.parties = native.agreement.parties
        self.index = native.index
        self.loop: Optional[asyncio.AbstractEventLoop] = None
        self.sent = ffi.new('size_t *')
        self.ended = False  # the program; what comes is dropped
        self._on_lost = on_lost
        self._on_liar = on_liar
        self._run, self._flush = lib.py_turn_run, lib.py_turn_flush
        self._send, self._send_now = lib.py_turn_send, lib.py_turn_send_now
        self._wait = lib.py_turn_wait
        self._turn = ffi.gc(lib.py_turn_new(native.handle), lib.py_turn_free)
        self._fd: int = lib.parley_session_fd(native.handle)
        self._streams: Dict[int, Dict[int, Stream]] = {
            p.index: {} for p in self.parties}
        self._dirty: List[Stream] = []
        self._scheduled = False
        self._due = False  # something other than DATA is to be flushed
        self._acted = False  # in this turn, so that the loop has work
        self._selector: Optional[TurnSelector] = None
        self._early: Dict[int, int] = {p.index: 0 for p in self.parties}
        self._factory: Optional[Factory] = None

    def attach(self, loop: asyncio.AbstractEventLoop,
               selector: Optional[TurnSelector] = None) -> None:
        """Be driven by LOOP from now on, through its SELECTOR if given."""
        self.loop = loop
        self._call_soon = loop.call_soon
        self._flush_callback = self.flush
        if selector is None:
            loop.add_reader(self._fd, self.turn)
        else:
            self.native.check(lib.py_turn_watch(self._turn,
                                                selector.fileno()))
            self._selector, selector.streams = selector, self
            self._scheduled = True  # always
        loop.call_soon(self.turn)

    def silence(self) -> None:
        """The loop drives this no longer."""
        loop = self.loop
        if self._selector is not None:
            self._selector.streams = None
        elif loop is not None and not loop.is_closed():
            loop.remove_reader(self._fd)

    def detach(self) -> None:
        """Leave the loop: the program has ended."""
        self.ended = True
        self.silence()
        self.loop = None

    # --- connections ---

    def connect(self, party: int, factory: Factory) -> Stream:
        """Open a stream to PARTY."""
        # Of a pair the lower index opens even numbers, the other one odd.
        number = 0 if self.index < party else 1
        while number in self._streams[party]:
            number += 2
        if number > 0xffff:
            raise OSError('no stream number is free')
        stream = Stream(self, party, number, True)
        self._streams[party][number] = stream
        err = self.control(stream, _OPEN, 0)
        if err:
            del self._streams[party][number]
            raise ConnectionError(_text(lib.parley_session_error(
                self.native.handle)))
        self._begin(stream, factory)
        return stream

    def listen(self, factory: Optional[Factory]) -> None:
        """Give streams of others to protocols of FACTORY; None: not yet."""
        self._factory = factory
        if factory is None:
            return
        for streams in self._streams.values():
            for stream in list(streams.values()):
                if not stream.ours and stream.protocol is None:
                    self._accept(stream)

    def _begin(self, stream: Stream, factory: Factory) -> None:
        stream.protocol = factory()
        stream.protocol.connection_made(stream)

    def _accept(self, stream: Stream) -> None:
        """Begin once the program listens and the index claimed is right."""
        if len(stream.early) < 2 or stream.reset:
            return
        claimed = int.from_bytes(stream.early[:2], 'little')
        if claimed != stream.party:
            self._reset(stream, WRONG_INDEX)
            party = self.parties[stream.party]
            self._on_liar(party, f'{party} claims to be party {claimed}: cut')
            return
        if self._factory is None:
            return
        self._begin(stream, self._factory)
        data, stream.early = bytes(stream.early), bytearray()
        self._early[stream.party] -= len(data)
        self._deliver(stream, data)
        if stream.got_fin:
            self._eof(stream)

    def _deliver(self, stream: Stream, data: bytes) -> None:
        protocol = stream.protocol
        assert protocol is not None
        stream.owed += len(data)
        if stream.owed >= stream.window // 4:
            self._grant(stream)
        if stream._closing or stream._lost:
            return
        try:
            protocol.data_received(data)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:  # as asyncio's own transports
            assert self.loop is not None
            self.loop.call_exception_handler({
                'message': 'Fatal error: protocol.data_received() failed.',
                'exception': exc, 'transport': stream, 'protocol': protocol})
            stream.abort()

    def _grant(self, stream: Stream) -> None:
        # What comes is handed out at once: the window grows each time.
        window = min(GROWTH * stream.window, WINDOW_MAX)
        credit = stream.owed + window - stream.window
        # Refused only where a window is full: tried again with the next data.
        if self.control(stream, _CREDIT, credit) == 0:
            stream.expected += credit
            stream.window = window
            stream.owed = 0

    def _eof(self, stream: Stream) -> None:
        if stream.protocol is not None and not stream.is_closing():
            if not stream.protocol.eof_received():
                stream.close()

    # --- messages ---

    def send(self, stream: Stream, data: Any, length: int) -> int:
        """Send DATA; self.sent[0] is how much was accepted."""
        err: int = lib.py_turn_send(self._turn, stream.party, stream.number,
                                    data, length, self.sent)
        return err

    def control(self, stream: Stream, op: int, value: int) -> int:
        """Send a message other than DATA."""
        err: int = lib.py_turn_control(self._turn, stream.party, op,
                                       stream.number, value)
        self._due = True
        self.schedule()
        return err

    def _too_early(self, stream: Stream, data: bytes) -> None:
        """Keep DATA until the program listens."""
        if self._early[stream.party] + len(data) > EARLY_MAX:
            self._reset(stream, UNREACHABLE)
            return
        self._early[stream.party] += len(data)
        stream.early += data
        self._accept(stream)

    def _drop_early(self, stream: Stream) -> None:
        self._early[stream.party] -= len(stream.early)
        stream.early = bytearray()

    def _reset(self, stream: Stream, reason: int) -> None:
        stream.reset = True
        self._drop_early(stream)
        self.control(stream, _RESET, reason)
        stream.lose(None)

    def forget_if_over(self, stream: Stream) -> None:
        """The number of a stream that is over is free again."""
        if stream.sent_fin and stream.got_fin:
            self._drop_early(stream)
            self._streams[stream.party].pop(stream.number, None)

    # --- turns ---

    def mark(self, stream: Stream) -> None:
        """STREAM has something to send."""
        self._dirty.append(stream)
        self.schedule()

    def schedule(self) -> None:
        """Flush at the end of this turn."""
        if not self._scheduled and self.loop is not None:
            self._scheduled = True
            self._call_soon(self._flush_callback)

    def flush(self) -> None:
        """Send what was written since the last time."""
        if self._selector is None:
            self._scheduled = False
        if not self._dirty and not self._due:
            return
        self._due = False
        dirty, self._dirty = self._dirty, []
        send, turn, sent = self._send, self._turn, self.sent
        for stream in dirty:
            stream._dirty = False
            chunks = stream._chunks
            # The usual cases, and where the time goes.
            if not chunks and stream._rest is None and not stream._closing:
                continue
            if chunks and stream._rest is None and not stream._closing:
                data = chunks[0] if len(chunks) == 1 else b''.join(chunks)
                n = len(data)
                if n <= stream.allowed:
                    chunks.clear()
                    err = send(turn, stream.party, stream.number, data, n,
                               sent)
                    if not err:
                        stream.allowed -= n
                        continue
                    stream._rest = memoryview(data)
                    stream.accepted(sent[0])
                    if stream.failed(err):
                        continue
            if not stream.push() and not stream._dirty:
                stream._dirty = True
                self._dirty.append(stream)
        n = self._flush(turn)
        if n > 0:
            self._handle(n)
        elif n < 0:
            self._fail(n)

    def end_turn(self, timeout_ms: int) -> bool:
        """Send what was written, and wait for more to do for the loop.

        Returns whether the selector has something of its own.
        """
        self._acted = False
        if self._dirty or self._due:
            self.flush()
        turn = self._turn
        n = self._wait(turn, 0 if self._acted else timeout_ms)
        other: bool = turn.other
        if n > 0:
            self._handle(n)
        elif n < 0:
            self._fail(n)
        return other

    def turn(self) -> None:
        """Take all that has come."""
        n = self._run(self._turn)
        if n > 0:
            self._handle(n)
        elif n < 0:
            self._fail(n)
        if self._dirty:  # a window was full
            self.schedule()

    def _handle(self, n_events: int) -> None:
        self._acted = True
        turn = self._turn
        events, base, streams = turn.events, turn.bytes, self._streams
        for k in range(n_events):
            e = events[k]
            op, party = e.op, e.party
            stream = streams[party].get(e.stream)
            if op == _DATA:
                n = e.len
                if stream is None or stream.reset or stream.got_fin:
                    self._stray(party, e.stream, stream)
                    continue
                stream.expected -= n
                if stream.expected < 0:
                    self._reset(stream, PROTOCOL_ERROR)
                elif self.ended:
                    stream.expected += n
                    self.control(stream, _CREDIT, n)
                elif stream.protocol is not None:
                    self._deliver(stream, unpack(base + e.at, n))
                else:
                    self._too_early(stream, unpack(base + e.at, n))
            elif op == _CREDIT:
                if stream is None or stream.reset:
                    continue
                if not 0 < e.value <= CREDIT_MAX - stream.allowed:
                    self._reset(stream, PROTOCOL_ERROR)
                    continue
                stream.allowed += e.value
                if stream.get_write_buffer_size() and not stream._dirty:
                    stream._dirty = True
                    self.mark(stream)
            elif op == _OPEN:
                self._opened(party, e.stream, e.value, stream)
            elif op == _FIN:
                if stream is None or stream.reset:
                    self._stray(party, e.stream, stream)
                    continue
                stream.got_fin = True
                if self.ended:
                    stream.close()
                elif stream.protocol is not None:
                    self._eof(stream)
                elif len(stream.early) < 2:
                    stream.close()  # it left without a word
                self.forget_if_over(stream)
            elif op == _RESET:
                self._was_reset(party, e.value, stream)
            elif op == _END:
                self._party_ended(party, -int(e.value),
                                  unpack(base + e.at, e.len))
            else:
                self._stray(party, e.stream, stream)

    def _opened(self, party: int, number: int, service: int,
                old: Optional[Stream]) -> None:
        lower = party < self.index
        theirs = [s for s in self._streams[party].values() if not s.ours]
        second = any(not s.got_fin and not s.reset for s in theirs)
        if old is None and len(theirs) >= STREAMS_MAX:
            # Nothing is kept of it.
            self._refuse(party, number, UNREACHABLE)
            return
        stream = Stream(self, party, number, False)
        if old is not None or number % 2 != (0 if lower else 1):
            reason = PROTOCOL_ERROR
        elif service != 0 or not lower:
            reason = NO_SERVICE  # of MPyC the lower index connects
        elif second:
            reason = SECOND
        else:
            self._streams[party][number] = stream
            return
        if old is None:
            self._streams[party][number] = stream
        self._reset(old or stream, reason)

    def _stray(self, party: int, number: int,
               stream: Optional[Stream]) -> None:
        """A message that fits no stream; dropped on one that we reset."""
        if stream is None:
            self._refuse(party, number, PROTOCOL_ERROR)
        elif not stream.reset:
            self._reset(stream, PROTOCOL_ERROR)

    def _refuse(self, party: int, number: int, reason: int) -> None:
        """Send RESET for a number that stands for nothing here."""
        lib.py_turn_control(self._turn, party, _RESET, number, reason)
        self._due = True
        self.schedule()

    def _was_reset(self, party: int, reason: int,
                   stream: Optional[Stream]) -> None:
        if stream is None:
            return
        if not stream.reset:
            self.control(stream, _RESET, reason)
            stream.lose(None)
        self._drop_early(stream)
        del self._streams[party][stream.number]
        if stream.ours and not self.ended:
            who = self.parties[party]
            self._on_lost(who, f'{who} cut the connection: '
                          + REASONS.get(reason, f'reason {reason}'))

    def _party_ended(self, party: int, err: int, why: bytes) -> None:
        if err == lib.PARLEY_ERR_CLOSED:
            # Its program has ended; TCP would say no more than that.
            for stream in list(self._streams[party].values()):
                stream.got_fin = True
                self._eof(stream)
            return
        if not self.ended:
            self._on_lost(self.parties[party], why.decode('utf-8', 'replace'))

    def _fail(self, err: int) -> None:
        exc = self.native.error(err)
        if not self.ended:
            party = None if exc.party is None else self.parties[exc.party]
            self._on_lost(party, str(exc))

    # --- the end ---

    def settle(self) -> bool:
        """After detach(): end all streams.

        True: both directions of each have ended, so that whatever the other
        side still had to say is here, and it need not wait for us.
        """
        for streams in self._streams.values():
            for stream in list(streams.values()):
                if not stream.reset:
                    stream.close()
        self.flush()
        lib.parley_session_flush(self.native.handle)
        return all(s.reset for streams in self._streams.values()
                   for s in streams.values())
