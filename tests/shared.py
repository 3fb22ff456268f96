"""Where the reference material lies that tests read in place, when it is there."""

import json
from pathlib import Path
from typing import Any

import pytest

SPEC = Path(__file__).resolve().parents[2] / "shared" / "spec"


def need(path: Path) -> Path:
    """`path`, or a skip that says what is absent."""
    if not path.exists():
        pytest.skip(f"the reference material is absent: ../shared/spec/{path.relative_to(SPEC)}")
    return path


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file."""
    return [json.loads(line) for line in need(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def traces() -> list[Path]:
    """The recorded sessions; none where they are absent."""
    return sorted((SPEC / "examples" / "traces").glob("*.jsonl"))


def dialect_of(trace: Path) -> str:
    """The dialect that a recorded session speaks, by its file name."""
    prefixes = {"beta_": "beta", "azure_voice_live_": "azure-voicelive", "xai_": "xai"}
    return next((name for prefix, name in prefixes.items() if trace.name.startswith(prefix)), "ga")
