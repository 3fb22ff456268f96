"""The emulator's hosts: what they answer to which request, how they start and stop, and whom they bear."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import math
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import rtproto_emulator
import rtproto_sync
from contract.peers import Peer
from emulated import create, silence, voice, wrote
from rtproto_emulator import Context, Emulator, Engines, Settings
from wsproto.events import CloseConnection, TextMessage

import rtproto
from rtproto import Config, Endpoint, events
from rtproto.errors import HandshakeError
from rtproto.events import translation, vllm

ENGINES: list[Any] = ["aiohttp", "stream"]
SECONDS = 20.0
UPGRADE = (
    b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture(params=ENGINES)
def begin(request: pytest.FixtureRequest) -> Iterator[Callable[[Settings], Emulator]]:
    """Starts an emulator with some settings."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(rtproto_emulator.start(settings=settings, engine=request.param))


@pytest.fixture
def emulator(begin: Callable[[Settings], Emulator]) -> Emulator:
    return begin(Settings(pace=math.inf))


def endpoint(emulator: Emulator, path: str = "/v1/realtime", **more: Any) -> Endpoint:
    return rtproto.endpoint(emulator.url.replace("/v1/realtime", path), **more)


def until(rt: Any, cls: type) -> list[Any]:
    """Every event up to the first of a class."""
    seen: list[Any] = []
    for event in rt:
        seen.append(event)
        if isinstance(event, cls):
            return seen
        assert not isinstance(event, events.Closed), event
    raise AssertionError(f"no {cls.__name__} came, but {seen}")


def last(rt: Any) -> tuple[list[Any], Any]:
    """What comes before the end, and the end."""
    *seen, closed = rt
    assert isinstance(closed, events.Closed)
    return seen, closed


def get(emulator: Emulator, path: str) -> tuple[int, str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


# ---- requests ----


@pytest.mark.parametrize("path", ["/v1/realtime", "/openai/v1/realtime"])
def test_a_session(emulator: Emulator, path: str) -> None:
    with rtproto_sync.connect(endpoint(emulator, path + "?model=m"), Config(strict=True)) as rt:
        assert until(rt, events.SessionCreated)[0].session.model == "m"
        rt.send(wrote("hello"))
        rt.send(create(output_modalities=["text"]))
        assert until(rt, events.ResponseDone)[-1].response.output[0].content[0].text == "You wrote: hello"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/realtime HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/realtime HTTP/1.1\r\nno header\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\r\n\r\n\x00",
    ],
)
def test_bytes_that_are_no_request_get_an_answer_and_no_traceback(
    emulator: Emulator, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), SECONDS) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(65536)
    assert not answer or answer.startswith(b"HTTP/1.")
    assert b" 500 " not in answer
    assert [record for record in caplog.records if record.exc_info] == []
    assert get(emulator, "/v1/realtime")[0] == 426


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/openai/realtime?api-version=x&deployment=d", ()), ("/v1/realtime", (("OpenAI-Beta", "realtime=v1"),))],
)
def test_a_beta_session(emulator: Emulator, path: str, headers: Any) -> None:
    where = rtproto.endpoint(emulator.url.replace("/v1/realtime", path), dialect="beta", headers=headers)
    with rtproto_sync.connect(where) as rt:
        created = until(rt, events.SessionCreated)[0]
        assert created.session.model == ("d" if "deployment" in path else "gpt-4o-realtime-preview")
        rt.send(wrote("hello"))
        added = until(rt, events.ConversationItemAdded)[-1]
        assert added.wire_type == "conversation.item.created"


def test_a_transcription_session(emulator: Emulator) -> None:
    with rtproto_sync.connect(endpoint(emulator, "/v1/realtime?intent=transcription")) as rt:
        assert until(rt, events.SessionCreated)[0].session.type == "transcription"


