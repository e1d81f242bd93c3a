#!/bin/sh
# MPyC, unmodified, through did-cli run and inside its process: the same results
# as over plain TCP, also when every connection is cut again and again.
#
#   sh tests/interop/mpyc.sh BUILD [DEMOS [TESTS]]
#
# BUILD is a directory in which meson has built the project.  pip installs MPyC
# and the Python package into BUILD/interop-mpyc/venv, nothing into the tree;
# with VENV set, that virtual environment is used as it is.  DEMOS and TESTS are
# the directories demos/ and tests/ of a source tree of MPyC: then these are run
# instead of short programs, on each way and with up to ten parties, which takes
# an hour.  ONLY: a regular expression of the cases to run; OPTIONS: more options
# for did-cli run and parley.mpyc.
#
# Prints one line per case and a total.  Exit codes: 0 all cases as expected, 1
# a case failed, 2 usage or something is missing.
set -eu

die()
{
	echo "mpyc.sh: error: $1" >&2
	exit 2
}

[ $# -ge 1 ] && [ $# -le 3 ] ||
	die 'usage: sh tests/interop/mpyc.sh BUILD [DEMOS [TESTS]]'
[ -x "$1/cli/did-cli" ] || die "no cli/did-cli in '$1'; build first"
here=$(cd "$(dirname "$0")" && pwd)
venv=${VENV:-$1/interop-mpyc/venv}
if [ -z "${VENV:-}" ]; then
	packages=$here/mpyc/requirements.txt
	[ $# -eq 1 ] || packages=$here/mpyc/requirements-demos.txt
	mkdir -p "$1/interop-mpyc"
	sh "$here/../../python/install.sh" "$1" "$venv" -r "$packages"
fi
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
exec "$venv/bin/python3" "$here/mpyc/cases.py" "$@"
