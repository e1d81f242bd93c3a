#!/usr/bin/env python3
"""Write the signed-envelope vectors of vectors/jws/.

Usage: jws.py DIRECTORY           write one file per scenario
       jws.py --check DIRECTORY   compare, change nothing; exit 1 if different

Every file is one scenario, and its name says which.  Lines are `key: value`:

  source    this script
  tests     the scenario in words
  expect    PARLEY_OK, or the error that a reader must give
  signer    (PARLEY_OK) the DID that signed
  message   (PARLEY_OK) the payload, literally
  seed      (general only) Ed25519 seed of the signer, hex: packing `message`
            with it must give `envelope` byte for byte
  envelope  the envelope, literally, on one line; bytes outside printable
            ASCII, and backslashes, are written \\xHH

Layout of the envelopes: DIDComm Messaging v2.1, "DIDComm Signed Messages" and
Appendix C.2; RFC 7515, 7.2.  Keys come from fixed seeds, Ed25519 signatures
are deterministic, so the output is the same on every run.  Needs the package
`cryptography`; shares no code with the library it tests.
"""

import base64
import hashlib
import hmac
import json
import os
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ORDER = 2**252 + 27742317777372353535851937790883648493


def base58(data):
    n = int.from_bytes(data, "big")
    text = ""
    while n:
        n, digit = divmod(n, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(obj):
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False)


def raw_public(private):
    return private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class Party:
    def __init__(self, name):
        self.seed = hashlib.sha256(b"parley jws vectors: "
                                   + name.encode()).digest()
        self.key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.multikey = "z" + base58(b"\xed\x01" + raw_public(self.key))
        self.did = "did:key:" + self.multikey
        self.kid = self.did + "#" + self.multikey
        # The X25519 key of the same seed (RFC 7748, SHA-512 as in RFC 8032).
        agree = X25519PrivateKey.from_private_bytes(
            hashlib.sha512(self.seed).digest()[:32])
        self.agree_multikey = "z" + base58(b"\xec\x01" + raw_public(agree))
        self.agree_kid = self.did + "#" + self.agree_multikey


ALICE, MALLORY = Party("alice"), Party("mallory")
BOB = Party("bob")

PROTECTED = {"typ": "application/didcomm-signed+json", "alg": "EdDSA"}


def message(**changes):
    """A plaintext message by Alice; None removes a member."""
    m = {
        "id": "b5d3cbd6-6f5c-4d4f-a0ab-6a5d2f1b0c8e",
        "typ": "application/didcomm-plain+json",
        "type": "https://didcomm.org/trust-ping/2.0/ping",
        "from": ALICE.did,
        "to": [BOB.did],
        "created_time": 1767225600,
        "expires_time": 1767229200,
        "body": {"response_requested": True},
    }
    m.update(changes)
    return {k: v for k, v in m.items() if v is not None}


def protected(**changes):
    p = dict(PROTECTED)
    p.update(changes)
    return {k: v for k, v in p.items() if v is not None}


class Parts:
    """The parts of an envelope, signed, ready to be spoiled."""

    def __init__(self, payload=None, prot=None, header=None, signer=ALICE,
                 payload_text=None, prot_text=None):
        if payload is None:
            payload = message()
        if not isinstance(payload, (str, bytes)):
            payload = compact(payload)
        if prot is None:
            prot = PROTECTED
        if not isinstance(prot, (str, bytes)):
            prot = compact(prot)
        self.payload_bytes = payload
        self.payload = b64(payload) if payload_text is None else payload_text
        self.protected = b64(prot) if prot_text is None else prot_text
        self.raw = signer.key.sign(
            (self.protected + "." + self.payload).encode())
        self.signature = b64(self.raw)
        self.header = {"kid": signer.kid} if header is None else header

    def one(self, **changes):
        s = {"protected": self.protected, "signature": self.signature,
             "header": self.header}
        s.update(changes)
        return {k: v for k, v in s.items() if v is not None}

    def general(self, **changes):
        return {"payload": self.payload, "signatures": [self.one(**changes)]}

    def flattened(self, **changes):
        return {"payload": self.payload, **self.one(**changes)}


