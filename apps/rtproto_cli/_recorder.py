"""The files of `rtproto record`: one a session, each line whole, whatever happens."""

import io
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pybase64

from rtproto._jsontext import dumps, is_deeper_than, loads
from rtproto_cli._fatal import Fatal, system_reason
from rtproto_cli._redaction import Redaction

_ENOUGH = 256 * 1024
"""Bytes that wait to be written: some seconds of speech, one write."""

_MAX_DEPTH = 200
"""As Limits.max_depth: what is nested deeper is recorded as text."""


def line_of(direction: str, t: float, data: "str | bytes", redaction: Redaction, *, audio: bool = True) -> bytes:
    """The line of a message that was "sent" (by the client) or "received" at `t` seconds; without `audio` its size."""
    head: dict[str, Any] = {"t": round(t, 4), "dir": direction}
    if isinstance(data, bytes):
        return _line({**head, "kind": "binary", "data": pybase64.b64encode(data).decode()})
    try:
        event = loads(data)
    except ValueError:
        event = None
    if not isinstance(event, dict) or is_deeper_than(event, _MAX_DEPTH):
        return _line({**head, "kind": "text", "data": redaction.text(data)})
    told = redaction.event(event)
    return _line({**head, "kind": "message", "event": told if audio else _sized(told)})


def _line(found: Mapping[str, Any]) -> bytes:
    return dumps(found) + b"\n"


def _sized(event: dict[str, Any]) -> dict[str, Any]:
    """With sizes in the place of audio, as `rtproto stream` does it."""
    if str(event.get("type")).endswith("audio.delta") and isinstance(event.get("delta"), str):
        return {**event, "delta": _size(event["delta"])}
    kept: dict[str, Any] = _without_audio(event)
    return kept


def _without_audio(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_audio(held) for held in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _size(held) if name == "audio" and isinstance(held, str) else _without_audio(held)
        for name, held in value.items()
    }


def _size(base64: str) -> str:
    return f"<{len(base64.rstrip('=')) * 3 // 4} bytes>"


class Recording:
    """The file of one session. Where it cannot be written, that is told once, and the session goes on without."""

    def __init__(self, path: Path, file: io.FileIO, tell: Callable[[str], None], *, audio: bool) -> None:
        self.path = path
        self.counts = {"sent": 0, "received": 0}
        self._file: io.FileIO | None = file
        self._tell = tell
        self._audio = audio
        self._redaction = Redaction()
        self._waiting: list[bytes] = []
        self._size = 0
        self._ended = False

    def open(self, redaction: Redaction, opening: Mapping[str, Any]) -> None:
        """The session begins, with what was asked for and answered, which holds no keys."""
        self._redaction = redaction
        self._write(_line({"t": 0.0, "dir": "sent", "kind": "open", "event": opening}))

    def message(self, direction: str, t: float, data: "str | bytes") -> None:
        """A message passes. What comes when a side has closed reaches nobody any more."""
        if self._ended:
            return
        self.counts[direction] += 1
        if self._file is not None:
            self._write(line_of(direction, t, data, self._redaction, audio=self._audio))

    def end(self, direction: str, t: float, code: int, reason: str) -> None:
        """A side has closed the session; what the other one answers is not told."""
        if not self._ended:
            self._ended = True
            told = {"code": code, "reason": self._redaction.text(reason)}
            self._write(_line({"t": round(t, 4), "dir": direction, "kind": "close", "event": told}))

    def flush(self) -> None:
        """Writes what waits."""
        file, data = self._file, b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        if file is None or not data:
            return
        begin = done = 0
        try:
            begin = file.tell()
            while done < len(data):
                done += file.write(data[done:]) or 0
        except OSError as error:
            self._file = None
            with suppress(OSError):  # half a line would be no line
                file.truncate(begin + data.rfind(b"\n", 0, done) + 1)
            with suppress(OSError):
                file.close()
            self._tell(
                f"cannot write {self.path}: {system_reason(error)}; it ends here, the session goes on unrecorded"
            )

    def close(self) -> None:
        """The session is over."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: bytes) -> None:
        self._waiting.append(line)
        self._size += len(line)
        if self._size >= _ENOUGH:
            self.flush()


class Recordings:
    """FILE for the first session, FILE-2, FILE-3... for the next ones. Without `force` no file is written over.

    Raises Fatal where FILE is there already, or cannot be made.
    """

    def __init__(self, path: Path, tell: Callable[[str], None], *, force: bool, audio: bool) -> None:
        self._path = path
        self._tell = tell
        self._mode = "wb" if force else "xb"
        self._audio = audio
        self._numbers = count(2)
        self._open: set[Recording] = set()
        try:
            self._first: io.FileIO | None = io.FileIO(path, self._mode)
        except FileExistsError:
            line = f"{path} is there already: name another file, or write over it with --force"
            raise Fatal(line, 2) from None
        except OSError as error:
            raise Fatal(f"cannot write {path}: {system_reason(error)}", 2) from None

    def begin(self) -> "Recording | None":
        """The recording of a new session; None, which is told, where no file can be made for it."""
        path, file = self._path, self._first
        self._first = None
        while file is None:
            path = self._path.with_name(f"{self._path.stem}-{next(self._numbers)}{self._path.suffix}")
            try:
                file = io.FileIO(path, self._mode)
            except FileExistsError:
                continue
            except OSError as error:
                self._tell(f"cannot write {path}: {system_reason(error)}; this session is not recorded")
                return None
        recording = Recording(path, file, self._tell, audio=self._audio)
        self._open.add(recording)
        return recording

    def finish(self, recording: Recording) -> None:
        """The session of `recording` is over."""
        self._open.discard(recording)
        recording.close()

    def flush(self) -> None:
        """Writes what waits, of all sessions."""
        for recording in self._open:
            recording.flush()

    def close(self) -> None:
        """Closes every file. One that no session has used is removed."""
        for recording in list(self._open):
            self.finish(recording)
        if self._first is not None:
            self._first.close()
            self._first = None
            if self._path.is_file():
                with suppress(OSError):
                    os.unlink(self._path)
