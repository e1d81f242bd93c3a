#!/bin/sh
# What documents call shown is there.  In session/PROTOCOL.md, section 9, and in
# README.md, "Security":
#
#   `layer-file/test`  a test that tests/test-layer-file.c runs
#   `prove/NAME`       a proof in the list of tests/model/prove.py
#   `path/to/file`     a file
#
# and every row of the table of claims names at least one of these.
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
cat "$work/9" "$work/readme" | grep -o '`[A-Za-z0-9_.-]*/[A-Za-z0-9_./-]*`' |
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
		grep -qs "cmocka_unit_test[a-z_]*(${what}[,)]" \
		    "tests/test-$where.c" || complain "no such test: $name"
		;;
	*)
		[ -e "$name" ] || complain "no such file: $name"
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
exit $status
