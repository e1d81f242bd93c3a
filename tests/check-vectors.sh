#!/bin/sh
# The files below vectors/ are what the generators in tests/gen write, and each
# of them is read by a test.
#
#   sh tests/check-vectors.sh [BUILD]
#
# BUILD (default build-tests) is a directory for what pip installs:
# tests/interop/requirements.txt into BUILD/interop-session/venv, which
# tests/interop/*.sh use as well; with VENV set, that virtual environment is
# used as it is.
#
# Exit codes: 0 all as it should be, 1 it is not, 2 usage or something is missing.
set -eu

die()
{
	echo "check-vectors.sh: error: $1" >&2
	exit 2
}

[ $# -le 1 ] || die 'usage: sh tests/check-vectors.sh [BUILD]'
root=$(cd "$(dirname "$0")/.." && pwd)
venv=${VENV:-${1:-$root/build-tests}/interop-session/venv}
if [ -z "${VENV:-}" ]; then
	mkdir -p "$(dirname "$venv")"
	venv=$(cd "$(dirname "$venv")" && pwd)/venv
	[ -x "$venv/bin/python3" ] || python3 -m venv "$venv" ||
	    die 'no virtual environment; is python3-venv installed?'
	"$venv/bin/python3" -m pip install --quiet \
	    --disable-pip-version-check \
	    -r "$root/tests/interop/requirements.txt" ||
	    die 'pip could not install the packages'
fi
cd "$root"
export PYTHONDONTWRITEBYTECODE=1

status=0
for what in 'did vectors' 'jws vectors/jws' 'jwe vectors/jwe' 'session'; do
	name=${what%% *} dir=${what#"${what%% *}"}
	echo "tests/gen/$name.py --check$dir"
	# shellcheck disable=SC2086 # none or one
	"$venv/bin/python3" "tests/gen/$name.py" --check $dir || status=1
done

# A test names a file, or a directory, or the beginning of names.
{
	sed -n 's/.*vector_path("\([^"]*\)").*/\1\//p' tests/*.[ch]
	cat tests/test-*.[ch] | tr '\n' ' ' |
	    grep -o 'vector_each([^,]*, *"[^"]*"' |
	    sed 's/vector_each("\([^"]*\)", *"\([^"]*\)"/\1\/\2/'
	grep -ho '"[a-z0-9-]*/[^" ]*\.\(json\|txt\)"' tests/*.c | tr -d '"'
} | LC_ALL=C sort -u | (
	cd vectors
	while read -r beginning; do
		find . -path "./$beginning*" -type f
	done
) | LC_ALL=C sort -u >"$venv/read"
(cd vectors && find . -type f) | LC_ALL=C sort >"$venv/all"
LC_ALL=C comm -13 "$venv/read" "$venv/all" >"$venv/unread"
if [ -s "$venv/unread" ]; then
	echo 'no test reads these files of vectors/:' >&2
	cat "$venv/unread" >&2
	status=1
fi
echo "vectors/: $(wc -l <"$venv/all") files, $(wc -l <"$venv/unread") unread"
exit $status
