"""Reads a scenario from a YAML file, with the line of every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ._checked import Place, ScenarioError
from ._scenario import Scenario

if TYPE_CHECKING:
    import yaml

_MAX_BYTES = 1024 * 1024
"""Of the file: thousands of turns."""


def read_scenario(path: str | Path) -> Scenario:
    """Reads a scenario file. Sound files that it names are relative to it, and read now.

    Raises ScenarioError, in one line with the file and, if known, the line; OSError where the file cannot be read;
    ImportError without PyYAML.
    """
    try:
        import yaml
    except ImportError as error:
        raise ImportError("a scenario file needs PyYAML: pip install 'rtproto[emulator]'") from error
    path = Path(path)
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ScenarioError((), f"{path}: it is larger than {_MAX_BYTES} bytes; cut it")
    lines: dict[Place, int] = {}
    try:
        root = yaml.compose(data, Loader=yaml.SafeLoader)
        if root is not None:
            _locate(root, (), lines, set())
        return Scenario.parse(yaml.safe_load(data) if root is not None else None, path.parent)
    except ScenarioError as error:
        line = next(
            (lines[error.place[:end]] for end in range(len(error.place), -1, -1) if error.place[:end] in lines), 1
        )
        raise ScenarioError(error.place, error.message, f"{path}:{line}") from None
    except yaml.MarkedYAMLError as error:
        where = f"{path}:{error.problem_mark.line + 1}" if error.problem_mark else f"{path}"
        raise ScenarioError((), f"no YAML: {error.problem or error.context}", where) from None
    except (yaml.YAMLError, ValueError) as error:
        # Of both the first line says what: bytes that are no text, or a date that there is not.
        raise ScenarioError((), f"no YAML: {str(error).splitlines()[0]}", f"{path}") from None
    except RecursionError:
        raise ScenarioError((), "it is nested too deeply", f"{path}") from None


def _locate(node: yaml.Node, place: Place, lines: dict[Place, int], seen: set[int]) -> None:
    """Notes the line of everything below `node`."""
    line = node.start_mark.line + 1
    lines.setdefault(place, line)
    if not isinstance(node.value, list):
        return
    # A node that stands in two places is one that *NAME repeats, perhaps within itself.
    if id(node) in seen:
        raise ScenarioError(place, "an alias (*) is not possible; write it out")
    seen.add(id(node))
    for at, entry in enumerate(node.value):
        if isinstance(entry, tuple):
            key, held = entry
            name = key.value if isinstance(key.value, str) else "?"
            here = (*place, name)
            is_twice = here in lines
            lines[here] = key.start_mark.line + 1
            if is_twice:
                raise ScenarioError(here, "it stands there twice")
            _locate(held, here, lines, seen)
        else:
            _locate(entry, (*place, at), lines, seen)
