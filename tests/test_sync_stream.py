"""The threads driver over a pair of sockets: many threads, Ctrl-C, bounded waits."""

from __future__ import annotations

import _thread
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
from rtproto_sync import ClientStream
from rtproto_sync._layer import Plain
from rtproto_sync._pump import Pump

import rtproto
from rtproto import Config, Connection, Limits, State, Timeouts
from rtproto.errors import RtprotoError, SessionClosed
from rtproto.events import Closed, InputAudioBufferAppend, Requested, Unknown

ENDPOINT = rtproto.endpoint("ws://localhost:8080/v1/realtime")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that end only when somebody ends them: who is not woken makes the test fail."""
    monkeypatch.setattr("rtproto_sync._wake.SLICE", 60)
    monkeypatch.setattr("rtproto_sync._pump.SLICE", 60)


class Far:
    """The other end, in a thread of its own: the core's server."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.machine = Connection.server(Config(timeouts=Timeouts(keepalive=None)), now=0.0)
        self.heard: list[Any] = []
        self.bytes_heard = 0
        self._lock = threading.Lock()
        self._reads = threading.Event()
        self._reads.set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            while self.machine.closed is None:
                data = self.sock.recv(65536)
                self.bytes_heard += len(data)
                self._reads.wait()
                with self._lock:
                    self.machine.receive(data, 0.0) if data else self.machine.receive_eof(0.0)
                    self._take()
        self.sock.close()

    def _take(self) -> None:
        while (event := self.machine.next_event()) is not None:
            if isinstance(event, Requested):
                self.machine.accept(0.0)
            else:
                self.heard.append(event)
        for data in self.machine.outgoing():
            self.sock.sendall(data)

    def say(self, *numbers: int) -> None:
        with self._lock:
            for n in numbers:
                self.machine.send_raw(json.dumps({"type": "test", "n": n}), 0.0)
            self._take()

    def stop_reading(self) -> None:
        """Takes one chunk more, and answers nothing."""
        self._reads.clear()

    def go_on(self) -> None:
        self._reads.set()

    def end(self) -> None:
        self.go_on()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        assert not self._thread.is_alive()


