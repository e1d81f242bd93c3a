"""The extension module parley._native: libparley's public functions.

The library is found, in this order,

    in PARLEY_BUILD_DIR, a build directory of this source tree, which the
        module will load the library from (PARLEY_SOURCE_DIR: where the
        tree is, if not around this file);
    where pkg-config finds an installed `parley`.
"""

import os
import re
import subprocess
import sys
from typing import Any, Dict, List

from cffi import FFI

HERE = os.path.dirname(os.path.abspath(__file__))


def from_build_dir(build: str) -> Dict[str, List[str]]:
    """Flags for a build directory of this tree."""
    top = (os.environ.get('PARLEY_SOURCE_DIR')
           or os.path.dirname(os.path.dirname(HERE)))
    lib = os.path.join(os.path.abspath(build), 'session')
    if not os.path.exists(os.path.join(lib, 'libparley.so')):
        sys.exit(f'parley: no libparley.so in {lib}: build it first')
    return {
        'include_dirs': [os.path.join(top, layer, 'include')
                         for layer in ('did', 'comm', 'session')],
        'library_dirs': [lib],
        'libraries': ['parley'],
        'runtime_library_dirs': [lib],
    }


def from_pkg_config() -> Dict[str, List[str]]:
    """Flags for an installed library."""
    def ask(*what: str) -> List[str]:
        out = subprocess.run(['pkg-config', *what, 'parley'], check=True,
                             capture_output=True, text=True)
        return out.stdout.split()

    try:
        cflags, libs = ask('--cflags'), ask('--libs')
        libdir = ask('--variable=libdir')
    except (OSError, subprocess.CalledProcessError):
        sys.exit('parley: libparley is neither installed (pkg-config knows '
                 'no "parley")\nparley: nor is PARLEY_BUILD_DIR set to a '
                 'build directory of the source tree')
    return {'extra_compile_args': cflags, 'extra_link_args': libs,
            'runtime_library_dirs': libdir}


def flags() -> Dict[str, Any]:
    """How to compile and link."""
    build = os.environ.get('PARLEY_BUILD_DIR')
    return from_build_dir(build) if build else from_pkg_config()


def text(name: str) -> str:
    """A file beside this one."""
    with open(os.path.join(HERE, name), encoding='utf-8') as f:
        return f.read()


ffibuilder = FFI()
# The declarations are those of the public headers, without what cffi does not
# read; the compiler compares them with the headers.
ffibuilder.cdef(re.sub(r'/\*.*?\*/', '', text('native.cdef'), flags=re.DOTALL))
ffibuilder.set_source('parley._native', text('native.c'), **flags())

if __name__ == '__main__':
    ffibuilder.compile(verbose=True)
