#!/bin/sh
# Completion for bash and zsh: both files load, and each offers all commands of
# "did-cli help", their subcommands, and the long options of each one's help,
# and none that no help names.
#
#   sh tests/check-completion.sh BUILD
#
# Needs zsh, bash and shellcheck.
set -eu

[ $# -eq 1 ] || {
	echo "usage: sh tests/check-completion.sh BUILD" >&2
	exit 2
}
did_cli=$(cd "$1/cli" && pwd)/did-cli
cd "$(dirname "$0")/../cli/completion"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# usage_of WORD...: the help of a command, without its example, which may be
# one of another command
usage_of()
{
	"$did_cli" "$@" --help >"$work/usage"
	sed '/^example:/,$d' "$work/usage"
}

options()
{
	grep -oE -- '--[a-z][a-z-]*' || :
}

# The words of lines such as "  word  what it is", and for "invite", which is
# one itself, those of "did-cli invite word".
subcommands_of()
{
	usage_of "$@" | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
	usage_of "$@" | sed -n "1,/^\$/s/.*did-cli $* \([a-z][a-z]*\) .*/\1/p"
}

# expected WORD...: for each option that must be offered behind these words,
# "WORD... : --option".  Sentences may name options of other commands.
expected()
{
	usage_of "$@" | grep -E '^(usage:|      ) |^  --' | options |
	    sed "s/^/$* : /"
	echo "$* : --help"
	options <"$work/usage" >>"$work/named"
}

"$did_cli" help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' >"$work/commands"
[ -s "$work/commands" ]
{
	sed 's/^/: /' "$work/commands"
	while read -r command; do
		[ "$command" != help ] || continue
		subs=$(subcommands_of "$command")
		for sub in $subs; do
			echo "$command : $sub"
			expected "$command" "$sub"
		done
		# The help of a mere group of commands names no option.
		if [ -z "$subs" ] || [ "$command" = invite ]; then
			expected "$command"
		fi
		echo "help : $command"
	done <"$work/commands"
} | LC_ALL=C sort -u >"$work/expected"

printf '%s\n' --help --version | LC_ALL=C sort -u - "$work/named" \
    >"$work/named.sorted"
sed 's/ *:.*//' "$work/expected" | LC_ALL=C sort -u >"$work/contexts"

cat >"$work/ask.bash" <<'END'
source did-cli.bash || exit 1
[ "$(complete -p did-cli)" = 'complete -o filenames -F _did_cli did-cli' ] ||
    exit 1
while read -r -a context; do
	for cur in '' --; do
		COMP_WORDS=(did-cli "${context[@]}" "$cur")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_did_cli || exit 1
		for word in "${COMPREPLY[@]}"; do
			echo "${context[*]}${context:+ }: $word"
		done
	done
done
END

# zsh has its completion system tell the words; here it tells what it is told.
cat >"$work/ask.zsh" <<'END'
emulate zsh
autoload -U compinit
fpath=($PWD $fpath)
compinit -u -d $1 || exit 1
[[ $_comps[did-cli] == _did-cli ]] || exit 1
autoload -U +X _did-cli || exit 1
_describe() { print -l -- ${${(P)2}%%:*} }
_values() { shift; print -l -- ${@%%\[*} }
_arguments() { print -l -- ${${(M)@:#(\*|)--*}%%\[*} }
while read -r line; do
	context=(${=line})
	for cur in '' --; do
		words=(did-cli $context $cur)
		((CURRENT = 2 + $#context))
		_did-cli | while read -r word; do
			print -r -- "$line${line:+ }: ${word#\*}"
		done
	done
done
exit 0
END

shellcheck -S warning -s bash did-cli.bash
zsh -n _did-cli
bash "$work/ask.bash" <"$work/contexts" >"$work/offered.bash" || {
	echo "did-cli.bash: does not load in bash" >&2
	exit 1
}
zsh -f "$work/ask.zsh" "$work/dump" <"$work/contexts" >"$work/offered.zsh" || {
	echo "_did-cli: does not load in zsh" >&2
	exit 1
}
status=0
for shell in bash zsh; do
	LC_ALL=C sort -u "$work/offered.$shell" >"$work/offered"
	LC_ALL=C comm -23 "$work/expected" "$work/offered" >"$work/forgotten"
	[ ! -s "$work/forgotten" ] || {
		sed "s/^/not offered in $shell: did-cli /" "$work/forgotten" >&2
		status=1
	}
	sed -n 's/.*: --/--/p' "$work/offered" | LC_ALL=C sort -u |
	    LC_ALL=C comm -23 - "$work/named.sorted" >"$work/gone"
	[ ! -s "$work/gone" ] || {
		sed "s/^/offered in $shell, but in no help: /" "$work/gone" >&2
		status=1
	}
done
[ $status -ne 0 ] ||
    echo "$(wc -l <"$work/expected") words, all offered by both shells"
exit $status
