"""A scenario: what the server hears and answers, written down. Values, and how they are read from a mapping."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from rtproto_audio import AudioFileError, read_audio

from rtproto import events

from ._checked import (
    Place,
    ScenarioError,
    as_arguments,
    as_fields,
    as_flag,
    as_list,
    as_text,
    as_whole,
    shown,
)
from ._engines import Call, Fail, Incomplete, Inject, Play, Say, Tell, Wait
from ._faults import BEFORE, parse_fault, seconds
from ._sound import ENGINE_RATE

_MAX_AUDIO_S = 600
"""Seconds of one file: ten minutes are 29 MB, and longer than any answer."""
_REASONS = ("content_filter", "max_output_tokens")
_ERRORS: dict[str, Callable[..., events.McpError]] = {
    "protocol_error": events.McpProtocolError,
    "http_error": events.McpHttpError,
    "tool_execution_error": events.McpToolExecutionError,
}


@attrs.frozen(kw_only=True)
class McpStep:
    """A call of a tool of an MCP server; `arguments` is JSON text."""

    server: str
    tool: str
    arguments: str


Step = Say | Play | Call | Wait | Tell | Fail | Incomplete | Inject | McpStep


@attrs.frozen(kw_only=True)
class Turn:
    """What is answered, and when: where `match` is found in the user's words, or a call of `tool` has its output.

    `heard` is what the recogniser makes of this turn; an Exception: it fails. Without `match`, `tool` and `heard` a
    turn answers anything. `times` is how often in a session, None: always.
    """

    steps: Sequence[Step]
    match: re.Pattern[str] | None = None
    tool: str | None = None
    heard: str | Exception | None = None
    times: int | None = None


@attrs.frozen(kw_only=True)
class McpScriptedTool:
    """A tool of a scripted MCP server, and what a call of it gives."""

    listed: events.McpListedTool
    output: str | None = None
    error: events.McpError | None = None


@attrs.frozen(kw_only=True)
class McpServer:
    """A scripted MCP server; one that `fails` does not tell its tools."""

    server_label: str
    tools: Mapping[str, McpScriptedTool]
    fails: bool = False


@attrs.frozen(kw_only=True)
class Scenario:
    """What a server hears and answers. Where no turn is meant the `default` steps are, else the server's own brain."""

    turns: Sequence[Turn] = ()
    default: Sequence[Step] | None = None
    mcp: Mapping[str, McpServer] = attrs.field(factory=dict)
    seed: int | None = None

    @classmethod
    def parse(cls, mapping: Any, folder: str | Path = ".") -> Scenario:
        """Reads what a YAML file holds, as a mapping. Sound files are relative to `folder`, and read now.

        Raises ScenarioError, in one line.
        """
        return _scenario(mapping, Path(folder))


# ---- steps ----


def _say(held: Any, place: Place, folder: Path) -> Step:
    return Say(as_text(held, place))


def _play(held: Any, place: Place, folder: Path) -> Step:
    fields = as_fields({"file": held} if isinstance(held, str) else held, place, ("file", "transcript"), ("file",))
    file = folder / as_text(fields["file"], (*place, "file"))
    transcript = as_text(fields["transcript"], (*place, "transcript")) if "transcript" in fields else ""
    try:
        reader = read_audio(file, rate=ENGINE_RATE, chunk_ms=1000)
        if reader.duration is not None and reader.duration > _MAX_AUDIO_S:
            raise ScenarioError(place, f"{file} lasts {reader.duration:.0f} s; at most {_MAX_AUDIO_S} are possible")
        return Play(b"".join(reader), transcript)
    except (AudioFileError, OSError) as error:
        raise ScenarioError(place, str(error)) from None


def _call(held: Any, place: Place, folder: Path) -> Step:
    fields = as_fields(held, place, ("name", "arguments"), ("name",))
    arguments = as_arguments(fields.get("arguments", {}), (*place, "arguments"))
    return Call(name=as_text(fields["name"], (*place, "name")), arguments=arguments)


def _wait(held: Any, place: Place, folder: Path) -> Step:
    try:
        return Wait(seconds(str(held)))
    except ValueError as error:
        raise ScenarioError(place, str(error)) from None


