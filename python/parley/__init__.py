"""Parley: joint computation of parties known by their DIDs.

    import asyncio, parley

    agreement = parley.Agreement.load('agreement.json')
    identity = parley.Identity.load('alice.identity')

    async def main():
        async with parley.Session(agreement, identity) as s:
            print(await s.gather(b'hello'))

    asyncio.run(main())

Everything that libparley refuses is an exception below parley.Error.
"""

from .agreement import Agreement, Party
from .comm import Comm, Layers, Unpacked, sign, verify
from .did import Identity, Resolver, resolve
from .errors import (AbortedError, AgreementError, ClosedError, Error,
                     LocalError, LostError, OpenTimeout, PeerError,
                     SystemFailure, UndeliveredError)
from .receipt import Receipt
from .session import (Event, Options, PartyState, Session, SessionState,
                      Statistics)

__version__ = '0.1.0'

__all__ = [
    'AbortedError', 'Agreement', 'AgreementError', 'ClosedError', 'Comm',
    'Error', 'Event', 'Identity', 'Layers', 'LocalError', 'LostError',
    'OpenTimeout', 'Options', 'Party', 'PartyState', 'PeerError', 'Receipt',
    'Resolver', 'Session', 'SessionState', 'Statistics', 'SystemFailure',
    'UndeliveredError', 'Unpacked', 'resolve', 'sign', 'verify',
]
