"""Ed25519 identities and their did:key (did:key method v0.9)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey, Ed25519PublicKey)

from .encoding import base58_decode, base58_encode, varint, varint_decode
from .errors import Refused, demand

ED25519 = 0xED
DID_LEN_MAX = 2048


class Identity:
    def __init__(self, seed):
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.did = did_encode(self._key.public_key().public_bytes_raw())
        self.kid = key_id(self.did)

    def sign(self, data):
        return self._key.sign(data)


def did_encode(key):
    return "did:key:z" + base58_encode(varint(ED25519) + key)


def did_decode(did):
    """The Ed25519 key of a did:key."""
    demand(len(did) <= DID_LEN_MAX, "TOO_LARGE", "DID is too long")
    demand(did.startswith("did:key:z"), "FORMAT", "not a did:key")
    data = base58_decode(did.removeprefix("did:key:z"))
    code, at = varint_decode(data, 0, "ENCODING")
    demand(code == ED25519, "UNSUPPORTED", "key type cannot sign here")
    key = data[at:]
    demand(len(key) == 32, "LENGTH", "Ed25519 key is not 32 bytes")
    return key


def key_id(did):
    return did + "#" + did.removeprefix("did:key:")


def verify(did, signature, data):
    try:
        Ed25519PublicKey.from_public_bytes(did_decode(did)).verify(
            signature, data)
    except InvalidSignature:
        raise Refused("SIGNATURE", "signature does not verify") from None
