# Invitations: text, URL, QR code.

alice=$(new_identity alice)

claim 'an invitation is text that shows what it says'
run 0 invite --identity alice --goal 'Let us talk' --goal-code talk
err ''
[ "$(wc -l <"$dir/out")" -eq 1 ] || fail 'more than one line'
cp "$dir/out" text
run 0 invite show "$(cat text)"
out_has "from       $alice"
out_has 'goal       Let us talk'
out_has 'goal code  talk'
out_has 'accepts    didcomm/v2'

claim 'text, URL, JSON, file and standard input are read the same'
cp "$dir/out" shown
run 0 invite show text
cmp -s shown "$dir/out" || fail 'differs'
run 0 invite show - <text
cmp -s shown "$dir/out" || fail 'differs'
run 0 invite show "https://example.com/?a=b&_oob=$(cat text)"
cmp -s shown "$dir/out" || fail 'differs'
run 0 invite show text --json
json "$dir/out" "x['from'] == '$alice' and x['body']['goal'] == 'Let us talk'"
json "$dir/out" "x['type'].endswith('/out-of-band/2.0/invitation')"
cp "$dir/out" message.json
run 0 invite show message.json
cmp -s shown "$dir/out" || fail 'differs'

claim 'a base makes it a URL'
run 0 invite --identity alice --url https://example.com/talk --json
json "$dir/out" "x['invitation'].startswith('https://example.com/talk?_oob=')"
json "$dir/out" "x['message']['from'] == '$alice'"
run 2 invite --identity alice --url 'https://example.com/#x'
run 2 invite --identity alice --url example.com

claim 'a sealed identity invites without its passphrase'
echo 'correct horse' >right
run 0 identity new --name sealed --passphrase-file right
run 0 invite --identity sealed

claim 'what is no invitation is refused'
run 3 invite show https://example.com/
err_has 'cannot read the invitation: not in the expected form'
run 3 invite show 'https://example.com/?_oobid=1'
run 3 invite show "$(cat text)x"
run 5 invite show nowhere
err_has "cannot open 'nowhere'"
run 2 invite show
run 2 invite shwo
err_has "did you mean 'show'?"
run 5 invite --identity nobody
printf '{"id":"1","type":"https://didcomm.org/empty/1.0/empty"}' >other.json
run 3 invite show other.json

claim 'goals of a stranger cannot steer the terminal'
python3 - text >evil <<'END'
import base64, json, sys
t = open(sys.argv[1]).read().strip()
m = json.loads(base64.urlsafe_b64decode(t + "=" * (-len(t) % 4)))
m["body"]["goal"] = "a\x1b[2J\u202eb\nfrom c"
print(base64.urlsafe_b64encode(json.dumps(m).encode()).decode().rstrip("="))
END
run 0 invite show evil
out_has 'goal       a\x1b[2J\u{202e}b\nfrom c'

if "$DID_CLI" invite --identity alice --qr 2>&1 | grep -q 'built without'; then
	claim 'without libqrencode there is a precise error'
	run 1 invite --identity alice --qr
	run 1 invite --identity alice --png code.png
	[ ! -e code.png ] || fail 'file was made'
	return 0
fi

claim 'the code goes to standard error, the invitation to standard output'
run 0 invite --identity alice --goal 'Let us talk' --qr --png code.png
[ "$(wc -l <"$dir/out")" -eq 1 ] || fail 'more than one line'
[ "$(stat -c %a code.png)" = 600 ] || fail 'mode of file'
cp "$dir/out" text
cp "$dir/err" code.txt

claim 'the code on the terminal and the PNG hold the invitation'
[ "$(python3 "$here/qr.py" code.txt)" = "$(cat text)" ] || fail 'terminal'
[ "$(python3 "$here/qr.py" code.png)" = "$(cat text)" ] || fail 'PNG'
run 0 invite --identity alice --qr --url https://example.com/a/long/base
cp "$dir/err" code.txt
[ "$(python3 "$here/qr.py" code.txt)" = "$(cat "$dir/out")" ] || fail 'URL'

claim 'on a terminal it has colours of its own'
terminal -- "$DID_CLI" invite --identity alice --qr >"$dir/out" ||
	fail 'exit code'
out_has "$(printf '\033[97;40m')"

claim 'an existing picture is kept, and what is too long refused'
cp code.png before
run 5 invite --identity alice --png code.png
out ''
cmp -s before code.png || fail 'file changed'
run 1 invite --identity alice --qr --goal "$(head -c 3000 /dev/zero | tr '\0' x)"
err_has 'the limit is 2953'
