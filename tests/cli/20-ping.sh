# ping: three processes on this machine.

a=$(new_identity alice)
b=$(new_identity bob)
c=$(new_identity carol)

claim 'three parties meet, measure, and leave'
run 0 agreement new --name demo --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)" \
	--party "$c,carol,tcp://127.0.0.1:$(free_port)"
for p in alice bob carol; do
	start $p ping a.json --identity $p --count 2 --interval 0.1 --timeout 20
done
for p in alice bob carol; do
	finish 0 $p
done
out_has "party 0 alice $a: ready, handshake "
out_has "party 1 bob $b: ready, handshake "
out_has 'party 0 alice answer 1 in '
out_has 'party 1 bob answer 2 in '
out_has "party 0 alice $a: 2 of 2 answered, round trip min "
err_has "opening 'demo' as party 2 carol $c"
err_has 'every other party runs: did-cli ping a.json --identity NAME'

claim 'JSON has one object for each event'
run 0 agreement new --name demo --out b.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"
start alice ping b.json --identity alice --count 2 --interval 0 --timeout 20 \
	--json
start bob ping b.json --identity bob --count 2 --interval 0 --timeout 20 --json
finish 0 alice
err ''
json "$dir/out" "[e['event'] for e in xs if e['event'] != 'waiting'] ==
	['ready', 'answer', 'answer', 'summary']"
json "$dir/out" "all(e['party'] == 1 for e in xs)"
json "$dir/out" "x['did'] == '$b' and x['answers'] == 2 and
	0 < x['min_us'] <= x['avg_us'] <= x['max_us']"
finish 0 bob

claim 'one who pings longer is waited for'
start alice ping b.json --identity alice --count 1 --timeout 20
start bob ping b.json --identity bob --count 4 --interval 0.2 --timeout 20
finish 0 alice
finish 0 bob
out_has '4 of 4 answered'

claim '--listen listens elsewhere'
port=$(free_port)
run 0 agreement new --name demo --out c.json --party "$a,alice" \
	--party "$b,bob,tcp://localhost:$port"
start alice ping c.json --identity alice --count 1 --timeout 20
start bob ping c.json --identity bob --count 1 --timeout 20 \
	--listen "tcp://127.0.0.1:$port"
finish 0 alice
finish 0 bob

claim 'the examples of agreement new and ping work as typed'
mkdir "$dir/bin" example
ln -s "$DID_CLI" "$dir/bin/did-cli"
PATH=$dir/bin:$PATH
XDG_DATA_HOME=$dir/data
export PATH XDG_DATA_HOME
{
	did-cli help agreement new | sed '1,/^example/d'
	did-cli help ping | sed '1,/^example/d'
	# shellcheck disable=SC2016 # for the shell that runs it
	echo 'wait $!'
} | sed "s/7001/$(free_port)/" >example/script
(cd example && sh -e script >"$dir/out" 2>"$dir/err") || fail 'exit code'
[ "$(grep -c '3 of 3 answered' "$dir/out")" -eq 2 ] || fail 'not both'
