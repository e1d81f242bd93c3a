# ping: stopped by a signal at several points.

a=$(new_identity alice)
b=$(new_identity bob)
port=$(free_port)
run 0 agreement new --name demo --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$port"

claim 'Ctrl-C while waiting'
start bob ping a.json --identity bob --timeout 60
until_has bob.err 'waiting for alice'
kill -INT "$(cat bob.pid)"
finish 130 bob
nothing_left "$port"

claim 'kill while waiting'
start bob ping a.json --identity bob --timeout 60
until_has bob.err 'waiting for alice'
kill -TERM "$(cat bob.pid)"
finish 143 bob
nothing_left "$port"

claim 'Ctrl-C at once'
for delay in 0 0.01 0.03 0.1; do
	start bob ping a.json --identity bob --timeout 60
	sleep "$delay"
	kill -INT "$(cat bob.pid)"
	finish 130 bob
	nothing_left "$port"
done

claim 'Ctrl-C while measuring ends the other side too, which names this one'
start alice ping a.json --identity alice --count 1000 --timeout 20
start bob ping a.json --identity bob --count 1000 --timeout 20
until_has alice.out 'answer 1'
kill -INT "$(cat bob.pid)"
finish 130 bob
began=$(date +%s)
finish 4 alice
[ $(($(date +%s) - began)) -le 10 ] || fail 'took too long'
err_has "$b"
nothing_left "$port"

claim 'a killed party is named as lost'
start alice ping a.json --identity alice --count 1000 --timeout 20
start bob ping a.json --identity bob --count 1000 --timeout 20
until_has alice.out 'answer 1'
kill -KILL "$(cat bob.pid)"
finish 137 bob
began=$(date +%s)
finish 4 alice
[ $(($(date +%s) - began)) -le 45 ] || fail 'took too long'
err_has "$b"
nothing_left "$port"

claim 'a job that ignores Ctrl-C goes on'
(
	trap '' INT
	exec "$DID_CLI" ping a.json --identity bob --timeout 2 \
		>bob.out 2>bob.err
) &
echo $! >bob.pid
until_has bob.err 'waiting for alice'
kill -INT "$(cat bob.pid)"
finish 4 bob
