#!/bin/sh
# Interop of ZMTP: our carrier, the libzmq of this machine (both zmtp-peer.c) and
# pyzmq with its own libzmq, over loopback.
#
#   sh tests/interop/zmtp.sh [BUILD]
#
# BUILD (default build-tests) is a directory in which meson has built the
# project; nothing else of it is used than its static libraries.  pip installs
# what requirements.txt names into BUILD/interop-session/venv, which session.sh
# uses as well; with VENV set, that virtual environment is used as it is.
#
# Prints one line per case and a total.  Exit codes: 0 all cases as expected, 1 a
# case failed, 2 usage or something is missing.
set -eu

# shellcheck source=tests/interop/shared/venv.sh
. "$(dirname "$0")/shared/venv.sh"

[ $# -le 1 ] || die 'usage: sh tests/interop/zmtp.sh [BUILD]'
start_session "${1:-}"

lib=$work/..
[ -e "$lib/session/libsession.a" ] ||
    die "no session/libsession.a in '$build'; build first"
# shellcheck disable=SC2086,SC2046 # flags are words
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -I. -Idid/include \
    -Isession/include ${CFLAGS:-} -o "$work/zmtp-peer" \
    tests/interop/zmtp-peer.c "$lib/session/libsession.a" \
    "$lib/did/libdid.a" $(pkg-config --libs libzmq libsodium jansson) ||
    die 'zmtp-peer.c does not compile'
exec "$venv/bin/python3" tests/interop/zmtp.py "$work/zmtp-peer"
