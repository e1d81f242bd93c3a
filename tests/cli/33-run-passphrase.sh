# run: what the passphrase was read from is not the program's.

printf 'right\n' >right
run 0 identity new --name alice --passphrase-file right
a=$(cat "$dir/out")
b=$(new_identity bob)
run 0 agreement new --name demo --out a.json --party "$a,alice" \
	--party "$b,bob,tcp://127.0.0.1:$(free_port)"

claim 'the descriptor of the passphrase is closed for the program'
start bob run a.json --identity bob --timeout 60 -- true
start alice run a.json --identity alice --timeout 60 --passphrase-fd 3 -- \
	sh -c 'cat <&3 2>/dev/null || echo shut' 3<right
finish 0 bob
finish 0 alice
out 'shut'
