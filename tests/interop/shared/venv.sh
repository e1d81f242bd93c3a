# Read by the scripts of tests/interop: their errors, and the virtual
# environment that their Python runs in.

die()
{
	echo "${0##*/}: error: $1" >&2
	exit 2
}

# make_venv DIR REQUIREMENTS: ${venv} is VENV as it is, if that is set; else
# DIR, made if need be, with what REQUIREMENTS names.
make_venv()
{
	venv=${VENV:-$1}
	[ -z "${VENV:-}" ] || return 0
	[ -x "$venv/bin/python3" ] || python3 -m venv "$venv" ||
	    die 'no virtual environment; is python3-venv installed?'
	"$venv/bin/python3" -m pip install --quiet \
	    --disable-pip-version-check -r "$2" ||
	    die 'pip could not install the packages'
}

# start_session BUILD: for those of sessions.  From the top of the tree on, with
# ${work}, a directory in BUILD, and ${venv} in it.
start_session()
{
	root=$(cd "$(dirname "$0")/../.." && pwd)
	build=${1:-$root/build-tests}
	mkdir -p "$build/interop-session"
	work=$(cd "$build/interop-session" && pwd)
	cd "$root" || exit
	export PYTHONDONTWRITEBYTECODE=1
	make_venv "$work/venv" tests/interop/requirements.txt
}
