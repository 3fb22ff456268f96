"""A server that is down on demand: for a while nobody listens, and connections are refused."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from ._fault_plan import Active, Faults

logger = logging.getLogger(__name__)

_Step = Callable[[], Awaitable[object]]


@asynccontextmanager
async def listening(faults: Faults, addresses: Sequence[Any], stop: _Step, start: _Step) -> AsyncIterator[None]:
    """While the block lasts, listens no more where a fault wants that: `stop` ends it, `start` begins it again.

    `addresses` are those it listens on. Who is connected stays so. The block begins when what is due at the beginning
    is done; when it ends nothing is begun again.
    """
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    settled = asyncio.Event()
    faults.on_change = lambda: loop.call_soon_threadsafe(changed.set)

    async def obey() -> None:
        while True:
            down = faults.down()
            if down is None:
                settled.set()
                await changed.wait()
                changed.clear()
                continue
            await stop()
            settled.set()
            with _held(addresses):
                await _over(down, faults, changed)
            try:
                await start()
            except OSError as error:
                logger.error("cannot listen again after the fault %s: %s", down.fault, error)
                return

    task = asyncio.ensure_future(obey())
    try:
        await settled.wait()
        yield
    finally:
        faults.on_change = None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _over(down: Active, faults: Faults, changed: asyncio.Event) -> None:
    """Returns when its time is over, or when it was cleared."""
    (seconds,) = down.fault.values
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while down in faults.active and (left := end - loop.time()) > 0:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(changed.wait(), None if left == float("inf") else left)
        changed.clear()


@contextmanager
def _held(addresses: Sequence[Any]) -> Iterator[None]:
    """Keeps the ports, so that nobody else takes them: a socket that is bound and does not listen refuses, too."""
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            with suppress(OSError):
                holder = socket.socket(socket.AF_INET6 if len(address) == 4 else socket.AF_INET)
                sockets.append(holder)
                if os.name == "posix":
                    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                holder.bind(address)
        yield
    finally:
        for holder in sockets:
            holder.close()
