"""The official Python client, unmodified: asynchronous and plain, of OpenAI and of Azure, on both of our hosts."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rtproto_emulator
from emulated import silence, voice
from rtproto_emulator import Settings

openai = pytest.importorskip("openai", reason="the official client is not installed: pip install 'openai[realtime]'")
pytest.importorskip("websockets", reason="the official client needs websockets: pip install 'openai[realtime]'")

# How the official client opens websockets' connections, the newest websockets warns of.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")

SECONDS = 20.0
Talk = Callable[[Any], Awaitable[Any]]


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, str]]:
    """The address of each, such as 127.0.0.1:8080."""
    settings = Settings(pace=20.0)
    with (
        rtproto_emulator.start(engine="aiohttp", settings=settings) as aiohttp,
        rtproto_emulator.start(engine="stream", settings=settings) as stream,
    ):
        yield {"aiohttp": f"{aiohttp.host}:{aiohttp.port}", "stream": f"{stream.host}:{stream.port}"}


def of_openai(cls: Any, host: str) -> Any:
    return cls(base_url=f"http://{host}/v1", api_key="x")


def of_azure(cls: Any, host: str) -> Any:
    """Its own idea of the path is the preview's, where the beta protocol is spoken."""
    places = {"azure_endpoint": f"http://{host}", "websocket_base_url": f"ws://{host}/openai/v1"}
    return cls(**places, api_version="2025-08-28", api_key="x")


