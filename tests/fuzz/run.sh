#!/bin/sh
# Runs every fuzz target that is built: on its corpus, then with what libFuzzer
# makes of it.
#
#   sh tests/fuzz/run.sh BUILD [SECONDS]
#
# BUILD is a directory configured with -Dfuzz=true (clang) in which the targets
# are built; what is found lands in BUILD/fuzz/.  SECONDS (default 5) is spent
# on each target, two at a time, all of the corpus first.
#
# Prints for each target how many inputs ran.  Exit codes: 0 nothing was found,
# 1 something was, 2 usage or something is missing.
set -eu

die()
{
	echo "run.sh: error: $1" >&2
	exit 2
}

[ $# -ge 1 ] && [ $# -le 2 ] ||
    die 'usage: sh tests/fuzz/run.sh BUILD [SECONDS]'
build=$(cd "$1" && pwd)
seconds=${2:-5}
cd "$(dirname "$0")"
work=$build/fuzz
mkdir -p "$work"

fuzz()
{
	name=$1
	# New inputs that are no finding go to an empty directory first in line.
	rm -rf "$work/$name.new"
	mkdir "$work/$name.new"
	set -- "$build/tests/fuzz/fuzz-$name" -max_total_time="$seconds" \
	    -rss_limit_mb=1024 -timeout=30 -print_final_stats=1 \
	    -artifact_prefix="$work/$name." "$work/$name.new" "corpus/$name"
	[ ! -e "$name.dict" ] || set -- "$@" -dict="$name.dict"
	status=0
	"$@" >"$work/$name.log" 2>&1 || status=$?
	if [ $status -ne 0 ]; then
		tail -n 60 "$work/$name.log"
		echo "fuzz-$name: exit code $status"
		return 1
	fi
	printf 'fuzz-%s: %s files, %s inputs, %s\n' "$name" \
	    "$(find "corpus/$name" -type f | wc -l)" \
	    "$(sed -n 's/^stat::number_of_executed_units: *//p' \
	        "$work/$name.log")" \
	    "$(grep -o 'cov: [0-9]*' "$work/$name.log" | tail -n 1)"
}

. ./each.sh
