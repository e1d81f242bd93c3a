# Envelopes in pipes: pack, unpack, sign, verify.

alice=$(new_identity alice)
bob=$(new_identity bob)
carol=$("$DID_CLI" identity new --name carol --type p256 --unencrypted \
	2>/dev/null)
type=https://didcomm.org/basicmessage/2.0/message
message='{"id":"1","type":"'$type'","body":{"n":1.10}}'

# pack FILE ARGUMENT...: the message, packed into FILE
pack()
{
	file=$1
	shift
	printf '%s\n' "$message" | "$DID_CLI" pack "$@" >"$file" ||
		fail "pack $*"
}

claim 'what one packs the other unpacks, and knows who sent it'
pack e --from alice --to "$bob"
run 0 unpack e --identity bob
json "$dir/out" "x['from'] == '$alice' and x['to'] == ['$bob']"
json "$dir/out" "x['body'] == {'n': 1.1} and x['id'] == '1'"
out_has '"body":{"n":1.10}}'
err "did-cli: sent by $alice
did-cli: readable by $bob only"

claim 'a file, standard input and - are the same'
cp "$dir/out" first
run 0 unpack --identity bob <e
cmp -s first "$dir/out" || fail 'differs'
run 0 unpack - --identity bob <e
cmp -s first "$dir/out" || fail 'differs'

claim 'unpack --json says who and how'
run 0 unpack e --identity bob --json
err ''
json "$dir/out" "x['envelope'] == 'authcrypt(plaintext)'"
json "$dir/out" "x['encryption'] == [{'alg': 'ECDH-1PU+A256KW',
	'enc': 'A256CBC-HS512'}]"
json "$dir/out" "x['sender'] == '$alice' and x['signer'] is None"
json "$dir/out" "x['recipient'] == '$bob' and x['prior'] is None"
json "$dir/out" "x['recipient_kids'] == [x['read_by']]"
json "$dir/out" "x['message']['body'] == {'n': 1.1}"

claim 'every kind of envelope is written, and read for what it is'
pack e --anon --to "$carol"
run 0 unpack e --identity carol
err_has 'did-cli: warning: nothing proves who wrote this'
json "$dir/out" "'from' not in x"
for enc in a256cbc-hs512 a256gcm xc20p; do
	ENC=$(echo $enc | tr a-z A-Z)
	pack e --anon --enc $enc --to "$bob"
	run 0 unpack e --identity bob --json
	json "$dir/out" "x['envelope'] == 'anoncrypt(plaintext)'"
	json "$dir/out" "x['encryption'] == [{'alg': 'ECDH-ES+A256KW',
		'enc': '$ENC'}]"
	json "$dir/out" "x['sender'] is None"
	pack e --anon --from alice --enc $enc --to "$bob"
	run 0 unpack e --identity bob --json
	json "$dir/out" "x['envelope'] == 'anoncrypt(authcrypt(plaintext))'"
	json "$dir/out" "[c['enc'] for c in x['encryption']] == ['$ENC',
		'A256CBC-HS512']"
	json "$dir/out" "x['sender'] == '$alice'"
	pack e --sign --from carol --enc $enc --to "$bob"
	run 0 unpack e --identity bob --json
	json "$dir/out" "x['envelope'] == 'anoncrypt(sign(plaintext))'"
	json "$dir/out" "x['signer'] == '$carol'"
	json "$dir/out" "x['signer_alg'] == 'ES256'"
done

claim 'several recipients get one envelope each'
pack e --from alice --sign --to "$bob" --to "$carol"
[ "$(wc -l <e)" -eq 2 ] || fail 'not two lines'
sed -n 1p e >e1
sed -n 2p e >e2
run 0 unpack e1 --identity bob
json "$dir/out" "x['to'] == ['$bob', '$carol']"
run 0 unpack e2 --identity carol
run 3 unpack e1 --identity carol
out ''
err_has 'did-cli: error: cannot unpack: not addressed to this party'

claim 'a mediator gets a forward message'
pack e --from alice --to "$bob" --routing "$carol"
run 0 unpack e --identity carol
json "$dir/out" "x['type'] == 'https://didcomm.org/routing/2.0/forward'"
json "$dir/out" "x['body']['next'] == '$bob'"

claim 'what is signed is verified in a pipe, without an identity'
printf '%s' "$message" | "$DID_CLI" sign --from alice >s
HOME=$dir/nobody run 0 verify s
out "{\"from\":\"$alice\",${message#?}"
err "did-cli: signed by $alice
did-cli: readable by everybody"
HOME=$dir/nobody run 0 unpack s
run 0 verify s --json
json "$dir/out" "x['signer'] == '$alice' and x['signer_alg'] == 'EdDSA'"
json "$dir/out" "x['envelope'] == 'signed(plaintext)'"
json "$dir/out" "x['encryption'] == [] and x['recipient'] is None"
printf '%s' "$message" >m
run 0 sign m --from carol --to "$bob"
cp "$dir/out" s2
run 0 verify <s2
json "$dir/out" "x['to'] == ['$bob'] and x['from'] == '$carol'"

claim 'members that are there stay, and none of them is invented'
printf '{ }' >m
run 5 sign m --from alice
err_has 'not a valid DIDComm message'
err_has 'did-cli: hint: a message is a JSON object with at least a type'
printf '{"id":"x","typ":"application/didcomm-plain+json","type":"%s",
	"from":"%s","body":{}}' "$type" "$alice" >m
run 0 sign m --from alice
cp "$dir/out" s2
run 0 verify s2
cmp -s m "$dir/out" || [ "$(cat m)" = "$(cat "$dir/out")" ] || fail 'changed'
run 5 sign m --from bob
err_has 'cannot sign: not found: no signing key of ours'

