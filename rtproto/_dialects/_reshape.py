"""Wire objects of a dialect <-> those of GA, as a `Dialect` says it. Objects are changed in place.

What has no counterpart stays where it is, and so ends up in `extra` or in a field that the dialect alone has.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rtproto._dialects._dialect import Box, Dialect, Move, Wire
from rtproto._unset import UNSET

TRANSCRIPTION = "transcription_"
"""Before the name of a session event: a session that only transcribes (beta)."""

_MISFITS = {"format": str, "noise_reduction": str, "transcription": str, "turn_detection": str}
"""A GA field that holds an object: a value of this class has no counterpart there and stays in its place."""

_ITEM_LISTS = ("output", "input", "append_input_items")
_FUNCTION_FIELDS = ("name", "description", "parameters")


def to_ga(which: Dialect, name: str, wire: Wire) -> Any:
    """Reshapes the event `name`, which has no ``type`` of its own.

    Gives the type of its session where the dialect has none and the wire has one all the same, else UNSET.
    """
    explicit: Any = UNSET
    for box in which.unboxed:
        _box(wire, box)
    _move_in(wire, which.event)
    session, response = wire.get("session"), wire.get("response")
    session_type = which.session_type_in(name)
    if isinstance(session, dict):
        if session_type:
            explicit = session.get("type", UNSET)
            session.setdefault("type", "transcription" if name.startswith(TRANSCRIPTION) else session_type)
        for box in which.boxed:
            _unbox(session, box)
        _move_in(session, which.session)
        _hoist_functions(session.get("tools"))
    if isinstance(response, dict):
        _move_in(response, which.params if name == "response.create" else which.response)
        _hoist_functions(response.get("tools"))
    _rename_contents(wire, which.contents)
    return explicit


def from_ga(which: Dialect, wire: Wire, *, explicit: bool) -> None:
    """The way back; `explicit`: the session has its type on the wire."""
    for name in which.shaped:
        if name in wire:
            wire[name] = copied(wire[name])
    session, response = wire.get("session"), wire.get("response")
    session_type = which.session_type_in(wire["type"])
    if isinstance(session, dict) and session_type and not explicit:
        if session.get("type") == "transcription" and TRANSCRIPTION + wire["type"] in which.names:
            wire["type"] = TRANSCRIPTION + wire["type"]
        implied = "transcription" if wire["type"].startswith(TRANSCRIPTION) else session_type
        if session.get("type") == implied:
            del session["type"]
    _rename_contents(wire, {ga: name for name, ga in which.contents.items()})
    if isinstance(session, dict):
        _move_out(session, which.session)
        for box in which.boxed:
            _box(session, box)
        if session.get("type", session_type) == session_type:
            for name, said in which.session_needs.items():
                session.setdefault(name, said)
        _nest_functions(session.get("tools"), which.nests_tools)
    if isinstance(response, dict):
        _move_out(response, which.params if wire["type"] == "response.create" else which.response)
        _nest_functions(response.get("tools"), which.nests_tools)
    _move_out(wire, which.event)
    for box in which.unboxed:
        _unbox(wire, box)


# ---- fields that stand elsewhere ----


def _move_in(wire: Wire, moves: tuple[Move, ...]) -> None:
    for move in moves:
        if move.name not in wire:
            continue
        value, place = _value_in(move, wire), _place_for(move, wire)
        if place is None or isinstance(value, _MISFITS.get(move.path[-1], ())):
            continue
        for parent in move.path[:-1]:
            place = place.setdefault(parent, {})
        place[move.path[-1]] = value
        if _is_exact(move, wire):
            del wire[move.name]  # else it stays, in `extra`, so that it goes out as it came


def _move_out(wire: Wire, moves: tuple[Move, ...]) -> None:
    for move in moves:
        places = _places(move.path, wire)
        if places is None:
            continue
        *parents, leaf = move.path
        value = places[-1][leaf]
        back = _value_out(move, value)
        if (move.pairs and isinstance(back, dict)) or value == move.hollow:
            continue  # an object that the dialect has no name for stays where GA has it
        if move.name in wire:
            if _is_exact(move, wire):
                continue  # both places were taken on the wire
            if _value_in(move, wire) != value:
                wire[move.name] = back
        else:
            wire[move.name] = back
        if move.rate and isinstance(value, dict) and value.get("rate", _rate(move, wire)) != _rate(move, wire):
            wire[move.rate] = value["rate"]
        if move.hollow is not UNSET:
            places[-1][leaf] = copied(move.hollow)
            continue
        del places[-1][leaf]
        for place, parent in reversed(list(zip(places, parents, strict=False))):
            if not place[parent]:
                del place[parent]


def _value_in(move: Move, wire: Wire) -> Any:
    """What GA has for the dialect's value."""
    found = wire[move.name]
    value = next((copied(ga) for own, ga in move.pairs if own == found), found)
    if move.rate and isinstance(value, dict) and value.get("type") == "audio/pcm":
        value["rate"] = _rate(move, wire)
    return value


