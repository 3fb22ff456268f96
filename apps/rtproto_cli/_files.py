"""What `rtproto stream` keeps: reply.wav, transcript.txt and events.jsonl, complete at every moment."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import attrs
from rtproto_audio import AudioFileError, WavWriter, write_wav

from rtproto import events, to_dict
from rtproto._by_class import found_for
from rtproto_cli._fatal import Fatal


def reply_directory(wanted: "Path | None", source: Path) -> Path:
    """The directory to write to, made if need be: `wanted`, or a new one beside the caller named after `source`.

    Raises OSError where it cannot be made.
    """
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        return wanted
    for number in count(1):
        directory = Path(f"{source.stem}-reply" + (f"-{number}" if number > 1 else ""))
        try:
            directory.mkdir()
            return directory
        except FileExistsError:
            continue
    raise AssertionError("count() has no end")


_AUDIO: dict[type, "str | None"] = {events.InputAudioBufferAppend: "audio", events.ResponseOutputAudioDelta: "delta"}
"""Where events have audio."""


def without_audio(event: Any) -> dict[str, Any]:
    """The wire object of an event, with sizes in the place of audio."""
    name = found_for(_AUDIO, type(event), None)
    if name is not None:
        size = len(getattr(event, name))
        return {**to_dict(attrs.evolve(event, **{name: b""})), name: f"<{size} bytes>"}
    wire: dict[str, Any] = _sized(to_dict(event))
    return wire


def _sized(wire: Any) -> Any:
    if isinstance(wire, list):
        return [_sized(item) for item in wire]
    if not isinstance(wire, dict):
        return wire
    return {
        key: f"<{len(item) * 3 // 4} bytes>" if key == "audio" and isinstance(item, str) else _sized(item)
        for key, item in wire.items()
    }


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Failures get one line that names the file: no one shall take them for the network's."""
    try:
        yield
    except AudioFileError as error:
        raise Fatal(str(error), 1) from None
    except OSError as error:
        raise Fatal(str(AudioFileError.of_system("write", str(path), error)), 1) from None


class ReplyFiles:
    """The files of one run; what arrived is in them even if the run is cut short. All methods raise Fatal."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._log = directory / "events.jsonl"
        self._transcript = directory / "transcript.txt"
        with _writing(directory / "reply.wav"):
            self._wav: WavWriter = write_wav(directory / "reply.wav")
        with _writing(self._log):
            # Half a character, which JSON can say and UTF-8 cannot, is escaped as JSON does it.
            self._events = self._log.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)

    @property
    def audio_ms(self) -> float:
        """Length of the reply's audio so far."""
        return self._wav.duration_ms

    def log(self, direction: str, event: Any, seconds: float) -> None:
        """Notes an event that was "sent" or "received" at `seconds` since the start."""
        line = {"t": round(seconds, 4), "dir": direction, "event": without_audio(event)}
        with _writing(self._log):
            self._events.write(json.dumps(line, ensure_ascii=False) + "\n")

    def audio(self, pcm: bytes) -> None:
        """Appends PCM16 at 24 kHz."""
        with _writing(self.directory / "reply.wav"):
            self._wav.write(pcm)

    def close(self, transcript: str) -> None:
        """Finishes all three, whichever fails."""
        with ExitStack() as stack:
            stack.enter_context(_writing(self._transcript))
            stack.callback(self._write, transcript + "\n" if transcript else "")
            stack.enter_context(_writing(self._log))
            stack.callback(self._events.close)
            self._wav.close()

    def _write(self, transcript: str) -> None:
        self._transcript.write_text(transcript, encoding="utf-8", errors="backslashreplace")
