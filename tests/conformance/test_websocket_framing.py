"""The cases of RFC 6455 (and of RFC 7692), in the order of the Autobahn test suite, driven through Framing alone.

Framing echoes every message, as that suite asks of its subject; each case says what the peer sends and what must come
back, in both roles and cut whole, into single bytes and into odd pieces.
"""

from __future__ import annotations

import random
import struct
from typing import NamedTuple

import pytest
from wsproto.extensions import Extension, PerMessageDeflate

from rtproto._config import Close
from rtproto._frames import BINARY, CLOSE, PING, PONG, TEXT, Failure, FrameWriter
from rtproto._framing import Framing
from rtproto._mask import mask_bytes

MORE_TEXT, MORE_BINARY, MORE, LAST = 0x01, 0x02, 0x00, 0x80
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
SIZES = [0, 125, 126, 127, 128, 65535, 65536]
MAX_MESSAGE = 1024 * 1024

Frame = tuple[int, bytes]


class Case(NamedTuple):
    """What the peer sends, and what must come back; the last frame that comes back may be a Close."""

    name: str
    sent: list[Frame]
    back: list[Frame]


def code(number: int, reason: bytes = b"") -> Frame:
    return CLOSE, struct.pack("!H", number) + reason


def split(payload: bytes, size: int, first: int) -> list[Frame]:
    """A message in fragments of `size` bytes."""
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    frames = [(first if i == 0 else MORE, piece) for i, piece in enumerate(pieces)]
    return [*frames[:-1], (frames[-1][0] | LAST, frames[-1][1])]


BYE = code(1000)
PROTOCOL_ERROR = code(1002)
BAD_DATA = code(1007)
GREEK = "Hello-µ@ßöäüàá-UTF-8!!".encode()

