"""Receipts: what two parties signed when their channel began, as evidence.

`did-cli receipt verify` reads the files and says, without network, who agreed
to what, and when.
"""

import json
import os
import time
from dataclasses import dataclass

from .did import Path


@dataclass(frozen=True)
class Receipt:
    """The two signed envelopes of a handshake, and what ties them together.

    Attributes:
        accept: signed by the party that was dialled.
        confirm: signed by the one that dialled, in answer to accept.
        finished: 32 bytes in base64url that went with accept.
    """

    accept: str
    confirm: str
    finished: str

    def save(self, directory: Path, party: int) -> str:
        """Write a new file, of this party with PARTY, into DIRECTORY, which
        is made if it is not there; the path of the file.

        Raises:
            OSError: it cannot be written.
        """
        os.makedirs(directory, 0o700, exist_ok=True)
        path = os.path.join(os.fsdecode(directory), '{}-party{}-{}.receipt'
                            .format(time.strftime('%Y-%m-%dT%H%M%SZ',
                                                  time.gmtime()),
                                    party, os.urandom(4).hex()))
        text = json.dumps({'parley': 'receipt/2', 'accept': self.accept,
                           'confirm': self.confirm,
                           'finished': self.finished}, indent=1)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, 'w', encoding='utf-8') as f:
            f.write(text + '\n')
        return path
