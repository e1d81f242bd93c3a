#!/bin/sh
# Nothing in our scripts makes shellcheck warn.  Those of tests/cli/ that have
# no "#!" are read by tests/cli/run.sh, which sets the variables they use.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
find .ci/run cli examples python tests -type f \( -name '*.sh' -o -name 'run' \) |
    LC_ALL=C sort >"$work/all"
xargs grep -l '^#!' <"$work/all" >"$work/whole"
xargs grep -L '^#!' <"$work/all" | grep -v '^cli/setup.sh$' >"$work/parts" || :
status=0
xargs shellcheck -S warning -x <"$work/whole" || status=1
[ ! -s "$work/parts" ] ||
    xargs shellcheck -S warning -s sh -e SC2154 <"$work/parts" || status=1
exit $status
