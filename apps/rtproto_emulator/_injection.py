"""Faults between the policy and the wire: what the server says is delayed, lost, doubled, torn.

As pure as the policy, and with its methods: the same session under the same seed goes wrong in the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import attrs

from rtproto import Close, events

from ._ending import failed, incomplete
from ._fault_plan import FaultPlan
from ._faults import BEFORE, CLIENT, RESPONSE, SERVER, Fault, parse_fault
from ._machine import Machine

_MAX_WAITING = 10_000
"""Events that wait behind a fault: twenty minutes of speech. Beyond, the session ends with 1011."""
_MAX_HELD = 1.0
"""Seconds that an event waits to be overtaken: the next one is mostly there at once, or comes only when asked for."""


@attrs.frozen
class Deed:
    """What is done to the wire, which no event says. `how` is a key of `_wire_faults.DEEDS`."""

    how: str
    event: events.ServerEvent | None = None
    seconds: float = 0.0


Said = events.ServerEvent | Close | Deed
LAST = frozenset({"abort", "half-frame"})
"""Deeds after which there is no wire: their event never comes."""


class Injected:
    """A `Machine`, and what goes wrong with it."""

    def __init__(self, policy: Machine, plan: FaultPlan) -> None:
        self.policy = policy
        self._plan = plan
        self._queue: deque[tuple[float, Said]] = deque()
        """What waits, and until when; in order."""
        self._due = 0.0
        """When the last of it is due."""
        self._late = 0.0
        """How late what is said now comes."""
        self._held: tuple[float, Said] | None = None
        """What the next event shall overtake, and until when it waits for that."""
        self._crooked = False
        """Something has happened: events no longer keep the protocol's order, so nobody checks it."""
        self._ended = False
        self._now = 0.0
        policy.outbox.on_send = self._within_response
        policy.outbox.on_mark = self._marked

    # ---- as the policy ----

    def start(self, now: float, unix_time: float = 0.0) -> None:
        """As `Machine.start()`."""
        self._now = now
        if self._plan.knows("no-close"):
            # Where a frame begins can be told only from the beginning.
            self._put(Deed("watch-close"))
        self.policy.start(now, unix_time)

    @property
    def session_id(self) -> str:
        """Of the policy's session, once it has started."""
        return self.policy.session_id

    def receive(self, event: events.ClientEvent, now: float) -> None:
        """As `Machine.receive()`, where no fault forbids it."""
        self._now = now
        if self._ended:
            return
        refused = False
        for fault in self._plan.due(CLIENT, event.type or event.wire_type):
            if fault.kind == "error":
                refused = True
                self._refuse(event, fault)
            else:
                self._pump()
                self._say(self._happens(fault, (), None))
        if not refused and not self._ended:
            self.policy.receive(event, now)

    def stop(self) -> None:
        """As `Machine.stop()`."""
        self.policy.stop()
        # The outbox refers to this, and would keep the conversation until the collector comes.
        self.policy.outbox.on_send = self.policy.outbox.on_mark = None

    def next_event(self) -> Said | None:
        """What must be done next, None when there is nothing now."""
        if not self._queue and not self._crooked and not self._plan.any:
            event = self.policy.next_event()
            if not self._queue and not self._crooked:
                return event
            # A mark before it was due.
            if event is not None:
                self._pass(event)
        self._pump()
        if self._queue and self._queue[0][0] <= self._now:
            return self._queue.popleft()[1]
        return None

    @property
    def pending(self) -> int:
        """How much waits in `next_event()`."""
        return len(self._queue) + self.policy.pending + (self._held is not None)

    def deadline(self) -> float | None:
        """When `tick()` is due; None: never."""
        moments = [
            None if self._ended else self.policy.deadline(),
            self._queue[0][0] if self._queue else None,
            self._held[0] if self._held else None,
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: float) -> None:
        """As `Machine.tick()`."""
        self._now = now
        if not self._ended:
            self.policy.tick(now)
        if self._held is not None and self._held[0] <= now:
            self._release()

    # ---- what happens ----

    def strike(self, fault: Fault) -> None:
        """Lets `fault` happen in this session alone: now, or at the event that it names.

        Raises ValueError for one of the handshake, which is over.
        """
        if fault.stage in BEFORE:
            raise ValueError(f"{fault}: the handshake is over; this one is for the whole server")
        self._pump()
        self._strike(fault)

    def _strike(self, fault: Fault) -> None:
        if fault.at is None and fault.kind in _AT_ONCE:
            self._say(self._happens(fault, (), None))
        elif fault.at is None and fault.times is None and fault.kind != "latency":
            self._plan.add(attrs.evolve(fault, times=1))
        else:
            self._plan.add(fault)

    def _marked(self, text: str) -> None:
        self._strike(parse_fault(text))

    def _within_response(self, event: events.ServerEvent) -> None:
        if self._plan.any:
            for fault in self._plan.due(RESPONSE, event.type):
                cut = fault.kind == "response-incomplete"
                raise incomplete(*fault.values) if cut else failed(*fault.values)

    def _refuse(self, event: events.ClientEvent, fault: Fault) -> None:
        """The client's event is answered with an error, and with nothing else."""
        self._pump()
        code, message = fault.values
        given = event.event_id if isinstance(event.event_id, str) else None
        kind = code if code == "server_error" else "invalid_request_error"
        error = events.RealtimeError(type=kind, code=code, message=message, param=None, event_id=given)
        for said in self.policy.outbox.accented(events.ErrorEvent(error=error)):
            self._pass(self.policy.outbox.address(said))

    def _pump(self) -> None:
        """Takes what the policy has to say, and lets go wrong what shall."""
        while not self._ended and (said := self.policy.next_event()) is not None:
            self._pass(said)

    def _pass(self, said: events.ServerEvent | Close) -> None:
        held, self._held = self._held, None
        out: Sequence[Said] = [said]
        if isinstance(said, events.ServerEvent):
            for fault in self._plan.due(SERVER, said.type):
                out = self._happens(fault, out, said)
        if held is not None and self._held is None:
            if not out:
                self._held = held
            else:
                out = [held[1], *out] if isinstance(said, Close) else [*out, held[1]]
        self._say(out)

    def _happens(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent | None) -> Sequence[Said]:
        self._crooked = True
        return _EFFECTS[fault.kind](self, fault, out, event or _NOTHING)

    def _say(self, out: Sequence[Said]) -> None:
        for said in out:
            self._put(said)
        self._late = 0.0

    def _put(self, said: Said) -> None:
        self._due = max(self._now + self._late, self._due)
        if self._ended or self._due == float("inf"):
            return
        if len(self._queue) >= _MAX_WAITING:
            said = Close(1011, f"more than {_MAX_WAITING} events wait behind a fault")
        elif isinstance(said, events.ServerEvent) and self._crooked:
            said = Deed("plain", said)
        self._queue.append((self._due, said))
        self._ended = isinstance(said, Close) or (isinstance(said, Deed) and said.how in LAST)

    def _release(self) -> None:
        """Nothing came that could overtake."""
        held, self._held = self._held, None
        if held is not None:
            self._put(held[1])

    # ---- one method a kind of fault: what is said instead of `out` ----

    def _latency(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        least, jitter = fault.values
        self._late += least + jitter * self._plan.random.random()
        return out

    def _stall(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        self._due = max(self._due, self._now) + fault.values[0]
        return out

    def _close(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        return [Close(*fault.values)]

    def _torn(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        return [Deed(fault.kind, event)]

    def _no_close(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        return [Deed("ignore-close"), *out]

    def _slow_reader(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        return [Deed("stop-reading", seconds=fault.values[0]), *out]

    def _unknown(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        own_id = {"event_id": self._plan.make_id("event")} if self.policy.outbox.event_ids else {}
        return [events.Unknown(raw={"type": fault.values[0], **own_id}), *out]

    def _duplicate(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        return [*out, *out]

    def _reorder(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        self._held = self._now + _MAX_HELD, event
        return [said for said in out if said is not event]

    def _drop(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        return [said for said in out if said is not event]

    def _transcription(self, fault: Fault, out: Sequence[Said], event: events.ServerEvent) -> Sequence[Said]:
        assert isinstance(event, events.ConversationItemInputAudioTranscriptionCompleted)
        told = list(self.policy.failed_transcription(event, *fault.values))
        return [new for said in out for new in (told if said is event else [said])]


_NOTHING = events.Unknown(raw={"type": "rtproto.fault"})
"""What is torn where no event is due."""

_EFFECTS: dict[str, Callable[[Injected, Fault, Sequence[Said], events.ServerEvent], Sequence[Said]]] = {
    "latency": Injected._latency,
    "stall": Injected._stall,
    "close": Injected._close,
    "abort": Injected._torn,
    "half-frame": Injected._torn,
    "bad-utf8": Injected._torn,
    "bad-json": Injected._torn,
    "no-close": Injected._no_close,
    "slow-reader": Injected._slow_reader,
    "unknown-event": Injected._unknown,
    "duplicate": Injected._duplicate,
    "reorder": Injected._reorder,
    "drop": Injected._drop,
    "transcription-failed": Injected._transcription,
}
_AT_ONCE = frozenset(_EFFECTS) - {"latency", "duplicate", "reorder", "drop", "transcription-failed"}
"""What needs no event to happen."""
