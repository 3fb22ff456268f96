from __future__ import annotations

import errno
import os

PROBLEMS = {
    errno.ENOENT: "there is no such file or folder; check the path",
    errno.EISDIR: "it is a folder; name a file in it",
    errno.ENOTDIR: "a part of its path is not a folder; check the path",
    errno.EACCES: "permission denied; check who may use the file",
    errno.EPERM: "permission denied; check who may use the file",
    errno.ENOSPC: "the disk is full; free some space or write somewhere else",
}


class AudioFileError(ValueError):
    """A file that cannot be read or written as audio.

    `str(error)` is one line for people: which file, what is wrong with it, what to do. `file` is its name alone.
    """

    def __init__(self, action: str, file: str, problem: str) -> None:
        super().__init__(f"cannot {action} {file}: {problem}")
        self.file = file

    @classmethod
    def of_system(cls, action: str, file: str, error: OSError) -> AudioFileError:
        text = PROBLEMS.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__
        return cls(action, file, text)


def name_of(source: object) -> str:
    """What to call this source in a message: its path, an open file's name, or "the audio"."""
    if not isinstance(source, (str, os.PathLike)):
        source = getattr(source, "name", None)
    return os.fsdecode(source) if isinstance(source, (str, bytes, os.PathLike)) else "the audio"