SCENARIOS = {}


def add(name, tests, expect, envelope, **more):
    if isinstance(envelope, dict):
        envelope = compact(envelope)
    if isinstance(envelope, str):
        envelope = envelope.encode()
    assert name not in SCENARIOS, name
    SCENARIOS[name] = (tests, expect, more, envelope)


def good(name, tests, parts, envelope=None, **more):
    payload = parts.payload_bytes
    if isinstance(payload, str):
        payload = payload.encode()
    add(name, tests, "PARLEY_OK", envelope or parts.general(),
        signer=ALICE.did, message=escape(payload), **more)


def bad(name, tests, expect, envelope):
    if isinstance(envelope, Parts):
        envelope = envelope.general()
    add(name, tests, "PARLEY_ERR_" + expect, envelope)


def escape(data):
    return "".join(chr(b) if 0x20 <= b < 0x7F and b != 0x5C
                   else "\\x%02x" % b for b in data)


def accepted():
    p = Parts()
    good("general", "general form, kid unprotected: what the library packs",
         p, seed=ALICE.seed.hex())
    good("flattened", "flattened form, kid unprotected", p, p.flattened())
    k = Parts(prot=protected(kid=ALICE.kid))
    good("kid-protected-general", "general form, kid protected", k,
         k.general(header=None))
    good("kid-protected-flattened", "flattened form, kid protected", k,
         k.flattened(header=None))
    good("header-empty", "an empty unprotected header, kid protected", k,
         k.general(header={}))
    good("typ-short", "typ without application/",
         Parts(prot=protected(typ="didcomm-signed+json")))
    good("typ-jwm", "typ as in the example of the text",
         Parts(prot=protected(typ="JWM")))
    good("typ-upper-case", "typ in another case",
         Parts(prot=protected(typ="Application/DIDComm-Signed+JSON")))
    good("typ-absent", "typ left out", Parts(prot=protected(typ=None)))
    good("typ-unprotected", "typ in the unprotected header",
         Parts(prot=protected(typ=None),
               header={"kid": ALICE.kid, "typ": PROTECTED["typ"]}))
    good("unknown-members", "members that no one knows, at both levels", p,
         {"x": [1], **p.general(y={"z": None})})
    good("unknown-header-parameters",
         "header parameters that no one knows, in both headers",
         Parts(prot=protected(nonce="1"),
               header={"kid": ALICE.kid, "x": {"y": 1}}))
    good("unknown-message-members", "members of the message unknown to us",
         Parts(message(x={"y": [1, 2.5, None]}, trace="whatever")))
    good("utf-8", "text outside ASCII in the message",
         Parts(message(body={"comment": "Grüße, 世界 🌍 \\u0041"})))
    good("body-absent", "no body: allowed since version 2.1",
         Parts(message(body=None)))
    good("message-typ-absent", "message without typ",
         Parts(message(typ=None)))
    good("message-typ-short", "message with typ without application/",
         Parts(message(typ="didcomm-plain+json")))
    good("message-minimal", "only id, type and from",
         Parts({"id": "1", "type": "did:example:1;spec/p/1.0/m",
                "from": ALICE.did}))
    good("message-every-member", "every member that the text defines",
         Parts(message(
             thid="t-1", pthid="p.1~_", lang="fr",
             please_ack=["", "abc"], ack=["def"], from_prior="e30.e30.e30",
             attachments=[
                 {"id": "a", "description": "d", "filename": "f.txt",
                  "media_type": "text/plain", "format": "x",
                  "lastmod_time": 0, "byte_count": 3,
                  "data": {"base64": "YWJj", "jws": {"header": {}}}},
                 {"data": {"json": None}},
                 {"data": {"links": ["https://example.com/"],
                           "hash": "zQm"}}],
             **{"accept-lang": ["fr", "en"]})))
    white = Parts(payload=" \n" + json.dumps(message(), indent=2) + "\n ",
                  prot=json.dumps(PROTECTED, indent=1))
    good("white-space", "white space in payload, protected and envelope",
         white, "\n " + json.dumps(white.general(), indent=3) + "\r\n\t")
    text = compact(p.general())
    good("escapes", "JSON escapes in the envelope spell the same text", p,
         text.replace('"payload":"e', '"\\u0070ayload":"\\u0065'))


