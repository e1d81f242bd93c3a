# sessiond: its configuration, who may use it, and how it starts and ends.

a=$(new_identity alice)
b=$(new_identity bob)
alice=$identities/alice.identity
port=$(free_port)
daemon_conf x "$port" "$alice"

# daemon CODE ARGUMENT...: sessiond with the arguments exits with CODE.
daemon()
{
	wanted=$1
	shift
	code=0
	"$SESSIOND" "$@" >"$dir/out" 2>"$dir/err" || code=$?
	[ "$code" -eq "$wanted" ] ||
		fail "sessiond $*: exit code $code and not $wanted"
}

claim 'a configuration in order is said to be'
daemon 0 --config x.conf --check-config
out 'x.conf: in order: 1 identities, 1 addresses, 0 agreements and 0 parties allowed'
daemon 0 --help
out_has 'usage: sessiond'
daemon 0 --version
daemon 2 --nonsense
daemon 2 --log-level loud
daemon 2 x.conf

claim 'errors have the number of their line'
# bad TEXT LINE...: a configuration with these lines is refused with TEXT.
bad()
{
	text=$1
	shift
	daemon_conf bad "$port" "$alice" "$@"
	daemon 5 --config bad.conf --check-config
	err_has "bad.conf:$text"
}
bad "5: unknown key 'lisen'; did you mean 'listen'?" 'lisen = tcp://*:1'
bad "6: not a line 'key = value'" '# fine' 'listen'
bad '5: linger: no value' 'linger ='
bad "5: linger: '10 minutes' is not a time such as 500ms" 'linger = 10 minutes'
bad "5: 'control' stands twice" 'control = /run/x'
bad "5: 'metrics' stands twice" 'metrics = /run/x'
bad "5: log-level: 'loud' is none of" 'log-level = loud'
bad "6: passphrase-fd: the identity has a passphrase already" \
	'passphrase-file = /x' 'passphrase-fd = 3'
bad "5: allow-agreement: '1234' is not the hash" 'allow-agreement = 1234'
bad "6: 'allow-party = $b' stands twice" "allow-party = $b" "allow-party = $b"
bad '5: max-sessions: ' 'max-sessions = 0'
printf 'log-json = no\n' >none.conf
daemon 5 --config none.conf
err_has 'no identity is configured'
daemon 5 --config missing.conf
err_has "'missing.conf' cannot be read: No such file"

claim 'files that others can change or read are refused'
daemon_conf open "$port" "$alice"
chmod 622 open.conf
daemon 5 --config open.conf
err_has "'open.conf' can be changed by other users (mode 0622)"
chmod 600 open.conf
chmod 644 "$alice"
daemon 5 --config open.conf
err_has 'can be read by other users (mode 0644)'
chmod 600 "$alice"
echo secret >pass
daemon_conf open "$port" "$alice" "passphrase-file = $PWD/pass"
daemon 5 --config open.conf
err_has "pass' can be read by other users"
rm open.conf
daemon_conf open "$port" "$alice"
chmod 777 open
daemon 5 --config open.conf
err_has "open' can be written to by other users (mode 0777)"

chmod 700 open
mkdir -m 700 open/keys
cp "$alice" open/keys/
chmod 1777 open
daemon_conf open2 "$port" "$PWD/open/keys/alice.identity"
daemon 0 --config open2.conf --check-config
chmod 777 open
daemon 5 --config open2.conf --check-config
err_has "'$PWD/open' can be written to by other users (mode 0777)"
chmod 700 open
ln -s alice.identity open/keys/link
daemon_conf open3 "$port" "$PWD/open/keys/link"
daemon 5 --config open3.conf
err_has "link' is a symbolic link and is refused"

claim 'a passphrase by file, by descriptor, and as a credential'
printf 'correct horse\n' >pass
chmod 600 pass
"$DID_CLI" identity new --out sealed.identity --passphrase-file pass \
	>sealed.did 2>/dev/null
