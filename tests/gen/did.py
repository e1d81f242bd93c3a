#!/usr/bin/env python3
"""Write the hostile vectors of did/: vectors/did-*/hostile.json and others.

Usage: did.py DIRECTORY           write them below DIRECTORY (vectors/)
       did.py --check DIRECTORY   compare, change nothing; exit 1 if different

Each vector is one case: `tests` says in words what is wrong with it, `expect`
which error a reader must give.  Texts that JSON or a command line cannot carry
(NUL, invalid UTF-8) are in hex, as `hex` instead of `did` or `text`.  All is
made from fixed keys; no code is shared with the library.
"""

import base64
import hashlib
import json
import os
import sys

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ED = bytes.fromhex(
    "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
P256_B = int("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
             16)
P256_GX = int(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", 16)
P256_GY = int(
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5", 16)
K256_P = 2**256 - 2**32 - 977
P384_P = 2**384 - 2**128 - 2**96 + 2**32 - 1
P384_B = int("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a"
             "c656398d8a2ed19d2a85c8edd3ec2aef", 16)
P521_P = 2**521 - 1
P521_B = int("0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef1"
             "09e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b50"
             "3f00", 16)
ERR = "PARLEY_ERR_"


def base58(data):
    n, text = int.from_bytes(data, "big"), ""
    while n:
        n, r = divmod(n, 58)
        text = ALPHABET[r] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base64url(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def multikey(code, data):
    return "z" + base58(varint(code) + data)


def compact(obj):
    return json.dumps(obj, separators=(",", ":"))


def off_curve(p, a, b, length):
    """Smallest x > 1 that no point has, compressed."""
    x = 2
    while pow((x**3 + a * x + b) % p, (p - 1) // 2, p) != p - 1:
        x += 1
    return b"\x02" + x.to_bytes(length, "big")


ED_KEY = multikey(0xed, ED)
X_KEY = "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
G = P256_GX.to_bytes(32, "big")
GY = P256_GY.to_bytes(32, "big")


def der(n, e):
    def integer(v):
        data = v.to_bytes(v.bit_length() // 8 + 1, "big")
        return b"\x02" + length(len(data)) + data

    def length(v):
        if v < 128:
            return bytes([v])
        data = v.to_bytes((v.bit_length() + 7) // 8, "big")
        return bytes([128 + len(data)]) + data

    body = integer(n) + integer(e)
    return b"\x30" + length(len(body)) + body


def did_key():
    good = der(2**2048 - 1, 65537)
    key = "did:key:"
    rows = [
        ("P-256, x without a point", key + multikey(
            0x1200, off_curve(P256_P, -3, P256_B, 32)), "KEY"),
        ("P-384, x without a point", key + multikey(
            0x1201, off_curve(P384_P, -3, P384_B, 48)), "KEY"),
        ("P-521, x without a point", key + multikey(
            0x1202, off_curve(P521_P, -3, P521_B, 66)), "KEY"),
        ("secp256k1, x without a point", key + multikey(
            0xe7, off_curve(K256_P, 0, 7, 32)), "KEY"),
        ("P-256, x is p", key + multikey(
            0x1200, b"\x02" + P256_P.to_bytes(32, "big")), "KEY"),
        ("P-256, x is 2^256 - 1", key + multikey(
            0x1200, b"\x03" + b"\xff" * 32), "KEY"),
        ("P-521, bits above the 521st", key + multikey(
            0x1202, b"\x02\xff" + bytes(64) + b"\x01"), "KEY"),
        ("P-256, first byte 0", key + multikey(0x1200, b"\0" + G), "KEY"),
        ("P-256, first byte 4", key + multikey(0x1200, b"\4" + G), "KEY"),
        ("P-256, first byte 5", key + multikey(0x1200, b"\5" + G), "KEY"),
        ("P-256, hybrid form's 6", key + multikey(0x1200, b"\6" + G), "KEY"),
        ("P-256, infinity padded", key + multikey(0x1200, bytes(33)), "KEY"),
        ("P-256, infinity as one byte", key + multikey(0x1200, b"\0"),
         "LENGTH"),
        ("P-256, uncompressed", key + multikey(0x1200, b"\4" + G + GY),
         "LENGTH"),
        ("P-256, x only", key + multikey(0x1200, G), "LENGTH"),
        ("P-256, a byte too many", key + multikey(0x1200, b"\3" + G + b"\0"),
         "LENGTH"),
        ("P-384 with the bytes of P-256", key + multikey(0x1201, b"\3" + G),
         "LENGTH"),
        ("P-521, a byte too few", key + multikey(0x1202, b"\3" + bytes(65)),
         "LENGTH"),
        ("secp256k1, a byte too few", key + multikey(0xe7, b"\3" + G[:31]),
         "LENGTH"),
        ("no key behind the multicodec", key + multikey(0xed, b""), "LENGTH"),
        ("Ed25519, 31 bytes", key + multikey(0xed, ED[:31]), "LENGTH"),
        ("Ed25519, 33 bytes", key + multikey(0xed, ED + b"\0"), "LENGTH"),
        ("Ed25519, 64 bytes: seed and key", key + multikey(0xed, ED * 2),
         "LENGTH"),
        ("Ed25519, y = 0: order 4", key + multikey(0xed, bytes(32)), "KEY"),
        ("Ed25519, identity", key + multikey(0xed, b"\1" + bytes(31)), "KEY"),
        ("Ed25519, y = -1: order 2", key + multikey(
            0xed, (2**255 - 20).to_bytes(32, "little")), "KEY"),
        ("Ed25519, y = p + 1", key + multikey(
            0xed, (2**255 - 18).to_bytes(32, "little")), "KEY"),
        ("Ed25519, order 8", key + multikey(0xed, bytes.fromhex(
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
        ), "KEY"),
        ("X25519, u = 0", key + multikey(0xec, bytes(32)), "KEY"),
        ("X25519, u = 1", key + multikey(0xec, b"\1" + bytes(31)), "KEY"),
        ("X25519, order 8", key + multikey(0xec, bytes.fromhex(
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
        ), "KEY"),
        ("X25519, u = p + 9", key + multikey(
            0xec, (2**255 - 19 + 9).to_bytes(32, "little")), "KEY"),
        ("RSA of 1024 bits", key + multikey(
            0x1205, der(2**1024 - 1, 65537)), "KEY"),
        ("RSA, exponent 1", key + multikey(0x1205, der(2**2048 - 1, 1)), "KEY"),
        ("RSA, even exponent", key + multikey(
            0x1205, der(2**2048 - 1, 65536)), "KEY"),
        ("RSA, even modulus", key + multikey(
            0x1205, der(2**2048 - 2, 65537)), "KEY"),
        ("RSA, exponent of 65 bits", key + multikey(
            0x1205, der(2**2048 - 1, 2**64 + 1)), "KEY"),
        ("RSA, a byte behind the DER", key + multikey(
            0x1205, good + b"\0"), "KEY"),
        ("RSA, DER cut", key + multikey(0x1205, good[:-1]), "KEY"),
        ("RSA, length of the DER too large", key + multikey(
            0x1205, b"\x30\x82\xff\xff" + good[4:]), "KEY"),
        ("RSA, length not in its shortest form", key + multikey(
            0x1205, b"\x30\x83\0" + good[2:]), "KEY"),
        ("RSA, negative modulus", key + multikey(
            0x1205, good.replace(b"\x02\x82\x01\x01\0", b"\x02\x82\x01\0", 1)
            .replace(b"\x30\x82\x01\x0a", b"\x30\x82\x01\x09", 1)), "KEY"),
        ("RSA of 8192 bits", key + multikey(0x1205, der(2**8192 - 1, 65537)),
         "LENGTH"),
    ]
    for code, name in [(0x1300, "Ed25519"), (0x1301, "secp256k1"),
                       (0x1302, "X25519"), (0x1303, "Ed448"),
                       (0x1305, "RSA"), (0x1306, "P-256"), (0x1307, "P-384"),
                       (0x1308, "P-521")]:
        rows.append(("multicodec of a secret key: " + name,
                     key + multikey(code, ED), "UNSUPPORTED"))
    rows += [
        ("Ed448", key + multikey(0x1203, bytes(57)), "UNSUPPORTED"),
        ("ML-DSA-44", key + multikey(0x1210, bytes(500)), "UNSUPPORTED"),
        ("jwk_jcs", key + multikey(0xeb51, b'{"kty":"OKP"}'), "UNSUPPORTED"),
        ("multicodec 0", key + multikey(0, ED), "UNSUPPORTED"),
        ("multicodec with the low bits of 0xed", key + multikey(
            2**32 + 0xed, ED), "UNSUPPORTED"),
        ("multicodec in a long form", key + "z" + base58(b"\xed\x81\0" + ED),
         "ENCODING"),
        ("multicodec that does not end", key + "z" + base58(b"\xff" * 9),
         "ENCODING"),
        ("multibase u", key + "u" + base64url(varint(0xed) + ED), "FORMAT"),
        ("multibase Z", key + "Z" + ED_KEY[1:], "FORMAT"),
        ("multibase f", key + "f" + (varint(0xed) + ED).hex(), "FORMAT"),
        ("no multibase letter", key + ED_KEY[1:], "FORMAT"),
        ("four parts, version 1.1", key + "1.1:" + ED_KEY, "FORMAT"),
        ("four parts, version 1", key + "1:" + ED_KEY, "FORMAT"),
        ("four parts, last one empty", key + ED_KEY + ":", "FORMAT"),
        ("digit 0 in base58", key + "z0" + ED_KEY[2:], "ENCODING"),
        ("letter O in base58", key + "zO" + ED_KEY[2:], "ENCODING"),
        ("letter l in base58", key + ED_KEY[:-1] + "l", "ENCODING"),
        ("padding", key + ED_KEY + "%3D", "ENCODING"),
        ("zero byte in front", key + "z1" + ED_KEY[1:], "UNSUPPORTED"),
        ("upper-case scheme", "DID:key:" + ED_KEY, "FORMAT"),
        ("upper-case method", "did:Key:" + ED_KEY, "FORMAT"),
        ("space in front", " did:key:" + ED_KEY, "FORMAT"),
        ("line feed behind", "did:key:" + ED_KEY + "\n", "FORMAT"),
        ("fragment", "did:key:" + ED_KEY + "#" + ED_KEY, "FORMAT"),
        ("longer than any key", key + "z" + "6" * 3000, "LENGTH"),
        ("longer than any DID", key + "z" + "6" * 5000, "FORMAT"),
    ]
    out = [{"tests": t, "did": d, "expect": ERR + e} for t, d, e in rows]
    for t, d, e in [
            ("NUL in the middle", b"did:key:" + ED_KEY.encode()[:20] + b"\0" +
             ED_KEY.encode()[20:], "FORMAT"),
            ("NUL behind", b"did:key:" + ED_KEY.encode() + b"\0", "FORMAT"),
            ("invalid UTF-8", b"did:key:\xff\xfe" + ED_KEY.encode(), "FORMAT"),
            ("overlong UTF-8", b"did:key:\xc1\xba" + ED_KEY[1:].encode(),
             "FORMAT")]:
        out.append({"tests": t, "hex": d.hex(), "expect": ERR + e})
    return out


def jwks():
    ed = {"kty": "OKP", "crv": "Ed25519", "x": base64url(ED)}
    p256 = {"kty": "EC", "crv": "P-256", "x": base64url(G), "y": base64url(GY)}
    rsa = {"kty": "RSA", "n": base64url(b"\xff" * 256), "e": "AQAB"}
    minus = (P256_P - P256_GY - 1).to_bytes(32, "big")

    def but(base, **changes):
        out = {k: v for k, v in dict(base, **changes).items()
               if v is not None}
        return out

    rows = [
        ("Ed25519 with d", but(ed, d=base64url(ED)), "KEY"),
        ("P-256 with d", but(p256, d=base64url(ED)), "KEY"),
        ("P-256 with an empty d", but(p256, d=""), "KEY"),
        ("P-256 with d: null", dict(p256, d=None), "KEY"),
        ("RSA with d", but(rsa, d="AQAB"), "KEY"),
        ("RSA with p only", but(rsa, p="AQAB"), "KEY"),
        ("symmetric key", {"kty": "oct", "k": base64url(ED)}, "KEY"),
        ("no kty", but(ed, kty=None), "FORMAT"),
        ("kty of another type", but(ed, kty="EC"), "FORMAT"),
        ("kty is a number", but(ed, kty=1), "FORMAT"),
        ("kty in lower case", but(ed, kty="okp"), "UNSUPPORTED"),
        ("no crv", but(ed, crv=None), "FORMAT"),
        ("crv in lower case", but(ed, crv="ed25519"), "UNSUPPORTED"),
        ("crv Ed448", but(ed, crv="Ed448"), "UNSUPPORTED"),
        ("crv P-192", but(p256, crv="P-192"), "UNSUPPORTED"),
        ("crv secp256k1 with a point of P-256", but(p256, crv="secp256k1"),
         "KEY"),
        ("crv P-384 with a point of P-256", but(p256, crv="P-384"), "LENGTH"),
        ("crv X25519 with y", but(p256, crv="X25519", kty="EC"), "FORMAT"),
        ("no x", but(ed, x=None), "FORMAT"),
        ("no y", but(p256, y=None), "FORMAT"),
        ("x is a number", but(ed, x=5), "FORMAT"),
        ("x is empty", but(ed, x=""), "LENGTH"),
        ("x of 31 bytes", but(ed, x=base64url(ED[:31])), "LENGTH"),
        ("x of 33 bytes", but(ed, x=base64url(ED + b"\0")), "LENGTH"),
        ("x padded", but(ed, x=base64url(ED) + "="), "LENGTH"),
        ("x in plain base64", but(ed, x=base64url(ED)[:-1] + "+"), "ENCODING"),
        ("x with unused bits", but(ed, x=base64url(ED)[:-1] + "l"),
         "ENCODING"),
        ("x with a space", but(ed, x=base64url(ED)[:-1] + " "), "ENCODING"),
        ("x with a leading zero byte", but(p256, x=base64url(b"\0" + G)),
         "LENGTH"),
        ("point not on the curve", but(p256, y=base64url(minus)), "KEY"),
        ("point is (0, 0)", but(p256, x=base64url(bytes(32)),
                                y=base64url(bytes(32))), "KEY"),
        ("x and y exchanged", but(p256, x=base64url(GY), y=base64url(G)),
         "KEY"),
        ("x is at least p", but(p256, x=base64url(b"\xff" * 32)), "KEY"),
        ("Ed25519 of small order", but(ed, x=base64url(bytes(32))), "KEY"),
        ("X25519 of small order", but(ed, crv="X25519",
                                      x=base64url(bytes(32))), "KEY"),
        ("RSA of 1024 bits", but(rsa, n=base64url(b"\xff" * 128)), "KEY"),
        ("RSA with a leading zero byte", but(
            rsa, n=base64url(b"\0" + b"\xff" * 256)), "LENGTH"),
        ("RSA, e = 1", but(rsa, e="AQ"), "KEY"),
        ("RSA, e empty", but(rsa, e=""), "LENGTH"),
        ("RSA with crv", but(rsa, crv="P-256"), "FORMAT"),
        ("RSA, n of 4 kB", but(rsa, n=base64url(b"\xff" * 4096)), "LENGTH"),
        ("alg of another curve", but(p256, alg="ES384"), "FORMAT"),
        ("alg HS256 on P-256", but(p256, alg="HS256"), "FORMAT"),
        ("alg none", but(ed, alg="none"), "FORMAT"),
        ("alg is a number", but(ed, alg=1), "FORMAT"),
        ("alg for signatures, use enc", but(p256, alg="ES256", use="enc"),
         "FORMAT"),
        ("use unknown", but(ed, use="both"), "FORMAT"),
        ("use is an array", but(ed, use=["sig"]), "FORMAT"),
    ]
    return [{"tests": t, "jwk": j, "expect": ERR + e} for t, j, e in rows]


def did_jwk():
    ed = {"kty": "OKP", "crv": "Ed25519", "x": base64url(ED)}
    text = compact(ed)
    jwk = "did:jwk:"
    rows = [
        ("a secret key", jwk + base64url(compact(dict(ed, d=base64url(ED)))),
         "KEY"),
        ("an array", jwk + base64url("[" + text + "]"), "JSON"),
        ("not JSON", jwk + base64url("hello"), "JSON"),
        ("JSON and more", jwk + base64url(text + "{}"), "JSON"),
        ("member repeated", jwk + base64url(
            text[:-1] + ',"kty":"EC"}'), "JSON"),
        ("secret in a repeated member", jwk + base64url(
            text[:-1] + ',"d":"AA","d":"AA"}'), "JSON"),
        ("NUL in a member", jwk + base64url(
            text[:-1] + ',"a":"\\u0000"}'), "JSON"),
        ("NUL byte", jwk + base64url(text.encode() + b"\0"), "JSON"),
        ("invalid UTF-8", jwk + base64url(
            text.encode()[:-1] + b',"a":"\xff"}'), "JSON"),
        ("nested 40 deep", jwk + base64url(
            text[:-1] + ',"a":' + "[" * 40 + "]" * 40 + "}"), "JSON"),
        ("unused bits", jwk + base64url("{}")[:-1] + "1", "ENCODING"),
        ("impossible length", jwk + "eyJrd", "ENCODING"),
        ("percent-encoded", jwk + "%65yJ", "ENCODING"),
        ("empty object", jwk + base64url("{}"), "FORMAT"),
        ("colon", jwk + "a:b", "ENCODING"),
        ("symmetric key", jwk + base64url('{"kty":"oct","k":"AA"}'), "KEY"),
        ("unknown curve", jwk + base64url(compact(dict(ed, crv="Ed448"))),
         "UNSUPPORTED"),
    ]
    return [{"tests": t, "did": d, "expect": ERR + e} for t, d, e in rows]


def peer4_text(encoded, hash_of=None):
    digest = hashlib.sha256((hash_of or encoded).encode()).digest()
    return "did:peer:4z%s:%s" % (base58(b"\x12\x20" + digest), encoded)


def peer4(document, prefix=varint(0x200), hash_of=None):
    text = document if isinstance(document, bytes) else \
        compact(document).encode()
    return peer4_text("z" + base58(prefix + text), hash_of)


def did_peer():
    s = ".S" + base64url('{"t":"dm","s":"https://example.com"}')
    ed, x = ".V" + ED_KEY, ".E" + X_KEY
    two = "did:peer:2"
    method = {"id": "#k", "type": "Multikey", "publicKeyMultibase": ED_KEY}
    doc = {"verificationMethod": [method], "authentication": ["#k"]}
    long = peer4(doc)
    secret = multikey(0x1300, ED)
    rows = [
        ("0 without key", "did:peer:0", "FORMAT"),
        ("0 with multibase u", "did:peer:0u" + base64url(varint(0xed) + ED),
         "FORMAT"),
        ("0 with a secret key", "did:peer:0" + secret, "UNSUPPORTED"),
        ("0 of small order", "did:peer:0" + multikey(0xed, bytes(32)), "KEY"),
        ("0 with 31 bytes", "did:peer:0" + multikey(0xed, ED[:31]), "LENGTH"),
        ("1", "did:peer:1zQmZMygzYqNwU6Uhmewx5Xepf2VLp5S4HLSwwgf2aiKZuwa",
         "UNSUPPORTED"),
        ("3", "did:peer:3zQmS19jtYDvGtKVrJhQnRFpBQAx3pJ9omx2HpNrcXFuRCz9",
         "UNSUPPORTED"),
        ("5", "did:peer:5z", "UNSUPPORTED"),
        ("2 with nothing", "did:peer:2", "FORMAT"),
        ("2 with an empty element", two + ".", "FORMAT"),
        ("2 with a purpose and no value", two + ".V", "FORMAT"),
        ("2 without the first dot", two + "V" + ED_KEY, "FORMAT"),
        ("2 with two dots", two + "." + ed, "FORMAT"),
        ("2 with an unknown purpose", two + ".X" + ED_KEY, "FORMAT"),
        ("2 with a purpose in lower case", two + ".v" + ED_KEY, "FORMAT"),
        ("2 with multibase u", two + ".Vu" + base64url(varint(0xed) + ED),
         "FORMAT"),
        ("2 with a secret key", two + ".V" + secret, "UNSUPPORTED"),
        ("2 with a key of small order",
         two + ".E" + multikey(0xec, bytes(32)), "KEY"),
        ("2 with a service that is no base64url", two + ed + ".S%41",
         "ENCODING"),
        ("2 with an empty service", two + ed + ".S", "JSON"),
        ("2 with a service that is an array", two + ed + ".S" +
         base64url('[{"t":"dm","s":"x"}]'), "JSON"),
        ("2 with a service that is text", two + ed + ".S" +
         base64url('"dm"'), "JSON"),
        ("2 with both names of a member", two + ed + ".S" +
         base64url('{"t":"dm","type":"x","s":"x"}'), "FORMAT"),
        ("2 with both names of a member, further in", two + ed + ".S" +
         base64url('{"t":"dm","s":{"r":[],"routingKeys":[]}}'), "FORMAT"),
        ("2 with both names of a member, in an array", two + ed + ".S" +
         base64url('{"t":"dm","s":[{"a":[],"accept":[]}]}'), "FORMAT"),
        ("2 with a member repeated", two + ed + ".S" +
         base64url('{"t":"dm","t":"x","s":"x"}'), "JSON"),
        ("2 with a service without endpoint", two + ed + ".S" +
         base64url('{"t":"dm"}'), "DOCUMENT"),
        ("2 with a service whose id is a number", two + ed + ".S" +
         base64url('{"id":1,"t":"dm","s":"x"}'), "DOCUMENT"),
        ("2 with a service nested 40 deep", two + ed + ".S" +
         base64url('{"t":"dm","s":' + '{"s":' * 40 + '1' + "}" * 41), "JSON"),
        ("2 with 33 keys", two + ed * 33, "FORMAT"),
        ("2 with 33 services", two + ed + s * 33, "DOCUMENT"),
        ("4 without hash", "did:peer:4:" + long.split(":")[3], "FORMAT"),
        ("4 with the hash of another document",
         peer4(doc, hash_of="z"), "FORMAT"),
        ("4 with a changed hash", long.replace("4zQm", "4zQn", 1), "FORMAT"),
        ("4 with a changed document", long[:-1] +
         ("2" if long[-1] != "2" else "3"), "FORMAT"),
        ("4 whose document is not multibase z",
         peer4_text("u" + base64url("{}")), "FORMAT"),
        ("4 whose document is no base58", peer4_text("z0"), "ENCODING"),
        ("4 with a document of 4000 zeros", peer4_text("z" + "1" * 4000),
         "FORMAT"),
        ("4 with another multicodec", peer4(doc, prefix=varint(0x55)),
         "ENCODING"),
        ("4 with the multicodec in a long form",
         peer4(doc, prefix=b"\x80\x84\x00"), "ENCODING"),
        ("4 with a document that is no JSON", peer4(b"hello"), "JSON"),
        ("4 with an array", peer4(b"[]"), "JSON"),
        ("4 with invalid UTF-8", peer4(b'{"a":"\xff"}'), "JSON"),
        ("4 with NUL", peer4(b'{"a":1}\0'), "JSON"),
        ("4 with a member repeated", peer4(b'{"a":1,"a":2}'), "JSON"),
        ("4 with an id", peer4(dict(doc, id="did:example:1")), "FORMAT"),
        ("4 whose alsoKnownAs is text", peer4(dict(doc, alsoKnownAs="x")),
         "FORMAT"),
        ("4 with a key that is none", peer4({"verificationMethod": [
            dict(method, publicKeyMultibase=multikey(0xed, ED[:31]))]}), "DOCUMENT"),
        ("4 with two methods of one id", peer4({"verificationMethod": [
            method, method]}), "DOCUMENT"),
        ("4, short form that was never seen", long[:long.rindex(":")],
         "NOT_FOUND"),
        ("4 with three parts", long + ":z", "FORMAT"),
    ]
    return [{"tests": t, "did": d, "expect": ERR + e} for t, d, e in rows]


def many_peers():
    out = []
    for i in range(70):
        did = peer4({"service": [{"id": "#s", "type": "x",
                                  "serviceEndpoint": "https://%d.test" % i}]})
        out.append({"did": did, "short": did[:did.rindex(":")]})
    return out


def did_web():
    web = "did:web:"
    hosts = [
        ("IPv4 address", "127.0.0.1"),
        ("public IPv4 address", "8.8.8.8"),
        ("IPv4 address in decimal", "2130706433"),
        ("IPv4 address in hex", "0x7f000001"),
        ("IPv4 address in two parts", "127.1"),
        ("IPv4 address with octal", "0177.0.0.1"),
        ("IPv6 address", "%5B%3A%3A1%5D"),
        ("IPv6 address without brackets", "%3A%3A1"),
        ("percent-encoded letter", "%65xample.com"),
        ("percent-encoded dot", "example%2Ecom"),
        ("user", "user%40example.com"),
        ("slash in the host", "example.com%2Fevil"),
        ("question mark in the host", "example.com%3Fevil"),
        ("number sign in the host", "example.com%23evil"),
        ("backslash in the host", "example.com%5Cevil"),
        ("NUL in the host", "example.com%00.evil.com"),
        ("empty label", "example..com"),
        ("dot in front", ".example.com"),
        ("dot behind", "example.com."),
        ("hyphen in front", "-example.com"),
        ("hyphen behind", "example-.com"),
        ("underscore", "ex_ample.com"),
        ("UTF-8 in escapes", "ex%C3%A4mple.com"),
        ("label of 64 characters", "a" * 64 + ".com"),
        ("254 characters", ".".join(["a" * 50] * 5)),
        ("port 0", "example.com%3A0"),
        ("port 65536", "example.com%3A65536"),
        ("port with a leading zero", "example.com%3A0443"),
        ("port with six digits", "example.com%3A123456"),
        ("port that is no number", "example.com%3Ahttps"),
        ("port that is negative", "example.com%3A-1"),
        ("colon without port", "example.com%3A"),
        ("two ports", "example.com%3A443%3A444"),
        ("port with a path in it", "example.com%3A443%2Fx"),
        ("only a port", "%3A443"),
        ("path ..", "example.com:.."),
        ("path . in the middle", "example.com:a:.:b"),
        ("path .. in the middle", "example.com:a:..:b"),
        ("path %2e%2e", "example.com:%2e%2e"),
        ("path %2E.", "example.com:%2E."),
        ("slash in a segment", "example.com:a%2Fb"),
        ("slash in a segment, lower case", "example.com:a%2f..%2fb"),
        ("backslash in a segment", "example.com:a%5Cb"),
        ("NUL in a segment", "example.com:a%00b"),
        ("line feed in a segment", "example.com:a%0d%0aHost%3Ax"),
        ("escaped percent sign in a segment", "example.com:%252e%252e"),
        ("DEL in a segment", "example.com:a%7Fb"),
        ("empty segment", "example.com::a"),
        ("empty first segment", ":example.com"),
    ]
    rows = [(t, web + h, "FORMAT") for t, h in hosts]
    return [{"tests": t, "did": d, "expect": ERR + e} for t, d, e in rows]


def documents():
    did = "did:example:1"
    method = {"id": did + "#k", "type": "Multikey", "controller": did,
              "publicKeyMultibase": ED_KEY}
    base = {"id": did, "verificationMethod": [method],
            "authentication": [did + "#k"]}

    def with_method(**changes):
        m = {k: v for k, v in dict(method, **changes).items()
             if v is not None}
        return dict(base, verificationMethod=[m])

    service = {"id": did + "#s", "type": "x", "serviceEndpoint": "https://a"}
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(ED)}
    rows = [
        ("no id", {k: v for k, v in base.items() if k != "id"}),
        ("id of another DID", dict(base, id="did:example:2")),
        ("id that begins with ours", dict(base, id=did + "1")),
        ("id with a fragment", dict(base, id=did + "#k")),
        ("id is a number", dict(base, id=1)),
        ("verificationMethod is an object",
         dict(base, verificationMethod=method)),
        ("verificationMethod holds text", dict(base, verificationMethod=["x"])),
        ("33 methods", dict(base, verificationMethod=[
            dict(method, id=did + "#%d" % i) for i in range(33)])),
        ("two methods of one id",
         dict(base, verificationMethod=[method, method])),
        ("listed and embedded with one id",
         dict(base, keyAgreement=[method])),
        ("relative and absolute form of one id",
         dict(base, verificationMethod=[method, dict(method, id="#k")])),
        ("method without id", with_method(id=None)),
        ("method whose id is a number", with_method(id=7)),
        ("method whose id is no DID URL", with_method(id="k")),
        ("method whose id is an empty fragment", with_method(id="#")),
        ("method without type", with_method(type=None)),
        ("method without controller", with_method(controller=None)),
        ("method whose controller is an array",
         with_method(controller=[did])),
        ("method without key", with_method(publicKeyMultibase=None)),
        ("method with two keys", with_method(publicKeyJwk=jwk)),
        ("key is a number", with_method(publicKeyMultibase=1)),
        ("key of 31 bytes",
         with_method(publicKeyMultibase=multikey(0xed, ED[:31]))),
        ("key of small order",
         with_method(publicKeyMultibase=multikey(0xed, bytes(32)))),
        ("key not on the curve", with_method(publicKeyMultibase=multikey(
            0x1200, off_curve(P256_P, -3, P256_B, 32)))),
        ("key of another type than the method",
         with_method(type="X25519KeyAgreementKey2020")),
        ("JWK with d", with_method(
            publicKeyMultibase=None, type="JsonWebKey2020",
            publicKeyJwk=dict(jwk, d=base64url(ED)))),
        ("JWK is text", with_method(
            publicKeyMultibase=None, type="JsonWebKey",
            publicKeyJwk="{}")),
        ("base58 of 31 bytes", with_method(
            publicKeyMultibase=None, type="Ed25519VerificationKey2018",
            publicKeyBase58=base58(ED[:31]))),
        ("base58 of 10 kB", with_method(
            publicKeyMultibase=None, type="Ed25519VerificationKey2018",
            publicKeyBase58="2" * 10000)),
        ("base58 for Multikey", with_method(
            publicKeyMultibase=None, publicKeyBase58=base58(ED))),
        ("relation is text", dict(base, authentication=did + "#k")),
        ("relation holds a number", dict(base, authentication=[1])),
        ("relation holds a text that is no DID URL",
         dict(base, authentication=["k"])),
        ("relation of 33 entries",
         dict(base, authentication=[did + "#k"] * 33)),
        ("service is an object", dict(base, service=service)),
        ("service without id", dict(base, service=[
            {k: v for k, v in service.items() if k != "id"}])),
        ("service without type", dict(base, service=[
            {k: v for k, v in service.items() if k != "type"}])),
        ("service without endpoint", dict(base, service=[
            {k: v for k, v in service.items() if k != "serviceEndpoint"}])),
        ("service whose endpoint is a number",
         dict(base, service=[dict(service, serviceEndpoint=1)])),
        ("33 services", dict(base, service=[service] * 33)),
    ]
    return [{"tests": t, "did": did, "document": d, "expect": ERR + "DOCUMENT"}
            for t, d in rows]


FILES = {
    "did-key/hostile.json": ("what is no did:key", did_key),
    "jwk/hostile.json": ("what is no public JWK", jwks),
    "did-jwk/hostile.json": ("what is no did:jwk", did_jwk),
    "did-peer/hostile.json": ("what is no did:peer", did_peer),
    "did-peer/many.json": ("long and short forms of did:peer:4, more than a "
                           "resolver keeps", many_peers),
    "did-web/hostile.json": ("what is no did:web", did_web),
    "did-document/hostile.json": ("what is no DID document of did:example:1",
                                  documents),
}


def render(title, make):
    vectors = make()
    head = {"source": "tests/gen/did.py", "tests": title}
    text = json.dumps(head, indent=1)[:-2] + ',\n "vectors": [\n'
    return text + ",\n".join("  " + json.dumps(v) for v in vectors) + \
        "\n ]\n}\n"


def main(arguments):
    check = arguments[:1] == ["--check"]
    directory = arguments[-1]
    status = 0
    for name, (title, make) in sorted(FILES.items()):
        path, text = os.path.join(directory, name), render(title, make)
        if not check:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        elif open(path).read() != text:
            print("%s differs" % path, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
