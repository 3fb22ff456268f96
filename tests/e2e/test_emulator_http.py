"""The emulator as a server on the net: compression, TLS, and what it answers over plain HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import rtproto_emulator
import rtproto_sync
from emulated import create, wrote
from rtproto_emulator import Emulator, Settings

import rtproto
from rtproto import Config, Limits, events
from rtproto.errors import SessionClosed

ENGINES: list[Any] = ["aiohttp", "stream"]
SECONDS = 20.0


@pytest.fixture(params=ENGINES)
def begin(request: pytest.FixtureRequest) -> Iterator[Callable[..., Emulator]]:
    """Starts an emulator with some settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Emulator:
            pace = settings.pop("pace", math.inf)
            emulator = rtproto_emulator.start(settings=Settings(pace=pace, **settings), engine=request.param)
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
