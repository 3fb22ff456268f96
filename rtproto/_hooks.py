"""How wire objects and Python objects turn into one another: one cattrs Converter with hooks of our own.

Each class gets one generated function per direction. cattrs' own hooks for primitives coerce (None becomes "None",
1.9 becomes 1), which on this wire would hide a peer's mistake; these check exact classes instead.
"""

import math
import types
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin

import attrs
from cattrs import Converter
from pybase64 import b64decode, b64encode

from rtproto._unset import UNSET, UnsetType
from rtproto.events._base import UnknownObject, WireEvent, WireObject

Hook = Callable[[Any, Any], Any]

_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "a boolean", bytes: "base64 audio"}
_NAMES |= {list: "an array", dict: "an object", type(None): "null"}


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
        return _NAMES.get(type(self.got), type(self.got).__name__)

    def __str__(self) -> str:
        if self.missing:
            return f"{self.param} is missing"
        return f"{self.param} must be {self.expected}, not {self.got_name}"


def decode_base64(text: str) -> bytes:
    """The bytes of `text`: strictly, else tolerantly (no padding, newlines, URL-safe alphabet). Raises ValueError."""
    try:
        return b64decode(text, None, True)
    except Base64Error:
        text = "".join(text.split()).rstrip("=")
        return b64decode(text + "=" * (-len(text) % 4), b"-_" if "-" in text or "_" in text else None, True)


# ---- what a type asks for ----


def _arms(tp: Any) -> tuple[Any, ...]:
    """The alternatives of a type; any other type is its own single one."""
    return get_args(tp) if get_origin(tp) in (Union, types.UnionType) else (tp,)


def _is_wire(tp: Any) -> bool:
    return isinstance(tp, type) and issubclass(tp, WireObject)


def _is_union(tp: Any) -> bool:
    return len(_arms(tp)) > 1


def _is_list(tp: Any) -> bool:
    origin: Any = get_origin(tp)
    return origin is list


def _is_dict(tp: Any) -> bool:
    origin: Any = get_origin(tp)
    return origin is dict


def _kind(tp: Any) -> Any:
    """The JSON class of a type: dict for objects, list for arrays."""
    origin = get_origin(tp)
    if origin in (list, dict):
        return origin
    return dict if _is_wire(tp) or tp is UnknownObject else tp


def _expected(arms: tuple[Any, ...]) -> str:
    names = dict.fromkeys(_NAMES.get(_kind(arm), "a value") for arm in arms if arm is not UnsetType)
    return " or ".join(names)


# ---- wire -> objects ----


def _structure_list(tp: Any) -> Hook:
    (item_type,) = get_args(tp)
    structure = converter.get_structure_hook(item_type)

    def hook(wire: list[Any], _: Any) -> list[Any]:
        if wire.__class__ is not list:
            raise Mismatch(_NAMES[list], wire)
        out: list[Any] = []
        try:
            for item in wire:
                out.append(structure(item, item_type))
        except Mismatch as mismatch:
            mismatch.path.append(len(out))
            raise
        return out

    return hook


def _structure_dict(tp: Any) -> Hook:
    _, value_type = get_args(tp)
    structure = converter.get_structure_hook(value_type)

    def hook(wire: dict[str, Any], _: Any) -> dict[str, Any]:
        key = ""
        out = {}
        try:
            for key, item in wire.items():
                out[key] = structure(item, value_type)
        except Mismatch as mismatch:
            mismatch.path.append(key)
            raise
        return out

    return hook


def _structure_by_tag(classes: list[Any]) -> Hook:
    """Chooses the class by ``type``: no union is ever decoded by trying its members."""
    tags = {cls.type: (converter.get_structure_hook(cls), cls) for cls in classes if cls is not UnknownObject}

    def hook(wire: dict[str, Any], _: Any) -> Any:
        tag = wire.get("type")
        found = tags.get(tag) if isinstance(tag, str) else None
        if found is None:
            return UnknownObject(raw=wire)
        structure, cls = found
        del wire["type"]
        return structure(wire, cls)

    return hook


