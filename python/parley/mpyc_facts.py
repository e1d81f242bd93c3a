"""What must be the same at all parties for an MPyC program to work.

    python3 mpyc_facts.py PROGRAM ARGS...

prints one JSON object:

    digests     of the program file and of the MPyC package, as an agreement
                writes them
    parameters  versions, and every option that changes what MPyC sends
    threshold   -T, or null: MPyC's default, (parties - 1) / 2 rounded down

Run it with the interpreter that will run the program: it says what that one
would import.  Nothing is imported from MPyC, because importing it has effects.
The script needs the standard library only, and no other file of this package,
so that it can be given to any interpreter with -c.
"""

import sys

# With -c, Python looks for modules where somebody happens to be, first of all
# for those below; it does not when it runs the program.
if __name__ == '__main__' and sys.path[:1] == ['']:
    sys.path[0] = '/dev/null'

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import struct
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

ARGUMENTS_MAX = 1000  # characters; longer ones are digested


class FactsError(Exception):
    """The facts of a program cannot be found out."""


def _parser() -> argparse.ArgumentParser:
    """MPyC's options, spelled as MPyC does: mpyc/__init__.py, 0.11."""
    p = argparse.ArgumentParser(add_help=False, allow_abbrev=True)
    # Who and where: the session's business.
    p.add_argument('-C', '--config')
    p.add_argument('-P', dest='parties', action='append')
    p.add_argument('-M', type=int)
    p.add_argument('-I', '--index', type=int)
    p.add_argument('-B', '--base-port', type=int)
    p.add_argument('--ssl', action='store_true')
    # What a party shows, and how fast it is.
    p.add_argument('-V', '--VERSION', action='store_true')
    p.add_argument('-H', '--HELP', action='store_true')
    p.add_argument('-h', '--help', action='store_true')
    p.add_argument('--log-level')
    p.add_argument('--no-log', action='store_true')
    p.add_argument('--no-uvloop', action='store_true')
    p.add_argument('--output-windows', action='store_true')
    p.add_argument('--output-file', action='store_true')
    p.add_argument('-f', default='')
    # What goes over the wire.
    p.add_argument('-T', '--threshold', type=int)
    p.add_argument('-W', '--workers', type=int)
    p.add_argument('-L', '--bit-length', type=int, default=32)
    p.add_argument('-K', '--sec-param', type=int, default=30)
    for flag in ('--no-async', '--no-barrier', '--no-gmpy2', '--no-numpy',
                 '--no-prss', '--mix32-64bit'):
        p.add_argument(flag, action='store_true')
    return p


def split(args: Sequence[str]) -> Tuple[argparse.Namespace, List[str]]:
    """MPyC's options among ARGS, and what it leaves to the program."""
    parser = _parser()

    def refuse(message: str) -> None:
        raise FactsError(message)

    parser.error = refuse  # type: ignore[method-assign, assignment]
    return parser.parse_known_args(list(args))


def digest(content: bytes) -> str:
    """SHA-256, as an agreement writes it."""
    return 'sha256:' + hashlib.sha256(content).hexdigest()


def file_digest(path: str) -> str:
    """SHA-256 of a file."""
    h = hashlib.sha256()
    try:
        with open(path, 'rb') as f:
            for block in iter(lambda: f.read(1 << 16), b''):
                h.update(block)
    except OSError as exc:
        raise FactsError(f"cannot read '{path}': {exc.strerror}") from exc
    return 'sha256:' + h.hexdigest()


def package_digest(directory: str) -> str:
    """SHA-256 over a package: for each *.py, in byte order of the relative
    path, path, NUL, length as 8 bytes big endian, content."""
    files: List[Tuple[bytes, str]] = []
    for base, _, names in os.walk(directory):
        for name in names:
            if name.endswith('.py'):
                path = os.path.join(base, name)
                relative = os.path.relpath(path, directory)
                files.append((os.fsencode(relative.replace(os.sep, '/')),
                              path))
    h = hashlib.sha256()
    for name_bytes, path in sorted(files):
        try:
            with open(path, 'rb') as f:
                content = f.read()
        except OSError as exc:
            raise FactsError(f"cannot read '{path}': {exc.strerror}") from exc
        h.update(name_bytes + b'\0' + struct.pack('>Q', len(content)))
        h.update(content)
    return 'sha256:' + h.hexdigest()


