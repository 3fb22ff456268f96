"""The recogniser's own process: PCM16 at 16 kHz comes in at stdin, words go out at stdout, until stdin ends.

It is run as a file, by itself, and imports nothing of this package: it starts in the half second that the model takes.
Both ways each message is a length, 4 bytes little-endian, and as many bytes. An answer begins with b"+" and the words,
or with b"-" and why there are none.
"""

from __future__ import annotations

import re
import signal
import struct
import sys
import warnings
from typing import IO, Any

LENGTH = struct.Struct("<I")
"""Before each message."""

_NO_WORD = re.compile(r"\[.*?\]|<.*?>|\+\+.*?\+\+|\(\d+\)")
"""Noises, silence, and which pronunciation of a word it was."""


def receive(stream: IO[bytes]) -> bytes:
    """The next message. Raises EOFError where the other side has gone."""
    (size,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    return _exactly(stream, size)


def send(stream: IO[bytes], message: bytes) -> None:
    """Says a message."""
    stream.write(LENGTH.pack(len(message)) + message)
    stream.flush()


def clean(text: str) -> str:
    """What a hypothesis says in plain words."""
    return " ".join(_NO_WORD.sub(" ", text).split())


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other side of the pipe has gone")
    return data


def _decoder() -> Any:
    import pocketsphinx

    # A second pass over the words (fwdflat) and more paths at a time would take twice as long for one word in thirty.
    return pocketsphinx.Decoder(samprate=16000, loglevel="FATAL", fwdflat=False, maxhmmpf=3000)


def _words(decoder: Any, pcm: bytes) -> str:
    with warnings.catch_warnings():
        # Said to be deprecated, but only this makes it forget the noise of what it heard before.
        warnings.simplefilter("ignore", DeprecationWarning)
        decoder.start_stream()
    decoder.start_utt()
    try:
        # As one whole utterance, whose mean (cepstral mean normalisation) is that of all its frames.
        decoder.process_raw(pcm, False, True)
    finally:
        decoder.end_utt()
    found = decoder.hyp()
    return clean(found.hypstr) if found is not None else ""


def main() -> None:
    """Answers until stdin ends, as it does when the parent dies, in whatever way."""
    # Ctrl-C goes to every process of a terminal; whoever holds the other end decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    decoder = _decoder()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        while True:
            pcm = receive(requests)
            try:
                answer = b"+" + _words(decoder, pcm).encode()
            except Exception as error:
                answer = b"-" + (str(error) or repr(error)).encode()
            send(answers, answer)
    except (EOFError, OSError):
        pass


if __name__ == "__main__":
    main()
