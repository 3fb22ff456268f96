"""One answer as Unmute gives it: words as they are thought, sound in real time, and each word when it is heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from rtproto import events
from rtproto.events import unmute

from ._ending import Ending, failed, incomplete
from ._engines import Call, Context, Fail, Incomplete, Inject, McpApproval, McpCall, Piece, Play, Say, Tell, Wait
from ._outbox import Outbox
from ._settings import Settings
from ._sound import PCM16
from ._tokens import spoken_words

PACE = 1.0
"""Unmute speaks in real time: its clients play what comes as it comes, and could not be interrupted otherwise."""
FRAME_MS = 80
"""Of sound in one delta."""
_AHEAD_MS = 4 * FRAME_MS
"""How far the sound is ahead of the words that are told with it."""
_MAX_PIECES = 64
"""Pieces of an answer that wait to be spoken, until the brain is asked for more."""
_MAX_SOUND_MS = 30_000
"""Sound that is made in advance: the longest sentence of a voice, and not much to lose by an interruption."""
_MS_PER_LETTER = 65
"""Of speech, while it is not known how long all of it is."""

_FRAME = FRAME_MS * PCM16.bytes_per_ms
SILENT_FRAME = bytes(_FRAME)

Plan = Iterator[float | None]
"""Each step says for how many seconds to pause; None: until an engine has more."""


class Answer:
    """An answer in progress. `due` is when it goes on; None: when its engine has more. `done`: it has ended.

    `say` is told each word that is heard, `sound` each frame of PCM16; they tell the client.
    """

    def __init__(
        self,
        context: Context,
        *,
        created: events.ResponseCreated,
        out: Outbox,
        settings: Settings,
        say: Callable[[str], object],
        sound: Callable[[bytes], object],
        now: float,
    ) -> None:
        self.due: float | None = now
        self.done = False
        self._context = context
        self._out = out
        self._settings = settings
        self._pace = settings.pace or PACE
        self._say_word = say
        self._send_sound = sound
        self._thoughts: Iterator[Piece | None] | None = settings.engines.responder.respond(context)
        self._thought: list[str] = []
        self._pieces: deque[Piece] = deque()
        self._sent_ms = 0.0
        self._heard_ms = 0.0
        """How much of what was sent has been played."""
        self._plan = self._steps(created)

    def advance(self, now: float) -> None:
        """Goes on with what is due at `now`."""
        try:
            pause = next(self._plan)
        except StopIteration:
            self._end()
        except Ending as ending:
            self._tell_end(ending)
            self._end()
        except Exception as error:
            self._tell_end(failed("engine_failed", str(error) or repr(error)))
            self._end()
        else:
            self.due = None if pause is None else now + pause

    def drop(self) -> None:
        """Stops its engines at once, and tells nobody."""
        self._plan, self._thoughts, self.done = iter(()), None, True

    def _end(self) -> None:
        self.drop()
        self.due = None

    def _tell_end(self, ending: Ending) -> None:
        """Why it failed; that it was cut has no words here."""
        error = ending.details.error
        if error:
            self._tell(Tell(code=str(error.code), message=error.message or "", type=error.type or "server_error"))

    # ---- the plan ----

    def _steps(self, created: events.ResponseCreated) -> Plan:
        self._out.send(created)
        while True:
            self._think()
            if self._pieces:
                piece = self._pieces.popleft()
                yield from self._PIECES[type(piece)](self, piece)
            elif self._thoughts is None:
                return
            else:
                yield None

    def _think(self) -> None:
        """Takes what the brain has by now: its words are told before they are spoken."""
        while self._thoughts is not None and len(self._pieces) < _MAX_PIECES:
            try:
                piece = next(self._thoughts)
            except StopIteration:
                self._thoughts = None
                self._out.send(unmute.ResponseOutputTextDone(text="".join(self._thought)))
            except Exception as error:
                self._thoughts = None
                self._pieces.append(Fail(code="engine_failed", message=str(error) or repr(error)))
            else:
                if piece is None:
                    return
                self._pieces.append(piece)
                for word in spoken_words(_words_of(piece)):
                    self._thought.append(word)
                    self._out.send(unmute.ResponseTextDeltaReady(delta=word))

    def _say(self, piece: Say) -> Plan:
        return self._speak(piece.text, self._settings.engines.speaker.speak(piece.text, self._context))

    def _play(self, piece: Play) -> Plan:
        return self._speak(piece.transcript, iter((piece.pcm,)))

    def _speak(self, text: str, sound: Iterator[bytes | None]) -> Plan:
        track = _Track(sound, len(text))
        began = self._sent_ms = max(self._sent_ms, self._heard_ms)
        waiting = deque(_placed(text))
        while True:
            self._think()
            track.pull()
            while self._sent_ms < self._heard_ms + _AHEAD_MS and (frame := track.frame()):
                self._send_sound(frame)
                self._sent_ms += FRAME_MS
            ms_per_letter = track.ms_per_letter
            while waiting and began + waiting[0][1] * ms_per_letter <= self._heard_ms:
                self._say_word(waiting.popleft()[0])
            if track.over and not waiting:
                return
            if self._sent_ms <= self._heard_ms and not track.over:
                yield None
                continue
            self._heard_ms += FRAME_MS
            yield from self._pause(FRAME_MS)

    def _pause(self, ms: float) -> Plan:
        seconds = ms / 1000 / self._pace
        if seconds > 0:
            yield seconds

    def _wait(self, piece: Wait) -> Plan:
        yield piece.seconds
        self._heard_ms += piece.seconds * 1000

    def _tell(self, piece: Tell) -> Iterable[None]:
        error = events.RealtimeError(type=piece.type, code=piece.code, message=piece.message)
        self._out.send(events.ErrorEvent(error=error))
        return ()

    def _fail(self, piece: Fail) -> Iterable[None]:
        raise failed(piece.code, piece.message, piece.type)

    def _cut(self, piece: Incomplete) -> Iterable[None]:
        raise incomplete(piece.reason)

    def _inject(self, piece: Inject) -> Iterable[None]:
        self._out.mark(piece.fault)
        return ()

    def _call(self, piece: Call | McpCall | McpApproval) -> Iterable[None]:
        message = f"The answer calls {piece.name}, and Unmute's dialect has no functions: it is left out."
        return self._tell(Tell(code="no_functions", message=message, type="warning"))

    _PIECES: ClassVar[dict[type, Callable[[Answer, Any], Iterable[float | None]]]] = {
        Say: _say,
        Play: _play,
        Wait: _wait,
        Tell: _tell,
        Fail: _fail,
        Incomplete: _cut,
        Inject: _inject,
        Call: _call,
        McpCall: _call,
        McpApproval: _call,
    }


class _Track:
    """The sound of a text of so many letters, as far as it was made."""

    def __init__(self, sound: Iterator[bytes | None], letters: int) -> None:
        self._sound: Iterator[bytes | None] | None = sound
        self._letters = max(letters, 1)
        self._held = bytearray()
        self._made = 0

    def pull(self) -> None:
        """Takes what the voice has by now."""
        while self._sound is not None and len(self._held) < _MAX_SOUND_MS * PCM16.bytes_per_ms:
            chunk = next(self._sound, b"")
            if chunk is None:
                return
            if not chunk:
                self._sound = None
            self._held += chunk
            self._made += len(chunk)

    def frame(self) -> bytes:
        """The next frame; the last one is filled up with silence, none is empty."""
        if not self._held or (self._sound is not None and len(self._held) < _FRAME):
            return b""
        frame = bytes(self._held[:_FRAME])
        del self._held[:_FRAME]
        return frame.ljust(_FRAME, b"\0")

    @property
    def over(self) -> bool:
        """Whether all of it was taken."""
        return self._sound is None and not self._held

    @property
    def ms_per_letter(self) -> float:
        """How long a letter of the text takes: only a guess until all of the sound is made."""
        known = self._made / PCM16.bytes_per_ms / self._letters
        return known if self._sound is None else max(known, _MS_PER_LETTER)


def _words_of(piece: Piece) -> str:
    return piece.text if isinstance(piece, Say) else piece.transcript if isinstance(piece, Play) else ""


def _placed(text: str) -> Iterator[tuple[str, int]]:
    """The words without their spaces, and where in the text each begins."""
    at = 0
    for word in spoken_words(text):
        if word.strip():
            yield word.strip(), at
        at += len(word)
