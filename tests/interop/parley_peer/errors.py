"""What can be refused.  Names and numbers are those of parley/err.h, because
ABORT carries the numbers."""

NUMBERS = {
    "SYSTEM": 1, "MEMORY": 2, "AGAIN": 3, "ARGUMENT": 4, "STATE": 5,
    "TIMEOUT": 6, "TOO_LARGE": 7, "FORMAT": 8, "ENCODING": 9, "LENGTH": 10,
    "UNSUPPORTED": 11, "KEY": 12, "JSON": 18, "MESSAGE": 19, "ENVELOPE": 20,
    "ALGORITHM": 21, "KID": 22, "SIGNATURE": 23, "ADDRESS": 24, "EXPIRED": 25,
    "VERSION": 26, "GATE": 27, "SUITE": 28, "DH": 29, "SEAL": 30,
    "TRANSCRIPT": 31, "PURPOSE": 32, "FINISHED": 33, "ROSTER": 34,
    "INDEX": 35, "DUPLICATE": 36, "REPLAY": 37, "REFLECTION": 38,
    "AGREEMENT": 39, "SEQUENCE": 40, "RECORD": 41, "EXHAUSTED": 42,
    "LOST": 43, "CLOSED": 44, "ABORTED": 45, "UNREACHABLE": 46,
    "UNDELIVERED": 47, "ENDPOINT": 49, "RESTARTED": 50, "INTERRUPTED": 51,
}
NAMES = {number: name for name, number in NUMBERS.items()}


class Refused(Exception):
    """Input that the protocol refuses; `name` is the code without its
    PARLEY_ERR_ prefix."""

    def __init__(self, name, why, culprit=None):
        super().__init__(f"{why} (PARLEY_ERR_{name})")
        self.name = name
        self.why = why
        self.culprit = culprit

    @property
    def number(self):
        return NUMBERS[self.name]


def demand(condition, name, why):
    if not condition:
        raise Refused(name, why)
