"""HTTP/1.1 up to the point where another protocol begins, parsed by h11 (RFC 9112).

Headers are cut off by their blank line alone, so that an answer never depends on how TCP cut the bytes: h11's own
limit looks at what happens to be buffered, and would.
"""

import re
from collections.abc import Iterable

import attrs
import h11

from rtproto.errors import LocalProtocolError

MAX_BODY = 64 * 1024
"""Bytes kept of the body of a refusal: error bodies are JSON of some hundred bytes, or a proxy's HTML page."""

_MAX_RAW_BODY = 4 * MAX_BODY
"""Bytes read for that body: chunked encoding adds at least five bytes to each chunk, however small."""

_MAX_BANNER = 80
"""Bytes shown of an answer that is not HTTP: enough for the greeting of an SSH, SMTP or FTP server."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_FIELD_VALUE = re.compile(r"(?:[!-~]+(?:[ \t]+[!-~]+)*)?")
_AUTHORITY = re.compile(r"[!-~]+")
_TLS_RECORDS = (0x15, 0x16)

RESERVED = frozenset(
    (
        "host",
        "upgrade",
        "connection",
        "content-length",
        "transfer-encoding",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-accept",
        "sec-websocket-protocol",
        "sec-websocket-extensions",
    )
)
"""Headers that the handshake writes itself."""

Headers = tuple[tuple[str, str], ...]


def is_token(text: str) -> bool:
    """Whether `text` may be a header's name or a subprotocol (RFC 9110 section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def is_authority(text: str) -> bool:
    """Whether `text` may be a host with or without a port; what it means is for the resolver to say."""
    return _AUTHORITY.fullmatch(text) is not None and not set(text) & set("/?#@")


def header_problem(name: str, value: str) -> "str | None":
    """What is wrong with a header that a caller wants to send, in a sentence that never shows its value."""
    if not is_token(name):
        return f"{name!r} is not a header name: use letters, digits and dashes"
    if name.lower() in RESERVED:
        return f"the header {name} is written by the handshake itself: leave it out"
    if _FIELD_VALUE.fullmatch(value) is None:
        return (
            f"the value of the header {name} has a line break, a control character, a character that is not ASCII, "
            "or white space around it: remove that (keys read from a file often end in a line break)"
        )
    return None


def refuse_bad_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Raises LocalProtocolError for the first header that cannot be sent."""
    for name, value in headers:
        if problem := header_problem(name, value):
            raise LocalProtocolError(None, None, problem)


def decode_headers(headers: "Iterable[tuple[bytes, bytes]]") -> Headers:
    """Headers as text: names in lower case, values in Latin-1, which keeps every byte."""
    return tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in headers)


def header_list(headers: Headers, name: str) -> list[str]:
    """The comma-separated items of every header called `name` (lower case), in order."""
    items = (item.strip() for found, value in headers if found == name for item in value.split(","))
    return [item for item in items if item]


class HeaderTooLarge(Exception):
    """The blank line did not come within the limit."""


class HeaderCutter:
    """Cuts headers off the front of a byte stream; `rest` holds what came after the last one."""

    def __init__(self, max_size: int) -> None:
        self.rest = bytearray()
        self._left = max_size
        self._searched = 0

    def begins_with(self, expected: bytes) -> bool:
        """Whether what came so far may still become a header that begins with `expected`."""
        return expected.startswith(bytes(self.rest[: min(len(expected), self._left)]))

    def cut(self) -> "bytes | None":
        """The next header with its blank line, or None: more is needed.

        Raises HeaderTooLarge when all headers together pass the limit.
        """
        blank = _BLANK_LINE.search(self.rest, self._searched)
        end = blank.end() if blank else len(self.rest)
        if end > self._left:
            raise HeaderTooLarge
        if blank is None:
            self._searched = max(0, end - 2)
            return None
        header = bytes(self.rest[:end])
        del self.rest[:end]
        self._left -= end
        self._searched = 0
        return header


@attrs.frozen(kw_only=True)
class Answer:
    """How a peer answered: `problem` says why it is no HTTP answer; `switched`: `trailing` is the other protocol's."""

    status: "int | None" = None
    headers: Headers = attrs.field(default=(), repr=False)
    body: bytes = b""
    switched: bool = False
    trailing: bytes = b""
    problem: str = ""


