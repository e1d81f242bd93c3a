"""A selector for asyncio that knows the session.

asyncio asks its selector once in each turn, after all of the turn's callbacks
and before it waits.  That is the moment at which what was written has to leave,
and where what has come can be handed out: without callbacks of our own, which
cost a turn of the loop each, and with one wait for everything.
"""

import math
import selectors
from typing import TYPE_CHECKING, List, Optional, Tuple

if TYPE_CHECKING:
    from .streams import Streams

Ready = List[Tuple[selectors.SelectorKey, int]]


class TurnSelector(selectors.EpollSelector):
    """asyncio.SelectorEventLoop(TurnSelector()) can be given to Streams."""

    streams: Optional['Streams'] = None

    def select(self, timeout: Optional[float] = None) -> Ready:
        """What is ready of that which asyncio itself waits for."""
        streams = self.streams
        if streams is None:
            return super().select(timeout)
        if timeout is None:
            ms = -1
        elif timeout <= 0:
            ms = 0
        else:
            ms = min(math.ceil(timeout * 1e3), 1 << 30)
        if streams.end_turn(ms):
            return super().select(0)
        return []
