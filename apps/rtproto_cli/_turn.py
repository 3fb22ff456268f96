"""What `rtproto stream` says and waits for, whatever carries it: pure, like the core.

A `Turn` is told every event and answers with what is to be sent; the runners of `_run.py` only carry.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import attrs

from rtproto import UNSET, events, value
from rtproto._by_class import found_for

MAX_PROBLEMS = 100
"""Kept in words; the rest are counted. Nobody reads more, and a server may send them without end."""

_MAX_PROBLEM = 1000
"""Characters of one problem: many times what a server says of one."""

MAX_TEXT = 4 * 2**20
"""Characters of all replies and transcriptions: fifty times what is spoken in an hour, the longest session there is."""

MAX_REPLIES = 4096
"""Replies to one file: more than one a second for an hour."""


class Phase(Enum):
    """How far a turn has come; the value says what is waited for."""

    CREATED = "the server's session.created"
    UPDATED = "the server's session.updated"
    UPLOAD = "the end of the upload"
    SPEECH = "the server to hear speech"
    REPLY = "the reply"
    DONE = "nothing"


@attrs.frozen(kw_only=True)
class Options:
    """What the user asked for. `silence_ms` is the silence appended to the file so that the server hears its end;
    `rate` is in Hz, of the sound to the server."""

    vad: bool = True
    instructions: "str | None" = None
    voice: "str | None" = None
    transcribe: "str | None" = None
    text: bool = False
    silence_ms: int = 1000
    rate: int = 24_000


class Refused(Exception):
    """The server would not do it; `str()` is a line for people."""


def session_update(options: Options) -> events.SessionUpdate:
    """The session that a turn needs: PCM16 both ways, 24 kHz back, and server VAD or push-to-talk."""
    heard, spoken = events.AudioPcm(rate=options.rate), events.AudioPcm(rate=24_000)
    transcription = events.AudioTranscription(model=options.transcribe) if options.transcribe else UNSET
    turn_detection = events.ServerVad() if options.vad else None
    return events.SessionUpdate(
        session=events.RealtimeSession(
            output_modalities=["text" if options.text else "audio"],
            instructions=options.instructions if options.instructions is not None else UNSET,
            audio=events.AudioConfig(
                input=events.AudioInput(format=heard, transcription=transcription, turn_detection=turn_detection),
                output=events.AudioOutput(format=spoken, voice=options.voice if options.voice is not None else UNSET),
            ),
        )
    )


@attrs.define
class Turn:
    """One file, and every reply to it. Times are in seconds since the start."""

    options: Options
    phase: Phase = Phase.CREATED
    heard: list[str] = attrs.field(factory=list)
    """What the server understood, where it transcribes."""
    statuses: dict[str, str] = attrs.field(factory=dict)
    usage: dict[str, int] = attrs.field(factory=dict)
    problems: list[str] = attrs.field(factory=list)
    """What went wrong without ending the session: the first `MAX_PROBLEMS`."""
    more_problems: int = 0
    """How many there were beside."""
    audio_bytes: int = 0
    uploaded_at: "float | None" = None
    speech_ended_at: "float | None" = None
    first_audio_at: "float | None" = None
    _speaking: bool = False
    _unanswered: int = 0
    _untranscribed: int = 0
    _active: set[str] = attrs.field(factory=set)
    _replies: dict[str, list[str]] = attrs.field(factory=dict)
    _characters: int = 0
    _words_of: str = ""
    _new_words: list[str] = attrs.field(factory=list)

    @property
    def uploading(self) -> bool:
        """Whether audio may be sent now."""
        return self.phase is Phase.UPLOAD

    @property
    def done(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.phase is Phase.DONE

    def uploaded(self, now: float) -> Sequence[events.ClientEvent]:
        """The whole file is sent; returns what makes the server answer it."""
        self.uploaded_at = now
        if self.options.vad:
            self._after_upload()
            return ()
        self.speech_ended_at = now
        self.phase = Phase.REPLY
        self._unanswered += 1
        return (events.InputAudioBufferCommit(), events.ResponseCreate())

    def take(self, event: Any, now: float) -> Sequence[events.ClientEvent]:
        """Takes one event of the server; returns what is to be sent. Raises Refused."""
        handler = found_for(_HANDLERS, type(event), None)
        answer = handler(self, event, now) if handler else ()
        if self.uploaded_at is not None and self.phase in (Phase.SPEECH, Phase.REPLY):
            self._after_upload()
        return answer

    @property
    def replies(self) -> dict[str, str]:
        """Text or transcript of each reply, by response id, in order."""
        return {response_id: "".join(words) for response_id, words in self._replies.items()}

    def summary(self) -> str:
        """Every reply's text, one paragraph each."""
        return "\n\n".join(text for text in self.replies.values() if text)

    def take_words(self) -> str:
        """What the replies have gained since the last call, another reply's as another paragraph."""
        words = "".join(self._new_words)
        self._new_words.clear()
        return words

    def note(self, problem: str) -> None:
        """Something went wrong that does not end the session."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem[:_MAX_PROBLEM])
        else:
            self.more_problems += 1

    def _reply(self, response_id: str) -> list[str]:
        if response_id not in self._replies and len(self._replies) >= MAX_REPLIES:
            raise Refused(f"the server does not stop to answer: {MAX_REPLIES} replies to one file are enough")
        if response_id not in self._replies:
            self._count(response_id)
        return self._replies.setdefault(response_id, [])

    def _count(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > MAX_TEXT:
            raise Refused(f"the server does not stop to speak: {MAX_TEXT} characters for one file are enough")

    def _after_upload(self) -> None:
        if self._speaking or self._active or self._unanswered > 0 or self._untranscribed > 0:
            self.phase = Phase.REPLY
        else:
            self.phase = Phase.DONE if self.statuses else Phase.SPEECH

    # ---- one method an event ----

    def _session_created(self, event: events.SessionCreated, now: float) -> Sequence[events.ClientEvent]:
        self.phase = Phase.UPDATED
        return (session_update(self.options),)

    def _session_updated(self, event: events.SessionUpdated, now: float) -> Sequence[events.ClientEvent]:
        if self.phase is Phase.UPDATED:
            self.phase = Phase.UPLOAD
        return ()

    def _error(self, event: events.ErrorEvent, now: float) -> Sequence[events.ClientEvent]:
        where = f" ({event.error.param})" if event.error.param else ""
        if self.phase in (Phase.CREATED, Phase.UPDATED):
            raise Refused(f"the server refused the session: {event.error.message}{where}")
        self.note(f"{event.error.message}{where}")
        if not self.options.vad and self.phase is Phase.REPLY and not self._active:
            raise Refused(f"the server refused the turn: {event.error.message}{where}")
        return ()

    def _speech_started(self, event: events.InputAudioBufferSpeechStarted, now: float) -> Sequence[events.ClientEvent]:
        self._speaking = True
        return ()

    def _speech_stopped(self, event: events.InputAudioBufferSpeechStopped, now: float) -> Sequence[events.ClientEvent]:
        self._speaking = False
        if self.options.vad:  # xAI tells it also of a turn that ends by a commit, which was counted
            self._unanswered += 1
            self.speech_ended_at = now
        return ()

    def _committed(self, event: events.InputAudioBufferCommitted, now: float) -> Sequence[events.ClientEvent]:
        self._untranscribed += 1 if self.options.transcribe else 0
        return ()

    def _transcribed(
        self, event: events.ConversationItemInputAudioTranscriptionCompleted, now: float
    ) -> Sequence[events.ClientEvent]:
        if getattr(event, "status", UNSET) == "in_progress":
            return ()  # xAI tells it again when it is whole
        self._untranscribed -= 1
        self._count(event.transcript + " ")
        self.heard.append(event.transcript.strip())
        return ()

    def _not_transcribed(
        self, event: events.ConversationItemInputAudioTranscriptionFailed, now: float
    ) -> Sequence[events.ClientEvent]:
        self._untranscribed -= 1
        self.note(f"the transcription failed: {value(event.error.message, 'no reason was given')}")
        return ()

    def _response_created(self, event: events.ResponseCreated, now: float) -> Sequence[events.ClientEvent]:
        response_id = value(event.response.id, "")
        self._active.add(response_id)
        self._unanswered = max(0, self._unanswered - 1)
        self._reply(response_id)
        return ()

    def _words(
        self,
        event: "events.ResponseOutputAudioTranscriptDelta | events.ResponseOutputTextDelta",
        now: float,
    ) -> Sequence[events.ClientEvent]:
        if not event.delta:
            return ()
        self._count(event.delta)
        self._reply(event.response_id).append(event.delta)
        if self._words_of not in ("", event.response_id):
            self._new_words.append("\n\n")
        self._words_of = event.response_id
        self._new_words.append(event.delta)
        return ()

    def _audio(self, event: events.ResponseOutputAudioDelta, now: float) -> Sequence[events.ClientEvent]:
        self.audio_bytes += len(event.delta)
        if self.first_audio_at is None:
            self.first_audio_at = now
        return ()

    def _response_done(self, event: events.ResponseDone, now: float) -> Sequence[events.ClientEvent]:
        response = event.response
        response_id = value(response.id, "")
        self._active.discard(response_id)
        self._reply(response_id)
        self.statuses[response_id] = value(response.status, "unknown")
        if response.usage:
            for name in ("input_tokens", "output_tokens", "total_tokens"):
                self.usage[name] = self.usage.get(name, 0) + value(getattr(response.usage, name), 0)
        details = response.status_details
        if response.status == "failed":
            error = details.error if isinstance(details, events.ResponseStatusDetails) else None
            reason = value(error.message, "") if error else ""
            self.note(f"a response failed: {reason or 'no reason was given'}")
        return ()


_HANDLERS: dict[type, Any] = {
    events.SessionCreated: Turn._session_created,
    events.SessionUpdated: Turn._session_updated,
    events.ErrorEvent: Turn._error,
    events.InputAudioBufferSpeechStarted: Turn._speech_started,
    events.InputAudioBufferSpeechStopped: Turn._speech_stopped,
    events.InputAudioBufferCommitted: Turn._committed,
    events.ConversationItemInputAudioTranscriptionCompleted: Turn._transcribed,
    events.ConversationItemInputAudioTranscriptionFailed: Turn._not_transcribed,
    events.ResponseCreated: Turn._response_created,
    events.ResponseOutputAudioTranscriptDelta: Turn._words,
    events.ResponseOutputTextDelta: Turn._words,
    events.ResponseOutputAudioDelta: Turn._audio,
    events.ResponseDone: Turn._response_done,
}
