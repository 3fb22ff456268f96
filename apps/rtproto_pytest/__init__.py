"""A pytest plugin: a Realtime server in the process of the tests, for programs on any client.

::

    def test_weather(realtime_server, monkeypatch):
        monkeypatch.setenv("OPENAI_BASE_URL", realtime_server.base_url)
        realtime_server.script({"match": "weather", "say": "Sunny."})
        assert my_program.ask("What is the weather?") == "Sunny."
        realtime_server.received.wait_for(events.ResponseCreate)

Every test run of an environment imports this module, so it imports nothing but pytest: the server comes with the first
fixture that needs it.
"""

from typing import TYPE_CHECKING, Any

from ._plugin import (
    pytest_configure,
    pytest_runtest_makereport,
    realtime_endpoint,
    realtime_options,
    realtime_playbook,
    realtime_replay,
    realtime_server,
)

if TYPE_CHECKING:
    from ._log import EventLog
    from ._playbooks import Playbooks
    from ._replays import RealtimeReplay, Replays
    from ._server import RealtimeServer

__all__ = [
    "EventLog",
    "Playbooks",
    "RealtimeReplay",
    "RealtimeServer",
    "Replays",
    "pytest_configure",
    "pytest_runtest_makereport",
    "realtime_endpoint",
    "realtime_options",
    "realtime_playbook",
    "realtime_replay",
    "realtime_server",
]

_ROOMS = {
    "EventLog": "_log",
    "Playbooks": "_playbooks",
    "RealtimeReplay": "_replays",
    "RealtimeServer": "_server",
    "Replays": "_replays",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'rtproto_pytest' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_ROOMS[name]}", __name__), name)
