"""Whom `rtproto stream` talks to, and why that one does not talk."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

from dotenv import dotenv_values

import rtproto
from rtproto import Endpoint, errors
from rtproto_cli._fatal import Fatal, system_reason


class Provider(str, Enum):
    """Whom to talk to."""

    local = "local"
    openai = "openai"
    azure = "azure"


def configured(provider: "Provider | None", url: "str | None") -> "Endpoint | None":
    """The server that was named, or that the environment configures; None for the embedded one. Raises Fatal."""
    environ = environment()
    try:
        if url is not None:
            if provider is not None:
                raise ValueError("--url and --provider both say whom to talk to: give one of them")
            return rtproto.endpoint(url, api_key=environ.get("OPENAI_API_KEY") or None)
        if provider is Provider.local:
            return None
        return rtproto.from_env(environ, provider.value if provider else None)
    except ValueError as error:
        raise Fatal(str(error), 2) from None


def environment() -> "dict[str, str]":
    """The environment's variables, and those of .env that it does not set. Raises Fatal."""
    return {**_dot_env(), **os.environ}


def _dot_env() -> "dict[str, str]":
    try:
        return {name: value for name, value in dotenv_values(".env").items() if value is not None}
    except UnicodeDecodeError:
        raise Fatal("cannot read .env: it is not UTF-8; save it as UTF-8, or move it away", 2) from None
    except OSError as error:
        raise Fatal(f"cannot read .env: {system_reason(error)}; check who may read it, or move it away", 2) from None


@contextmanager
def embedded(seconds_of_turn: "float | None", tell: Callable[[str], None]) -> Iterator[Endpoint]:
    """The embedded server, as long as this is open, for turns that are so long (None: not known).

    `tell` gets a line about what hears, understands and speaks in it. Raises Fatal.
    """
    try:
        import rtproto_emulator
    except ImportError as error:
        what = str(error).partition(": pip install")[0]
        advice = "pip install 'rtproto[cli,emulator]', or name a server with --url or --provider"
        raise Fatal(f"{what}: {advice}", 2) from None
    choice = rtproto_emulator.choose()
    settings = rtproto_emulator.Settings(engines=choice.engines)
    most = settings.max_input_ms / 1000
    if seconds_of_turn is not None and seconds_of_turn > most:
        raise Fatal(
            f"the file has {seconds_of_turn:.0f} s, and the embedded server takes {most:.0f} s in one turn; "
            "leave --no-vad out, cut the file, or name another server with --url or --provider",
            2,
        )
    tell(f"the embedded server: {choice}")
    with rtproto_emulator.start(settings=settings) as emulator:
        yield rtproto.endpoint(emulator.url)


_STATUS_HINTS = {
    401: "the key is wrong or missing; check OPENAI_API_KEY or AZURE_OPENAI_API_KEY, also in .env",
    403: "the key may not do this; check its project and permissions",
    404: "the address is wrong; check the path, the model or the deployment",
    429: "too many requests, or the quota is used up; try again later",
}


def handshake_line(error: errors.HandshakeError, endpoint: Endpoint) -> str:
    """Why the server did not open a session, and what to do."""
    where = f"{endpoint.host}:{endpoint.port}"
    hint = _STATUS_HINTS.get(error.status or 0)
    if hint is None:
        doubt = "" if error.reason.endswith("?") else "; is this a realtime server?"
        return f"no session with {where}: {error.reason}{doubt}"
    retry = next((value for name, value in error.headers if name.lower() == "retry-after"), None)
    after = f" (it asks to wait {retry} s)" if retry else ""
    return f"{where} answered HTTP {error.status}: {hint}{after}"
