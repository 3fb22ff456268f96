"""A server for bench.load, in a process of its own: `python -m bench.load_server EARS PACE`; prints its port."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator
from contextlib import suppress

from rtproto_emulator import Call, Context, Engines, HumSpeaker, Say, Settings, choose, serve

from rtproto import endpoint

ANSWER = "You asked for the weather, and I say what I say to all the others."
"""In hummed words about four seconds."""


class Scripted:
    """Says the same to everybody."""

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        yield Say(ANSWER)


def settings(ears: str, pace: float) -> Settings:
    engines = choose(ears, "none", "tone").engines
    return Settings(
        pace=pace,
        engines=Engines(
            activity=engines.activity, transcriber=engines.transcriber, responder=Scripted(), speaker=HumSpeaker()
        ),
    )


async def main(ears: str, pace: float) -> None:
    """Serves until its input ends."""
    serving = asyncio.ensure_future(
        serve(settings=settings(ears, pace), ready=lambda url: print(endpoint(url).port, flush=True))
    )
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], math.inf if sys.argv[2] == "inf" else float(sys.argv[2])))
