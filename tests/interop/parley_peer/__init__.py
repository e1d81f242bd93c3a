"""A second implementation of the Parley session protocol.

Written from session/PROTOCOL.md alone, to find out whether that text says
enough; it shares no code with the C library.  It is a test peer: it is not
constant-time, wipes nothing, and trusts the machine it runs on.

    encoding.py   base58, base64url, varint, CBOR, strict JSON
    errors.py     what can be refused, with the numbers of parley/err.h
    did.py        Ed25519 identities and did:key
    envelope.py   DIDComm signed messages
    agreement.py  section 2
    schedule.py   section 4
    handshake.py  section 5: bytes in, bytes out
    record.py     section 6: bytes in, bytes out
    session.py    sections 3, 7 and 8 over real ZeroMQ sockets
"""
