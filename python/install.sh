#!/bin/sh
# Install the Python package from this tree, for a build directory of it, into
# a virtual environment, which is made if it is not there:
#
#   sh python/install.sh BUILD VENV [PACKAGE...]
#
# PACKAGE is anything that pip installs beside it.  Exit codes: 0, or 2 if
# something is missing.
set -eu

die()
{
	echo "install.sh: error: $1" >&2
	exit 2
}

[ $# -ge 2 ] || die 'usage: sh python/install.sh BUILD VENV [PACKAGE...]'
python=$(cd "$(dirname "$0")" && pwd)
PARLEY_BUILD_DIR=$(cd "$1" && pwd) || die "no directory '$1'"
export PARLEY_BUILD_DIR PIP_DISABLE_PIP_VERSION_CHECK=1
venv=$2
shift 2

[ -x "$venv/bin/python3" ] || python3 -m venv "$venv" ||
    die 'no virtual environment; is python3-venv installed?'
# pip builds in a copy: in the tree it would leave its own behind.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM
cp -R "$python/native" "$python/parley" "$python/README.md" \
    "$python/pyproject.toml" "$python/setup.py" "$copy"
rm -f "$copy"/parley/_native.*.so
PARLEY_SOURCE_DIR=$(dirname "$python")
export PARLEY_SOURCE_DIR
"$venv/bin/python3" -m pip install --quiet --force-reinstall --no-deps "$copy" ||
    die 'pip could not build the package'
"$venv/bin/python3" -m pip install --quiet "cffi>=1.15" "$@" ||
    die 'pip could not install the packages'
