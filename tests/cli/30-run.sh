# run: programs whose connections go through a session.

a=$(new_identity alice)
b=$(new_identity bob)
c=$(new_identity carol)
cp "$here/run/echo.py" "$here/run/party.py" .
program='python3 echo.py {index} {parties} {port} {address:0} 3000000'
# shellcheck disable=SC2086 # words
run 0 agreement new --name demo --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)" \
	--party "$c,carol,tcp://127.0.0.1:$(free_port)" -- $program

claim 'the command that is agreed to is in the agreement'
run 0 agreement show a.json
out_has 'digest      echo.py = "sha256:'
out_has "parameter   arguments = \"$program\""

claim 'a program finds the others by placeholders, and only it writes output'
for p in alice bob carol; do
	# shellcheck disable=SC2086 # words
	start $p run a.json --identity $p --timeout 60 --receipts receipts-$p \
		-- $program
done
for p in bob carol; do
	finish 0 $p
	out 'answer 3000000'
done
finish 0 alice
out 'all answered'
err_has "opening 'demo' as party 0 alice $a"
err_has 'all 3 parties are here, starting python3'

claim 'receipts say who agreed to what, and when'
run 0 receipt verify receipts-alice/* receipts-carol/* --agreement a.json
[ "$(grep -c 'Z party 0 alice ' "$dir/out")" -eq 3 ] || fail 'not all'
[ "$(grep -c 'Z party 2 carol ' "$dir/out")" -eq 3 ] || fail 'not all'
out_has " party 1 bob $b agreed to $("$DID_CLI" agreement show a.json |
	sed -n 's/^hash *//p')"
grep -q "party 1 bob .*, in answer to party 2$" "$dir/out" ||
	fail 'who answered whom is not said'
! grep -q 'party 2 carol .*in answer' "$dir/out" || fail 'accept answers nobody'
run 0 receipt verify receipts-bob/* --json
json "$dir/out" "len(xs) == 4 and {x['did'] for x in xs} == {'$a', '$b', '$c'}"
json "$dir/out" "all(x['answers'] == (None if x['envelope'] == 'accept' else
	y['did']) for y, x in zip([{}] + xs, xs))"
[ "$(stat -c %a receipts-bob/* | sort -u)" = 600 ] || fail 'mode'
[ "$(stat -c %a receipts-bob)" = 700 ] || fail 'mode of the directory'

claim 'a receipt that was altered, or put together, is none'
one=$(printf '%s\n' receipts-bob/*party0*)
two=$(printf '%s\n' receipts-bob/*party2*)
python3 - "$one" "$two" receipts-alice/*party[12]* <<'END'
import base64, json, sys
one, two, bob, carol = (json.load(open(f)) for f in sys.argv[1:])
json.dump({**one, 'confirm': two['confirm']}, open('alone', 'w'))
json.dump({**bob, 'confirm': carol['confirm']}, open('mixed', 'w'))
json.dump({**one, 'confirm': one['accept']}, open('twice', 'w'))
json.dump({**one, 'finished': two['finished']}, open('loose', 'w'))
json.dump({k: v for k, v in one.items() if k != 'finished'}, open('apart', 'w'))
# The same accept, written in another way: not what was answered.
other = json.dumps(json.loads(one['accept']))
assert other != one['accept']
json.dump({**one, 'accept': other}, open('rewritten', 'w'))
accept = json.loads(one['accept'])
p = accept['payload']
payload = base64.urlsafe_b64decode(p + '==').replace(b'"index":', b'"index": ')
accept['payload'] = base64.urlsafe_b64encode(payload).decode().rstrip('=')
json.dump({**one, 'accept': json.dumps(accept)}, open('altered', 'w'))
END
for f in mixed loose rewritten; do
	run 3 receipt verify $f
	err_has 'of two handshakes'
done
run 3 receipt verify alone
err_has 'one party has signed both envelopes'
run 3 receipt verify apart
err_has "'finished' is missing"
run 3 receipt verify twice
err_has 'of no handshake'
run 3 receipt verify altered
err_has 'signature does not verify'
run 3 receipt verify a.json
sed 's/"demo"/"other"/' a.json >other.json
run 3 receipt verify "$one" --agreement other.json
err_has 'of another agreement'
run 5 receipt verify nowhere

claim 'who is in no roster is no party, whatever index it signs'
mallory=$(new_identity mallory)
cat >forge.py <<'END'
import base64, hashlib, json, os, subprocess, sys

index, mallory, agreement = sys.argv[1:]

def b64(b):
    return base64.urlsafe_b64encode(b).decode().rstrip('=')

def sign(who, role, index, transcript, **to):
    message = {'id': 'x', 'type': 'urn:parley:session/1.0/' + role,
               'thid': '00' * 16, 'created_time': 1, **to,
               'body': {'index': index, 'transcript': b64(transcript),
                        'agreement': b64(bytes.fromhex(agreement))}}
    return subprocess.run([os.environ['DID_CLI'], 'sign', '--from', who],
                          input=json.dumps(message), text=True, check=True,
                          capture_output=True).stdout.strip()

t = b'2' * 32
accept = sign('mallory', 'accept', int(index), t)
for piece in accept.encode(), b'3' * 32, b'\x03' + bytes(16):
    t = hashlib.sha256(t + piece).digest()
json.dump({'parley': 'receipt/2', 'accept': accept, 'finished': b64(b'3' * 32),
           'confirm': sign('bob', 'confirm', 1, t, to=[mallory])}, sys.stdout)
END
hash=$("$DID_CLI" agreement show a.json | sed -n 's/^hash *//p')
# -34 is the number of the error that says so.
for index in 0 -1 -34; do
	python3 forge.py "$index" "$mallory" "$hash" >forged
	run 0 receipt verify forged
	run 3 receipt verify forged --agreement a.json
	err_has 'accept: who signed it is not that party'
