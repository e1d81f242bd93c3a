#!/bin/sh
# Static analysis: cppcheck's classes `warning`, `portability`, `performance`
# must say nothing, inconclusive ones left out.  Why these and no others:
# `style` and `information` argue about taste, which .clang-format and review
# settle; `unusedFunction` does not see the tests.  Each exception below has its
# reason.
#
# Nor may gcc -fanalyzer, but for the reports below, all of which are wrong.  They
# are those of gcc 12: others give others, and are not asked.
set -eu
cd "$(dirname "$0")/.."

# The word is required: cli_args_parse() has refused the command without it.
set -- --suppress=nullPointer:cli/invite.c
# An envelope has recipients, n > 0; qsort() of none reads nothing.
set -- "$@" --suppress=uninitvar:comm/encrypted.c
# Standard headers are not read; types of libraries stay unknown.
set -- "$@" --suppress=missingIncludeSystem --suppress=missingInclude

cppcheck -j "$(nproc)" --quiet --error-exitcode=1 --std=c11 \
    --platform=unix64 --enable=warning,portability,performance \
    --inline-suppr "$@" -D_GNU_SOURCE -DPARLEY_VERSION='""' \
    -I . -I did/include -I comm/include -I session/include \
    did comm session cli examples

if [ "$(gcc -dumpversion)" != 12 ]; then
	echo 'gcc -fanalyzer: left out, its reports are known for gcc 12 only'
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# file, class, how many, why not
cat >"$work/known" <<'END'
cli/args.c malloc-leak 1 kept in a list that its caller frees
cli/facts.c malloc-leak 2 kept in a list that its caller frees
cli/preset_mpyc.c malloc-leak 1 kept in a list that its caller frees
cli/sessiond_config.c malloc-leak 2 kept in a list that its caller frees
cli/sessiond_session.c malloc-leak 2 kept in the session, and freed with it
comm/comm.c malloc-leak 1 kept in a list, and freed with it
comm/encrypted.c malloc-leak 1 kept in a list, and freed with it
comm/signed.c use-of-uninitialized-value 3 set where the call before returns 0
did/base58.c use-of-uninitialized-value 1 of number[] the first n are set
did/peer.c null-dereference 1 there is a colon in what the caller calls long
did/rsa.c null-dereference 1 not reached: the reader has failed, and says so
did/rsa.c use-of-uninitialized-value 2 likewise
session/agreement_cbor.c null-argument 1 what has no room yet gets it before
session/carrier_zmq_receive.c malloc-leak 1 an event with a frame is returned before
session/hub.c malloc-leak 1 kept in the ring, and freed with it
END
# What is made when it is built.
mkdir "$work/cli"
: >"$work/cli/mpyc_facts.inc"
options='-DPARLEY_HAVE_CURL=1 -DPARLEY_HAVE_QR=1'
! echo '#include <intel-ipsec-mb.h>' | gcc -E - >/dev/null 2>&1 ||
    options="$options -DPARLEY_IPSEC_MB"
export work options
find did comm session cli -name '*.c' -print0 |
    xargs -0 -P "$(nproc)" -I '{}' sh -c '
	gcc -c -O1 -fanalyzer -std=c11 -D_GNU_SOURCE -DPARLEY_VERSION="\"\"" \
	    $options -I . -I did/include -I comm/include -I session/include \
	    -I "$work" -o /dev/null "$1" \
	    2>"$work/$(echo "$1" | tr / _).log" || : >"$work/broken"
' sh '{}'
if [ -e "$work/broken" ]; then
	grep -h ' error: ' "$work"/*.log
	exit 1
fi
cat "$work"/*.log |
    sed -n 's/^\([^:]*\):[0-9]*:.* \[-Wanalyzer-\([a-z-]*\)\]$/\1 \2/p' |
    LC_ALL=C sort | uniq -c | awk '{ print $2, $3, $1 }' >"$work/found"
cut -d ' ' -f 1-3 "$work/known" | diff - "$work/found" >"$work/diff" || :
sed -n 's/^</gone: /p; s/^>/new:  /p' "$work/diff"
if grep -q '^>' "$work/diff"; then
	grep -h '\[-Wanalyzer-' "$work"/*.log
	exit 1
fi
