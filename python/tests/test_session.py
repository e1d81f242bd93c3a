"""Sessions: all parties in one event loop, over real sockets."""

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import tempfile
import traceback
import unittest

import parley
from parley import PartyState
from parley._native import lib
from parley.session import Native, Options, SessionState
from parties import Parties

LIMIT = 60


def in_loop(test):
    """Run a coroutine test within LIMIT seconds."""
    def run(self):
        asyncio.run(asyncio.wait_for(test(self), LIMIT))
    return run


@contextlib.asynccontextmanager
async def opened(n, **options):
    """All sessions of N parties, ready."""
    p = Parties(n)
    sessions = [p.session(k, **options) for k in range(n)]
    await asyncio.gather(*(s.open() for s in sessions))
    try:
        yield sessions
    finally:
        await asyncio.gather(*(s.close() for s in sessions))


class Messages(unittest.TestCase):
    @in_loop
    async def test_everybody_gathers_what_everybody_said(self):
        async with opened(4) as sessions:
            got = await asyncio.gather(
                *(s.gather(bytes([s.index])) for s in sessions))
            self.assertEqual(got, 4 * [[b'\0', b'\1', b'\2', b'\3']])

    @in_loop
    async def test_messages_keep_their_order_and_boundaries(self):
        async with opened(2) as (a, b):
            sizes = [0, 1, 70000, 3, 5 << 20, 2]
            for n in sizes[:4]:
                await a.send(1, bytearray(n))
            big = asyncio.ensure_future(a.send(1, bytes(sizes[4])))
            got = [len(await b.recv(0)) for _ in range(5)]
            await big
            await a.send(1, memoryview(b'xx'))
            got.append(len((await b.recv_any())[1]))
            self.assertEqual(got, sizes)

    @in_loop
    async def test_one_turn_is_one_record(self):
        async with opened(2) as (a, b):
            before = a.stats(1).records_sent
            for k in range(100):
                await a.send(1, bytes([k]))
            got = [await b.recv(0) for _ in range(100)]
            self.assertEqual(got, [bytes([k]) for k in range(100)])
            self.assertLessEqual(a.stats(1).records_sent - before, 2)
            self.assertEqual(a.stats(1).messages_sent, 100)

    @in_loop
    async def test_more_than_the_window_both_ways_goes_through(self):
        async with opened(2, window=65536) as sessions:
            async def talk(s):
                for _ in range(200):
                    await s.send(1 - s.index, bytes(10000))
                return True

            async def listen(s):
                return [len(await s.recv_any_of_one())
                        for _ in range(200)]
            for s in sessions:
                s.recv_any_of_one = lambda s=s: s.recv(1 - s.index)
            done = await asyncio.gather(*map(talk, sessions),
                                        *map(listen, sessions))
            self.assertEqual(done[2], 200 * [10000])
            self.assertEqual(done[3], 200 * [10000])

    @in_loop
    async def test_a_cancelled_receiver_takes_no_message_with_it(self):
        async with opened(2) as (a, b):
            for _ in range(20):
                waiting = asyncio.ensure_future(b.recv(0))
                await asyncio.sleep(0)
                await a.send(1, b'first')
                await asyncio.sleep(0)
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    self.assertEqual(await waiting, b'first')
                    await a.send(1, b'first')
                self.assertEqual(await b.recv(0), b'first')

    @in_loop
    async def test_a_ping_is_timed(self):
        async with opened(2) as (a, b):
            self.assertGreater(await a.ping(1), 0)
            self.assertIs(b.party_state(0), PartyState.READY)


