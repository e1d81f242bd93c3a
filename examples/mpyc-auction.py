"""A sealed-bid auction among all parties, in MPyC: mpyc-auction.py [LOTS]

For each lot every party puts in one bid.  Who wins and what it pays, the
second highest bid (Vickrey), becomes known; no bid does.  A program of MPyC
and nothing else: how its parties are connected is not its business.

The bids are made up from party and lot, so that every run has the same result.
"""
import sys

from mpyc.runtime import mpc

secint = mpc.SecInt(32)


async def auction(lot):
    """The winner's index and the price."""
    bid = (mpc.pid * 7919 + lot * 104729 + 17) % 1009
    bids = mpc.input(secint(bid))
    winner, _ = mpc.argmax(bids)
    price = mpc.sorted(bids)[-2] if len(bids) > 1 else bids[0]
    return await mpc.output([winner, price])


async def main():
    lots = int(sys.argv[1]) if sys.argv[1:] else 20
    async with mpc:
        for lot in range(lots):
            winner, price = await auction(lot)
            print(f'lot {lot}: party {winner} pays {price}')

if __name__ == '__main__':
    mpc.run(main())
