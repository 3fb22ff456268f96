"""WebSocket framing after the handshake: bytes <-> whole messages, for both ends (RFC 6455).

Reading has two modes, and a frame's header alone decides which one takes it. The FAST one cuts whole text messages out
of the bytes; everything else goes through wsproto, frame by frame (SLOW).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import NoReturn

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed, RsvBits

from rtproto._config import Close
from rtproto._frames import (
    BINARY,
    CLOSE,
    MASKED,
    MAX_CONTROL,
    PING,
    PONG,
    TEXT,
    Failure,
    FrameWriter,
    Ping,
    Pong,
    Received,
    close_payload,
    header_size,
)
from rtproto._mask import MaskFunction, mask_bytes
from rtproto._state import State
from rtproto.errors import LocalProtocolError

_CONTROL: dict[Opcode, type[Ping] | type[Pong]] = {Opcode.PING: Ping, Opcode.PONG: Pong}
_INVALID_UTF8 = "invalid UTF-8"

# What wsproto gets at once. 4 KiB of permessage-deflate can become 4 MiB before they can be counted.
_BLOCK = 4096


class Framing:
    """The frames of one WebSocket, without I/O and clock.

    `receive()` bytes, take every `next_message()`, then write what `outgoing()` gives. The answers to the peer (Pong,
    Close) are made when its Ping, its Close or its `Failure` is taken: so what is sent in reply to an earlier message
    stands before the Close, however the bytes were cut.

    `max_message` is in bytes, of a whole message, decompressed. `extensions` are those of the handshake; the ones that
    are not enabled are ignored. `entropy(n)` gives n unpredictable bytes, for mask keys.
    """

    def __init__(
        self,
        *,
        client: bool,
        max_message: int,
        mask: MaskFunction = mask_bytes,
        extensions: Sequence[Extension] = (),
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._max_message = max_message
        self._mask = mask
        self._peer_masks = 0 if client else MASKED

        self._data_frames = FrameProtocol(client, list(extensions))
        self._extensions = self._data_frames.extensions
        # Control frames have a parser of their own: in wsproto's, one that stands between the fragments of a compressed
        # message makes the rest of that message pass for uncompressed.
        self._control_frames = FrameProtocol(client, [])

        self._received: deque[Received] = deque()
        self._writer = FrameWriter(client=client, mask=mask, entropy=entropy)
        self._out: list[bytes] = []
        self._pong: bytes | None = None
        self._close_sent = False
        self._dead = False

        # FAST: the start of a frame that has not all come, and the size at which it can be judged or cut.
        self._buffer = bytearray()
        self._needed = 0

        # SLOW: the frame that wsproto reads ...
        self._slow = False
        self._header = bytearray()
        self._left: int | None = None
        self._held = bytearray()
        # ... and the message that it belongs to.
        self._message_open = False
        self._message = bytearray()
        self._declared = 0
        self._barren = 0

    def receive(self, data: bytes) -> None:
        """Takes the next bytes of the peer, cut anywhere. Never raises because of what they are.

        After the peer's Close, or a failure, bytes are ignored.
        """
        at = 0
        while self._buffer:
            piece = data[at : at + self._needed - len(self._buffer)]
            at += len(piece)
            self._buffer += piece
            if len(self._buffer) < self._needed:
                return
            start = bytes(self._buffer)
            self._buffer.clear()
            self._read(start, 0)
        self._read(data, at)

    def next_message(self) -> Received | None:
        """The next thing received, in order, or None.

        A str or bytes is a whole message. After `Close` (1005: it had no code) or `Failure` nothing more comes.
        """
        if not self._received:
            return None
        message = self._received.popleft()
        if message.__class__ is str:
            return message
        if isinstance(message, (Close, Failure)):
            self.close(message.code, message.reason)
        elif isinstance(message, Ping) and not self._close_sent:
            self._pong = message.payload
        return message

    def send_text(self, payload: bytes) -> None:
        """Sends a text message, already encoded as UTF-8. LocalProtocolError after a Close was sent."""
        self._send_data(TEXT, payload)

    def send_bytes(self, payload: bytes) -> None:
        """Sends a binary message. LocalProtocolError after a Close was sent."""
        self._send_data(BINARY, payload)

    def ping(self, payload: bytes = b"") -> None:
        """Sends a Ping of at most 125 bytes. LocalProtocolError for a longer one, and after a Close was sent."""
        self._send_control(PING, payload)

    def pong(self, payload: bytes = b"") -> None:
        """Sends a Pong that nobody asked for. LocalProtocolError as in `ping()`."""
        self._send_control(PONG, payload)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Sends a Close, once; later calls do nothing. Messages are still received until the peer's Close.

        A reason beyond 123 bytes is cut. LocalProtocolError for a code that must not be sent.
        """
        if self._close_sent:
            return
        try:
            payload = close_payload(code, reason)
        except ValueError as error:
            raise LocalProtocolError(Close(code, reason), State.OPEN, str(error)) from None
        self._out.append(self._writer.frame(CLOSE, payload))
        self._close_sent = True
        self._slow = True

    def outgoing(self) -> list[bytes]:
        """Whole frames to write, in order; they are given once.

        Of several Pings answered since the last call only the latest gets its Pong (RFC 6455 section 5.5.3).
        """
        out, self._out = self._out, []
        if self._pong is not None:
            out.insert(0, self._writer.frame(PONG, self._pong))
            self._pong = None
        return out

    # Reading

    def _read(self, data: bytes, at: int) -> None:
        while at < len(data) and not self._dead:
            at = self._read_slow(data, at) if self._slow else self._read_fast(data, at)

    def _read_fast(self, data: bytes, at: int) -> int:
        """Cuts text messages out of `data`; returns where it stopped: at the end, or at a frame for wsproto."""
        end = len(data)
        peer_masks = self._peer_masks
        needed = 0
        while at < end:
            if data[at] != TEXT:
                self._slow = True
                return at
            here = end - at
            if here < 2:
                needed = 2
                break
            # The right mask bit vanishes; the wrong one makes a length that no branch accepts.
            length = data[at + 1] ^ peer_masks
            start = at + 2
            shortest = 0
            if length == 126:
                if here < 4:
                    needed = 4
                    break
                start = at + 4
                length = data[at + 2] << 8 | data[at + 3]
                shortest = 126
            elif length == 127:
                if here < 10:
                    needed = 10
                    break
                start = at + 10
                length = int.from_bytes(data[at + 2 : start], "big")
                shortest = 65536
            elif length > 127:
                self._slow = True
                return at
            if not shortest <= length <= self._max_message:
                self._slow = True
                return at
            if peer_masks:
                start += 4
            stop = start + length
            if stop > end:
                needed = stop - at
                break
            payload = data[start:stop]
            if peer_masks:
                payload = self._mask(payload, data[start - 4 : start])
            try:
                self._received.append(payload.decode())
            except UnicodeDecodeError:
                self._end(Failure(1007, _INVALID_UTF8))
                return end
            at = stop
        if at < end:
            self._buffer += data[at:]
            self._needed = needed
        return end

    def _read_slow(self, data: bytes, at: int) -> int:
        """Feeds wsproto the rest of one frame, as far as it is here; returns where that ends."""
        if self._left is None:
            at = self._read_header(data, at)
            if self._left is None:
                return at
        piece = data[at : at + self._left]
        self._left -= len(piece)
        self._read_payload(piece)
        if not self._left:
            self._header.clear()
            self._left = None
            self._slow = self._message_open or self._close_sent
        return at + len(piece)

    def _read_header(self, data: bytes, at: int) -> int:
        """Feeds wsproto the header, then sets `_left`, unless the header goes on in the next read or is refused."""
        header = self._header
        while missing := header_size(header) - len(header):
            piece = data[at : at + missing]
            at += len(piece)
            header += piece
            self._feed(piece)
            if len(piece) < missing or self._dead:
                return at
        length = int.from_bytes(header[2:], "big") if len(header) > 2 else header[1] & 0x7F
        if not self._in_control():
            self._declared += length
            if self._declared > self._max_message:
                self._end_too_big()
                return at
        self._left = length + (4 if header[1] & MASKED else 0)
        return at

    def _read_payload(self, piece: bytes) -> None:
        """Feeds wsproto the mask key and the payload, as far as they are here."""
        if not self._extensions or self._in_control():
            for start in range(0, len(piece), _BLOCK):
                if not self._dead:
                    self._feed(piece[start : start + _BLOCK])
            return
        # Whole blocks, counted from the frame's start: when one block holds two faults, the first to be found decides,
        # and that must not depend on how the bytes were cut.
        self._held += piece
        while not self._dead and (len(self._held) >= _BLOCK or (self._held and not self._left)):
            block = bytes(self._held[:_BLOCK])
            del self._held[:_BLOCK]
            self._barren += len(block)
            self._feed(block)
            if self._barren > _BLOCK and not self._dead:
                # After the end of a DEFLATE stream zlib hoards all input, and copies the hoard for each block.
                self._end(Failure(1007, "compressed data that holds nothing"))

    def _feed(self, piece: bytes) -> None:
        """Feeds wsproto a piece of one frame."""
        frames = self._control_frames if self._in_control() else self._data_frames
        frames.receive_bytes(piece)
        try:
            for frame in frames.received_frames():
                self._take(frame)
        except ParseFailed as failure:
            self._end(Failure(int(failure.code), _reason(failure)))

    def _take(self, frame: Frame) -> None:
        """Takes a whole control frame, or a piece of a data frame, from wsproto."""
        payload = frame.payload
        if isinstance(payload, tuple):
            code, reason = payload
            self._end(Close(int(code), reason))
            return
        data = payload.encode() if isinstance(payload, str) else bytes(payload)
        if frame.opcode in _CONTROL:
            self._received.append(_CONTROL[frame.opcode](data))
            return
        self._message += data
        self._message_open = not frame.message_finished
        if len(self._message) > self._max_message:
            self._end_too_big()
        elif frame.message_finished:
            self._received.append(self._message.decode() if frame.opcode is Opcode.TEXT else bytes(self._message))
            self._message.clear()
            self._declared = 0
        if data or frame.message_finished:
            self._barren = 0

    def _in_control(self) -> bool:
        return bool(self._header[0] & 0x08)

    def _end_too_big(self) -> None:
        self._end(Failure(1009, f"a message of more than {self._max_message} bytes"))

    def _end(self, last: Close | Failure) -> None:
        self._received.append(last)
        self._dead = True
        for unread in (self._buffer, self._header, self._held, self._message):
            unread.clear()

    # Writing

    def _send_data(self, first: int, payload: bytes) -> None:
        if self._close_sent:
            self._refuse_after_close()
        if self._extensions:
            rsv = RsvBits(False, False, False)
            for extension in reversed(self._extensions):
                rsv, payload = extension.frame_outbound(self._data_frames, Opcode(first & 0x0F), rsv, payload, True)
            first |= rsv.rsv1 << 6 | rsv.rsv2 << 5 | rsv.rsv3 << 4
        self._out.append(self._writer.frame(first, payload))

    def _send_control(self, first: int, payload: bytes) -> None:
        if self._close_sent:
            self._refuse_after_close()
        if len(payload) > MAX_CONTROL:
            raise LocalProtocolError(payload, State.OPEN, f"a control frame holds 125 bytes, not {len(payload)}")
        self._out.append(self._writer.frame(first, payload))

    def _refuse_after_close(self) -> NoReturn:
        raise LocalProtocolError(None, State.CLOSING, "a Close was sent: no frame may follow it")


def _reason(failure: ParseFailed) -> str:
    """wsproto's words for a failure, unless they tell a position that depends on how the bytes were cut."""
    if failure.code is not CloseReason.INVALID_FRAME_PAYLOAD_DATA:
        return str(failure)
    return _INVALID_UTF8 if isinstance(failure.__context__, UnicodeDecodeError) else "invalid compressed data"
