#!/usr/bin/env python3
"""Make the example data: north.csv, east.csv and south.csv.

All of it is SYNTHETIC.  There are no such hospitals and no such patients; the
figures come from a random number generator with a fixed seed, shaped so that
they look like blood pressure.  No conclusion about anybody can be drawn.

usage: generate.py          write the files beside this script
       generate.py --check  fail if they are not what would be written
"""

import csv
import io
import pathlib
import random
import sys

HOSPITALS = {
    # name: (rows, mean age, added to the pressure, seed)
    "north": (1203, 58.0, 0.0, 1),
    "east": (1418, 49.0, -4.0, 2),
    "south": (1087, 66.0, 3.5, 3),
}
WARDS = ["cardiology", "medicine", "surgery, upper floor", 'the "annex"']


def normal(rng: random.Random) -> float:
    """Nearly normal: only random() is the same in every Python release."""
    return sum(rng.random() for _ in range(12)) - 6.0


def make(name: str) -> str:
    """The CSV file of one hospital."""
    n_rows, age_mean, shift, seed = HOSPITALS[name]
    rng = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", "ward", "age", "systolic"])
    for row in range(1, n_rows + 1):
        ward = WARDS[int(rng.random() * len(WARDS))]
        age = min(max(int(age_mean + 14.0 * normal(rng)), 18), 99)
        tenths = int(10 * (104 + shift + 0.42 * age + 13.0 * normal(rng)))
        writer.writerow([row, ward, age, f"{tenths // 10}.{tenths % 10}"])
    return out.getvalue()


def main() -> int:
    here = pathlib.Path(__file__).parent
    status = 0
    for name in HOSPITALS:
        path = here / f"{name}.csv"
        if sys.argv[1:] != ["--check"]:
            path.write_bytes(make(name).encode())
        elif path.read_bytes() != make(name).encode():
            print(f"generate.py: {path.name} was changed", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
