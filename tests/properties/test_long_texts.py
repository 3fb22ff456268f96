"""A long text takes another way through the codec than a short one; nobody may notice."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rtproto import Role, _codec
from rtproto._codec import LONG, Codec, DecodeError
from rtproto._jsontext import cut_out

KEYS = ['"delta"', '"audio"', '"type"', '"item_id"', '"d\\u0065lta"', '"\\"delta"', '"a\\\\"', '"x"']
STRINGS = ['""', '"AQID"', '"AQ=="', '"AQI"', '"A\\u0051ID"', '"\\"delta\\":\\""', '"{"', '"delta"', '"é"', '"\\ud800"']
TYPES = ['"response.output_audio.delta"', '"input_audio_buffer.append"', '"response.audio.delta"', '"unheard.of"', "[]"]
SERVER = (Role.SERVER, "ga")
PLACE = '"response_id":"r","item_id":"i","output_index":0,"content_index":0'
APPEND = '"type":"input_audio_buffer.append"'


def members(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects; keys may repeat and spaces stand anywhere."""
    pair = st.tuples(st.sampled_from(KEYS), st.sampled_from([":", ":", " : "]), value).map("".join)
    return st.lists(pair, max_size=4).map(lambda pairs: f"{{{','.join(pairs)}}}")


values = st.recursive(
    st.sampled_from([*STRINGS, *TYPES, "1", "null"]),
    lambda inner: st.one_of(members(inner), st.lists(inner, max_size=2).map(lambda items: f"[{','.join(items)}]")),
    max_leaves=4,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Texts of events with audio, much of it odd, some of it no JSON."""
    inner = draw(members(values))[1:-1]
    known = draw(st.sampled_from([PLACE, PLACE, '"event_id":"e"', ""]))
    kind = f'"type":{draw(st.sampled_from(TYPES))}'
    parts = draw(st.permutations([part for part in (inner, known, kind) if part]))
    text = draw(st.sampled_from(["", "", " "])) + "{" + ",".join(parts) + "}"
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(["", "", "", '"', "{", "\\", ","])) + text[at:]


def outcome(role: Role, dialect: str, text: str) -> Any:
    try:
        return Codec(role, dialect, 200).decode(text)
    except DecodeError as error:
        return error.reason, error.code, error.param


@given(texts(), st.sampled_from([SERVER, (Role.CLIENT, "ga"), (Role.CLIENT, "beta")]))
@example(f'{{{APPEND},"audio":"AQID"}}', SERVER)
@example(f'{{{APPEND},"x":{{"audio":"AQID"}},"audio":"AQ=="}}', SERVER)
@example(f'{{{APPEND},"audio" : "","x":{{"audio":"AQID"}}}}', SERVER)
@example(f'{{{APPEND},"audio":"AQID","audio":""}}', SERVER)
@example(f'{{{APPEND},"audio":"AQID","a\\u0075dio":""}}', SERVER)
@example(f'{{{APPEND},"x\\"audio":"AQID","audio":""}}', SERVER)
@example(f'{{{APPEND},"audio":"A\\u0051ID"}}', SERVER)
@example(f'{{{APPEND},"audio":"AQI"}}', SERVER)
@example(f'{{{APPEND},"audio":"AQID', SERVER)
@example('{"audio":"AQID"}', SERVER)
@example('{"type":[],"audio":"AQID"}', SERVER)
@example('{"type":"input_audio_buffer.clear","audio":"AQID"}', SERVER)
def test_length_does_not_change_what_a_text_means(text: str, end: tuple[Role, str]) -> None:
    short = outcome(*end, text)
    with patch.object(_codec, "LONG", 0):
        assert outcome(*end, text) == short


@given(texts(), st.sampled_from(['"delta":"', '"audio":"']))
def test_what_is_cut_out_is_what_was_there(text: str, opening: str) -> None:
    cut = cut_out(text, opening)
    if cut is None:
        return
    around, string = cut
    try:
        whole = json.loads(text)
    except ValueError:
        return
    assert {**json.loads(around), opening[1:-3]: json.loads(f'"{string}"')} == whole


@given(st.binary(min_size=3, max_size=30).map(lambda some: some * (LONG // 3)))
def test_long_audio_arrives_as_it_was_sent(sound: bytes) -> None:
    append = {"type": "input_audio_buffer.append", "audio": b64encode(sound).decode()}
    for text in (json.dumps(append), json.dumps(append, separators=(",", ":"))):
        assert Codec(Role.SERVER, "ga", 200).decode(text).audio == sound


@pytest.mark.parametrize("text", ["{}", '{"audio":"AQID', '{"audio" :"AQID"}', '[{"audio":"AQID"}]'])
def test_what_is_not_plain_stays_whole(text: str) -> None:
    assert cut_out(text, '"audio":"') is None
