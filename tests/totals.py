"""Totals of "meson test" runs, in test cases: totals.py testlog.json...

A cmocka program counts with each of its cases, any other test as one.  The
last line is "N passed, N failed"; the exit code is 0 either way.
"""
import json
import re
import sys

PASSED = re.compile(r"^\[  PASSED  \] (\d+) test", re.M)
FAILED = re.compile(r"^\[  FAILED  \] (\d+) test", re.M)
GOOD = {"OK", "EXPECTEDFAIL"}
NEITHER = {"SKIP", "IGNORED"}


def count(test):
    """(passed, failed) of one line of testlog.json."""
    if test["result"] in NEITHER:
        return 0, 0
    output = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    passed = sum(map(int, PASSED.findall(output)))
    failed = sum(map(int, FAILED.findall(output)))
    if test["result"] in GOOD:
        return max(passed, 1), 0
    # A crash or a leak fails the program even if every case passed.
    return passed, max(failed, 1)


def main():
    passed = failed = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                p, f = count(json.loads(line))
                passed += p
                failed += f
    print(f"{passed} passed, {failed} failed")


main()
