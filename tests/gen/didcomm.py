"""A second implementation of DIDComm v2.1 envelopes, for vectors and interop.

Signed (EdDSA, ES256, ES256K), anoncrypt and authcrypt on X25519, P-256, P-384
and P-521 with A256CBC-HS512, A256GCM and XC20P.  Written from the
specifications; needs the package `cryptography`; shares no code with the
library that it tests.  Everything can be made deterministic, so vectors come
out the same on every run.  It believes what it reads: use it for tests only.
"""

import base64
import hashlib
import hmac
import json
import os
import struct

from cryptography.hazmat.primitives import hashes, keywrap, padding
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import (
    AESGCM, ChaCha20Poly1305)

CURVES = {
    "P-256": (ec.SECP256R1, 32), "P-384": (ec.SECP384R1, 48),
    "P-521": (ec.SECP521R1, 66), "secp256k1": (ec.SECP256K1, 32),
}
K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ENCS = {"A256CBC-HS512": (64, 16), "A256GCM": (32, 12), "XC20P": (32, 24)}
SIGNED = "application/didcomm-signed+json"
ENCRYPTED = "application/didcomm-encrypted+json"


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert b64(data) == text, "not canonical base64url"
    return data


def compact(obj):
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False)


# --- keys ---

class Key:
    """A secret key as a JWK; `kid` is its DID URL."""

    def __init__(self, kid, jwk):
        self.kid, self.jwk, self.crv = kid, jwk, jwk["crv"]
        d = unb64(jwk["d"])
        if self.crv == "Ed25519":
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(d)
        elif self.crv == "X25519":
            self.private = x25519.X25519PrivateKey.from_private_bytes(d)
        else:
            self.private = ec.derive_private_key(
                int.from_bytes(d, "big"), CURVES[self.crv][0]())

    @property
    def did(self):
        return self.kid.split("#")[0]

    def public(self):
        return {k: v for k, v in self.jwk.items() if k in
                ("kty", "crv", "x", "y")}

    def alg(self):
        return {"Ed25519": "EdDSA", "P-256": "ES256",
                "secp256k1": "ES256K"}[self.crv]

    def sign(self, data, low=True):
        if self.crv == "Ed25519":
            return self.private.sign(data)
        r, s = decode_dss_signature(self.private.sign(
            data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        if self.crv == "secp256k1":
            s = min(s, K1_ORDER - s) if low else max(s, K1_ORDER - s)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def agree(self, jwk):
        public = public_key(jwk)
        if self.crv == "X25519":
            return self.private.exchange(public)
        return self.private.exchange(ec.ECDH(), public)


def make_key(kid, crv, seed=None):
    """A new key, or the one that follows from the text `seed`."""
    size = CURVES[crv][1] if crv in CURVES else 32
    if seed is None:
        d = os.urandom(size)
    else:
        d = b"".join(hashlib.sha256(b"%d %s" % (i, seed.encode())).digest()
                     for i in range(3))[:size]
    if crv == "P-521":
        d = b"\0" + d[1:]
    jwk = {"kty": "OKP" if crv in ("Ed25519", "X25519") else "EC",
           "crv": crv, "d": b64(d)}
    key = Key(kid, dict(jwk))
    if crv in CURVES:
        n = key.private.public_key().public_numbers()
        jwk["x"] = b64(n.x.to_bytes(size, "big"))
        jwk["y"] = b64(n.y.to_bytes(size, "big"))
    else:
        jwk["x"] = b64(key.private.public_key().public_bytes_raw())
    return Key(kid, jwk)


def public_key(jwk):
    x = unb64(jwk["x"])
    if jwk["crv"] == "X25519":
        return x25519.X25519PublicKey.from_public_bytes(x)
    if jwk["crv"] == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(x)
    curve = CURVES[jwk["crv"]][0]()
    return ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(unb64(jwk["y"]), "big"),
        curve).public_key()


# --- signed ---

def sign(key, payload, form="general", kid="header", header=None, low=True):
    """A signed envelope of the bytes or text `payload`."""
    head = {"typ": SIGNED, "alg": key.alg()}
    if kid == "protected":
        head["kid"] = key.kid
    head.update(header or {})
    protected, body = b64(compact(head)), b64(payload)
    one = {"protected": protected, "signature": b64(
        key.sign((protected + "." + body).encode(), low))}
    if kid == "header":
        one["header"] = {"kid": key.kid}
    if form == "flattened":
        return dict(payload=body, **one)
    return {"payload": body, "signatures": [one]}


def verify(envelope, resolve):
    """(payload, kid); `resolve` gives the public JWK of a kid."""
    one = envelope["signatures"][0] if "signatures" in envelope else envelope
    head = json.loads(unb64(one["protected"]))
    kid = head.get("kid") or one["header"]["kid"]
    jwk = resolve(kid)
    data = (one["protected"] + "." + envelope["payload"]).encode()
    sig = unb64(one["signature"])
    if head["alg"] == "EdDSA":
        public_key(jwk).verify(sig, data)
    else:
        assert head["alg"] == {"P-256": "ES256",
                               "secp256k1": "ES256K"}[jwk["crv"]]
        r, s = (int.from_bytes(sig[i:i + 32], "big") for i in (0, 32))
        assert len(sig) == 64
        public_key(jwk).verify(encode_dss_signature(r, s), data,
                               ec.ECDSA(hashes.SHA256()))
    payload = unb64(envelope["payload"])
    assert json.loads(payload)["from"] == kid.split("#")[0]
    return payload, kid


# --- content ---

def rotl(v, n):
    return ((v << n) | (v >> (32 - n))) & 0xFFFFFFFF


def hchacha20(key, nonce):
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8),
                           (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] = rotl(s[z] ^ s[x], n)

    for _ in range(10):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *(s[:4] + s[12:]))


