# run: iperf3, which knows nothing of sessions, through placeholders.
#
# It has one connection to agree on the measurement and one for each stream of
# data, in both directions.

command -v iperf3 >/dev/null || fail 'no iperf3; cli/setup.sh, group test'

a=$(new_identity alice)
b=$(new_identity bob)
cat >measure.sh <<'END'
# measure.sh INDEX PORT ADDRESS
case $1 in
0) exec iperf3 --server --one-off --json --bind 127.0.0.1 --port "$2" ;;
1) exec iperf3 --client "${3%:*}" --port "${3##*:}" --json --time 1 \
	--parallel 2 --bidir ;;
esac
END
program='sh measure.sh {index} {port} {address:0}'
# shellcheck disable=SC2086 # words
run 0 agreement new --name measure --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)" -- $program
run 0 agreement show a.json
out_has 'digest      measure.sh = "sha256:'

claim 'one party serves, the other measures, five connections at once'
for p in alice bob; do
	# shellcheck disable=SC2086 # words
	start $p run a.json --identity $p --preset tcp --timeout 60 -- $program
done
finish 0 bob
finish 0 alice
python3 - <<'END' || fail 'not what was measured'
import json
server, client = (json.load(open(f)) for f in ('alice.out', 'bob.out'))
for x in server, client:
    assert 'error' not in x, x['error']
    assert len(x['start']['connected']) == 4, x['start']['connected']
assert server['start']['cookie'] == client['start']['cookie']
# The client has been told what its server received.
for sums in 'sum_received', 'sum_received_bidir_reverse':
    got = client['end'][sums]['bytes']
    assert got > 0, (sums, got)
print('received by alice', client['end']['sum_received']['bytes'])
END
