#!/usr/bin/env python3
"""Runs parties of both implementations against each other.

    python3 tests/interop/sessions.py --work DIR [--c-peer PROGRAM] [CASE...]

Called by session.sh, which builds the C peer.  Every case makes fresh
identities and an agreement with ports that are free now, starts one process
for each party, and demands that all end as expected within LIMIT_S.  With
CASE, only cases whose name contains one of these texts run.
"""

import argparse
import base64
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from ports import free_ports

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 60
DIFFER_LIMIT_S = 8
# A party that learns of it from another one may call it ABORTED.
AGREEMENT_ERRORS = ("PARLEY_ERR_AGREEMENT", "PARLEY_ERR_ABORTED")


class Case:
    """`kinds` is who plays each party: c or py.  `change` alters the
    agreement of the last party; `restart` kills party 1 before the last
    one starts and starts it again; `twice` leaves its first process running,
    which has to give up."""

    def __init__(self, name, kinds, script="exchange:18", suites="2,1",
                 silent=(), change=None, expect=None, restart=False,
                 unreachable=None, twice=False, window=None):
        self.name = name
        self.kinds = kinds
        self.script = script
        self.suites = suites
        self.silent = silent  # indices of parties without endpoint
        self.change = change
        self.expect = expect  # text that every party's error must hold
        self.restart = restart
        self.unreachable = unreachable  # listens where nobody looks for it
        self.twice = twice
        self.window = window  # of parties in Python


def change_parameter(agreement):
    agreement["parameters"]["column"] = "height"


def change_threshold(agreement):
    agreement["threshold"] = 0


def change_order(agreement):
    agreement["parties"].reverse()


def cases(with_c):
    if not with_c:
        mixes = [("py", "py"), ("py", "py", "py")]
    else:
        mixes = [("c", "py"), ("py", "c"), ("c", "py", "c"),
                 ("py", "c", "py")]
    for kinds in mixes:
        name = "-".join(kinds)
        yield Case(f"{name} suite 1", kinds, suites="1")
        yield Case(f"{name} suites 2,1", kinds)
        yield Case(f"{name} suites 1,2 pingpong", kinds, "pingpong:9", "1,2")
        yield Case(f"{name} first without endpoint", kinds, silent=(0,))
        yield Case(f"{name} last without endpoint", kinds,
                   silent=(len(kinds) - 1,))
        yield Case(f"{name} parameter differs", kinds, "open",
                   change=change_parameter, expect="parameters.column")
        yield Case(f"{name} threshold differs", kinds, "open",
                   change=change_threshold, expect="threshold")
        yield Case(f"{name} order differs", kinds, "open",
                   change=change_order, expect="parties")
        yield Case(f"{name} last cannot be reached", kinds,
                   unreachable=len(kinds) - 1)
        if len(kinds) > 2:
            yield Case(f"{name} restart while opening", kinds, restart=True)
            yield Case(f"{name} two processes of one party", kinds,
                       twice=True)
        else:
            yield Case(f"{name} small window", kinds, window=65536)
            # More than 4096 records in each direction.
            for suites in ("1", "2,1"):
                yield Case(f"{name} ratchet, suites {suites}", kinds,
                           "pingpong:800", suites)
    yield Case("-".join(mixes[-1] * 2) + " all to all", mixes[-1] * 2,
               "exchange:9")


