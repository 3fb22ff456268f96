"""JSON values for the types that other packages declare for the protocol, made from their annotations."""

from __future__ import annotations

import base64
import datetime
import enum
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st

Fields = Mapping[str, tuple[Any, bool, str]]
"""Name on the wire -> annotation, whether it is required, and what the annotation does not tell: "audio", "error"."""

FieldsOf = Callable[[Any], "Fields | None"]
"""The fields of a model; None for what is no model."""

_AUDIO = st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode())
_ERRORS = st.fixed_dictionaries({}, optional={name: st.text(max_size=8) for name in ("code", "message", "param", "x")})
_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _INTEGERS | _FLOATS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
_ATOMS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: _INTEGERS,
    float: _FLOATS,
    bool: st.booleans(),
    type(None): st.none(),
    bytes: _AUDIO,
    object: _JSON,
    Any: _JSON,
    datetime.datetime: st.just("2026-11-01T00:00:00Z"),
}
_PLAIN: dict[Any, Any] = {
    str: "a",
    int: 7,
    float: 0.5,
    bool: True,
    type(None): None,
    bytes: "AAAA",
    object: {"k": [1, None]},
    Any: {"k": [1, None]},
    datetime.datetime: "2026-11-01T00:00:00Z",
}


def alternatives(tp: Any) -> tuple[Any, ...]:
    """The members of a union, flat; any other type is its own single one."""
    if get_origin(tp) is Annotated:
        return alternatives(get_args(tp)[0])
    if get_origin(tp) not in (Union, types.UnionType):
        return (tp,)
    return tuple(found for arm in get_args(tp) for found in alternatives(arm))


def _members(tp: Any) -> list[Any]:
    """The values of an Enum; none of anything else."""
    return [member.value for member in tp] if isinstance(tp, type) and issubclass(tp, enum.Enum) else []


def _values(literal: Any) -> list[Any]:
    return [value.value if isinstance(value, enum.Enum) else value for value in get_args(literal)]


def _no_variants(model: Any) -> tuple[Any, ...]:
    return ()


class Generator:
    """What can be said in the types of one package. `variants_of` gives the models that a base model stands for."""

    def __init__(self, fields_of: FieldsOf, variants_of: Callable[[Any], tuple[Any, ...]] = _no_variants) -> None:
        self._fields_of = fields_of
        self._variants_of = variants_of
        self.strategy = cache(self._strategy)

    def _arms(self, tp: Any) -> tuple[Any, ...]:
        found: list[Any] = []
        for arm in alternatives(tp):
            variants = self._variants_of(arm)
            found += [inner for variant in variants for inner in self._arms(variant)] if variants else [arm]
        return tuple(found)

    def _strategy(self, tp: Any, kind: str = "") -> st.SearchStrategy[Any]:
        arms = self._arms(tp)
        return st.one_of([self._strategy_of(arm, kind) for arm in arms])

    def _strategy_of(self, arm: Any, kind: str) -> st.SearchStrategy[Any]:
        if arm is str and kind == "audio":
            return _AUDIO
        if arm is Any and kind == "error":
            return _ERRORS
        if arm in _ATOMS:
            return _ATOMS[arm]
        if get_origin(arm) is Literal:
            return st.sampled_from(_values(arm))
        if get_origin(arm) is list:
            return st.lists(st.deferred(lambda: self.strategy(get_args(arm)[0])), max_size=2)
        if get_origin(arm) is dict:
            return st.dictionaries(
                st.text(max_size=5), st.deferred(lambda: self.strategy(get_args(arm)[1])), max_size=2
            )
        if _members(arm):
            return st.sampled_from(_members(arm))
        fields = self._fields_of(arm)
        assert fields is not None, f"no value is known for {arm}"
        return st.deferred(
            lambda: st.fixed_dictionaries(
                {name: self.strategy(of, kind) for name, (of, required, kind) in fields.items() if required},
                optional={
                    name: self.strategy(of, kind) for name, (of, required, kind) in fields.items() if not required
                },
            )
        )

    def least(self, model: Any) -> Any:
        """An object with only what it must have."""
        return {name: self._plain(of, kind, 0) for name, (of, required, kind) in self._known(model) if required}

    def nulls(self, model: Any) -> Any:
        """An object with null wherever it may stand."""
        return {
            name: None if type(None) in alternatives(of) else self._plain(of, kind, 0)
            for name, (of, required, kind) in self._known(model)
        }

    def most(self, model: Any) -> list[Any]:
        """Objects with everything, in which each alternative of each field stands once."""
        fields = self._known(model)
        longest = max((len(self._arms(of)) for _, (of, _, _) in fields), default=1)
        return [{name: self._plain(of, kind, i) for name, (of, _, kind) in fields} for i in range(longest)]

    def _known(self, model: Any) -> list[tuple[str, tuple[Any, bool, str]]]:
        return list((self._fields_of(model) or {}).items())

    def _plain(self, tp: Any, kind: str, turn: int) -> Any:
        arms = [arm for arm in self._arms(tp) if arm is not type(None)] or [type(None)]
        return self._plain_of(arms[turn % len(arms)], kind, turn)

    def _plain_of(self, arm: Any, kind: str, turn: int) -> Any:
        if arm is str and kind == "audio":
            return "AAAA"
        if arm in _PLAIN:
            return _PLAIN[arm]
        if get_origin(arm) is Literal:
            return _values(arm)[turn % len(_values(arm))]
        if get_origin(arm) is list:
            return [self._plain(member, "", turn) for member in self._arms(get_args(arm)[0])]
        if get_origin(arm) is dict:
            return {f"k{i}": self._plain(of, "", turn) for i, of in enumerate(self._arms(get_args(arm)[1]))}
        if _members(arm):
            return _members(arm)[0]
        return {name: self._plain(of, kind, turn) for name, (of, _, kind) in self._known(arm)}
