"""Items as clients give them: what stands in a conversation of them, and what a response reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from rtproto import UNSET, events, value

from ._asked import Asked
from ._conversation import Conversation, call_ids, with_transcript
from ._engines import Context
from ._refusal import Refusal, invalid, missing, too_long
from ._sound import Encoding, Sound

_CONTENT: dict[str, tuple[str, ...]] = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text", "output_audio"),
}
_TYPES = ("message", "function_call", "function_call_output", "mcp_approval_response")
_NEEDED = {"input_text": "text", "output_text": "text", "input_audio": "audio", "input_image": "image_url"}

_DETAILS = ("auto", "low", "high")
_PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/jpg;base64,")

_IDLE_TEXT = (
    "No user speech was detected for a while. Please review the recorded audio: If the user was speaking, respond "
    "naturally. If not, follow up on their last message to keep the conversation going or ask if they're still there."
)
"""What OpenAI's server tells its model when an idle timeout triggers (observed)."""


def taken(
    item: events.Item,
    make_id: Callable[[str], str],
    known_calls: Iterable[str],
    at: str,
    asked_for: Iterable[str] = (),
    longest_id: int = 32,
) -> events.Item:
    """The client's `item` as it will stand in a conversation: with an id and a status, without audio.

    `at` is its dotted path in the client's event, `asked_for` the ids of the approvals that it may answer,
    `longest_id` the most characters of an id (32 at OpenAI).
    Refuses an item that says too little or what is not possible.
    """
    if isinstance(item, events.UnknownObject) or item.type not in _TYPES:
        got = item.raw.get("type") if isinstance(item, events.UnknownObject) else item.type
        raise missing(f"{at}.type") if got is None else invalid(f"{at}.type", got, _TYPES)
    for name in ("id", "call_id"):
        held = value(getattr(item, name, None), "")
        if len(held) > longest_id:
            raise too_long(f"{at}.{name}", held, longest_id)
    if isinstance(item, events.MessageItem):
        return _taken_message(item, make_id, at)
    if isinstance(item, events.FunctionCallItem):
        # LocalAI's clients leave out what is empty.
        return attrs.evolve(
            item,
            id=value(item.id, "") or make_id("item"),
            object=UNSET,
            status="completed",
            name=value(item.name, ""),
            call_id=value(item.call_id, "") or make_id("call"),
            arguments=value(item.arguments, ""),
        )
    if isinstance(item, events.FunctionCallOutputItem):
        call_id = value(item.call_id, "")
        if call_id not in known_calls:
            message = f"Tool call ID '{call_id}' not found in conversation."
            raise Refusal("invalid_tool_call_id", message, f"{at}.call_id")
        output = value(item.output, "")
        return attrs.evolve(item, id=value(item.id, "") or make_id("item"), object=UNSET, output=output)
    assert isinstance(item, events.McpApprovalResponseItem)
    if item.approval_request_id not in asked_for:
        message = f"MCP approval request '{item.approval_request_id}' not found in conversation."
        raise Refusal("invalid_value", message, f"{at}.approval_request_id")
    return attrs.evolve(item, id=value(item.id, "") or make_id("item"))


def _taken_message(item: events.MessageItem, make_id: Callable[[str], str], at: str) -> events.MessageItem:
    if item.role not in _CONTENT:
        raise invalid(f"{at}.role", item.role, tuple(_CONTENT))
    if not isinstance(item.content, list):
        raise missing(f"{at}.content")
    content = [_taken_part(part, item.role, f"{at}.content[{i}]") for i, part in enumerate(item.content)]
    return attrs.evolve(
        item, id=value(item.id, "") or make_id("item"), object=UNSET, status="completed", content=content
    )


def _taken_part(part: events.Content, role: str, at: str) -> events.Content:
    supported = _CONTENT[role]
    got = part.raw.get("type") if isinstance(part, events.UnknownObject) else part.type
    if got is None:
        raise missing(f"{at}.type")
    if isinstance(part, events.UnknownObject) or got not in supported:
        raise invalid(f"{at}.type", got, supported)
    if isinstance(part, events.OutputAudio):
        # Real servers refuse it too: what the assistant said earlier is seeded as text.
        raise missing(f"{at}.text")
    if value(getattr(part, _NEEDED[part.type]), None) is None:
        raise missing(f"{at}.{_NEEDED[part.type]}")
    if isinstance(part, events.InputImage):
        _check_picture(part, at)
    return (
        attrs.evolve(part, audio=UNSET, transcript=value(part.transcript, None))
        if isinstance(part, events.InputAudio)
        else part
    )


