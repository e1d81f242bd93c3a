#!/usr/bin/env python3
"""The figures of joint-stats in the clear, over all files together.

This is the proof of the example: it shares no code and no method with
joint-stats.  Numbers are read as fractions, figures computed from their
definitions (two passes, no sum of squares in the variance), and roots taken
with 200 digits.

usage: clear-stats.py [--skip-missing] [--beside JOINT.json]
                      --column NAME --decimals N CSV...
       clear-stats.py --parties JOINT.json

Without --beside the figures are printed as JSON.  With it they are printed
beside those in the JSON output of joint-stats, and the exit status is 1 if
they differ anywhere by a single digit.  --parties shows whom the party that
wrote that output has authenticated.
"""

import argparse
import csv
import decimal
import json
import sys
from fractions import Fraction

EXTRA = 6  # decimals of a mean, variance or root beyond those of the input

LABELS = {
    "count": "count",
    "sum": "sum",
    "sum_of_squares": "sum of squares",
    "mean": "mean",
    "variance": "variance (n - 1)",
    "deviation": "std deviation (n - 1)",
    "population_variance": "variance (n)",
    "population_deviation": "std deviation (n)",
}


def read(paths: list[str], column: str, skip_missing: bool) -> list[Fraction]:
    """All values of the column."""
    values = []
    for path in paths:
        with open(path, newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file, strict=True):
                if row[column] != "" or not skip_missing:
                    values.append(Fraction(row[column]))
    return values


def text(value: Fraction | decimal.Decimal, places: int) -> str:
    """Decimal text with so many places, halves away from zero."""
    if isinstance(value, Fraction):
        value = decimal.Decimal(value.numerator) / value.denominator
    step = decimal.Decimal(1).scaleb(-places)
    value = value.quantize(step, decimal.ROUND_HALF_UP)
    return f"{abs(value) if value == 0 else value:f}"


def root(value: Fraction) -> decimal.Decimal:
    return (decimal.Decimal(value.numerator) / value.denominator).sqrt()


def compute(values: list[Fraction], decimals: int) -> dict[str, str | None]:
    n, d = len(values), decimals
    figures: dict[str, str | None] = dict.fromkeys(LABELS)
    figures["count"] = str(n)
    figures["sum"] = text(Fraction(sum(values)), d)
    figures["sum_of_squares"] = text(Fraction(sum(v * v for v in values)), 2 * d)
    if n == 0:
        return figures
    mean = Fraction(sum(values)) / n
    spread = Fraction(sum((v - mean) ** 2 for v in values))
    figures["mean"] = text(mean, d + EXTRA)
    figures["population_variance"] = text(spread / n, 2 * d + EXTRA)
    figures["population_deviation"] = text(root(spread / n), d + EXTRA)
    if n > 1:
        figures["variance"] = text(spread / (n - 1), 2 * d + EXTRA)
        figures["deviation"] = text(root(spread / (n - 1)), d + EXTRA)
    return figures


def print_beside(clear: dict[str, str | None], path: str) -> bool:
    """Print both; return whether they are equal."""
    with open(path, encoding="utf-8") as file:
        joint = json.load(file)
    equal = True
    print(f"   {'':22} {'jointly':>17} {'in the clear':>17}")
    for key, label in LABELS.items():
        same = joint[key] == clear[key]
        equal = equal and same
        print(f"   {label:22} {joint[key] or '-':>17} {clear[key] or '-':>17}"
              f"  {'=' if same else 'DIFFERENT'}")
    return equal


def print_parties(path: str) -> None:
    """Whom a party has authenticated, and how long that took."""
    with open(path, encoding="utf-8") as file:
        parties = json.load(file)["parties"]
    own = next(p for p in parties if p["self"])
    for party in parties:
        if not party["self"]:
            print(f"   {own['name']:6} knows {party['name']:6} "
                  f"{party['did']}  {party['handshake_us'] / 1000:.1f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parties", metavar="JOINT.json")
    parser.add_argument("--column")
    parser.add_argument("--decimals", type=int)
    parser.add_argument("--skip-missing", action="store_true")
    parser.add_argument("--beside", metavar="JOINT.json")
    parser.add_argument("csv", nargs="*")
    args = parser.parse_args()
    if args.parties is not None:
        print_parties(args.parties)
        return 0
    if args.column is None or args.decimals is None or not args.csv:
        parser.error("--column, --decimals and a file are needed")

    decimal.getcontext().prec = 200
    values = read(args.csv, args.column, args.skip_missing)
    figures = compute(values, args.decimals)
    if args.beside is None:
        print(json.dumps(figures, indent=2))
        return 0
    return 0 if print_beside(figures, args.beside) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"clear-stats.py: error: {error}")
