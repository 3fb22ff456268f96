"""Client secrets: what may be asked for, what they open, and when they end (rtproto_emulator._rest, ._secrets)."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from emulated import Emulated, numbered
from rtproto_emulator import Settings
from rtproto_emulator._auth import Access
from rtproto_emulator._denied import Denied
from rtproto_emulator._rest import MAX_BODY, REST_PATHS, Rest
from rtproto_emulator._secrets import ClientSecret, ClientSecrets
from rtproto_emulator._visit import Visit, visit

from rtproto import to_dict

GA = "/v1/realtime/client_secrets"
BETA = "/v1/realtime/sessions"
NOW = 1_700_000_000.5


@attrs.define
class Desk:
    """Where secrets are made, and sessions opened with them."""

    settings: Settings = attrs.field(factory=lambda: Settings(make_id=numbered()))
    access: Access = attrs.field(factory=Access)

    def create(self, body: Any = None, path: str = GA, now: float = NOW) -> dict[str, Any]:
        made = Rest(self.settings, self.access).create(path, b"" if body is None else json.dumps(body).encode(), now)
        assert isinstance(made, bytes), made
        result: dict[str, Any] = json.loads(made)
        return result

    def refused(self, body: Any, path: str = GA) -> dict[str, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        made = Rest(self.settings, self.access).create(path, raw, NOW)
        assert isinstance(made, Denied)
        assert made.status == 400
        error: dict[str, Any] = json.loads(made.body(path))["error"]
        assert error["type"] == "invalid_request_error"
        return error

    def open(self, key: str, path: str = "/v1/realtime", now: float = NOW, **query: Any) -> Visit | Denied:
        return visit(path, query, {"authorization": f"Bearer {key}"}, [], self.access, now)


def begun(visited: Visit | Denied) -> dict[str, Any]:
    """The session that `session.created` tells."""
    assert isinstance(visited, Visit)
    options: dict[str, Any] = {"model": visited.model, "session": visited.session}
    if visited.dialect != "ga-translation":
        options["transcription"] = visited.transcription
    (created,) = Emulated(dialect=visited.dialect, **options).begin
    result: dict[str, Any] = to_dict(created)["session"]
    return result


def test_nothing_asked_for_is_the_default() -> None:
    desk = Desk()
    for body in (None, {}, {"expires_after": None}):
        made = desk.create(body)
        assert made["value"].startswith("ek_")
        assert made["expires_at"] == int(NOW) + 600
        session = made["session"]
        assert (session["type"], session["object"], session["expires_at"]) == ("realtime", "realtime.session", 0)
        assert session["audio"]["output"]["voice"] == "alloy"
    assert begun(desk.open(made["value"], model="mine"))["model"] == "mine"


def test_a_session_begins_as_its_secret_says() -> None:
    desk = Desk()
    vad = {"type": "server_vad", "silence_duration_ms": 700}
    wanted = {
        "type": "realtime",
        "model": "gpt-realtime-mini",
        "instructions": "Speak like a pirate.",
        "audio": {"input": {"turn_detection": vad}, "output": {"voice": "marin"}},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}],
    }
    made = desk.create({"session": wanted, "expires_after": {"anchor": "created_at", "seconds": 10}})
    told, own = made["session"], {"id", "expires_at"}
    assert told["instructions"] == "Speak like a pirate."
    assert told["audio"]["input"]["turn_detection"]["threshold"] == 0.5
    assert told["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 700
    queries: list[dict[str, Any]] = [{}, {"model": "another"}, {"intent": "transcription"}]
    for query in queries:
        session = begun(desk.open(made["value"], **query))
        assert {name: session[name] for name in session.keys() - own} == {
            name: told[name] for name in told.keys() - own
        }


def test_a_transcription() -> None:
    desk = Desk()
    audio = {"input": {"transcription": {"model": "whisper-1", "language": "en"}}}
    made = desk.create({"session": {"type": "transcription", "audio": audio}})
    assert made["session"]["object"] == "realtime.transcription_session"
    assert begun(desk.open(made["value"]))["audio"]["input"]["transcription"]["language"] == "en"


@pytest.mark.parametrize("base", ["/v1", "/openai/v1"])
def test_a_translation(base: str) -> None:
    desk = Desk()
    path = f"{base}/realtime/translations/client_secrets"
    asked = {"model": "gpt-realtime-translate", "audio": {"output": {"language": "es"}}}
    made = desk.create({"session": asked}, path)
    assert made["session"] == {
        "id": "sess_1",
        "type": "translation",
        "expires_at": made["expires_at"],
        "model": "gpt-realtime-translate",
        "audio": {"input": {"transcription": None, "noise_reduction": None}, "output": {"language": "es"}},
    }
    assert desk.create({"session": {"type": "translation", **asked}}, path)["session"]["audio"]["output"]
    assert desk.refused({"session": {}}, path)["param"] == "session.model"
    assert desk.refused({}, path)["param"] == "session"
    session = begun(desk.open(made["value"], f"{base}/realtime/translations"))
    assert (session["model"], session["audio"]["output"]) == ("gpt-realtime-translate", {"language": "es"})
    refused = desk.open(made["value"])
    assert isinstance(refused, Denied)
    assert (refused.status, refused.code) == (400, "invalid_session_type")


def test_the_beta_has_it_the_other_way_round() -> None:
    desk = Desk()
    asked = {"model": "gpt-4o-realtime-preview", "modalities": ["text"], "voice": "verse", "temperature": 0.7}
    made = desk.create({**asked, "client_secret": {"expires_after": {"anchor": "created_at", "seconds": 60}}}, BETA)
    assert made["client_secret"]["expires_at"] == int(NOW) + 60
    assert asked.items() <= made.items()
    assert made["input_audio_format"] == "pcm16"
    visited = desk.open(made["client_secret"]["value"])
    assert isinstance(visited, Visit)
    assert visited.dialect == "beta"
    assert begun(visited)["temperature"] == 0.7
    told = desk.create({"input_audio_format": "g711_ulaw"}, "/v1/realtime/transcription_sessions")
    assert told["input_audio_format"] == "g711_ulaw"
    assert told["client_secret"]["value"].startswith("ek_")


def test_where_the_beta_is_off_it_has_no_secrets_either() -> None:
    assert Desk(Settings(beta=False)).refused({}, BETA)["code"] == "beta_api_shape_disabled"


def test_a_secret_opens_many_sessions_until_it_expires() -> None:
    desk = Desk(access=Access(["sk-good"]))
    key = desk.create({"expires_after": {"seconds": 10}})["value"]
    for now in (NOW, NOW + 9):
        assert isinstance(desk.open(key, now=now), Visit)
    expired = desk.open(key, now=NOW + 10)
    assert isinstance(expired, Denied)
    assert (expired.status, expired.code) == (401, "invalid_api_key")
    assert "expired" in expired.line
    assert isinstance(desk.open("ek_never_made"), Denied)
    assert isinstance(desk.open("sk-good"), Visit)


def test_only_a_key_makes_secrets() -> None:
    desk = Desk(access=Access(["sk-good"]))
    rest, secret = Rest(desk.settings, desk.access), desk.create()["value"]
    for key, status in (("sk-good", None), ("sk-bad", 401), (secret, 401)):
        denied = rest.refusal(GA, {}, {"authorization": f"Bearer {key}"})
        assert (denied and denied.status) == status
    assert rest.refusal(GA, {}, {}) is not None


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"expires_after": {"seconds": 9}}, "integer_below_min_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "integer_above_max_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 10.5}}, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"seconds": True}}, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"seconds": "60"}}, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"seconds": None}}, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"anchor": "now"}}, "invalid_value", "expires_after.anchor"),
        ({"expires_after": {"minutes": 1}}, "unknown_parameter", "expires_after.minutes"),
        ({"expires_after": 60}, "invalid_type", "expires_after"),
        ({"voice": "alloy"}, "unknown_parameter", "voice"),
        ({"session": {}}, "missing_required_parameter", "session.type"),
        ({"session": {"type": "live"}}, "invalid_value", "session.type"),
        ({"session": None}, "invalid_type", "session"),
        ({"session": {"type": "realtime", "audio": 3}}, "invalid_type", "session.audio"),
        ({"session": {"type": "realtime", "voice": "alloy"}}, "unknown_parameter", "session.voice"),
        ({"session": {"type": "realtime", "id": "mine"}}, "unknown_parameter", "session.id"),
        (
            {"session": {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}},
            "invalid_value",
            "session.audio.output.voice",
        ),
        ([], "invalid_type", None),
        (b" ", None, None),
        (b"{", None, None),
        (b"\xff\xfe{}", None, None),
        (b'{"session": {"type": "realtime", "instructions": "\\ud800"}}', None, None),
        (b"[" * 100_000, None, None),
        (b'{"session": {"type": "realtime", "tools": ' + b"[" * 900 + b"]" * 900 + b"}}", "invalid_value", "session"),
    ],
)
def test_what_is_wrong_is_told(body: Any, code: str | None, param: str | None) -> None:
    error = Desk().refused(body)
    assert (error["code"], error["param"]) == (code, param)
    assert "session.update" not in error["message"]


@pytest.mark.parametrize(
    ("content_type", "good"),
    [("application/json", True), ("Application/JSON; charset=utf-8", True), ("", True), ("text/plain", False)],
)
def test_the_body_must_be_json(content_type: str, good: bool) -> None:
    for path in REST_PATHS:
        denied = Rest(Settings(), Access()).refusal(path, {}, {"content-type": content_type})
        assert (denied is None) == good
        assert denied is None or (denied.status, denied.code) == (400, "unsupported_content_type")


def test_what_is_remembered_has_a_bound() -> None:
    secrets = ClientSecrets(room=3 * 5000)

    def make(seconds: int, now: float) -> ClientSecret | Denied:
        return secrets.make(seconds, now, session=None, dialect="ga", size=900)

    first, second, third = make(10, 0), make(600, 0), make(600, 0)
    full = make(10, 5)
    assert isinstance(full, Denied)
    assert (full.status, full.code) == (429, "rate_limit_exceeded")
    assert isinstance(make(10, 10), ClientSecret)
    assert isinstance(first, ClientSecret)
    assert secrets.find(first.value) is None
    for kept in (second, third):
        assert isinstance(kept, ClientSecret)
        assert secrets.find(kept.value) is kept
        assert kept.value not in repr(kept)
    assert secrets.find("ek_\udcff\ud800") is None


def test_a_body_of_the_largest_size_is_kept() -> None:
    desk = Desk()
    session = {"type": "realtime", "instructions": "x" * (MAX_BODY - 100)}
    assert len(desk.create({"session": session})["session"]["instructions"]) == MAX_BODY - 100