def structure():
    p = Parts()
    text = compact(p.general())
    flat = compact(p.flattened())
    ping = compact(message())
    bad("empty", "no bytes", "JSON", "")
    bad("compact-form", "compact serialization", "JSON",
        "%s.%s.%s" % (p.protected, p.payload, p.signature))
    bad("array", "an array, not an object", "JSON", "[%s]" % text)
    bad("truncated", "last byte missing", "JSON", text[:-1])
    bad("trailing-bytes", "a second object behind the first", "JSON",
        text + "{}")
    bad("nul-behind", "a NUL byte behind the envelope", "JSON",
        text.encode() + b"\0")
    bad("byte-order-mark", "a byte order mark in front", "JSON",
        b"\xef\xbb\xbf" + text.encode())
    bad("utf-8-invalid", "invalid UTF-8 in an unknown member", "JSON",
        b'{"x":"\xff",' + text[1:].encode())
    bad("nesting", "nested too deep", "JSON",
        '{"x":' + "[" * 100 + "]" * 100 + "," + text[1:])
    bad("duplicate-payload", "payload twice", "JSON",
        '{"payload":"e30",' + text[1:])
    bad("duplicate-signatures", "signatures twice", "JSON",
        text[:-1] + ',"signatures":[]}')
    bad("duplicate-kid", "kid twice in the unprotected header", "JSON",
        text.replace('"header":{', '"header":{"kid":"%s",' % MALLORY.kid))
    bad("duplicate-alg", "alg twice in the protected header", "JSON",
        Parts(prot='{"alg":"none","typ":"JWM","alg":"EdDSA"}'))
    bad("duplicate-from", "from twice in the message", "JSON",
        Parts('{"from":"%s",%s' % (MALLORY.did, ping[1:])))
    bad("protected-not-json", "protected header is not JSON", "JSON",
        Parts(prot="alg=EdDSA"))
    bad("protected-array", "protected header is an array", "JSON",
        Parts(prot='["EdDSA"]'))
    bad("protected-empty", "protected header is the empty text", "JSON",
        Parts(prot_text=""))
    bad("payload-not-json", "payload is not JSON", "JSON", Parts("hello"))
    bad("payload-empty", "payload is the empty text", "JSON",
        Parts(payload_text=""))
    bad("payload-utf-8-invalid", "payload is not UTF-8", "JSON",
        Parts(b'{"id":"\xc3\x28",' + ping[1:].encode()))
    bad("payload-nul", "an escaped NUL in a string of the payload", "JSON",
        Parts('{"x":"\\u0000",' + ping[1:]))

    bad("payload-missing", "no payload", "ENVELOPE",
        {"signatures": [p.one()]})
    bad("payload-object", "payload is an object", "ENVELOPE",
        {"payload": message(), "signatures": [p.one()]})
    bad("protected-missing", "no protected header", "ENVELOPE",
        p.general(protected=None))
    bad("protected-object", "protected header is an object", "ENVELOPE",
        p.general(protected=PROTECTED))
    bad("signature-missing", "no signature in the only entry", "ENVELOPE",
        p.general(signature=None))
    bad("signature-missing-flattened", "no signature in flattened form",
        "ENVELOPE", p.flattened(signature=None))
    bad("signature-number", "signature is a number", "ENVELOPE",
        p.general(signature=7))
    bad("signatures-empty", "no entry in signatures", "ENVELOPE",
        {"payload": p.payload, "signatures": []})
    bad("signatures-two", "two signatures, both right", "ENVELOPE",
        {"payload": p.payload, "signatures": [p.one(), p.one()]})
    bad("signatures-object", "signatures is an object", "ENVELOPE",
        {"payload": p.payload, "signatures": p.one()})
    bad("signatures-of-text", "the entry of signatures is a text", "ENVELOPE",
        {"payload": p.payload, "signatures": [p.signature]})
    bad("signatures-null", "signatures is null beside a flattened form",
        "ENVELOPE", {**p.flattened(), "signatures": None})
    for name in ("protected", "signature", "header"):
        bad("both-forms-" + name, "general form with a flattened " + name,
            "ENVELOPE", {**p.general(), name: p.one()[name]})
    bad("header-text", "unprotected header is a text", "ENVELOPE",
        p.general(header=ALICE.kid))
    bad("header-text-kid-protected", "the same where kid is protected",
        "ENVELOPE", Parts(prot=protected(kid=ALICE.kid)).general(header="x"))
    bad("header-null", "unprotected header is null", "ENVELOPE",
        flat.replace(compact(p.header), "null"))
    bad("encrypted", "an encrypted envelope", "ENVELOPE",
        {"protected": p.protected, "recipients": [{"encrypted_key": "AA"}],
         "iv": "AA", "ciphertext": "AA", "tag": "AA"})
    bad("plaintext", "a plaintext message", "ENVELOPE", message())


