"""Pictures that a client shows while it speaks."""

from __future__ import annotations

from collections import deque

from pybase64 import b64encode

from rtproto import events

from ._refusal import Refusal

MAX_ENCODED = 256 * 1024
"""Characters of base64 in one picture, as at Qwen."""
_MAX_PICTURES = 60
"""A minute of one a second; of a longer turn the last ones are kept."""
_JPEG = b"\xff\xd8\xff"


class Pictures:
    """Those that belong to the turn that is being said."""

    def __init__(self) -> None:
        self._waiting: deque[events.InputImage] = deque(maxlen=_MAX_PICTURES)

    def append(self, picture: bytes) -> None:
        """Takes another. Refuses what is no JPEG, and what is too large."""
        if not picture.startswith(_JPEG):
            raise Refusal("invalid_value", "Invalid 'image': expected a JPEG.", "image")
        encoded = b64encode(picture).decode()
        if len(encoded) > MAX_ENCODED:
            message = f"Invalid 'image': {len(encoded)} characters of base64, at most {MAX_ENCODED} are possible."
            raise Refusal("invalid_value", message, "image")
        self._waiting.append(events.InputImage(image_url=f"data:image/jpeg;base64,{encoded}"))

    def take(self) -> list[events.InputImage]:
        """Gives them to the turn."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def clear(self) -> None:
        """Drops them."""
        self._waiting.clear()
