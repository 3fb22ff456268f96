"""How a session ends: cleanly, rudely, or not at all."""

from __future__ import annotations

import time

import pytest
from contract.conftest import Bench, numbers
from contract.driver import Answer
from wsproto.events import CloseConnection

from rtproto import Config, State, Timeouts
from rtproto.errors import SessionClosed
from rtproto.events import Closed


def test_close_is_answered_and_clean(wire: Bench) -> None:
    link, peer = wire.open()
    closing = link.begin("close", 3001, "enough")
    heard = peer.until(CloseConnection)
    assert (heard.code, heard.reason) == (3001, "enough")
    peer.say_close(3001, "enough")
    closing.result()
    assert link.closed == Closed(clean=True, code=3001, reason="enough")
    assert link.take() == [link.closed]
    assert link.next() is None
    assert peer.hear() is None
