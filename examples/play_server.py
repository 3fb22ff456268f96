"""Plays the server: answers every text turn with the words it got. The core has both ends of the wire.

    python examples/play_server.py --port 8080
    python examples/embed_selectors.py "What time is it?" --url ws://127.0.0.1:8080/v1/realtime

It hears no sound, and takes no event but the three below; `rtproto serve` is the real thing.
"""

import argparse
import asyncio
import itertools
from contextlib import suppress
from typing import Any

import attrs

from rtproto import Config, Connection, events
from rtproto.errors import SessionClosed

numbers = itertools.count(1)


def reply(words: str) -> list[events.ServerEvent]:
    """One response with one text, in the order in which servers say it (`Config(strict=True)` checks that order)."""
    response_id, item_id = f"resp_{next(numbers)}", f"item_{next(numbers)}"
    begun = events.MessageItem(id=item_id, role="assistant", status="in_progress", content=[])
    text = events.OutputText(text=words)
    ended = events.MessageItem(id=item_id, role="assistant", status="completed", content=[text])
    at: dict[str, Any] = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}
    return [
        events.ResponseCreated(response=events.RealtimeResponse(id=response_id, status="in_progress", output=[])),
        events.ResponseOutputItemAdded(response_id=response_id, output_index=0, item=begun),
        events.ConversationItemAdded(item=begun),
        events.ResponseContentPartAdded(**at, part=events.TextPart(text="")),
        events.ResponseOutputTextDelta(**at, delta=words),
        events.ResponseOutputTextDone(**at, text=words),
        events.ResponseContentPartDone(**at, part=events.TextPart(text=words)),
        events.ConversationItemDone(item=ended),
        events.ResponseOutputItemDone(response_id=response_id, output_index=0, item=ended),
        events.ResponseDone(response=events.RealtimeResponse(id=response_id, status="completed", output=[ended])),
    ]


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serves one client, from its handshake to the end."""
    clock = asyncio.get_running_loop().time
    conn = Connection.server(Config(strict=True), now=clock())
    words = ""

    def say(*said: events.ServerEvent) -> None:
        with suppress(SessionClosed):  # the client has gone meanwhile
            for event in said:
                conn.send(attrs.evolve(event, event_id=f"event_{next(numbers)}"), clock())

    while conn.closed is None:
        while (event := conn.next_event()) is not None:
            match event:
                case events.Requested():
                    conn.accept(clock())
                    say(events.SessionCreated(session=events.RealtimeSession(id=f"sess_{next(numbers)}")))
                case events.ConversationItemCreate(item=events.MessageItem(content=[events.InputText(text=str(text))])):
                    words = text
                case events.ResponseCreate():
                    say(*reply(words))
        writer.write(b"".join(conn.outgoing()))
        deadline = conn.deadline()
        try:
            await writer.drain()
            data = await asyncio.wait_for(reader.read(65536), None if deadline is None else deadline - clock())
            conn.receive(data, clock()) if data else conn.receive_eof(clock())
        except asyncio.TimeoutError:
            conn.tick(clock())
        except ConnectionError:
            conn.receive_eof(clock())
    writer.write(b"".join(conn.outgoing()))
    writer.close()


async def serve(host: str, port: int) -> None:
    """Serves until it is stopped; port 0 means any free one."""
    server = await asyncio.start_server(talk, host, port)
    print("listening on ws://{}:{}/v1/realtime".format(*server.sockets[0].getsockname()), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.host, options.port))
    except OSError as error:
        parser.exit(1, f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
    except KeyboardInterrupt:
        pass
