#!/usr/bin/env python3
"""Run a command on a terminal of its own, and answer its questions.

terminal.py [EXPECT SEND]... -- COMMAND...

Each SEND (with Python escapes, "\\x03" is Ctrl-C) is typed once EXPECT has
been shown.  Prints what the terminal showed, and as the last line whether it
echoes after the command has ended.  Exits as the command did; 99 if EXPECT
never came.
"""
import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time

TIME_LIMIT = 60


def login_tty(slave):
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)


def main():
    split = sys.argv.index("--")
    script, command = sys.argv[1:split], sys.argv[split + 1:]
    master, slave = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.close(master)
        login_tty(slave)
        os.execvp(command[0], command)
    shown, seen = b"", 0
    deadline = time.monotonic() + TIME_LIMIT
    status = None
    while status is None or select.select([master], [], [], 0)[0]:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            print(shown.decode(errors="replace"))
            print("never shown:", script[:1])
            return 99
        if select.select([master], [], [], 0.02)[0]:
            shown += os.read(master, 4096)
        if script and script[0].encode() in shown[seen:]:
            seen = len(shown)
            os.write(master, script[1].encode().decode(
                "unicode_escape").encode("latin-1"))
            script = script[2:]
        if status is None:
            done, code = os.waitpid(pid, os.WNOHANG)
            if done:
                status = os.waitstatus_to_exitcode(code)
    echo = termios.tcgetattr(slave)[3] & termios.ECHO
    print(shown.decode(errors="replace").replace("\r\n", "\n"))
    print("terminal echoes" if echo else "terminal is silent")
    return status if status >= 0 else 128 - status


sys.exit(main())
