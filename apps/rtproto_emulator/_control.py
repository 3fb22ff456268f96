"""The control endpoint: faults added and cleared over HTTP while the server runs. What is answered; no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

import attrs

from ._auth import Keys, presented
from ._denied import Denied
from ._faults import parse_fault
from ._sessions import Sessions

PREFIX = "/_rtproto/"
_ROUTES = (
    "GET, POST, DELETE /_rtproto/faults; GET /_rtproto/sessions; POST /_rtproto/sessions/ID/fault; "
    'a body is {"fault": "close:1011@response.done"} or {"faults": [...]}'
)


@attrs.frozen
class Answer:
    """What is answered; `body` becomes JSON."""

    status: int
    body: dict[str, Any]


def _error(status: int, line: str) -> Answer:
    return Answer(status, {"error": line})


def forbidden(remote: str | None, headers: Mapping[str, str], keys: Keys) -> Answer | None:
    """Why a request from the address `remote` is not obeyed, if so. Names of `headers` are lower-case.

    Who has one of `keys` may be anywhere; others must be on this machine.
    """
    given = presented({}, headers)
    if given is not None and given in keys:
        return None
    if "origin" in headers:
        return _error(
            403, "the control endpoint is not for web pages: they would break the server of who looks at them"
        )
    if not _is_loopback(remote) or "x-forwarded-for" in headers or "forwarded" in headers:
        advice = "send its key as 'Authorization: Bearer KEY'" if keys else "start it with an API key"
        return _error(403, f"the control endpoint is for clients on the same machine; for others {advice}")
    return None


def unread(denied: Denied) -> Answer:
    """The answer to a request whose body cannot be had."""
    return _error(denied.status, denied.line)


def _is_loopback(remote: str | None) -> bool:
    try:
        address = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def answer(sessions: Sessions, method: str, path: str, body: bytes) -> Answer:
    """Does what a request wants; `path` begins with `PREFIX`."""
    parts = path.removeprefix(PREFIX).split("/")
    if len(parts) == 3 and parts[0] == "sessions" and parts[2] == "fault":
        return _strike(sessions, parts[1], body) if method == "POST" else _error(405, f"possible: {_ROUTES}")
    methods = _PATHS.get("/".join(parts))
    if methods is None:
        return _error(404, f"there is nothing at {path}; possible: {_ROUTES}")
    if method not in methods:
        return _error(405, f"{method} is not possible; possible: {_ROUTES}")
    try:
        return methods[method](sessions, body)
    except ValueError as error:
        return _error(400, str(error))


def _list(sessions: Sessions, body: bytes) -> Answer:
    return Answer(200, {"faults": [str(fault) for fault in sessions.faults.list()]})


def _add(sessions: Sessions, body: bytes) -> Answer:
    # All or none.
    for fault in [parse_fault(text) for text in _texts(body)]:
        sessions.faults.add(fault)
    return _list(sessions, body)


def _clear(sessions: Sessions, body: bytes) -> Answer:
    sessions.faults.clear()
    return _list(sessions, body)


def _sessions(sessions: Sessions, body: bytes) -> Answer:
    rows = [{**attrs.asdict(info), "age": round(info.age, 3)} for info in sessions.open()]
    return Answer(200, {"sessions": rows})


def _strike(sessions: Sessions, session_id: str, body: bytes) -> Answer:
    try:
        faults = [parse_fault(text) for text in _texts(body)]
        if all(sessions.strike(session_id, fault) for fault in faults):
            return Answer(200, {"faults": [str(fault) for fault in faults]})
    except ValueError as error:
        return _error(400, str(error))
    return _error(404, f"no session {session_id} is open; GET {PREFIX}sessions lists them")


def _texts(body: bytes) -> list[str]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError('the body is no JSON; send {"fault": "close:1011@response.done"}') from None
    if isinstance(given, dict):
        given = given.get("faults", [given["fault"]] if "fault" in given else None)
    if not isinstance(given, list) or not given or not all(isinstance(text, str) for text in given):
        raise ValueError('send {"fault": "close:1011@response.done"}, or {"faults": [...]} with texts in it')
    return given


_PATHS: dict[str, dict[str, Callable[[Sessions, bytes], Answer]]] = {
    "faults": {"GET": _list, "POST": _add, "DELETE": _clear},
    "sessions": {"GET": _sessions},
}
