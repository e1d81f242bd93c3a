#!/usr/bin/env python3
"""Write the encrypted-envelope vectors of vectors/jwe/.

Usage: jwe.py DIRECTORY           write one file per scenario
       jwe.py --check DIRECTORY   compare, change nothing; exit 1 if different

Every file is one scenario, and its name says which.  Lines are `key: value`:

  source    this script
  tests     the scenario in words
  expect    PARLEY_OK, or the error that a reader must give
  reason    (errors, where there is one) what the library says about it
  layers    (PARLEY_OK) the envelopes, the outermost first
  sender    (PARLEY_OK, authcrypt) key id of the sender
  signer    (PARLEY_OK, signed) key id of the signer
  message   (PARLEY_OK) the plaintext, literally
  now       time at which the message is read, UTC seconds; absent: not checked
  reader    whose keys the reader has: bob (absent), or charlie
  envelope  the envelope, literally, on one line; bytes outside printable
            ASCII, and backslashes, are written \\xHH

The parties are those of DIDComm v2.1, Appendix A (vectors/didcomm/).  Every
scenario goes through parley_comm_unpack(): so signed and plain ones are here,
too, where what is wrong is seen only there.
"""

import copy
import hashlib
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from didcomm import *  # noqa: E402,F403

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
KEYS = {}
with open(os.path.join(TREE, "vectors/didcomm/secrets.json")) as f:
    for jwk in json.load(f)["vectors"]:
        KEYS[jwk["kid"]] = Key(jwk["kid"], jwk)

ALICE, BOB, CHARLIE = ("did:example:" + n for n in ("alice", "bob", "charlie"))
CURVE_KEYS = {
    "X25519": [BOB + "#key-x25519-%d" % i for i in (1, 2, 3)],
    "P-256": [BOB + "#key-p256-1", BOB + "#key-p256-2"],
    "P-384": [BOB + "#key-p384-1", BOB + "#key-p384-2"],
    "P-521": [BOB + "#key-p521-1", BOB + "#key-p521-2"],
}
ALICE_KEYS = {"X25519": ALICE + "#key-x25519-1", "P-256": ALICE +
              "#key-p256-1", "P-521": ALICE + "#key-p521-1"}
SCENARIOS = {}
ORDERS = {
    "P-256": int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2"
                 "fc632551", 16),
    "secp256k1": K1_ORDER,
}


def pub(kid):
    return kid, KEYS[kid].public()


def to(crv="X25519", n=None):
    return [pub(k) for k in CURVE_KEYS[crv][:n]]


def message(drop=(), **more):
    m = {"id": "1234567890", "typ": "application/didcomm-plain+json",
         "type": "http://example.com/protocols/lets_do_lunch/1.0/proposal",
         "from": ALICE, "to": [BOB], "created_time": 1516269022,
         "expires_time": 1516385931, "body": {"text": "Gr\u00fc\u00dfe"}}
    m.update(more)
    for name in drop:
        m.pop(name)
    return compact(m)


PLAIN = message()
# Nothing in it that a missing sender would contradict.
ANON = message(drop=("from",))
SENDER = KEYS[ALICE_KEYS["X25519"]]
SIGNER = KEYS[ALICE + "#key-1"]


def add(name, tests, expect, envelope, reason=None, **more):
    assert name not in SCENARIOS, name
    if isinstance(envelope, dict):
        envelope = compact(envelope)
    s = {"source": "tests/gen/jwe.py", "tests": tests,
         "expect": "PARLEY_" + ("OK" if expect == "OK" else
                                "ERR_" + expect)}
    if reason:
        s["reason"] = reason
    s.update(more)
    s["envelope"] = envelope
    SCENARIOS[name] = s


def ok(name, tests, envelope, layers, plain=PLAIN, **more):
    add(name, tests, "OK", envelope, layers=layers, message=plain, **more)


def anon(name="hostile", crv="X25519", plain=ANON, **more):
    return encrypt(to(crv), plain, seed=name, **more)


def auth(name="hostile", crv="X25519", plain=PLAIN, **more):
    return encrypt(to(crv), plain, sender=KEYS[ALICE_KEYS[crv]], seed=name,
                   **more)


def change(envelope, path, value):
    """A copy with one member set, or with None removed."""
    e = copy.deepcopy(envelope)
    at = e
    for p in path[:-1]:
        at = at[p]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return e


def head_of(envelope):
    return json.loads(unb64(envelope["protected"]))


def flip(text):
    return ("B" if text[0] == "A" else "A") + text[1:]


def cut(text, n=1):
    """base64url of the bytes without the last n."""
    return b64(unb64(text)[:-n])


def with_signature(key, change_signature, header=None):
    """Signed by `key`, with another signature made of the right one."""
    e = sign(key, PLAIN, header=header)
    one = e["signatures"][0]
    one["signature"] = b64(change_signature(unb64(one["signature"])))
    return e


def with_rs(key, change_rs):
    def apply(raw):
        r, s = (int.from_bytes(raw[i:i + 32], "big") for i in (0, 32))
        return b"".join(v.to_bytes(32, "big")
                        for v in change_rs(r, s, ORDERS[key.crv]))
    return with_signature(key, apply)


