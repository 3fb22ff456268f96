"""How servers that speak otherwise say the same things. A dialect is data: names, shapes and paths.

The vocabulary of rtproto is the GA one; a dialect maps wire objects onto it on the way in and back on the way out.
What has no counterpart stays where it is, and so ends up in `extra`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

Wire = dict[str, Any]


@attrs.frozen(kw_only=True)
class Dialect:
    """`names`: its event types -> the GA ones (the first of several is the one written). `absent`: GA events that it
    does not have, which are not sent. `to_ga` and `from_ga` reshape one wire event in place."""

    name: str
    names: Mapping[str, str] = attrs.field(factory=dict)
    absent: frozenset[str] = frozenset()
    to_ga: "Callable[[Wire], None] | None" = None
    from_ga: "Callable[[Wire], None] | None" = None


# ---- values that have another form ----

_FORMATS: dict[str, Wire] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
_CONTENT = {"text": "output_text", "audio": "output_audio"}
_CONTENT_BACK = {ga: beta for beta, ga in _CONTENT.items()}


def _format_to_ga(value: Any) -> Any:
    return dict(_FORMATS[value]) if isinstance(value, str) and value in _FORMATS else value


def _format_from_ga(value: Any) -> Any:
    for beta, ga in _FORMATS.items():
        if isinstance(value, dict) and {"rate": 24000, **value} == {"rate": 24000, **ga}:
            return beta
    return value


def _modalities_to_ga(value: Any) -> Any:
    return ["audio"] if value in (["text", "audio"], ["audio", "text"]) else value


def _modalities_from_ga(value: Any) -> Any:
    return ["text", "audio"] if value == ["audio"] else value


def _same(value: Any) -> Any:
    return value


# ---- fields that stand elsewhere: beta path, GA path, and how the value changes ----

Move = tuple[str, tuple[str, ...], Callable[[Any], Any], Callable[[Any], Any]]

_OUTPUT: tuple[Move, ...] = (
    ("modalities", ("output_modalities",), _modalities_to_ga, _modalities_from_ga),
    ("voice", ("audio", "output", "voice"), _same, _same),
    ("output_audio_format", ("audio", "output", "format"), _format_to_ga, _format_from_ga),
)
_SESSION: tuple[Move, ...] = (
    *_OUTPUT,
    ("speed", ("audio", "output", "speed"), _same, _same),
    ("input_audio_format", ("audio", "input", "format"), _format_to_ga, _format_from_ga),
    ("input_audio_transcription", ("audio", "input", "transcription"), _same, _same),
    ("input_audio_noise_reduction", ("audio", "input", "noise_reduction"), _same, _same),
    ("turn_detection", ("audio", "input", "turn_detection"), _same, _same),
    ("max_response_output_tokens", ("max_output_tokens",), _same, _same),
)
_PARAMS: tuple[Move, ...] = (*_OUTPUT, ("max_response_output_tokens", ("max_output_tokens",), _same, _same))
_MISFITS = {"format": str, "noise_reduction": str, "transcription": str, "turn_detection": str}
"""A GA field that holds an object: a value of this class has no counterpart there and stays in its place."""


def _leads_to_object(wire: Any, path: list[str]) -> bool:
    """Whether `path` leads to an object, one that is there or one that can be made."""
    for step in path:
        wire = wire.get(step, {})
        if not isinstance(wire, dict):
            return False
    return True


def _move_in(wire: Wire, moves: tuple[Move, ...]) -> None:
    for beta, (*parents, leaf), change, change_back in moves:
        if beta not in wire:
            continue
        value = change(wire[beta])
        if isinstance(value, _MISFITS.get(leaf, ())) or not _leads_to_object(wire, parents):
            continue
        place = wire
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
        if change_back(value) == wire[beta]:
            del wire[beta]  # else it stays, in `extra`, so that it goes out as it came


def _move_out(wire: Wire, moves: tuple[Move, ...]) -> None:
    for beta, (*parents, leaf), change, change_back in moves:
        places: list[Any] = [wire]
        for parent in parents:
            places.append(places[-1].get(parent) if isinstance(places[-1], dict) else None)
        if not isinstance(places[-1], dict) or leaf not in places[-1]:
            continue
        value = change_back(places[-1][leaf])
        if leaf == "format" and isinstance(value, dict):
            continue
        if beta not in wire or change(wire[beta]) != places[-1][leaf]:
            wire[beta] = value
        del places[-1][leaf]
        for place, parent in reversed(list(zip(places, parents, strict=False))):
            if not place[parent]:
                del place[parent]


def _copied(value: Any) -> Any:
    """`value` with objects and arrays of its own: what a caller keeps must not change under its hands."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _item(item: Any, contents: Mapping[str, str]) -> None:
    if isinstance(item, dict) and item.get("role") == "assistant" and isinstance(item.get("content"), list):
        for part in item["content"]:
            if isinstance(part, dict) and isinstance(part.get("type"), str):
                part["type"] = contents.get(part["type"], part["type"])


