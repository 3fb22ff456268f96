"""Every event of every dialect, with any value of its fields: what goes out comes in, and goes out the same again."""

import copy
import json
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, get_args, get_origin

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scaled

from rtproto import UNSET, Role, UnsetType, events
from rtproto._codec import Codec, DecodeError, vocabulary
from rtproto._dialects import DIALECTS, dialect
from rtproto._dialects._dialect import Move
from rtproto._rules import OrderRules
from rtproto._wiretypes import arms_of
from rtproto.conversation import Conversation
from rtproto.events._base import WireObject

Side = Literal["client", "server"]

TEXT = st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
NEW = st.dictionaries(st.sampled_from(["x_new", "x_other"]), JSON, max_size=2)
"""Fields that nobody knows yet."""
ODD = st.builds(
    lambda raw, fields: events.UnknownObject(raw={"type": raw, **fields}), st.sampled_from(["odd", "x"]), NEW
)
ATOMS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=7),
    type(None): st.none(),
    UnsetType: st.just(UNSET),
    Any: JSON,
    events.UnknownObject: ODD,
}
ROLES = st.sampled_from(["user", "assistant", "system"])


@cache
def values(tp: Any) -> st.SearchStrategy[Any]:
    arms = [arm for arm in arms_of(tp) if arm is not events.VendorObject]
    if len(arms) > 1:
        return st.one_of([values(arm) for arm in arms])
    (arm,) = arms
    if arm in ATOMS:
        return ATOMS[arm]
    if get_origin(arm) is list:
        return st.lists(st.deferred(lambda: values(get_args(arm)[0])), max_size=2)
    if get_origin(arm) is dict:
        return st.dictionaries(TEXT, st.deferred(lambda: values(get_args(arm)[1])), max_size=2)
    return st.deferred(lambda: objects(arm))


@cache
def objects(cls: Any) -> st.SearchStrategy[Any]:
    fields = {
        field.name: ROLES if field.name == "role" else values(field.type)
        for field in attrs.fields(cls)
        if field.init and field.name != "extra"
    }
    return st.builds(cls, extra=NEW.map(lambda new: new or None), **fields)


SIDES: tuple[Side, ...] = ("client", "server")
EVENTS = [(name, side, cls) for name in DIALECTS for side in SIDES for cls in vocabulary(side, dialect(name)).values()]


