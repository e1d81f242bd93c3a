"""A TCP proxy that breaks what goes through it.

    cutter.py COUNTS BYTES [PAUSE] LISTEN:TARGET...

From SIGUSR1 on, each connection is reset once about BYTES bytes have gone
through it, until every route has been cut 150 times; COUNTS is a file with the
number of cuts of each route so far.  With BYTES 0, all connections are reset
PAUSE seconds after the signal, once, and nobody gets through for three
seconds.
"""
import asyncio
import random
import signal
import socket
import struct
import sys

CUTS = 150
PAUSE_S = 3


class Route:
    def __init__(self, text):
        self.listen, self.target = (int(p) for p in text.split(':'))
        self.cuts = 0
        self.open = set()


def reset(writer):
    sock = writer.get_extra_info('socket')
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    writer.transport.abort()


class Cutter:
    def __init__(self, counts, n_bytes, pause, routes):
        self.counts, self.n_bytes, self.pause = counts, n_bytes, pause
        self.routes = routes
        self.refusing = self.cutting = False
        self.count()

    def count(self):
        with open(self.counts, 'w') as f:
            print(*(r.cuts for r in self.routes), file=f)

    async def pause_once(self):
        await asyncio.sleep(self.pause)
        self.refusing = True
        for route in self.routes:
            for writer in list(route.open):
                reset(writer)
            route.cuts += 1
        self.count()
        await asyncio.sleep(PAUSE_S)
        self.refusing = False

    async def pump(self, reader, writer, budget, both, route):
        while data := await reader.read(65536):
            if self.cutting:
                budget[0] -= len(data)
            if self.n_bytes and route.cuts < CUTS and budget[0] < 0:
                if budget[1]:
                    budget[1] = False
                    route.cuts += 1
                    self.count()
                for w in both:
                    reset(w)
                return
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def dial(self, port):
        """Plain MPyC does not dial again once somebody has accepted: until
        the cutting begins, wait for a party that does not listen yet."""
        while True:
            try:
                return await asyncio.open_connection('127.0.0.1', port)
            except OSError:
                if self.cutting:
                    raise
            await asyncio.sleep(0.05)

    async def serve(self, route, reader, writer):
        if self.refusing:
            reset(writer)
            return
        try:
            far_reader, far_writer = await self.dial(route.target)
        except OSError:
            reset(writer)
            return
        both = {writer, far_writer}
        for w in both:
            w.get_extra_info('socket').setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        route.open |= both
        budget = [random.randint(self.n_bytes // 2, 3 * self.n_bytes // 2),
                  True]
        try:
            await asyncio.gather(
                self.pump(reader, far_writer, budget, both, route),
                self.pump(far_reader, writer, budget, both, route))
        except OSError:
            for w in both:
                w.transport.abort()
        finally:
            route.open -= both
            for w in both:
                w.close()

    def begin(self):
        self.cutting = True
        if self.pause:
            self.task = asyncio.create_task(self.pause_once())

    async def run(self):
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGUSR1, self.begin)
        for route in self.routes:
            await asyncio.start_server(
                lambda r, w, route=route: self.serve(route, r, w),
                '127.0.0.1', route.listen)
        print('ready', flush=True)
        await asyncio.Event().wait()


counts, n_bytes, *routes = sys.argv[1:]
pause = 0
if ':' not in routes[0]:
    pause = float(routes.pop(0))
asyncio.run(Cutter(counts, int(n_bytes), pause,
                   [Route(r) for r in routes]).run())
