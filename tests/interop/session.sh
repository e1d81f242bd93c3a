#!/bin/sh
# Interop of sessions: the C library (session-peer.c) and the implementation in
# Python (session.py, parley_peer/) hold live sessions over loopback.
#
#   sh tests/interop/session.sh [BUILD]
#
# BUILD (default build-tests) is a directory in which meson has built the
# project.  pip installs what requirements.txt names into
# BUILD/interop-session/venv, nothing into the tree; with VENV set, that virtual
# environment is used as it is.  PEERS=py runs Python against Python only,
# without BUILD being built.
#
# First checks that the vectors are what tests/gen/session.py writes.  Prints
# one line per case and a total.  Exit codes: 0 all cases as expected, 1 a case
# failed, 2 usage or something is missing.
set -eu

# shellcheck source=tests/interop/shared/venv.sh
. "$(dirname "$0")/shared/venv.sh"

[ $# -le 1 ] || die 'usage: sh tests/interop/session.sh [BUILD]'
start_session "${1:-}"

status=0
"$venv/bin/python3" tests/gen/session.py --check || status=1

peer=
if [ "${PEERS:-all}" = all ]; then
	lib=$work/../session
	[ -e "$lib/libparley.so" ] ||
	    die "no session/libparley.so in '$build'; build first"
	peer=$work/session-peer
	# shellcheck disable=SC2086 # flags are words
	${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Idid/include \
	    -Isession/include ${CFLAGS:-} -o "$peer" \
	    tests/interop/session-peer.c -L"$lib" -lparley \
	    -Wl,-rpath,"$lib" || die 'session-peer.c does not compile'
fi
"$venv/bin/python3" tests/interop/sessions.py --work "$work" \
    ${peer:+--c-peer "$peer"} || status=1
exit $status
