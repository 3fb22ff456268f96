"""The emulator as a server on the net: compression, TLS, and what it answers over plain HTTP."""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import rtproto_emulator
import rtproto_sync
from emulated import create, wrote
from rtproto_emulator import Emulator, Settings

import rtproto
from rtproto import Config, Limits, events
from rtproto.errors import HandshakeError, SessionClosed

ENGINES: list[Any] = ["aiohttp", "stream"]
SECONDS = 20.0


@pytest.fixture(params=ENGINES)
def begin(request: pytest.FixtureRequest) -> Iterator[Callable[..., Emulator]]:
    """Starts an emulator with some settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Emulator:
            tls = settings.pop("ssl_context", None)
            settings = {"pace": math.inf, **settings}
            emulator = rtproto_emulator.start(settings=Settings(**settings), engine=request.param, ssl_context=tls)
            return stack.enter_context(emulator)

        yield start


def a_written_turn(rt: Any) -> None:
    rt.send(wrote("hello"))
    rt.send(create(output_modalities=["text"]))
    for event in rt:
        assert not isinstance(event, events.Closed | events.ErrorEvent), event
        if isinstance(event, events.ResponseDone):
            break


# ---- compression ----


@pytest.mark.parametrize("compression", [True, False])
def test_compression_is_the_servers_to_give(begin: Callable[..., Emulator], compression: bool) -> None:
    emulator = begin(compression=compression)
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), Config(compression=True, strict=True)) as rt:
        agreed = [value for name, value in rt.opened.headers if name == "sec-websocket-extensions"]
        assert [value.partition(";")[0] for value in agreed] == ["permessage-deflate"] * compression
        a_written_turn(rt)


def test_what_grows_too_large_is_refused(begin: Callable[..., Emulator]) -> None:
    """32 MiB in a few kilobytes."""
    emulator = begin()
    config = Config(compression=True, limits=Limits(max_message=64 * 1024 * 1024))
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), config) as rt:
        with suppress(SessionClosed):
            rt.send_raw("[" + " " * 32 * 1024 * 1024 + "]")
        *_, closed = rt
    assert isinstance(closed, events.Closed)
    assert closed.code == 1009


# ---- TLS ----


def test_a_session_over_tls(begin: Callable[..., Emulator], tmp_path: Path) -> None:
    made = rtproto_emulator.self_signed(tmp_path)
    emulator = begin(ssl_context=made.ssl_context)
    assert emulator.url == f"wss://127.0.0.1:{emulator.port}/v1/realtime"
    trusting = ssl.create_default_context(cafile=str(made.authority))
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), ssl_context=trusting) as rt:
        a_written_turn(rt)
    suspicious = ssl.create_default_context()
    with (
        pytest.raises(ConnectionError, match=r"certificate|issuer"),
        rtproto_sync.connect(rtproto.endpoint(emulator.url), ssl_context=suspicious),
    ):
        pass
    plain = rtproto.endpoint(emulator.url.replace("wss", "ws"))
    with pytest.raises((HandshakeError, ConnectionError)), rtproto_sync.connect(plain):
        pass
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), ssl_context=trusting) as rt:
        a_written_turn(rt)
