#!/bin/sh
# Measure how much of did/, comm/ and session/ the tests reach.  (Which error
# codes they provoke: tests/check-errors.sh.)
#
#   sh tests/coverage.sh [DIRECTORY]     default: build-coverage
#
# Builds with gcov there, runs all tests but the slow command-line ones, and
# writes DIRECTORY/coverage/: FILE.c.gcov with a count for each line, and
# `uncovered`, the lines that nothing reached.  Prints a line for each file.
set -eu
cd "$(dirname "$0")/.."
dir=${1:-build-coverage}
. cli/setup.sh
log=$dir/setup.log

mkdir -p "$dir"
need build test
build "$dir" --buildtype=debug -Db_coverage=true -Dtests=enabled
find "$dir" -name '*.gcda' -exec rm -f {} +
run 'running the tests' meson test -C "$dir" --no-rebuild -t 5 \
    --suite did --suite comm --suite session --suite fuzz --suite faults

rm -rf "$dir/coverage"
mkdir "$dir/coverage"
out=$(cd "$dir/coverage" && pwd)
objects=$(cd "$dir" && pwd)
for layer in did comm session; do
	for gcda in "$objects/$layer/lib$layer.a.p"/*.gcda; do
		[ -e "$gcda" ] || continue
		# Sources are named from the top of the build.
		(cd "$objects" && gcov "$gcda" >/dev/null 2>&1)
	done
done
mv "$objects"/*.gcov "$out"
rm -f "$out"/*.h.gcov

# gcov: "count:line:text"; ##### is a line that was never run.
for file in "$out"/*.c.gcov; do
	source=$(sed -n 's/.*0:Source://p' "$file" | head -n 1)
	# From the top of the tree: the last two parts.
	source=$(echo "$source" | sed 's|.*/\([a-z]*/[^/]*\)$|\1|')
	awk -v source="$source" -F: '
	{ gsub(/ /, "", $1) }
	$1 == "#####" { lines++; print source ":" $2 + 0 ":" $3 >>uncovered }
	$1 ~ /^[0-9]+\*?$/ { lines++; hit++ }
	END { if (lines) printf "%5.1f %% of %5d  %s\n", 100 * hit / lines,
	    lines, source }' uncovered="$out/uncovered" "$file"
done | sort
