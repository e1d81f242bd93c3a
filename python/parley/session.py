"""One party's end of a computation, on asyncio.

    async with parley.Session(agreement, identity) as s:
        await s.send(1, b'share')
        message = await s.recv(2)

A session is driven by its event loop alone, without a thread: one descriptor is
watched.  It belongs to the loop in which it was opened.
"""

import asyncio
import enum
import weakref
from collections import deque
from dataclasses import dataclass
from typing import (Any, AsyncIterator, Callable, Deque, Dict, List, Optional,
                    Tuple, Type, Union)

from ._native import ffi, lib
from .agreement import Agreement, Party
from .did import Identity
from .errors import ClosedError, Error, _text, make
from .receipt import Receipt

Data = Union[bytes, bytearray, memoryview]


class SessionState(enum.Enum):
    """What a session is doing."""

    OPENING = 0  # not every party is here yet
    READY = 1
    CLOSING = 2
    CLOSED = 3
    FAILED = 4


class PartyState(enum.Enum):
    """How it stands with a party."""

    SELF = 0
    CONNECTING = 1  # no connection yet
    HANDSHAKING = 2  # connected, not authenticated yet
    READY = 3  # authenticated, same agreement
    INTERRUPTED = 4  # connection broken, may come back
    LOST = 5  # will not come back
    CLOSED = 6  # said goodbye


@dataclass(frozen=True)
class Event:
    """Something happened to a party, or it is still waited for."""

    party: Optional[Party]
    state: PartyState
    endpoint: Optional[str]  # dialled; None: waiting to be dialled
    detail: Optional[str]  # the last thing that went wrong there
    waited: float  # seconds since the session was opened


@dataclass(frozen=True)
class Statistics:
    """What went over the channel of one party; see parley_party_stats."""

    messages_sent: int
    messages_received: int
    bytes_sent: int
    bytes_received: int
    records_sent: int
    records_received: int
    wire_bytes_sent: int
    wire_bytes_received: int
    records_resent: int
    records_dropped: int
    resumes: int
    ratchets: int
    handshake_us: int
    rtt_us: int


@dataclass(frozen=True)
class Options:
    """How a session behaves; times are in seconds.

    Attributes:
        listen: listen at this endpoint instead of the agreed ones.
        open_timeout: longest time until every party is ready.
        close_timeout: longest time that close() waits for the others.
        liveness: a party that is silent on the network for so long is lost.
        on_lost: "fail", or "wait": a party whose connection stays broken is
            waited for until resume_timeout.
        carrier: "zmtp", or "libzmq", which has a thread of its own.
        window: bytes that a party may have sent here untaken.
        message_max: largest message that is accepted.
        record_max: largest record that is sent.
        keep_receipts: keep what receipt() returns.
    """

    listen: Optional[str] = None
    open_timeout: float = 60.0
    close_timeout: float = 30.0
    liveness: float = 30.0
    on_lost: str = 'fail'
    resume_timeout: float = 600.0
    unresponsive: float = 300.0
    carrier: str = 'zmtp'
    window: Optional[int] = None
    message_max: Optional[int] = None
    record_max: Optional[int] = None
    keep_receipts: bool = False


_ON_LOST = {'fail': 0, 'wait': 1}
_CARRIERS = {'zmtp': 0, 'libzmq': 1}


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))


