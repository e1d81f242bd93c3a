# run: programs that connect as MPyC does, and what has to be the same.
#
# MPyC itself is in tests/interop/mpyc.sh; here a package of that name stands
# beside a program with the same options and the same first bytes.

a=$(new_identity alice)
b=$(new_identity bob)
c=$(new_identity carol)

# A place for each party, so that any of them can differ.
for p in alice bob carol; do
	mkdir -p $p/mpyc
	cp "$here/run/party.py" $p/
	echo "__version__ = '0.11'" >$p/mpyc/__init__.py
done
agree()
{
	rm -f a.json
	(cd alice && "$DID_CLI" agreement new --name demo --out ../a.json \
		--party "$a,alice" \
		--party "$b,bob,tcp://127.0.0.1:$(free_port)" \
		--party "$c,carol,tcp://127.0.0.1:$(free_port)" \
		--preset mpyc -- python3 party.py "$@") 2>agree.err ||
		fail "no agreement: $(cat agree.err)"
}

# begin PARTY WORD...: run the agreed program, with these words.
begin()
{
	p=$1
	shift
	(cd $p && exec env --default-signal=INT "PYTHONPATH=${path:-}" "$DID_CLI" run ../a.json \
		--identity $p --timeout 30 -- python3 party.py "$@") \
		>$p.out 2>$p.err &
	echo $! >$p.pid
}

claim 'what has to be the same is measured and agreed to'
agree
run 0 agreement show a.json
for text in 'digest      program = "sha256:' 'digest      mpyc = "sha256:' \
	'parameter   mpyc.version = "0.11"' 'parameter   python.word_size = ' \
	'parameter   mpyc.sec-param = 30' 'program     party.py' \
	'threshold   up to 1 of 3'; do
	out_has "$text"
done

claim 'the program is told who is where, and computes'
for p in alice bob carol; do
	begin $p
done
for p in alice bob carol; do
	finish 0 $p
	out_has 'sum 6'
done

claim 'what measures has no passphrase within its reach'
printf 'correct horse\n' >pass
run 0 identity new --out ./sealed.identity --passphrase-file pass
mkdir spy
cat >spy/sitecustomize.py <<'END'
import os
try:
    text = os.read(9, 99).decode()
except OSError:
    text = 'nothing'
open(os.environ['SPY'], 'a').write(text + '\n')
END
cd alice || fail "no directory"
SPY=$PWD/../spied
export SPY
PYTHONPATH=$PWD/../spy
export PYTHONPATH
run 125 run ../a.json --identity ../sealed.identity --passphrase-fd 9 \
	--timeout 1 -- python3 party.py 9<../pass
unset SPY PYTHONPATH
cd .. || fail "no directory"
[ "$(cat spied)" = nothing ] || fail "it read: $(cat spied)"

claim 'what measures imports nothing from where somebody happens to be'
mkdir elsewhere
echo 'raise SystemExit("imported")' >elsewhere/argparse.py
cd elsewhere || fail "no directory"
run 0 agreement new --name demo --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:1" --preset mpyc -- \
	python3 ../alice/party.py
cd .. || fail "no directory"

claim 'one who never comes is named by the others, at the limit'
began=$(date +%s)
for p in alice bob; do
	(cd $p && exec "$DID_CLI" run ../a.json --identity $p --timeout 3 -- \
		python3 party.py) >$p.out 2>$p.err &
	echo $! >$p.pid
done
for p in alice bob; do
	finish 125 $p
	out ''
	grep 'error: ' "$dir/err" | grep -qF "$c" || fail "$p names nobody"
done
[ $(($(date +%s) - began)) -le 30 ] || fail 'took too long'

claim 'one who is killed in the middle is named by the others, soon'
agree --slow
for p in alice bob carol; do
	: >$p.out
	(cd $p && exec "$DID_CLI" run ../a.json --identity $p --lost-after 3 \
		-- python3 party.py --slow) >$p.out 2>$p.err &
	echo $! >$p.pid
done
for p in alice bob carol; do
	until_has $p.out computing
