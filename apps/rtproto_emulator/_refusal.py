"""How a client's event is refused: the error events of real servers, as values."""

from typing import Any

from rtproto.events import RealtimeError


class Refusal(Exception):
    """An event that is not obeyed; nothing has changed. Becomes an `error` event that echoes the client's event_id."""

    def __init__(self, code: "str | None", message: str, param: "str | None" = None) -> None:
        super().__init__(code, message, param)
        self.code = code
        self.message = message
        self.param = param

    def at(self, param: str) -> "Refusal":
        """The same, with the name that the field has in the client's dialect."""
        return Refusal(self.code, self.message.replace(str(self.param), param), param)

    def error(self, event_id: "str | None") -> RealtimeError:
        """What the `error` event holds."""
        return RealtimeError(
            type="invalid_request_error", code=self.code, message=self.message, param=self.param, event_id=event_id
        )


def invalid(param: str, got: Any, supported: "tuple[str, ...]") -> Refusal:
    """A value that is not one of those `supported`."""
    names = [repr(name) for name in supported]
    if len(names) == 1:
        allowed = f"Value must be {names[0]}."
    else:
        comma = "," if len(names) > 2 else ""
        allowed = f"Supported values are: {', '.join(names[:-1])}{comma} and {names[-1]}."
    return Refusal("invalid_value", f"Invalid value: {got!r}. {allowed}", param)


def missing(param: str) -> Refusal:
    """A field that must be there."""
    return Refusal("missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def unknown(param: str) -> Refusal:
    """A field that must not be there."""
    return Refusal("unknown_parameter", f"Unknown parameter: '{param}'.", param)


def too_long(param: str, got: str, most: int) -> Refusal:
    """A text of more than `most` characters."""
    message = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {most}, "
        f"but got a string with length {len(got)} instead."
    )
    return Refusal("string_above_max_length", message, param)


def no_such_item(action: str, verb: str, item_id: str) -> Refusal:
    """An item that is not in the conversation: `action` names it in the code, `verb` in the message."""
    message = f"Error {verb} item: the item with id '{item_id}' does not exist."
    return Refusal(f"item_{action}_invalid_item_id", message, "item_id")