def valid():
    for crv in CURVE_KEYS:
        for enc in ENCS:
            name = "anoncrypt-%s-%s" % (crv.replace("-", "").lower(),
                                        enc.split("-")[0].lower())
            ok(name, "anoncrypt, %s, %s, all keys of the recipient" %
               (crv, enc), anon(name, crv, enc=enc), "anoncrypt", ANON)
    for crv in ALICE_KEYS:
        name = "authcrypt-" + crv.replace("-", "").lower()
        ok(name, "authcrypt, %s" % crv, auth(name, crv), "authcrypt",
           sender=ALICE_KEYS[crv])
    for kid in (ALICE + "#key-1", ALICE + "#key-2", ALICE + "#key-3"):
        alg = KEYS[kid].alg()
        s = sign(KEYS[kid], PLAIN)
        ok("signed-" + alg.lower(), "signed, " + alg, s, "signed", signer=kid)
        ok("anoncrypt-signed-" + alg.lower(), "anoncrypt of signed, " + alg,
           anon(alg, plain=compact(s)), "anoncrypt-signed", signer=kid)
    ok("signed-es256k-high-s", "ES256K with the higher s",
       sign(KEYS[ALICE + "#key-3"], PLAIN, low=False), "signed",
       signer=ALICE + "#key-3")
    ok("signed-es256-high-s", "ES256 with the higher s", with_rs(
        KEYS[ALICE + "#key-2"], lambda r, s, n: (r, max(s, n - s))), "signed",
       signer=ALICE + "#key-2")
    ok("signed-es256-low-s", "ES256 with the lower s", with_rs(
        KEYS[ALICE + "#key-2"], lambda r, s, n: (r, min(s, n - s))), "signed",
       signer=ALICE + "#key-2")
    ok("signed-flattened", "signed, flattened, kid protected",
       sign(SIGNER, PLAIN, form="flattened", kid="protected"), "signed",
       signer=SIGNER.kid)
    ok("anoncrypt-authcrypt", "anoncrypt of authcrypt",
       anon("outer", plain=compact(auth("inner"))), "anoncrypt-authcrypt",
       sender=SENDER.kid)
    ok("anoncrypt-authcrypt-two-curves",
       "anoncrypt on P-384 of authcrypt on P-521",
       anon("outer", "P-384", plain=compact(auth("inner", "P-521"))),
       "anoncrypt-authcrypt", sender=ALICE_KEYS["P-521"])
    ok("authcrypt-signed", "authcrypt of signed: SHOULD NOT be sent, MAY be "
       "accepted", auth(plain=compact(sign(SIGNER, PLAIN))),
       "authcrypt-signed", sender=SENDER.kid, signer=SIGNER.kid)
    ok("plain", "plaintext", PLAIN, "plain")
    ok("one-recipient", "one of several keys", encrypt(
        to("X25519", 1), ANON, seed="one"), "anoncrypt", ANON)
    ok("authcrypt-one-recipient", "authcrypt to one of several keys", encrypt(
        to("X25519", 1), PLAIN, sender=SENDER, seed="one"), "authcrypt",
       sender=SENDER.kid)
    ok("anoncrypt-to-absent", "anoncrypt, without `to`",
       anon(plain=message(drop=("from", "to"))), "anoncrypt",
       message(drop=("from", "to")))
    ok("authcrypt-to-absent", "authcrypt, without `to`",
       auth(plain=message(drop=("to",))), "authcrypt", message(drop=("to",)),
       sender=SENDER.kid)
    ok("anoncrypt-from-claimed", "anoncrypt with a `from` that nothing shows",
       anon(plain=PLAIN), "anoncrypt")
    ok("skid-absent", "without skid, apu names the sender",
       auth(drop=("skid",)), "authcrypt", sender=SENDER.kid)
    ok("typ-absent", "without typ", anon(drop=("typ",)), "anoncrypt", ANON)
    ok("typ-short", "typ without application/", anon(header={
        "typ": "didcomm-encrypted+json"}), "anoncrypt", ANON)
    ok("body-absent", "a message without body (v2.1)",
       anon(plain=message(drop=("from", "body"))), "anoncrypt",
       message(drop=("from", "body")))
    ok("unknown-members", "unknown members and parameters are ignored",
       change(anon(header={"x": 1}), ("y",), [{}]), "anoncrypt", ANON)
    ok("not-expired", "one second before expires_time", auth(), "authcrypt",
       sender=SENDER.kid, now="1516385930")
    ok("charlie", "another party reads, with one key", encrypt(
        [pub(CHARLIE + "#key-x25519-1")], message(drop=("from",),
                                                  to=[CHARLIE]), seed="c"),
       "anoncrypt", message(drop=("from",), to=[CHARLIE]), reader="charlie")