def _structure_any_of(tp: Any) -> Hook:
    arms = _arms(tp)
    table: dict[type, tuple[Hook, Any]] = {}
    objects = [arm for arm in arms if _kind(arm) is dict]
    if len(objects) > 1:
        table[dict] = (_structure_by_tag(objects), None)
    for arm in arms:
        if arm is not UnsetType and arm is not UnknownObject:
            table.setdefault(_kind(arm), (converter.get_structure_hook(arm), arm))
    expected = _expected(arms)
    lookup = table.get

    def hook(wire: Any, _: Any) -> Any:
        found = lookup(wire.__class__)
        if found is None:
            raise Mismatch(expected, wire)
        structure, arm = found
        return structure(wire, arm)

    return hook


_INLINE_CHECKS = {
    str: "v.__class__ is not str",
    int: "v.__class__ is not int",
    bool: "v.__class__ is not bool",
    float: "v.__class__ is not float and v.__class__ is not int",
}


def _structure_class(cls: Any) -> Hook:
    """Writes the function that turns a wire object (a fresh dict without ``type`` where it is a tag) into a `cls`."""
    names: dict[str, Any] = {"cls": cls, "new": cls.__new__, "UNSET": UNSET, "Mismatch": Mismatch}
    names |= {"decode_base64": decode_base64}
    lines = ["def structure(d, _):"]
    if not issubclass(cls, WireEvent):
        lines.append(f" if d.__class__ is not dict: raise Mismatch({_NAMES[dict]!r}, d)")
    lines += [" e = new(cls)", " pop = d.pop"]
    for field in attrs.fields(cls):
        if field.name == "extra":
            continue
        if not field.init:  # wire_type
            lines.append(f" e.{field.name} = {cls.type!r}")
            continue
        arms = _arms(field.type)
        kinds = [arm for arm in arms if arm not in (UnsetType, type(None))]
        absent = UnsetType in arms
        lines.append(f" v = pop({field.name!r}, UNSET)")
        wrong = f"raise Mismatch({_expected(arms)!r}, v, {field.name!r})"
        if field.type is Any:
            if field.default is attrs.NOTHING:
                lines.append(f" if v is UNSET: {wrong}")
            lines.append(f" e.{field.name} = v")
        elif len(kinds) == 1 and kinds[0] in _INLINE_CHECKS:
            allowed = " and v is not UNSET and v is not None" if absent else ""
            lines.append(f" if {_INLINE_CHECKS[kinds[0]]}{allowed}: {wrong}")
            lines.append(f" e.{field.name} = v")
        elif kinds == [bytes]:
            if absent:
                lines.append(" if v is not UNSET and v is not None:")
                lines.append(f"  if v.__class__ is not str: {wrong}")
                lines += ["  try: v = decode_base64(v)", f"  except ValueError: {wrong}"]
                lines.append(f" e.{field.name} = v")
            else:
                lines.append(" if v.__class__ is not bytes:")  # they are where the codec has cut them out
                lines.append(f"  if v.__class__ is not str: {wrong}")
                lines += ["  try: v = decode_base64(v)", f"  except ValueError: {wrong}"]
                lines.append(f" e.{field.name} = v")
        else:
            hook, tp = f"hook_{field.name}", f"type_{field.name}"
            names[hook], names[tp] = converter.get_structure_hook(field.type), field.type
            lines.append(" if v is not UNSET:" if absent else f" if v is UNSET: {wrong}")
            pad = "  " if absent else " "
            lines.append(f"{pad}try: v = {hook}(v, {tp})")
            lines.append(f"{pad}except Mismatch as m: m.path.append({field.name!r}); raise")
            lines.append(f" e.{field.name} = v")
    lines += [" e.extra = d or None", " return e"]
    exec("\n".join(lines), names)
    hook_function: Hook = names["structure"]
    return hook_function


def _structure_atom(tp: Any) -> Hook:
    expected = _NAMES[tp]
    allowed = (float, int) if tp is float else (tp,)

    def hook(wire: Any, _: Any) -> Any:
        if wire.__class__ not in allowed:
            raise Mismatch(expected, wire)
        return wire

    return hook


def _structure_null(wire: Any, _: Any) -> Any:
    return wire


# ---- objects -> wire ----


