"""Framing against plain wsproto: the same messages, replies, close code and place of failure, under every split.

wsproto's own low-level `Connection`, driven the obvious way, reads each stream byte by byte, and so tells after which
byte each message, reply and failure is due. Framing reads the same stream cut in many ways. Two delays are its own: bad
text in a plain text frame fails at that frame's end, and compressed payload is read in blocks of 4 KiB from the frame's
start.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scale import scaled
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

from rtproto import _frames
from rtproto._config import Close
from rtproto._frames import BINARY, CLOSE, PING, PONG, TEXT, Failure, FrameWriter
from rtproto._framing import Framing
from rtproto._mask import mask_bytes

BLOCK = 4096
COMPRESSED = 0x40
FIN = 0x80
# wsproto has no limit on a message but that of its length's form.
UNLIMITED = 2**63 - 1

roles = pytest.mark.parametrize("client", [True, False], ids=["client", "server"])
compressions = pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])


class MendedDeflate(PerMessageDeflate):
    """wsproto's own forgets, at a control frame between fragments, that the message is compressed."""

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        compressed = self._inbound_compressed
        result = super().frame_inbound_header(proto, opcode, rsv, payload_length)
        if opcode.iscontrol():
            self._inbound_compressed = compressed
        return result

    def frame_inbound_complete(self, proto: FrameDecoder | FrameProtocol, fin: bool) -> bytes | CloseReason | None:
        return super().frame_inbound_complete(proto, fin) if self._inbound_is_compressible else None


def extensions(kind: type[PerMessageDeflate], deflate: bool) -> list[Extension]:
    extension = kind()
    if deflate:
        extension.finalize("permessage-deflate")
    return [extension]


def writer(*, client: bool, seed: int = 0) -> FrameWriter:
    return FrameWriter(client=client, mask=mask_bytes, entropy=random.Random(seed).randbytes)


# What is due


class Due(NamedTuple):
    """What happens when `at` bytes of the stream have been read, and the frames (first byte, payload) that answer it.

    Of a failure only the code is compared, also in the Close that tells it: the words are each side's own.
    """

    at: int
    message: _frames.Received
    replies: tuple[tuple[int, bytes], ...] = ()


def reply(frame: bytes) -> tuple[int, bytes]:
    """Takes a frame of at most 125 bytes apart."""
    masked = frame[1] & 0x80
    return frame[0], mask_bytes(frame[6:], frame[2:6]) if masked else frame[2:]


class Frame(NamedTuple):
    start: int
    header_end: int
    end: int


def frames_of(stream: bytes) -> Iterator[Frame]:
    """Where the headers (without mask key) and the payloads of a stream's frames end; the last one may be cut."""
    start = 0
    while start + 2 <= len(stream):
        header_end = start + _frames.header_size(stream[start : start + 2])
        long = stream[start + 2 : header_end]
        length = int.from_bytes(long, "big") if long else stream[start + 1] & 0x7F
        end = header_end + length + (4 if stream[start + 1] & 0x80 else 0)
        yield Frame(start, header_end, end)
        start = end


def reads_of_wsproto(stream: bytes, deflate: bool) -> Iterable[int]:
    """The positions up to which wsproto reads at once: single bytes, or blocks of the payload of data frames."""
    if not deflate:
        return range(1, len(stream) + 1)
    positions = set(range(1, len(stream) + 1))
    for start, header_end, end in frames_of(stream):
        if not stream[start] & 0x08:
            positions -= set(range(header_end + 1, min(end, len(stream) + 1)))
            positions |= set(range(header_end + BLOCK, min(end, len(stream) + 1), BLOCK))
    return sorted(positions)


