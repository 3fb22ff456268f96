"""Which faults are due: seeded and pure, so that a failure repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from threading import Lock

import attrs

from ._faults import HANDSHAKE, LISTENING, Fault, parse_fault
from ._ids import random_ids

_MAX_FAULTS = 1000
"""More than anyone means; each costs a look at every event."""


@attrs.define(eq=False)
class Active:
    """A fault that may still happen `left` times; None: always."""

    number: int
    fault: Fault
    left: int | None


class Faults:
    """The faults of a server, for all its sessions, also those that are open. Every method may be called from any
    thread.
    """

    def __init__(self, faults: Iterable[Fault | str] = (), seed: int | None = None) -> None:
        self.seed = seed or 0
        self._lock = Lock()
        self._numbers = 0
        self.active: Sequence[Active] = ()
        """A new one whenever it changes."""
        self.on_change: Callable[[], object] | None = None
        """Is called when it has changed, from any thread."""
        for fault in faults:
            self.add(fault)
        self._handshakes = FaultPlan(self, 0)

    def add(self, fault: Fault | str) -> Fault:
        """Adds a fault, or the one that a text writes, such as "close:1011@response.done".

        Raises ValueError for a bad text, or where there are too many.
        """
        parsed = parse_fault(fault) if isinstance(fault, str) else fault
        with self._lock:
            if len(self.active) >= _MAX_FAULTS:
                raise ValueError(f"{_MAX_FAULTS} faults are enough: clear some")
            self._numbers += 1
            # A server is down once: for ever is written without seconds.
            times = parsed.times or (1 if parsed.stage == LISTENING else None)
            self.active = (*self.active, Active(self._numbers, parsed, times))
        self._tell()
        return parsed

    def clear(self) -> None:
        """Forgets all faults; what has happened stays."""
        with self._lock:
            self.active = ()
        self._tell()

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def list(self) -> list[Fault]:
        """Those that may still happen, with how often they still can."""
        return [attrs.evolve(active.fault, times=active.left) for active in self.active if active.left != 0]

    def take(self, active: Active) -> bool:
        """Whether it may happen once more; then it does."""
        with self._lock:
            if active.left is not None:
                if active.left == 0:
                    return False
                active.left -= 1
            return True

    def down(self) -> Active | None:
        """The next for which nobody shall listen, if any: it happens now."""
        due = (active for active in self.active if active.fault.stage == LISTENING)
        return next((active for active in due if self.take(active)), None)

    def at_handshake(self) -> Fault | None:
        """What happens to the client that asks for a session now, if anything."""
        due = self._handshakes.due(HANDSHAKE, "")
        return due[0] if due else None


@attrs.define(eq=False)
class _Watch:
    """How far one session is with one fault."""

    active: Active
    random: Random
    seen: int = 0


class FaultPlan:
    """What is due in one session, the `number`-th of the server."""

    def __init__(self, faults: Faults, number: int) -> None:
        self.random = Random(f"{faults.seed}/{number}")
        self.make_id = random_ids(Random(f"fault ids/{faults.seed}/{number}"))
        """Of what only a fault says. Not the session's: how far that has spoken by then hangs on the clock."""
        self._faults = faults
        self._number = number
        self._known: Sequence[Active] | None = None
        self._watches: list[_Watch] = []
        self._own: list[_Watch] = []
        self._some = False

    @property
    def any(self) -> bool:
        """Whether anything may happen at all."""
        if self._faults.active is not self._known:
            self._learn()
        return self._some

    def knows(self, kind: str) -> bool:
        """Whether a fault of this kind may happen."""
        return self.any and any(watch.active.fault.kind == kind for watch in (*self._watches, *self._own))

    def add(self, fault: Fault) -> None:
        """A fault of this session alone. The oldest is forgotten where there are too many."""
        self._own.append(self._watch(Active(-len(self._own), fault, fault.times)))
        del self._own[:-_MAX_FAULTS]
        self._some = True

    def due(self, stage: str, event_type: str) -> list[Fault]:
        """The faults that happen at an event; each call counts one more of its type."""
        if not self.any:
            return []
        return [watch.active.fault for watch in (*self._watches, *self._own) if self._happens(watch, stage, event_type)]

    def _happens(self, watch: _Watch, stage: str, event_type: str) -> bool:
        fault = watch.active.fault
        if fault.stage != stage or (fault.at is not None and fault.at != event_type):
            return False
        watch.seen += 1
        if fault.nth is not None and watch.seen != fault.nth:
            return False
        if fault.chance < 1 and watch.random.random() >= fault.chance:
            return False
        return self._faults.take(watch.active)

    def _learn(self) -> None:
        """What is new begins to count now; what stays goes on."""
        self._known = self._faults.active
        before = {watch.active.number: watch for watch in self._watches}
        self._watches = [before.get(active.number) or self._watch(active) for active in self._known]
        self._some = bool(self._watches or self._own)

    def _watch(self, active: Active) -> _Watch:
        return _Watch(active, Random(f"{self._faults.seed}/{self._number}/{active.number}"))
