#!/bin/sh
# Every header compiles alone, public ones in C++ too, and a public header
# needs nothing but <parley/...> and the C library.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
public='-Idid/include -Icomm/include -Isession/include'
libraries=$(pkg-config --cflags libsodium libcrypto jansson libcbor libzmq)
status=0

compile()
{
	"$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only || {
		echo "$header does not compile alone: $*" >&2
		status=1
	}
}

find did comm session cli examples tests -name '*.h' | LC_ALL=C sort \
    >"$work/headers"
# shellcheck disable=SC2086 # lists of options
while read -r header; do
	case $header in
	*/include/parley/*)
		name=${header##*/include/}
		echo "#include <$name>" | tee "$work/alone.c" >"$work/alone.cc"
		grep '#include' "$header" |
		    grep -Ev '<(parley/[a-z]+|std(arg|bool|def|int))\.h>' && {
			echo "$header includes more than it should" >&2
			status=1
		}
		compile gcc -std=c11 $public "$work/alone.c"
		compile g++ -std=c++11 $public "$work/alone.cc"
		;;
	*)
		echo "#include \"$header\"" >"$work/alone.c"
		compile gcc -std=c11 -D_GNU_SOURCE -I. $public $libraries \
		    "$work/alone.c"
		;;
	esac
done <"$work/headers"
exit $status