CASES = [
    # 1: sizes
    *(Case(f"1.1 text of {size}", [(TEXT, b"*" * size), BYE], [(TEXT, b"*" * size), BYE]) for size in SIZES),
    *(
        Case(f"1.2 binary of {size}", [(BINARY, b"\xfe" * size), BYE], [(BINARY, b"\xfe" * size), BYE])
        for size in SIZES
    ),
    # 2: pings and pongs
    Case("2.1 empty ping", [(PING, b""), BYE], [(PONG, b""), BYE]),
    Case("2.2 ping with text", [(PING, b"Hello, world!"), BYE], [(PONG, b"Hello, world!"), BYE]),
    Case("2.3 ping with bytes", [(PING, b"\x00\xff\xfe\xfd"), BYE], [(PONG, b"\x00\xff\xfe\xfd"), BYE]),
    Case("2.4 ping of 125", [(PING, b"\xfe" * 125), BYE], [(PONG, b"\xfe" * 125), BYE]),
    Case("2.5 ping of 126", [(PING, b"\xfe" * 126)], [PROTOCOL_ERROR]),
    Case("2.7 unasked pong", [(PONG, b"x"), BYE], [BYE]),
    Case("2.9 unasked pong, then ping", [(PONG, b"x"), (PING, b"y"), BYE], [(PONG, b"y"), BYE]),
    # 3: reserved bits
    *(Case(f"3 reserved bits {rsv:#x}", [(TEXT | rsv, b"x")], [PROTOCOL_ERROR]) for rsv in range(0x10, 0x80, 0x10)),
    Case("3.4 reserved bit after text", [(TEXT, b"ok"), (TEXT | RSV3, b"x")], [(TEXT, b"ok"), PROTOCOL_ERROR]),
    *(
        Case(f"3.5 reserved bit on {first:#x}", [(first | RSV1, b"")], [PROTOCOL_ERROR])
        for first in (BINARY, CLOSE, PING)
    ),
    # 4: reserved opcodes
    *(Case(f"4 opcode {op:#x}", [(LAST | op, b"")], [PROTOCOL_ERROR]) for op in [*range(3, 8), *range(11, 16)]),
    Case("4.1.3 opcode after text", [(TEXT, b"ok"), (0x85, b""), (PING, b"")], [(TEXT, b"ok"), PROTOCOL_ERROR]),
    # 5: fragments
    Case("5.1 ping in fragments", [(0x09, b"a"), (LAST, b"b")], [PROTOCOL_ERROR]),
    Case("5.2 pong in fragments", [(0x0A, b"a"), (LAST, b"b")], [PROTOCOL_ERROR]),
    Case("5.3 text in two", [(MORE_TEXT, b"a"), (LAST, b"b"), BYE], [(TEXT, b"ab"), BYE]),
    Case("5.3 binary in two", [(MORE_BINARY, b"a"), (LAST, b"b"), BYE], [(BINARY, b"ab"), BYE]),
    Case(
        "5.6 ping between",
        [(MORE_TEXT, b"a"), (PING, b"p"), (LAST, b"b"), BYE],
        [(PONG, b"p"), (TEXT, b"ab"), BYE],
    ),
    Case("5.9 continuation of nothing", [(LAST, b"a"), (TEXT, b"b")], [PROTOCOL_ERROR]),
    Case("5.12 fragment of nothing", [(MORE, b"a"), (TEXT, b"b")], [PROTOCOL_ERROR]),
    Case(
        "5.15 continuation after the end", [*split(b"ab", 1, MORE_TEXT), (LAST, b"c")], [(TEXT, b"ab"), PROTOCOL_ERROR]
    ),
    Case("5.18 text inside a text", [(MORE_TEXT, b"a"), (TEXT, b"b")], [PROTOCOL_ERROR]),
    Case(
        "5.19 pings all over",
        [(MORE_TEXT, b"1"), (MORE, b"2"), (PING, b"p"), (MORE, b"3"), (MORE, b"4"), (PING, b"q"), (LAST, b"5"), BYE],
        [(PONG, b"p"), (PONG, b"q"), (TEXT, b"12345"), BYE],
    ),
    # 6: UTF-8
    Case("6.1.1 empty text", [(TEXT, b""), BYE], [(TEXT, b""), BYE]),
    Case("6.1.2 empty fragments", [(MORE_TEXT, b""), (MORE, b""), (LAST, b""), BYE], [(TEXT, b""), BYE]),
    Case("6.1.3 one of three is empty", [(MORE_TEXT, b""), (MORE, b"x"), (LAST, b""), BYE], [(TEXT, b"x"), BYE]),
    Case("6.2.1 text beyond ASCII", [(TEXT, GREEK), BYE], [(TEXT, GREEK), BYE]),
    *(
        Case(f"6.2 in fragments of {size}", [*split(GREEK, size, MORE_TEXT), BYE], [(TEXT, GREEK), BYE])
        for size in (1, 2, 3, 7)
    ),
    *(
        Case(
            f"6.5 valid {text!a}",
            [(TEXT, text.encode()), *split(text.encode(), 1, MORE_TEXT), BYE],
            [(TEXT, text.encode())] * 2 + [BYE],
        )
        for text in (
            "\x00x",
            "\x7f",
            "\u0080",
            "\u07ff",
            "\u0800",
            "\ud7ff",
            "\ue000",
            "\ufffe",
            "\uffff",
            "\U00010000",
            "\U0010ffff",
        )
    ),
    *(
        Case(
            f"6.3 invalid {bad.hex()}{' in fragments' * fragmented}",
            split(bad, 1, MORE_TEXT) if fragmented else [(TEXT, bad)],
            [BAD_DATA],
        )
        for bad in (
            GREEK + b"\xed\xa0\x80edited",
            b"\x80?",
            b"\xbf" * 2,
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xe0\x9f\xbf",
            b"\xf0\x80\x80\xaf",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xfc\x84\x80\x80\x80\x80",
            b"\xfe\xff",
            b"\xed\xaf\xbf\xed\xb0\x80",
            b"\xce\xba\xe1",
        )
        for fragmented in (False, True)
    ),
    Case("6.4 the next message is judged afresh", [(TEXT, b"\xc3"), (TEXT, b"\xa9")], [BAD_DATA]),
    # 7: closing
    Case("7.1.1 close after text", [(TEXT, b"x"), BYE], [(TEXT, b"x"), BYE]),
    Case("7.1.2 two closes", [BYE, BYE], [BYE]),
    Case("7.1.3 ping after close", [BYE, (PING, b"")], [BYE]),
    Case("7.1.4 text after close", [BYE, (TEXT, b"x")], [BYE]),
    Case("7.1.5 close inside a message", [(MORE_TEXT, b"x"), BYE, (LAST, b"y")], [BYE]),
    Case("7.3.1 close without a code", [(CLOSE, b"")], [(CLOSE, b"")]),
    Case("7.3.2 close of 1 byte", [(CLOSE, b"a")], [PROTOCOL_ERROR]),
    Case("7.3.5 reason of 123 bytes", [code(1000, b"x" * 123)], [code(1000, b"x" * 123)]),
    Case("7.3.6 reason of 124 bytes", [code(1000, b"x" * 124)], [PROTOCOL_ERROR]),
    Case("7.5.1 reason that is no text", [code(1000, b"\xff")], [BAD_DATA]),
    *(
        Case(f"7.7 code {number}", [code(number)], [code(number)])
        for number in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999)
    ),
    *(
        Case(f"7.9 code {number}", [code(number)], [PROTOCOL_ERROR])
        for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ),
    # 9: limits and many fragments
    Case("9.1 as big as may be", [(TEXT, b"*" * MAX_MESSAGE), BYE], [(TEXT, b"*" * MAX_MESSAGE), BYE]),
    Case("9.1 too big", [(TEXT, b"*" * (MAX_MESSAGE + 1))], [code(1009)]),
    Case("9.2 binary too big", [(BINARY, b"*" * (MAX_MESSAGE + 1))], [code(1009)]),
    Case(
        "9.3 in fragments",
        [*split(b"*" * MAX_MESSAGE, 65536, MORE_TEXT), BYE],
        [(TEXT, b"*" * MAX_MESSAGE), BYE],
    ),
    Case("9.3 fragments too big together", split(b"*" * (MAX_MESSAGE + 1), 65536, MORE_TEXT), [code(1009)]),
]


