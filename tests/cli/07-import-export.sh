# Keys of other programs: identity new --type, import, export.

printf 'correct horse\n' >right
printf 'battery staple\n' >other

claim 'an identity can have a P-256 key'
run 0 identity new --type p256 --name p --unencrypted
p=$(cat "$dir/out")
case $p in
did:key:zDn*) ;;
*) fail 'not a did:key of P-256' ;;
esac
run 0 identity show p --check
run 0 identity new --type ed25519 --name e --unencrypted
e=$(cat "$dir/out")
run 2 identity new --type rsa --name r --unencrypted
err "did-cli: error: --type: 'rsa' is neither ed25519 nor p256"
[ ! -e "$identities/r.identity" ] || fail 'file was made'

claim 'what was exported in any format is the same identity when imported'
for id in p e; do
	for format in jwk pem seed; do
		[ "$id/$format" != p/seed ] || continue
		run 0 identity export "$id" --format $format --unencrypted \
			--out $id.$format
		out ''
		err_has 'not encrypted: whoever reads the file has the key'
		[ "$(stat -c %a $id.$format)" = 600 ] || fail 'mode of file'
		run 0 identity import $id.$format --out $id-$format.identity \
			--unencrypted
		out "$(eval echo \$$id)"
		run 0 identity import $id.$format --format $format --json \
			--out $id-$format-2.identity --unencrypted
		json "$dir/out" "x['did'] == '$(eval echo \$$id)'"
	done
done
[ "$(wc -c <e.seed)" -eq 32 ] || fail 'a seed has 32 bytes'
json e.jwk "x['kty'] == 'OKP' and len(x['d']) == 43"

claim 'PEM and JWK can have a passphrase; the identity file has its own'
run 0 identity import e.pem --name s --passphrase-file right
for format in jwk pem; do
	run 0 identity export s --format $format --out sealed.$format \
		--passphrase-file right --key-passphrase-file other
	err_has 'sealed under a passphrase'
	run 0 identity import sealed.$format --key-passphrase-fd 3 \
		--out s-$format.identity --passphrase-file right 3<other
	out "$e"
	run 0 identity show s-$format.identity --check --passphrase-file right
	run 5 identity import sealed.$format --key-passphrase-file right \
		--out x.identity --unencrypted
	err_has 'passphrase is wrong'
	[ ! -e x.identity ] || fail 'file was made'
done
grep -q 'BEGIN ENCRYPTED PRIVATE KEY' sealed.pem || fail 'not encrypted'

claim 'the passphrase of a key is asked for where there is one, and only then'
terminal 'Passphrase for' 'battery staple\n' -- "$DID_CLI" identity import \
	sealed.pem --out t.identity --unencrypted >"$dir/out" || fail 'exit code'
out_has "$e"
terminal 'Passphrase for' 'one\n' 'Again, for' 'one\n' -- "$DID_CLI" \
	identity export e --out t.pem >"$dir/out" || fail 'exit code'
grep -q 'BEGIN ENCRYPTED PRIVATE KEY' t.pem || fail 'not encrypted'

claim 'OpenSSL reads what we write, and we read what it writes'
openssl pkey -in e.pem -noout
openssl pkey -in sealed.pem -passin file:other -noout
openssl genpkey -algorithm ed25519 -out openssl.pem
run 0 identity import openssl.pem --out o.identity --unencrypted
openssl pkey -in openssl.pem -outform DER | tail -c 32 >openssl.seed
run 0 identity export o.identity --format seed --unencrypted --out - \
	>/dev/null
cmp -s "$dir/out" openssl.seed || fail 'another seed'

claim 'a secret is printed only by --out -'
run 2 identity export e --unencrypted
err_has '--out is missing'
out ''
run 0 identity export e --format jwk --unencrypted --out -
cmp -s "$dir/out" e.jwk || fail 'not what the file has'
run 0 identity export e --out - --key-passphrase-file other
out_has 'BEGIN ENCRYPTED PRIVATE KEY'

claim 'existing files are kept, and wrong requests refused'
cp e.pem before
run 5 identity export e --unencrypted --out e.pem
err_has "cannot create 'e.pem': exists already"
cmp -s before e.pem || fail 'file changed'
run 5 identity import e.pem --name p --unencrypted
err_has 'exists already'
run 2 identity export e --format seed --out x
err_has 'a seed cannot be encrypted'
run 5 identity export p --format seed --unencrypted --out x
err_has 'only an Ed25519 key has a seed'
run 2 identity export e --format der --unencrypted --out x
err_has "'der' is none of jwk, pem, seed"
run 2 identity export e --unencrypted --key-passphrase-file other --out x
[ ! -e x ] || fail 'file was made'
run 2 identity import e.pem --name a --out b --unencrypted

claim 'what is no key of ours is refused with the reason'
run 5 identity import nowhere --unencrypted
err_has "cannot import 'nowhere': No such file or directory"
echo '{}' >empty.jwk
run 5 identity import empty.jwk --unencrypted
err_has "cannot import 'empty.jwk'"
openssl genpkey -algorithm x25519 -out x25519.pem
run 5 identity import x25519.pem --unencrypted
err_has 'did-cli: hint: identities have Ed25519 or P-256 keys'
head -c 31 e.seed >short.seed
run 5 identity import short.seed --format seed --unencrypted
err_has 'length is not what it must be'
[ ! -e "$identities/default.identity" ] || fail 'file was made'
