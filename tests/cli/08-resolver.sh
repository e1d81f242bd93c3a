# Resolution with its options: DID URLs, files, did:web.

did=did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp
key=z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp

claim 'a DID URL gives one part of the document'
run 0 resolve --url "$did#$key"
out "key    $did#$key
  type   Multikey
  value  $key"
run 0 resolve --url "$did#$key" --json
json "$dir/out" "x['contentStream']['id'] == '$did#$key'"
json "$dir/out" "'error' not in x['dereferencingMetadata']"
run 0 resolve --url "$did"
out_has "did    $did"

claim 'a part that is not there, and a URL where a DID is wanted, are errors'
run 1 resolve --url "$did#other"
err_has 'notFound'
run 1 resolve --url "$did#other" --json
json "$dir/out" "x['contentStream'] is None"
json "$dir/out" "x['dereferencingMetadata']['error'] == 'notFound'"
run 1 resolve "$did#$key"
err_has 'did-cli: hint: --url resolves a DID URL'
run 2 resolve
run 2 resolve "$did" --url "$did"
run 2 resolve --url

claim 'documents are found as files in a directory'
mkdir documents
python3 - "$key" >documents/did_example_1.json <<'END'
import json, sys
did = "did:example:1"
print(json.dumps({
    "id": did,
    "verificationMethod": [{
        "id": did + "#k", "type": "Multikey", "controller": did,
        "publicKeyMultibase": sys.argv[1]}],
    "authentication": [did + "#k"],
    "service": [{"id": did + "#s", "type": "DIDCommMessaging",
                 "serviceEndpoint": {"uri": "https://example.com/didcomm"}}]}))
END
run 0 resolve did:example:1 --directory documents
out_has "key    did:example:1#k"
out_has '  for    authentication'
out_has 'service did:example:1#s'
run 0 resolve --url did:example:1#s --directory documents
out_has '  at     {"uri":"https://example.com/didcomm"}'
run 0 resolve --url did:example:1#k --directory documents --json
json "$dir/out" "x['contentStream']['publicKeyMultibase'] == '$key'"
run 1 resolve did:example:2 --directory documents
err_has 'notFound'
run 1 resolve did:example:1
err_has 'methodNotSupported'
err_has '--directory'
run 5 resolve did:example:1 --directory nowhere
err_has "--directory: cannot open 'nowhere': No such file or directory"

claim 'pack finds its recipient in the directory, too'
python3 - >documents/did_web_example.com.json <<'END'
import json
did = "did:web:example.com"
print(json.dumps({
    "id": did,
    "verificationMethod": [{
        "id": did + "#k", "type": "Multikey", "controller": did,
        "publicKeyMultibase":
            "z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW"}],
    "keyAgreement": [did + "#k"]}))
END
echo '{"type":"https://didcomm.org/empty/1.0/empty"}' >m
run 0 pack m --anon --to did:web:example.com --directory documents
json "$dir/out" "x['recipients'][0]['header']['kid'] == \
	'did:web:example.com#k'"
run 1 pack m --anon --to did:web:example.com

claim 'did:web is asked for only where that is allowed'
run 1 resolve did:web:localhost
err_has 'methodNotSupported'
err_has 'did-cli: hint: --web allows to fetch the document by HTTPS'
run 2 resolve did:web:localhost --web-private
err_has 'says nothing without --web'
run 2 resolve did:web:localhost --web --web-timeout 0
run 2 resolve did:web:localhost --web --web-redirects many
run 5 resolve did:web:localhost --web --web-ca nowhere

claim 'did:web is resolved by HTTPS'
if ! "$DID_CLI" resolve did:web:localhost --web 2>&1 | grep -q 'without libcurl'
then
	mkfifo server.in
	python3 "$here/../https.py" . <server.in >ports &
	echo $! >server.pid
	exec 4>server.in
	until_has ports ' '
	port=$(cut -d ' ' -f 1 ports)
	web=did:web:localhost%3A$port
	run 1 resolve "$web" --web --web-ca cert.pem
	err_has 'host has no public address'
	run 0 resolve "$web" --web --web-private --web-ca cert.pem
	out_has "did    $web"
	out_has "  value  $key"
	run 1 resolve "$web" --web --web-private
	err_has 'cannot fetch the DID document'
	exec 4>&-
	wait "$(cat server.pid)" || :
	rm server.pid
fi
