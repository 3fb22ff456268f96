"""How a response ends before it is complete."""

from rtproto import events


class Ending(Exception):
    """The response stops here: raised within its plan, it becomes the status of `response.done`."""

    def __init__(self, status: str, details: events.ResponseStatusDetails) -> None:
        super().__init__(status)
        self.status = status
        self.details = details


def failed(code: str, message: str, kind: str = "server_error") -> Ending:
    """It fails, with an error of type `kind`."""
    error = events.ErrorDetails(type=kind, code=code, message=message)
    return Ending("failed", events.ResponseStatusDetails(type="failed", error=error))


def incomplete(reason: str) -> Ending:
    """It is cut: `reason` is "max_output_tokens" or "content_filter"."""
    return Ending("incomplete", events.ResponseStatusDetails(type="incomplete", reason=reason))
