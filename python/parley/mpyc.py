"""Run an MPyC program over a session, inside its process.

    python -m parley.mpyc --agreement FILE --identity FILE PROGRAM ARGS...

The program and MPyC are used as they are.  Where MPyC would listen and dial,
it gets streams of the session instead, so there is no port that anybody else
could connect to, and who is at the other end is who the agreement says: the
index that a party claims is compared with its DID.  Parties that run
`did-cli run` can take part, and the other way round.

Before the program starts, what must be the same at all parties is measured
(see mpyc_facts.py) and compared with the agreement.
"""

import argparse
import asyncio
import builtins
import gc
import importlib.machinery
import json
import os
import select
import signal
import sys
import time
import types
from typing import Any, Dict, List, NoReturn, Optional, Sequence

from . import mpyc_facts
from ._native import lib
from .agreement import Agreement, Party
from .did import Identity
from .errors import Error
from .session import Event, Native, Options, PartyState, SessionState
from .selector import TurnSelector
from .streams import MESSAGE_MAX, Streams

HOST = 'parley'  # stands for the session in what MPyC takes for addresses
CLOSE_S = 30.0
UNRESPONSIVE_S = 3600.0  # a program may compute for so long in one piece
REPEAT_S = 4.5  # from one word on who is waited for to the next
MISMATCH_S = 5.0  # how long others are told that facts differ

# As did-cli run: codes that no program uses.
EXIT_FAILED, EXIT_USAGE = 1, 2
EXIT_LIAR, EXIT_LOST, EXIT_NOT_STARTED = 123, 124, 125


def say(text: str) -> None:
    """One line for the user; others wrote parts of it."""
    safe = ''.join(c if c.isprintable() else c.encode(
        'unicode_escape').decode() for c in text)
    print(f'parley: {safe}', file=sys.stderr, flush=True)


class Refused(Exception):
    """The program cannot be started; the text says why."""

    def __init__(self, text: str, code: int = EXIT_NOT_STARTED) -> None:
        super().__init__(text)
        self.code = code


# --- facts ---

def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _measured(agreement: Dict[str, Any],
              facts: Dict[str, Any]) -> List[str]:
    """Put what is measured here into AGREEMENT; say what differs.

    A fact of which the agreement says nothing differs, too: nobody has agreed
    to it.
    """
    differs: List[str] = []

    def compare(table: Dict[str, Any], path: str, name: str,
                here: Any) -> None:
        if name not in table:
            differs.append(f'{path}{name} is {_text(here)} here, '
                           'the agreement says nothing of it')
        elif table[name] != here:
            differs.append(f'{path}{name} is {_text(here)} here, '
                           f'{_text(table[name])} was agreed')
        table[name] = here

    program = agreement.setdefault('program', {'name': 'MPyC'})
    digests = program.setdefault('digests', {})
    parameters = agreement.setdefault('parameters', {})
    for name, here in facts['digests'].items():
        compare(digests, 'program.digests.', name, here)
    for name, here in facts['parameters'].items():
        compare(parameters, 'parameters.', name, here)
    if facts['threshold'] is not None:
        compare(agreement, '', 'threshold', facts['threshold'])
    return differs


# --- the opening ---

class Waiting:
    """Tells about once in five seconds who is waited for."""

    def __init__(self) -> None:
        self._said: Dict[int, float] = {}
        self.ready = False

    def __call__(self, event: Event) -> Optional[bool]:
        party = event.party
        if party is None or self.ready:
            return None
        who = f'{party.name} {party.did}' if party.name else party.did
        last = self._said.get(party.index, -REPEAT_S)
        if event.state in (PartyState.READY, PartyState.CLOSED):
            if party.index in self._said:
                say(f'{who} is here')
                del self._said[party.index]
        elif event.waited >= 1 and event.waited - last >= REPEAT_S:
            self._said[party.index] = event.waited
            how = (f'dialling {event.endpoint}' if event.endpoint
                   else 'it will dial')
            say(f'waiting for {who} ({how}, {event.waited:.0f} s)'
                + (f': {event.detail}' if event.detail else ''))
        return None


