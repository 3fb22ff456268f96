"""The fixtures. What they need is imported when they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from rtproto import Endpoint

    from ._playbooks import Playbooks
    from ._replays import Replays
    from ._server import RealtimeServer

_MARK = "realtime_server"
_failed = pytest.StashKey[bool]()

_T = TypeVar("_T")


def pytest_configure(config: pytest.Config) -> None:
    line = (
        f"{_MARK}(pace=, scenario=, seed=, engine=, api_keys=, faults=, ...): how the server of realtime_server behaves"
    )
    config.addinivalue_line("markers", line)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Notes whether a test has passed, before its fixtures end."""
    if call.when != "teardown":
        item.stash[_failed] = call.excinfo is not None


@pytest.fixture
def realtime_options() -> Mapping[str, Any]:
    """What `realtime_server` is made with, under the names of its marker, which goes first. To be overridden."""
    return {}


@pytest.fixture
def realtime_server(request: pytest.FixtureRequest, realtime_options: Mapping[str, Any]) -> Iterator[RealtimeServer]:
    """A Realtime server on a free port, for one test; see `rtproto_pytest.RealtimeServer`."""
    options = dict(realtime_options)
    for mark in reversed(list(request.node.iter_markers(_MARK))):
        if mark.args:
            pytest.fail(f"@pytest.mark.{_MARK} takes keywords, such as pace=1.0", pytrace=False)
        options.update(mark.kwargs)
    server = _told(lambda: _server(options, request))
    with server:
        yield server
    if request.node.stash.get(_failed, False):
        request.node.add_report_section("teardown", "realtime", server.story())


@pytest.fixture
def realtime_endpoint(realtime_server: RealtimeServer) -> Endpoint:
    """The server of `realtime_server`, as the clients of rtproto take it."""
    return realtime_server.endpoint


@pytest.fixture
def realtime_playbook(request: pytest.FixtureRequest) -> Iterator[Playbooks]:
    """Makes `rtproto.testing.Playbook`s, without a server. In a test that passes each of them is ended."""
    from ._playbooks import Playbooks

    playbooks = Playbooks()
    yield playbooks
    if not request.node.stash.get(_failed, False):
        playbooks.end()


@pytest.fixture
def realtime_replay(request: pytest.FixtureRequest) -> Iterator[Replays]:
    """Serves recordings; see `rtproto_pytest.Replays`. A test that leaves a part of one unsaid fails, and one that
    fails is told what was left.
    """
    replays = _told(lambda: _replays(request))
    with replays:
        yield replays
    lines = replays.complaints()
    if request.node.stash.get(_failed, False):
        request.node.add_report_section("teardown", "realtime", "\n".join(lines))
    elif lines:
        pytest.fail("\n".join(lines), pytrace=False)


def _server(options: Mapping[str, Any], request: pytest.FixtureRequest) -> RealtimeServer:
    from ._server import RealtimeServer

    return RealtimeServer(folder=request.path.parent, **options)


def _replays(request: pytest.FixtureRequest) -> Replays:
    from ._replays import Replays

    return Replays(request.path.parent)


def _told(make: Callable[[], _T]) -> _T:
    """What cannot be made is told in one line."""
    try:
        return make()
    except (ImportError, OSError, ValueError) as error:
        why = str(error)
    pytest.fail(why, pytrace=False)