def encoding():
    p = Parts()
    for what in ("payload", "protected", "signature"):
        def put(text, what=what):
            if what == "payload":
                return {**p.general(), "payload": text}
            return p.general(**{what: text})

        value = getattr(p, what)
        bad(what + "-padding", what + " with padding", "ENCODING",
            put(value + "=" * (-len(value) % 4 or 4)))
        bad(what + "-standard-alphabet", what + " with + of base64",
            "ENCODING", put("+" + value[1:]))
        bad(what + "-line-break", what + " with a line break", "ENCODING",
            put(value[:20] + "\n" + value[20:]))
        bad(what + "-space", what + " with a space behind it", "ENCODING",
            put(value + " "))
        bad(what + "-length", what + " of an impossible length", "ENCODING",
            put(value + "A" * ((1 - len(value)) % 4)))
        bad(what + "-not-ascii", what + " with a letter outside ASCII",
            "ENCODING", put("é" + value[2:]))
    # Unused bits: 64 bytes leave 4 in the last character.
    last = p.signature[-1]
    table = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
             "0123456789-_")
    bad("signature-unused-bits", "signature with unused bits set",
        "ENCODING", p.general(signature=p.signature[:-1]
                              + table[table.index(last) | 1]))
    # A decoder that takes bytes over 0x7f for the last letter of the alphabet
    # reads the two bytes of U+00E9 as "__".
    n = 0
    while "__" not in p.signature:
        n += 1
        p = Parts(message(id=str(n)))
    bad("signature-other-spelling", "signature with U+00E9 for __",
        "ENCODING", p.general(signature=p.signature.replace("__", "é", 1)))
    for what in ("payload", "protected"):
        # One more byte than a multiple of three leaves 4 bits.
        text = compact(message() if what == "payload" else PROTECTED)
        text += " " * ((1 - len(text)) % 3)
        value = b64(text)
        value = value[:-1] + table[table.index(value[-1]) | 1]
        bad(what + "-unused-bits", what + " with unused bits set, signed so",
            "ENCODING", Parts(**{"payload_text" if what == "payload"
                                 else "prot_text": value}))