class Native:
    """A session of libparley, without asyncio: for what drives it itself.

    Args:
        on_event: called with each Event; a true result ends the opening.
    """

    def __init__(self, agreement: Agreement, identity: Identity, o: Options,
                 on_event: Callable[[Event], Optional[bool]]) -> None:
        self.agreement = agreement
        self.identity = identity  # borrowed by libparley, as the agreement
        self._on_event = on_event
        self.raised: Optional[BaseException] = None
        self._me = ffi.new_handle(weakref.ref(self))
        c = ffi.new('struct parley_session_options *')
        lib.parley_session_options_init(c)
        listen = ffi.new('char[]', o.listen.encode()) if o.listen else ffi.NULL
        c.listen = listen
        c.open_timeout_ms = _ms(o.open_timeout)
        c.send_timeout_ms = c.recv_timeout_ms = c.close_timeout_ms = 0
        c.liveness_ms = _ms(o.liveness)
        c.on_lost = _lookup(_ON_LOST, 'on_lost', o.on_lost)
        c.resume_ms = _ms(o.resume_timeout)
        c.unresponsive_ms = _ms(o.unresponsive)
        c.carrier = _lookup(_CARRIERS, 'carrier', o.carrier)
        for name in ('window', 'message_max', 'record_max'):
            value = getattr(o, name)
            if value is not None:
                setattr(c, name, value)
        c.keep_receipts = o.keep_receipts
        c.on_progress = lib.parley_py_progress
        c.context = self._me
        p = ffi.new('struct parley_session **')
        err = lib.parley_session_new(p, agreement._handle, identity._handle,
                                     c)
        if p[0] == ffi.NULL:
            raise make(err)
        self.handle = ffi.gc(p[0], lib.parley_session_free)
        if err:
            exc = self.error(err)
            self.free()
            raise exc
        self.index: int = lib.parley_session_self(self.handle)

    def _progress(self, p: Any) -> int:
        party = self.agreement.parties[p.party] if p.party >= 0 else None
        stop = self._on_event(Event(
            party, PartyState(p.state), _text(p.endpoint) or None,
            _text(p.detail) or None, p.waited_ms / 1000))
        return 1 if stop else 0

    def error(self, err: int) -> Error:
        """The exception for ERR, which the last call returned."""
        culprit: int = lib.parley_session_culprit(self.handle)
        return make(err, _text(lib.parley_session_error(self.handle)),
                    culprit if culprit >= 0 else None)

    def check(self, err: int) -> None:
        """Raise unless ERR is 0."""
        if err:
            raise self.error(err)

    def reraise(self) -> None:
        """Raise what on_event raised, since C cannot pass it on."""
        exc, self.raised = self.raised, None
        if exc is not None:
            raise exc

    def state(self) -> SessionState:
        """What the session is doing."""
        return SessionState(lib.parley_session_state(self.handle))

    def stats(self, party: int) -> Statistics:
        """What went over the channel of PARTY."""
        c = ffi.new('struct parley_party_stats *')
        if lib.parley_session_stats(self.handle, party, c):
            raise IndexError(f'no party {party}')
        return Statistics(**{name: getattr(c, name)
                             for name in Statistics.__dataclass_fields__})

    def receipt(self, party: int) -> Receipt:
        """What was signed when the channel to PARTY began."""
        text = ffi.new('const char **')
        texts = []
        for which in (lib.PARLEY_RECEIPT_ACCEPT, lib.PARLEY_RECEIPT_CONFIRM,
                      lib.PARLEY_RECEIPT_FINISHED):
            err = lib.parley_session_receipt(self.handle, party, which, text)
            if err:
                raise make(err, f'there is no receipt of party {party}')
            texts.append(_text(text[0]))
        return Receipt(*texts)

    def free(self) -> None:
        """Wipe the keys and close all sockets."""
        ffi.release(self.handle)


def _lookup(table: Dict[str, int], name: str, value: str) -> int:
    if value not in table:
        raise ValueError(f'{name} must be one of {", ".join(table)}')
    return table[value]


def _keep(kind: Any, exc: BaseException, tb: Any) -> None:
    """Keep what was raised in a callback, such as by Ctrl-C."""
    if tb is not None:
        native = ffi.from_handle(tb.tb_frame.f_locals['context'])()
        if native is not None:
            native.raised = exc


@ffi.def_extern(onerror=_keep)  # type: ignore[untyped-decorator]
def parley_py_progress(context: Any, p: Any) -> int:
    """libparley's on_progress."""
    native: Optional[Native] = ffi.from_handle(context)()
    return native._progress(p) if native is not None else 0