def structure():
    e = anon()
    for m in ("protected", "recipients", "iv", "ciphertext", "tag"):
        add(m + "-missing", "no member " + m, "ENVELOPE", change(e, (m,), None))
        add(m + "-number", m + " is a number", "ENVELOPE", change(e, (m,), 1))
    for m, v in (("unprotected", {}), ("aad", "AA"), ("header", {}),
                 ("encrypted_key", "AA")):
        add(m + "-there", "member %s, which has no place" % m, "ENVELOPE",
            change(e, (m,), v), "member %s has no place here" % m)
    add("flattened", "flattened JWE", "ENVELOPE",
        {**{k: e[k] for k in e if k != "recipients"}, **e["recipients"][0]})
    add("compact", "compact JWE", "JSON", ".".join(
        (e["protected"], e["recipients"][0]["encrypted_key"], e["iv"],
         e["ciphertext"], e["tag"])))
    add("recipients-empty", "no recipient", "ENVELOPE",
        change(e, ("recipients",), []))
    add("recipients-many", "33 recipients", "ENVELOPE",
        change(e, ("recipients",), e["recipients"][:1] * 33),
        "33 recipients; 1 to 32 are allowed")
    add("recipient-text", "a recipient that is a text", "ENVELOPE",
        change(e, ("recipients", 0), "x"))
    add("recipient-header-missing", "a recipient without header", "ENVELOPE",
        change(e, ("recipients", 0, "header"), None))
    add("kid-missing", "a recipient without kid", "ENVELOPE",
        change(e, ("recipients", 0, "header", "kid"), None))
    add("kid-number", "kid is a number", "ENVELOPE",
        change(e, ("recipients", 0, "header", "kid"), 7))
    add("encrypted-key-missing", "a recipient without encrypted_key",
        "ENVELOPE", change(e, ("recipients", 1, "encrypted_key"), None))
    text = compact(e)
    add("duplicate-tag", "member tag twice", "JSON",
        text[:-1] + ',"tag":"%s"}' % e["tag"])
    add("duplicate-protected", "member protected twice", "JSON",
        text[:-1] + ',"protected":"%s"}' % e["protected"])
    add("trailing-text", "text behind the envelope", "JSON", text + "{}")
    add("array", "an array around the envelope", "JSON", "[" + text + "]")
    add("nul-byte", "a NUL in the envelope", "JSON",
        text.replace('"tag"', '"t\\x00ag"'))
    add("invalid-utf8", "invalid UTF-8 in an unknown member", "JSON",
        text[:-1] + ',"x":"\\xff\\xfe"}')
    add("deep-nesting", "nested 2000 deep", "JSON",
        text[:-1] + ',"x":' + "[" * 2000 + "]" * 2000 + "}")
    add("many-values", "an envelope of 5000 values", "TOO_LARGE",
        text[:-1] + ',"x":[' + ",".join("0" * 5000) + "]}")
    add("empty", "nothing at all", "JSON", "")
    add("truncated", "the last brace is missing", "JSON", text[:-1])


def encodings():
    e = anon()
    for path, name in ((("protected",), "protected"), (("iv",), "iv"),
                       (("ciphertext",), "ciphertext"), (("tag",), "tag"),
                       (("recipients", 0, "encrypted_key"), "encrypted-key")):
        at = e
        for p in path:
            at = at[p]
        add(name + "-padded", name + " with padding", "ENCODING",
            change(e, path, at + "="))
        add(name + "-space", name + " with white space", "ENCODING",
            change(e, path, at[:4] + "\n" + at[4:]))
        add(name + "-plus", name + " in the other alphabet", "ENCODING",
            change(e, path, "+" + at[1:]))
        if len(unb64(at)) % 3:
            last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
                   "0123456789-_"
            i = last.index(at[-1])
            add(name + "-unused-bits", name + " with unused bits set",
                "ENCODING", change(e, path, at[:-1] + last[i + 1]))
    add("iv-one-character", "iv of one character", "ENCODING",
        change(e, ("iv",), "A"))
    add("protected-not-json", "protected header is not JSON", "JSON",
        change(e, ("protected",), b64("{")))
    add("protected-array", "protected header is an array", "JSON",
        change(e, ("protected",), b64("[]")))
    add("protected-duplicate", "alg twice in the protected header", "JSON",
        change(e, ("protected",), b64(
            '{"alg":"none",' + unb64(e["protected"]).decode()[1:])))


def headers():
    for alg in ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "A256KW", "dir",
                "RSA-OAEP", "RSA1_5", "PBES2-HS512+A256KW", "ECDH-1PU",
                "ECDH-1PU+A128KW", "none", "ecdh-es+a256kw", "A256GCMKW",
                "ECDH-SS+A256KW"):
        add("alg-" + alg.lower().replace("+", "-") +
            ("-lower" if alg[0] == "e" else ""), "alg " + alg, "ALGORITHM",
            anon(header={"alg": alg}), "alg %s is not allowed" % alg)
    for enc in ("A128GCM", "A192GCM", "A128CBC-HS256", "A192CBC-HS384",
                "C20P", "a256gcm", "none"):
        add("enc-" + enc.lower() + ("-lower" if enc[0] == "a" else ""),
            "enc " + enc, "ALGORITHM", anon(header={"enc": enc}),
            "enc %s is not allowed" % enc)
    for enc in ("A256GCM", "XC20P"):
        add("authcrypt-" + enc.lower(), "ECDH-1PU with " + enc, "ALGORITHM",
            auth(enc=enc), "ECDH-1PU+A256KW with enc " + enc)
    add("alg-missing", "no alg", "ENVELOPE", anon(drop=("alg",)))
    add("enc-missing", "no enc", "ENVELOPE", anon(drop=("enc",)))
    add("alg-number", "alg is a number", "ENVELOPE", anon(header={"alg": 1}))
    add("zip", "compression", "ALGORITHM", anon(header={"zip": "DEF"}),
        "zip is not allowed")
    add("crit", "a crit", "ALGORITHM",
        anon(header={"crit": ["exp"], "exp": 1}),
        "crit names what is not understood")
    add("crit-empty", "an empty crit", "ALGORITHM", anon(header={"crit": []}))
    for p in ("jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"):
        add("header-" + p.lower().replace("#", "-"),
            "protected header brings a key: " + p, "ENVELOPE",
            anon(header={p: "https://example.com"}),
            "header brings a key of its own")
    e = anon()
    for p, v, err in (("alg", "dir", "ALGORITHM"),
                      ("alg", "ECDH-ES+A256KW", "ALGORITHM"),
                      ("enc", "A256GCM", "ALGORITHM"),
                      ("zip", "DEF", "ALGORITHM"),
                      ("crit", ["x"], "ALGORITHM"), ("epk", {}, "ENVELOPE"),
                      ("apu", "AA", "ENVELOPE"), ("apv", "AA", "ENVELOPE"),
                      ("skid", SENDER.kid, "ENVELOPE"),
                      ("typ", "x", "ENVELOPE"), ("jwk", {}, "ENVELOPE")):
        add("recipient-%s-%s" % (p, str(v).lower().replace("+", "-")[:7]
                                 if p == "alg" else "there"),
            p + " in the header of a recipient", err,
            change(e, ("recipients", 0, "header", p), v))
    add("kid-protected", "kid in both headers", "ENVELOPE",
        anon(header={"kid": CURVE_KEYS["X25519"][0]}), "kid in two headers")
    for typ, name in (("application/didcomm-signed+json", "signed"),
                      ("JWE", "jwe"), ("application/didcomm-plain+json",
                                       "plain")):
        add("typ-" + name, "typ " + typ, "ENVELOPE", anon(header={"typ": typ}))
    add("typ-null", "typ is null", "ENVELOPE", anon(header={"typ": None}))


