# shellcheck shell=sh
# Calls "fuzz NAME" for each target, two at a time, and ends with exit code 0,
# or 1 if one of them failed.  Sourced in this directory by run.sh and
# run-afl.sh, after $build, die() and fuzz().

# shellcheck disable=SC2046 # names without spaces
set -- $(ls corpus)
for name; do
	[ -x "$build/tests/fuzz/fuzz-$name" ] || die "fuzz-$name is not built"
done
status=0
while [ $# -gt 0 ]; do
	other=
	if [ $# -gt 1 ]; then
		fuzz "$2" &
		other=$!
	fi
	fuzz "$1" || status=1
	[ -z "$other" ] || wait "$other" || status=1
	shift
	[ -z "$other" ] || shift
done
exit $status
