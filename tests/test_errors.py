"""Errors are for people, and carry what a program needs."""

import pickle

import pytest

from rtproto import State, errors, events

CLOSED = events.Closed(clean=False, code=1001, reason="going away")
ERRORS = [
    (errors.LocalProtocolError(None, State.OPEN, "wait for Opened"), "wait for Opened"),
    (errors.SessionClosed(CLOSED), "the session is closed (code 1001: going away)"),
    (errors.SessionClosed(events.Closed(clean=True, code=1000)), "the session is closed (code 1000)"),
    (errors.RemoteProtocolError("reserved bit set", b"\xff"), "reserved bit set"),
    (errors.HandshakeError(404), "the server answered HTTP 404 instead of opening a WebSocket"),
    (errors.HandshakeError(None, reason="it is not HTTP"), "it is not HTTP"),
    (errors.ServerError(events.RealtimeError(message="no such item")), "no such item"),
]


@pytest.mark.parametrize(("error", "text"), ERRORS, ids=[type(error).__name__ for error, _ in ERRORS])
def test_an_error_says_one_sentence_and_survives_a_process(error: errors.RtprotoError, text: str) -> None:
    assert str(error) == text
    assert isinstance(error, errors.RtprotoError)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == text


def test_a_failed_handshake_is_a_fault_of_the_peer() -> None:
    error = errors.HandshakeError(429, [("retry-after", "7")], b"slow down")
    assert isinstance(error, errors.RemoteProtocolError)
    assert (error.status, error.headers, error.body, error.raw) == (
        429,
        (("retry-after", "7"),),
        b"slow down",
        b"slow down",
    )
    closed = events.Closed(clean=False, code=1006, error=error)
    with pytest.raises(errors.HandshakeError):
        closed.raise_for_error()
