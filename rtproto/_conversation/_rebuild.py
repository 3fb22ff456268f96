"""What a new connection is told, so that the conversation goes on: the settings, and the items anew."""

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from rtproto._conversation._part import TrackedPart
from rtproto._conversation._tracked import TrackedItem
from rtproto._unset import UNSET, value
from rtproto.events import (
    AnySession,
    Content,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputText,
    RealtimeSession,
    TranscriptionSession,
)
from rtproto.events._base import WireObject

# ---- the settings ----

_NOT_SETTINGS = {
    *("id", "object", "expires_at", "model", "agent", "client_secret"),
    *("input_audio_format", "output_audio_format", "input_audio_transcription"),
    "extra",
}
"""What the session is, not how it is set; what xAI tells twice; and what rtproto does not know: a server may refuse
what it told itself."""

_GIVEN = "ice_servers"
"""Where Voice Live's avatar is reached: the next session has others."""

_SET_BY_NULL = {"turn_detection", "transcription", "noise_reduction"}
"""Null switches these off; elsewhere it says that nothing is set."""


def settings(session: "AnySession | None") -> "RealtimeSession | TranscriptionSession | None":
    """What to ask for to get a session like `session` again; None where its kind is not known."""
    if not isinstance(session, (RealtimeSession, TranscriptionSession)):
        return None
    # A dialect's own settings count, too; the server alone decides what its transcription session has beside them.
    cls: Any = type(session) if isinstance(session, RealtimeSession) else TranscriptionSession
    names = [field.name for field in attrs.fields(cls) if field.name not in _NOT_SETTINGS]
    again: RealtimeSession | TranscriptionSession = cls(
        **{name: _setting(name, getattr(session, name)) for name in names}
    )
    return again


def _setting(name: str, found: Any) -> Any:
    if name == _GIVEN:
        return UNSET
    if found is None:
        return None if name in _SET_BY_NULL or name == "extra" else UNSET
    if isinstance(found, WireObject):
        names = [field.name for field in attrs.fields(type(found))]
        return attrs.evolve(found, **{name: _setting(name, getattr(found, name)) for name in names})
    if isinstance(found, list):
        return [_setting("", each) for each in found]
    if name == "extra":
        return {key: value for key, value in found.items() if value is not None} or None
    return found


# ---- the items ----


def recreate(items: Iterable[TrackedItem]) -> list[Item]:
    """The items as a client may create them, in order and with their ids; without those that cannot be created."""
    found: list[Item] = []
    calls: set[str] = set()
    for item in items:
        again = _AGAIN.get(item.type, _cannot)(item)
        if isinstance(again, FunctionCallItem):
            calls.add(item.call_id)
        # Servers refuse an output whose call they do not know.
        if again is not None and not (isinstance(again, FunctionCallOutputItem) and item.call_id not in calls):
            found.append(again)
    return found


def _cannot(item: TrackedItem) -> None:
    return None


def _message(item: TrackedItem) -> "MessageItem | None":
    parts = (item.parts[index] for index in sorted(item.parts))
    again = _ROLES.get(item.role)
    content = [content for part in parts if again and (content := again(part)) is not None]
    return MessageItem(id=item.id, role=item.role, content=content) if content else None


def _input(part: TrackedPart) -> "Content | None":
    if isinstance(part.content, InputImage):
        url, detail = value(part.content.image_url, ""), part.content.detail or UNSET
        return InputImage(image_url=url, detail=detail) if url else None
    if part.audio and isinstance(part.content, InputAudio):
        return InputAudio(audio=bytes(part.audio))
    text = str(part.text) or str(part.transcript)
    return InputText(text=text) if text else None


def _output(part: TrackedPart) -> "Content | None":
    text = str(part.text) or part.heard
    return OutputText(text=text) if text else None


def _call(item: TrackedItem) -> "FunctionCallItem | None":
    # The arguments of a call that was not finished are not JSON, and nobody will answer it.
    if item.status in ("in_progress", "incomplete") or not item.call_id:
        return None
    return FunctionCallItem(id=item.id, call_id=item.call_id, name=item.name, arguments=item.arguments)


def _call_output(item: TrackedItem) -> "FunctionCallOutputItem | None":
    said = item.said
    output = value(said.output, "") if isinstance(said, FunctionCallOutputItem) else ""
    return FunctionCallOutputItem(id=item.id, call_id=item.call_id, output=output)


_ROLES: "dict[str, Callable[[TrackedPart], Content | None]]" = {
    "user": _input,
    "system": _input,
    "assistant": _output,
}
_AGAIN: "dict[str, Callable[[TrackedItem], Item | None]]" = {
    MessageItem.type: _message,
    FunctionCallItem.type: _call,
    FunctionCallOutputItem.type: _call_output,
}
