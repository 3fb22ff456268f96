"""What Unmute's page and its load test ask over HTTP before they connect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._checks import VOICES
from ._opus import opus_installed


def _health() -> dict[str, Any]:
    """Without Opus nothing is heard or said; voices are cloned nowhere here."""
    able = opus_installed()
    return {"tts_up": able, "stt_up": able, "llm_up": True, "voice_cloning_up": False, "ok": able}


def _voices() -> list[dict[str, Any]]:
    """A session may name others, too: they sound like the first."""
    return [
        {
            "name": name,
            "good": True,
            "instructions": {"type": "smalltalk", "language": "en"},
            "source": {
                "source_type": "file",
                "path_on_server": name,
                "description": None,
                "description_link": None,
            },
        }
        for name in VOICES
    ]


PAGES: dict[str, Callable[[], Any]] = {
    f"{prefix}/v1/{page}": answer
    for prefix in ("", "/api")
    for page, answer in (("health", _health), ("voices", _voices))
}
"""Paths, with and without the prefix under which unmute.sh has them -> the JSON there."""
