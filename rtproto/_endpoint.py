"""Where to connect and as whom: endpoints are values."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import attrs

from rtproto._dialects import DIALECTS, recognised
from rtproto._http import Headers, header_problem, is_token
from rtproto._redact import redact_subprotocol, redact_subprotocols, redact_url
from rtproto._url import DEFAULT_PORTS, Pairs, join_query, pairs, split_url


def _normal_url(url: str) -> str:
    return urlunsplit(split_url(url))


def _shown_url(url: str) -> str:
    return repr(redact_url(url))


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen(kw_only=True)
class Endpoint:
    """A server's WebSocket address, and what to say when knocking. Its repr and str show no secrets.

    `url` begins with ws:// or wss:// (http(s) URLs are turned into these) and is complete, so log ``str(endpoint)``
    instead. `headers` and `subprotocols` are sent with the handshake. `dialect` is the server's way of speaking: "ga",
    "ga-transcription", "ga-translation", "beta", "azure-voicelive", "xai", "qwen",
    "localai", "unmute" or "vllm".

    Raises ValueError where a part cannot be sent in a handshake.
    """

    url: str = attrs.field(converter=_normal_url, repr=_shown_url)
    headers: Headers = attrs.field(default=(), converter=pairs, repr=False)
    subprotocols: tuple[str, ...] = attrs.field(default=(), converter=_names, repr=redact_subprotocols)
    dialect: str = "ga"

    def __attrs_post_init__(self) -> None:
        for name, value in self.headers:
            if problem := header_problem(name, value):
                raise ValueError(problem)
        for name in self.subprotocols:
            if not is_token(name):
                raise ValueError(f"the subprotocol {redact_subprotocol(name)!r} has characters that HTTP forbids")

    def __str__(self) -> str:
        return redact_url(self.url)

    @property
    def secure(self) -> bool:
        """Whether the connection is TLS."""
        return urlsplit(self.url).scheme == "wss"

    @property
    def host(self) -> str:
        """The name or address to connect to (IPv6 without brackets)."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port to connect to: 443 with TLS and 80 without, unless the URL names one."""
        parts = urlsplit(self.url)
        return DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port

    @property
    def authority(self) -> str:
        """The Host header: the host (IPv6 in brackets), and the port where it is not the default."""
        return urlsplit(self.url).netloc

    @property
    def target(self) -> str:
        """The path and query to request, percent-encoded, with the query's secrets."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a redirect would leave."""
        return f"{urlsplit(self.url).scheme}://{self.authority}"


def endpoint(
    url: str,
    *,
    api_key: "str | None" = None,
    headers: Pairs = (),
    query: Pairs = (),
    subprotocols: Iterable[str] = (),
    dialect: "str | None" = None,
) -> Endpoint:
    """Any server that speaks the protocol: `url` is the whole address, such as ``ws://localhost:8000/v1/realtime``.

    `api_key` is sent as ``Authorization: Bearer``; servers that want it elsewhere get it by `headers` or `query`.
    `dialect` is the server's way of speaking; where it is None the address, the subprotocols and an ``OpenAI-Beta``
    header tell, as they tell a server. Raises ValueError for a URL, header or subprotocol that cannot be sent.
    """
    authorization = () if api_key is None else (("Authorization", f"Bearer {secret('api_key', api_key)}"),)
    return endpoint_at(url, None, pairs(query), (*authorization, *pairs(headers)), subprotocols, dialect)


def endpoint_at(
    url: str,
    path: "str | None",
    query: tuple[tuple[str, str], ...],
    headers: Headers,
    subprotocols: Iterable[str],
    dialect: "str | None" = None,
) -> Endpoint:
    """The endpoint at `url`, with another `path` unless that is None, and with more `query`."""
    parts = split_url(url)
    parts = parts._replace(path=parts.path if path is None else path, query=join_query(parts.query, query))
    offered = tuple(subprotocols)
    if dialect is None:
        given = parse_qsl(parts.query, keep_blank_values=True)
        dialect = recognised(parts.path, given, headers, offered, parts.hostname or "")
    elif dialect not in DIALECTS:
        raise ValueError(f"there is no dialect {dialect!r}; choose one of {', '.join(DIALECTS)}")
    return Endpoint(url=urlunsplit(parts), headers=headers, subprotocols=offered, dialect=dialect)


def secret(name: str, value: "str | None") -> str:
    """`value`, which a program read from somewhere. Raises ValueError where it is empty."""
    if not value:
        raise ValueError(f"{name} is empty: is the variable that holds it set?")
    return value
