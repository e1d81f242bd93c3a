#!/usr/bin/env python3
"""Write field.txt and figures.txt, by Python's integers and decimals.

usage: vectors.py          write the files beside this script
       vectors.py --check  fail if they are not what would be written
"""

import importlib.util
import pathlib
import random
import sys
from decimal import getcontext
from fractions import Fraction

HERE = pathlib.Path(__file__).parent
P = 2**127 - 1
MAX = 2**63 - 1
EDGES = [0, 1, 2, 3, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1, 2**64, 2**64 + 1,
         2**126 - 1, 2**126, 2**126 + 1, P - 2**64, P - 2**63, P - 2, P - 1]


def field() -> str:
    """Lines of a, b, a + b, a - b, a * b modulo 2^127 - 1."""
    rng = random.Random(127)
    some = EDGES + [int(rng.random() * P) for _ in range(5)]
    lines = ["# a, b, a + b, a - b, a * b modulo 2^127 - 1; by vectors.py"]
    for a in some:
        for b in some:
            results = a, b, (a + b) % P, (a - b) % P, a * b % P
            lines.append(" ".join(f"{x:x}" for x in results))
    return "\n".join(lines) + "\n"


def figures() -> str:
    """Lines of decimals, values, and the eight figures."""
    spec = importlib.util.spec_from_file_location(
        "clear_stats", HERE.parent.parent / "examples" / "clear-stats.py")
    clear = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(clear)
    getcontext().prec = 200

    rng = random.Random(63)
    cases = [
        (0, [1]), (0, [0, 0]), (0, [1, 2]), (0, [-1, 1]), (0, [-1, 0]),
        (0, [-1, -2, -2]), (0, [1, 1, 2]), (0, [2, 2, 2, 2]),
        (0, [MAX]), (0, [-MAX]), (0, [2**62, 2**62, -2**62]),
        (9, [MAX]), (9, [1, -1]), (9, [1] * 7 + [2]), (9, [2**62, -2**62]),
        (3, [MAX // 2, -MAX // 2, MAX // 2]), (1, [10**9] * 3 + [10**9 + 1]),
        # halves in the last place: means of x.5 units of 10^-6
        (0, [0] * 63 + [1]), (0, [0] * 127 + [1]), (0, [0] * 127 + [-1]),
        (0, [0] * 127 + [-3]), (0, [3] * 40 + [-5] * 88),
        # nearly 1: rounding carries into the whole part
        (0, [1] * 399 + [0]), (0, [10**6] * 63 + [10**6 - 1]),
    ]
    for _ in range(60):
        size = 10 ** int(rng.random() * 17 + 1)
        n = int(rng.random() * 40) + 2
        values = [int((rng.random() * 2 - 1) * size) for _ in range(n)]
        cases.append((int(rng.random() * 10), values))
    lines = ["# decimals, values in units, count, sum, sum of squares, mean, "
             "variance, deviation,",
             "# and by n: variance, deviation; by vectors.py"]
    for decimals, units in cases:
        values = [Fraction(u, 10**decimals) for u in units]
        results = clear.compute(values, decimals)
        lines.append(" ".join([str(decimals), ",".join(map(str, units))]
                              + [r or "-" for r in results.values()]))
    return "\n".join(lines) + "\n"


def main() -> int:
    status = 0
    for name, text in ("field.txt", field()), ("figures.txt", figures()):
        path = HERE / name
        if sys.argv[1:] != ["--check"]:
            path.write_text(text, encoding="ascii")
        elif path.read_text(encoding="ascii") != text:
            print(f"vectors.py: {name} was changed", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
