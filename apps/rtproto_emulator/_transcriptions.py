"""Transcriptions under way: of what the client hears about, and of what only the brain needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import attrs

from rtproto import events, value

from ._engines import EarlyTranscriber, Speech, Transcriber
from ._outbox import Outbox
from ._sound import Sound


@attrs.define(kw_only=True)
class _Job:
    item_id: str
    pieces: Iterator[str | None]
    announced: bool
    seconds: int
    finish: Callable[[str], None]
    transcript: str = ""


@attrs.frozen
class Early:
    """What was begun before the turn ended, and what the session wanted then."""

    pieces: Iterator[str | None]
    wanted: events.AudioTranscription | None


_MAX_EARLY_MS = 20_000
"""A longer turn is transcribed when it has ended: at every pause all of it would be decoded again, for nothing."""


class Transcriptions:
    """Runs any number of transcriptions; each tells its `finish` the whole transcript, "" where it failed."""

    def __init__(self, out: Outbox, transcriber: Transcriber) -> None:
        self._out = out
        self._transcriber = transcriber
        self._jobs: list[_Job] = []

    @property
    def pending(self) -> bool:
        """Whether any words are still unknown."""
        return bool(self._jobs)

    @property
    def pause_ms(self) -> int | None:
        """After how long a silence `begin` is worth it; None: never."""
        return self._transcriber.pause_ms if isinstance(self._transcriber, EarlyTranscriber) else None

    def prepare(self) -> None:
        """Someone begins to speak."""
        if isinstance(self._transcriber, EarlyTranscriber):
            self._transcriber.prepare()

    def begin(self, sound: Sound, wanted: events.AudioTranscription | None) -> Early | None:
        """Begins to transcribe a turn that may have ended here. Dropping what it returns cancels it."""
        if sound.ms > _MAX_EARLY_MS:
            return None
        pieces = self._understand(sound, wanted)
        try:
            first = next(pieces, "")
        except Exception:
            return None  # asked again, and told, when the turn has ended
        return Early(chain((first,), pieces), wanted)

    def start(
        self,
        item_id: str,
        sound: Sound,
        wanted: events.AudioTranscription | None,
        finish: Callable[[str], None],
        early: Early | None = None,
    ) -> None:
        """Transcribes the audio of an item, or goes on where that was begun `early`.

        The client hears of it where it has `wanted` transcription.
        """
        self._jobs.append(
            _Job(
                item_id=item_id,
                pieces=early.pieces if early and early.wanted == wanted else self._understand(sound, wanted),
                announced=wanted is not None,
                seconds=-(-sound.ms // 1000),
                finish=finish,
            )
        )

    def _understand(self, sound: Sound, wanted: events.AudioTranscription | None) -> Iterator[str | None]:
        # A generator, so that an engine that raises at once is told like one that raises later.
        yield from self._transcriber.transcribe(
            Speech(
                pcm=sound.engine_pcm(),
                language=value(wanted.language, None) if wanted else None,
                prompt=value(wanted.prompt, None) if wanted else None,
                asker=self,
            )
        )

    def stop(self) -> None:
        """Drops all of it, untold."""
        self._jobs = []

    def advance(self) -> None:
        """Takes what the transcriber has by now."""
        self._jobs = [job for job in self._jobs if not self._finished(job)]

    def _finished(self, job: _Job) -> bool:
        try:
            for piece in job.pieces:
                if piece is None:
                    return False
                job.transcript += piece
                if job.announced and piece:
                    self._out.send(self._delta(job, piece))
        except Exception as error:
            self._fail(job, str(error) or repr(error))
            return True
        transcript = job.transcript.strip()
        job.finish(transcript)
        if job.announced:
            usage = events.UsageDuration(seconds=job.seconds if transcript else 0)
            self._out.send(
                events.ConversationItemInputAudioTranscriptionCompleted(
                    item_id=job.item_id, content_index=0, transcript=transcript, usage=usage
                )
            )
        return True

    def _delta(self, job: _Job, piece: str) -> events.ConversationItemInputAudioTranscriptionDelta:
        event = events.ConversationItemInputAudioTranscriptionDelta(item_id=job.item_id, content_index=0, delta=piece)
        padding = self._out.padding(piece)
        if padding is not None:
            event.obfuscation = padding
        return event

    def _fail(self, job: _Job, message: str) -> None:
        job.finish("")
        if job.announced:
            error = events.ErrorDetails(
                type="transcription_error", code="transcription_failed", message=message, param=None
            )
            self._out.send(
                events.ConversationItemInputAudioTranscriptionFailed(item_id=job.item_id, content_index=0, error=error)
            )
