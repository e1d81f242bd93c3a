#!/bin/sh
# MPyC, unmodified, through did-cli run: the same results as over plain TCP,
# also when every connection is cut again and again.
#
#   sh tests/interop/mpyc.sh BUILD [DEMOS]
#
# BUILD is a directory in which meson has built the project.  pip installs MPyC
# into BUILD/interop-mpyc/venv, nothing into the tree; with VENV set, that
# virtual environment is used as it is.  DEMOS is the directory demos/ of a
# source tree of MPyC: then these are run as well, which takes long.
#
# Prints one line per case and a total.  Exit codes: 0 all cases as expected, 1
# a case failed, 2 usage or something is missing.
set -eu

die()
{
	echo "mpyc.sh: error: $1" >&2
	exit 2
}

[ $# -ge 1 ] && [ $# -le 2 ] || die 'usage: sh tests/interop/mpyc.sh BUILD [DEMOS]'
[ -x "$1/cli/did-cli" ] || die "no cli/did-cli in '$1'; build first"
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)/mpyc
demos=
[ $# -lt 2 ] || demos=$(cd "$2" && pwd)
cli=$build/cli/did-cli
base=$build/interop-mpyc
mkdir -p "$base"
venv=${VENV:-$base/venv}
if [ -z "${VENV:-}" ]; then
	[ -x "$venv/bin/python3" ] || python3 -m venv "$venv" ||
		die 'no virtual environment; is python3-venv installed?'
	"$venv/bin/python3" -m pip install --quiet \
		--disable-pip-version-check -r "$here/requirements.txt" ||
		die 'pip could not install the packages'
fi
python=$venv/bin/python3

work=$(mktemp -d "$base/work.XXXXXX")
clean_up()
{
	for pid in "$work"/*.pid; do
		[ ! -e "$pid" ] || kill -TERM "$(cat "$pid")" 2>/dev/null || :
	done
	wait
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
cd "$work"
XDG_DATA_HOME=$work/home
export XDG_DATA_HOME PYTHONDONTWRITEBYTECODE=1
passed=0
failed=0

ok()
{
	echo "ok: $1"
	passed=$((passed + 1))
}

not_ok()
{
	echo "FAILED: $1"
	failed=$((failed + 1))
	tail -n 5 ./*.out ./*.err 2>/dev/null | sed 's/^/    /'
}

# expect NAME COMMAND...: the command succeeds
expect()
{
	name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name"; fi
}

# ports N: so many that nobody uses now
ports()
{
	python3 -c 'import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))' "$1"
}

# word N WORD...: the Nth one, from 0
word()
{
	shift $(($1 + 1))
	echo "$1"
}

for i in 0 1 2 3 4 5 6; do
	"$cli" identity new --name p$i --unencrypted >p$i.did 2>/dev/null
done

# agree M PORTS PROGRAM...: parties 0 to M-1, dialled at these ports
agree()
{
	n=$1
	at=$2
	shift 2
	rm -f a.json [0-9].out [0-9].err
	list=
	i=0
	for port in $at; do
		list="$list --party $(cat p$i.did),p$i,tcp://127.0.0.1:$port"
		i=$((i + 1))
	done
	[ "$i" -eq "$n" ] || die "$n parties and $i ports"
	# shellcheck disable=SC2086 # words
	"$cli" agreement new --name test --out a.json --preset mpyc $list \
		-- "$python" "$@" 2>agree.err || die "$(cat agree.err)"
}

# begin I OPTIONS PROGRAM...: party I, in the background
begin()
{
	i=$1
	options=$2
	shift 2
	# shellcheck disable=SC2086 # words
	"$cli" run a.json --identity "p$i" --timeout 60 $options \
		-- "$python" "$@" >"$i.out" 2>"$i.err" &
	echo $! >"$i.pid"
}

# finish I: its exit code to code
finish()
{
	code=0
	wait "$(cat "$1.pid")" || code=$?
	rm "$1.pid"
}

# What a program prints, without MPyC's own lines and what shows progress.
result()
{
	tr '\r' '\n' <"$1" | sed 's/Progress \.\.\. *[0-9]*%//g' |
		grep -v -e '^20[0-9-]* [0-9:,]* ' -e '^$' || :
}

# plain M PROGRAM...: over plain TCP; party 0's output to plain.out
plain()
{
	n=$1
	shift
	# shellcheck disable=SC2046 # words
	set -- $(ports "$n") -- "$@"
	list=
	while [ "$1" != -- ]; do
		list="$list -P 127.0.0.1:$1"
		shift
	done
	shift
	i=$n
	while [ $((i -= 1)) -gt 0 ]; do
		# shellcheck disable=SC2086 # words
		timeout 600 "$python" "$@" $list -I"$i" >/dev/null 2>&1 &
		echo $! >"plain$i.pid"
	done
	# shellcheck disable=SC2086 # words
	timeout 600 "$python" "$@" $list -I0 >plain.out 2>plain.err || return 1
	i=$n
	while [ $((i -= 1)) -gt 0 ]; do
		finish "plain$i"
	done
}

# forwarded M OPTIONS PROGRAM...: every party ends well, with plain.out
forwarded()
{
	n=$1
	more=$2
	shift 2
	agree "$n" "$(ports "$n")" "$@"
	i=$n
	while [ $((i -= 1)) -ge 0 ]; do
		begin "$i" "$more" "$@"
	done
	all_well "$n"
}

all_well()
{
	well=0
	i=$1
	while [ $((i -= 1)) -ge 0 ]; do
		finish "$i"
		[ "$code" -eq 0 ] || well=1
	done
	result plain.out >wanted
	result 0.out | cmp -s - wanted || well=1
	return $well
}

# same M PROGRAM...: the results of both ways
same()
{
	plain "$@" || return 1
	n=$1
	shift
	forwarded "$n" '' "$@"
}

# cutter COUNTS BYTES [PAUSE] ROUTES: in the background
cutter()
{
	# shellcheck disable=SC2048,SC2086 # words
	python3 "$here/cutter.py" $* >cutter.ready 2>cutter.err &
	echo $! >cutter.pid
	tries=0
	until [ -s cutter.ready ]; do
		[ $((tries += 1)) -lt 600 ] || die 'the proxy does not begin'
		sleep 0.1
	done
}

end_cutter()
{
	kill -TERM "$(cat cutter.pid)"
	wait "$(cat cutter.pid)" || :
	rm cutter.pid cutter.ready
}

# through CUTTING OPTIONS PROGRAM...: three parties, connections through the
# proxy; plain.out has the result
through()
{
	cutting=$1
	more=$2
	shift 2
	# shellcheck disable=SC2046 # words
	set -- $(ports 6) "$@"
	a=$1 b=$2 c=$3 d=$4 e=$5 f=$6
	shift 6
	cutter counts "$cutting" "$a:$d" "$b:$e" "$c:$f"
	agree 3 "$a $b $c" "$@"
	touch 0.err 1.err 2.err
	begin 2 "--listen tcp://127.0.0.1:$f $more" "$@"
	begin 1 "--listen tcp://127.0.0.1:$e $more" "$@"
	begin 0 "--listen tcp://127.0.0.1:$d $more" "$@"
	tries=0
	until [ "$(cat 0.err 1.err 2.err |
		grep -c 'parties are here')" -eq 3 ]; do
		[ $((tries += 1)) -lt 600 ] || break
		sleep 0.1
	done
	kill -USR1 "$(cat cutter.pid)"
	all_well 3 && status=0 || status=1
	end_cutter
	return $status
}

# Party 0 is dialled by nobody: routes 1 and 2 carry all three connections,
# route 2 two of them.
cut_often()
{
	bytes=$1
	shift
	through "$bytes" '' "$@" || return 1
	read -r _ one two <counts
	echo "    cut $one times, and two connections together $two times"
	[ "$one" -ge 50 ] && [ "$two" -ge 100 ]
}

# plain_is_cut BYTES PROGRAM...: what plain MPyC makes of it
plain_is_cut()
{
	bytes=$1
	shift
	# shellcheck disable=SC2046 # words
	set -- $(ports 6) "$@"
	a=$1 b=$2 c=$3 d=$4 e=$5 f=$6
	shift 6
	cutter counts "$bytes" "$a:$d" "$b:$e" "$c:$f"
	kill -USR1 "$(cat cutter.pid)"
	timeout 20 "$python" "$@" -P "127.0.0.1:$a" -P "127.0.0.1:$b" \
		-P "127.0.0.1:$f" -I2 >/dev/null 2>&1 &
	echo $! >plain2.pid
	timeout 20 "$python" "$@" -P "127.0.0.1:$a" -P "127.0.0.1:$e" \
		-P "127.0.0.1:$c" -I1 >/dev/null 2>&1 &
	echo $! >plain1.pid
	code=0
	timeout 20 "$python" "$@" -P "127.0.0.1:$d" -P "127.0.0.1:$b" \
		-P "127.0.0.1:$c" -I0 >0.out 2>0.err || code=$?
	status=$code
	finish plain1
	finish plain2
	end_cutter
	[ "$status" -ne 0 ]
}

# killed: party 2 is, in the middle; the others say so
killed()
{
	set -- "$here/rounds.py" 4 600
	agree 3 "$(ports 3)" "$@"
	for i in 0 1 2; do
		begin "$i" '--lost-after 4' "$@"
	done
	tries=0
	until grep -q '^pairs' 0.out; do
		[ $((tries += 1)) -lt 600 ] || return 1
		sleep 0.1
	done
	began=$(date +%s)
	kill -KILL "$(cat 2.pid)"
	for i in 0 1; do
		finish "$i"
		[ "$code" -eq 124 ] || return 1
		grep -q "error: party 2 'p2' ($(cat p2.did)): lost: " "$i.err" ||
			return 1
	done
	finish 2
	echo "    named after $(($(date +%s) - began)) s"
	[ $(($(date +%s) - began)) -le 30 ]
}

for m in 2 3 5; do
	expect "$m parties: the same results as over plain TCP" \
		same $m "$here/rounds.py" 4
done
expect 'workers: the same results' same 3 "$here/rounds.py" 4 -W2
plain 3 "$here/rounds.py" 12
expect 'every connection is cut 50 times: the same results' \
	cut_often 2500 "$here/rounds.py" 12
expect 'and plain MPyC fails by that' plain_is_cut 2500 "$here/rounds.py" 12
plain 3 "$here/rounds.py" 8 3
expect '--on-lost wait: connections are broken for 3 s: the same results' \
	through '0 1' '--on-lost wait' "$here/rounds.py" 8 3
expect 'a party is killed: the others end, and name it' killed

# demo PARTIES FILE WORD...: seeded, because some draw lots
demo()
{
	m=$1
	file=$demos/$2
	shift 2
	[ -e "$file" ] || die "there is no '$file'"
	expect "${file##*/} $*, $m parties" \
		same "$m" "$here/seeded.py" "$file" "$@"
}

if [ "$demos" ]; then
	ln -s "$demos/data" data # they look for it where they are run
	for m in 2 3 5 7; do
		demo $m secretsanta.py 4
		demo $m elgamal.py
	done
	plain 3 "$here/seeded.py" "$demos/secretsanta.py" 6
	expect 'secretsanta.py 6, every connection is cut 50 times' \
		cut_often 2500 "$here/seeded.py" "$demos/secretsanta.py" 6
	demo 3 id3gini.py
	demo 3 kmsurvival.py
	demo 3 np_bnnmnist.py -b 1 -o 0
	demo 3 np_cnnmnist.py 1 0
	demo 3 secretsanta.py 4 -W2
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
