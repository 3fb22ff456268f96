"""How a server refuses a client's message: OpenAI's words, or those of its dialect."""

from typing import Any

from rtproto import events
from rtproto._dialects import Dialect


def refusal(
    which: Dialect,
    *,
    code: "str | None",
    message: str,
    param: "str | None",
    event_id: "str | None",
    field: str = "",
) -> events.RealtimeError:
    """What the `error` event of a server of that dialect holds that refuses a client's message."""
    own = which.refusal(field, code or "")
    if own is None:
        kind = "invalid_request_error"
        return events.RealtimeError(type=kind, code=code, message=message, param=param, event_id=event_id)
    said: dict[str, Any] = {"message": message, **own}
    if which.details:
        said["extra"] = {"details": [{"type": code, "loc": param.split(".") if param else [], "msg": message}]}
    return events.RealtimeError(**said)
