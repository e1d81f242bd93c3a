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

die()
{
	echo "zmtp.sh: error: $1" >&2
	exit 2
}

[ $# -le 1 ] || die 'usage: sh tests/interop/zmtp.sh [BUILD]'
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build-tests}
mkdir -p "$build/interop-session"
work=$(cd "$build/interop-session" && pwd)
cd "$root"
export PYTHONDONTWRITEBYTECODE=1

venv=${VENV:-$work/venv}
if [ -z "${VENV:-}" ]; then
	[ -x "$venv/bin/python3" ] || python3 -m venv "$venv" ||
	    die 'no virtual environment; is python3-venv installed?'
	"$venv/bin/python3" -m pip install --quiet \
	    --disable-pip-version-check -r tests/interop/requirements.txt ||
	    die 'pip could not install the packages'
fi

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
