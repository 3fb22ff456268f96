"""Scenario files: a good one, and what is said of every mistake."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from rtproto_emulator import Say, Scenario, ScenarioError, read_scenario

STEPS = "say, play, call, wait, error, fail, incomplete, fault, mcp"


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("seed: 7\nturns:\n  - match: Grüße\n    say: Guten Tag.\n", encoding="utf-8")
    scenario = read_scenario(path)
    assert scenario.seed == 7
    assert scenario.turns[0].steps == [Say("Guten Tag.")]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "1: null is no mapping; possible fields: turns, default, mcp, seed"),
        ("- say: hi", '1: [{"say": "hi"}] is no mapping; possible fields: turns, default, mcp, seed'),
        ("trns: []", "1: trns: there is no such field (did you mean turns?); possible: turns, default, mcp, seed"),
        ("turns: hello", "1: turns: \"hello\" is no list; begin each of its entries with '-'"),
        ("seed: -1", "1: seed: -1 is not possible; write a whole number from 0"),
        ("turns:\n- hi", '2: turn 1: "hi" is no mapping; possible fields: match, tool, heard, times, steps, ' + STEPS),
        ("turns:\n- match: hi", f"2: turn 1: it has no steps; possible: {STEPS}"),
        ("turns:\n- match: hi\n  steps: []", f"2: turn 1: it has no steps; possible: {STEPS}"),
        ("turns:\n- say: a\n- say: b\n  times: 0", "4: turn 2: times: 0 is not possible; write a whole number from 1"),
        ("turns:\n- say: a\n  times: true", "3: turn 1: times: true is not possible; write a whole number from 1"),
        ("turns:\n- say: 42", "2: turn 1: say: 42 is no text; put it in quotes"),
        ("turns:\n- say: yes", "2: turn 1: say: true is no text; put it in quotes"),
        ("turns:\n- say: ''", "2: turn 1: say: it is empty; write some text"),
        ("turns:\n- say: a\n  wait: 1", "3: turn 1: wait: beside say it is not possible; make a list of steps"),
        (
            "turns:\n- say: a\n  steps:\n  - say: b",
            "2: turn 1: say: beside steps it is not possible; make it one of them",
        ),
        (
            "turns:\n- steps:\n  - sya: b",
            f"3: turn 1, step 1: sya: there is no such field (did you mean say?); possible: {STEPS}",
        ),
        ("turns:\n- steps:\n  - say: a\n    wait: 1", f"3: turn 1, step 1: it has 2 fields; one of {STEPS}"),
        (
            "turns:\n- match: '('\n  say: a",
            "2: turn 1: match: it is no regular expression: missing ), unterminated subpattern",
        ),
        ("turns:\n- match: a\n  tool: f\n  say: a", "3: turn 1: tool: beside match it is not possible"),
        (
            "turns:\n- heard: {erorr: a}\n  say: a",
            "2: turn 1: heard.erorr: there is no such field (did you mean error?)",
        ),
        ("turns:\n- heard: 5\n  say: a", "2: turn 1: heard: 5 is no text; put it in quotes"),
        ("turns:\n- wait: soon", "2: turn 1: wait: 'soon' is no duration: write 2, 0.5s or 200ms, at most a day"),
        ("turns:\n- call: f", '2: turn 1: call: "f" is no mapping; possible fields: name, arguments'),
        ("turns:\n- call: {arguments: {}}", "2: turn 1: call.name: it is missing"),
        (
            "turns:\n- call: {name: f, arguments: 3}",
            "2: turn 1: call.arguments: 3 is not possible; write a mapping, or JSON as text",
        ),
        (
            "turns:\n- call:\n    name: f\n    arguments: {day: 2026-01-01}",
            "4: turn 1: call.arguments: it holds what JSON has not, such as a date; put that in quotes",
        ),
        (
            "turns:\n- play: gone.wav",
            "2: turn 1: play: cannot read FOLDER/gone.wav: there is no such file or folder; check the path",
        ),
        ("turns:\n- play: s.yaml", "2: turn 1: play: cannot read FOLDER/s.yaml: "),
        (
            "turns:\n- error: {colour: red}",
            "2: turn 1: error.colour: there is no such field; possible: code, message, type",
        ),
        (
            "turns:\n- incomplete: tired",
            '2: turn 1: incomplete: "tired" is not possible; choose one of content_filter, max_output_tokens',
        ),
        ("turns:\n- fault: clse", "2: turn 1: fault: there is no fault 'clse' (did you mean close?); choose one of"),
        ("turns:\n- fault: http:503", "2: turn 1: fault: http happens at the handshake, which is over; use --fault"),
        ("default: {steps: [{say: 1}]}", "1: default, step 1: say: 1 is no text; put it in quotes"),
        ("default: {match: a, say: b}", f"1: default: match: there is no such field; possible: steps, {STEPS}"),
        (
            "turns:\n- mcp: {server: a, tool: b}",
            '2: turn 1: mcp.server: "a" is unknown; possible: there is none under mcp',
        ),
        (
            "mcp:\n- server_label: a\n  tools: [{name: x}]\nturns:\n- mcp: {server: a, tool: b}",
            '5: turn 1: mcp.tool: "b" is unknown; possible: x',
        ),
        ("mcp:\n- tools: []", "2: mcp 1: server_label: it is missing"),
        ("mcp:\n- server_label: a\n  fails: 1", "3: mcp 1: fails: 1 is not possible; write true or false"),
        ("mcp:\n- server_label: a\n- server_label: a", '3: mcp 2: server_label: there are two servers "a"'),
        (
            "mcp:\n- server_label: a\n  tools:\n  - name: x\n  - name: x",
            '5: mcp 1, tool 2: name: there are two tools "x"',
        ),
        (
            "mcp:\n- server_label: a\n  tools:\n  - {name: x, output: o, error: {message: m}}",
            "4: mcp 1, tool 1: error: beside output it is not possible",
        ),
        (
            "mcp:\n- server_label: a\n  tools:\n  - {name: x, error: {message: m, type: odd}}",
            '4: mcp 1, tool 1: error.type: "odd" is not possible; choose one of protocol_error, http_error,',
        ),
        (
            "mcp:\n- server_label: a\n  tools:\n  - {name: x, input_schema: 5}",
            "4: mcp 1, tool 1: input_schema: 5 is no mapping",
        ),
        ("seed: 1\nseed: 2", "2: seed: it stands there twice"),
        ("turns: &a\n- say: x\ndefault:\n  steps: *a", "4: default: an alias (*) is not possible; write it out"),
        ("turns: &a [*a]", "1: turn 1: an alias (*) is not possible; write it out"),
        ("turns:\n  - say: 'open", "2: no YAML: found unexpected end of stream"),
        ("turns: [", "1: no YAML: expected the node content, but found '<stream end>'"),
        ("turns:\n- say: !!python/object:os.system x", "2: no YAML: could not determine a constructor for the tag"),
        ("turns:\n- say: 2026-99-99", " no YAML: month must be in 1..12"),
        ("a: 1\n---\nb: 2", "2: no YAML: but found another document"),
        ("turns: " + "[" * 500, " it is nested too deeply"),
        ("x: " + "y" * 1024 * 1024, " it is larger than 1048576 bytes; cut it"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, text: str, mistake: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=re.escape(f"{path}:{mistake.replace('FOLDER', str(tmp_path))}")) as told:
        read_scenario(path)
    assert "\n" not in str(told.value)


def test_what_is_no_text_is_no_scenario(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"turns:\n- say: \xff\xfe")
    with pytest.raises(ScenarioError, match="no YAML") as told:
        read_scenario(path)
    assert "\n" not in str(told.value)
    with pytest.raises(FileNotFoundError):
        read_scenario(tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    ("mapping", "mistake"),
    [
        (5, "5 is no mapping; possible fields: turns, default, mcp, seed"),
        ({"turns": [{"say": None}]}, "turn 1: say: null is no text; put it in quotes"),
    ],
)
def test_a_mapping_is_checked_as_a_file(mapping: Any, mistake: str) -> None:
    with pytest.raises(ScenarioError) as told:
        Scenario.parse(mapping)
    assert str(told.value) == mistake


def test_without_pyyaml_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError) as told:
        read_scenario("s.yaml")
    assert str(told.value) == "a scenario file needs PyYAML: pip install 'rtproto[emulator]'"
