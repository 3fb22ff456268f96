"""`rtproto events`: the vocabulary of each dialect, for people and for programs (rtproto_cli)."""

import importlib
import json
import re
from typing import Any

import commands
import pytest
from commands import Done
from rtproto_cli._vocabulary import all_classes, entries, fields, own_fields, qualified, summary, type_name

from rtproto import UnsetType, events
from rtproto._codec import vocabulary
from rtproto._dialects import DIALECTS, dialect


def run(*arguments: str) -> Done:
    return commands.run("events", *arguments)


def told(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    def of_width(columns: int) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))

    return of_width


def lines(*arguments: str) -> list[str]:
    """What is printed, without its colours."""
    return [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in run(*arguments).stdout.splitlines()]


# ---- the vocabulary ----


def test_the_public_name_and_the_summary_of_every_class() -> None:
    for name in DIALECTS:
        for cls in all_classes(dialect(name)):
            module, _, own = qualified(cls).rpartition(".")
            assert getattr(importlib.import_module(module), own) is cls
            assert summary(cls)
            assert len(list(fields(cls))) >= len([field for field in own_fields(cls) if field != "extra"]) - 1


@pytest.mark.parametrize(
    ("tp", "name"),
    [
        (str, "str"),
        (bool | UnsetType | None, "bool"),
        (list[str] | UnsetType | None, "list[str]"),
        (str | float | UnsetType | None, "str | float"),
        (dict[str, Any], "dict[str, Any]"),
        (list[events.Item], "list[Item]"),
        (events.Item | UnsetType | None, "Item"),
    ],
)
def test_the_name_of_a_type(tp: Any, name: str) -> None:
    assert type_name(tp) == name


# ---- the dialects ----


def test_every_dialect_is_listed() -> None:
    head, *rows = lines()
    assert head.split() == ["dialect", "client", "server", "what", "it", "is"]
    assert [row.split()[0] for row in rows] == list(DIALECTS)
    for found in told()["dialects"]:
        which = dialect(found["name"])
        assert (found["title"], found["about"]) == (which.title, which.about)
        counts = {side: len(vocabulary(side, which)) for side in ("client", "server")}
        assert {side: found[side] for side in counts} == counts


# ---- the events of one ----


@pytest.mark.parametrize("name", DIALECTS)
def test_every_event_of_a_dialect_is_listed(name: str) -> None:
    found = told("--dialect", name)
    assert [each["type"] for each in found["events"]] == [entry.type for entry in entries(dialect(name))]
    head, *rows = lines("--dialect", name)
    assert ("GA type" in head) == any(each["ga_type"] for each in found["events"])
    assert [row.split()[0] for row in rows] == [each["type"] for each in found["events"]]


def test_an_event_of_another_name_names_its_ga_type() -> None:
    (found,) = [each for each in told("--dialect", "beta")["events"] if each["type"] == "response.audio.delta"]
    assert found == {
        "said_by": "server",
        "type": "response.audio.delta",
        "ga_type": "response.output_audio.delta",
        "class": "rtproto.events.ResponseOutputAudioDelta",
        "summary": summary(events.ResponseOutputAudioDelta),
    }


def test_a_dialect_there_is_not() -> None:
    done = run("--dialect", "latin")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("rtproto: there is no dialect 'latin'; choose one of ga, ")


# ---- one of them ----


def test_the_fields_of_an_event_by_any_of_its_names() -> None:
    for name in ("response.audio.delta", "response.output_audio.delta", "rtproto.events.ResponseOutputAudioDelta"):
        found = told(name)["found"][0]
        assert found["class"] == "rtproto.events.ResponseOutputAudioDelta"
        assert found["types"]["response.audio.delta"] == ["beta", "azure-voicelive", "qwen"]
        assert {"name": "delta", "type": "bytes", "optional": False} in found["fields"]
        assert {"name": "event_id", "type": "str", "optional": True} in found["fields"]
        assert {"extra", "wire_type"}.isdisjoint(field["name"] for field in found["fields"])


def test_a_class_that_dialects_have_of_their_own() -> None:
    classes = {each["class"] for each in told("RealtimeSession")["found"]}
    assert {"rtproto.events.RealtimeSession", "rtproto.events.voice_live.RealtimeSession"} < classes
    (xai, ga) = told("RealtimeSession", "--dialect", "xai")["found"]
    assert (xai["class"], ga["class"]) == ("rtproto.events.xai.RealtimeSession", "rtproto.events.RealtimeSession")


def test_an_object_by_its_class_and_by_its_type() -> None:
    by_class, by_type = told("MessageItem"), told("message")
    assert by_class == by_type
    assert by_class["found"][0]["unions"]["Content"]
    shown = lines("MessageItem")
    assert shown[0] == "rtproto.events.MessageItem"
    assert shown[2] == "type: message"
    assert re.fullmatch(r"role +str +always there", shown[7])
    assert re.fullmatch(r"status +str +may be absent or null", shown[8])
    assert shown[-1].startswith("Content: InputAudio, ")


def test_several_are_shown_apart() -> None:
    shown = lines("ResponseUsage")
    assert shown[0] == "rtproto.events.xai.ResponseUsage" or "rtproto.events.ResponseUsage" in shown
    assert shown.count("") == 2 * len(told("ResponseUsage")["found"]) - 1
    assert "type: ping (xai)" in lines("ping")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RealtimeSesion", "any dialect is called 'RealtimeSesion'; did you mean RealtimeSession or "),
        ("response.audio.delt", "did you mean response.audio.delta or "),
        ("zzz", "`rtproto events --dialect ga` lists them"),
    ],
)
def test_a_name_there_is_not_gets_one_line_that_helps(name: str, hint: str) -> None:
    done = run(name)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert hint in done.stderr
    assert "of the dialect ga is" in run("session.avatar.connect", "--dialect", "ga").stderr


# ---- on a terminal ----


def test_a_wide_terminal_gets_a_table(terminal: Any) -> None:
    terminal(220)
    found = lines("--dialect", "beta")
    assert max(map(len, found)) <= 220
    (row,) = [line for line in found if line.startswith(" response.audio.delta ")]
    assert "rtproto.events.ResponseOutputAudioDelta " in row


@pytest.mark.parametrize("name", DIALECTS)
def test_a_narrow_terminal_gets_a_paragraph_for_each(terminal: Any, name: str) -> None:
    terminal(80)
    found = lines("--dialect", name)
    assert max(map(len, found)) <= 80
    types = [line for line in found if line and not line.startswith(" ")]
    assert types == [entry.type for entry in entries(dialect(name))]
    assert found[1] == "    said by  client"
    assert max(map(len, lines())) <= 80
    assert max(map(len, lines("RealtimeSession"))) <= 80


def test_the_rules_on_a_narrow_terminal(terminal: Any) -> None:
    terminal(40)
    shown = commands.run("validate", "--rules").stdout.splitlines()
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line).rstrip()) for line in shown) <= 40