def headers():
    p = Parts()
    both = {"kid": ALICE.kid}
    for alg in ("none", "NONE", "HS256", "HS512", "RS256", "PS256", "ES384",
                "ES512", "eddsa", "Ed25519", "EdDSA ", ""):
        name = {"none": "none", "NONE": "none-upper-case",
                "eddsa": "lower-case", "EdDSA ": "trailing-space",
                "": "empty"}.get(alg, alg.lower())
        bad("alg-" + name, "alg is %s" % json.dumps(alg), "ALGORITHM",
            Parts(prot=protected(alg=alg)))
    bad("alg-none-unsigned", "alg is none and the signature is empty",
        "ALGORITHM", Parts(prot=protected(alg="none")).general(signature=""))
    # RFC 8725 2.1: what a verifier takes for its public key is no secret.
    for name, what, key in (
            ("raw-key", "public key", raw_public(ALICE.key)),
            ("multikey", "multikey", ALICE.multikey.encode())):
        p = Parts(prot=protected(alg="HS256"))
        mac = hmac.digest(key, (p.protected + "." + p.payload).encode(),
                          "sha256")
        bad("alg-hs256-by-" + name, "HMAC keyed with the signer's " + what,
            "ALGORITHM", p.general(signature=b64(mac)))
    p = Parts()
    for alg in ("ES256", "ES256K"):
        bad("alg-%s-for-ed25519" % alg.lower(),
            "alg of DIDComm, but not that of the key", "ALGORITHM",
            Parts(prot=protected(alg=alg)))
    bad("alg-none-of-unknown-did", "alg is none, and the DID has no resolver: "
        "alg is refused before the DID is looked at", "ALGORITHM",
        Parts(message(**{"from": "did:example:alice"}),
              protected(alg="none"), {"kid": "did:example:alice#key-1"}))
    bad("alg-missing", "no alg", "ENVELOPE", Parts(prot=protected(alg=None)))
    bad("alg-number", "alg is a number", "ENVELOPE",
        Parts(prot=protected(alg=-8)))
    bad("alg-unprotected", "alg only in the unprotected header", "ALGORITHM",
        Parts(prot=protected(alg=None), header={**both, "alg": "EdDSA"}))
    bad("alg-in-both", "alg in both headers", "ENVELOPE",
        Parts(header={**both, "alg": "EdDSA"}))
    bad("name-in-both", "an unknown parameter in both headers", "ENVELOPE",
        Parts(prot=protected(x=1), header={**both, "x": 1}))
    bad("crit-unknown", "crit with an unknown name", "ALGORITHM",
        Parts(prot=protected(crit=["x"], x=1)))
    bad("crit-b64", "crit with b64, as RFC 7797 has it", "ALGORITHM",
        Parts(prot=protected(crit=["b64"], b64=False)))
    bad("crit-empty", "crit without a name", "ALGORITHM",
        Parts(prot=protected(crit=[])))
    bad("crit-registered", "crit with a name that may not stand there",
        "ALGORITHM", Parts(prot=protected(crit=["alg"])))
    bad("crit-null", "crit is null", "ALGORITHM",
        Parts(prot='{"alg":"EdDSA","crit":null}'))
    bad("crit-unprotected", "crit in the unprotected header", "ALGORITHM",
        Parts(header={**both, "crit": ["x"], "x": 1}))
    bad("b64-false", "b64 without crit", "ALGORITHM",
        Parts(prot=protected(b64=False)))
    bad("b64-true", "b64 with its default value", "ALGORITHM",
        Parts(prot=protected(b64=True)))
    bad("b64-unprotected", "b64 in the unprotected header", "ALGORITHM",
        Parts(header={**both, "b64": False}))

    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw_public(MALLORY.key))}
    for name, value in (("jwk", jwk), ("jku", "https://example.com/"),
                        ("x5u", "https://example.com/"), ("x5c", ["AA"]),
                        ("x5t", "AA"), ("x5t#S256", "AA")):
        bad(name.lower().replace("#", "-") + "-protected",
            "a header that brings its own key", "ENVELOPE",
            Parts(prot=protected(**{name: value})))
    bad("jwk-unprotected", "jwk of the signer in the unprotected header, "
        "kid of another", "ENVELOPE",
        Parts(header={**both, "jwk": jwk}, signer=MALLORY))

    for name, typ in (("plain", "application/didcomm-plain+json"),
                      ("encrypted", "application/didcomm-encrypted+json"),
                      ("jwt", "JWT"), ("empty", ""), ("number", 1),
                      ("other-tree", "text/didcomm-signed+json")):
        bad("typ-" + name, "typ is %s" % json.dumps(typ), "ENVELOPE",
            Parts(prot=protected(typ=typ)))
    bad("typ-plain-unprotected", "another typ in the unprotected header",
        "ENVELOPE", Parts(prot=protected(typ=None),
                          header={**both, "typ": "JWT"}))
    bad("typ-in-both", "typ in both headers, the same", "ENVELOPE",
        Parts(header={**both, "typ": PROTECTED["typ"]}))

    bad("kid-missing", "no kid, empty unprotected header", "ENVELOPE",
        Parts(header={}))
    bad("kid-missing-no-header", "no kid, no unprotected header", "ENVELOPE",
        p.general(header=None))
    bad("kid-in-both", "kid in both headers, the same", "ENVELOPE",
        Parts(prot=protected(kid=ALICE.kid)))
    bad("kid-beside-header", "kid beside the header, not in it", "ENVELOPE",
        p.general(header=None, kid=ALICE.kid))
    bad("kid-number", "kid is a number", "ENVELOPE", Parts(header={"kid": 1}))
    bad("kid-null", "kid is null", "ENVELOPE", Parts(header={"kid": None}))


