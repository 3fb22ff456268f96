"""The `azure-ai-voicelive` package as an oracle: what its models declare, our codec keeps."""

from __future__ import annotations

import datetime
import json
from functools import cache, reduce
from operator import or_
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from azure.ai.voicelive import _unions, models
from azure.ai.voicelive._utils.model_base import Model, _deserialize
from conformance.generated import Generator, alternatives
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scaled

from rtproto import Role, events
from rtproto._codec import Codec, vocabulary
from rtproto._dialects import dialect

NAME = "azure-voicelive"
NAMESPACE = {"_models": models, "_unions": _unions, "datetime": datetime}
Side = Literal["client", "server"]
BASES: dict[Side, Any] = {"client": models.ClientEvent, "server": models.ServerEvent}
MODELS = [(side, name, model) for side, base in BASES.items() for name, model in base.__mapping__.items()]
BASE64 = {("ServerEventResponseVideoDelta", "delta")}
"""Bytes that they leave as text."""
KINDS = {"audio": "audio", "error": "error"}
"""What their annotations do not tell: base64, and that an error is an object."""


def is_model(tp: Any) -> bool:
    # On Python 3.10 `list[str]` is a type, too.
    return get_origin(tp) is None and isinstance(tp, type) and issubclass(tp, Model)


def variants_of(model: Any) -> tuple[Any, ...]:
    return tuple(model.__dict__.get("__mapping__", {}).values()) if is_model(model) else ()


def resolved(tp: Any) -> Any:
    """`tp` without names in the place of types: Python 3.10 leaves those in a `list["..."]`."""
    if isinstance(tp, str):
        return getattr(models, tp.removeprefix("_models."))
    if get_origin(tp) in (list, dict):
        return get_origin(tp)[tuple(map(resolved, get_args(tp)))]
    arms = alternatives(tp)
    return reduce(or_, map(resolved, arms)) if len(arms) > 1 else tp


@cache
def fields_of(model: Any) -> Any:
    if not is_model(model):
        return None
    model.__new__(model)  # it learns its fields then
    hints = {name: resolved(hint) for name, hint in get_type_hints(model, NAMESPACE).items()}
    return {
        field._rest_name: (
            hints[name],
            type(None) not in alternatives(hints[name]),
            "audio" if (model.__name__, name) in BASE64 else KINDS.get(name, ""),
        )
        for name, field in model._attr_to_rest_field.items()
    }


GENERATED = Generator(fields_of, variants_of)


def read_all(thing: Any) -> None:
    """Their models turn a field into what it should be when it is read."""
    if is_model(type(thing)):
        for name in thing._attr_to_rest_field:
            read_all(getattr(thing, name))
    elif isinstance(thing, list):
        for item in thing:
            read_all(item)


def survives(side: Side, wire: dict[str, Any]) -> None:
    """The wire object is read there, typed here unless it lacks its item, and comes back the same."""
    read_all(_deserialize(BASES[side], wire))
    client, server = Codec(Role.CLIENT, NAME, 200), Codec(Role.SERVER, NAME, 200)
    decoder, encoder = (client, server) if side == "server" else (server, client)
    event = decoder.decode(json.dumps(wire))
    may_lack = dialect(NAME).may_lack.get(vocabulary(side, dialect(NAME))[wire["type"]].type, ())
    assert isinstance(event, events.Unknown) is any(wire.get(field) is None for field in may_lack)
    encoded = encoder.encode(event)
    assert encoded is not None
    assert json.loads(encoded) == wire
    read_all(_deserialize(BASES[side], json.loads(encoded)))


@pytest.mark.parametrize("side", BASES)
def test_every_event_of_theirs_is_one_of_ours(side: Side) -> None:
    assert set(BASES[side].__mapping__) - set(vocabulary(side, dialect(NAME))) == set()


@pytest.mark.parametrize(("side", "name", "model"), MODELS)
def test_options_on_off_and_null(side: Side, name: str, model: Any) -> None:
    survives(side, GENERATED.least(model))
    survives(side, GENERATED.nulls(model))
    for wire in GENERATED.most(model):
        survives(side, wire)


@pytest.mark.parametrize(("side", "name", "model"), MODELS)
@settings(max_examples=scaled(50), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_anything_that_they_can_say(side: Side, name: str, model: Any, data: st.DataObject) -> None:
    survives(side, data.draw(GENERATED.strategy(model)))
