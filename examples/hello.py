"""The smallest program of a party: python3 hello.py AGREEMENT IDENTITY"""
import asyncio
import sys

import parley


async def main(agreement, identity):
    async with parley.Session(parley.Agreement.load(agreement),
                              parley.Identity.load(identity)) as s:
        print(await s.gather(f'hello from {s.index}'.encode()))

asyncio.run(main(*sys.argv[1:]))
