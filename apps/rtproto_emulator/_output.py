"""What one response puts out: its items, and the events that tell of them."""

from __future__ import annotations

from typing import Any

import attrs

from rtproto import events

from ._asked import Asked
from ._conversation import Conversation
from ._ending import incomplete
from ._engines import Call, McpApproval, McpCall
from ._outbox import Outbox
from ._sound import Sound
from ._tokens import CHARACTERS_PER_TOKEN, audio_tokens, text_tokens

_LETTERS = 16
"""Characters in one delta of a call's arguments."""

TextLikeDelta = (
    events.ResponseOutputTextDelta
    | events.ResponseOutputAudioTranscriptDelta
    | events.ResponseFunctionCallArgumentsDelta
    | events.ResponseMcpCallArgumentsDelta
)


@attrs.define
class _Message:
    """The message that a response is saying."""

    item_id: str
    index: int
    text: str = ""


class Output:
    """Tells the client what a response makes, and keeps it in the conversation, within the limit of tokens."""

    def __init__(self, response_id: str, asked: Asked, conversation: Conversation, out: Outbox) -> None:
        self.items: list[events.Item] = []
        """Those that are complete."""
        self.text_tokens = 0
        self.audio_ms = 0
        """How much was spoken."""
        self.spoken: tuple[str, float] | None = None
        """The message that was spoken last, and the moment at which its sound began."""
        self._response_id = response_id
        self._asked = asked
        self._conversation = conversation
        self._out = out
        self._opened = 0
        self._message: _Message | None = None

    # ---- a message ----

    def word(self, delta: str) -> None:
        """Says the next word. Raises an `Ending` where the tokens are used up."""
        message = self._message or self._open_message()
        cost = text_tokens(delta)
        if cost > self._left():
            raise incomplete("max_output_tokens")
        self.text_tokens += cost
        message.text += delta
        text = self._asked.modality == "text"
        kind = events.ResponseOutputTextDelta if text else events.ResponseOutputAudioTranscriptDelta
        self._out.send(self._padded(kind(**self._where(message), delta=delta), delta))

    def sound(self, sound: Sound, now: float) -> None:
        """Says the sound of what was said. Raises an `Ending` where the tokens are used up."""
        message = self._message or self._open_message()
        if audio_tokens(self.audio_ms + sound.ms) > self._asked.token_limit - self.text_tokens:
            raise incomplete("max_output_tokens")
        if self.spoken is None or self.spoken[0] != message.item_id:
            self.spoken = (message.item_id, now)
        self._out.send(events.ResponseOutputAudioDelta(**self._where(message), delta=sound.data))
        self.audio_ms += sound.ms
        if not self._asked.out_of_band:
            self._conversation.add_sound(message.item_id, 0, sound)

    def open(self) -> None:
        """Begins a message, if none is open."""
        if self._message is None:
            self._open_message()

    def close(self, status: str) -> None:
        """Closes what is open, in the order of real servers: sound, words, part, item."""
        message, self._message = self._message, None
        if message is None:
            return
        where = self._where(message)
        part: events.Part
        content: events.Content
        if self._asked.modality == "text":
            part, content = events.TextPart(text=message.text), events.OutputText(text=message.text)
            self._out.send(events.ResponseOutputTextDone(**where, text=message.text))
        else:
            part, content = events.AudioPart(transcript=message.text), events.OutputAudio(transcript=message.text)
            self._out.send(events.ResponseOutputAudioDone(**where))
            self._out.send(events.ResponseOutputAudioTranscriptDone(**where, transcript=message.text))
        self._out.send(events.ResponseContentPartDone(**where, part=part))
        item = events.MessageItem(id=message.item_id, status=status, role="assistant", content=[content])
        self._close_item(message.item_id, message.index, item)

    def _left(self) -> float:
        """How many tokens it may still put out."""
        return self._asked.token_limit - self.text_tokens - audio_tokens(self.audio_ms)

    def _where(self, message: _Message) -> dict[str, Any]:
        """What every event about a content part has."""
        return {
            "response_id": self._response_id,
            "item_id": message.item_id,
            "output_index": message.index,
            "content_index": 0,
        }

    def _open_message(self) -> _Message:
        message = self._message = _Message(self._out.make_id("item"), self._opened)
        item = events.MessageItem(id=message.item_id, status="in_progress", role="assistant", content=[])
        self._open_item(message.item_id, item)
        part: events.Part = events.AudioPart(transcript="")
        content: events.Content = events.OutputAudio(transcript="")
        if self._asked.modality == "text":
            part, content = events.TextPart(text=""), events.OutputText(text="")
        self._out.send(events.ResponseContentPartAdded(**self._where(message), part=part))
        # A client may truncate what it hears before it is complete.
        self._conversation.replace(message.item_id, attrs.evolve(item, content=[content]))
        return message

    # ---- calls ----

    def call(self, call: Call) -> None:
        """A function call, at once. As at real servers it begins before an open message is closed, and ends after it.

        Where the tokens do not suffice its arguments are cut.
        """
        if not self._asked.habits.overlaps:
            self.close("completed")
        item_id, call_id, index = self._out.make_id("item"), self._out.make_id("call"), self._opened
        item = events.FunctionCallItem(id=item_id, status="in_progress", name=call.name, call_id=call_id, arguments="")
        left = self._left() - text_tokens(call.name)
        whole = text_tokens(call.arguments) <= left
        arguments = call.arguments if whole else call.arguments[: int(max(left, 0)) * CHARACTERS_PER_TOKEN]
        self.text_tokens += text_tokens(call.name) + text_tokens(arguments)
        self._open_item(item_id, item)
        where: dict[str, Any] = {
            "response_id": self._response_id,
            "item_id": item_id,
            "output_index": index,
            "call_id": call_id,
        }
        for delta in _cut(arguments):
            self._out.send(self._padded(events.ResponseFunctionCallArgumentsDelta(**where, delta=delta), delta))
        self.close("completed")
        self._out.send(events.ResponseFunctionCallArgumentsDone(**where, name=call.name, arguments=arguments))
        status = "completed" if whole else "incomplete"
        self._close_item(item_id, index, attrs.evolve(item, status=status, arguments=arguments))
        if not whole:
            raise incomplete("max_output_tokens")

    def ask_approval(self, asked: McpApproval) -> None:
        """Asks the client whether an MCP tool may be called: an item that is whole at once."""
        self.close("completed")
        item_id, index = self._out.make_id("mcpr"), self._opened
        item = events.McpApprovalRequestItem(
            id=item_id, server_label=asked.server, name=asked.name, arguments=asked.arguments
        )
        self._open_item(item_id, item)
        self._close_item(item_id, index, item)

    def mcp_call(self, call: McpCall) -> None:
        """A call of an MCP tool: nothing can come between its arguments, so that none is ever cut."""
        self.close("completed")
        item_id, index = self._out.make_id("mcp"), self._opened
        item = events.McpCallItem(
            id=item_id,
            server_label=call.server,
            name=call.name,
            arguments="",
            approval_request_id=call.approval_request_id,
            output=None,
            error=None,
        )
        self._open_item(item_id, item)
        where: dict[str, Any] = {"item_id": item_id, "output_index": index}
        for delta in _cut(call.arguments):
            event = events.ResponseMcpCallArgumentsDelta(response_id=self._response_id, **where, delta=delta)
            self._out.send(self._padded(event, delta))
        self.text_tokens += text_tokens(call.name + call.arguments)
        self._out.send(
            events.ResponseMcpCallArgumentsDone(response_id=self._response_id, **where, arguments=call.arguments)
        )
        self._out.send(events.ResponseMcpCallInProgress(**where))
        ended = events.ResponseMcpCallFailed if call.error else events.ResponseMcpCallCompleted
        self._out.send(ended(**where))
        done = attrs.evolve(item, arguments=call.arguments, output=call.output, error=call.error)
        self._close_item(item_id, index, done)

    # ---- items ----

    def _open_item(self, item_id: str, item: events.Item) -> None:
        index, self._opened = self._opened, self._opened + 1
        self._out.send(events.ResponseOutputItemAdded(response_id=self._response_id, output_index=index, item=item))
        if not self._asked.out_of_band:
            previous = self._conversation.add(item_id, item)
            self._out.send(events.ConversationItemAdded(previous_item_id=previous, item=item))

    def _close_item(self, item_id: str, index: int, item: events.Item) -> None:
        if not self._asked.out_of_band and self._conversation.replace(item_id, item):
            previous = self._conversation.previous_when_done(item_id)
            if self._asked.habits.item_done:
                self._out.send(events.ConversationItemDone(previous_item_id=previous, item=item))
        self._out.send(events.ResponseOutputItemDone(response_id=self._response_id, output_index=index, item=item))
        self.items.append(item)

    def _padded(self, event: TextLikeDelta, delta: str) -> events.ServerEvent:
        padding = self._out.padding(delta)
        if padding is not None:
            event.obfuscation = padding
        return event


def _cut(arguments: str) -> list[str]:
    return [arguments[at : at + _LETTERS] for at in range(0, len(arguments), _LETTERS)]