def keys():
    def kid(text, **more):
        return Parts(header={"kid": text}, **more)

    bad("kid-without-fragment", "kid is a DID", "KID", kid(ALICE.did))
    bad("kid-without-fragment-of-other", "kid is a DID, and not that of from: "
        "kid is refused before from is looked at", "KID", kid(MALLORY.did))
    bad("kid-empty", "kid is empty", "KID", kid(""))
    bad("kid-not-did", "kid is not a DID URL", "KID", kid("key-1"))
    bad("kid-relative", "kid is a fragment alone", "KID",
        kid("#" + ALICE.multikey))
    bad("kid-fragment-empty", "kid with an empty fragment", "KID",
        kid(ALICE.did + "#"))
    bad("kid-two-fragments", "kid with two fragments", "KID",
        kid(ALICE.kid + "#" + ALICE.multikey))
    bad("kid-trailing-space", "kid with a space behind it", "KID",
        kid(ALICE.kid + " "))
    bad("kid-too-long", "kid longer than any DID URL read", "KID",
        kid(ALICE.did + "#" + "a" * 3000))
    bad("kid-of-other-key", "kid names a key that is not in the document",
        "KID", kid(ALICE.did + "#" + MALLORY.multikey, signer=MALLORY))
    bad("kid-unknown-fragment", "kid names nothing in the document", "KID",
        kid(ALICE.did + "#key-1"))
    bad("kid-prefix", "kid ends one character early", "KID",
        kid(ALICE.kid[:-1]))
    bad("kid-with-path", "kid with a path", "KID",
        kid(ALICE.did + "/p#" + ALICE.multikey))
    bad("kid-with-query", "kid with a query", "KID",
        kid(ALICE.did + "?q=1#" + ALICE.multikey))
    bad("kid-of-key-agreement", "kid names the X25519 key of the document",
        "KID", kid(ALICE.agree_kid))
    xdid = "did:key:" + ALICE.agree_multikey
    bad("kid-of-x25519-did", "a DID that has only a key agreement key",
        "KID", kid(xdid + "#" + ALICE.agree_multikey,
                   payload=message(**{"from": xdid})))

    bad("from-missing", "no from in the message", "ADDRESS",
        Parts(message(**{"from": None})))
    bad("from-of-other", "Mallory signs a message from Alice with her own kid",
        "ADDRESS", Parts(signer=MALLORY))
    bad("from-other-kid-protected", "the same with kid protected", "ADDRESS",
        Parts(prot=protected(kid=MALLORY.kid), header={}, signer=MALLORY))
    bad("from-with-query", "from with a query", "ADDRESS",
        Parts(message(**{"from": ALICE.did + "?q=1"})))
    bad("from-with-path", "from with a path", "ADDRESS",
        Parts(message(**{"from": ALICE.did + "/p"})))
    bad("from-prefix", "from is the beginning of the DID", "ADDRESS",
        Parts(message(**{"from": ALICE.did[:-1]})))
    bad("from-upper-case", "from in another case", "ADDRESS",
        Parts(message(**{"from": "did:key:" + ALICE.multikey.upper()})))
    bad("from-with-fragment", "from is the kid", "MESSAGE",
        Parts(message(**{"from": ALICE.kid})))

    def other_did(name, tests, expect, did, fragment):
        bad(name, tests, expect, kid(did + "#" + fragment,
                                     payload=message(**{"from": did})))

    other_did("did-method-unknown", "a DID of a method without resolver",
              "UNSUPPORTED", "did:example:alice", "key-1")
    text = ALICE.multikey[:-1] + "0"
    other_did("did-key-not-base58", "a did:key with a character outside "
              "base58btc", "ENCODING", "did:key:" + text, text)
    text = "u" + b64(b"\xed\x01" + raw_public(ALICE.key))
    other_did("did-key-base64", "a did:key in base64url", "FORMAT",
              "did:key:" + text, text)
    text = "z" + base58(b"\xed\x01" + raw_public(ALICE.key)[:-1])
    other_did("did-key-short", "a did:key with 31 bytes of key", "LENGTH",
              "did:key:" + text, text)
    text = "z" + base58(b"\xed\x01" + b"\x01" + bytes(31))
    other_did("did-key-small-order", "a did:key that is the neutral point",
              "KEY", "did:key:" + text, text)
    text = "z" + base58(b"\x80\x26" + ALICE.seed)
    other_did("did-key-secret", "a did:key with a secret key's code",
              "UNSUPPORTED", "did:key:" + text, text)