def echo(framing: Framing, wire: bytes, step: int) -> list[bytes]:
    """Sends every message back, as it comes; returns the frames written."""
    written: list[bytes] = []
    for at in range(0, len(wire), step):
        framing.receive(wire[at : at + step])
        while (message := framing.next_message()) is not None:
            if isinstance(message, str):
                framing.send_text(message.encode())
            elif isinstance(message, bytes):
                framing.send_bytes(message)
            written += framing.outgoing()
    return written


def wire_of(frames: list[Frame], *, client: bool) -> bytes:
    """The frames as the peer of a client (or server) sends them."""
    peer = FrameWriter(client=not client, mask=mask_bytes, entropy=random.Random(1).randbytes)
    return b"".join(peer.frame(first, payload) for first, payload in frames)


def unframed(frame: bytes, *, masked: bool) -> Frame:
    length = frame[1] & 0x7F
    header = 2 + {126: 2, 127: 8}.get(length, 0)
    assert bool(frame[1] & 0x80) is masked
    size = int.from_bytes(frame[2:header], "big") if header > 2 else length
    payload = mask_bytes(frame[header + 4 :], frame[header : header + 4]) if masked else frame[header:]
    assert len(payload) == size
    return frame[0], payload


@pytest.mark.parametrize("client", [True, False], ids=["client", "server"])
@pytest.mark.parametrize(("sent", "back"), [case[1:] for case in CASES], ids=[case.name for case in CASES])
def test_case(client: bool, sent: list[Frame], back: list[Frame]) -> None:
    wire = wire_of(sent, client=client)
    for step in (len(wire), 1, 3) if len(wire) < 2000 else (len(wire), 65536, 1399):
        framing = Framing(client=client, max_message=MAX_MESSAGE)
        frames = [unframed(frame, masked=client) for frame in echo(framing, wire, step)]
        assert frames[:-1] == back[:-1]
        # A Close that tells a failure also says, in words, what was wrong.
        first, payload = frames[-1]
        failed = back[-1] in (PROTOCOL_ERROR, BAD_DATA, code(1009)) and back[-1] not in sent
        assert (first, payload[:2] if failed else payload) == back[-1]
        assert not failed or len(payload) > 2