daemon_conf p "$port" "$PWD/sealed.identity" "passphrase-file = $PWD/pass"
start_daemon p
grep -q "identity $(cat sealed.did)" p.err || fail 'not opened'
stop_daemon p
daemon_conf p "$port" "$PWD/sealed.identity" 'passphrase-fd = 3'
start_daemon p 3<pass
stop_daemon p
daemon_conf p "$port" "$PWD/sealed.identity" 'passphrase-credential = pass'
CREDENTIALS_DIRECTORY=$PWD start_daemon p
stop_daemon p
daemon 5 --config p.conf
err_has 'cannot read the passphrase of'
printf 'wrong' >pass
daemon_conf p "$port" "$PWD/sealed.identity" "passphrase-file = $PWD/pass"
daemon 5 --config p.conf
err_has 'cannot open the identity'
if grep -q 'horse' ./*.err; then fail 'a passphrase in the log'; fi

claim 'it listens where the configuration says, and nowhere else'
start_daemon x
err_socket=$(ss -Hxlp 2>/dev/null | grep "pid=$(cat x.pid)," |
	awk '{ print $5 }' | LC_ALL=C sort | tr '\n' ' ')
[ "$err_socket" = "$PWD/x/control $PWD/x/metrics " ] ||
	fail "unix sockets: $err_socket"
tcp=$(ss -Htulnp | grep "pid=$(cat x.pid)," | awk '{ print $1, $5 }')
[ "$tcp" = "tcp 127.0.0.1:$port" ] || fail "ports: $tcp"
[ "$(stat -c %a x/control)" = 600 ] || fail 'mode of the socket'

claim 'nothing is allowed that the configuration does not name'
grep -q 'nothing is allowed' x.err || fail 'no warning'
run 0 agreement new --name demo --out demo.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"
hash=$(sed -n 's/.*, hash //p' "$dir/err" "$dir/out" | head -1)
client "$hash" <<'END'
import sys
from control import *
c = Client("x/control")
for did in ("", "did:key:z6MkmFvisLLjsyjzCx2RXbJeNHAkBpJPHxAR71VpX8EaAFjb"):
    try:
        c.open("demo.json", did)
        sys.exit("served")
    except Error as e:
        assert e.code == (-24 if did == "" else -34), e
        assert did or sys.argv[1] in str(e), e
assert c.call("status", 0)[1] == []
END

claim 'reloading: allowed now, and an error changes nothing'
echo 'allow-agreement = 12' >>x.conf
kill -HUP "$(cat x.pid)"
until_has x.err 'x.conf:5: allow-agreement'
sed -i '$d' x.conf
echo "allow-agreement = $hash" >>x.conf
kill -HUP "$(cat x.pid)"
until_has x.err 'configuration read again'
client <<'END'
from control import *
c = Client("x/control")
assert c.open("demo.json") == 1
END
run 0 status --control x/control
out_has "session 1 'demo' as party 0 $a: opening, "
out_has "  party 1 bob $b: "
run 0 status --control x/control --json 1
json "$dir/out" "x['session'] == 1 and x['party'] == 0 and
	x['agreement'] == '$hash' and len(x['parties']) == 2"
run 1 status --control x/control 7
err 'did-cli: error: no such session'
sed -i 's/^listen.*/listen = tcp:\/\/127.0.0.1:1/' x.conf
client <<'END'
from control import *
try:
    Client("x/control").call("reload")
    raise SystemExit("reloaded")
except Error as e:
    assert "without a restart" in str(e), e
END
sed -i "s/^listen.*/listen = tcp:\/\/127.0.0.1:$port/" x.conf

claim 'reloading: what is not allowed any more is ended, what else runs is not'
run 0 agreement new --name other --out other.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"
other=$(sed -n 's/.*, hash //p' "$dir/err" "$dir/out" | head -1)
echo "allow-agreement = $other" >>x.conf
client "$other" <<'END'
import sys
from control import *
c = Client("x/control")
kept = c.open("demo.json")
c.call("reload")
ended = c.open("other.json")
for s in (kept, ended):
    c.call("events", s)
assert c.call("status", kept)[1][0][5] == 0
lines = [l for l in open("x.conf") if sys.argv[1] not in l]
open("x.conf", "w").writelines(lines)
c.call("reload")
state, text = c.until(ended, -1, (FAILED,))
assert "does not allow this agreement any more" in text, text
try:
    c.call("forward", ended, 0, 0, 0)
    sys.exit("forwarded")
except Error as e:
    assert e.code == -5 and str(e) == text, (e.code, e)
assert c.call("status", kept)[1][0][5] == 0
try:
    c.open("other.json")
    sys.exit("served")
except Error as e:
    assert e.code == -24, e
END
until_has x.err 'ended: the configuration does not allow it any more'

claim 'metrics'
client <<'END'
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("x/metrics")
s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
assert text.startswith("HTTP/1.0 200 OK\r\n"), text
body = text.split("\r\n\r\n", 1)[1]
values = dict(l.rsplit(" ", 1) for l in body.splitlines() if l[0] != "#")
assert values["sessiond_sessions_opened_total"] == "2", values
assert values["sessiond_opens_refused_total"] == "2", values
assert "did:" not in body and "demo" not in body
END

