#!/bin/sh
# What programs that were linked to libparley rely on stays as it is.
#
#   sh tests/check-abi.sh BUILD-DIRECTORY [--update]
#
# session/libparley.abi describes it, a line for each function, member and
# constant, and must fit the library; --update writes it anew, so that a change
# is seen in review.  Nothing that the last tag's description has may be gone or
# changed, unless the version says that it may (CHANGELOG.md); without a tag
# there is nothing to compare with.  Needs abidw (abigail-tools) and a 64-bit
# build with debug information.
set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
described=session/libparley.abi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

python3 tests/abi.py "$build/session/libparley.so.0" >"$work/new"
[ "${2-}" != --update ] || cp "$work/new" $described
diff $described "$work/new" >"$work/diff" || {
	sed -n 's/^</gone: /p; s/^>/new:  /p' "$work/diff"
	echo "if it is meant: sh tests/check-abi.sh $1 --update"
	exit 1
}

tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null) || tag=
if [ -z "$tag" ]; then
	echo "$(wc -l <$described) lines; no tag to compare with"
	exit 0
fi
# What must not differ: 0.MINOR before 1.0.0, then MAJOR.
series()
{
	echo "$1" | sed -E 's/^v//; s/^(0\.[0-9]+).*/\1/; s/^([1-9][0-9]*)\..*/\1/'
}
version=$(sed -n "s/^ *version: '\(.*\)',/\1/p" meson.build)
if [ "$(series "$tag")" != "$(series "$version")" ]; then
	echo "$version may break what was linked to $tag"
	exit 0
fi
git show "$tag:$described" >"$work/old"
python3 tests/abi.py --compare "$work/old" "$work/new"
