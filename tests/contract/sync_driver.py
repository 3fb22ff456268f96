"""The driver of rtproto_sync behind the facade of `contract.driver`: threads."""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import rtproto_sync
from contract.driver import PATIENCE, Answer, Call, Driver, Hung, Link, Server

from rtproto import Config, Endpoint

_NAME = "contract: "
"""What the names of this file's threads begin with."""


class SyncCall(Call):
    def __init__(self, work: Callable[..., Any], *args: Any) -> None:
        self._work = work
        self._args = args
        self._failure: BaseException | None = None
        self._result: Any = None
        self._thread = threading.Thread(target=self._run, name=f"{_NAME}{work.__name__}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work(*self._args)
        except BaseException as error:
            self._failure = error

    def result(self, timeout: float = PATIENCE) -> Any:
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise Hung(f"still running after {timeout} s")
        if self._failure is not None:
            raise self._failure
        return self._result

    def done(self) -> bool:
        return not self._thread.is_alive()

    def cancel(self) -> None:
        raise NotImplementedError("a thread cannot be cancelled")


class SyncLink(Link):
    def __init__(self, rt: Any) -> None:
        self._rt = rt
        self._leave: queue.Queue[BaseException | None] = queue.Queue()
        self.left = threading.Event()
        """Set when the block has ended."""
        self.outcome: BaseException | None = None

    def stay(self) -> None:
        """Inside the block, until the test leaves."""
        error = self._leave.get()
        if error is not None:
            raise error

    def begin(self, action: str, *args: Any) -> Call:
        actions: dict[str, Callable[..., Any]] = {"send_all": self._send_all, "next": self._next, "take": self._take}
        return SyncCall(actions.get(action) or getattr(self._rt, action), *args)

    def _send_all(self, events: list[Any]) -> None:
        for event in events:
            self._rt.send(event)

    def _next(self) -> Any:
        return next(self._rt, None)

    def _take(self, count: int | None) -> list[Any]:
        events: list[Any] = []
        while len(events) != count and (event := self._next()) is not None:
            events.append(event)
        return events

    def look(self, attribute: str) -> Any:
        return getattr(self._rt, attribute)

    def leave(self, error: BaseException | None = None, timeout: float = PATIENCE) -> None:
        self._leave.put(error)
        end = time.monotonic() + timeout
        # The server closes the connection after the handler's end.
        while not (self.left.wait(0.001) and self._rt.closed is not None):
            if time.monotonic() > end:
                raise Hung(f"the block has not ended after {timeout} s")
        outcome, self.outcome = self.outcome, None
        if outcome is not None:
            raise outcome


class SyncServer(Server):
    def __init__(self, answer: Answer, config: Config | None, ssl_context: ssl.SSLContext | None) -> None:
        self.answer = answer
        self._links: queue.Queue[SyncLink] = queue.Queue()
        self._server = rtproto_sync.serve(self._handle, "127.0.0.1", 0, config, ssl_context=ssl_context)
        self.port = self._server.port

    def _handle(self, conn: rtproto_sync.ServerStream) -> None:
        answer = self.answer
        if answer.error is not None:
            raise answer.error
        if answer.silent:
            return
        if answer.status != 101:
            conn.reject(answer.status, answer.headers, answer.body)
            return
        conn.accept(subprotocol=answer.subprotocol, headers=answer.headers, dialect=answer.dialect)
        link = SyncLink(conn)
        self._links.put(link)
        try:
            link.stay()
        finally:
            link.left.set()

    def link(self, timeout: float = PATIENCE) -> Link:
        try:
            return self._links.get(timeout=timeout)
        except queue.Empty:
            raise Hung(f"no connection was accepted within {timeout} s") from None

    def close(self, timeout: float = PATIENCE) -> None:
        self._server.close()


class Sync(Driver):
    name = "sync"
    cancels = False

    def start(self) -> None:
        """There is no loop to start."""

    def stop(self) -> None:
        """Nor one to stop."""

    def connect(
        self,
        endpoint: Endpoint,
        config: Config | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        timeout: float = PATIENCE,
    ) -> Link:
        entered: queue.Queue[SyncLink | BaseException] = queue.Queue()

        def stay() -> None:
            link: SyncLink | None = None
            try:
                with rtproto_sync.connect(endpoint, config, ssl_context=ssl_context, proxy=proxy) as rt:
                    link = SyncLink(rt)
                    entered.put(link)
                    link.stay()
            except BaseException as error:
                if link is None:
                    entered.put(error)
                else:
                    link.outcome = error
            finally:
                if link is not None:
                    link.left.set()

        SyncCall(stay)
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
        return SyncServer(answer or Answer(), config, ssl_context)

    def heartbeat(self, seconds: float) -> Call:
        def beat() -> list[float]:
            late = []
            end = time.monotonic() + seconds
            while (now := time.monotonic()) < end:
                time.sleep(0.005)
                late.append(time.monotonic() - now - 0.005)
            return late

        return SyncCall(beat)

    def leftovers(self) -> list[str]:
        names: list[str] = []
        for _ in range(20):
            names = [thread.name for thread in threading.enumerate() if thread.name.startswith((_NAME, "rtproto: "))]
            if not names:
                break
            time.sleep(0.05)
        return names


DRIVERS: list[Driver] = [Sync()]
