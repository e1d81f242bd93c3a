"""Streams, and a party that says what it likes on them (PROTOCOL 12)."""

import asyncio
import select
import time
import unittest

from parley import streams
from parley._native import ffi, lib
from parley.selector import TurnSelector
from parley.session import Native, Options, SessionState
from parties import Parties

LIMIT = 60
OPEN, DATA, FIN = lib.PY_OPEN, lib.PY_DATA, lib.PY_FIN
CREDIT, RESET = lib.PY_CREDIT, lib.PY_RESET
BLOCK = 65535  # of DATA at most


class Keeper(asyncio.Protocol):
    """Keeps what comes."""

    def __init__(self):
        self.got = b''

    def data_received(self, data):
        self.got += data


class Wire(unittest.TestCase):
    """Party 1 has streams; party 0 is this test."""

    def setUp(self):
        p = Parties(2)
        self.natives = [Native(p.agreement, identity, Options(),
                               lambda event: None)
                        for identity in p.identities]
        for native in self.natives:
            self.addCleanup(native.free)
        self.until(lambda: all(n.state() is SessionState.READY
                               for n in self.natives))
        self.lost = []
        self.streams = streams.Streams(
            self.natives[1], lambda *a: self.lost.append(a),
            lambda *a: self.lost.append(a))
        self.heard = []

    def turn(self):
        """Both sides look once."""
        for native in self.natives:
            native.check(lib.parley_session_process(native.handle))
        if hasattr(self, 'streams'):
            self.streams.turn()
            self.streams.flush()
            self.listen()

    def listen(self):
        handle = self.natives[0].handle
        msg, n = ffi.new('void **'), ffi.new('size_t *')
        while lib.parley_session_take(handle, 1, ffi.NULL, msg, n) == 0:
            m = bytes(ffi.buffer(msg[0], n[0]))
            self.heard.append((m[0], int.from_bytes(m[1:3], 'big'), m[3:]))
        lib.parley_session_flush(handle)

    def until(self, condition):
        end = time.monotonic() + LIMIT
        while not condition():
            self.assertLess(time.monotonic(), end, 'nothing happens')
            select.select([lib.parley_session_fd(n.handle)
                           for n in self.natives], [], [], 0.01)
            self.turn()

    def say(self, op, number, rest=b''):
        """Party 0 sends a message."""
        m = bytes([op]) + number.to_bytes(2, 'big') + rest
        handle = self.natives[0].handle
        while lib.parley_session_send(handle, 1, m, len(m)):
            self.turn()  # the window is full
        lib.parley_session_flush(handle)

    def resets(self):
        return [rest[0] for op, _, rest in self.heard if op == RESET]

    def table(self):
        return self.streams._streams[0]

    def test_a_party_has_so_many_streams_and_no_more(self):
        for number in range(0, 1000, 2):
            self.say(OPEN, number, b'\0')
        self.until(lambda: len(self.resets()) == 499)
        self.assertEqual(len(self.table()), streams.STREAMS_MAX)
        second = streams.STREAMS_MAX - 1
        self.assertEqual(
            self.resets(), second * [streams.SECOND]
            + (499 - second) * [streams.UNREACHABLE])
        # The first one has not suffered.
        keeper = Keeper()
        self.streams.listen(lambda: keeper)
        self.say(DATA, 0, b'\0\0hello')
        self.until(lambda: keeper.got == b'\0\0hello')
        self.assertEqual(self.lost, [])

    def test_what_waits_for_the_program_is_bounded_for_all_streams(self):
        block = bytes(BLOCK)
        for number in range(0, 8, 2):
            self.say(OPEN, number, b'\0')
            self.say(DATA, number, block)
            self.say(FIN, number)
        self.until(lambda: len(self.resets()) == 2)
        self.assertEqual(self.resets(), 2 * [streams.UNREACHABLE])
        kept = sum(len(s.early) for s in self.table().values())
        self.assertLessEqual(kept, streams.EARLY_MAX)
        self.assertEqual(kept, 2 * BLOCK)
        keepers = []

        def factory():
            keepers.append(Keeper())
            return keepers[-1]
        self.streams.listen(factory)
        self.assertEqual([len(k.got) for k in keepers], 2 * [BLOCK])
        self.assertEqual(self.streams._early, {0: 0, 1: 0})

    def test_credit_that_makes_no_sense_ends_its_stream(self):
        for number, credit in ((0, 0), (2, 1 << 31)):
            self.say(OPEN, number, b'\0')
            self.say(CREDIT, number, credit.to_bytes(4, 'big'))
            self.until(lambda: self.heard)
            self.assertEqual(self.heard.pop(), (
                RESET, number, bytes([streams.PROTOCOL_ERROR])))
            self.say(RESET, number, bytes([streams.PROTOCOL_ERROR]))
            self.until(lambda: not self.table())

    def test_who_leaves_without_a_word_leaves_nothing_behind(self):
        for number in range(0, 200, 2):
            self.say(OPEN, number, b'\0')
            self.say(FIN, number)
            self.until(lambda: self.heard)
            self.assertEqual(self.heard.pop(), (FIN, number, b''))
            self.assertEqual(self.table(), {})

    def test_the_first_write_of_a_turn_does_not_wait_for_its_end(self):
        keeper = Keeper()
        self.streams.listen(lambda: keeper)
        self.say(OPEN, 0, b'\0')
        self.say(DATA, 0, b'\0\0')
        self.until(lambda: keeper.got)
        stream = self.table()[0]
        for piece in b'a', b'b', b'c':
            stream.write(piece)
        end = time.monotonic() + LIMIT
        while not self.heard and time.monotonic() < end:
            lib.parley_session_process(self.natives[0].handle)
            self.listen()
        self.assertEqual(self.heard, [(DATA, 0, b'a')])
        self.until(lambda: len(self.heard) == 2)
        self.assertEqual(self.heard[1], (DATA, 0, b'bc'))


class Driven(Wire):
    """The same, where asyncio's selector drives party 1."""

    def setUp(self):
        super().setUp()
        self.selector = TurnSelector()
        self.loop = asyncio.SelectorEventLoop(self.selector)
        self.addCleanup(self.loop.close)
        self.streams.attach(self.loop, self.selector)
        self.addCleanup(self.streams.detach)

    def turn(self):
        if not hasattr(self, 'loop'):
            super().turn()
            return
        lib.parley_session_process(self.natives[0].handle)
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()
        self.listen()

    def test_what_else_the_loop_waits_for_is_served(self):
        async def waiting():
            future = self.loop.create_future()
            await self.loop.run_in_executor(
                None, self.loop.call_soon_threadsafe, future.set_result, 7)
            await asyncio.sleep(0.001)
            return await future
        self.assertEqual(self.loop.run_until_complete(
            asyncio.wait_for(waiting(), LIMIT)), 7)


if __name__ == '__main__':
    unittest.main()
