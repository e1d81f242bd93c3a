"""MPyC programs over plain TCP, TLS, did-cli run, and inside their process.

    python3 tests/bench/mpyc-ways.py BUILD [OPTION...] PROGRAM [ARG...]
    python3 tests/bench/mpyc-ways.py BUILD [OPTION...] DEMOS

The second is the whole table of MPYC.md: programs of MPyC's directory demos,
with three and five parties.  Run it with a Python that has MPyC and this package
(python/install.sh).  All parties are on this machine, and every run takes the
same path: PRSS keys come from a seed.  A round runs all ways one after the
other, beginning with another one each time.  "ssl" needs the certificates that
MPyC's demos have in .config beside the program.  Columns, medians of all rounds:

    compute  seconds that MPyC reports, of the party that came last, with the
             fastest and the slowest round
    x tcp    compute by that of plain TCP in the same round, median
    connect  seconds from MPyC's start until all are connected, of the last
    cpu      user and system seconds of all processes, imports included
    others   how much of the processors programs other than these had meanwhile,
             in per cent: with more than a few, times say little
    kB       what one party sends, payload of TCP, the average of the parties;
             one run through proxies, which is not timed
    result   what the program printed, beside plain TCP; "random" if it prints
             something else each time, as elgamal.py does
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'python', 'tests'))

from parley import mpyc_facts  # noqa: E402
from parties import Parties, free_ports  # noqa: E402
from wire import Wire  # noqa: E402

SEED = '''
import os, random, secrets
r = random.Random(os.environ['BENCH_PARTY'])
secrets.token_bytes = lambda n=32: r.getrandbits(8 * n).to_bytes(n, 'little')
'''
# name -> (how, carrier)
WAYS = {
    'tcp': ('plain', None), 'ssl': ('plain', 'ssl'),
    'forward': ('forward', 'zmtp'), 'in-process': ('inside', 'zmtp'),
    'forward/libzmq': ('forward', 'libzmq'),
    'in-process/libzmq': ('inside', 'libzmq')}
# Sizes that end within a minute; of cnnmnist.py none does.
DEMOS = {
    3: ('secretsanta.py 8', 'id3gini.py', 'elgamal.py',
        'np_bnnmnist.py -b 1 -o 0', 'np_cnnmnist.py 1 0'),
    5: ('secretsanta.py 8', 'id3gini.py', 'elgamal.py',
        'np_bnnmnist.py -b 1 -o 0')}
LIMIT = 230


def busy():
    """Seconds that all processors have worked since the machine began."""
    with open('/proc/stat', encoding='ascii') as f:
        t = [int(x) for x in f.readline().split()[1:9]]
    return (sum(t) - t[3] - t[4]) / os.sysconf('SC_CLK_TCK')


def stamp(text, what):
    """Seconds of the day at which MPyC logged WHAT."""
    found = re.search(r'^\S+ (\d+):(\d+):(\d+),(\d+) ' + what, text, re.M)
    h, m, s, ms = map(int, found.groups())
    return 3600 * h + 60 * m + s + ms / 1000


class Program:
    """A program with its arguments, and parties that have agreed on it."""

    def __init__(self, build, parties, path, args):
        self.build = os.path.abspath(build)
        self.m = parties
        self.path = os.path.abspath(path)
        self.args = args
        self.name = ' '.join([os.path.basename(path), *args])
        self._temporary = tempfile.TemporaryDirectory()
        self.directory = self._temporary.name
        found = mpyc_facts.facts(self.path, args)
        self.parties = Parties(parties, parameters=found['parameters'],
                               program={'name': os.path.basename(path),
                                        'digests': found['digests']})
        self.parties.save(self.directory)
        with open(os.path.join(self.directory, 'sitecustomize.py'), 'w',
                  encoding='utf-8') as f:
            f.write(SEED)
        path = os.environ.get('PYTHONPATH')
        self.env = {**os.environ, 'PYTHONPATH': os.pathsep.join(
            [self.directory] + ([path] if path else []))}

    def close(self):
        """Remove what was made."""
        self._temporary.cleanup()

    def _plain(self, real, shown, ssl):
        """REAL: where each listens; SHOWN: where the others find it."""
        commands = []
        for k in range(self.m):
            addresses = []
            for j in range(self.m):
                port = real[j] if j == k else shown[j]
                addresses += ['-P', f'127.0.0.1:{port}']
            commands.append([sys.executable, self.path, *addresses, '-I',
                             str(k), *(['--ssl'] if ssl else []),
                             *self.args])
        return commands

    def _session(self, how, carrier, real):
        agreement = os.path.join(self.directory, 'agreement.json')
        commands = []
        for k in range(self.m):
            options = ['--carrier', carrier, '--identity',
                       os.path.join(self.directory, f'p{k}.identity')]
            if real[k] != self.parties.ports[k]:
                options += ['--listen', f'tcp://127.0.0.1:{real[k]}']
            if how == 'forward':
                cli = os.path.join(self.build, 'cli', 'did-cli')
                commands.append([cli, 'run', agreement, *options, '--',
                                 sys.executable, self.path, *self.args])
            else:
                commands.append([sys.executable, '-m', 'parley.mpyc',
                                 '--agreement', agreement, *options,
                                 self.path, *self.args])
        return commands

    def commands(self, way, real):
        """What each party runs; REAL: the ports where it listens, if those
        that the others dial are a proxy's."""
        how, what = WAYS[way]
        if how == 'plain':
            shown = self.parties.ports
            return self._plain(real or shown, shown, what == 'ssl')
        return self._session(how, what, real or self.parties.ports)

    def run(self, way, real=None):
        """(compute, connect, cpu, others) of one run, and what party 0
        printed."""
        begun, work = time.monotonic(), busy()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        running = [subprocess.Popen(
            c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=os.path.dirname(self.path),
            env={**self.env, 'BENCH_PARTY': str(k)})
            for k, c in enumerate(self.commands(way, real))]
        try:
            both = [p.communicate(timeout=LIMIT) for p in running]
        finally:
            for p in running:
                if p.poll() is None:
                    p.kill()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        work = busy() - work
        there = (time.monotonic() - begun) * os.cpu_count()
        for p, (_, err) in zip(running, both):
            if p.returncode:
                sys.exit(f'{" ".join(p.args)}\nended with {p.returncode}:\n'
                         + err)
        compute = connect = 1e9
        for out, _ in both:
            h, m, s = re.search(r'elapsed time: (\d+):(\d+):([\d.]+)',
                                out).groups()
            compute = min(compute, 3600 * int(h) + 60 * int(m) + float(s))
            connect = min(connect, stamp(out, 'All') - stamp(out, 'Start'))
        cpu = (after.ru_utime + after.ru_stime
               - before.ru_utime - before.ru_stime)
        others = max(0.0, 100 * (work - cpu) / there)
        return (compute, connect, cpu, others), [
            line for line in both[0][0].splitlines()
            if not line.startswith('20')]

    def wire_bytes(self, way):
        """What one party sends, on average."""
        real = free_ports(self.m)
        wire = Wire(dict(zip(self.parties.ports, real)))
        try:
            self.run(way, real)
        finally:
            wire.close()
        return wire.bytes / self.m


