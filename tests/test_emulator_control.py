"""The control endpoint: who may use it, and what it answers."""

from __future__ import annotations

import http.client
import json
import math
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import rtproto_emulator
import rtproto_sync
from emulated import create, wrote
from rtproto_emulator import Emulator, Scenario, Settings, _aiohttp_host
from rtproto_emulator._auth import Keys
from rtproto_emulator._control import answer, forbidden
from rtproto_emulator._sessions import Sessions

import rtproto
from rtproto import events

KEY = "Bearer s3cret"


@pytest.mark.parametrize(
    ("remote", "headers", "key", "status"),
    [
        ("127.0.0.1", {}, None, None),
        ("::1", {}, None, None),
        ("::ffff:127.0.0.1", {}, "s3cret", None),
        ("10.0.0.7", {}, None, 403),
        ("fe80::1%eth0", {}, None, 403),
        (None, {}, None, 403),
        ("10.0.0.7", {"authorization": KEY}, None, 403),
        ("10.0.0.7", {"authorization": "Bearer other"}, "s3cret", 403),
        ("10.0.0.7", {"authorization": "Bearer ключ"}, "s3cret", 403),
        ("10.0.0.7", {"authorization": KEY}, "s3cret", None),
        ("10.0.0.7", {"api-key": "s3cret"}, "s3cret", None),
        ("127.0.0.1", {"x-forwarded-for": "10.0.0.7"}, None, 403),
        ("127.0.0.1", {"origin": "https://example.com"}, None, 403),
    ],
)
def test_who_may_use_it(remote: str | None, headers: dict[str, str], key: str | None, status: int | None) -> None:
    refused = forbidden(remote, headers, Keys([key] if key else []))
    assert (refused and refused.status) == status
    assert "s3cret" not in str(refused)


def asked(sessions: Sessions, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = answer(sessions, method, f"/_rtproto/{path}", data)
    return told.status, told.body


def test_faults_come_and_go() -> None:
    sessions = Sessions(Settings(faults=["http:401*1"]))
    assert asked(sessions, "GET", "faults") == (200, {"faults": ["http:401*1"]})
    assert asked(sessions, "POST", "faults", {"fault": "abort@response.done"})[0] == 200
    both = ["drop*2", "duplicate"]
    assert asked(sessions, "POST", "faults", both)[1] == {"faults": ["http:401*1", "abort@response.done", *both]}
    assert asked(sessions, "DELETE", "faults") == (200, {"faults": []})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "line"),
    [
        ("POST", "faults", b"{", 400, "the body is no JSON; send"),
        ("POST", "faults", b"[" * 100_000, 400, "the body is no JSON; send"),
        ("POST", "faults", {}, 400, 'send {"fault": "close:1011@response.done"}, or {"faults": [...]}'),
        ("POST", "faults", {"fault": 5}, 400, "with texts in it"),
        ("POST", "faults", ["drop", "clse"], 400, "there is no fault 'clse' (did you mean close?)"),
        ("PUT", "faults", None, 405, "PUT is not possible; possible: GET, POST, DELETE /_rtproto/faults"),
        ("GET", "fault", None, 404, "there is nothing at /_rtproto/fault; possible:"),
        ("GET", "sessions/x/fault", None, 405, "possible:"),
        ("POST", "sessions/x/fault", {"fault": "drop"}, 404, "no session x is open; GET /_rtproto/sessions lists them"),
        ("POST", "sessions/x/fault", {"fault": "clse"}, 400, "there is no fault 'clse'"),
    ],
)
def test_a_mistake_is_told(method: str, path: str, body: Any, status: int, line: str) -> None:
    sessions = Sessions(Settings())
    told = asked(sessions, method, path, body)
    assert told[0] == status
    assert line in told[1]["error"]
    assert sessions.faults.list() == []


# ---- on the running server ----


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with rtproto_emulator.start(settings=Settings(pace=math.inf, control=True)) as emulator:
        yield emulator


def request(emulator: Emulator, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_running_session_is_struck(emulator: Emulator) -> None:
    with rtproto_sync.connect(rtproto.endpoint(emulator.url)) as rt:
        created = next(rt)
        assert isinstance(created, events.SessionCreated)
        status, told = request(emulator, "GET", "/_rtproto/sessions")
        (session,) = told["sessions"]
        assert (status, session["id"], session["received"], session["sent"]) == (
            200,
            getattr(created.session, "id", None),
            0,
            1,
        )
        assert 0 <= session["age"] < 20
        where = f"/_rtproto/sessions/{session['id']}/fault"
        assert request(emulator, "POST", where, {"fault": "http:503"})[0] == 400
        assert request(emulator, "POST", where, {"fault": "close:4000:bye"}) == (200, {"faults": ["close:4000:bye"]})
        closed = next(rt)
    assert isinstance(closed, events.Closed)
    assert (closed.code, closed.reason) == (4000, "bye")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 9\r\n\r\n{", 408),
        (b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"Content-Length: 99999999\r\n\r\n" + bytes(2 * 1024 * 1024), 413),
    ],
)
def test_a_body_that_cannot_be_had(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, head: bytes, status: int
) -> None:
    monkeypatch.setattr(_aiohttp_host, "_PATIENCE", 0.05)
    with socket.create_connection(("127.0.0.1", emulator.port), 20) as client:
        client.sendall(b"POST /_rtproto/faults HTTP/1.1\r\nHost: a\r\n" + head)
        response = http.client.HTTPResponse(client)
        response.begin()
        assert (response.status, list(json.loads(response.read()))) == (status, ["error"])


def test_a_body_that_is_cut_off(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), 20) as client:
        client.sendall(b"POST /_rtproto/faults HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
    assert request(emulator, "GET", "/_rtproto/faults") == (200, {"faults": []})
    assert [record for record in caplog.records if record.exc_info] == []


def test_without_being_asked_for_it_is_not_there() -> None:
    with rtproto_emulator.start() as emulator:
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=20)
        connection.request("GET", "/_rtproto/faults")
        assert connection.getresponse().status == 404
        connection.close()
    with pytest.raises(ValueError, match="which only the engine aiohttp speaks"):
        rtproto_emulator.start(settings=Settings(control=True), engine="stream")


def test_another_scenario_while_it_runs(emulator: Emulator) -> None:
    answers = []
    for scenario in (Scenario.parse({"default": {"say": "One."}}), Scenario.parse({"default": {"say": "Two."}}), None):
        emulator.script(scenario)
        with rtproto_sync.connect(rtproto.endpoint(emulator.url)) as rt:
            rt.send(wrote("hi"))
            rt.send(create(output_modalities=["text"]))
            answers.append(_text(rt))
    assert answers == ["One.", "Two.", "You wrote: hi"]


def _text(rt: Any) -> str:
    return next(event.text for event in rt if isinstance(event, events.ResponseOutputTextDone))
