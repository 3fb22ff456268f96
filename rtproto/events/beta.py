"""What the beta protocol alone has. Its other events and objects are those of `rtproto.events`."""

from typing import Any, ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeSession(events.RealtimeSession):
    """A conversation session. `temperature` from 0.6 to 1.2; `client_secret` is a short-lived key."""

    temperature: Opt[float] = UNSET
    client_secret: Any = attrs.field(default=UNSET, repr=False)


@attrs.define(kw_only=True, repr=False, eq=False)
class TranscriptionSession(events.TranscriptionSession):
    """A session that only transcribes."""

    output_modalities: Opt[list[str]] = UNSET
    client_secret: Any = attrs.field(default=UNSET, repr=False)


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeResponse(events.RealtimeResponse):
    """A response, with the temperature that it was sampled at."""

    temperature: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCreateParams(events.ResponseCreateParams):
    """What one response shall be."""

    temperature: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ItemReferenceContent(events.VendorObject):
    """Content that stands for an earlier item."""

    type: ClassVar[str] = "item_reference"

    id: Opt[str] = UNSET
    audio: Opt[bytes] = UNSET
    text: Opt[str] = UNSET
    transcript: Opt[str] = UNSET
