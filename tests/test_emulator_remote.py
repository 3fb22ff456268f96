"""A recogniser elsewhere (rtproto_emulator), against a small server of the test's own."""

from __future__ import annotations

import io
import json
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
from emulated import silence, voice
from rtproto_emulator import EarlyTranscriber, EnergyActivity, RemoteTranscriber, Speech

SPOKEN = silence(0.5) + voice(1.0) + silence(0.5)
KEY = "sk-very-secret"


@attrs.define
class Server:
    """Answers every request alike, and keeps them."""

    url: str
    status: int = 200
    answer: bytes = b'{"text": " Hello there. "}'
    headers: dict[str, str] = attrs.field(factory=dict)
    delay: float = 0.0
    heard: list[tuple[str, Message, dict[str, bytes]]] = attrs.field(factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            form = message_from_bytes(f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode() + body)
            fields: dict[str, bytes] = {}
            for part in form.walk():
                name = part.get_param("name", header="content-disposition")
                if name is not None:
                    data: Any = part.get_payload(decode=True)
                    fields[str(name)] = data
            said.heard.append((self.path, self.headers, fields))
            time.sleep(said.delay)
            self.send_response(said.status)
            for name, text in said.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(said.answer)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked may have gone
                self.wfile.write(said.answer)

        def log_message(self, format: str, *args: Any) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said = Server(f"http://127.0.0.1:{http.server_port}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield said
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def ears(server: Server) -> Iterator[RemoteTranscriber]:
    transcriber = RemoteTranscriber(server.url, EnergyActivity, model="tiny", key=KEY, timeout=5.0)
    yield transcriber
    transcriber.close()


def words(ears: RemoteTranscriber, **speech: Any) -> list[str]:
    found: list[str] = []
    for piece in ears.transcribe(Speech(**{"pcm": SPOKEN, **speech})):
        if piece is None:
            time.sleep(0.002)
        else:
            found.append(piece)
    return found


def test_what_is_asked_and_answered(server: Server, ears: RemoteTranscriber) -> None:
    assert words(ears, language="en", prompt="names") == ["Hello there."]
    ((path, headers, fields),) = server.heard
    assert path == "/v1/audio/transcriptions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    with wave.open(io.BytesIO(fields.pop("file"))) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (24_000, 1, 2)
        assert wav.getnframes() / 24_000 == pytest.approx(1.5, abs=0.05)
    fields = {name: text.strip() for name, text in fields.items()}
    assert fields == {"model": b"tiny", "response_format": b"json", "language": b"en", "prompt": b"names"}


def test_what_is_not_wanted_is_not_said(server: Server) -> None:
    ears = RemoteTranscriber(server.url + "/", EnergyActivity)
    assert words(ears) == ["Hello there."]
    ears.close()
    ((path, headers, fields),) = server.heard
    assert path == "/v1/audio/transcriptions"
    assert "Authorization" not in headers
    assert fields.keys() == {"file", "model", "response_format"}


def test_nothing_is_sent_where_nobody_speaks(server: Server, ears: RemoteTranscriber) -> None:
    assert words(ears, pcm=silence(2.0)) == []
    assert server.heard == []


def test_it_is_not_asked_early(ears: RemoteTranscriber) -> None:
    assert not isinstance(ears, EarlyTranscriber)


def error(message: str) -> bytes:
    return json.dumps({"error": {"message": message}}).encode()


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({"status": 404, "answer": error("no model 'tiny'")}, "answered HTTP 404: no model 'tiny'"),
        ({"status": 500, "answer": b"<p>\n broken"}, "answered HTTP 500: <p> broken"),
        ({"status": 503, "answer": b""}, "answered HTTP 503"),
        ({"status": 401, "answer": error(f"no such key: {KEY}")}, "answered HTTP 401: no such key: ***"),
        ({"status": 307, "answer": b"", "headers": {"Location": "http://127.0.0.1:1/"}}, "answered HTTP 307"),
        ({"answer": b"Hello"}, "answered what is no transcript"),
        ({"answer": b'{"words": 1}'}, "answered what is no transcript"),
        ({"answer": b'{"text": null}'}, "answered what is no transcript"),
        ({"answer": b"[]"}, "answered what is no transcript"),
    ],
)
def test_failures_are_one_line(server: Server, ears: RemoteTranscriber, fault: dict[str, Any], line: str) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    with pytest.raises(RuntimeError) as failure:
        words(ears)
    assert str(failure.value) == f"the recogniser at {ears.host} {line}"
    assert len(server.heard) == 1


def test_one_that_takes_too_long(server: Server) -> None:
    server.delay = 0.5
    ears = RemoteTranscriber(server.url, EnergyActivity, timeout=0.1)
    with pytest.raises(RuntimeError, match=r"did not answer in 0\.1 s"):
        words(ears)
    ears.close()


def test_one_that_is_not_there(unused: Callable[[], str]) -> None:
    ears = RemoteTranscriber(unused(), EnergyActivity)
    with pytest.raises(RuntimeError, match="cannot be reached: "):
        words(ears)
    ears.close()


@pytest.fixture
def unused() -> Callable[[], str]:
    def url() -> str:
        with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as http:
            return f"http://127.0.0.1:{http.server_port}/v1"

    return url


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host/v1", "http:///v1", "http://me:you@host/v1"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="must be like"):
        RemoteTranscriber(url, EnergyActivity)


def test_what_is_no_key() -> None:
    with pytest.raises(ValueError, match="no HTTP header can carry") as failure:
        RemoteTranscriber("http://host/v1", EnergyActivity, key=KEY + "\n")
    assert KEY not in str(failure.value)