def due_by_wsproto(client: bool, deflate: bool, stream: bytes, close_at: int | None) -> list[Due]:
    """What plain wsproto makes of a stream, when we send a Close after `close_at` bytes of it."""
    side = ConnectionType.CLIENT if client else ConnectionType.SERVER
    ws = Connection(side, extensions(MendedDeflate, deflate))
    due: list[Due] = []
    parts: list[str | bytes] = []
    mid_message: set[int] = set()

    def answer(event: Event) -> tuple[tuple[int, bytes], ...]:
        may_send = ws.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING)
        return (reply(bytes(ws.send(event))),) if may_send else ()

    read = 0
    for at in reads_of_wsproto(stream, deflate):
        if close_at is not None and close_at < at and ws.state is ConnectionState.OPEN:
            ws.send(CloseConnection(code=1000))
        ws.receive_data(stream[read:at])
        read = at
        for event in ws.events():
            if isinstance(event, Message):
                parts.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
                if event.message_finished:
                    due.append(Due(at, joined(parts)))
                    parts.clear()
            elif isinstance(event, Ping):
                due.append(Due(at, _frames.Ping(bytes(event.payload)), answer(event.response())))
            elif isinstance(event, Pong):
                due.append(Due(at, _frames.Pong(bytes(event.payload))))
            elif isinstance(event, CloseConnection):
                if ws.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED):
                    return [*due, Due(at, Close(int(event.code), event.reason or ""), answer(event.response()))]
                failed = Due(at, Failure(int(event.code), ""), answer(CloseConnection(code=event.code)))
                return [*due, *delayed(failed, stream, mid_message, close_at)]
        if parts:
            mid_message.add(at)
    return due


def joined(parts: list[str | bytes]) -> str | bytes:
    text = [part for part in parts if isinstance(part, str)]
    return "".join(text) if text else b"".join(part for part in parts if isinstance(part, bytes))


def delayed(failed: Due, stream: bytes, mid_message: set[int], close_at: int | None) -> list[Due]:
    """Where Framing meets a failure: in a plain text frame, at its end, which may be missing."""
    at = failed.at
    frame = next(frame for frame in frames_of(stream) if frame.start < at <= frame.end)
    closing = close_at is not None and close_at < frame.header_end
    if stream[frame.start] != TEXT or at <= frame.header_end or frame.start in mid_message or closing:
        return [failed]
    if frame.end > len(stream):
        return []
    closed_meanwhile = close_at is not None and at <= close_at < frame.end
    return [Due(frame.end, failed.message, () if closed_meanwhile else failed.replies)]


# What Framing does


def check(client: bool, deflate: bool, stream: bytes, close_at: int | None, splits: Iterable[Iterable[int]]) -> None:
    """Cuts `stream` in each of the given ways and compares, read by read, what comes out with what is due."""
    due = due_by_wsproto(client, deflate, stream, close_at)
    for cuts in splits:
        framing = Framing(client=client, max_message=UNLIMITED, extensions=extensions(PerMessageDeflate, deflate))
        ends = {*cuts, len(stream)} if close_at is None else {*cuts, len(stream), close_at}
        start = 0
        for end in sorted(ends):
            framing.receive(stream[start:end])
            now = [one for one in due if start < one.at <= end]
            assert read_from(framing) == expected(now), f"after {end} bytes"
            start = end
            if end == close_at:
                framing.close(1000)
                over = any(one.at <= end and isinstance(one.message, Close | Failure) for one in due)
                closes = [] if over else [(CLOSE, struct.pack("!H", 1000))]
                assert [reply(frame) for frame in framing.outgoing()] == closes


def read_from(framing: Framing) -> tuple[list[_frames.Received], list[tuple[int, bytes]]]:
    messages: list[_frames.Received] = []
    while (message := framing.next_message()) is not None:
        messages.append(Failure(message.code, "") if isinstance(message, Failure) else message)
    failed = any(isinstance(message, Failure) for message in messages)
    replies = [reply(frame) for frame in framing.outgoing()]
    return messages, [
        (first, payload[:2]) if failed and first == CLOSE else (first, payload) for first, payload in replies
    ]


def expected(due: list[Due]) -> tuple[list[_frames.Received], list[tuple[int, bytes]]]:
    """Of the Pongs that answer one read only the last is sent (RFC 6455 section 5.5.3)."""
    replies = [one for each in due for one in each.replies]
    pongs = [one for one in replies if one[0] == PONG]
    return [one.message for one in due], pongs[-1:] + [one for one in replies if one[0] != PONG]


# Streams

