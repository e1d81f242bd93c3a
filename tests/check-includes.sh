#!/bin/sh
# Layering, and the order of #include lines:
#
#   - own header, C and POSIX, libraries, <parley/...>, "layer/...": in this
#     order, a blank line between, none and alphabetical within
#   - includes go downwards only (cli, session, comm, did); examples see
#     nothing but <parley/...>; only session/carrier_zmq*.c include <zmq.h>
#   - an include guard is the path: did/key.h has DID_KEY_H
#   - did/, comm/ and session/ do not print, exit, or abort
set -eu
cd "$(dirname "$0")/.."

# shellcheck disable=SC2016 # a program in awk
find . \( -name '.git' -o -name 'build*' \) -prune -o -name '*.[ch]' -print |
    sed 's,^\./,,' | LC_ALL=C sort | LC_ALL=C xargs awk '
function complain(text)
{
	printf "%s:%d: %s\n", FILENAME, FNR, text
	bad = 1
}

BEGIN {
	rank["did"] = 1
	rank["comm"] = 2
	rank["session"] = 3
	rank["cli"] = 4
	layer_of["err"] = layer_of["did"] = "did"
	layer_of["comm"] = "comm"
	layer_of["session"] = "session"
}

FNR == 1 {
	dir = FILENAME
	sub(/\/.*/, "", dir)
	own = FILENAME
	sub(/\.[ch]$/, "", own)
	guard = FILENAME
	sub(/^[a-z]+\/include\//, "", guard)
	guard = toupper(guard)
	gsub(/[^A-Z0-9]/, "_", guard)
	header = FILENAME ~ /\.h$/
	guarded = 0
	group = 0
	last = ""
	blank = 1
	depth = 0
	comment = 0
}

# The guard counts as the first conditional of a header.
/^#ifndef/ && header && !guarded {
	guarded = 1
	if ($2 != guard)
		complain("guard " $2 " should be " guard)
	next
}

/^#[ \t]*if/ { depth++ }
/^#[ \t]*endif/ { depth-- }

/^[ \t]*$/ { blank = 1; next }

/^#include/ {
	include($2)
	blank = 0
	next
}

{ blank = 0 }

dir ~ /^(did|comm|session)$/ {
	code = $0
	gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
	if (comment && sub(/^.*\*\//, "", code))
		comment = 0
	gsub(/\/\*([^*]|\*[^\/])*\*\//, "", code)
	if (comment)
		next
	if (sub(/\/\*.*/, "", code))
		comment = 1
	sub(/\/\/.*/, "", code)
	# To ask what a program does with a signal changes nothing.
	gsub(/sigaction\([a-z]+, NULL,/, "", code)
	if (code ~ /(^|[^A-Za-z0-9_.>])(v?d?printf|v?fprintf|puts|putchar|perror|_?exit|_Exit|quick_exit|abort|v?errx?|v?warnx?|v?syslog|signal|sigaction)[ ]*\(/ ||
	    code ~ /(^|[^A-Za-z0-9_])(stdout|stderr)([^A-Za-z0-9_]|$)/)
		complain("a library does not print, exit, or handle signals")
}

function include(name, kind, g, layer)
{
	if (name ~ /^"/)
		g = 5
	else if (name ~ /^<parley\//)
		g = 4
	else if (name ~ /^<(sodium|openssl\/|jansson|cbor|zmq|cjose\/|curl\/|cmocka|valgrind\/)/)
		g = 3
	else
		g = 2

	if (name == "<zmq.h>" && dir == "session" &&
	    FILENAME !~ /^session\/carrier_zmq[a-z_]*\.c$/)
		complain("<zmq.h> is for session/carrier_zmq*.c")
	if (name ~ /^<(cbor|zmq)/ && rank[dir] && rank[dir] < 3)
		complain(name " belongs to session/")

	layer = substr(name, 2)
	if (g == 5)
		sub(/[\/"].*/, "", layer)
	else if (g == 4) {
		sub(/^parley\//, "", layer)
		sub(/\.h>$/, "", layer)
		layer = layer_of[layer]
	}
	if (name ~ /^"parley\//)
		complain(name " is a public header: <parley/...>")
	else if (g >= 4 && rank[dir] && !(layer in rank))
		complain(name " is in no layer")
	else if (g >= 4 && rank[dir] && rank[layer] > rank[dir])
		complain(dir "/ must not include " name)
	if (dir == "examples" && g == 5 && layer != "examples")
		complain("an example uses the public headers only")

	# Data, and what stands in a conditional, have places of their own.
	if (name ~ /\.inc"$/ || depth > 0)
		return
	if (group == 0 && is_own(name))
		g = 1
	if (g < group)
		complain(name " comes too late")
	else if (g == group && blank)
		complain("blank line in front of " name)
	else if (g > group && group && !blank)
		complain("no blank line in front of " name)
	else if (g == group && name <= last)
		complain(name " is not in alphabetical order")
	group = g
	last = name
}

# "did/key.h" of did/key.c, "session/carrier.h" of session/carrier_zmq.c,
# <parley/err.h> of did/err.c; of a test, the header of what it tests.
function is_own(name, base)
{
	if (header)
		return 0
	if (dir == "tests" && name ~ /^"/)
		return 1
	base = name
	sub(/^./, "", base)
	sub(/\.h.$/, "", base)
	sub(/^parley\//, dir "/", base)
	return base == own || index(own, base "_") == 1
}

END { exit bad }
'