class Log:
    """Every figure; a file, if the table is made in several goes."""

    def __init__(self, path):
        self._path = path
        self.rows = []
        if path and os.path.exists(path):
            with open(path, encoding='utf-8') as f:
                self.rows = [json.loads(line) for line in f]

    def add(self, **row):
        """One run."""
        self.rows.append(row)
        print(*(v for k, v in row.items() if k != 'shown'), file=sys.stderr,
              flush=True)
        if self._path:
            with open(self._path, 'a', encoding='utf-8') as f:
                f.write(json.dumps(row) + '\n')

    def of(self, name, m, kind):
        """What is known of a program: way -> its rows, in order."""
        found = {}
        for row in self.rows:
            if row['program'] == name and row['m'] == m and kind in row:
                found.setdefault(row['way'], []).append(row)
        return found


def measure(log, program, a):
    """A.runs rounds of PROGRAM, as far as they are not in LOG."""
    ways = a.ways.split(',')
    begun = log.of(program.name, program.m, 'compute')
    done = min(len(begun.get(way, ())) for way in ways)
    if not a.no_wire:
        counted = log.of(program.name, program.m, 'bytes')
        for way in ways:
            if way not in counted:
                log.add(program=program.name, m=program.m, way=way,
                        bytes=program.wire_bytes(way))
    for turn in range(done, min(a.runs, done + a.rounds)):
        first = turn % len(ways)
        for way in ways[first:] + ways[:first]:
            (compute, connect, cpu, others), shown = program.run(way)
            log.add(program=program.name, m=program.m, way=way, turn=turn,
                    compute=compute, connect=connect, cpu=cpu, others=others,
                    shown=shown)


