#!/bin/sh
# Interop with didcomm-node (didcomm-rust in WebAssembly, from npm): it opens
# what the library signs, and the library opens what it signs.
#
#   sh tests/interop/didcomm.sh BUILD
#
# BUILD is a directory in which meson has built the project.  npm installs
# into BUILD/interop-didcomm, nothing into the tree.  Needs node (18 or later),
# npm, and a registry that npm reaches, or its cache.
#
# Prints one line per case and a total.  Exit codes: 0 all cases as expected,
# 1 a case failed, 2 usage or something is missing.
set -eu

die() {
	echo "didcomm.sh: error: $1" >&2
	exit 2
}

[ $# -eq 1 ] || die "usage: sh tests/interop/didcomm.sh BUILD"
[ -e "$1/comm/libcomm.a" ] || die "no comm/libcomm.a in '$1'; build first"
for tool in node npm pkg-config; do
	command -v "$tool" >/dev/null || die "'$tool' is not installed"
done
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
here=tests/interop/didcomm
work=$build/interop-didcomm

mkdir -p "$work"
cp $here/package.json $here/package-lock.json $here/peer.js "$work"
(cd "$work" && npm ci --no-audit --no-fund --loglevel=error >&2) ||
	die "npm could not install the packages"
# shellcheck disable=SC2046 # flags are words
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -I. -Idid/include \
	-Icomm/include ${CFLAGS:-} -o "$work/envelope" $here/envelope.c \
	"$build/comm/libcomm.a" "$build/did/libdid.a" \
	$(pkg-config --cflags --libs libsodium jansson) ||
	die "envelope.c does not compile"
node "$work/peer.js" "$work/envelope"
