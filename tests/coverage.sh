#!/bin/sh
# Measure how much of did/, comm/ and session/ the tests reach.  (Which error
# codes they provoke: tests/check-errors.sh.)
#
#   sh tests/coverage.sh [DIRECTORY]     default: build-coverage
#
# Builds with gcov there, runs all tests but the slow command-line ones, and
# writes DIRECTORY/coverage/: FILE.c.gcov with a count for each line, and
# `uncovered`, the lines that nothing reached.  Prints a line for each file, and
# fails if a line is not reached and tests/uncovered.txt does not say why.
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

python3 tests/uncovered.py "$out"