def _open(agreement: Agreement, identity: Identity, o: Options) -> Native:
    waiting = Waiting()
    try:
        native = Native(agreement, identity, o, waiting)
    except Error as exc:
        raise Refused(str(exc)) from exc
    fd = lib.parley_session_fd(native.handle)
    # Not parley_session_wait(): a signal that means an end raises an exception,
    # which may come while libparley tells of progress.
    try:
        while True:
            err = lib.parley_session_process(native.handle)
            native.reraise()
            if err or native.state() is not SessionState.OPENING:
                break
            select.select([fd], [], [], 1.0)
    except (KeyboardInterrupt, SystemExit):
        lib.parley_session_abort(native.handle, b'stopped by its user')
        native.free()
        raise
    if err:
        refusal = Refused(str(native.error(err)))
        native.free()
        raise refusal
    waiting.ready = True
    return native


def _keep(native: Native, directory: str) -> None:
    """Write the receipts: who asked for evidence does not compute without."""
    try:
        for party in native.agreement.parties:
            if party.index != native.index:
                native.receipt(party.index).save(directory, party.index)
    except (Error, OSError) as exc:
        lib.parley_session_abort(native.handle,
                                 b'its receipts cannot be written')
        native.free()
        raise Refused(f"no receipts in '{directory}': {exc}") from exc


# --- the program ---