claim 'exit code 3: the other side is not who it should be'
run 0 verify s --from "$alice"
run 3 verify s --from "$bob"
out ''
err "did-cli: error: this is from $alice and not from $bob"
pack e --anon --to "$bob"
run 3 unpack e --identity bob --from "$alice"
out ''
err "did-cli: error: nothing proves that this is from $alice"
pack e --from alice --to "$bob"
run 0 unpack e --identity bob --from "$alice"
run 3 unpack e --identity alice
sed 's/"signature":"..../"signature":"AAAA/' s >bad
run 3 verify bad
out ''
err_has 'did-cli: error: cannot verify: signature does not verify'
sed 's/"ciphertext":"..../"ciphertext":"AAAA/' e >bad
run 3 unpack bad --identity bob
err_has 'sealed part does not open'
run 3 verify e
err_has 'this is not a signed envelope: it is encrypted'
printf '%s' "$message" >m
run 3 verify m
err_has 'this is not a signed envelope: it is plaintext'
run 3 unpack bad --identity carol
: >empty
run 3 unpack empty
run 3 verify empty
echo '[]' >bad
run 3 unpack bad

claim 'the DID that the sender had before is shown'
run 0 identity new --name eve --unencrypted
eve=$(cat "$dir/out")
run 0 identity export alice --unencrypted --out alice.pem
b64()
{
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}
jwt=$(printf '{"typ":"JWT","alg":"EdDSA","kid":"%s"}' \
	"$alice#${alice#did:key:}" | b64).$(printf \
	'{"iss":"%s","sub":"%s","iat":1700000000}' "$alice" "$eve" | b64)
printf '%s' "$jwt" >jwt
openssl pkeyutl -sign -rawin -inkey alice.pem -in jwt -out sig
printf '{"type":"%s","from_prior":"%s.%s"}' "$type" "$jwt" "$(b64 <sig)" |
	"$DID_CLI" pack --from eve --to "$bob" >e
run 0 unpack e --identity bob
err_has "the sender was $alice before"
run 0 unpack e --identity bob --json
json "$dir/out" "x['prior']['did'] == '$alice'"
json "$dir/out" "x['prior']['time'] == 1700000000 and not x['prior']['ended']"
json "$dir/out" "x['sender'] == '$eve'"

claim 'what has expired is refused, unless it is asked for'
printf '{"type":"%s","expires_time":1}' "$type" |
	"$DID_CLI" sign --from alice >s
run 3 verify s
err_has 'expired'
err_has 'did-cli: hint: --expired reads it all the same'
run 0 verify s --expired
run 3 unpack s
run 0 unpack s --expired

claim 'messages that are too large are refused with the limit named'
python3 -c 'print("{\"type\":\"x:y\",\"b\":\"" + "x" * 16777216 + "\"}")' >big
for c in 'pack --anon --to' 'sign --from alice --to'; do
	# shellcheck disable=SC2086
	run 5 $c "$bob" big
	err "did-cli: error: 'big' is larger than 16777216 bytes"
done
run 5 unpack <big
err "did-cli: error: 'standard input' is larger than 16777216 bytes"
run 5 verify big
python3 -c 'print("[" + "1," * 70000 + "1]")' >many
run 5 unpack many
err "did-cli: error: 'many' has more than 65536 JSON values"
run 5 pack --anon --to "$bob" many
err_has '65536 JSON values'
python3 -c 'print("{\"type\":\"'"$type"'\",\"b\":\"" + "x" * 16777000 + "\"}")' >big
run 5 pack --anon --to "$bob" big
err_has 'did-cli: hint: the limits are 16777216 bytes and 65536 JSON values'

claim 'a message of a megabyte goes through a pipe'
python3 -c 'print("{\"type\":\"'"$type"'\",\"b\":\"" + "x" * 1048576 + "\"}")' |
	"$DID_CLI" pack --from alice --to "$bob" |
	"$DID_CLI" unpack --identity bob 2>/dev/null >big
json big "len(x['b']) == 1048576"

claim 'wrong usage is said before anything is read'
run 2 pack --from alice
err_has 'for whom? --to is missing'
run 2 pack --to bob
err_has "--to: 'bob' is not a DID or key id"
run 2 pack --to "$bob" --from alice --enc xc20p
err_has 'without --anon or --sign it is always a256cbc-hs512'
run 2 pack --to "$bob" --anon --enc rot13
run 2 pack --to "$bob" --from alice --identity bob
run 2 pack --to "$bob" --from alice --passphrase-file -
err_has 'standard input cannot be passphrase and message'
run 5 pack m --to "$bob" --from nobody
run 5 pack m --to "$carol" --from alice
err_has 'no agreement key of ours on a curve of the recipient'
run 1 pack m --anon --to did:example:1
err_has 'cannot pack: valid, but not supported here'
run 1 pack m --anon --to did:web:example.com
err_has '--web allows'
run 5 unpack nowhere
run 0 unpack m
err_has 'nothing proves who wrote this'

claim 'a sealed identity packs and unpacks with its passphrase'
echo 'correct horse' >right
run 0 identity new --name dora --passphrase-file right
dora=$(cat "$dir/out")
pack e --from dora --passphrase-file right --to "$dora"
run 0 unpack e --identity dora --passphrase-fd 3 3<right
err_has "sent by $dora"

claim 'text of a stranger cannot steer the terminal'
printf '{"type":"%s","body":{"t":"\302\233\342\200\256"}}' "$type" |
	"$DID_CLI" sign --from alice >s
terminal -- "$DID_CLI" verify s >"$dir/out" || fail 'exit code'
out_has '\u{9b}\u{202e}'
