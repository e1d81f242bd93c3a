#!/bin/sh
# All tests: install what is missing, build with tests into ./build-tests, run
# "meson test", print the totals.  Options are handed to "meson test":
#
#   sh tests/run.sh --list
#   sh tests/run.sh --suite did
#   sh tests/run.sh --setup valgrind --suite did
#
# Exit codes: 1 if a test failed; others see cli/setup.sh.
set -eu
cd "$(dirname "$0")/.."
. cli/setup.sh
log=build-tests/setup.log

need build test python
build build-tests -Dtests=enabled
rm -f build-tests/meson-logs/testlog*.json
status=0
meson test -C build-tests --no-rebuild --print-errorlogs "$@" || status=1
for json in build-tests/meson-logs/testlog*.json; do
	[ ! -e "$json" ] || python3 tests/totals.py "$json"
done
exit $status