def signatures():
    p = Parts()

    def sig(raw):
        return p.general(signature=b64(raw))

    bad("signature-of-other-key", "signed by Mallory with the kid of Alice",
        "SIGNATURE", Parts(signer=MALLORY, header={"kid": ALICE.kid}))
    for name, i in (("first", 0), ("last-of-r", 31), ("first-of-s", 32)):
        raw = bytearray(p.raw)
        raw[i] ^= 1
        bad("signature-bit-" + name, "one bit flipped in byte %d" % i,
            "SIGNATURE", sig(bytes(raw)))
    bad("signature-empty", "no byte", "SIGNATURE", sig(b""))
    bad("signature-short", "63 bytes", "SIGNATURE", sig(p.raw[:63]))
    bad("signature-long", "65 bytes", "SIGNATURE", sig(p.raw + b"\0"))
    bad("signature-twice", "128 bytes", "SIGNATURE", sig(p.raw * 2))
    bad("signature-huge", "6400 bytes", "SIGNATURE", sig(p.raw * 100))
    bad("signature-zero", "64 zero bytes", "SIGNATURE", sig(bytes(64)))
    s = int.from_bytes(p.raw[32:], "little") + ORDER
    bad("signature-s-plus-order", "S not reduced: RFC 8032 5.1.7",
        "SIGNATURE", sig(p.raw[:32] + s.to_bytes(32, "little")))
    bad("signature-halves-swapped", "S before R", "SIGNATURE",
        sig(p.raw[32:] + p.raw[:32]))
    other = Parts(message(id="2"))
    bad("payload-exchanged", "payload of another message", "SIGNATURE",
        {**p.general(), "payload": other.payload})
    bad("protected-exchanged", "protected header of another envelope",
        "SIGNATURE", p.general(protected=b64(compact(protected(typ="JWM")))))
    bad("protected-re-encoded", "the same protected header with a space",
        "SIGNATURE", p.general(protected=b64(json.dumps(PROTECTED))))
    bad("protected-reordered", "the same protected header, other order",
        "SIGNATURE", p.general(protected=b64(compact(
            dict(reversed(PROTECTED.items()))))))
    bad("payload-re-encoded", "the same message with white space",
        "SIGNATURE", {**p.general(), "payload": b64(json.dumps(message()))})
    text = compact(PROTECTED) + "." + compact(message())
    bad("signature-over-decoded", "signed over the decoded texts",
        "SIGNATURE", sig(ALICE.key.sign(text.encode())))
    bad("signature-over-payload", "signed over the payload alone",
        "SIGNATURE", sig(ALICE.key.sign(p.payload.encode())))
    bad("signature-with-newline", "signed with a line feed behind",
        "SIGNATURE", sig(ALICE.key.sign(
            (p.protected + "." + p.payload + "\n").encode())))
    digest = hashlib.sha512((p.protected + "." + p.payload).encode()).digest()
    bad("signature-over-digest", "signed over SHA-512 of the input",
        "SIGNATURE", sig(ALICE.key.sign(digest)))
    moved = Parts(prot=protected(kid=ALICE.kid))
    bad("kid-moved", "kid signed in the protected header, moved out",
        "SIGNATURE", moved.general(protected=p.protected))


