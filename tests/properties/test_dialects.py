"""Every event of every dialect, with any value of its fields: what goes out comes in, and goes out the same again."""

import json
from functools import cache
from typing import Any, Literal, get_args, get_origin

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scaled

from rtproto import UNSET, Role, UnsetType, events
from rtproto._codec import Codec, vocabulary
from rtproto._dialects import DIALECTS, dialect
from rtproto._wiretypes import arms_of
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
