"""`rtproto replay` as a server and as a client, and what was recorded before (rtproto_cli, rtproto_emulator)."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rtproto_aio
import rtproto_emulator
from commands import run
from rtproto_cli._recorder import Recordings
from rtproto_cli._relay import Relay
from rtproto_cli._upstream import Upstream
from rtproto_emulator import Settings
from shared import traces

import rtproto
from rtproto import Config, events

# How the official client opens websockets' connections, the newest websockets warns of.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")

RAW = Config(raw=True)


def row(direction: str, event: Any, **more: Any) -> str:
    return json.dumps({"dir": direction, "event": event, **more}) + "\n"


CREATED = {"type": "session.created", "event_id": "event_1", "session": {"type": "realtime", "id": "sess_1"}}
CREATE = {"type": "response.create"}


def written(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "call.jsonl"
    path.write_text("".join(rows), encoding="utf-8")
    return path


async def taken(url: str, *said: str) -> list[Any]:
    async with rtproto_aio.connect_stream(rtproto.endpoint(url), RAW) as rt:
        for text in said:
            await rt.send_raw(text)
        return [event async for event in rt]


async def official(port: int) -> list[Any]:
    """A program on the official client."""
    import openai

    address = f"127.0.0.1:{port}/v1"
    client = openai.AsyncOpenAI(base_url=f"http://{address}", websocket_base_url=f"ws://{address}", api_key="any key")
    seen: list[Any] = []
    async with client, client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
        content = [{"type": "input_text", "text": "hello"}]
        item: Any = {"type": "message", "role": "user", "content": content}
        await connection.conversation.item.create(item=item)
        await connection.response.create()
        while not seen or seen[-1].type != "response.done":
            seen.append(await asyncio.wait_for(connection.recv(), 10))
    return seen


def test_what_was_recorded_serves_the_same_program_and_the_same_server(tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="the official client is not installed")
    path = tmp_path / "call.jsonl"

    async def record(url: str) -> list[Any]:
        recordings = Recordings(path, print, force=False, audio=False)
        async with Relay(Upstream(url), recordings, lambda line: None).running("127.0.0.1", 0) as port:
            seen = await official(port)
        recordings.close()
        return seen

    with rtproto_emulator.start(settings=Settings(pace=math.inf)) as emulator:
        recorded = asyncio.run(record(emulator.url))
        compared = run("replay", str(path), "--to", emulator.url, "--speed", "inf", "--ignore", "rate_limits.updated")
    assert (compared.exit_code, compared.stdout.splitlines()[-1]) == (0, "the same")
    with rtproto_emulator.replay(path, speed=math.inf) as replayed:
        again = asyncio.run(official(replayed.port))
    assert [event.event_id for event in again] == [event.event_id for event in recorded]
    assert again[-1].response.status == "completed"


@pytest.mark.parametrize("trace", traces(), ids=lambda trace: trace.stem)
def test_a_recorded_session_of_a_real_server_is_served_whole(trace: Path) -> None:
    recording = rtproto_emulator.Recording.load(trace)
    (script,) = recording.sessions
    expected = [step.message for step in script.steps if step.side == "server"]

    async def talk(url: str) -> list[Any]:
        heard: list[Any] = []
        async with rtproto_aio.connect_stream(rtproto.endpoint(url), RAW) as rt:
            for step in script.steps:
                if step.side == "client":
                    await rt.send_raw(step.message)
            async for event in rt:
                heard.append(event.data if isinstance(event, events.Raw) else event)
                if len(heard) == len(expected):
                    break
        return heard

    with rtproto_emulator.replay(recording) as replayed:
        assert asyncio.run(asyncio.wait_for(talk(replayed.url), 10)) == expected


def test_each_client_gets_the_next_session_and_its_end(tmp_path: Path) -> None:
    ends = [(1000, "bye"), (4001, "other"), (1006, ""), (1005, "")]
    rows = [
        row("received", CREATED) + row("received", {"code": code, "reason": reason}, kind="close")
        for code, reason in ends
    ]

    async def script(url: str) -> list[Any]:
        return [(await taken(url))[-1] for _ in range(5)]

    with rtproto_emulator.replay(written(tmp_path, *rows)) as replayed:
        found = asyncio.run(script(replayed.url))
    assert [(closed.code, closed.reason) for closed in found[:2]] == ends[:2]
    assert [closed.code for closed in found[2:]] == [1006, 1005, 1000]


def test_a_client_that_leaves_early_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path, row("received", CREATED), row("sent", CREATE), row("received", {"type": "response.done"}))

    async def leave(url: str) -> None:
        async with rtproto_aio.connect_stream(rtproto.endpoint(url), RAW) as rt:
            await anext(rt)

    with rtproto_emulator.replay(path) as replayed:
        assert replayed.left == ["response.create"]
        asyncio.run(leave(replayed.url))
    assert "a client left before it sent response.create" in caplog.text
    assert (replayed.left, replayed.open) == (["response.create"], 0)


def test_what_one_client_has_said_another_need_not(tmp_path: Path) -> None:
    turn = row("received", CREATED) + row("sent", CREATE) + row("received", {"type": "response.done"})
    path = written(tmp_path, turn + row("received", {"code": 1000}, kind="close"))
    with rtproto_emulator.replay(path, speed=math.inf) as replayed:
        for said in ((), (json.dumps(CREATE),), ()):
            asyncio.run(greeted(replayed.url, *said))
    assert replayed.left == []


async def greeted(url: str, *said: str) -> None:
    """A client that says what it will, and leaves after the next message."""
    async with rtproto_aio.connect_stream(rtproto.endpoint(url), RAW) as rt:
        await anext(rt)
        for text in said:
            await rt.send_raw(text)
            await anext(rt)


def test_the_differences_are_told(tmp_path: Path) -> None:
    own = {"type": "response.done", "response": {}}
    path = written(tmp_path, row("received", CREATED), row("sent", {"type": "no.such"}), row("received", own))
    with rtproto_emulator.start() as emulator:
        done = run("replay", str(path), "--to", emulator.url, "--patience", "0.05")
    assert done.exit_code == 1
    first, gone, came, last = done.stdout.splitlines()
    assert (first, gone, last) == ("  session.created", "- response.done", "they differ: - only recorded, + only now")
    assert came.startswith("+ error: invalid_value: ")


def test_served_by_the_command_until_it_is_stopped(tmp_path: Path) -> None:
    path = written(tmp_path, row("received", CREATED))
    command = [sys.executable, "-m", "rtproto_cli", "replay", str(path), "--port", "0"]
    environ = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split("listening on ")[1].split()[0]

            async def script() -> Any:
                async with rtproto_aio.connect_stream(rtproto.endpoint(url), RAW) as rt:
                    await anext(rt)
                    process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
                    return [event async for event in rt][-1]

            last = asyncio.run(script())
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert last.code == 1001


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.jsonl"], "cannot read missing.jsonl: no such file"),
        (["bad.jsonl"], "bad.jsonl: line 1: the line is not JSON"),
        (["good.jsonl", "--speed", "0"], "--speed is 0; it must be more than 0"),
        (["good.jsonl", "--to", "ws://127.0.0.1:1"], "cannot connect to 127.0.0.1:1"),
        (["good.jsonl", "--to", "nonsense"], "must begin with wss://"),
        (["good.jsonl", "--host", "nowhere.invalid"], "cannot listen on nowhere.invalid"),
    ],
)
def test_what_is_wrong_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.jsonl").write_text("oops")
    Path("good.jsonl").write_text(row("received", CREATED))
    done = run("replay", *arguments)
    (line,) = done.stderr.splitlines()
    assert done.exit_code in (1, 2)
    assert told in line
