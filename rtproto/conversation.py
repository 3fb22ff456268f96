"""The conversation as it stands: items, responses, settings, costs, and how much of the speech was played.

Pure: it is told what passes, and the time where it matters.
"""

from typing import TYPE_CHECKING

from rtproto import events
from rtproto._conversation._part import TrackedPart
from rtproto._conversation._playback import Playback
from rtproto._conversation._rebuild import recreate, settings
from rtproto._conversation._state import State
from rtproto._conversation._takers import cancel_asked, take_received, take_sent
from rtproto._conversation._tracked import TrackedItem, TrackedResponse
from rtproto._conversation._usage import Usage
from rtproto._unset import UNSET

if TYPE_CHECKING:
    from rtproto.events import AnySession, ClientEvent

__all__ = ["Conversation", "Playback", "TrackedItem", "TrackedPart", "TrackedResponse", "Usage"]

MAX_ITEMS = 1000
"""An hour of talk, the longest session there is, has some hundred items."""

MAX_SIZE = 256 * 1024 * 1024
"""Bytes, about: an hour of speech is 165 MiB of PCM16; words alone need a thousandth of it."""


class Conversation:
    """Knows a conversation from the events of one client, those of both directions in the order they pass.

    ::

        for event in rt:
            for reply in conversation.received(event, clock()):
                rt.send(reply)                      # and conversation.sent(reply), as for all that is sent
            if isinstance(event, events.InputAudioBufferSpeechStarted):
                for reply in conversation.interrupt(clock()):
                    rt.send(reply)

    Nothing that a peer sends makes it raise. Its memory is bounded: beyond `max_items` items, or about `max_size`
    bytes, the oldest items are dropped. Audio is not kept, unless `keep_audio`. Recordings may be fed to it too, from
    any point; and it may be kept over a reconnect, if it is fed `events.Closed`.

    An item stands where ``conversation.item.added`` puts it: behind its `previous_item_id`; at the beginning, where
    that is null; at the end, where it is absent or names an item that is not here. The end it is, too, for a null that
    cannot mean the beginning (a call, speech, an item of a response, one that this client appended), and for every null
    of a server that has sent such a one.

    The objects it gives are its own and change with it: read them, and copy what must stay.
    """

    def __init__(self, *, max_items: int = MAX_ITEMS, max_size: int = MAX_SIZE, keep_audio: bool = False) -> None:
        """Raises ValueError for a bound that is not positive."""
        if max_items <= 0 or max_size <= 0:
            raise ValueError(f"max_items is {max_items} and max_size {max_size}; both must be more than 0")
        self._state = State(max_items=max_items, max_size=max_size, keep_audio=keep_audio)

    # ---- what is told ----

    def sent(self, event: object) -> None:
        """This client sends `event`."""
        take_sent(self._state, event)

    def received(self, event: object, now: "float | None" = None) -> "list[ClientEvent]":
        """`event` came, of the server or of the machine. Returns what must be sent because of it, mostly nothing.

        `now`, in monotonic seconds, is for `playback` by the clock.
        """
        state = self._state
        if now is not None:
            state.playback.advance(now)
        take_received(state, event)
        out, state.out = state.out, []
        return out

    # ---- what is known ----

    @property
    def session(self) -> "AnySession | None":
        """The effective settings, as the server told them last; None before it did."""
        return self._state.session

    @property
    def items(self) -> list[TrackedItem]:
        """The items of the default conversation, in its order."""
        return list(self._state.order)

    def item(self, item_id: str) -> "TrackedItem | None":
        """The item; also one of an out-of-band response, or a turn of the user that is not in the conversation yet."""
        return self._state.items.get(item_id)

    @property
    def responses(self) -> list[TrackedResponse]:
        """The responses that are open, and the last that ended; the oldest first."""
        return list(self._state.responses.values())

    def response(self, response_id: str) -> "TrackedResponse | None":
        """The response, if it is still held."""
        return self._state.responses.get(response_id)

    @property
    def active_response(self) -> "TrackedResponse | None":
        """The response that writes to the default conversation."""
        return self._state.active()

    @property
    def usage(self) -> Usage:
        """What all of it cost, in tokens by kind."""
        return self._state.usage

    @property
    def playback(self) -> Playback:
        """How much of the received speech was played; tell it, or give `now`."""
        return self._state.playback

    # ---- what to send ----

    def interrupt(self, now: "float | None" = None) -> "list[ClientEvent]":
        """What to send when the user cuts in, or stops the assistant; the player must be emptied at once.

        - The active response is cancelled, unless the server cancels it by itself, as the user has begun to speak
          (``interrupt_response``). One that was asked for and is not created yet is cancelled by what `received`
          returns when it is.
        - Speech that was played in part, or to its end while more was to come, is truncated at the milliseconds
          played. Of what was not played at all (0 ms) nothing is said, as servers refuse that: the model believes it
          was heard, unless the item is deleted.

        What still comes of it is marked ``interrupted`` and counts as not played. Calling it again asks for nothing
        twice. Out-of-band responses go on. `now` is as in `received`.
        """
        state = self._state
        if now is not None:
            state.playback.advance(now)
        cancel_asked(state)
        return [*self._cancel(state.active()), *self._truncate()]

    def _cancel(self, active: "TrackedResponse | None") -> "list[ClientEvent]":
        if active is None:
            return []
        active.interrupted = True
        for item in active.items:
            item.interrupted = True
        by_itself, active.left_to_server = active.left_to_server, False
        if by_itself or active.cancelled:
            return []
        active.cancelled = True
        return [events.ResponseCancel(response_id=active.id or UNSET)]

    def _truncate(self) -> "list[ClientEvent]":
        state = self._state
        is_known = state.playback.is_known
        out: list[ClientEvent] = []
        for item_id, content_index, part in state.playback.stop():
            item = state.items[item_id]
            if not is_known or state.is_aside(item) or item.role not in ("assistant", ""):
                continue
            item.interrupted = True
            part.cut_ms = part.pcm.ms(part.played) if part.pcm else 0
            if part.cut_ms > 0:
                cut = part.cut_ms
                out.append(
                    events.ConversationItemTruncate(item_id=item_id, content_index=content_index, audio_end_ms=cut)
                )
        return out

    def rebuild(self) -> "list[ClientEvent]":
        """What to send on a new connection so that the conversation goes on: the settings, and every item in order.

        Settings are those that the server told last, without what it alone decides; secrets of MCP tools that it does
        not tell must be given again. Items keep their ids. The speech of the user becomes the text of its transcript
        (or its audio, where that is kept). Speech of the assistant becomes ``output_text``, as servers take no other:
        where it was cut, about as much of its words as of its sound was played, as nobody knows which word that was.
        A message in progress is sent as far as it came. Left out: calls that were not finished and outputs without
        their call, items of MCP, empty ones, and those of kinds that rtproto does not know.
        """
        again = settings(self._state.session)
        update = [] if again is None else [events.SessionUpdate(session=again)]
        return [*update, *(events.ConversationItemCreate(item=item) for item in recreate(self._state.order))]