done
began=$(date +%s)
kill -KILL "$(cat carol.pid)"
for p in alice bob; do
	finish 124 $p
	err_has "party 2 'carol' ($c): lost: "
done
[ $(($(date +%s) - began)) -le 30 ] || fail 'took too long'
wait "$(cat carol.pid)" || :
rm carol.pid
agree

claim 'several programs may run one after another'
printf 'import runpy\nfor i in range(3):\n    try:\n        %s\n    %s\n' \
	'runpy.run_path("party.py", run_name="__main__")' \
	'except SystemExit as e: assert not e.code' >three.py
for p in alice bob carol; do
	cp three.py $p/
done
(cd alice && "$DID_CLI" agreement new --name demo --out ../three.json \
	--party "$a,alice" --party "$b,bob,tcp://127.0.0.1:$(free_port)" \
	--preset mpyc -- python3 three.py 2>/dev/null)
for p in alice bob; do
	(cd $p && exec "$DID_CLI" run ../three.json --identity $p -- \
		python3 three.py) >$p.out 2>$p.err &
	echo $! >$p.pid
done
for p in alice bob; do
	finish 0 $p
	[ "$(grep -c 'sum 3' "$dir/out")" -eq 3 ] || fail 'not three times'
done

# milliseconds: what the clock says
milliseconds()
{
	echo $(($(date +%s%N) / 1000000))
}

# differs FIELD COMMAND [WORD...]: with COMMAND done in carol's place, or the
# words given to her program, everybody ends within 5 s of her start and names
# FIELD and carol.  A machine that others keep busy may need a second try for
# the time, not for anything else.
others='alice bob'
differs()
{
	tries=0
	until differs_in_time "$@"; do
		[ $((tries += 1)) -lt 3 ] ||
			fail "$1: took $took ms, and not much less before"
	done
}

differs_in_time()
{
	field=$1
	cp -R carol carol.same
	(cd carol && eval "$2")
	shift 2
	for p in $others; do
		begin "$p"
	done
	[ ! -d carol/path ] || path=path
	began=$(milliseconds)
	begin carol "$@"
	path=
	finish 125 carol
	err_has "error: $field is "
	for p in $others; do
		finish 125 "$p"
		err_has "party $number 'carol' ($c): its agreement differs"
		err_has " in $field"
		[ ! -s "$p.out" ] || fail "$p's program ran"
	done
	took=$(($(milliseconds) - began))
	[ ! -s carol.out ] || fail "carol's program ran"
	rm -rf carol
	mv carol.same carol
	[ "$took" -le 5000 ]
}

claim 'a party where something differs is named to all, and nothing starts'
agree
number=2
differs program.digests.program 'echo >>party.py'
differs threshold : -T 0
# The rest with one party less, for the time that it takes.
python3 -c 'import json
x = json.load(open("a.json"))
del x["parties"][1]
x["threshold"] = 0
json.dump(x, open("a.json", "w"))'
others=alice
number=1
differs program.digests.mpyc 'echo >mpyc/more.py'
# Another version is another package: the first difference is the digest.
differs program.digests.mpyc 'echo "__version__ = \"0.10\"" >mpyc/__init__.py'
grep -qF 'error: parameters.mpyc.version is 0.10 here, the agreement says 0.11' \
	carol.err || fail 'version not named'
differs parameters.arguments : --slow
differs parameters.mpyc.bit-length : -L 64
differs parameters.mpyc.sec-param : -K 40
differs parameters.mpyc.no-async : --no-async
differs parameters.mpyc.no-barrier : --no-barrier
differs parameters.mpyc.no-prss : --no-prss
differs parameters.mpyc.mix32-64bit : --mix32-64bit
differs parameters.mpyc.no-numpy : --no-numpy
differs parameters.mpyc.no-gmpy2 : --no-gmpy2
differs parameters.mpyc.workers : -W 2
# What another interpreter would say, by a module that it runs first.
differs parameters.python.version 'mkdir path
	echo "import sys; sys.version_info = (2, 7, 18)" >path/sitecustomize.py'
