#!/bin/sh
# Unit tests and vectors on another architecture:
#
#   sh tests/port.sh i386       32 bits; by the processor itself
#   sh tests/port.sh s390x      64 bits, big-endian; under qemu-user
#   sh tests/port.sh arm64      64 bits, the other common one; under qemu-user
#
# Debian's libraries of that architecture are unpacked, not installed, below
# build-port/ARCHITECTURE; nothing of the system changes.  Needs debootstrap,
# qemu-user and the cross compiler (gcc-s390x-linux-gnu, gcc-i686-linux-gnu,
# gcc-aarch64-linux-gnu).  Some minutes; the live tests are left out where there
# is qemu, which is slow.
set -eu
cd "$(dirname "$0")/.."
arch=${1:-s390x}
case $arch in
s390x) triple=s390x-linux-gnu cpu=s390x qemu=s390x endian=big ;;
i386) triple=i686-linux-gnu cpu=x86 qemu=i386 endian=little ;;
arm64) triple=aarch64-linux-gnu cpu=aarch64 qemu=aarch64 endian=little ;;
*) echo "usage: $0 s390x|i386|arm64" >&2 && exit 2 ;;
esac
# Where the libraries are: as the compiler's own name, but for i386.
libs=$triple
[ "$arch" != i386 ] || libs=i386-linux-gnu

mkdir -p "build-port/$arch"
dir=$(cd "build-port/$arch" && pwd)
root=$dir/root
if [ ! -e "$dir/unpacked" ]; then
	rm -rf "$root"
	debootstrap --foreign --arch="$arch" --variant=minbase \
	    --include=libcbor-dev,libcmocka-dev,libjansson-dev,libsodium-dev,libssl-dev,libzmq3-dev \
	    bookworm "$root"
	for deb in "$root"/var/cache/apt/archives/*.deb; do
		dpkg-deb -x "$deb" "$root"
	done
	touch "$dir/unpacked"
fi

# An i386 program needs no qemu where the kernel takes it, and qemu's
# /proc/self/mem is not what two tests of "session handshake" read.
wrapper="'qemu-$qemu', '-L', '$root'"
loader=$root/lib/ld-linux.so.2
path=$root/lib/$libs:$root/usr/lib/$libs
slow=--no-suite=live
if [ "$arch" = i386 ] && "$loader" --library-path "$path" "$root/bin/true"; then
	wrapper="'$loader', '--library-path', '$path'"
	slow=
fi

cat >"$dir/cross" <<END
[binaries]
c = ['$triple-gcc', '--sysroot=$root']
ar = '$triple-ar'
strip = '$triple-strip'
pkgconfig = 'pkg-config'
exe_wrapper = [$wrapper]
[properties]
sys_root = '$root'
needs_exe_wrapper = true
pkg_config_libdir = '$root/usr/lib/$libs/pkgconfig:$root/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = '$cpu'
cpu = '$cpu'
endian = '$endian'
END
[ -e "$dir/build/build.ninja" ] ||
    meson setup "$dir/build" --cross-file "$dir/cross" -Dtests=enabled \
	-Dweb=disabled -Dqr=disabled -Dwerror=true
ninja -k 0 -C "$dir/build"

# "did secret" asks the kernel about mappings, for which qemu-user makes up a
# /proc/self/smaps without flags.
# shellcheck disable=SC2086 # an option or none
names=$(meson test -C "$dir/build" --no-rebuild --list --suite did \
    --suite comm --suite session --suite fuzz $slow |
    sed -n 's/^parley:[a-z+ ]* \/ //p')
[ ! "$slow" ] || names=$(echo "$names" | grep -vx 'did secret')
(
	IFS='
'
	# shellcheck disable=SC2086 # one a line
	meson test -C "$dir/build" --no-rebuild --print-errorlogs -t 10 $names
)
