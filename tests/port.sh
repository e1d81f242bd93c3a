#!/bin/sh
# Unit tests and vectors on another architecture, or with another C library:
#
#   sh tests/port.sh i386     32 bits; by the processor itself if the kernel can
#   sh tests/port.sh s390x    64 bits, big-endian; under qemu-user
#   sh tests/port.sh arm64    64 bits, the other common one; under qemu-user
#   sh tests/port.sh musl     this processor, with musl instead of glibc
#
# Options that follow are those of "meson test".  Debian's libraries of that
# architecture are unpacked, not installed, below build-port/ARCHITECTURE; for
# musl they are compiled, by tests/port-musl.sh, which says what it needs.
# Nothing of the system changes, and nobody need be root.  Needs apt; besides,
# s390x needs gcc-s390x-linux-gnu and qemu-user, arm64 gcc-aarch64-linux-gnu
# and qemu-user.  Live tests, which hold connections against the clock, are
# left out under qemu, which is slow.
set -eu
cd "$(dirname "$0")/.."
arch=${1:-}
endian=little slow='' limit=4 extras=enabled deb=deb
case $arch in
i386) triple=i386-linux-gnu cpu=x86 ;;
s390x) triple=s390x-linux-gnu cpu=s390x endian=big slow=qemu-s390x ;;
arm64) triple=aarch64-linux-gnu cpu=aarch64 slow=qemu-aarch64 ;;
musl) triple=x86_64-linux-musl cpu=x86_64 deb=deb-src extras=disabled ;;
*) echo "usage: $0 i386|s390x|arm64|musl [OPTION...]" >&2 && exit 2 ;;
esac
shift
mkdir -p "build-port/$arch"
dir=$(cd "build-port/$arch" && pwd)
root=$dir/root
libs=$root/usr/lib/$triple

# Of the mirror and the release that apt knows here, for another architecture,
# and as if nothing were installed: all that is needed comes with it.
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME)' |
    awk -v suite="$suite" '$2 == suite { print $1; exit }')
mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
echo "$deb $mirror $suite main" >"$dir/sources.list"
: >"$dir/status"
apt()
{
	apt-get -q -y -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
	    -o Dir::Etc::sourcelist="$dir/sources.list" \
	    -o Dir::Etc::sourceparts=- -o Dir::State::lists="$dir/lists" \
	    -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" \
	    -o Acquire::Languages=none -o APT::Sandbox::User= \
	    -o APT::Install-Recommends=false "$@"
}

unpack()
{
	[ ! -e "$dir/unpacked" ] || return 0
	apt update
	apt --download-only install libcbor-dev libcmocka-dev \
	    libcurl4-openssl-dev libgcc-12-dev libjansson-dev libpng-dev \
	    libqrencode-dev libsodium-dev libssl-dev libzmq3-dev
	rm -rf "$root"
	mkdir "$root"
	for file in "$dir"/cache/archives/*.deb; do
		dpkg-deb -x "$file" "$root"
	done
	touch "$dir/unpacked"
}

ar='ar' sys_root=$root wrapper="'$slow', '-L', '$root'"
case $arch in
i386)
	unpack
	# The compiler of x86-64 knows how, but for how a program begins.
	cc="'gcc', '-m32', '--sysroot=$root'"
	cc="$cc, '-B$root/usr/lib/gcc/i686-linux-gnu/12/'"
	loader=$root/lib/ld-linux.so.2
	if "$loader" --version >/dev/null; then
		wrapper="'$loader', '--library-path', '$root/lib/$triple:$libs'"
	else
		slow=qemu-i386 wrapper="'qemu-i386', '-L', '$root'"
	fi
	;;
musl)
	. tests/port-musl.sh
	libs=$root/lib sys_root=''
	cc="'$dir/bin/cc'" wrapper="'env'"
	;;
*)
	unpack
	cc="'$triple-gcc', '--sysroot=$root'" ar=$triple-ar
	;;
esac

cat >"$dir/cross" <<END
[binaries]
c = [$cc]
ar = '$ar'
pkgconfig = 'pkg-config'
exe_wrapper = [$wrapper]
[properties]
needs_exe_wrapper = true
sys_root = '$sys_root'
pkg_config_libdir = '$libs/pkgconfig:$root/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = '$cpu'
cpu = '$cpu'
endian = '$endian'
END
[ -e "$dir/build/build.ninja" ] ||
    meson setup "$dir/build" --cross-file "$dir/cross" -Dtests=enabled \
	-Dweb="$extras" -Dqr="$extras" -Dipsec_mb=disabled -Dwerror=true
ninja -k 0 -C "$dir/build"

[ ! "$slow" ] || {
	set -- --no-suite live "$@"
	limit=10
}
names=$(meson test -C "$dir/build" --no-rebuild --list --suite did \
    --suite comm --suite session --suite fuzz "$@" |
    sed -n 's/^parley:[a-z+ ]* \/ //p')
# It asks the kernel about mappings, for which qemu-user makes up a
# /proc/self/smaps without flags.
[ ! "$slow" ] || names=$(echo "$names" | grep -vx 'did secret')
rm -f "$dir"/build/meson-logs/testlog*.json
status=0
(
	IFS='
'
	# shellcheck disable=SC2086 # one a line
	meson test -C "$dir/build" --no-rebuild --print-errorlogs \
	    -t $limit $names
) || status=1
python3 tests/totals.py "$dir"/build/meson-logs/testlog*.json
exit $status
