#!/bin/sh
# The main job: three hospitals, three processes, one joint result, and the
# same figures in the clear as proof.  All that is made here lies in one
# temporary directory, which is removed at the end and on Ctrl-C.
#
# usage: sh examples/joint-stats.sh BUILD_DIR
#
# Exit codes: 0 done and equal, 1 failed or different, 2 usage, 130 interrupted.
set -eu

examples=$(dirname "$0")
names='north east south'
limit=60 # seconds that a party may take

if [ $# -ne 1 ]; then
	echo 'usage: sh examples/joint-stats.sh BUILD_DIR' >&2
	exit 2
fi
did_cli=$1/cli/did-cli
joint_stats=$1/examples/joint-stats
for program in "$did_cli" "$joint_stats"; do
	[ -x "$program" ] || {
		echo "joint-stats.sh: there is no '$program'; build first" >&2
		exit 1
	}
done
command -v python3 >/dev/null || {
	echo 'joint-stats.sh: python3 is needed for the figures in the clear' >&2
	exit 1
}

if [ -t 1 ]; then
	bold=$(printf '\033[1m') green=$(printf '\033[32m')
	plain=$(printf '\033[0m')
else
	bold='' green='' plain=''
fi

title()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

pids=
starting=
dir=

# The last one may have begun, and ignore Ctrl-C still, before it is in ${pids}.
# ALRM, which a party takes for Ctrl-C: until it is a party it is a copy of this
# shell, which would catch TERM and forget it.
clean()
{
	for pid in $pids ${starting:+${!:-}}; do
		kill -ALRM "$pid" 2>/dev/null || :
	done
	wait
	[ -z "$dir" ] || rm -rf "$dir"
}

trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

umask 077
dir=$(mktemp -d "${TMPDIR:-/tmp}/joint-stats.XXXXXX")

printf '%s\n' \
	'' \
	'Three hospitals ask: what is the mean systolic blood pressure of all our' \
	'patients, and how far does it spread?  None may show its rows, nor its' \
	'sums, to another.  (Data, patients and hospitals are synthetic.)'

title '1  Each makes a key.  Its public half is its name: a DID.'
parties=
for name in $names; do
	did=$("$did_cli" identity new --unencrypted \
		--out "$dir/$name.identity" 2>"$dir/log") || {
		cat "$dir/log" >&2
		exit 1
	}
	printf '   %-6s %s\n' "$name" "$did"
	parties="$parties $name=$did"
done

title '2  They agree on who takes part, and on what is computed.'
ports=$(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*[s.getsockname()[1] for s in sockets])')
set -- --name 'Blood pressure at three hospitals' \
	--program joint-stats --program-file "$joint_stats" \
	--parameter column=systolic --parameter decimals=1 \
	--threshold 1 --out "$dir/agreement.json"
for party in $parties; do
	port=${ports%% *}
	ports=${ports#* }
	set -- "$@" --party "${party#*=},${party%%=*},tcp://127.0.0.1:$port"
done
"$did_cli" agreement new "$@" 2>"$dir/log" || {
	cat "$dir/log" >&2
	exit 1
}
printf '   %-10s %s\n' \
	program joint-stats \
	column 'systolic, with 1 decimal' \
	threshold '1: only two who pool what they get could see the sums of one'

title '3  Each starts its own process, with its own key and its own file.'
starting=yes
for name in $names; do
	"$joint_stats" --agreement "$dir/agreement.json" \
		--identity "$dir/$name.identity" \
		--csv "$examples/data/$name.csv" --json --timeout "$limit" \
		>"$dir/$name.json" 2>"$dir/$name.log" &
	pids="$pids $!"
	rows=$(wc -l <"$examples/data/$name.csv")
	printf '   %-6s process %-8s %s rows of its own\n' "$name" "$!" \
		$((rows - 1))
done

status=0
for pid in $pids; do
	wait "$pid" || status=1
done
pids=
starting=
if [ "$status" -ne 0 ]; then
	printf '\nA party failed.  What they said:\n\n' >&2
	for name in $names; do
		sed "s/^/   $name: /" "$dir/$name.log" >&2
	done
	exit 1
fi

title '4  Each has authenticated the others, and only they can read along.'
for name in $names; do
	python3 "$examples/clear-stats.py" --parties "$dir/$name.json"
done

title '5  All have the same result.  Beside it: the same figures in the clear.'
for name in $names; do
	set -- --column systolic --decimals 1
	for file in $names; do
		set -- "$@" "$examples/data/$file.csv"
	done
	python3 "$examples/clear-stats.py" --beside "$dir/$name.json" "$@" \
		>"$dir/$name.txt" || status=1
done
cat "$dir/north.txt"
for name in $names; do
	cmp -s "$dir/north.txt" "$dir/$name.txt" || status=1
done
if [ "$status" -ne 0 ]; then
	printf '\nThe figures differ; what each party got:\n' >&2
	for name in $names; do
		printf '\n%s\n' "$name" >&2
		cat "$dir/$name.txt" >&2
	done
	exit 1
fi
printf '\n%sEqual in every digit, at every party.%s\n' "$green" "$plain"
