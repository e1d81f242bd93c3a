#!/bin/sh
# The Debian packages can be trusted: check-debian.sh [WORK]
#
# From the files that git knows: dpkg-buildpackage makes them, lintian has
# nothing to say, and in a new Debian, where only they and a compiler are
# installed, the main job runs from the installed files.  What is purged then
# leaves nothing.  Needs root, and the package mirror that apt knows.  WORK, by
# default a temporary directory, is removed at the end.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" -eq 0 ] || {
	echo 'check-debian.sh: error: debootstrap needs root' >&2
	exit 2
}
work=${1:-$(mktemp -d)}
mkdir -p "$work/source/parley"
work=$(cd "$work" && pwd)
root=$work/root

clean()
{
	rm -rf --one-file-system "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

git ls-files -z | xargs -0 cp --parents -t "$work/source/parley"
(cd "$work/source/parley" && dpkg-buildpackage -us -uc)
lintian --fail-on error,warning --allow-root "$work"/source/*.changes

# A file system of its own, gone with the process whatever happens to it.
export work root
unshare --mount --pid --fork --kill-child sh -eu <<'END'
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME)' |
	awk -v suite="$suite" '$2 == suite { print $1; exit }')
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/log" 2>&1 || {
	tail -n 20 "$work/log" >&2
	exit 1
}
cp /etc/resolv.conf "$root/etc/"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
grep -qs localhost "$root/etc/hosts" ||
	echo '127.0.0.1 localhost' >>"$root/etc/hosts"

inside()
{
	chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

# All files but what apt and dpkg keep for themselves, and the backups of the
# table of users: that of the daemon stays, as Debian wants it.
files()
{
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp \
	    -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./var/cache \
	    -o -path ./var/log -o -path './etc/*-' \) -prune -o -print) | LC_ALL=C sort
}

inside apt-get -q update
ipsec_mb=
[ "$(dpkg --print-architecture)" != amd64 ] || ipsec_mb=libipsec-mb1
# shellcheck disable=SC2086 # nothing, or a word
inside apt-get -q -y install --no-install-recommends gcc libc6-dev \
    libsodium-dev pkg-config python3 libcurl4 libjansson4 libcbor0.8 \
    libzmq5 libqrencode4 libpng16-16 libssl3 man-db \
    systemd-standalone-sysusers $ipsec_mb
files >"$work/before"
cp "$work"/source/*.deb "$root/tmp/"
inside sh -c 'dpkg -i /tmp/libparley0_*.deb /tmp/libparley-dev_*.deb \
    /tmp/parley_*.deb'

# The main job, from what was installed.
inside sh -eu <<'JOB'
mkdir -p /tmp/job/build/cli /tmp/job/build/examples
cd /tmp/job
ln -s /usr/bin/did-cli build/cli/did-cli
cp -r /usr/share/doc/libparley-dev/examples .
find examples -name '*.gz' -exec gzip -d {} +
gcc -std=c11 -o hello examples/hello.c $(pkg-config --cflags --libs parley)
rm examples/hello.c
gcc -std=c11 -D_GNU_SOURCE -I. -o build/examples/joint-stats examples/*.c \
    $(pkg-config --cflags --libs parley libsodium)
sh examples/joint-stats.sh build
did-cli --version
sessiond --version
# Without a configuration there is nothing to check; with one it is right.
if sessiond --check-config 2>check; then
	echo 'sessiond: right, without a configuration' >&2
	exit 1
fi
grep sessiond.conf check
umask 077
did-cli identity new --out ./a.identity --unencrypted
printf '%s\n' 'listen = tcp://127.0.0.1:7001' "control = $PWD/control" \
    "identity = $PWD/a.identity" >sessiond.conf
sessiond --config sessiond.conf --check-config
man did-cli >/dev/null
man parley-agreement >/dev/null
JOB
inside dpkg --purge parley libparley-dev libparley0
rm -rf "$root/tmp/job" "$root"/tmp/*.deb
files >"$work/after"
diff "$work/before" "$work/after"
END
echo 'check-debian.sh: packages built, clean, used, and removed'
