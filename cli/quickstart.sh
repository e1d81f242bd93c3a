#!/bin/sh
# From a fresh clone to the main job: install what is missing, build into
# ./build, and let three processes with three identities compute together.
# Running it again is quick: only what changed is built.
#
#   sh cli/quickstart.sh         the joint statistics of examples/
#   sh cli/quickstart.sh mpyc    a program of MPyC, through did-cli run and
#                                inside its process, beside plain TCP
#
# Exit codes: see cli/setup.sh.
set -eu
cd "$(dirname "$0")/.."
. cli/setup.sh

case $*:$# in
:0 | mpyc:1) ;;
*)
	echo 'usage: sh cli/quickstart.sh [mpyc]' >&2
	exit 2
	;;
esac
need build
[ $# -eq 0 ] || need python
build build --buildtype=release -Dtests=disabled
if [ $# -eq 0 ]; then
	sh examples/joint-stats.sh build
else
	run 'installing MPyC from PyPI into build/python/venv' \
	    sh python/install.sh build build/python/venv mpyc==0.11
	build/python/venv/bin/python3 examples/three-ways.py build
fi
