#!/usr/bin/env python3
"""One party of a session, as a second implementation plays it.

    python3 tests/interop/session.py --agreement A.json --seed-file F \
        [--listen tcp://HOST:PORT] [--suites 2,1] --script SCRIPT
    python3 tests/interop/session.py --seed-file F --did    (prints the DID)

The seed file holds the 32-byte Ed25519 seed as 64 hexadecimal characters;
--new-seed makes one.  Needs what requirements.txt names.  See session.sh for
how it is run against the C peer (session-peer.c), which takes the same
scripts:

    open         open, close
    exchange:K   send K messages to every other party, receive K from each
    pingpong:K   with every other party in turn: the lower index sends a
                 message, the other one sends it back, K times

Message k from s to r has SIZES[k mod 9] bytes, in blocks of 1024 that begin
with k, s, r and the number of the block (32 bits each, little-endian) and go
on with (k + place in the block) mod 256.

Prints one line of JSON: {"ok":true,"received":...} and returns 0, or
{"ok":false,"error":"PARLEY_ERR_...","text":...} and returns 1.
"""

import argparse
import json
import os
import struct
import sys

from parley_peer.agreement import Agreement
from parley_peer.did import Identity
from parley_peer.errors import Refused
from parley_peer.session import Session

SIZES = (0, 1, 19, 63, 64, 8191, 8192, 100000, 3000000)
BLOCK = 1024


def content(sender, receiver, k):
    size = SIZES[k % len(SIZES)]
    tail = bytes((k + j) % 256 for j in range(16, BLOCK))
    n_blocks = -(-size // BLOCK)
    return b"".join(struct.pack("<4I", k, sender, receiver, block) + tail
                    for block in range(n_blocks))[:size]


def check(sender, receiver, k, message):
    if message != content(sender, receiver, k):
        raise Refused("MESSAGE", f"message {k} of party {sender} is not "
                      "what was to come", sender)


def exchange(session, others, n_messages):
    for k in range(n_messages):
        for other in others:
            session.send(other, content(session.index, other, k))
    counts = dict.fromkeys(others, 0)
    for _ in range(n_messages * len(others)):
        sender, message = session.recv()
        check(sender, session.index, counts[sender], message)
        counts[sender] += 1
    return sum(counts.values())


def pingpong(session, others, n_messages):
    received = 0
    for other in others:
        for k in range(n_messages):
            if session.index < other:
                session.send(other, content(session.index, other, k))
                _, message = session.recv(other)
                check(session.index, other, k, message)
            else:
                _, message = session.recv(other)
                check(other, session.index, k, message)
                session.send(other, message)
            received += 1
    session.flush()
    return received


def run(args):
    with open(args.agreement, "rb") as file:
        agreement = Agreement(file.read())
    suites = [int(number) for number in args.suites.split(",")]
    session = Session(agreement, read_identity(args.seed_file), args.listen,
                      suites, timeout_ms=args.timeout * 1000,
                      window=args.window, log=args.log)
    try:
        session.open()
        others = [i for i in range(session.n) if i != session.index]
        name, _, number = args.script.partition(":")
        script = {"open": lambda *_: 0, "exchange": exchange,
                  "pingpong": pingpong}[name]
        received = script(session, others, int(number or 0))
        channels = list(session.channels.values())
        undelivered = session.close()
        if undelivered:
            raise Refused("UNDELIVERED", f"not acknowledged by {undelivered}")
        return {"ok": True, "received": received,
                "records": sum(c.opener.sequence for c in channels),
                "suites": sorted({c.sealer.suite for c in channels})}
    except Refused:
        session.destroy()
        raise


def read_identity(path):
    with open(path, encoding="ascii") as file:
        return Identity(bytes.fromhex(file.read().strip()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agreement")
    parser.add_argument("--seed-file", required=True)
    parser.add_argument("--new-seed", action="store_true")
    parser.add_argument("--did", action="store_true")
    parser.add_argument("--listen")
    parser.add_argument("--suites", default="2,1")
    parser.add_argument("--script", default="open")
    parser.add_argument("--timeout", type=int, default=60, help="seconds")
    parser.add_argument("--window", type=int, default=16 * 1024 * 1024)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    args.log = (lambda text: print(text, file=sys.stderr)) \
        if args.verbose else None
    if args.new_seed:
        with open(args.seed_file, "x", encoding="ascii") as file:
            file.write(os.urandom(32).hex() + "\n")
    if args.did:
        print(read_identity(args.seed_file).did)
        return 0
    try:
        result = run(args)
    except Refused as refused:
        result = {"ok": False, "error": "PARLEY_ERR_" + refused.name,
                  "text": refused.why, "culprit": refused.culprit}
    print(json.dumps(result), flush=True)
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
