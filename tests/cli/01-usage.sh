# Help, version, and wrong usage.

claim 'no command is wrong usage'
run 2
out ''
err "did-cli: error: no command given
did-cli: hint: 'did-cli help' lists the commands"

claim 'an unknown command is answered by the nearest one'
run 2 identty
err "did-cli: error: unknown command 'identty'
did-cli: hint: did you mean 'identity'?"
run 2 agreement cehck
err "did-cli: error: unknown command 'agreement cehck'
did-cli: hint: did you mean 'check'?"
run 2 help pnig
err_has "did you mean 'ping'?"
run 2 xyzzy
err_has "'did-cli help' lists the commands"
run 2 identity
err_has "'did-cli help identity' lists them"

claim 'an unknown option is answered by the nearest one'
run 2 identity new --unencrpyted
err "did-cli: error: new: unknown option '--unencrpyted'
did-cli: hint: did you mean '--unencrypted'?"
run 2 resolve -x did:key:z
err_has "unknown option '--x'"

claim 'options are not abbreviated'
run 2 identity new --unenc
err_has "unknown option '--unenc'"

claim 'missing, surplus and repeated words are wrong usage'
run 2 identity new --name
err_has "'--name' needs a value"
run 2 identity list --json=yes
err_has "'--json' takes no value"
run 2 identity list surplus
err_has "'surplus' is one word too many"
run 2 identity new --name a --name b
err_has "'--name' is given twice"
run 2 resolve
err_has 'an operand is missing'

claim 'control characters of the command line do not reach the terminal'
run 2 "$(printf 'a\033[31mb\nc')"
err_has "unknown command 'a\\x1b[31mb\\nc'"

claim 'the version is one line'
run 0 --version
[ "$(wc -l <"$dir/out")" -eq 1 ] || fail 'more than one line'
out_has 'did-cli '

claim 'every help fits a screen, ends in an example, and is the same twice'
run 0 --help
[ "$(wc -l <"$dir/out")" -le 24 ] || fail 'longer than a screen'
cp "$dir/out" all
run 0 help
cmp -s all "$dir/out" || fail 'help and --help differ'
for c in identity 'identity new' 'identity list' 'identity show' \
	'identity import' 'identity export' resolve pack unpack sign verify \
	invite 'invite show' agreement 'agreement new' 'agreement show' \
	'agreement check' ping run receipt 'receipt verify' status; do
	# shellcheck disable=SC2086 # two words
	run 0 $c --help
	err ''
	cp "$dir/out" one
	# shellcheck disable=SC2086
	run 0 help $c
	cmp -s one "$dir/out" || fail "help $c and $c --help differ"
	[ "$(wc -l <one)" -le 24 ] || fail "help of $c is too long"
	[ "$(wc -L <one)" -le 80 ] || fail "help of $c is too wide"
	tail -n 1 one | grep -q '^  ' || fail "help of $c has no example"
	grep -q '^example' one || fail "help of $c has no example"
done

claim 'every option that a command takes is in its help'
sources=$here/../../cli
sed -n 's/.*{\.name = "\([a-z-]*\)", \.\(text\|flag\|list\).*/\1/p' \
	"$sources"/*.c "$sources"/*.h | LC_ALL=C sort -u >known
[ "$(wc -l <known)" -ge 40 ] || fail 'the options are not found in the sources'
for c in 'identity new' 'identity list' 'identity show' 'identity import' \
	'identity export' resolve pack unpack sign verify invite 'invite show' \
	'agreement new' 'agreement show' 'agreement check' ping run \
	'receipt verify' status; do
	# shellcheck disable=SC2086 # two words
	"$DID_CLI" help $c >one
	while read -r option; do
		! grep -qF -e "--$option" one || continue
		# How to resolve is said once.
		case $option in
		web-*) ! grep -qF "'did-cli help resolve'" one || continue ;;
		esac
		# shellcheck disable=SC2086 # two words
		"$DID_CLI" $c --"$option" --no-such </dev/null >/dev/null \
			2>"$dir/err" || :
		grep -qF "unknown option '--$option'" "$dir/err" ||
			fail "$c takes --$option, and its help does not say so"
	done <known
done

claim 'the examples work as typed'
bin=$dir/bin
mkdir "$bin"
ln -s "$DID_CLI" "$bin/did-cli"
PATH=$bin:$PATH
for c in 'agreement new' 'agreement show' 'agreement check' 'identity list' \
	'identity show' resolve pack unpack sign verify 'identity import' \
	'identity export' invite 'invite show'; do
	# shellcheck disable=SC2086
	did-cli help $c | sed '1,/^example/d' >example
	sh -e example >"$dir/out" 2>"$dir/err" || fail "example of $c"
done

claim 'data that cannot be written is an error'
code=0
"$DID_CLI" --version >/dev/full 2>"$dir/err" || code=$?
[ "$code" -eq 1 ] || fail "exit code $code"
err_has 'cannot write to standard output: No space left on device'
