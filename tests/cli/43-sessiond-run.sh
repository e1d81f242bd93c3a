# did-cli run --daemon: the program knows nothing, did-cli has no key.

a=$(new_identity alice)
b=$(new_identity bob)
c=$(new_identity carol)
cp "$here/run/echo.py" .
pa=$(free_port)
pb=$(free_port)
daemon_conf a "$pa" "$identities/alice.identity" "allow-party = $b" \
	"allow-party = $c" 'liveness = 4s' 'resume-timeout = 0s'
daemon_conf b "$pb" "$identities/bob.identity" "allow-party = $a" \
	"allow-party = $c" 'liveness = 4s' 'resume-timeout = 0s'
program='python3 echo.py {index} {parties} {port} {address:0} 3000000'
# shellcheck disable=SC2086 # words
run 0 agreement new --name demo --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$pb" \
	--party "$c,carol,tcp://127.0.0.1:$(free_port)" -- $program

claim 'without a daemon it says so, and starts nothing'
run 125 run a.json --daemon --control a/control -- touch started
err_has "cannot use the sessiond at 'a/control'"
[ ! -e started ] || fail 'started'
run 125 run a.json --control a/control -- touch started
err_has '--control is for --daemon'
while read -r option value key; do
	run 125 run a.json --daemon "$option" "$value" -- touch started
	err_has "$option does not go with --daemon"
	err_has "'$key' in sessiond(8)"
done <<'END'
--lost-after 3 liveness
--listen tcp://127.0.0.1:1 listen
--passphrase-file x passphrase-file
--passphrase-fd 3 passphrase-fd
END
[ ! -e started ] || fail 'started'
start_daemon a
start_daemon b

claim 'two parties with daemons and one without compute together'
# shellcheck disable=SC2086 # words
{
	start alice run a.json --daemon --control a/control --timeout 60 \
		--receipts receipts -- $program
	start bob run a.json --daemon --control b/control --timeout 60 \
		--identity bob -- $program
	start carol run a.json --identity carol --timeout 60 -- $program
}
finish 0 bob
out 'answer 3000000'
finish 0 carol
out 'answer 3000000'
finish 0 alice
out 'all answered'
err_has "opening 'demo' as party 0 alice $a"
err_has 'all 3 parties are here, starting python3'
run 0 status --control a/control
err 'did-cli: no sessions'