def lengths():
    for enc, (cek, iv) in ENCS.items():
        n = enc.split("-")[0].lower()
        e = anon(enc=enc)
        short = b64(unb64(e["iv"])[:-1])
        add("iv-short-" + n, enc + ", iv one byte short", "LENGTH",
            change(e, ("iv",), short), "iv has %d bytes, not %d" % (iv - 1, iv))
        add("iv-long-" + n, enc + ", iv one byte longer", "LENGTH",
            change(e, ("iv",), b64(unb64(e["iv"]) + b"\0")))
        add("iv-empty-" + n, enc + ", empty iv", "LENGTH",
            change(e, ("iv",), ""))
        add("tag-short-" + n, enc + ", tag one byte short", "LENGTH",
            change(e, ("tag",), cut(e["tag"])))
        add("tag-long-" + n, enc + ", tag one byte longer", "LENGTH",
            change(e, ("tag",), b64(unb64(e["tag"]) + b"\0")))
        add("tag-empty-" + n, enc + ", empty tag", "LENGTH",
            change(e, ("tag",), ""))
        k = e["recipients"][0]["encrypted_key"]
        at = ("recipients", 0, "encrypted_key")
        add("encrypted-key-short-" + n, enc + ", encrypted_key one block short",
            "LENGTH", change(e, at, cut(k, 8)))
        add("encrypted-key-long-" + n, enc + ", encrypted_key one block longer",
            "LENGTH", change(e, at, b64(unb64(k) + bytes(8))))
        add("encrypted-key-empty-" + n, enc + ", empty encrypted_key",
            "LENGTH", change(e, at, ""))
        add("tag-changed-" + n, enc + ", tag changed", "SEAL",
            change(e, ("tag",), flip(e["tag"])), "ciphertext does not open")
        add("iv-changed-" + n, enc + ", iv changed", "SEAL",
            change(e, ("iv",), flip(e["iv"])), "ciphertext does not open")
        add("ciphertext-changed-" + n, enc + ", ciphertext changed", "SEAL",
            change(e, ("ciphertext",), flip(e["ciphertext"])))
        add("encrypted-key-changed-" + n, enc + ", encrypted_key changed",
            "SEAL", change(e, at, flip(k)), "encrypted_key does not open")
        add("wrapped-other-length-" + n, enc + ", a wrapped key of another "
            "enc's length, right otherwise", "LENGTH", change(
                e, at, b64(keywrap.aes_key_wrap(
                    bytes(32), bytes(32 if cek == 64 else 64)))))
    e = anon()
    add("ciphertext-not-blocks", "CBC, ciphertext of no whole blocks",
        "LENGTH", change(e, ("ciphertext",), cut(e["ciphertext"])))
    add("ciphertext-empty-cbc", "CBC, empty ciphertext", "LENGTH",
        change(e, ("ciphertext",), ""))
    add("ciphertext-empty-gcm", "GCM, empty ciphertext", "SEAL",
        change(anon(enc="A256GCM"), ("ciphertext",), ""))
    add("swapped-keys", "encrypted_key of two recipients swapped", "SEAL",
        change(change(e, ("recipients", 0, "encrypted_key"),
                      e["recipients"][1]["encrypted_key"]),
               ("recipients", 1, "encrypted_key"),
               e["recipients"][0]["encrypted_key"]))


