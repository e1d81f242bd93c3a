#!/bin/sh
# A party that cannot start ends the benchmark, by name: it has a descriptor for
# its port and none for its session, while the other one waits for it.
#
#   sh tests/bench/cannot-start.sh parley-bench
set -u

error=$( (
	# shellcheck disable=SC3045 # dash has it, and bash
	ulimit -n 4 && exec timeout 60 "$1" --peers parley --patterns pingpong \
		--sizes 64 --runs 1 --seconds 0.01
) 2>&1 >/dev/null)
status=$?
[ $status -eq 1 ] || {
	echo "exit code $status instead of 1: $error" >&2
	exit 1
}
case $error in
*'error: parley, party 1: '*) ;;
*)
	echo "party 1 is not named: $error" >&2
	exit 1
	;;
esac
