#!/usr/bin/env python3
"""Ctrl-C and kill at every step of the main job leave nothing behind, and do not
wait for what the parties were waiting for.

usage: interrupt.py joint-stats.sh BUILD_DIR
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_S = 30  # a party that misses the signal takes 60


def interrupt_at(step: str, number: int, script: str, build: str) -> list[str]:
    """Run the main job up to a step; return what is wrong after the signal."""
    wrong = []
    with tempfile.TemporaryDirectory() as tmp:
        job = subprocess.Popen(
            ["sh", script, build], env={**os.environ, "TMPDIR": tmp},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True)
        for line in job.stdout:
            if line.startswith(step):
                break
        began = time.monotonic()
        os.killpg(job.pid, number)
        job.communicate()
        if (took := time.monotonic() - began) > LIMIT_S:
            wrong.append(f"took {took:.0f} s")
        if job.returncode != 128 + number:
            wrong.append(f"exit status {job.returncode}")
        if left := [path.name for path in pathlib.Path(tmp).iterdir()]:
            wrong.append(f"files {left}")
        try:
            os.killpg(job.pid, signal.SIGKILL)
            wrong.append("a process")
        except ProcessLookupError:
            pass
    return wrong


def main() -> int:
    status = 0
    for step in "1 ", "2 ", "3 ", "4 ":
        for number in signal.SIGINT, signal.SIGTERM:
            wrong = interrupt_at(step, number, *sys.argv[1:])
            print(f"step {step} {number.name}: {wrong or 'clean'}")
            status |= bool(wrong)
    return status


if __name__ == "__main__":
    sys.exit(main())