def keys():
    p = 2**255 - 19
    small = [0, 1, p - 1, p, p + 1,
             325606250916557431795983626356110631294008115727848805560023387167927233504,
             39382357235489614581723060781553021112529911719440698176882885853963445705823]
    for i, u in enumerate(small):
        add("epk-small-order-%d" % i, "X25519 epk of small order: nobody "
            "knows less than the sender", "KEY", anon(epk={
                "kty": "OKP", "crv": "X25519",
                "x": b64(u.to_bytes(32, "little"))}, z=bytes(32)))
    add("epk-short", "X25519 epk of 31 bytes", "LENGTH", anon(epk={
        "kty": "OKP", "crv": "X25519", "x": b64(bytes(31))}))
    add("epk-padded", "X25519 epk with padding", "LENGTH", anon(epk={
        "kty": "OKP", "crv": "X25519", "x": b64(b"\t" * 32) + "="}))
    add("epk-ed25519", "epk is a key that signs", "ALGORITHM", anon(
        epk=make_key("", "Ed25519", "x").public(), z=bytes(32)))
    add("epk-secp256k1", "epk on secp256k1", "ALGORITHM", anon(
        epk=make_key("", "secp256k1", "x").public(), z=bytes(32)))
    add("epk-other-curve", "epk on P-256, recipient on X25519", "KEY", anon(
        epk=make_key("", "P-256", "x").public(), z=bytes(32)),
        "epk is on another curve than our key")
    add("epk-unknown-curve", "epk on X448", "UNSUPPORTED", anon(epk={
        "kty": "OKP", "crv": "X448", "x": b64(bytes(56))}))
    add("epk-with-d", "epk brings its secret", "KEY", anon(
        epk=make_key("", "X25519", "x").jwk))
    add("epk-missing", "no epk", "ENVELOPE", anon(drop=("epk",)), "no epk")
    add("epk-text", "epk is a text", "ENVELOPE", anon(epk="x"), "no epk")
    add("epk-empty", "epk is an empty object", "ENVELOPE",
        anon(header={"epk": {}}))
    add("epk-oct", "epk is a symmetric key", "KEY", anon(
        epk={"kty": "oct", "k": b64(bytes(32))}))
    for crv in ("P-256", "P-384", "P-521"):
        n = crv.replace("-", "").lower()
        good = make_key("", crv, "epk hostile").public()
        size = CURVES[crv][1]
        x = unb64(good["x"])
        add("epk-off-curve-" + n, crv + " epk that is not on the curve",
            "KEY", anon(crv=crv, epk=dict(good, y=b64(bytes(size - 1) +
                                                      b"\1")), z=bytes(size)))
        add("epk-zero-" + n, crv + " epk of two zeroes", "KEY", anon(
            crv=crv, epk=dict(good, x=b64(bytes(size)), y=b64(bytes(size))),
            z=bytes(size)))
        add("epk-over-field-" + n, crv + " epk with x over the field", "KEY",
            anon(crv=crv, epk=dict(good, x=b64(b"\xff" * size)),
                 z=bytes(size)))
        add("epk-short-" + n, crv + " epk with a short x", "LENGTH", anon(
            crv=crv, epk=dict(good, x=b64(x[1:])), z=bytes(size)))
        add("epk-long-" + n, crv + " epk with a longer x", "LENGTH", anon(
            crv=crv, epk=dict(good, x=b64(b"\0" + x)), z=bytes(size)))
        no_y = {k: v for k, v in good.items() if k != "y"}
        add("epk-without-y-" + n, crv + " epk without y", "ENVELOPE", anon(
            crv=crv, epk=no_y, z=bytes(size)))
    add("epk-twin", "P-256 epk with the y of P-384's length", "LENGTH", anon(
        crv="P-256", epk=dict(make_key("", "P-256", "x").public(),
                              y=b64(bytes(48))), z=bytes(32)))


