"""Reading deep into wire objects of which any level may be absent, null, or of a kind that rtproto does not know."""

from typing import Any

import attrs

from rtproto.events import UnknownObject

_NODE = 32
"""Bytes that a number, or the frame of an object, takes at least in Python."""


def dig(found: Any, *path: str) -> Any:
    """What stands at `path`, a field at each step; None where the way ends before, `UNSET` where it is absent."""
    for name in path:
        found = found.raw if isinstance(found, UnknownObject) else found
        found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
    return found


def id_of(thing: object) -> str:
    """The id of an item or a response, "" where it has none."""
    found = dig(thing, "id")
    return found if isinstance(found, str) else ""


def size_of(thing: object) -> int:
    """About how many bytes `thing` takes: an object of the wire, or what JSON can hold."""
    if isinstance(thing, (str, bytes)):
        return _NODE + len(thing)
    if isinstance(thing, dict):
        return _NODE + sum(size_of(key) + size_of(value) for key, value in thing.items())
    if isinstance(thing, list):
        return _NODE + sum(map(size_of, thing))
    cls: Any = type(thing)
    names = [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []
    return _NODE + sum(size_of(getattr(thing, name)) for name in names)
