"""The drivers of rtproto_trio behind the facade of `contract.driver`: one trio run, in a thread."""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import rtproto_trio
import trio
import trio_websocket
from contract.driver import PATIENCE, Answer, Call, Driver, Hung, Link, Server, WasCancelled

from rtproto import Config, Endpoint


class Loop:
    """A trio run in a thread; tasks are started in it from outside."""

    def __init__(self, name: str) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,), name=name)
        self._thread.start()
        self._ready.wait()

    async def _main(self) -> None:
        async with trio.open_nursery() as self.nursery:
            self.token = trio.lowlevel.current_trio_token()
            self._stop = trio.Event()
            self._ready.set()
            await self._stop.wait()
            self.nursery.cancel_scope.cancel()

    def stop(self) -> None:
        self.token.run_sync_soon(self._stop.set)
        self._thread.join(PATIENCE)


class TrioCall(Call):
    def __init__(self, loop: Loop, work: Callable[..., Awaitable[Any]], *args: Any) -> None:
        self._loop = loop
        self._scope = trio.CancelScope()
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._result: Any = None
        loop.token.run_sync_soon(loop.nursery.start_soon, self._run, work, args)

    async def _run(self, work: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> None:
        try:
            with self._scope:
                self._result = await work(*args)
        except trio.Cancelled:
            self._failure = WasCancelled()
            raise
        except BaseException as error:
            self._failure = error
        if self._scope.cancelled_caught:
            self._failure = WasCancelled()
        self._ended.set()

    def result(self, timeout: float = PATIENCE) -> Any:
        if not self._ended.wait(timeout):
            raise Hung(f"still running after {timeout} s")
        if self._failure is not None:
            raise self._failure
        return self._result

    def done(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        self._loop.token.run_sync_soon(self._scope.cancel)
        if not self._ended.wait(PATIENCE):
            raise Hung("it goes on although it was cancelled")


class TrioLink(Link):
    def __init__(self, loop: Loop, rt: Any) -> None:
        self._loop = loop
        self._rt = rt
        self._leave = trio.Event()
        self._error: BaseException | None = None
        self.left = threading.Event()
        """Set when the block has ended."""
        self.outcome: BaseException | None = None

    async def stay(self) -> None:
        """Inside the block, until the test leaves."""
        await self._leave.wait()
        if self._error is not None:
            raise self._error

    def begin(self, action: str, *args: Any) -> Call:
        actions: dict[str, Callable[..., Any]] = {"send_all": self._send_all, "next": self._next, "take": self._take}
        return TrioCall(self._loop, actions.get(action) or getattr(self._rt, action), *args)

    async def _send_all(self, events: list[Any]) -> None:
        for event in events:
            await self._rt.send(event)

    async def _next(self) -> Any:
        return await anext(self._rt, None)

    async def _take(self, count: int | None) -> list[Any]:
        events: list[Any] = []
        while len(events) != count and (event := await self._next()) is not None:
            events.append(event)
        return events

    def look(self, attribute: str) -> Any:
        return getattr(self._rt, attribute)

    def leave(self, error: BaseException | None = None, timeout: float = PATIENCE) -> None:
        def leave() -> None:
            self._error = error
            self._leave.set()

        self._loop.token.run_sync_soon(leave)
        end = time.monotonic() + timeout
        # The server closes the connection after the handler's end.
        while not (self.left.wait(0.001) and self._rt.closed is not None):
            if time.monotonic() > end:
                raise Hung(f"the block has not ended after {timeout} s")
        outcome, self.outcome = self.outcome, None
        if outcome is not None:
            raise outcome


class TrioServer(Server):
    def __init__(self, loop: Loop, answer: Answer) -> None:
        self._loop = loop
        self._links: queue.Queue[TrioLink] = queue.Queue()
        self.answer = answer
        self.running: Call | None = None

    async def stay(self, rt: Any) -> None:
        """In the handler, until the test leaves."""
        link = TrioLink(self._loop, rt)
        self._links.put(link)
        try:
            await link.stay()
        finally:
            link.left.set()

    def link(self, timeout: float = PATIENCE) -> Link:
        try:
            return self._links.get(timeout=timeout)
        except queue.Empty:
            raise Hung(f"no connection was accepted within {timeout} s") from None

    def close(self, timeout: float = PATIENCE) -> None:
        assert self.running is not None
        self.running.cancel()


class _Trio(Driver):
    def start(self) -> None:
        self.loop = Loop(f"loop of {self.name}")

    def stop(self) -> None:
        self.loop.stop()

    def connect(
        self,
        endpoint: Endpoint,
        config: Config | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        timeout: float = PATIENCE,
    ) -> Link:
        entered: queue.Queue[TrioLink | BaseException] = queue.Queue()

        async def stay() -> None:
            link: TrioLink | None = None
            try:
                async with self._client(endpoint, config, ssl_context=ssl_context, proxy=proxy) as rt:
                    link = TrioLink(self.loop, rt)
                    entered.put(link)
                    await link.stay()
            except trio.Cancelled:
                raise
            except BaseException as error:
                if link is None:
                    entered.put(error)
                else:
                    link.outcome = error
            finally:
                if link is not None:
                    link.left.set()

        TrioCall(self.loop, stay)
        try:
            entry = entered.get(timeout=timeout)
        except queue.Empty:
            raise Hung(f"connect() has not ended after {timeout} s") from None
        if isinstance(entry, BaseException):
            raise entry
        return entry

    def serve(
        self, config: Config | None = None, *, ssl_context: ssl.SSLContext | None = None, answer: Answer | None = None
    ) -> Server:
        server = TrioServer(self.loop, answer or Answer())
        listening: queue.Queue[int] = queue.Queue()

        async def run() -> None:
            async with trio.open_nursery() as nursery:
                listening.put(await self._listen(nursery, server, config, ssl_context))

        server.running = TrioCall(self.loop, run)
        try:
            server.port = listening.get(timeout=PATIENCE)
        except queue.Empty:
            server.running.result(0)
            raise
        return server

    def heartbeat(self, seconds: float) -> Call:
        async def beat() -> list[float]:
            late = []
            end = trio.current_time() + seconds
            while (now := trio.current_time()) < end:
                await trio.sleep(0.005)
                late.append(trio.current_time() - now - 0.005)
            return late

        return TrioCall(self.loop, beat)

    def leftovers(self) -> list[str]:
        async def names() -> list[str]:
            tasks: set[trio.lowlevel.Task] = set()
            for _ in range(20):
                tasks = {*self.loop.nursery.child_tasks} - {trio.lowlevel.current_task()}
                if not tasks:
                    break
                await trio.sleep(0.05)
            return [repr(task) for task in tasks]

        found: list[str] = TrioCall(self.loop, names).result()
        return found

    def _client(self, endpoint: Endpoint, config: Config | None, **options: Any) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    async def _listen(
        self, nursery: trio.Nursery, server: TrioServer, config: Config | None, ssl_context: ssl.SSLContext | None
    ) -> int:
        raise NotImplementedError


class TrioStream(_Trio):
    name = "trio-stream"

    def _client(self, endpoint: Endpoint, config: Config | None, **options: Any) -> AbstractAsyncContextManager[Any]:
        return rtproto_trio.connect(endpoint, config, **options)

    async def _listen(
        self, nursery: trio.Nursery, server: TrioServer, config: Config | None, ssl_context: ssl.SSLContext | None
    ) -> int:
        async def handler(conn: rtproto_trio.ServerStream) -> None:
            answer = server.answer
            if answer.error is not None:
                raise answer.error
            if answer.silent:
                return
            if answer.status != 101:
                await conn.reject(answer.status, answer.headers, answer.body)
                return
            await conn.accept(subprotocol=answer.subprotocol, headers=answer.headers, dialect=answer.dialect)
            await server.stay(conn)

        async def run(task_status: trio.TaskStatus[int]) -> None:
            await rtproto_trio.serve(handler, "127.0.0.1", 0, config, ssl_context=ssl_context, task_status=task_status)

        port: int = await nursery.start(run)
        return port


class TrioWebSocket(_Trio):
    name = "trio-websocket"
    streams = False

    def _client(self, endpoint: Endpoint, config: Config | None, **options: Any) -> AbstractAsyncContextManager[Any]:
        return rtproto_trio.connect_websocket(endpoint, config, **options)

    async def _listen(
        self, nursery: trio.Nursery, server: TrioServer, config: Config | None, ssl_context: ssl.SSLContext | None
    ) -> int:
        async def handler(request: trio_websocket.WebSocketRequest) -> None:
            answer = server.answer
            if answer.status != 101:
                headers = [(name.encode(), value.encode()) for name, value in answer.headers]
                await request.reject(answer.status, extra_headers=headers, body=answer.body)
                return
            options: dict[str, Any] = {"subprotocol": answer.subprotocol, "dialect": answer.dialect}
            accepted = False
            # A handler that raises would end trio-websocket's server.
            try:
                if answer.error is not None:
                    raise answer.error
                async with rtproto_trio.accept_websocket(request, config, headers=answer.headers, **options) as rt:
                    accepted = True
                    await server.stay(rt)
            except Exception:
                if not accepted:
                    await request.reject(500)

        async def run(task_status: trio.TaskStatus[trio_websocket.WebSocketServer]) -> None:
            limit = 2 * (config or Config()).limits.max_message
            await trio_websocket.serve_websocket(
                handler, "127.0.0.1", 0, ssl_context, max_message_size=limit, task_status=task_status
            )

        listening: trio_websocket.WebSocketServer = await nursery.start(run)
        return listening.port


DRIVERS: list[Driver] = [TrioStream(), TrioWebSocket()]
