#!/bin/sh
# What documents call shown is there.  In session/PROTOCOL.md, section 9, in
# README.md, "Security", and in session/REVIEW.md:
#
#   `layer-file/test`  a test that tests/test-layer-file.c runs, which is built
#   `prove/NAME`       a proof in the list of tests/model/prove.py
#   `path/to/file`     a file, or the program of a file; a script with its claim
#                      behind it, in quotes: and it makes this claim
#
# Every row of the table of claims names at least one of these; every finding of
# the review that is fixed as well.  And each step of PROTOCOL.md, section 5, is
# somewhere in the model of the handshake, which names no others.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

complain()
{
	echo "$*"
	status=1
}

awk '/^## /{on = /^## 9\./} on' session/PROTOCOL.md >"$work/9"
awk '/^## /{on = /^## Security$/} on' README.md >"$work/readme"
[ -s "$work/9" ] || complain 'PROTOCOL.md has no section 9'
[ -s "$work/readme" ] || complain 'README.md has no section Security'

# shellcheck disable=SC2016 # backquotes of Markdown
cat "$work/9" "$work/readme" session/REVIEW.md | grep -o '`[A-Za-z0-9_.-]*/[A-Za-z0-9_./-]*`' |
    tr -d '`' | sort -u >"$work/named"
[ "$(wc -l <"$work/named")" -ge 30 ] || complain 'too few references'
while read -r name; do
	where=${name%%/*} what=${name#*/}
	case $name in
	prove/*)
		grep -q "^    (\".*\", $what),$" tests/model/prove.py ||
		    complain "no such proof: $name"
		;;
	did-* | comm-* | session-*)
		grep -Eqs "(cmocka_unit_test[a-z_]*|TEST)\\(${what}[,)]" \
		    "tests/test-$where.c" || complain "no such test: $name"
		grep -Eqs "^ .*'${where#*-}'|test-$where\\.c'" tests/meson.build \
		    tests/*/meson.build ||
		    complain "a test that is not built: $name"
		;;
	/proc/*) ;;
	*)
		[ -e "$name" ] || [ -e "$name.c" ] || complain "no such file: $name"
		;;
	esac
done <"$work/named"

# shellcheck disable=SC2016 # backquotes of Markdown
awk '/^### /{on = /^### 9\.2/} on && /^\| \*\*/' "$work/9" >"$work/claims"
[ "$(wc -l <"$work/claims")" -ge 10 ] || complain 'too few claims'
# shellcheck disable=SC2016
grep -v '| `[^|]*/[^|]*` |$' "$work/claims" >"$work/bare" || :
while read -r row; do
	complain "not shown by anything: $(echo "$row" | cut -c 1-60)"
done <"$work/bare"

# Findings that are fixed, in rows that begin with a number.
# shellcheck disable=SC2016
grep '^| [0-9]* |.*| fixed' session/REVIEW.md >"$work/fixed"
[ "$(wc -l <"$work/fixed")" -ge 10 ] || complain 'too few findings'
# shellcheck disable=SC2016
grep -v '| fixed.*`[^|]*/[^|]*`' "$work/fixed" >"$work/bare" || :
while read -r row; do
	complain "not shown by anything: $(echo "$row" | cut -c 1-60)"
done <"$work/bare"

# shellcheck disable=SC2016
cat "$work/9" "$work/readme" session/REVIEW.md |
    sed -n 's/`\(tests\/cli\/[^`]*\)`, "\([^"]*\)"/\n\1 \2\n/gp' |
    grep '^tests/cli/' >"$work/scripts"
[ -s "$work/scripts" ] || complain 'no claims of scripts'
while read -r script text; do
	grep -qxF "claim '$text'" "$script" || complain "$script: not: $text"
done <"$work/scripts"

# Steps: A1 is one, A1-A4 are four.  channel.pml is about other sections.
python3 - <<'END' || status=1
import re
import sys


def steps(text):
    found = set()
    for letter, first, last in re.findall(
            r"\b([A-F])(\d+)(?:-[A-F]?(\d+))?\b", text):
        found |= {f"{letter}{n}"
                  for n in range(int(first), int(last or first) + 1)}
    return found


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


section = re.search(r"^## 5\..*?(?=^## 6\.)", read("session/PROTOCOL.md"),
                    re.M | re.S)
protocol = steps(section[0])
rules = steps(read("tests/model/handshake.py") +
              read("tests/model/resume.py"))
named = rules | steps(read("tests/model/prove.py"))
for step in sorted(protocol - rules):
    print("a step that is not in the model:", step)
for step in sorted(named - protocol):
    print("a step of the model that is none:", step)
sys.exit(protocol - rules != set() or named - protocol != set() or
         len(protocol) < 30)
END
exit $status
