"""Transcriptions under way: of what the client hears about, and of what only the brain needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import attrs

from rtproto import UNSET, Opt, events, value

from ._engines import EarlyTranscriber, Speech, Transcriber
from ._habits import Habits
from ._outbox import Outbox
from ._sound import Sound
from ._tokens import INPUT_MS_PER_TOKEN, text_tokens


@attrs.frozen(kw_only=True)
class Wanted:
    """What the client wants to hear of the user's words.

    `usage` is how they are billed: "tokens" or "duration" (None: nothing is told). A `whole` transcript comes in one
    delta, and where no `deltas` are wanted in none. A `diarized` one comes in segments, too. Where `logprobs` are
    wanted they are null: no recogniser here knows them.
    """

    language: str | None = None
    prompt: str | None = None
    usage: str | None = "duration"
    whole: bool = False
    deltas: bool = True
    diarized: bool = False
    logprobs: bool = False

    def known(self) -> dict[str, Any]:
        """What every event of a transcription has."""
        return {"content_index": 0, "logprobs": None if self.logprobs else UNSET}


def wanted_of(transcription: events.AudioTranscription, include: Sequence[str], habits: Habits) -> Wanted:
    """What a session's `transcription` asks for: what its model is known for."""
    model = value(transcription.model, "")
    return Wanted(
        language=value(transcription.language, None),
        prompt=value(transcription.prompt, None),
        usage=None if not habits.transcription_usage else "tokens" if model.startswith("gpt-4o") else "duration",
        whole=model == "whisper-1",
        deltas=habits.transcription_deltas,
        diarized="diarize" in model,
        logprobs=_LOGPROBS in include,
    )


@attrs.define(kw_only=True)
class _Job:
    item_id: str
    pieces: Iterator[str | None]
    wanted: Wanted | None
    ms: int
    finish: Callable[[str], None]
    transcript: str = ""


@attrs.define
class Early:
    """What was begun before the turn ended, and what the session wanted then."""

    wanted: Wanted | None
    _pieces: Iterator[str | None]
    _heard: list[str] = attrs.field(factory=list)
    failed: bool = False
    """It must be asked again, and told, when the turn has ended."""

    def words(self) -> str | None:
        """All of them; None: not known yet, or never."""
        try:
            for piece in self._pieces:
                if piece is None:
                    return None
                self._heard.append(piece)
        except Exception:
            self.failed = True
        return None if self.failed else "".join(self._heard)

    def pieces(self) -> Iterator[str | None]:
        """From the first one on."""
        return chain(self._heard, self._pieces)


_LOGPROBS = "item.input_audio_transcription.logprobs"
_SPEAKER = "spk_1"
"""Nobody here tells voices apart: whoever speaks is the first."""

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

    def begin(self, sound: Sound, wanted: Wanted | None) -> Early | None:
        """Begins to transcribe a turn that may have ended here. Dropping what it returns cancels it."""
        if sound.ms > _MAX_EARLY_MS:
            return None
        early = Early(wanted, self.understand(sound, wanted))
        early.words()
        return early

    def start(
        self,
        item_id: str,
        sound: Sound,
        wanted: Wanted | None,
        finish: Callable[[str], None],
        early: Early | None = None,
    ) -> None:
        """Transcribes the audio of an item, or goes on where that was begun `early`.

        The client hears of it where it has `wanted` transcription.
        """
        known = early if early and not early.failed and early.wanted == wanted else None
        self._jobs.append(
            _Job(
                item_id=item_id,
                pieces=known.pieces() if known else self.understand(sound, wanted),
                wanted=wanted,
                ms=sound.ms,
                finish=finish,
            )
        )

    def understand(self, sound: Sound, wanted: Wanted | None) -> Iterator[str | None]:
        # A generator, so that an engine that raises at once is told like one that raises later.
        yield from self._transcriber.transcribe(
            Speech(
                pcm=sound.engine_pcm(),
                language=wanted.language if wanted else None,
                prompt=wanted.prompt if wanted else None,
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
                if job.wanted and piece and job.wanted.deltas and not job.wanted.whole:
                    self._say(job, job.wanted, piece)
        except Exception as error:
            self._fail(job, str(error) or repr(error))
            return True
        transcript = job.transcript.strip()
        job.finish(transcript)
        if job.wanted:
            self._complete(job, job.wanted, transcript)
        return True

    def _say(self, job: _Job, wanted: Wanted, piece: str) -> None:
        padding = self._out.padding(piece)
        delta = events.ConversationItemInputAudioTranscriptionDelta(
            item_id=job.item_id,
            delta=piece,
            obfuscation=UNSET if padding is None else padding,
            **wanted.known(),
        )
        self._out.send(delta)

    def _complete(self, job: _Job, wanted: Wanted, transcript: str) -> None:
        if wanted.whole and wanted.deltas and transcript:
            self._say(job, wanted, transcript)
        if wanted.diarized and transcript:
            self._out.send(
                events.ConversationItemInputAudioTranscriptionSegment(
                    item_id=job.item_id,
                    content_index=0,
                    id=self._out.make_id("seg"),
                    speaker=_SPEAKER,
                    start=0.0,
                    end=job.ms / 1000,
                    text=transcript,
                )
            )
        self._out.send(
            events.ConversationItemInputAudioTranscriptionCompleted(
                item_id=job.item_id,
                transcript=transcript,
                usage=_usage(wanted, job.ms if transcript else 0, transcript),
                **wanted.known(),
            )
        )

    def _fail(self, job: _Job, message: str) -> None:
        job.finish("")
        if job.wanted:
            error = events.ErrorDetails(
                type="transcription_error", code="transcription_failed", message=message, param=None
            )
            self._out.send(
                events.ConversationItemInputAudioTranscriptionFailed(item_id=job.item_id, content_index=0, error=error)
            )


def _usage(wanted: Wanted, ms: int, transcript: str) -> Opt[events.TranscriptionUsage]:
    if wanted.usage is None:
        return UNSET
    if wanted.usage == "duration":
        return events.UsageDuration(seconds=-(-ms // 1000))
    heard, told, said = -(-ms // INPUT_MS_PER_TOKEN), text_tokens(wanted.prompt or ""), text_tokens(transcript)
    return events.UsageTokens(
        total_tokens=heard + told + said,
        input_tokens=heard + told,
        output_tokens=said,
        input_token_details=events.InputTokenDetails(text_tokens=told, audio_tokens=heard),
    )
