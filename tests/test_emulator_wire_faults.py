"""What is done to a wire, without one: frames, and the filter that keeps a client's Close (rtproto_emulator)."""

from __future__ import annotations

import asyncio
import json

import pytest
from rtproto_emulator._wire_faults import CloseFilter, frame
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, TextMessage
from wsproto.frame_protocol import FrameDecoder


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_is_one_whole_message(size: int) -> None:
    decoder = FrameDecoder(client=True)
    decoder.receive_bytes(frame(b"x" * size))
    whole = decoder.process_buffer()
    assert whole is not None
    assert (len(whole.payload), whole.message_finished) == (size, True)
    assert decoder.process_buffer() is None


class Plain(asyncio.Protocol):
    def __init__(self) -> None:
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data


class Buffered(asyncio.BufferedProtocol):
    """Takes five bytes at a time."""

    def __init__(self) -> None:
        self.data = b""
        self._space = bytearray(5)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        self.data += self._space[:nbytes]


def client_frames() -> tuple[bytes, bytes]:
    """Masked frames of every length form, and a Close; what looks like a Close stands within them."""
    wire = Connection(ConnectionType.CLIENT)
    texts = (json.dumps(["\x88" * 3]), "é" * 200, "x" * 70_000)
    return b"".join(wire.send(TextMessage(data=text)) for text in texts), wire.send(CloseConnection(code=1000))


@pytest.mark.parametrize("step", [1, 3, 1_000_000])
@pytest.mark.parametrize("kind", [Plain, Buffered])
def test_a_close_is_kept_however_the_bytes_are_cut(kind: type[Plain] | type[Buffered], step: int) -> None:
    frames, close = client_frames()
    inner = kind()
    told = CloseFilter(inner)
    told.data_received(frames)
    told.armed = True
    data = frames + close + frames
    for at in range(0, len(data), step):
        told.data_received(data[at : at + step])
    assert inner.data == frames + frames


def test_before_it_is_armed_all_passes() -> None:
    frames, close = client_frames()
    inner = Plain()
    CloseFilter(inner).data_received(frames + close)
    assert inner.data == frames + close
