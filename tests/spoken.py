"""An event as it is heard and said in a dialect."""

import json
from typing import Any

from rtproto import Role
from rtproto._codec import Codec

PLACE: dict[str, Any] = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}


def codecs(name: str) -> tuple[Codec, Codec]:
    return Codec(Role.CLIENT, name, 200), Codec(Role.SERVER, name, 200)


def heard(name: str, /, *, sent: bool = False, **wire: Any) -> Any:
    """The event as it is heard in a dialect; it goes out there as it came."""
    client, server = codecs(name)
    decoder, encoder = (server, client) if sent else (client, server)
    event = decoder.decode(json.dumps(wire))
    assert json.loads(encoder.encode(event) or b"") == wire
    return event


def said(name: str, event: Any) -> dict[str, Any]:
    """What a client says in a dialect."""
    wire: dict[str, Any] = json.loads(codecs(name)[0].encode(event) or b"")
    return wire