@contextmanager
def opened(config: Config | None = None) -> Iterator[tuple[ClientStream, Far]]:
    near, far_sock = socket.socketpair()
    for sock in (near, far_sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    far = Far(far_sock)
    client = ClientStream(Pump(Connection.client(ENDPOINT, config, now=time.monotonic()), near, Plain()))
    client._shake_hands()
    try:
        with client:
            yield client, far
            far.go_on()
    finally:
        far.end()


class Clock:
    """Stands in for the module time."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.sleep = time.sleep

    def monotonic(self) -> float:
        return self.now


def said(*numbers: int) -> list[Unknown]:
    return [Unknown(raw={"type": "test", "n": n}) for n in numbers]


def append(name: str, size: int = 1000) -> InputAudioBufferAppend:
    return InputAudioBufferAppend(event_id=name, audio=bytes(size))


def in_threads(*works: Callable[[], None]) -> None:
    """Runs them at the same time; raises what one of them raised."""
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.usefixtures("patient")
def test_many_threads_send_while_one_iterates() -> None:
    with opened() as (client, far):
        events: list[Any] = []

        def iterate() -> None:
            for event in client:
                events.append(event)
                if len(events) == 300:
                    return

        def send(thread: int) -> None:
            for n in range(100):
                client.send(append(f"{thread} {n}", 3000))

        in_threads(iterate, *(partial(send, thread) for thread in range(4)), lambda: far.say(*range(300)))
        wait_until(lambda: len(far.heard) == 400)
        assert events == said(*range(300))
        names = [event.event_id.split() for event in far.heard]
        for thread in range(4):
            assert [int(n) for t, n in names if int(t) == thread] == list(range(100))


@pytest.mark.usefixtures("patient")
def test_a_thread_that_iterates_hears_what_a_sender_has_read() -> None:
    """Nothing slept through: each answer comes at once, whoever of the two took it off the socket."""
    with opened() as (client, far):
        arrived = threading.Semaphore(0)

        def iterate() -> None:
            for n in range(200):
                assert next(client) == said(n)[0]
                arrived.release()

        def send() -> None:
            for n in range(200):
                client.send(append(str(n)))
                far.say(n)
                assert arrived.acquire(timeout=10)

        in_threads(iterate, send)


def test_next_event_is_bounded() -> None:
    with opened() as (client, far):
        assert client.next_event(timeout=0) is None
        assert client.next_event(timeout=0.1) is None
        far.say(1)
        assert client.next_event(timeout=10) == said(1)[0]
        far.say(2)
        assert client.next_event() == said(2)[0]
        client.close()
        assert client.next_event() == Closed(clean=True, code=1000)
        with pytest.raises(SessionClosed):
            client.next_event(timeout=0)
        assert list(client) == []


@pytest.mark.usefixtures("patient")
def test_one_thread_iterates_at_a_time() -> None:
    with opened() as (client, far):
        waiting = threading.Thread(target=next, args=(client,))
        waiting.start()
        wait_until(lambda: client._taking)
        with pytest.raises(RuntimeError, match="another thread iterates"):
            next(client)
        far.say(1)
        waiting.join(10)


def test_ctrl_c_while_reading_loses_nothing() -> None:
    with opened() as (client, far):
        interrupting = threading.Timer(0.05, _thread.interrupt_main)
        interrupting.start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            next(client)
        # On Windows too, where nothing but the end of a wait shows it.
        assert time.monotonic() - begun < 3
        interrupting.join()
        far.say(1)
        assert next(client) == said(1)[0]
        client.send(append("e1"))
        wait_until(lambda: far.heard == [append("e1")])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="Windows: Ctrl-C does not end the wait for a lock")
def test_ctrl_c_while_another_thread_has_the_lock_leaves_it_to_that_thread() -> None:
    failures: list[BaseException] = []

    def interrupt(pump: Pump[Any, Any], main: int) -> None:
        try:
            with pump.lock:
                pump._nudge()
                time.sleep(0.05)  # the main thread wants the lock, too
                signal.pthread_kill(main, signal.SIGINT)
                time.sleep(0.05)
                pump.lock.notify_all()  # an error where the lock was given away
        except BaseException as error:
            failures.append(error)

    with opened() as (client, far):
        main = threading.get_ident()
        interrupting = threading.Timer(0.05, interrupt, args=(client._pump, main))
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            next(client)
        interrupting.join()
        assert failures == []
        far.say(1)
        assert next(client) == said(1)[0]


def test_ctrl_c_in_the_middle_of_a_write_ends_the_session() -> None:
    with opened() as (client, far):
        far.stop_reading()
        before = far.bytes_heard

        def interrupt() -> None:
            wait_until(lambda: far.bytes_heard > before)
            _thread.interrupt_main()

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            client.send(append("e1", 5_000_000))
        interrupting.join()
        assert client.state is State.CLOSED
        assert client.closed is not None
        assert (client.closed.clean, client.closed.code) == (False, 1006)
        with pytest.raises(SessionClosed):
            client.send(append("e2"))
        assert list(client) == [client.closed]


def test_the_block_raises_what_was_raised_in_it() -> None:
    with pytest.raises(ZeroDivisionError), opened() as (client, _):
        raise ZeroDivisionError
    assert client.closed == Closed(clean=True, code=1001)


@pytest.mark.usefixtures("patient")
def test_whoever_waits_is_told_of_the_end() -> None:
    with opened() as (client, far):
        far.stop_reading()
        ends: list[Any] = []

        def iterate() -> None:
            ends.extend(client)

        def send() -> None:
            with pytest.raises(SessionClosed):
                client.send(append("e1", 5_000_000))
            ends.append("sender")

        def end() -> None:
            time.sleep(0.05)
            far.sock.shutdown(socket.SHUT_RDWR)

        in_threads(iterate, send, send, end)
        assert len(ends) == 3


def test_a_full_queue_and_a_deaf_peer_are_told_to_the_sender_who_may_go_on() -> None:
    config = Config(limits=Limits(max_queue=5), timeouts=Timeouts(keepalive=0.1, pong=1))
    with opened(config) as (client, far):
        far.stop_reading()
        far.say(*range(5))
        event = append("e1", 3_000_000)
        with pytest.raises(RtprotoError, match="nobody takes the events: 5 of them wait"):
            client.send(event)
        assert client.state is State.OPEN
        far.go_on()
        assert [next(client) for _ in range(5)] == said(*range(5))

        def heard() -> bool:
            """Once the rest is written, which nobody does but who calls."""
            assert client.next_event(timeout=0.01) is None
            return far.heard == [event]

        wait_until(heard)


@pytest.mark.usefixtures("patient")
def test_a_thread_that_takes_events_frees_the_one_that_sends() -> None:
    config = Config(limits=Limits(max_queue=5), timeouts=Timeouts(pong=20))
    with opened(config) as (client, far):
        far.stop_reading()
        far.say(*range(5))

        def take() -> None:
            wait_until(lambda: client._machine.pending >= 5)
            far.go_on()
            assert [next(client) for _ in range(20)] == said(*range(20))

        in_threads(take, lambda: client.send(append("e1", 3_000_000)), lambda: far.say(*range(5, 20)))


def test_pings_go_out_and_are_answered_while_a_thread_waits() -> None:
    with opened(Config(timeouts=Timeouts(keepalive=0.05, pong=0.5))) as (client, _):
        assert client.next_event(timeout=0.5) is None
        assert client.state is State.OPEN


@pytest.mark.usefixtures("patient")
def test_a_close_from_another_thread_is_bounded_for_both() -> None:
    with opened(Config(timeouts=Timeouts(close=0.2))) as (client, far):
        far.stop_reading()
        ends: list[Any] = []
        in_threads(lambda: ends.extend(client), client.close)
        assert ends == [client.closed]
        assert not ends[0].clean


@pytest.mark.usefixtures("patient")
def test_who_closes_beside_one_who_iterates_is_told() -> None:
    with opened() as (client, _):
        ends: list[Any] = []
        iterating = threading.Thread(target=lambda: ends.extend(client))
        iterating.start()
        wait_until(lambda: client._taking)
        in_threads(client.close, client.close)
        iterating.join(10)
        assert ends == [Closed(clean=True, code=1000)]


def test_the_silence_of_a_peer_that_nobody_hears_is_no_death(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue stops reading: what the peer says then is not known."""
    config = Config(limits=Limits(max_queue=2), timeouts=Timeouts(keepalive=5, pong=5, close=0.1))
    with opened(config) as (client, far), monkeypatch.context() as patched:
        far.say(1, 2, 3)
        while client._machine.pending < 2:
            client.send(append("e1"))
        clock = Clock()
        patched.setattr("rtproto_sync._pump.time", clock)
        for _ in range(20):
            clock.now += 1
            client.send(append("e1"))
        assert client.state is State.OPEN
