#!/bin/sh
# The library against that of the last tag: nothing that a program was linked
# against may be gone or changed.
#
#   sh tests/check-abi.sh BUILD-DIRECTORY
#
# Without a tag there is nothing to compare with, and that is said.  Needs
# abidiff (abigail-tools) and a build with debug information.
set -eu
cd "$(dirname "$0")/.."
build=$1

tag=$(git describe --tags --abbrev=0 2>/dev/null) || tag=
if [ -z "$tag" ]; then
	echo 'no tag yet: no ABI to keep'
	exit 0
fi
work=$(mktemp -d)
trap 'git worktree remove --force "$work/tree" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
git worktree add --detach "$work/tree" "$tag" >/dev/null
meson setup "$work/build" "$work/tree" --buildtype=debugoptimized \
    -Dtests=disabled >/dev/null
ninja -C "$work/build" session/libparley.so.0 >/dev/null

# Bits of abidiff's exit code: 1 error, 2 usage, 4 changed, 8 incompatible.
# What was added is no break.
status=0
abidiff --no-added-syms --headers-dir1 "$work/tree" --headers-dir2 . \
    "$work/build/session/libparley.so.0" "$build/session/libparley.so.0" ||
    status=$?
[ $((status & 11)) -eq 0 ]
