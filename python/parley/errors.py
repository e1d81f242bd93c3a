"""Exceptions: one class for each thing that a caller acts on.

Every exception has the code of libparley, its name, and its class, which says
whose doing it is: "peer" (what another party sent is wrong, or it is gone),
"local" (what was asked for cannot be done) or "system" (the machine failed).
Where a party is concerned, `party` is its index.
"""

from typing import Any, Dict, Optional, Type

from ._native import ffi, lib

_CLASSES = ('none', 'peer', 'local', 'system')


class Error(Exception):
    """Anything that libparley refuses.

    Args:
        code: the negative number of parley/err.h.
        text: one sentence; libparley's own for the code if it is empty.
        party: the index of the party that is concerned, if there is one.
    """

    def __init__(self, code: int, text: str = '',
                 party: Optional[int] = None) -> None:
        self.code = code
        self.party = party
        super().__init__(text or _text(lib.parley_did_err_string(code)))

    @property
    def name(self) -> str:
        """The name of the code, such as "PARLEY_ERR_SEAL"."""
        return _text(lib.parley_did_err_name(self.code))

    @property
    def error_class(self) -> str:
        """Whose doing it is: "peer", "local" or "system"."""
        return _CLASSES[lib.parley_did_err_class(self.code)]


class PeerError(Error):
    """What the other side sent is wrong."""


class LocalError(Error):
    """What was asked for cannot be done."""


class SystemFailure(Error):
    """The machine failed."""


class AgreementError(PeerError):
    """Another party has a different agreement; the text names the field."""


class LostError(PeerError):
    """A party is lost: it will not come back."""


class ClosedError(PeerError):
    """A party has closed the session; nothing more will come from it."""


class AbortedError(PeerError):
    """A party gave up; the text says why."""


class UndeliveredError(PeerError):
    """The session is closed, but a party has not acknowledged all messages:
    whether they arrived is not known."""


class OpenTimeout(LocalError, TimeoutError):
    """Not every party came in time; the text says who is missing."""


_BY_CODE: Dict[int, Type[Error]] = {
    lib.PARLEY_ERR_AGREEMENT: AgreementError,
    lib.PARLEY_ERR_LOST: LostError,
    lib.PARLEY_ERR_CLOSED: ClosedError,
    lib.PARLEY_ERR_ABORTED: AbortedError,
    lib.PARLEY_ERR_UNDELIVERED: UndeliveredError,
    lib.PARLEY_ERR_TIMEOUT: OpenTimeout,
}
_BY_CLASS: Dict[int, Type[Error]] = {
    1: PeerError,
    2: LocalError,
    3: SystemFailure,
}


def _text(p: Any) -> str:
    """A C string; "" for NULL."""
    if p == ffi.NULL:
        return ''
    raw: bytes = ffi.string(p)
    return raw.decode('utf-8', 'replace')


def make(code: int, text: str = '', party: Optional[int] = None) -> Error:
    """The exception for CODE."""
    cls = _BY_CODE.get(code)
    if cls is None:
        cls = _BY_CLASS.get(lib.parley_did_err_class(code), Error)
    return cls(code, text, party)


def check(code: int, text: str = '') -> None:
    """Raise unless CODE is 0."""
    if code != 0:
        raise make(code, text)
