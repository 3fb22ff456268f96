"""The drivers of rtproto_aio behind the facade of `contract.driver`: one event loop, in a thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import rtproto_aio
from aiohttp import web
from contract.driver import PATIENCE, Answer, Call, Driver, Hung, Link, Server, WasCancelled

from rtproto import Config, Endpoint


class AioCall(Call):
    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._loop = loop
        self._ended = threading.Event()
        loop.call_soon_threadsafe(self._start, coroutine)

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._task = self._loop.create_task(coroutine)
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[Any]) -> None:
        # Asked for here, for asyncio complains of a failure that nobody asks for.
        self._failure = None if task.cancelled() else task.exception()
        self._ended.set()

    def result(self, timeout: float = PATIENCE) -> Any:
        if not self._ended.wait(timeout):
            raise Hung(f"still running after {timeout} s")
        if self._task.cancelled():
            raise WasCancelled
        if self._failure is not None:
            raise self._failure
        return self._task.result()

    def done(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        self._loop.call_soon_threadsafe(lambda: self._task.cancel())
        if not self._ended.wait(PATIENCE):
            raise Hung("it goes on although it was cancelled")


class AioLink(Link):
    def __init__(self, loop: asyncio.AbstractEventLoop, rt: Any) -> None:
        self._loop = loop
        self._rt = rt
        self._leave: asyncio.Future[BaseException | None] = loop.create_future()
        self.left = threading.Event()
        """Set when the block has ended."""
        self.outcome: BaseException | None = None

    def _let_go(self, error: BaseException | None) -> None:
        if not self._leave.done():
            self._leave.set_result(error)

    async def stay(self) -> None:
        """Inside the block, until the test leaves."""
        error = await self._leave
        if error is not None:
            raise error

    def begin(self, action: str, *args: Any) -> Call:
        if action in ("send", "send_raw", "close"):
            return AioCall(self._loop, getattr(self._rt, action)(*args))
        actions: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
            "send_all": self._send_all,
            "next": self._next,
            "take": self._take,
        }
        return AioCall(self._loop, actions[action](*args))

    async def _send_all(self, events: list[Any]) -> None:
        for event in events:
            await self._rt.send(event)

    async def _next(self) -> Any:
        return await anext(self._rt, None)

    async def _take(self, count: int | None) -> list[Any]:
        events: list[Any] = []
        if count == 0:
            return events
        async for event in self._rt:
            events.append(event)
            if len(events) == count:
                break
        return events

    def look(self, attribute: str) -> Any:
        return getattr(self._rt, attribute)

    def leave(self, error: BaseException | None = None, timeout: float = PATIENCE) -> None:
        self._loop.call_soon_threadsafe(self._let_go, error)
        end = time.monotonic() + timeout
        # The server of a stream closes it after the handler's end.
        while not (self.left.wait(0.001) and self._rt.closed is not None):
            if time.monotonic() > end:
                raise Hung(f"the block has not ended after {timeout} s")
        outcome, self.outcome = self.outcome, None
        if outcome is not None:
            raise outcome


class AioServer(Server):
    def __init__(self, loop: asyncio.AbstractEventLoop, answer: Answer) -> None:
        self._loop = loop
        self.answer = answer
        self.links: queue.Queue[AioLink] = queue.Queue()
        self.stop = asyncio.Event()
        self.stopped: Call | None = None

    @asynccontextmanager
    async def welcome(self) -> AsyncIterator[Callable[[Any], Awaitable[None]]]:
        """Around a handler's block; what it gives is to be awaited inside, with the connection."""
        link: AioLink | None = None

        async def stay(rt: Any) -> None:
            nonlocal link
            link = AioLink(self._loop, rt)
            self.links.put(link)
            await link.stay()

        try:
            yield stay
        finally:
            if link is not None:
                link.left.set()

    def link(self, timeout: float = PATIENCE) -> Link:
        try:
            return self.links.get(timeout=timeout)
        except queue.Empty:
            raise Hung(f"no connection was accepted within {timeout} s") from None

    def close(self, timeout: float = PATIENCE) -> None:
        self._loop.call_soon_threadsafe(self.stop.set)
        assert self.stopped is not None
        self.stopped.result(timeout)


