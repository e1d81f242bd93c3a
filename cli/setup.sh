# shellcheck shell=sh
# Set-up shared by cli/quickstart.sh, tests/run.sh and .ci/run.  Sourced from
# the top of the tree, after "set -eu"; POSIX sh.
#
#   need GROUP...         install the packages of these groups that are missing
#   build DIR OPTION...   configure DIR once, then compile what changed
#   run TEXT COMMAND...   run quietly: one line of talk, the rest into $log
#   say TEXT              one line of talk, on stderr
#
# Exit codes of the scripts that use this: 0 done, 1 a step failed, 5 packages
# are missing and cannot be installed here, 130 interrupted.

log=build/setup.log
ticker=

say()
{
	printf 'parley: %s\n' "$*" >&2
}

# group, Debian package, how to look for it where there is no dpkg
packages()
{
	cat <<-END
	build  gcc               command cc
	build  libc6-dev         header  stdio.h
	build  meson             command meson
	build  ninja-build       command ninja
	build  pkg-config        command pkg-config
	build  python3           command python3
	build  libcbor-dev       library libcbor
	build  libcurl4-openssl-dev library libcurl
	build  libjansson-dev    library jansson
	build  libpng-dev        library libpng
	build  libqrencode-dev   library libqrencode
	build  libsodium-dev     library libsodium
	build  libssl-dev        library libcrypto
	build  libzmq3-dev       library libzmq
	test   iperf3            command iperf3
	test   iproute2          command ss
	test   libcmocka-dev     library cmocka
	python python3-dev       command python3-config
	python python3-venv      command python3
	test   valgrind          command valgrind
	check  abigail-tools     command abidw
	check  afl++             command afl-fuzz
	check  binutils          command nm
	check  cppcheck          command cppcheck
	check  clang-14          command clang-14
	check  clang-format-14   command clang-format-14
	check  g++               command c++
	check  libclang-rt-14-dev command clang-14
	check  iproute2          command ip
	check  mandoc            command mandoc
	check  nftables          command nft
	check  shellcheck        command shellcheck
	check  spin              command spin
	check  zsh               command zsh
	debian debhelper         command dh
	debian debootstrap       command debootstrap
	debian dpkg-dev          command dpkg-buildpackage
	debian lintian           command lintian
	node   nodejs            command node
	node   npm               command npm
	END
	# Optional, and of one kind of processor alone.
	[ "$(dpkg --print-architecture 2>/dev/null)" != amd64 ] ||
	    echo 'build libipsec-mb-dev header intel-ipsec-mb.h'
}

# Packages of the given groups that are not there, one per line.
missing()
{
	for group; do
		packages | while read -r g package kind what; do
			[ "$g" = "$group" ] || continue
			present "$package" "$kind" "$what" || echo "$package"
		done
	done
}

present()
{
	# Node often comes from elsewhere, under one package name.
	if [ "$installed" ] && [ "$1" != nodejs ] && [ "$1" != npm ]; then
		case $installed in
		*" $1 "*) return 0 ;;
		*) return 1 ;;
		esac
	fi
	case $2 in
	command) command -v "$3" >/dev/null ;;
	library) pkg-config --exists "$3" 2>/dev/null ;;
	header) echo "#include <$3>" | cc -E - >/dev/null 2>&1 ;;
	esac
}

need()
{
	installed=
	if command -v dpkg-query >/dev/null; then
		installed=" $(dpkg-query -W \
		    -f '${db:Status-Status} ${Package}\n' |
		    sed -n 's/^installed //p' | tr '\n' ' ') "
	fi
	wanted=$(missing "$@")
	[ "$wanted" ] || return 0

	# shellcheck disable=SC2086 # a list of words
	set -- $wanted
	as_root=
	if ! command -v apt-get >/dev/null; then
		cannot_install 'this system has no apt-get' "$@"
	elif [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null ||
		    cannot_install 'not root, and there is no sudo' "$@"
		as_root=sudo
		sudo -v || cannot_install 'sudo was refused' "$@"
	fi
	say "missing packages: $*"
	# An earlier, interrupted installation is finished first.
	run 'reading the package lists' $as_root sh -c \
	    'dpkg --configure -a && apt-get -q -o DPkg::Lock::Timeout=300 update'
	run 'installing packages' $as_root env DEBIAN_FRONTEND=noninteractive \
	    apt-get -q -y -o DPkg::Lock::Timeout=300 \
	    install --no-install-recommends "$@"
}

cannot_install()
{
	say "error: $1; these Debian packages, or what corresponds to them" \
	    "here, must be installed first:"
	shift
	printf '  %s\n' "$@" >&2
	exit 5
}

build()
{
	dir=$1
	shift
	if [ ! -e "$dir/build.ninja" ]; then
		# What an interrupted configuration left would confuse Meson.
		rm -rf "$dir/meson-private" "$dir/meson-info"
		run "configuring $dir" meson setup "$dir" "$@"
	fi
	run "building in $dir" ninja -C "$dir"
}

run()
{
	text=$1
	shift
	mkdir -p "$(dirname "$log")"
	start=$(date +%s)
	if [ -t 2 ]; then
		tick "$text" &
		ticker=$!
	else
		say "$text"
	fi
	status=0
	"$@" >"$log" 2>&1 </dev/null || status=$?
	stop_ticker
	took=$(($(date +%s) - start))
	if [ "$status" -ne 0 ]; then
		tail -n 25 "$log" >&2
		say "error: $text failed (exit code $status, all output in $log)"
		exit 1
	fi
	[ "$took" -lt 1 ] || say "$text: done in $took s"
}

# Shows the seconds, so that nobody wonders whether anything happens.
tick()
{
	n=0
	while printf '\rparley: %s: %d s ' "$1" "$n" >&2; do
		sleep 1
		n=$((n + 1))
	done
}

stop_ticker()
{
	[ "$ticker" ] || return 0
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
	ticker=
	printf '\r\033[K' >&2
}

trap stop_ticker EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
