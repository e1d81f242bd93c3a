"""Party 1 says to party 2 that it is party 0: liar.py

A modified MPyC at party 1 connects to party 2 once more than it should, and
claims the index 0 there.  Party 0 does nothing.  Party 2 is honest: when MPyC
tells it that all are connected, it sends party 0 something.  Run with
--no-prss.
"""
import asyncio

from mpyc.runtime import mpc

FOR_PARTY_0 = 'for party 0 alone'
LIMIT_S = 600


class Impostor(asyncio.Protocol):
    """A connection on which party 1 is party 0."""

    def __init__(self):
        self.got = b''

    def connection_made(self, transport):
        transport.write((0).to_bytes(2, 'little'))

    def data_received(self, data):
        self.got += data
        if FOR_PARTY_0.encode() in self.got:
            print('party 1 has what was', FOR_PARTY_0, flush=True)


def lie(loop):
    """Let LOOP dial twice where party 1 dials party 2: first it lies."""
    connect = loop.create_connection

    async def twice(factory, *where, **how):
        await connect(Impostor, *where, **how)
        return await connect(factory, *where, **how)
    loop.create_connection = twice


def wait():
    """For what the others do."""
    mpc.run(asyncio.sleep(LIMIT_S))


if mpc.pid == 0:
    wait()
if mpc.pid == 1:
    lie(mpc._loop)
mpc.run(mpc.start())
print('party 2 takes all to be there', flush=True)
# [2], as MPyC takes the first of none for the result of who gets nothing from 2.
mpc.run(mpc.transfer(FOR_PARTY_0, senders=[2], receivers=0))
wait()
