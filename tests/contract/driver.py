"""What the contract suite asks of a driver, whatever its colour: blocking calls, made from a test's thread.

A driver file (`aio_driver.py`, `trio_driver.py`, `sync_driver.py`) has one `Driver` for each transport and lists them
in `DRIVERS`; the suite finds them there. A driver keeps its event loop (or its threads) running beside the test.
Whatever it is asked for is bounded by a timeout.

A `Link` is one connection inside its block: ``async with connect(...) as rt`` on a client, the handler on a server.
What happens on it runs in tasks (or threads) of their own, one per `begin()`.
"""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import attrs

from rtproto import Config, Endpoint, State
from rtproto.events import Closed

PATIENCE = 10.0
"""Seconds after which a call that should have ended counts as hanging."""


class Hung(AssertionError):
    """A call did not end in time."""


class WasCancelled(Exception):
    """What `Call.result()` raises for a call that was cancelled: asyncio's and trio's own do not leave their loops."""


class Call(ABC):
    """Something that runs on a connection."""

    @abstractmethod
    def result(self, timeout: float = PATIENCE) -> Any:
        """What it returned or raised; WasCancelled after `cancel()`; Hung where it still runs after `timeout` s."""

    @abstractmethod
    def done(self) -> bool:
        """Whether it has ended."""

    @abstractmethod
    def cancel(self) -> None:
        """Cancels it and waits until it has ended. Only on a `Driver` that `cancels`."""


class Link(ABC):
    """A connection of a driver, inside its block."""

    @abstractmethod
    def begin(self, action: str, *args: Any) -> Call:
        """Starts one of these in a task of its own; returns at once:

        - ``"send", event`` and ``"send_raw", text`` and ``"close", code, reason``: as on the connection
        - ``"send_all", [event, ...]``: sends them one after the other
        - ``"next"``: one step of the iteration; the result is the event, None when the iteration has ended
        - ``"take", n``: iterates until it has `n` events (None: until the iteration ends); the result is their list
        """

    @abstractmethod
    def look(self, attribute: str) -> Any:
        """An attribute of the connection: ``closed state opened requested``."""

    @abstractmethod
    def leave(self, error: BaseException | None = None, timeout: float = PATIENCE) -> None:
        """Ends the block, by raising `error` in it if there is one; returns when all is closed.

        On a client, what comes out of the block is raised here. On a server the handler just ends.
        May be called again, then it does nothing.
        """

    def send(self, event: Any, timeout: float = PATIENCE) -> None:
        self.begin("send", event).result(timeout)

    def send_raw(self, text: str | bytes, timeout: float = PATIENCE) -> None:
        self.begin("send_raw", text).result(timeout)

    def send_all(self, events: Sequence[Any], timeout: float = PATIENCE) -> None:
        self.begin("send_all", events).result(timeout)

    def next(self, timeout: float = PATIENCE) -> Any:
        return self.begin("next").result(timeout)

    def take(self, count: int | None = None, timeout: float = PATIENCE) -> list[Any]:
        events: list[Any] = self.begin("take", count).result(timeout)
        return events

    def close(self, code: int = 1000, reason: str = "", timeout: float = PATIENCE) -> None:
        self.begin("close", code, reason).result(timeout)

    @property
    def closed(self) -> Closed | None:
        closed: Closed | None = self.look("closed")
        return closed

    @property
    def state(self) -> State:
        state: State = self.look("state")
        return state


@attrs.frozen(kw_only=True)
class Answer:
    """How the handler of a server answers a request.

    101: it accepts, hands the link to the test, and waits there until `Link.leave()`. Any other `status`: it rejects.
    `error` is raised instead of answering; `silent`: it returns without an answer (byte drivers only).
    """

    status: int = 101
    subprotocol: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    dialect: str | None = None
    body: bytes = b""
    error: Exception | None = None
    silent: bool = False


class Server(ABC):
    """A listening server of a driver, on 127.0.0.1. `answer` is for the requests to come."""

    port: int
    answer: Answer

    @abstractmethod
    def link(self, timeout: float = PATIENCE) -> Link:
        """The next connection that its handler has accepted."""

    @abstractmethod
    def close(self, timeout: float = PATIENCE) -> None:
        """Stops listening, ends what is left. May be called again."""


class Driver(ABC):
    """One transport."""

    name: str
    cancels = True
    """Whether what runs can be cancelled (threads cannot)."""

    streams = True
    """Whether it runs `rtproto.Connection` over bytes, and not `rtproto.Session` over another WebSocket library."""

    proxies = True
    """Whether `connect()` takes a proxy. What is no byte driver need not tunnel through it without TLS."""

    @abstractmethod
    def start(self) -> None:
        """Starts the event loop; called once, before anything else."""

    @abstractmethod
    def stop(self) -> None:
        """Ends the event loop."""

    @abstractmethod
    def connect(
        self,
        endpoint: Endpoint,
        config: Config | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        timeout: float = PATIENCE,
    ) -> Link:
        """Enters the block of a client. Raises what ``connect()`` raises."""

    @abstractmethod
    def serve(
        self, config: Config | None = None, *, ssl_context: ssl.SSLContext | None = None, answer: Answer | None = None
    ) -> Server:
        """Listens on a free port of 127.0.0.1 and answers every request with `answer`."""

    @abstractmethod
    def heartbeat(self, seconds: float) -> Call:
        """Beside the links, in the same event loop (a thread of its own where there is none): sleeps 5 ms again and
        again for `seconds`. The result is the list of how many seconds too late each sleep ended.
        """

    @abstractmethod
    def leftovers(self) -> list[str]:
        """Names of tasks (or threads) that are still alive though every link and server is closed."""