claim 'a second daemon does not take the socket, a killed one leaves no trouble'
sed "s/:$port/:$(free_port)/" x.conf >y.conf
daemon 5 --config y.conf
err_has 'another sessiond serves'
kill -KILL "$(cat x.pid)"
finish 137 x
[ -S x/control ] || fail 'no stale socket to begin with'
start_daemon x
grep -q 'is of a daemon that was killed' x.err || fail 'not said'
run 0 status --control x/control
err 'did-cli: no sessions'
stop_daemon x
[ ! -e x/control ] || fail 'the socket is left'
: >x/control
daemon 5 --config x.conf
err_has 'is not a socket'
rm x/control
run 5 status --control x/control
err_has 'No such file or directory'

claim 'its readiness, its watchdog and its end are told to systemd'
client "$SESSIOND" <<'END'
import os, signal, socket, subprocess, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
s.settimeout(60)
p = subprocess.Popen(
    [sys.argv[1], "--config", "x.conf", "--log-json"], stderr=subprocess.PIPE,
    env={**os.environ, "NOTIFY_SOCKET": os.path.abspath("notify"),
         "WATCHDOG_USEC": "200000"})
assert s.recv(100) == b"READY=1"
assert s.recv(100) == b"WATCHDOG=1"
assert s.recv(100) == b"WATCHDOG=1"
p.send_signal(signal.SIGHUP)
seen = set()
while not {b"RELOADING=1", b"READY=1"} <= seen:
    seen.add(s.recv(100))
p.send_signal(signal.SIGTERM)
while s.recv(100) != b"STOPPING=1":
    pass
log = p.communicate(timeout=60)[1].decode().splitlines()
assert p.returncode == 0
import json
assert all({"time", "level", "text"} <= json.loads(l).keys() for l in log)
END

claim 'what is logged is of the level that was asked for, or graver'
daemon_conf l "$port" "$alice" 'log-level = error' "allow-agreement = $hash"
for level in '' warning info debug; do
	# Where the level is graver, nothing says that it is ready.  The option
	# counts for more than the configuration.
	JOURNAL_STREAM=1:1 "$SESSIOND" --config l.conf \
		${level:+--log-level "$level"} >l.out 2>l.err &
	echo $! >l.pid
	tries=0
	until "$DID_CLI" status --control l/control >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] || fail 'the daemon does not start'
		sleep 0.05
	done
	client <<-'END'
	from control import *
	c = Client("l/control")
	try:
	    c.open("other.json")
	    raise SystemExit("served")
	except Error as e:
	    assert e.code == -24, e
	c.call("close", c.open("demo.json"), "")
	END
	stop_daemon l
	! grep -v '^<[3467]>sessiond: ' l.err || fail 'no priority'
	[ "$level" != debug ] || cp l.err debug.err
	echo "$level $(cut -c 2 l.err | sort -u | tr -d '\n')"
done >levels
[ "$(tr '\n' ',' <levels)" = ' ,warning 4,info 46,debug 467,' ] ||
	fail "levels: $(cat levels debug.err)"
grep -q '^<4>sessiond: warning: ' debug.err || fail 'a warning does not say so'

claim 'another user of the machine cannot use it'
if [ "$(id -u)" -eq 0 ]; then
	start_daemon x
	# Even where the rights of the files would let it.
	chmod 711 "$dir" "$dir/work" x
	chmod 600 x.conf
	for mode in 600 666; do
		chmod "$mode" x/control
		client <<-'END'
		import os, socket, sys
		pid = os.fork()
		if pid > 0:
		    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
		    sys.exit(status)
		os.setgroups([])
		os.setgid(65534)
		os.setuid(65534)
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(60)
		try:
		    s.connect(os.path.abspath("x/control"))
		    s.sendall(b"\xff" + bytes(8) + b"\x7f")
		    sys.exit(s.recv(1) != b"")
		except (PermissionError, ConnectionError):
		    sys.exit(0)
		END
	done
	run 0 status --control x/control

	claim 'a configuration that cannot be read'
	client "$SESSIOND" <<-'END' 2>"$dir/err"
	import os, sys
	program = os.open(sys.argv[1], os.O_RDONLY)
	pid = os.fork()
	if pid > 0:
	    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 5)
	os.setgroups([])
	os.setgid(65534)
	os.setuid(65534)
	os.execve(program, ["sessiond", "--config", "x.conf"], os.environ)
	END
	err_has "'x.conf' cannot be read: Permission denied"
	stop_daemon x
fi
