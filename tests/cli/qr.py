"""Reads a QR code as did-cli draws it: qr.py FILE

FILE is a PNG (8-bit grey, 6 pixels a module) or text of half blocks.  Only what
such a code has is read: byte mode, level L, up to version 20, no damage.  Written from
ISO/IEC 18004, for the tests; shares nothing with what it tests.
"""

import struct
import sys
import zlib

# Level L: error correction bytes of a block, and the blocks' data bytes.
BLOCKS = {
    1: (7, [19]), 2: (10, [34]), 3: (15, [55]), 4: (20, [80]), 5: (26, [108]),
    6: (18, [68] * 2), 7: (20, [78] * 2), 8: (24, [97] * 2),
    9: (30, [116] * 2), 10: (18, [68] * 2 + [69] * 2), 11: (20, [81] * 4),
    12: (24, [92] * 2 + [93] * 2), 13: (26, [107] * 4),
    14: (30, [115] * 3 + [116]), 15: (22, [87] * 5 + [88]),
    16: (24, [98] * 5 + [99]), 17: (28, [107] + [108] * 5),
    18: (30, [120] * 5 + [121]), 19: (28, [113] * 3 + [114] * 4),
    20: (28, [107] * 3 + [108] * 5)}
ALIGN = {
    1: [], 2: [6, 18], 3: [6, 22], 4: [6, 26], 5: [6, 30], 6: [6, 34],
    7: [6, 22, 38], 8: [6, 24, 42], 9: [6, 26, 46], 10: [6, 28, 50],
    11: [6, 30, 54], 12: [6, 32, 58], 13: [6, 34, 62],
    14: [6, 26, 46, 66], 15: [6, 26, 48, 70], 16: [6, 26, 50, 74],
    17: [6, 30, 54, 78], 18: [6, 30, 56, 82], 19: [6, 30, 58, 86],
    20: [6, 34, 62, 90]}
MASKS = [
    lambda y, x: (y + x) % 2 == 0, lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0, lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0]


def read_png(data):
    width = struct.unpack(">I", data[16:20])[0]
    assert data[24:26] == b"\x08\x00", "not 8-bit grey"
    at, idat = 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        assert zlib.crc32(kind + body) == struct.unpack(
            ">I", data[at + 8 + n:at + 12 + n])[0]
        idat += body if kind == b"IDAT" else b""
        at += 12 + n
    raw, rows, last = zlib.decompress(idat), [], bytes(width)
    for y in range(len(raw) // (width + 1)):
        line = bytearray(raw[y * (width + 1):(y + 1) * (width + 1)])
        kind, row = line[0], line[1:]
        for x in range(width):
            a = row[x - 1] if x else 0
            b, c = last[x], last[x - 1] if x else 0
            p = min((abs(b - c), 0, a), (abs(a - c), 1, b),
                    (abs(a + b - 2 * c), 2, c))[2]
            row[x] = row[x] + [0, a, b, (a + b) // 2, p][kind] & 255
        rows.append(row)
        last = row
    return [[p == 0 for p in row[3::6]] for row in rows[3::6]]


def read_text(text):
    halves = {"\u2588": (0, 0), "\u2580": (0, 1), "\u2584": (1, 0),
              " ": (1, 1)}
    rows = []
    for line in text.splitlines():
        pairs = [halves[c] for c in line]
        rows += [[bool(p[i]) for p in pairs] for i in (0, 1)]
    return rows[:len(rows[0])]


def is_function(version, size, y, x):
    if (y < 9 and x < 9) or (y < 9 and x >= size - 8) or \
            (y >= size - 8 and x < 9) or y == 6 or x == 6:
        return True
    if version > 6 and ((y < 6 and x >= size - 11) or
                        (x < 6 and y >= size - 11)):
        return True
    centres = ALIGN[version]
    for cy in centres:
        for cx in centres:
            corner = (cy, cx) in ((6, 6), (6, centres[-1]), (centres[-1], 6))
            if not corner and abs(y - cy) < 3 and abs(x - cx) < 3:
                return True
    return False


def decode(rows):
    for row in rows[:4] + rows[-4:] + [r[:4] + r[-4:] for r in rows]:
        assert not any(row), "no margin"
    code = [row[4:-4] for row in rows[4:-4]]
    size = len(code)
    version = (size - 17) // 4
    assert all(len(row) == size for row in code) and size == version * 4 + 17
    assert all(code[0][:7]) and all(code[0][-7:]) and all(code[-1][:7])
    info = [code[8][x] for x in (0, 1, 2, 3, 4)]
    bits = [a ^ b for a, b in zip(info, (1, 0, 1, 0, 1))]
    assert bits[:2] == [0, 1], "not level L"
    mask = MASKS[bits[2] * 4 + bits[3] * 2 + bits[4]]
    stream, up = [], True
    for right in [x for x in range(size - 1, 6, -2)] + [5, 3, 1]:
        for y in range(size - 1, -1, -1) if up else range(size):
            for x in (right, right - 1):
                if not is_function(version, size, y, x):
                    stream.append(code[y][x] ^ mask(y, x))
        up = not up
    data = [int("".join("01"[b] for b in stream[i:i + 8]), 2)
            for i in range(0, len(stream) - 7, 8)]
    _, lengths = BLOCKS[version]
    blocks, at = [[] for _ in lengths], 0
    for i in range(max(lengths)):
        for block, n in zip(blocks, lengths):
            if i < n:
                block.append(data[at])
                at += 1
    text = "".join("{:08b}".format(b) for block in blocks for b in block)
    assert text[:4] == "0100", "not byte mode"
    n_bits = 8 if version < 10 else 16
    n = int(text[4:4 + n_bits], 2)
    text = text[4 + n_bits:]
    return bytes(int(text[i * 8:i * 8 + 8], 2) for i in range(n)).decode()


with open(sys.argv[1], "rb") as f:
    content = f.read()
print(decode(read_png(content) if content[:4] == b"\x89PNG"
             else read_text(content.decode())))
