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

	COMPREPLY=()
	case $prev in
	--identity)
		words=$(_did_cli_identities)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"
			compgen -f -X '!*.identity' -- "$cur")
		return
		;;
	--out | --passphrase-file | --program-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--name | --passphrase-fd | --party | --threshold | --program | \
		--program-version | --parameter | --parameter-text | \
		--expires-in | --count | --interval | --timeout | --listen)
		return
		;;
	esac
	if [ "$COMP_CWORD" -eq 1 ]; then
		words='identity resolve agreement ping help --help --version'
	elif [ "$command" = help ] && [ "$COMP_CWORD" -eq 2 ]; then
		words='identity resolve agreement ping'
	elif [ "$COMP_CWORD" -eq 2 ] && [ "$command" = identity ]; then
		words='new list show --help'
	elif [ "$COMP_CWORD" -eq 2 ] && [ "$command" = agreement ]; then
		words='new show check --help'
	else
		case $command/$sub in
		identity/new)
			words='--name --out --unencrypted --passphrase-file
				--passphrase-fd --json --help'
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
				--parameter-text --expires-in --out --json
				--help'
			;;
		agreement/show) words='--json --help' ;;
		agreement/check)
			words='--identity --program-file --json --help'
			;;
		resolve/*) words='--json --help' ;;
		ping/*)
			words='--identity --count --interval --timeout
				--listen --passphrase-file --passphrase-fd
				--json --help'
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	case $command/$sub in
	agreement/show | agreement/check | ping/*)
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