def test_a_session_of_vllm(begin: Callable[[Settings], Emulator]) -> None:
    where = endpoint(begin(Settings(dialect="vllm")), dialect="vllm")
    transcription = events.AudioTranscription(model="voxtral")
    audio = events.AudioConfig(input=events.AudioInput(transcription=transcription))
    with rtproto_sync.connect(where, Config(strict=True)) as rt:
        assert until(rt, events.SessionCreated)[0].session.created > 0
        rt.send_raw("{")
        assert until(rt, events.ErrorEvent)[0].error.message == "Invalid JSON"
        rt.send(events.SessionUpdate(session=events.TranscriptionSession(audio=audio)))
        rt.send(events.InputAudioBufferCommit())
        rt.send(events.InputAudioBufferAppend(audio=silence(0.3, 16_000) + voice(0.5, 16_000)))
        rt.send(vllm.InputAudioBufferCommit(final=True))
        *deltas, completed = until(rt, events.ConversationItemInputAudioTranscriptionCompleted)
        assert completed.transcript == "".join(delta.delta for delta in deltas) == "(0.5 seconds of speech)"
        rt.close()


def test_a_translation_session(emulator: Emulator) -> None:
    where = endpoint(emulator, "/v1/realtime/translations?model=gpt-realtime-translate")
    with rtproto_sync.connect(where, Config(strict=True)) as rt:
        assert until(rt, events.SessionCreated)[0].session.model == "gpt-realtime-translate"
        rt.send(events.InputAudioBufferAppend(audio=silence(0.3) + voice(0.5)))
        rt.send(translation.SessionClose())
        seen = until(rt, translation.SessionClosed)
        words = "".join(e.delta for e in seen if isinstance(e, translation.SessionOutputTranscriptDelta))
        assert words == "(not translated) (0.5 seconds of speech)"
        assert until(rt, events.Closed)[-1].code == 1000


def test_the_key_is_never_echoed(emulator: Emulator) -> None:
    offered = ("realtime", "openai-insecure-api-key.sk-secret")
    with rtproto_sync.connect(rtproto.endpoint(emulator.url, subprotocols=offered)) as rt:
        assert rt.opened.subprotocol == "realtime"
        assert "secret" not in str(rt.opened.headers)
    with rtproto_sync.connect(rtproto.endpoint(emulator.url, subprotocols=offered[1:])) as rt:
        assert rt.opened.subprotocol is None


@pytest.mark.parametrize(
    ("path", "offer"),
    [
        ("/v1/realtime", {"api_key": "sk-right"}),
        ("/openai/v1/realtime", {"headers": (("api-key", "sk-right"),)}),
        ("/openai/realtime?deployment=d&api-key=sk-right", {}),
        ("/v1/realtime", {"subprotocols": ("realtime", "openai-insecure-api-key.sk-right", "openai-project.p")}),
    ],
)
def test_who_has_a_key_comes_in(begin: Callable[[Settings], Emulator], path: str, offer: Any) -> None:
    emulator = begin(Settings(api_keys=("sk-other", "sk-right")))
    with rtproto_sync.connect(endpoint(emulator, path, **offer)) as rt:
        until(rt, events.SessionCreated)
        assert rt.opened.subprotocol == ("realtime" if "subprotocols" in offer else None)


