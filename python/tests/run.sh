#!/bin/sh
# The tests of the Python package, with MPyC as it comes from PyPI.
#
#   sh python/tests/run.sh [BUILD [TEST...]]
#
# BUILD (default build-tests) is a directory in which meson has built the
# project.  pip installs the package and what requirements.txt names into
# BUILD/python/venv, nothing into the tree; with VENV set, that virtual
# environment is used as it is.  TEST is what unittest runs: all.
#
# Exit codes: 0 all passed, 1 a test failed, 2 something is missing.
set -eu

die()
{
	echo "run.sh: error: $1" >&2
	exit 2
}

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$root/build-tests}" && pwd) || die 'no such directory'
[ $# -eq 0 ] || shift
[ -e "$build/session/libparley.so" ] && [ -x "$build/cli/did-cli" ] ||
    die "'$build' is not built"
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

venv=${VENV:-$build/python/venv}
if [ -z "${VENV:-}" ]; then
	sh "$root/python/install.sh" "$build" "$venv" \
	    -r "$root/python/tests/requirements.txt"
fi
python=$venv/bin/python3
(cd "$root/python" && "$python" -m mypy --strict \
    --cache-dir "$build/python/mypy" parley) || exit 1

DID_CLI=$build/cli/did-cli
export DID_CLI
cd "$root/python/tests"
[ $# -gt 0 ] || set -- discover
exec "$python" -m unittest "$@"
