"""The three encodings of the protocol's audio, and the way between them and PCM16 at 24 kHz."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import attrs
from rtproto_audio import Resampler, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

from rtproto import events

ENGINE_RATE = 24_000
"""Hz of the PCM16 that ears, brain and voice deal in."""


def sized(data: bytes) -> str:
    """How audio shows in a repr: by its size."""
    return f"<{len(data)} bytes>"


@attrs.frozen(kw_only=True)
class Encoding:
    """One of the protocol's encodings: mono, `rate` in Hz, `sample_bytes` bytes a sample."""

    name: str
    rate: int
    sample_bytes: int
    to_pcm16: Callable[[bytes], bytes] = attrs.field(repr=False)
    from_pcm16: Callable[[bytes], bytes] = attrs.field(repr=False)

    @property
    def bytes_per_ms(self) -> int:
        """48 for PCM16 at 24 kHz, 8 for G.711."""
        return self.rate * self.sample_bytes // 1000


@cache
def pcm16(rate: int) -> Encoding:
    """PCM16 at `rate` Hz."""
    return Encoding(name="audio/pcm", rate=rate, sample_bytes=2, to_pcm16=bytes, from_pcm16=bytes)


PCM16 = pcm16(24_000)
ULAW = Encoding(name="audio/pcmu", rate=8_000, sample_bytes=1, to_pcm16=ulaw_decode, from_pcm16=ulaw_encode)
ALAW = Encoding(name="audio/pcma", rate=8_000, sample_bytes=1, to_pcm16=alaw_decode, from_pcm16=alaw_encode)

ENCODINGS: dict[str, Encoding] = {encoding.name: encoding for encoding in (PCM16, ULAW, ALAW)}
"""By the protocol's name."""


def encoding_of(wire_format: object) -> Encoding:
    """The encoding that a session's `format` names, also as Qwen's objects do; PCM16 at 24 kHz where it names none."""
    if isinstance(wire_format, events.AudioPcm):
        return pcm16(wire_format.rate or ENGINE_RATE)
    if isinstance(wire_format, events.UnknownObject):
        return pcm16(wire_format.raw.get("sample_rate", ENGINE_RATE))
    return ENCODINGS[getattr(wire_format, "type", "audio/pcm")]


@attrs.frozen(kw_only=True)
class Sound:
    """Audio as it travelled: `data` in `encoding`. It may end in half a sample."""

    data: bytes = attrs.field(repr=sized)
    encoding: Encoding

    @property
    def ms(self) -> int:
        """How long it is, rounded down."""
        return len(self.data) // self.encoding.bytes_per_ms

    def pcm16(self) -> bytes:
        """The same as PCM16 at the encoding's own rate."""
        data = self.data
        return self.encoding.to_pcm16(data[: len(data) - len(data) % self.encoding.sample_bytes])

    def engine_pcm(self) -> bytes:
        """The same as PCM16 at 24 kHz."""
        resampler = Resampler(self.encoding.rate, ENGINE_RATE, quality="HQ")
        return resampler.feed(self.pcm16()) + resampler.flush()

    def cut(self, ms: int) -> Sound:
        """Its first `ms` milliseconds."""
        return attrs.evolve(self, data=self.data[: ms * self.encoding.bytes_per_ms])

    def converted(self, encoding: Encoding) -> Sound:
        """The same in another encoding."""
        if encoding == self.encoding:
            return self
        encoder = Encoder(encoding)
        return Sound(data=encoder.feed(self.engine_pcm()) + encoder.flush(), encoding=encoding)


class Encoder:
    """Turns a stream of PCM16 at 24 kHz, cut anywhere, into `encoding`."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self._resampler = Resampler(ENGINE_RATE, encoding.rate)

    def feed(self, pcm: bytes) -> bytes:
        """Takes the next piece; returns what is ready, possibly nothing."""
        return self.encoding.from_pcm16(self._resampler.feed(pcm))

    def flush(self) -> bytes:
        """Ends the stream: what was held back."""
        return self.encoding.from_pcm16(self._resampler.flush())


def pieces(sound: Iterator[bytes | None], encoding: Encoding, size: int) -> Iterator[bytes | None]:
    """PCM16 at 24 kHz, encoded and in pieces of `size` bytes; the last may be shorter. None stays: nothing yet."""
    encoder = Encoder(encoding)
    held = b""
    for chunk in sound:
        if chunk is None:
            yield None
            continue
        held += encoder.feed(chunk)
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    held += encoder.flush()
    for at in range(0, len(held), size):
        yield held[at : at + size]
