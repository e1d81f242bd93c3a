#!/bin/sh
# Runs every fuzz target under AFL++, from its corpus.
#
#   sh tests/fuzz/run-afl.sh BUILD [SECONDS]
#
# BUILD is a directory configured with CC=afl-clang-fast and -Dfuzz=true in which
# the targets are built; what is found lands in BUILD/afl/.  SECONDS (default 5)
# is spent on each target, two at a time, once its corpus has been run.
#
# Prints for each target how many inputs ran.  Exit codes: 0 nothing was found,
# 1 something was, or a target did not run; 2 usage or something is missing.
set -eu

die()
{
	echo "run-afl.sh: error: $1" >&2
	exit 2
}

[ $# -ge 1 ] && [ $# -le 2 ] ||
    die 'usage: sh tests/fuzz/run-afl.sh BUILD [SECONDS]'
command -v afl-fuzz >/dev/null || die 'no afl-fuzz; install afl++'
build=$(cd "$1" && pwd)
seconds=${2:-5}
cd "$(dirname "$0")"
work=$build/afl

# The machine is not changed for it, and shared with others.
export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_FAST_CAL=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
# afl-fuzz sets the sanitizers' options itself, and stops at others' choice.
unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS

stat()
{
	sed -n "s/^$1 *: *//p" "$work/$name/default/fuzzer_stats"
}

fuzz()
{
	name=$1
	rm -rf "${work:?}/$name"
	mkdir -p "$work/$name"
	set -- -V "$seconds" -t 1000 -i "corpus/$name" -o "$work/$name"
	[ ! -e "$name.dict" ] || set -- "$@" -x "$name.dict"
	if ! afl-fuzz "$@" -- "$build/tests/fuzz/fuzz-$name" \
	    >"$work/$name.log" 2>&1; then
		tail -n 60 "$work/$name.log"
		echo "fuzz-$name: afl-fuzz failed"
		return 1
	fi
	printf 'fuzz-%s: %s inputs, %s of the map, %s crashes\n' "$name" \
	    "$(stat execs_done)" "$(stat bitmap_cvg)" "$(stat saved_crashes)"
	[ "$(stat execs_done)" -gt 0 ] && [ "$(stat saved_crashes)" -eq 0 ]
}

. ./each.sh