def xc20p(cek, iv):
    return ChaCha20Poly1305(hchacha20(cek, iv[:16])), b"\0" * 4 + iv[16:]


def hmac_tag(cek, iv, aad, ct):
    return hmac.new(cek[:32], aad + iv + ct + struct.pack(">Q", 8 * len(aad)),
                    hashlib.sha512).digest()[:32]


def seal(enc, cek, iv, aad, plain):
    if enc == "A256CBC-HS512":
        padder = padding.PKCS7(128).padder()
        e = Cipher(algorithms.AES(cek[32:]), modes.CBC(iv)).encryptor()
        ct = e.update(padder.update(plain) + padder.finalize()) + e.finalize()
        return ct, hmac_tag(cek, iv, aad, ct)
    if enc == "A256GCM":
        out = AESGCM(cek).encrypt(iv, plain, aad)
    else:
        aead, nonce = xc20p(cek, iv)
        out = aead.encrypt(nonce, plain, aad)
    return out[:-16], out[-16:]


def unseal(enc, cek, iv, aad, ct, tag):
    if enc == "A256CBC-HS512":
        assert hmac.compare_digest(hmac_tag(cek, iv, aad, ct), tag)
        d = Cipher(algorithms.AES(cek[32:]), modes.CBC(iv)).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(d.update(ct) + d.finalize()) + \
            unpadder.finalize()
    if enc == "A256GCM":
        return AESGCM(cek).decrypt(iv, ct + tag, aad)
    aead, nonce = xc20p(cek, iv)
    return aead.decrypt(nonce, ct + tag, aad)


# --- encrypted ---

def kdf(alg, z, apu, apv, tag=None):
    def field(x):
        return struct.pack(">I", len(x)) + x
    return hashlib.sha256(
        struct.pack(">I", 1) + z + field(alg.encode()) + field(apu) +
        field(apv) + struct.pack(">I", 256) +
        (field(tag) if tag is not None else b"")).digest()


def hash_kids(kids):
    return hashlib.sha256(".".join(sorted(kids)).encode()).digest()


def encrypt(to, plain, enc="A256CBC-HS512", sender=None, seed=None,
            header=None, drop=(), apv=None, apu=None, kids=None, cek=None,
            iv=None, epk=None, z=None, kdf_apv=None, kdf_tag=True):
    """An encrypted envelope to `to`, [(kid, public JWK)].

    What stands behind `seed` is for vectors that are wrong on purpose.
    """
    if isinstance(plain, str):
        plain = plain.encode()
    cek_len, iv_len = ENCS[enc]

    def rnd(label, n):
        if seed is None:
            return os.urandom(n)
        return b"".join(
            hashlib.sha256(b"%d %s %s" % (i, label, seed.encode())).digest()
            for i in range(3))[:n]

    crv = to[0][1]["crv"]
    eph = make_key("", crv, None if seed is None else "epk " + seed)
    cek = cek if cek is not None else rnd(b"cek", cek_len)
    iv = iv if iv is not None else rnd(b"iv", iv_len)
    alg = "ECDH-1PU+A256KW" if sender else "ECDH-ES+A256KW"
    apv = apv if apv is not None else hash_kids(
        kids or [kid for kid, _ in to])
    head = {"typ": ENCRYPTED, "alg": alg, "enc": enc, "apv": b64(apv),
            "epk": epk or eph.public()}
    apu_bytes = b""
    if sender:
        apu_bytes = apu if apu is not None else sender.kid.encode()
        head["skid"] = sender.kid
        head["apu"] = b64(apu_bytes)
    head.update(header or {})
    for name in drop:
        head.pop(name, None)
    protected = b64(compact(head))
    seal_len = {"cek": cek}
    ct, tag = seal(enc, seal_len["cek"], iv, protected.encode(), plain)
    recipients = []
    for kid, jwk in to:
        if z is not None:
            shared = z
        else:
            shared = eph.agree(jwk)
            if sender:
                shared += sender.agree(jwk)
        kek = kdf(alg, shared, apu_bytes, kdf_apv or apv,
                  tag if sender and kdf_tag else None)
        recipients.append({"header": {"kid": kid}, "encrypted_key": b64(
            keywrap.aes_key_wrap(kek, cek))})
    return {"protected": protected, "recipients": recipients, "iv": b64(iv),
            "ciphertext": b64(ct), "tag": b64(tag)}


def decrypt(envelope, keys, resolve):
    """(plaintext, skid or None); `keys` are ours, `resolve` as in verify."""
    head = json.loads(unb64(envelope["protected"]))
    kids = [r["header"]["kid"] for r in envelope["recipients"]]
    apv, apu = unb64(head["apv"]), unb64(head.get("apu", ""))
    assert apv == hash_kids(kids)
    for r in envelope["recipients"]:
        key = next((k for k in keys if k.kid == r["header"]["kid"]), None)
        if key is None:
            continue
        z, tag, skid = key.agree(head["epk"]), None, None
        if head["alg"] == "ECDH-1PU+A256KW":
            skid = head["skid"]
            assert apu.decode() == skid
            z += key.agree(resolve(skid))
            tag = unb64(envelope["tag"])
        kek = kdf(head["alg"], z, apu, apv, tag)
        cek = keywrap.aes_key_unwrap(kek, unb64(r["encrypted_key"]))
        return unseal(head["enc"], cek, unb64(envelope["iv"]),
                      envelope["protected"].encode(),
                      unb64(envelope["ciphertext"]),
                      unb64(envelope["tag"])), skid
    raise ValueError("not for us")
