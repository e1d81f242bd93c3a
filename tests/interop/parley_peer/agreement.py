"""The agreement: its file, its hash, its field digests (PROTOCOL 2)."""

import hashlib
import ipaddress
import re

from .did import did_decode
from .encoding import b64_decode, cbor, is_int, json_decode
from .errors import Refused, demand

FILE_LEN_MAX = 1024 * 1024
INTEGER_MAX = 2 ** 53 - 1
PARTIES_MAX = 1024
MEMBERS_MAX = 256
ENDPOINTS_MAX = 8
LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
ENDPOINT = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
                      r":([1-9][0-9]{0,4})\Z")
MEMBERS = {"parley", "id", "name", "created", "expires", "program",
           "threshold", "parameters", "parties"}


class Party:
    def __init__(self, did, name, endpoints):
        self.did = did
        self.name = name
        self.endpoints = endpoints


class Agreement:
    def __init__(self, text):
        data = text.encode() if isinstance(text, str) else text
        demand(len(data) <= FILE_LEN_MAX, "TOO_LARGE", "file is too large")
        top = json_decode(data)
        check_members(top, MEMBERS, "agreement")
        demand(top.get("parley") == "agreement/1", "FORMAT",
               "parley is not agreement/1")
        self.id = read_id(top.get("id"))
        self.name = read_text(top.get("name"), "name", 1, 200)
        self.created = read_int(top.get("created"), "created", 0)
        self.expires = (read_int(top["expires"], "expires", 1)
                        if "expires" in top else 0)
        self._read_program(top.get("program", {"name": ""}))
        self._read_parameters(top.get("parameters", {}))
        self._read_parties(top.get("parties"))
        self.threshold = read_int(top.get("threshold"), "threshold", 0,
                                  len(self.parties) - 1)

    def _read_program(self, program):
        check_members(program, {"name", "version", "digests"}, "program")
        self.program_name = read_text(program.get("name"), "program.name")
        self.program_version = read_text(program.get("version", ""),
                                         "program.version")
        digests = program.get("digests", {})
        check_members(digests, None, "program.digests")
        demand(len(digests) <= MEMBERS_MAX, "TOO_LARGE",
               "program.digests has more than 256 members")
        self.digests = []
        for label in sorted(digests):
            value = digests[label]
            demand(isinstance(value, str) and DIGEST.match(value), "FORMAT",
                   f"program.digests.{label} is not sha256: and 64 hex")
            self.digests.append([label, bytes.fromhex(value[7:])])

    def _read_parameters(self, parameters):
        check_members(parameters, None, "parameters")
        demand(len(parameters) <= MEMBERS_MAX, "TOO_LARGE",
               "parameters has more than 256 members")
        self.parameters = []
        for name in sorted(parameters):
            value = parameters[name]
            path = f"parameters.{name}"
            if isinstance(value, str):
                value = read_text(value, path)
            elif not isinstance(value, bool):
                value = read_int(value, path, -INTEGER_MAX)
            self.parameters.append([name, value])

    def _read_parties(self, parties):
        demand(isinstance(parties, list), "FORMAT", "parties is no array")
        demand(2 <= len(parties) <= PARTIES_MAX, "FORMAT",
               "parties are not 2 to 1024")
        self.parties = []
        keys = set()
        for i, party in enumerate(parties):
            path = f"parties[{i}]"
            check_members(party, {"did", "name", "endpoints"}, path)
            did = read_text(party.get("did"), path + ".did")
            key = did_decode(did)
            demand(key not in keys, "DUPLICATE", path + ".did stands twice")
            keys.add(key)
            name = (read_text(party["name"], path + ".name", 1, 64)
                    if "name" in party else "")
            endpoints = party.get("endpoints", [])
            demand(isinstance(endpoints, list)
                   and len(endpoints) <= ENDPOINTS_MAX, "FORMAT",
                   path + ".endpoints is no array of at most 8")
            for endpoint in endpoints:
                read_text(endpoint, path + ".endpoints")
                check_endpoint(endpoint, path)
            self.parties.append(Party(did, name, endpoints))
        # PROTOCOL 7.1: a pair without any endpoint cannot meet.
        demand(sum(not party.endpoints for party in self.parties) < 2,
               "ENDPOINT", "two parties have no endpoint")

    def index(self, did):
        for i, party in enumerate(self.parties):
            if party.did == did:
                return i
        return None

    def encode(self):
        return cbor([
            "parley agreement", 1, self.id, self.name, self.created,
            self.expires,
            [self.program_name, self.program_version, self.digests],
            self.threshold, self.parameters,
            [[p.did, p.name, p.endpoints] for p in self.parties],
        ])

    def hash(self):
        return hashlib.sha256(self.encode()).digest()

    def fields(self):
        """Field digests by path, in the order of PROTOCOL 2.2."""
        out = {
            "name": field("name", self.name),
            "created": field("created", self.created),
            "expires": field("expires", self.expires),
            "program.name": field("program.name", self.program_name),
            "program.version": field("program.version", self.program_version),
        }
        for label, digest in self.digests:
            path = f"program.digests.{label}"
            out[path] = field(path, digest)
        out["threshold"] = field("threshold", self.threshold)
        for name, value in self.parameters:
            path = f"parameters.{name}"
            out[path] = field(path, value)
        for member in ("did", "name", "endpoints"):
            out[f"parties.{member}"] = b"".join(
                field(f"parties[{i}].{member}", getattr(party, member))
                for i, party in enumerate(self.parties))
        return out


def field(path, value):
    return hashlib.sha256(cbor(["parley field", 1, path, value])).digest()[:8]


def differing(mine, theirs):
    """The paths in which two sets of field digests differ, mine first."""
    paths = list(mine) + [path for path in theirs if path not in mine]
    return [path for path in paths if mine.get(path) != theirs.get(path)]


def check_members(value, known, where):
    demand(isinstance(value, dict), "FORMAT", f"{where} is no object")
    for name in value:
        fits = name in known if known is not None else LABEL.match(name)
        demand(fits, "FORMAT", f"{where} has the member {name!r}")


def read_id(value):
    demand(isinstance(value, str), "FORMAT", "id is no string")
    try:
        data = b64_decode(value)
    except Refused as refused:
        raise Refused("FORMAT", f"id: {refused.why}") from None
    demand(len(data) == 16, "FORMAT", "id is not 16 bytes")
    return data


def read_text(value, path, shortest=0, longest=FILE_LEN_MAX):
    demand(isinstance(value, str), "FORMAT", f"{path} is no string")
    demand(shortest <= len(value.encode()) <= longest, "FORMAT",
           f"{path} is not {shortest} to {longest} bytes")
    demand(all(ord(c) >= 0x20 and c != "\x7f" for c in value), "FORMAT",
           f"{path} holds a control character")
    return value


def read_int(value, path, smallest, largest=INTEGER_MAX):
    demand(is_int(value) and smallest <= value <= largest, "FORMAT",
           f"{path} is no integer from {smallest} to {largest}")
    return value


def check_endpoint(endpoint, path):
    match = ENDPOINT.match(endpoint)
    demand(match and int(match[2]) <= 65535, "ENDPOINT",
           f"{path} has an endpoint that is not tcp://host:port")
    if match[1].startswith("["):
        try:
            ipaddress.IPv6Address(match[1][1:-1])
        except ValueError:
            raise Refused("ENDPOINT", f"{path}: not an IPv6 address") from None
