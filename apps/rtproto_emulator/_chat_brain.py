"""A brain elsewhere: any server that answers `POST /chat/completions` as OpenAI's does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from io import BytesIO
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from rtproto._jsontext import dumps

from ._chat_answer import BROKE_OFF, Answer, EventStream, NoAnswer
from ._chat_request import request
from ._engines import Call, Context, Say
from ._pieces import Pieces
from ._service import Service

_MAX_ANSWER = 16 * 1024 * 1024
"""Bytes; some 50 000 words, each in a chunk of its own with 300 bytes around it, are more than an hour of speech."""
_MAX_REFUSAL = 64 * 1024
"""Bytes of an error that are read to tell it."""
_CONNECT_SECONDS = 10.0
_LONGEST_SECONDS = 600.0
"""For a whole answer: nobody listens longer, and a server that only keeps the line open has an end."""
_STOP_SECONDS = 2.0
"""Until the thread has ended; it does nothing then that takes time."""


class ChatResponder:
    """Asks `POST {url}/chat/completions`, such as ``http://127.0.0.1:8000/v1``, for `model`, with a key or without.

    What it answers is spoken sentence by sentence; a response that is dropped closes its connection. `timeout` is for
    how many seconds the server may be silent. Raises ValueError for what is no http or https URL.
    """

    instructions = (
        "You speak with the user by voice: your answer is read aloud as it is. Answer briefly, in plain sentences, "
        "without lists, headings or other formatting."
    )

    def __init__(self, url: str, model: str, *, key: str | None = None, timeout: float = 60.0) -> None:
        self._service = Service("chat server", url, key)
        self.host = self._service.host
        """Whom it asks."""
        self._model = model
        self._timeout = timeout
        self._background: _Background | None = None
        self._lock = Lock()

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        """A piece for each sentence, with the space before it; then the calls."""
        pieces: Pieces[Say | Call] = Pieces()
        work = self._needed().run(self._answer(context, pieces))
        try:
            yield from pieces
        finally:
            work.cancel()

    def close(self) -> None:
        """Closes every connection; what is not answered fails. It may be used again."""
        with self._lock:
            background, self._background = self._background, None
        if background is not None:
            background.close()

    def _needed(self) -> _Background:
        with self._lock:
            if self._background is None:
                self._background = _Background()
            return self._background

    async def _answer(self, context: Context, pieces: Pieces[Say | Call]) -> None:
        """Puts all that is answered into `pieces`, and how it ended."""
        try:
            await self._ask(context, pieces)
        except asyncio.CancelledError:
            pieces.fail(self._service.failure("was not asked any further"))
            raise
        except Exception as error:
            pieces.fail(self._service.failure(self._why(error)))
        else:
            pieces.end()

    async def _ask(self, context: Context, pieces: Pieces[Say | Call]) -> None:
        service = self._service
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if service.key:
            headers["Authorization"] = f"Bearer {service.key}"
        body = dumps(request(context, self._model))
        timeout = aiohttp.ClientTimeout(
            total=_LONGEST_SECONDS, sock_connect=min(_CONNECT_SECONDS, self._timeout), sock_read=self._timeout
        )
        # A session for each: a kept connection may be closing when the next request takes it, and none is sent twice.
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                f"{service.url}/chat/completions",
                data=BytesIO(body),
                headers=headers,
                allow_redirects=False,
                proxy=_proxy(service.url),
            ) as response,
        ):
            if response.status != 200:
                raise NoAnswer(service.refused(response.status, await _read(response, _MAX_REFUSAL)))
            await _listen(response, pieces.put)

    def _why(self, error: Exception) -> str:
        """What goes on from "the chat server at HOST"."""
        if isinstance(error, NoAnswer):
            return str(error)
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return (
                f"cannot be trusted: {getattr(error.certificate_error, 'verify_message', 'its certificate is wrong')}"
            )
        if isinstance(error, aiohttp.ClientConnectorError):
            return f"cannot be reached: {_reason(error.os_error)}"
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return "cannot be reached: it does not answer"
        if isinstance(error, aiohttp.ServerTimeoutError):
            return f"did not answer in {self._timeout:g} s"
        if isinstance(error, asyncio.TimeoutError):
            return f"did not come to an end in {_LONGEST_SECONDS:g} s"
        if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError)):
            return BROKE_OFF
        return f"broke off: {type(error).__name__}"


def _reason(error: OSError) -> str:
    """In a refusal asyncio puts the address once more in the place of the system's words."""
    return "connection refused" if isinstance(error, ConnectionRefusedError) else error.strerror or str(error)


async def _listen(response: aiohttp.ClientResponse, put: Callable[[Say | Call], None]) -> None:
    """The answer, as it comes; whole from a server that does not stream."""
    answer = Answer()
    if response.content_type == "application/json":
        whole = await _read(response, _MAX_ANSWER)
        for piece in answer.take(whole):
            put(piece)
    else:
        stream = EventStream()
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > _MAX_ANSWER:
                raise NoAnswer(f"answered more than {_MAX_ANSWER} bytes")
            for data in stream.feed(chunk):
                for piece in answer.take(data):
                    put(piece)
            if answer.done:
                break
    for last in answer.end():
        put(last)


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, as far as `most` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            break
    return bytes(body[:most])


def _proxy(url: str) -> str | None:
    """Where the environment says to go through, as the recogniser's client does."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


class _Background:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._live, name="chat", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Begins; the future can be cancelled from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Cancels all that runs."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)

    def _live(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.run_until_complete(_cancel_all())
        loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # Whoever waits for them is told in the next round.
    await asyncio.sleep(0)
