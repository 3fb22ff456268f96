"""Transcribers that know words: pocketsphinx on this machine, or any server that transcribes as OpenAI's does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from ._engines import Speech, VoiceActivity
from ._recogniser import RecogniserProcess
from ._remote import RemoteDecoder
from ._service import Service
from ._team import Decoder, Job, Team
from ._voiced import voiced

_SPHINX_LONGEST_MS = 15_000
"""As much as it decodes at once: an abandoned one is in the way for some seconds at most."""
_REMOTE_LONGEST_MS = 60_000
"""A better recogniser wants context. PCM16 of a minute is 3 MB."""
_REMOTE_AT_ONCE = 4


class TeamTranscriber:
    """Gives the parts of a speech that are voiced to a team of `size` decoders, which all sessions share.

    The team comes when it is first needed and goes with `close()`; then it may come again.
    """

    def __init__(
        self,
        decoder: Callable[[], Decoder],
        *,
        activity: Callable[[int], VoiceActivity],
        longest_ms: int,
        size: int,
    ) -> None:
        self._decoder = decoder
        self._activity = activity
        self._longest_ms = longest_ms
        self._size = size
        self._team: Team | None = None
        self._lock = Lock()

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        """A piece for each part, with the space before it."""
        job = Job(speech, self._parts)
        self._needed().add(job)
        try:
            yield from job.pieces()
        finally:
            job.dropped = True

    def close(self) -> None:
        """Ends all that runs for it; what is not done fails."""
        with self._lock:
            team, self._team = self._team, None
        if team is not None:
            team.close()

    def _needed(self) -> Team:
        with self._lock:
            if self._team is None:
                self._team = Team(self._decoder, self._size)
            return self._team

    def _parts(self, speech: Speech) -> Sequence[Speech]:
        return voiced(speech, self._activity, self._longest_ms)


class PocketsphinxTranscriber(TeamTranscriber):
    """Understands English, in `processes` worker processes of some 100 MB each. It knows no capitals, no full stops."""

    pause_ms = 160

    def __init__(self, activity: Callable[[int], VoiceActivity], *, processes: int = 1) -> None:
        super().__init__(RecogniserProcess, activity=activity, longest_ms=_SPHINX_LONGEST_MS, size=processes)

    @property
    def pids(self) -> list[int]:
        """Of the processes that run now."""
        decoders = self._team.decoders if self._team is not None else ()
        return [decoder.pid for decoder in decoders if isinstance(decoder, RecogniserProcess) and decoder.pid]

    def prepare(self) -> None:
        """Starts the processes, which take a second to be ready."""
        self._needed()

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        """A piece for each part, with the space before it. Raises RuntimeError for another language than English."""
        if speech.language and not speech.language.lower().startswith("en"):
            raise RuntimeError(f"pocketsphinx understands English only, and not {speech.language!r}")
        return super().transcribe(speech)


class RemoteTranscriber(TeamTranscriber):
    """Asks `POST {url}/audio/transcriptions`, such as ``http://127.0.0.1:8000/v1``, with a key or without.

    Nothing leaves this machine before a turn has ended, and nothing in which nobody speaks. Raises ValueError for what
    is no http or https URL.
    """

    def __init__(
        self,
        url: str,
        activity: Callable[[int], VoiceActivity],
        *,
        model: str = "whisper-1",
        key: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        service = Service("recogniser", url, key)
        remote = RemoteDecoder(service, model=model, timeout=timeout)
        self.host = service.host
        """Whom it asks."""
        super().__init__(lambda: remote, activity=activity, longest_ms=_REMOTE_LONGEST_MS, size=_REMOTE_AT_ONCE)
