"""One response, from `response.created` to `response.done`: a plan with pauses, which can be stopped at any of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar

import attrs

from rtproto import events, value

from ._asked import Asked
from ._conversation import Conversation
from ._ending import Ending, failed, incomplete
from ._engines import Call, Context, Fail, Incomplete, Inject, McpApproval, McpCall, Play, Say, Tell, Wait
from ._outbox import Outbox
from ._settings import Settings
from ._sound import Encoder, Sound
from ._tokens import no_usage, text_tokens, usage

_WORD = re.compile(r"\s*\S+|\s+")
_WORD_MS = 100
"""How long a written word takes, in audio time."""
_AHEAD = 2
"""Words of the transcript sent before each audio delta: the words are ahead of the sound, as at real servers."""
_LETTERS = 16
"""Characters in one delta of a function call's arguments."""

TextLikeDelta = (
    events.ResponseOutputTextDelta
    | events.ResponseOutputAudioTranscriptDelta
    | events.ResponseFunctionCallArgumentsDelta
    | events.ResponseMcpCallArgumentsDelta
)

Plan = Iterator[float | None]
"""Each step says for how many seconds to pause; None: until an engine has more."""


@attrs.define
class _Message:
    """The message that a response is saying."""

    item_id: str
    index: int
    text: str = ""