class Ends(unittest.TestCase):
    @in_loop
    async def test_what_was_sent_arrives_though_the_sender_closes(self):
        p = Parties(2)
        a, b = p.session(0), p.session(1)
        await asyncio.gather(a.open(), b.open())
        await a.send(1, b'last')
        closing = asyncio.ensure_future(a.close())
        self.assertEqual(await b.recv(0), b'last')
        with self.assertRaises(parley.ClosedError) as e:
            await b.recv(0)
        self.assertEqual(e.exception.party, 0)
        await asyncio.gather(closing, b.close())
        self.assertEqual(b.stats(0).messages_received, 1)
        self.assertIs(b.state, parley.SessionState.CLOSED)
        with self.assertRaises(parley.LocalError):
            await b.send(0, b'too late')

    @in_loop
    async def test_an_exception_is_told_to_the_others(self):
        p = Parties(2)

        async def fails():
            async with p.session(0):
                raise ValueError('a secret')

        async def hears():
            async with p.session(1) as s:
                await s.recv(0)
        a, b = await asyncio.gather(fails(), hears(), return_exceptions=True)
        self.assertIsInstance(a, ValueError)
        self.assertIsInstance(b, parley.AbortedError)
        self.assertIn('ValueError', str(b))
        self.assertNotIn('secret', str(b))
        self.assertEqual(b.party, 0)

    @in_loop
    async def test_who_is_missing_is_said(self):
        p = Parties(2)
        with self.assertRaises(parley.OpenTimeout) as e:
            await p.session(0, open_timeout=0.5).open()
        self.assertIn(p.identities[1].did, str(e.exception))

    @in_loop
    async def test_an_agreement_that_differs_is_named_with_its_field(self):
        p = Parties(2)
        got = await asyncio.gather(
            p.session(0).open(),
            p.session(1, p.altered(name='another')).open(),
            return_exceptions=True)
        for exc in got:
            self.assertIsInstance(exc, parley.AgreementError)
            self.assertIn('in name', str(exc))

    @in_loop
    async def test_opening_can_be_cancelled(self):
        task = asyncio.ensure_future(Parties(2).session(0).open())
        await asyncio.sleep(0.1)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task

    @in_loop
    async def test_events_tell_of_every_party(self):
        p = Parties(2)
        a, b = p.session(0), p.session(1)
        seen = []

        async def watch():
            async for event in a.events():
                seen.append((event.party.index, event.state))
        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(0)
        await asyncio.gather(a.open(), b.open())
        await asyncio.gather(a.close(), b.close())
        await watching
        self.assertIn((1, PartyState.READY), seen)

    def test_what_a_callback_raises_is_raised_after_it(self):
        p = Parties(2)

        def interrupted(event):
            raise KeyboardInterrupt
        native = Native(p.agreement, p.identities[0], Options(), interrupted)
        with self.assertRaises(KeyboardInterrupt):
            while True:
                native.check(lib.parley_session_process(native.handle))
                native.reraise()
                select.select([lib.parley_session_fd(native.handle)], [], [],
                              1)
        self.assertIs(native.state(), SessionState.OPENING)
        native.free()

    @in_loop
    async def test_who_is_told_of_an_event_may_end_the_session(self):
        p = Parties(2)
        callers = set()

        def heard(event):
            callers.update(f.name for f in traceback.extract_stack())
            if event.state is PartyState.HANDSHAKING:
                a.abort('heard enough')
        a = p.session(0, on_event=heard)
        b = p.session(1, open_timeout=1)
        got = await asyncio.gather(a.open(), b.open(), return_exceptions=True)
        for e in got:
            self.assertIsInstance(e, parley.Error)
        # What is freed while libparley uses it need not show.
        self.assertNotIn('_progress', callers)


class Receipts(unittest.TestCase):
    @in_loop
    async def test_what_was_signed_is_kept_for_who_asks(self):
        async with opened(2, keep_receipts=True) as (a, b):
            self.assertEqual(a.receipt(1), b.receipt(0))
            signers = [parley.verify(e)[1] for e in (
                a.receipt(1).accept, a.receipt(1).confirm)]
            self.assertEqual(signers, [b.identity.did, a.identity.did])
            with tempfile.TemporaryDirectory() as d:
                path = a.receipt(1).save(os.path.join(d, 'receipts'), 1)
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
                self.assertEqual(os.stat(os.path.dirname(path)).st_mode
                                 & 0o777, 0o700)
            with self.assertRaises(parley.LocalError):
                a.receipt(0)
        async with opened(2) as (a, b):
            with self.assertRaises(parley.LocalError):
                a.receipt(1)


class Hello(unittest.TestCase):
    def test_the_hello_world_greets_in_python_and_in_few_lines(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                            '..', '..', 'examples', 'hello.py')
        with open(path, encoding='utf-8') as f:
            self.assertLessEqual(len(f.readlines()), 15)
        with tempfile.TemporaryDirectory() as d:
            Parties(3).save(d)
            ps = [subprocess.Popen(
                [sys.executable, path, os.path.join(d, 'agreement.json'),
                 os.path.join(d, f'p{k}.identity')],
                stdout=subprocess.PIPE, text=True) for k in range(3)]
            wanted = str([f'hello from {k}'.encode() for k in range(3)])
            for p in ps:
                self.assertEqual(p.communicate(timeout=LIMIT)[0].strip(),
                                 wanted)


if __name__ == '__main__':
    unittest.main()
