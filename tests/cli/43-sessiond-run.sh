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
run 125 run a.json --daemon --on-lost wait -- touch started
err_has '--on-lost does not go with --daemon'
start_daemon a
start_daemon b

claim 'two parties with daemons and one without compute together'
# shellcheck disable=SC2086 # words
{
	start alice run a.json --daemon --control a/control --timeout 60 \
		-- $program
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
kill -KILL "$(cat bob.pid)"
finish 137 bob
finish 124 alice
err_has 'party 1'
err_has "$b"

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