def _check_picture(part: events.InputImage, at: str) -> None:
    url, detail = value(part.image_url, ""), value(part.detail, "auto")
    if not url.startswith(_PICTURES) or url.endswith("base64,"):
        message = f"Invalid '{at}.image_url'. Expected a data URI of a PNG or JPEG (data:image/png;base64,...)."
        raise Refusal("invalid_value", message, f"{at}.image_url")
    if detail not in _DETAILS:
        raise invalid(f"{at}.detail", detail, _DETAILS)


def sounds_of(item: events.Item, encoding: Encoding) -> list[tuple[int, Sound]]:
    """The audio in a client's item, each with its content index."""
    parts = item.content or [] if isinstance(item, events.MessageItem) else []
    return [
        (index, Sound(data=part.audio, encoding=encoding))
        for index, part in enumerate(parts)
        if isinstance(part, events.InputAudio) and part.audio
    ]


class Inputs:
    """What a response reads: the default conversation or the items given with it, and what is appended to them.

    Refuses a reference to an item that is not there, and items that a conversation would refuse.
    """

    def __init__(
        self, wanted: Asked, conversation: Conversation, make_id: Callable[[str], str], encoding: Encoding
    ) -> None:
        self._conversation = conversation
        self._make_id = make_id
        self._encoding = encoding
        self._own: list[events.Item] = []
        self._sounds: dict[tuple[str, int], Sound] = {}
        self._longest_id = wanted.habits.longest_id
        self._is_alone = wanted.input is not None
        self._read(wanted.input or (), "response.input")
        self._read(wanted.appended, "response.append_input_items")

    def _read(self, given: Sequence[events.Item], at: str) -> None:
        for number, item in enumerate(given):
            if isinstance(item, events.ItemReference):
                self._own.append(self._conversation.get(item.id, "reference", "referencing"))
                continue
            calls = self._conversation.call_ids() | call_ids(self._own)
            own = taken(item, self._make_id, calls, f"{at}[{number}]", longest_id=self._longest_id)
            self._own.append(own)
            for index, sound in sounds_of(item, self._encoding):
                self._sounds[_id(own), index] = sound

    def _items(self) -> list[events.Item]:
        return self._own if self._is_alone else self._conversation.items() + self._own

    def own_sounds(self) -> list[tuple[str, int, Sound]]:
        """The audio that came with it, by item id and content index."""
        return [(item_id, index, sound) for (item_id, index), sound in self._sounds.items()]

    def transcribed(self, item_id: str, content_index: int, transcript: str) -> None:
        """The words of audio that came with it are known."""
        self._own = [
            with_transcript(item, content_index, transcript) if _id(item) == item_id else item for item in self._own
        ]

    def context(self, wanted: Asked, memory: dict[object, Any]) -> Context:
        """All that the brain and the voice are told."""
        items = list(self._items())
        sounds = {_id(item): self._sounds_in(item) for item in items}
        last = next((item for item in reversed(items) if getattr(item, "role", None) == "user"), None)
        heard = sounds[_id(last)] if last is not None else []
        return Context(
            items=items,
            heard=heard[-1].engine_pcm() if heard else b"",
            heard_ms=sum(sound.ms for held in sounds.values() for sound in held),
            instructions=wanted.instructions,
            tools=wanted.tools,
            tool_choice=wanted.tool_choice,
            modality=wanted.modality,
            voice=wanted.voice,
            speed=value(wanted.output.speed, 1.0),
            mcp=wanted.mcp,
            memory=memory,
        )

    def _sounds_in(self, item: events.Item) -> list[Sound]:
        """The user's audio in an item."""
        parts = item.content or [] if isinstance(item, events.MessageItem) and item.role == "user" else []
        found = (
            self._sounds.get((_id(item), index)) or self._conversation.sound(_id(item), index)
            for index, _ in enumerate(parts)
        )
        return [sound for sound in found if sound is not None]


def _id(item: events.Item) -> str:
    return value(getattr(item, "id", None), "")


def idle_note(item_id: str) -> events.MessageItem:
    """What the model is told when an idle timeout triggers."""
    content: list[events.Content] = [events.InputText(text=_IDLE_TEXT)]
    return events.MessageItem(id=item_id, status="completed", role="system", content=content)
