"""Which lines no test reaches, and whether tests/uncovered.txt knows why.

    python3 tests/uncovered.py              that list against the sources
    python3 tests/uncovered.py DIRECTORY    and against what was measured

DIRECTORY is where tests/coverage.sh left FILE.c.gcov; `uncovered` is written
there, and the share of each file is printed.  A line is known by its file, its
function and its text, so that it may move.  It is a mistake if an uncovered
line is not listed, or if a listed one is not in the sources.  A listed line
that was reached is only mentioned, and not even that where it is marked "~".
"""
import glob
import os
import re
import sys
from collections import Counter, defaultdict

LIST = "tests/uncovered.txt"
REASON = re.compile(r"[A-Z]\. ")
PLACE = re.compile(r"((?:did|comm|session)/\w+\.c) (\w+)$")
ENTRY = re.compile(r"\t(~ )?(?:(\d+)x )?(\S.*)$")
LABEL = re.compile(r"(?!default:)\w+:$")  # no code, but gcov counts some


def functions(lines):
    """The function that each line is in, or None; in our style."""
    names = [None] * len(lines)
    name, start = None, 0
    for i, line in enumerate(lines):
        line = re.sub(r"^__attribute__\(\(.*?\)+ ", "", line)
        if re.match(r"\w.*\(", line):
            name, start = re.search(r"(\w+)\(", line)[1], i
        elif line == "}" and name:
            names[start:i + 1] = [name] * (i + 1 - start)
            name = None
        elif not line.strip() and names[start] is None and \
                "{" not in lines[start:i]:
            name = None  # a declaration
    return names


def read_source(path):
    with open(path) as f:
        lines = f.read().split("\n")
    return lines, functions(lines)


def read_list():
    """{(path, function, text): [(reason, count, line, sometimes)]}"""
    known, bad = defaultdict(list), 0
    reason = place = None
    with open(LIST) as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            entry = ENTRY.match(line)
            if REASON.match(line):
                reason, place = line[0], None
            elif reason and PLACE.match(line):
                place = PLACE.match(line).groups()
            elif entry and place:
                listed = known[(*place, entry[3])]
                if reason in (r for r, *_ in listed):
                    print(f"{LIST}:{number}: listed twice: {line}")
                    bad += 1
                listed.append((reason, int(entry[2] or 1), number,
                               bool(entry[1])))
            elif entry or (place and line):
                print(f"{LIST}:{number}: neither place nor line: {line}")
                bad += 1
    return known, bad


def total(listed):
    return sum(count for _, count, _, _ in listed)


def check_sources(known):
    """How many entries name a line that is not there (so often)."""
    bad = 0
    sources = {}
    for (path, function, text), listed in known.items():
        if path not in sources:
            sources[path] = Counter(
                (name, line.strip()) for line, name
                in zip(*read_source(path))) if os.path.exists(path) else {}
        there = sources[path].get((function, text), 0)
        if there < total(listed):
            print(f"{LIST}:{listed[0][2]}: {total(listed)} times, but {path} "
                  f"has it {there} times in {function}(): {text}")
            bad += 1
    return bad


def read_gcov(path):
    """(source, [(line, was it reached?)]): lines that are code."""
    source, counts = None, []
    with open(path) as f:
        for line in f:
            count, number, text = line.rstrip("\n").split(":", 2)
            count = count.strip().rstrip("*")
            if text.startswith("Source:"):
                source = "/".join(text.split("/")[-2:])
            elif count == "#####" or count.isdigit():
                if not LABEL.match(text.strip()):
                    counts.append((int(number), count != "#####"))
    return source, counts


def measure(directory):
    """{(path, function, text): [lines that nothing reached]}"""
    missed = defaultdict(list)
    shares = []
    hit = total = 0
    for gcov in glob.glob(f"{directory}/*.c.gcov"):
        path, counts = read_gcov(gcov)
        lines, names = read_source(path)
        if not counts:
            continue
        for number, reached in counts:
            if not reached:
                missed[(path, names[number - 1],
                        lines[number - 1].strip())].append(number)
        n = sum(reached for _, reached in counts)
        shares.append((100 * n / len(counts), len(counts), path))
        hit += n
        total += len(counts)
    if not total:
        sys.exit(f"nothing measured in {directory}")
    for share in sorted(shares):
        print("%5.1f %% of %5d  %s" % share)
    print(f"{100 * hit / total:5.1f} % of {total}; {total - hit} lines of "
          f"{len({path for path, _, _ in missed})} files are not reached")
    with open(f"{directory}/uncovered", "w") as f:
        for (path, name, text), numbers in sorted(missed.items()):
            f.writelines(f"{path}:{n}:{name}: {text}\n" for n in numbers)
    return missed


def compare(known, missed):
    """How many lines were not reached and are not listed."""
    bad = reached = 0
    for key, numbers in sorted(missed.items()):
        path, name, text = key
        listed = total(known.get(key, ()))
        if len(numbers) > listed:
            print(f"{path}:{', '.join(map(str, numbers))}: not reached, "
                  f"listed {listed} times, in {name}(): {text}")
            bad += len(numbers) - listed
    for key, listed in known.items():
        if len(missed.get(key, ())) < total(listed) and \
                not any(sometimes for *_, sometimes in listed):
            print(f"{LIST}:{listed[0][2]}: was reached this time: {key[2]}")
            reached += 1
    if reached:
        print(f"{reached} entries were reached: strike them out, or mark what "
              'is a matter of luck with "~"')
    if bad:
        print(f"{bad} lines are not reached, and {LIST} does not say why: "
              "write a test, or list them under a reason that is true")
    return bad


def main():
    known, bad = read_list()
    bad += check_sources(known)
    if len(sys.argv) > 1:
        bad += compare(known, measure(sys.argv[1]))
    by_reason = Counter()
    for listed in known.values():
        for reason, count, _, _ in listed:
            by_reason[reason] += count
    print(f"{sum(by_reason.values())} lines of "
          f"{len({path for path, _, _ in known})} files are listed: " +
          ", ".join(f"{n} {r}" for r, n in sorted(by_reason.items())))
    return 1 if bad else 0


sys.exit(main())
