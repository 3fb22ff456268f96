"""The three runners of `rtproto stream`: one per transport, each as a program of a user would be."""

import asyncio
import threading
import time
from collections.abc import Callable

from rtproto.errors import SessionClosed
from rtproto_cli._job import SLICE, Job


def run_asyncio(job: Job) -> None:
    """Over asyncio and aiohttp."""
    import rtproto_aio

    async def upload(rt: "rtproto_aio.ClientWebSocket") -> None:
        for due, batch in job.uploads():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            for event in batch:
                await rt.send(event)
                job.sent(event)

    async def run() -> None:
        async with rtproto_aio.connect(job.endpoint, job.config) as rt:
            uploading: asyncio.Task[None] | None = None
            try:
                while not job.turn.done:
                    try:
                        event = await asyncio.wait_for(rt.__anext__(), SLICE)
                    except asyncio.TimeoutError:
                        job.check_patience()
                        continue
                    for answer in job.received(event):
                        await rt.send(answer)
                        job.sent(answer)
                    if job.turn.uploading and uploading is None:
                        uploading = asyncio.create_task(upload(rt))
            finally:
                if uploading is not None:
                    uploading.cancel()
                    await asyncio.gather(uploading, return_exceptions=True)

    asyncio.run(run())


def run_trio(job: Job) -> None:
    """Over trio's streams."""
    import rtproto_trio
    import trio

    async def upload(rt: "rtproto_trio.ClientStream") -> None:
        try:
            for due, batch in job.uploads():
                await trio.sleep(max(0.0, due - time.monotonic()))
                for event in batch:
                    await rt.send(event)
                    job.sent(event)
        except SessionClosed:
            pass  # the receiver sees it as Closed

    async def run() -> None:
        failure: BaseException | None = None
        async with rtproto_trio.connect(job.endpoint, job.config) as rt, trio.open_nursery() as nursery:
            started = False
            try:
                while not job.turn.done:
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
                        nursery.start_soon(upload, rt)
            except (Exception, KeyboardInterrupt) as error:
                failure = error  # kept out of the nursery, which would wrap it in a group
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    trio.run(run)


def run_sync(job: Job) -> None:
    """Over a plain socket, with a thread that uploads."""
    import rtproto_sync

    stop = threading.Event()

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

    with rtproto_sync.connect(job.endpoint, job.config) as rt:
        uploading: threading.Thread | None = None
        try:
            while not job.turn.done:
                event = rt.next_event(timeout=SLICE)
                if event is None:
                    job.check_patience()
                    continue
                for answer in job.received(event):
                    rt.send(answer)
                    job.sent(answer)
                if job.turn.uploading and uploading is None:
                    uploading = threading.Thread(target=upload, args=(rt,), name="upload")
                    uploading.start()
        finally:
            stop.set()
            if uploading is not None:
                uploading.join()


RUNNERS: dict[str, Callable[[Job], None]] = {"asyncio": run_asyncio, "trio": run_trio, "sync": run_sync}
"""Transport -> its runner."""
