"""What the type of a field asks for on the wire, and what is said where something else stands there."""

import types
from typing import Any, Union, get_args, get_origin

import attrs

from rtproto._unset import UNSET, UnsetType
from rtproto.events._base import UnknownObject, WireObject

JSON_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "a boolean", bytes: "base64 audio"}
JSON_NAMES |= {list: "an array", dict: "an object", type(None): "null"}


class Mismatch(Exception):
    """A value is not what its place on the wire asks for."""

    def __init__(self, expected: str, got: Any, *path: "str | int") -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got
        self.path: list[str | int] = list(path)

    @property
    def missing(self) -> bool:
        """Whether the field is absent, rather than of a wrong type."""
        return self.got is UNSET

    @property
    def param(self) -> str:
        """Where, as servers name it: ``item.content[0].text``."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in reversed(self.path))
        return "".join(steps).lstrip(".")

    @property
    def got_name(self) -> str:
        """What stood there instead, in JSON's words."""
        return JSON_NAMES.get(type(self.got), type(self.got).__name__)

    def answer(self, param: str) -> str:
        """The same in the words of OpenAI's servers; `param` is what they call the field."""
        if self.missing:
            return f"Missing required parameter: '{param}'."
        return f"Invalid type for '{param}': expected {self.expected}, but got {self.got_name} instead."

    def __str__(self) -> str:
        if self.missing:
            return f"{self.param} is missing"
        return f"{self.param} must be {self.expected}, not {self.got_name}"


def loosened(cls: Any) -> frozenset[str]:
    """The fields that an object may lack, though the class that it derives from always has them."""
    required = {field.name for field in attrs.fields(cls.__base__) if field.default is attrs.NOTHING}
    return frozenset(field.name for field in attrs.fields(cls) if field.default is not attrs.NOTHING) & required


def arms_of(tp: Any) -> tuple[Any, ...]:
    """The alternatives of a type; any other type is its own single one."""
    return get_args(tp) if get_origin(tp) in (Union, types.UnionType) else (tp,)


def is_wire(tp: Any) -> bool:
    return isinstance(tp, type) and issubclass(tp, WireObject)


def is_tagged(cls: Any) -> bool:
    """Whether ``type`` tells the class of an object, rather than being one of its fields."""
    return isinstance(getattr(cls, "type", None), str)


def is_union(tp: Any) -> bool:
    return len(arms_of(tp)) > 1


def is_list(tp: Any) -> bool:
    origin: Any = get_origin(tp)
    return origin is list


def is_dict(tp: Any) -> bool:
    origin: Any = get_origin(tp)
    return origin is dict


def kind_of(tp: Any) -> Any:
    """The JSON class of a type: dict for objects, list for arrays."""
    origin = get_origin(tp)
    if origin in (list, dict):
        return origin
    return dict if is_wire(tp) or tp is UnknownObject else tp


def expected_of(arms: tuple[Any, ...]) -> str:
    names = dict.fromkeys(JSON_NAMES.get(kind_of(arm), "a value") for arm in arms if arm is not UnsetType)
    return " or ".join(names)
