"""`rtproto record` between clients and servers (rtproto_cli, rtproto_emulator)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import rtproto_aio
import rtproto_emulator
import rtproto_sync
from commands import run
from rtproto_cli._recorder import Recordings
from rtproto_cli._relay import Relay
from rtproto_cli._upstream import Upstream
from rtproto_emulator import Settings

import rtproto
from rtproto import Config, events
from rtproto._recording import End, Odd, Record, read_line
from rtproto.errors import HandshakeError

# How the official client opens websockets' connections, the newest websockets warns of.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")

RAW = Config(raw=True)
Handler = Callable[[rtproto_aio.ServerStream], Awaitable[object]]


class Relayed:
    """A relay to `upstream`, as a client sees it; `told` are its lines."""

    def __init__(self, port: int, told: list[str], path: Path) -> None:
        self.port = port
        self.told = told
        self.path = path

    def endpoint(self, **how: Any) -> rtproto.Endpoint:
        return rtproto.endpoint(f"ws://127.0.0.1:{self.port}/v1/realtime?model=m", **how)


@asynccontextmanager
async def relayed(tmp_path: Path, url: str, own: tuple[tuple[str, str], ...] = ()) -> AsyncIterator[Relayed]:
    told: list[str] = []
    path = tmp_path / "call.jsonl"
    recordings = Recordings(path, told.append, force=False, audio=True)
    try:
        async with Relay(Upstream(url, own), recordings, told.append).running("127.0.0.1", 0) as port:
            yield Relayed(port, told, path)
    finally:
        recordings.close()


@asynccontextmanager
async def between(tmp_path: Path, handler: Handler) -> AsyncIterator[Relayed]:
    """A relay to a server that `handler` plays."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(rtproto_aio.serve_stream(handler, "127.0.0.1", 0, RAW))
        yield await stack.enter_async_context(relayed(tmp_path, f"ws://127.0.0.1:{server.port}"))


def lines(path: Path) -> list[Any]:
    return [read_line(row) for row in path.read_bytes().splitlines()]


async def taken(rt: Any) -> list[Any]:
    return [event async for event in rt]


def test_the_official_client_through_the_relay(tmp_path: Path) -> None:
    openai = pytest.importorskip("openai", reason="the official client is not installed")

    async def talk(port: int) -> list[Any]:
        address = f"127.0.0.1:{port}/v1"
        client = openai.AsyncOpenAI(
            base_url=f"http://{address}", websocket_base_url=f"ws://{address}", api_key="sk-very-secret-indeed"
        )
        seen: list[Any] = []
        async with client, client.realtime.connect(model="gpt-realtime") as connection:
            content = [{"type": "input_text", "text": "hello"}]
            await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
            await connection.response.create()
            while not seen or seen[-1].type != "response.done":
                seen.append(await asyncio.wait_for(connection.recv(), 10))
        return seen

    async def script(url: str) -> list[Any]:
        async with relayed(tmp_path, url.removesuffix("/v1/realtime")) as relay:
            return await talk(relay.port)

    with rtproto_emulator.start(settings=Settings(pace=20.0)) as emulator:
        seen = asyncio.run(script(emulator.url))
    path = tmp_path / "call.jsonl"
    assert seen[-1].response.status == "completed"
    heard = [found.event for found in lines(path) if isinstance(found, Record) and found.side == "server"]
    assert [event["event_id"] for event in heard][: len(seen)] == [event.event_id for event in seen]
    assert "secret" not in path.read_text(encoding="utf-8")
    judged = run("validate", str(path))
    assert judged.exit_code == 0, judged.stdout
    assert lines(path)[-1] == End(1000, "", "client")


ODD: list[str | bytes] = ['{ "type" : "a.b",  "x":1.10 }', "{", "", b"\x00\xff", '{"type":"\\ud83d"}', "é" * 70_000]


