"""The key schedule (PROTOCOL 4)."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey, X25519PublicKey)
from cryptography.hazmat.primitives.ciphers.aead import (
    AESGCM, ChaCha20Poly1305)

from .errors import Refused

SUITES = {1: ChaCha20Poly1305, 2: AESGCM}
T0 = hashlib.sha256(b"parley session 1").digest()


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.digest(key, data, "sha256")


def extract(salt, ikm):
    return mac(salt, ikm)


def expand(prk, info, length):
    out = block = b""
    counter = 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([counter]))
        out += block
        counter += 1
    return out[:length]


def label(secret, name, context, length):
    name = b"parley 1 " + name.encode()
    return expand(secret, length.to_bytes(2, "big") + bytes([len(name)]) + name
                  + bytes([len(context)]) + context, length)


def seal(suite, key, nonce, ad, plaintext):
    return SUITES[suite](key).encrypt(nonce, plaintext, ad)


def open_(suite, key, nonce, ad, sealed):
    try:
        return SUITES[suite](key).decrypt(nonce, sealed, ad)
    except (InvalidTag, ValueError):
        raise Refused("SEAL", "sealed part does not open") from None


def x25519_public(secret):
    return X25519PrivateKey.from_private_bytes(
        secret).public_key().public_bytes_raw()


def x25519(secret, public):
    """The library raises ValueError for an all-zero result."""
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(
            X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Refused("DH", "Diffie-Hellman result is all zero") from None


def gate_key(agreement_id):
    return label(extract(b"", agreement_id), "gate", b"", 32)


class HandshakeKeys:
    """What follows from dh and T2."""

    def __init__(self, dh, agreement_id, t2):
        self.hs = extract(t2, dh + agreement_id)
        self.k_R = label(self.hs, "R handshake key", t2, 32)
        self.v_R = label(self.hs, "R handshake iv", t2, 12)
        self.k_I = label(self.hs, "I handshake key", t2, 32)
        self.v_I = label(self.hs, "I handshake iv", t2, 12)
        self.f_R = label(self.hs, "R finished", t2, 32)
        self.f_I = label(self.hs, "I finished", t2, 32)


class TrafficKeys:
    """What follows from hs, T7 and the agreement hash."""

    def __init__(self, hs, t7, agreement_hash):
        self.master = extract(label(hs, "derived", t7, 32), agreement_hash)
        self.s_I = label(self.master, "I traffic", t7, 32)
        self.s_R = label(self.master, "R traffic", t7, 32)
        self.resume = label(self.master, "resume", t7, 32)