class Session:
    """One party's end of the computation: a channel to every other party.

    Use it as an asynchronous context manager.  Entering waits until every
    party is ready; leaving delivers what was sent and closes, and when an
    exception passes, tells the others that this party gives up.

    Messages keep their boundaries and their order and arrive exactly once.
    What is sent during one turn of the event loop leaves together.

    Args:
        agreement: what was agreed, with the roster.
        identity: who this party is.
        on_event: called with each Event, by the loop, soon after it; may end
            the session.
        **options: see Options.
    """

    def __init__(self, agreement: Agreement, identity: Identity, *,
                 on_event: Optional[Callable[[Event], None]] = None,
                 **options: Any) -> None:
        self.agreement = agreement
        self.identity = identity
        self.index = agreement.index(identity.did)
        self.parties = agreement.parties
        self.others = tuple(p.index for p in self.parties
                            if p.index != self.index)
        self._options = Options(**options)
        self._listener = on_event
        self._native: Optional[Native] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._error: Optional[BaseException] = None
        self._closed = False
        self._last: List[Statistics] = []
        self._inbox: Dict[int, Deque[bytes]] = {
            i: deque() for i in self.others}
        # Who waits for a message of a party (-1: of any), and for a change.
        self._receivers: Dict[int, Deque['asyncio.Future[None]']] = {}
        self._waiting: List['asyncio.Future[None]'] = []
        self._event_queues: List[Deque[Event]] = []
        self._flush_due = False
        self._who = ffi.new('int *')
        self._msg = ffi.new('void **')
        self._len = ffi.new('size_t *')

    # --- life ---

    async def __aenter__(self) -> 'Session':
        await self.open()
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]],
                        exc: Optional[BaseException], tb: object) -> None:
        if kind is None:
            await self.close()
        else:
            self.abort(f'ended by {kind.__name__}')

    async def open(self) -> None:
        """Listen, dial, and wait until every party is ready.

        Raises:
            AgreementError: another party has a different agreement.
            OpenTimeout: not everybody came; the text says who is missing.
            Error: anything else that parley_session_new() and
                parley_session_wait() return.
        """
        if self._native is not None or self._closed:
            raise RuntimeError('a session is opened once')
        self._loop = asyncio.get_running_loop()
        self._native = Native(self.agreement, self.identity, self._options,
                              self._on_event)
        self._fd = lib.parley_session_fd(self._native.handle)
        self._loop.add_reader(self._fd, self._on_readable)
        try:
            self._on_readable()
            while (self._error is None
                   and self._native.state() is SessionState.OPENING):
                await self._change()
            if self._error is not None:
                raise self._error
        except BaseException:
            self._release()
            raise

    async def close(self) -> None:
        """Deliver what was sent, tell every party, and end.

        Raises:
            UndeliveredError: within close_timeout not everybody acknowledged
                everything, which may have arrived all the same; the session
                is closed.
        """
        if self._native is None or self._closed:
            return
        native, loop = self._native, asyncio.get_running_loop()
        deadline = loop.time() + self._options.close_timeout
        try:
            err = lib.parley_session_finish(native.handle)
            while err == lib.PARLEY_ERR_AGAIN and self._error is None:
                left = deadline - loop.time()
                if left <= 0:
                    err = lib.parley_session_close(native.handle)
                    break
                timer = loop.call_later(left, self._wake)
                try:
                    await self._change()
                finally:
                    timer.cancel()
                err = lib.parley_session_finish(native.handle)
            native.check(err)
        finally:
            self._release()

    def abort(self, reason: str) -> None:
        """Tell every party that this one gives up, and why; do not wait."""
        if self._native is not None and not self._closed:
            text = reason.replace('\n', ' ').encode()[:200]
            lib.parley_session_abort(self._native.handle, text)
            self._release()

    def _release(self) -> None:
        native, loop = self._native, self._loop
        if native is None or loop is None or self._closed:
            return
        self._closed = True
        loop.remove_reader(self._fd)
        self._last = [native.stats(p.index) for p in self.parties]
        self._last_state = native.state()
        self._last_states = [self._ask_state(p.index) for p in self.parties]
        native.free()
        if self._error is None:
            self._error = make(lib.PARLEY_ERR_STATE, 'the session is closed')
        self._wake()

    # --- the loop ---

    def _on_event(self, event: Event) -> Optional[bool]:
        for queue in self._event_queues:
            queue.append(event)
        # Not from within libparley: what it calls must not end the session.
        if self._listener is not None and self._loop is not None:
            self._loop.call_soon(self._listener, event)
        return None

    def _on_readable(self) -> None:
        native = self._native
        if native is None or self._closed:
            return
        err = lib.parley_session_process(native.handle)
        native.reraise()
        if err and native.state() is not SessionState.CLOSING:
            self._error = native.error(err)
            assert self._loop is not None
            self._loop.remove_reader(self._fd)
        elif self._receivers:
            self._hand_out(native)
        if self._waiting or self._error:
            self._wake()

    def _hand_out(self, native: Native) -> None:
        """Take one message for each receiver that waits."""
        for who, futures in list(self._receivers.items()):
            while futures and futures[0].done():  # cancelled
                futures.popleft()
            while futures:
                if not self._take(native, who) and not self._ended:
                    break
                future = futures.popleft()
                if not future.done():
                    future.set_result(None)
            if not futures:
                del self._receivers[who]
        lib.parley_session_flush(native.handle)  # acknowledgements

    def _take(self, native: Native, who: int) -> bool:
        """Take a message into the inbox.  _ended: none will come."""
        err = lib.parley_session_take(native.handle, who, self._who,
                                      self._msg, self._len)
        self._ended = err not in (0, lib.PARLEY_ERR_AGAIN)
        if self._ended:
            self._end = err
        if err:
            return False
        self._inbox[self._who[0]].append(
            bytes(ffi.buffer(self._msg[0], self._len[0])))
        return True

    def _change(self) -> 'asyncio.Future[None]':
        """Something to wait for that ends when something has happened."""
        loop = asyncio.get_running_loop()
        future: 'asyncio.Future[None]' = loop.create_future()
        self._waiting.append(future)
        return future

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._error is not None:
            for futures in self._receivers.values():
                waiting.extend(futures)
            self._receivers.clear()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _flush_soon(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            assert self._loop is not None
            self._loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flush_due = False
        if self._native is not None and not self._closed:
            lib.parley_session_flush(self._native.handle)
            # A send that met a full window has looked at the network.
            if self._receivers:
                self._hand_out(self._native)

    def _usable(self) -> Native:
        if self._error is not None:
            raise self._error
        if self._native is None:
            raise make(lib.PARLEY_ERR_STATE, 'the session is not open')
        return self._native

    # --- messages ---

    async def send(self, to: int, message: Data) -> None:
        """Send one message to party TO.

        Waits while that party's window is full.

        Raises:
            LostError, ClosedError, AbortedError: the party is gone.
        """
        raw = ffi.from_buffer(message)
        while True:
            native = self._usable()
            err = lib.parley_session_send(native.handle, to, raw, len(raw))
            if err == 0:
                self._flush_soon()
                return
            if err != lib.PARLEY_ERR_AGAIN:
                raise native.error(err)
            self._flush_soon()
            await self._change()

    async def broadcast(self, message: Data) -> None:
        """Send one message to every other party."""
        for i in self.others:
            await self.send(i, message)

    async def recv(self, party: int) -> bytes:
        """The next message of PARTY.

        What a party sent before it closed or was lost is handed out first.

        Raises:
            LostError, ClosedError, AbortedError: nothing more will come.
        """
        return (await self._receive(party))[1]

    async def recv_any(self) -> Tuple[int, bytes]:
        """The next message of anybody, with the index of its sender."""
        return await self._receive(-1)

    async def gather(self, message: Data) -> List[bytes]:
        """Send MESSAGE to everybody and collect one message of each.

        Returns one message per party in index order, the own one included.
        """
        await self.broadcast(message)
        return [bytes(message) if p.index == self.index
                else await self.recv(p.index) for p in self.parties]

    def _from_inbox(self, party: int) -> Optional[Tuple[int, bytes]]:
        if party >= 0:
            box = self._inbox.get(party)
            return (party, box.popleft()) if box else None
        for who, box in self._inbox.items():
            if box:
                return who, box.popleft()
        return None

    async def _receive(self, party: int) -> Tuple[int, bytes]:
        while True:
            found = self._from_inbox(party)
            if found is not None:
                return found
            native = self._usable()
            if not self._receivers.get(party):
                if self._take(native, party):
                    self._flush_soon()
                    continue
                if self._ended:
                    raise native.error(self._end)
            lib.parley_session_flush(native.handle)
            assert self._loop is not None
            future: 'asyncio.Future[None]' = self._loop.create_future()
            self._receivers.setdefault(party, deque()).append(future)
            await future

    def flush(self) -> None:
        """Let what was sent leave now, not at the end of this turn."""
        native = self._usable()
        native.check(lib.parley_session_flush(native.handle))

    async def ping(self, party: int) -> float:
        """The round-trip time to PARTY in seconds."""
        native = self._usable()
        native.check(lib.parley_session_ping(native.handle, party))
        while True:
            us = self.stats(party).rtt_us
            if us:
                return us / 1e6
            state = self.party_state(party)
            if state in (PartyState.LOST, PartyState.CLOSED):
                raise ClosedError(lib.PARLEY_ERR_CLOSED,
                                  f'{self.parties[party]}: gone', party)
            await self._change()
            self._usable()

    # --- what is known ---

    @property
    def state(self) -> SessionState:
        """What the session is doing."""
        if self._native is None:
            return SessionState.OPENING
        return self._last_state if self._closed else self._native.state()

    def _ask_state(self, party: int) -> PartyState:
        assert self._native is not None
        return PartyState(lib.parley_session_party_state(
            self._native.handle, party))

    def party_state(self, party: int) -> PartyState:
        """How it stands with PARTY."""
        if not 0 <= party < len(self.parties):
            raise IndexError(f'no party {party}')
        if self._native is None:
            return (PartyState.SELF if party == self.index
                    else PartyState.CONNECTING)
        if self._closed:
            return self._last_states[party]
        return self._ask_state(party)

    def stats(self, party: int) -> Statistics:
        """What went over the channel of PARTY; also after the end."""
        if self._closed:
            return self._last[party]
        return self._usable().stats(party)

    def receipt(self, party: int) -> Receipt:
        """What PARTY and this one signed when their channel began: evidence
        that both agreed.  Needs the option keep_receipts, and ends with the
        session.

        Raises:
            LocalError: it was not kept, or there is no such party.
        """
        return self._usable().receipt(party)

    async def events(self) -> AsyncIterator[Event]:
        """Every Event from now on, until the session ends."""
        queue: Deque[Event] = deque()
        self._event_queues.append(queue)
        try:
            while True:
                while queue:
                    yield queue.popleft()
                if self._closed or self._error is not None:
                    return
                await self._change()
        finally:
            self._event_queues.remove(queue)
