"""The `openai` package as an oracle: what its types declare, our codec keeps; each of its events has a class here."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal, get_args

import pydantic
import pytest
from conformance.generated import Generator, alternatives
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai._models import BaseModel
from openai.types.beta.realtime import realtime_client_event as beta_client
from openai.types.beta.realtime import realtime_server_event as beta_server
from openai.types.realtime import (
    realtime_client_event,
    realtime_server_event,
    realtime_translation_client_event,
    realtime_translation_server_event,
)
from scale import scaled

from rtproto import Role, events
from rtproto._codec import Codec, vocabulary
from rtproto._dialects import dialect

Side = Literal["client", "server"]

UNIONS: dict[tuple[str, Side], Any] = {
    ("ga", "server"): realtime_server_event.RealtimeServerEvent,
    ("ga", "client"): realtime_client_event.RealtimeClientEvent,
    ("ga-translation", "server"): realtime_translation_server_event.RealtimeTranslationServerEvent,
    ("ga-translation", "client"): realtime_translation_client_event.RealtimeTranslationClientEvent,
    ("beta", "server"): beta_server.RealtimeServerEvent,
    ("beta", "client"): beta_client.RealtimeClientEvent,
}
MODELS = [(name, side, model) for (name, side), union in UNIONS.items() for model in alternatives(union)]


def fields_of(model: Any) -> Any:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    audible = "AudioDelta" in model.__name__
    return {
        field.alias or name: (
            field.annotation,
            field.is_required(),
            "audio" if name == "audio" or (audible and name == "delta") else "",
        )
        for name, field in model.model_fields.items()
    }


GENERATED = Generator(fields_of)


def type_of(model: Any) -> str:
    (found,) = get_args(model.model_fields["type"].annotation)
    return str(found)


@cache
def _adapter(model: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(model)


def survives(name: str, side: Side, model: Any, wire: dict[str, Any]) -> None:
    """The wire object is valid there, typed here, and comes back the same."""
    adapter = _adapter(model)
    adapter.validate_json(json.dumps(wire), strict=True)
    client, server = Codec(Role.CLIENT, name, 200), Codec(Role.SERVER, name, 200)
    decoder, encoder = (client, server) if side == "server" else (server, client)
    event = decoder.decode(json.dumps(wire))
    assert not isinstance(event, events.Unknown)
    encoded = encoder.encode(event)
    assert encoded is not None
    assert json.loads(encoded) == wire
    adapter.validate_json(encoded, strict=True)


@pytest.mark.parametrize(("name", "side"), UNIONS)
def test_every_event_of_theirs_is_one_of_ours(name: str, side: Side) -> None:
    theirs = {type_of(model) for model in alternatives(UNIONS[name, side])}
    assert theirs - set(vocabulary(side, dialect(name))) == set()


@pytest.mark.parametrize(("name", "side", "model"), MODELS)
def test_options_on_off_and_null(name: str, side: Side, model: Any) -> None:
    survives(name, side, model, GENERATED.least(model))
    survives(name, side, model, GENERATED.nulls(model))
    for wire in GENERATED.most(model):
        survives(name, side, model, wire)


@pytest.mark.parametrize(("name", "side", "model"), MODELS)
@settings(max_examples=scaled(50), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_anything_that_they_can_say(name: str, side: Side, model: Any, data: st.DataObject) -> None:
    survives(name, side, model, data.draw(GENERATED.strategy(model)))