@pytest.mark.parametrize("client", [True, False], ids=["client", "server"])
def test_5_19_the_pong_for_a_ping_between_fragments_does_not_wait_for_the_message(client: bool) -> None:
    framing = Framing(client=client, max_message=MAX_MESSAGE)
    framing.receive(wire_of([(MORE_TEXT, b"a"), (PING, b"p")], client=client))
    assert framing.next_message() is not None
    assert [unframed(frame, masked=client) for frame in framing.outgoing()] == [(PONG, b"p")]


def test_5_1_a_client_masks_and_a_server_does_not() -> None:
    """RFC 6455 section 5.1: each end fails on frames of its own kind."""
    for client in (True, False):
        framing = Framing(client=client, max_message=MAX_MESSAGE)
        framing.receive(wire_of([(TEXT, b"x")], client=not client))
        failure = framing.next_message()
        assert isinstance(failure, Failure)
        assert failure.code == 1002


def test_7_1_1_we_close_and_the_peer_answers() -> None:
    client, server = Framing(client=True, max_message=MAX_MESSAGE), Framing(client=False, max_message=MAX_MESSAGE)
    client.send_text(b"last words")
    client.close(1001, "bye")
    assert echo(server, b"".join(client.outgoing()), 1)[1:] == [wire_of([code(1001, b"bye")], client=True)]
    client.receive(wire_of([(TEXT, b"on its way"), code(1001, b"bye")], client=True))
    assert [client.next_message(), client.next_message()] == ["on its way", Close(1001, "bye")]
    assert client.outgoing() == []


# 12, 13: permessage-deflate


def deflate(*, no_takeover: bool, bits: int) -> list[Extension]:
    extension = PerMessageDeflate(no_takeover, bits, no_takeover, bits)
    extension.finalize("permessage-deflate")
    return [extension]


@pytest.mark.parametrize("no_takeover", [False, True], ids=["takeover", "no takeover"])
@pytest.mark.parametrize("bits", [9, 15])
@pytest.mark.parametrize("size", [16, 64, 1024, 16384, 131072])
def test_12_compressed_echo(size: int, bits: int, no_takeover: bool) -> None:
    client = Framing(client=True, max_message=MAX_MESSAGE, extensions=deflate(no_takeover=no_takeover, bits=bits))
    server = Framing(client=False, max_message=MAX_MESSAGE, extensions=deflate(no_takeover=no_takeover, bits=bits))
    words = random.Random(size)
    texts = [" ".join(words.choices(["realtime", "voice", "é", "€", "😀"], k=size // 6)) for _ in range(10)]
    for text in texts:
        client.send_text(text.encode())
    wire = b"".join(client.outgoing())
    assert wire[0] == TEXT | RSV1
    client.receive(b"".join(echo(server, wire, 1021)))
    assert [client.next_message() for _ in texts] == texts


def test_7692_the_examples_of_the_rfc() -> None:
    """RFC 7692 section 7.2.3: "Hello" compressed, in fragments, again with the window kept, and in a stored block."""
    hello = bytes.fromhex("f248cdc9c90700")
    wire = (
        wire_of([(TEXT | RSV1, hello)], client=True)
        + wire_of([(MORE_TEXT | RSV1, hello[:3]), (LAST, hello[3:])], client=True)
        + wire_of([(TEXT | RSV1, bytes.fromhex("f200110000"))], client=True)
        + wire_of([(TEXT | RSV1, bytes.fromhex("000500faff48656c6c6f00"))], client=True)
        + wire_of([(TEXT | RSV1, bytes.fromhex("f24805000000ffffcac9c90700"))], client=True)
    )
    client = Framing(client=True, max_message=MAX_MESSAGE, extensions=deflate(no_takeover=False, bits=15))
    client.receive(wire)
    assert [client.next_message() for _ in range(6)] == ["Hello"] * 5 + [None]
