"""The suite's table: every driver, as client and as server, plain and over TLS."""

from __future__ import annotations

import importlib
import importlib.util
import json
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import attrs
import pytest
import trustme
from contract.driver import Answer, Driver, Link, Server
from contract.peers import Buffers, Listener, Peer, PeerServer

import rtproto
from rtproto import Config, Endpoint, Role
from rtproto.events import InputAudioBufferAppend, ResponseOutputAudioDelta

_MODULES = ("contract.aio_driver", "contract.trio_driver", "contract.sync_driver")


def _drivers() -> list[Driver]:
    found: list[Driver] = []
    for name in _MODULES:
        if importlib.util.find_spec(name) is not None:
            found += importlib.import_module(name).DRIVERS
    return found


DRIVERS = _drivers()


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`wire` runs over the whole table, `client` and `server` over their halves; marks leave rows out."""
    for fixture, roles in (("wire", list(Role)), ("client", [Role.CLIENT]), ("server", [Role.SERVER])):
        if fixture in metafunc.fixturenames:
            marks = {mark.name for mark in metafunc.definition.iter_markers()}
            rows = [
                (driver, role, tls)
                for driver in DRIVERS
                for role in roles
                for tls in (False, True)
                if ("cancels" not in marks or driver.cancels)
                and ("streams" not in marks or driver.streams)
                and ("proxies" not in marks or (driver.proxies and (tls or driver.streams)))
                and ("plain" not in marks or not tls)
                and ("tls" not in marks or tls)
            ]
            names = [f"{driver.name}-{role.value}-{'tls' if tls else 'plain'}" for driver, role, tls in rows]
            metafunc.parametrize(fixture, rows, ids=names, indirect=True, scope="function")


def pytest_configure(config: pytest.Config) -> None:
    for mark in (
        "cancels: only drivers whose calls can be cancelled",
        "streams: only drivers that run rtproto.Connection over bytes",
        "proxies: only drivers that reach the server through a proxy's tunnel",
        "plain: not over TLS",
        "tls: only over TLS",
    ):
        config.addinivalue_line("markers", mark)


@pytest.fixture(scope="session")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a client and for a server that trust each other."""
    authority = trustme.CA()
    client = ssl.create_default_context()
    authority.configure_trust(client)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    return client, server


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[Driver], Driver]]:
    """Starts drivers when they are first asked for."""
    started: list[Driver] = []

    def start(driver: Driver) -> Driver:
        if driver not in started:
            driver.start()
            started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.stop()


@attrs.define(eq=False)
class Bench:
    """A driver's end of a wire, and a peer at the other one."""

    driver: Driver
    role: Role
    tls: bool
    client_tls: ssl.SSLContext | None
    server_tls: ssl.SSLContext | None
    _open: list[Any] = attrs.field(factory=list)

    def open(self, config: Config | None = None, buffers: Buffers | None = None) -> tuple[Link, Peer]:
        """The driver's end and the peer's, after the handshake. The buffers are the peer's."""
        if self.role is Role.CLIENT:
            listener = self.keep(PeerServer(self.server_tls, buffers))
            link = self.connect(listener.port, config)
            return link, self.keep(listener.peer())
        server = self.serve(config)
        peer = self.keep(Peer.connect(server.port, self.client_tls, buffers=buffers))
        return self.keep_link(server.link()), peer

    def endpoint(self, port: int, path: str = "/v1/realtime?model=m", **options: Any) -> Endpoint:
        return rtproto.endpoint(f"{'wss' if self.tls else 'ws'}://127.0.0.1:{port}{path}", **options)

    def connect(self, port: int, config: Config | None = None, proxy: str | None = None, **options: Any) -> Link:
        """The driver as a client of whatever listens there."""
        endpoint = self.endpoint(port, **options)
        return self.keep_link(self.driver.connect(endpoint, config, ssl_context=self.client_tls, proxy=proxy))

    def serve(self, config: Config | None = None, answer: Answer | None = None) -> Server:
        """The driver as a server."""
        server: Server = self.keep(self.driver.serve(config, ssl_context=self.server_tls, answer=answer))
        return server

    def listen(self, script: Callable[..., None], *, tls: bool | None = None) -> Listener:
        """A server that follows a script; over TLS as the bench is, unless `tls` says otherwise."""
        listener: Listener = self.keep(
            Listener(script, self.server_tls if (self.tls if tls is None else tls) else None)
        )
        return listener

    def keep(self, thing: T) -> T:
        """Closes it after the test."""
        self._open.append(thing.close)
        return thing

    def keep_link(self, link: Link) -> Link:
        self._open.append(link.leave)
        return link

    def end(self) -> None:
        # The last opened first, but peers before links: a peer that is gone lets its link end at once.
        closers, self._open = self._open, []
        peers = [close for close in closers if isinstance(getattr(close, "__self__", None), Peer)]
        for close in (*peers, *(close for close in reversed(closers) if close not in peers)):
            close()

    # ---- what travels ----

    def event(self, number: int, size: int = 100) -> Any:
        """An event that the driver's end may send, with `size` bytes of audio."""
        audio = bytes([number % 251]) * size
        if self.role is Role.CLIENT:
            return InputAudioBufferAppend(event_id=f"e{number}", audio=audio)
        return ResponseOutputAudioDelta(
            event_id=f"e{number}", response_id="r", item_id="i", output_index=0, content_index=0, delta=audio
        )

    def text(self, number: int, size: int = 100) -> str:
        """The message of an event that the peer may send."""
        audio = b64encode(bytes([number % 251]) * size).decode()
        if self.role is Role.SERVER:
            fields: dict[str, Any] = {"type": "input_audio_buffer.append", "audio": audio}
        else:
            fields = {"type": "response.output_audio.delta", "delta": audio, "response_id": "r", "item_id": "i"}
            fields |= {"output_index": 0, "content_index": 0}
        return json.dumps({"event_id": f"e{number}", **fields})


def numbers(events: list[Any]) -> list[int]:
    """The numbers that `Bench.event()` and `Bench.text()` gave, of events or of messages."""
    names = [json.loads(event)["event_id"] if isinstance(event, str) else event.event_id for event in events]
    return [int(name[1:]) for name in names]


def _bench(
    request: pytest.FixtureRequest,
    running: Callable[[Driver], Driver],
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> Iterator[Bench]:
    driver, role, tls = request.param
    bench = Bench(running(driver), role, tls, *(contexts if tls else (None, None)))
    yield bench
    bench.end()
    assert driver.leftovers() == []


wire = pytest.fixture(_bench, name="wire")
client = pytest.fixture(_bench, name="client")
server = pytest.fixture(_bench, name="server")
