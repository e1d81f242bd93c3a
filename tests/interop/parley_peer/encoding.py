"""Strict text and byte encodings.  Every decoder takes one spelling only."""

import base64
import json

from .errors import Refused, demand

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
VARINT_LEN_MAX = 9


def base58_encode(data):
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + text


def base58_decode(text):
    number = 0
    for char in text:
        digit = BASE58.find(char)
        demand(digit >= 0, "ENCODING", "character outside base58btc")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    n_bytes = (number.bit_length() + 7) // 8
    return b"\0" * zeros + number.to_bytes(n_bytes, "big")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64_decode(text):
    """No padding, no foreign characters, no set bits beyond the last byte."""
    try:
        raw = text.encode("ascii")
        data = base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))
    except ValueError:
        raise Refused("ENCODING", "not base64url") from None
    demand(b64(data) == text, "ENCODING", "base64url is not canonical")
    return data


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint_decode(data, at, error="RECORD"):
    """The varint at data[at] and the place behind it."""
    number = 0
    for i in range(VARINT_LEN_MAX):
        demand(at + i < len(data), error, "varint is cut off")
        byte = data[at + i]
        number |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            demand(byte or i == 0, error, "varint is not the shortest")
            return number, at + i + 1
    raise Refused(error, "varint is longer than 9 bytes")


def cbor(value):
    """Deterministic CBOR (RFC 8949, 4.2.1) of ints, booleans, byte and text
    strings, and arrays of these: all that agreements need."""
    if value is False or value is True:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return cbor_head(0, value) if value >= 0 else cbor_head(1, -1 - value)
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    if isinstance(value, str):
        raw = value.encode("utf-8")
        return cbor_head(3, len(raw)) + raw
    return cbor_head(4, len(value)) + b"".join(cbor(item) for item in value)


def cbor_head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for extra, n_bytes in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * n_bytes:
            head = bytes([major << 5 | extra])
            return head + number.to_bytes(n_bytes, "big")
    raise ValueError("integer is too large for CBOR")


def json_decode(data):
    """A JSON object: UTF-8, no duplicate members, no NaN, no lone halves of
    surrogate pairs, no NUL."""

    def members(pairs):
        found = dict(pairs)
        demand(len(found) == len(pairs), "JSON", "duplicate member")
        return found

    def constant(word):
        raise Refused("JSON", f"{word} is not JSON")

    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(text, object_pairs_hook=members,
                           parse_constant=constant)
        check_strings(value)
    except (ValueError, RecursionError):
        raise Refused("JSON", "not JSON") from None
    demand(isinstance(value, dict), "FORMAT", "not an object")
    return value


def check_strings(value):
    if isinstance(value, str):
        value.encode("utf-8")  # fails for half a surrogate pair
        demand("\0" not in value, "JSON", "NUL in a string")
    elif isinstance(value, dict):
        for name, member in value.items():
            check_strings(name)
            check_strings(member)
    elif isinstance(value, list):
        for item in value:
            check_strings(item)


def json_encode(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def is_int(value):
    """In Python a bool is an int; in JSON it is not."""
    return isinstance(value, int) and not isinstance(value, bool)
