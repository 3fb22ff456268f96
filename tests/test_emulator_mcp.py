"""MCP servers that a scenario plays: how their tools are listed, called, and approved."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulated import WRITTEN, Emulated, every, only, refusal, types, wrote
from rtproto_emulator import Scenario, Settings

from rtproto import events, to_dict

SERVERS = [
    {
        "server_label": "books",
        "tools": [
            {"name": "find", "description": "Finds a book.", "input_schema": {"type": "object"}, "output": "Emma"},
            {"name": "buy", "error": {"type": "http_error", "code": 402, "message": "no money"}},
        ],
    },
    {"server_label": "broken", "fails": True},
]
FIND = {"mcp": {"server": "books", "tool": "find", "arguments": {"author": "Austen"}}}
LISTED = [
    "conversation.item.added",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "conversation.item.done",
]
CALLED = [
    "response.output_item.added",
    "conversation.item.added",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "conversation.item.done",
    "response.output_item.done",
]


def server(label: str = "books", **fields: Any) -> events.McpTool:
    return events.McpTool(server_label=label, server_url="https://example.com/mcp", **fields)


def named(*tools: events.McpTool) -> events.SessionUpdate:
    return events.SessionUpdate(session=events.RealtimeSession(output_modalities=["text"], tools=list(tools)))


def client(*steps: Any) -> Emulated:
    scenario = Scenario.parse({"mcp": SERVERS, "turns": [{"match": "book", "steps": list(steps)}]})
    return Emulated(Settings(pace=math.inf, scenario=scenario))


def test_the_tools_of_a_server_are_listed_once() -> None:
    e = client({"say": "Hm."})
    heard = e.say(named(server()))
    assert types(heard) == ["session.updated", *LISTED]
    item = only(heard, events.ConversationItemDone).item
    assert to_dict(only(heard, events.ConversationItemDone))["item"] == {
        "id": item.id,
        "type": "mcp_list_tools",
        "server_label": "books",
        "tools": [
            {"name": "find", "description": "Finds a book.", "input_schema": {"type": "object"}},
            {"name": "buy", "description": "", "input_schema": {"type": "object", "properties": {}}},
        ],
    }
    assert only(heard, events.McpListToolsCompleted).item_id == item.id
    assert types(e.say(named(server()))) == ["session.updated"]


@pytest.mark.parametrize("label", ["broken", "unheard-of"])
def test_a_server_that_does_not_tell_its_tools(label: str) -> None:
    heard = client({"say": "Hm."}).say(named(server(label)))
    assert types(heard)[1:] == [*LISTED[:2], "mcp_list_tools.failed", LISTED[3]]


def test_without_a_scenario_no_server_is_reached() -> None:
    assert types(Emulated().say(named(server())))[-2:] == ["mcp_list_tools.failed", "conversation.item.done"]


def test_a_response_names_a_server_too() -> None:
    e = client({"say": "Hm."})
    e.say(WRITTEN)
    heard = e.say(events.ResponseCreate(response=events.ResponseCreateParams(tools=[server()])))
    assert types(heard)[:5] == [*LISTED, "response.created"]


def test_a_tool_is_called_and_the_answer_goes_on() -> None:
    e = client({"say": "Let me see."}, FIND, {"say": "It is Emma."})
    e.say(named(server(require_approval="never")), wrote("which book?"))
    heard = e.say(events.ResponseCreate()) + e.finish()
    told = types(heard)
    assert told[told.index("response.output_item.added", 5) :][: len(CALLED)] == CALLED
    response = only(heard, events.ResponseDone).response
    assert [item.type for item in response.output] == ["message", "mcp_call", "message"]
    call = to_dict(only(heard, events.ResponseDone))["response"]["output"][1]
    assert call == {
        "id": call["id"],
        "type": "mcp_call",
        "server_label": "books",
        "name": "find",
        "arguments": '{"author": "Austen"}',
        "approval_request_id": None,
        "output": "Emma",
        "error": None,
    }
    deltas = every(heard, events.ResponseMcpCallArgumentsDelta)
    assert "".join(event.delta for event in deltas) == call["arguments"]


def test_a_tool_fails() -> None:
    e = client({"mcp": {"server": "books", "tool": "buy"}}, {"say": "No."})
    e.say(named(server(require_approval=events.McpApprovalFilter(never=events.McpToolFilter(tool_names=["buy"])))))
    heard = e.say(wrote("buy the book"), events.ResponseCreate()) + e.finish()
    assert "response.mcp_call.failed" in types(heard)
    call = to_dict(only(heard, events.ResponseDone))["response"]["output"][0]
    assert (call["output"], call["error"]) == (None, {"type": "http_error", "code": 402, "message": "no money"})


def test_a_server_that_the_session_does_not_name() -> None:
    e = client(FIND)
    heard = e.say(WRITTEN, wrote("book"), events.ResponseCreate()) + e.finish()
    call = only(heard, events.ResponseDone).response.output[0]
    assert call.error.message == "The session has no server books."


def approval(request: str, approve: bool) -> events.ConversationItemCreate:
    item = events.McpApprovalResponseItem(approval_request_id=request, approve=approve)
    return events.ConversationItemCreate(item=item)


def test_an_approved_call_goes_on() -> None:
    e = client({"say": "May I?"}, FIND, {"say": "It is Emma."})
    e.say(named(server()), wrote("which book?"))
    asked = only(e.say(events.ResponseCreate()) + e.finish(), events.ResponseDone).response.output[-1]
    assert (asked.type, asked.name, asked.arguments) == ("mcp_approval_request", "find", '{"author": "Austen"}')
    heard = e.say(approval(asked.id, True)) + e.finish()
    assert types(heard)[:3] == ["conversation.item.added", "conversation.item.done", "response.created"]
    call, message = only(heard, events.ResponseDone).response.output
    assert (call.type, call.output, call.approval_request_id) == ("mcp_call", "Emma", asked.id)
    assert message.content[0].text == "It is Emma."
    error = refusal(e.say(approval(asked.id, True)))
    assert error.message == f"MCP approval request '{asked.id}' not found in conversation."


def test_a_call_that_was_refused_is_never_made() -> None:
    e = client(FIND, {"say": "It is Emma."})
    e.say(named(server()), wrote("which book?"))
    asked = only(e.say(events.ResponseCreate()) + e.finish(), events.ResponseDone).response.output[-1]
    assert types(e.say(approval(asked.id, False)) + e.finish()) == ["conversation.item.added", "conversation.item.done"]
    heard = e.say(wrote("never mind"), events.ResponseCreate()) + e.finish()
    assert [item.type for item in only(heard, events.ResponseDone).response.output] == ["message"]
