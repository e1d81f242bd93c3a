# Memory of processes that hold an identity: it is in no core file, and where
# none may be locked all works the same.

a=$(new_identity alice)
b=$(new_identity bob)
run 0 agreement new --name demo --out a.json \
	--party "$a,alice,tcp://127.0.0.1:$(free_port)" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"

cat >dies.py <<'END'
# dies.py TEXT COMMAND...: start it with core files allowed as far as they can
# be, kill it once its standard error has TEXT, and print its own limit of core
# files and whether the kernel wrote one.
import os, resource, signal, subprocess, sys
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
text, command = sys.argv[1].encode(), sys.argv[2:]
p = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
for line in p.stderr:
    if text in line:
        break
else:
    sys.exit(f"ended without '{text.decode()}'")
with open(f"/proc/{p.pid}/limits") as f:
    limit = [x.split()[4] for x in f if x.startswith("Max core file size")][0]
os.kill(p.pid, signal.SIGSYS)
status = os.waitpid(p.pid, 0)[1]
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS
print("limit", limit, "core", "yes" if os.WCOREDUMP(status) else "no")
END

# dies TEXT COMMAND...: like this, into $died
dies()
{
	died=$(python3 dies.py "$@") || fail "$*"
}

claim 'a process without secrets leaves a core file, where the system has them'
dies ready sh -c 'echo ready >&2; while :; do :; done'
echo "another program: $died"

claim 'did-cli leaves none'
dies 'waiting for bob' "$DID_CLI" ping a.json --identity alice --timeout 60
[ "$died" = 'limit 0 core no' ] || fail "did-cli ping: $died"

claim 'sessiond leaves none'
daemon_conf x "$(free_port)" "$identities/alice.identity"
dies 'ready, control socket' "$SESSIOND" --config x.conf
[ "$died" = 'limit 0 core no' ] || fail "sessiond: $died"

claim 'a program that did-cli starts has the limit that its user gave'
run 0 agreement new --name demo --out run.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"
given=$(python3 -c 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))')
for p in alice bob; do
	start $p run run.json --identity $p -- \
		python3 -c 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))'
done
finish 0 bob
finish 0 alice
out_has "$given"

# A user that may lock no memory.  Root may always, but for the capability.
printf '#!/bin/sh\n' >none-locked
cat >>none-locked <<'END'
program=$1
shift
if [ "$(id -u)" -eq 0 ] && [ -z "$PARLEY_TEST_DROPPED" ] &&
    setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock true 2>/dev/null; then
	PARLEY_TEST_DROPPED=1 exec setpriv --bounding-set -ipc_lock \
	    --inh-caps -ipc_lock "$0" "$program" "$@"
fi
ulimit -l 0
exec "$program" "$@"
END
for name in did_cli sessiond python3; do
	case $name in
	did_cli) program=$DID_CLI ;;
	sessiond) program=$SESSIOND ;;
	*) program=$name ;;
	esac
	printf '#!/bin/sh\nexec "%s/none-locked" "%s" "$@"\n' "$PWD" \
		"$program" >"none-locked-$name"
done
chmod 755 none-locked*

# locked NAME: kilobytes that the process NAME.pid has locked
locked()
{
	sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' \
		"/proc/$(cat "$1.pid")/status"
}

claim 'secrets are locked in memory, where the limit allows'
start alice ping a.json --identity alice --timeout 60
until_has alice.err 'waiting for bob'
lock=$(locked alice)
# AddressSanitizer makes mlock() do nothing.
# shellcheck disable=SC3045 # dash and bash have it
[ "$lock" -gt 0 ] || [ "$(ulimit -l)" = 0 ] ||
	grep -qs __asan_init "$DID_CLI" || fail 'nothing is locked'
kill -INT "$(cat alice.pid)"
finish 130 alice

claim 'where it allows nothing, nothing is locked and nothing is said'
DID_CLI=$PWD/none-locked-did_cli
SESSIOND=$PWD/none-locked-sessiond
./none-locked-python3 - <<'END' || fail 'memory can be locked here all the same'
import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
page = ctypes.create_string_buffer(mmap.PAGESIZE)
assert libc.mlock(page, mmap.PAGESIZE) != 0
END
for type in ed25519 p256; do
	run 0 identity new --name $type --type $type --unencrypted
	new=$(cat "$dir/out")
	run 0 identity show $type
	out_has "$new"
done
printf 'correct horse\n' >pass
chmod 600 pass
run 0 identity new --name sealed --passphrase-file pass
run 0 identity export sealed --out sealed.jwk --passphrase-file pass \
	--unencrypted

claim 'envelopes are made and opened'
printf '{"id":"1","type":"https://didcomm.org/empty/1.0/empty","body":{}}\n' \
	>message
run 0 pack message --from alice --to "$b"
cp "$dir/out" envelope
run 0 unpack envelope --identity bob
err_has "sent by $a"

claim 'parties meet'
start alice ping a.json --identity alice --count 1 --timeout 60
until_has alice.err 'waiting for bob'
[ "$(locked alice)" = 0 ] || fail "$(locked alice) kB are locked"
start bob ping a.json --identity bob --count 1 --timeout 60
finish 0 alice
finish 0 bob
out_has '1 of 1 answered'

claim 'a daemon holds an identity and its sessions'
start_daemon x
[ "$(locked x)" = 0 ] || fail "$(locked x) kB are locked"
! grep -qi 'lock\|memory' x.err || fail "said: $(cat x.err)"
stop_daemon x
