# The commands of README work as printed there, and print what stands there.

bin=$dir/bin
mkdir "$bin"
ln -s "$DID_CLI" "$bin/did-cli"
PATH=$bin:$PATH

claim 'README, "DIDs and envelopes on the command line"'
sed -n '/^## DIDs and envelopes on the command line$/,/^## /p' \
	"$here/../../README.md" | sed -n 's/^    //p' >wanted
[ "$(grep -c '^\$ ' wanted)" -ge 6 ] || fail 'commands are missing'
# Each command is printed before it runs, as a terminal would show it.
python3 - >script <<'END'
import shlex
for line in open("wanted"):
    if line.startswith("$ "):
        print("printf '%s\\n'", shlex.quote(line.rstrip("\n")))
        print(line[2:], end="")
END
sh script >"$dir/out" 2>&1 || fail 'exit code'
sed 's/did:key:z6Mk[1-9A-HJ-NP-Za-km-z]*/did:key:z6Mk.../g' "$dir/out" >got
diff wanted got >&2 || fail 'README says something else'
