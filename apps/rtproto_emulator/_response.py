"""One response, from `response.created` to `response.done`: a plan with pauses, which can be stopped at any of them."""

from __future__ import annotations

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
from ._output import Output
from ._settings import PACE, Settings
from ._sound import Sound, pieces
from ._tokens import no_usage, spoken_words, usage

_WORD_MS = 100
"""How long a written word takes, in audio time."""
_AHEAD = 2
"""Words of the transcript sent before each audio delta: the words are ahead of the sound, as at real servers."""

Plan = Iterator[float | None]
"""Each step says for how many seconds to pause; None: until an engine has more."""


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
        self._now = now
        self._ask = context
        self._context = Context()
        self._out = out
        self._settings = settings
        self._said = asked.said(response_id, conversation.id)
        self._output = Output(response_id, asked, conversation, out)
        self._plan = self._steps()
        try:
            out.send(events.ResponseCreated(response=self._said))
        except Ending as ending:
            self._plan = _ended(ending)

    @property
    def audio_ms(self) -> int:
        """How much it has spoken."""
        return self._output.audio_ms

    @property
    def spoken(self) -> tuple[str, float] | None:
        """The message that it spoke last, and the moment at which its sound began."""
        return self._output.spoken

    @property
    def tokens(self) -> int:
        """What it cost, once it has ended."""
        usage = self.done.usage if self.done else None
        return value(usage.total_tokens, 0) if usage else 0

    def advance(self, now: float) -> None:
        """Goes on with what is due at `now`. An engine that raises ends the response as failed."""
        self._now = now
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
        self.drop()
        self._end("cancelled", events.ResponseStatusDetails(type="cancelled", reason=reason))

    def drop(self) -> None:
        """Stops its engines at once, and tells nobody."""
        self._plan = iter(())

    # ---- the plan ----

    def _steps(self) -> Plan:
        while (context := self._ask()) is None:
            yield None
        self._context = context
        given, responder = self.asked.text, self._settings.engines.responder
        for piece in responder.respond(context) if given is None else (Say(given),):
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
        self._output.open()
        for word in spoken_words(text):
            self._output.word(word)
            yield from self._pause(_WORD_MS)

    def _speak(self, text: str, sound: Iterator[bytes | None]) -> Plan:
        self._output.open()
        encoding = self.asked.encoding
        size = self._settings.delta_ms * encoding.bytes_per_ms
        waiting = iter(spoken_words(text))
        for data in pieces(sound, encoding, size):
            if data is None:
                yield None
                continue
            for word in islice(waiting, _AHEAD):
                self._output.word(word)
            self._output.sound(Sound(data=data, encoding=encoding), self._now)
            yield from self._pause(len(data) / encoding.bytes_per_ms)
        for word in waiting:
            self._output.word(word)

    def _pause(self, audio_ms: float) -> Plan:
        seconds = audio_ms / 1000 / (self._settings.pace or PACE)
        if seconds > 0:
            yield seconds

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

    def _call(self, piece: Call) -> Iterable[None]:
        self._output.call(piece)
        return ()

    def _mcp_call(self, piece: McpCall) -> Iterable[None]:
        self._output.mcp_call(piece)
        return ()

    def _ask_approval(self, piece: McpApproval) -> Iterable[None]:
        self._output.ask_approval(piece)
        return ()

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
        self._output.close("completed" if status == "completed" else "incomplete")
        self.due = None
        self.done = attrs.evolve(
            self._said, status=status, status_details=details, output=self._output.items, usage=self._usage()
        )
        self._out.send(events.ResponseDone(response=self.done))

    def _usage(self) -> events.ResponseUsage:
        bill = self._bill()
        if self.asked.habits.reasoning_usage and bill.output_token_details:
            bill.output_token_details.reasoning_tokens = 0
        return bill

    def _bill(self) -> events.ResponseUsage:
        if not self._output.items:
            return no_usage()
        return usage(
            instructions=self.asked.instructions,
            items=self._context.items,
            input_ms=self._context.heard_ms,
            text_out=self._output.text_tokens,
            audio_out_ms=self._output.audio_ms,
        )


def _ended(ending: Ending) -> Plan:
    raise ending
    yield
