#!/bin/sh
# Check tests/model/channel.pml with spin: the model must hold, and every
# BREAK_... must be noticed.  Needs spin and a C compiler.
#
#   run.sh          in bounds that take half a minute, on a loaded machine one
#   run.sh --full   more messages and faults: some minutes
set -eu
full=false
case "$#${1-}" in
0) ;;
1--full) full=true ;;
*) echo 'usage: run.sh [--full]' >&2; exit 2 ;;
esac
model=$(cd "$(dirname "$0")" && pwd)/channel.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
failed=0

# check name expected large|small options...: compiling is most of a small one
check() {
	name=$1 expected=$2
	case $3 in
	large) optimise=-O1 ;;
	*) optimise=-O0 ;;
	esac
	shift 3
	spin "$@" -a "$model" >spin.log 2>&1 || { cat spin.log; exit 1; }
	"${CC:-cc}" "$optimise" -w -DSAFETY -DCOLLAPSE -DMEMLIM=2000 -DVECTORSZ=4096 \
		-o pan pan.c
	./pan -m1000000 >pan.log 2>&1 || :
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log)
	states=$(sed -n 's/ *\([0-9]*\) states, stored.*/\1/p' pan.log)
	# Cut short by memory or depth is no proof.
	if grep -q 'max search depth too small\|out of memory\|reached -DMEMLIM' \
		pan.log; then
		errors=incomplete
	fi
	what=$(sed -n 's/^pan:[0-9]*: *//p' pan.log | head -n 1)
	echo "$name: ${states:-0} states, errors ${errors:-?} ${what:+($what)}"
	[ "${errors:-?}" = "$expected" ] || {
		echo "$name: expected $expected"
		failed=1
	}
}

if $full; then
	check "losses" 0 large -DN=2 -DN_BACK=1 -DLOSSES=2
	check "corruption" 0 large -DN=2 -DN_BACK=1 -DERRORS=1 -DLOSSES=1
	check "window of one" 0 large -DN=2 -DN_BACK=0 -DWINDOW=1 -DLOSSES=2 \
		-DM=20
	check "a cut" 0 large -DN=2 -DN_BACK=1 -DCUTS=1
	check "two cuts and a loss" 0 large -DN=1 -DN_BACK=0 -DCUTS=2 \
		-DLOSSES=1
	check "long records, losses" 0 large -DPINGS=3 -DN=1 -DN_BACK=1 \
		-DLOSSES=2 -DM=26 -DPROBES=24
else
	check "losses" 0 large -DN=1 -DN_BACK=1 -DLOSSES=2
	check "corruption" 0 small -DN=1 -DN_BACK=0 -DERRORS=1 -DLOSSES=1
	check "window of one" 0 small -DN=2 -DN_BACK=0 -DWINDOW=1 -DLOSSES=1 \
		-DM=20
	check "a cut" 0 large -DN=1 -DN_BACK=1 -DCUTS=1
	check "long records, losses" 0 small -DPINGS=1 -DN=1 -DN_BACK=0 \
		-DLOSSES=2 -DM=20
fi
check "long records, corruption" 0 small -DPINGS=1 -DN=1 -DN_BACK=0 -DERRORS=1 \
	-DLOSSES=1 -DM=20
check "copies, delays" 0 small -DN=2 -DN_BACK=1 -DCOPIES=1 -DSWAPS=1
check "a cut, losses, copies" 0 small -DN=1 -DN_BACK=0 -DCUTS=1 -DLOSSES=1 \
	-DCOPIES=1
check "two cuts" 0 small -DN=1 -DN_BACK=0 -DCUTS=2
check "a stranger" 0 small -DN=1 -DN_BACK=0 -DCUTS=1 -DSTRANGERS=1

check "broken: any number" 1 small -DBREAK_ANY_NUMBER -DN=2 -DSWAPS=1
check "broken: forgets at resume" 1 small -DBREAK_FORGET -DN=1 -DCUTS=1
check "broken: first resume replaces" 1 small -DBREAK_FIRST_RESUME -DN=1 \
	-DSTRANGERS=1
check "broken: GAP only once" 1 small -DBREAK_GAP_ONCE -DN=2 -DLOSSES=3
check "broken: only PINGs" 1 small -DBREAK_ONLY_PINGS -DPINGS=1 -DN=1 \
	-DN_BACK=1 -DLOSSES=2 -DM=30
check "broken: old ACK after resume" 1 small -DBREAK_OLD_ACK -DN=2 -DCUTS=1
check "broken: overtaken resume" 1 small -DBREAK_OVERTAKEN -DN=2 -DCUTS=1
check "broken: closed window" 1 small -DBREAK_CLOSED_WINDOW -DN=2 -DN_BACK=0 \
	-DWINDOW=1 -DLOSSES=1
exit $failed
