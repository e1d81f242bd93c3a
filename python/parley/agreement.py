"""What the parties agreed to compute, and who they are."""

import os
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple, Union

from ._native import ffi, lib
from .did import Path
from .errors import _text, make


@dataclass(frozen=True)
class Party:
    """One of the roster."""

    index: int
    did: str
    name: str
    endpoints: Tuple[str, ...]

    def __str__(self) -> str:
        name = f" '{self.name}'" if self.name else ''
        return f'party {self.index}{name} ({self.did})'


class Agreement:
    """An agreement, which does not change.

    Made by load() from a file or by parse() from its text; the form is
    described in parley-agreement(5).
    """

    def __init__(self, handle: Any) -> None:
        self._handle = ffi.gc(handle, lib.parley_session_agreement_free)
        a = self._handle
        self.name = _text(lib.parley_session_agreement_name(a))
        self.created: int = lib.parley_session_agreement_created(a)
        self.expires: int = lib.parley_session_agreement_expires(a)
        self.threshold: int = lib.parley_session_agreement_threshold(a)
        self.program = _text(lib.parley_session_agreement_program(a))
        self.program_version = _text(
            lib.parley_session_agreement_program_version(a))
        n: int = lib.parley_session_agreement_n_parties(a)
        self.parties: Tuple[Party, ...] = tuple(
            self._party(i) for i in range(n))

    def _party(self, i: int) -> Party:
        a = self._handle
        endpoints: List[str] = []
        while True:
            e = lib.parley_session_agreement_party_endpoint(
                a, i, len(endpoints))
            if e == ffi.NULL:
                break
            endpoints.append(_text(e))
        return Party(i, _text(lib.parley_session_agreement_party_did(a, i)),
                     _text(lib.parley_session_agreement_party_name(a, i)),
                     tuple(endpoints))

    @classmethod
    def load(cls, path: Path) -> 'Agreement':
        """Read an agreement file."""
        name = os.fspath(path)
        return cls._made(lib.parley_session_agreement_load,
                         (os.fsencode(name),), f'{name}: ')

    @classmethod
    def parse(cls, text: Union[str, bytes]) -> 'Agreement':
        """Read an agreement from its JSON text."""
        raw = text.encode() if isinstance(text, str) else bytes(text)
        return cls._made(lib.parley_session_agreement_parse,
                         (raw, len(raw)), '')

    @classmethod
    def _made(cls, function: Any, args: 'tuple[Any, ...]',
              where: str) -> 'Agreement':
        p = ffi.new('struct parley_agreement **')
        why = ffi.new('char **')
        err = function(p, why, *args)
        if err:
            text = _text(why[0]) or _text(lib.parley_did_err_string(err))
            lib.free(why[0])
            raise make(err, where + text)
        return cls(p[0])

    @property
    def hash(self) -> bytes:
        """The 32 bytes that every party must have."""
        out = ffi.new('uint8_t[]', lib.PARLEY_AGREEMENT_HASH_LEN)
        lib.parley_session_agreement_hash(self._handle, out)
        return bytes(out)

    def digest(self, label: str) -> Optional[str]:
        """The SHA-256 digest LABEL of the program in hexadecimal digits."""
        p = lib.parley_session_agreement_digest(self._handle, label.encode())
        return None if p == ffi.NULL else _text(p)

    def parameter(self, name: str) -> Optional[str]:
        """A parameter as text; "true" and "false" for booleans."""
        p = lib.parley_session_agreement_parameter(self._handle,
                                                   name.encode())
        return None if p == ffi.NULL else _text(p)

    def index(self, did: str) -> int:
        """The index of the party DID.

        Raises:
            Error: it is not in the roster.
        """
        i: int = lib.parley_session_agreement_index(self._handle,
                                                    did.encode())
        if i < 0:
            raise make(i, f'{did} is not in the roster of the agreement')
        return i

    def __repr__(self) -> str:
        return f"<parley.Agreement '{self.name}', {len(self.parties)} parties>"
