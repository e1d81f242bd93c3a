#!/usr/bin/env python3
"""The Python side of tests/interop/didcomm.sh: tests/gen/didcomm.py against the
library.  Usage: peer.py ENVELOPE WORK.

What the npm packages lack: authcrypt on P-384 and P-521, XC20P there, several
keys on those curves, flattened JWS, kid in the protected header.
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "gen"))
import didcomm  # noqa: E402

SIZES = {"0 B": 0, "1 KiB": 1024, "1 MiB": 1 << 20}
SIGNING = {"ed": "Ed25519", "p256": "P-256", "k1": "secp256k1"}
AGREEING = {"x": "X25519", "ep256": "P-256", "ep384": "P-384",
            "ep521": "P-521"}
LAYERS = {"signed": 1, "anoncrypt": 2, "authcrypt": 3}
ENCS = {"A256CBC-HS512": 0, "A256GCM": 1, "XC20P": 2}


class Party:
    def __init__(self, name):
        self.did = "did:example:python-" + name
        self.keys = {}
        for key, crv in SIGNING.items():
            self.add(key, crv)
        for key, crv in AGREEING.items():
            self.add(key + "-1", crv)
            self.add(key + "-2", crv)

    def add(self, name, crv):
        kid = self.did + "#" + name
        self.keys[kid] = didcomm.make_key(kid, crv)

    def document(self):
        agree = [k for k in self.keys if "-" in k.split("#")[1]]
        return {"id": self.did, "keyAgreement": agree,
                "authentication": [k for k in self.keys if k not in agree],
                "verificationMethod": [
                    {"id": kid, "type": "JsonWebKey2020",
                     "controller": self.did, "publicKeyJwk": key.public()}
                    for kid, key in self.keys.items()]}


ours, theirs = Party("library"), Party("peer")
directory = os.path.join(sys.argv[2], "documents")
os.makedirs(directory, exist_ok=True)
for party in (ours, theirs):
    with open(os.path.join(directory, party.did.replace(":", "_") + ".json"),
              "w") as f:
        json.dump(party.document(), f)
library = subprocess.Popen([sys.argv[1], directory], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, text=True)


def call(op, **rest):
    library.stdin.write(json.dumps(dict(op=op, **rest)) + "\n")
    library.stdin.flush()
    answer = json.loads(library.stdout.readline())
    assert "error" not in answer, answer
    return answer


def public(kid):
    return (ours.keys.get(kid) or theirs.keys[kid]).public()


def message(sender, to, size):
    return {"id": "1", "typ": "application/didcomm-plain+json",
            "type": "https://didcomm.org/basicmessage/2.0/message",
            "from": sender.did, "to": [to.did],
            "body": {"content": "x" * size} if size else {}}


def pack(m, **how):
    return json.loads(call("pack", message=json.dumps(m), **how)["envelope"])


def check(envelope, m, **names):
    got = call("unpack", envelope=json.dumps(envelope))
    assert json.loads(got["message"]) == m
    for name, value in names.items():
        assert got.get(name) == value, (name, got.get(name))


def signed(key, size):
    kid = theirs.did + "#" + key
    back, out = message(theirs, ours, size), message(ours, theirs, size)
    for form in ("general", "flattened"):
        for place in ("header", "protected"):
            check(didcomm.sign(theirs.keys[kid], json.dumps(back), form,
                               place), back, signer=kid)
            yield "%s, %s, kid %s: theirs" % (SIGNING[key], form, place)
    plain, kid = didcomm.verify(
        pack(out, layers=1, signer=ours.did + "#" + key), public)
    assert json.loads(plain) == out and kid == ours.did + "#" + key
    yield "%s: ours" % SIGNING[key]


def encrypted(key, size):
    back, out = message(theirs, ours, size), message(ours, theirs, size)
    to = [(ours.did + "#%s-%d" % (key, i),
           public(ours.did + "#%s-%d" % (key, i))) for i in (1, 2)]
    mine, his = ours.did + "#" + key + "-1", theirs.did + "#" + key + "-1"
    for enc, n in ENCS.items():
        check(didcomm.encrypt(to, json.dumps(back), enc), back,
              layers=2, read_by=mine)
        yield "anoncrypt %s %s: theirs" % (AGREEING[key], enc)
        plain, skid = didcomm.decrypt(
            pack(out, layers=2, enc=n, to=his), [theirs.keys[his]], public)
        assert json.loads(plain) == out and skid is None
        yield "anoncrypt %s %s: ours" % (AGREEING[key], enc)
    check(didcomm.encrypt(to, json.dumps(back), sender=theirs.keys[his]), back,
          layers=3, sender=his)
    yield "authcrypt %s: theirs" % AGREEING[key]
    plain, skid = didcomm.decrypt(
        pack(out, layers=3, to=his, sender=mine), [theirs.keys[his]], public)
    assert json.loads(plain) == out and skid == mine
    yield "authcrypt %s: ours" % AGREEING[key]


def main():
    n = failed = 0
    for kid, key in ours.keys.items():
        call("key", kid=kid, jwk=key.jwk)
    for label, size in SIZES.items():
        for part in [signed(k, size) for k in SIGNING] + \
                [encrypted(k, size) for k in AGREEING]:
            try:
                for name in part:
                    n += 1
                    print("ok      Python, %s, %s" % (name, label))
            except Exception as e:  # a case that fails ends its part
                n, failed = n + 1, failed + 1
                print("FAILED  Python, %s: %r" % (label, e))
    library.stdin.close()
    print("Python: %d cases, %d failed" % (n, failed))
    sys.exit(1 if failed else 0)


main()