def names():
    one = CURVE_KEYS["X25519"]
    e = anon()
    add("apv-wrong", "apv of other key ids", "ENVELOPE",
        anon(apv=hash_kids(one[:1])),
        "apv is not the hash of the recipients' key ids")
    add("apv-unsorted", "apv of the key ids in another order", "ENVELOPE",
        anon(apv=hashlib.sha256(".".join(reversed(one)).encode()).digest()))
    add("apv-missing", "no apv", "ENVELOPE", anon(drop=("apv",)))
    add("apv-number", "apv is a number", "ENVELOPE", anon(header={"apv": 1}))
    add("apv-padded", "apv with padding", "ENVELOPE",
        anon(header={"apv": b64(hash_kids(one)) + "="}))
    add("apv-other-in-kdf", "apv right in the header, another one in the "
        "key derivation", "SEAL", anon(kdf_apv=bytes(32)))
    add("recipient-added", "a recipient added on the way", "ENVELOPE", change(
        e, ("recipients",), e["recipients"] + [
            {"header": {"kid": BOB + "#key-x"}, "encrypted_key":
             e["recipients"][0]["encrypted_key"]}]))
    add("recipient-removed", "a recipient removed on the way", "ENVELOPE",
        change(e, ("recipients",), e["recipients"][:2]))
    add("recipient-twice", "the same recipient twice", "ENVELOPE", encrypt(
        [pub(one[0]), pub(one[0])], ANON, seed="twice"),
        "a recipient is named twice")
    add("recipients-of-two-dids", "recipients of two DIDs", "ENVELOPE",
        encrypt([pub(one[0]), pub(CHARLIE + "#key-x25519-1")], ANON,
                seed="two"), "recipients are keys of several DIDs")
    add("recipients-of-prefix", "recipients of DIDs of which one begins with "
        "the other", "ENVELOPE", encrypt(
            [pub(one[0]), (BOB + "by#key-1", pub(one[1])[1])], ANON,
            seed="prefix"), "recipients are keys of several DIDs")
    add("not-for-us", "encrypted to another party", "ADDRESS", encrypt(
        [pub(CHARLIE + "#key-x25519-1")], message(drop=("from",),
                                                  to=[CHARLIE]), seed="c"),
        "none of the recipients is a key of ours")
    add("kid-of-none", "a key id that our DID does not have", "ADDRESS",
        encrypt([(BOB + "#key-x25519-9", pub(one[0])[1])], ANON, seed="9"))
    add("kid-of-other-curve", "our P-256 key id with a message on X25519",
        "KEY", encrypt([(BOB + "#key-p256-1", pub(one[0])[1])], ANON,
                       seed="x"), "epk is on another curve than our key")
    add("kid-of-other-key", "key ids of two of our keys exchanged", "SEAL",
        encrypt([(one[0], pub(one[1])[1])], ANON, seed="x"))
    for kid, name, words in (
            ("key-1", "relative", "relative key id"),
            (BOB, "no-fragment", "key id without fragment"),
            (BOB + "#", "empty-fragment", "key id with an empty fragment"),
            ("", "empty", "empty key id"),
            (BOB + "?a=b#key-x25519-1", "query", "key id with a query"),
            (BOB + "/p#key-x25519-1", "path", "key id with a path"),
            ("did:" + "a" * 4096 + ":b#c", "long", "key id over the limit")):
        add("kid-" + name, words, "KID", encrypt(
            [(kid, pub(one[0])[1])], ANON, seed="x"))
    add("skid-missing", "neither skid nor apu", "ENVELOPE",
        auth(drop=("skid", "apu")), "apu or skid is missing or no text")
    add("apu-missing", "skid without apu", "ENVELOPE", auth(drop=("apu",)))
    add("apu-wrong", "apu is another key id than skid", "ENVELOPE",
        auth(apu=(ALICE + "#key-x25519-2").encode()), "apu is not skid")
    add("apu-number", "apu is a number", "ENVELOPE", auth(header={"apu": 1}))
    add("apu-padded", "apu with padding", "ENCODING", auth(header={
        "apu": b64(SENDER.kid) + "="}))
    add("apu-nul", "apu is skid and a NUL", "ENVELOPE",
        auth(apu=SENDER.kid.encode() + b"\0"))
    add("apu-empty", "apu is empty", "ENVELOPE", auth(apu=b""))
    add("skid-number", "skid is a number", "ENVELOPE", auth(header={"skid": 1}))
    add("skid-in-anoncrypt", "skid in anoncrypt", "ENVELOPE",
        anon(header={"skid": SENDER.kid}), "skid or apu in anoncrypt")
    add("apu-in-anoncrypt", "apu in anoncrypt", "ENVELOPE",
        anon(header={"apu": b64(SENDER.kid)}), "skid or apu in anoncrypt")

    def by(kid, private=SENDER, plain=PLAIN, **more):
        return encrypt(to(), plain, sender=Key(kid, private.jwk), seed="by",
                       **more)
    add("skid-unknown", "skid that the sender's DID does not have", "KID",
        by(ALICE + "#key-x25519-9"),
        "skid is not in the sender's keyAgreement")
    add("skid-of-signature", "skid names a key that signs", "KID",
        by(ALICE + "#key-1"), "skid is not in the sender's keyAgreement")
    add("skid-no-fragment", "skid without fragment", "KID", by(ALICE),
        "skid is no key id")
    add("skid-not-did", "skid is no DID URL", "KID", by("alice#key-1"))
    add("skid-of-unknown-did", "skid of a DID that is not found", "NOT_FOUND",
        by("did:example:nobody#key-1"))
    add("skid-of-unknown-method", "skid of an unknown method", "NOT_FOUND",
        by("did:nonsense:x#key-1"))
    add("skid-of-other", "authcrypt by Charlie's key in Alice's name",
        "SEAL", by(SENDER.kid, KEYS[CHARLIE + "#key-x25519-1"]))
    add("skid-other-curve", "skid on P-256, message on X25519", "KEY",
        by(ALICE + "#key-p256-1"), "epk is on another curve than skid")
    add("tag-not-in-kdf", "ECDH-1PU without the tag in the key derivation",
        "SEAL", auth(kdf_tag=False), "encrypted_key does not open")


