"""A small MPyC program of many dependent rounds: rounds.py N [SECONDS]

Sorts N numbers that nobody knows, and tells which they are; then goes on for
so many seconds, if any are given.
"""
import sys
import time

from mpyc.runtime import mpc

secint = mpc.SecInt(32)


async def main():
    n = int(sys.argv[1])
    await mpc.start()
    mine = [secint((mpc.pid + 3) * (i + 7) * 7919 % 1000) for i in range(n)]
    columns = mpc.input(mine)
    x = [mpc.sum([c[i] for c in columns]) for i in range(n)]
    x = mpc.sorted(x)
    print('sorted', *await mpc.output(x), flush=True)
    below = 0
    for a in x:
        for b in x:
            below += await mpc.output(a < b)
    print('pairs in order', below, flush=True)
    end = time.monotonic() + (float(sys.argv[2]) if len(sys.argv) > 2 else 0)
    while True:
        on = await mpc.output(mpc.max(mpc.input(
            secint(int(time.monotonic() < end)))))
        if not on:
            break
    await mpc.shutdown()

mpc.run(main())