def _coded(held: Any, place: Place) -> dict[str, str]:
    fields = as_fields(held, place, ("code", "message", "type"))
    texts = {name: as_text(text, (*place, name)) for name, text in fields.items()}
    return {"code": "server_error", "message": "A failure on demand.", "type": "server_error", **texts}


def _tell(held: Any, place: Place, folder: Path) -> Step:
    return Tell(**_coded(held, place))


def _fail(held: Any, place: Place, folder: Path) -> Step:
    return Fail(**_coded(held, place))


def _incomplete(held: Any, place: Place, folder: Path) -> Step:
    if held not in _REASONS:
        raise ScenarioError(place, f"{shown(held)} is not possible; choose one of {', '.join(_REASONS)}")
    return Incomplete(held)


def _fault(held: Any, place: Place, folder: Path) -> Step:
    try:
        fault = parse_fault(as_text(held, place))
    except ScenarioError:
        raise
    except ValueError as error:
        raise ScenarioError(place, str(error)) from None
    if fault.stage in BEFORE:
        raise ScenarioError(place, f"{fault.kind} happens at the handshake, which is over; use --fault")
    return Inject(str(fault))


def _mcp_step(held: Any, place: Place, folder: Path) -> Step:
    fields = as_fields(held, place, ("server", "tool", "arguments"), ("server", "tool"))
    return McpStep(
        server=as_text(fields["server"], (*place, "server")),
        tool=as_text(fields["tool"], (*place, "tool")),
        arguments=as_arguments(fields.get("arguments", {}), (*place, "arguments")),
    )


_STEPS: dict[str, Callable[[Any, Place, Path], Step]] = {
    "say": _say,
    "play": _play,
    "call": _call,
    "wait": _wait,
    "error": _tell,
    "fail": _fail,
    "incomplete": _incomplete,
    "fault": _fault,
    "mcp": _mcp_step,
}


def _steps(fields: Mapping[str, Any], place: Place, folder: Path, servers: Mapping[str, McpServer]) -> list[Step]:
    """The `steps` of a turn; a single one may stand in the turn itself."""
    short = [name for name in fields if name in _STEPS]
    if "steps" in fields and short:
        raise ScenarioError((*place, short[0]), "beside steps it is not possible; make it one of them")
    if len(short) > 1:
        raise ScenarioError((*place, short[1]), f"beside {short[0]} it is not possible; make a list of steps")
    if short:
        return [_step({short[0]: fields[short[0]]}, place, folder, servers)]
    listed = as_list(fields.get("steps"), (*place, "steps")) if "steps" in fields else []
    if not listed:
        raise ScenarioError(place, f"it has no steps; possible: {', '.join(_STEPS)}")
    return [_step(held, (*place, "steps", at), folder, servers) for at, held in enumerate(listed)]


def _step(held: Any, place: Place, folder: Path, servers: Mapping[str, McpServer]) -> Step:
    fields = as_fields(held, place, tuple(_STEPS))
    if len(fields) != 1:
        raise ScenarioError(place, f"it has {len(fields)} fields; one of {', '.join(_STEPS)}")
    ((name, argument),) = fields.items()
    step = _STEPS[name](argument, (*place, name), folder)
    if isinstance(step, McpStep):
        server = servers.get(step.server)
        if server is None:
            known = ", ".join(servers) or "there is none under mcp"
            raise ScenarioError((*place, name, "server"), f"{shown(step.server)} is unknown; possible: {known}")
        if step.tool not in server.tools:
            known = ", ".join(server.tools) or "it has none"
            raise ScenarioError((*place, name, "tool"), f"{shown(step.tool)} is unknown; possible: {known}")
    return step


# ---- the whole ----


