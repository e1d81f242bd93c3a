"""python -m parley.mpyc, with MPyC as it comes from PyPI.

DID_CLI names did-cli, with which some parties run the same program.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import parley
from parley import mpyc_facts
from parties import Parties, free_ports

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
AUCTION = os.path.join(TOP, 'examples', 'mpyc-auction.py')
LIMIT = 90
SOON = 5  # seconds in which everybody has ended where facts differ
CUTS = 50

# Party 1 sends 0 where its index belongs.
LIAR = '''
import mpyc.asyncoro
from mpyc.runtime import mpc
made = mpyc.asyncoro.MessageExchanger.connection_made

class Lying:
    def __init__(self, transport):
        self.transport = transport

    def writelines(self, parts):
        self.transport.writelines([bytes(2), *parts[1:]])

    def __getattr__(self, name):
        return getattr(self.transport, name)

def lie(self, transport):
    lies = self.peer_pid is not None and mpc.pid == 1
    made(self, Lying(transport) if lies else transport)

mpyc.asyncoro.MessageExchanger.connection_made = lie
mpc.run(mpc.start())
mpc.run(mpc.transfer(1))
print('computed')
'''

# Party 1 ends while the others wait for it.
QUITTER = '''
import os, sys
from mpyc.runtime import mpc
mpc.run(mpc.start())
print('started', flush=True)
if mpc.pid == 1:
    if sys.argv[1:] == ['kill']:
        os.kill(os.getpid(), 9)
    sys.exit(7)
mpc.run(mpc.transfer(mpc.pid))
print('computed')
'''


def own(err):
    """ERR without what is said on a busy machine of parties that wait."""
    return ''.join(line for line in err.splitlines(keepends=True)
                   if not re.match('parley: (waiting for .*|.* is here)$',
                                   line))


class Programs(unittest.TestCase):
    """Runs parties as processes."""

    def setUp(self):
        d = tempfile.TemporaryDirectory()
        self.addCleanup(d.cleanup)
        self.dir = d.name
        self.running = []
        self.addCleanup(self.stop)

    def stop(self):
        for p in self.running:
            if p.poll() is None:
                p.kill()
            p.communicate()

    def agree(self, n, program, *args):
        """All parties run PROGRAM ARGS, as measured here."""
        found = mpyc_facts.facts(program, args)
        self.parties = Parties(
            n, parameters=found['parameters'], program={
                'name': os.path.basename(program),
                'digests': found['digests']})
        self.parties.save(self.dir)

    def program(self, text):
        path = os.path.join(self.dir, 'program.py')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def begin(self, k, program, *args, options=(), env=None, forward=False):
        agreement = os.path.join(self.dir, 'agreement.json')
        identity = os.path.join(self.dir, f'p{k}.identity')
        if forward:
            cmd = [os.environ['DID_CLI'], 'run', agreement, '--identity',
                   identity, '--preset', 'mpyc', *options, '--',
                   sys.executable, program, *args]
        else:
            cmd = [sys.executable, '-m', 'parley.mpyc', '--agreement',
                   agreement, '--identity', identity, *options, program,
                   *args]
        p = subprocess.Popen(cmd, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, cwd=self.dir,
                             env={**os.environ, **(env or {})},
                             # A job in the background would ignore it.
                             preexec_fn=lambda: signal.signal(
                                 signal.SIGINT, signal.SIG_DFL))
        self.running.append(p)
        return p

    def finish(self, processes, codes):
        """Standard outputs and errors once all have ended with CODES."""
        both = [p.communicate(timeout=LIMIT) for p in processes]
        self.assertEqual([p.returncode for p in processes], codes,
                         '\n'.join(e for _, e in both))
        out = ['\n'.join(line for line in o.splitlines()
                         if not line.startswith('20')) for o, _ in both]
        return out, [e for _, e in both]

    def alone(self, *args):
        """What the auction prints without any of this."""
        addresses = []
        for port in free_ports(3):
            addresses += ['-P', f'127.0.0.1:{port}']
        ps = [subprocess.Popen(
            [sys.executable, AUCTION, *addresses, '-I', str(k), *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for k in range(3)]
        self.running += ps
        return self.finish(ps, [0, 0, 0])[0][0]


class Computing(Programs):
    def test_the_result_is_that_of_plain_mpyc(self):
        self.agree(3, AUCTION, '6')
        wanted = self.alone('6')
        self.assertIn('lot 5: party ', wanted)
        ps = [self.begin(k, AUCTION, '6') for k in range(3)]
        out, err = self.finish(ps, [0, 0, 0])
        self.assertEqual(out, 3 * [wanted])
        self.assertEqual([own(e) for e in err], 3 * [''])

    def test_the_other_event_loop_and_carrier_do_the_same(self):
        self.agree(3, AUCTION, '6')
        ps = [self.begin(k, AUCTION, '6',
                         env={'MPYC_NOUVLOOP': '1'} if k else {},
                         options=['--carrier', 'libzmq'] if k == 2 else [])
              for k in range(3)]
        out, _ = self.finish(ps, [0, 0, 0])
        self.assertEqual(out, 3 * [self.alone('6')])

    def test_a_forwarding_party_computes_with_the_others(self):
        for forwarding in ((0,), (1, 2)):
            self.agree(3, AUCTION, '6')
            ps = [self.begin(k, AUCTION, '6', forward=k in forwarding)
                  for k in range(3)]
            out, _ = self.finish(ps, [0, 0, 0])
            self.assertEqual(out, 3 * [self.alone('6')])

    def test_two_computations_follow_each_other_in_one_program(self):
        program = self.program(
            'from mpyc.runtime import mpc\n'
            'for k in range(2):\n'
            '    mpc.run(mpc.start())\n'
            '    print(mpc.run(mpc.transfer(k + mpc.pid)))\n'
            '    mpc.run(mpc.shutdown())\n')
        self.agree(3, program)
        ps = [self.begin(k, program) for k in range(3)]
        out, _ = self.finish(ps, [0, 0, 0])
        self.assertEqual(out, 3 * ['[0, 1, 2]\n[1, 2, 3]'])

    def test_megabytes_go_through_the_credit(self):
        program = self.program(
            'from mpyc.runtime import mpc\n'
            'mpc.run(mpc.start())\n'
            'got = mpc.run(mpc.transfer(bytes([mpc.pid]) * 9000000))\n'
            'print([(len(g), g[-1]) for g in got])\n'
            'mpc.run(mpc.shutdown())\n')
        self.agree(2, program)
        for forward in (False, True):
            ps = [self.begin(k, program, forward=forward and k == 1)
                  for k in range(2)]
            out, _ = self.finish(ps, [0, 0])
            self.assertEqual(out, 2 * ['[(9000000, 0), (9000000, 1)]'])


class Evidence(Programs):
    def test_receipts_say_who_agreed_whoever_kept_them(self):
        self.agree(3, AUCTION, '2')
        kept = [os.path.join(self.dir, f'receipts{k}') for k in range(3)]
        ps = [self.begin(k, AUCTION, '2', options=['--receipts', kept[k]],
                         forward=k == 2) for k in range(3)]
        self.finish(ps, [0, 0, 0])
        for d in kept:
            done = subprocess.run(
                [os.environ['DID_CLI'], 'receipt', 'verify', '--agreement',
                 os.path.join(self.dir, 'agreement.json'),
                 *(os.path.join(d, name) for name in os.listdir(d))],
                capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = re.findall(r'^[-\dT:]+Z (party \d) .* agreed to '
                              f'{self.parties.agreement.hash.hex()}',
                              done.stdout, re.M)
            self.assertEqual(len(said), 4)
            self.assertEqual(len(set(said)), 3)

    def test_without_the_receipts_that_are_wanted_nothing_starts(self):
        self.agree(2, AUCTION, '2')
        ps = [self.begin(0, AUCTION, '2', options=['--receipts', AUCTION]),
              self.begin(1, AUCTION, '2')]
        both = [p.communicate(timeout=LIMIT) for p in ps]
        self.assertEqual(ps[0].returncode, 125, both)
        self.assertIn('no receipts', both[0][1])
        # As far as it has come: ready, or waiting.
        self.assertIn(ps[1].returncode, (124, 125))
        self.assertIn('receipts cannot be written', both[1][1])


class AsPython(Programs):
    """What the program sees is what `python PROGRAM` shows it."""

    def test_the_main_module_and_its_traceback_are_those_of_python(self):
        program = self.program(
            '# -*- coding: latin-1 -*-\n'
            'from __future__ import annotations\n'
            'import inspect, pickle, sys\n'
            'class Thing:\n'
            '    """One."""\n'
            'print(__name__, __file__, __package__, __spec__, __doc__)\n'
            'print(sorted(globals()), sys.path[0], sys.argv[0])\n'
            'print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)\n'
            'print(inspect.getsource(Thing), __loader__.get_filename())\n'
            'def f():\n'
            '    raise ValueError("shown")\n'
            'f()\n')
        plain = subprocess.run([sys.executable, program],
                               capture_output=True, text=True, check=False)
        self.assertIn('line 11, in f', plain.stderr)
        self.agree(2, program)
        ps = [self.begin(k, program) for k in range(2)]
        out, err = self.finish(ps, [1, 1])
        self.assertEqual(out, 2 * [plain.stdout.rstrip('\n')])
        self.assertEqual([own(e) for e in err], 2 * [plain.stderr])

    def test_what_was_measured_is_what_runs(self):
        program = self.program('print("agreed")\n')
        self.agree(2, program)
        first = self.begin(0, program)
        # It waits for party 1, and has measured.
        self.assertIn('waiting for', first.stderr.readline())
        self.program('print("changed")\n')
        same = os.path.join(self.dir, 'same.py')
        with open(same, 'w', encoding='utf-8') as f:
            f.write('print("agreed")\n')
        out, _ = self.finish([first, self.begin(1, same)], [0, 0])
        self.assertEqual(out, 2 * ['agreed'])


class Broken(Programs):
    def test_cut_connections_change_nothing(self):
        self.agree(3, AUCTION, '40')
        wanted = self.alone('40')
        asyncio.run(asyncio.wait_for(self.cut(wanted), LIMIT))

    async def cut(self, wanted):
        """Every connection goes through a proxy that cuts it after so many
        bytes; the next one is dialled, and cut again."""
        cuts = {}

        async def serve(port, reader, writer):
            try:
                real, out = await asyncio.open_connection('127.0.0.1', port)
            except OSError:  # not there yet
                writer.transport.abort()
                return
            # The first one lives for long enough to open the session.
            n = cuts.get(port, 0)
            left = [30000 if n == 0 else 1000 if n < 2 * CUTS + 20
                    else 1 << 40]

            async def pump(source, sink):
                try:
                    while data := await source.read(512):
                        left[0] -= len(data)
                        if left[0] < 0:
                            break
                        sink.write(data)
                except OSError:
                    pass
                writer.transport.abort()
                out.transport.abort()
            await asyncio.gather(pump(reader, out), pump(real, writer))
            if left[0] < 0:
                cuts[port] = cuts.get(port, 0) + 1

        real = free_ports(3)
        servers = []
        for k, port in enumerate(self.parties.ports):
            def handle(r, w, at=real[k]):
                return serve(at, r, w)
            servers.append(await asyncio.start_server(handle, '127.0.0.1',
                                                      port))
        ps = [self.begin(k, AUCTION, '40', options=[
            '--listen', f'tcp://127.0.0.1:{real[k]}', '--on-lost', 'wait'])
            for k in range(3)]
        out, err = await asyncio.get_running_loop().run_in_executor(
            None, self.finish, ps, [0, 0, 0])
        for s in servers:
            s.close()
        self.assertEqual(out, 3 * [wanted])
        # Party 1 is dialled by 0; party 2 by 0 and by 1.
        print(f'cut: {sum(cuts.values())} times', file=sys.stderr)
        self.assertGreaterEqual(cuts[real[1]], CUTS)
        self.assertGreaterEqual(cuts[real[2]], 2 * CUTS)

    def test_a_party_that_is_killed_is_named_by_the_others(self):
        program = self.program(QUITTER)
        self.agree(3, program, 'kill')
        ps = [self.begin(k, program, 'kill', options=['--lost-after', '4'])
              for k in range(3)]
        out, err = self.finish(ps, [124, -9, 124])
        for k in (0, 2):
            self.assertIn(self.parties.identities[1].did, err[k])
            self.assertEqual(out[k], 'started')

    def test_a_program_that_fails_ends_the_others(self):
        program = self.program(QUITTER)
        self.agree(3, program)
        ps = [self.begin(k, program) for k in range(3)]
        _, err = self.finish(ps, [124, 7, 124])
        for k in (0, 2):
            self.assertIn(self.parties.identities[1].did, err[k])
        self.assertIn('exit code 7', err[0] + err[2])

    def test_what_no_forwarder_sends_is_not_kept(self):
        program = self.program(QUITTER)
        self.agree(2, program)
        first = self.begin(0, program)

        async def flood():
            session = self.parties.session(1)
            await session.open()
            with self.assertRaises(parley.Error):
                await session.send(0, bytes(2 << 20))
                while True:
                    await session.recv(0)
            session.abort('done')

        asyncio.run(asyncio.wait_for(flood(), LIMIT))
        _, err = self.finish([first], [124])
        self.assertIn('larger than the limit', err[0])

    def test_who_claims_another_index_is_cut_and_named(self):
        for forwarding in ((), (2,), (1,)):
            with self.subTest(forwarding=forwarding):
                program = self.program(LIAR)
                self.agree(3, program)
                ps = [self.begin(k, program, forward=k in forwarding)
                      for k in range(3)]
                both = [p.communicate(timeout=LIMIT) for p in ps]
                self.assertEqual(ps[2].returncode, 123, both)
                self.assertIn(self.parties.identities[1].did, both[2][1])
                self.assertTrue(ps[0].returncode and ps[1].returncode)
                self.assertNotIn('computed', ''.join(o for o, _ in both))


class Stopped(Programs):
    def test_who_stops_waiting_is_quiet_and_the_others_are_told(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.agree(3, AUCTION, '2')
                did = self.parties.identities[1].did
                other = self.begin(0, AUCTION, '2', forward=True)
                p = self.begin(1, AUCTION, '2')
                said = []
                while f'p1 {did} is here\n' not in ''.join(said):
                    said.append(other.stderr.readline())
                    self.assertTrue(said[-1], said)
                p.send_signal(number)
                _, err = self.finish([p, other], [128 + number, 125])
                self.assertEqual(own(err[0]), '')
                self.assertRegex(err[1], f'{did}.*stopped by its user')

    def test_who_is_waited_for_is_said_as_did_cli_does(self):
        self.agree(2, AUCTION, '2')
        for k, how in ((0, 'dialling tcp://127.0.0.1:'
                        f'{self.parties.ports[1]}'), (1, 'it will dial')):
            p = self.begin(k, AUCTION, '2')
            did = self.parties.identities[1 - k].did
            self.assertRegex(p.stderr.readline(),
                             rf'^parley: waiting for p{1 - k} {did} '
                             rf'\({how}, \d+ s\)(: .*)?\n$')
            self.stop()


class Agreed(Programs):
    def test_a_fact_that_differs_is_named_by_all_and_nothing_starts(self):
        def changed(name):
            path = os.path.join(self.dir, name)
            with open(AUCTION, encoding='utf-8') as f:
                text = f.read()
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text + '\n')
            return path
        for field, program, args in (
                ('program.digests.program', changed, ['2']),
                ('parameters.arguments', None, ['3']),
                ('parameters.mpyc.bit-length', None, ['2', '-L', '64']),
                ('parameters.mpyc.no-prss', None, ['2', '--no-prss']),
                ('threshold', None, ['2', '-T', '0'])):
            with self.subTest(field=field):
                # A machine that others keep busy may need a second try for
                # the time, not for anything else.
                took = min(self.differs(field, program('other.py') if program
                                        else AUCTION, args))
                self.assertLess(took, SOON)

    def differs(self, field, program, args):
        """Party 1 comes last and runs something else; the seconds it took from
        there, of each try."""
        for _ in range(3):
            self.agree(3, AUCTION, '2')
            ps = [self.begin(k, AUCTION, '2', forward=k == 2)
                  for k in range(2, -1, -2)]
            began = time.monotonic()
            ps.append(self.begin(1, program, *args))
            out, err = self.finish(ps, [125, 125, 125])
            took = time.monotonic() - began
            self.assertEqual(out, ['', '', ''])
            self.assertIn(f'{field} is ', err[2])
            for e in err[:2]:
                self.assertIn(field, e)
                self.assertIn(self.parties.identities[1].did, e)
            yield took
            if took < SOON:
                return

    def test_what_the_agreement_does_not_say_is_not_assumed(self):
        self.agree(2, AUCTION, '2')
        del self.parties.members['parameters']['numpy']
        self.parties.save_agreement(self.dir)
        _, err = self.finish([self.begin(k, AUCTION, '2', forward=k == 1)
                              for k in range(2)], [125, 125])
        for e in err:
            self.assertRegex(e, 'parameters.numpy is .* says nothing of it')

    def test_names_do_not_drive_the_terminal(self):
        program = self.program(QUITTER)
        self.agree(2, program)
        # Clears the screen, where C1 controls count; then right to left.
        self.parties.members['parties'][1]['name'] = 'b\x9b2J\u202e'
        self.parties.save_agreement(self.dir)
        _, err = self.finish([self.begin(0, program, options=[
            '--timeout', '1'])], [125])
        self.assertIn('b\\x9b2J\\u202e', err[0])
        self.assertTrue(err[0].replace('\n', '').isprintable())

    def test_addresses_are_not_for_the_command_line(self):
        self.agree(2, AUCTION)
        p = self.begin(0, AUCTION, '-P', 'localhost:1', '--ssl')
        _, err = self.finish([p], [2])
        self.assertIn('-P, --ssl', err[0])


class Facts(unittest.TestCase):
    def found(self, *args, **env):
        return mpyc_facts.facts(AUCTION, args, env)

    def test_each_option_that_goes_over_the_wire_is_a_fact(self):
        plain = self.found('3')
        for args, name, value in (
                (['-L', '64'], 'mpyc.bit-length', 64),
                (['--sec-param=40'], 'mpyc.sec-param', 40),
                (['--no-async'], 'mpyc.no-async', True),
                (['--no-bar'], 'mpyc.no-barrier', True),
                (['--no-prss'], 'mpyc.no-prss', True),
                (['--mix32-64bit'], 'mpyc.mix32-64bit', True),
                (['--no-numpy'], 'mpyc.no-numpy', True),
                (['--no-gmpy2'], 'mpyc.no-gmpy2', True),
                (['-W', '2'], 'mpyc.workers', 2)):
            found = self.found('3', *args)
            self.assertEqual(found['parameters'][name], value)
            self.assertEqual({**plain['parameters'], name: value},
                             found['parameters'])
        self.assertEqual(self.found('3', '-T1')['threshold'], 1)
        for args in (['-I', '2'], ['-Phost:1'], ['--ssl'], ['--no-log'],
                     ['-M3'], ['-B', '9000'], ['--no-uvloop']):
            self.assertEqual(self.found('3', *args), plain)

    def test_the_environment_counts_as_for_mpyc(self):
        self.assertEqual(self.found(MPYC_NOPRSS='1'), self.found('--no-prss'))
        self.assertEqual(
            self.found('-W1', MPYC_MAXWORKERS='4')['parameters'],
            self.found('-W4')['parameters'])

    def test_arguments_are_those_that_mpyc_leaves_to_the_program(self):
        found = self.found('-T', '1', 'a b', '--rounds', '3')
        self.assertEqual(found['parameters']['arguments'],
                         "'a b' --rounds 3")
        self.assertRegex(self.found('a\nb')['parameters']['arguments'],
                         '^sha256:')

    def test_the_script_alone_says_the_same(self):
        with open(mpyc_facts.__file__, encoding='utf-8') as f:
            text = f.read()
        out = subprocess.run([sys.executable, '-c', text, AUCTION, '3'],
                             check=True, capture_output=True, text=True)
        self.assertEqual(json.loads(out.stdout),
                         mpyc_facts.facts(AUCTION, ['3']))

    def test_nothing_is_imported_from_where_somebody_happens_to_be(self):
        with open(mpyc_facts.__file__, encoding='utf-8') as f:
            text = f.read()
        with tempfile.TemporaryDirectory() as here:
            for name in ('argparse', 'hashlib', 'json', 'mpyc'):
                with open(os.path.join(here, f'{name}.py'), 'w',
                          encoding='utf-8') as f:
                    f.write('raise SystemExit("imported")')
            out = subprocess.run([sys.executable, '-c', text, AUCTION, '3'],
                                 cwd=here, capture_output=True, text=True)
        self.assertEqual((out.returncode, out.stderr), (0, ''))


if __name__ == '__main__':
    unittest.main()