class Plain:
    """What has no coroutines, as the scripts here expect it: each call is done before it is awaited."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return Plain(getattr(self._target, name))

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._target(*args, **kwargs)


@contextlib.asynccontextmanager
async def connected(client: Any) -> AsyncIterator[Any]:
    if hasattr(client, "__aenter__"):
        async with client, client.realtime.connect(model="gpt-realtime") as connection:
            yield connection
    else:
        with client, client.realtime.connect(model="gpt-realtime") as connection:
            yield Plain(connection)


CLIENTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "AsyncOpenAI": ("aiohttp", lambda host: of_openai(openai.AsyncOpenAI, host)),
    "AsyncOpenAI-stream": ("stream", lambda host: of_openai(openai.AsyncOpenAI, host)),
    "OpenAI": ("stream", lambda host: of_openai(openai.OpenAI, host)),
    "AsyncAzureOpenAI": ("stream", lambda host: of_azure(openai.AsyncAzureOpenAI, host)),
    "AzureOpenAI": ("aiohttp", lambda host: of_azure(openai.AzureOpenAI, host)),
}


@pytest.fixture(params=list(CLIENTS))
def talk(request: pytest.FixtureRequest, hosts: dict[str, str]) -> Callable[[Talk], Any]:
    """Runs a script with a connection of each client."""
    engine, make = CLIENTS[request.param]

    async def run(script: Talk) -> Any:
        async with connected(make(hosts[engine])) as connection:
            return await asyncio.wait_for(script(connection), SECONDS)

    return lambda script: asyncio.run(run(script))


async def until(connection: Any, kind: str) -> list[Any]:
    """Every event up to the first of a kind."""
    seen: list[Any] = []
    while not seen or seen[-1].type != kind:
        event = await connection.recv()
        assert event.type != "error" or kind == "error", event
        seen.append(event)
    return seen


def heard(seen: list[Any]) -> bytes:
    return b"".join(base64.b64decode(event.delta) for event in seen if event.type == "response.output_audio.delta")


async def write(connection: Any, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})


async def speak(connection: Any, pcm: bytes) -> None:
    for at in range(0, len(pcm), 4800):
        await connection.input_audio_buffer.append(audio=base64.b64encode(pcm[at : at + 4800]).decode())


def test_a_written_turn(talk: Callable[[Talk], Any]) -> None:
    async def script(connection: Any) -> None:
        created = await connection.recv()
        assert (created.type, created.session.model) == ("session.created", "gpt-realtime")
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await write(connection, "hello")
        await connection.response.create()
        seen = await until(connection, "response.done")
        assert seen[-1].response.status == "completed"
        assert seen[-1].response.output[0].content[0].text == "You wrote: hello"

    talk(script)


def test_a_spoken_turn(talk: Callable[[Talk], Any]) -> None:
    async def script(connection: Any) -> None:
        transcription = {"model": "whisper-1"}
        session = {"type": "realtime", "audio": {"input": {"transcription": transcription}}}
        await connection.session.update(session=session)
        await speak(connection, silence(0.5) + voice(1.0) + silence(0.6))
        seen = await until(connection, "response.done")
        kinds = [event.type for event in seen]
        assert kinds.index("input_audio_buffer.speech_started") < kinds.index("input_audio_buffer.committed")
        said = next(e for e in seen if e.type == "conversation.item.input_audio_transcription.completed")
        assert said.transcript == "(1.0 seconds of speech)"
        assert heard(seen) == silence(0.3) + voice(1.0) + silence(0.5)

    talk(script)


def test_push_to_talk(talk: Callable[[Talk], Any]) -> None:
    async def script(connection: Any) -> None:
        session = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        await connection.session.update(session=session)
        await speak(connection, voice(1.0))
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        assert heard(await until(connection, "response.done")) == voice(1.0)

    talk(script)


def test_an_interruption(talk: Callable[[Talk], Any]) -> None:
    async def script(connection: Any) -> None:
        await write(connection, "tell me a story " * 100)
        await connection.response.create()
        seen = await until(connection, "response.output_audio.delta")
        await speak(connection, silence(0.2) + voice(0.5))
        seen += await until(connection, "response.done")
        assert seen[-1].response.status_details.reason == "turn_detected"
        item = seen[-1].response.output[0]
        await connection.conversation.item.truncate(item_id=item.id, content_index=0, audio_end_ms=50)
        assert (await until(connection, "conversation.item.truncated"))[-1].audio_end_ms == 50

    talk(script)


def test_a_tool(talk: Callable[[Talk], Any]) -> None:
    async def script(connection: Any) -> None:
        parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        tool = {"type": "function", "name": "get_weather", "parameters": parameters}
        session = {"type": "realtime", "output_modalities": ["text"], "tools": [tool], "tool_choice": "required"}
        await connection.session.update(session=session)
        await write(connection, "Paris")
        await connection.response.create()
        (call,) = (await until(connection, "response.done"))[-1].response.output
        assert (call.name, call.arguments) == ("get_weather", '{"city": "Paris"}')
        output = {"type": "function_call_output", "call_id": call.call_id, "output": "It is sunny."}
        await connection.conversation.item.create(item=output)
        await connection.response.create()
        done = (await until(connection, "response.done"))[-1]
        assert done.response.output[0].content[0].text == "It is sunny."

    talk(script)


def test_an_error_names_its_event(talk: Callable[[Talk], Any]) -> None:
    async def script(connection: Any) -> None:
        await connection.response.cancel(event_id="mine")
        error = (await until(connection, "error"))[-1].error
        assert (error.code, error.event_id) == ("response_cancel_not_active", "mine")

    talk(script)


def test_the_preview_of_azure(hosts: dict[str, str]) -> None:
    """The beta protocol."""

    async def run() -> list[str]:
        host = hosts["aiohttp"]
        places = {"azure_endpoint": f"http://{host}", "websocket_base_url": f"ws://{host}/openai"}
        client = openai.AsyncAzureOpenAI(**places, api_version="2024-10-01-preview", api_key="x")
        kinds: list[str] = []
        async with client, client.beta.realtime.connect(model="deployment") as connection:
            await connection.session.update(session={"modalities": ["audio", "text"]})
            await connection.session.update(session={"modalities": ["text"], "temperature": 0.7})
            await write(connection, "hello")
            await connection.response.create()
            while not kinds or kinds[-1] != "response.done":
                kinds.append((await asyncio.wait_for(connection.recv(), SECONDS)).type)
        return kinds

    kinds = asyncio.run(run())
    assert {"session.updated", "conversation.item.created", "response.text.delta"} <= set(kinds)
    assert "error" not in kinds


@pytest.mark.usefixtures("tls_of_asyncio")
def test_a_client_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with a key, over TLS, that the official client finds as it would find any other."""
    made = rtproto_emulator.self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    settings = Settings(pace=20.0, api_keys=("sk-good",))

    async def run(base: str) -> None:
        async with openai.AsyncOpenAI(base_url=base, api_key="sk-good") as client:
            session = {"type": "realtime", "instructions": "Be brief.", "output_modalities": ["text"]}
            secret = await client.realtime.client_secrets.create(session=session, expires_after={"seconds": 60})
            assert secret.session.instructions == "Be brief."
            with pytest.raises(openai.BadRequestError, match=r"Invalid 'expires_after\.seconds'") as refused:
                await client.realtime.client_secrets.create(expires_after={"seconds": 5})
            assert refused.value.param == "expires_after.seconds"
        client = openai.AsyncOpenAI(base_url=base, api_key=secret.value)
        async with client, client.realtime.connect(model="gpt-realtime") as connection:
            created = await asyncio.wait_for(connection.recv(), SECONDS)
            assert created.session.instructions == "Be brief."
            await write(connection, "hello")
            await connection.response.create()
            assert (await until(connection, "response.done"))[-1].response.output[0].content[0].text
        async with openai.AsyncOpenAI(base_url=base, api_key="sk-bad", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided"):
                await client.realtime.client_secrets.create()

    with rtproto_emulator.start(settings=settings, ssl_context=made.ssl_context) as emulator:
        asyncio.run(run(emulator.url.replace("wss", "https").removesuffix("/realtime")))