@pytest.mark.parametrize(("name", "side", "cls"), EVENTS)
@settings(max_examples=scaled(12), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_goes_out_comes_in_and_goes_out_the_same(name: str, side: Side, cls: Any, data: st.DataObject) -> None:
    event = data.draw(objects(cls))
    client, server = Codec(Role.CLIENT, name, 200), Codec(Role.SERVER, name, 200)
    speaker, listener = (client, server) if side == "client" else (server, client)
    said = speaker.encode(event)
    assert said is not None
    heard = listener.decode(said.decode())
    again = speaker.encode(heard)
    assert again is not None
    assert json.loads(again) == json.loads(said)
    if name == "ga":
        assert heard == event


FOREIGN = [
    (name, side, cls)
    for name, side, cls in EVENTS
    if dialect(name).reshapes and any(field.name in ("session", "response", "item") for field in attrs.fields(cls))
]
FUNCTION = st.fixed_dictionaries({}, optional={"name": TEXT, "description": TEXT, "parameters": JSON, "x_new": JSON})
TOOL = st.builds(
    lambda flat, nested: {"type": "function", **flat, **({} if nested is None else {"function": nested})},
    FUNCTION,
    st.none() | FUNCTION,
)
PART = st.builds(lambda kind: {"type": kind}, st.sampled_from(["text", "audio", "output_text", "output_audio"]))
ITEM = st.builds(lambda role, content: {"type": "message", "role": role, "content": content}, ROLES, st.lists(PART))
ODDITIES: dict[str, st.SearchStrategy[Any]] = {
    "tools": st.lists(TOOL, max_size=2),
    "output": st.lists(ITEM, max_size=2),
    "input": st.lists(ITEM, max_size=2),
    "type": st.sampled_from(["realtime", "transcription", "translation"]),
    "content": st.lists(PART, max_size=2),
}


def own_values(move: Move) -> st.SearchStrategy[Any]:
    own = [own for own, _ in move.pairs] + [ga for _, ga in move.pairs]
    return st.sampled_from(own) | JSON if own else JSON


def put(data: st.DataObject, wire: dict[str, Any], moves: tuple[Move, ...]) -> None:
    """What the dialect has in one place and GA in another, in either, both or none."""
    for move in moves:
        if data.draw(st.booleans()):
            wire[move.name] = data.draw(own_values(move))
        if move.rate and data.draw(st.booleans()):
            wire[move.rate] = data.draw(st.sampled_from([8000, 16000, 24000, None, "8000"]))
        if data.draw(st.booleans()):
            place: Any = wire
            for parent in move.path[:-1]:
                place = place.setdefault(parent, {}) if isinstance(place, dict) else {}
            if isinstance(place, dict):
                place[move.path[-1]] = data.draw(own_values(move))


@pytest.mark.parametrize(("name", "side", "cls"), FOREIGN)
@settings(max_examples=scaled(30), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_comes_in_goes_out_in_whichever_of_two_ways_it_was_said(
    name: str, side: Side, cls: Any, data: st.DataObject
) -> None:
    which = dialect(name)
    speaker, listener = (Role.CLIENT, Role.SERVER) if side == "client" else (Role.SERVER, Role.CLIENT)
    said = Codec(speaker, name, 200).encode(data.draw(objects(cls)))
    assert said is not None
    wire = json.loads(said)
    put(data, wire, which.event)
    for place in ("session", "response", "item"):
        if place not in wire and data.draw(st.integers(0, 3)) == 0:
            wire[place] = {"type": data.draw(ODDITIES["type"] | JSON)}
    for place in ("session", "response", "item"):
        if isinstance(wire.get(place), dict):
            params = which.params if wire["type"] == "response.create" else which.response
            put(data, wire[place], which.session if place == "session" else params if place == "response" else ())
            for oddity, strategy in ODDITIES.items():
                if data.draw(st.integers(0, 3)) == 0:
                    wire[place][oddity] = data.draw(strategy)
    text = json.dumps(wire)
    try:
        heard = Codec(listener, name, 200).decode(text)
    except DecodeError:
        return  # a field of a wrong type: the raw text is in the Violation
    again = Codec(speaker, name, 200).encode(heard)
    assert again is not None
    assert json.loads(again) == wire


@pytest.mark.parametrize("name", ["beta", "azure-voicelive", "qwen"])
def test_an_event_that_came_under_the_name_of_ga_goes_out_so(name: str) -> None:
    where = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    text = json.dumps({"type": "response.output_text.delta", **where, "delta": "a"})
    heard = Codec(Role.CLIENT, name, 200).decode(text)
    assert json.loads(Codec(Role.SERVER, name, 200).encode(heard) or "") == json.loads(text)
    made = events.ResponseOutputTextDelta(response_id="r", item_id="i", output_index=0, content_index=0, delta="a")
    assert heard == made
    assert json.loads(Codec(Role.SERVER, name, 200).encode(made) or "")["type"] == "response.text.delta"


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda event: pickle.loads(pickle.dumps(event)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_goes_out_as_the_event_came(how: str) -> None:
    place = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    for wire in (
        {"type": "response.output_text.delta", **place, "delta": "a"},
        {"type": "session.updated", "session": {"output_modalities": ["text"], "audio": {"output": {"voice": "a"}}}},
        {"type": "session.updated", "session": {"modalities": ["text"]}},
    ):
        heard = Codec(Role.CLIENT, "beta", 200).decode(json.dumps(wire))
        again = COPIES[how](heard)
        assert again == heard
        assert json.loads(Codec(Role.SERVER, "beta", 200).encode(again) or "") == wire


def test_what_was_changed_after_it_came_is_said_in_the_words_of_the_dialect() -> None:
    text = '{"type":"session.update","session":{"modalities":["audio"],"output_modalities":["text"]}}'
    heard = Codec(Role.SERVER, "beta", 200).decode(text)
    changed = attrs.evolve(heard, session=attrs.evolve(heard.session, output_modalities=["audio"]))
    heard.session.output_modalities = ["audio"]
    for event in (changed, heard):
        sent = json.loads(Codec(Role.CLIENT, "beta", 200).encode(event) or "")
        assert sent["session"] == {"modalities": ["audio"]}


def test_every_object_is_among_them() -> None:
    reached: set[type] = set()

    def walk(tp: Any) -> None:
        for arm in arms_of(tp):
            for inner in get_args(arm):
                walk(inner)
            if isinstance(arm, type) and issubclass(arm, WireObject) and arm not in reached:
                reached.add(arm)
                for field in attrs.fields(arm):
                    walk(field.type)

    for cls in vocabulary("client", dialect("ga")).values():
        walk(cls)
    for cls in vocabulary("server", dialect("ga")).values():
        walk(cls)
    known = {cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, WireObject)}
    abstract = {events.ClientEvent, events.ServerEvent, events.ContentEvent, events.Unknown}
    assert known - reached == abstract


@cache
def said_in(name: str) -> st.SearchStrategy[tuple[bool, Any]]:
    """Whether the client says it, and any event of a dialect."""
    sides = {side: [objects(cls) for cls in vocabulary(side, dialect(name)).values()] for side in SIDES}
    return st.one_of([st.tuples(st.just(side == "client"), st.one_of(made)) for side, made in sides.items()])


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=scaled(20), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data(), from_start=st.booleans())
def test_nothing_that_is_said_in_a_dialect_breaks_a_conversation_or_the_rules(
    name: str, data: st.DataObject, from_start: bool
) -> None:
    conversation, rules = Conversation(keep_audio=True), OrderRules(from_start)
    for sent, event in data.draw(st.lists(said_in(name), max_size=5)):
        rules.feed(event)
        (conversation.sent if sent else conversation.received)(event)
        conversation.interrupt()
    for event in conversation.rebuild():
        Codec(Role.CLIENT, name, 200).encode(event)
