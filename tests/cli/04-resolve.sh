# Resolution.

did=did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp

claim 'keys and relations are listed'
run 0 resolve "$did"
err ''
out_has "did    $did"
out_has "key    $did#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
out_has "key    $did#z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW"
out_has '  for    authentication'
out_has '  for    keyAgreement'

claim 'the JSON form is the resolution result'
run 0 resolve "$did" --json
json "$dir/out" "x['didDocument']['id'] == '$did'"
json "$dir/out" "'error' not in x['didResolutionMetadata']"
json "$dir/out" "len(x['didDocument']['verificationMethod']) == 2"

claim 'what does not resolve gives exit code 1 and the name of the error'
run 1 resolve alice
err_has "cannot resolve 'alice': invalidDid"
err_has 'did-cli: hint: a DID looks like did:key:'
run 1 resolve did:web:example.com
err_has 'methodNotSupported'
run 1 resolve did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDoo
out ''
run 1 resolve did:example:1 --json
json "$dir/out" "x['didDocument'] is None"
json "$dir/out" "x['didResolutionMetadata']['error'] == 'methodNotSupported'"

claim 'text of a stranger cannot steer the terminal'
run 1 resolve "$(printf 'did:key:\033]0;x\007\342\200\256')"
err_has 'did:key:\x1b]0;x\x07\u{202e}'

claim 'a new identity resolves'
run 0 resolve "$(new_identity a)"