def meaning():
    add("from-other", "authcrypt, `from` is another", "ADDRESS",
        auth(plain=message(**{"from": CHARLIE})), "`from` is not the sender")
    add("from-missing", "authcrypt, no `from`", "ADDRESS", auth(plain=ANON),
        "`from` is not the sender")
    add("from-prefix", "authcrypt, `from` begins as the sender's DID",
        "ADDRESS", auth(plain=message(**{"from": ALICE + "x"})))
    add("to-other", "`to` is another", "ADDRESS",
        auth(plain=message(to=[CHARLIE])),
        "`to` does not name whom it is encrypted to")
    add("to-other-anoncrypt", "anoncrypt, `to` is another", "ADDRESS",
        anon(plain=message(to=[CHARLIE])))
    s = sign(SIGNER, message(drop=("to",)))
    add("signed-to-missing", "signed and encrypted, no `to`", "ADDRESS",
        anon(plain=compact(s)), "`to` does not name whom it is encrypted to")
    add("signed-to-other", "a signed message for Charlie, encrypted on to Bob",
        "ADDRESS", anon(plain=compact(sign(SIGNER, message(to=[CHARLIE])))))
    add("signer-not-sender", "authcrypt by Alice of what Charlie signed",
        "ADDRESS", auth(plain=compact(sign(
            KEYS[CHARLIE + "#key-1"], message(**{"from": CHARLIE})))),
        "`from` is not the sender")
    add("signed-by-other", "anoncrypt of a message by Charlie in Alice's name",
        "ADDRESS", anon(plain=compact(sign(KEYS[CHARLIE + "#key-1"], PLAIN))))
    add("expired", "read when expires_time is there", "EXPIRED", auth(),
        "expires_time is past", now="1516385931")
    add("expired-signed", "signed, read after expires_time", "EXPIRED",
        sign(SIGNER, PLAIN), now="1600000000")
    add("expired-plain", "plain, read after expires_time", "EXPIRED", PLAIN,
        now="1600000000")
    add("content-not-json", "content is not JSON", "JSON", anon(plain="hello"))
    add("content-empty", "content is empty", "JSON", anon(plain=""))
    add("content-not-message", "content is no message", "MESSAGE",
        anon(plain="{}"))
    add("content-duplicate", "content has a member twice", "JSON",
        anon(plain=ANON[:-1] + ',"id":"2"}'))
    add("content-id-missing", "content has no id", "MESSAGE",
        anon(plain=message(drop=("id", "from"))))
    add("content-many-values", "content of 70,000 values", "TOO_LARGE",
        "%s" % compact(anon(enc="XC20P", plain=message(
            drop=("from",), body={"x": [0] * 70000}))),
        "more than 65536 JSON values")
    nest = "envelopes nested as DIDComm does not allow"
    signed = sign(SIGNER, PLAIN)
    add("nested-anoncrypt-authcrypt-signed", "anoncrypt(authcrypt(sign)), "
        "which Appendix C once shows", "ENVELOPE", anon(
            "outer", "P-521", plain=compact(auth("inner", "P-521",
                                                 compact(signed)))), nest)
    add("nested-anoncrypt-anoncrypt", "anoncrypt(anoncrypt)", "ENVELOPE",
        anon("outer", plain=compact(anon("inner"))), nest)
    add("nested-authcrypt-authcrypt", "authcrypt(authcrypt)", "ENVELOPE",
        auth("outer", plain=compact(auth("inner"))), nest)
    add("nested-authcrypt-anoncrypt", "authcrypt(anoncrypt)", "ENVELOPE",
        auth("outer", plain=compact(anon("inner"))), nest)
    add("nested-three-encryptions", "anoncrypt(authcrypt(anoncrypt))",
        "ENVELOPE", anon("1", plain=compact(auth("2", plain=compact(
            anon("3"))))), nest)
    add("nested-signed-signed", "sign(sign)", "MESSAGE",
        sign(SIGNER, compact(signed)))
    add("nested-signed-anoncrypt", "sign(anoncrypt)", "MESSAGE",
        sign(SIGNER, compact(anon())))
    add("nested-signed-authcrypt", "sign(authcrypt)", "MESSAGE",
        sign(SIGNER, compact(auth())))
    add("nested-two-dids", "anoncrypt to Charlie of authcrypt to Bob, read by "
        "Charlie", "ADDRESS", encrypt(
            [pub(CHARLIE + "#key-x25519-1")], compact(auth()), seed="c"),
        "none of the recipients is a key of ours", reader="charlie")
    add("signature-in-encryption", "members of both envelopes", "ENVELOPE",
        change(change(signed, ("ciphertext",), "AA"), ("recipients",), []))


    for m in ("payload", "signatures", "signature"):
        add("jws-" + m, "encrypted, with a member of a signed message",
            "ENVELOPE", change(anon(), (m,), "AA"))


def signatures():
    """ECDSA; those of Ed25519 are in vectors/jws/."""
    for key in (KEYS[ALICE + "#key-2"], KEYS[ALICE + "#key-3"]):
        own = key.alg()
        for name, tests, change_rs in (
                ("zero", "r and s are 0", lambda r, s, n: (0, 0)),
                ("r-zero", "r is 0", lambda r, s, n: (0, s)),
                ("s-zero", "s is 0", lambda r, s, n: (r, 0)),
                ("r-order", "r is the order", lambda r, s, n: (n, s)),
                ("s-order", "s is the order", lambda r, s, n: (r, n)),
                ("all-ones", "r and s are 2^256 - 1",
                 lambda r, s, n: (2**256 - 1, 2**256 - 1)),
                ("swapped", "s before r", lambda r, s, n: (s, r)),
                ("r-changed", "a bit of r", lambda r, s, n: (r ^ 1, s)),
                ("s-changed", "a bit of s", lambda r, s, n: (r, s ^ 1))):
            add("signature-%s-%s" % (own.lower(), name), "%s: %s" %
                (own, tests), "SIGNATURE", with_rs(key, change_rs))
        for name, tests, change_raw in (
                ("der", "in DER, as X.509 has it", lambda raw:
                 encode_dss_signature(int.from_bytes(raw[:32], "big"),
                                      int.from_bytes(raw[32:], "big"))),
                ("empty", "no byte", lambda raw: b""),
                ("short", "63 bytes", lambda raw: raw[:63]),
                ("long", "65 bytes", lambda raw: raw + b"\0"),
                ("long-r", "65 bytes, r of 33", lambda raw: b"\0" + raw)):
            add("signature-%s-%s" % (own.lower(), name), "%s: %s" %
                (own, tests), "SIGNATURE", with_signature(key, change_raw))
        for alg in ("EdDSA", "ES256", "ES256K"):
            if alg != own:
                add("alg-%s-for-%s" % (alg.lower(), own.lower()),
                    "alg %s with a key of %s" % (alg, own), "ALGORITHM",
                    sign(key, PLAIN, header={"alg": alg}),
                    "alg is not that of the key")


