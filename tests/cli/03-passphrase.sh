# Identities under a passphrase: file, descriptor, standard input, terminal.

printf 'correct horse\n' >right
printf 'correct hors\n' >wrong

claim 'a passphrase comes from a file, a descriptor, or standard input'
run 0 identity new --name a --passphrase-file right --json
json "$dir/out" "x['protection'] == 'passphrase'"
run 0 identity show a --check --passphrase-file right
run 0 identity show a --check --passphrase-fd 3 3<right
run 0 identity show a --check --passphrase-file - <right
printf 'correct horse' >without-newline
run 0 identity show a --check --passphrase-file without-newline

claim 'without --check nobody asks for a passphrase'
run 0 identity show a </dev/null
out_has 'sealed under a passphrase'

claim 'a wrong passphrase is a precise error'
run 5 identity show a --check --passphrase-file wrong
out ''
err "did-cli: error: cannot open '$identities/a.identity': passphrase is \
wrong, or the file was changed"

claim 'the passphrase is not in the file'
! grep -q 'horse' "$identities/a.identity" || fail 'passphrase in the file'

claim 'empty, too long and missing passphrases are refused'
: >empty
run 5 identity new --name b --passphrase-file empty
err_has 'the passphrase is empty'
head -c 1025 /dev/zero | tr '\0' x >long
run 5 identity new --name b --passphrase-file long
err_has 'the passphrase is longer than 1024 bytes'
run 5 identity new --name b --passphrase-file nowhere
err_has "cannot open 'nowhere': No such file or directory"
run 5 identity new --name b --passphrase-fd 9
err_has 'cannot read the passphrase from descriptor 9: Bad file descriptor'
run 2 identity new --name b --passphrase-fd x
run 2 identity new --name b --passphrase-fd 0 --passphrase-file right
run 2 identity new --name b --passphrase horse
[ ! -e "$identities/b.identity" ] || fail 'file was made'

claim 'without a terminal there is an error and not a question'
code=0
setsid -w "$DID_CLI" identity new --name b </dev/null >"$dir/out" \
	2>"$dir/err" || code=$?
[ "$code" -eq 5 ] || fail "exit code $code"
err_has 'no terminal to ask for the passphrase'
err_has 'did-cli: hint: give it by --passphrase-file FILE or --passphrase-fd N'

claim 'the terminal is asked twice, without echo'
terminal 'Passphrase for' 'tr0ub4dor\n' 'Again, for' 'tr0ub4dor\n' -- \
	"$DID_CLI" identity new --name c >"$dir/out" || fail 'exit code'
out_has 'did:key:z6Mk'
out_has 'terminal echoes'
! grep -q tr0ub4dor "$dir/out" || fail 'the passphrase was shown'
terminal 'Passphrase for' 'tr0ub4dor\n' -- \
	"$DID_CLI" identity show c --check >"$dir/out" || fail 'exit code'
out_has 'the file opens'

claim 'two different answers make no identity'
code=0
terminal 'Passphrase for' 'one\n' 'Again, for' 'two\n' -- \
	"$DID_CLI" identity new --name d >"$dir/out" || code=$?
[ "$code" -eq 5 ] || fail "exit code $code"
out_has 'the two passphrases are not the same'
[ ! -e "$identities/d.identity" ] || fail 'file was made'

claim 'Ctrl-C and end of file at the question leave the terminal echoing'
code=0
terminal 'Passphrase for' 'ab\x03' -- \
	"$DID_CLI" identity new --name d >"$dir/out" || code=$?
[ "$code" -eq 130 ] || fail "exit code $code"
out_has 'terminal echoes'
code=0
terminal 'Passphrase for' 'one\n' 'Again, for' '\x04' -- \
	"$DID_CLI" identity new --name d >"$dir/out" || code=$?
[ "$code" -eq 5 ] || fail "exit code $code"
out_has 'terminal echoes'
long=$(head -c 3000 /dev/zero | tr '\0' x)
code=0
terminal 'Passphrase for' "$long\\n" -- \
	"$DID_CLI" identity new --name d >"$dir/out" || code=$?
[ "$code" -eq 5 ] || fail "exit code $code"
out_has 'longer than 1024 bytes'
out_has 'terminal echoes'
[ "$(find "$identities" -type f | wc -l)" -eq 2 ] || fail 'files left behind'

claim 'a signal while the file is written leaves all of it or nothing'
for delay in 0.05 0.2 0.5; do
	start e identity new --name e --passphrase-file right
	sleep "$delay"
	kill -INT "$(cat e.pid)" 2>/dev/null || :
	wait "$(cat e.pid)" || :
	rm e.pid
	if [ -e "$identities/e.identity" ]; then
		run 0 identity show e --check --passphrase-file right
		rm "$identities/e.identity"
	fi
	[ "$(find "$identities" -type f | wc -l)" -eq 2 ] ||
		fail 'files left behind'
done
