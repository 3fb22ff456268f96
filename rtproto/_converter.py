"""How wire objects and Python objects turn into one another: a cattrs Converter with hooks of our own.

A dialect with classes of its own has a converter of its own for what it reads.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from cattrs import Converter

from rtproto._structure import (
    INLINE_CHECKS,
    Hook,
    structure_any_of,
    structure_atom,
    structure_class,
    structure_dict,
    structure_either,
    structure_list,
    structure_null,
)
from rtproto._unstructure import (
    encode_base64,
    finite,
    same,
    unknown_to_wire,
    unstructure_class,
    unstructure_dict,
    unstructure_list,
)
from rtproto._wiretypes import is_dict, is_list, is_tagged, is_union, is_wire
from rtproto.events._base import UnknownObject, VendorObject


def converter_with(
    own: Iterable[type] = (), may_lack: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> Converter:
    """A converter for a dialect that has the wire classes `own`.

    One that derives from a class of `rtproto.events` is read in its place where one of its own fields is there; a
    `VendorObject` is read wherever one may stand. An object whose type is in `may_lack`, and which lacks one of these
    fields, becomes an UnknownObject.
    """
    own = tuple(own)
    objects = tuple(cls for cls in own if issubclass(cls, VendorObject) and is_tagged(cls))
    in_place_of = {cls.__base__: cls for cls in own}

    def structure(cls: Any, made: Converter) -> Hook:
        found = in_place_of.get(cls)
        return structure_class(cls, made) if found is None else structure_either(cls, found, made)

    built = Converter()
    built.register_structure_hook_factory(is_union, lambda tp, made: structure_any_of(tp, made, objects, may_lack))
    built.register_structure_hook_factory(is_list, structure_list)
    built.register_structure_hook_factory(is_dict, structure_dict)
    built.register_structure_hook_factory(is_wire, structure)
    for atom in INLINE_CHECKS:
        built.register_structure_hook(atom, structure_atom(atom))
    built.register_structure_hook_func(lambda tp: tp is Any or tp is type(None), structure_null)
    built.register_unstructure_hook_factory(is_list, unstructure_list)
    built.register_unstructure_hook_factory(is_dict, unstructure_dict)
    built.register_unstructure_hook_factory(is_wire, unstructure_class)
    built.register_unstructure_hook_func(lambda tp: tp in INLINE_CHECKS or tp is Any, same)
    built.register_unstructure_hook(bytes, encode_base64)
    built.register_unstructure_hook(float, finite)
    built.register_unstructure_hook_func(lambda tp: tp is UnknownObject, unknown_to_wire)
    return built


converter = converter_with()
"""Turns wire dicts (fresh ones: they are consumed) into classes of `rtproto.events`, and objects of any into dicts."""
