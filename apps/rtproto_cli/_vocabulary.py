"""What there is to say in each dialect, as the code knows it: pure, like the core.

`rtproto events` and the pages on the dialects show it.
"""

import importlib
import re
import types
from collections.abc import Iterator
from functools import cache
from typing import Any, Union, get_args, get_origin

import attrs

from rtproto import UnsetType, events
from rtproto._codec import Side, vocabulary
from rtproto._dialects import Dialect
from rtproto.events._base import WireObject

SIDES: tuple[Side, ...] = ("client", "server")


@attrs.frozen
class Entry:
    """An event of a dialect: who says it, its type on the wire there, and its class."""

    side: Side
    type: str
    cls: Any

    @property
    def ga_type(self) -> "str | None":
        """Its GA type, where that is another one."""
        return None if self.cls.type == self.type else str(self.cls.type)


def entries(which: Dialect) -> Iterator[Entry]:
    """Every event of a dialect, each side's by type."""
    for side in SIDES:
        for name, cls in sorted(vocabulary(side, which).items()):
            yield Entry(side, name, cls)


def _classes(module: str) -> tuple[Any, ...]:
    """The wire classes that a module, or the modules below it, define."""
    found = vars(importlib.import_module(module)).values()
    return tuple(
        cls for cls in found if isinstance(cls, type) and issubclass(cls, WireObject) and _defines(module, cls)
    )


def _defines(module: str, cls: type) -> bool:
    return f"{cls.__module__}.".startswith((f"{module}.", f"{module}._"))


def own_classes(which: Dialect) -> tuple[Any, ...]:
    """The classes that a dialect alone has."""
    return _classes(which.module) if which.module else ()


def all_classes(which: Dialect) -> tuple[Any, ...]:
    """Every event and object of a dialect: its own, and those of GA."""
    return own_classes(which) + _classes(events.__name__)


def own_fields(cls: Any) -> tuple[str, ...]:
    """The fields that a class adds to those of the class it derives from."""
    inherited = {field.name for base in cls.__bases__ if attrs.has(base) for field in attrs.fields(base)}
    return tuple(field.name for field in attrs.fields(cls) if field.name not in inherited)


def qualified(cls: Any) -> str:
    """The public name of a class: ``rtproto.events.SessionUpdate``."""
    parts = [part for part in cls.__module__.split(".") if not part.startswith("_")]
    return ".".join((*parts, cls.__name__))


def summary(cls: Any) -> str:
    """The first sentence of a class's documentation."""
    words = " ".join((cls.__doc__ or "").partition("\n\n")[0].split())
    return words.partition(". ")[0].removesuffix(".")


# ---- fields ----


@attrs.frozen
class FieldInfo:
    """A field: its name, the type of its value, and whether it may be absent or null."""

    name: str
    type: str
    optional: bool


def fields(cls: Any) -> Iterator[FieldInfo]:
    """The fields of an event or object, as they stand on the wire."""
    for field in attrs.fields(cls):
        if field.init and field.name != "extra":
            yield FieldInfo(field.name, type_name(field.type), UnsetType in _arms(field.type))


def type_name(tp: Any) -> str:
    """A type, in the words of a program; what an absent or null field has is left out."""
    arms = [arm for arm in _arms(tp) if arm not in (UnsetType, type(None))]
    union = _unions().get(frozenset(arms))
    if union and len(arms) > 1:
        return union
    return " | ".join(map(_arm_name, arms))


def unions_in(cls: Any) -> dict[str, tuple[str, ...]]:
    """The named unions in the fields of a class, each with its members."""
    text = " ".join(field.type for field in fields(cls))
    named = {name: arms for arms, name in _unions().items() if name in re.findall(r"\w+", text)}
    return {name: tuple(sorted(map(_arm_name, arms))) for name, arms in sorted(named.items())}


def _arm_name(tp: Any) -> str:
    inner = get_args(tp)
    name = str(getattr(tp, "__name__", tp))
    return f"{name}[{', '.join(map(type_name, inner))}]" if inner else name


def _arms(tp: Any) -> tuple[Any, ...]:
    return get_args(tp) if get_origin(tp) in (Union, types.UnionType) else (tp,)


@cache
def _unions() -> dict[frozenset[Any], str]:
    """The unions that `rtproto.events` names."""
    return {frozenset(_arms(tp)): name for name, tp in vars(events).items() if len(_arms(tp)) > 1}
