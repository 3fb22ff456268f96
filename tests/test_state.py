"""The life cycle's table, and the timers' one."""

import pytest

from rtproto._state import TRANSITIONS, Cause, LifeCycle, State
from rtproto._timers import Timer, Timers


def test_every_life_ends_closed_and_stays_so() -> None:
    assert LifeCycle().state is State.CONNECTING
    assert not any(state is State.CLOSED for state, _ in TRANSITIONS)
    for state in (State.CONNECTING, State.OPEN, State.CLOSING):
        assert TRANSITIONS[state, Cause.WIRE_LOST] is State.CLOSED
        assert TRANSITIONS[state, Cause.FAILED] is State.CLOSED


def test_a_move_that_is_not_in_the_table_is_a_bug() -> None:
    life = LifeCycle()
    with pytest.raises(KeyError):
        life.move(Cause.CLOSE_RECEIVED)
    assert life.state is State.CONNECTING


def test_timers_ring_once_in_order() -> None:
    timers = Timers()
    assert timers.next() is None
    assert timers.rung(99.0) == []
    timers.set(Timer.CLOSE, 1.0, 2.0)
    timers.set(Timer.PONG, 1.0, 1.0)
    timers.set(Timer.OPEN, 1.0, None)
    assert timers.next() == 2.0
    assert timers.rung(1.9) == []
    assert timers.rung(3.0) == [Timer.PONG, Timer.CLOSE]
    assert timers.rung(3.0) == []
    timers.set(Timer.CLOSE, 0.0, 1.0)
    timers.set(Timer.CLOSE, 0.0, None)
    assert timers.next() is None
    timers.set(Timer.CLOSE, 0.0, 1.0)
    timers.stop(Timer.CLOSE)
    timers.stop(Timer.CLOSE)
    assert timers.next() is None
