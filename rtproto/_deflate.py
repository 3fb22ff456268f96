"""Agreeing on permessage-deflate (RFC 7692 section 7.1), strictly: wsproto's parsing stumbles over odd parameters."""

import re
from collections.abc import Iterable

from wsproto.extensions import Extension, PerMessageDeflate

_ANSWER = re.compile(r"(?:server|client)_no_context_takeover|(?:server|client)_max_window_bits=(?:9|1[0-5])")
_OFFER = re.compile(_ANSWER.pattern + "|client_max_window_bits")


def offer_deflate() -> str:
    """What a client offers."""
    return f"{PerMessageDeflate.name}; {PerMessageDeflate().offer()}"


def accept_deflate(offers: Iterable[str]) -> tuple[str, list[Extension]]:
    """The server's choice among `offers`: the first one that it understands, as header value ("": none) and extensions.

    A window of 8 bits is declined like an unknown parameter: zlib cannot compress with it.
    """
    for offer in offers:
        if _is_deflate(offer, _OFFER):
            extension = PerMessageDeflate()
            parameters = extension.accept(_unquoted(offer))
            return (f"{extension.name}; {parameters}" if parameters else extension.name), [extension]
    return "", []


def agreed_deflate(answers: list[str]) -> "list[Extension] | None":
    """The extensions that the server's `answers` switch on, or None where they are not what `offer_deflate` offered."""
    if len(answers) > 1 or not all(_is_deflate(answer, _ANSWER) for answer in answers):
        return None
    extensions: list[Extension] = []
    for answer in answers:
        extension = PerMessageDeflate()
        extension.finalize(_unquoted(answer))
        extensions.append(extension)
    return extensions


def _unquoted(extension: str) -> str:
    return extension.replace('"', "")


def _is_deflate(extension: str, parameter: re.Pattern[str]) -> bool:
    name, *parameters = [part.strip() for part in _unquoted(extension).split(";")]
    names = {text.partition("=")[0] for text in parameters}
    return (
        name == PerMessageDeflate.name and len(names) == len(parameters) and all(map(parameter.fullmatch, parameters))
    )
