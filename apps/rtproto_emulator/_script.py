"""Plays a scenario: a brain and ears that follow it, for one session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from rtproto import events

from ._engines import Context, McpApproval, McpCall, Piece, Responder, Speech, Transcriber
from ._scenario import McpStep, Scenario, Step, Turn
from ._settings import Settings
from ._tokens import item_text

_Asked = tuple[McpStep, Sequence[Step]]
"""A call that waits for an approval, and what comes after it."""


def acting(settings: Settings) -> Settings:
    """The settings of a session that follows their scenario, if there is one."""
    scenario = settings.scenario
    if scenario is None:
        return settings
    engines = settings.engines
    transcriber = engines.transcriber
    if any(turn.heard is not None for turn in scenario.turns):
        transcriber = ScenarioTranscriber(scenario, transcriber)
    responder = ScenarioResponder(scenario, engines.responder)
    return attrs.evolve(settings, engines=attrs.evolve(engines, responder=responder, transcriber=transcriber))


class ScenarioTranscriber:
    """Hears what the turns say is heard, in their order; after that, what another hears."""

    def __init__(self, scenario: Scenario, other: Transcriber) -> None:
        turns = [turn for turn in scenario.turns if turn.heard is not None]
        self._heard = iter([turn.heard for turn in turns for _ in range(turn.times or 1)])
        self._other = other

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        """One piece."""
        heard = next(self._heard, None)
        if heard is None:
            yield from self._other.transcribe(speech)
        elif isinstance(heard, Exception):
            raise RuntimeError(str(heard))  # a new one each time: a raised one keeps its frames
        elif heard:
            yield heard


@attrs.define
class _Memory:
    """What one session has seen: how often each turn was used, and which calls wait for an approval."""

    used: dict[int, int] = attrs.field(factory=dict)
    waiting: list[_Asked] = attrs.field(factory=list)
    answered: set[str] = attrs.field(factory=set)


_MAX_WAITING = 100
"""Calls that wait for an approval; beyond, the oldest is forgotten."""


class ScenarioResponder:
    """Answers with the first turn that is meant; else with the default, or as another does."""

    def __init__(self, scenario: Scenario, other: Responder) -> None:
        self._scenario = scenario
        self._other = other

    def respond(self, context: Context) -> Iterator[Piece | None]:
        """The steps of one turn, or what comes after an approval."""
        memory: _Memory = context.memory.setdefault(ScenarioResponder, _Memory())
        granted = _granted(memory, context.items)
        if granted is not None:
            request_id, (step, rest) = granted
            yield self._mcp_call(step, context, request_id)
            yield from self._play(rest, context, memory)
            return
        steps = self._meant(memory, context.items)
        if steps is None:
            yield from self._other.respond(context)
        else:
            yield from self._play(steps, context, memory)

    def _meant(self, memory: _Memory, items: Sequence[events.Item]) -> Sequence[Step] | None:
        words, called = _asked(items)
        for number, turn in enumerate(self._scenario.turns):
            if turn.times is not None and memory.used.get(number, 0) >= turn.times:
                continue
            if _answers(turn, words, called):
                memory.used[number] = memory.used.get(number, 0) + 1
                return turn.steps
        return self._scenario.default

    def _play(self, steps: Sequence[Step], context: Context, memory: _Memory) -> Iterator[Piece | None]:
        for at, step in enumerate(steps):
            if not isinstance(step, McpStep):
                yield step
            elif _needs_approval(step, context.mcp):
                memory.waiting.append((step, steps[at + 1 :]))
                del memory.waiting[:-_MAX_WAITING]
                yield McpApproval(server=step.server, name=step.tool, arguments=step.arguments)
                return
            else:
                yield self._mcp_call(step, context, None)

    def _mcp_call(self, step: McpStep, context: Context, request_id: str | None) -> McpCall:
        tool = self._scenario.mcp[step.server].tools[step.tool]
        output, error = tool.output, tool.error
        if all(used.server_label != step.server for used in context.mcp):
            output, error = None, events.McpToolExecutionError(message=f"The session has no server {step.server}.")
        return McpCall(
            server=step.server,
            name=step.tool,
            arguments=step.arguments,
            output=None if error else output or "",
            error=error,
            approval_request_id=request_id,
        )


def _asked(items: Sequence[events.Item]) -> tuple[str, str | None]:
    """The user's last words, or the name of the function that has given its output since."""
    for item in reversed(items):
        if isinstance(item, events.FunctionCallOutputItem):
            names = (
                call.name
                for call in items
                if isinstance(call, events.FunctionCallItem) and call.call_id == item.call_id
            )
            return "", next(names, "")
        if isinstance(item, events.MessageItem) and item.role == "user":
            return item_text(item), None
    return "", None


def _answers(turn: Turn, words: str, called: str | None) -> bool:
    if turn.tool is not None:
        return called == turn.tool
    if turn.match is not None:
        return called is None and turn.match.search(words) is not None
    if turn.heard is not None:
        heard = turn.heard if isinstance(turn.heard, str) else ""
        return called is None and heard.strip().casefold() == words.strip().casefold()
    return True


def _granted(memory: _Memory, items: Sequence[events.Item]) -> tuple[str, _Asked] | None:
    """The first call that was approved and not made yet, with the id of its request."""
    responses = (item for item in items if isinstance(item, events.McpApprovalResponseItem))
    memory.answered.intersection_update(response.approval_request_id for response in responses)
    requests = {item.id: item for item in items if isinstance(item, events.McpApprovalRequestItem)}
    for item in items:
        if not isinstance(item, events.McpApprovalResponseItem) or item.approval_request_id in memory.answered:
            continue
        memory.answered.add(item.approval_request_id)
        request = requests.get(item.approval_request_id)
        asked = next((asked for asked in memory.waiting if request and _same(asked[0], request)), None)
        if asked is not None:
            memory.waiting.remove(asked)
            if item.approve:
                return item.approval_request_id, asked
    return None


def _same(step: McpStep, request: events.McpApprovalRequestItem) -> bool:
    return (step.server, step.tool, step.arguments) == (request.server_label, request.name, request.arguments)


def _needs_approval(step: McpStep, servers: Sequence[events.McpTool]) -> bool:
    """What the session says of the tool; real servers ask where it says nothing."""
    server = next((server for server in servers if server.server_label == step.server), None)
    if server is None:
        return False
    wanted = server.require_approval
    if isinstance(wanted, events.McpApprovalFilter):
        return not _named(wanted.never, step.tool)
    return wanted != "never"


def _named(chosen: object, tool: str) -> bool:
    names = chosen.tool_names if isinstance(chosen, events.McpToolFilter) else chosen
    return isinstance(names, list) and tool in names