class Mesh:
    """The files and processes of one case."""

    def __init__(self, case, c_peer, directory):
        self.case = case
        self.c_peer = c_peer
        self.directory = pathlib.Path(directory)
        self.processes = []
        dids = [self._identity(i) for i in range(len(case.kinds))]
        self._agreements(dids)

    def _program(self, index):
        if self.case.kinds[index] == "c":
            return [self.c_peer]
        return [sys.executable, str(HERE / "session.py")]

    def _identity(self, index):
        path = str(self.directory / f"identity{index}")
        args = (["--new-identity", path] if self.case.kinds[index] == "c"
                else ["--seed-file", path, "--new-seed", "--did"])
        return subprocess.run(self._program(index) + args, check=True,
                              stdout=subprocess.PIPE, text=True,
                              timeout=LIMIT_S).stdout.strip()

    def _agreements(self, dids):
        parties = [{"did": did, "name": f"party{i}"}
                   for i, did in enumerate(dids)]
        for i, port in enumerate(free_ports(len(dids))):
            if i not in self.case.silent:
                parties[i]["endpoints"] = [f"tcp://127.0.0.1:{port}"]
        agreement = {
            "parley": "agreement/1",
            "id": base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip(
                "="),
            "name": self.case.name,
            "created": int(time.time()),
            "expires": int(time.time()) + 3600,
            "program": {"name": "interop"},
            "threshold": 1,
            "parameters": {"column": "age", "rows": -3, "exact": True},
            "parties": parties,
        }
        for i in range(len(dids)):
            own = copy.deepcopy(agreement)
            if self.case.change and i == len(dids) - 1:
                self.case.change(own)
            path = self.directory / f"agreement{i}.json"
            path.write_text(json.dumps(own), encoding="utf-8")

    def start(self, index, elsewhere=False):
        args = ["--agreement", str(self.directory / f"agreement{index}.json"),
                "--script", self.case.script]
        if elsewhere or self.case.unreachable == index:
            args += ["--listen", f"tcp://127.0.0.1:{free_ports(1)[0]}"]
        identity = str(self.directory / f"identity{index}")
        if self.case.kinds[index] == "c":
            args += ["--identity", identity]
        else:
            args += ["--seed-file", identity, "--suites", self.case.suites]
            if self.case.window:
                args += ["--window", str(self.case.window)]
        process = subprocess.Popen(self._program(index) + args, text=True,
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def run(self):
        """What each party printed, in index order; at the end what the
        first of two processes of party 1 printed."""
        n_parties = len(self.case.kinds)
        if not self.case.restart and not self.case.twice:
            started = [self.start(i) for i in range(n_parties)]
            return [outcome(process) for process in started]

        started = [self.start(i) for i in range(n_parties - 1)]
        time.sleep(1)  # time enough for a channel to the old process
        old = started[1]
        if self.case.restart:
            old.kill()
        started[1] = self.start(1, elsewhere=self.case.twice)
        if self.case.twice:
            # Party 0 tells the old process of the new one.  With the last
            # party before that, all could be ready with the old one.
            wait_for(old)
        started.append(self.start(n_parties - 1))
        if self.case.twice:
            started.append(old)
        return [outcome(process) for process in started]

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def wait_for(process):
    """Wait for its end without reading what it printed (one line)."""
    try:
        process.wait(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        pass  # the outcome will say so


def outcome(process):
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return {"ok": False, "text": f"not done after {LIMIT_S} s"}
    try:
        result = json.loads(out)
    except ValueError:
        return {"ok": False,
                "text": f"exit code {process.returncode}: {out}{err}"}
    result["status"] = process.returncode
    return result


def judge(case, results, seconds):
    """What is wrong, or None."""
    if case.expect:
        for i, result in enumerate(results):
            if (result["ok"] or result.get("status") != 1
                    or result.get("error") not in AGREEMENT_ERRORS
                    or case.expect not in result["text"]):
                return (f"party {i} should have failed, naming "
                        f"{case.expect}: {result}")
        if seconds > DIFFER_LIMIT_S:
            return f"took {seconds:.1f} s to fail"
        return None
    if case.twice:
        old = results.pop()
        if old.get("error") != "PARLEY_ERR_RESTARTED":
            return f"the first process of party 1 should have ended: {old}"
    n_messages = int(case.script.partition(":")[2] or 0)
    wanted = n_messages * (len(results) - 1)
    for i, result in enumerate(results):
        if (not result["ok"] or result.get("status") != 0
                or result.get("received") != wanted):
            return f"party {i}: {result}"
    return None


def run(case, c_peer, work):
    directory = tempfile.mkdtemp(dir=work)
    mesh = None
    begin = time.monotonic()
    try:
        mesh = Mesh(case, c_peer, directory)
        results = mesh.run()
        seconds = time.monotonic() - begin
        wrong = judge(case, results, seconds)
    finally:
        if mesh:
            mesh.kill()
        shutil.rmtree(directory)
    print(f"{'FAIL' if wrong else 'ok'}  {case.name}, {seconds:.1f} s"
          + (f": {wrong}" if wrong else ""), flush=True)
    return wrong is None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--c-peer")
    parser.add_argument("case", nargs="*")
    args = parser.parse_args()
    chosen = [case for case in cases(args.c_peer is not None)
              if not args.case or any(t in case.name for t in args.case)]
    passed = sum(run(case, args.c_peer, args.work) for case in chosen)
    print(f"{passed} passed, {len(chosen) - passed} failed")
    return 0 if chosen and passed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