BAD_TEXT = [b"\xff", b"ok\xc3", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"x" * 200 + b"\xe2\x82"]
CODES = [0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1013, 1015, 1016, 2999, 3000, 4999, 5000, 65535]

short = st.integers(0, 12)
sizes = st.one_of(short, short, st.sampled_from([60, 124, 125, 126, 127, 300]))
texts = st.one_of(st.text(max_size=12), sizes.map("x".__mul__), sizes.map("€".__mul__), st.just("é" * 40 + "😀")).map(
    str.encode
)
noise = st.builds(lambda size, seed: random.Random(seed).randbytes(size), sizes, st.integers(0, 99))
big_noise = st.builds(
    lambda size, seed: random.Random(seed).randbytes(size), st.integers(4000, 9000), st.integers(0, 9)
)
payloads = st.one_of(texts, texts, noise, st.sampled_from(BAD_TEXT))


@st.composite
def streams(draw: st.DrawFn, client: bool, deflate: bool) -> bytes:
    """Frames that a peer might send to this role; most are good, and after the first bad one nothing matters."""
    peer = writer(client=not client)
    stranger = writer(client=client)
    compressor = zlib.compressobj(wbits=-15)

    def compressed(payload: bytes, *, last: bool = True) -> bytes:
        data = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(b"\x00\x00\xff\xff") if last else data

    def control() -> bytes:
        return peer.frame(draw(st.sampled_from([PING, PONG])), draw(st.binary(max_size=5)))

    def message() -> bytes:
        payload = draw(texts)
        first, payload = draw(
            st.sampled_from([(TEXT, payload), (TEXT, payload), (BINARY, payload), (BINARY, draw(noise))])
        )
        if deflate and draw(st.booleans()):
            return peer.frame(first | COMPRESSED, compressed(payload))
        return peer.frame(first, payload)

    def fragments() -> bytes:
        payload = draw(texts)
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
        pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        first = draw(st.sampled_from([TEXT, BINARY])) & ~FIN
        if deflate and draw(st.booleans()):
            pieces = [compressed(piece, last=i == len(pieces) - 1) for i, piece in enumerate(pieces)]
            first |= COMPRESSED
        out = b""
        for i, piece in enumerate(pieces):
            out += peer.frame((0 if i else first) | (FIN if i == len(pieces) - 1 else 0), piece)
            out += control() if draw(st.booleans()) else b""
        return out

    def close() -> bytes:
        code = struct.pack("!H", draw(st.sampled_from(CODES)))
        return peer.frame(CLOSE, draw(st.one_of(st.just(b""), st.binary(max_size=3), payloads.map(code.__add__)))[:125])

    def any_frame() -> bytes:
        first = draw(
            st.one_of(st.integers(0, 255), st.sampled_from([0x00, 0x01, 0x02, 0x80, TEXT, BINARY, TEXT | COMPRESSED]))
        )
        return peer.frame(first, draw(payloads))

    def long_length() -> bytes:
        payload = draw(st.binary(max_size=3))
        masked, key = (0, b"") if client else (0x80, b"abcd")
        size = draw(st.sampled_from([len(payload), 125, 126, 65535, 2**63]))
        length = (
            struct.pack("!BH", 126 | masked, size)
            if size < 65536 and draw(st.booleans())
            else struct.pack("!BQ", 127 | masked, size)
        )
        return bytes([draw(st.sampled_from([TEXT, BINARY, PING]))]) + length + key + payload

    def big() -> bytes:
        payload = draw(big_noise)
        return peer.frame(BINARY | COMPRESSED, compressed(payload)) if deflate else peer.frame(BINARY, payload[:500])

    good: list[Callable[[], bytes]] = [message, message, fragments, control]
    bad: list[Callable[[], bytes]] = [
        close,
        any_frame,
        any_frame,
        long_length,
        big,
        lambda: stranger.frame(TEXT, draw(payloads)),
        lambda: draw(st.binary(max_size=8)),
    ]
    makers = draw(st.lists(st.sampled_from(good), max_size=4)) + draw(st.lists(st.sampled_from(good + bad), max_size=4))
    stream = bytearray(b"".join(make() for make in makers))
    if stream and draw(st.integers(0, 3)) == 0:
        stream[draw(st.integers(0, len(stream) - 1))] ^= 1 << draw(st.integers(0, 7))
    if draw(st.integers(0, 3)) == 0:
        del stream[draw(st.integers(0, len(stream))) :]
    return bytes(stream)