def _unstructure_any_of(tp: Any) -> Callable[[Any], Any]:
    """A value may be any alternative of `tp`; its own class says which."""
    arms = [arm for arm in _arms(tp) if arm not in (UnsetType, type(None))]
    expected = " or ".join(getattr(arm, "__name__", str(arm)) for arm in arms)
    table: dict[type, Callable[[Any], Any]] = {}
    for arm in arms:
        table[get_origin(arm) or arm] = converter.get_unstructure_hook(arm)
    if float in table:
        table.setdefault(int, table[float])
    if bytes in table:
        table[bytearray] = table[memoryview] = table[bytes]
    if type(None) in _arms(tp):
        table[type(None)] = _same

    def hook(value: Any) -> Any:
        unstructure = table.get(value.__class__)
        if unstructure is None:
            for cls in table:
                if isinstance(value, cls) and not isinstance(value, bool):
                    return table[cls](value)
            raise Mismatch(expected, value)
        return unstructure(value)

    return hook


def _unstructure_list(tp: Any) -> Callable[[Any], Any]:
    unstructure = _unstructure_any_of(get_args(tp)[0])

    def hook(value: list[Any]) -> list[Any]:
        out: list[Any] = []
        try:
            for item in value:
                out.append(unstructure(item))
        except Mismatch as mismatch:
            mismatch.path.append(len(out))
            raise
        return out

    return hook


def _unstructure_dict(tp: Any) -> Callable[[Any], Any]:
    if get_args(tp)[1] is Any:
        return _same
    unstructure = _unstructure_any_of(get_args(tp)[1])

    def hook(value: dict[str, Any]) -> dict[str, Any]:
        return {key: unstructure(item) for key, item in value.items()}

    return hook


def _same(value: Any) -> Any:
    return value


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity, and null would clear the setting."""
    if not math.isfinite(value):
        raise Mismatch("a finite number", value)
    return value


def _encode_base64(value: Any) -> str:
    return b64encode(value).decode("ascii")


def _unknown_to_wire(value: UnknownObject) -> dict[str, Any]:
    return value.raw


def _unstructure_class(cls: Any) -> Callable[[Any], Any]:
    return unstructure_without(cls, None)


def unstructure_without(cls: Any, left_out: "str | None") -> Callable[[Any], Any]:
    """Writes the function that turns a `cls` into its wire object: what is not UNSET or `left_out`, then `extra`."""
    names: dict[str, Any] = {"UNSET": UNSET, "Mismatch": Mismatch}
    tag = {"type": cls.type} if hasattr(cls, "type") and isinstance(cls.type, str) else {}
    lines = ["def unstructure(e):", f" d = {tag!r}"]
    for field in attrs.fields(cls):
        if field.name in ("extra", left_out) or not field.init:
            continue
        name, hook = field.name, f"hook_{field.name}"
        pad = " "
        lines.append(f" v = e.{name}")
        if UnsetType in _arms(field.type) or field.type is Any:
            lines.append(" if v is not UNSET:")
            pad = "  "
        if field.type is Any:
            lines.append(f"{pad}d[{name!r}] = v")
            continue
        names[hook] = _unstructure_any_of(field.type)
        lines.append(f"{pad}try: d[{name!r}] = {hook}(v)")
        lines.append(f"{pad}except Mismatch as m: m.path.append({name!r}); raise")
    lines += [" if e.extra: d = {**e.extra, **d}", " return d"]
    exec("\n".join(lines), names)
    hook_function: Callable[[Any], Any] = names["unstructure"]
    return hook_function


def _build() -> Converter:
    built = Converter()
    built.register_structure_hook_factory(_is_union, _structure_any_of)
    built.register_structure_hook_factory(_is_list, _structure_list)
    built.register_structure_hook_factory(_is_dict, _structure_dict)
    built.register_structure_hook_factory(_is_wire, _structure_class)
    for atom in _INLINE_CHECKS:
        built.register_structure_hook(atom, _structure_atom(atom))
    built.register_structure_hook_func(lambda tp: tp is Any or tp is type(None), _structure_null)
    built.register_unstructure_hook_factory(_is_list, _unstructure_list)
    built.register_unstructure_hook_factory(_is_dict, _unstructure_dict)
    built.register_unstructure_hook_factory(_is_wire, _unstructure_class)
    built.register_unstructure_hook_func(lambda tp: tp in _INLINE_CHECKS or tp is Any, _same)
    built.register_unstructure_hook(bytes, _encode_base64)
    built.register_unstructure_hook(float, _finite)
    built.register_unstructure_hook_func(lambda tp: tp is UnknownObject, _unknown_to_wire)
    return built


converter = _build()
"""Turns wire dicts (fresh ones: they are consumed) into the classes of `rtproto.events` and back."""