def test_every_message_passes_as_it_is(tmp_path: Path) -> None:
    async def echo(wire: rtproto_aio.ServerStream) -> None:
        await wire.accept(subprotocol="realtime", headers=[("x-request-id", "r1")])
        async for event in wire:
            if isinstance(event, events.Raw):
                await wire.send_raw(event.data)
                if event.data == ODD[-1]:
                    await wire.close(4001, "no more of this")

    async def script() -> None:
        async with between(tmp_path, echo) as relay:
            subprotocols = ("realtime", "openai-insecure-api-key.sk-0123456789")
            async with rtproto_aio.connect_stream(relay.endpoint(subprotocols=subprotocols), RAW) as rt:
                assert rt.opened.subprotocol == "realtime"
                assert ("x-request-id", "r1") in rt.opened.headers
                for data in ODD:
                    await rt.send_raw(data)
                *heard, closed = await taken(rt)
            assert [event.data for event in heard] == ODD
            assert (closed.clean, closed.code, closed.reason) == (True, 4001, "no more of this")

    asyncio.run(script())
    *_, end = found = lines(tmp_path / "call.jsonl")
    assert end == End(4001, "no more of this", "server")
    assert sum(isinstance(one, Odd) for one in found) == 2 * 4
    assert "0123456789" not in (tmp_path / "call.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(("code", "reason"), [(1000, "enough"), (1005, ""), (4999, "é" * 61)])
def test_how_a_client_closes_the_server_hears(tmp_path: Path, code: int, reason: str) -> None:
    heard: list[Any] = []

    async def listen(wire: rtproto_aio.ServerStream) -> None:
        await wire.accept()
        heard.extend(await taken(wire))

    async def script() -> None:
        async with between(tmp_path, listen) as relay:
            async with rtproto_aio.connect_stream(relay.endpoint(), RAW) as rt:
                await rt.send_raw("last words")
                await rt.close(code, reason)
            while not heard:
                await asyncio.sleep(0.001)

    asyncio.run(script())
    assert heard[0] == events.Raw(data="last words")
    assert (heard[1].clean, heard[1].code, heard[1].reason) == (True, code, reason)


@pytest.mark.parametrize("status", [401, 429])
def test_a_refusal_is_the_servers(tmp_path: Path, status: int) -> None:
    async def refuse(wire: rtproto_aio.ServerStream) -> None:
        await wire.reject(status, [("retry-after", "7"), ("content-type", "application/json")], b'{"error": 1}')

    async def script() -> Relayed:
        async with between(tmp_path, refuse) as relay:
            with pytest.raises(HandshakeError) as caught:
                async with rtproto_aio.connect_stream(relay.endpoint(api_key="wrong")):
                    pass
            refusal = caught.value
            assert (refusal.status, refusal.body) == (status, b'{"error": 1}')
            assert {("retry-after", "7"), ("content-type", "application/json")} <= set(refusal.headers)
            return relay

    relay = asyncio.run(script())
    assert f"HTTP {status}" in relay.told[0]
    assert not relay.path.exists()


def test_a_server_that_cannot_be_reached(tmp_path: Path) -> None:
    async def script() -> None:
        async with relayed(tmp_path, "ws://127.0.0.1:1") as relay:
            with pytest.raises(HandshakeError) as caught:
                async with rtproto_aio.connect_stream(relay.endpoint()):
                    pass
            assert caught.value.status == 502
            assert b"cannot connect to 127.0.0.1:1" in caught.value.body
            assert len(relay.told) == 1

    asyncio.run(script())


def test_a_server_that_dies_is_lost_for_the_client_too(tmp_path: Path) -> None:
    async def die(wire: rtproto_aio.ServerStream) -> None:
        await wire.accept()
        for n in range(50):
            await wire.send_raw(f'{{"type": "{n}"}}')
        wire._abort()

    async def script() -> None:
        async with between(tmp_path, die) as relay, rtproto_aio.connect_stream(relay.endpoint(), RAW) as rt:
            *heard, closed = await taken(rt)
            assert len(heard) == 50
            assert closed.code == 1006

    asyncio.run(script())
    assert lines(tmp_path / "call.jsonl")[-1] == End(1006, "the connection was lost without a Close", "server")


def test_a_client_that_drops_is_lost_for_the_server_too(tmp_path: Path) -> None:
    heard: list[Any] = []

    async def listen(wire: rtproto_aio.ServerStream) -> None:
        await wire.accept()
        heard.extend(await taken(wire))

    async def script() -> None:
        async with between(tmp_path, listen) as relay:
            async with rtproto_aio.connect_stream(relay.endpoint(), RAW) as rt:
                await rt.send_raw("one")
                rt._abort()
            while not heard:
                await asyncio.sleep(0.001)

    asyncio.run(script())
    assert heard[0] == events.Raw(data="one")
    assert heard[-1].code == 1006
    assert lines(tmp_path / "call.jsonl")[-1].code == 1006


def test_a_slow_client_slows_the_server(tmp_path: Path) -> None:
    sent = 0

    async def flood(wire: rtproto_aio.ServerStream) -> None:
        nonlocal sent
        await wire.accept()
        for _ in range(3000):
            await wire.send_raw("x" * 10_000)
            sent += 1
        await wire.close(1000, "all said")

    async def script() -> None:
        async with between(tmp_path, flood) as relay:
            slow = Config(raw=True, limits=rtproto.Limits(max_queue=1))
            async with rtproto_aio.connect_stream(relay.endpoint(), slow) as rt:
                before = -1
                while before != sent:  # until nothing moves any more
                    before = sent
                    await asyncio.sleep(0.1)
                assert sent < 2000
                *heard, closed = await taken(rt)
                assert len(heard) == 3000
                assert closed.reason == "all said"

    asyncio.run(script())


def test_ctrl_c_closes_both_sides_and_keeps_all(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    with rtproto_emulator.start() as emulator:
        upstream = ["--upstream", emulator.url.removesuffix("/v1/realtime")]
        command = [sys.executable, "-m", "rtproto_cli", "record", *upstream, "--to", "call.jsonl", "--port", "0"]
        with subprocess.Popen(
            command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().split("listening on ")[1].split()[0]
                with rtproto_sync.connect(rtproto.endpoint(url)) as rt:
                    assert isinstance(rt.next_event(10), events.SessionCreated)
                    process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
                    last = list(rt)[-1]
                _, err = process.communicate(timeout=20)
            finally:
                process.kill()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert isinstance(last, events.Closed)
    assert last.code == 1001
    if sys.platform != "win32":
        assert [type(found).__name__ for found in lines(tmp_path / "call.jsonl")[1:]] == ["Record", "End"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--upstream", "nonsense"], "must begin with wss://"),
        ([], "say which server to pass sessions on to: --upstream"),
        (["--provider", "azure"], "AZURE_OPENAI_ENDPOINT is not set"),
        (["--upstream", "ws://h", "--to", "nowhere/x.jsonl"], "cannot write nowhere/x.jsonl"),
        (["--upstream", "ws://h", "--host", "nowhere.invalid"], "cannot listen on nowhere.invalid"),
    ],
)
def test_what_is_wrong_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if "OPENAI" in name]:
        monkeypatch.delenv(name)
    done = run("record", "--to", "call.jsonl", *arguments)
    (line,) = done.stderr.splitlines()
    assert done.exit_code in (1, 2)
    assert told in line
    assert list(tmp_path.iterdir()) == []


def test_help_teaches() -> None:
    assert "OPENAI_BASE_URL=http://127.0.0.1:8081/v1" in run("record", "--help").stdout
