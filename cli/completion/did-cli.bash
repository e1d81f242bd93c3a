# Completion of did-cli(1) for bash.

_did_cli_identities()
{
	local dir=${XDG_DATA_HOME:-$HOME/.local/share}/parley/identities file

	for file in "$dir"/*.identity; do
		[ -e "$file" ] || continue
		file=${file##*/}
		printf '%s\n' "${file%.identity}"
	done
}

_did_cli()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} sub=${COMP_WORDS[2]} words=
	local commands='identity resolve pack unpack sign verify invite
		agreement ping run receipt status'
	local resolver='--web --web-private --web-ca --web-timeout
		--web-redirects --directory'
	local passphrase='--passphrase-file --passphrase-fd'

	COMPREPLY=()
	# Behind "--" is another program.
	if [ "$command" = run ] && [ "$COMP_CWORD" -gt 2 ] &&
		[[ " ${COMP_WORDS[*]:2:COMP_CWORD-2} " == *' -- '* ]]; then
		[ "$prev" = -- ] && words=-c || words=-f
		mapfile -t COMPREPLY < <(compgen "$words" -- "$cur")
		return
	fi
	case $command/$prev in
	*/--identity | pack/--from | sign/--from)
		words=$(_did_cli_identities)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"
			compgen -f -X '!*.identity' -- "$cur")
		return
		;;
	*/--type) words='ed25519 p256' ;;
	*/--format) words='jwk pem seed' ;;
	*/--preset) words='mpyc tcp' ;;
	*/--on-lost) words='fail wait' ;;
	*/--carrier) words='zmtp libzmq' ;;
	*/--enc) words='a256cbc-hs512 a256gcm xc20p' ;;
	*/--out | */--control | */--passphrase-file | */--key-passphrase-file | \
		*/--program-file | */--web-ca | */--directory | */--png | \
		*/--receipts | */--agreement)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	*/--name | */--passphrase-fd | */--key-passphrase-fd | */--party | \
		*/--threshold | */--program | */--program-version | \
		*/--parameter | */--parameter-text | */--expires-in | \
		*/--count | */--interval | */--timeout | */--listen | \
		*/--lost-after | \
		*/--to | */--from | */--routing | */--url | */--goal | \
		*/--goal-code | */--web-timeout | */--web-redirects)
		return
		;;
	esac
	if [ "$words" ]; then
		command= # these, and no file
	elif [ "$COMP_CWORD" -eq 1 ]; then
		words="$commands help --help --version"
	elif [ "$command" = help ] && [ "$COMP_CWORD" -eq 2 ]; then
		words=$commands
	elif [ "$COMP_CWORD" -eq 2 ] && [ "$command" = identity ]; then
		words='new list show import export --help'
	elif [ "$COMP_CWORD" -eq 2 ] && [ "$command" = agreement ]; then
		words='new show check --help'
	elif [ "$COMP_CWORD" -eq 2 ] && [ "$command" = receipt ]; then
		words='verify --help'
	else
		case $command/$sub in
		identity/new)
			words="--type --name --out --unencrypted $passphrase
				--json --help"
			;;
		identity/import)
			words="--format --key-passphrase-file
				--key-passphrase-fd --name --out --unencrypted
				$passphrase --json --help"
			;;
		identity/export)
			words="--format --out --unencrypted
				--key-passphrase-file --key-passphrase-fd
				$passphrase --help $(_did_cli_identities)"
			;;
		identity/list) words='--json --help' ;;
		identity/show)
			words='--identity --check --passphrase-file
				--passphrase-fd --json --help'
			words="$words $(_did_cli_identities)"
			;;
		agreement/new)
			words='--name --party --threshold --program
				--program-version --program-file --parameter
				--parameter-text --expires-in --preset --out
				--json --help'
			;;
		agreement/show) words='--json --help' ;;
		agreement/check)
			words='--identity --program-file --json --help'
			;;
		resolve/*) words="--url $resolver --json --help" ;;
		pack/*)
			words="--to --from --identity --anon --sign --enc
				--routing $passphrase $resolver --help"
			;;
		unpack/*)
			words="--identity --from --expired $passphrase
				$resolver --json --help"
			;;
		sign/*)
			words="--from --identity --to $passphrase --help"
			;;
		verify/*) words="--from --expired $resolver --json --help" ;;
		invite/show) words='--json --help' ;;
		invite/*)
			words='--identity --goal --goal-code --url --qr --png
				--json --help'
			[ "$COMP_CWORD" -ne 2 ] || words="show $words"
			;;
		ping/*)
			words='--identity --count --interval --timeout
				--listen --passphrase-file --passphrase-fd
				--json --help'
			;;
		run/*)
			words="--identity --preset --timeout --on-lost
				--lost-after --receipts --listen --carrier
				$passphrase --daemon --control --json --help"
			;;
		receipt/verify) words='--agreement --json --help' ;;
		status/*) words='--control --json --help' ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	case $command/$sub in
	agreement/show | agreement/check | ping/* | run/* | pack/* | \
		unpack/* | sign/* | verify/* | invite/show | receipt/verify | \
		identity/import)
		case $cur in
		-*) ;;
		*)
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
				< <(compgen -f -- "$cur")
			;;
		esac
		;;
	esac
}

complete -o filenames -F _did_cli did-cli
