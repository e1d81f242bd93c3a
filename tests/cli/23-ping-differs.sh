# ping: agreements that differ.

a=$(new_identity alice)
b=$(new_identity bob)
c=$(new_identity carol)
run 0 agreement new --name demo --out a.json --parameter column=income \
	--party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)" \
	--party "$c,carol,tcp://127.0.0.1:$(free_port)"

claim 'a different parameter ends both sides, naming field and party'
sed 's/"income"/"salary"/' a.json >b.json
start alice ping a.json --identity alice --timeout 20
start bob ping a.json --identity bob --timeout 20
start carol ping b.json --identity carol --timeout 20
began=$(date +%s)
finish 3 carol
err_has 'parameters.column'
err_has 'did-cli: hint: compare what'
for p in alice bob; do
	finish 3 $p
	grep 'error: ' "$dir/err" | grep -F "$c" | grep -qF carol ||
		fail 'party not named'
	err_has 'parameters.column'
done
[ $(($(date +%s) - began)) -le 8 ] || fail 'took too long'

claim 'the same in JSON'
start bob ping a.json --identity bob --timeout 20 --json
start carol ping b.json --identity carol --timeout 20 --json
finish 3 bob
json "$dir/out" "x['event'] == 'error' and x['party'] == 2"
json "$dir/out" "x['code'] == 'PARLEY_ERR_AGREEMENT'"
finish 3 carol

claim 'another order of the parties ends both sides'
python3 -c 'import json
x = json.load(open("a.json"))
x["parties"][1:] = x["parties"][:0:-1]
json.dump(x, open("c.json", "w"))'
start bob ping a.json --identity bob --timeout 20
start carol ping c.json --identity carol --timeout 20
finish 3 bob
err_has 'parties'
finish 3 carol
err_has 'parties'
