"""Python objects -> wire objects: one generated function for each class. What is written depends on it alone."""

import math
from collections.abc import Callable
from typing import Any, get_args, get_origin

import attrs
from cattrs import Converter
from pybase64 import b64encode

from rtproto._unset import UNSET, UnsetType
from rtproto._wiretypes import Mismatch, arms_of, is_tagged, is_wire
from rtproto.events._base import UnknownObject


def unstructure_any_of(tp: Any, converter: Converter) -> Callable[[Any], Any]:
    """A value may be any alternative of `tp`; its own class says which."""
    arms = [arm for arm in arms_of(tp) if arm not in (UnsetType, type(None))]
    expected = " or ".join(getattr(arm, "__name__", str(arm)) for arm in arms)
    table: dict[type, Callable[[Any], Any]] = {}
    for arm in arms:
        table[get_origin(arm) or arm] = converter.get_unstructure_hook(arm)
    if float in table:
        table.setdefault(int, table[float])
    if bytes in table:
        table[bytearray] = table[memoryview] = table[bytes]
    if type(None) in arms_of(tp):
        table[type(None)] = same

    allowed = tuple(table)

    def hook(value: Any) -> Any:
        cls = value.__class__
        unstructure = table.get(cls)
        if unstructure is None:
            base = next((base for base in cls.__mro__ if base in allowed and cls is not bool), None)
            if base is None:
                raise Mismatch(expected, value)
            # An object of a dialect has fields of its own.
            unstructure = table[cls] = converter.get_unstructure_hook(cls if is_wire(cls) else base)
        return unstructure(value)

    return hook


def unstructure_list(tp: Any, converter: Converter) -> Callable[[Any], Any]:
    unstructure = unstructure_any_of(get_args(tp)[0], converter)

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


def unstructure_dict(tp: Any, converter: Converter) -> Callable[[Any], Any]:
    if get_args(tp)[1] is Any:
        return same
    unstructure = unstructure_any_of(get_args(tp)[1], converter)

    def hook(value: dict[str, Any]) -> dict[str, Any]:
        return {key: unstructure(item) for key, item in value.items()}

    return hook


def same(value: Any) -> Any:
    return value


def finite(value: Any) -> Any:
    """JSON has no NaN and no infinity, and null would clear the setting."""
    if not math.isfinite(value):
        raise Mismatch("a finite number", value)
    return value


def encode_base64(value: Any) -> str:
    return b64encode(value).decode("ascii")


def unknown_to_wire(value: UnknownObject) -> dict[str, Any]:
    return value.raw


def unstructure_class(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    return unstructure_without(cls, None, converter)


def unstructure_without(cls: Any, left_out: "str | None", converter: Converter) -> Callable[[Any], Any]:
    """Writes the function that turns a `cls` into its wire object: what is not UNSET or `left_out`, then `extra`."""
    names: dict[str, Any] = {"UNSET": UNSET, "Mismatch": Mismatch}
    tag = {"type": cls.type} if is_tagged(cls) else {}
    lines = ["def unstructure(e):", f" d = {tag!r}"]
    for field in attrs.fields(cls):
        if field.name in ("extra", left_out) or not field.init:
            continue
        name, hook = field.name, f"hook_{field.name}"
        pad = " "
        lines.append(f" v = e.{name}")
        if UnsetType in arms_of(field.type) or field.type is Any:
            lines.append(" if v is not UNSET:")
            pad = "  "
        if field.type is Any:
            lines.append(f"{pad}d[{name!r}] = v")
            continue
        names[hook] = unstructure_any_of(field.type, converter)
        lines.append(f"{pad}try: d[{name!r}] = {hook}(v)")
        lines.append(f"{pad}except Mismatch as m: m.path.append({name!r}); raise")
    lines += [" if e.extra: d = {**e.extra, **d}", " return d"]
    exec("\n".join(lines), names)
    hook_function: Callable[[Any], Any] = names["unstructure"]
    return hook_function
