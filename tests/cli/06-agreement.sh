# Agreements: new, show, check.

a=$(new_identity alice)
b=$(new_identity bob)
c=$(new_identity carol)
echo 'print(1)' >program.py
digest=$(sha256sum program.py | cut -d' ' -f1)

claim 'a new agreement says what was asked for'
run 0 agreement new --name 'Joint statistics' --out a.json \
	--party "$a,alice" --party "$b,bob,tcp://127.0.0.1:7001,tcp://b:1" \
	--party "$c,,tcp://127.0.0.1:7002" --program stats \
	--program-version 1.2 --program-file program.py \
	--parameter column=income --parameter decimals=2 \
	--parameter strict=true --parameter-text year=2024 \
	--parameter 'expression=x=-1' --expires-in 30d
out ''
err_has "agreement written to 'a.json', hash "
[ "$(stat -c %a a.json)" = 600 ] || fail 'mode'
tr -d '\n' <a.json >line
json line "x['parley'] == 'agreement/1' and len(x['id']) == 22"
json line "x['name'] == 'Joint statistics' and x['threshold'] == 1"
json line "x['expires'] - x['created'] == 30 * 86400"
json line "x['program'] == {'name': 'stats', 'version': '1.2',
	'digests': {'program.py': 'sha256:$digest'}}"
json line "x['parameters'] == {'column': 'income', 'decimals': 2,
	'strict': True, 'year': '2024', 'expression': 'x=-1'}"
json line "x['parties'] == [{'did': '$a', 'name': 'alice'}, {'did': '$b',
	'name': 'bob', 'endpoints': ['tcp://127.0.0.1:7001', 'tcp://b:1']},
	{'did': '$c', 'endpoints': ['tcp://127.0.0.1:7002']}]"

claim 'an existing file is never overwritten, a bad one never written'
cp a.json before
run 5 agreement new --name x --out a.json --party "$a" \
	--party "$b,bob,tcp://127.0.0.1:7001"
err_has "cannot create 'a.json': File exists"
cmp -s before a.json || fail 'file changed'
run 2 agreement new --name x --out b.json --party "$a" --party "$a,,tcp://h:1"
[ ! -e b.json ] || fail 'file written'

claim 'without --out it goes to standard output, and no two have one id'
run 0 agreement new --name x --party "$a" --party "$b,,tcp://h:1"
cp "$dir/out" one
run 0 agreement new --name x --party "$a" --party "$b,,tcp://h:1"
[ "$(grep '"id"' one)" != "$(grep '"id"' "$dir/out")" ] || fail 'same id'
run 0 agreement show - <one

claim 'wrong input is named'
run 2 agreement new --party "$a" --party "$b,,tcp://h:1"
err_has '--name and at least two --party are needed'
run 2 agreement new --name x --party "$a"
run 2 agreement new --name x --party did:key:zz --party "$b,,tcp://h:1"
err_has 'parties[0].did'
run 2 agreement new --name x --party "$a" --party "$b,,udp://h:1"
err_has 'endpoints'
run 2 agreement new --name x --party "$a" --party "$b,,tcp://h:1" --threshold 2
err_has "--threshold: '2' is not a number from 0 to 1"
run 2 agreement new --name x --party "$a" --party "$b,,tcp://h:1" \
	--expires-in tomorrow
err_has "--expires-in: 'tomorrow' is not a duration"
err_has '30d'
for p in novalue =x n=007 n=9007199254740992; do
	run 2 agreement new --name x --party "$a" --party "$b,,tcp://h:1" \
		--parameter "$p"
	err_has '--parameter: '
done
run 2 agreement new --name x --party "$a" --party "$b,,tcp://h:1" \
	--parameter n=1 --parameter-text n=2
err_has "'n' is given twice"
run 2 agreement new --name x --party "$a" --party "$b,,tcp://h:1" \
	--program-file program.py
err_has 'need --program NAME'
run 5 agreement new --name x --party "$a" --party "$b,,tcp://h:1" \
	--program p --program-file nowhere
err_has "cannot open 'nowhere': No such file or directory"
run 2 agreement new --name "$(printf 'a\377b')" --party "$a" \
	--party "$b,,tcp://h:1"
err_has "'a\\xffb' is not UTF-8"

claim 'show lists everything but the id'
run 0 agreement show a.json
out_has 'name        Joint statistics'
out_has "party 0     $a  alice"
out_has "party 1     $b  bob"
out_has '            tcp://b:1'
out_has "party 2     $c"
out_has 'parameter   column = "income"'
out_has "digest      program.py = \"sha256:$digest\""
id=$(sed -n 's/.*"id": "\(.*\)".*/\1/p' a.json)
! grep -qF -e "$id" "$dir/out" || fail 'the id is shown'
run 0 agreement show a.json --json
json "$dir/out" "len(x['hash']) == 64 and 'id' not in x"
json "$dir/out" "[p['index'] for p in x['parties']] == [0, 1, 2]"

claim 'white space and order of members do not change the hash'
run 0 agreement show a.json
grep '^hash' "$dir/out" >hash.txt
python3 -c 'import json
x = json.load(open("a.json"))
print(json.dumps(dict(reversed(x.items()))))' >other.json
run 0 agreement show other.json
grep '^hash' "$dir/out" | cmp -s hash.txt - || fail 'hashes differ'

claim 'check names the index of the identity'
run 0 agreement check a.json --identity bob --program-file program.py
out_has "identity    $b: party 1 bob"
out_has 'digest      program.py: as agreed'
err ''
run 0 agreement check a.json --identity bob --json
json "$dir/out" "x['ok'] and x['index'] == 1 and x['did'] == '$b'"
run 0 agreement check a.json
err_has 'the roster is not checked'

claim 'check finds a stranger, another program, and the end of time'
new_identity default >stranger
run 1 agreement check a.json
out_has "$(cat stranger): NOT IN THE ROSTER"
echo >>program.py
run 1 agreement check a.json --identity bob --program-file program.py --json
json "$dir/out" "not x['ok'] and x['digests'] == {'program.py': 'different'}"
run 1 agreement check a.json --identity bob --program-file a.json
out_has 'a.json: NOT IN THE AGREEMENT'
sed 's/"expires": .*/"expires": 1000,/' a.json >old.json
run 1 agreement check old.json --identity bob
out_has 'expires     1970-01-01T00:16:40Z: EXPIRED'

claim 'bad files are errors with the place in them'
run 5 agreement show nowhere.json
err_has "cannot open 'nowhere.json': No such file or directory"
run 5 agreement show .
err_has "cannot read '.': Is a directory"
head -c 100 a.json >cut.json
run 5 agreement show cut.json
err_has "'cut.json' is not a valid agreement"
sed 's/"threshold": 1/"threshold": 3/' a.json >bad.json
run 5 agreement check bad.json
err_has 'threshold'
head -c 1048577 /dev/zero >large.json
run 5 agreement show large.json
err_has 'is larger than 1048576 bytes'

claim 'text from a file cannot steer the terminal'
sed "s/\"alice\"/\"\\\\u202ealice\"/" a.json >rtl.json
run 0 agreement show rtl.json
out_has '\u{202e}alice'