class _Aio(Driver):
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=f"loop of {self.name}")
        self._thread.start()

    def stop(self) -> None:
        AioCall(self.loop, self.loop.shutdown_asyncgens()).result()
        AioCall(self.loop, self.loop.shutdown_default_executor()).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()

    def connect(
        self,
        endpoint: Endpoint,
        config: Config | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        timeout: float = PATIENCE,
    ) -> Link:
        entered: concurrent.futures.Future[AioLink] = concurrent.futures.Future()
        block = self._client(endpoint, config, ssl_context=ssl_context, proxy=proxy)
        AioCall(self.loop, self._stay_in(block, entered))
        try:
            return entered.result(timeout)
        except concurrent.futures.TimeoutError:
            if entered.done():
                raise
            raise Hung(f"connect() has not ended after {timeout} s") from None

    async def _stay_in(
        self, block: AbstractAsyncContextManager[Any], entered: concurrent.futures.Future[AioLink]
    ) -> None:
        link: AioLink | None = None
        try:
            async with block as rt:
                link = AioLink(self.loop, rt)
                entered.set_result(link)
                await link.stay()
        except BaseException as error:
            if link is None:
                entered.set_exception(error)
            else:
                link.outcome = error
        finally:
            if link is not None:
                link.left.set()

    def serve(
        self, config: Config | None = None, *, ssl_context: ssl.SSLContext | None = None, answer: Answer | None = None
    ) -> Server:
        server = AioServer(self.loop, answer or Answer())
        listening: concurrent.futures.Future[int] = concurrent.futures.Future()

        async def run() -> None:
            try:
                async with self._server(server, config, ssl_context) as port:
                    listening.set_result(port)
                    await server.stop.wait()
            except BaseException as error:
                if listening.done():
                    raise
                listening.set_exception(error)

        server.stopped = AioCall(self.loop, run())
        server.port = listening.result(PATIENCE)
        return server

    def heartbeat(self, seconds: float) -> Call:
        async def beat() -> list[float]:
            late = []
            end = self.loop.time() + seconds
            while (now := self.loop.time()) < end:
                await asyncio.sleep(0.005)
                late.append(self.loop.time() - now - 0.005)
            return late

        return AioCall(self.loop, beat())

    def leftovers(self) -> list[str]:
        async def names() -> list[str]:
            for _ in range(20):
                if len(asyncio.all_tasks()) == 1:
                    break
                await asyncio.sleep(0.05)
            return [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]

        found: list[str] = AioCall(self.loop, names()).result()
        return found

    def _client(self, endpoint: Endpoint, config: Config | None, **options: Any) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    def _server(
        self, server: AioServer, config: Config | None, ssl_context: ssl.SSLContext | None
    ) -> AbstractAsyncContextManager[int]:
        raise NotImplementedError


class AioStream(_Aio):
    name = "aio-stream"

    def _client(self, endpoint: Endpoint, config: Config | None, **options: Any) -> AbstractAsyncContextManager[Any]:
        return rtproto_aio.connect_stream(endpoint, config, **options)

    @asynccontextmanager
    async def _server(
        self, server: AioServer, config: Config | None, ssl_context: ssl.SSLContext | None
    ) -> AsyncIterator[int]:
        async def handler(conn: rtproto_aio.ServerStream) -> None:
            answer = server.answer
            if answer.error is not None:
                raise answer.error
            if answer.silent:
                return
            if answer.status != 101:
                await conn.reject(answer.status, answer.headers, answer.body)
                return
            await conn.accept(subprotocol=answer.subprotocol, headers=answer.headers, dialect=answer.dialect)
            async with server.welcome() as stay:
                await stay(conn)

        async with rtproto_aio.serve_stream(handler, "127.0.0.1", 0, config, ssl_context=ssl_context) as listening:
            yield listening.port


class Aiohttp(_Aio):
    name = "aiohttp"
    streams = False

    def _client(self, endpoint: Endpoint, config: Config | None, **options: Any) -> AbstractAsyncContextManager[Any]:
        return rtproto_aio.connect(endpoint, config, **options)

    @asynccontextmanager
    async def _server(
        self, server: AioServer, config: Config | None, ssl_context: ssl.SSLContext | None
    ) -> AsyncIterator[int]:
        async def handler(request: web.Request) -> web.StreamResponse:
            answer = server.answer
            if answer.error is not None:
                raise answer.error
            if answer.status != 101:
                return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
            options: dict[str, Any] = {"subprotocol": answer.subprotocol, "dialect": answer.dialect}
            async with (
                server.welcome() as stay,
                rtproto_aio.accept(request, config, headers=answer.headers, **options) as rt,
            ):
                await stay(rt)
            return rt.response

        application = web.Application()
        application.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        try:
            await web.SockSite(runner, listener, ssl_context=ssl_context).start()
            yield listener.getsockname()[1]
        finally:
            await runner.cleanup()


DRIVERS: list[Driver] = [Aiohttp(), AioStream()]