def _turn(held: Any, place: Place, folder: Path, servers: Mapping[str, McpServer]) -> Turn:
    fields = as_fields(held, place, ("match", "tool", "heard", "times", "steps", *_STEPS))
    if "match" in fields and "tool" in fields:
        raise ScenarioError((*place, "tool"), "beside match it is not possible: words or a function's output")
    match = None
    if "match" in fields:
        try:
            match = re.compile(as_text(fields["match"], (*place, "match")), re.IGNORECASE)
        except re.error as error:
            reason = f"it is no regular expression: {error}"
            raise ScenarioError((*place, "match"), reason) from None
    conditional = "match" in fields or "tool" in fields
    return Turn(
        steps=_steps(fields, place, folder, servers),
        match=match,
        tool=as_text(fields["tool"], (*place, "tool")) if "tool" in fields else None,
        heard=_heard(fields["heard"], (*place, "heard")) if "heard" in fields else None,
        times=as_whole(fields["times"], (*place, "times"), 1) if "times" in fields else None if conditional else 1,
    )


def _heard(held: Any, place: Place) -> str | Exception:
    if isinstance(held, Mapping):
        fields = as_fields(held, place, ("error",), ("error",))
        return RuntimeError(as_text(fields["error"], (*place, "error")))
    return as_text(held, place, empty=True)


def _server(held: Any, place: Place) -> McpServer:
    fields = as_fields(held, place, ("server_label", "tools", "fails"), ("server_label",))
    tools: dict[str, McpScriptedTool] = {}
    for at, tool in enumerate(as_list(fields.get("tools", []), (*place, "tools"))):
        scripted = _tool(tool, (*place, "tools", at))
        if scripted.listed.name in tools:
            raise ScenarioError((*place, "tools", at, "name"), f"there are two tools {shown(scripted.listed.name)}")
        tools[scripted.listed.name] = scripted
    return McpServer(
        server_label=as_text(fields["server_label"], (*place, "server_label")),
        tools=tools,
        fails=as_flag(fields.get("fails", False), (*place, "fails")),
    )


def _tool(held: Any, place: Place) -> McpScriptedTool:
    known = ("name", "description", "input_schema", "output", "error")
    fields = as_fields(held, place, known, ("name",))
    schema = fields.get("input_schema", {"type": "object", "properties": {}})
    if not isinstance(schema, Mapping):
        raise ScenarioError((*place, "input_schema"), f"{shown(schema)} is no mapping; write a JSON schema")
    if "output" in fields and "error" in fields:
        raise ScenarioError((*place, "error"), "beside output it is not possible")
    return McpScriptedTool(
        listed=events.McpListedTool(
            name=as_text(fields["name"], (*place, "name")),
            description=as_text(fields.get("description", ""), (*place, "description"), empty=True),
            input_schema=json.loads(as_arguments(schema, (*place, "input_schema"))),
        ),
        output=as_text(fields["output"], (*place, "output"), empty=True) if "output" in fields else None,
        error=_mcp_error(fields["error"], (*place, "error")) if "error" in fields else None,
    )


def _mcp_error(held: Any, place: Place) -> events.McpError:
    fields = as_fields(held, place, ("type", "code", "message"), ("message",))
    kind = fields.get("type", "tool_execution_error")
    if kind not in _ERRORS:
        raise ScenarioError((*place, "type"), f"{shown(kind)} is not possible; choose one of {', '.join(_ERRORS)}")
    message = as_text(fields["message"], (*place, "message"))
    if kind == "tool_execution_error":
        return events.McpToolExecutionError(message=message)
    return _ERRORS[kind](message=message, code=as_whole(fields.get("code", 500), (*place, "code"), 0))


def _scenario(mapping: Any, folder: Path) -> Scenario:
    fields = as_fields(mapping, (), ("turns", "default", "mcp", "seed"))
    servers: dict[str, McpServer] = {}
    for at, held in enumerate(as_list(fields.get("mcp", []), ("mcp",))):
        server = _server(held, ("mcp", at))
        if server.server_label in servers:
            raise ScenarioError(("mcp", at, "server_label"), f"there are two servers {shown(server.server_label)}")
        servers[server.server_label] = server
    turns = [
        _turn(held, ("turns", at), folder, servers)
        for at, held in enumerate(as_list(fields.get("turns", []), ("turns",)))
    ]
    default = None
    if "default" in fields:
        given = as_fields(fields["default"], ("default",), ("steps", *_STEPS))
        default = _steps(given, ("default",), folder, servers)
    return Scenario(
        turns=turns,
        default=default,
        mcp=servers,
        seed=as_whole(fields["seed"], ("seed",), 0) if "seed" in fields else None,
    )
