"""A recogniser elsewhere: the client's part of `POST /audio/transcriptions`."""

from __future__ import annotations

import io
import json
import secrets
import wave
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ._engines import Speech
from ._service import Service
from ._sound import ENGINE_RATE

_MAX_ANSWER = 1024 * 1024
"""Bytes; what one says in a minute has a thousand."""


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would take the key to whoever it names."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


class RemoteDecoder:
    """One server; safe to use from several threads."""

    def __init__(self, service: Service, *, model: str, timeout: float) -> None:
        self._service = service
        self._model = model
        self._timeout = timeout
        self._opener = build_opener(_NoRedirect)

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def decode(self, speech: Speech) -> str:
        """What the server says was said. Raises RuntimeError with one line that says why it does not."""
        fields = {"model": self._model, "response_format": "json", "language": speech.language, "prompt": speech.prompt}
        body, content_type = _form({name: text for name, text in fields.items() if text}, _wav(speech.pcm))
        url = f"{self._service.url}/audio/transcriptions"
        request = Request(url, body, {"Content-Type": content_type}, method="POST")
        if self._service.key:
            request.add_unredirected_header("Authorization", f"Bearer {self._service.key}")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return _words(answer.read(_MAX_ANSWER))
        except HTTPError as error:
            with error:
                why = self._service.refused(error.code, error.read(_MAX_ANSWER))
        except URLError as error:
            why = f"cannot be reached: {error.reason}"
        except TimeoutError:
            why = f"did not answer in {self._timeout:g} s"
        except (OSError, HTTPException) as error:
            why = f"broke off: {error or type(error).__name__}"
        except (ValueError, KeyError, TypeError):
            why = "answered what is no transcript"
        raise self._service.failure(why)

    def stop(self) -> None:
        """A request that is under way ends by itself."""


def _wav(pcm: bytes) -> bytes:
    held = io.BytesIO()
    with wave.open(held, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(ENGINE_RATE)
        wav.writeframes(pcm)
    return held.getvalue()


def _form(fields: dict[str, str], wav: bytes) -> tuple[bytes, str]:
    """A multipart/form-data body and its type."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="speech.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), wav, f"\r\n--{boundary}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={boundary}"


def _words(answer: bytes) -> str:
    text = json.loads(answer)["text"]
    if not isinstance(text, str):
        raise ValueError("the transcript is no text")
    return text.strip()
