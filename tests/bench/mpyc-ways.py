"""An MPyC program over plain TCP, TLS, did-cli run, and inside its process.

    python3 tests/bench/mpyc-ways.py BUILD [OPTION...] PROGRAM [ARG...]

Run it with a Python that has MPyC and this package (python/install.sh).  Runs
are interleaved, all parties are on this machine, and every run takes the same
path: PRSS keys come from a seed.  "ssl" needs the certificates that MPyC's
demos have in .config beside PROGRAM.  Prints medians:

    compute  seconds that MPyC reports, of the party that came last
    connect  seconds from MPyC's start until all are connected, of the last
    cpu      user and system seconds of all processes, imports included
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', '..', 'python', 'tests'))

from parley import mpyc_facts  # noqa: E402
from parties import Parties, free_ports  # noqa: E402

SEED = '''
import os, random, secrets
r = random.Random(os.environ['BENCH_PARTY'])
secrets.token_bytes = lambda n=32: r.getrandbits(8 * n).to_bytes(n, 'little')
'''
MODES = ('tcp', 'ssl', 'forward', 'zmtp', 'libzmq')
LIMIT = 230


def stamp(text, what):
    """Seconds of the day at which MPyC logged WHAT."""
    found = re.search(r'^\S+ (\d+):(\d+):(\d+),(\d+) ' + what, text, re.M)
    h, m, s, ms = map(int, found.groups())
    return 3600 * h + 60 * m + s + ms / 1000


def commands(mode, a, directory):
    """What each party runs."""
    if mode in ('tcp', 'ssl'):
        addresses = []
        for port in free_ports(a.parties):
            addresses += ['-P', f'127.0.0.1:{port}']
        extra = ['--ssl'] if mode == 'ssl' else []
        return [[sys.executable, a.program, *addresses, '-I', str(k), *extra,
                 *a.args] for k in range(a.parties)]
    agreement = os.path.join(directory, 'agreement.json')
    head = ([os.path.abspath(os.path.join(a.build, 'cli', 'did-cli')), 'run',
             agreement] if mode == 'forward' else
            [sys.executable, '-m', 'parley.mpyc', '--agreement', agreement,
             '--carrier', mode])
    tail = ['--', sys.executable] if mode == 'forward' else []
    return [[*head, '--identity', os.path.join(directory, f'p{k}.identity'),
             *tail, a.program, *a.args] for k in range(a.parties)]


def once(mode, a, directory, env):
    """(compute, connect, cpu) of one run, and what party 0 printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    parties = [subprocess.Popen(
        c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=os.path.dirname(a.program), env={**env, 'BENCH_PARTY': str(k)})
        for k, c in enumerate(commands(mode, a, directory))]
    both = [p.communicate(timeout=LIMIT) for p in parties]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    for p, (_, err) in zip(parties, both):
        if p.returncode:
            sys.exit(f'{" ".join(p.args)}\nended with {p.returncode}:\n{err}')
    compute = connect = 1e9
    for out, _ in both:
        h, m, s = re.search(r'elapsed time: (\d+):(\d+):([\d.]+)',
                            out).groups()
        compute = min(compute, 3600 * int(h) + 60 * int(m) + float(s))
        connect = min(connect, stamp(out, 'All') - stamp(out, 'Start'))
    shown = [line for line in both[0][0].splitlines()
             if not line.startswith('20')]
    cpu = (after.ru_utime + after.ru_stime
           - before.ru_utime - before.ru_stime)
    return (compute, connect, cpu), shown


def main():
    """All runs, and the table."""
    p = argparse.ArgumentParser()
    p.add_argument('build')
    p.add_argument('--parties', type=int, default=3)
    p.add_argument('--runs', type=int, default=5)
    p.add_argument('--modes', default=','.join(MODES))
    p.add_argument('program')
    p.add_argument('args', nargs=argparse.REMAINDER)
    a = p.parse_args()
    a.program = os.path.abspath(a.program)
    found = mpyc_facts.facts(a.program, a.args)
    parties = Parties(a.parties, parameters=found['parameters'], program={
        'name': os.path.basename(a.program), 'digests': found['digests']})
    modes = a.modes.split(',')
    took = {mode: [] for mode in modes}
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        parties.save(directory)
        with open(os.path.join(directory, 'sitecustomize.py'), 'w',
                  encoding='utf-8') as f:
            f.write(SEED)
        path = os.environ.get('PYTHONPATH')
        env = {**os.environ, 'PYTHONPATH': os.pathsep.join(
            [directory] + ([path] if path else []))}
        for _ in range(a.runs):
            for mode in modes:
                figures, shown = once(mode, a, directory, env)
                took[mode].append(figures)
                results.setdefault(mode, shown)
                print(mode, *(f'{x:.3f}' for x in figures), flush=True,
                      file=sys.stderr)
    medians = {mode: [statistics.median(x) for x in zip(*took[mode])]
               for mode in modes}
    first = medians[modes[0]]
    print(f'{a.parties} parties, {a.runs} runs: '
          f'{os.path.basename(a.program)} {" ".join(a.args)}')
    print(f'{"":8}{"compute":>9}{"":8}{"connect":>9}{"cpu":>8}  result')
    for mode, (compute, connect, cpu) in medians.items():
        same = 'same' if results[mode] == results[modes[0]] else 'DIFFERENT'
        print(f'{mode:8}{compute:9.3f}{100 * (compute / first[0] - 1):+7.1f}%'
              f'{connect:9.3f}{cpu:8.2f}  {same}')


main()
