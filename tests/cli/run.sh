#!/bin/sh
# Run one test of did-cli: sh tests/cli/run.sh tests/cli/NN-name.sh
#
# The test is a shell script that uses the functions below.  It begins in an
# empty directory that is also its home, and everything it leaves there is
# removed; DID_CLI names the program.  The first claim that does not hold ends
# it, and shows what the program printed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
test_script=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
: "${DID_CLI:?names the program to test}"

dir=$(mktemp -d "${TMPDIR:-/tmp}/did-cli-test.XXXXXX")
# A test that failed half way may have left what it started.
clean_up()
{
	for pid in "$dir"/work/*.pid; do
		[ ! -e "$pid" ] || kill -KILL "$(cat "$pid")" 2>/dev/null || :
	done
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
HOME=$dir/home
TMPDIR=$dir/tmp
mkdir "$HOME" "$TMPDIR" "$dir/work"
export HOME TMPDIR DID_CLI
unset XDG_DATA_HOME
umask 022
cd "$dir/work"
# shellcheck disable=SC2034 # for the tests
identities=$HOME/.local/share/parley/identities

# fail TEXT: this claim does not hold.
fail()
{
	echo "FAIL: $*" >&2
	for f in "$dir/out" "$dir/err"; do
		[ -e "$f" ] || continue
		echo "--- ${f##*/}" >&2
		cat "$f" >&2
	done
	exit 1
}

# claim TEXT: what the commands after it show.
claim()
{
	echo "$*"
}

# run CODE ARGUMENT...: did-cli with the arguments exits with CODE.
run()
{
	wanted=$1
	shift
	code=0
	"$DID_CLI" "$@" >"$dir/out" 2>"$dir/err" || code=$?
	[ "$code" -eq "$wanted" ] ||
		fail "did-cli $*: exit code $code and not $wanted"
}

# out TEXT, err TEXT: this exactly was printed there, by the last run.
out()
{
	[ "$(cat "$dir/out")" = "$1" ] || fail "output is not: $1"
}

err()
{
	[ "$(cat "$dir/err")" = "$1" ] || fail "errors are not: $1"
}

# out_has TEXT, err_has TEXT: a line with this text was printed there.
out_has()
{
	grep -qF -e "$1" "$dir/out" || fail "not in the output: $1"
}

err_has()
{
	grep -qF -e "$1" "$dir/err" || fail "not in the errors: $1"
}

# json FILE EXPRESSION: true in Python of x, the last JSON line of FILE.
json()
{
	python3 - "$1" "$2" <<-'END' || fail "not so: $2"
	import json, sys
	lines = open(sys.argv[1]).read().splitlines()
	xs = [json.loads(line) for line in lines]
	x = xs[-1]
	sys.exit(not eval("(" + sys.argv[2] + ")"))
	END
}

# terminal [EXPECT SEND]... -- COMMAND...: run it on a terminal of its own.
terminal()
{
	python3 "$here/terminal.py" "$@"
}

# new_identity NAME: make one without passphrase; prints its DID.
new_identity()
{
	"$DID_CLI" identity new --name "$1" --unencrypted 2>/dev/null
}

# free_port: print a TCP port of this machine that nobody uses now.
free_port()
{
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# start NAME ARGUMENT...: did-cli in the background, output in NAME.out and
# NAME.err, process id in NAME.pid.  Ctrl-C reaches it, which a shell would
# turn off for background jobs.
start()
{
	name=$1
	shift
	# At once, so that nobody who waits for a text finds that of the last.
	: >"$name.out"
	: >"$name.err"
	env --default-signal=INT "$DID_CLI" "$@" >"$name.out" 2>"$name.err" &
	echo $! >"$name.pid"
}

# finish CODE[|CODE...] NAME: what was started as NAME exits with one of these.
finish()
{
	code=0
	wait "$(cat "$2.pid")" || code=$?
	rm "$2.pid"
	cp "$2.out" "$dir/out"
	cp "$2.err" "$dir/err"
	case "|$1|" in
	*"|$code|"*) ;;
	*) fail "$2: exit code $code and not $1" ;;
	esac
}

# nothing_left PORT: nothing listens there, no file is left, and no program has
# begun, which would make the file `started`; finish has seen the process end.
nothing_left()
{
	python3 -c 'import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()' "$1" || fail 'the port is still in use'
	[ -z "$(find "$TMPDIR" -type f -o -type s)" ] || fail 'files left'
	[ ! -e started ] || fail 'the program was started'
}

# daemon_conf NAME PORT IDENTITY LINE...: the configuration NAME.conf of a daemon
# with its sockets in the directory NAME.
daemon_conf()
{
	[ -d "$1" ] || mkdir -m 700 "$1"
	conf=$1
	printf '%s\n' "listen = tcp://127.0.0.1:$2" \
		"control = $PWD/$1/control" "metrics = $PWD/$1/metrics" \
		"identity = $3" >"$conf.conf"
	shift 3
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$conf.conf"
}

# start_daemon NAME ARGUMENT...: sessiond with NAME.conf in the background, as
# start does, and wait until it is ready.
start_daemon()
{
	name=$1
	shift
	: >"$name.err"
	"$SESSIOND" --config "$name.conf" "$@" >"$name.out" 2>>"$name.err" &
	echo $! >"$name.pid"
	tries=0
	until grep -qF 'ready, control socket' "$name.err"; do
		kill -0 "$(cat "$name.pid")" 2>/dev/null || {
			cp "$name.err" "$dir/err"
			fail "$name ended"
		}
		tries=$((tries + 1))
		[ "$tries" -lt 1200 ] || fail "$name is never ready"
		sleep 0.05
	done
}

# stop_daemon NAME: end it gracefully.
stop_daemon()
{
	kill -TERM "$(cat "$1.pid")"
	finish 0 "$1"
}

# client SCRIPT: Python that uses control.py, on standard input.
client()
{
	PYTHONPATH=$here python3 - "$@" || fail 'a client'
}

# until_has FILE TEXT: wait until FILE has a line with this text.
until_has()
{
	tries=0
	until grep -qF -e "$2" "$1"; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] || fail "never came in $1: $2"
		sleep 0.05
	done
}

# shellcheck disable=SC1090
. "$test_script"
