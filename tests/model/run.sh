#!/bin/sh
# Check tests/model/channel.pml with spin: the model must hold, and every
# BREAK_... must be noticed.  Needs spin and a C compiler; about a minute.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/channel.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
failed=0

# check name expected options...
check() {
	name=$1 expected=$2
	shift 2
	spin "$@" -a "$model" >spin.log 2>&1 || { cat spin.log; exit 1; }
	"${CC:-cc}" -O1 -w -DSAFETY -DCOLLAPSE -DMEMLIM=2000 -DVECTORSZ=4096 \
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

check "losses" 0 -DN=2 -DN_BACK=1 -DLOSSES=2
check "copies, delays" 0 -DN=2 -DN_BACK=1 -DCOPIES=1 -DSWAPS=1
check "corruption" 0 -DN=2 -DN_BACK=1 -DERRORS=1 -DLOSSES=1
check "window of one" 0 -DN=2 -DN_BACK=0 -DWINDOW=1 -DLOSSES=2 -DM=20
check "a cut" 0 -DN=2 -DN_BACK=1 -DCUTS=1
check "a cut, losses, copies" 0 -DN=1 -DN_BACK=0 -DCUTS=1 -DLOSSES=1 \
	-DCOPIES=1
check "two cuts" 0 -DN=1 -DN_BACK=0 -DCUTS=2
check "two cuts and a loss" 0 -DN=1 -DN_BACK=0 -DCUTS=2 -DLOSSES=1
check "a stranger" 0 -DN=1 -DN_BACK=0 -DCUTS=1 -DSTRANGERS=1

check "broken: any number" 1 -DBREAK_ANY_NUMBER -DN=2 -DSWAPS=1
check "broken: forgets at resume" 1 -DBREAK_FORGET -DN=1 -DCUTS=1
check "broken: first resume replaces" 1 -DBREAK_FIRST_RESUME -DN=1 \
	-DSTRANGERS=1
check "broken: GAP only once" 1 -DBREAK_GAP_ONCE -DN=2 -DLOSSES=3
check "broken: old ACK after resume" 1 -DBREAK_OLD_ACK -DN=2 -DCUTS=1
check "broken: overtaken resume" 1 -DBREAK_OVERTAKEN -DN=2 -DCUTS=1
check "broken: closed window" 1 -DBREAK_CLOSED_WINDOW -DN=2 -DN_BACK=0 \
	-DWINDOW=1 -DLOSSES=1
exit $failed
