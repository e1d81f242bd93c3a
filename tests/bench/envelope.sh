#!/bin/sh
# Packs and unpacks per second of processor time, in process, of the library
# and of didcomm-node in the same run.
#
#   sh tests/bench/envelope.sh BUILD [SECONDS [BAR]]
#
# BUILD is a directory in which meson has built the project (buildtype release
# or debugoptimized, no sanitizer).  SECONDS is spent on each figure (default
# 1).  Needs node and npm; npm installs into BUILD/interop-didcomm.
#
# Exit codes: 0 each figure is at least BAR (default 4; 0: any will do) times
# that of didcomm-node, 1 one is not, 2 usage or something is missing.
set -eu

die() {
	echo "envelope.sh: error: $1" >&2
	exit 2
}

[ $# -ge 1 ] && [ $# -le 3 ] ||
	die "usage: sh tests/bench/envelope.sh BUILD [SECONDS [BAR]]"
[ -e "$1/comm/libcomm.a" ] || die "no comm/libcomm.a in '$1'; build first"
for tool in node npm pkg-config; do
	command -v "$tool" >/dev/null || die "'$tool' is not installed"
done
build=$(cd "$1" && pwd)
span=${2:-1}
bar=${3:-4}
cd "$(dirname "$0")/../.."
here=tests/interop/didcomm
work=$build/interop-didcomm

mkdir -p "$work"
cp $here/package.json $here/package-lock.json $here/party.js \
	tests/bench/envelope.js "$work"
(cd "$work" && npm ci --no-audit --no-fund --loglevel=error >&2) ||
	die "npm could not install the packages"
# shellcheck disable=SC2046 # flags are words
${CC:-cc} -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -I. -Idid/include \
	-Icomm/include ${CFLAGS:-} -o "$work/envelope" $here/envelope.c \
	"$build/comm/libcomm.a" "$build/did/libdid.a" \
	$(pkg-config --cflags --libs libsodium libcrypto jansson libcurl) ||
	die "envelope.c does not compile"
exec node "$work/envelope.js" "$work/envelope" "$work" "$span" "$bar"
