"""The server of a test."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs
import rtproto_emulator
from rtproto_emulator import Engines, Fault, Faults, Scenario, Settings

import rtproto
from rtproto import Endpoint, events

from ._log import ClientSaid, EventLog, in_short, name_of

_MAX_STORY = 10_000
"""Events that a failed test is told: the last ones; runs of one type take one line."""

_DEFAULTS: Mapping[str, Any] = {"pace": math.inf, "seed": 0, "farewell": 0.2}
"""Nothing waits, everything repeats, and a client that a test forgot is hung up on."""

Scripted = Scenario | str | os.PathLike[str] | Mapping[str, Any]


class RealtimeServer:
    """A Realtime server on a free port of this machine, in a thread of its own, until it is closed.

    ::

        with RealtimeServer(scenario="weather.yaml") as server:
            ...  # connect any Realtime client to server.url

    `engine` is "aiohttp", or "stream" for WebSocket alone. `scenario` is what it hears and answers: as in `script()`,
    or a list of turns. `faults` is what goes wrong, such as ``["http:429:1*1"]``. Paths are relative to `folder`; in
    the fixture that is the test's. All else is a field of `rtproto_emulator.Settings`: by default answers come at once
    (`pace`) and ids are the same on every run (`seed`).

    Raises ValueError for what is not possible, OSError for a file that cannot be read.
    """

    def __init__(
        self,
        *,
        engine: Any = "aiohttp",
        scenario: Scripted | Sequence[Mapping[str, Any]] | None = None,
        faults: Sequence[Fault | str] | str = (),
        folder: str | os.PathLike[str] = ".",
        **settings: Any,
    ) -> None:
        self._folder = Path(folder)
        self._told: deque[str] = deque(maxlen=_MAX_STORY)
        self.received: EventLog[ClientSaid] = EventLog("the client has sent")
        """What clients have said: typed events, and a `Violation` for what is none."""
        self.sent: EventLog[events.ServerEvent] = EventLog("the server has sent")
        """What the server has answered."""
        self.closed: EventLog[events.Closed] = EventLog("of ends there were")
        """How sessions have ended, each once: a `Closed`, with the code of the client's Close, or 1006."""
        self.settings = _settings(
            {
                **settings,
                "scenario": None if scenario is None else self._scenario(scenario),
                "faults": (faults,) if isinstance(faults, str) else tuple(faults),
                "observe": self._observe,
            }
        )
        self._emulator = rtproto_emulator.start(settings=self.settings, engine=engine)

    @property
    def url(self) -> str:
        """The WebSocket: ``ws://127.0.0.1:PORT/v1/realtime``."""
        return self._emulator.url

    @property
    def base_url(self) -> str:
        """What OpenAI's clients are given, such as in OPENAI_BASE_URL: ``http://127.0.0.1:PORT/v1``."""
        return base_url(self.url)

    @property
    def endpoint(self) -> Endpoint:
        """The same for the clients of rtproto, with a key if one is needed."""
        key = next(iter(self.settings.api_keys), None)
        return rtproto.endpoint(self.url, dialect=self.settings.dialect, api_key=key)

    @property
    def faults(self) -> Faults:
        """What goes wrong, in open sessions too: ``faults.add("close:1011@response.done*1")``, `clear()`, `list()`."""
        return self._emulator.faults

    def script(
        self,
        *turns: Scripted,
        default: Mapping[str, Any] | None = None,
        mcp: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Sessions that open from now on follow a scenario: a `Scenario`, the path of a file, or turns.

        A turn is a mapping as in such a file, ``{"match": "weather", "say": "Sunny."}``; `default` is what is answered
        where none is meant, `mcp` are servers. With nothing at all the server is its own again. Raises ScenarioError
        (a ValueError), in one line.
        """
        whole = len(turns) == 1 and not isinstance(turns[0], Mapping)
        if whole and (default is not None or mcp):
            raise ValueError("default and mcp go with turns: a scenario has its own")
        if whole or not (turns or default or mcp):
            self._emulator.script(self._scenario(turns[0]) if turns else None)
            return
        fields = {"turns": list(turns), "mcp": list(mcp), **({"default": default} if default is not None else {})}
        self._emulator.script(Scenario.parse(fields, self._folder))

    def story(self) -> str:
        """What passed, a line for each event ("> " of the client, "< " of the server): types, and codes of errors."""
        return "\n".join(in_short(list(self._told))) or "no client has opened a session"

    def close(self) -> None:
        """Closes every session with 1001 and stops. May be called again."""
        self._emulator.close()

    def __enter__(self) -> RealtimeServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _scenario(self, given: Scripted | Sequence[Mapping[str, Any]]) -> Scenario:
        if isinstance(given, Scenario):
            return given
        if isinstance(given, str | os.PathLike):
            return rtproto_emulator.read_scenario(self._folder / given)
        return Scenario.parse(given if isinstance(given, Mapping) else {"turns": list(given)}, self._folder)

    def _observe(self, side: str, event: events.ClientEvent | events.ServerEvent | events.LocalEvent) -> None:
        name = name_of(event)
        if isinstance(event, events.ErrorEvent):
            name += f" {event.error.code or event.error.type}"
        elif isinstance(event, events.Closed):
            name += f" {event.code}"
        self._told.append(f"{'>' if side == 'client' else '<'} {name}")
        log: EventLog[Any] = self.sent if side == "server" else self.received
        (self.closed if isinstance(event, events.Closed) else log).add(event)


def base_url(url: str) -> str:
    """Of ``ws://127.0.0.1:PORT/v1/realtime``: what comes before the path of the sessions, over HTTP."""
    return url.replace("ws", "http", 1).removesuffix("/realtime")


def _settings(fields: Mapping[str, Any]) -> Settings:
    """Raises ValueError."""
    known = [name for name in attrs.fields_dict(Settings) if name not in ("observe", "control")]
    for name in fields:
        if name not in known and name != "observe":
            close = get_close_matches(name, [*known, "engine", "scenario", "faults"], 1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ValueError(f"realtime_server has no option {name}{hint}; possible: engine, {', '.join(known)}")
    try:
        return Settings(**{"engines": Engines(), **_DEFAULTS, **fields})
    except TypeError as error:
        raise ValueError(f"realtime_server: {error}") from None