def test_who_has_none_stays_outside(begin: Callable[[Settings], Emulator], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    emulator = begin(Settings(api_keys=("sk-right",)))
    for offer in ({}, {"api_key": "sk-wrong"}):
        with pytest.raises(HandshakeError) as refused, rtproto_sync.connect(endpoint(emulator, **offer)):
            pass
        assert refused.value.status == 401
        error = json.loads(refused.value.body)["error"]
        assert "API key" in error["message"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
        assert b"sk-" not in refused.value.body
    with socket.create_connection(("127.0.0.1", emulator.port), SECONDS) as client:
        key = b"Authorization: Bearer sk-right\xff\r\n"
        client.sendall(UPGRADE.replace(b"\r\n\r\n", b"\r\n" + key + b"\r\n"))
        assert client.recv(65536).startswith(b"HTTP/1.1 401 ")
    assert "sk-" not in caplog.text


def test_a_browser_that_looks_in(emulator: Emulator) -> None:
    status, body, headers = get(emulator, "/v1/realtime")
    assert status == 426
    assert headers["Upgrade"] == "websocket"
    assert "his address speaks WebSocket: " in body
    if headers["Content-Type"] == "application/json":  # the byte driver answers by itself what is no WebSocket
        error = json.loads(body)["error"]
        assert error.pop("message").startswith("This address speaks WebSocket: connect to ws://127.0.0.1:")
        assert error == {"type": "invalid_request_error", "param": None, "code": None}


def test_a_wrong_path(emulator: Emulator) -> None:
    with pytest.raises(HandshakeError) as refused, rtproto_sync.connect(endpoint(emulator, "/v2/realtime")):
        pass
    assert refused.value.status == 404
    assert b"There is nothing at /v2/realtime" in refused.value.body
    assert b"/v1/realtime" in refused.value.body


def test_a_call_that_there_is_not(emulator: Emulator) -> None:
    where = endpoint(emulator, "/v1/realtime?call_id=rtc_1")
    with pytest.raises(HandshakeError) as refused, rtproto_sync.connect(where):
        pass
    assert refused.value.status == 404
    assert b"No session found for the provided call_id" in refused.value.body


def test_health() -> None:
    with rtproto_emulator.start() as emulator:
        assert get(emulator, "/healthz")[:2] == (200, '{"status": "ok"}')


def test_what_works_for_a_client_that_leaves_is_dropped(begin: Callable[[Settings], Emulator]) -> None:
    begun, dropped = threading.Event(), threading.Event()

    class Thinker:
        def respond(self, context: Context) -> Iterator[Any]:
            begun.set()
            try:
                while True:
                    yield None
            finally:
                dropped.set()

    emulator = begin(Settings(engines=Engines(responder=Thinker())))
    with rtproto_sync.connect(endpoint(emulator)) as rt:
        rt.send(create())
        until(rt, events.ResponseCreated)
        assert begun.wait(SECONDS)
        assert not dropped.is_set()
    assert dropped.wait(SECONDS)


def test_too_many_sessions(begin: Callable[[Settings], Emulator]) -> None:
    emulator = begin(Settings(max_sessions=1))
    with rtproto_sync.connect(endpoint(emulator)) as first:
        until(first, events.SessionCreated)
        with pytest.raises(HandshakeError) as refused, rtproto_sync.connect(endpoint(emulator)):
            pass
        assert refused.value.status == 503
        error = json.loads(refused.value.body)["error"]
        assert "try again later" in error["message"]
        assert (error["type"], error["code"]) == ("server_error", "session_limit_reached")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            with rtproto_sync.connect(endpoint(emulator)) as next_one:
                until(next_one, events.SessionCreated)
                return
        except HandshakeError:
            time.sleep(0.01)
    raise AssertionError("the place of a session that has ended was not given to another")


# ---- sessions ----


def test_sessions_know_nothing_of_each_other(emulator: Emulator) -> None:
    with rtproto_sync.connect(endpoint(emulator)) as one, rtproto_sync.connect(endpoint(emulator)) as other:
        ids = [until(rt, events.SessionCreated)[0].session.id for rt in (one, other)]
        assert ids[0] != ids[1]
        one.send(wrote("hello", id="mine"))
        other.send(events.ConversationItemRetrieve(item_id="mine"))
        assert until(other, events.ErrorEvent)[-1].error.code == "item_retrieve_invalid_item_id"


def test_an_answer_takes_its_time(begin: Callable[[Settings], Emulator]) -> None:
    emulator = begin(Settings(pace=4.0))
    with rtproto_sync.connect(endpoint(emulator)) as rt:
        rt.send(wrote("one two three"))
        rt.send(events.ResponseCreate())
        until(rt, events.ResponseCreated)
        begun = time.monotonic()
        until(rt, events.ResponseDone)
        assert 0.2 < time.monotonic() - begun < 5.0


def test_an_interruption_in_the_middle(begin: Callable[[Settings], Emulator]) -> None:
    emulator = begin(Settings(pace=1.0))
    with rtproto_sync.connect(endpoint(emulator)) as rt:
        rt.send(wrote("a long story " * 20))
        rt.send(events.ResponseCreate())
        until(rt, events.ResponseOutputAudioDelta)
        rt.send(events.InputAudioBufferAppend(audio=silence(0.2) + voice(0.5)))
        assert until(rt, events.ResponseDone)[-1].response.status == "cancelled"


def test_an_expired_session(begin: Callable[[Settings], Emulator]) -> None:
    emulator = begin(Settings(duration=0.2))
    with rtproto_sync.connect(endpoint(emulator)) as rt:
        (*_, error), closed = last(rt)
    assert error.error.code == "session_expired"
    assert (closed.clean, closed.code) == (True, 1001)
    assert "maximum duration" in closed.reason


def test_who_only_talks_is_borne(emulator: Emulator) -> None:
    """500 questions before the first answer is read."""
    with rtproto_sync.connect(endpoint(emulator)) as rt:
        for number in range(500):
            rt.send(wrote(f"question {number}"))
        rt.send(create(output_modalities=["text"]))
        answer = until(rt, events.ResponseDone)[-1].response.output[0]
    assert answer.content[0].text == "You wrote: question 499"


def test_who_goes_without_a_word_is_forgotten(begin: Callable[[Settings], Emulator]) -> None:
    emulator = begin(Settings(pace=1.0, max_sessions=1))
    for _ in range(3):
        end = time.monotonic() + SECONDS
        while True:
            try:
                connecting = rtproto_sync.connect(endpoint(emulator))
                rt = connecting.__enter__()
                break
            except HandshakeError:
                assert time.monotonic() < end, "a client that had gone still kept its place"
                time.sleep(0.01)
        rt.send(wrote("a long story " * 20))
        rt.send(events.ResponseCreate())
        until(rt, events.ResponseOutputAudioDelta)
        connecting.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def test_an_engine_that_is_no_engine_ends_its_session_alone(
    begin: Callable[[Settings], Emulator], caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        hop_ms = 20

        def __init__(self, rate: int) -> None: ...

        def feed(self, pcm: bytes) -> list[float]:
            raise RuntimeError("no ears")

    emulator = begin(Settings(engines=Engines(activity=Odd)))
    for _ in range(2):
        with rtproto_sync.connect(endpoint(emulator)) as rt:
            until(rt, events.SessionCreated)
            rt.send(events.InputAudioBufferAppend(audio=silence(0.1)))
            assert last(rt)[1].code == 1011
    assert "no ears" in caplog.text


# ---- start and stop ----


def test_closing_says_goodbye(emulator: Emulator) -> None:
    with rtproto_sync.connect(endpoint(emulator)) as rt:
        until(rt, events.SessionCreated)
        closing = threading.Thread(target=emulator.close)
        closing.start()
        _, closed = last(rt)
        closing.join(SECONDS)
    assert (closed.clean, closed.code, closed.reason) == (True, 1001, "the server is shutting down")
    emulator.close()
    with pytest.raises(ConnectionRefusedError), rtproto_sync.connect(endpoint(emulator)):
        pass


def test_a_client_that_has_answered_is_not_waited_for(emulator: Emulator) -> None:
    """Also where it leaves the end of the connection to the server, as the protocol says."""
    peer = Peer.connect(emulator.port)
    assert isinstance(peer.hear(), TextMessage)
    closing = threading.Thread(target=emulator.close)
    began = time.monotonic()
    closing.start()
    assert isinstance(peer.hear(), CloseConnection)
    peer.say_close(1001)
    assert peer.hear() is None
    closing.join(SECONDS)
    assert time.monotonic() - began < 4  # the patience for an answer is 5 s
    peer.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_port_that_is_taken(engine: Any) -> None:
    with rtproto_emulator.start(engine=engine) as emulator, pytest.raises(OSError, match="address already in use"):
        rtproto_emulator.start(port=emulator.port, engine=engine)


def test_an_engine_that_there_is_not() -> None:
    engine: Any = "steam"
    with pytest.raises(ValueError, match="'steam'; choose one of aiohttp, stream"):
        rtproto_emulator.start(engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_in_the_event_loop_of_the_caller(engine: Any) -> None:
    async def run() -> Any:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server = asyncio.ensure_future(rtproto_emulator.serve(engine=engine, ready=ready.set_result))
        url = await asyncio.wait_for(ready, SECONDS)

        def client() -> list[Any]:
            with rtproto_sync.connect(rtproto.endpoint(url)) as rt:
                until(rt, events.SessionCreated)
                server.get_loop().call_soon_threadsafe(server.cancel)
                return list(rt)

        seen = await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, client), SECONDS)
        with pytest.raises(asyncio.CancelledError):
            await server
        return seen

    (closed,) = asyncio.run(run())
    assert (closed.clean, closed.code) == (True, 1001)


@pytest.mark.parametrize("module", ["aiohttp", "numpy", "soxr"])
def test_a_missing_extra_is_named(module: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; import rtproto_emulator"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    last = run.stderr.splitlines()[-1]
    assert last == f"ImportError: rtproto_emulator needs {module}: pip install 'rtproto[emulator]'"
