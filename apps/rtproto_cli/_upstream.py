"""Where a relay passes a client's session on to, and as whom. Pure, like the core."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import attrs

import rtproto
from rtproto import Endpoint
from rtproto._http import header_problem
from rtproto._redact import KEY_SUBPROTOCOL
from rtproto._url import join_query, split_url
from rtproto.events import Requested

Headers = tuple[tuple[str, str], ...]

_OF_THE_HOP = {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
"""What each connection says for itself (RFC 9110 section 7.6.1)."""

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def passed_on(headers: "Headers | list[tuple[str, str]]") -> Headers:
    """The headers that are not of one connection alone."""
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _OF_THE_HOP and not name.lower().startswith(("sec-websocket-", "proxy-"))
    )


def answered(headers: "Headers | list[tuple[str, str]]") -> Headers:
    """Those of a server's answer that a client can be told: what is not ASCII is no reason to refuse it."""
    return tuple((name, value) for name, value in passed_on(headers) if header_problem(name, value) is None)


def brings_key(requested: Requested) -> bool:
    """Whether a client says who it is, in any of the ways there are."""
    names = {name.lower() for name, _ in (*requested.headers, *requested.query)}
    return not names.isdisjoint({"authorization", "api-key"}) or any(
        name.startswith(KEY_SUBPROTOCOL) for name in requested.subprotocols
    )


@attrs.frozen
class Upstream:
    """The server at `url`; `own` are the headers with a key for clients that bring none.

    A `url` without a path takes the client's; one that ends in ``/realtime`` is the address itself; any other path is
    a prefix. Parameters of `url` are added to the client's query where that does not name them.
    """

    url: str = attrs.field(repr=False)
    own: Headers = attrs.field(default=(), repr=False)

    def endpoint(self, requested: Requested) -> Endpoint:
        """What to connect to for a client. Raises ValueError for what cannot be passed on."""
        parts = split_url(self.url)
        given = tuple(requested.query)
        named = {name for name, _ in given}
        added = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in named]
        whole = parts._replace(path=_path(parts.path, requested.path), query=join_query("", [*given, *added]))
        headers = passed_on(tuple(requested.headers))
        if self.own and not brings_key(requested):
            if not _is_local(requested):
                raise ValueError("a web page that is not of this machine must bring its own key")
            headers = (*headers, *self.own)
        return Endpoint(url=urlunsplit(whole), headers=headers, subprotocols=requested.subprotocols)


def own_key(environ: Mapping[str, str], url: str, provider: "str | None") -> Headers:
    """The headers with the key that the environment holds for `url`; `provider` None: Azure's addresses tell."""
    host = urlsplit(rtproto.endpoint(url).url).hostname or ""
    azure = host.endswith((".azure.com", ".azure.us")) if provider is None else provider == "azure"
    ways = _AZURE_WAYS if azure else _OPENAI_WAYS
    for variable, header, scheme in ways:
        value = environ.get(variable, "").strip()
        if value:
            return ((header, scheme + value),)
    return ()


_AZURE_WAYS = (("AZURE_OPENAI_API_KEY", "api-key", ""), ("AZURE_OPENAI_TOKEN", "Authorization", "Bearer "))
_OPENAI_WAYS = (("OPENAI_API_KEY", "Authorization", "Bearer "),)


def _path(prefix: str, path: str) -> str:
    prefix = prefix.rstrip("/")
    asked = quote(path, safe="/%:@!$&'()*+,;=~")
    if asked == prefix or asked.startswith(f"{prefix}/"):
        return asked
    return prefix if prefix.endswith("/realtime") else prefix + asked


def _is_local(requested: Requested) -> bool:
    """Whether no web page of elsewhere asks: any page that is open in a browser may connect to this machine."""
    origins = [value for name, value in requested.headers if name.lower() == "origin"]
    return all((urlsplit(origin).hostname or "") in _LOOPBACK for origin in origins)
