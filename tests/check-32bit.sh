#!/bin/sh
# Layers and tests compile for 32 bits without a warning: what fits an int64_t
# or a size_t of this machine may not fit there.
#
#   sh tests/check-32bit.sh BUILD
#
# Compiled as in BUILD, but for -m32, and not linked: no libraries of another
# architecture are needed.  With them, and run: sh tests/port.sh i386.
set -eu
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The C library's headers serve both, but for a list of what it lacks.
mkdir "$work/gnu"
: >"$work/gnu/stubs-32.h"
{
	echo "cd '$build' && eval \"\$2 -m32 -fsyntax-only -Werror" \
	    "-isystem '$work' -isystem '/usr/include/$(gcc -print-multiarch)'\" ||"
	echo "echo \"\$1\" >>'$work/bad'"
} >"$work/one"
python3 - "$build/compile_commands.json" >"$work/list" <<'END'
import json, re, sys
seen = set()
for c in json.load(open(sys.argv[1])):
    # The same source for another program needs no second look; an example is
    # built only where there are 128-bit integers.
    name = c["file"]
    if name.endswith(".c") and "examples/" not in name and name not in seen:
        seen.add(name)
        command = re.sub(r" (-o|-MF|-MQ) \S+| -(MD|c)\b| -fdiagn\S+|^ccache ",
                         " ", c["command"])
        sys.stdout.write(name + "\0" + command + "\0")
END
n=$(tr -cd '\0' <"$work/list" | wc -c)
[ "$n" -ge 300 ] || {
	echo "only $((n / 2)) sources" >&2
	exit 1
}
xargs -0 -n 2 -P "$(nproc)" sh "$work/one" <"$work/list"
[ ! -e "$work/bad" ]
