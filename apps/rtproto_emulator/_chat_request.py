"""What a chat server is asked: a conversation in the words of OpenAI's `POST /chat/completions`."""

from __future__ import annotations

from typing import Any

from rtproto import events, value

from ._engines import Context
from ._tokens import item_text, part_text

_NO_WORDS = "(no words were understood)"
_NO_OUTPUT = "(there is no output yet)"

Message = dict[str, Any]


def request(context: Context, model: str) -> dict[str, Any]:
    """The whole body, which asks for a stream."""
    asked: dict[str, Any] = {"model": model, "messages": messages(context), "stream": True}
    if context.tools:
        asked["tools"] = [_tool(tool) for tool in context.tools]
        asked["tool_choice"] = _choice(context.tool_choice)
    return asked


def messages(context: Context) -> list[Message]:
    """Instructions, then what was said; a call's output right after the call, wherever it came: servers demand it."""
    told: list[Message] = []
    if context.instructions:
        told.append({"role": "system", "content": context.instructions})
    outputs = {item.call_id: item.output for item in context.items if isinstance(item, events.FunctionCallOutputItem)}
    calls: list[events.FunctionCallItem] = []
    for item in context.items:
        if isinstance(item, events.FunctionCallItem):
            calls.append(item)
            continue
        told += _called(told, calls, outputs)
        calls = []
        if isinstance(item, events.MessageItem):
            told += _said(item)
    return told + _called(told, calls, outputs)


def _said(item: events.MessageItem) -> list[Message]:
    if item.role == "user":
        return [{"role": "user", "content": _content(item)}]
    text = item_text(item)
    return [{"role": item.role, "content": text}] if text else []


def _content(item: events.MessageItem) -> str | list[Message]:
    """Plain text where there are no pictures: not every server knows parts."""
    parts: list[Message] = []
    pictures = False
    for part in item.content or []:
        if isinstance(part, events.InputImage):
            detail = {"detail": part.detail} if part.detail else {}
            parts.append({"type": "image_url", "image_url": {"url": value(part.image_url, ""), **detail}})
            pictures = True
        elif text := part_text(part):
            parts.append({"type": "text", "text": text})
    return parts if pictures else " ".join(part["text"] for part in parts) or _NO_WORDS


def _called(told: list[Message], calls: list[events.FunctionCallItem], outputs: dict[str, str]) -> list[Message]:
    """The assistant's message with these calls, and their outputs; words right before belong to that message."""
    if not calls:
        return []
    asked: list[Message] = []
    answered: list[Message] = []
    for call in calls:
        call_id = value(call.call_id, "")
        function = {"name": call.name, "arguments": call.arguments or "{}"}
        asked.append({"id": call_id, "type": "function", "function": function})
        answered.append({"role": "tool", "tool_call_id": call_id, "content": outputs.get(call_id, _NO_OUTPUT)})
    before = told.pop()["content"] if told and told[-1]["role"] == "assistant" else None
    return [{"role": "assistant", "content": before, "tool_calls": asked}, *answered]


def _tool(tool: events.FunctionTool) -> Message:
    fields = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": {name: held for name, held in fields.items() if held}}


def _choice(choice: events.ToolChoice) -> Any:
    if isinstance(choice, events.ToolChoiceFunction):
        return {"type": "function", "function": {"name": choice.name}}
    return choice if isinstance(choice, str) else "auto"