class Response:
    """One response in progress. `due` is when it goes on; None: when its engine has more (ask at every tick)."""

    def __init__(
        self,
        response_id: str,
        asked: Asked,
        *,
        conversation: Conversation,
        context: Callable[[], Context | None],
        out: Outbox,
        settings: Settings,
        now: float,
    ) -> None:
        self.id = response_id
        self.asked = asked
        self.due: float | None = now
        self.done: events.RealtimeResponse | None = None
        """Its last state, once it has ended."""
        self.audio_ms = 0
        """How much it has spoken."""
        self._conversation = conversation
        self._ask = context
        self._context = Context()
        self._out = out
        self._settings = settings
        self._said = asked.said(response_id, conversation.id)
        self._output: list[events.Item] = []
        self._message: _Message | None = None
        self._text_tokens = 0
        self._plan = self._steps()
        try:
            out.send(events.ResponseCreated(response=self._said))
        except Ending as ending:
            self._plan = _ended(ending)

    @property
    def tokens(self) -> int:
        """What it cost, once it has ended."""
        usage = self.done.usage if self.done else None
        return value(usage.total_tokens, 0) if usage else 0

    def advance(self, now: float) -> None:
        """Goes on with what is due at `now`. An engine that raises ends the response as failed."""
        try:
            pause = next(self._plan)
        except StopIteration:
            self._end("completed", None)
        except Ending as ending:
            self._end(ending.status, ending.details)
        except Exception as error:
            failure = failed("engine_failed", str(error) or repr(error))
            self._end(failure.status, failure.details)
        else:
            self.due = None if pause is None else now + pause

    def cancel(self, reason: str) -> None:
        """Stops in the middle: "turn_detected" or "client_cancelled". What is open is closed as incomplete."""
        self._plan = iter(())
        self._end("cancelled", events.ResponseStatusDetails(type="cancelled", reason=reason))

    # ---- the plan ----

    def _steps(self) -> Plan:
        while (context := self._ask()) is None:
            yield None
        self._context = context
        for piece in self._settings.engines.responder.respond(context):
            if piece is None:
                yield None
            else:
                yield from self._PIECES[type(piece)](self, piece)

    def _say(self, piece: Say) -> Plan:
        if self.asked.modality == "text":
            yield from self._write(piece.text)
        else:
            yield from self._speak(piece.text, self._settings.engines.speaker.speak(piece.text, self._context))

    def _play(self, piece: Play) -> Plan:
        if self.asked.modality == "text":
            yield from self._write(piece.transcript)
        else:
            yield from self._speak(piece.transcript, iter((piece.pcm,)))

    def _write(self, text: str) -> Plan:
        message = self._message or self._open_message()
        for word in _WORD.findall(text):
            self._word(message, word)
            yield from self._pause(_WORD_MS)

    def _speak(self, text: str, sound: Iterator[bytes | None]) -> Plan:
        message = self._message or self._open_message()
        encoding = self.asked.encoding
        size = self._settings.delta_ms * encoding.bytes_per_ms
        waiting: Iterator[str] = iter(_WORD.findall(text))
        for data in _pieces(sound, Encoder(encoding), size):
            if data is None:
                yield None
                continue
            for word in islice(waiting, _AHEAD):
                self._word(message, word)
            self._sound(message, Sound(data=data, encoding=encoding))
            yield from self._pause(len(data) / encoding.bytes_per_ms)
        for word in waiting:
            self._word(message, word)

    def _pause(self, audio_ms: float) -> Plan:
        seconds = audio_ms / 1000 / self._settings.pace
        if seconds > 0:
            yield seconds

    # ---- what it says ----

    def _word(self, message: _Message, delta: str) -> None:
        cost = text_tokens(delta)
        if self._text_tokens + cost > self.asked.token_limit:
            raise incomplete("max_output_tokens")
        self._text_tokens += cost
        message.text += delta
        text = self.asked.modality == "text"
        kind = events.ResponseOutputTextDelta if text else events.ResponseOutputAudioTranscriptDelta
        self._out.send(self._padded(kind(**self._where(message), delta=delta), delta))

    def _sound(self, message: _Message, sound: Sound) -> None:
        self._out.send(events.ResponseOutputAudioDelta(**self._where(message), delta=sound.data))
        self.audio_ms += sound.ms
        if not self.asked.out_of_band:
            self._conversation.add_sound(message.item_id, 0, sound)

    def _where(self, message: _Message) -> dict[str, Any]:
        """What every event about a content part has."""
        return {
            "response_id": self.id,
            "item_id": message.item_id,
            "output_index": message.index,
            "content_index": 0,
        }

    def _open_message(self) -> _Message:
        message = self._message = _Message(self._out.make_id("item"), len(self._output))
        item = events.MessageItem(id=message.item_id, status="in_progress", role="assistant", content=[])
        self._open_item(message.item_id, item)
        part: events.Part = events.AudioPart(transcript="")
        content: events.Content = events.OutputAudio(transcript="")
        if self.asked.modality == "text":
            part, content = events.TextPart(text=""), events.OutputText(text="")
        self._out.send(events.ResponseContentPartAdded(**self._where(message), part=part))
        # A client may truncate what it hears before it is complete.
        self._conversation.replace(message.item_id, attrs.evolve(item, content=[content]))
        return message

    def _close_message(self, status: str) -> None:
        """Closes what is open, in the order of real servers: sound, words, part, item."""
        message, self._message = self._message, None
        if message is None:
            return
        where = self._where(message)
        part: events.Part
        content: events.Content
        if self.asked.modality == "text":
            part, content = events.TextPart(text=message.text), events.OutputText(text=message.text)
            self._out.send(events.ResponseOutputTextDone(**where, text=message.text))
        else:
            part, content = events.AudioPart(transcript=message.text), events.OutputAudio(transcript=message.text)
            self._out.send(events.ResponseOutputAudioDone(**where))
            self._out.send(events.ResponseOutputAudioTranscriptDone(**where, transcript=message.text))
        self._out.send(events.ResponseContentPartDone(**where, part=part))
        item = events.MessageItem(id=message.item_id, status=status, role="assistant", content=[content])
        self._close_item(message.item_id, item)

    def _wait(self, piece: Wait) -> Plan:
        yield piece.seconds

    def _tell(self, piece: Tell) -> Iterable[None]:
        error = events.RealtimeError(type=piece.type, code=piece.code, message=piece.message, param=None, event_id=None)
        self._out.send(events.ErrorEvent(error=error))
        return ()

    def _fail(self, piece: Fail) -> Iterable[None]:
        raise failed(piece.code, piece.message, piece.type)

    def _cut(self, piece: Incomplete) -> Iterable[None]:
        raise incomplete(piece.reason)

    def _inject(self, piece: Inject) -> Iterable[None]:
        self._out.mark(piece.fault)
        return ()

    def _call(self, call: Call) -> Iterable[None]:
        """A function call, whole: nothing can come between its arguments, so that none is ever cut."""
        self._close_message("completed")
        item_id, call_id = self._out.make_id("item"), self._out.make_id("call")
        index = len(self._output)
        item = events.FunctionCallItem(id=item_id, status="in_progress", name=call.name, call_id=call_id, arguments="")
        self._open_item(item_id, item)
        for at in range(0, len(call.arguments), _LETTERS):
            delta = call.arguments[at : at + _LETTERS]
            event = events.ResponseFunctionCallArgumentsDelta(
                response_id=self.id, item_id=item_id, output_index=index, call_id=call_id, delta=delta
            )
            self._out.send(self._padded(event, delta))
        self._text_tokens += text_tokens(call.name + call.arguments)
        self._out.send(
            events.ResponseFunctionCallArgumentsDone(
                response_id=self.id,
                item_id=item_id,
                output_index=index,
                call_id=call_id,
                name=call.name,
                arguments=call.arguments,
            )
        )
        self._close_item(item_id, attrs.evolve(item, status="completed", arguments=call.arguments))
        return ()

    def _ask_approval(self, asked: McpApproval) -> Iterable[None]:
        """Asks the client whether an MCP tool may be called: an item that is whole at once."""
        self._close_message("completed")
        item_id = self._out.make_id("mcpr")
        item = events.McpApprovalRequestItem(
            id=item_id, server_label=asked.server, name=asked.name, arguments=asked.arguments
        )
        self._open_item(item_id, item)
        self._close_item(item_id, item)
        return ()

    def _mcp_call(self, call: McpCall) -> Iterable[None]:
        """A call of an MCP tool, whole as a function's."""
        self._close_message("completed")
        item_id, index = self._out.make_id("mcp"), len(self._output)
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
        for at in range(0, len(call.arguments), _LETTERS):
            delta = call.arguments[at : at + _LETTERS]
            event = events.ResponseMcpCallArgumentsDelta(response_id=self.id, **where, delta=delta)
            self._out.send(self._padded(event, delta))
        self._text_tokens += text_tokens(call.name + call.arguments)
        self._out.send(events.ResponseMcpCallArgumentsDone(response_id=self.id, **where, arguments=call.arguments))
        self._out.send(events.ResponseMcpCallInProgress(**where))
        ended = events.ResponseMcpCallFailed if call.error else events.ResponseMcpCallCompleted
        self._out.send(ended(**where))
        self._close_item(item_id, attrs.evolve(item, arguments=call.arguments, output=call.output, error=call.error))
        return ()

    def _open_item(self, item_id: str, item: events.Item) -> None:
        self._out.send(events.ResponseOutputItemAdded(response_id=self.id, output_index=len(self._output), item=item))
        if not self.asked.out_of_band:
            previous = self._conversation.add(item_id, item)
            self._out.send(events.ConversationItemAdded(previous_item_id=previous, item=item))

    def _close_item(self, item_id: str, item: events.Item) -> None:
        if not self.asked.out_of_band and self._conversation.replace(item_id, item):
            previous = self._conversation.previous_when_done(item_id)
            self._out.send(events.ConversationItemDone(previous_item_id=previous, item=item))
        self._out.send(events.ResponseOutputItemDone(response_id=self.id, output_index=len(self._output), item=item))
        self._output.append(item)

    def _padded(
        self,
        event: TextLikeDelta,
        delta: str,
    ) -> events.ServerEvent:
        padding = self._out.padding(delta)
        if padding is not None:
            event.obfuscation = padding
        return event

    _PIECES: ClassVar[dict[type, Callable[[Response, Any], Iterable[float | None]]]] = {
        Say: _say,
        Play: _play,
        Wait: _wait,
        Tell: _tell,
        Fail: _fail,
        Incomplete: _cut,
        Inject: _inject,
        Call: _call,
        McpCall: _mcp_call,
        McpApproval: _ask_approval,
    }

    # ---- its end ----

    def _end(self, status: str, details: events.ResponseStatusDetails | None) -> None:
        self._close_message("completed" if status == "completed" else "incomplete")
        self.due = None
        self.done = attrs.evolve(
            self._said, status=status, status_details=details, output=self._output, usage=self._usage()
        )
        self._out.send(events.ResponseDone(response=self.done))

    def _usage(self) -> events.ResponseUsage:
        if not self._output:
            return no_usage()
        return usage(
            instructions=self.asked.instructions,
            items=self._context.items,
            input_ms=self._context.heard_ms,
            text_out=self._text_tokens,
            audio_out_ms=self.audio_ms,
        )


def _ended(ending: Ending) -> Plan:
    raise ending
    yield


def _pieces(sound: Iterator[bytes | None], encoder: Encoder, size: int) -> Iterator[bytes | None]:
    """The sound, encoded and in deltas of `size` bytes; the last may be shorter. None stays: nothing yet."""
    held = b""
    for chunk in sound:
        if chunk is None:
            yield None
            continue
        held += encoder.feed(chunk)
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    held += encoder.flush()
    for at in range(0, len(held), size):
        yield held[at : at + size]
