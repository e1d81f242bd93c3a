"""Ways to run an MPyC program, and what breaks on them.

plain       MPyC's own TCP connections
forwarding  through did-cli run
in process  by python -m parley.mpyc
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', '..', 'python', 'tests'))

from parties import free_ports  # noqa: E402

PLAIN, FORWARDING, INSIDE = WAYS = ('plain', 'forwarding', 'in process')
LIMIT_S = 900
CONNECTED = re.compile(r'All \d+ parties connected')
EXIT_LIAR, EXIT_LOST = 123, 124
OPTIONS = os.environ.get('OPTIONS', '').split()


class Failed(Exception):
    """A case went otherwise than expected; the text says how."""


def result(text):
    """What a program prints, without MPyC's own lines and what shows progress.
    """
    lines = text.replace('\r', '\n').split('\n')
    return [line for line in lines
            if line and not re.match(r'20\d\d-\S+ [\d:,]+ ', line)
            and not re.match(r'Progress \.\.\. *\d+%', line)]


class Party:
    """One party's process; its output goes to files."""

    def __init__(self, index, directory, cmd, cwd, env):
        self.index = index
        self.out, self.err = (os.path.join(directory, f'{index}.{x}')
                              for x in ('out', 'err'))
        with open(self.out, 'wb') as out, open(self.err, 'wb') as err:
            # pylint: disable=consider-using-with # closed by Ways.end()
            self.process = subprocess.Popen(cmd, stdout=out, stderr=err,
                                            stdin=subprocess.DEVNULL,
                                            cwd=cwd, env=env)

    def text(self, path):
        """What is in one of its files by now."""
        with open(path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def shown(self):
        """For the report of a case that failed."""
        lines = (self.text(self.out).replace('\r', '\n')
                 + self.text(self.err)).splitlines()[-8:]
        return '\n'.join([f'party {self.index}: '
                          f'exit code {self.process.returncode}', *lines])


class Ways:
    """Runs programs with the did-cli of BUILD and this interpreter."""

    def __init__(self, build):
        self.did_cli = os.path.join(os.path.abspath(build), 'cli', 'did-cli')
        # pylint: disable=consider-using-with # for the life of the process
        self._directory = tempfile.TemporaryDirectory()
        self.directory = self._directory.name
        self.env = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1',
                    'PYTHONPATH': os.path.join(HERE, 'seeded'),
                    'MPLBACKEND': 'Agg',
                    'XDG_DATA_HOME': os.path.join(self.directory, 'home')}
        self.dids = []
        self.parties = []
        self.cutter = None

    def close(self):
        """Leave nothing behind."""
        self.end()
        self._directory.cleanup()

    def end(self):
        """End what still runs."""
        for p in [q.process for q in self.parties] + (
                [self.cutter] if self.cutter else []):
            if p.poll() is None:
                p.kill()
            p.wait()
        self.cutter = None

    # --- what to run ---

    def identity(self, k):
        """Where party K's identity is; it is made when first needed."""
        while len(self.dids) <= k:
            path = os.path.join(self.directory, f'p{len(self.dids)}')
            self.dids.append(subprocess.run(
                [self.did_cli, 'identity', 'new', '--out', path,
                 '--unencrypted'], check=True, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True).stdout.strip())
        return os.path.join(self.directory, f'p{k}')

    def agree(self, ports, program, cwd):
        """Write the agreement; its path."""
        path = os.path.join(self.directory, 'agreement.json')
        if os.path.exists(path):
            os.unlink(path)
        words = []
        for k, port in enumerate(ports):
            self.identity(k)
            words += ['--party',
                      f'{self.dids[k]},p{k},tcp://127.0.0.1:{port}']
        done = subprocess.run(
            [self.did_cli, 'agreement', 'new', '--name', 'test', '--out', path,
             '--preset', 'mpyc', *words, '--', sys.executable, *program],
            check=False, stderr=subprocess.PIPE, text=True, cwd=cwd,
            env=self.env)
        if done.returncode:
            raise Failed(done.stderr)
        return path

    def plain(self, reached, program):
        """The command of each party; REACHED[k][j] is the port at which party
        k reaches party j, and its own."""
        cmds = []
        for k, ports in enumerate(reached):
            addresses = []
            for port in ports:
                addresses += ['-P', f'127.0.0.1:{port}']
            cmds.append([sys.executable, program[0], *addresses, '-I', str(k),
                         *program[1:]])
        return cmds

    def certificates(self):
        """Those that MPyC takes for --ssl, of parties 1 and 2, where they have
        to be in the directory in which it runs."""
        where = os.path.join(self.directory, '.config')

        def openssl(*words):
            done = subprocess.run(['openssl', *words], check=False, cwd=where,
                                  stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.STDOUT)
            if done.returncode:
                raise Failed(done.stdout)

        key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
               '-nodes')
        os.mkdir(where)
        openssl('req', '-x509', *key, '-keyout', 'ca.key', '-out',
                'mpyc_ca.crt', '-subj', '/CN=MPyC', '-days', '2')
        for k in (1, 2):
            openssl('req', *key, '-keyout', f'party_{k}.key', '-out', 'csr',
                    '-subj', f'/CN=MPyC party {k}')
            openssl('x509', '-req', '-in', 'csr', '-CA', 'mpyc_ca.crt',
                    '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
                    '-out', f'party_{k}.crt')

    def session(self, way, agreement, program, options):
        """... where OPTIONS[k] are those of party k."""
        if way == FORWARDING:
            head, tail = [self.did_cli, 'run', agreement], [
                '--', sys.executable]
        else:
            head, tail = [sys.executable, '-m', 'parley.mpyc', '--agreement',
                          agreement], []
        return [[*head, '--identity', self.identity(k), *more, *tail, *program]
                for k, more in enumerate(options)]

    # --- running it ---

    def begin(self, cmds, cwd):
        """Start all parties."""
        self.parties = [Party(k, self.directory, cmd, cwd, self.env)
                        for k, cmd in enumerate(cmds)]

    def finish(self, codes=None, limit_s=LIMIT_S):
        """Wait for all; what each printed, if they ended with CODES (0)."""
        deadline = time.monotonic() + limit_s
        late = False
        for p in self.parties:
            try:
                p.process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                late = True
        self.end()
        wanted = codes or [0] * len(self.parties)
        if late or [p.process.returncode for p in self.parties] != wanted:
            raise Failed('\n'.join((['out of time'] if late else []) +
                                   [p.shown() for p in self.parties]))
        return [result(p.text(p.out)) for p in self.parties]

    def run(self, way, m, program, cwd):
        """What each of M parties prints, and how long it took."""
        ports = free_ports(m)
        if way == PLAIN:
            cmds = self.plain([ports] * m, program)
        else:
            agreement = self.agree(ports, program, cwd)
            cmds = self.session(way, agreement, program,
                                [['--timeout', '120', *OPTIONS]] * m)
        began = time.monotonic()
        self.begin(cmds, cwd)
        return self.finish(), time.monotonic() - began

    def wait_for(self, what, limit_s=120, parties=None):
        """Until the output of every one of PARTIES (all) has WHAT, or it has
        ended."""
        deadline = time.monotonic() + limit_s
        for p in parties or self.parties:
            while not (re.search(what, p.text(p.out) + p.text(p.err)) or
                       p.process.poll() is not None):
                if time.monotonic() > deadline:
                    raise Failed(f"'{what}' did not come")
                time.sleep(0.05)

    # --- breaking it ---

    def cut(self, way, program, cwd, cutting, options=(), limit_s=LIMIT_S):
        """Three parties whose connections go through a proxy, which begins to
        break them once MPyC says that all are connected.  CUTTING is what
        cutter.py takes.  Returns what finish() does, and how often the
        connection of 0 and 1 was cut, and the two to 2 together."""
        outer, inner = free_ports(3), free_ports(3)
        own = [[outer[j] if j != k else inner[k] for j in range(3)]
               for k in range(3)]
        counts = os.path.join(self.directory, 'counts')
        # pylint: disable=consider-using-with # ended by end()
        self.cutter = subprocess.Popen(
            [sys.executable, os.path.join(HERE, 'cutter.py'), counts, *cutting,
             *(f'{a}:{b}' for a, b in zip(outer, inner))],
            stdout=subprocess.PIPE, text=True)
        self.cutter.stdout.readline()  # ready
        if way == PLAIN:
            cmds = self.plain(own, program)
        else:
            agreement = self.agree(outer, program, cwd)
            cmds = self.session(way, agreement, program, [
                ['--timeout', '120', '--listen', f'tcp://127.0.0.1:{port}',
                 *OPTIONS, *options] for port in inner])
        self.begin(cmds, cwd)
        self.wait_for(CONNECTED)
        self.cutter.send_signal(signal.SIGUSR1)
        printed = self.finish(limit_s=limit_s)
        with open(counts, encoding='ascii') as f:
            return printed, [int(n) for n in f.read().split()][1:]

    def kill(self, way, program, cwd, mark, lost_after):
        """Kill party 2 of three when all have printed MARK; the others have to
        say so.  Returns the seconds until they had."""
        agreement = self.agree(free_ports(3), program, cwd)
        self.begin(self.session(way, agreement, program, [
            ['--timeout', '60', '--lost-after', str(lost_after)]] * 3), cwd)
        self.wait_for(mark)
        began = time.monotonic()
        self.parties[2].process.kill()
        self.finish([EXIT_LOST, EXIT_LOST, -signal.SIGKILL])
        took = time.monotonic() - began
        for p in self.parties[:2]:
            if self.dids[2] not in p.text(p.err):
                raise Failed(f'not named: {p.shown()}')
        return took

    # --- lying in it ---

    def lie(self, way, program, mark, cwd):
        """Three parties, PROGRAM being liar.py: party 1 has to be cut, and
        named by party 2, and not to print MARK."""
        agreement = self.agree(free_ports(3), program, cwd)
        self.begin(self.session(way, agreement, program,
                                [['--timeout', '60']] * 3), cwd)
        # Inside its own process a liar finds that party 2 is gone.
        self.finish([EXIT_LOST, EXIT_LIAR if way == FORWARDING else EXIT_LOST,
                     EXIT_LIAR])
        named = self.parties[2].text(self.parties[2].err)
        if not any(self.dids[1] in line and 'cut' in line
                   for line in named.splitlines()):
            raise Failed(f'not named: {named}')
        if mark in self.parties[1].text(self.parties[1].out):
            raise Failed('it has worked')

    def lie_with_certificates(self, program, mark):
        """The same over MPyC's own --ssl, party 0 not being there at all: it
        has to work, so that party 1 prints MARK."""
        self.certificates()
        cmds = self.plain([free_ports(3)] * 3, [*program, '--ssl'])
        self.begin(cmds[1:], self.directory)
        self.wait_for(mark, parties=self.parties[:1])
        if self.parties[0].process.poll() is not None:
            raise Failed(self.parties[0].shown())
