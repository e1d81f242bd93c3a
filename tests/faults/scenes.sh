#!/bin/sh
# Scenes of harm, each in three network namespaces of its own (scenes.c says
# which and what is expected).  All at the same time: about ten seconds.
#
#   scenes.sh BUILD [SCENE...]      as root, or where users may make namespaces
#
# Exit codes: 0 as expected, 1 not, 77 no namespaces here (root: 1).
set -eu
build=${1:?scenes.sh BUILD [SCENE...]}
shift
program=$build/tests/faults/scenes
[ -x "$program" ] || { echo "scenes: error: no $program" >&2; exit 1; }

if [ "$(id -u)" -ne 0 ]; then
	if unshare --map-root-user --net --mount true 2>/dev/null; then
		PARLEY_SCENES_OWN=1 exec unshare --map-root-user --net \
		    --mount sh "$0" "$build" "$@"
	fi
	echo 'scenes: cannot make namespaces without root' >&2
	exit 77
fi

# Where we are root of a namespace only, /run is not ours to write.
[ -z "${PARLEY_SCENES_OWN-}" ] || mount -t tmpfs none /run

[ $# -gt 0 ] || set -- kill stop cable power gone disk slow
dir=$(mktemp -d)
made=
pids=

# shellcheck disable=SC2317 # called by trap
clean()
{
	trap - EXIT INT TERM
	# Parties end with their scene, which ends here.
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	for ns in $made; do
		ip netns delete "$ns" 2>/dev/null || :
	done
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

new()
{
	if ! ip netns add "$1" 2>"$dir/why"; then
		echo "scenes: error: cannot make namespaces: $(cat "$dir/why")" >&2
		exit 1
	fi
	made="$made $1"
	ip -n "$1" link set lo up
}

# A hub with a bridge, and three namespaces at it: 10.9.0.1 to 10.9.0.3.
net()
{
	new "$1-hub"
	ip -n "$1-hub" link add br0 type bridge
	ip -n "$1-hub" link set br0 up
	for i in 1 2 3; do
		new "$1-$i"
		ip -n "$1-$i" link add eth0 type veth peer name "p$i" \
		    netns "$1-hub"
		ip -n "$1-$i" address add "10.9.0.$i/24" dev eth0
		ip -n "$1-$i" link set eth0 up
		ip -n "$1-hub" link set "p$i" master br0 up
	done
}

for scene; do
	name=parley-$$-$scene
	net "$name"
	"$program" "$scene" "$name-1" 10.9.0.1 "$name-2" 10.9.0.2 "$name-3" \
	    10.9.0.3 >"$dir/$scene.out" 2>&1 &
	pids="$pids $!"
done

failed=0
for pid in $pids; do
	wait "$pid" || failed=1
done
pids=
for scene; do
	cat "$dir/$scene.out"
done
exit $failed
