# run: stopped by its user at several points, and what is open meanwhile.

a=$(new_identity alice)
b=$(new_identity bob)
c=$(new_identity carol)
port=$(free_port)
run 0 agreement new --name demo --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$port"
run 0 agreement new --name demo --out three.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$port" \
	--party "$c,carol,tcp://127.0.0.1:$(free_port)"

# begin NAME ARGUMENT...: start it, and forget what one of that name printed.
begin()
{
	: >"$1.out"
	: >"$1.err"
	start "$@"
}

# waits PARTY HOW: its last words are that it waits for the other one.
waits()
{
	until_has "$1.err" 'waiting for'
	grep -qE "^did-cli: waiting for $2, [0-9]+ s\)(: .*)?\$" "$1.err" ||
		fail "$1 says it otherwise: $(cat "$1.err")"
}

claim 'who is waited for is said, and how, and for how long already'
begin alice run a.json --identity alice -- touch started
waits alice "bob $b \(dialling tcp://127.0.0.1:$port"
kill -INT "$(cat alice.pid)"
finish 130 alice

claim 'Ctrl-C and kill while waiting leave nothing behind'
for signal in INT:130 TERM:143 HUP:129; do
	begin bob run a.json --identity bob -- touch started
	waits bob "alice $a \(it will dial"
	kill "-${signal%:*}" "$(cat bob.pid)"
	finish "${signal#*:}" bob
	nothing_left "$port"
done

claim 'who is there already is told who has stopped'
for p in alice bob; do
	begin $p run three.json --identity $p --timeout 120 -- touch started
done
until_has bob.err "alice $a is here"
until_has alice.err "bob $b is here"
kill -INT "$(cat alice.pid)"
finish 130 alice
finish 125 bob
err_has "party 0 'alice' ($a): gave up: "
err_has 'stopped by its user'
nothing_left "$port"

claim 'Ctrl-C at the terminal reaches the program, once, and nothing is left'
cat >program.sh <<'END'
trap 'echo caught >>caught' INT
sleep 600 &
echo $! >left.pid
echo ready
until [ -s caught ]; do sleep 0.05; done
# Should it come a second time, then by now.
sleep 0.3
exit 9
END
begin bob run a.json --identity bob -- sleep 600
code=0
terminal 'ready' '\x03' -- "$DID_CLI" run a.json --identity alice -- \
	sh program.sh >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" -eq 9 ] || fail "exit code $code and not 9"
[ "$(wc -l <caught)" -eq 1 ] || fail 'not once'
left=$(cat left.pid)
rm left.pid caught
! kill -0 "$left" 2>/dev/null || fail 'a process is left'
finish 124 bob
err_has 'its program ended with exit code 9'
nothing_left "$port"

claim 'nothing listens beyond loopback and what was agreed'
for p in alice bob; do
	begin $p run a.json --identity $p -- sh program.sh
done
for p in alice bob; do
	until_has $p.out ready
done
rm left.pid
ss -Htulnp >listening
for p in alice bob; do
	grep "pid=$(cat $p.pid)," listening | awk '{ print $1, $5 }' >$p.ports
	! grep -v '^tcp 127\.0\.0\.1:' $p.ports || fail "$p listens there"
done
# Only root sees which are those of a process that hides its memory.
if [ "$(id -u)" -eq 0 ]; then
	grep -qx "tcp 127.0.0.1:$port" bob.ports || fail 'not where agreed'
	# One for the other party's program; and bob's own.
	[ "$(cat alice.ports bob.ports | wc -l)" -eq 3 ] ||
		fail "other ports: $(cat alice.ports bob.ports)"
fi
echo caught >caught
# One may hear of the other's end before its own.
for p in alice bob; do
	finish '9|124' $p
done
rm -f caught left.pid
nothing_left "$port"

claim 'whoever kills it for good ends the program, too'
begin bob run a.json --identity bob --lost-after 2 -- sleep 600
# shellcheck disable=SC2016 # for the shell that is run
begin alice run a.json --identity alice -- \
	sh -c 'echo $$ >program; echo ready; exec sleep 600'
until_has alice.out ready
kill -KILL "$(cat alice.pid)"
finish 137 alice
tries=0
while kill -0 "$(cat program)" 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -lt 400 ] || fail 'the program is left'
	sleep 0.05
done
finish 124 bob
err_has "party 0 'alice' ($a): lost: "
nothing_left "$port"
