#!/bin/sh
# Documents: man pages have no fault that mandoc finds; every relative link
# leads somewhere; README's layout names what there is: each path in it exists,
# each directory stands in it.
set -eu
cd "$(dirname "$0")/.."

mandoc -T lint -W warning cli/man/*.[0-9]

# shellcheck disable=SC2016 # a program in awk
find . \( -name '.git' -o -name 'build*' -o -name 'node_modules' \) -prune \
    -o -name '*.md' -print | LC_ALL=C sort | LC_ALL=C xargs awk '
function exists(path)
{
	return system("test -e \"" path "\"") == 0
}

# What a heading is called in a link.
function slug(text)
{
	text = tolower(text)
	gsub(/[^a-z0-9 _-]/, "", text)
	gsub(/ /, "-", text)
	return text
}

function complain(text)
{
	print FILENAME ":" FNR ": " text
	bad = 1
}

FNR == 1 {
	dir = FILENAME
	sub(/[^\/]*$/, "", dir)
	code = 0
	section = ""
}

/^```/ { code = !code; next }
code { next }

/^#+ / {
	section = $0
	sub(/^#+ /, "", section)
	anchors[FILENAME "#" slug(section)] = 1
}

{
	rest = $0
	while (match(rest, /\]\([^)]*\)/)) {
		link = substr(rest, RSTART + 2, RLENGTH - 3)
		rest = substr(rest, RSTART + RLENGTH)
		if (link ~ /^[a-z]+:/)
			continue
		path = link
		sub(/#.*/, "", path)
		if (path != "" && !exists(dir path))
			complain("no such file: " link)
		if (link ~ /^#/) {
			n_wanted++
			wanted[n_wanted] = FILENAME link
			where[n_wanted] = FILENAME ":" FNR
		}
	}
}

FILENAME == "./README.md" && section == "Layout" {
	rest = $0
	while (match(rest, /`[^`]*`/)) {
		path = substr(rest, RSTART + 1, RLENGTH - 2)
		rest = substr(rest, RSTART + RLENGTH)
		if (path !~ /^[A-Za-z.][A-Za-z0-9_.-]*(\/[A-Za-z0-9_.-]*)*$/)
			continue
		layout[path] = 1
		if (path ~ /[.\/]/ && !exists(path))
			complain("no such file: " path)
	}
}

END {
	for (i = 1; i <= n_wanted; i++)
		if (!(wanted[i] in anchors)) {
			print where[i] ": no such heading: " wanted[i]
			bad = 1
		}
	find = "find . -maxdepth 1 -type d -name \"[a-z]*\" ! -name \"build*\""
	while ((find | getline path) > 0) {
		sub(/^\.\//, "", path)
		if (!((path "/") in layout)) {
			print "README.md: layout lacks " path "/"
			bad = 1
		}
	}
	exit bad
}
'
