"""One program of MPyC, three parties, three ways: python3 three-ways.py BUILD [M]

plain       MPyC's own TCP connections: nobody knows who is at the other end
forwarding  did-cli run: the program's connections are carried by a session
in process  python -m parley.mpyc: the session is inside the program's process

Runs examples/mpyc-auction.py and shows its result, that it is the same each
time, and how long it took.  All parties are on this machine, each with an
identity of its own; what is made here lies in one temporary directory.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, 'mpyc-auction.py')
ARGS = ['20']
NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace']
LIMIT = 120


def free_ports(n):
    """N ports of the loopback interface that nobody uses now."""
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def agree(did_cli, m, directory):
    """Identities, and an agreement that holds what is measured here."""
    parties = []
    for name, port in zip(NAMES[:m], free_ports(m)):
        did = subprocess.run(
            [did_cli, 'identity', 'new', '--unencrypted', '--out',
             os.path.join(directory, name)],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True).stdout.strip()
        print(f'  {name:6} {did}')
        parties += ['--party', f'{did},{name},tcp://127.0.0.1:{port}']
    subprocess.run(
        [did_cli, 'agreement', 'new', '--name', 'auction', '--out',
         os.path.join(directory, 'agreement.json'), *parties, '--preset',
         'mpyc', '--', sys.executable, PROGRAM, *ARGS],
        check=True, stderr=subprocess.DEVNULL)


def plain(m):
    """The command of each party, with MPyC's own connections."""
    addresses = []
    for port in free_ports(m):
        addresses += ['-P', f'127.0.0.1:{port}']
    return [[sys.executable, PROGRAM, *addresses, '-I', str(k), *ARGS]
            for k in range(m)]


def forwarding(m, did_cli, directory):
    """... through did-cli run."""
    return [[did_cli, 'run', os.path.join(directory, 'agreement.json'),
             '--identity', os.path.join(directory, name), '--',
             sys.executable, PROGRAM, *ARGS] for name in NAMES[:m]]


def in_process(m, directory):
    """... inside the process."""
    return [[sys.executable, '-m', 'parley.mpyc', '--agreement',
             os.path.join(directory, 'agreement.json'), '--identity',
             os.path.join(directory, name), PROGRAM, *ARGS]
            for name in NAMES[:m]]


def compute(commands):
    """Run one process for each party.

    Returns the result, and the seconds that MPyC says it took the party that
    came last; the others have waited for it.
    """
    parties = [subprocess.Popen(c, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
               for c in commands]
    try:
        both = [p.communicate(timeout=LIMIT) for p in parties]
    finally:
        for p in parties:
            if p.poll() is None:
                p.kill()
    for p, (_, err) in zip(parties, both):
        if p.returncode:
            sys.exit(f'{" ".join(p.args)}\nended with {p.returncode}:\n{err}')
    results, seconds = set(), []
    for out, _ in both:
        lines = out.splitlines()
        results.add('\n'.join(x for x in lines if x.startswith('lot ')))
        took = re.search(r'elapsed time: (\d+):(\d+):([\d.]+)', out)
        seconds.append(3600 * int(took[1]) + 60 * int(took[2])
                       + float(took[3]))
    if len(results) != 1:
        sys.exit('the parties do not agree on the result')
    return results.pop(), min(seconds)


def main():
    """All three, and what came out."""
    if len(sys.argv) not in (2, 3):
        sys.exit('usage: three-ways.py BUILD_DIR [PARTIES]')
    did_cli = os.path.abspath(os.path.join(sys.argv[1], 'cli', 'did-cli'))
    m = int(sys.argv[2]) if len(sys.argv) == 3 else 3
    if not 2 <= m <= len(NAMES):
        sys.exit(f'2 to {len(NAMES)} parties')
    with tempfile.TemporaryDirectory() as directory:
        print('The parties:')
        agree(did_cli, m, directory)
        took, results = {}, []
        for name, commands in (
                ('plain', plain(m)),
                ('forwarding', forwarding(m, did_cli, directory)),
                ('in process', in_process(m, directory))):
            result, took[name] = compute(commands)
            results.append(result)
    lines = results[0].splitlines()
    print('The result:', *lines[:3], f'... ({len(lines)} lots)', sep='\n  ')
    print('Seconds of computing, and whether the result is the same:')
    for (name, seconds), result in zip(took.items(), results):
        same = 'same' if result == results[0] else 'DIFFERENT'
        print(f'  {name:11}{seconds:7.2f}  {same}')
    return 0 if len(set(results)) == 1 else 1


sys.exit(main())
