#!/bin/sh
# Symbols of a build without sanitizers: check-symbols.sh BUILD
#
#   - libparley.so.0 exports the functions of <parley/*.h>, no more, no less
#   - a function of did/key.c stands in did/key.h as did_..., or is public and
#     begins with parley_did_; one of did/key_x.c stands in either
#   - there are no variables: all state hangs off a handle
#   - no files call each other in a circle, but those that session/README.md
#     names
set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

nm -D --defined-only "$build/session/libparley.so.0" |
    awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    LC_ALL=C sort >"$work/exported"
cat did/include/parley/*.h comm/include/parley/*.h session/include/parley/*.h |
    gcc -E -P -Idid/include -Icomm/include -Isession/include - |
    grep -o 'parley_[a-z0-9_]* *(' | tr -d ' (' |
    LC_ALL=C sort -u >"$work/declared"
if ! diff "$work/declared" "$work/exported" >"$work/diff"; then
	sed -n 's/^</declared, not exported:/p; s/^>/exported, not declared:/p' \
	    "$work/diff" >&2
	status=1
fi

for layer in did comm session; do
	for object in "$build/$layer/lib$layer.a.p"/*.o; do
		file=$layer/$(basename "$object" .c.o)
		# Its own, those of what it is part of, or else the layer's.
		headers=
		stem=$file
		while :; do
			[ ! -e "$stem.h" ] || headers="$headers $stem.h"
			case $stem in
			*_*) stem=${stem%_*} ;;
			*) break ;;
			esac
		done
		headers=${headers:- $layer/$layer.h}
		nm -g --defined-only "$object" | awk '{ print $3 }' |
		    while read -r symbol; do
			case $symbol in
			"parley_${layer}_"*) continue ;;
			"${layer}_"*)
				# shellcheck disable=SC2086 # a list
				! grep -qs "\<$symbol\>" $headers || continue
				;;
			esac
			echo "$file.c: $symbol is not a name of$headers"
		done
		# Tables of pointers are constant once relocated.
		objdump -t "$object" | awk -F '\t' -v file="$file" '
		$1 ~ / O (\.(data|bss)(\..*)?|\*COM\*)$/ &&
		$1 !~ / \.data\.rel\.ro/ {
			sub(/.* /, "", $2)
			print file ".c: " $2 " is a variable"
		}'
	done
done >"$work/names"
if [ -s "$work/names" ]; then
	cat "$work/names" >&2
	status=1
fi

for layer in did comm session cli; do
	nm -A "$build/$layer"/*.p/*.o | awk '
	BEGIN {
		group["mesh_barrier"] = group["mesh_channel"] = "party"
		group["mesh_fail"] = "party"
		group["carrier_zmtp_send"] = "carrier_zmtp_conn"
		group["forward_stream"] = "forward"
	}
	{
		file = $1
		sub(/\.c\.o:.*/, "", file)
		sub(/.*\//, "", file)
		if (file in group)
			file = group[file]
	}
	$(NF - 1) == "U" { uses[file " " $NF] }
	$(NF - 1) ~ /^[TDR]$/ { defines[$NF] = file }
	END {
		for (use in uses) {
			split(use, u, " ")
			if (u[2] in defines && defines[u[2]] != u[1] &&
			    !told[u[1], defines[u[2]]]++)
				print u[1], defines[u[2]]
		}
	}' | tsort 2>&1 >/dev/null | sed "s,^tsort: ,$layer: ,"
done >"$work/circles"
if [ -s "$work/circles" ]; then
	cat "$work/circles" >&2
	status=1
fi
exit $status
