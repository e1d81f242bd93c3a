#!/usr/bin/env python3
"""Prove what session/PROTOCOL.md, section 9, says of the handshake and of
resuming, and show that the proofs notice when the protocol is broken.

  python3 tests/model/prove.py [-v]

Each property is proved for any number of parties and runs at once, by
saturation (prover.py); the protocol stands in handshake.py and resume.py.  Then
the same is asked of protocols with one check or one input left out: if nothing
fails there, this fails.  Exit code 0: all as expected.
"""

import sys
import time

from handshake import A, B, C, att, did, handshake, later, sk
import needham
from proof import Proof, claimed, correspondence
from prover import Assumption, f, var
import resume

VERBOSE = "-v" in sys.argv[1:]


def index_of(peer):
    """D4, C10: the roster's, also of a member that lies."""
    return lambda args: f("index", args[2], did(args[peer]))


def authentication(broken):
    """Mutual authentication, agreement, KCI, secrecy."""
    proof = Proof(handshake(broken))
    # u, v, agreement, offer, suite, instance and T7
    for end, begin, me, peer, name in (
        ("end R", "begin I", 1, 0, "R knows I"),
        ("end I", "begin R", 0, 1, "I knows R"),
    ):
        agreed = correspondence(begin, me, peer, 7, 8, name)
        proof.end(end, claimed(7, index_of(peer), "index: " + name, agreed))

    def early(clause):
        """C6: R is known, over T4, before confirm is sent."""
        args = clause.concl.args
        if args[1] is C or any(
            h.head == "begin R accept" and h.args == args[1:]
            for h in clause.hyps
        ):
            return None
        return "R is known before confirm is sent"

    proof.end("end I accept", early)
    for after, who, whom in (("", A, B), (" after KCI", C, A)):
        for role, pair in (("I", (who, whom)), ("R", (whom, who))):
            for what in ("message", "resume"):
                proof.never(
                    att(f(f"{what} {role}", *pair, var())),
                    f"secrecy of {what} keys{after}",
                )
    return proof


def forward_secrecy(broken):
    p = handshake(broken, knows=("id", "dids"))
    att2 = later(p, broken)
    proof = Proof(p)
    for what in ("message", "resume"):
        for role in "IR":
            proof.never(
                att2(f(f"{what} {role}", A, B, var())), "forward secrecy"
            )
    return proof


def outsider(broken):
    proof = Proof(handshake(broken, knows=()))
    for who in (A, B):
        proof.never(att(did(who)), "identities, from an outsider")
    return proof


def holder(broken):
    """Who holds the agreement and R's name, and has DIDs of his own."""
    p = handshake(broken, knows=("id",), i=(A, B), r=B)
    p.rule([], att(did(B)))
    x = var()
    p.rule([], att(did(f("other", x))))
    p.rule([], att(sk(f("other", x))))
    proof = Proof(p)
    proof.never(att(did(A)), "identity of I, from a holder")
    return proof


def holder_in_path(_):
    """What 9 says does not hold: B's DID, from a holder who knows no DID of the
    parties, but sees A dial B: `to` serves in a propose of his own as well.
    """
    proof = Proof(handshake((), knows=("id",), i=(A, B), r=B))
    proof.never(att(did(B)), "DID of R, from a holder in the path")
    return proof


def resuming(broken):
    proof = Proof(resume.resume(broken))
    proof.end("end X", correspondence("begin Y", 1, 1, 5, 5, "X knows Y"))
    proof.end("end Y", correspondence("begin X", 1, 1, 5, 5, "Y knows X"))
    return proof


PROOFS = [
    ("authentication, agreement, KCI, secrecy (9)", authentication),
    ("forward secrecy (9)", forward_secrecy),
    ("identities hidden from an outsider (9)", outsider),
    ("identity of I hidden from a holder (9)", holder),
    ("resume (5.6)", resuming),
    ("the prover: Needham-Schroeder-Lowe", needham.protocol),
]

# What is left out, where it is noticed.
BREAKS = [
    ("T2 is not in R's signature (B6)", "accept transcript", authentication),
    ("T5 is not in I's signature (C7)", "confirm transcript", authentication),
    ("I takes any signer (C5)", "roster I", authentication),
    ("R takes any signer (D4)", "roster R", authentication),
    ("no agreement hash in master, none compared (4.3, C10, D6)", "agreement",
     authentication),
    ("the index that is claimed is not compared (C10, D4)", "index",
     authentication),
    ("R has one ephemeral key for all runs (B5)", "again", authentication),
    ("the offered suites are not in T1 (4.2)", "offer", authentication),
    ("no Diffie-Hellman value in hs (4.3)", "dh", forward_secrecy),
    ("ephemeral keys from the key that signs (A1, B5)", "ephemeral",
     forward_secrecy),
    ("no gate (B2, B4), no id in hs (4.3)", "gate id", outsider),
    ("I takes any signer (C5): its name", "roster I", holder),
    ("no b in answer (5.6)", "b", resuming),
    ("no a in challenge (5.6)", "a", resuming),
    ("one key for both roles (5.6)", "roles", resuming),
    ("nothing; a limit (9): a holder in the path", "limit", holder_in_path),
    ("the prover: Needham-Schroeder without Lowe's name", "name",
     needham.protocol),
]

BROKEN_WORDS = {"gate id": ("gate", "id")}


def attempt(make, words, stop):
    """What fails, and how much work it was."""
    start = time.monotonic()
    proof = make(words)
    try:
        failed = proof.run(stop)
    except Assumption as e:
        failed = {f"no result: {e}"} if VERBOSE else {"no result"}
    took = time.monotonic() - start
    return failed, f"{proof.p.steps} clauses, {took:.1f} s"


def main():
    wrong = 0
    only = [a for a in sys.argv[1:] if a != "-v"]
    for title, make in PROOFS:
        if only and make.__name__ not in only:
            continue
        failed, work = attempt(make, (), False)
        wrong += bool(failed)
        what = "FAILS: " + "; ".join(sorted(failed)) if failed else "proved"
        print(f"{title}: {what} ({work})", flush=True)
    for title, word, make in BREAKS:
        if only and word not in only:
            continue
        failed, work = attempt(make, BROKEN_WORDS.get(word, (word,)), True)
        noticed = failed and not any(x.startswith("no result") for x in failed)
        wrong += not noticed
        what = "; ".join(sorted(failed)) or "NOT NOTICED"
        print(f"broken: {title}: {what} ({work})", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