differs parameters.python.word_size 'mkdir path
	echo "import struct; struct.calcsize = lambda of: 4" >path/sitecustomize.py'
for fact in numpy gmpy2; do
	[ "$("$DID_CLI" agreement show a.json |
		grep -c "^parameter *$fact = \"none\"")" -eq 1 ] || continue
	differs "parameters.$fact" "mkdir $fact; touch $fact/__init__.py"
done

claim 'one with another number of parties is named to all, and nothing starts'
d=$(new_identity dave)
agree -T 0
python3 - "$d" "$(free_port)" <<'END'
import json, sys
x = json.load(open("a.json"))
parties = x["parties"]
x["parties"] = parties + [{"did": sys.argv[1], "name": "dave",
                           "endpoints": ["tcp://127.0.0.1:" + sys.argv[2]]}]
json.dump(x, open("more.json", "w"))
x["parties"] = parties[1:]
json.dump(x, open("less.json", "w"))
END

# counted FILE: where carol takes FILE for the agreement, all have ended within
# 5 s, have named her, and have not said so again and again.
counted()
{
	for p in alice bob; do
		begin $p -T 0
	done
	began=$(milliseconds)
	(cd carol && exec "$DID_CLI" run "../$1" --identity carol --timeout 30 \
		-- python3 party.py -T 0) >carol.out 2>carol.err &
	echo $! >carol.pid
	for p in alice bob carol; do
		finish 125 $p
		out ''
		err_has ' differs from ours in parties'
		[ "$(grep -c 'answer refused' "$dir/err")" -le 4 ] ||
			fail "$p says it too often"
	done
	took=$(($(milliseconds) - began))
	for p in alice bob; do
		grep 'error: ' $p.err | grep -qF "'carol' ($c)" ||
			fail "$p does not name carol"
	done
	[ "$took" -le 5000 ]
}
for file in more less; do
	tries=0
	until counted $file.json; do
		[ $((tries += 1)) -lt 3 ] ||
			fail "$file: took $took ms, and not much less before"
	done
done

claim 'an agreement that does not say what to compare is refused'
run 0 agreement new --name demo --out b.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"
cd alice || fail "no directory"
run 125 run ../b.json --identity alice --preset mpyc --timeout 1 -- \
	python3 party.py
cd .. || fail "no directory"
err_has 'program.digests.mpyc is sha256:'
err_has 'the agreement says nothing of it'

claim 'who is where is not for the command line'
cd alice || fail "no directory"
for words in '-P localhost:1' '-I0' '-M 3' '--ssl' '-B 7000'; do
	# shellcheck disable=SC2086 # words
	run 125 run ../a.json --identity alice -- python3 party.py $words
	err_has 'who is where is in the agreement'
done
run 125 run ../a.json --identity alice -- ./party.py
err_has 'hint: -- python3 ./party.py'
cd .. || fail "no directory"

# A program that lies has the digest of one that does not.
lie()
{
	words=$1
	agree --slow
	for p in alice bob carol; do
		sed "s/^o = p.parse_args()/o = p.parse_args($2)/" \
			"$here/run/party.py" >$p/party.py
	done
	agree --slow
	begin alice --slow
	LIE=$words
	export LIE
	begin bob --slow
	LIE=
	begin carol --slow
}
lying='(__import__("os").environ.get("LIE", "").split() or []) + __import__("sys").argv[1:]'

claim 'a party that claims the index of another is cut and named'
lie '--claim 0' "$lying"
finish 123 carol
err_has "party 1 'bob' ($b): its connection was cut: the program claimed the"
err_has 'of another party (0)'
finish 123 bob
err_has "party 2 'carol' ($c): cut our connection: the program claimed the"
finish 124 alice
grep 'lost: ' "$dir/err" | grep -qF 'claimed the index of another' ||
	fail 'not told'

claim 'a second connection for the same index is refused'
lie '--twice' "$lying"
finish 123 carol
err_has "party 1 'bob' ($b): its connection was cut: that party has a"
finish 123 bob
finish 124 alice