def rotation():
    old = KEYS[CHARLIE + "#key-1"]

    def jwt(claims=None, header=None, key=old, drop=()):
        h = {"typ": "JWT", "alg": key.alg(), "kid": key.kid}
        h.update(header or {})
        c = {"sub": ALICE, "iss": CHARLIE, "iat": 123456}
        c.update(claims or {})
        for name in drop:
            c.pop(name)
        text = b64(compact(h)) + "." + b64(compact(c))
        return text + "." + b64(key.sign(text.encode()))

    def rotated(prior, **more):
        return auth(plain=message(from_prior=prior, **more))
    good = jwt()
    ok("from-prior", "Charlie becomes Alice", rotated(good), "authcrypt",
       message(from_prior=good), sender=SENDER.kid, prior=CHARLIE)
    s = compact(sign(SIGNER, message(from_prior=good)))
    ok("from-prior-signed", "the same, anoncrypt of signed", anon(plain=s),
       "anoncrypt-signed", message(from_prior=good), signer=SIGNER.kid,
       prior=CHARLIE)
    end = jwt(drop=("sub",))
    ok("from-prior-ended", "Charlie ends the relationship", anon(
        plain=message(drop=("from",), from_prior=end)), "anoncrypt",
       message(drop=("from",), from_prior=end), prior=CHARLIE)
    for name, words, err, env in (
            ("plain", "in a plain message", "ENVELOPE",
             message(from_prior=good)),
            ("signed-only", "in a message that is signed only", "ENVELOPE",
             sign(SIGNER, message(from_prior=good))),
            ("unproven", "in an anoncrypt that nobody signed", "ENVELOPE",
             anon(plain=message(from_prior=good))),
            ("sub-other", "sub is not `from`", "ADDRESS",
             rotated(jwt({"sub": BOB}))),
            ("sub-is-iss", "sub is iss", "ADDRESS",
             rotated(jwt({"sub": CHARLIE}))),
            ("ended-with-from", "no sub, but `from`", "ADDRESS",
             rotated(end)),
            ("iss-other", "iss is not the DID of kid", "KID",
             rotated(jwt({"iss": BOB}))),
            ("iss-missing", "no iss", "ENVELOPE", rotated(jwt(drop=("iss",)))),
            ("sub-number", "sub is a number", "ENVELOPE",
             rotated(jwt({"sub": 1}))),
            ("iat-text", "iat is a text", "ENVELOPE",
             rotated(jwt({"iat": "1"}))),
            ("kid-missing", "no kid", "ENVELOPE",
             rotated(jwt(header={"kid": None}))),
            ("kid-of-agreement", "kid is an agreement key", "KID",
             rotated(jwt(header={"kid": CHARLIE + "#key-x25519-1"}))),
            ("kid-relative", "kid is relative", "KID",
             rotated(jwt(header={"kid": "#key-1"}))),
            ("alg-none", "alg none", "ALGORITHM",
             rotated(jwt(header={"alg": "none"}))),
            ("alg-other", "alg of another type of key", "ALGORITHM",
             rotated(jwt(header={"alg": "ES256"}))),
            ("typ-other", "typ is not JWT", "ENVELOPE",
             rotated(jwt(header={"typ": "JWM"}))),
            ("crit", "a crit", "ALGORITHM",
             rotated(jwt(header={"crit": ["exp"]}))),
            ("jwk", "a key in the header", "ENVELOPE",
             rotated(jwt(header={"jwk": {}}))),
            ("signed-by-new", "signed by the new DID", "KID",
             rotated(jwt(key=SIGNER))),
            ("signature-other", "the signature of another JWT", "SIGNATURE",
             rotated(good.rsplit(".", 1)[0] + "." +
                     jwt({"iat": 9}).rsplit(".", 1)[1])),
            ("signature-empty", "no signature", "SIGNATURE",
             rotated(good.rsplit(".", 1)[0] + ".")),
            ("signature-padded", "the signature with padding", "ENCODING",
             rotated(good + "==")),
            ("two-parts", "two parts", "ENVELOPE",
             rotated(good.rsplit(".", 1)[0])),
            ("four-parts", "four parts", "ENVELOPE", rotated(good + ".AA")),
            ("claims-not-json", "claims are not JSON", "JSON",
             rotated(good.split(".")[0] + ".AAAA." + good.split(".")[2])),
            ("empty", "empty text", "ENVELOPE", rotated("")),
            ("long", "over the limit", "TOO_LARGE", rotated("a." * 9000))):
        add("from-prior-" + name, "from_prior " + words, err, env)
    add("from-prior-expired", "from_prior after its exp", "EXPIRED",
        rotated(jwt({"exp": 1000})), now="1001")
    add("from-prior-not-yet", "from_prior before its nbf", "EXPIRED",
        rotated(jwt({"nbf": 2000})), now="1001")


def render(s):
    lines = []
    for key, value in s.items():
        out = "".join(c if " " <= c <= "~" and c != "\\" else
                      "".join("\\x%02x" % b for b in c.encode())
                      for c in str(value)) if key != "envelope" \
            else escape(value)
        lines.append("%s: %s\n" % (key, out))
    return "".join(lines)


def escape(text):
    """As above, but \\xHH in the scenario stays the byte that it says."""
    out, i = "", 0
    while i < len(text):
        if text[i] == "\\" and text[i + 1] == "x":
            out, i = out + text[i:i + 4], i + 4
            continue
        c = text[i]
        out += c if " " <= c <= "~" and c != "\\" else "".join(
            "\\x%02x" % b for b in c.encode())
        i += 1
    return out


def main():
    args = sys.argv[1:]
    check = args[:1] == ["--check"]
    if len(args) != 1 + check:
        sys.exit(__doc__.split("\n\n")[1])
    for part in (valid, structure, encodings, headers, lengths, keys, names,
                 meaning, signatures, rotation):
        part()
    different = set(n for n in os.listdir(args[-1]) if n.endswith(".txt")) \
        if check else set()
    for name, s in SCENARIOS.items():
        path = os.path.join(args[-1], name + ".txt")
        if not check:
            with open(path, "w") as f:
                f.write(render(s))
        else:
            with open(path) as f:
                if f.read() == render(s):
                    different.discard(name + ".txt")
                else:
                    different.add(name + ".txt")
    for name in sorted(different):
        print("different: " + name)
    print("%d scenarios" % len(SCENARIOS))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
