"""URLs as connecting needs them: checked, normal, and never shown with their secrets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, cast
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from rtproto._redact import redact_url

Pairs: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Headers or query parameters: a mapping, or (name, value) pairs where a name may come twice."""

DEFAULT_PORTS = {"ws": 80, "wss": 443}
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
WHITE_SPACE = re.compile(r"[\x00-\x20\x7f]")


def pairs(items: Pairs) -> tuple[tuple[str, str], ...]:
    """`items` as a tuple of pairs."""
    if isinstance(items, Mapping):
        return tuple(cast("Mapping[str, str]", items).items())
    return tuple((name, value) for name, value in items)


def split_url(url: str) -> SplitResult:
    """The parts of a ``ws``, ``wss``, ``http`` or ``https`` URL, as a WebSocket's.

    http(s) becomes ws(s), the host ASCII, a default port is dropped, path and query are percent-encoded where they
    were not.

    Raises ValueError that says what is wrong with it, without its secrets.
    """
    shown = repr(redact_url(url))
    if WHITE_SPACE.search(url):
        raise ValueError(f"the URL {shown} has white space or a line break in it: remove it, or write a space as %20")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise ValueError(f"the URL {shown} has a bad host or port") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"the URL {shown} must begin with wss:// or ws:// (https:// and http:// mean the same)")
    if not host:
        raise ValueError(f"the URL {shown} names no host")
    if "@" in parts.netloc:
        raise ValueError(f"the URL {shown} has a user name in it: pass credentials in headers instead")
    if parts.fragment:
        raise ValueError(f"the URL {shown} has a #fragment, which a WebSocket URL cannot have: write # as %23")
    scheme = _SCHEMES[parts.scheme]
    host = f"[{host}]" if ":" in host else host
    authority = host if port in (None, DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    path = quote(parts.path, safe=_PATH_CHARACTERS)
    return SplitResult(scheme, authority, path, quote(parts.query, safe=_PATH_CHARACTERS + "?"), "")


def join_query(query: str, items: Sequence[tuple[str, str]]) -> str:
    """`query` and `items` after it, these percent-encoded."""
    return "&".join(filter(None, (query, urlencode(items, quote_via=quote))))
