"""MPyC's own tests, with as many parties as take part: suite.py TESTS NAME...

TESTS is the directory tests/ of a source tree of MPyC, NAME a module in it.
The tests are written for one party: most do not connect, and one of them
switches MPyC to synchronous evaluation for all that follow.  So all parties
are connected before the first test, and each test begins as a program does.
Prints one line per test, without times.
"""
import random
import sys
import unittest

from mpyc.runtime import mpc

SYNCHRONOUS = mpc.options.no_async


class Result(unittest.TestResult):
    """One line per test, the same at all parties if they agree."""

    n_failed = 0

    def startTest(self, test):
        super().startTest(test)
        mpc.options.no_async = SYNCHRONOUS
        random.seed(4711)

    def addSuccess(self, test):
        print('passed', test.id(), flush=True)

    def addSkip(self, test, reason):
        print('skipped', test.id(), flush=True)

    def addFailure(self, test, err):
        self.n_failed += 1
        print('failed', test.id(), err[0].__name__, flush=True)
        print(self._exc_info_to_string(err, test), file=sys.stderr)

    addError = addFailure


async def nothing():
    """In place of connecting and parting once more."""


sys.path.insert(0, sys.argv[1])
mpc.run(mpc.start())
shutdown, mpc.start, mpc.shutdown = mpc.shutdown, nothing, nothing
result = Result()
unittest.defaultTestLoader.loadTestsFromNames(sys.argv[2:]).run(result)
print(result.testsRun, 'tests', flush=True)
mpc.run(shutdown())
sys.exit(result.n_failed > 0 or result.testsRun == 0)
