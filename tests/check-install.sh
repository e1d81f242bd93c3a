#!/bin/sh
# An installed libparley can be used: check-install.sh BUILD
#
# Installs into a temporary directory; there, by pkg-config alone, README's
# lines of C compile as C and as C++, and examples/hello.c links and starts.
# Manual pages have no fault, and each command of did-cli is in one of a group.
set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

DESTDIR=$work/root meson install -C "$build" --no-rebuild >"$work/log" || {
	cat "$work/log" >&2
	exit 1
}
pc=$(find "$work/root" -name parley.pc)
PKG_CONFIG_LIBDIR=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$work/root
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
cflags=$(pkg-config --cflags parley)
libs=$(pkg-config --libs parley)

man=$(find "$work/root" -type d -name man1)
mandoc -T lint -W warning "$man"/../man*/*.[0-9]
"$build/cli/did-cli" help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' >"$work/all"
[ -s "$work/all" ]
while read -r command; do
	[ "$command" = help ] || grep -qs "^\.Cm $command\>" "$man"/did-cli-*.1 || {
		echo "no manual page of a group says what 'did-cli $command' is" >&2
		exit 1
	}
done <"$work/all"

awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' README.md >"$work/readme.c"
[ -s "$work/readme.c" ] || {
	echo 'README.md has no lines of C' >&2
	exit 1
}
cp "$work/readme.c" "$work/readme.cc"
# shellcheck disable=SC2086 # lists of options
{
	gcc -std=c11 -Wall -Wextra -Werror $cflags -c "$work/readme.c" \
	    -o "$work/readme.o"
	g++ -std=c++11 -Wall -Wextra -Werror $cflags -c "$work/readme.cc" \
	    -o "$work/readme.o"
	gcc -std=c11 -Wall -Wextra $cflags examples/hello.c $libs \
	    -o "$work/hello"
}
if [ "$(wc -l <examples/hello.c)" -gt 40 ]; then
	echo 'examples/hello.c: more than 40 lines are no hello' >&2
	exit 1
fi
# Without arguments it says so, and ends with 1; 127 would be the loader's.
status=0
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_LIBDIR") "$work/hello" 2>"$work/err" ||
    status=$?
if [ $status -ne 1 ]; then
	cat "$work/err" >&2
	echo "hello: exit code $status" >&2
	exit 1
fi
