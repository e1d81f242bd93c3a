"""The cases of mpyc.sh: cases.py BUILD [DEMOS [TESTS]]"""
import os
import re
import subprocess
import sys
import textwrap
import time

import ways as w

TOP = os.path.normpath(os.path.join(w.HERE, '..', '..', '..'))
ROUNDS = os.path.join(w.HERE, 'rounds.py')
LIAR = os.path.join(w.HERE, 'liar.py')
LIED = 'party 1 has what was for party 0 alone'
RUNNER = os.path.join(w.HERE, 'suite.py')
FREQUENT, RARE = '2500', '250000'  # bytes between two cuts
CUTS = 50

# (parties, program); what MPyC's authors give as an example, made smaller
# where it would take a quarter of an hour.
DEMOS = (
    *((m, 'secretsanta.py 4') for m in (2, 3, 5, 7, 10)),
    *((m, 'elgamal.py') for m in (2, 3, 5, 7, 10)),
    (3, 'secretsanta.py 8'),
    (3, 'secretsanta.py 4 -W2'),
    (3, 'id3gini.py'),
    (5, 'id3gini.py'),
    (3, 'kmsurvival.py --collapse'),
    (3, 'kmsurvival.py -i2'),
    (5, 'kmsurvival.py --collapse'),
    (3, 'np_bnnmnist.py -b 1 -o 0'),
    (3, 'np_bnnmnist.py -b 1 -o 0 -W2'),
    (5, 'np_bnnmnist.py -b 1 -o 0'),
    (3, 'np_cnnmnist.py 1 0'),
    (5, 'np_cnnmnist.py 1 0'),
    (3, 'kmsurvival.py'),
    (3, 'cnnmnist.py 1 0'),
)
# What of MPyC's own tests several parties can run, by plain TCP as well: the
# others count the parties, or fail or hang there.
SUITE = {
    'test_mpctools': 'reduce accumulate',
    'test_secgroups': 'Sn QR_SG EC Cl',
    'test_seclists': 'secfxp secindex',
    'test_random': 'secint secfxp secfld',
    'test_statistics': 'plain statistics_error secfld secint secfxp',
    'test_secpols': 'errors',
    'test_runtime': 'secint_array secfxp_array bsecfld convert errors gcd '
                    'if_else_if_swap',
}


