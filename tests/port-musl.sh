# shellcheck shell=sh
# The libraries Parley needs, compiled for musl into ${root}.  Read by
# tests/port.sh, which has ${dir}, ${mirror} and apt().
#
# Debian has musl and its musl-gcc, but no library for it: they are compiled
# from Debian's sources.  libzmq is C++, of which there is no library for musl
# either, and whose compiler is the package "ziglang" of PyPI, which brings
# one: libzmq.so has it inside, and needs nothing but musl.
#
# Needs autoconf, automake, cmake, curl, dpkg-dev, libtool, musl-tools,
# python3-venv.

set -eu

# source_of NAME: what Debian calls so
source_of()
{
	[ ! -e "$dir/src/$1" ] || return 0
	cd "$dir/src"
	apt --download-only source "$1"
	dpkg-source --no-check -x "$1"_*.dsc "$1"
}

# Not every mirror has the files of libcbor in Debian 12; this one is Debian
# 13's.
source_of_libcbor()
{
	[ ! -e "$dir/src/libcbor" ] || return 0
	tar=$dir/src/libcbor_0.10.2.orig.tar.gz
	curl -sSf -o "$tar" "${mirror%/}/pool/main/libc/libcbor/${tar##*/}"
	echo "e75f712215d7b7e5c89ef322a09b701f7159f028b8b48978865725f00f79875b" \
	    "$tar" | sha256sum --check --quiet
	mkdir "$dir/src/libcbor"
	tar -xzf "$tar" --strip-components=1 -C "$dir/src/libcbor"
}

# by_cmake NAME OPTION...
by_cmake()
{
	source=$dir/src/$1
	shift
	cmake -S "$source" -B "$source/build-musl" \
	    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$root" \
	    -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
	    -DCMAKE_C_COMPILER="$dir/bin/cc" -DCMAKE_CXX_COMPILER="$dir/bin/c++" \
	    -DCMAKE_PREFIX_PATH="$root" "$@"
	cmake --build "$source/build-musl" -j "$(nproc)"
	cmake --install "$source/build-musl"
}

# once NAME: what is not there yet; all that it says goes to a file
once()
{
	[ ! -e "$dir/have-$1" ] || return 0
	echo "$1, for musl"
	# Beside: the shell does not end at an error in what "||" follows.
	"$1" >"$dir/$1.log" 2>&1 &
	wait $! || {
		tail -n 30 "$dir/$1.log" >&2
		exit 1
	}
	touch "$dir/have-$1"
}

compilers()
{
	[ -n "$(find "$dir/lists" -name '*_Sources*')" ] || apt update
	[ -e "$dir/venv" ] || python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install ziglang==0.17.0
	# The kernel's headers are the system's own.
	mkdir -p "$dir/kernel"
	ln -sfn /usr/include/linux "$dir/kernel/linux"
	ln -sfn /usr/include/asm-generic "$dir/kernel/asm-generic"
	ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$dir/kernel/asm"
	{
		echo '#!/bin/sh'
		echo "exec musl-gcc -isystem '$root/include'" \
		    "-idirafter '$dir/kernel' \"\$@\""
	} >"$dir/bin/cc"
	{
		echo '#!/bin/sh'
		echo "export ZIG_GLOBAL_CACHE_DIR='$dir/zig'"
		echo "exec '$dir/venv/bin/python' -m ziglang c++" \
		    "-target x86_64-linux-musl -dynamic \"\$@\""
	} >"$dir/bin/c++"
	chmod +x "$dir/bin/cc" "$dir/bin/c++"
}

cmocka()
{
	source_of cmocka
	by_cmake cmocka -DWITH_EXAMPLES=OFF
}

jansson()
{
	source_of jansson
	by_cmake jansson -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON \
	    -DJANSSON_EXAMPLES=OFF
}

libcbor()
{
	source_of_libcbor
	by_cmake libcbor -DWITH_EXAMPLES=OFF
}

libsodium()
{
	source_of libsodium
	cd "$dir/src/libsodium"
	autoreconf -fi
	./configure CC="$dir/bin/cc" --prefix="$root" --disable-static
	make -j "$(nproc)"
	make install
}

# libcrypto alone, and without what nothing here uses.
libcrypto()
{
	source_of openssl
	cd "$dir/src/openssl"
	CC="$dir/bin/cc" ./Configure linux-x86_64 no-asm no-tests no-legacy \
	    no-engine no-async no-dso no-module no-ssl no-tls no-dtls no-cms \
	    no-ts no-ct no-ocsp no-srp no-idea no-rc2 no-rc4 no-rc5 no-seed \
	    no-camellia no-aria no-sm2 no-sm3 no-sm4 no-bf no-cast no-dsa no-md4 \
	    no-mdc2 no-rmd160 no-whirlpool no-siphash no-cmp shared \
	    --prefix="$root" --libdir=lib
	make -j "$(nproc)" build_generated libcrypto.so libcrypto.a libcrypto.pc
	mkdir -p "$root/lib/pkgconfig" "$root/include"
	cp -a libcrypto.so* "$root/lib/"
	cp -a libcrypto.pc "$root/lib/pkgconfig/"
	cp -a include/openssl "$root/include/"
}

libzmq()
{
	source_of zeromq3
	by_cmake zeromq3 -DBUILD_TESTS=OFF -DBUILD_STATIC=OFF \
	    -DWITH_PERF_TOOL=OFF -DWITH_DOCS=OFF -DENABLE_CURVE=OFF \
	    -DENABLE_DRAFTS=OFF -DWITH_LIBBSD=OFF
}

mkdir -p "$dir/bin" "$dir/src"
for name in compilers cmocka jansson libcbor libsodium libcrypto libzmq; do
	once $name
done
