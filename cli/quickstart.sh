#!/bin/sh
# From a fresh clone to the main job: install what is missing, build into
# ./build, and let three processes with three identities compute together.
# Running it again is quick: only what changed is built.
#
# Exit codes: see cli/setup.sh.
set -eu
cd "$(dirname "$0")/.."
. cli/setup.sh

if [ $# -ne 0 ]; then
	echo 'usage: sh cli/quickstart.sh' >&2
	exit 2
fi
need build
build build --buildtype=release -Dtests=disabled
sh examples/joint-stats.sh build