def _find(module: str) -> Optional[str]:
    """The directory that `import module` would take, or None."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return list(spec.submodule_search_locations)[0]


def _mpyc_version(directory: str) -> str:
    try:
        with open(os.path.join(directory, '__init__.py'),
                  encoding='utf-8') as f:
            found = re.search(r"^__version__ = ['\"]([^'\"]+)['\"]", f.read(),
                              re.MULTILINE)
    except OSError as exc:
        raise FactsError(f"cannot read MPyC: {exc.strerror}") from exc
    return found.group(1) if found else 'unknown'


def _numpy_version() -> str:
    if _find('numpy') is None:
        return 'none'
    try:
        version = importlib.metadata.version('numpy')
    except importlib.metadata.PackageNotFoundError:
        return 'unknown'
    return '.'.join(version.split('.')[:2])


def _arguments(args: Sequence[str]) -> str:
    """The program's own arguments in a form that an agreement can hold."""
    text = ' '.join(shlex.quote(a) for a in args)
    if len(text) > ARGUMENTS_MAX or not text.isprintable():
        data = b''.join(os.fsencode(a) + b'\0' for a in args)
        return 'sha256:' + hashlib.sha256(data).hexdigest()
    return text


def facts(program: str, args: Sequence[str],
          env: Optional[Mapping[str, str]] = None,
          source: Optional[bytes] = None) -> Dict[str, Any]:
    """The facts of `python3 PROGRAM ARGS...` in the environment ENV.

    SOURCE is the content of PROGRAM, if the caller has read it.
    """
    env = os.environ if env is None else env
    options, rest = split(args)
    program_digest = (file_digest(program) if source is None
                      else digest(source))

    # The program imports from its own directory first.
    here = os.path.dirname(os.path.realpath(program))
    saved = sys.path
    sys.path = [here] + saved[1:]
    try:
        mpyc = _find('mpyc')
        if mpyc is None:
            raise FactsError('MPyC is not installed for '
                             + (sys.executable or 'this interpreter'))
        numpy = _numpy_version()
        gmpy2 = importlib.util.find_spec('gmpy2') is not None
    finally:
        sys.path = saved

    def flag(option: bool, variable: str) -> bool:
        return option or env.get(variable) == '1'

    # As MPyC: the variable wins over -W.
    workers = env.get('MPYC_MAXWORKERS') or options.workers or 0
    try:
        workers = int(workers)
    except ValueError as exc:
        raise FactsError('MPYC_MAXWORKERS is not a number') from exc
    return {
        'digests': {
            'program': program_digest,
            'mpyc': package_digest(mpyc),
        },
        'parameters': {
            'arguments': _arguments(rest),
            'gmpy2': 'yes' if gmpy2 else 'none',
            'mpyc.bit-length': options.bit_length,
            'mpyc.mix32-64bit': flag(options.mix32_64bit, 'MPYC_MIX32_64BIT'),
            'mpyc.no-async': options.no_async,
            'mpyc.no-barrier': options.no_barrier,
            'mpyc.no-gmpy2': flag(options.no_gmpy2, 'MPYC_NOGMPY'),
            'mpyc.no-numpy': flag(options.no_numpy, 'MPYC_NONUMPY'),
            'mpyc.no-prss': flag(options.no_prss, 'MPYC_NOPRSS'),
            'mpyc.sec-param': options.sec_param,
            'mpyc.version': _mpyc_version(mpyc),
            'mpyc.workers': workers,
            'numpy': numpy,
            'python.version': '.'.join(str(n) for n in sys.version_info[:2]),
            'python.word_size': struct.calcsize('P') * 8,
        },
        'threshold': options.threshold,
    }


def main(argv: Sequence[str]) -> int:
    """Print the facts of the command line ARGV."""
    if not argv or argv[0].startswith('-'):
        print('usage: mpyc_facts.py PROGRAM ARGS...', file=sys.stderr)
        return 2
    try:
        found = facts(argv[0], argv[1:])
    except FactsError as exc:
        print(f'mpyc_facts: {exc}', file=sys.stderr)
        return 1
    print(json.dumps(found, sort_keys=True))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
