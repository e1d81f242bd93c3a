# sessiond at work: many agreements on one port, many clients, programs that
# come and go, connections that break, and where the keys are.

a=$(new_identity alice)
b=$(new_identity bob)
pa=$(free_port)
pb=$(free_port)
proxy=$(free_port)
daemon_conf a "$pa" "$identities/alice.identity" "allow-party = $b" \
	'linger = 1h' 'max-sessions = 40' 'resume-timeout = 1h' 'log-level = debug'
daemon_conf b "$pb" "$identities/bob.identity" "allow-party = $a" \
	'linger = 1h' 'max-sessions = 40' 'resume-timeout = 1h' 'log-level = debug'
mkfifo cut
python3 "$here/proxy.py" "$proxy" "$pb" cut 2>proxy.err &
echo $! >proxy.pid
i=0
while [ $i -lt 21 ]; do
	run 0 agreement new --name "demo $i" --out "$i.json" \
		--party "$a,alice" --party "$b,bob,tcp://127.0.0.1:$proxy"
	i=$((i + 1))
done
start_daemon a
start_daemon b

claim '20 agreements at once on one port, over connections that are cut'
client <<'END'
from control import *
import time
a, b = Client("a/control"), Client("b/control")
began = time.monotonic()
pairs = [(a.open(f"{i}.json"), b.open(f"{i}.json")) for i in range(20)]
for s, t in pairs:
    a.ready(s)
    b.ready(t)
print(f"20 sessions ready in {time.monotonic() - began:.2f} s")
for round in range(4):
    for i, (s, t) in enumerate(pairs):
        a.call("send", s, 1, b"%d to b, %d" % (round, i))
        b.call("send", t, 0, b"%d to a, %d" % (round, i))
    if round < 3:
        with open("cut", "w") as f:
            f.write("now\n")
    for i, (s, t) in enumerate(pairs):
        assert b.call("recv", t, -1, 60000) == [0, b"%d to b, %d" % (round, i)]
        assert a.call("recv", s, 1, 60000) == [1, b"%d to a, %d" % (round, i)]
assert len(a.call("status", 0)[1]) == 20
resumes = sum(a.call("status", s)[1][0][10][1][8] for s, t in pairs)
print(resumes, "resumes")
assert resumes >= 20, resumes
# One ends, the others do not notice.
s, t = pairs[7]
w, v = a.ask("close", s, ""), b.ask("close", t, "")
assert a.answer(w) == [] and b.answer(v) == []
a.call("send", pairs[0][0], 1, b"still here")
assert b.call("recv", pairs[0][1], -1, 60000) == [0, b"still here"]
END
tcp=$(ss -Htlnp | grep "pid=$(cat b.pid)," | awk '{ print $4 }')
[ "$tcp" = "127.0.0.1:$pb" ] || fail "listens at $tcp"

claim 'the sessions outlive their clients, who find them again: 100 of them'
client <<'END'
from control import *
import time
opener = Client("a/control"), Client("b/control")
began = time.monotonic()
clients = []
for n in range(50):
    for side, c in enumerate((Client("a/control"), Client("b/control"))):
        s, me, n_parties, attached = c.call(
            "open", open(f"{n % 5}.json").read(), "", 0, 0, -1)
        assert attached and me == side and n_parties == 2
        clients.append((c, s))
# Everyone sends, and all is taken by somebody, once.
for n, (c, s) in enumerate(clients):
    c.ask("send", s, 1 - n % 2, b"%d" % n)
for c, s in clients:
    c.answer(c.id)
waits = [(c, c.ask("recv", s, -1, 60000)) for c, s in clients]
got = sorted(int(c.answer(i)[1]) for c, i in waits)
assert got == list(range(100)), got
print(f"100 clients in {time.monotonic() - began:.2f} s")
assert sum(s[7] for s in opener[0].call("status", 0)[1]) == 50
END

claim 'large messages, a full window, and one that is too large'
client <<'END'
from control import *
a, b = Client("a/control"), Client("b/control")
s, t = a.open("8.json"), b.open("8.json")
big = bytes(range(256)) * 32768  # 8 MiB, the largest
a.call("send", s, 1, big)
n = 1
try:
    while n < 20:
        a.call("send", s, 1, big)
        n += 1
    raise SystemExit("never full")
except Error as e:
    assert e.code == -3, e
for _ in range(n):
    assert b.call("recv", t, 0, 60000) == [0, big]
try:
    a.call("send", s, 1, big + b"x")
    raise SystemExit("taken")
except Error as e:
    assert e.code == -4, e
a.call("send", s, 1, b"")
assert b.call("recv", t, 0, 60000) == [0, b""]
END

claim 'requests that make no sense'
client <<'END'
from control import *
def refused(c, code, *q):
    try:
        c.call(*q)
        raise SystemExit(f"accepted: {q}")
    except Error as e:
        assert e.code == code, (q, e.code, e)