class Cases:
    """Runs them, and counts."""

    def __init__(self, build):
        self.ways = w.Ways(build)
        self.passed = self.failed = 0

    def case(self, name, do, *args):
        """One line: did DO do?  It returns what else is to be said."""
        if not re.search(os.environ.get('ONLY', ''), name):
            return
        began = time.monotonic()
        try:
            more = do(*args)
        except w.Failed as exc:
            self.failed += 1
            text = '\n'.join('    ' + x for x in str(exc).splitlines())
            print(f'FAILED: {name}\n{text}', flush=True)
            return
        finally:
            self.ways.end()
        self.passed += 1
        took = time.monotonic() - began
        more = more + '; ' if more else ''
        print(f'ok: {name} ({more}{took:.0f} s)', flush=True)

    def same(self, m, program, cwd):
        """The same results on all ways."""
        wanted, took = self.ways.run(w.PLAIN, m, program, cwd)
        said = [f'plain {took:.1f} s']
        for way in (w.FORWARDING, w.INSIDE):
            printed, took = self.ways.run(way, m, program, cwd)
            if printed != wanted:
                raise w.Failed(f'{way}: {printed}\nplain: {wanted}')
            said.append(f'{way} {took:.1f} s')
        return ', '.join(said)

    def cut_often(self, way, program, cwd, n_bytes, limit_s=w.LIMIT_S):
        """The same results, though."""
        wanted, _ = self.ways.run(w.PLAIN, 3, program, cwd)
        printed, (one, two) = self.ways.cut(way, program, cwd, [n_bytes],
                                            limit_s=limit_s)
        if printed != wanted:
            raise w.Failed(f'cut: {printed}\nplain: {wanted}')
        if one < CUTS or two < 2 * CUTS:
            raise w.Failed(f'cut {one} and {two} times only')
        return f'cut {one} times, and two connections together {two} times'

    def plain_is_cut(self, program, cwd, n_bytes):
        """Plain MPyC does not come through."""
        try:
            self.ways.cut(w.PLAIN, program, cwd, [n_bytes], limit_s=10)
        except w.Failed:
            found = re.findall(r'^\w*(?:Error|Exception)\b.*$', ''.join(
                p.text(p.err) + p.text(p.out) for p in self.ways.parties),
                re.M)
            if not found:
                raise
            return found[0]
        raise w.Failed('it came through')

    def broken(self, way, program, cwd):
        """Broken for longer than a moment, and waited for."""
        wanted, _ = self.ways.run(w.PLAIN, 3, program, cwd)
        printed, _ = self.ways.cut(way, program, cwd, ['0', '1'],
                                   ['--on-lost', 'wait'])
        if printed != wanted:
            raise w.Failed(f'{printed}\nplain: {wanted}')

    def killed(self, way, program, cwd):
        """The others name who was killed."""
        took = self.ways.kill(way, program, cwd, '(?m)^pairs', 4)
        if took > 30:
            raise w.Failed(f'named after {took:.0f} s only')
        return f'named after {took:.1f} s'

    def readme(self, build):
        """What the quickstart shows, but for identities and times."""
        def same(text):
            text = re.sub(r'did:key:z6Mk\w+', 'did:key:...', text)
            return re.sub(r' +\d+\.\d\d  same', '  same', text)
        with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as f:
            blocks = re.findall(r'(?:^    .*\n)+', f.read(), re.M)
        wanted = [b for b in map(textwrap.dedent, blocks)
                  if b.startswith('The parties:')]
        out = subprocess.run(
            [sys.executable, os.path.join(TOP, 'examples', 'three-ways.py'),
             build], check=False, stdout=subprocess.PIPE, text=True).stdout
        if [same(out)] != list(map(same, wanted)):
            raise w.Failed(out)

    def in_short(self, build):
        """Those that take a minute."""
        here = self.ways.directory
        self.case('README shows what the quickstart prints', self.readme,
                  build)
        for m in (2, 5):
            self.case(f'{m} parties: the same results on all ways', self.same,
                      m, [ROUNDS, '4'], here)
        self.case('workers: the same', self.same, 3, [ROUNDS, '4', '-W2'],
                  here)
        for way in (w.FORWARDING, w.INSIDE):
            self.case(f'{way}: every connection is cut {CUTS} times: '
                      'the same results', self.cut_often, way, [ROUNDS, '12'],
                      here, FREQUENT)
        self.case('and plain MPyC fails by that', self.plain_is_cut,
                  [ROUNDS, '12'], here, FREQUENT)
        for way in (w.FORWARDING, w.INSIDE):
            self.case(f'{way}, --on-lost wait: connections are broken for 3 s',
                      self.broken, way, [ROUNDS, '8', '3'], here)
            self.case(f'{way}: a party is killed: the others end, and name it',
                      self.killed, way, [ROUNDS, '4', '600'], here)

        for way in (w.FORWARDING, w.INSIDE):
            self.case(f'{way}: who claims another index is cut and named',
                      self.ways.lie, way, [LIAR, '--no-prss'], LIED, here)
        self.case('and with --ssl gets what is meant for the other',
                  self.ways.lie_with_certificates, [LIAR, '--no-prss'], LIED)

    def demos(self, demos):
        """They look for their data where they are run."""
        for m, words in DEMOS:
            self.case(f'{words}, {m} parties', self.same, m, words.split(),
                      demos)
        for words, n_bytes in (('secretsanta.py 8', FREQUENT),
                               ('np_cnnmnist.py 1 0', RARE)):
            for way in (w.FORWARDING, w.INSIDE):
                self.case(f'{words}, {way}, every connection is cut {CUTS} '
                          'times', self.cut_often, way, words.split(), demos,
                          n_bytes)
            self.case(f'{words}: plain MPyC fails by that', self.plain_is_cut,
                      words.split(), demos, n_bytes)

    def suite(self, tests):
        """MPyC's own tests."""
        for module, names in SUITE.items():
            self.case(f'{module} of MPyC, {names}: 3 parties', self.same, 3,
                      [RUNNER, tests, *(f'{module}.Arithmetic.test_{name}'
                                        for name in names.split())],
                      self.ways.directory)


def main():
    """All that there is to run."""
    cases = Cases(sys.argv[1])
    try:
        if len(sys.argv) == 2:
            cases.in_short(sys.argv[1])
        else:
            cases.demos(os.path.abspath(sys.argv[2]))
        if len(sys.argv) > 3:
            cases.suite(os.path.abspath(sys.argv[3]))
    finally:
        cases.ways.close()
    print(f'{cases.passed} passed, {cases.failed} failed')
    return 1 if cases.failed else 0


if __name__ == '__main__':
    sys.exit(main())