def _rate(move: Move, wire: Wire) -> int:
    """The sample rate in the dialect's own field, 24000 Hz where it has none."""
    rate = wire.get(move.rate or "")
    return rate if isinstance(rate, int) else 24000


def _value_out(move: Move, value: Any) -> Any:
    """What the dialect has for GA's value."""
    if move.rate and isinstance(value, dict) and value.get("type") == "audio/pcm" and set(value) <= {"type", "rate"}:
        value = {"type": "audio/pcm"}
    return next((own for own, ga in move.pairs if ga == value), value)


def _is_exact(move: Move, wire: Wire) -> bool:
    """Whether the dialect's value comes back from GA as it is."""
    back: bool = _value_out(move, _value_in(move, wire)) == wire[move.name]
    return back


def _place_for(move: Move, wire: Wire) -> "Wire | None":
    """`wire`, if GA's place in it is free: nothing stands there, or what the dialect has there meanwhile."""
    place: Any = wire
    for parent in move.path[:-1]:
        place = place.get(parent, {})
        if not isinstance(place, dict):
            return None
    return wire if place.get(move.path[-1], UNSET) == move.hollow else None


def _places(path: tuple[str, ...], wire: Wire) -> "list[Wire] | None":
    """The objects on the way to what stands at `path`; None where nothing does."""
    places: list[Any] = [wire]
    for parent in path[:-1]:
        places.append(places[-1].get(parent))
        if not isinstance(places[-1], dict):
            return None
    return places if path[-1] in places[-1] else None


# ---- texts that are objects elsewhere ----


def _box(wire: Wire, box: Box) -> None:
    text = wire.get(box.name)
    if isinstance(text, str):
        wire[box.name] = {**box.rest, box.field: text}


def _unbox(wire: Wire, box: Box) -> None:
    """Only where the object says nothing else: a text could not."""
    held = wire.get(box.name)
    said = {name: value for name, value in held.items() if value is not None} if isinstance(held, dict) else {}
    text = said.pop(box.field, None)
    if isinstance(text, str) and said == box.rest:
        wire[box.name] = text


# ---- what is called otherwise ----


def _rename_contents(wire: Wire, contents: Mapping[str, str]) -> None:
    for item in _items(wire):
        parts = item.get("content")
        if item.get("role") == "assistant" and isinstance(parts, list):
            for part in parts:
                if isinstance(part, dict) and isinstance(part.get("type"), str):
                    part["type"] = contents.get(part["type"], part["type"])


def _items(wire: Wire) -> Iterator[Wire]:
    """Every item in an event."""
    response = wire.get("response")
    found = [wire.get("item")]
    if isinstance(response, dict):
        found.append(response.get("pre_generated_assistant_message"))
        for name in _ITEM_LISTS:
            if isinstance(response.get(name), list):
                found += response[name]
    return (item for item in found if isinstance(item, dict))


def _hoist_functions(tools: Any) -> None:
    """GA has the fields of a function in the tool itself. What came nested stays there, too, so that it goes so."""
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict) and not _has_function_fields(tool):
            tool |= {name: tool["function"][name] for name in _FUNCTION_FIELDS if name in tool["function"]}


def _nest_functions(tools: Any, always: bool) -> None:
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("type") == "function":
            nested = tool.get("function", {} if always else None)
            if isinstance(nested, dict) and _has_function_fields(tool):
                kept = {name: value for name, value in nested.items() if name not in _FUNCTION_FIELDS}
                tool["function"] = {**kept, **{name: tool.pop(name) for name in _FUNCTION_FIELDS if name in tool}}


def _has_function_fields(tool: Wire) -> bool:
    return any(name in tool for name in _FUNCTION_FIELDS)


def copied(value: Any) -> Any:
    """`value` with objects and arrays of its own: what a caller keeps must not change under its hands."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value
