"""A recogniser elsewhere: the client's part of `POST /audio/transcriptions`."""

from __future__ import annotations

import io
import json
import secrets
import wave
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ._engines import Speech
from ._sound import ENGINE_RATE

_MAX_ANSWER = 1024 * 1024
"""Bytes; what one says in a minute has a thousand."""
_SAID = 200
"""Characters of an error's text that are passed on."""


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would take the key to whoever it names."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


class RemoteDecoder:
    """One server; safe to use from several threads. Raises ValueError for what is no http or https URL."""

    def __init__(self, url: str, *, model: str, key: str | None, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("the URL of a recogniser must be like http://127.0.0.1:8000/v1")
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ValueError("the recogniser's key has characters that no HTTP header can carry")
        self._url = url.rstrip("/") + "/audio/transcriptions"
        self.host = parts.netloc
        self._model = model
        self._key = key
        self._timeout = timeout
        self._opener = build_opener(_NoRedirect)

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def decode(self, speech: Speech) -> str:
        """What the server says was said. Raises RuntimeError with one line that says why it does not."""
        fields = {"model": self._model, "response_format": "json", "language": speech.language, "prompt": speech.prompt}
        body, content_type = _form({name: text for name, text in fields.items() if text}, _wav(speech.pcm))
        request = Request(self._url, body, {"Content-Type": content_type}, method="POST")
        if self._key:
            request.add_unredirected_header("Authorization", f"Bearer {self._key}")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return _words(answer.read(_MAX_ANSWER))
        except HTTPError as error:
            with error:
                said = _reason(error.read(_MAX_ANSWER))
            why = f"answered HTTP {error.code}" + (f": {said}" if said else "")
        except URLError as error:
            why = f"cannot be reached: {error.reason}"
        except TimeoutError:
            why = f"did not answer in {self._timeout:g} s"
        except (OSError, HTTPException) as error:
            why = f"broke off: {error or type(error).__name__}"
        except (ValueError, KeyError, TypeError):
            why = "answered what is no transcript"
        line = f"the recogniser at {self.host} {why}"
        raise RuntimeError(line.replace(self._key, "***") if self._key else line)

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


def _reason(answer: bytes) -> str:
    """What an error says, if it says it as OpenAI does; else its first words."""
    try:
        said = json.loads(answer)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.decode(errors="replace")
    return " ".join(str(said).split())[:_SAID]
