"""The REST side of the Realtime API, pure: a request in, its answer out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import orjson

from rtproto import Config, Role, Session, UnsetType, events
from rtproto.events import translation

from ._auth import Access, presented
from ._checks import check_client_session, check_fields
from ._denied import Denied
from ._habits import habits_of
from ._refusal import Refusal, invalid, missing, unknown
from ._session import default_session, default_translation, instructions_of, merged, updated_session
from ._settings import Settings

MAX_BODY = 1024 * 1024
"""Bytes of a request: the instructions and tools of the largest known sessions have some 100 kB."""

_SECONDS = 600
_MIN_SECONDS = 10
_MAX_SECONDS = 7200


@attrs.frozen
class _Kind:
    """What can be created: its dialect, and the event that would say the same of a session that is open."""

    dialect: str
    update: str = "session.update"

    @property
    def flat(self) -> bool:
        """The session is not in `session`, but the body itself, and the secret is in it: so it was in the beta."""
        return self.dialect == "beta"


_KINDS = {
    "/v1/realtime/client_secrets": _Kind("ga"),
    "/openai/v1/realtime/client_secrets": _Kind("ga"),
    "/v1/realtime/translations/client_secrets": _Kind("ga-translation"),
    "/openai/v1/realtime/translations/client_secrets": _Kind("ga-translation"),
    "/v1/realtime/sessions": _Kind("beta"),
    "/v1/realtime/transcription_sessions": _Kind("beta", "transcription_session.update"),
}
REST_PATHS = tuple(_KINDS)
"""Where something can be created with a POST."""


class Rest:
    """Creates client secrets, for who has a key."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self._settings = settings
        self._access = access

    def refusal(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Denied | None:
        """Why a POST to `path` is refused before its body is read, if so. Names of `headers` are lower-case."""
        if path not in _KINDS:
            return Denied(404, f"There is nothing to POST to at {path}, but at {', '.join(_KINDS)}.")
        denied = self._access.refusal(presented(query, headers))
        if denied is not None:
            return denied
        given = headers.get("content-type", "")
        if given.partition(";")[0].strip().lower() in ("application/json", ""):
            return None
        line = f"Unsupported content type: '{given}'. This API method only accepts 'application/json' requests."
        return Denied(400, line, "unsupported_content_type")

    def create(self, path: str, body: bytes, now: float) -> bytes | Denied:
        """The JSON that answers a POST of `body`; `now` is in seconds since 1970."""
        kind = _KINDS[path]
        try:
            asked = _object(body)
            if kind.dialect == "beta" and not self._settings.beta:
                message = "The Realtime Beta API is no longer supported. Please use /v1/realtime/client_secrets."
                raise Refusal("beta_api_shape_disabled", message)
            return self._create(kind, asked, len(body), now)
        except Refusal as refusal:
            return Denied(400, refusal.message, refusal.code, refusal.param)

    def _create(self, kind: _Kind, asked: dict[str, Any], size: int, now: float) -> bytes | Denied:
        if kind.flat:
            options = asked.pop("client_secret", None) or {}
            if not isinstance(options, dict):
                raise _not_a("client_secret", "an object", options)
            seconds = _seconds(options.get("expires_after", options.get("expires_at")), "client_secret.expires_after")
            wanted: events.AnySession | None = _wanted(kind, asked)
        else:
            for name in asked.keys() - {"expires_after", "session"}:
                raise unknown(name)
            seconds = _seconds(asked.get("expires_after"), "expires_after")
            wanted = _wanted(kind, asked["session"]) if "session" in asked else None
        effective = self._effective(kind, wanted, int(now) + seconds)
        secret = self._access.secrets.make(
            seconds,
            now,
            session=wanted,
            dialect=kind.dialect,
            size=size,
        )
        if isinstance(secret, Denied):
            return secret
        said = {"value": secret.value, "expires_at": secret.expires_at}
        session = _wire(kind, effective)
        return orjson.dumps({**session, "client_secret": said} if kind.flat else {**said, "session": session})

    def _effective(self, kind: _Kind, wanted: events.AnySession | None, expires_at: int) -> events.AnySession:
        """The whole session that `wanted` means. Refuses what a `session.update` would be refused."""
        session_id = self._settings.make_id("sess")
        if kind.dialect == "ga-translation":
            return _translation(wanted, session_id, expires_at)
        habits = habits_of(kind.dialect)
        # It has not begun, so it has no end: real servers say 0.
        default = default_session(
            session_id,
            0,
            habits,
            model=getattr(wanted, "model", None) or habits.model,
            instructions=instructions_of(self._settings.engines.responder),
            transcription=isinstance(wanted, events.TranscriptionSession),
        )
        return default if wanted is None else updated_session(default, wanted, default, habits, spoke=False, busy=False)


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        line = "We could not parse the JSON body of your request: it must be a JSON object, in UTF-8."
        raise Refusal(None, line) from None
    if not isinstance(asked, dict):
        raise Refusal("invalid_type", "The body of your request must be a JSON object.")
    return asked


def _seconds(expires_after: Any, at: str) -> int:
    if expires_after is None:
        return _SECONDS
    if not isinstance(expires_after, dict):
        raise _not_a(at, "an object", expires_after)
    for name in expires_after.keys() - {"anchor", "seconds"}:
        raise unknown(f"{at}.{name}")
    anchor = expires_after.get("anchor", "created_at")
    if anchor != "created_at":
        raise invalid(f"{at}.anchor", anchor, ("created_at",))
    seconds = expires_after.get("seconds", _SECONDS)
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise _not_a(f"{at}.seconds", "an integer", seconds)
    if seconds < _MIN_SECONDS:
        message = f"Invalid '{at}.seconds': integer below minimum value. Expected a value >= {_MIN_SECONDS}"
        raise Refusal("integer_below_min_value", f"{message}, but got {seconds} instead.", f"{at}.seconds")
    if seconds > _MAX_SECONDS:
        message = f"Invalid '{at}.seconds': integer above maximum value. Expected a value <= {_MAX_SECONDS}"
        raise Refusal("integer_above_max_value", f"{message}, but got {seconds} instead.", f"{at}.seconds")
    return seconds


_JSON_TYPES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer"}


def _not_a(at: str, expected: str, got: Any) -> Refusal:
    named = "null" if got is None else _JSON_TYPES.get(type(got), "a decimal")
    return Refusal("invalid_type", f"Invalid type for '{at}': expected {expected}, but got {named} instead.", at)


def _wanted(kind: _Kind, session: Any) -> events.AnySession:
    """The session as the codec reads it, with the refusals that it would give to an event."""
    if kind.dialect == "ga-translation" and isinstance(session, dict) and session.get("type") == "translation":
        session = {name: held for name, held in session.items() if name != "type"}
    try:
        message = orjson.dumps({"type": kind.update, "session": session}).decode()
    except TypeError:  # it writes less deep than it reads
        raise Refusal("invalid_value", "The session is nested too deeply.", "session") from None
    machine = Session(Role.SERVER, Config(dialect=kind.dialect))
    machine.open(0.0)
    machine.receive(message, 0.0)
    event = machine.next_event()
    if not isinstance(event, events.SessionUpdate) or isinstance(event.session, UnsetType):
        error = orjson.loads(str(machine.outgoing()[0]))["error"]
        raise Refusal(error["code"], error["message"].removeprefix(f"{kind.update}: "), error["param"])
    habits_of(kind.dialect).check_known(event)
    return event.session


def _translation(wanted: events.AnySession | None, session_id: str, expires_at: int) -> events.AnySession:
    if not isinstance(wanted, translation.TranslationSession) or not wanted.model:
        raise missing("session.model" if wanted else "session")
    habits = habits_of("ga-translation")
    check_client_session(wanted)
    check_fields(wanted, "session", habits.checks)
    default = default_translation(session_id, expires_at, wanted.model)
    effective: events.AnySession = merged(default, wanted, default, habits)
    return effective


def _wire(kind: _Kind, session: events.AnySession) -> dict[str, Any]:
    """The session's JSON, in the words of its dialect."""
    machine = Session(Role.SERVER, Config(dialect=kind.dialect))
    machine.open(0.0)
    machine.send(events.SessionCreated(event_id="", session=session), 0.0)
    said: dict[str, Any] = orjson.loads(str(machine.outgoing()[0]))["session"]
    return said