c = Client("a/control")
s = c.open("9.json")
refused(c, -13, "status", 4711)
refused(c, -11, "nonsense")
refused(c, -8, "open")  # and it is disconnected
c = Client("a/control")
refused(c, -4, "send", s, 0, b"to oneself")
refused(c, -4, "send", s, 7, b"to nobody")
refused(c, -4, "recv", s, 7, 0)
refused(c, -3, "recv", s, -1, 0)
refused(c, -4, "forward", s, 70000, 0, 0)
refused(c, -4, "receipt", s, -1)
refused(c, -4, "receipt", s, 2)
refused(c, -13, "receipt", s, 0)
accept, confirm, finished = c.call("receipt", s, 1)
assert accept[:12] == confirm[:12] == '{"payload":"' and len(finished) == 43
try:
    c.call("open", "{", "", 0, 0, -1)
    raise SystemExit("opened")
except Error as e:
    assert "not a valid agreement" in str(e), e
c.send_bytes(bytes([0x84, 2, 9, 0x60, 0]))  # version 2
try:
    c.answer(9)
    raise SystemExit("spoken")
except Error as e:
    assert e.code == -26, e
for junk in (b"", b"\xff", b"\x9f\x01\x02\xff", b"\x83\x01\x18\x01\x60"):
    c = Client("a/control")
    c.send_bytes(junk)
    try:
        c.next()
        assert c.replies[0][0] == -8, c.replies
        c.next()
        raise SystemExit("still connected")
    except ConnectionError:
        pass
END

claim 'connections of a program are forwarded'
client "$(cat a.pid)" "$pa" <<'END'
from control import *
import socket, subprocess, sys, threading
a, b = Client("a/control"), Client("b/control")
server = socket.create_server(("127.0.0.1", 0))
def echo():
    while True:
        c, _ = server.accept()
        while data := c.recv(65536):
            c.sendall(data)
        c.close()
threading.Thread(target=echo, daemon=True).start()
s, t = a.open("10.json"), b.open("10.json")
waiting = a.ask("recv", s, -1, 60000)
ports = a.call("forward", s, 0, 0, 0)[0]
assert ports[0] == 0 and ports[1] > 0, ports
try:
    a.answer(waiting)
    raise SystemExit("received")
except Error as e:
    assert e.code == -5, e
b.call("forward", t, server.getsockname()[1], 0, 0)
data = bytes(range(256)) * 4096
for _ in range(3):
    c = socket.create_connection(("127.0.0.1", ports[1]), 60)
    threading.Thread(target=lambda: (c.sendall(data),
                                     c.shutdown(socket.SHUT_WR))).start()
    back = b"".join(iter(lambda: c.recv(65536), b""))
    assert back == data, len(back)
try:
    a.call("send", s, 1, b"x")
    raise SystemExit("sent")
except Error as e:
    assert e.code == -5, e
assert a.call("status", s)[1][0][8] is True
# Whoever forwards listens at these ports besides, for this machine only.
listening = set()
for line in subprocess.run(["ss", "-Htulnp"], stdout=subprocess.PIPE,
                           text=True, check=True).stdout.splitlines():
    if f"pid={sys.argv[1]}," in line:
        listening.add(line.split()[0] + " " + line.split()[4])
assert listening == {"tcp 127.0.0.1:" + sys.argv[2],
                     f"tcp 127.0.0.1:{ports[1]}"}, listening
w, v = a.ask("close", s, ""), b.ask("close", t, "")
a.answer(w), b.answer(v)
END

claim "the keys are in the daemon's memory, never in the program's, nor in a log"
run 0 identity export alice --format seed --unencrypted --out seed
client "$(cat a.pid)" seed <<'END'
from control import *
import base64, os, subprocess, sys
from memory import holds
daemon, path = int(sys.argv[1]), sys.argv[2]
# The program: a process of its own, which does not know what to look for.
program = subprocess.Popen([sys.executable, "-c", """
from control import *
import sys
c = Client("a/control")
s = c.open("11.json")
c.ready(s)
c.call("send", s, 1, b"a message of the program")
c.call("recv", s, 1, 60000)
print("used", flush=True)
sys.stdin.read()
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
b = Client("b/control")
t = b.open("11.json")
b.ready(t)
b.call("send", t, 0, b"another one")
assert program.stdout.readline() == b"used\n"

seed = open(path, "rb").read()
assert len(seed) == 32, seed
forms = [seed, seed.hex().encode(), base64.b64encode(seed).rstrip(b"="),
         base64.urlsafe_b64encode(seed).rstrip(b"=")]

assert holds(program.pid, b"a message of the program")
for form in forms:
    assert not holds(program.pid, form), "a key in the program"
if os.getuid() == 0:
    assert holds(daemon, seed), "not where it should be: nothing was shown"
else:
    try:
        open(f"/proc/{daemon}/mem", "rb")
        sys.exit("the daemon can be read")
    except PermissionError:
        pass
for log in ("a.err", "b.err"):
    for form in forms[1:]:
        assert form not in open(log, "rb").read(), log
program.communicate()
END

claim 'a session whose program is gone ends after its time, and says so'
client <<'END'
from control import *
a, b = Client("a/control"), Client("b/control")
t = b.open("20.json")
b.call("events", t)
s = a.open("20.json", "", 0, 300)
a.ready(s)
a.close()
state, text = b.until(t, 0, (LOST,))
assert "its program is gone" in text, text
END

claim 'the end: every session is closed, none is left behind'
stop_daemon a
stop_daemon b
kill "$(cat proxy.pid)"
