"""Runs a server of the command line until Ctrl-C."""

import asyncio
import signal
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from rtproto_cli._fatal import Fatal, system_reason


def until_stopped(serving: "Coroutine[Any, Any, object]", host: str, port: int) -> None:
    """Runs `serving`, which listens on `host` and `port`, until Ctrl-C or SIGTERM cancels it. Raises Fatal."""

    async def run() -> None:
        task = asyncio.ensure_future(serving)
        with suppress(NotImplementedError):  # Windows, where Ctrl-C ends asyncio.run() itself
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass
    except socket.gaierror as error:
        raise Fatal(f"cannot listen on {host}: {system_reason(error)}; try another --host", 1) from None
    except OSError as error:
        raise Fatal(f"cannot listen on {host}:{port}: {system_reason(error)}; try another --port", 1) from None