@roles
@compressions
@settings(max_examples=scaled(150))
@given(data=st.data())
def test_any_stream_under_any_split(client: bool, deflate: bool, data: st.DataObject) -> None:
    stream = data.draw(streams(client, deflate))
    position = st.integers(0, len(stream))
    close_at = data.draw(st.one_of(st.none(), position))
    cuts = data.draw(st.sets(position, max_size=6))
    check(client, deflate, stream, close_at, [[], cuts, range(len(stream))])


def hostile(client: bool) -> list[bytes]:
    peer = writer(client=not client, seed=1)
    good = peer.frame(TEXT, "é1".encode()) + peer.frame(PING, b"p")
    open_message = peer.frame(0x01, b"\xc3")
    tails = [
        peer.frame(TEXT, b"ok\xff"),
        peer.frame(0x01, b"ok\xff"),
        open_message + peer.frame(0x80, b"x"),
        open_message + peer.frame(PING, b"q") + peer.frame(0x80, b"\xa9") + peer.frame(TEXT, b"on"),
        open_message + peer.frame(TEXT, b"x"),
        peer.frame(0x80, b"x"),
        peer.frame(0xC1, b"x"),
        peer.frame(0x83, b"x"),
        peer.frame(0x09, b"x"),
        peer.frame(PING, b"x" * 126),
        writer(client=client).frame(TEXT, b"x"),
        bytes([TEXT, 126 if client else 254, 0, 5]) + b"12345",
        bytes([TEXT, 127 if client else 255]) + struct.pack("!Q", 300) + b"12345",
        bytes([TEXT, 127 if client else 255]) + b"\xff" * 12,
        peer.frame(CLOSE, b""),
        peer.frame(CLOSE, b"x"),
        peer.frame(CLOSE, b"\x03\xe8\xff"),
        *(peer.frame(CLOSE, struct.pack("!H", code) + b"bye") for code in CODES),
        peer.frame(BINARY, b"\xff" * 126) + peer.frame(TEXT, b"x" * 130),
    ]
    return [good + tail + peer.frame(TEXT, b"late") + peer.frame(PING, b"") for tail in tails]


@roles
@compressions
def test_hostile_streams_under_every_split_in_two(client: bool, deflate: bool) -> None:
    for stream in hostile(client):
        check(client, deflate, stream, None, [[cut] for cut in range(len(stream))])


@roles
def test_our_close_at_every_place_of_a_stream(client: bool) -> None:
    for stream in hostile(client):
        for close_at in range(0, len(stream) + 1, 3):
            check(client, False, stream, close_at, [[], range(len(stream))])


# Sending


@roles
@compressions
@given(
    messages=st.lists(
        st.one_of(texts.map(bytes.decode), noise, st.just("x" * 70_000), st.just(b"y" * 70_000)), max_size=6
    )
)
def test_wsproto_reads_what_framing_writes(client: bool, deflate: bool, messages: list[str | bytes]) -> None:
    framing = Framing(client=client, max_message=UNLIMITED, extensions=extensions(PerMessageDeflate, deflate))
    for message in messages:
        if isinstance(message, str):
            framing.send_text(message.encode())
        else:
            framing.send_bytes(message)
    framing.ping(b"p")
    framing.pong(b"q")
    framing.close(1001, "bye")
    peer = Connection(
        ConnectionType.SERVER if client else ConnectionType.CLIENT, extensions(PerMessageDeflate, deflate)
    )
    peer.receive_data(b"".join(framing.outgoing()))
    events = list(peer.events())
    whole = [event.data for event in events if isinstance(event, TextMessage | BytesMessage) and event.message_finished]
    assert whole == messages
    assert events[len(messages) :] == [Ping(b"p"), Pong(b"q"), CloseConnection(1001, "bye")]
