#!/bin/sh
# Every error code can come, and a test says when.  Prints a line for each code
# of parley/err.h:
#
#   the code, how often the library gives it, how often it is asserted, and by
#   whom first: a test program and the function in it, or a vector
#
# Asserted is what an assert_int_equal() of a test wants, or an "expect" of a
# vector.  A code that is merely named or allowed there is not.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

sed -n 's/^\tX(\([A-Z_]*\), .*/\1/p' did/include/parley/err.h >"$work/codes"
[ "$(wc -l <"$work/codes")" -ge 50 ] || {
	echo 'parley/err.h has no table of codes' >&2
	exit 1
}

# What is compared with a code does not give it.
cat did/*.c comm/*.c session/*.c |
    sed 's/[=!]= *PARLEY_ERR_[A-Z_]*//g; s/case PARLEY_ERR_[A-Z_]*://g' |
    grep -oE 'PARLEY_ERR_[A-Z_]+' | LC_ALL=C sort | uniq -c >"$work/given"

# A statement may take several lines; its test began at the margin.
for file in tests/test-*.c; do
	name=${file#tests/test-}
	awk -v name="${name%.c}" '
	/^[a-z].*\(/ {
		test = $0
		sub(/\(.*/, "", test)
		sub(/.*[ *]/, "", test)
	}
	{
		gsub(/\/\*.*\*\//, "")
		statement = statement " " $0
	}
	/[;{}]/ {
		if (statement !~ /[ \t]assert_int_equal\(/)
			statement = ""
		while (match(statement, /PARLEY_ERR_[A-Z_]+/)) {
			print substr(statement, RSTART, RLENGTH), name "/" test
			statement = substr(statement, RSTART + RLENGTH)
		}
		statement = ""
	}' "$file"
done >"$work/asserted"
grep -roE '"?expect"?: "?PARLEY_ERR_[A-Z_]+' vectors |
    sed -E 's/^([^:]*):.*(PARLEY_ERR_[A-Z_]*)$/\2 \1/' |
    LC_ALL=C sort >>"$work/asserted"

status=0
while read -r name; do
	code=PARLEY_ERR_$name
	given=$(awk -v code="$code" '$2 == code {print $1}' "$work/given")
	by=$(awk -v code="$code" '$1 == code {print $2; exit}' "$work/asserted")
	n=$(grep -c "^$code " "$work/asserted") || :
	printf '%-15s %3s  %3s  %s\n' "$name" "${given:-0}" "$n" "${by:--}"
	[ "$given" ] || {
		echo "$code: nothing gives it" >&2
		status=1
	}
	[ "$by" ] || {
		echo "$code: no test asserts it" >&2
		status=1
	}
done <"$work/codes"
exit $status
