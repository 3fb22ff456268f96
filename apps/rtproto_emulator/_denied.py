"""How a request is refused over HTTP: the JSON that OpenAI's and Azure's clients read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs

_AZURE = ("/openai/", "/voice-live/")


@attrs.frozen
class Denied:
    """A request that is refused, with one line that says what to do. `param` is what of it was wrong."""

    status: int
    line: str
    code: str | None = None
    param: str | None = None
    headers: Sequence[tuple[str, str]] = ()

    def body(self, path: str) -> bytes:
        """The JSON for a client that asked for `path`: on Azure's paths as its gateway says it, else as OpenAI."""
        error: dict[str, Any]
        # What the gateway lets through, a 400, is said as OpenAI says it.
        if path.startswith(_AZURE) and self.status != 400:
            error = {"code": str(self.status), "message": self.line}
        else:
            kind = "server_error" if self.status >= 500 else "invalid_request_error"
            error = {"message": self.line, "type": kind, "param": self.param, "code": self.code}
        # ASCII alone: what a client wrote, its Host for one, may hold bytes that are not UTF-8.
        return json.dumps({"error": error}, indent=2).encode("ascii") + b"\n"
