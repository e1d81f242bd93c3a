"""Comments quote specifications verbatim.

    python3 tests/check-quotes.py

What stands between quotation marks in a comment and demands something (MUST,
SHALL, SHOULD, REQUIRED) is found in tests/quotes.txt, which says where it is
from; "[...]" stands for words of the same paragraph that are left out.  A
paragraph there that nothing quotes is a mistake as well.
"""
import glob
import re
import sys


def plain(text):
    return " ".join(text.replace("`", "").split())


def quotes(path):
    """(line, text) of each quotation that demands something."""
    with open(path) as f:
        source = f.read()
    for comment in re.finditer(r"/\*.*?\*/", source, re.S):
        text = re.sub(r"^[ \t]*\*", " ", comment[0][2:-2], flags=re.M)
        line = source.count("\n", 0, comment.start()) + 1
        for quote in re.findall(r'"([^"]*)"', text):
            if re.search(r"\b(MUST|SHALL|SHOULD|REQUIRED)\b", quote):
                yield line, plain(quote)


def main():
    with open("tests/quotes.txt") as f:
        known = {plain(p): 0 for p in f.read().split("\n\n")
                 if re.match(r"\S+: ", p)}
    status = found = 0
    for path in sorted(p for layer in ("did", "comm", "session", "cli")
                       for p in glob.glob(f"{layer}/**/*.[ch]",
                                          recursive=True)):
        for line, quote in quotes(path):
            found += 1
            pattern = ".*".join(map(re.escape, quote.split("[...]")))
            hits = [p for p in known if re.search(pattern, p)]
            for p in hits:
                known[p] += 1
            if not hits:
                print(f'{path}:{line}: not in tests/quotes.txt: "{quote}"')
                status = 1
    for p in known:
        if not known[p]:
            print(f"tests/quotes.txt: nobody quotes this: {p[:60]}")
            status = 1
    if not found:
        sys.exit("no quotation found")
    print(f"{found} quotations of {len(known)} paragraphs")
    return status


sys.exit(main())
