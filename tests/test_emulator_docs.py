"""The page on the local server: its scenario works, and it names every fault and every step."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from emulated import WRITTEN, Emulated, append, create, hears, only, voice, wrote
from rtproto_emulator import Settings, parse_fault, read_scenario
from rtproto_emulator._faults import KINDS
from rtproto_emulator._scenario import _STEPS

from rtproto import events

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "emulator.md").read_text(encoding="utf-8")


@pytest.fixture
def client(tmp_path: Path) -> Emulated:
    path = tmp_path / "weather.yaml"
    (scenario,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path.write_text(scenario, encoding="utf-8")
    return Emulated(Settings(pace=math.inf, scenario=read_scenario(path)))


def test_the_scenario_of_the_page(client: Emulated) -> None:
    client.say(WRITTEN, hears(turn_detection=None))
    client.say(wrote("Will it rain?"))
    said, call = only(client.say(events.ResponseCreate()) + client.finish(), events.ResponseDone).response.output
    assert (said.content[0].text, call.name, call.arguments) == ("Let me look.", "get_weather", '{"city": "Paris"}')
    output = events.FunctionCallOutputItem(call_id=call.call_id, output="sunny")
    client.say(events.ConversationItemCreate(item=output))
    assert answered(client) == "It is sunny in Paris."
    client.say(append(voice(0.5)), events.InputAudioBufferCommit())
    assert answered(client) == "Once upon a time there was a king."
    client.say(wrote("and now?"))
    assert answered(client) == "I know only of the weather."
    client.say(wrote("that is TOO MUCH"))
    response = only(client.say(events.ResponseCreate()) + client.finish(), events.ResponseDone).response
    assert response.status_details.error.code == "rate_limit_exceeded"
    client.say(wrote("a book"))
    tool = events.McpTool(server_label="library", server_url="https://example.com", require_approval="never")
    heard = client.say(create(output_modalities=["text"], tools=[tool])) + client.finish()
    call, said = only(heard, events.ResponseDone).response.output
    assert (call.output, said.content[0].text) == ("shelf 4", "Emma is on the shelf.")


def answered(client: Emulated) -> str:
    heard = client.say(events.ResponseCreate()) + client.finish()
    text: str = only(heard, events.ResponseOutputTextDone).text
    return text


def test_the_page_names_every_fault_and_every_step() -> None:
    kinds = [line for line in PAGE.splitlines() if line.startswith("| `")]
    named = re.findall(r"`([^`]+)`", "".join(line.split(" | ")[0] for line in kinds))
    for name in KINDS:
        (example, *_) = [text for text in named if text.split(":")[0] == name]
        assert parse_fault(example.replace(":reason", ":content_filter") if "incomplete" in example else example)
    for step in _STEPS:
        assert f"| `{step}: " in PAGE