class _Server:
    """What MPyC closes when all parties are connected."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def close(self) -> None:
        self._streams.listen(None)


# Files whose frames are not the program's.
_OURS = (__file__,)


def _execute(program: str, source: bytes) -> None:
    """Run SOURCE, which was measured, as the main module.

    The file PROGRAM is not read again: it may have changed meanwhile.
    """
    main = types.ModuleType('__main__')
    path = os.path.abspath(program)
    main.__dict__.update(
        __file__=path, __cached__=None, __builtins__=builtins,
        __annotations__={},
        __loader__=importlib.machinery.SourceFileLoader('__main__', path))
    main.__doc__ = None
    sys.modules['__main__'] = main
    exec(compile(source, path, 'exec', dont_inherit=True), main.__dict__)


class Launcher:
    """Runs one program over one session."""

    def __init__(self, native: Native) -> None:
        self.native = native
        self.streams = Streams(native, self._lost, self._liar)
        self.code: Optional[int] = None
        self._loop: Any = None

    def _end(self, text: str, code: int) -> NoReturn:
        """End the program: it would wait for ever."""
        if self.code is None:
            self.code = code
            say(text)
            lib.parley_session_abort(self.native.handle, text.encode()[:200])
            # A program that catches this and goes on waiting ends all the
            # same.
            self.streams.silence()
            self._loop.call_later(2, self._end_hard)
        raise SystemExit(code)

    def _end_hard(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code or EXIT_FAILED)

    def _lost(self, party: Optional[Party], text: str) -> None:
        self._end(text, EXIT_LOST)

    def _liar(self, party: Party, text: str) -> None:
        self._end(text, EXIT_LIAR)

    def hook(self, loop: Any,
             selector: Optional[TurnSelector] = None) -> None:
        """Give LOOP's users streams where they ask for MPyC's addresses.

        SELECTOR is that of the loop, if it is ours.
        """
        streams, index = self.streams, self.native.index
        create_connection = loop.create_connection
        create_server = loop.create_server

        async def connection(factory: Any, host: Any = None, port: Any = None,
                             **kwargs: Any) -> Any:
            if host != HOST:
                return await create_connection(factory, host, port, **kwargs)
            stream = streams.connect(port - 1, factory)
            return stream, stream.protocol

        async def server(factory: Any, host: Any = None, port: Any = None,
                         **kwargs: Any) -> Any:
            if host is not None or port != index + 1:
                return await create_server(factory, host, port, **kwargs)
            streams.listen(factory)
            return _Server(streams)

        self._loop = loop
        loop.create_connection, loop.create_server = connection, server
        streams.attach(loop, selector)

    def _import_mpyc(self) -> None:
        """Import MPyC, which reads sys.argv, and drive the loop it takes."""
        selector = TurnSelector()
        loop = asyncio.SelectorEventLoop(selector)
        asyncio.set_event_loop(loop)
        from mpyc.runtime import mpc  # type: ignore[import-untyped]
        if mpc._loop is loop:
            self.hook(loop, selector)
        else:  # it has uvloop
            loop.close()
            self.hook(mpc._loop)

    def run(self, program: str, source: bytes, args: Sequence[str]) -> int:
        """Run SOURCE as `python PROGRAM ARGS` would; its exit code."""
        sys.argv = [program, *self._own_options(args), *args]
        sys.path[0] = os.path.dirname(os.path.realpath(program))
        try:
            self._import_mpyc()
            # What is imported by now stays: the collector need not look at
            # it again and again.
            gc.freeze()
            _execute(program, source)
        except SystemExit as exc:
            code = exc.code
            if code is not None and not isinstance(code, int):
                print(code, file=sys.stderr)
                code = EXIT_FAILED
            self._finish(code or 0)
            return self.code if self.code is not None else code or 0
        except BaseException as exc:
            self._abort(f'the program ended with {type(exc).__name__}')
            if self.code is not None:
                return self.code
            if isinstance(exc, KeyboardInterrupt):
                raise
            # As Python shows it: from the program's own first line on.
            tb = exc.__traceback__
            while tb is not None and tb.tb_frame.f_code.co_filename in _OURS:
                tb = tb.tb_next
            sys.excepthook(type(exc), exc.with_traceback(tb), tb)
            return EXIT_FAILED
        self._finish(0)
        return self.code or 0

    def _own_options(self, args: Sequence[str]) -> List[str]:
        agreement = self.native.agreement
        own = []
        for party in agreement.parties:
            own += ['-P', f'{HOST}:{party.index + 1}']
        own += ['-I', str(self.native.index)]
        if mpyc_facts.split(args)[0].threshold is None:
            own += ['-T', str(agreement.threshold)]
        return own

    def _abort(self, reason: str) -> None:
        self.streams.detach()
        lib.parley_session_abort(self.native.handle, reason.encode()[:200])

    def _finish(self, code: int) -> None:
        """Deliver what was sent, and say goodbye."""
        if self.code is not None:
            return
        if code != 0:
            self._abort(f'the program ended with exit code {code}')
            return
        self.streams.detach()
        deadline = time.monotonic() + CLOSE_S
        fd = lib.parley_session_fd(self.native.handle)
        while not self.streams.settle() and time.monotonic() < deadline:
            select.select([fd], [], [], 1.0)
            self.streams.turn()
        while (err := lib.parley_session_finish(
                self.native.handle)) == lib.PARLEY_ERR_AGAIN:
            left = deadline - time.monotonic()
            if left <= 0:
                err = lib.parley_session_close(self.native.handle)
                break
            select.select([fd], [], [], left)
        if err:
            say(str(self.native.error(err)))
            self.code = EXIT_FAILED


# --- the command ---

class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        say(message)
        self.print_usage(sys.stderr)
        sys.exit(EXIT_USAGE)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    p = _Parser(
        prog='python -m parley.mpyc', allow_abbrev=False,
        description='Run an MPyC program over a session of an agreement.',
        epilog='Exit code: that of PROGRAM; 123 a party claimed another '
        "one's index, 124 a party was lost, 125 PROGRAM was not started.")
    env = os.environ.get
    p.add_argument('--agreement', metavar='FILE', help='what was agreed '
                   '(default: $PARLEY_AGREEMENT)',
                   default=env('PARLEY_AGREEMENT'))
    p.add_argument('--identity', metavar='FILE', help='who this party is '
                   '(default: $PARLEY_IDENTITY)',
                   default=env('PARLEY_IDENTITY'))
    p.add_argument('--passphrase-file', metavar='FILE',
                   help='of the identity; - is standard input')
    p.add_argument('--listen', metavar='ENDPOINT',
                   help='listen here, not where the agreement says')
    p.add_argument('--timeout', metavar='S', type=float, default=60.0,
                   help='longest wait for the parties (60)')
    p.add_argument('--on-lost', choices=('fail', 'wait'), default='fail',
                   help='when a connection stays broken')
    p.add_argument('--lost-after', metavar='S', type=float,
                   help='for so long (30; with wait 600)')
    p.add_argument('--receipts', metavar='DIR',
                   help='keep what the others signed')
    p.add_argument('--carrier', choices=('zmtp', 'libzmq'), default='zmtp',
                   help='what speaks ZeroMQ')
    p.add_argument('program', metavar='PROGRAM')
    p.add_argument('args', metavar='ARGS', nargs=argparse.REMAINDER)
    a = p.parse_args(list(argv))
    if not a.agreement or not a.identity:
        p.error('--agreement and --identity are needed')
    return a


def _passphrase(path: Optional[str]) -> Optional[bytes]:
    if path is None:
        return None
    try:
        if path == '-':
            text = sys.stdin.buffer.readline()
        else:
            with open(path, 'rb') as f:
                text = f.readline()
    except OSError as exc:
        raise Refused(f"cannot read '{path}': {exc.strerror}") from exc
    return text.rstrip(b'\r\n')


def _check_args(args: Sequence[str], n_parties: int) -> None:
    options = mpyc_facts.split(args)[0]
    theirs = [name for name, value in (
        ('-C', options.config), ('-P', options.parties),
        ('-I', options.index is not None), ('-B', options.base_port),
        ('--ssl', options.ssl)) if value]
    if theirs:
        raise Refused(f'{", ".join(theirs)}: the agreement says who takes '
                      'part; leave it out', EXIT_USAGE)
    if options.M is not None and options.M != n_parties:
        raise Refused(f'-M {options.M}: the agreement has {n_parties} '
                      'parties', EXIT_USAGE)


def _read(program: str) -> bytes:
    try:
        with open(program, 'rb') as f:
            return f.read()
    except OSError as exc:
        raise Refused(f"cannot read '{program}': {exc.strerror}") from exc


def start(a: argparse.Namespace, source: bytes) -> Native:
    """The session, ready; every party has the same facts.

    SOURCE is what the program's file holds.
    """
    agreement = Agreement.load(a.agreement)
    _check_args(a.args, len(agreement.parties))
    facts = mpyc_facts.facts(a.program, a.args, source=source)
    with open(a.agreement, encoding='utf-8') as f:
        text = json.load(f)
    differs = _measured(text, facts)
    identity = Identity.load(a.identity, _passphrase(a.passphrase_file))
    wait = a.on_lost == 'wait'
    lost_after = a.lost_after or (600.0 if wait else 30.0)
    options = Options(listen=a.listen, open_timeout=a.timeout,
                      on_lost=a.on_lost, carrier=a.carrier,
                      message_max=MESSAGE_MAX,
                      unresponsive=UNRESPONSIVE_S,
                      keep_receipts=a.receipts is not None,
                      resume_timeout=lost_after if wait else 600.0,
                      liveness=30.0 if wait else lost_after)
    if not differs:
        native = _open(agreement, identity, options)
        if a.receipts is not None:
            _keep(native, a.receipts)
        return native
    for line in differs:
        say(line)
    # With what is measured here as its agreement this party is refused by
    # all others, and told which of their fields differs from its own, before
    # anything starts.
    try:
        _open(Agreement.parse(json.dumps(text)), identity,
              Options(listen=a.listen, open_timeout=MISMATCH_S)).free()
    except Refused:
        pass
    raise Refused('this is not what was agreed; nothing was started')


def _terminate(number: int, frame: Any) -> NoReturn:
    """SIGTERM: go, but let the others know."""
    raise SystemExit(128 + number)


def main(argv: Sequence[str]) -> int:
    """The command."""
    a = _arguments(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        source = _read(a.program)
        native = start(a, source)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (Error, Refused, mpyc_facts.FactsError) as exc:
        say(str(exc))
        return exc.code if isinstance(exc, Refused) else EXIT_NOT_STARTED
    launcher = Launcher(native)
    try:
        return launcher.run(a.program, source, a.args)
    finally:
        native.free()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