claim 'the daemon keeps what was signed, and did-cli writes the receipts'
run 0 receipt verify receipts/* --agreement a.json
[ "$(grep -c 'Z party 0 alice ' "$dir/out")" -eq 2 ] || fail 'not all'
for p in "party 1 bob $b" "party 2 carol $c"; do
	out_has " $p agreed to "
done
: >no-directory
# shellcheck disable=SC2086 # words
{
	start alice run a.json --daemon --control a/control \
		--receipts no-directory -- $program
	start bob run a.json --daemon --control b/control --identity bob \
		-- $program
	start carol run a.json --identity carol -- $program
}
finish 125 alice
err_has "cannot write 'no-directory/"
# As far as they have come meanwhile: ready, or waiting for each other.
for p in bob carol; do
	finish '124|125' $p
done

claim "the key is in neither memory, of the program or of did-cli, nor written"
run 0 identity export alice --format seed --unencrypted --out seed
cat >keep.py <<'END'
import os, time
kept = b'what the program keeps'
print('ready', flush=True)
while not os.path.exists('looked'):
    time.sleep(0.05)
END
run 0 agreement new --name demo --out k.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$pb"
start alice run k.json --daemon --control a/control --receipts kept --json -- \
	python3 keep.py
start bob run k.json --daemon --control b/control -- python3 keep.py
until_has alice.out ready
until_has bob.out ready
client "$(cat alice.pid)" "$(cat a.pid)" seed alice.out alice.err a.err \
	kept/* <<'END'
import base64, json, os, sys
from memory import holds
did_cli, daemon, path, *written = sys.argv[1:]
pids = [json.loads(line).get("pid") for line in open("alice.err")]
program = [pid for pid in pids if pid][0]
seed = open(path, "rb").read()
assert len(seed) == 32, seed
forms = [seed.hex().encode(), base64.b64encode(seed).rstrip(b"="),
         base64.urlsafe_b64encode(seed).rstrip(b"=")]

assert holds(program, b"what the program keeps"), "nothing was shown"
looked_at = [program]
if os.getuid() == 0:
    assert holds(daemon, seed), "not where it should be: nothing was shown"
    looked_at.append(did_cli)
for form in (seed, *forms):
    for pid in looked_at:
        assert not holds(pid, form), f"a key in {pid}"
assert len(written) == 4, written
for name in written:
    text = open(name, "rb").read()
    assert text or name == "alice.out", name
    assert not any(form in text for form in (seed, *forms)), name
END
: >looked
finish 0 alice
finish 0 bob

claim 'what differs here is named by every party, and nothing is started'
cp echo.py echo.kept
echo '# changed' >>echo.py
# shellcheck disable=SC2086 # words
start alice run a.json --daemon --control a/control --timeout 60 -- $program
until_has alice.err 'telling the other parties'
cp echo.kept echo.py
# shellcheck disable=SC2086 # words
{
	start bob run a.json --daemon --control b/control --timeout 60 \
		-- $program
	start carol run a.json --identity carol --timeout 60 -- $program
}
for p in alice bob carol; do
	finish 125 $p
	out ''
	err_has 'program.digests.echo.py'
done

claim 'a party that is lost is named, and the program ends'
sleeper='sleep 600'
# shellcheck disable=SC2086 # words
run 0 agreement new --name demo --out s.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$pb" -- $sleeper
# shellcheck disable=SC2086 # words
{
	start alice run s.json --daemon --control a/control -- $sleeper
	start bob run s.json --daemon --control b/control -- $sleeper
}
until_has alice.err 'starting sleep'
until_has bob.err 'starting sleep'
began=$(date +%s)
kill -KILL "$(cat bob.pid)"
finish 137 bob
finish 124 alice
[ $(($(date +%s) - began)) -le 20 ] || fail 'took too long'
err_has 'party 1'
err_has "$b"

claim 'a program that claims the index of another is cut by the daemon'
mkdir mpyc
echo "__version__ = '0.11'" >mpyc/__init__.py
sed "s/^o = p.parse_args()/o = p.parse_args($(printf %s \
	'(__import__("os").environ.get("LIE", "").split() or []) +
	__import__("sys").argv[1:]' | tr -d '\n\t'))/" \
	"$here/run/party.py" >party.py
run 0 agreement new --name demo --out m.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$pb" --preset mpyc -- \
	python3 party.py --slow
LIE='--claim 1'
export LIE
start alice run m.json --daemon --control a/control -- python3 party.py --slow
LIE=
start bob run m.json --daemon --control b/control -- python3 party.py --slow
unset LIE
finish 123 bob
err_has "party 0 'alice' ($a): its connection was cut: the program claimed the"
finish 123 alice
err_has 'cut our connection: the program claimed the'

claim 'and what is measured for MPyC is compared'
start alice run m.json --daemon --control a/control -- \
	python3 party.py --slow -L 64
start bob run m.json --daemon --control b/control -- python3 party.py --slow
finish 125 alice
err_has 'error: parameters.mpyc.bit-length is 64 here'
finish 125 bob
err_has 'parameters.mpyc.bit-length'

claim 'with --on-lost wait a party that is only interrupted is waited for'
proxy=$(free_port)
mkfifo cut
python3 "$here/proxy.py" "$proxy" "$pb" cut 2>proxy.err &
echo $! >proxy.pid
# The daemons say resume-timeout = 0s; what the program does takes a few turns.
cat >turns.py <<'END'
import socket, sys, time
me, port, other = sys.argv[1:]
if me == '1':
    s = socket.create_server(('127.0.0.1', int(port))).accept()[0]
else:
    host, port = other.rsplit(':', 1)
    s = socket.create_connection((host, int(port)))
for turn in range(30):
    s.sendall(b'x')
    assert s.recv(1) == b'x'
    print(turn, flush=True)
    time.sleep(0.1)
END
run 0 agreement new --name demo --out w.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$proxy"
for p in a b; do
	start run-$p run w.json --daemon --control $p/control --on-lost wait \
		--lost-after 60 -- \
		python3 turns.py '{index}' '{port}' '{address:1}'
done
until_has run-a.out 3
echo now >./cut
until_has run-a.out 9
# For longer than the 2 s within which it would be lost otherwise.
kill "$(cat proxy.pid)"
wait "$(cat proxy.pid)" || :
gone=$(date +%s)
while [ $(($(date +%s) - gone)) -le 4 ]; do
	kill -0 "$(cat run-a.pid)" || fail 'it did not wait'
	sleep 0.1
done
python3 "$here/proxy.py" "$proxy" "$pb" cut 2>proxy.err &
echo $! >proxy.pid
finish 0 run-a
err_has 'connection closed'
finish 0 run-b
kill "$(cat proxy.pid)"

claim 'a party that never comes is named, at the limit'
began=$(date +%s)
run 125 run w.json --daemon --control a/control --timeout 2 -- touch started
[ $(($(date +%s) - began)) -le 30 ] || fail 'took too long'
[ ! -e started ] || fail 'it was started'
grep 'error: ' "$dir/err" | grep -qF "$b" || fail 'party not named'
err_has "waiting for bob $b"

claim 'the daemon is killed: the program ends as well'
# shellcheck disable=SC2086 # words
{
	start alice run s.json --daemon --control a/control -- $sleeper
	start bob run s.json --daemon --control b/control -- $sleeper
}
until_has alice.err 'starting sleep'
until_has bob.err 'starting sleep'
kill -KILL "$(cat a.pid)"
finish 137 a
finish 124 alice
finish 124 bob

claim 'Ctrl-C while waiting leaves nothing behind'
start_daemon a
# shellcheck disable=SC2086 # words
start alice run s.json --daemon --control a/control -- $sleeper
until_has alice.err "opening 'demo'"
until_has a.err "opening 'demo'"
kill -INT "$(cat alice.pid)"
finish 130 alice
run 0 status --control a/control
err 'did-cli: no sessions'
stop_daemon a
stop_daemon b

claim 'what no forwarder sends is not kept for long, and its sender is lost'
pc=$(free_port)
# shellcheck disable=SC2086 # words
run 0 agreement new --name great --out g.json \
	--party "$a,alice,tcp://127.0.0.1:$pa" \
	--party "$c,carol,tcp://127.0.0.1:$pc" -- $sleeper
start_daemon a
cat >great.py <<'END'
from control import *
a = Client("a/control")
s = a.open("g.json")
a.ready(s)
a.call("send", s, 1, bytes(2 << 20))
a.until(s, 1, [5])
END
# shellcheck disable=SC2086 # words
start carol run g.json --identity carol -- $sleeper
client <great.py
finish 124 carol
err_has 'sent a bad record: larger than the limit allows'
stop_daemon a
start_daemon a
start carol ping g.json --identity carol --count 5
client <great.py
wait "$(cat carol.pid)" || :
rm carol.pid
grep -qF 'larger than the limit allows' carol.err || fail 'ping kept it'
stop_daemon a
