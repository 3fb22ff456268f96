"""Framing on its own: what a peer or the layer above would notice."""

from __future__ import annotations

import random
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol

from rtproto._config import Close
from rtproto._frames import Failure, FrameWriter, Ping, Pong, Received, close_payload, header_size
from rtproto._framing import Framing
from rtproto._mask import MaskFunction, mask_bytes
from rtproto.errors import LocalProtocolError

MIB = 1024 * 1024
RFC_KEY = bytes.fromhex("37fa213d")


def c_mask() -> MaskFunction:
    module = pytest.importorskip("websockets.speedups", reason="the C mask comes with the extra `speed`")
    function: MaskFunction = module.apply_mask
    return function


@pytest.fixture(params=["python", "c"])
def mask(request: pytest.FixtureRequest) -> MaskFunction:
    return mask_bytes if request.param == "python" else c_mask()


def framing(
    *, client: bool = True, max_message: int = 24 * MIB, deflate: bool = False, no_takeover: bool = False
) -> Framing:
    return Framing(client=client, max_message=max_message, extensions=[deflater(no_takeover)] if deflate else [])


def deflater(no_takeover: bool = False) -> PerMessageDeflate:
    extension = PerMessageDeflate(client_no_context_takeover=no_takeover, server_no_context_takeover=no_takeover)
    extension.finalize("permessage-deflate")
    return extension


def from_server(first: int, payload: bytes = b"") -> bytes:
    return FrameWriter(client=False, mask=mask_bytes, entropy=bytes).frame(first, payload)


def from_client(first: int, payload: bytes = b"") -> bytes:
    return FrameWriter(client=True, mask=mask_bytes, entropy=random.Random(1).randbytes).frame(first, payload)


def taken(one: Framing) -> list[Received]:
    messages: list[Received] = []
    while (message := one.next_message()) is not None:
        messages.append(message)
    return messages


def received(one: Framing, data: bytes) -> list[Received]:
    one.receive(data)
    return taken(one)


def received_by_bytes(one: Framing, data: bytes) -> list[Received]:
    for value in data:
        one.receive(bytes([value]))
    return taken(one)


# The mask


def test_the_mask_is_a_repeated_xor_at_every_length(mask: MaskFunction) -> None:
    data = random.Random(2).randbytes(300)
    for size in range(len(data) + 1):
        assert mask(data[:size], RFC_KEY) == bytes(byte ^ RFC_KEY[i % 4] for i, byte in enumerate(data[:size]))


