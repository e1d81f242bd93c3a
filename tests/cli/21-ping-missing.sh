# ping: a party that does not come, and things of this side that do not work.

a=$(new_identity alice)
b=$(new_identity bob)
port=$(free_port)
run 0 agreement new --name demo --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$port"

claim 'an absent party is named, within the time limit, with exit code 4'
began=$(date +%s)
run 4 ping a.json --identity alice --timeout 2
[ $(($(date +%s) - began)) -le 6 ] || fail 'took too long'
err_has "waiting for bob $b (dialling tcp://127.0.0.1:$port, "
err_has 'did-cli: error: '
grep 'error: ' "$dir/err" | grep -qF "$b" || fail 'party not named'
run 4 ping a.json --identity bob --timeout 1 --json
json "$dir/out" "xs[0]['event'] == 'waiting' and xs[0]['did'] == '$a'"
json "$dir/out" "x['event'] == 'error' and x['party'] == 0"
json "$dir/out" "x['code'] == 'PARLEY_ERR_TIMEOUT'"

claim 'a port in use is an error with a hint'
python3 -c 'import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
print("listening", flush=True)
time.sleep(600)' "$port" >listener.out &
echo $! >listener.pid
until_has listener.out listening
run 5 ping a.json --identity bob --timeout 5
kill "$(cat listener.pid)"
rm listener.pid
err_has 'did-cli: error: '
err_has 'in use'
err_has 'did-cli: hint: does another session of this party still run?'

claim 'an identity outside the roster is refused before anything is opened'
new_identity carol >carol.did
run 5 ping a.json --identity carol
err_has "$(cat carol.did) is not a party of this agreement"

claim 'an expired agreement is refused'
sed 's/"threshold"/"expires": 1000, "threshold"/' a.json >old.json
run 5 ping old.json --identity alice
err_has 'expired'

claim 'bad files and options are refused'
run 5 ping nowhere.json --identity alice
err_has "cannot open 'nowhere.json': No such file or directory"
echo '{' >bad.json
run 5 ping bad.json --identity alice
err_has "'bad.json' is not a valid agreement"
run 5 ping a.json --identity nobody
run 5 ping a.json --identity bob --listen nonsense
for o in '--count 0' '--count x' '--interval -1' '--timeout 0' '--timeout 1e9' \
	'--interval 1.2345'; do
	# shellcheck disable=SC2086 # two words
	run 2 ping a.json $o
done
