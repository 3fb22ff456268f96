"""Wire objects -> Python objects: one generated function for each class.

cattrs' own hooks for primitives coerce (None becomes "None", 1.9 becomes 1), which on this wire would hide a peer's
mistake; these check exact classes instead.
"""

from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any, get_args

import attrs
from cattrs import Converter
from pybase64 import b64decode

from rtproto._unset import UNSET, UnsetType
from rtproto._wiretypes import JSON_NAMES, Mismatch, arms_of, expected_of, is_tagged, is_wire, kind_of, loosened
from rtproto.events._base import UnknownObject, VendorObject, WireEvent

Hook = Callable[[Any, Any], Any]
MayLack = Mapping[str, tuple[str, ...]]


def decode_base64(text: str) -> bytes:
    """The bytes of `text`: strictly, else tolerantly (no padding, newlines, URL-safe alphabet). Raises ValueError."""
    try:
        return b64decode(text, None, True)
    except Base64Error:
        text = "".join(text.split()).rstrip("=")
        return b64decode(text + "=" * (-len(text) % 4), b"-_" if "-" in text or "_" in text else None, True)


def structure_list(tp: Any, converter: Converter) -> Hook:
    (item_type,) = get_args(tp)
    structure = converter.get_structure_hook(item_type)

    def hook(wire: list[Any], _: Any) -> list[Any]:
        if wire.__class__ is not list:
            raise Mismatch(JSON_NAMES[list], wire)
        out: list[Any] = []
        try:
            for item in wire:
                out.append(structure(item, item_type))
        except Mismatch as mismatch:
            mismatch.path.append(len(out))
            raise
        return out

    return hook


def structure_dict(tp: Any, converter: Converter) -> Hook:
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


def _by_tag(classes: list[Any], converter: Converter, may_lack: MayLack) -> Hook:
    """Chooses the class by ``type``: no union is ever decoded by trying its members."""
    by_tag = {cls.type: cls for cls in classes if is_tagged(cls)}
    untagged = next((cls for cls in classes if not is_tagged(cls)), None)
    otherwise = _keep_unknown if untagged is None else converter.get_structure_hook(untagged)
    # Made when first used: objects may hold objects of their own kind.
    hooks: dict[Any, Hook] = {}

    def hook(wire: dict[str, Any], _: Any) -> Any:
        tag = wire.get("type")
        structure = hooks.get(tag) if tag.__class__ is str else None
        if structure is None:
            cls = by_tag.get(tag) if isinstance(tag, str) else None
            if cls is None or any(wire.get(name) is None for name in may_lack.get(cls.type, ())):
                return otherwise(wire, untagged)
            structure = converter.get_structure_hook(cls)
            if cls.type not in may_lack:
                hooks[tag] = structure
        del wire["type"]
        return structure(wire, None)

    return hook


def _keep_unknown(wire: dict[str, Any], _: Any) -> UnknownObject:
    return UnknownObject(raw=wire)


def structure_any_of(tp: Any, converter: Converter, own: tuple[type, ...], may_lack: MayLack) -> Hook:
    """`own` are the objects of the dialect, which may stand where the type admits a VendorObject."""
    arms = arms_of(tp)
    table: dict[type, tuple[Hook, Any]] = {}
    objects = [arm for arm in arms if is_wire(arm) and arm is not VendorObject]
    objects += own if VendorObject in arms else ()
    if UnknownObject in arms or len(objects) > 1:
        table[dict] = (_by_tag(objects, converter, may_lack), None)
    for arm in arms:
        if arm not in (UnsetType, UnknownObject, VendorObject):
            table.setdefault(kind_of(arm), (converter.get_structure_hook(arm), arm))
    expected = expected_of(arms)
    lookup = table.get

    def hook(wire: Any, _: Any) -> Any:
        found = lookup(wire.__class__)
        if found is None:
            raise Mismatch(expected, wire)
        structure, arm = found
        return structure(wire, arm)

    return hook


INLINE_CHECKS = {
    str: "v.__class__ is not str",
    int: "v.__class__ is not int",
    bool: "v.__class__ is not bool",
    float: "v.__class__ is not float and v.__class__ is not int",
}


def structure_class(cls: Any, converter: Converter) -> Hook:
    """Writes the function that turns a wire object (a fresh dict without ``type`` where it is a tag) into a `cls`."""
    names: dict[str, Any] = {"cls": cls, "new": cls.__new__, "UNSET": UNSET, "Mismatch": Mismatch}
    names |= {"decode_base64": decode_base64}
    lines = ["def structure(d, _):"]
    if not issubclass(cls, WireEvent):
        lines.append(f" if d.__class__ is not dict: raise Mismatch({JSON_NAMES[dict]!r}, d)")
    lines += [" e = new(cls)", " pop = d.pop"]
    for field in attrs.fields(cls):
        if field.name == "extra":
            continue
        if not field.init:  # wire_type
            lines.append(f" e.{field.name} = {cls.type!r}")
            continue
        arms = arms_of(field.type)
        kinds = [arm for arm in arms if arm not in (UnsetType, type(None))]
        absent = UnsetType in arms
        lines.append(f" v = pop({field.name!r}, UNSET)")
        wrong = f"raise Mismatch({expected_of(arms)!r}, v, {field.name!r})"
        if field.type is Any:
            if field.default is attrs.NOTHING:
                lines.append(f" if v is UNSET: {wrong}")
            lines.append(f" e.{field.name} = v")
        elif len(kinds) == 1 and kinds[0] in INLINE_CHECKS:
            allowed = " and v is not UNSET and v is not None" if absent else ""
            lines.append(f" if {INLINE_CHECKS[kinds[0]]}{allowed}: {wrong}")
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


def structure_either(base: Any, own: Any, converter: Converter) -> Hook:
    """An object of the dialect's class `own` where it has something of its own, or lacks what the class that all know
    always has; else one of that class."""
    may_lack = loosened(own)
    names = frozenset(own.__annotations__) - may_lack
    structure_own, structure_base = structure_class(own, converter), structure_class(base, converter)

    def hook(wire: Any, _: Any) -> Any:
        is_own = wire.__class__ is dict and (
            not names.isdisjoint(wire) or any(wire.get(name) is None for name in may_lack)
        )
        return (structure_own if is_own else structure_base)(wire, _)

    return hook


def structure_atom(tp: Any) -> Hook:
    expected = JSON_NAMES[tp]
    allowed = (float, int) if tp is float else (tp,)

    def hook(wire: Any, _: Any) -> Any:
        if wire.__class__ not in allowed:
            raise Mismatch(expected, wire)
        return wire

    return hook


def structure_null(wire: Any, _: Any) -> Any:
    return wire