def show(log, name, m, ways):
    """The rows of one program in Markdown."""
    runs = {way: {r['turn']: r for r in rows}
            for way, rows in log.of(name, m, 'compute').items()}
    sent = log.of(name, m, 'bytes')
    base = runs.get('tcp', {})
    for way in ways:
        rows = list(runs.get(way, {}).values())
        if not rows:
            continue
        compute = [r['compute'] for r in rows]
        ratios = [r['compute'] / base[r['turn']]['compute'] for r in rows
                  if r['turn'] in base]
        plain = {tuple(b['shown']) for b in base.values()}
        same = 'same' if {tuple(r['shown']) for r in rows} <= plain else (
            'DIFFERENT' if len(plain) == 1 else 'random')
        cells = [
            name, str(m), way, f'{statistics.median(compute):.2f}',
            f'{min(compute):.2f}-{max(compute):.2f}',
            f'{statistics.median(ratios):.3f}' if ratios else '',
            *(f'{statistics.median(r[what] for r in rows):{form}}'
              for what, form in (('connect', '.3f'), ('cpu', '.2f'),
                                 ('others', '.0f'))),
            f'{sent[way][0]["bytes"] / 1000:.1f}' if way in sent else '',
            str(len(rows)), same]
        print('| ' + ' | '.join(cells) + ' |')


def main():
    """All runs, and the table."""
    p = argparse.ArgumentParser(usage='\n'.join(__doc__.split('\n')[2:4]))
    p.add_argument('build')
    p.add_argument('--parties', type=int, help='instead of 3, or of 3 and 5')
    p.add_argument('--runs', type=int, default=5, help='rounds in all')
    p.add_argument('--rounds', type=int, default=1000, help='in this go')
    p.add_argument('--ways', default=','.join(WAYS), help=','.join(WAYS))
    p.add_argument('--no-wire', action='store_true', help='no bytes')
    p.add_argument('--log', help='keep figures in this file, and go on there')
    p.add_argument('program', help='or a directory')
    p.add_argument('args', nargs=argparse.REMAINDER)
    a = p.parse_args()
    log = Log(a.log)
    todo = [(a.parties or 3, a.program, a.args)]
    if os.path.isdir(a.program):
        todo = [(m, os.path.join(a.program, line.split()[0]),
                 line.split()[1:])
                for m, lines in DEMOS.items() for line in lines
                if a.parties in (None, m)]
    for m, path, args in todo:
        program = Program(a.build, m, path, args)
        try:
            measure(log, program, a)
        finally:
            program.close()
    print('| program | m | way | compute s | spread | x tcp | connect s | '
          'cpu s | others | kB | rounds | result |')
    print('|---|---|---|---|---|---|---|---|---|---|---|---|')
    for m, path, args in todo:
        show(log, ' '.join([os.path.basename(path), *args]), m,
             a.ways.split(','))


main()