class Exchange:
    """One request that asks to switch protocols, and its answer; `peer` is what sentences call the other side."""

    def __init__(self, request: h11.Request, *, peer: str, max_size: int) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=max_size + _MAX_RAW_BODY)
        self.request: bytes = self._http.send(request) + self._http.send(h11.EndOfMessage())
        self._peer = peer
        self._max_size = max_size
        self._cutter = HeaderCutter(max_size)
        self._response: h11.Response | None = None
        self._body = bytearray()
        self._raw_left = _MAX_RAW_BODY

    def receive(self, data: bytes) -> "Answer | None":
        """The answer once it is complete; None: more is needed. Not to be called again after an answer."""
        if self._response is not None:
            return self._read_body(data)
        self._cutter.rest += data
        try:
            while True:
                if not self._cutter.begins_with(b"HTTP/"):
                    return self._not_http(at_eof=False)
                header = self._cutter.cut()
                if header is None:
                    return None
                self._http.receive_data(header)
                event = self._http.next_event()
                rest = bytes(self._cutter.rest)
                if self._http.their_state is h11.SWITCHED_PROTOCOL:
                    assert isinstance(event, (h11.InformationalResponse, h11.Response))
                    return Answer(
                        status=event.status_code, headers=decode_headers(event.headers), switched=True, trailing=rest
                    )
                if isinstance(event, h11.Response):
                    self._response = event
                    return self._read_body(rest)
        except HeaderTooLarge:
            return Answer(problem=f"the header of {self._peer}'s answer is larger than {self._max_size} bytes")
        except h11.RemoteProtocolError:
            return Answer(problem=f"{self._peer}'s answer is not HTTP: its header is malformed")

    def receive_eof(self) -> Answer:
        """The answer as far as it came: a body that was cut off is still given."""
        if self._response is not None:
            return self._finished()
        if not self._cutter.begins_with(b"HTTP/"):
            answer = self._not_http(at_eof=True)
            assert answer is not None
            return answer
        where = "within the header of its answer" if self._cutter.rest else "without an answer"
        return Answer(problem=f"{self._peer} closed the connection {where}")

    def _read_body(self, data: bytes) -> "Answer | None":
        data = data[: self._raw_left]
        self._raw_left -= len(data)
        if data:  # to h11 an empty read means the end of the stream
            self._http.receive_data(data)
        try:
            while isinstance(event := self._http.next_event(), h11.Data):
                self._body += event.data
        except h11.RemoteProtocolError:
            return self._finished()
        complete = event is not h11.NEED_DATA
        return self._finished() if complete or len(self._body) >= MAX_BODY or not self._raw_left else None

    def _finished(self) -> Answer:
        assert self._response is not None
        return Answer(
            status=self._response.status_code,
            headers=decode_headers(self._response.headers),
            body=bytes(self._body[:MAX_BODY]),
        )

    def _not_http(self, *, at_eof: bool) -> "Answer | None":
        start = bytes(self._cutter.rest[:_MAX_BANNER])
        prefix = f"{self._peer}'s answer is not HTTP: it begins with"
        if not 0x20 <= start[0] < 0x7F:
            hint = " (it speaks TLS: use a wss:// or https:// address)" if start[0] in _TLS_RECORDS else ""
            return Answer(problem=f"{prefix} the byte 0x{start[0]:02x}{hint}")
        line, newline, _ = start.partition(b"\n")
        if not (newline or at_eof or len(start) == _MAX_BANNER):
            return None
        # A peer that echoes sends our own request line back, whose query may hold a key.
        shown = line.partition(b"?")[0].strip().decode("ascii", "backslashreplace")
        return Answer(problem=f"{prefix} {shown!r}")