def messages():
    for name, tests, changes in (
            ("id-missing", "message without id", {"id": None}),
            ("type-missing", "message without type", {"type": None}),
            ("type-not-uri", "type is not a message type URI",
             {"type": "ping"}),
            ("message-typ-signed", "typ of the message is that of an envelope",
             {"typ": PROTECTED["typ"]}),
            ("to-text", "to is a text", {"to": BOB.did}),
            ("to-empty", "to is empty", {"to": []}),
            ("to-kid", "to has a fragment", {"to": [BOB.kid]}),
            ("body-text", "body is a text", {"body": "x"}),
            ("time-text", "expires_time is a text",
             {"expires_time": "1767229200"})):
        bad(name, tests, "MESSAGE", Parts(message(**changes)))
    inner = compact(Parts().general())
    bad("nested", "a signed envelope in a signed envelope", "MESSAGE",
        Parts(inner))


def render(name):
    tests, expect, more, envelope = SCENARIOS[name]
    lines = ["source: tests/gen/jws.py, layout after DIDComm 2.1, "
             "Appendix C.2", "tests: " + tests, "expect: " + expect]
    lines += ["%s: %s" % item for item in more.items()]
    lines.append("envelope: " + escape(envelope))
    return "\n".join(lines) + "\n"


def main():
    args = sys.argv[1:]
    check = args[:1] == ["--check"]
    if len(args) != 1 + check:
        sys.exit(__doc__)
    directory = args[-1]
    for group in (accepted, structure, encoding, headers, keys, signatures,
                  messages):
        group()
    wrong = 0
    for name in SCENARIOS:
        path = os.path.join(directory, name + ".txt")
        text = render(name)
        if not check:
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        elif not os.path.exists(path) or open(path).read() != text:
            print("differs: " + path, file=sys.stderr)
            wrong += 1
    present = {f[:-4] for f in os.listdir(directory) if f.endswith(".txt")}
    for name in sorted(present - set(SCENARIOS)):
        print("not ours: %s.txt" % os.path.join(directory, name),
              file=sys.stderr)
        wrong += 1
    print("%d scenarios" % len(SCENARIOS))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
