# Identities without passphrase: new, list, show.

claim 'an empty directory lists nothing and says what to do'
run 0 identity list
out ''
err_has "'did-cli identity new' makes one"
run 0 identity list --json
json "$dir/out" "x['identities'] == []"

claim 'a new identity prints its DID alone and goes to a private file'
run 0 identity new --unencrypted
did=$(cat "$dir/out")
case $did in
did:key:z6Mk*) ;;
*) fail 'not a did:key of Ed25519' ;;
esac
[ "$(wc -l <"$dir/out")" -eq 1 ] || fail 'more than the DID'
err "did-cli: identity written to '$identities/default.identity', \
not encrypted: whoever reads the file has the key"
[ "$(stat -c %a "$identities/default.identity")" = 600 ] || fail 'mode of file'
[ "$(stat -c %a "$identities")" = 700 ] || fail 'mode of directory'
[ "$(find "$identities" -type f | wc -l)" -eq 1 ] || fail 'other files left'

claim 'an existing file is never overwritten'
cp "$identities/default.identity" before
run 5 identity new --unencrypted
out ''
err_has "cannot create '$identities/default.identity': exists already"
err_has 'never overwritten'
cmp -s before "$identities/default.identity" || fail 'file changed'
echo precious >precious
run 5 identity new --unencrypted --out precious
[ "$(cat precious)" = precious ] || fail 'file changed'
ln -s nowhere dangling
run 5 identity new --unencrypted --out dangling
[ ! -e nowhere ] || fail 'written through a symbolic link'

claim 'names, files and XDG_DATA_HOME are where they should be'
run 0 identity new --unencrypted --name alice --json
json "$dir/out" "x['file'].endswith('/identities/alice.identity')"
json "$dir/out" "x['protection'] == 'none' and x['did'][:12] == 'did:key:z6Mk'"
err ''
run 0 identity new --unencrypted --out ./bob.identity
[ -e bob.identity ] || fail 'no file'
run 0 identity show bob.identity
run 0 identity show ./bob.identity
XDG_DATA_HOME=$dir/data
export XDG_DATA_HOME
run 0 identity new --unencrypted
[ -e "$dir/data/parley/identities/default.identity" ] || fail 'no file'
XDG_DATA_HOME=relative
run 0 identity show
out_has "$did"
unset XDG_DATA_HOME

claim 'bad names and contradictions are refused'
run 5 identity new --unencrypted --name ../x
err_has "'../x' is not usable as a name"
run 5 identity new --unencrypted --name .hidden
run 2 identity new --unencrypted --name a --out b
run 2 identity new --unencrypted --passphrase-file x
run 5 identity new --unencrypted --out no/such/directory
err_has "cannot create 'no/such/directory': No such file or directory"

claim 'list and show say the same'
run 0 identity list
out_has "default      $did  unencrypted"
out_has 'alice'
[ "$(wc -l <"$dir/out")" -eq 2 ] || fail 'not two lines'
run 0 identity list --json
json "$dir/out" "[i['name'] for i in x['identities']] == ['alice', 'default']"
json "$dir/out" "x['identities'][1]['did'] == '$did'"
run 0 identity show
out "did         $did
file        $identities/default.identity
protection  not encrypted: whoever reads the file has the key"
err ''
run 0 identity show --check --json
json "$dir/out" "x['did'] == '$did' and x['checked'] is True"

claim 'a missing identity is an error with a hint'
run 5 identity show carol
err_has "cannot open '$identities/carol.identity': No such file or directory"
err_has "did-cli: hint: 'did-cli identity list' shows the identities"

claim 'a file open to others is warned about'
chmod 644 "$identities/default.identity"
run 0 identity show
err "did-cli: warning: '$identities/default.identity' is open to other users \
(mode 0644)
did-cli: hint: chmod 600 '$identities/default.identity'"
chmod 600 "$identities/default.identity"

claim 'an identity that others could replace is not opened'
mkdir -p open/below
cp bob.identity open/below/
chmod 777 open
run 5 identity show --check open/below/bob.identity
out ''
err "did-cli: error: cannot open 'open/below/bob.identity': '$PWD/open' can be \
written to by other users (mode 0777)
did-cli: hint: they could put another identity there: chmod go-w '$PWD/open'"
chmod 1777 open
run 0 identity show --check open/below/bob.identity
chmod 755 open
ln -s bob.identity open/below/link.identity
run 5 identity show open/below/link.identity
err_has "'open/below/link.identity' is a symbolic link"
err_has 'hint: name the file itself'

claim 'foreign, truncated and changed files are told apart, and kept'
echo 'hello' >foreign.identity
run 5 identity show foreign.identity
err_has "cannot open 'foreign.identity': not an identity file"
head -c 60 bob.identity >cut.identity
chmod 600 cut.identity
run 5 identity show cut.identity
err_has 'identity file is damaged'
sed 's/z6Mk\(.\)/z6Mkz/' bob.identity >changed.identity
chmod 600 changed.identity
cp changed.identity before
run 5 identity show --check changed.identity
err_has "cannot open 'changed.identity'"
cmp -s before changed.identity || fail 'file changed'
cp cut.identity "$identities/cut.identity"
run 5 identity list
out_has "$did"
err_has 'cut.identity'