def _items(wire: Any, contents: Mapping[str, str]) -> None:
    for key in ("output", "input"):
        if isinstance(wire.get(key), list):
            for item in wire[key]:
                _item(item, contents)


def _beta_to_ga(wire: Wire) -> None:
    session, response = wire.get("session"), wire.get("response")
    if isinstance(session, dict):
        session.setdefault("type", "transcription" if wire["type"].startswith("transcription_") else "realtime")
        _move_in(session, _SESSION)
    if isinstance(response, dict):
        _move_in(response, _PARAMS if wire["type"] == "response.create" else _OUTPUT)
        _items(response, _CONTENT)
    _item(wire.get("item"), _CONTENT)


def _beta_from_ga(wire: Wire) -> None:
    for name in ("session", "response", "item"):
        if name in wire:
            wire[name] = _copied(wire[name])
    session, response = wire.get("session"), wire.get("response")
    if isinstance(session, dict):
        if session.get("type") == "transcription":
            wire["type"] = "transcription_" + wire["type"]
        if session.get("type") in ("transcription", "realtime"):
            del session["type"]
        _move_out(session, _SESSION)
    if isinstance(response, dict):
        _move_out(response, _PARAMS if wire["type"] == "response.create" else _OUTPUT)
        _items(response, _CONTENT_BACK)
    _item(wire.get("item"), _CONTENT_BACK)


_BETA_NAMES = {
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "conversation.item.created": "conversation.item.added",
    "transcription_session.update": "session.update",
    "transcription_session.updated": "session.updated",
    "transcription_session.created": "session.created",
    "output_audio_buffer.audio_started": "output_audio_buffer.started",
    "output_audio_buffer.audio_stopped": "output_audio_buffer.stopped",
    "output_audio_buffer.audio_cleared": "output_audio_buffer.cleared",
}
_ALIASES = frozenset(name for name in _BETA_NAMES if "transcription_session" in name or "buffer.audio_" in name)
"""Names that are understood, and written only for an event that came under them."""

GA = Dialect(name="ga")
BETA = Dialect(
    name="beta",
    names=_BETA_NAMES,
    absent=frozenset({"conversation.item.done"}),
    to_ga=_beta_to_ga,
    from_ga=_beta_from_ga,
)

DIALECTS: dict[str, Dialect] = {
    "ga": GA,
    "beta": BETA,
    "azure-voicelive": attrs.evolve(BETA, name="azure-voicelive", absent=frozenset()),
    "qwen": attrs.evolve(BETA, name="qwen"),
    "xai": attrs.evolve(GA, name="xai"),
}
"""Every dialect by its name."""


def dialect(name: str) -> Dialect:
    """The dialect called `name`. Raises ValueError for a name there is not."""
    try:
        return DIALECTS[name]
    except KeyError:
        raise ValueError(f"there is no dialect {name!r}; choose one of {', '.join(DIALECTS)}") from None


def written_names(which: Dialect) -> dict[str, str]:
    """GA types -> the names under which `which` writes them, where they differ."""
    return {ga: name for name, ga in which.names.items() if name not in _ALIASES}
