"""Proxies of TCP connections that count bytes, in a thread of their own.

A connection is held until the real port listens, as a network would hold it:
MPyC does not survive one that is accepted and closed.
"""

import asyncio
import threading

RETRY_S = 0.02


class Wire:
    """Proxies between pairs of ports of the loopback interface.

    Args:
        ports: the proxy's port -> the real one.
    """

    def __init__(self, ports):
        self.bytes = 0
        self._loop = asyncio.new_event_loop()
        self._servers = []
        for near, far in ports.items():
            def handle(reader, writer, port=far):
                return self._serve(port, reader, writer)
            self._servers.append(self._loop.run_until_complete(
                asyncio.start_server(handle, '127.0.0.1', near)))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _serve(self, port, reader, writer):
        while True:
            try:
                far = await asyncio.open_connection('127.0.0.1', port)
                break
            except OSError:
                await asyncio.sleep(RETRY_S)
        await asyncio.gather(self._pump(reader, far[1]),
                             self._pump(far[0], writer),
                             return_exceptions=True)

    async def _pump(self, source, sink):
        try:
            while data := await source.read(1 << 16):
                self.bytes += len(data)
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()

    def close(self):
        """Stop; the count stays."""
        async def stop():
            for server in self._servers:
                server.close()
            # asyncio would complain of handlers that were cancelled.
            self._loop.set_exception_handler(lambda loop, context: None)
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._loop.stop()
        asyncio.run_coroutine_threadsafe(stop(), self._loop)
        self._thread.join()
        self._loop.close()
