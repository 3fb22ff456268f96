"""The three runners of `rtproto stream`: one per transport, each as a program of a user would be.

Whichever of its two sides fails, the one that sends or the one that receives, ends the run with its error.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rtproto.errors import SessionClosed
from rtproto_cli._job import SLICE, Job


def run_asyncio(job: Job) -> None:
    """Over asyncio and aiohttp."""
    import rtproto_aio

    async def upload(rt: "rtproto_aio.ClientWebSocket") -> None:
        with suppress(SessionClosed):  # the receiver sees it as Closed
            for due, batch in job.uploads():
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                for event in batch:
                    await rt.send(event)
                    job.sent(event)

    async def converse(rt: "rtproto_aio.ClientWebSocket") -> None:
        coming: asyncio.Future[Any] | None = None
        uploading: asyncio.Task[None] | None = None
        try:
            while not job.turn.done:
                job.interrupt.check()
                coming = coming or asyncio.ensure_future(rt.__anext__())
                both: set[asyncio.Future[Any]] = {
                    task for task in (coming, uploading) if task is not None and not task.done()
                }
                await asyncio.wait(both, timeout=SLICE, return_when=asyncio.FIRST_COMPLETED)
                if uploading is not None and uploading.done():
                    uploading.result()
                if not coming.done():
                    job.check_patience()
                    continue
                event, coming = coming.result(), None
                for answer in job.received(event):
                    await rt.send(answer)
                    job.sent(answer)
                if job.turn.uploading and uploading is None:
                    uploading = asyncio.create_task(upload(rt))
        finally:
            left: list[asyncio.Future[Any]] = [task for task in (coming, uploading) if task is not None]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        with job.interrupt.waking(lambda: loop.call_soon_threadsafe(task.cancel)):
            async with rtproto_aio.connect(job.endpoint, job.config) as rt:
                await converse(rt)

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        job.interrupt.check()
        raise


def run_trio(job: Job) -> None:
    """Over trio's streams."""
    import rtproto_trio
    import trio

    failures: list[Exception] = []
    """Kept out of the nursery, which would wrap them in a group."""

    async def upload(rt: "rtproto_trio.ClientStream", scope: trio.CancelScope) -> None:
        try:
            for due, batch in job.uploads():
                await trio.sleep(max(0.0, due - time.monotonic()))
                for event in batch:
                    await rt.send(event)
                    job.sent(event)
        except SessionClosed:
            pass  # the receiver sees it as Closed
        except Exception as error:
            failures.append(error)
            scope.cancel()

    async def converse(rt: "rtproto_trio.ClientStream", nursery: trio.Nursery) -> None:
        started = False
        while not job.turn.done:
            job.interrupt.check()
            try:
                with trio.fail_after(SLICE):
                    event = await rt.__anext__()
            except trio.TooSlowError:
                job.check_patience()
                continue
            for answer in job.received(event):
                await rt.send(answer)
                job.sent(answer)
            if job.turn.uploading and not started:
                started = True
                nursery.start_soon(upload, rt, nursery.cancel_scope)

    async def run() -> None:
        token = trio.lowlevel.current_trio_token()
        with trio.CancelScope() as scope, job.interrupt.waking(lambda: token.run_sync_soon(scope.cancel)):
            async with rtproto_trio.connect(job.endpoint, job.config) as rt, trio.open_nursery() as nursery:
                try:
                    await converse(rt, nursery)
                except Exception as error:
                    failures.append(error)
                nursery.cancel_scope.cancel()
        if scope.cancelled_caught:
            job.interrupt.check()

    trio.run(run)
    if failures:
        raise failures[0]


def run_sync(job: Job) -> None:
    """Over a plain socket, with a thread that uploads."""
    import rtproto_sync

    stop = threading.Event()
    failures: list[Exception] = []

    def upload(rt: "rtproto_sync.ClientStream") -> None:
        try:
            for due, batch in job.uploads():
                if stop.wait(max(0.0, due - time.monotonic())):
                    return
                for event in batch:
                    rt.send(event)
                    job.sent(event)
        except SessionClosed:
            pass  # the receiver sees it as Closed
        except Exception as error:
            failures.append(error)

    uploading: threading.Thread | None = None
    try:
        with job.interrupt.raising():
            connection = rtproto_sync.connect(job.endpoint, job.config)
        with connection as rt:
            try:
                while not job.turn.done and not failures:
                    job.interrupt.check()
                    event = rt.next_event(timeout=SLICE)
                    if event is None:
                        job.check_patience()
                        continue
                    for answer in job.received(event):
                        rt.send(answer)
                        job.sent(answer)
                    if job.turn.uploading and uploading is None:
                        uploading = threading.Thread(target=upload, args=(rt,), name="upload", daemon=True)
                        uploading.start()
            finally:
                stop.set()
    finally:
        if uploading is not None:
            uploading.join()  # only now: closing the connection ends a send that waits for the server
    if failures:
        raise failures[0]


RUNNERS: dict[str, Callable[[Job], None]] = {"asyncio": run_asyncio, "trio": run_trio, "sync": run_sync}
"""Transport -> its runner."""
