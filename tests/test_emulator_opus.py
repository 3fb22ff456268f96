"""Ogg/Opus in and out: streams cut anywhere, and bytes that are none."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from emulated import silence, voice

pytest.importorskip("sphn", reason="sphn has no wheel for this system")

from rtproto_emulator._opus import OpusDecoder, OpusEncoder, OpusError

HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 3840, 24_000, 0, 0)
TAGS = b"OpusTags" + struct.pack("<I4sI", 4, b"test", 0)


def encoded(pcm: bytes, size: int = 3840) -> bytes:
    encoder = OpusEncoder()
    return b"".join(encoder.feed(pcm[at : at + size]) for at in range(0, len(pcm), size))


def loudness(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(np.float64) ** 2)))


def crc(data: bytes) -> int:
    found = 0
    for byte in data:
        found ^= byte << 24
        for _ in range(8):
            found = ((found << 1) ^ (0x04C11DB7 if found & 0x80000000 else 0)) & 0xFFFFFFFF
    return found


def page(packets: list[bytes], number: int, flags: int = 0, *, open_ended: bool = False) -> bytes:
    """An Ogg page whose checksum is right, whatever is in it; `open_ended`: the last packet goes on in the next."""
    lacing = b"".join(
        b"\xff" * (len(packet) // 255) + (b"" if open_ended else bytes([len(packet) % 255])) for packet in packets
    )
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 0, 7, number, 0, len(lacing)) + lacing
    whole = head + b"".join(packets)
    return whole[:22] + struct.pack("<I", crc(whole)) + whole[26:]


BEGIN = page([HEAD], 0, 2) + page([TAGS], 1)


def test_sound_is_the_same_after_there_and_back() -> None:
    pcm = voice(2.0)
    heard = OpusDecoder().feed(encoded(pcm))
    assert len(heard) == len(pcm)
    assert loudness(heard) == pytest.approx(loudness(pcm), rel=0.1)
    assert loudness(OpusDecoder().feed(encoded(silence(1.0)))) < 2


@pytest.mark.parametrize("size", [1, 7, 100, 511, 513, 10_000])
def test_a_stream_may_be_cut_anywhere(size: int) -> None:
    data = encoded(voice(0.5))
    decoder = OpusDecoder()
    assert b"".join(decoder.feed(data[at : at + size]) for at in range(0, len(data), size)) == OpusDecoder().feed(data)


def test_a_minute_may_come_at_once() -> None:
    assert len(OpusDecoder().feed(encoded(voice(60.0)))) == 60 * 48_000


def test_the_same_sound_gives_the_same_bytes() -> None:
    assert encoded(voice(1.0)) == encoded(voice(1.0))


def test_the_end_of_an_old_stream_is_dropped() -> None:
    data = encoded(voice(1.0))
    late = data.index(b"OggS", 500)
    decoder = OpusDecoder()
    assert decoder.feed(data[late:]) == b""
    assert len(decoder.feed(data)) == 48_000


def bad() -> Iterator[tuple[str, bytes]]:
    noise = random.Random(1)
    yield "noise", noise.randbytes(5000)
    yield "pcm", voice(0.1)
    yield "a little", b"Og!"
    yield "not Opus", page([b"\x01vorbis" + bytes(22)], 0, 2) + page([noise.randbytes(400)], 1)


@pytest.mark.parametrize(("name", "data"), list(bad()), ids=lambda given: given if isinstance(given, str) else "")
def test_what_is_no_opus_is_an_error_of_one_line(name: str, data: bytes) -> None:
    with pytest.raises(OpusError) as told:
        OpusDecoder().feed(data)
    assert len(str(told.value).splitlines()) == 1


def test_whatever_comes_nothing_worse_than_an_error_happens() -> None:
    dice = random.Random(2)
    for _ in range(300):
        decoder = OpusDecoder()
        packets = [dice.randbytes(dice.choice((0, 1, 3, 20, 200))) for _ in range(dice.randint(0, 6))]
        try:
            decoder.feed(BEGIN)
            decoder.feed(page(packets, dice.choice((2, 3, 99)), dice.choice((0, 1, 2, 4, 255))))
            decoder.feed(dice.randbytes(dice.randint(0, 50)))
        except OpusError:
            pass


def test_a_packet_without_end_is_not_kept_without_end() -> None:
    decoder = OpusDecoder()
    decoder.feed(BEGIN)
    endless = page([bytes(255 * 8)], 2, 1, open_ended=True)
    with pytest.raises(OpusError, match="no sound in 1024 kB"):
        decoder.feed(endless * 1000)


def test_a_few_bytes_do_not_become_hours() -> None:
    decoder = OpusDecoder()
    decoder.feed(BEGIN)
    with pytest.raises(OpusError, match="at most 327 seconds at once"):
        decoder.feed(b"".join(page([b"\x08"] * 200, 2 + number) for number in range(100)))
