# sessiond when things go wrong: killed, restarted while sessions are
# interrupted, a full disk, a log that nobody reads, clients that misbehave.

a=$(new_identity alice)
b=$(new_identity bob)
pa=$(free_port)
pb=$(free_port)
daemon_conf a "$pa" "$identities/alice.identity" "allow-party = $b" \
	'stop-timeout = 1s' 'liveness = 5s' 'resume-timeout = 1h'
daemon_conf b "$pb" "$identities/bob.identity" "allow-party = $a" \
	'stop-timeout = 1s' 'liveness = 5s' 'resume-timeout = 1h'
for i in 0 1 2 3 4; do
	run 0 agreement new --name "demo $i" --out "$i.json" \
		--party "$a,alice,tcp://127.0.0.1:$pa" \
		--party "$b,bob,tcp://127.0.0.1:$pb"
done

# talk: all five sessions are opened, or found, and used.
talk()
{
	client <<-'END'
	from control import *
	a, b = Client("a/control"), Client("b/control")
	pairs = [(a.open(f"{i}.json", "", 30000), b.open(f"{i}.json", "", 30000))
	         for i in range(5)]
	for s, t in pairs:
	    a.ready(s)
	    b.ready(t)
	    a.call("send", s, 1, b"hello")
	    assert b.call("recv", t, 0, 60000) == [0, b"hello"]
	END
}

claim 'a daemon is killed; the other one notices, and is restarted meanwhile'
start_daemon a
start_daemon b
talk
kill -KILL "$(cat b.pid)"
finish 137 b
for i in 1 2 3 4 5; do
	until_has a.err "session $i: party 1 bob $b: interrupted"
done
run 0 status --control a/control
[ "$(grep -c "  party 1 bob $b: interrupted" "$dir/out")" -eq 5 ] ||
	fail 'not every session is interrupted'
began=$(date +%s)
stop_daemon a
[ $(($(date +%s) - began)) -le 20 ] || fail 'stopping took too long'
until_has a.err 'stopping, 5 sessions'

claim 'both begin anew under the same agreements'
start_daemon a
start_daemon b
grep -q 'is of a daemon that was killed' b.err || fail 'not said'
talk

claim 'one that is stopped lets the others know at once'
stop_daemon b
until_has a.err "session 5: party 1 bob $b: closed"
start_daemon b

claim 'a program may open again what the other side has left'
client <<'END'
from control import *
a, b = Client("a/control"), Client("b/control")
s = a.open("0.json")
assert a.call("status", s)[1][0][10][1][2] == P_CLOSED
a.call("close", s, "")
s, t = a.open("0.json"), b.open("0.json")
a.ready(s)
b.ready(t)
a.call("close", s, "enough of this")
b.call("events", t)
state, text = b.until(t, 0, (LOST,))
assert "enough of this" in text, text
END
stop_daemon a
stop_daemon b

claim 'a full disk: what runs goes on without a log'
for d in a b; do
	"$SESSIOND" --config $d.conf >/dev/null 2>/dev/full &
	echo $! >$d.pid
	tries=0
	until "$DID_CLI" status --control $d/control >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] || fail "$d does not start"
		sleep 0.05
	done
	: >$d.out
	: >$d.err
done
talk
stop_daemon a
stop_daemon b

claim 'nobody reads the log any more'
client "$SESSIOND" <<'END'
from control import *
import os, signal, subprocess, sys
out, log = os.pipe()
p = subprocess.Popen([sys.argv[1], "--config", "a.conf", "--log-level", "debug"],
                     stderr=log)
os.close(log)
assert os.read(out, 1)
os.close(out)
limit = time.monotonic() + LIMIT
while not os.path.exists("a/control"):
    assert p.poll() is None and time.monotonic() < limit
    time.sleep(0.01)
c = Client("a/control")
c.call("close", c.open("0.json"), "a line for the log")
p.send_signal(signal.SIGTERM)
assert p.wait(LIMIT) == 0, p.returncode
END

claim 'where no file can be made, a daemon says so and does not start'
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	mkdir full
	sed "s,$PWD/a/,$PWD/full/," a.conf >full.conf
	code=0
	unshare -m sh -c '
		mount -t tmpfs -o size=16k,nr_inodes=2,mode=700 none full
		: >full/one
		exec "$1" --config full.conf' sh "$SESSIOND" \
		>"$dir/out" 2>"$dir/err" || code=$?
	[ "$code" -eq 5 ] || fail "exit code $code and not 5"
	err_has "cannot open '$PWD/full/control.lock': No space left"
fi

claim 'many clients that ask for nothing do not keep others out'
start_daemon a
client <<'END'
from control import *
import resource, socket
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
idle = []
try:
    for _ in range(min(1500, soft - 64)):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(LIMIT)
        s.connect("a/control")
        idle.append(s)
except OSError:
    pass
c = Client("a/control")
assert c.call("status", 0)[1] == []
END
stop_daemon a

claim 'a close that is refused has not happened'
start_daemon a
start_daemon b
client <<'END'
from control import *
a, b = Client("a/control"), Client("b/control")
s, t = a.open("1.json"), b.open("1.json")
a.ready(s)
b.ready(t)
for _ in range(64):
    a.ask("recv", s, 1, 60000)
try:
    a.call("close", s, "")
except Error as e:
    assert "too many" in str(e), e
else:
    assert False, "one more may wait"
assert b.call("send", t, 0, b"x") == []
assert a.call("status", s)[1][0][5] == 1, "not ready any more"
END
stop_daemon a
stop_daemon b

claim 'a client that takes no replies is disconnected, and nobody else'
start_daemon a
start_daemon b
client <<'END'
from control import *
a, b = Client("a/control"), Client("b/control")
s, t = a.open("1.json"), b.open("1.json")
a.ready(s)
b.ready(t)
lazy = Client("a/control")
big = bytes(4 << 20)
def lazy_is_there():
    return a.call("status", s)[1][0][7] == 2
def send():
    """As soon as there is room; none is left once nobody takes."""
    while lazy_is_there():
        try:
            return b.call("send", t, 0, big)
        except Error as e:
            assert e.code == -3, e
for n in range(40):
    lazy.ask("recv", s, 1, 60000)
    send()
    if not lazy_is_there():
        break
assert n >= 8 and not lazy_is_there(), n
END
grep -q 'does not take its replies' a.err || fail 'not disconnected'
stop_daemon a
stop_daemon b
