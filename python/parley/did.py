"""Who a party is: identities, and the documents of DIDs."""

import json
import os
from typing import Any, Dict, Optional, Union, cast

from ._native import ffi, lib
from .errors import _text, check, make

Path = Union[str, 'os.PathLike[str]']
Secret = Union[str, bytes]

_TYPES = {'ed25519': 0, 'p256': 1}


def _passphrase(secret: Optional[Secret]) -> 'tuple[Any, int]':
    if secret is None:
        return ffi.NULL, 0
    raw = secret.encode() if isinstance(secret, str) else secret
    return raw, len(raw)


class Identity:
    """A key pair and its did:key.

    Made by new() or load().  The secret key stays in libparley's memory.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = ffi.gc(handle, lib.parley_did_identity_free)

    @classmethod
    def new(cls, kind: str = 'ed25519') -> 'Identity':
        """Make a new key pair: "ed25519" or "p256"."""
        if kind not in _TYPES:
            raise ValueError(f'no such type of key: {kind}')
        p = ffi.new('struct parley_identity **')
        check(lib.parley_did_identity_new_type(p, _TYPES[kind]))
        return cls(p[0])

    @classmethod
    def load(cls, path: Path,
             passphrase: Optional[Secret] = None) -> 'Identity':
        """Read an identity file, as `did-cli identity new` writes it."""
        p = ffi.new('struct parley_identity **')
        raw, length = _passphrase(passphrase)
        name = os.fspath(path)
        err = lib.parley_did_identity_load(p, os.fsencode(name), raw, length)
        if err:
            raise make(err, f"cannot read identity '{name}': "
                       + _text(lib.parley_did_err_string(err)))
        return cls(p[0])

    def save(self, path: Path, passphrase: Optional[Secret] = None) -> None:
        """Write a new identity file, mode 0600, sealed under PASSPHRASE.

        Without one the mode is the only protection.  An existing file is
        never touched.
        """
        raw, length = _passphrase(passphrase)
        check(lib.parley_did_identity_save(
            self._handle, os.fsencode(os.fspath(path)), raw, length))

    @property
    def did(self) -> str:
        """The DID."""
        return _text(lib.parley_did_identity_did(self._handle))

    def __repr__(self) -> str:
        return f'<parley.Identity {self.did}>'


class Resolver:
    """Finds DID documents.

    Without arguments: did:key, did:peer and did:jwk, which need no network.

    Args:
        web: resolve did:web too, by HTTPS.
        web_ca: PEM file of the CAs to trust for it instead of the system's.
        web_timeout: seconds for a whole look-up.
        directory: documents as files; see parley_did_resolver_new().
    """

    def __init__(self, *, web: bool = False, web_ca: Optional[Path] = None,
                 web_timeout: float = 10.0,
                 directory: Optional[Path] = None) -> None:
        o = ffi.new('struct parley_resolver_options *')
        keep = []
        o.web = web
        o.web_timeout_ms = max(1, int(web_timeout * 1000))
        for name, value in (('web_ca', web_ca), ('directory', directory)):
            if value is not None:
                text = ffi.new('char[]', os.fsencode(os.fspath(value)))
                keep.append(text)
                setattr(o, name, text)
        p = ffi.new('struct parley_resolver **')
        check(lib.parley_did_resolver_new(p, o))
        self._handle = ffi.gc(p[0], lib.parley_did_resolver_free)

    def resolve(self, did: str) -> Dict[str, Any]:
        """The document of DID.  Waits for the network with did:web."""
        return cast(Dict[str, Any],
                    _ask(lib.parley_did_resolver_json, self._handle, did,
                         'didResolutionMetadata')['didDocument'])

    def dereference(self, url: str) -> Dict[str, Any]:
        """The part of a document, or the document, that URL names."""
        return cast(Dict[str, Any],
                    _ask(lib.parley_did_dereference, self._handle, url,
                         'dereferencingMetadata')['contentStream'])


def _ask(function: Any, handle: Any, what: str, meta: str) -> Dict[str, Any]:
    p = ffi.new('char **')
    err = function(p, handle, what.encode())
    result: Dict[str, Any] = {}
    if p[0] != ffi.NULL:
        try:
            result = json.loads(ffi.string(p[0]))
        finally:
            lib.free(p[0])
    if err:
        problem = result.get(meta, {}).get('problemDetails', {})
        detail = problem.get('detail') or ''
        text = _text(lib.parley_did_err_string(err))
        raise make(err, f'{what}: {text}' + (f': {detail}' if detail else ''))
    return result


def resolve(did: str) -> Dict[str, Any]:
    """The document of a did:key, did:peer or did:jwk; no network."""
    return cast(Dict[str, Any],
                _ask(lib.parley_did_resolver_json, ffi.NULL, did,
                     'didResolutionMetadata')['didDocument'])
