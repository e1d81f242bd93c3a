#!/bin/sh
# Interop with didcomm-node (didcomm-rust in WebAssembly) and jose, both from
# npm, and with a second implementation in Python (tests/gen/didcomm.py): each
# opens what the library packs, and the library opens what each packs.
#
#   sh tests/interop/didcomm.sh BUILD
#
# BUILD is a directory in which meson has built the project.  npm installs
# into BUILD/interop-didcomm, nothing into the tree.  pip installs what
# requirements.txt names into BUILD/interop-session/venv, which session.sh uses as
# well; with VENV set, that virtual environment is used as it is.  Needs node (18
# or later), and of npm and pip a registry that they reach, or their cache.
#
# Prints one line per case and a total.  Exit codes: 0 all cases as expected,
# 1 a case failed, 2 usage or something is missing.
set -eu

# shellcheck source=tests/interop/shared/venv.sh
. "$(dirname "$0")/shared/venv.sh"

[ $# -eq 1 ] || die "usage: sh tests/interop/didcomm.sh BUILD"
[ -e "$1/comm/libcomm.a" ] || die "no comm/libcomm.a in '$1'; build first"
for tool in node npm python3 pkg-config; do
	command -v "$tool" >/dev/null || die "'$tool' is not installed"
done
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
here=tests/interop/didcomm
work=$build/interop-didcomm

mkdir -p "$work"
cp $here/package.json $here/package-lock.json $here/peer.js $here/party.js \
	"$work"
(cd "$work" && npm ci --no-audit --no-fund --loglevel=error >&2) ||
	die "npm could not install the packages"
# shellcheck disable=SC2046 # flags are words
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -I. -Idid/include \
	-Icomm/include ${CFLAGS:-} -o "$work/envelope" $here/envelope.c \
	"$build/comm/libcomm.a" "$build/did/libdid.a" \
	$(pkg-config --cflags --libs libsodium libcrypto jansson libcurl) ||
	die "envelope.c does not compile"
make_venv "$build/interop-session/venv" tests/interop/requirements.txt
export PYTHONDONTWRITEBYTECODE=1
status=0
node "$work/peer.js" "$work/envelope" "$work" || status=1
"$venv/bin/python3" $here/peer.py "$work/envelope" "$work" || status=1
exit $status
