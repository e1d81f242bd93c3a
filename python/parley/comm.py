"""What a party says: DIDComm v2.1 messages in their envelopes."""

import enum
import json
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Union

from ._native import ffi, lib
from .did import Identity, Resolver
from .errors import _text, check, make

Message = Mapping[str, Any]
Text = Union[str, bytes]


class Layers(enum.Enum):
    """How a message is protected: its envelopes, the outermost first."""

    PLAIN = 0
    SIGNED = 1
    ANONCRYPT = 2
    AUTHCRYPT = 3
    ANONCRYPT_SIGNED = 4
    ANONCRYPT_AUTHCRYPT = 5
    AUTHCRYPT_SIGNED = 6


@dataclass(frozen=True)
class Unpacked:
    """What an envelope held, and who is known to have sent it."""

    message: Dict[str, Any]
    layers: Layers
    signer: Optional[str]  # DID: a third party can be shown that
    sender: Optional[str]  # DID, by authcrypt: only the reader knows
    recipient: Optional[str]  # DID of the keys it was encrypted to
    read_by: Optional[str]  # id of the key that opened it


def _json(message: Message) -> bytes:
    return json.dumps(message, separators=(',', ':'),
                      ensure_ascii=False).encode()


def _bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def _take(p: Any, length: int) -> bytes:
    """A text of libparley's, which is freed."""
    try:
        raw: bytes = ffi.unpack(p, length)
        return raw
    finally:
        lib.free(p)


class Comm:
    """One party's end of DIDComm: its identities and its resolver."""

    def __init__(self, *identities: Identity,
                 resolver: Optional[Resolver] = None) -> None:
        self._resolver = resolver
        self._identities = identities  # borrowed by libparley
        p = ffi.new('struct parley_comm **')
        check(lib.parley_comm_new(
            p, resolver._handle if resolver else ffi.NULL))
        self._handle = ffi.gc(p[0], lib.parley_comm_free)
        for identity in identities:
            check(lib.parley_comm_add_identity(self._handle,
                                               identity._handle))

    def _check(self, err: int) -> None:
        if err:
            reason = _text(lib.parley_comm_reason(self._handle))
            text = _text(lib.parley_did_err_string(err))
            raise make(err, f'{text}: {reason}' if reason else text)

    def pack(self, message: Message, to: Optional[str] = None,
             layers: Layers = Layers.AUTHCRYPT) -> str:
        """Put MESSAGE, a DIDComm plaintext message, into envelopes.

        Args:
            message: with id, type, body, and from and to where the layers
                need them.
            to: DID or key id of who can read it.
            layers: how it is protected.
        """
        how = ffi.new('struct parley_comm_pack *')
        how.layers = layers.value
        text = ffi.new('char[]', to.encode()) if to else ffi.NULL
        how.to = text
        raw = _json(message)
        out, length = ffi.new('char **'), ffi.new('size_t *')
        self._check(lib.parley_comm_pack(self._handle, out, length, raw,
                                         len(raw), how))
        return _take(out[0], length[0]).decode()

    def unpack(self, envelope: Text, to: Optional[Iterable[str]] = None,
               now: int = 0) -> Unpacked:
        """Open an envelope, whatever it is.

        Nothing here says that the message was not seen before: keep id and
        from where that matters.

        Args:
            envelope: the text.
            to: the message must be for one of these DIDs; None: for any key
                of ours, where it is encrypted.
            now: UTC seconds for expires_time; 0: not checked.
        """
        raw = _bytes(envelope)
        how = ffi.new('struct parley_comm_unpack *')
        keep: List[Any] = [ffi.new('char[]', d.encode()) for d in to or ()]
        dids = ffi.new('char *[]', keep)
        if to is not None:
            how.to, how.n_to = dids, len(keep)
        how.now = now
        u = ffi.new('struct parley_comm_unpacked *')
        self._check(lib.parley_comm_unpack(self._handle, u, raw, len(raw),
                                           how))
        try:
            return Unpacked(
                message=json.loads(ffi.unpack(u.message, u.message_len)),
                layers=Layers(u.layers),
                signer=_text(u.signer) or None,
                sender=_text(u.sender) or None,
                recipient=_text(u.recipient) or None,
                read_by=_text(u.read_by) or None)
        finally:
            lib.parley_comm_unpacked_wipe(u)


def sign(identity: Identity, message: Message) -> str:
    """A signed envelope that anybody can verify."""
    raw = _json(message)
    out, length = ffi.new('char **'), ffi.new('size_t *')
    check(lib.parley_comm_signed_pack(out, length, identity._handle, raw,
                                      len(raw)))
    return _take(out[0], length[0]).decode()


def verify(envelope: Text) -> 'tuple[Dict[str, Any], str]':
    """The message of a signed envelope, and the DID that signed it."""
    raw = _bytes(envelope)
    out, length = ffi.new('char **'), ffi.new('size_t *')
    signer = ffi.new('char[]', lib.PARLEY_DID_SIZE)
    check(lib.parley_comm_signed_unpack(out, length, signer, raw, len(raw)))
    message: Dict[str, Any] = json.loads(_take(out[0], length[0]))
    return message, _text(signer)