def test_both_masks_make_the_same_wire(mask: MaskFunction) -> None:
    payload = random.Random(3).randbytes(100_003)
    client = Framing(client=True, max_message=MIB, mask=mask, entropy=lambda size: RFC_KEY * (size // 4))
    server = Framing(client=False, max_message=MIB, mask=mask)
    client.send_bytes(payload)
    client.send_text(b"x" * 1301)
    wire = client.outgoing()
    assert wire[0][:14] == bytes.fromhex("82ff") + struct.pack("!Q", 100_003) + RFC_KEY
    assert wire[0][14:] == mask_bytes(payload, RFC_KEY)
    assert received(server, b"".join(wire)) == [payload, "x" * 1301]


def test_every_frame_has_a_fresh_key_and_entropy_is_drawn_in_blocks() -> None:
    drawn: list[int] = []

    def entropy(size: int) -> bytes:
        drawn.append(size)
        return random.Random(len(drawn)).randbytes(size)

    client = Framing(client=True, max_message=MIB, entropy=entropy)
    for _ in range(1500):
        client.send_text(b"")
    keys = {frame[2:] for frame in client.outgoing()}
    assert len(keys) == 1500
    assert drawn == [4096, 4096]


def test_keys_of_two_connections_differ() -> None:
    first, second = framing(), framing()
    first.ping()
    second.ping()
    assert first.outgoing() != second.outgoing()


# Writing


@pytest.mark.parametrize(
    ("call", "plain", "masked"),
    [
        (lambda one: one.send_text(b"Hello"), "810548656c6c6f", "818537fa213d7f9f4d5158"),
        (lambda one: one.send_bytes(b""), "8200", "828037fa213d"),
        (lambda one: one.ping(b"Hello"), "890548656c6c6f", "898537fa213d7f9f4d5158"),
        (lambda one: one.pong(b"Hello"), "8a0548656c6c6f", "8a8537fa213d7f9f4d5158"),
        (lambda one: one.close(1000), "880203e8", "888237fa213d3412"),
        (lambda one: one.close(1005), "8800", "888037fa213d"),
    ],
    ids=["text", "binary", "ping", "pong", "close", "close without a code"],
)
def test_frames_are_those_of_the_rfc(call: Callable[[Framing], None], plain: str, masked: str) -> None:
    for client, wire in ((False, plain), (True, masked)):
        one = Framing(client=client, max_message=MIB, entropy=lambda size: RFC_KEY * (size // 4))
        call(one)
        assert one.outgoing() == [bytes.fromhex(wire)]
        assert one.outgoing() == []


@pytest.mark.parametrize(
    ("size", "header"), [(125, "817d"), (126, "817e007e"), (65535, "817effff"), (65536, "817f0000000000010000")]
)
def test_lengths_take_the_shortest_form(size: int, header: str) -> None:
    server = framing(client=False)
    server.send_text(b"x" * size)
    assert server.outgoing() == [bytes.fromhex(header) + b"x" * size]


def test_a_reason_is_cut_to_what_fits_and_never_inside_a_character() -> None:
    server = framing(client=False)
    server.close(3000, "é" * 100)
    assert server.outgoing() == [from_server(0x88, struct.pack("!H", 3000) + ("é" * 61).encode())]
    assert close_payload(1000, "\ud83d") == struct.pack("!H", 1000) + b"?"


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65536])
def test_a_close_code_that_must_not_be_sent_is_refused_and_leaves_the_connection_open(code: int) -> None:
    client = framing()
    with pytest.raises(LocalProtocolError, match=f"{code} is no close code"):
        client.close(code)
    client.send_text(b"still here")
    assert len(client.outgoing()) == 1


def test_a_reason_needs_a_code() -> None:
    with pytest.raises(LocalProtocolError, match="1005 is no close code"):
        framing().close(1005, "why")


@pytest.mark.parametrize("call", [Framing.ping, Framing.pong])
def test_a_control_frame_holds_at_most_125_bytes(call: Callable[[Framing, bytes], None]) -> None:
    server = framing(client=False)
    call(server, b"x" * 125)
    with pytest.raises(LocalProtocolError, match="holds 125 bytes, not 126"):
        call(server, b"x" * 126)
    assert len(server.outgoing()) == 1


def test_nothing_follows_a_close() -> None:
    client = framing()
    client.close(1001, "going")
    client.close(1000)
    for send in (client.send_text, client.send_bytes, client.ping, client.pong):
        with pytest.raises(LocalProtocolError, match="a Close was sent"):
            send(b"late")
    assert len(client.outgoing()) == 1


# Reading

TEXTS = ["", "Hello", "x" * 125, "é" * 63, "x" * 65535, "x" * 65536, "€" * 30_000]


@pytest.mark.parametrize("step", [1, 2, 7, 4096, MIB])
def test_texts_arrive_whole_however_they_are_cut(step: int, mask: MaskFunction) -> None:
    for client, write in ((True, from_server), (False, from_client)):
        wire = b"".join(write(0x81, text.encode()) for text in TEXTS)
        one = Framing(client=client, max_message=MIB, mask=mask)
        for at in range(0, len(wire), step):
            one.receive(wire[at : at + step])
        assert taken(one) == TEXTS


def test_a_message_of_20_mib_arrives_in_reads_of_64_kib() -> None:
    payload = b"x" * (20 * MIB)
    for first, expected in ((0x81, payload.decode()), (0x82, payload)):
        wire = from_server(first, payload)
        client = framing()
        for at in range(0, len(wire), 65536):
            client.receive(wire[at : at + 65536])
        assert taken(client) == [expected]


def test_read_buffers_are_not_kept() -> None:
    client = framing()
    for wire in (from_server(0x81, b"x" * 1000), from_server(0x81, b"x" * 1000)[:500], from_server(0x82, b"x")[:2]):
        data = bytes(bytearray(wire))
        references = sys.getrefcount(data)
        client.receive(data)
        assert sys.getrefcount(data) == references


def test_fragments_and_binary_become_whole_messages() -> None:
    wire = (
        from_server(0x82, b"\x00\xff")
        + from_server(0x01, "é".encode()[:1])
        + from_server(0x89, b"p")
        + from_server(0x00, "é".encode()[1:])
        + from_server(0x8A, b"q")
        + from_server(0x80)
        + from_server(0x02)
        + from_server(0x80, b"end")
        + from_server(0x81, b"text")
    )
    expected = [b"\x00\xff", Ping(b"p"), Pong(b"q"), "é", b"end", "text"]
    assert received(framing(), wire) == expected
    assert received_by_bytes(framing(), wire) == expected


@pytest.mark.parametrize(
    ("client", "frames", "through_wsproto"),
    [
        (True, [from_server(0x81, b"x" * size) for size in (0, 125, 126, 65535, 65536)], []),
        (False, [from_client(0x81, b"x" * size) for size in (0, 125, 126, 65535, 65536)], []),
        (True, [from_server(0x82, b"b"), from_server(0x81, b"t")], [0]),
        (True, [from_server(0x01, b"a"), from_server(0x89), from_server(0x80, b"b"), from_server(0x81)], [0, 1, 2]),
        (True, [from_server(0x89), from_server(0x81, b"t"), from_server(0x8A), from_server(0x81)], [0, 2]),
    ],
    ids=["plain text", "masked text", "binary", "fragments", "pings"],
)
def test_only_what_is_odd_goes_through_wsproto(
    client: bool, frames: list[bytes], through_wsproto: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    fed = bytearray()
    feed = FrameProtocol.receive_bytes

    def spy(protocol: FrameProtocol, data: bytes) -> None:
        fed.extend(data)
        feed(protocol, data)

    monkeypatch.setattr(FrameProtocol, "receive_bytes", spy)
    one = framing(client=client, max_message=65536)
    one.receive(b"".join(frames))
    assert fed == b"".join(frames[i] for i in through_wsproto)
    assert not [message for message in taken(one) if isinstance(message, Failure)]
    one.close()
    fed.clear()
    one.receive(b"".join(frames))
    assert fed == b"".join(frames)


# Failures

FAILURES = [
    ("reserved bit", from_server(0xC1, b"x"), 2, 1002, "Reserved bit"),
    ("reserved opcode", from_server(0x83, b"x"), 2, 1002, "Invalid opcode"),
    ("reserved control opcode", from_server(0x8B, b"x"), 2, 1002, "Invalid opcode"),
    ("masked by a server", from_client(0x81, b"x"), 2, 1002, "masked"),
    ("text length in 2 bytes that fits 1", b"\x81\x7e\x00\x7d" + b"x" * 125, 4, 1002, "2 bytes when 1"),
    ("text length in 8 bytes that fits 2", b"\x81\x7f" + struct.pack("!Q", 65535) + b"x" * 65535, 10, 1002, "8 bytes"),
    ("length with its top bit set", b"\x81\x7f" + b"\xff" * 8, 10, 1002, "non-zero MSB"),
    ("fragmented ping", from_server(0x09), 2, 1002, "fragment control"),
    ("ping of 126 bytes", from_server(0x89, b"x" * 126), 2, 1002, "> 125"),
    ("continuation of nothing", from_server(0x80, b"x"), 3, 1002, "unexpected CONTINUATION"),
    ("text inside a message", from_server(0x01) + from_server(0x81, b"x"), 5, 1002, "expected CONTINUATION"),
    ("close of 1 byte", from_server(0x88, b"x"), 3, 1002, "1 byte"),
    ("close 1006", from_server(0x88, struct.pack("!H", 1006)), 4, 1002, "local-only"),
    ("close with bad text", from_server(0x88, b"\x03\xe8\xff"), 5, 1007, "invalid UTF-8"),
    ("bad text", from_server(0x81, b"ok\xff!"), 6, 1007, "invalid UTF-8"),
    ("bad text in a fragment", from_server(0x01, b"ok\xff!"), 5, 1007, "invalid UTF-8"),
    ("half a character", from_server(0x01) + from_server(0x80, b"\xc3"), 5, 1007, "invalid UTF-8"),
    ("a surrogate", from_server(0x81, b"\xed\xa0\x80"), 5, 1007, "invalid UTF-8"),
]


@pytest.mark.parametrize(
    ("wire", "at", "code", "reason"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_broken_frame_fails_at_its_byte_after_all_that_came_before(
    wire: bytes, at: int, code: int, reason: str
) -> None:
    good = from_server(0x81, b"good") + from_server(0x82, b"too")
    client = framing()
    assert received(client, good + wire[: at - 1]) == ["good", b"too"]
    (failure,) = received(client, wire[at - 1 : at])
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert reason in failure.reason

    whole = framing()
    assert received(whole, good + wire) == ["good", b"too", failure]
    (answer,) = whole.outgoing()
    assert answer[0] == 0x88
    assert mask_bytes(answer[6:], answer[2:6]) == struct.pack("!H", code) + failure.reason.encode()


@pytest.mark.parametrize("at", [0, 5000, 19_999])
def test_bad_text_anywhere_in_a_long_fragment(at: int) -> None:
    payload = b"x" * at + b"\xff" + b"x" * (20_000 - at)
    wire = from_server(0x01, payload) + from_server(0x81, b"late")
    for read in (received, received_by_bytes):
        assert read(framing(), wire) == [Failure(1007, "invalid UTF-8")]


def test_a_server_refuses_what_is_not_masked() -> None:
    server = framing(client=False)
    (failure,) = received(server, from_server(0x81, b"x"))
    assert failure == Failure(1002, "server received unexpected unmasked frame")


@pytest.mark.parametrize("last", [from_server(0x88), from_server(0x83), from_server(0x81, b"\xff")])
def test_after_a_close_or_a_failure_nothing_is_read(last: bytes) -> None:
    client = framing()
    more = from_server(0x81, b"late") + from_server(0x89)
    first = received(client, last + more)
    assert len(first) == 1
    assert len(client.outgoing()) == 1
    assert received(client, more) == []
    assert received_by_bytes(client, more) == []
    assert client.outgoing() == []


def test_a_failure_after_our_close_sends_no_second_one() -> None:
    client = framing()
    client.close()
    client.outgoing()
    assert [type(message) for message in received(client, b"\x83\x00")] == [Failure]
    assert client.outgoing() == []


# Pings and closes


def test_a_ping_is_answered_and_only_the_latest_of_many() -> None:
    server = framing(client=False)
    assert received(server, from_client(0x89, b"one")) == [Ping(b"one")]
    server.send_text(b"text")
    assert server.outgoing() == [from_server(0x8A, b"one"), from_server(0x81, b"text")]
    flood = [str(i).encode() for i in range(1000)]
    assert received(server, b"".join(from_client(0x89, payload) for payload in flood)) == [Ping(p) for p in flood]
    assert server.outgoing() == [from_server(0x8A, b"999")]
    assert server.outgoing() == []


def test_a_pong_stands_before_the_close_and_is_not_sent_after_one() -> None:
    server = framing(client=False)
    close = struct.pack("!H", 1001) + b"bye"
    assert received(server, from_client(0x89, b"p") + from_client(0x88, close)) == [Ping(b"p"), Close(1001, "bye")]
    assert server.outgoing() == [from_server(0x8A, b"p"), from_server(0x88, close)]

    server = framing(client=False)
    server.close()
    server.outgoing()
    assert received(server, from_client(0x89, b"p")) == [Ping(b"p")]
    assert server.outgoing() == []


def test_a_close_without_a_code_is_1005_and_answered_in_kind() -> None:
    server = framing(client=False)
    assert received(server, from_client(0x88)) == [Close(1005, "")]
    assert server.outgoing() == [from_server(0x88)]


def test_what_answers_an_earlier_message_goes_out_before_the_close() -> None:
    wire = from_client(0x81, b"question") + from_client(0x88, struct.pack("!H", 1000))
    sent: list[list[bytes]] = []
    for reads in ([wire], [wire[:14], wire[14:]]):
        server = framing(client=False)
        out: list[bytes] = []
        for data in reads:
            server.receive(data)
            while (message := server.next_message()) is not None:
                if message == "question":
                    server.send_text(b"answer")
            out += server.outgoing()
        sent.append(out)
    assert sent[0] == sent[1] == [from_server(0x81, b"answer"), from_server(0x88, struct.pack("!H", 1000))]


@pytest.mark.parametrize("before", range(9))
def test_messages_after_our_close_are_delivered_until_the_peers(before: int) -> None:
    """Our Close falls at every place of a text frame that is under way."""
    wire = from_server(0x81, b"Hello") + from_server(0x81, b"more") + from_server(0x82, b"x") + from_server(0x88)
    client = framing()
    messages = received(client, wire[:before])
    client.close(1000)
    assert len(client.outgoing()) == 1
    assert messages + received(client, wire[before:]) == ["Hello", "more", b"x", Close(1005, "")]
    assert client.outgoing() == []


# Limits


@pytest.mark.parametrize("client", [True, False])
@pytest.mark.parametrize("first", [0x81, 0x82, 0x01])
@pytest.mark.parametrize("limit", [10, 1000, 100_000])
def test_a_message_too_big_fails_when_its_length_is_known(client: bool, first: int, limit: int) -> None:
    write = from_server if client else from_client
    one = framing(client=client, max_message=limit)
    exact = write(0x81, b"x" * limit) + write(0x82, b"x" * limit)
    assert received(one, exact) == ["x" * limit, b"x" * limit]
    header = write(first, b"x" * (limit + 1))
    header = header[: header_size(header)]
    assert received(one, header[:-1]) == []
    assert received(one, header[-1:]) == [Failure(1009, f"a message of more than {limit} bytes")]
    (answer,) = one.outgoing()
    assert answer[0] == 0x88


def test_the_limit_holds_on_the_sum_of_fragments() -> None:
    client = framing(max_message=10)
    fits = from_server(0x01, b"12345") + from_server(0x89, b"x" * 125) + from_server(0x80, b"67890")
    assert received(client, fits * 2) == [Ping(b"x" * 125), "1234567890"] * 2
    over = from_server(0x01, b"12345") + from_server(0x00, b"67890") + from_server(0x80, b"1")[:2]
    assert received(client, over) == [Failure(1009, "a message of more than 10 bytes")]


def test_a_frame_that_is_both_masked_wrong_and_too_big_is_a_protocol_error() -> None:
    (failure,) = received(framing(max_message=10), from_client(0x81, b"x" * 11))
    assert isinstance(failure, Failure)
    assert failure.code == 1002


def test_a_declared_length_reserves_no_memory() -> None:
    client = framing()
    tracemalloc.start()
    try:
        client.receive(b"\x81\x7f" + struct.pack("!Q", 20 * MIB))
        client.receive(b"x" * 100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000


# permessage-deflate


@pytest.mark.parametrize("no_takeover", [False, True])
def test_compressed_messages_pass_between_two_ends(no_takeover: bool) -> None:
    client = framing(client=True, deflate=True, no_takeover=no_takeover)
    server = framing(client=False, deflate=True, no_takeover=no_takeover)
    texts = ["", "Hello", "", "Hello", "é" * 50_000]
    for sender, receiver in ((client, server), (server, client)):
        for text in texts:
            sender.send_text(text.encode())
        sender.send_bytes(bytes(100_000))
        sender.ping(b"p")
        wire = b"".join(sender.outgoing())
        assert len(wire) < 1000
        assert received_by_bytes(receiver, wire) == [*texts, bytes(100_000), Ping(b"p")]
        receiver.outgoing()


def test_text_that_a_peer_left_uncompressed_is_read_all_the_same() -> None:
    client = framing(deflate=True)
    assert received(client, from_server(0x81, b"plain") + from_server(0x82, b"b")) == ["plain", b"b"]


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_pings_between_the_fragments_of_a_compressed_message() -> None:
    data = deflated(b"Hello, hello, hello")
    wire = from_server(0x41, data[:4]) + from_server(0x89, b"p") + from_server(0x80, data[4:])
    assert received(framing(deflate=True), wire * 1) == [Ping(b"p"), "Hello, hello, hello"]


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (from_server(0xC1, b"\xff\xff\xff"), 1007),
        (from_server(0xC1, deflated(b"\xff")), 1007),
        (from_server(0x41, deflated(b"x")) + from_server(0xC0, b"x"), 1002),
        (from_server(0xC9), 1002),
        (from_server(0xA1, b"x"), 1002),
    ],
    ids=["not deflate", "bad text", "compressed continuation", "compressed ping", "second reserved bit"],
)
def test_broken_compression_fails(wire: bytes, code: int) -> None:
    for read in (received, received_by_bytes):
        (failure,) = read(framing(deflate=True), wire)
        assert isinstance(failure, Failure)
        assert failure.code == code


def test_the_limit_holds_on_decompressed_bytes_before_they_fill_the_memory() -> None:
    bomb = from_server(0xC2, deflated(bytes(60 * MIB)))
    assert len(bomb) < 65536
    client = framing(deflate=True, max_message=MIB)
    tracemalloc.start()
    try:
        messages = received(client, bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert messages == [Failure(1009, f"a message of more than {MIB} bytes")]
    assert peak < 20 * MIB


def test_which_of_two_faults_counts_does_not_depend_on_the_cut() -> None:
    """Too big, and then no DEFLATE at all: in one block of input, so both are found at once."""
    wire = from_server(0xC2, deflated(bytes(2000)) + b"\xff" * 10)
    for read in (received, received_by_bytes):
        assert read(framing(deflate=True, max_message=1000), wire) == [Failure(1007, "invalid compressed data")]


def test_data_after_the_end_of_a_deflate_stream_is_not_hoarded() -> None:
    compressor = zlib.compressobj(wbits=-15)
    stream = compressor.compress(b"end") + compressor.flush()
    fragment = from_server(0x00, b"x" * 4000)
    client = framing(deflate=True)
    assert received(client, from_server(0x41, stream) + fragment) == []
    assert received(client, fragment) == [Failure(1007, "compressed data that holds nothing")]


def test_much_that_holds_no_data_is_no_hoard() -> None:
    client = framing(deflate=True)
    assert received(client, from_server(0xC1, b"\x00") * 5000) == [""] * 5000
    pings = from_server(0x89, b"x" * 125) * 100
    assert received(client, from_server(0x41) + pings + from_server(0x80, b"\x00"))[100:] == [""]


def test_a_failure_is_told_once() -> None:
    """The compressed frame that comes inside another message is at fault in two ways."""
    wire = from_client(0x01) + from_client(0xC1, b"x" * 5000)
    (failure,) = received(framing(client=False, deflate=True), wire)
    assert isinstance(failure, Failure)
    assert failure.code == 1002