done

claim 'no descriptor of ours is left to the program'
printf 'correct horse\n' >pass
run 0 identity new --out ./sealed.identity --passphrase-file pass
sealed=$(cat "$dir/out")
cat >descriptors.py <<'END'
import os, sys
for n in os.listdir('/proc/self/fd'):
    try:
        where = os.readlink('/proc/self/fd/' + n)
    except OSError:
        continue  # the directory itself
    # Others may be those of whoever runs this test.
    if where.endswith('/pass') or where.startswith(('socket:', 'anon_inode:')):
        print(n, where)
print('looked')
END
run 0 agreement new --name demo --out d.json --party "$sealed,sealed" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"
start bob run d.json --identity bob -- python3 descriptors.py
run 0 run d.json --identity ./sealed.identity --passphrase-fd 9 -- \
	python3 descriptors.py 9<pass
out 'looked'
finish 0 bob
out 'looked'
start bob run d.json --identity bob -- python3 descriptors.py
run 0 run d.json --identity ./sealed.identity --passphrase-file /dev/fd/9 -- \
	python3 descriptors.py 9<pass
out 'looked'
finish 0 bob

claim 'the exit code is that of the program, and the others are told'
run 0 agreement new --name demo --out b.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"
start alice run b.json --identity alice -- sh -c 'exit 7'
start bob run b.json --identity bob -- sleep 600
finish 7 alice
finish 124 bob
err_has "party 0 'alice' ($a): lost: "
err_has 'its program ended with exit code 7'

claim 'a program that cannot be run is told from one that is not there'
for words in '126 ./a.json' '127 ./nothing'; do
	start alice run b.json --identity alice -- sleep 600
	start bob run b.json --identity bob -- "${words#* }"
	finish "${words% *}" bob
	err_has "cannot run '${words#* }'"
	finish 124 alice
done

claim 'without the other party nothing starts'
run 125 run b.json --identity alice --timeout 1 -- touch started
[ ! -e started ] || fail 'it was started'
grep 'error: ' "$dir/err" | grep -qF "$b" || fail 'party not named'
err_has "waiting for bob $b (dialling tcp://127.0.0.1:"
run 125 run b.json --identity alice --timeout 1 --json -- touch started
python3 - "$dir/err" <<'END' || fail 'not one object on each line'
import json, sys
xs = [json.loads(line) for line in open(sys.argv[1])]
assert xs[0]['event'] == 'waiting' and xs[-1] == {'event': 'end', 'code': 125}
assert any(x['event'] == 'error' and x['party'] == 1 for x in xs)
END

claim 'signals reach the program, and nothing is left behind'
cat >trap.sh <<'END'
sleep 600 &
echo $! >left.pid
trap 'echo got it; exit 9' TERM
echo ready
wait
END
start alice run b.json --identity alice -- sh trap.sh
start bob run b.json --identity bob -- sleep 600
until_has alice.out ready
left=$(cat left.pid)
rm left.pid
kill -TERM "$(cat alice.pid)"
finish 9 alice
out_has 'got it'
! kill -0 "$left" 2>/dev/null || fail 'a process is left'
finish 124 bob

claim 'when a party is killed, the others end within the time and name it'
start alice run b.json --identity alice --lost-after 2 -- sleep 600
start bob run b.json --identity bob -- sh -c 'echo ready; exec sleep 600'
until_has bob.out ready
began=$(date +%s)
kill -KILL "$(cat bob.pid)"
finish 124 alice
[ $(($(date +%s) - began)) -le 20 ] || fail 'took too long'
err_has "party 1 'bob' ($b): lost: "
wait "$(cat bob.pid)" || :
rm bob.pid

claim 'the same words, cut elsewhere, are another command'
run 0 agreement new --name cut --out cut.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)" -- \
	sh -c 'echo it is' ''
run 0 agreement show cut.json
out_has "parameter   arguments = \"sh -c 'echo it is' ''\""
run 125 run cut.json --identity alice --timeout 1 -- sh -c echo it is ''
err_has "parameters.arguments is sh -c echo it is '' here"

claim 'options that make no sense are refused'
run 125 run b.json --identity alice --preset none -- true
err_has "there is no preset 'none'"
run 125 run b.json --identity alice --on-lost maybe -- true
run 125 run b.json --identity alice --lost-after 0.1 -- true
run 125 run b.json --identity alice --carrier none -- true
err_has "'none' is neither zmtp nor libzmq"
run 125 run b.json --identity alice
start bob run b.json --identity bob -- sleep 600
run 125 run b.json --identity alice -- echo '{address:2}'
err_has 'there is no party 2 to connect to'
finish 124 bob
